"""The mixing of a factored convolution: from free weights to the matrices of the units, and from units to channels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geomdl.kernels.factored.expansion import Column, Columns
from geomdl.kernels.factored.halves import Halved, halved
from geomdl.kernels.factored.sparse_rows import SparseRows
from geomdl.kernels.factored.units import Unit, copies
from geomdl.kernels.irrep_kernels import element_coefficients, irrep_kernels
from geomdl.kernels.select import KernelSpace
from geomdl.representations import Representation
from geomdl.representations.representation import irrep_size

Terms = list[tuple[int, float]]
"""An entry of a matrix, linear in elements of the kernel space: their numbers and factors."""


def mixing(
    space: KernelSpace, columns: Columns, units: Sequence[Unit], rows: int, height: int
) -> SparseRows | np.ndarray:
    """From the weights of a pair of blocks to the matrices ``[unit, height, row, copy]`` of some units.

    Args:
      space: the kernels from one block to the other.
      columns: of the input block.
      units: of one shape.
      rows: how many rows one mixing gives.
      height: how many columns go into a unit; where there are fewer, the entries are 0.

    Returns:
      A sparse table, or a matrix where every entry is made of many weights.
    """
    rho_in, rho_out, kernels = space.in_representation, space.out_representation, irrep_kernels(space)
    counts = np.array([[len(kernels.between(a, o)) for a in rho_in.labels] for o in rho_out.labels])
    firsts = (np.cumsum(counts) - counts.ravel()).reshape(counts.shape)  # [copy of an irrep of ρ_out, of ρ_in]
    terms: list[Terms] = []
    for unit in units:
        of_parts = [columns[label][0] for label in unit.labels]  # of what is stacked all have the same
        for part, label in enumerate(unit.labels):
            kept = {a: halved(kernels, a, label) for a in set(rho_in.labels)}
            there = firsts[copies(rho_out, label)]
            rows_of_part = _rows(unit, part, rows, irrep_size(space.group, label))
            for column in of_parts[part]:
                terms += _entries(kept[rho_in.labels[column.copy]], column, there[:, column.copy], rows_of_part)
        missing = height - sum(len(of_part) for of_part in of_parts)
        terms += [[]] * (missing * rows * len(unit.copies(rho_out)))
    of_elements = SparseRows.of(terms, int(counts.sum()))
    from_weights = element_coefficients(space)
    return of_elements if from_weights is None else of_elements.dense() @ from_weights


class _Row(NamedTuple):
    """A row of a unit, for one of its irreps.

    Attributes:
      copies: the copies of the irrep that are in it.
      component: the component of the irrep that it is; None where a column goes to this row alone.
      is_other: whether it is the row of another irrep, to which nothing goes.
    """

    copies: slice
    component: int | None = None
    is_other: bool = False


def _rows(unit: Unit, part: int, rows: int, size: int) -> list[_Row]:
    """The rows of a unit for one of its irreps, which has so many components."""
    if unit.is_one_row:
        return [_Row(slice(row, None, 2)) for row in range(rows)]
    if size == 1:
        return [_Row(slice(None), is_other=row != part) for row in range(rows)]
    return [_Row(slice(None), row) for row in range(rows)]


def _entries(kept: Halved, column: Column, firsts: np.ndarray, rows: Sequence[_Row]) -> list[Terms]:
    """What a column gives to each row of each copy of a unit, row after row.

    With F_t = Σ_c plain[t, c] F_c + turned[t, c] J F_c, the mixing of the column F_c ⋆ z is [[α, β], [−β, α]] in its
    rows, α = Σ_t plain[t, c] w_t and β = Σ_t turned[t, c] w_t.

    Args:
      kept: which kernels are columns.
      column: one of them.
      firsts: for each copy of the irrep in the output, the number of the first kernel to it from the column's copy.
      rows: of the unit.
    """
    found: list[Terms] = []
    for row in rows:
        if row.component is None or row.component == column.row:
            factors = kept.plain[:, column.element]
        else:
            factors = kept.turned[:, column.element] * (1 if column.row == 0 else -1)
        elements = [] if row.is_other else [(int(e), float(factors[e])) for e in np.flatnonzero(factors)]
        found += [[(first + e, factor) for e, factor in elements] for first in firsts[row.copies].tolist()]
    return found


def synthesis(rho: Representation, units: Sequence[Unit], stacked: int, rows: int) -> np.ndarray:
    """``[component of ρ, unit, row, copy, stacked]``: from what is mixed to the channels of a field."""
    nothing = [rho.size] * (rows * stacked)  # for what a unit has fewer rows
    order = []
    for unit in units:
        for parts in unit.copies(rho):
            order.append(([component for part in parts for component in part] + nothing)[: rows * stacked])
    padded = np.pad(rho.change_of_basis, ((0, 0), (0, 1)))
    return padded[:, np.array(order, int).reshape(len(units), -1, rows, stacked)].swapaxes(2, 3)
