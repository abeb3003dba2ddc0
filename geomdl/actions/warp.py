"""Linear maps of the plane that move pixels off the grid: resampling by cubic B-splines."""

import functools
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.errors import unknown

Padding = Literal["zeros", "wrap", "mirror"]


def warp(x: ArrayLike, matrix: ArrayLike, offset: ArrayLike | None = None, *, padding: Padding = "zeros") -> jax.Array:
    """Moves an image by the affine map p ↦ A p + t: x'(p) = x(A⁻¹(p − t)).

    p = (x to the right, y up) is measured in pixels from the image centre. The image between the pixels is the cubic
    B-spline through them, which is twice continuously differentiable, also in A and t at the identity, where the result
    equals x to rounding. (Bilinear interpolation has a kink there, which spoils derivatives.) Not exact for other maps;
    use `geomdl.actions.grid` for shifts by pixels, quarter turns and flips.

    Args:
      x: images ``[batch, height, width, channels]``.
      matrix: A, ``[2, 2]`` for all images or ``[batch, 2, 2]``; may be traced and differentiated.
      offset: t in pixels, ``[2]`` or ``[batch, 2]``; zero by default.
      padding: what lies outside: ``"zeros"``, ``"wrap"`` (periodic) or ``"mirror"`` (reflected about the edge pixels).

    Returns:
      The moved images, of the same shape; pixels whose source lies outside follow ``padding``.

    Raises:
      ValueError: for an unknown padding or an array that is not ``[batch, height, width, channels]``.

    References:
      Thévenaz, Blu & Unser, Interpolation revisited, IEEE Trans. Med. Imaging 19 (2000), §IV.

    >>> x = jnp.zeros((1, 5, 5, 1)).at[0, 2, 3, 0].set(1.0)  # one pixel right of the centre
    >>> quarter_turn = jnp.array([[0.0, -1.0], [1.0, 0.0]])
    >>> bool(jnp.allclose(warp(x, quarter_turn)[0, 1, 2, 0], 1.0, atol=1e-6))  # now above it
    True
    """
    if padding not in get_args(Padding):
        raise unknown("padding of warp", padding, get_args(Padding))
    x = jnp.asarray(x)
    if x.ndim != 4:
        raise ValueError(f"warp needs images [batch, height, width, channels], got shape {x.shape}")
    matrix = jnp.asarray(matrix, x.dtype)
    offset = jnp.zeros(2, x.dtype) if offset is None else jnp.asarray(offset, x.dtype)
    return _warp(x, matrix, offset, padding)


def rotation_matrix(degrees: ArrayLike) -> jax.Array:
    """The rotation by an angle in degrees, counter-clockwise: ``[..., 2, 2]``.

    Args:
      degrees: one angle or an array of them.

    >>> rotation_matrix(90.0).round(3) + 0.0
    Array([[ 0., -1.],
           [ 1.,  0.]], dtype=float32)
    """
    angle = jnp.deg2rad(jnp.asarray(degrees, dtype=float))
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([jnp.stack([cos, -sin], -1), jnp.stack([sin, cos], -1)], -2)


def rotate(x: ArrayLike, degrees: ArrayLike, *, padding: Padding = "zeros") -> jax.Array:
    """Rotates images counter-clockwise about their centre.

    Exact (`jnp.rot90`) when ``degrees`` is a Python number and a multiple of 90; otherwise resampled by `warp`.

    Args:
      x: ``[batch, height, width, channels]``.
      degrees: one angle, or one per image ``[batch]``; may be traced.
      padding: see `warp`.

    >>> x = jnp.arange(9.0).reshape(1, 3, 3, 1)
    >>> bool((rotate(x, 90) == jnp.rot90(x, axes=(1, 2))).all())
    True
    """
    if isinstance(degrees, int | float | np.number) and float(degrees) % 90 == 0:
        return jnp.rot90(jnp.asarray(x), round(float(degrees) / 90) % 4, (1, 2))
    return warp(x, rotation_matrix(degrees), padding=padding)


@functools.partial(jax.jit, static_argnames="padding")
def _warp(x: jax.Array, matrix: jax.Array, offset: jax.Array, padding: Padding) -> jax.Array:
    inverse = jnp.linalg.inv(matrix)
    points = pixel_positions(x)

    def move(image: jax.Array, inverse: jax.Array, offset: jax.Array) -> jax.Array:
        return evaluate_spline(image, jnp.matmul(points - offset, inverse.T, precision="highest"), padding)

    axes = (0, 0 if matrix.ndim == 3 else None, 0 if offset.ndim == 2 else None)
    return jax.vmap(move, in_axes=axes)(spline_coefficients(x, padding), inverse, offset)


def spline_coefficients(x: jax.Array, padding: Padding) -> jax.Array:
    """The coefficients of the cubic B-spline through the pixels of images ``[batch, height, width, channels]``."""
    height, width = x.shape[1:3]
    return jnp.einsum(
        "ai,bijc,dj->badc",
        _prefilter(height, padding, x.dtype),
        x,
        _prefilter(width, padding, x.dtype),
        precision="highest",
    )


def pixel_positions(x: jax.Array) -> jax.Array:
    """Where the pixels of images lie: ``[height, width, 2]``, (x right, y up) in pixels from the centre."""
    height, width = x.shape[1:3]
    columns, rows = jnp.meshgrid(jnp.arange(width, dtype=x.dtype), jnp.arange(height, dtype=x.dtype))
    return jnp.stack([columns - (width - 1) / 2, (height - 1) / 2 - rows], -1)


def evaluate_spline(coefficients: jax.Array, points: jax.Array, padding: Padding) -> jax.Array:
    """The spline with coefficients ``[height, width, channels]`` at ``[..., 2]`` points as in `pixel_positions`."""
    height, width = coefficients.shape[:2]
    return _evaluate(coefficients, (height - 1) / 2 - points[..., 1], points[..., 0] + (width - 1) / 2, padding)


@functools.lru_cache(maxsize=128)
def _prefilter(size: int, padding: Padding, dtype: np.dtype) -> np.ndarray:
    """The matrix that turns samples into B-spline coefficients: inverse of the matrix with rows (1/6, 4/6, 1/6)."""
    samples = np.zeros((size, size))
    for i in range(size):
        for tap, weight in ((-1, 1 / 6), (0, 4 / 6), (1, 1 / 6)):
            j, inside = fold(np.array(i + tap), size, padding)
            samples[i, j] += weight * inside
    return np.linalg.inv(samples).astype(dtype)


def fold(index: ArrayLike, size: int, padding: Padding) -> tuple[jax.Array | np.ndarray, jax.Array | np.ndarray]:
    """Brings an index that may lie outside into the range, and says whether it counts."""
    xp = np if isinstance(index, np.ndarray) else jnp
    index = xp.asarray(index)
    if padding == "wrap":
        return xp.mod(index, size), xp.ones_like(index, dtype=bool)
    if padding == "mirror":
        period = max(2 * (size - 1), 1)
        folded = xp.mod(index, period)
        return xp.minimum(folded, period - folded) if size > 1 else folded * 0, xp.ones_like(index, dtype=bool)
    return xp.clip(index, 0, size - 1), (index >= 0) & (index < size)


def _evaluate(coefficients: jax.Array, rows: jax.Array, columns: jax.Array, padding: Padding) -> jax.Array:
    """The spline with coefficients ``[height, width, channels]`` at points ``[height, width]``: 4 × 4 taps."""
    height, width = coefficients.shape[:2]
    row_taps, column_taps = _taps(rows, height, padding), _taps(columns, width, padding)
    total = jnp.zeros((*rows.shape, coefficients.shape[2]), coefficients.dtype)
    for i, weight_i in row_taps:
        for j, weight_j in column_taps:
            total = total + (weight_i * weight_j)[..., None] * coefficients[i, j]
    return total


def _taps(position: jax.Array, size: int, padding: Padding) -> list[tuple[jax.Array, jax.Array]]:
    """The four coefficients that matter at a position, with their weights (the cubic B-spline)."""
    base = jnp.floor(position)
    t = position - base
    weights = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    taps: list[tuple[jax.Array, jax.Array]] = []
    for step, weight in zip((-1, 0, 1, 2), weights, strict=True):
        index, inside = fold(base.astype(jnp.int32) + step, size, padding)
        taps.append((jnp.asarray(index), jnp.where(inside, weight, 0)))
    return taps
