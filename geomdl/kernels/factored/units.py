"""The units of the output of a factored convolution: what is mixed at once."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from geomdl.groups import PointGroup
from geomdl.kernels.templates import starts
from geomdl.representations import Representation
from geomdl.representations.representation import Label, irrep_matrix, irrep_size

MANY = 3
"""Irreps of two rows from which on those of one row are mixed as pairs."""

QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


@dataclasses.dataclass(frozen=True)
class Unit:
    """An irrep, a pair of irreps of one row each, or one row of an irrep.

    Attributes:
      labels: the irrep, or both.
      row: the number of its row; then the copies of the irrep, two by two, are in place of rows. None for all rows.
    """

    labels: tuple[Label, ...]
    row: int | None = None

    @property
    def is_one_row(self) -> bool:
        """Whether it is one row of an irrep."""
        return self.row is not None

    def copies(self, rho: Representation) -> list[list[list[int]]]:
        """For each copy of the unit in ρ, for each row that an irrep or a copy gives: the components of ρ, stacked."""
        if self.row is not None:
            there = [[components(rho, copy)[self.row]] for copy in copies(rho, self.labels[0])]
            return [there[n : n + 2] for n in range(0, len(there), 2)]
        of_labels = zip(*(copies(rho, label) for label in self.labels), strict=True)
        return [[components(rho, copy) for copy in of_unit] for of_unit in of_labels]


class Shape(NamedTuple):
    """What units have in common that are computed together.

    Attributes:
      stacked: how many rows of each are mixed alike.
      rows: how many rows one mixing gives.
      copies: of each unit in one field of every output block.
    """

    stacked: int
    rows: int
    copies: tuple[int, ...]


def units_by_shape(
    group: PointGroup, labels: Iterable[Label], outs: Sequence[Representation]
) -> dict[Shape, list[Unit]]:
    """The units of some irreps of the output, those of one shape together.

    Args:
      group: what acts.
      labels: of the irreps that some kernel reaches.
      outs: the representations of the output's blocks.
    """
    alike: dict[Shape, list[Unit]] = {}
    for label in labels:
        stacked = rows_mixed_alike(group, label)
        shape = Shape(stacked, irrep_size(group, label) // stacked, tuple(rho.labels.count(label) for rho in outs))
        alike.setdefault(shape, []).append(Unit((label,)))
    return _paired(alike)


def _paired(alike: dict[Shape, list[Unit]]) -> dict[Shape, list[Unit]]:
    """With single rows as pairs among units of two, where these are many: few products more, and half the programs.

    Of irreps of real type every row is a unit then.
    """
    found = dict(alike)
    for shape, units in alike.items():
        single = _shape_of_single_rows(shape)
        if len(units) < MANY or single is None or single not in found:
            continue
        ones = [label for unit in found.pop(single) for label in unit.labels]
        pairs = [Unit(tuple(ones[n : n + 2])) for n in range(0, len(ones), 2)]
        if shape.stacked == 1:
            found[shape] = units + pairs
        else:
            del found[shape]
            rows = [Unit((label,), n) for unit in units for label in unit.labels for n in range(2)]
            found[Shape(1, 2, single.copies)] = rows + pairs
    return found


def _shape_of_single_rows(shape: Shape) -> Shape | None:
    """The shape of the irreps of one row that can be paired among units of two rows; None where there is none."""
    if (shape.stacked, shape.rows) == (1, 2):
        return Shape(1, 1, shape.copies)
    if (shape.stacked, shape.rows) == (2, 1) and not any(n % 2 for n in shape.copies):
        return Shape(1, 1, tuple(n // 2 for n in shape.copies))
    return None


def rows_mixed_alike(group: PointGroup, label: Label) -> int:
    """How many rows of an irrep are mixed by the same numbers: all of one of real type, one of complex type."""
    return 1 if is_complex(group, label) else irrep_size(group, label)


def is_complex(group: PointGroup, label: Label) -> bool:
    """Whether a quarter turn of the components commutes with the irrep."""
    if irrep_size(group, label) != 2:
        return False
    matrices = irrep_matrix(group, label, group.generators())
    return all(np.allclose(m @ QUARTER_TURN, QUARTER_TURN @ m) for m in matrices)


def copies(rho: Representation, label: Label) -> list[int]:
    """The numbers of the copies of an irrep among all irreps of ρ."""
    return [i for i, a in enumerate(rho.labels) if a == label]


def components(rho: Representation, copy: int) -> list[int]:
    """The components of ρ, in coordinates of irreps, that are those of one copy of an irrep."""
    first = starts(rho)[copy]
    return list(range(first, first + irrep_size(rho.group, rho.labels[copy])))
