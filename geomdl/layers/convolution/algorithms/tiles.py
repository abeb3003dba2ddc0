"""Correlation of images with a few fixed kernels as products of matrices.

A window of the image that is large enough for a small tile of outputs is a vector; all outputs of the tile are one
constant matrix times it, a block of a Toeplitz matrix. That takes more multiply-adds than there are taps, but they are
those of few and large products, which compile in no time, and so are those of the transpose.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.kernels.factored.sparse_rows import SparseRows
from geomdl.layers.convolution.algorithms.row_major import row_major
from geomdl.layers.convolution.algorithms.sparse_rows import take_rows
from geomdl.layers.core.correlation import PAD_MODES
from geomdl.layers.core.window import PaddingMode

COPY = 20
"""Multiply-adds of the expansion that take as long as copying one number into a window."""

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
      padding: inputs on each side of those that are given.
      padding_mode: what they hold.
    """

    inputs: int
    outputs: int
    taps: int
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    padding_mode: PaddingMode = "zeros"

    def place(self, padded: np.ndarray) -> np.ndarray:
        """Which inputs those of the padded axis are; their number for one beyond them, which is zero."""
        given = np.arange(self.inputs)
        if self.padding_mode == "zeros":
            found = np.pad(given, self.padding, constant_values=self.inputs)
        else:
            found = np.pad(given, self.padding, PAD_MODES[self.padding_mode])
        return np.where(padded < len(found), found[np.minimum(padded, len(found) - 1)], self.inputs)


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
    def seen(self) -> np.ndarray:
        """``[window, tiles]``: which inputs, as `Grid.place`."""
        step = self.length * self.grid.stride
        return self.grid.place(np.arange(self.window)[:, None] + step * np.arange(self.count))

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

    @property
    def copies(self) -> bool:
        """Whether windows are more than the pixels of the image, one by one."""
        return self.window > 1 or any(t.grid.stride > 1 or t.grid.padding > 0 for t in (self.rows, self.columns))

    @functools.cached_property
    def to_windows(self) -> SparseRows:
        """From the pixels of the image to ``[window, tiles]``."""
        height, width = self.rows.grid.inputs, self.columns.grid.inputs
        i, j = self.rows.seen[:, None, :, None], self.columns.seen[:, None, :]
        index = np.where((i < height) & (j < width), i * width + j, height * width)
        return SparseRows.choosing(index.reshape(-1), height * width)

    @functools.cached_property
    def to_pixels(self) -> SparseRows:
        """From ``[pixels of a tile, tiles]`` to the pixels of the output."""
        rows, columns = self.rows, self.columns
        number = np.arange(self.pixels * self.count)
        number = number.reshape(rows.length, columns.length, rows.count, columns.count).transpose(2, 0, 3, 1)
        number = number.reshape(rows.count * rows.length, -1)[: rows.grid.outputs, : columns.grid.outputs]
        return SparseRows.choosing(number.reshape(-1), self.pixels * self.count)

    def matrix(self, kernels: np.ndarray) -> np.ndarray:
        """``[pixels of a tile, window, ...]`` of kernels ``[taps, taps, ...]``."""
        found = np.zeros(
            (self.rows.length, self.columns.length, self.rows.window, self.columns.window, *kernels.shape[2:])
        )
        for i, row in enumerate(self.rows.taps):
            for j, column in enumerate(self.columns.taps):
                found[i, j, row[:, None], column] = kernels
        return found.reshape(self.pixels, self.window, *kernels.shape[2:])


@functools.lru_cache(maxsize=256)
def tiling(rows: Grid, columns: Grid, kernels: int) -> Tiling:
    """The tiles that take least time, for a number of kernels.

    >>> found = tiling(Grid(25, 25, 5, padding=2), Grid(25, 25, 5, padding=2), 22)
    >>> found.rows.length, found.columns.length, found.window
    (1, 2, 30)
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
      ``[sources · kernels, images, pixels of a tile · tiles, fields]``.
    """
    sources, components, images, _, fields = z.shape
    matrix = tiles.matrix(np.moveaxis(kernels, (-2, -1), (0, 1)))  # [pixel, window, source, kernel, component]
    matrix = matrix.transpose(2, 3, 0, 4, 1)  # [source, kernel, pixel, component, window]
    matrix = matrix.reshape(sources, -1, components * tiles.window)  # [source, kernel · pixel, component · window]
    windows = take_rows(row_major(z), tiles.to_windows, axis=3)  # [source, component, image, window · tile, field]
    windows = windows.reshape(*z.shape[:3], tiles.window, tiles.count, fields)
    windows = row_major(windows.transpose(0, 1, 3, 2, 4, 5))  # [source, component, window, image, tile, field]
    windows = windows.reshape(sources, components * tiles.window, -1)
    y = jnp.matmul(jnp.asarray(matrix, z.dtype), windows, precision="highest")  # [source, kernel · pixel, …]
    y = y.reshape(-1, tiles.pixels, images, tiles.count, fields)  # [source · kernel, pixel, image, tile, field]
    y = y.transpose(0, 2, 1, 3, 4)  # [source · kernel, image, pixel, tile, field]
    return row_major(y.reshape(-1, images, tiles.pixels * tiles.count, fields))
