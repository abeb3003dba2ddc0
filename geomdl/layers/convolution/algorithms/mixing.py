"""What the factored convolution expands and mixes, by products of large matrices."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from geomdl.equivariance.contracts.contract import Size
from geomdl.kernels.factored.columns import Columns, columns_of
from geomdl.kernels.factored.plan import InputBlock, Plan
from geomdl.layers.convolution.algorithms.row_major import row_major
from geomdl.layers.convolution.algorithms.sparse_rows import take_rows
from geomdl.layers.convolution.algorithms.tiles import Grid, Tiling, correlate_tiles, tiling
from geomdl.layers.core.window import Window


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Static geometry of a factored convolution: its plan, its window, and the size of the images."""

    plan: Plan
    window: Window
    size: Size

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The groups of units and the blocks of the input between which there is a matrix."""
        return [(g, i) for g, group in enumerate(self.plan.groups) for i, height in enumerate(group.heights) if height]

    @property
    def out_size(self) -> Size:
        """The size of the output."""
        return self.window.output_size(self.size)


def tiles_of(block: InputBlock, window: Window, size: Size) -> Tiling:
    """The tiles in which a block of images of a size is computed."""
    w = window.isotropic
    taps = w.size, w.stride, w.dilation, w.padding, window.padding_mode
    rows, columns = (Grid(*both, *taps) for both in zip(size, window.output_size(size), strict=True))
    return tiling(rows, columns, block.kernels.shape[1])


def mix(coordinates: Sequence[jax.Array], matrices: Sequence[jax.Array], geometry: Geometry) -> list[jax.Array]:
    """Expands the coordinates of all fields and mixes them into the units of the output:

      y[u, o, n, r, p] = Σ_h Σ_f matrix[u, o, h, f] (column[u, r, h] ⋆ z)[n, p, f],   all inputs summed.

    Args:
      coordinates: of every block of the input, ``[source, component, image, pixel, field]``.
      matrices: of every pair, ``[unit, output, height · field]``.
      geometry: what is correlated with what.

    Returns:
      Of every group of units, ``[unit, output, image, stacked, pixel]``.
    """
    blocks, used = geometry.plan.inputs, sorted({i for _, i in geometry.pairs})
    tiles = {i: tiles_of(blocks[i], geometry.window, geometry.size) for i in used}
    columns = {i: correlate_tiles(coordinates[i], blocks[i].kernels, tiles[i]) for i in used}
    found: list[Any] = [0] * len(geometry.plan.groups)
    for (g, i), matrix in zip(geometry.pairs, matrices, strict=True):
        group, images = geometry.plan.groups[g], coordinates[i].shape[2]
        chosen = _chosen(columns[i], columns_of(blocks[i], group, i), tiles[i])
        y = jnp.einsum("uoh,uxh->uox", matrix, chosen, precision="highest")  # x: image · stacked · pixel
        found[g] += y.reshape(*y.shape[:2], images, group.stacked, math.prod(geometry.out_size))
    return found


def _chosen(expanded: jax.Array, columns: Columns, tiles: Tiling) -> jax.Array:
    """The columns of a block that go into the units, ``[unit, image · stacked · pixel, height · field]``."""
    found = take_rows(expanded, columns.chosen)  # [unit · stacked · height, image, pixel of a tile · tile, field]
    found = take_rows(found, tiles.to_pixels, axis=2)  # [unit · stacked · height, image, pixel, field]
    found = found.reshape(*columns.index.shape, *found.shape[1:])  # [unit, stacked, height, image, pixel, field]
    found = row_major(found.transpose(0, 3, 1, 4, 2, 5))  # [unit, image, stacked, pixel, height, field]
    return found.reshape(found.shape[0], math.prod(found.shape[1:4]), -1)
