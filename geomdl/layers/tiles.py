"""Correlation of images with a few fixed kernels as products of matrices.

A window of the image that is large enough for a small tile of outputs is a vector; all outputs of the tile are one
constant matrix times it, a block of a Toeplitz matrix. On CPUs that takes more multiply-adds than there are taps, but
less time, and its transpose is of the same kind.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from geomdl.kernels.sparse_rows import SparseRows
from geomdl.layers.sparse_rows import take_rows

COPY = 40
"""Multiply-adds that take as long as copying one number into a window."""

LONGEST = 16
"""Pixels along the sides of a tile."""


@dataclasses.dataclass(frozen=True)
class Grid:
    """Outputs along one axis, and where they look: output i at inputs i · stride + tap · dilation.

    Args:
      inputs: their number.
      outputs: their number.
      taps: of the kernels.
      stride: between outputs.
      dilation: between taps.
    """

    inputs: int
    outputs: int
    taps: int
    stride: int
    dilation: int


@dataclasses.dataclass(frozen=True)
class Tiles:
    """Tiles of outputs along one axis; the last may go beyond them."""

    grid: Grid
    length: int

    @property
    def count(self) -> int:
        """How many cover the outputs."""
        return -(-self.grid.outputs // self.length)

    @property
    def window(self) -> int:
        """Inputs that a tile sees."""
        return (self.length - 1) * self.grid.stride + (self.grid.taps - 1) * self.grid.dilation + 1

    @property
    def inputs(self) -> np.ndarray:
        """``[window, tiles]``: which inputs; those beyond the last there are zero."""
        step = self.length * self.grid.stride
        return np.arange(self.window)[:, None] + step * np.arange(self.count)

    @property
    def taps(self) -> np.ndarray:
        """``[length, taps]``: where in the window the taps of an output are."""
        return self.grid.stride * np.arange(self.length)[:, None] + self.grid.dilation * np.arange(self.grid.taps)


@dataclasses.dataclass(frozen=True)
class Tiling:
    """Tiles along rows and columns."""

    rows: Tiles
    columns: Tiles

    @property
    def count(self) -> int:
        """Tiles."""
        return self.rows.count * self.columns.count

    @property
    def pixels(self) -> int:
        """Outputs of one tile."""
        return self.rows.length * self.columns.length

    @property
    def window(self) -> int:
        """Inputs that a tile sees."""
        return self.rows.window * self.columns.window

    @functools.cached_property
    def to_windows(self) -> SparseRows:
        """From the pixels of the image to ``[window, tiles]``."""
        height, width = self.rows.grid.inputs, self.columns.grid.inputs
        i = self.rows.inputs[:, None, :, None]
        j = self.columns.inputs[None, :, None, :]
        index, there = np.broadcast_arrays(i * width + j, (i < height) & (j < width))
        return SparseRows(
            np.where(there, index, 0).reshape(-1, 1).astype(np.int32),
            there.reshape(-1, 1).astype(float),
            height * width,
        )

    @functools.cached_property
    def to_pixels(self) -> SparseRows:
        """From ``[pixels of a tile, tiles]`` to the pixels of the output."""
        rows, columns = self.rows, self.columns
        number = np.arange(self.pixels * self.count)
        number = number.reshape(rows.length, columns.length, rows.count, columns.count).transpose(2, 0, 3, 1)
        number = number.reshape(rows.count * rows.length, -1)[: rows.grid.outputs, : columns.grid.outputs]
        index = number.reshape(-1, 1).astype(np.int32)
        return SparseRows(index, np.ones(index.shape), self.pixels * self.count)

    def matrix(self, kernels: np.ndarray) -> np.ndarray:
        """``[pixels of a tile, window, ...]`` of kernels ``[taps, taps, ...]``."""
        found = np.zeros(
            (self.rows.length, self.columns.length, self.rows.window, self.columns.window, *kernels.shape[2:])
        )
        for i, row in enumerate(self.rows.taps):
            for j, column in enumerate(self.columns.taps):
                found[i, j, row[:, None], column] = kernels
        return found.reshape(self.pixels, self.window, *kernels.shape[2:])


@functools.lru_cache(maxsize=1 << 12)
def tiling(rows: Grid, columns: Grid, kernels: int) -> Tiling:
    """The tiles that take least time, for a number of kernels.

    >>> found = tiling(Grid(11, 7, 5, 1, 1), Grid(11, 7, 5, 1, 1), 22)
    >>> found.rows.length, found.columns.length, found.window
    (2, 7, 66)
    """
    lengths = [range(1, min(grid.outputs, LONGEST) + 1) for grid in (rows, columns)]
    tilings = (Tiling(Tiles(rows, a), Tiles(columns, b)) for a in lengths[0] for b in lengths[1])
    return min(tilings, key=lambda t: t.count * t.window * (t.pixels * kernels + COPY))


def correlate_tiles(z: jax.Array, kernels: np.ndarray, tiles: Tiling) -> jax.Array:
    """The correlation of every source with its kernels.

    Args:
      z: ``[sources, components, images, pixels, fields]``.
      kernels: ``[sources, kernels, components, taps, taps]``.
      tiles: of the outputs.

    Returns:
      ``[sources, kernels, pixels of a tile, tiles, images, fields]``.
    """
    matrix = tiles.matrix(np.moveaxis(kernels, (-2, -1), (0, 1)))  # [pixels, window, sources, kernels, components]
    matrix = jnp.asarray(matrix.transpose(2, 3, 0, 4, 1), z.dtype)
    windows = take_rows(z, tiles.to_windows, axis=3)
    windows = windows.reshape(*z.shape[:3], tiles.window, tiles.count, z.shape[-1]).transpose(0, 1, 3, 4, 2, 5)
    return lax.dot_general(matrix, windows, (((3, 4), (1, 2)), ((0,), (0,))), precision="highest")
