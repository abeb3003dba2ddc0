"""The real irreps of the finite groups of space, found in spherical harmonics by one numerical decomposition."""

import dataclasses
import functools
import itertools

import numpy as np

from geomdl.groups import Element, SpatialGroup
from geomdl.representations.irrep_families.family import IrrepFamily, Label
from geomdl.representations.irrep_families.harmonic import HarmonicIrrep, new_irreps


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
        return _irreps(self.group)[label[1]].size

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


@functools.lru_cache(maxsize=64)
def _irreps(group: SpatialGroup) -> tuple[HarmonicIrrep, ...]:
    """All irreps, found as the class says; Σ d² / t = |G| tells when they are all there."""
    elements = group.matrix(group.elements())
    found: list[HarmonicIrrep] = []
    for degree in itertools.count():
        for parity in (0, 1):
            found += new_irreps(elements, parity, degree, found)
            if sum(irrep.size**2 // irrep.type for irrep in found) == len(elements):
                return tuple(found)
    raise AssertionError


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
