"""The groups of rotations and reflections of space: of regular solids, about an axis, SO(3) and O(3)."""

import dataclasses
import functools
import math

import numpy as np

from geomdl.errors import nearest, shortened
from geomdl.groups.group import Element, Group
from geomdl.groups.point_matrices import (
    SPATIAL_FAMILIES,
    canonical_name,
    finite_matrices,
    generator_matrices,
    matrix_of_quaternion,
    quaternion_of_matrix,
)

_CLOSE = 1e-9


@dataclasses.dataclass(frozen=True)
class SpatialGroup(Group):
    """A closed subgroup of O(3), by its name.

      T, O, I: the rotations of the tetrahedron (12), cube (24) and icosahedron (60); Td, Th, Oh (48), Ih (120): with
      reflections; Ci: the inversion x ↦ −x; C<N>z: rotations about the z axis; D<N>z: these and half turns about
      horizontal axes, the first of them x; C<N>v: these and vertical mirrors, the first y ↦ −y, as the group D<N> of
      the plane moves the planes z = const; C<N>h, D<N>h: with the mirror z ↦ −z; SO3, O3: all.

    Coordinates are (x, y, z). The axes of a volume's array (depth, height, width) are (−z, −y, x), as (row, column) of
    an image are (−y, x). T, Td, Th, O and Oh, and groups about the axis with N = 1, 2, 4, map the grid to itself; T and
    Th lie in I and Ih too.

    An element of a finite group is its number ``[k]``, in an order that never changes, the identity first; in the
    second half of Th, Oh and Ih are the rotations of the first times −1. An element of SO3 and O3 is
    ``[inversion, w, x, y, z]``: a unit quaternion, q and −q being the same rotation, then x ↦ −x where inversion is 1.

    Args:
      name: of the group, as above.

    Raises:
      ValueError: for an unknown name, with the nearest valid one.

    >>> O, SpatialGroup("Oh").order, SO3.order
    (O, 48, inf)
    >>> O.matrix(np.array([1]))  # a quarter turn about z
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    >>> SpatialGroup("Q")
    Traceback (most recent call last):
    ...
    ValueError: unknown group of space 'Q'; allowed: T, Td, Th, O, Oh, I, Ih, Ci, SO3, O3, C<N>z, D<N>z, C<N>v, C<N>h,
    D<N>h
    """

    name: str

    def __post_init__(self) -> None:
        found = canonical_name(self.name)
        if found is None:
            suggestion = nearest(self.name, [*SPATIAL_FAMILIES, "C4z", "D4z", "C4v", "C4h", "D4h"])
            hint = f"; did you mean {suggestion!r}?" if suggestion and "<" not in suggestion else ""
            raise ValueError(
                f"unknown group of space {shortened(str(self.name))!r}; allowed: {', '.join(SPATIAL_FAMILIES)}{hint}"
            )
        object.__setattr__(self, "name", found)

    def __repr__(self) -> str:
        return self.name

    @property
    def element_size(self) -> int:
        """One number; five of SO3 and O3."""
        return 1 if self.is_finite else 5

    @property
    def order(self) -> float:
        """The number of elements."""
        return math.inf if self.name in ("SO3", "O3") else len(finite_matrices(self.name))

    @property
    def has_inversions(self) -> bool:
        """Whether some element turns left hands into right ones (determinant −1)."""
        return self.name == "O3" or (self.is_finite and bool(np.any(np.linalg.det(finite_matrices(self.name)) < 0)))

    @property
    def element_words(self) -> str:
        """What the numbers are."""
        if self.is_finite:
            return f"[k], the number of an element, from 0 to {int(self.order) - 1}"
        inversion = "0 or 1" if self.has_inversions else "0"
        return f"[inversion, w, x, y, z]: {inversion}, and a quaternion of norm 1"

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
        return inversion & (np.abs(np.sum(a[..., 1:].astype(float) ** 2, -1) - 1) < 1e-5)

    def _nearest(self, outside: np.ndarray) -> str | None:
        if not np.isfinite(outside).all():
            return None
        if self.is_finite:
            return str([round(min(max(float(outside[0]), 0), self.order - 1))])
        norm = np.linalg.norm(outside[1:])
        inversion = int(self.has_inversions and round(float(outside[0])) == 1)
        return str([inversion, *np.round(outside[1:] / norm, 6).tolist()]) if norm > 0 else None

    def matrix(self, a: Element) -> np.ndarray:
        """The orthogonal matrices ``[..., 3, 3]`` in coordinates (x, y, z), float64.

        Those of symmetries of the cube are exact.
        """
        a = self.require_elements(a)
        if self.is_finite:
            return finite_matrices(self.name)[a[..., 0].astype(int)]
        return (1.0 - 2.0 * a[..., :1, None]) * matrix_of_quaternion(a[..., 1:])

    def contains_matrix(self, matrix: np.ndarray) -> np.ndarray:
        """Whether orthogonal matrices ``[..., 3, 3]`` are elements of the group, ``[...]``.

        >>> O.contains_matrix(np.stack([np.eye(3), -np.eye(3)]))
        array([ True, False])
        """
        matrix = np.asarray(matrix, float)
        if self.is_finite:
            return _distances(self.name, matrix).min(-1) < 1e-6
        orthogonal = np.abs(matrix @ np.swapaxes(matrix, -1, -2) - np.eye(3)).max((-1, -2)) < 1e-6
        return orthogonal & (self.has_inversions | (np.linalg.det(matrix) > 0))

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
        """Two or three elements; of SO3 the rotations by 1 rad about z and about x, of O3 the inversion too."""
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
        """Uniform: quaternions from a normal distribution."""
        if self.is_finite:
            return rng.integers(0, int(self.order), (count, 1))
        inversion = rng.integers(0, 2, count).astype(float) if self.has_inversions else np.zeros(count)
        return self._element(inversion, rng.normal(size=(count, 4)))

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
        if not other.is_finite:
            return not self.is_finite and (self.has_inversions or not other.has_inversions)
        return bool(np.all(self.contains_matrix(other.matrix(other.generators()))))

    def grid_symmetries(self) -> Element:
        """The elements that map a cubic grid to itself: of SO3 and O3 those of O and Oh.

        >>> len(SO3.grid_symmetries()), len(SpatialGroup("I").grid_symmetries())
        (24, 12)
        """
        if not self.is_finite:
            return self.from_matrix(finite_matrices("Oh" if self.has_inversions else "O"))
        return self.elements()[np.all(self.matrix(self.elements()) % 1 == 0, (-1, -2))]

    def require_finite(self, what: str) -> None:
        """Raises a ValueError that says what cannot be done when the group is continuous."""
        if not self.is_finite:
            near = "Oh or Ih" if self.has_inversions else "O or I"
            raise ValueError(f"{what} needs a finite group, but {self} is continuous; use a subgroup such as {near}")


def _distances(name: str, matrix: np.ndarray) -> np.ndarray:
    """``[..., order]``: how far matrices are from each element, ``3 − trace(MᵀR)``."""
    return 3 - np.einsum("...ij,kij->...k", matrix, finite_matrices(name))


@functools.lru_cache(maxsize=64)
def _table(name: str) -> np.ndarray:
    matrices = finite_matrices(name)
    return _distances(name, matrices[:, None] @ matrices[None]).argmin(-1)


T, Td, Th, O, Oh, I, Ih, Ci = map(SpatialGroup, ("T", "Td", "Th", "O", "Oh", "I", "Ih", "Ci"))  # noqa: E741
SO3, O3 = SpatialGroup("SO3"), SpatialGroup("O3")
"""The groups of space that have a name of their own."""
