"""Point clouds as they come, made ready for a network."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from geomdl.arrays import as_array
from geomdl.errors import invalid
from geomdl.inference.cloud_files import cloud_sources


def named_clouds(clouds: Any, names: Sequence[str] | None, features: int) -> tuple[list[Any], tuple[str, ...]]:
    """Clouds one by one, read where they are paths, and their names.

    Args:
      clouds: one, ``[points, 3 + features]``, a batch of them, packed ones, a list of clouds, or paths.
      names: of the clouds; None for their numbers or files.
      features: how many numbers the network takes with each point.

    Raises:
      ValueError: there are none, or names of another number.

    >>> found, names = named_clouds(np.zeros((2, 5, 3)), None, 0)
    >>> len(found), found[0].shape, names
    (2, (5, 3), ('0', '1'))
    """
    first = clouds[0] if isinstance(clouds, list | tuple) and clouds else clouds
    if isinstance(first, str | os.PathLike):
        paths: Any = [clouds] if isinstance(clouds, str | os.PathLike) else clouds
        sources = cloud_sources(paths, features)
        names = [source.name for source in sources] if names is None else names
        given = [source.read() for source in sources]
    elif isinstance(clouds, list | tuple) and clouds and getattr(first, "ndim", 0) > 1:
        given = list(clouds)
    else:
        array = np.asarray(as_array(clouds, "clouds"))
        given = list(array) if array.ndim == 3 or not array.size else [array]
    if not given:
        raise invalid("clouds", "none", "one cloud or more")
    names = tuple(map(str, range(len(given)))) if names is None else tuple(names)
    if len(names) != len(given):
        raise invalid("names", len(names), f"one for each of {len(given)} clouds")
    return given, names


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
