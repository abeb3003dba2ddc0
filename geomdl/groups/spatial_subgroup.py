"""Subgroups of the groups of space: embedding by matrices, cosets, homogeneous spaces."""

import dataclasses
import functools
import math

import numpy as np

from geomdl.errors import invalid, nearest
from geomdl.groups.group import Element
from geomdl.groups.planar import PlanarGroup
from geomdl.groups.point_matrices import SPATIAL_FAMILIES
from geomdl.groups.spatial import SpatialGroup


@dataclasses.dataclass(frozen=True)
class SpatialSubgroup:
    """A subgroup H of a group of space G: ι(h) is the element of G with the same matrix.

    The left cosets gH, the points of the homogeneous space G/H, are numbered in the order in which the elements of G
    reach them; each is given by its first element, the representative. A group of the plane is a subgroup too, turning
    about the z axis: its reflections are vertical mirrors where G has these, else half turns about horizontal axes.

    Args:
      group: G.
      subgroup: H as a group of its own.

    Raises:
      ValueError: when some matrix of H is not in G.

    >>> from geomdl.groups import O, Oh, T
    >>> tetrahedron = SpatialSubgroup(O, T)
    >>> tetrahedron, tetrahedron.index, tetrahedron.representatives().tolist()
    (T ≤ O, 2, [[0], [1]])
    >>> SpatialSubgroup(Oh, PlanarGroup(4, True)).index
    6
    """

    group: SpatialGroup
    subgroup: SpatialGroup | PlanarGroup

    def __post_init__(self) -> None:
        if not (self._contained() and np.all(self.group.contains_matrix(self._matrix(self.subgroup.generators())))):
            names = [str(g) for g in named_subgroups(self.group)]
            near = nearest(str(self.subgroup), names)
            raise invalid("subgroup", str(self.subgroup), f"a subgroup of {self.group}: {', '.join(names)}", near)

    def __repr__(self) -> str:
        return f"{self.subgroup} ≤ {self.group}"

    def _contained(self) -> bool:
        if isinstance(self.subgroup, PlanarGroup):
            return self.subgroup.is_finite or not self.group.is_finite
        return self.group.contains_group(self.subgroup)

    def _matrix(self, h: Element) -> np.ndarray:
        if isinstance(self.subgroup, SpatialGroup):
            return self.subgroup.matrix(h)
        plane = self.subgroup.matrix(h)
        matrix = np.zeros((*plane.shape[:-2], 3, 3))
        matrix[..., :2, :2] = plane
        mirrors = self.group.contains_matrix(np.diag([1.0, -1, 1]))
        matrix[..., 2, 2] = 1 if mirrors else np.rint(np.linalg.det(plane))
        return matrix

    axis = 0
    """There is one embedding of each subgroup by name."""

    @property
    def arguments(self) -> str:
        """How the subgroup is typed inside the name of a representation."""
        return str(self.subgroup)

    @property
    def moving(self) -> SpatialGroup:
        """H as it moves space.

        Raises:
          ValueError: for a group of the plane, with the group of space that is meant.
        """
        if isinstance(self.subgroup, PlanarGroup):
            name, mirrors = str(self.subgroup), self.group.contains_matrix(np.diag([1.0, -1, 1]))
            near = f"C{name[1:]}v" if name.startswith("D") and mirrors else f"{name}z"
            raise invalid("subgroup that moves volumes", name, "a group of space", near)
        return self.subgroup

    @property
    def index(self) -> float:
        """The number of cosets, [G : H]; infinite for a finite subgroup of a continuous group."""
        if self.group.is_finite:
            return int(self.group.order) // int(self.subgroup.order)
        if self.subgroup.is_finite or isinstance(self.subgroup, PlanarGroup):
            return math.inf
        return 2 if self.group.has_inversions and not self.subgroup.has_inversions else 1

    def embed(self, h: Element) -> Element:
        """ι(h) for elements of H."""
        return self.group.from_matrix(self._matrix(self.subgroup.require_elements(h)))

    def contains(self, g: Element) -> np.ndarray:
        """Whether elements of G lie in H."""
        if isinstance(self.subgroup, SpatialGroup):
            return self.subgroup.contains_matrix(self.group.matrix(g))
        self.subgroup.require_finite("recognising the elements of a group of the plane")
        return np.isin(self.group.index(g), self._table[0][self._table[1] == 0])

    def restrict(self, g: Element) -> Element:
        """The h in H with ι(h) = g.

        Raises:
          ValueError: when some g is not in H.
        """
        inside = self.contains(g)
        if not np.all(inside):
            outside = np.asarray(g)[~inside].reshape(-1, self.group.element_size)[0].tolist()
            raise ValueError(f"element {outside} of {self.group} is not in the subgroup {self}")
        return self._of_matrix(self.group.matrix(g))

    def _of_matrix(self, matrix: np.ndarray) -> Element:
        if isinstance(self.subgroup, SpatialGroup):
            return self.subgroup.from_matrix(matrix)
        elements = self.subgroup.elements()
        distances = np.abs(matrix[..., None, :, :] - self._matrix(elements)).max((-1, -2))
        return elements[distances.argmin(-1)]

    def split(self, g: Element) -> tuple[Element, Element]:
        """The factors of g = t ι(h): the representative t of the coset gH, and h in H."""
        t = self.representatives()[self.coset(g)]
        rest = self.group.product(self.group.inverse(t), g)
        return t, self._of_matrix(self.group.matrix(rest))

    def representatives(self) -> Element:
        """One element of each coset, the first, in the order of `coset`; the first of all is the identity.

        Raises:
          ValueError: when there are infinitely many cosets.
        """
        self._require_finite_index()
        if not self.group.is_finite:
            return self.group.from_matrix(np.stack([np.eye(3), -np.eye(3)])[: int(self.index)])
        numbers = self._table[1]
        return self.group.elements()[np.unique(numbers, return_index=True)[1]]

    def coset(self, g: Element) -> np.ndarray:
        """The number of the coset gH, 0 … index − 1. Raises ValueError when there are infinitely many."""
        self._require_finite_index()
        if not self.group.is_finite:
            return (self.group.require_elements(g)[..., 0] * (self.index - 1)).astype(int)
        return self._table[1][self.group.index(g)]

    @property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the elements of G, and of the cosets that they lie in."""
        return _cosets(self)

    def act_on_cosets(self, g: Element) -> tuple[np.ndarray, Element]:
        """How g moves the cosets: g t_i = t_j ι(h_i).

        Returns:
          The numbers j ``[..., index]`` and the elements h_i of H ``[..., index, element_size]``.
        """
        moved = self.group.product(np.asarray(g)[..., None, :], self.representatives())
        return self.coset(moved), self.split(moved)[1]

    def _require_finite_index(self) -> None:
        if not math.isfinite(self.index):
            raise ValueError(f"{self} has infinitely many cosets; use irreps such as '8x0e + 4x1o' of O3")


@functools.lru_cache(maxsize=256)
def _cosets(embedding: SpatialSubgroup) -> tuple[np.ndarray, np.ndarray]:
    group = embedding.group
    members = group.index(embedding.embed(embedding.subgroup.elements()))
    smallest = group.multiplication_table()[:, members].min(1)  # the first element of each coset
    return np.arange(int(group.order)), np.unique(smallest, return_inverse=True)[1]


@functools.lru_cache(maxsize=64)
def named_subgroups(group: SpatialGroup) -> tuple[SpatialGroup, ...]:
    """The subgroups of a group of space that have a name, smallest first; about its axis at most tenfold.

    Args:
      group: the group.

    >>> from geomdl.groups import O, T
    >>> named_subgroups(O)
    (C1z, D1z, C2z, D2z, C4z, D4z, T, O)
    """
    names = [name for name in SPATIAL_FAMILIES if "<" not in name]
    axial = [name.replace("<N>", str(n)) for n in range(1, 11) for name in SPATIAL_FAMILIES if "<" in name]
    found: list[SpatialGroup] = []
    for other in map(SpatialGroup, axial + names):
        same = any(other.contains_group(known) and known.contains_group(other) for known in found)
        if group.contains_group(other) and not same:
            found.append(other)
    return tuple(sorted(found, key=lambda h: h.order))
