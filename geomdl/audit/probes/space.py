"""The elements of groups of space that an audit of volumes tries."""

import dataclasses
import math

import numpy as np

from geomdl.actions import act, warp_labels
from geomdl.actions.volume_warp import warp_volume
from geomdl.groups import O3, SO3, VOLUME, SpatialGroup
from geomdl.representations import FieldType

RANDOM = 12
"""Rotations that are drawn where a group has infinitely many, and of those that a group has not."""
STEPS = 24
"""Rotations about the axis that are tried of a continuous group about an axis: the multiples of 15°."""


@dataclasses.dataclass(frozen=True)
class SpaceElement:
    """An orthogonal map of space, whatever group it is of.

    Attributes:
      matrix: row by row, in coordinates (x, y, z).
    """

    matrix: tuple[float, ...]

    @staticmethod
    def of(matrix: np.ndarray) -> "SpaceElement":
        """Of a matrix ``[3, 3]``; entries that are whole numbers to rounding are so exactly."""
        rounded = np.rint(matrix)
        return SpaceElement(tuple(np.where(np.abs(matrix - rounded) < 1e-9, rounded, matrix).ravel().tolist()))

    @property
    def array(self) -> np.ndarray:
        """The matrix ``[3, 3]``."""
        return np.array(self.matrix).reshape(3, 3)

    @property
    def is_on_grid(self) -> bool:
        """Whether it maps a cubic grid to itself."""
        return all(n == round(n) for n in self.matrix)

    @property
    def inverse(self) -> "SpaceElement":
        """The transposed matrix."""
        return SpaceElement(tuple(self.array.T.ravel().tolist()))

    def __str__(self) -> str:
        """In words, as `SpatialGroup.describe`."""
        return O3.describe(O3.from_matrix(self.array))

    def keeps(self, size: tuple[int, ...]) -> bool:
        """Whether the axes that it exchanges or mixes are equally long."""
        mixed = np.abs(VOLUME.matrix(O3, O3.from_matrix(self.array))) > 1e-9
        return all(size[i] == size[j] for i in range(3) for j in range(3) if mixed[i, j])

    def moved(self, x: np.ndarray, field_type: FieldType | None = None) -> np.ndarray:
        """Volumes ``[n, depth, height, width, channels]``, or ``[n, channels]`` without base space."""
        if field_type is not None:
            group = field_type.group
            if not isinstance(group, SpatialGroup):
                raise TypeError(f"{group} moves no volumes")
            return np.asarray(act(group.from_matrix(self.array), x, field_type))
        if x.ndim == 2:
            return x
        if self.is_on_grid:
            return VOLUME.grid_symmetry(O3, O3.from_matrix(self.array))(x)
        x = x.astype(np.float32) if x.dtype.kind in "iub" else x
        return np.asarray(warp_volume(x, self.array.astype(x.dtype)))

    def moved_labels(self, y: np.ndarray) -> np.ndarray:
        """Label maps ``[n, depth, height, width, 1]``: every voxel takes that of the nearest one, 0 from outside."""
        return self.moved(y) if self.is_on_grid else labels_moved(y, self.array)


def labels_moved(y: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Label maps ``[n, depth, height, width, 1]`` under a linear map ``[3, 3]`` of (x, y, z): the nearest, or 0."""
    return np.asarray(warp_labels(y[..., 0], matrix.astype(np.float32), fill=0))[..., None]


def elements_in_space(group: SpatialGroup) -> list[SpaceElement]:
    """The elements that are tried, without the identity.

    All of a finite group; of one about an axis the multiples of 15° about it, and their products with one element of
    each other component; of SO3 and O3 those that map a cubic grid to itself, and some at random.

    >>> from geomdl.groups import O
    >>> [len(elements_in_space(group)) for group in (O, SpatialGroup("Cinfv"), SO3)]
    [23, 47, 35]
    """
    if group.is_finite or group.is_axial:
        matrices = group.matrix(group.averaging_elements(STEPS - 1))
    else:
        drawn = group.sample(np.random.default_rng(1), RANDOM)
        matrices = group.matrix(np.concatenate([group.grid_symmetries(), drawn]))
    return [SpaceElement.of(m) for m in matrices if not np.allclose(m, np.eye(3))]


def other_rotations(group: SpatialGroup) -> list[SpaceElement]:
    """Rotations at random, of those that a group has not."""
    matrices = SO3.matrix(SO3.sample(np.random.default_rng(2), RANDOM))
    return [SpaceElement.of(m) for m in matrices[~group.contains_matrix(matrices)]]


FLIPS = {
    f"{axis} flip": SpaceElement.of(np.diag(diagonal))
    for axis, diagonal in (("depth", [1.0, 1, -1]), ("height", [1.0, -1, 1]), ("width", [-1.0, 1, 1]))
}
"""The mirrors of the axes of a volume."""


def named_parts(group: SpatialGroup) -> list[SpatialGroup]:
    """The subgroups that an audit has verdicts on, the group itself the last.

    >>> from geomdl.groups import O, SO3
    >>> named_parts(O), named_parts(SpatialGroup("C6z")), named_parts(SO3)
    ([C2z, C2y, C2x, C4z, C4y, C4x, T, O], [C2z, C3z, C6z], [C2z, C2y, C2x, C4z, C4y, C4x, T, O, I, SO3])
    """
    names = ["C2z", "C2y", "C2x", "C4z", "C4y", "C4x"]
    n = group.component_count
    if group.is_finite and group.name[0] in "CD" and group.name[1].isdigit():
        axis = group.name[-1] if group.name[-1] in "xyz" else "z"
        names = [f"C{m}{axis}" for m in range(2, n + 1) if n % m == 0]
    names += ["Ci", "T", "O", "Td", "Th", "Oh", "I"]
    found = [h for h in map(SpatialGroup, [m for m in names if _exists(m)]) if group.contains_group(h) and h != group]
    same = [h for h in found if h.component_count == n and h.dimension == group.dimension]
    return [h for h in found if h not in same] + ([group] if n > 1 or math.isinf(group.order) else [])


def _exists(name: str) -> bool:
    try:
        SpatialGroup(name)
    except ValueError:
        return False
    return True
