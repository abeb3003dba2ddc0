"""Irreps of subgroups of O(3), found in spherical harmonics by one numerical decomposition."""

import dataclasses

import numpy as np

from geomdl.representations.spherical_harmonics import wigner


@dataclasses.dataclass(frozen=True, eq=False)
class HarmonicIrrep:
    """An irrep as it occurs in a representation of O(3), and its matrices at some elements.

      ψ(g) = Bᵀ (−1)^{p · inversion} D^l(R) B   for g = R or −R, with orthonormal columns B.

    Args:
      parity: p, 1 for odd.
      degree: l.
      basis: B ``[2l + 1, d]``, read-only.
      matrices: ψ ``[elements, d, d]``, read-only.
      type: the dimension of its endomorphisms, 1 or 2.
    """

    parity: int
    degree: int
    basis: np.ndarray
    matrices: np.ndarray
    type: int

    @property
    def size(self) -> int:
        """d."""
        return self.basis.shape[1]

    @property
    def character(self) -> np.ndarray:
        """The traces of the matrices, ``[elements]``."""
        return np.trace(self.matrices, axis1=1, axis2=2)

    def at(self, matrix: np.ndarray) -> np.ndarray:
        """ψ ``[..., d, d]`` of elements by their matrices ``[..., 3, 3]``."""
        return _rounded(self.basis.T @ of_space(self.parity, self.degree, matrix) @ self.basis)

    def projector(self, matrices: np.ndarray) -> np.ndarray:
        """On the component of a representation ``[elements, n, n]`` that consists of copies of this irrep."""
        return _projector(self.character, self.type, matrices)


def of_space(parity: int, degree: int, matrix: np.ndarray) -> np.ndarray:
    """The irrep of O(3) ``[..., 2l + 1, 2l + 1]`` of elements by their matrices ``[..., 3, 3]``."""
    sign = np.rint(np.linalg.det(matrix))[..., None, None]
    return sign**parity * wigner(degree, sign * matrix)


def new_irreps(elements: np.ndarray, parity: int, degree: int, known: list[HarmonicIrrep]) -> list[HarmonicIrrep]:
    """The irreps of a group that a representation of O(3) holds and that are not known yet.

    They are ordered by dimension, then by the first harmonic that they have a part in.

    Args:
      elements: matrices ``[n, 3, 3]``, the mean over which is that over the group.
      parity: of the representation of O(3).
      degree: l.
      known: irreps, with their matrices at the same elements.
    """
    matrices = of_space(parity, degree, elements)
    characters = [irrep.character for irrep in known]
    new = []
    for character in _characters(matrices):
        if any(np.mean(character * other) > 0.5 for other in characters):
            continue
        characters.append(character)
        kind = round(np.mean(character**2))
        projector = _projector(character, kind, matrices)
        basis = _irreducible_basis(projector, round(character[0]))
        values = _rounded(np.swapaxes(basis, 0, 1) @ matrices @ basis)
        basis.flags.writeable = values.flags.writeable = False
        first = int(np.argmax(np.diagonal(projector) > 1e-6))
        irrep = HarmonicIrrep(parity, degree, basis, values, kind)
        new.append((irrep.size, first, (-character).round(6).tolist(), irrep))
    return [irrep for *_, irrep in sorted(new, key=lambda item: item[:3])]


def _projector(character: np.ndarray, kind: int, matrices: np.ndarray) -> np.ndarray:
    return np.tensordot(character, matrices, 1) * (character[0] / kind / len(matrices))


def _rounded(matrices: np.ndarray) -> np.ndarray:
    rounded = np.rint(2 * matrices) / 2
    return np.where(np.abs(matrices - rounded) < 1e-12, rounded, matrices) + 0.0


def _characters(matrices: np.ndarray) -> list[np.ndarray]:
    """Those of irreps of a representation: eigenspaces of a symmetric matrix that commutes with it, else at random."""
    size = matrices.shape[-1]
    random = np.random.default_rng(0).normal(size=(size, size))
    mean = np.mean(matrices @ (random + random.T) @ np.swapaxes(matrices, 1, 2), 0)
    values, vectors = np.linalg.eigh(mean)
    spaces = np.split(vectors, np.flatnonzero(np.diff(values) > 1e-6) + 1, axis=1)
    return [np.trace(space.T @ matrices @ space, axis1=1, axis2=2) for space in spaces]


def _irreducible_basis(projector: np.ndarray, size: int) -> np.ndarray:
    """Orthonormal columns ``[n, size]`` made of the columns of a projector in their order: the same on any machine.

    The component is one copy of the irrep, or the irrep has one dimension, where any vector is a copy.
    """
    basis: list[np.ndarray] = []
    for column in projector:
        rest = column - sum((b * (b @ column) for b in basis), np.zeros_like(column))
        norm = np.linalg.norm(rest)
        if len(basis) < size and norm > 1e-3:
            basis.append(rest / norm)
    return np.stack(basis, 1)
