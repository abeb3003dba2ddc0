"""Subgroups of the groups of space: embedding by matrices, cosets, homogeneous spaces."""

import dataclasses
import functools
import math

import numpy as np

from geomdl.errors import invalid, nearest
from geomdl.groups.group import Element
from geomdl.groups.planar import PlanarGroup
from geomdl.groups.point_matrices import axial_of, components
from geomdl.groups.point_names import parsed_axial
from geomdl.groups.spatial import SpatialGroup, groups_about, named_groups


@dataclasses.dataclass(frozen=True)
class SpatialSubgroup:
    """A subgroup H of a group of space G: ι(h) is the element of G with the same matrix.

    The left cosets gH, the points of the homogeneous space G/H, are numbered in the order in which the elements of G
    reach them; each is given by its first element, the representative. A group of the plane is a subgroup too, turning
    about the z axis, or that of G where this is x or y: its reflections are mirrors that contain the axis where G has
    these, else half turns about axes across it.

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
            near = nearest(str(self.subgroup), [str(h) for h in named_subgroups(self.group)])
            raise invalid("subgroup", str(self.subgroup), f"a subgroup of {self.group}: {_listed(self.group)}", near)

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
        matrix[..., 2, 2] = 1 if self._has_mirrors else np.rint(np.linalg.det(plane))
        return self.group.frame @ matrix @ self.group.frame.T

    @property
    def _has_mirrors(self) -> bool:
        """Whether the mirror that is y ↦ −y for a group about z is in G."""
        frame = self.group.frame
        return bool(self.group.contains_matrix(frame @ np.diag([1.0, -1, 1]) @ frame.T))

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
            name, axial = str(self.subgroup), axial_of(self.group.name)
            axis = "z" if axial is None else axial.axis
            if self.subgroup.reflections and self._has_mirrors:
                name = f"C{'inf' if not self.subgroup.is_finite else name[1:]}v"
            elif not self.subgroup.is_finite:
                name = f"{'D' if self.subgroup.reflections else 'C'}inf"
            near = name if name.endswith("v") and axis == "z" else name + axis
            name = str(self.subgroup)
            raise invalid("subgroup that moves volumes", name, "a group of space", near)
        return self.subgroup

    @property
    def index(self) -> float:
        """The number of cosets, [G : H]; infinite for a finite subgroup of a continuous group."""
        if self.group.is_finite:
            return int(self.group.order) // int(self.subgroup.order)
        if isinstance(self.subgroup, PlanarGroup):
            dimension, count = int(not self.subgroup.is_finite), 2 if self.subgroup.reflections else 1
        else:
            dimension, count = self.subgroup.dimension, self.subgroup.component_count
        return math.inf if dimension < self.group.dimension else self.group.component_count // count

    def embed(self, h: Element) -> Element:
        """ι(h) for elements of H."""
        return self.group.from_matrix(self._matrix(self.subgroup.require_elements(h)))

    def contains(self, g: Element) -> np.ndarray:
        """Whether elements of G lie in H."""
        return self._contains_matrix(self.group.matrix(g))

    def _contains_matrix(self, matrix: np.ndarray) -> np.ndarray:
        if isinstance(self.subgroup, SpatialGroup):
            return self.subgroup.contains_matrix(matrix)
        return np.abs(matrix - self._matrix(self._of_matrix(matrix))).max((-1, -2)) < 1e-6

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
        plane = self.group.frame.T @ matrix @ self.group.frame
        reflected = np.linalg.det(plane[..., :2, :2]) < 0
        reflected = reflected & self.subgroup.reflections
        angle = np.arctan2(plane[..., 1, 0], plane[..., 0, 0])
        if self.subgroup.is_finite:
            steps = int(self.subgroup.rotation_order)
            mirror = self.subgroup.matrix(np.array([1, 0])) if self.subgroup.reflections else np.eye(2)
            unturned = np.where(reflected[..., None, None], plane[..., :2, :2] @ mirror, plane[..., :2, :2])
            angle = np.arctan2(unturned[..., 1, 0], unturned[..., 0, 0])
            rotation = np.mod(np.rint(angle * steps / (2 * math.pi)).astype(int), steps)
        else:
            rotation = np.mod(angle, 2 * math.pi)
        return np.stack([reflected.astype(rotation.dtype), rotation], -1)

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
            found: list[np.ndarray] = []
            for matrix in components(self.group.name):
                if not any(self._contains_matrix(t.T @ matrix) for t in found):
                    found.append(matrix)
            return self.group.from_matrix(np.stack(found))
        numbers = self._table[1]
        return self.group.elements()[np.unique(numbers, return_index=True)[1]]

    def coset(self, g: Element) -> np.ndarray:
        """The number of the coset gH, 0 … index − 1. Raises ValueError when there are infinitely many."""
        self._require_finite_index()
        if not self.group.is_finite:
            rest = (
                np.swapaxes(self.group.matrix(self.representatives()), -1, -2) @ self.group.matrix(g)[..., None, :, :]
            )
            return np.argmax(self._contains_matrix(rest), -1)
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
    """The subgroups of a group of space that have a name, smallest first; about an axis x, y or z at most tenfold.

    About the diagonals of the cube those of Oh are among them, and those with all rotations about the axis.

    Equal groups have several names, as C2x is D1z; the list has the first of them.

    Args:
      group: the group.

    >>> from geomdl.groups import O, T
    >>> named_subgroups(T)
    (C1z, C2z, C2x, C2y, C3[111], C3[-111], C3[1-11], C3[11-1], D2z, T)
    >>> len(named_subgroups(O))
    30
    """
    found: list[SpatialGroup] = []
    elements: set[bytes] = set()
    own = axial_of(group.name)
    for other in (*named_groups(10), *(groups_about((own.axis,), 10) if own is not None else ())):
        if not group.contains_group(other):
            continue
        if other.is_finite:
            rounded = np.rint(components(other.name) * 1e6).astype(int).reshape(-1, 9)
            key = rounded[np.lexsort(rounded.T)].tobytes()
            known = key in elements
            elements.add(key)
        else:
            same = [h for h in found if (h.dimension, h.component_count) == (other.dimension, other.component_count)]
            known = any(h.contains_group(other) for h in same)
        if not known:
            found.append(other)
    return tuple(sorted(found, key=lambda h: (h.dimension, h.component_count)))


def _listed(group: SpatialGroup) -> str:
    """The subgroups about the z axis, or that of the group, for messages: those of few rotations."""
    found = [(h, parsed_axial(h.name)) for h in named_subgroups(group)]
    own = axial_of(group.name)
    axis = "z" if own is None else own.axis
    shown = [str(h) for h, axial in found if axial is None or (axial.axis == axis and (axial.order or 1) <= 6)]
    return ", ".join(shown) + ", and others" * (len(shown) < len(found))
