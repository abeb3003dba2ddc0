"""Linear maps of the plane that move pixels off the grid: resampling by cubic B-splines."""

import functools
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.arrays import as_array, as_floating, wide_dtype
from geomdl.errors import invalid, misshapen, unknown

Padding = Literal["zeros", "wrap", "mirror"]
PLANE_AXES = ("batch", "height", "width", "channels")
"""The axes of images."""


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
      The moved images, of the same shape and precision; pixels whose source lies outside follow ``padding``. Whole
      numbers and bool become floating-point numbers. Coordinates are computed in float32 at least.

    Raises:
      ValueError: for an unknown padding, complex numbers, an array that is not ``[batch, height, width, channels]``, or
        a matrix that cannot be inverted.

    References:
      Thévenaz, Blu & Unser, Interpolation revisited, IEEE Trans. Med. Imaging 19 (2000), §IV.

    >>> x = jnp.zeros((1, 5, 5, 1)).at[0, 2, 3, 0].set(1.0)  # one pixel right of the centre
    >>> quarter_turn = jnp.array([[0.0, -1.0], [1.0, 0.0]])
    >>> bool(jnp.allclose(warp(x, quarter_turn)[0, 1, 2, 0], 1.0, atol=1e-6))  # now above it
    True
    """
    x, dtype = resampled_images(x, padding)
    matrix = map_of_images("matrix", matrix, (2, 2), len(x), dtype)
    offset = jnp.zeros(2, dtype) if offset is None else map_of_images("offset", offset, (2,), len(x), dtype)
    return _warp(x, matrix, offset, padding)


def resampled_images(x: ArrayLike, padding: Padding) -> tuple[jax.Array, np.dtype]:
    """Images that are to be resampled, with a floating point, and the dtype of their coordinates.

    Raises:
      ValueError: for an unknown padding, complex numbers, or no ``[batch, height, width, channels]``.
    """
    if padding not in get_args(Padding):
        raise unknown("padding", padding, get_args(Padding))
    x = jnp.asarray(as_floating(x, "images", integers="converted"))
    if x.ndim != 4:
        raise misshapen("images", x.shape, PLANE_AXES)
    return x, wide_dtype(x.dtype)


def map_of_images(what: str, value: ArrayLike, shape: tuple[int, ...], batch: int, dtype: np.dtype) -> jax.Array:
    """A matrix or vector by which images are moved: one for all, or one for each.

    Raises:
      ValueError: for another shape, and where the numbers are known without waiting for a device: for NaN, infinities
        and matrices that have no inverse.
    """
    value = as_array(value, what)
    if value.shape not in (shape, (batch, *shape)):
        raise invalid(f"shape of the {what}", value.shape, f"{shape}, or {(batch, *shape)} for each image", shape)
    if isinstance(value, np.ndarray):
        if not np.isfinite(value).all():
            raise invalid(what, value.tolist(), "finite numbers")
        if len(shape) == 2 and not np.all(np.abs(np.linalg.det(value.astype(np.float64))) > 1e-12):
            raise invalid(what, value.tolist(), "a matrix that has an inverse")
    return jnp.asarray(value, dtype)


def rotation_matrix(degrees: ArrayLike) -> jax.Array:
    """The rotation by an angle in degrees, counter-clockwise: ``[..., 2, 2]``.

    Args:
      degrees: one angle or an array of them.

    Raises:
      ValueError: for something else than finite numbers.

    >>> rotation_matrix(90.0).round(3) + 0.0
    Array([[ 0., -1.],
           [ 1.,  0.]], dtype=float32)
    """
    angles = as_floating(degrees, "degrees", integers="converted")
    if isinstance(angles, np.ndarray) and not np.isfinite(angles).all():
        raise invalid("degrees", angles.tolist(), "finite numbers")
    angle = jnp.deg2rad(jnp.asarray(angles, dtype=float))
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([jnp.stack([cos, -sin], -1), jnp.stack([sin, cos], -1)], -2)


def rotate(x: ArrayLike, degrees: ArrayLike, *, padding: Padding = "zeros") -> jax.Array:
    """Rotates images counter-clockwise about their centre.

    Exact (`jnp.rot90`) when ``degrees`` is a Python number and a multiple of 90, for numbers of any kind; otherwise
    resampled by `warp`, which makes floating-point numbers of whole ones.

    Args:
      x: ``[batch, height, width, channels]``.
      degrees: one angle, or one per image ``[batch]``; may be traced.
      padding: see `warp`.

    Raises:
      ValueError: as `warp`.

    >>> x = jnp.arange(9.0).reshape(1, 3, 3, 1)
    >>> bool((rotate(x, 90) == jnp.rot90(x, axes=(1, 2))).all())
    True
    """
    if isinstance(degrees, int | float | np.integer | np.floating) and float(degrees) % 90 == 0:
        x = jnp.asarray(as_array(x, "images"))
        if x.ndim != 4:
            raise misshapen("images", x.shape, PLANE_AXES)
        return jnp.rot90(x, round(float(degrees) / 90) % 4, (1, 2))
    return warp(x, rotation_matrix(degrees), padding=padding)


@functools.partial(jax.jit, static_argnames="padding")
def _warp(x: jax.Array, matrix: jax.Array, offset: jax.Array, padding: Padding) -> jax.Array:
    dtype, inverse = x.dtype, jnp.linalg.inv(matrix)
    x = x.astype(matrix.dtype)
    points = pixel_positions(x)

    def move(image: jax.Array, inverse: jax.Array, offset: jax.Array) -> jax.Array:
        return evaluate_spline(image, jnp.matmul(points - offset, inverse.T, precision="highest"), padding)

    axes = (0, 0 if matrix.ndim == 3 else None, 0 if offset.ndim == 2 else None)
    return jax.vmap(move, in_axes=axes)(spline_coefficients(x, padding), inverse, offset).astype(dtype)


def spline_coefficients(x: jax.Array, padding: Padding) -> jax.Array:
    """The coefficients of the cubic B-spline through the pixels of images ``[batch, height, width, channels]``."""
    height, width = x.shape[1:3]
    return jnp.einsum(
        "ai,bijc,dj->badc",
        prefilter(height, padding, x.dtype),
        x,
        prefilter(width, padding, x.dtype),
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
def prefilter(size: int, padding: Padding, dtype: np.dtype) -> np.ndarray:
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
    row_taps, column_taps = spline_taps(rows, height, padding), spline_taps(columns, width, padding)
    total = jnp.zeros((*rows.shape, coefficients.shape[2]), coefficients.dtype)
    for i, weight_i in row_taps:
        for j, weight_j in column_taps:
            total = total + (weight_i * weight_j)[..., None] * coefficients[i, j]
    return total


def spline_taps(position: jax.Array, size: int, padding: Padding) -> list[tuple[jax.Array, jax.Array]]:
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


def linear_taps(position: jax.Array, size: int, padding: Padding) -> list[tuple[jax.Array, jax.Array]]:
    """The two samples next to a position, with their weights."""
    base = jnp.floor(position)
    t = position - base
    taps: list[tuple[jax.Array, jax.Array]] = []
    for step, weight in ((0, 1 - t), (1, t)):
        index, inside = fold(base.astype(jnp.int32) + step, size, padding)
        taps.append((jnp.asarray(index), jnp.where(inside, weight, 0)))
    return taps
