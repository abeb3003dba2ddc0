"""A representation: g ↦ matrix, together with its decomposition into irreps."""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np

from geomdl.errors import invalid
from geomdl.groups import Element, PlanarGroup

Label = tuple[int, int]
"""An irrep's label (parity j, frequency k)."""


@dataclasses.dataclass(frozen=True)
class Representation:
    """A real orthogonal representation of a planar group, given by its decomposition into irreps:

      ρ(g) = Q [ψ_1(g) ⊕ … ⊕ ψ_n(g)] Q⁻¹.

    Args:
      group: the group.
      name: how it is printed, and written in a field type.
      labels: the irreps ψ_1, …, ψ_n by their (j, k).
      basis: the change of basis Q as nested tuples, or () for the identity. Immutable, hence hashable.

    Raises:
      ValueError: when Q does not fit the irreps.

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

    group: PlanarGroup
    name: str
    labels: tuple[Label, ...]
    basis: tuple[tuple[float, ...], ...] = dataclasses.field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.basis and np.shape(self.basis) != (self.size, self.size):
            raise invalid(f"change of basis of {self.name}", np.shape(self.basis), f"shape {(self.size, self.size)}")

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
        """The matrices ρ(g) ``[..., size, size]`` of elements ``[..., 2]``, float64."""
        g = np.asarray(g)
        blocks = np.zeros((*g.shape[:-1], self.size, self.size))
        start = 0
        for label in self.labels:
            stop = start + irrep_size(self.group, label)
            blocks[..., start:stop, start:stop] = irrep_matrix(self.group, label, g)
            start = stop
        if not self.basis:
            return blocks
        matrix = self.change_of_basis @ blocks @ np.linalg.inv(self.change_of_basis)
        rounded = np.rint(matrix)
        return np.where(np.abs(matrix - rounded) < 1e-12, rounded, matrix) + 0.0

    def character(self, g: Element) -> np.ndarray:
        """χ(g) = trace ρ(g)."""
        return np.trace(self(g), axis1=-2, axis2=-1)

    @functools.cached_property
    def is_permutation(self) -> bool:
        """Whether every ρ(g) permutes the channels, so that any pointwise nonlinearity commutes with it."""
        if set(self.labels) == {(0, 0)} and not self.basis:
            return True
        if not self.group.is_finite:
            return False
        matrices = self(self.group.generators())
        one_per_row = np.all(np.isclose(matrices.sum(-1), 1)) and np.all(np.isclose(matrices.max(-1), 1))
        return bool(one_per_row and np.all(matrices > -1e-9))

    def permutation(self) -> np.ndarray:
        """For a permutation representation: ``[order, size]``, entry [g, i] is where channel i is sent by element g.

        Raises:
          ValueError: when the representation does not permute its channels.
        """
        if not self.is_permutation:
            raise ValueError(f"{self.name} of {self.group} does not permute its channels; allowed: trivial, regular")
        return np.argmax(self(self.group.elements()), axis=-2)

    @property
    def is_trivial(self) -> bool:
        """Whether every element acts as the identity."""
        return set(self.labels) == {(0, 0)}


def irrep_size(group: PlanarGroup, label: Label) -> int:
    """The dimension of the real irrep (j, k): 2, but 1 for k = 0 and for k = N/2."""
    return 1 if label[1] == 0 or 2 * label[1] == group.rotation_order else 2


def irrep_matrix(group: PlanarGroup, label: Label, g: Element) -> np.ndarray:
    """ψ_{j,k}(R(θ) F^f): R(kθ) diag(1, −1)^f in two dimensions, (−1)^{jf} cos(kθ) in one."""
    j, k = label
    angle, flip = group.angle(g) * k, np.asarray(g)[..., 0]
    if irrep_size(group, label) == 1:
        sign = np.where(flip == 1, (-1.0) ** j, 1.0)
        return (sign * np.rint(np.cos(angle)))[..., None, None]
    return PlanarGroup(math.inf, True).matrix(np.stack([flip, np.mod(angle, 2 * math.pi)], -1))


def direct_sum(parts: Sequence[Representation], name: str | None = None) -> Representation:
    """ρ_1 ⊕ … ⊕ ρ_n: block-diagonal matrices.

    Args:
      parts: representations of one group.
      name: the name of the sum; by default the parts' names joined by ``+``.

    Raises:
      ValueError: when there are no parts or they are of different groups.

    >>> from geomdl.groups import C4
    >>> from geomdl.representations import irrep, trivial
    >>> direct_sum([trivial(C4), irrep(C4, 1)]).size
    3
    """
    if len({p.group for p in parts}) != 1:
        raise ValueError(f"a direct sum needs representations of one group, got {[str(p.group) for p in parts]}")
    labels = tuple(label for p in parts for label in p.labels)
    total = sum(p.size for p in parts)
    basis = np.zeros((total, total))
    start = 0
    for p in parts:
        basis[start : start + p.size, start : start + p.size] = p.change_of_basis
        start += p.size
    identity = np.array_equal(basis, np.eye(total))
    frozen = () if identity else tuple(map(tuple, basis.tolist()))
    return Representation(parts[0].group, name or "+".join(p.name for p in parts), labels, frozen)


def trivial(group: PlanarGroup) -> Representation:
    """ρ(g) = 1: a scalar field, such as the intensity of an image."""
    return Representation(group, "trivial", ((0, 0),))
