"""Point clouds as they come, made ready for a network."""

from typing import Any

import numpy as np

from geomdl.arrays import as_array
from geomdl.errors import invalid


def separate_clouds(clouds: Any) -> list[Any]:
    """Clouds one by one.

    Args:
      clouds: one, ``[points, 3 + features]``, a batch of them, packed ones, or a list of clouds.

    >>> len(separate_clouds(np.zeros((2, 5, 3)))), len(separate_clouds(np.zeros((5, 3))))
    (2, 1)
    """
    if isinstance(clouds, list | tuple) and clouds and getattr(clouds[0], "ndim", 0) > 1:
        return list(clouds)
    array = np.asarray(as_array(clouds, "clouds"))
    return list(array) if array.ndim == 3 or not array.size else [array]


def packed_cloud(cloud: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """A cloud as a network takes it, ``[places, 4 + features]``, see `geomdl.points.pack_clouds`.

    A cloud of fewer points than those of training is filled up to their number with padding; of more points it gets at
    most a quarter more places than it needs, so that few programs are made for clouds of many sizes.

    Args:
      cloud: ``[points, 3 + features]``, or packed.
      shape: (points, 4 + features) of the clouds that the network was trained on.
      name: of the cloud, for errors.

    Raises:
      ValueError: for another width, numbers that are not finite, no point, or two points at one place.

    >>> packed_cloud(np.eye(3), (4, 4), "corner").tolist()
    [[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    from geomdl.points import pack_clouds, require_cloud  # e3nn-jax takes a second to import

    usual, width = shape
    array = np.asarray(as_array(cloud, f"cloud {name}"))
    features = width - 4
    packed = array.ndim == 2 and array.shape[-1] == width and _is_packed(array)
    if array.ndim != 2 or (array.shape[-1] != width - 1 and not packed):
        behind = f", the {features} features that the network was trained with behind x, y, z" if features else ""
        raise invalid(f"shape of cloud {name}", array.shape, f"[points, {width - 1}]{behind}")
    if array.dtype.kind not in "fiu":
        raise invalid(f"dtype of cloud {name}", str(array.dtype), "real numbers", "float32")
    array = array[array[:, -1] > 0, :-1] if packed else array
    array = array.astype(np.float32)
    require_cloud(array[:, :3], what=f"points of cloud {name}")
    if not np.isfinite(array).all():
        raise invalid(f"features of cloud {name}", "NaN or infinity", "finite numbers")
    result = np.zeros((max(usual, _places(len(array))), width), np.float32)
    result[: len(array)] = pack_clouds(array[:, :3], features=array[:, 3:] if features else None)
    return result


def _is_packed(array: np.ndarray) -> bool:
    """Whether the last column is 1 where there is a point, and all is 0 where there is none."""
    there = array[:, -1]
    return bool(np.isin(there, (0, 1)).all()) and not array[there == 0].any()


def _places(count: int) -> int:
    """The next of the numbers 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, …: four in each octave."""
    step = 1 << max(count.bit_length() - 3, 0)
    return -(-count // step) * step
