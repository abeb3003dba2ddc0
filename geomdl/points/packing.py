"""Clouds as one array, as data sets, loaders and training hold their examples."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.errors import invalid
from geomdl.points.clouds import as_cloud


def pack_clouds(points: Any, *, features: Any = None, mask: Any = None) -> np.ndarray:
    """Clouds as one float32 array ``[..., points, 4 + features]``: x, y, z, the features, and 1 where there is a point.

    Args:
      points: ``[..., points, 3]``.
      features: ``[..., points, features]``; None for none.
      mask: ``[..., points]`` bool, True where there is a point; None: everywhere.

    Raises:
      ValueError: for other shapes.

    >>> pack_clouds(np.zeros((8, 5, 3)), features=np.ones((8, 5, 2))).shape
    (8, 5, 6)
    """
    array, kept = as_cloud(np.asarray(points, np.float32), mask)
    places = np.asarray(array)
    there = np.ones(places.shape[:-1], np.float32) if kept is None else np.asarray(kept, np.float32)
    parts = [places, there[..., None]]
    if features is not None:
        given = np.asarray(features, np.float32)
        if given.shape[:-1] != places.shape[:-1]:
            raise invalid("shape of the features", given.shape, f"{places.shape[:-1]} and the features of each point")
        parts.insert(1, np.where(there[..., None] > 0, given, 0))
    return np.concatenate(parts, -1)


def unpack_clouds(packed: Any) -> tuple[jax.Array, jax.Array | None, jax.Array]:
    """The points, features (None where there are none) and mask of packed clouds; the inverse of `pack_clouds`.

    Args:
      packed: ``[..., points, 4 + features]``.

    Raises:
      ValueError: for fewer than four numbers to a point.

    >>> points, features, mask = unpack_clouds(pack_clouds(np.zeros((8, 5, 3))))
    >>> points.shape, features, bool(mask.all())
    ((8, 5, 3), None, True)
    """
    packed = jnp.asarray(packed)
    if packed.ndim < 2 or packed.shape[-1] < 4:
        allowed = "[..., points, 4 + features]: x, y, z, the features, and 1 where there is a point"
        raise invalid("shape of packed clouds", packed.shape, allowed)
    features = packed[..., 3:-1]
    return packed[..., :3], features if features.shape[-1] else None, packed[..., -1] > 0


class OfPackedClouds(nnx.Module):
    """A network on clouds, called with packed ones: ``network(points, features=, mask=)`` of `unpack_clouds`.

    Args:
      network: such as `geomdl.points.PointNetwork`.

    >>> farthest = lambda points, features, mask: (points**2).sum(-1).max(-1, keepdims=True)
    >>> OfPackedClouds(farthest)(pack_clouds(np.ones((2, 5, 3)))).tolist()
    [[3.0], [3.0]]
    """

    def __init__(self, network: Any) -> None:
        self.network = network

    @property
    def promises(self) -> str:
        """What the network keeps, in words."""
        return self.network.promises

    def __call__(self, packed: Any) -> jax.Array:
        """Scores ``[batch, classes]`` of clouds ``[batch, points, 4 + features]``."""
        points, features, mask = unpack_clouds(packed)
        return self.network(points, features=features, mask=mask)
