"""The groups of rotations and reflections of space: of regular solids, about an axis, SO(3), O(3), and products."""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np

from geomdl.errors import nearest, shortened
from geomdl.groups.group import Element, Group
from geomdl.groups.point_matrices import (
    averaging_matrices,
    components,
    described,
    frame,
    generator_matrices,
    matrix_of_quaternion,
    quaternion_of_matrix,
)
from geomdl.groups.point_names import (
    DIAGONAL_NAMES,
    DIAGONALS,
    LARGEST_AXIAL_ORDER,
    OTHER_AXES,
    SPATIAL_FAMILIES,
    canonical_name,
    factors_of,
    parsed_axial,
)

_CLOSE = 1e-9


@dataclasses.dataclass(frozen=True)
class SpatialGroup(Group):
    """A closed subgroup of O(3), by its name.

      T, O, I: the rotations of the tetrahedron (12), cube (24) and icosahedron (60); Td, Th, Oh (48), Ih (120): with
      reflections; Ci: the inversion x ↦ −x; C<N>z: rotations about the z axis; D<N>z: these and half turns about
      horizontal axes, the first of them x; C<N>v: these and vertical mirrors, the first y ↦ −y, as the group D<N> of
      the plane moves the planes z = const; C<N>h, D<N>h: with the mirror z ↦ −z; D<N>d: the rotations of D<N>z and N
      vertical mirrors between its horizontal axes; S<2N>z: powers of a rotation by 180°/N with the mirror z ↦ −z;
      Cinfz, Dinfz, Cinfv, Cinfh, Dinfh: with all rotations about the axis, the symmetries of a turning cone, a twisted
      cylinder, a cone, a turning cylinder and a cylinder; SO3, O3: all.

    C∞v may be typed for Cinfv; so may SO2z for Cinfz and O2z for Cinfv, as the groups SO2 and O2 of the plane move the
    planes z = const. Groups about another axis end in it, C4x, D4y, C4vx: those about z, turned by the rotation that
    takes (x, y, z) to (y, z, x) or to (z, x, y). C3[111], D3[-111], C2[1-10], C2v[011] and so on are about a diagonal
    of the cube, through corners or through the middles of edges, as crystallographers write directions; half turns of
    D<N>[hkl] and mirrors of C<N>v[hkl] are those of the cube where it has such.

    ``H x K`` is the direct product of groups that commute and have the identity alone in common: the matrices hk. Where
    it has a name of its own, as ``O x Ci`` is Oh, that is its name. Groups that do not commute have a product too, but
    it does not act on space; see `DirectProduct`.

    Coordinates are (x, y, z). The axes of a volume's array (depth, height, width) are (−z, −y, x), as (row, column) of
    an image are (−y, x). T, Td, Th, O and Oh, and groups about the axis with N = 1, 2, 4, map the grid to itself; T and
    Th lie in I and Ih too.

    An element of a finite group is its number ``[k]``, in an order that never changes, the identity first; in the
    second half of Th, Oh and Ih are the rotations of the first times −1; of H x K the number is that in H times the
    order of K, plus that in K. An element of SO3, O3 and the other continuous groups is ``[inversion, w, x, y, z]``: a
    unit quaternion, q and −q being the same rotation, then x ↦ −x where inversion is 1.

    Args:
      name: of the group, as above.

    Raises:
      ValueError: for an unknown name, with the nearest valid one; for a product of groups that do not commute, or
        that have more than the identity in common.

    >>> O, SpatialGroup("Oh").order, SO3.order
    (O, 48, inf)
    >>> O.matrix(np.array([1]))  # a quarter turn about z
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    >>> SpatialGroup("C∞v"), SpatialGroup("O x Ci"), SpatialGroup("C3v x Ci").order
    (Cinfv, Oh, 12)
    >>> SpatialGroup("Q")
    Traceback (most recent call last):
    ...
    ValueError: unknown group of space 'Q'; allowed: T, Td, Th, O, Oh, I, Ih, Ci, SO3, O3, C<N>z, D<N>z, C<N>v, C<N>h,
    D<N>h, D<N>d, S<2N>z; the same about x, y or a diagonal of the cube: C<N>x, C<N>vx, C3[111], C2[1-10]; H x K of
    groups that commute
    """

    name: str

    def __post_init__(self) -> None:
        found = canonical_name(self.name)
        if found is None:
            axial = ["C4z", "D4z", "C4v", "C4h", "D4h", "D2d", "S4z", "Cinfz", "Cinfv", "Cinfh", "Dinfz", "Dinfh"]
            suggestion = nearest(self.name, [*SPATIAL_FAMILIES, *axial, *DIAGONAL_NAMES])
            hint = f"; did you mean {suggestion!r}?" if suggestion and "<" not in suggestion else ""
            raise ValueError(
                f"unknown group of space {shortened(str(self.name))!r}; allowed: {', '.join(SPATIAL_FAMILIES)};"
                f" {OTHER_AXES}{hint}"
            )
        factors = factors_of(found)
        object.__setattr__(self, "name", _product_name(*factors) if len(factors) > 1 else found)

    def __repr__(self) -> str:
        return self.name

    @property
    def element_size(self) -> int:
        """One number; five of a continuous group."""
        return 1 if self.is_finite else 5

    @property
    def order(self) -> float:
        """The number of elements."""
        return math.inf if self._kind != "finite" else len(components(self.name))

    @property
    def _kind(self) -> str:
        """Which rotations the component of the identity has: finite (itself alone), axis (about it) or all."""
        axial = parsed_axial(self.name)
        if axial is not None and axial.is_continuous:
            return "axis"
        return "all" if self.name in ("SO3", "O3") else "finite"

    @property
    def is_axial(self) -> bool:
        """Whether its component of the identity are the rotations about an axis: Cinfz, Cinfv, …, about any axis.

        >>> SpatialGroup("Dinfh").is_axial, SpatialGroup("C4z").is_axial
        (True, False)
        """
        return self._kind == "axis"

    @property
    def frame(self) -> np.ndarray:
        """The rotation ``[3, 3]`` that takes the z axis to that of a group about x or y; else the identity."""
        return frame(self.name)

    @property
    def component_count(self) -> int:
        """The number of connected components; of a finite group its order.

        >>> SO3.component_count, SpatialGroup("Dinfh").component_count
        (1, 4)
        """
        return len(components(self.name))

    @property
    def dimension(self) -> int:
        """How many angles its elements depend on: 0 of a finite group, 1 about an axis, 3 of SO3 and O3."""
        return {"finite": 0, "axis": 1, "all": 3}[self._kind]

    @property
    def has_inversions(self) -> bool:
        """Whether some element turns left hands into right ones (determinant −1)."""
        return bool(np.any(np.linalg.det(components(self.name)) < 0))

    @property
    def element_words(self) -> str:
        """What the numbers are."""
        if self.is_finite:
            return f"[k], the number of an element, from 0 to {int(self.order) - 1}"
        inversion = "0 or 1" if self.has_inversions else "0"
        inside = f" that together move space as an element of {self} does" if self.is_axial else ""
        return f"[inversion, w, x, y, z]: {inversion}, and a quaternion of norm 1{inside}"

    def has_element(self, a: Element) -> np.ndarray:
        """Whether these are numbers of elements, or quaternions of norm 1 (to 1e-5).

        >>> SO3.has_element(np.array([[0, 1, 0, 0, 0], [0, 2, 0, 0, 0], [1, 1, 0, 0, 0]]))
        array([ True, False, False])
        """
        a = np.asarray(a)
        if self.is_finite:
            whole = True if a.dtype.kind in "biu" else a[..., 0] == np.floor(a[..., 0])
            return (a[..., 0] >= 0) & (a[..., 0] < self.order) & whole
        inversion = (a[..., 0] == 0) | ((a[..., 0] == 1) & self.has_inversions)
        inside = inversion & (np.abs(np.sum(a[..., 1:].astype(float) ** 2, -1) - 1) < 1e-5)
        if self.is_axial:
            whole = np.where(inside[..., None], a, np.eye(5)[1])
            inside = inside & self._has_matrix(_matrix(whole), 1e-5)
        return inside

    def _nearest(self, outside: np.ndarray) -> str | None:
        if not np.isfinite(outside).all():
            return None
        if self.is_finite:
            return str([round(min(max(float(outside[0]), 0), self.order - 1))])
        norm = np.linalg.norm(outside[1:])
        inversion = int(self.has_inversions and round(float(outside[0])) == 1)
        near = [inversion, *np.round(outside[1:] / norm, 6).tolist()] if norm > 0 else None
        return str(near) if near is not None and bool(self.has_element(np.array(near))) else None

    def matrix(self, a: Element) -> np.ndarray:
        """The orthogonal matrices ``[..., 3, 3]`` in coordinates (x, y, z), float64.

        Those of symmetries of the cube are exact.
        """
        a = self.require_elements(a)
        if self.is_finite:
            return components(self.name)[a[..., 0].astype(int)]
        return _matrix(a)

    def describe(self, a: Element) -> str:
        """What one element does, in words.

        >>> O.describe([1]), Oh.describe([24]), SpatialGroup("C2v").describe([2]), O.describe([2])
        ('90° about z', 'inversion', 'mirror y', '120° about (1, 1, 1)')
        """
        return described(self.matrix(a))

    def contains_matrix(self, matrix: np.ndarray) -> np.ndarray:
        """Whether orthogonal matrices ``[..., 3, 3]`` are elements of the group, ``[...]``.

        >>> O.contains_matrix(np.stack([np.eye(3), -np.eye(3)]))
        array([ True, False])
        """
        matrix = np.asarray(matrix, float)
        if self.is_finite:
            return _distances(self.name, matrix).min(-1) < 1e-6
        orthogonal = np.abs(matrix @ np.swapaxes(matrix, -1, -2) - np.eye(3)).max((-1, -2)) < 1e-6
        return orthogonal & self._has_matrix(matrix, 1e-6)

    def _has_matrix(self, matrix: np.ndarray, tolerance: float) -> np.ndarray:
        """Whether orthogonal matrices are those of a component times a rotation of the component of the identity."""
        rest = np.swapaxes(components(self.name), -1, -2) @ matrix[..., None, :, :]
        inside = np.linalg.det(rest) > 0
        if self.is_axial:
            axis = self.frame[:, 2]
            inside = inside & (np.abs(rest @ axis - axis).max(-1) < tolerance)
        return inside.any(-1)

    def from_matrix(self, matrix: np.ndarray) -> Element:
        """The elements of given matrices ``[..., 3, 3]``.

        Raises:
          ValueError: for matrices that are not in the group.

        >>> O.from_matrix(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]))
        array([1])
        """
        matrix = np.asarray(matrix, float)
        if matrix.shape[-2:] != (3, 3) or not np.all(self.contains_matrix(matrix)):
            raise ValueError(
                f"matrices ({matrix.shape}) that are not all in {self}; allowed: [..., 3, 3], its elements"
            )
        if self.is_finite:
            return _distances(self.name, matrix).argmin(-1)[..., None]
        inversion = (np.linalg.det(matrix) < 0).astype(float)
        rotation = matrix * (1 - 2 * inversion)[..., None, None]
        return np.concatenate([inversion[..., None], quaternion_of_matrix(rotation)], -1)

    def product(self, a: Element, b: Element) -> Element:
        """That of the matrices."""
        a, b = self.require_elements(a), self.require_elements(b)
        if self.is_finite:
            return _table(self.name)[a[..., 0].astype(int), b[..., 0].astype(int)][..., None]
        a, b = np.broadcast_arrays(a.astype(float), b.astype(float))
        (w, x, y, z), (p, q, r, s) = np.moveaxis(a[..., 1:], -1, 0), np.moveaxis(b[..., 1:], -1, 0)
        parts = (
            w * p - x * q - y * r - z * s,
            w * q + x * p + y * s - z * r,
            w * r - x * s + y * p + z * q,
            w * s + x * r - y * q + z * p,
        )
        return self._element(np.mod(a[..., 0] + b[..., 0], 2), np.stack(parts, -1))

    def inverse(self, a: Element) -> Element:
        """The transposed matrix; the conjugate quaternion."""
        a = self.require_elements(a)
        if self.is_finite:
            return np.argmin(_table(self.name), -1)[a[..., 0].astype(int)][..., None]
        return self._element(a[..., 0].astype(float), a[..., 1:] * np.array([1.0, -1.0, -1.0, -1.0]))

    @staticmethod
    def _element(inversion: np.ndarray, quaternion: np.ndarray) -> Element:
        quaternion = quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True)
        return np.concatenate([inversion[..., None], quaternion], -1)

    def generators(self) -> Element:
        """A few elements; of a continuous group the first is the rotation by 1 rad about z or its axis.

        Of SO3 the second is that about x, of O3 the third the inversion.
        """
        return self.from_matrix(generator_matrices(self.name))

    @property
    def identity(self) -> Element:
        """Number 0; the quaternion 1."""
        return np.array([0]) if self.is_finite else np.array([0.0, 1.0, 0.0, 0.0, 0.0])

    def index(self, a: Element) -> np.ndarray:
        """The number itself."""
        self.require_finite("numbering elements")
        return self.require_elements(a)[..., 0].astype(int)

    def elements(self) -> Element:
        """All numbers."""
        self.require_finite("listing elements")
        return np.arange(int(self.order))[:, None]

    def sample(self, rng: np.random.Generator, count: int) -> Element:
        """Uniform: numbers; angles about an axis; quaternions from a normal distribution."""
        if self.is_finite:
            return rng.integers(0, int(self.order), (count, 1))
        if self.is_axial:
            turns = np.broadcast_to(np.eye(3), (count, 3, 3)).copy()
            angle = rng.uniform(0, 2 * math.pi, count)
            turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angle)
            turns[:, 1, 0], turns[:, 0, 1] = np.sin(angle), -np.sin(angle)
            others = components(self.name)[rng.integers(0, self.component_count, count)]
            return self.from_matrix(others @ self.frame @ turns @ self.frame.T)
        inversion = rng.integers(0, 2, count).astype(float) if self.has_inversions else np.zeros(count)
        return self._element(inversion, rng.normal(size=(count, 4)))

    def averaging_elements(self, frequency: int) -> Element:
        """Elements, the mean over which is that over the group: all of a finite group.

        Args:
          frequency: of a group about an axis, up to which the mean is exact.

        Raises:
          ValueError: for SO3 and O3, which have no such elements of equal weight for every degree.

        >>> SpatialGroup("Cinfv").averaging_elements(3).shape
        (8, 5)
        """
        if self._kind == "all":
            self.require_finite("listing elements")
        return self.from_matrix(averaging_matrices(self.name, frequency)) if self.is_axial else self.elements()

    def is_close(self, a: Element, b: Element) -> np.ndarray:
        """Equality of numbers, or of quaternions up to their sign."""
        a, b = self.require_elements(a), self.require_elements(b)
        if self.is_finite:
            return a[..., 0] == b[..., 0]
        apart = [np.abs(a[..., 1:] - sign * b[..., 1:]).max(-1) for sign in (1, -1)]
        return (a[..., 0] == b[..., 0]) & (np.minimum(*apart) < _CLOSE)

    def contains_group(self, other: Group) -> bool:
        """Whether ``other`` is a subgroup of this group, moving space in the same way.

        >>> [SpatialGroup(name).contains_group(O) for name in ("Oh", "Td", "SO3")]
        [True, False, True]
        """
        if not isinstance(other, SpatialGroup):
            return False
        if other.dimension > self.dimension:
            return False
        return bool(np.all(self.contains_matrix(generator_matrices(other.name))))

    def grid_symmetries(self) -> Element:
        """The elements that map a cubic grid to itself: of SO3 and O3 those of O and Oh; of Cinfz those of C4z.

        >>> len(SO3.grid_symmetries()), len(SpatialGroup("I").grid_symmetries())
        (24, 12)
        """
        if not self.is_finite:
            of_the_cube = components("Oh")
            return self.from_matrix(of_the_cube[self.contains_matrix(of_the_cube)])
        return self.elements()[np.all(self.matrix(self.elements()) % 1 == 0, (-1, -2))]

    def require_finite(self, what: str) -> None:
        """Raises a ValueError that says what cannot be done when the group is continuous."""
        if not self.is_finite:
            near = "Oh or Ih" if self.has_inversions else "O or I"
            if self.is_axial:
                near = f"{self.name.replace('inf', '4')} or {self.name.replace('inf', '8')}"
            raise ValueError(f"{what} needs a finite group, but {self} is continuous; use a subgroup such as {near}")


def _distances(name: str, matrix: np.ndarray) -> np.ndarray:
    """``[..., order]``: how far matrices are from each element, ``3 − trace(MᵀR)``."""
    return 3 - np.einsum("...ij,kij->...k", matrix, components(name))


@functools.lru_cache(maxsize=64)
def _table(name: str) -> np.ndarray:
    matrices = components(name)
    return _distances(name, matrices[:, None] @ matrices[None]).argmin(-1)


def _matrix(a: Element) -> np.ndarray:
    return (1.0 - 2.0 * a[..., :1, None]) * matrix_of_quaternion(a[..., 1:])


@functools.lru_cache(maxsize=256)
def _product_name(*factors: str) -> str:
    """The name of a product of groups: that of an equal group which has one, else ``H x K``.

    Raises:
      ValueError: when they do not commute, or have more than the identity in common.
    """
    first = SpatialGroup(" x ".join(factors[:-1]))
    second = SpatialGroup(factors[-1])
    a, b = generator_matrices(first.name), generator_matrices(second.name)
    name = f"{first} x {second}"
    if np.abs(a[:, None] @ b[None] - b[None] @ a[:, None]).max() > 1e-9:
        raise ValueError(
            f"{name} does not act on space: {first} and {second} do not commute; allowed: groups that do, such as O x"
            f" Ci; DirectProduct({first}, {second}) acts on the channels of vectors"
        )
    finite, other = sorted((first, second), key=lambda group: group.dimension)
    common = other.contains_matrix(components(finite.name)) if finite.is_finite else np.ones(2, bool)
    if common.sum() > 1:
        raise ValueError(
            f"{name} is no direct product: {first} and {second} have more than the identity in common; allowed: such"
            " as O x Ci"
        )
    matrices = (components(first.name)[:, None] @ components(second.name)[None]).reshape(-1, 3, 3)
    for known in _candidates(len(matrices), other.dimension):
        if np.all(known.contains_matrix(matrices)) and known.contains_group(other):
            return known.name
    return name


def _candidates(count: int, dimension: int) -> list["SpatialGroup"]:
    """The groups with a name and so many components."""
    return [group for group in named_groups(count) if group.dimension == dimension and group.component_count == count]


@functools.lru_cache(maxsize=64)
def named_groups(largest: int) -> tuple["SpatialGroup", ...]:
    """The groups that have a name, about every axis, rotations about it up to a number; continuous ones too.

    About a diagonal of the cube these are the subgroups of Oh and the continuous ones.

    Args:
      largest: the most rotations or rotoreflections about the axis.

    >>> len(named_groups(2))
    150
    """
    names = [name for name in SPATIAL_FAMILIES if "<" not in name]
    groups = [SpatialGroup(name) for name in names] + list(groups_about("zxy", largest))
    for axis in DIAGONALS:
        finite = ("C2", "D2", "C1h", "C2v", "C2h", "D2h") if "0" in axis else ("C3", "D3", "S6", "C3v", "D3d")
        groups += [SpatialGroup(name + axis) for name in finite if int(name[1]) <= largest]
    return (*groups, *groups_about(DIAGONALS, 0))


@functools.lru_cache(maxsize=64)
def groups_about(axes: Sequence[str], largest: int) -> tuple["SpatialGroup", ...]:
    """The groups about some axes, rotations about them up to a number; continuous ones too.

    Args:
      axes: of ``"x"``, ``"y"``, ``"z"`` and `geomdl.groups.point_names.DIAGONALS`; a string or a tuple.
      largest: the most rotations or rotoreflections.

    >>> groups_about(("[111]",), 0)
    (Cinf[111], Dinf[111], Cinfv[111], Cinfh[111], Dinfh[111])
    """
    largest = min(largest, LARGEST_AXIAL_ORDER)
    orders = {"C<N>": range(1, largest + 1), "D<N>": range(1, largest + 1), "S<2N>": range(2, largest + 1, 2)}
    names = []
    for family in (name for name in SPATIAL_FAMILIES if "<" in name):
        start = family[: family.index(">") + 1]
        kind = family[len(start) :].removesuffix("z")
        numbers = (*map(str, orders[start]), "inf")
        names += [start[0] + number + kind + axis for axis in axes for number in numbers]
    return tuple(SpatialGroup(name) for name in names if canonical_name(name) is not None)


T, Td, Th, O, Oh, I, Ih, Ci = map(SpatialGroup, ("T", "Td", "Th", "O", "Oh", "I", "Ih", "Ci"))  # noqa: E741
SO3, O3 = SpatialGroup("SO3"), SpatialGroup("O3")
"""The groups of space that have a name of their own."""
