"""The action on the features inside a network, derived from their shape and type, for NumPy arrays."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from geomdl.actions import warp
from geomdl.actions.families import Family
from geomdl.actions.field import act_on_space
from geomdl.actions.projective import move
from geomdl.equivariance.host.shifts import ideally_shifted
from geomdl.groups import VOLUME, Element, GridTranslations, Group, PlanarGroup, PointGroup, SpatialGroup
from geomdl.representations import FieldType

Size = tuple[int, ...]


def feature_parts(y: np.ndarray, batch: int, size: Size) -> list[np.ndarray] | None:
    """Splits an activation into fields ``[batch, height, width, channels]`` and vectors ``[batch, channels]``.

    One axis more (fields with a group axis) is flattened. Three axes are tokens: of a square grid when the images
    are square and their number is a square, or one more (then the first is a vector). Fields on volumes have a depth.

    Returns:
      The parts, or None for an array of another shape.

    >>> [part.shape for part in feature_parts(np.zeros((2, 17, 5)), 2, (8, 8))]
    [(2, 5), (2, 4, 4, 5)]
    """
    if y.ndim == 0 or y.shape[0] != batch or 0 in y.shape:
        return None
    if y.ndim == 1:
        return [y[:, None]]
    if y.ndim in (2, len(size) + 2):
        return [y]
    if y.ndim == len(size) + 3:
        return [y.reshape(*y.shape[: len(size) + 1], -1)]
    if y.ndim != 3 or len(size) != 2 or size[0] != size[1]:
        return None
    side = math.isqrt(y.shape[1])
    extra = y.shape[1] - side * side
    if side < 2 or extra > 1:
        return None
    grid = y[:, extra:].reshape(batch, side, side, y.shape[2])
    return [y[:, 0], grid] if extra else [grid]


def move_feature(
    g: Element, y: np.ndarray, group: Group | Family, size: Size, field_type: FieldType | None = None
) -> np.ndarray:
    """A field ``[batch, height, width, channels]`` or vector ``[batch, channels]`` inside a network, moved by g.

    Fields move on their own grid, which may be coarser than the input's. Shifts by a fraction of a pixel are those of
    the trigonometric polynomial through the pixels. The channels stay as they are unless a field type is known and g is
    in its group.

    Args:
      g: an element of ``group``.
      y: the field or vector.
      group: of the plane or of space, circular shifts or a family.
      size: (height, width) of the input; (depth, height, width) of volumes.
      field_type: how the channels transform; perhaps of another group than ``group``.

    >>> from geomdl.groups import C4
    >>> move_feature(np.array([0, 1]), np.array([[[[0.0], [1.0]], [[2.0], [3.0]]]]), C4, (4, 4))[0, :, :, 0]
    array([[1., 3.],
           [0., 2.]])
    """
    if isinstance(group, GridTranslations):
        return _shift(y, [Fraction(int(n)) for n in g], size) if y.ndim == len(size) + 2 else y
    if isinstance(group, Family):
        return _homography(g, y, group, size) if y.ndim == 4 else y
    if not isinstance(group, PlanarGroup | SpatialGroup):
        raise TypeError(f"features are moved by groups of the plane and of space, shifts and families, not by {group}")
    if y.ndim == len(size) + 2:
        y = _turn(g, y, group)
    element = None if field_type is None else same_element(g, group, field_type.group)
    if field_type is None or element is None or field_type.is_trivial or field_type.size != y.shape[-1]:
        return y
    return y @ field_type.matrix(element).T


def same_element(g: Element, group: PlanarGroup | SpatialGroup, other: PointGroup) -> Element | None:
    """The element of another group that is the same map of the plane, or of space; None where it has none.

    >>> from geomdl.groups import C4, C8
    >>> same_element(np.array([0, 2]), C8, C4), same_element(np.array([0, 1]), C8, C4)
    (array([0, 1]), None)
    """
    if isinstance(group, SpatialGroup):
        inside = isinstance(other, SpatialGroup) and bool(other.contains_matrix(group.matrix(g)))
        return other.from_matrix(group.matrix(g)) if inside and isinstance(other, SpatialGroup) else None
    if not isinstance(other, PlanarGroup) or (g[0] and not other.reflections):
        return None
    angle = float(group.plane_angle(g)) - g[0] * np.deg2rad(2 * other.mirror)
    steps = angle / (2 * np.pi) * other.period
    if not other.is_finite:
        return np.array([float(g[0]), np.mod(steps, other.period)])
    if abs(steps - round(steps)) > 1e-6:
        return None
    return np.array([int(g[0]), round(steps) % int(other.rotation_order)])


def on_grid(group: Group | Family, elements: Element) -> np.ndarray:
    """Whether each element maps the pixel grid to itself, or leaves it where it is; the others are resampled.

    >>> from geomdl.groups import C8
    >>> on_grid(C8, C8.elements()[:4])
    array([ True, False,  True, False])
    """
    if isinstance(group, PlanarGroup):
        return np.array([bool(group.is_grid_symmetry(g)) for g in elements])
    if isinstance(group, SpatialGroup):
        return VOLUME.is_grid_symmetry(group, np.asarray(elements))
    if not isinstance(group, Family):
        return np.full(len(elements), isinstance(group, GridTranslations))
    parameters = np.asarray(elements)[:, 1:] if group.reflections else np.asarray(elements)
    return np.all(parameters == 0, 1) | (not group.moves_plane)


def stride_between(before: Size, after: Size) -> tuple[Fraction, ...]:
    """How many pixels of one grid make up one of another, along each axis, rounded to a whole number or its inverse.

    >>> stride_between((9, 4), (4, 8))
    (Fraction(2, 1), Fraction(1, 2))
    """
    return tuple(
        Fraction(max(1, round(b / a))) if b >= a else Fraction(1, max(1, round(a / b)))
        for b, a in zip(before, after, strict=True)
    )


def _turn(g: Element, y: np.ndarray, group: PlanarGroup | SpatialGroup) -> np.ndarray:
    if isinstance(group, SpatialGroup):
        if VOLUME.is_grid_symmetry(group, g):
            return VOLUME.grid_symmetry(group, g)(y)
        return np.asarray(act_on_space(g, y.astype(np.float32), group, VOLUME), y.dtype)
    if not group.is_grid_symmetry(g):
        return np.asarray(warp(y.astype(np.float32), group.matrix(g)), y.dtype)
    flipped = np.flip(y, 1) if g[0] else y
    return np.rot90(flipped, round(float(group.plane_angle(g)) / (np.pi / 2)) % 4, (1, 2))


def _shift(y: np.ndarray, shift: Sequence[Fraction], size: Size) -> np.ndarray:
    strides = stride_between(size, y.shape[1:-1])
    for axis, (pixels, stride) in enumerate(zip(shift, strides, strict=True), start=1):
        moved = pixels / stride
        if moved.denominator == 1:
            y = np.roll(y, int(moved), axis)
        else:
            y = ideally_shifted(y, tuple(float(moved) * (axis == a) for a in range(1, y.ndim - 1)))
    return y


def _homography(g: Element, y: np.ndarray, family: Family, size: Size) -> np.ndarray:
    height, width = size
    matrix = family.matrix(g, (height, width))
    if matrix is None:  # pixel values change, and features should not
        return y
    scale = np.diag([y.shape[2] / size[1], y.shape[1] / size[0], 1.0])
    pixels = scale @ np.asarray(matrix, float) @ np.linalg.inv(scale)
    return np.asarray(move(y.astype(np.float32), pixels), y.dtype)
