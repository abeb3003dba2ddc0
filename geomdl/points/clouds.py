"""Clouds as users give them."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.arrays import as_floating
from geomdl.errors import invalid, misshapen

_AXES = ("batch", "points", "channels")


def as_cloud(points: Any, mask: Any = None, what: str = "points") -> tuple[jax.Array, jax.Array | None]:
    """Coordinates, 0 in the padding, and the mask, as arrays of JAX of shapes that fit; see `require_cloud`."""
    points = jnp.asarray(as_floating(points, what))
    if points.ndim < 2 or points.shape[-1] != 3:
        if points.ndim < 2 or points.shape[-2] == 3:
            raise misshapen(what, points.shape, _AXES if points.ndim == 3 else _AXES[1:], 3, kind="clouds")
        raise invalid(f"shape of {what}", points.shape, "[..., points, 3], the coordinates x, y, z of each point")
    if mask is None:
        return points, None
    mask = jnp.asarray(mask)
    if mask.shape != points.shape[:-1]:
        raise invalid(f"shape of the mask of {what}", mask.shape, f"{points.shape[:-1]}, one entry for each point")
    if mask.dtype != bool:
        raise invalid(f"dtype of the mask of {what}", str(mask.dtype), "bool: True where there is a point")
    return jnp.where(mask[..., None], points, 0), mask  # whatever stands in the padding


def require_cloud(points: Any, *, mask: Any = None, least: int = 1, what: str = "points") -> None:
    """Raises ValueError unless an array is a point cloud, or a batch of them, whose neighbourhoods are well defined.

    It looks at the numbers, so it is for the outside of compiled functions; inside them only shapes are looked at.

    Args:
      points: ``[..., points, 3]``.
      mask: ``[..., points]``, True where there is a point.
      least: how many points there must be.
      what: they are, in messages.

    Raises:
      ValueError: for another shape, coordinates that are not finite, fewer points, or two points at one place, between
        which there is no direction.

    >>> require_cloud(np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, 0]]))
    Traceback (most recent call last):
    ValueError: invalid points 'points 0 and 2 at (0.0, 0.0, 0.0)'; allowed: different points, as there is no direction
    from one to the other; try np.unique(points, axis=0)
    """
    array, kept = as_cloud(points, mask, what)
    values = np.asarray(array, np.float64).reshape(math.prod(array.shape[:-2]), *array.shape[-2:])
    masks = np.ones(values.shape[:2], bool) if kept is None else np.asarray(kept).reshape(values.shape[:2])
    for number, (cloud, there) in enumerate(zip(values, masks, strict=True)):
        name = what if len(values) == 1 else f"cloud {number} of {what}"
        if not np.isfinite(cloud[there]).all():
            first = np.flatnonzero(there & ~np.isfinite(cloud).all(-1))[0]
            raise invalid(name, f"point {first} at {_shown(cloud[first])}", "finite coordinates")
        if there.sum() < least:
            raise invalid(f"number of {name}", int(there.sum()), f"{least} or more")
        order = np.lexsort(cloud.T)
        order = order[there[order]]
        same = np.flatnonzero((np.diff(cloud[order], axis=0) == 0).all(-1))
        if same.size:
            first, second = sorted(order[same[0] : same[0] + 2])
            raise invalid(
                name,
                f"points {first} and {second} at {_shown(cloud[first])}",
                "different points, as there is no direction from one to the other",
                "np.unique(points, axis=0)",
            )


def centred(points: Any, *, mask: Any = None) -> jax.Array:
    """The cloud with its centre of mass in the origin, x_i − mean x: what makes a function of points blind to shifts.

    Args:
      points: ``[..., points, 3]``.
      mask: ``[..., points]``, True where there is a point; the others become 0.

    Raises:
      ValueError: for another shape.

    >>> centred(np.array([[1.0, 0, 0], [3, 0, 2]], np.float32)).tolist()
    [[-1.0, 0.0, -1.0], [1.0, 0.0, 1.0]]
    """
    array, kept = as_cloud(points, mask)
    if kept is None:
        return array - array.mean(-2, keepdims=True)
    weight = kept[..., None].astype(array.dtype)
    centre = (array * weight).sum(-2, keepdims=True) / jnp.maximum(weight.sum(-2, keepdims=True), 1)
    return (array - centre) * weight


def positive(what: str, value: Any) -> float:
    """A length, as a float.

    Raises:
      ValueError: it is no number, or not above 0.

    >>> positive("radius", "2")
    Traceback (most recent call last):
    ValueError: invalid radius '2'; allowed: a number above 0; try 1.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not value > 0:
        raise invalid(what, value, "a number above 0", 1.0)
    return float(value)


def _shown(point: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(v), 6) for v in point)
