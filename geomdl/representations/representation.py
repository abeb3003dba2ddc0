"""A representation: g ↦ matrix, together with its decomposition into irreps."""

import collections
import dataclasses
import functools
import itertools
from collections.abc import Sequence

import numpy as np

from geomdl.errors import invalid
from geomdl.groups import Element, PointGroup, point_group
from geomdl.representations.irrep_families import Label, irrep_family


@dataclasses.dataclass(frozen=True, eq=False)
class Representation:
    """A real orthogonal representation of a compact group, given by its decomposition into irreps:

      ρ(g) = Q [ψ_1(g) ⊕ … ⊕ ψ_n(g)] Qᵀ,   Q orthogonal.

    So every ρ(g) preserves norms. A value: two are equal when group, irreps and Q are, whatever their names; the
    hash is kept.

    Args:
      group: a group of the plane or of space, or a direct product of two of the plane.
      name: how it is printed, and written in a field type.
      labels: the irreps ψ_1, …, ψ_n by their labels.
      basis: the change of basis Q as nested tuples, or () for the identity; see `frozen_basis`.

    Raises:
      ValueError: when Q does not fit the irreps, or is not orthogonal.

    >>> from geomdl.groups import C4
    >>> from geomdl.representations import regular
    >>> rho = regular(C4)
    >>> rho, rho.size, rho.labels
    (regular, 4, ((0, 0), (0, 1), (0, 2)))
    >>> rho(np.array([0, 1])).round(6) + 0
    array([[0., 0., 0., 1.],
           [1., 0., 0., 0.],
           [0., 1., 0., 0.],
           [0., 0., 1., 0.]])
    """

    group: PointGroup
    name: str
    labels: tuple[Label, ...]
    basis: tuple[tuple[float, ...], ...] = dataclasses.field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.basis and np.shape(self.basis) != (self.size, self.size):
            raise invalid(f"change of basis of {self.name}", np.shape(self.basis), f"shape {(self.size, self.size)}")
        require_orthogonal(self.change_of_basis, f"change of basis of {self.name}")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Representation) or hash(self) != hash(other):
            return False
        return (self.group, self.labels, self.basis) == (other.group, other.labels, other.basis)

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.group, self.labels, self.basis))  # of numbers only: the same in every process

    def __repr__(self) -> str:
        return self.name

    @functools.cached_property
    def size(self) -> int:
        """The dimension of the representation: rows of ρ(g)."""
        return sum(irrep_size(self.group, label) for label in self.labels)

    @functools.cached_property
    def change_of_basis(self) -> np.ndarray:
        """Q ``[size, size]``, float64."""
        return np.array(self.basis) if self.basis else np.eye(self.size)

    def __call__(self, g: Element) -> np.ndarray:
        """The matrices ρ(g) ``[..., size, size]`` of elements ``[..., element_size]``, float64."""
        g = self.group.require_elements(g)
        blocks = np.zeros((*g.shape[:-1], self.size, self.size))
        start = 0
        for label in self.labels:
            stop = start + irrep_size(self.group, label)
            blocks[..., start:stop, start:stop] = irrep_matrix(self.group, label, g)
            start = stop
        if not self.basis:
            return blocks
        matrix = self.change_of_basis @ blocks @ self.change_of_basis.T
        rounded = np.rint(matrix)
        return np.where(np.abs(matrix - rounded) < 1e-12, rounded, matrix) + 0.0

    def character(self, g: Element) -> np.ndarray:
        """χ(g) = trace ρ(g)."""
        return np.trace(self(g), axis1=-2, axis2=-1)

    @functools.cached_property
    def is_permutation(self) -> bool:
        """Whether every ρ(g) permutes the channels, so that any pointwise nonlinearity commutes with it."""
        return self.is_signed_permutation and bool(np.all(self(self.group.generators()) > -1e-9))

    @functools.cached_property
    def is_signed_permutation(self) -> bool:
        """Whether every ρ(g) permutes the channels up to signs, as CReLU and odd pointwise functions need."""
        magnitudes = np.abs(self(self.group.generators()))
        return bool(np.all(np.isclose(magnitudes.sum(-1), 1)) and np.all(np.isclose(magnitudes.max(-1), 1)))

    def permutation(self) -> np.ndarray:
        """For a permutation representation: ``[order, size]``, entry [g, i] is where channel i is sent by element g.

        Raises:
          ValueError: when the representation does not permute its channels.
        """
        if not self.is_permutation:
            allowed = "trivial, regular, quotient"
            raise ValueError(f"{self.name} of {self.group} does not permute its channels; allowed: {allowed}")
        return np.argmax(self(self.group.elements()), axis=-2)

    @property
    def is_trivial(self) -> bool:
        """Whether every element acts as the identity."""
        return not any(map(any, self.labels))

    @functools.cached_property
    def multiplicities(self) -> dict[Label, int]:
        """How often each irrep occurs, by its label."""
        return dict(collections.Counter(self.labels))

    @functools.cached_property
    def endomorphism_dimension(self) -> int:
        """The dimension of the space of matrices that commute with every ρ(g): Σ m² · (1, or 2 for complex type).

        For an irrep it is its type: 1 real; 2 complex (rotations of the plane, without reflections).
        """
        return sum(m * m * irrep_type(self.group, label) for label, m in self.multiplicities.items())

    @property
    def is_irreducible(self) -> bool:
        """Whether no subspace is left invariant but zero and the whole."""
        return len(self.labels) == 1


def irrep_size(group: PointGroup, label: Label) -> int:
    """The dimension of an irrep; see `geomdl.representations.irrep_families.IrrepFamily`."""
    return irrep_family(group).size(label)


def irrep_type(group: PointGroup, label: Label) -> int:
    """The dimension of the endomorphisms of the irrep: 1 for real type, 2 for complex type."""
    return irrep_family(group).type(label)


def irrep_matrix(group: PointGroup, label: Label, g: Element) -> np.ndarray:
    """The matrices of an irrep ``[..., size, size]``, which the irreps of each kind of group define."""
    return irrep_family(group).matrix(label, g)


def direct_sum(parts: Sequence[Representation], name: str | None = None) -> Representation:
    """ρ_1 ⊕ … ⊕ ρ_n: block-diagonal matrices.

    Args:
      parts: representations of one group.
      name: the name of the sum; by default as it is typed in a field type, ``"(trivial + 2 irrep(1))"``.

    Raises:
      ValueError: when there are no parts or they are of different groups.

    >>> from geomdl.groups import C4
    >>> from geomdl.representations import irrep, trivial
    >>> rho = direct_sum([trivial(C4), irrep(C4, 1), irrep(C4, 1)])
    >>> rho, rho.size
    ((trivial + 2 irrep(1)), 5)
    """
    if len({p.group for p in parts}) != 1:
        raise ValueError(f"a direct sum needs representations of one group, got {[str(p.group) for p in parts]}")
    labels = tuple(label for p in parts for label in p.labels)
    basis = frozen_basis(block_diagonal([p.change_of_basis for p in parts]))
    return Representation(parts[0].group, name or _sum_name(parts), labels, basis)


def counted(count: int, name: str) -> str:
    """A number of fields as they are typed.

    >>> counted(8, "regular"), counted(4, "1o")
    ('8 regular', '4x1o')
    """
    return f"{count}x{name}" if name[:1].isdigit() else f"{count} {name}"


def _sum_name(parts: Sequence[Representation]) -> str:
    runs = [(n, len(list(same))) for n, same in itertools.groupby(p.name for p in parts)]
    return "(" + " + ".join(counted(count, n) if count > 1 else n for n, count in runs) + ")"


def trivial(group: PointGroup | str) -> Representation:
    """ρ(g) = 1: a scalar field, such as the intensity of an image.

    Args:
      group: the group.

    >>> from geomdl.groups import C4
    >>> trivial(C4).size, trivial(C4).is_trivial
    (1, True)
    """
    group = point_group(group)
    return Representation(group, "trivial", (irrep_family(group).trivial,))


def change_basis(rho: Representation, matrix: np.ndarray, name: str | None = None) -> Representation:
    """The equivalent representation g ↦ P ρ(g) Pᵀ, for an orthogonal P ``[size, size]``.

    Args:
      rho: ρ.
      matrix: P.
      name: of the new representation; None makes one from that of ρ.

    Raises:
      ValueError: when P has another shape or is not orthogonal (the new matrices would not preserve norms).

    >>> from geomdl.groups import D1
    >>> from geomdl.representations import irrep
    >>> rho = direct_sum([trivial(D1), irrep(D1, 1, 0)])  # diag(1, −1) at the reflection
    >>> swap = change_basis(rho, np.array([[1, 1], [1, -1]]) / np.sqrt(2))
    >>> swap(np.array([1, 0])), swap.is_permutation
    (array([[0., 1.], [1., 0.]]), True)
    """
    matrix = np.asarray(matrix, float)
    if matrix.shape != (rho.size, rho.size):
        raise invalid(f"change of basis of {rho}", matrix.shape, f"shape {(rho.size, rho.size)}")
    require_orthogonal(matrix, f"change of basis of {rho}")
    basis = frozen_basis(matrix @ rho.change_of_basis)
    return Representation(rho.group, name or f"changed({rho.name})", rho.labels, basis)


def frozen_basis(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """A change of basis as an immutable value: nested tuples, or () for the identity; rounding noise at 0 removed."""
    if np.allclose(matrix, np.eye(len(matrix)), rtol=0, atol=1e-13):
        return ()
    return tuple(map(tuple, (np.where(np.abs(matrix) < 1e-14, 0.0, matrix) + 0.0).tolist()))


def block_diagonal(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """The matrix with the given square blocks along its diagonal."""
    total = sum(len(b) for b in blocks)
    matrix = np.zeros((total, total))
    start = 0
    for block in blocks:
        matrix[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    return matrix


def require_orthogonal(matrices: np.ndarray, what: str) -> None:
    """Raises a ValueError unless all matrices ``[..., n, n]`` are orthogonal to 1e-9."""
    gram = matrices @ np.swapaxes(matrices, -1, -2)
    error = np.max(np.abs(gram - np.eye(matrices.shape[-1])), initial=0)
    if not error < 1e-9:
        raise ValueError(
            f"{what} is not orthogonal (MMᵀ differs from 1 by {error:.1g}); for a representation of a compact group,"
            " take a basis that is orthonormal for an invariant inner product"
        )
