"""The matrices of the finite groups of space, and of quaternions."""

import functools
import math
import re

import numpy as np

SPATIAL_FAMILIES = {
    "T": "the 12 rotations of the tetrahedron",
    "Td": "its 24 rotations and reflections",
    "Th": "the rotations of the tetrahedron, and these times −1",
    "O": "the 24 rotations of the cube",
    "Oh": "the 48 rotations and reflections of the cube",
    "I": "the 60 rotations of the icosahedron",
    "Ih": "the 120 rotations and reflections of the icosahedron",
    "Ci": "the inversion",
    "SO3": "all rotations of space",
    "O3": "all rotations and reflections of space",
    "C<N>z": "rotations about the z axis by multiples of 360°/N",
    "D<N>z": "these and half turns about N horizontal axes",
    "C<N>v": "these and N vertical mirrors",
    "C<N>h": "the rotations of C<N>z and these times the mirror z ↦ −z",
    "D<N>h": "the rotations of D<N>z and these times the mirror z ↦ −z",
}
"""The names of the groups of space, each with what it stands for."""

LARGEST_AXIAL_ORDER = 64
"""The most rotations about the axis."""

_NAMED = {name.lower(): name for name in SPATIAL_FAMILIES if "<" not in name}
_AXIAL = re.compile(r"([CcDd])([1-9][0-9]*)([zvhZVH])")

_Z4 = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
_Z2 = np.diag([-1.0, -1, 1])
_X2 = np.diag([1.0, -1, -1])
_XYZ = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
_Y_MIRROR = np.diag([1.0, -1, 1])
_Z_MIRROR = np.diag([1.0, 1, -1])
_INVERSION = -np.eye(3)
_GOLDEN = (1 + math.sqrt(5)) / 2
_FIVE = np.array([[1, -_GOLDEN, _GOLDEN - 1], [_GOLDEN, _GOLDEN - 1, -1], [_GOLDEN - 1, 1, _GOLDEN]]) / 2
_GENERATORS = {
    "Ci": [_INVERSION],
    "T": [_Z2, _XYZ],
    "Td": [np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, -1]]), _XYZ],
    "O": [_Z4, _XYZ],
    "I": [_FIVE, _XYZ, _Z2],
}
_WITH_INVERSION = {"Th": "T", "Oh": "O", "Ih": "I"}


def canonical_name(name: object) -> str | None:
    """The name of a group of space as it is printed, or None for an unknown one.

    >>> canonical_name("SO(3)"), canonical_name("oh"), canonical_name("C4Z"), canonical_name("C4")
    ('SO3', 'Oh', 'C4z', None)
    """
    text = re.sub(r"[\s_()]", "", str(name))
    if text.lower() in _NAMED:
        return _NAMED[text.lower()]
    match = _AXIAL.fullmatch(text)
    if match and len(match[2]) < 9 and int(match[2]) <= LARGEST_AXIAL_ORDER:
        return match[1].upper() + match[2] + match[3].lower()
    return None


def generator_matrices(name: str) -> np.ndarray:
    """Matrices ``[generators, 3, 3]`` whose words make up the group, or a dense subgroup of it."""
    if name in ("SO3", "O3"):
        about_z = np.eye(3)
        about_z[:2, :2] = _turn(1.0)
        about_x = np.roll(about_z, (1, 1), (0, 1))
        return np.stack([about_z, about_x] + [_INVERSION] * (name == "O3"))
    if name in _WITH_INVERSION:
        return np.concatenate([generator_matrices(_WITH_INVERSION[name]), _INVERSION[None]])
    if name in _GENERATORS:
        return np.stack(_GENERATORS[name])
    kind, n, suffix = _axial(name)
    rotations = [_about_z(1 % n, n)]
    extra = {"z": [_X2] if kind == "D" else [], "v": [_Y_MIRROR], "h": [_X2] * (kind == "D") + [_Z_MIRROR]}
    return np.stack(rotations + extra[suffix])


@functools.lru_cache(maxsize=64)
def finite_matrices(name: str) -> np.ndarray:
    """The matrices ``[order, 3, 3]`` of a finite group, the identity first; read-only.

    >>> [len(finite_matrices(name)) for name in ("T", "Td", "Th", "O", "Oh", "I", "Ih", "Ci", "D3z", "C3h")]
    [12, 24, 24, 24, 48, 60, 120, 2, 6, 6]
    """
    if name in _WITH_INVERSION:
        half = finite_matrices(_WITH_INVERSION[name])
        matrices = np.concatenate([half, -half])
    elif name in _GENERATORS:
        matrices = _closure(np.stack(_GENERATORS[name]))
    else:
        kind, n, suffix = _axial(name)
        matrices = np.stack([_about_z(r, n) for r in range(n)])
        for other in [_X2] * (kind == "D") + [_Y_MIRROR] * (suffix == "v") + [_Z_MIRROR] * (suffix == "h"):
            matrices = np.concatenate([matrices, matrices @ other])
    matrices = matrices + 0.0
    matrices.flags.writeable = False
    return matrices


def _axial(name: str) -> tuple[str, int, str]:
    match = _AXIAL.fullmatch(name)
    if match is None:
        raise ValueError(f"{name} is no group about an axis")
    return match[1], int(match[2]), match[3]


def _turn(angle: float) -> np.ndarray:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])


def _about_z(step: int, n: int) -> np.ndarray:
    if 4 * step % n == 0:  # exact
        return np.linalg.matrix_power(_Z4, 4 * step // n)
    matrix = np.eye(3)
    matrix[:2, :2] = _turn(2 * math.pi * step / n)
    return matrix


def _closure(generators: np.ndarray) -> np.ndarray:
    """All words, shortest first; entries are those of the cube's and icosahedron's matrices, exactly."""
    values = np.array([0, 0.5, 1, _GOLDEN / 2, (_GOLDEN - 1) / 2])
    found = [np.eye(3)]
    for matrix in found:
        for generator in generators:
            new = generator @ matrix
            new = np.sign(new) * values[np.abs(np.abs(new)[..., None] - values).argmin(-1)] + 0.0
            if not any(np.array_equal(new, old) for old in found):
                found.append(new)
    return np.stack(found)


def matrix_of_quaternion(q: np.ndarray) -> np.ndarray:
    """The rotations ``[..., 3, 3]`` of unit quaternions ``[..., 4]``; entries within 1e-12 of −1, 0, 1 are these."""
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    matrix = np.stack([np.stack(row, -1) for row in rows], -2)
    rounded = np.rint(matrix)
    return np.where(np.abs(matrix - rounded) < 1e-12, rounded, matrix) + 0.0


def quaternion_of_matrix(matrix: np.ndarray) -> np.ndarray:
    """Unit quaternions ``[..., 4]`` of rotations ``[..., 3, 3]``: the eigenvector of q qᵀ as the matrix gives it."""
    m = matrix
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    rows = [  # 4 q qᵀ
        [1 + xx + yy + zz, wx, wy, wz],
        [wx, 1 + xx - yy - zz, xy, xz],
        [wy, xy, 1 - xx + yy - zz, yz],
        [wz, xz, yz, 1 - xx - yy + zz],
    ]
    outer = np.stack([np.stack(row, -1) for row in rows], -2)
    largest = np.diagonal(outer, axis1=-2, axis2=-1).argmax(-1)
    q = np.take_along_axis(outer, largest[..., None, None], -2)[..., 0, :]
    return q / np.linalg.norm(q, axis=-1, keepdims=True)
