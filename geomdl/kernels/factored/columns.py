"""Column indices of the mixing matrices of a factored convolution, and of their transposes."""

import dataclasses
import functools

import numpy as np

from geomdl.kernels.factored.plan import InputBlock, OutputGroup
from geomdl.kernels.factored.sparse_rows import SparseRows


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """The columns that go from the sources of a block into some units.

    A map is y[u, r] = Σ_h matrix[u, h] Σ_c kernel[c] ⋆ z[source, c], kernel and source those of index[u, r, h].

    Args:
      kernels: ``[sources, columns, components, taps, taps]``.
      index: ``[units, stacked, height]``: the number of the column among those of all sources; `none` for no column.
    """

    kernels: np.ndarray
    index: np.ndarray

    @property
    def none(self) -> int:
        """How many columns all sources have."""
        return self.kernels.shape[0] * self.kernels.shape[1]

    @functools.cached_property
    def source(self) -> np.ndarray:
        """Of which source the column is made, in the shape of the index."""
        return np.where(self.index < self.none, self.index // self.kernels.shape[1], 0)

    @functools.cached_property
    def chosen(self) -> SparseRows:
        """The index as a table."""
        return SparseRows.choosing(self.index, self.none)

    @functools.cached_property
    def transposed(self) -> "tuple[Columns, SparseRows]":
        """The columns of the transposed map, and the blocks of the matrix that mix them, ``[source, height]``.

        What was a unit is a source, with what is stacked as components; what was a source is a unit, its components
        stacked: z[s, c] = Σ_h matrix[block[s, h]]ᵀ Σ_r kernel[r] ⋆ y[u, r], the kernels turned by 180°. Blocks are
        numbered by unit and height.
        """
        units, stacked, height = self.index.shape
        sources, _, components, *taps = self.kernels.shape
        flat = np.concatenate([self.kernels.reshape(self.none, components, *taps), np.zeros((1, components, *taps))])
        kernels = flat[self.index].transpose(0, 2, 3, 1, 4, 5)[..., ::-1, ::-1]  # [units, height, component, stacked]
        kernels = kernels.reshape(units, height * components, stacked, *taps)
        used, source = self.index[:, 0] < self.none, self.source[:, 0]  # the same of all that is stacked
        users = [np.argwhere(used & (source == s)) for s in range(sources)]
        most = max(len(found) for found in users)
        index = np.full((sources, components, most), kernels.shape[0] * kernels.shape[1])
        block = np.full((sources, most), units * height)
        for s, (u, h) in enumerate(found.T for found in users):
            index[s, :, : len(u)] = (u * height + h) * components + np.arange(components)[:, None]
            block[s, : len(u)] = u * height + h
        return Columns(kernels, index), SparseRows.choosing(block, units * height)


@functools.lru_cache(maxsize=256)
def columns_of(block: InputBlock, group: OutputGroup, number: int) -> Columns:
    """The columns that go from a block of the input, the ``number``-th, into a group of units.

    >>> from geomdl.groups import C8
    >>> from geomdl.kernels import SteerableKernelSpace
    >>> from geomdl.kernels.factored.plan import factored_plan
    >>> from geomdl.representations import regular
    >>> plan = factored_plan(((SteerableKernelSpace(regular(C8), regular(C8), 5),),))
    >>> there = columns_of(plan.inputs[0], plan.groups[0], 0)
    >>> back, _ = there.transposed
    >>> there.kernels.shape, back.kernels.shape  # of four sources with two components, of four units
    ((4, 22, 2, 5, 5), (4, 44, 1, 5, 5))
    """
    return Columns(block.kernels, group.columns[number])
