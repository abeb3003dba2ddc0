"""Linear maps of space that move voxels off the grid: resampling by cubic B-splines, or trilinearly."""

import functools
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.warp import Padding, linear_taps, map_of_images, prefilter, spline_taps
from geomdl.arrays import as_floating, wide_dtype
from geomdl.errors import misshapen, unknown

VOLUME_AXES = ("batch", "depth", "height", "width", "channels")
"""The axes of volumes."""
Interpolation = Literal["cubic", "linear"]


def warp_volume(
    x: ArrayLike, matrix: ArrayLike, *, padding: Padding = "zeros", interpolation: Interpolation = "cubic"
) -> jax.Array:
    """Moves volumes by the linear map p ↦ A p about their centre: x'(p) = x(A⁻¹ p).

    p = (x, y, z) in voxels from the centre, where (depth, height, width) = (−z, −y, x). Between the voxels a volume is
    the cubic B-spline through them, as `geomdl.actions.warp.warp` does for images, or linear along each axis, which is
    faster (8 numbers for each voxel in place of 64) and blurs more. Symmetries of the cube are exact to rounding;
    `geomdl.actions.act` moves voxels to voxels.

    Args:
      x: volumes ``[batch, depth, height, width, channels]``.
      matrix: A, ``[3, 3]`` for all volumes or ``[batch, 3, 3]``; may be traced and differentiated.
      padding: what lies outside: ``"zeros"``, ``"wrap"`` or ``"mirror"``; see `geomdl.actions.warp.warp`.
      interpolation: ``"cubic"`` or ``"linear"``.

    Returns:
      The moved volumes, of the same shape and precision; whole numbers become floating-point numbers.

    Raises:
      ValueError: for an unknown padding or interpolation, another shape, or a matrix that cannot be inverted.

    >>> x = jnp.zeros((1, 5, 5, 5, 1)).at[0, 2, 2, 3, 0].set(1.0)  # one voxel along x
    >>> quarter_turn = jnp.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # x to y, which runs up the rows
    >>> bool(jnp.allclose(warp_volume(x, quarter_turn)[0, 2, 1, 2, 0], 1.0, atol=1e-5))
    True
    """
    if padding not in ("zeros", "wrap", "mirror"):
        raise unknown("padding", padding, ["zeros", "wrap", "mirror"])
    if interpolation not in get_args(Interpolation):
        raise unknown("interpolation", interpolation, get_args(Interpolation))
    x = jnp.asarray(as_floating(x, "volumes", integers="converted"))
    if x.ndim != 5:
        raise misshapen("volumes", x.shape, VOLUME_AXES)
    return _warp(x, map_of_images("matrix", matrix, (3, 3), len(x), wide_dtype(x.dtype)), padding, interpolation)


@functools.partial(jax.jit, static_argnames=("padding", "interpolation"))
def _warp(x: jax.Array, matrix: jax.Array, padding: Padding, interpolation: Interpolation) -> jax.Array:
    dtype, inverse, sizes = x.dtype, jnp.linalg.inv(matrix), x.shape[1:4]
    x = x.astype(matrix.dtype)
    places = [np.arange(n) - (n - 1) / 2 for n in sizes]
    depth, height, width = np.meshgrid(*places, indexing="ij")
    points = jnp.asarray(np.stack([width, -height, -depth], -1), x.dtype)
    weigh, count = (spline_taps, 4) if interpolation == "cubic" else (linear_taps, 2)

    def move(volume: jax.Array, inverse: jax.Array) -> jax.Array:
        source = jnp.einsum("ij,dhwj->idhw", inverse, points, precision="highest")
        along = (-source[2], -source[1], source[0])
        taps = [weigh(p + (n - 1) / 2, n, padding) for p, n in zip(along, sizes, strict=True)]
        index, weight = (jnp.stack([jnp.stack([tap[part] for tap in axis]) for axis in taps]) for part in (0, 1))

        def add(total: jax.Array, tap: jax.Array) -> tuple[jax.Array, None]:
            i, j, k = (index[axis, tap[axis]] for axis in range(3))
            share = weight[0, tap[0]] * weight[1, tap[1]] * weight[2, tap[2]]
            return total + share[..., None] * volume[i, j, k], None

        every = np.stack(np.meshgrid(*[np.arange(count)] * 3, indexing="ij"), -1).reshape(-1, 3)
        return jax.lax.scan(add, jnp.zeros_like(volume), jnp.asarray(every))[0]

    if interpolation == "cubic":
        filters = [prefilter(n, padding, x.dtype) for n in sizes]
        x = jnp.einsum("ai,bj,ck,nijkf->nabcf", *filters, x, precision="highest")
    return jax.vmap(move, in_axes=(0, 0 if matrix.ndim == 3 else None))(x, inverse).astype(dtype)
