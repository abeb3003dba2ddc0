"""The expansion of a factored convolution: the fixed kernels with which each irrep of the input is correlated."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geomdl.kernels.factored.halves import halved
from geomdl.kernels.factored.sparse_rows import SparseRows
from geomdl.kernels.factored.units import Unit, components, rows_mixed_alike
from geomdl.kernels.irrep_kernels import element_scale, irrep_kernels
from geomdl.kernels.select import KernelSpace
from geomdl.representations import Representation
from geomdl.representations.representation import Label, irrep_size


@dataclasses.dataclass(frozen=True, eq=False)
class InputBlock:
    """One block of the input, as sources with equally many components, and the columns that are made of each.

    A source is one copy of an irrep, or two of one dimension where others have two.

    Args:
      analysis: ``[sources · components, size]``: z = analysis x for every field x.
      kernels: ``[sources, columns, components, taps, taps]``: column = Σ_c kernel[c] ⋆ z_c.
    """

    analysis: np.ndarray
    kernels: np.ndarray

    @functools.cached_property
    def selection(self) -> SparseRows | None:
        """The analysis where it only orders components, as of fields that are irreps already."""
        return SparseRows.selecting(self.analysis)


class Column(NamedTuple):
    """A column: its number among those of all sources, the copy it is made of, its element, its row of the output."""

    number: int
    copy: int
    element: int
    row: int


Columns = dict[Label, list[list[Column]]]
"""For each irrep of the output, for each of its rows that are stacked, in the same order: the columns."""


def input_block(space: KernelSpace, rho: Representation, labels: Sequence[Label]) -> tuple[InputBlock, Columns]:
    """A block of the input, and the columns that go from it to irreps of the output.

    Args:
      space: kernels from ρ; those to other representations have the same spatial functions.
      rho: the representation of the block's fields.
      labels: of the irreps of the output.
    """
    sizes = [irrep_size(space.group, label) for label in rho.labels]
    sources, coefficients = _sources(sizes), _coefficients(space, rho, labels)
    most = max(
        sum(coefficients[rho.labels[i], o][..., 0, 0].size for i in source for o in labels) for source in sources
    )
    sampled = irrep_kernels(space).sampled()  # [tap · tap, function]
    to_irreps = np.linalg.inv(rho.change_of_basis)
    matrix = np.zeros((len(sources), most, max(sizes), sampled.shape[1]))  # [source, column, component, function]
    analysis = np.zeros((len(sources), max(sizes), rho.size))  # [source, component, component of ρ]
    found: Columns = {o: [[] for _ in range(rows_mixed_alike(space.group, o))] for o in labels}
    for s, source in enumerate(sources):
        column = first = 0
        for i in source:
            here = slice(first, first + sizes[i])
            analysis[s, here] = to_irreps[components(rho, i)]
            for o in labels:
                for t, row in np.ndindex(*coefficients[rho.labels[i], o].shape[:2]):
                    matrix[s, column, here] = coefficients[rho.labels[i], o][t, row]
                    stacked = found[o]
                    stacked[row % len(stacked)].append(Column(s * most + column, i, t, 0 if len(stacked) > 1 else row))
                    column += 1
            first = here.stop
    taps = (matrix @ sampled.T).reshape(*matrix.shape[:3], *space.shape)
    return InputBlock(analysis.reshape(-1, rho.size), taps), found


def _sources(sizes: Sequence[int]) -> list[list[int]]:
    """The copies of irreps of each source: one by one, but those of one component by twos where others have two."""
    singles, largest = [i for i, size in enumerate(sizes) if size == 1], max(sizes)
    alone = [[i] for i, size in enumerate(sizes) if size > 1]
    return alone + [singles[n : n + largest] for n in range(0, len(singles), largest)]


def _coefficients(
    space: KernelSpace, rho: Representation, labels: Sequence[Label]
) -> dict[tuple[Label, Label], np.ndarray]:
    """For each pair of irreps the kernels that are kept, ``[t, row, component, function]``."""
    kernels, scales = irrep_kernels(space), {o: element_scale(space, rho, o) for o in labels}
    return {
        (a, o): scales[o] * kernels.between(a, o)[halved(kernels, a, o).chosen] for a in set(rho.labels) for o in labels
    }


def chosen_columns(block: InputBlock, columns: Columns, units: Sequence[Unit], stacked: int, height: int) -> np.ndarray:
    """The numbers ``[unit, stacked, height]`` of the columns that go into each unit; those of all for no column."""
    nothing, numbers = block.kernels.shape[0] * block.kernels.shape[1], []
    for unit in units:
        of_labels = [columns[label] for label in unit.labels]
        rows = zip(*of_labels, strict=True) if unit.row is None else [[columns[unit.labels[0]][unit.row]]]
        for parts in rows:
            found = [column.number for part in parts for column in part]
            numbers += found + [nothing] * (height - len(found))
    return np.array(numbers, int).reshape(len(units), stacked, height)
