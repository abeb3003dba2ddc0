"""One-parameter groups e^{tX} of transformations of images, for Lie derivatives and for Klein's ladder."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike

from geomdl.actions.projective import move
from geomdl.actions.warp import PLANE_AXES, Padding
from geomdl.arrays import as_array, as_floating, wide_dtype
from geomdl.errors import invalid, misshapen

Matrix = tuple[tuple[float, float, float], ...]


@dataclasses.dataclass(frozen=True)
class Generator:
    """A one-parameter group of transformations, e^{sX} e^{tX} = e^{(s+t)X}.

    Either the plane moves, by the homographies e^{tX} of a matrix X, or the values of the pixels change.

    Args:
      name: of the group.
      matrix: X as 3 × 3 nested tuples, in coordinates (x right, y up) from the image centre: translations in pixels,
        perspective (the third row) per half of the image's width and height. None for pixel values.
      values: ``(t, x) -> x'`` for pixel values; t is a number or ``[batch, 1, 1, 1]``.

    >>> GENERATORS["rotate"].matrix
    ((0, -1, 0), (1, 0, 0), (0, 0, 0))
    >>> GENERATORS["brightness"].act(0.5, jnp.zeros((1, 1, 2, 1))).ravel()
    Array([0.5, 0.5], dtype=float32)
    """

    name: str
    matrix: Matrix | None
    values: Callable[[jax.Array, jax.Array], jax.Array] | None = None

    def __post_init__(self) -> None:
        if (self.matrix is None) == (self.values is None):
            raise ValueError(f"generator {self.name!r} needs either a matrix or a map of pixel values, not both")

    def act(self, t: ArrayLike, x: ArrayLike, *, padding: Padding = "zeros") -> jax.Array:
        """e^{tX} x: exact where the grid is mapped to itself and t is concrete, else smooth in t, also at 0.

        Args:
          t: a number, or one for each image ``[batch]``; may be traced and differentiated.
          x: ``[batch, height, width, channels]``.
          padding: what lies outside the image, see `geomdl.actions.warp`.

        Raises:
          ValueError: for a t that is not finite, and as `geomdl.actions.warp`.
        """
        x = jnp.asarray(as_array(x, "images"))
        if x.ndim != 4:
            raise misshapen("images", x.shape, PLANE_AXES)
        if self.values is not None:
            x = jnp.asarray(as_floating(x, "images", integers="converted"))
            t = jnp.asarray(_strength(t), wide_dtype(x.dtype))
            return self.values(t.reshape(-1, 1, 1, 1) if t.ndim else t, x.astype(t.dtype)).astype(x.dtype)
        return move(x, self._homography(t, (x.shape[1], x.shape[2])), padding=padding)

    def matrix_at(self, t: ArrayLike, size: tuple[int, int]) -> np.ndarray | jax.Array | None:
        """The homography e^{tX} ``[3, 3]`` in pixels for images of ``(height, width)``; None for pixel values.

        A NumPy array in float64 when t is concrete. ``[batch, 3, 3]`` when t is ``[batch]``.
        """
        return None if self.matrix is None else self._homography(t, size)

    def _homography(self, t: ArrayLike, size: tuple[int, int]) -> np.ndarray | jax.Array:
        if isinstance(t, Tracer):
            t = t.astype(wide_dtype(t.dtype))
            return exponential(jnp.asarray(self.pixel_matrix(size), t.dtype) * t[..., None, None], size)
        return exponential(self.pixel_matrix(size) * np.asarray(_strength(t), np.float64)[..., None, None], size)

    def pixel_matrix(self, size: tuple[int, int]) -> np.ndarray:
        """X in pixels, for images of ``(height, width)``.

        >>> GENERATORS["perspective_x"].pixel_matrix((4, 8))[2]
        array([0.25, 0.  , 0.  ])
        """
        height, width = size
        row = np.array([2 / width, 2 / height, 1.0])
        return np.asarray(self.matrix, np.float64) * np.stack([np.ones(3), np.ones(3), row])


def _strength(t: ArrayLike) -> jax.Array | np.ndarray:
    t = as_floating(t, "t", integers="converted")
    if isinstance(t, np.ndarray) and not np.isfinite(t).all():
        raise invalid("t", t.tolist(), "finite numbers")
    return t


def exponential(matrix: np.ndarray | jax.Array, size: tuple[int, int]) -> np.ndarray | jax.Array:
    """The matrix exponential e^X of matrices ``[..., 3, 3]`` in pixels, for images of ``(height, width)``.

    By scaling and squaring of the Taylor series, in units of half the image. It can be differentiated at 0, where the
    result is the identity without rounding.

    >>> exponential(np.array([[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), (4, 4))[0]
    array([1., 0., 2.])
    """
    half = max(size) / 2
    units = np.array([[1, 1, half], [1, 1, half], [1 / half, 1 / half, 1]])
    if isinstance(matrix, np.ndarray):
        largest = np.abs(matrix / units).sum(-1).max(initial=1e-3)
        squarings = max(0, math.ceil(math.log2(largest)) + 2)
        result, identity = matrix / units / 2**squarings, np.eye(3)
        power = identity
        for k in range(12, 0, -1):
            power = identity + result @ power / k
        for _ in range(squarings):
            power = power @ power
        return power * units
    squarings = 5  # exact to rounding for entries up to about 16, as for several turns
    scaled, identity = matrix / jnp.asarray(units * 2**squarings, matrix.dtype), jnp.eye(3, dtype=matrix.dtype)
    power = jnp.broadcast_to(identity, matrix.shape)
    for k in range(12, 0, -1):
        power = identity + jnp.matmul(scaled, power, precision="highest") / k
    for _ in range(squarings):
        power = jnp.matmul(power, power, precision="highest")
    return power * jnp.asarray(units, matrix.dtype)


def _contrast(t: jax.Array, x: jax.Array) -> jax.Array:
    mean = x.mean((1, 2, 3), keepdims=True)
    return jnp.exp(t) * (x - mean) + mean


_GENERATORS = (
    Generator("translate_x", ((0, 0, 1), (0, 0, 0), (0, 0, 0))),
    Generator("translate_y", ((0, 0, 0), (0, 0, 1), (0, 0, 0))),
    Generator("rotate", ((0, -1, 0), (1, 0, 0), (0, 0, 0))),
    Generator("scale", ((1, 0, 0), (0, 1, 0), (0, 0, 0))),
    Generator("shear", ((0, 1, 0), (0, 0, 0), (0, 0, 0))),
    Generator("stretch", ((1, 0, 0), (0, -1, 0), (0, 0, 0))),
    Generator("perspective_x", ((0, 0, 0), (0, 0, 0), (1, 0, 0))),
    Generator("perspective_y", ((0, 0, 0), (0, 0, 0), (0, 1, 0))),
    Generator("contrast", None, _contrast),
    Generator("brightness", None, lambda t, x: x + t),
)

GENERATORS: Mapping[str, Generator] = MappingProxyType({g.name: g for g in _GENERATORS})
"""The one-parameter groups by name, and what t measures.

- ``translate_x``, ``translate_y``: pixels to the right, and up;
- ``rotate``: radians, counter-clockwise;
- ``scale``: the logarithm of the factor;
- ``shear``: x ↦ x + t y;
- ``stretch``: (x, y) ↦ (eᵗ x, e⁻ᵗ y);
- ``perspective_x``, ``perspective_y``: p ↦ p / (1 + t x / (width / 2)), and the same with y and the height;
- ``contrast``: x ↦ eᵗ (x − m) + m with m the mean over an image's pixels and channels;
- ``brightness``: x ↦ x + t.
"""
