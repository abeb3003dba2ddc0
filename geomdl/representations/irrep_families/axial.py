"""The real irreps of the continuous groups about an axis: of a cone, a cylinder, and their subgroups."""

import dataclasses
import functools

import numpy as np

from geomdl.groups import Element, SpatialGroup
from geomdl.representations.irrep_families.family import IrrepFamily, Label
from geomdl.representations.irrep_families.harmonic import HarmonicIrrep, new_irreps
from geomdl.representations.irrep_families.planar import HIGHEST_FREQUENCY, frequency_spaces


@dataclasses.dataclass(frozen=True)
class AxialIrreps(IrrepFamily):
    """Those of Cinfz, Dinfz, Cinfv, Cinfh and Dinfh, (j, k): the j-th with k turns of its vectors in a turn of space.

    They are found in spherical harmonics, as those of finite groups are, and numbered as they occur first, l = 0, 1,
    2, …, even parity before odd. All of frequency k occur for l ≤ k, or l = 1 for k = 0.

    Args:
      group: the group.

    >>> from geomdl.groups import SpatialGroup
    >>> {name: AxialIrreps(SpatialGroup(name)).labels(1) for name in ("Cinfz", "Cinfv")}
    {'Cinfz': [(0, 0), (0, 1)], 'Cinfv': [(0, 0), (1, 0), (0, 1)]}
    >>> AxialIrreps(SpatialGroup("Dinfh")).labels(1)
    [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1)]
    """

    group: SpatialGroup

    @property
    def forms(self) -> tuple[str, ...]:
        """With the number among those of a frequency, where there are several."""
        return ("irrep(k)",) if len(self._of(0)) == 1 else ("irrep(j,k)",)

    def _of(self, frequency: int) -> tuple[HarmonicIrrep, ...]:
        return _irreps(self.group, frequency)

    def irrep(self, label: Label) -> HarmonicIrrep:
        """The irrep of a label."""
        return self._of(label[1])[label[0]]

    def size(self, label: Label) -> int:
        """1, or 2 where the rotations turn."""
        return self.irrep(label).size

    def type(self, label: Label) -> int:
        """2 for rotations of two components alone, else 1."""
        return self.irrep(label).type

    def matrix(self, label: Label, g: Element) -> np.ndarray:
        """From the representation of O(3) that holds it."""
        return self.irrep(label).at(self.group.matrix(g))

    def labels(self, max_frequency: int | None = None) -> list[Label]:
        """By frequency."""
        if max_frequency is None:
            self.group.require_finite("listing all irreps without max_frequency")
            return []
        return [(j, k) for k in range(max_frequency + 1) for j in range(len(self._of(k)))]

    def complete(self, numbers: tuple[int, ...]) -> Label | None:
        """A frequency of which there is one irrep only, or a number and a frequency."""
        if len(numbers) not in (1, 2) or min(numbers) < 0:
            return None
        count = len(self._of(numbers[-1]))
        if len(numbers) == 1:
            return (0, numbers[0]) if count == 1 else None
        return numbers if numbers[0] < count else None

    def name(self, label: Label) -> str:
        """``irrep(k)``, or ``irrep(j,k)``."""
        return f"irrep({label[1]})" if self.forms == ("irrep(k)",) else f"irrep({label[0]},{label[1]})"

    def description(self) -> str:
        """The rule."""
        counts = [len(self._of(k)) for k in (0, 1)]
        if counts == [1, 1]:
            return "irrep(k) with k ≥ 0"
        scalars = ", ".join(f"irrep({j},0)" for j in range(counts[0]))
        return f"{scalars}, {', '.join(f'irrep({j},k)' for j in range(counts[1]))} with k ≥ 1"

    def separate(self, generators: np.ndarray) -> list[tuple[list[Label], np.ndarray]]:
        """The eigenspaces of (M + Mᵀ)/2 of the rotation by 1 rad, M, which commutes with the group."""
        kind = f"of a frequency up to {HIGHEST_FREQUENCY}"
        found = frequency_spaces(generators[0], 1.0, HIGHEST_FREQUENCY, f"{self.group}", kind)
        return [([(j, k) for j in range(len(self._of(k)))], space) for k, space in found]


@functools.lru_cache(maxsize=1024)
def _irreps(group: SpatialGroup, frequency: int) -> tuple[HarmonicIrrep, ...]:
    """Those of one frequency: those that the degrees up to it hold and lower frequencies do not."""
    elements = group.matrix(group.averaging_elements(2 * frequency + 2))
    angle = 2 * np.pi / (2 * frequency + 3)  # of the element number 1
    found: list[HarmonicIrrep] = []
    for degree in (0, 1) if frequency == 0 else (frequency,):
        for parity in (0, 1):
            new = new_irreps(elements, parity, degree, found)
            found += [i for i in new if abs(i.character[1] - i.size * np.cos(frequency * angle)) < 1e-9]
    return tuple(found)
