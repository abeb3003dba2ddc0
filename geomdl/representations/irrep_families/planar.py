"""The real irreps of C_N, D_N, SO(2) and O(2)."""

import dataclasses
import math

import numpy as np

from geomdl.groups import Element, PlanarGroup
from geomdl.representations.irrep_families.family import IrrepFamily, Label

HIGHEST_FREQUENCY = 100
"""Up to which frequency the irreps of a continuous group are looked for."""


@dataclasses.dataclass(frozen=True)
class PlanarIrreps(IrrepFamily):
    """Those of a group of the plane: labels (j, k) of parity and frequency; see `geomdl.representations.irrep`.

    Args:
      group: the group.
    """

    group: PlanarGroup

    @property
    def forms(self) -> tuple[str, ...]:
        """With the parity where there are reflections."""
        return ("irrep(j,k)",) if self.group.reflections else ("irrep(k)",)

    def size(self, label: Label) -> int:
        """2, but 1 for k = 0 and for k = N/2."""
        return 1 if label[1] == 0 or 2 * label[1] == self.group.rotation_order else 2

    def type(self, label: Label) -> int:
        """2 for rotations without reflections, where they turn two components."""
        return 1 if self.group.reflections or self.size(label) == 1 else 2

    def matrix(self, label: Label, g: Element) -> np.ndarray:
        """ψ_{j,k}(R(θ) F^f): R(kθ) diag(1, −1)^f in two dimensions, (−1)^{jf} cos(kθ) in one."""
        j, k = label
        angle, flip = self.group.angle(g) * k, np.asarray(g)[..., 0]
        if self.size(label) == 1:
            sign = np.where(flip == 1, (-1.0) ** j, 1.0)
            return (sign * np.rint(np.cos(angle)))[..., None, None]
        return rotations(np.mod(angle, 2 * math.pi), flip)

    def labels(self, max_frequency: int | None = None) -> list[Label]:
        """By frequency, then parity."""
        highest = int(self.group.rotation_order) // 2 if max_frequency is None else max_frequency
        parities = (0, 1) if self.group.reflections else (0,)
        return [(j, k) for k in range(highest + 1) for j in parities if self.exists(j, k)]

    def exists(self, j: int, k: int) -> bool:
        """Whether there is an irrep of a parity and a frequency."""
        order = self.group.rotation_order
        if k < 0 or j not in (0, 1) or (order != math.inf and 2 * k > order):
            return False
        if not self.group.reflections:
            return j == 0
        return j == 1 if self._is_planar(k) else True

    def _is_planar(self, k: int) -> bool:
        return k != 0 and 2 * k != self.group.rotation_order

    def complete(self, numbers: tuple[int, ...]) -> Label | None:
        """A frequency, of parity 1 where it turns two components; or both."""
        if len(numbers) == 1:
            numbers = (1 if self.group.reflections and self._is_planar(numbers[0]) else 0, numbers[0])
        return numbers if len(numbers) == 2 and self.exists(*numbers) else None

    def name(self, label: Label) -> str:
        """``irrep(k)``, or ``irrep(j,k)`` with reflections."""
        j, k = label
        return f"irrep({j},{k})" if self.group.reflections else f"irrep({k})"

    def description(self) -> str:
        """All names, or their rule."""
        if self.group.rotation_order == math.inf:
            return "irrep(0,0), irrep(1,0), irrep(1,k) with k ≥ 1" if self.group.reflections else "irrep(k) with k ≥ 0"
        return ", ".join(map(self.name, self.labels()))

    def separate(self, generators: np.ndarray) -> list[tuple[list[Label], np.ndarray]]:
        """The eigenspaces of (M + Mᵀ)/2 of the rotation M, which commutes with the group: one for each frequency."""
        group = self.group
        highest = int(group.rotation_order) // 2 if group.is_finite else HIGHEST_FREQUENCY
        step = float(group.angle(group.generators()[0]))
        kind = f"{group.rotation_order}-fold" if group.is_finite else f"of a frequency up to {highest}"
        return [
            ([(j, k) for j in (0, 1) if self.exists(j, k)], space)
            for k, space in frequency_spaces(generators[0], step, highest, f"{group}", kind)
        ]


def frequency_spaces(
    rotation: np.ndarray, step: float, highest: int, group: str, kind: str
) -> list[tuple[int, np.ndarray]]:
    """The subspaces ``[n, m]`` in which a rotation's matrix ``[n, n]`` turns vectors by k times its angle, by k.

    Args:
      rotation: the matrix.
      step: the angle of the rotation.
      highest: k up to which is looked.
      group: whose rotation it should be, for the message.
      kind: of the rotation, for the message.

    Raises:
      ValueError: for a matrix that does not turn so.
    """
    values, vectors = np.linalg.eigh((rotation + rotation.T) / 2)
    distances = np.abs(values[:, None] - np.cos(step * np.arange(highest + 1)))
    if np.any(distances.min(1) > 1e-8):
        raise ValueError(
            f"the matrices are not a representation of {group}: the first generator's is no rotation {kind}"
        )
    nearest = distances.argmin(1)
    return [(int(k), vectors[:, nearest == k]) for k in np.unique(nearest)]


def rotations(angle: np.ndarray, flip: np.ndarray) -> np.ndarray:
    """R(angle) diag(1, −1)^flip ``[..., 2, 2]``, quarter turns exactly."""
    return PlanarGroup(math.inf, True).matrix(np.stack([flip, angle], -1))
