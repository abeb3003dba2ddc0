"""The real irreps of the finite groups of space, found in spherical harmonics by one numerical decomposition."""

import dataclasses
import functools
import itertools

import numpy as np

from geomdl.groups import Element, SpatialGroup
from geomdl.representations.irrep_families.family import IrrepFamily, Label
from geomdl.representations.spherical_harmonics import wigner


@dataclasses.dataclass(frozen=True)
class FiniteSpatialIrreps(IrrepFamily):
    """Those of a finite subgroup of O(3), (0, k), numbered as they first occur in spherical harmonics.

    A representation of O(3) of degree l and parity, restricted to the group, splits into irreps; l = 0, 1, 2, …, even
    parity before odd. Every irrep occurs for some l, as the group acts on space faithfully. Those that come for the
    first time at the same l and parity are ordered by dimension, then by the first harmonic that they have a part in.

    Args:
      group: the group.

    >>> from geomdl.groups import I, Oh, T
    >>> [[FiniteSpatialIrreps(g).size(label) for label in FiniteSpatialIrreps(g).labels()] for g in (T, Oh, I)]
    [[1, 3, 2], [1, 1, 3, 3, 2, 3, 2, 3, 1, 1], [1, 3, 5, 3, 4]]
    """

    group: SpatialGroup

    def size(self, label: Label) -> int:
        """Of the table of its matrices."""
        return _irreps(self.group)[label[1]].matrices.shape[-1]

    def type(self, label: Label) -> int:
        """The mean of the squared character."""
        return _irreps(self.group)[label[1]].type

    def matrix(self, label: Label, g: Element) -> np.ndarray:
        """From the table."""
        return _irreps(self.group)[label[1]].matrices[self.group.index(g)]

    def labels(self, max_frequency: int | None = None) -> list[Label]:
        """All, or those with k up to a number."""
        count = len(_irreps(self.group))
        return [(0, k) for k in range(count if max_frequency is None else min(count, max_frequency + 1))]

    def complete(self, numbers: tuple[int, ...]) -> Label | None:
        """The number k."""
        label = (0, *numbers)[-2:]
        return label if len(numbers) in (1, 2) and label in self.labels() else None

    def name(self, label: Label) -> str:
        """``irrep(k)``."""
        return f"irrep({label[1]})"

    def description(self) -> str:
        """All names, with their dimensions."""
        return ", ".join(f"{self.name(label)} of size {self.size(label)}" for label in self.labels())

    def separate(self, generators: np.ndarray) -> list[tuple[list[Label], np.ndarray]]:
        """The isotypic components: the images of d / (t |G|) Σ_g χ(g) M(g), for an irrep of dimension d and type t."""
        matrices = np.zeros((int(self.group.order), *generators.shape[1:]))
        matrices[0] = np.eye(generators.shape[1])
        for element, generator, before in _words(self.group):
            matrices[element] = generators[generator] @ matrices[before]
        found = []
        for label, irrep in zip(self.labels(), _irreps(self.group), strict=True):
            projector = irrep.projector(matrices)
            values, vectors = np.linalg.eigh((projector + projector.T) / 2)
            if np.any(values > 0.5):
                found.append(([label], vectors[:, values > 0.5]))
        return found


@dataclasses.dataclass(frozen=True, eq=False)
class _Irrep:
    """An irrep by the matrices ``[order, d, d]`` of all elements."""

    matrices: np.ndarray
    type: int

    def projector(self, matrices: np.ndarray) -> np.ndarray:
        """On the component of a representation ``[order, n, n]`` that consists of copies of this irrep."""
        return _projector(np.trace(self.matrices, axis1=1, axis2=2), self.type, matrices)


def _projector(character: np.ndarray, kind: int, matrices: np.ndarray) -> np.ndarray:
    return np.tensordot(character, matrices, 1) * (character[0] / kind / len(matrices))


@functools.lru_cache(maxsize=64)
def _irreps(group: SpatialGroup) -> tuple[_Irrep, ...]:
    """All irreps, found as the class says; Σ d² / t = |G| tells when they are all there."""
    elements = group.matrix(group.elements())
    signs = np.rint(np.linalg.det(elements))
    found: list[_Irrep] = []
    missing = len(elements)
    for degree in itertools.count():
        even = wigner(degree, elements * signs[:, None, None])
        for matrices in (even, even * signs[:, None, None]):
            for irrep in _new_irreps(matrices, found):
                found.append(irrep)
                missing -= irrep.matrices.shape[-1] ** 2 // irrep.type
            if not missing:
                return tuple(found)
    raise AssertionError


def _new_irreps(matrices: np.ndarray, known: list[_Irrep]) -> list[_Irrep]:
    """The irreps of a representation ``[order, n, n]`` that are not known yet, sorted."""
    characters = [np.trace(irrep.matrices, axis1=1, axis2=2) for irrep in known]
    kinds, new = [irrep.type for irrep in known], []
    for character in _characters(matrices):
        if any(np.mean(character * other) > 0.5 for other in characters):
            continue
        characters.append(character)
        kinds.append(round(np.mean(character**2)))
        projector = _projector(character, kinds[-1], matrices)
        basis = _irreducible_basis(projector, round(character[0]))
        irrep = np.swapaxes(basis, 0, 1) @ matrices @ basis
        rounded = np.rint(2 * irrep) / 2
        irrep = np.where(np.abs(irrep - rounded) < 1e-12, rounded, irrep) + 0.0
        irrep.flags.writeable = False
        first = int(np.argmax(np.diagonal(projector) > 1e-6))
        new.append((len(basis.T), first, (-character).round(6).tolist(), _Irrep(irrep, kinds[-1])))
    return [irrep for *_, irrep in sorted(new, key=lambda item: item[:3])]


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


@functools.lru_cache(maxsize=64)
def _words(group: SpatialGroup) -> tuple[tuple[int, int, int], ...]:
    """(element, generator, earlier element) with element = generator · earlier, for all but the identity."""
    table, generators = group.multiplication_table(), group.index(group.generators())
    seen, words = [0], []
    for before in seen:
        for number, generator in enumerate(generators):
            element = int(table[generator, before])
            if element not in seen:
                seen.append(element)
                words.append((element, number, before))
    return tuple(words)
