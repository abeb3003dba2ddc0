"""The real irreps of SO(3) and O(3): the Wigner matrices of e3nn."""

import dataclasses

import numpy as np

from geomdl.groups import Element, SpatialGroup
from geomdl.representations.irrep_families.family import IrrepFamily, Label
from geomdl.representations.irrep_families.planar import HIGHEST_FREQUENCY
from geomdl.representations.spherical_harmonics import wigner


@dataclasses.dataclass(frozen=True)
class RotationIrreps(IrrepFamily):
    """Those of SO(3), (0, l), and of O(3), (p, l): D^l of the rotation, and −1 for the inversion where p = 1.

    Args:
      group: SO3 or O3.
    """

    group: SpatialGroup

    @property
    def forms(self) -> tuple[str, ...]:
        """As e3nn writes them where there is parity."""
        return ("0e", "0o", "1e", "1o", "2e", "irrep(p,l)") if self.group.has_inversions else ("irrep(l)",)

    def size(self, label: Label) -> int:
        """2l + 1."""
        return 2 * label[1] + 1

    def type(self, label: Label) -> int:
        """All are of real type."""
        return 1

    def matrix(self, label: Label, g: Element) -> np.ndarray:
        """(−1)^{p · inversion} D^l(R)."""
        parity, degree = label
        inversion = np.asarray(g)[..., :1, None]
        rotation = (1.0 - 2.0 * inversion) * self.group.matrix(g)
        return (1.0 - 2.0 * parity * inversion) * wigner(degree, rotation) + 0.0

    def labels(self, max_frequency: int | None = None) -> list[Label]:
        """By degree l, then parity."""
        if max_frequency is None:
            self.group.require_finite("listing all irreps without max_frequency")
            return []
        return [(p, l) for l in range(max_frequency + 1) for p in range(2 if self.group.has_inversions else 1)]  # noqa: E741

    def complete(self, numbers: tuple[int, ...]) -> Label | None:
        """The degree l of SO3; the parity and the degree of O3."""
        numbers = numbers if self.group.has_inversions else (0, *numbers)[-2:]
        inside = len(numbers) == 2 and numbers[1] >= 0 and numbers[0] in range(1 + self.group.has_inversions)
        return numbers if inside else None

    def name(self, label: Label) -> str:
        """``irrep(l)`` of SO3; ``1o`` of O3, as in e3nn."""
        parity, degree = label
        return f"{degree}{'eo'[parity]}" if self.group.has_inversions else f"irrep({degree})"

    def description(self) -> str:
        """The rule."""
        if self.group.has_inversions:
            return "0e, 0o, 1e, 1o, 2e, … (degree l and parity), or irrep(p,l) with p = 1 for odd"
        return "irrep(l) with l ≥ 0"

    def separate(self, generators: np.ndarray) -> list[tuple[list[Label], np.ndarray]]:
        """The eigenspaces of −(J_x² + J_y² + J_z²), which are l(l + 1), and of the inversion."""
        about_z, about_x = (self._logarithm(m) for m in generators[:2])
        about_y = about_z @ about_x - about_x @ about_z
        casimir = -(about_x @ about_x + about_y @ about_y + about_z @ about_z)
        inversion = generators[2] if self.group.has_inversions else np.eye(len(casimir))
        separating = casimir - inversion / 4
        values, vectors = np.linalg.eigh((separating + separating.T) / 2)
        degrees = np.rint((np.sqrt(np.maximum(1 + 4 * values, 0)) - 1) / 2).astype(int)
        parities = (values > degrees * (degrees + 1)).astype(int)
        if np.any(np.abs(degrees * (degrees + 1) + (parities - 0.5) / 2 - values) > 1e-6):
            raise ValueError(f"the matrices are not a representation of {self.group}: no rotations of integer degrees")
        found = sorted(set(zip(degrees.tolist(), parities.tolist(), strict=True)))
        return [([(p, d)], vectors[:, (degrees == d) & (parities == p)]) for d, p in found]

    def _logarithm(self, matrix: np.ndarray) -> np.ndarray:
        """The antisymmetric L with exp(L) = M whose frequencies are whole numbers."""
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        frequencies = np.arange(HIGHEST_FREQUENCY + 1)
        distances = np.abs(values[:, None] - np.cos(frequencies))
        if np.any(distances.min(1) > 1e-8):
            raise ValueError(
                f"the matrices are not a representation of {self.group}: a generator's is no rotation of a degree up to"
                f" {HIGHEST_FREQUENCY}"
            )
        ratio = np.where(frequencies > 0, frequencies / np.where(frequencies > 0, np.sin(frequencies), 1), 1.0)
        scaled = (vectors * ratio[distances.argmin(1)]) @ vectors.T
        return scaled @ (matrix - matrix.T) / 2
