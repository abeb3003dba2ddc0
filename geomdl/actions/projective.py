"""Projective maps of the plane (homographies) that move pixels: exactly where they can, else by cubic B-splines."""

import functools
from typing import NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike

from geomdl.actions.grid import turn
from geomdl.actions.warp import (
    PLANE_AXES,
    Padding,
    evaluate_spline,
    fold,
    map_of_images,
    pixel_positions,
    resampled_images,
    spline_coefficients,
)
from geomdl.arrays import as_array
from geomdl.errors import misshapen, unknown


def warp_projective(x: ArrayLike, matrix: ArrayLike, *, padding: Padding = "zeros") -> jax.Array:
    """Moves an image by a homography: x'(p) = x(H⁻¹p).

    p = (x to the right, y up) is measured in pixels from the image centre; H acts on (p, 1), followed by division by
    the third coordinate. What H moves beyond its horizon (third coordinate ≤ 0) is lost; pixels that nothing reaches
    are 0. The image between the pixels is the cubic B-spline through them, twice continuously differentiable, also in H
    at the identity, where the result equals x to rounding. For the affine maps (third row 0, 0, 1) this is
    `geomdl.actions.warp.warp`. `move` is exact where H maps the grid to itself.

    Args:
      x: images ``[batch, height, width, channels]``.
      matrix: H, ``[3, 3]`` for all images or ``[batch, 3, 3]``; may be traced and differentiated.
      padding: what lies outside: ``"zeros"``, ``"wrap"`` (periodic) or ``"mirror"`` (reflected about the edge pixels).

    Returns:
      The moved images, of the same shape; dtypes as of `geomdl.actions.warp.warp`.

    Raises:
      ValueError: for an unknown padding, complex numbers, arrays of other shapes, or a matrix without inverse.

    References:
      Hartley & Zisserman, Multiple view geometry in computer vision, 2nd ed. (2004), §2.3.

    >>> x = jnp.zeros((1, 5, 5, 1)).at[0, 2, 3, 0].set(1.0)  # one pixel right of the centre
    >>> quarter_turn = jnp.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> bool(jnp.allclose(warp_projective(x, quarter_turn)[0, 1, 2, 0], 1.0, atol=1e-6))  # now above it
    True
    """
    x, dtype = resampled_images(x, padding)
    return _warp_projective(x, map_of_images("homography", matrix, (3, 3), len(x), dtype), padding)


def move(x: ArrayLike, matrix: ArrayLike, *, padding: Padding = "zeros") -> jax.Array:
    """Moves an image by a homography, without interpolation where that is possible.

    Exact when ``matrix`` is concrete and maps the pixel grid to itself: quarter turns (of square images), flips, shifts
    by whole pixels, and what they make up. Otherwise `warp_projective`, whose arguments these are.

    Args:
      x: ``[batch, height, width, channels]``.
      matrix: the homography ``[3, 3]``, see `warp_projective`.
      padding: what is seen beyond the frame, see `warp_projective`.

    Raises:
      ValueError: as `warp_projective`.

    >>> x = jnp.arange(4.0).reshape(1, 1, 4, 1)
    >>> right = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> move(x, right, padding="wrap")[0, 0, :, 0]
    Array([3., 0., 1., 2.], dtype=float32)
    """
    if padding not in get_args(Padding):
        raise unknown("padding", padding, get_args(Padding))
    x = jnp.asarray(as_array(x, "images"))
    if x.ndim != 4:
        raise misshapen("images", x.shape, PLANE_AXES)
    transformation = None if isinstance(matrix, Tracer) else grid_transformation(np.asarray(matrix), x.shape[1:3])
    return warp_projective(x, matrix, padding=padding) if transformation is None else transformation.apply(x, padding)


class GridMotion(NamedTuple):
    """A homography that maps the pixel grid to itself: flip up–down, then turn, then shift.

    Attributes:
      reflected: 0 or 1.
      quarter_turns: counter-clockwise.
      rows: pixels down.
      columns: pixels to the right.
    """

    reflected: int
    quarter_turns: int
    rows: int
    columns: int

    def apply(self, x: jax.Array, padding: Padding = "zeros") -> jax.Array:
        """Moves images, fields or label maps ``[batch, height, width, ...]``; nothing is interpolated."""
        x = turn(x, self.reflected, self.quarter_turns)
        for axis, shift in ((1, self.rows), (2, self.columns)):
            if shift:
                source, inside = fold(np.arange(x.shape[axis]) - shift, x.shape[axis], padding)
                inside = np.asarray(inside).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
                x = jnp.where(inside, jnp.take(x, np.asarray(source), axis=axis), jnp.zeros((), x.dtype))
        return x


def grid_transformation(matrix: np.ndarray, size: tuple[int, ...]) -> GridMotion | None:
    """The transformation of the pixel grid that a concrete homography ``[3, 3]`` is, to 1e-6 pixels; None when it is
    none.

    >>> grid_transformation(np.array([[0.0, -1.0, 2.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), (4, 4))
    GridMotion(reflected=0, quarter_turns=1, rows=0, columns=2)
    >>> grid_transformation(np.eye(3) * [1.0, 1.0, 0.5], (4, 4)) is None  # twice as large
    True
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or abs(matrix[2, 2]) < 1e-9:
        return None
    matrix = matrix / matrix[2, 2]
    half = max(size) / 2  # a pixel at the edge must not move by more than the tolerance either
    scale = np.array([[half, half, 1], [half, half, 1], [half * half, half * half, 1]])
    rounded = np.rint(matrix)
    if np.abs((matrix - rounded) * scale).max() > 1e-6 or np.any(rounded[2, :2]):
        return None
    linear = rounded[:2, :2].astype(int)
    if abs(linear).sum(0).tolist() != [1, 1] or abs(linear).sum(1).tolist() != [1, 1]:
        return None
    reflected = int(np.rint(np.linalg.det(linear)) < 0)
    turns = {(1, 0): 0, (0, 1): 1, (-1, 0): 2, (0, -1): 3}[tuple(linear[:, 0].tolist())]  # where (1, 0) goes
    if turns % 2 and size[0] != size[1]:
        return None
    return GridMotion(reflected, turns, int(-rounded[1, 2]), int(rounded[0, 2]))


@functools.partial(jax.jit, static_argnames="padding")
def _warp_projective(x: jax.Array, matrix: jax.Array, padding: Padding) -> jax.Array:
    dtype, inverse = x.dtype, jnp.linalg.inv(matrix)
    x = x.astype(matrix.dtype)
    points = pixel_positions(x)
    homogeneous = jnp.concatenate([points, jnp.ones((*points.shape[:2], 1), x.dtype)], -1)

    def move(image: jax.Array, inverse: jax.Array) -> jax.Array:
        source = jnp.matmul(homogeneous, inverse.T, precision="highest")
        visible = source[..., 2:] > 1e-6
        divided = source[..., :2] / jnp.where(visible, source[..., 2:], 1)
        return jnp.where(visible, evaluate_spline(image, divided, padding), 0)

    moved = jax.vmap(move, in_axes=(0, 0 if matrix.ndim == 3 else None))(spline_coefficients(x, padding), inverse)
    return moved.astype(dtype)
