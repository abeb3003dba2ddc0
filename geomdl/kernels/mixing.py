"""The mixing of a factored convolution: from free weights to the matrices of the units, and from units to channels."""

from collections.abc import Sequence

import numpy as np

from geomdl.kernels.expansion import Column, Columns
from geomdl.kernels.halves import halved
from geomdl.kernels.irrep_kernels import element_coefficients, irrep_kernels
from geomdl.kernels.select import KernelSpace
from geomdl.kernels.sparse_rows import SparseRows
from geomdl.kernels.units import Unit, copies
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
    firsts = _first_elements(space)
    terms: list[Terms] = []
    for unit in units:
        of_parts = [columns[label][0] for label in unit.labels]  # of what is stacked all have the same
        there = [copies(space.out_representation, label) for label in unit.labels]
        for part, of_part in enumerate(of_parts):
            for column in of_part:
                terms += _entries(space, firsts[there[part], column.copy], unit, part, column, rows)
        missing = height - sum(len(of_part) for of_part in of_parts)
        terms += [[]] * (missing * rows * (len(there[0]) // (2 if unit.is_one_row else 1)))
    of_elements = SparseRows.of(terms, int(_element_counts(space).sum()))
    from_weights = element_coefficients(space)
    return of_elements if from_weights is None else of_elements.dense() @ from_weights


def _element_counts(space: KernelSpace) -> np.ndarray:
    """``[copy of an irrep of ρ_out, of ρ_in]``: how many kernels there are between the two."""
    kernels = irrep_kernels(space)
    return np.array(
        [[len(kernels.between(a, o)) for a in space.in_representation.labels] for o in space.out_representation.labels]
    )


def _first_elements(space: KernelSpace) -> np.ndarray:
    """``[copy of an irrep of ρ_out, of ρ_in]``: the number of the first kernel between the two."""
    counts = _element_counts(space)
    return (np.cumsum(counts) - counts.ravel()).reshape(counts.shape)


def _entries(space: KernelSpace, firsts: np.ndarray, unit: Unit, part: int, column: Column, rows: int) -> list[Terms]:
    """What a column gives to each row of each copy of a unit, row after row.

    With F_t = Σ_c plain[t, c] F_c + turned[t, c] J F_c, the mixing of the column F_c ⋆ z is [[α, β], [−β, α]] in its
    rows, α = Σ_t plain[t, c] w_t and β = Σ_t turned[t, c] w_t. A part that is one row of the output gives nothing to
    the row of the other part of a pair.

    Args:
      space: the kernels.
      firsts: for each copy of the irrep in the output, the number of the first kernel to it from the column's copy.
      unit: what the column goes into.
      part: which of its irreps.
      column: what is mixed.
      rows: of the unit.
    """
    label = unit.labels[part]
    kept = halved(irrep_kernels(space), space.in_representation.labels[column.copy], label)
    in_one_row = unit.is_one_row or irrep_size(space.group, label) == 1
    found: list[Terms] = []
    for row in range(rows):
        there = firsts[row::2] if unit.is_one_row else firsts
        if in_one_row and row != part and not unit.is_one_row:
            found += [[]] * len(there)
            continue
        if in_one_row or column.row == row:
            factors = kept.plain[:, column.element]
        else:
            factors = kept.turned[:, column.element] * (1 if column.row == 0 else -1)
        elements = [(int(e), float(factors[e])) for e in np.flatnonzero(factors)]
        found += [[(int(first) + e, factor) for e, factor in elements] for first in there]
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
