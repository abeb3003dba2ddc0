"""The matrices of the groups of space, and of quaternions."""

import functools
import math

import numpy as np

from geomdl.groups.point_names import AxialName, factors_of, parsed_axial

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
_FRAMES = {"z": np.eye(3), "x": _XYZ, "y": _XYZ @ _XYZ}


def frame(name: str) -> np.ndarray:
    """The rotation ``[3, 3]`` that takes the z axis to that of a group, (x, y, z) to (y, z, x) or (z, x, y).

    About a diagonal [hkl] of the cube it takes x, or y for C<N>v, to another symmetry axis of the cube, so that half
    turns across the axis and mirrors through it are those of the cube where there are such. It is the identity for a
    group with no one axis; of a product that of the first factor that has another.

    >>> frame("C4x") @ np.array([0, 0, 1])
    array([1., 0., 0.])
    >>> (frame("D3[111]") @ np.eye(3)[:, [0, 2]] * np.sqrt([2, 3])).round(6)  # the directions of x and z
    array([[ 1.,  1.],
           [-1.,  1.],
           [ 0.,  1.]])
    """
    axial = axial_of(name)
    return np.eye(3) if axial is None else _frame(axial.axis, axial.direction, axial.kind == "v")


def axial_of(name: str) -> AxialName | None:
    """The parts of the name of a group about another axis than z, of a product its first factor's; None of others."""
    named = (parsed_axial(factor) for factor in factors_of(name))
    return next((axial for axial in named if axial and axial.axis != "z"), None)


@functools.lru_cache(maxsize=64)
def _frame(axis: str, direction: tuple[int, int, int], of_mirrors: bool) -> np.ndarray:
    if axis in _FRAMES:
        return _FRAMES[axis]
    a, b, c = direction
    first = (b, -a, 0) if a and b and c else tuple(int(n == 0) for n in direction)
    x, z = (np.array(v) / math.sqrt(np.dot(v, v)) for v in (first, direction))
    columns = (np.cross(x, z), x, z) if of_mirrors else (x, np.cross(z, x), z)
    return np.stack(columns, 1)


def generator_matrices(name: str) -> np.ndarray:
    """Matrices ``[generators, 3, 3]`` whose words make up the group, or a dense subgroup of it."""
    factors = factors_of(name)
    if len(factors) > 1:
        return np.concatenate([generator_matrices(factor) for factor in factors])
    if name in ("SO3", "O3"):
        about_z, about_x = _by_one_radian(np.eye(3)), _by_one_radian(np.roll(np.eye(3), -1, 0))
        return np.stack([about_z, about_x] + [_INVERSION] * (name == "O3"))
    if name in _WITH_INVERSION:
        return np.concatenate([generator_matrices(_WITH_INVERSION[name]), _INVERSION[None]])
    if name in _GENERATORS:
        return np.stack(_GENERATORS[name])
    rotation, others = _about_an_axis(name)
    return _framed(name, np.stack([rotation, *others]))


@functools.lru_cache(maxsize=1024)
def components(name: str) -> np.ndarray:
    """One matrix ``[n, 3, 3]`` of each component of a group, the identity first; read-only.

    The component of the identity of SO3 and O3 are all rotations, of groups such as Cinfv those about their axis, of a
    finite group the identity alone: of these it is the list of the elements. The group is the products of both.

    >>> [len(components(name)) for name in ("T", "Td", "Th", "O", "Oh", "I", "Ih", "Ci", "D3z", "C3h", "D3d", "S4z")]
    [12, 24, 24, 24, 48, 60, 120, 2, 6, 6, 12, 4]
    >>> [len(components(name)) for name in ("SO3", "O3", "Cinfz", "Cinfv", "Dinfh", "C3v x Ci")]
    [1, 2, 1, 2, 4, 12]
    """
    factors = factors_of(name)
    if len(factors) > 1:
        first, second = components(" x ".join(factors[:-1])), components(factors[-1])
        matrices = (first[:, None] @ second[None]).reshape(-1, 3, 3)
    elif name in ("SO3", "O3"):
        matrices = np.stack([np.eye(3), _INVERSION][: 1 + (name == "O3")])
    elif name in _WITH_INVERSION:
        half = components(_WITH_INVERSION[name])
        matrices = np.concatenate([half, -half])
    elif name in _GENERATORS:
        matrices = _closure(np.stack(_GENERATORS[name]))
    else:
        rotation, others = _about_an_axis(name)
        axial = parsed_axial(name)
        steps = 1 if axial is None or axial.is_continuous else axial.steps
        matrices = np.stack([_power(rotation, r, steps) for r in range(steps)])
        for other in others:
            matrices = np.concatenate([matrices, matrices @ other])
        matrices = _framed(name, matrices)
    matrices = matrices + 0.0
    matrices.flags.writeable = False
    return matrices


@functools.lru_cache(maxsize=64)
def averaging_matrices(name: str, frequency: int) -> np.ndarray:
    """Matrices ``[n, 3, 3]`` whose mean is that over a group about an axis, of functions up to a frequency.

    >>> averaging_matrices("Cinfv", 3).shape
    (8, 3, 3)
    """
    steps = frequency + 1
    turns = _framed(name, np.stack([_about_z(r, steps) for r in range(steps)]))
    return (components(name)[:, None] @ turns[None]).reshape(-1, 3, 3)


def _framed(name: str, matrices: np.ndarray) -> np.ndarray:
    framed = frame(name) @ matrices @ frame(name).T
    whole = np.rint(framed)
    return np.where(np.abs(framed - whole) < 1e-12, whole, framed)  # symmetries of the cube are exact


def _about_an_axis(name: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """The rotation or rotoreflection of a group about z, and what it has besides; all others are words in these."""
    axial = parsed_axial(name)
    if axial is None:
        raise ValueError(f"{name} is no group about an axis")
    rotation = _by_one_radian(np.eye(3)) if axial.is_continuous else _about_z(1 % axial.steps, axial.steps)
    if axial.has_rotoreflections:
        rotation = rotation @ _Z_MIRROR
    others = [_X2] * (axial.letter == "D")
    return rotation, others + [_Y_MIRROR] * (axial.kind == "v") + [_Z_MIRROR] * (axial.kind == "h")


def _power(rotation: np.ndarray, step: int, steps: int) -> np.ndarray:
    turned = _about_z(step, steps).copy()
    turned[2, 2] = rotation[2, 2] ** step
    return turned


def _by_one_radian(axes: np.ndarray) -> np.ndarray:
    """The rotation by 1 rad about the last of three axes (rows)."""
    about_z = np.eye(3)
    about_z[:2, :2] = _turn(1.0)
    return axes.T @ about_z @ axes


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


def described(matrix: np.ndarray) -> str:
    """An orthogonal matrix ``[3, 3]`` in words: a rotation by its angle and axis, a mirror by its normal."""
    inverted = bool(np.linalg.det(matrix) < 0)
    w, *axis = quaternion_of_matrix(-matrix if inverted else matrix)
    angle = round(math.degrees(2 * math.atan2(float(np.linalg.norm(axis)), abs(w))), 2)
    if angle == 0:
        return "inversion" if inverted else "identity"
    direction = np.array(axis) * (-1 if w < 0 else 1)
    if angle == 180 and direction[np.abs(direction) > 1e-6][0] < 0:
        direction = -direction
    about = _direction(direction)
    if inverted and angle == 180:
        return f"mirror {about}"
    return f"{angle:g}° about {about}" + ", inverted" * inverted


def _direction(axis: np.ndarray) -> str:
    """x, −y, … or components, in whole numbers where these are all as large or 0."""
    axis = np.where(np.abs(axis) < 1e-6, 0, axis / np.abs(axis).max())
    whole = np.rint(axis)
    if np.abs(axis - whole).max() > 1e-6:
        return f"({', '.join(f'{n:.2f}' for n in axis / np.linalg.norm(axis))})"
    if np.abs(whole).sum() == 1:
        return ("−" if whole.sum() < 0 else "") + "xyz"[int(np.argmax(np.abs(whole)))]
    return f"({', '.join(str(int(n)) for n in whole)})"


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
