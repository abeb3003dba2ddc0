"""The factored group convolution as one kernel for GPUs, in Pallas: what it expands is never in memory.

One program computes a few tiles of 4 × 4 pixels of the output for one unit of `geomdl.kernels.factored.plan`. Column by
column it multiplies the constant matrix of the column (a block of a Toeplitz matrix) with the window of the image that
the tile sees, and what comes of that with the block of the mixing matrix: two products of small matrices in a row, the
first of which stays in registers. The gradient of the input is the same kernel with the roles of units and sources
exchanged; that of the matrices is a second kernel, which computes the columns once more.

So it is on Pallas's Triton backend, which JAX supports before 0.12. The two kernels for the Mosaic backend are in
`geomdl.layers.convolution.algorithms.mosaic_kernel`; `geomdl.layers.convolution.algorithms.gpu_backend` says which of
the backends a JAX has.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl
from jax.typing import DTypeLike

from geomdl.equivariance.contracts.contract import Size
from geomdl.errors import invalid
from geomdl.kernels.factored.columns import Columns, columns_of
from geomdl.layers.convolution.algorithms.gpu_backend import gpu_backend
from geomdl.layers.convolution.algorithms.mixing import Geometry
from geomdl.layers.core.correlation import pad
from geomdl.layers.core.field_channels import wide

TILE = 4
"""Pixels along the sides of a tile."""

TILES = 4
"""Tiles in a row that one program computes, for which it reads the mixing matrix once."""

CHANNELS = 64
"""The most fields that are read, and that are written, at a time."""

SMALLEST = 16
"""Of a product of matrices, each side: what tensor cores take."""


def mix_by_one_kernel(
    coordinates: Sequence[jax.Array], matrices: Sequence[jax.Array], geometry: Geometry, dtype: DTypeLike
) -> list[jax.Array]:
    """`geomdl.layers.convolution.algorithms.mixing.mix` by one kernel for each matrix, which multiplies numbers of a
    dtype.

    On CPUs it is interpreted, which is slow. It has a derivative for `jax.grad`, and no other.
    """
    window, plan, padded = geometry.window, geometry.plan, []
    for z in coordinates:
        flat = z.astype(dtype).reshape(-1, *geometry.size, z.shape[-1])
        flat = pad(flat, window.pixels_of_padding, window.padding_mode)
        padded.append(flat.reshape(*z.shape[:3], *flat.shape[1:]))
    found: list[Any] = [0] * len(plan.groups)
    for (g, i), matrix in zip(geometry.pairs, matrices, strict=True):
        blocks = matrix.reshape(*matrix.shape[:2], plan.groups[g].heights[i], -1).transpose(0, 2, 3, 1)
        columns = columns_of(plan.inputs[i], plan.groups[g], i)
        z, blocks = _vary_alike(padded[i], blocks.astype(dtype))
        _require_unchecked(z)
        w = window.isotropic
        y: Any = _expand_and_mix(z, blocks, columns, w.stride, w.dilation, geometry.out_size)
        found[g] += y.transpose(0, 5, 2, 1, 3, 4).reshape(y.shape[0], y.shape[5], y.shape[2], y.shape[1], -1)
    return found


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _expand_and_mix(
    z: jax.Array, matrix: jax.Array, columns: Columns, stride: int, dilation: int, size: Size
) -> jax.Array:
    """``[units, stacked, images, *size, outputs]``.

    Of z ``[sources, components, images, height, width, fields]``, padded, and ``[units, height, fields, outputs]``.
    """
    if gpu_backend() == "mosaic":
        from geomdl.layers.convolution.algorithms import mosaic_kernel

        return mosaic_kernel.expand_and_mix(z, matrix, columns, stride, dilation, size)
    tiles = _Tiles.of(z, matrix, columns, stride, dilation, size)
    units, stacked, height = columns.index.shape
    dtype, sums_in, chunks = z.dtype, wide(z.dtype), tiles.z.shape[-1] // tiles.fields

    def kernel(z_ref: Any, matrix_ref: Any, tile_ref: Any, number_ref: Any, source_ref: Any, y_ref: Any) -> None:
        image, row, strip = tiles.place(pl.program_id(0), tiles.strips)
        unit, output = pl.program_id(1), pl.program_id(2) * tiles.outputs

        def step(n: Any, sums: tuple[Any, ...]) -> tuple[Any, ...]:
            h, chunk = _divided(n, chunks)
            field = chunk * tiles.fields
            tile, source = tile_ref[number_ref[unit, h]], source_ref[unit, h]
            mixing = matrix_ref[_divided(unit, stacked)[0], h, pl.ds(field, tiles.fields), pl.ds(output, tiles.outputs)]
            found = []
            for b, total in enumerate(sums):
                window = tiles.window(z_ref, source, image, row, strip * tiles.each + b, field)
                column = _dot(tile, window, sums_in).astype(dtype)
                found.append(total + _dot(column, mixing, sums_in))
            return tuple(found)

        zeros = tuple(jnp.zeros((TILE * TILE, tiles.outputs), sums_in) for _ in range(tiles.each))
        for b, total in enumerate(lax.fori_loop(0, height * chunks, step, zeros)):
            here = tiles.pixels(row), tiles.pixels(strip * tiles.each + b), pl.ds(output, tiles.outputs)
            y_ref[unit, image, *here] = total.reshape(TILE, TILE, -1).astype(dtype)

    shape = (units * stacked, z.shape[2], tiles.rows * TILE, tiles.strips * tiles.each * TILE, tiles.matrix.shape[-1])
    grid = (z.shape[2] * tiles.rows * tiles.strips, units * stacked, shape[-1] // tiles.outputs)
    y = _call(kernel, shape, dtype, grid, tiles.z, tiles.matrix, *tiles.tables(columns, dtype))
    return y[:, :, : size[0], : size[1], : matrix.shape[-1]].reshape(units, stacked, z.shape[2], *size, -1)


def _forward(z: jax.Array, matrix: jax.Array, *constants: Any) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _expand_and_mix(z, matrix, *constants), (z, matrix)


def _backward(
    columns: Columns, stride: int, dilation: int, size: Size, saved: tuple[jax.Array, jax.Array], dy: Any
) -> tuple[jax.Array, jax.Array]:
    z, matrix = saved
    transposed, blocks = columns.transposed
    units, height, fields, outputs = matrix.shape
    border = (columns.kernels.shape[-1] - 1) * dilation
    around = [(border, n - ((m - 1) * stride + 1), stride - 1) for n, m in zip(z.shape[3:5], size, strict=True)]
    spread = lax.pad(dy, jnp.zeros((), dy.dtype), [(0, 0, 0)] * 3 + around + [(0, 0, 0)])
    padded = jnp.pad(matrix.reshape(units * height, fields, outputs), ((0, 1), (0, 0), (0, 0)))
    back = padded[blocks.index[:, 0]].reshape(z.shape[0], -1, fields, outputs).swapaxes(2, 3)
    dz: Any = _expand_and_mix(spread, back, transposed, 1, dilation, z.shape[3:5])
    return dz, _of_matrix(z, matrix, dy, columns, stride, dilation, size)


_expand_and_mix.defvjp(_forward, _backward)


def _of_matrix(
    z: jax.Array, matrix: jax.Array, dy: jax.Array, columns: Columns, stride: int, dilation: int, size: Size
) -> jax.Array:
    """The gradient of the mixing matrices."""
    if gpu_backend() == "mosaic":
        from geomdl.layers.convolution.algorithms import mosaic_kernel

        return mosaic_kernel.gradient_of_matrix(z, matrix, dy, columns, stride, dilation, size)
    tiles = _Tiles.of(z, matrix, columns, stride, dilation, size)
    units, stacked, height = columns.index.shape
    dtype, sums_in, images, across = z.dtype, wide(z.dtype), z.shape[2], tiles.strips * tiles.each

    def kernel(z_ref: Any, dy_ref: Any, tile_ref: Any, number_ref: Any, source_ref: Any, out_ref: Any) -> None:
        block, field, output = pl.program_id(0), pl.program_id(1) * tiles.fields, pl.program_id(2) * tiles.outputs
        mixed, h = _divided(block, height)

        def step(n: Any, total: Any) -> Any:
            image, row, place = tiles.place(n, across)
            for s in range(stacked):
                unit = mixed * stacked + s
                tile, source = tile_ref[number_ref[unit, h]], source_ref[unit, h]
                window = tiles.window(z_ref, source, image, row, place, field)
                column = _dot(tile, window, sums_in).astype(dtype)
                here = dy_ref[unit, image, tiles.pixels(row), tiles.pixels(place), pl.ds(output, tiles.outputs)]
                total += _dot(column, here.reshape(TILE * TILE, -1), sums_in, transposed=True)
            return total

        zeros = jnp.zeros((tiles.fields, tiles.outputs), sums_in)
        total = lax.fori_loop(0, images * tiles.rows * across, step, zeros)
        out_ref[block, pl.ds(field, tiles.fields), pl.ds(output, tiles.outputs)] = total.astype(matrix.dtype)

    shape = units * height, *tiles.matrix.shape[2:]
    grid = shape[0], shape[1] // tiles.fields, shape[2] // tiles.outputs
    dy = _enlarged(dy.reshape(-1, *dy.shape[2:]), {2: tiles.rows * TILE, 3: across * TILE, 4: shape[2]})
    found = _call(kernel, shape, matrix.dtype, grid, tiles.z, dy, *tiles.tables(columns, dtype))
    return found[:, : matrix.shape[2], : matrix.shape[3]].reshape(matrix.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class _Tiles:
    """How the output is divided, and the inputs enlarged such that every tile and block has all it reads."""

    z: jax.Array
    matrix: jax.Array
    stride: int
    dilation: int
    side: int
    rows: int
    strips: int
    each: int
    fields: int
    outputs: int

    @classmethod
    def of(cls, z: jax.Array, matrix: jax.Array, columns: Columns, stride: int, dilation: int, size: Size) -> "_Tiles":
        side = _side(columns.kernels.shape[-1], stride, dilation)
        rows, across = (-(-n // TILE) for n in size)
        each = min(TILES, across)
        strips = -(-across // each)
        fields, outputs = (min(CHANNELS, max(SMALLEST, _power_of_two(n))) for n in matrix.shape[2:])
        whole = -(-matrix.shape[2] // fields) * fields, -(-matrix.shape[3] // outputs) * outputs
        height, width = ((n - 1) * TILE * stride + side for n in (rows, strips * each))
        z = _enlarged(z, {1: _power_of_two(z.shape[1]), 3: height, 4: width, 5: whole[0]})
        matrix = _enlarged(matrix, {2: whole[0], 3: whole[1]})
        return cls(z, matrix.astype(z.dtype), stride, dilation, side, rows, strips, each, fields, outputs)

    def place(self, number: Any, across: int) -> tuple[Any, Any, Any]:
        """Image, row and place in the row."""
        row, place = _divided(number, across)
        return *_divided(row, self.rows), place

    def pixels(self, tile: Any) -> Any:
        """Those of a tile along one axis of the output."""
        return pl.ds(tile * TILE, TILE)

    def window(self, z_ref: Any, source: Any, image: Any, row: Any, place: Any, field: Any) -> Any:
        """``[components · side², fields]``: what a tile sees of a source."""
        i, j = (pl.ds(n * (TILE * self.stride), self.side) for n in (row, place))
        return z_ref[source, :, image, i, j, pl.ds(field, self.fields)].reshape(-1, self.fields)

    def tables(self, columns: Columns, dtype: Any) -> list[jax.Array]:
        """The matrices of the columns, their numbers and sources, ``[units · stacked, height]``."""
        found = [jnp.asarray(_tile_matrices(columns, self.stride, self.dilation), dtype)]
        flat = [table.reshape(-1, columns.index.shape[-1]) for table in (columns.index, columns.source)]
        return [*found, *(jnp.asarray(table, jnp.int32) for table in flat)]


def _vary_alike(*arrays: jax.Array) -> list[jax.Array]:
    """The arrays, which vary over the devices of `jax.shard_map` wherever one of them does."""
    nothing = sum(x.ravel()[:0].sum().astype(arrays[0].dtype) for x in arrays)
    return [x + jnp.asarray(nothing, x.dtype) for x in arrays]


def _require_unchecked(z: jax.Array) -> None:
    """Raises a ValueError where the kernel is interpreted within a `jax.shard_map` that checks what varies."""
    kind = jax.typeof(z)  # JAX's versions say in two ways over which axes of the mesh an array varies
    varies = getattr(kind, "vma", None) or getattr(getattr(kind, "mat", None), "varying", None)
    if varies and jax.default_backend() == "cpu":
        raise invalid(
            "method of Conv",
            "fused",
            "'factored' or 'dense' within jax.shard_map on CPUs, where the kernel is interpreted: what varies over the"
            " devices cannot be checked there",
            "geomdl.layers.with_method(model, 'factored'), or jax.shard_map(..., check_vma=False)",
        )


@functools.lru_cache(maxsize=64)
def _tile_matrices(columns: Columns, stride: int, dilation: int) -> np.ndarray:
    """``[columns + 1, pixels of a tile, components · side²]``, the last of zeros."""
    components, taps = columns.kernels.shape[2:4]
    side = _side(taps, stride, dilation)
    found = np.zeros((columns.none + 1, TILE, TILE, _power_of_two(components), side, side))
    for i, j in np.ndindex(TILE, TILE):
        rows, across = (slice(stride * n, stride * n + (taps - 1) * dilation + 1, dilation) for n in (i, j))
        found[:-1, i, j, :components, rows, across] = columns.kernels.reshape(-1, *columns.kernels.shape[2:])
    return found.reshape(columns.none + 1, TILE * TILE, -1)


def _call(
    kernel: Callable[..., None], shape: tuple[int, ...], dtype: Any, grid: tuple[int, ...], *args: jax.Array
) -> jax.Array:
    out = jax.eval_shape(lambda x: jnp.broadcast_to(x.ravel()[0].astype(dtype), shape), args[0])
    interpreted = pl.pallas_call(kernel, out, grid=grid, interpret=True)
    from jax.experimental.pallas import triton

    stages = 1 if jnp.dtype(dtype).itemsize > 2 else 2  # of float32, two take more memory than small GPUs share
    compiled = pl.pallas_call(kernel, out, grid=grid, compiler_params=triton.CompilerParams(num_stages=stages))
    return lax.platform_dependent(*args, cpu=interpreted, default=compiled)


def _divided(n: Any, by: int) -> tuple[Any, Any]:
    """Quotient and remainder of what is not negative."""
    divisor = jnp.asarray(by, jnp.result_type(n))
    return lax.div(n, divisor), lax.rem(n, divisor)


def _dot(a: Any, b: Any, sums_in: Any, *, transposed: bool = False) -> Any:
    """a b, or aᵀ b, summed in float32 (float64 of float64), without rounding of what is multiplied."""
    contracted = ((0,), (0,)) if transposed else ((1,), (0,))
    return lax.dot_general(a, b, (contracted, ((), ())), precision="highest", preferred_element_type=sums_in)


def _enlarged(x: jax.Array, lengths: dict[int, int]) -> jax.Array:
    """With zeros behind, such that axes have at least some length."""
    return jnp.pad(x, [(0, max(0, lengths.get(axis, n) - n)) for axis, n in enumerate(x.shape)])


def _side(taps: int, stride: int, dilation: int) -> int:
    """Of the window that a tile sees; the next power of two, which the kernel's blocks must have."""
    return _power_of_two((TILE - 1) * stride + (taps - 1) * dilation + 1)


def _power_of_two(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()
