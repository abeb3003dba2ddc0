"""The factored group convolution as one kernel for GPUs, in Pallas: what it expands is never in memory.

One program computes a few tiles of 4 × 4 pixels of the output for one unit of `geomdl.kernels.factored`. Column by
column it multiplies the constant matrix of the column (a block of a Toeplitz matrix) with the window of the image that
the tile sees, and what comes of that with the block of the mixing matrix: two products of small matrices in a row, the
first of which stays in registers. The gradient of the input is the same kernel with the roles of units and sources
exchanged; that of the matrices is a second kernel, which computes the columns once more.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from geomdl.equivariance.contract import Size
from geomdl.kernels.factored import InputBlock, OutputGroup
from geomdl.kernels.sparse_rows import SparseRows
from geomdl.layers.fields import wide

TILE = 4
"""Pixels along the sides of a tile."""

TILES = 4
"""Tiles in a row that one program computes, for which it reads the mixing matrix once."""

CHANNELS = 64
"""The most fields that are read, and that are written, at a time."""

SMALLEST = 16
"""Of a product of matrices, each side: what tensor cores take."""


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """What the columns of some units are made of.

    Args:
      kernels: ``[numbers, components, taps, taps]``.
      number: ``[units, stacked, height]``: which of them makes the column; their count where there is none.
      source: of that shape: of which source.
      sources: their count.
    """

    kernels: np.ndarray
    number: np.ndarray
    source: np.ndarray
    sources: int

    def matrices(self, stride: int, dilation: int) -> np.ndarray:
        """``[numbers + 1, pixels of a tile, components · side²]``, the last of zeros; side is a power of two."""
        count, components, taps = self.kernels.shape[:3]
        side = _side(taps, stride, dilation)
        found = np.zeros((count + 1, TILE, TILE, _power_of_two(components), side, side))
        for i, j in np.ndindex(TILE, TILE):
            rows, columns = (slice(stride * n, stride * n + (taps - 1) * dilation + 1, dilation) for n in (i, j))
            found[:-1, i, j, :components, rows, columns] = self.kernels
        return found.reshape(count + 1, TILE * TILE, -1)

    @functools.cached_property
    def transposed(self) -> "tuple[Columns, SparseRows]":
        """The columns of the gradient, whose units are the sources, and which blocks mix them, ``[source, height]``.

        Units with what is stacked become sources of one component, and the components of sources are stacked. A block
        has its number among all units and heights.
        """
        units, stacked, height = self.number.shape
        count, components = self.kernels.shape[:2]
        users = [np.argwhere((self.source == s) & (self.number < count)) for s in range(self.sources)]
        most = max(len(found) for found in users)
        number = np.full((self.sources, components, most), count * components)
        source = np.zeros_like(number)
        block = np.full((self.sources, most), units * height)
        for s, found in enumerate(users):
            u, r, q = found.T
            number[s, :, : len(found)] = components * self.number[u, r, q] + np.arange(components)[:, None]
            source[s, :, : len(found)] = u * stacked + r
            block[s, : len(found)] = u * height + q
        flipped = self.kernels[..., ::-1, ::-1].reshape(count * components, 1, *self.kernels.shape[2:])
        return Columns(flipped, number, source, units * stacked), SparseRows.choosing(block, units * height)


@functools.lru_cache(maxsize=256)
def columns_of(block: InputBlock, group: OutputGroup, number: int) -> Columns:
    """The columns that go from a block of the input, the ``number``-th, into a group of units."""
    sources, each = block.kernels.shape[:2]
    index = group.columns[number].index.reshape(group.units, group.stacked, -1)
    source = np.where(index < sources * each, index // each, 0)
    return Columns(block.kernels.reshape(-1, *block.kernels.shape[2:]), index, source, sources)


def expand_and_mix(
    z: jax.Array, matrix: jax.Array, columns: Columns, stride: int, dilation: int, size: Size
) -> jax.Array:
    """y[u, s, i, p, o] = Σ_h Σ_f matrix[u, h, f, o] (column[u, s, h] ⋆ z[source[u, s, h], :, i])[p, f].

    On CPUs it is interpreted, which is slow. It has a derivative for `jax.grad`, and no other.

    Args:
      z: ``[sources, components, images, height, width, fields]``, padded.
      matrix: ``[units, height, fields, outputs]``.
      columns: what is correlated with what.
      stride: between outputs.
      dilation: between taps.
      size: of the output.

    Returns:
      ``[units, stacked, images, *size, outputs]``.
    """
    nothing = z.ravel()[:0].sum() + matrix.ravel()[:0].sum().astype(z.dtype)  # zero; with it both vary over devices
    return _expand_and_mix(z + nothing, matrix + nothing.astype(matrix.dtype), columns, stride, dilation, size)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _expand_and_mix(
    z: jax.Array, matrix: jax.Array, columns: Columns, stride: int, dilation: int, size: Size
) -> jax.Array:
    tiles = _Tiles.of(z, matrix, columns, stride, dilation, size)
    units, stacked, height = columns.number.shape
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
    back = padded[blocks.index[:, 0]].reshape(columns.sources, -1, fields, outputs).swapaxes(2, 3)
    spread = spread.reshape(-1, 1, *spread.shape[2:])
    dz: Any = _expand_and_mix(spread, back, transposed, 1, dilation, z.shape[3:5])
    return dz, _of_matrix(z, matrix, dy, columns, stride, dilation, size)


_expand_and_mix.defvjp(_forward, _backward)


def _of_matrix(
    z: jax.Array, matrix: jax.Array, dy: jax.Array, columns: Columns, stride: int, dilation: int, size: Size
) -> jax.Array:
    """The gradient of the mixing matrices."""
    tiles = _Tiles.of(z, matrix, columns, stride, dilation, size)
    units, stacked, height = columns.number.shape
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
        height = columns.number.shape[-1]
        found = [jnp.asarray(columns.matrices(self.stride, self.dilation), dtype)]
        return [*found, *(jnp.asarray(t.reshape(-1, height), jnp.int32) for t in (columns.number, columns.source))]


def _call(
    kernel: Callable[..., None], shape: tuple[int, ...], dtype: Any, grid: tuple[int, ...], *args: jax.Array
) -> jax.Array:
    out = jax.eval_shape(lambda x: jnp.broadcast_to(x.ravel()[0].astype(dtype), shape), args[0])
    interpreted = pl.pallas_call(kernel, out, grid=grid, interpret=True)
    stages = 1 if jnp.dtype(dtype).itemsize > 2 else 2  # float32 takes 57 kB of shared memory in one, 123 kB in two
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
