"""Volumes as they come, made ready for a network."""

from typing import Any

import numpy as np

from geomdl.arrays import as_array
from geomdl.data.sources.space.fitting import VolumeFitting
from geomdl.errors import invalid


def separate_volumes(volumes: Any, channels: int) -> list[Any]:
    """Volumes one by one.

    Args:
      volumes: one, ``[depth, height, width]`` or with channels behind, a batch of them, or a list. Of four axes the
        last is that of channels if it is as long as the network has channels.
      channels: of the network.

    Raises:
      ValueError: for an array of another number of axes.

    >>> [len(separate_volumes(np.zeros(s), 1)) for s in ((4, 4, 4), (4, 4, 4, 1), (5, 4, 4, 4), (5, 4, 4, 4, 1))]
    [1, 1, 5, 5]
    """
    if isinstance(volumes, list | tuple) and volumes and len(getattr(volumes[0], "shape", ())) > 2:
        return list(volumes)
    array = np.asarray(as_array(volumes, "volumes"))
    if not array.size:
        return []
    if array.ndim not in (3, 4, 5):
        raise invalid("shape of the volumes", array.shape, "[depth, height, width], with channels behind, or a batch")
    return [array] if array.ndim == 3 or (array.ndim == 4 and array.shape[-1] == channels) else list(array)


def prepared_volume(volume: Any, channels: int, fitting: VolumeFitting, name: str) -> np.ndarray:
    """A volume ``[depth, height, width, channels]``, in the window and of the size of the run.

    Args:
      volume: ``[depth, height, width]``, or with channels behind.
      channels: of the network.
      fitting: of the run.
      name: of the volume, for errors.

    Raises:
      ValueError: for another number of axes or channels, numbers that are not real or not finite, or whole ones without
        a window.

    >>> prepared_volume(np.zeros((2, 2, 2), np.uint8), 1, VolumeFitting(size=3), "scan").shape
    (3, 3, 3, 1)
    """
    array = np.asarray(as_array(volume, f"volume {name}"))
    if array.ndim not in (3, 4):
        raise invalid(f"shape of volume {name}", array.shape, f"[depth, height, width, {channels}]")
    array = array if array.ndim == 4 else array[..., None]
    if array.shape[-1] != channels:
        what = f"number of channels of volume {name}, of the shape {array.shape},"
        raise invalid(what, array.shape[-1], f"{channels}; the last of four axes is that of channels, not of time")
    if array.dtype.kind not in "fiub":
        raise invalid(f"dtype of volume {name}", str(array.dtype), "real numbers", "float32")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise invalid(f"volume {name}", "NaN or infinite", "finite numbers")
    return fitting(array, f"volume {name}")
