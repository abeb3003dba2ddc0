"""How the numbers that describe a box transform: vectors, the four sides, the two extents, shapes."""

from collections.abc import Callable

import numpy as np

from geomdl.groups import C2, C4, D4, PlanarGroup, require_planar
from geomdl.groups import D as dihedral
from geomdl.representations import FieldType, Representation, decompose

SIDES = np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]])
"""Left, top, right, bottom: directions (x right, y up)."""


def upright_group(group: PlanarGroup) -> PlanarGroup:
    """The largest subgroup under which upright boxes stay upright, so that their sides are permuted.

    Args:
      group: a group of the plane.

    >>> from geomdl.groups import C, D, SO2
    >>> upright_group(C(8)), upright_group(D(6)), upright_group(SO2), upright_group(C(3))
    (C4, D2, C4, C1)
    """
    for candidate in (D4, C4, dihedral(2), C2, dihedral(1)):
        if group.contains_group(candidate):
            return candidate
    return PlanarGroup(1)


def vector(group: PlanarGroup) -> Representation:
    """Offsets (x right, y up): ρ(g) = the matrix of g.

    Args:
      group: a group of the plane.

    >>> vector(D4).size
    2
    """
    return _of_plane(group, "vector", lambda matrix: matrix)


def sides(group: PlanarGroup) -> Representation:
    """The distances to the four sides of an upright box, (left, top, right, bottom), which g permutes.

    Args:
      group: a subgroup of D4.

    >>> sides(C4)(np.array([0, 1])) @ np.array([1.0, 2.0, 3.0, 4.0])  # by 90°: what was on top is on the left
    array([2., 3., 4., 1.])
    """
    return _of_plane(group, "sides", lambda matrix: np.rint(SIDES @ matrix @ SIDES.T).clip(0, 1))


def extents(group: PlanarGroup) -> Representation:
    """Width and height of an upright box, which quarter turns exchange: ρ(g) = |the matrix of g|.

    Args:
      group: a subgroup of D4.

    >>> extents(C4)(np.array([0, 1])) @ np.array([1.0, 2.0])
    array([2., 1.])
    """
    return _of_plane(group, "extents", lambda matrix: np.abs(np.rint(matrix)))


def shape(group: PlanarGroup) -> Representation:
    """The traceless part (c, s) of a symmetric matrix [[a + c, s], [s, a − c]], which g turns with twice its angle.

    Args:
      group: a group of the plane.

    >>> from geomdl.groups import SO2
    >>> shape(SO2).labels  # frequency 2
    ((0, 2),)
    """
    basis = np.array([[[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]]])

    def moved(matrix: np.ndarray) -> np.ndarray:
        images = matrix @ basis @ matrix.T
        return np.stack([images[:, 0, 0], images[:, 0, 1]])

    return _of_plane(group, "shape", moved)


def fields(group: PlanarGroup, *parts: tuple[int, Representation]) -> FieldType:
    """A field type of parts, those of multiplicity 0 left out.

    Args:
      group: of the representations.
      parts: (multiplicity, representation), in the order of the channels.

    >>> fields(C4, (0, sides(C4)), (3, vector(C4))).size
    6
    """
    return FieldType(group, [part for part in parts if part[0]])


def _of_plane(group: PlanarGroup, name: str, representation: Callable[[np.ndarray], np.ndarray]) -> Representation:
    """The representation whose matrices are a function of those by which the group moves the plane."""
    planar = require_planar(group, name)
    return decompose(planar, np.stack([representation(planar.matrix(g)) for g in planar.generators()]), name)


def vectors_of_pairs(group: PlanarGroup) -> Representation:
    """Two vectors, one for each of two things that quarter turns exchange: |the matrix of g| ⊗ the matrix of g.

    Args:
      group: a subgroup of D4.

    >>> vectors_of_pairs(C4).size
    4
    """
    return _of_plane(group, "vectors of a pair", lambda matrix: np.kron(np.abs(np.rint(matrix)), matrix))


def extents_of_pairs(group: PlanarGroup) -> Representation:
    """Two pairs of extents, one for each of two things that quarter turns exchange.

    Args:
      group: a subgroup of D4.

    >>> extents_of_pairs(C4).size
    4
    """
    exchanged = lambda matrix: np.kron(np.abs(np.rint(matrix)), np.abs(np.rint(matrix)))  # noqa: E731
    return _of_plane(group, "extents of a pair", exchanged)
