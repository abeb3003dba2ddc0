"""Base spaces: what fields lie on, how a group moves it, and which elements map its grid to itself."""

import abc
import dataclasses
import functools
from typing import Any, ClassVar

import numpy as np

from geomdl.errors import unknown
from geomdl.groups.group import Element, Group
from geomdl.groups.planar import PlanarGroup
from geomdl.groups.point_groups import PLANAR_NAMES, moving_factor, moving_part
from geomdl.groups.point_names import OTHER_AXES, SPATIAL_FAMILIES
from geomdl.groups.spatial import SpatialGroup


@dataclasses.dataclass(frozen=True)
class GridSymmetry:
    """A rearrangement of the points of a grid: an exchange of axes, some of which are then reversed.

    Args:
      axes: which axis of the array becomes each axis of the moved array.
      reversed: which axes of the moved array run backwards.

    >>> GridSymmetry((1, 0), (True, False))(np.array([[[1, 2], [3, 4]]])).tolist()  # a quarter turn
    [[[2, 4], [1, 3]]]
    """

    axes: tuple[int, ...]
    reversed: tuple[bool, ...]

    def __call__(self, x: Any, before: int = 1) -> Any:
        """Rearranges an array (of NumPy or JAX) ``[..., *axes, ...]``, exactly.

        Args:
          x: the array.
          before: how many of its axes come before those of the base space.
        """
        after = before + len(self.axes)
        moved = x.transpose(*range(before), *(before + a for a in self.axes), *range(after, x.ndim))
        steps = (slice(None, None, -1 if back else None) for back in self.reversed)
        return moved[(slice(None),) * before + tuple(steps)]

    def keeps(self, size: tuple[int, ...]) -> bool:
        """Whether a grid of this size is mapped to itself: axes that are exchanged need one length.

        >>> [GridSymmetry((1, 0), (False, True)).keeps(size) for size in ((4, 4), (4, 6))]
        [True, False]
        """
        return all(size[a] == n for a, n in zip(self.axes, size, strict=True))


@dataclasses.dataclass(frozen=True)
class BaseSpace(abc.ABC):
    """What the points of a field lie on: a regular grid of some dimension, about whose centre a group turns.

    Of a direct product the first factor does, and the second acts on channels only.

    An element g moves the point at the index i of the grid, counted from its centre, to A(g) i. A is an orthogonal
    matrix; where it is a signed permutation, g maps the grid to itself and a field is moved exactly, by exchanging and
    reversing axes. Any size of grid can be reversed, odd or even; axes that are exchanged must be equally long.

    Base spaces are values. A new one says its name and axes, which groups act on it and how; shifts along its axes,
    windows, contracts and their checks follow from the number of axes.
    """

    name: ClassVar[str]
    """The word for it, as in ``FieldType("C1", "8 trivial", space="line")``."""
    axes: ClassVar[tuple[str, ...]]
    """The names of the axes, in the order of an array's."""
    fields: ClassVar[str]
    """What fields on it are called: images, signals, volumes."""
    groups: ClassVar[str]
    """The groups that act on it, for messages."""

    @abc.abstractmethod
    def is_moved_by(self, group: Group) -> bool:
        """Whether a group acts on it."""

    @abc.abstractmethod
    def matrix(self, group: Any, g: Element) -> np.ndarray:
        """A(g) ``[..., dimension, dimension]``: how elements move indices, in the order of the axes."""

    @property
    def dimension(self) -> int:
        """The number of axes."""
        return len(self.axes)

    @property
    def layout(self) -> str:
        """The axes of an array of fields, in words: ``[batch, height, width, channels]``."""
        return f"[{', '.join(('batch', *self.axes, 'channels'))}]"

    def is_grid_symmetry(self, group: Any, g: Element) -> np.ndarray:
        """Whether elements map a grid (of equal sides) to itself, ``[...]``."""
        matrix = self.matrix(group, g)
        return np.all(matrix == np.rint(matrix), (-1, -2))

    def grid_symmetry(self, group: Any, g: Element) -> GridSymmetry:
        """How one element that maps the grid to itself rearranges its points.

        Raises:
          ValueError: for an element that does not.

        >>> from geomdl.groups import C4
        >>> PLANE.grid_symmetry(C4, np.array([0, 1]))
        GridSymmetry(axes=(1, 0), reversed=(True, False))
        """
        matrix = self.matrix(group, g)
        if not bool(self.is_grid_symmetry(group, g)):
            raise ValueError(f"the element {np.asarray(g).tolist()} of {group} does not map the grid to itself")
        axes = np.abs(matrix).argmax(-1)
        return GridSymmetry(tuple(axes.tolist()), tuple(bool(matrix[i, a] < 0) for i, a in enumerate(axes)))

    def grid_symmetries(self, group: Any) -> tuple[GridSymmetry, ...]:
        """Those of the elements of a finite group, or a group of space, that map the grid to itself.

        >>> from geomdl.groups import C8
        >>> len(PLANE.grid_symmetries(C8))
        4
        """
        return _grid_symmetries(self, group)

    def permutes_grid(self, group: Any) -> bool:
        """Whether every element of a group maps the grid to itself: a finite group of signed permutations of axes."""
        return _permutes_grid(self, group)

    def exchanges_axes(self, group: Any) -> bool:
        """Whether some element exchanges axes, so that only grids of equal sides are mapped to themselves."""
        return _exchanges_axes(self, moving_factor(group))

    def exchanged_axes(self, group: Any) -> tuple[tuple[int, ...], ...]:
        """The sets of axes that elements which map the grid to itself exchange: those of each must be equally long.

        >>> from geomdl.groups import O, SpatialGroup
        >>> VOLUME.exchanged_axes(O), VOLUME.exchanged_axes(SpatialGroup("C4z"))
        (((0, 1, 2),), ((1, 2),))
        """
        return _exchanged_axes(self, moving_factor(group))

    def reversed_axes(self, group: Any) -> tuple[bool, ...]:
        """Which axes some element that maps the grid to itself makes run backwards: on these both borders are alike.

        >>> D1 = PlanarGroup(1, True)
        >>> [PLANE.reversed_axes(group) for group in (D1, PlanarGroup(1, True, mirror=135), PlanarGroup(4))]
        [(True, False), (False, False), (True, True)]
        """
        return _reversed_axes(self, moving_factor(group))

    def require_moved_by(self, group: Group, what: str) -> None:
        """Raises a ValueError that says who needs it when a group does not act on this space."""
        if not self.is_moved_by(group):
            raise ValueError(f"{what}: {group} does not act on the {self.name}; allowed there: {self.groups}")

    def coordinates(self, size: tuple[int, ...]) -> np.ndarray:
        """The index of every point of a grid or window, counted from its centre: ``[*size, dimension]``.

        >>> LINE.coordinates((4,)).ravel().tolist()
        [-1.5, -0.5, 0.5, 1.5]
        """
        ranges = [np.arange(n) - (n - 1) / 2 for n in size]
        return np.stack(np.meshgrid(*ranges, indexing="ij"), -1) if ranges else np.zeros(0)

    def __str__(self) -> str:
        return self.name


@functools.lru_cache(maxsize=256)
def _grid_symmetries(space: BaseSpace, group: Any) -> tuple[GridSymmetry, ...]:
    group = group if group.is_finite else moving_factor(group)
    elements = group.grid_symmetries() if isinstance(group, SpatialGroup) else group.elements()
    return tuple(space.grid_symmetry(group, g) for g in elements[space.is_grid_symmetry(group, elements)])


@functools.lru_cache(maxsize=256)
def _permutes_grid(space: BaseSpace, group: Any) -> bool:
    if not (space.is_moved_by(group) and group.is_finite):
        return False
    return bool(np.all(space.is_grid_symmetry(group, group.generators())))


@functools.lru_cache(maxsize=256)
def _exchanges_axes(space: BaseSpace, group: Any) -> bool:
    return bool(space.exchanged_axes(group))


@functools.lru_cache(maxsize=256)
def _exchanged_axes(space: BaseSpace, group: Any) -> tuple[tuple[int, ...], ...]:
    if space.dimension < 2:
        return ()
    if not (group.is_finite or isinstance(group, SpatialGroup)):
        return (tuple(range(space.dimension)),)
    reached = [{symmetry.axes[a] for symmetry in space.grid_symmetries(group)} for a in range(space.dimension)]
    return tuple(sorted({tuple(sorted(axes)) for axes in reached if len(axes) > 1}))


@functools.lru_cache(maxsize=256)
def _reversed_axes(space: BaseSpace, group: Any) -> tuple[bool, ...]:
    if not (group.is_finite or isinstance(group, SpatialGroup)):  # half a turn is among them
        return (True,) * space.dimension
    symmetries = space.grid_symmetries(group)
    return tuple(any(symmetry.reversed[axis] for symmetry in symmetries) for axis in range(space.dimension))


@dataclasses.dataclass(frozen=True)
class Plane(BaseSpace):
    """Images ``[batch, height, width, channels]``, moved by the subgroups of O(2)."""

    name = "plane"
    axes = ("height", "width")
    fields = "images"
    groups = PLANAR_NAMES

    def is_moved_by(self, group: Group) -> bool:
        """Rotations and reflections of the plane are."""
        return isinstance(moving_factor(group), PlanarGroup)

    def matrix(self, group: Any, g: Element) -> np.ndarray:
        """That of (row, column) = (−y, x)."""
        moving: Any = moving_factor(group)
        m = moving.matrix(moving_part(group, g))
        rows = np.stack([m[..., 1, 1], -m[..., 1, 0]], -1), np.stack([-m[..., 0, 1], m[..., 0, 0]], -1)
        return np.stack(rows, -2) + 0.0


@dataclasses.dataclass(frozen=True)
class Line(BaseSpace):
    """Signals ``[batch, length, channels]``, left alone by C1 and reversed by the reflection of D1.

    A signal is moved as an image of one column. So convolutions, representations and contracts are those of the plane:
    ``FieldType("D1", "4 regular", space="line")`` are functions on the line and on the two directions of time.

    >>> LINE.grid_symmetry(PlanarGroup(1, True), np.array([1, 0]))
    GridSymmetry(axes=(0,), reversed=(True,))
    """

    name = "line"
    axes = ("length",)
    fields = "signals"
    groups = "C1, D1 (whose reflection reverses it)"

    def is_moved_by(self, group: Group) -> bool:
        """C1 leaves it alone, the reflection of D1 reverses it."""
        return moving_factor(group) in (PlanarGroup(1), PlanarGroup(1, True))

    def matrix(self, group: Any, g: Element) -> np.ndarray:
        """−1 for the reflection."""
        return 1.0 - 2.0 * (np.asarray(g)[..., :1, None] == 1)


_TO_INDEX = np.array([[0.0, 0, -1], [0, -1, 0], [1, 0, 0]])  # (depth, height, width) of (x, y, z)


@dataclasses.dataclass(frozen=True)
class Volume(BaseSpace):
    """Volumes ``[batch, depth, height, width, channels]``, moved by the groups of space; left alone by C1.

    The index (depth, height, width) of a point is (−z, −y, x), as (row, column) is (−y, x) on the plane.

    >>> from geomdl.groups import O
    >>> VOLUME.grid_symmetry(O, np.array([1]))  # a quarter turn about z: of every image at one depth
    GridSymmetry(axes=(0, 2, 1), reversed=(False, True, False))
    """

    name = "volume"
    axes = ("depth", "height", "width")
    fields = "volumes"
    groups = f"C1, {', '.join(SPATIAL_FAMILIES)}; {OTHER_AXES}"

    def is_moved_by(self, group: Group) -> bool:
        """Rotations and reflections of space do, C1 leaves it alone."""
        moving = moving_factor(group)
        return isinstance(moving, SpatialGroup) or moving == PlanarGroup(1)

    def matrix(self, group: Any, g: Element) -> np.ndarray:
        """That of (−z, −y, x); the identity of C1."""
        moving: Any = moving_factor(group)
        if isinstance(moving, PlanarGroup):
            return np.broadcast_to(np.eye(3), (*np.asarray(g).shape[:-1], 3, 3))
        return _TO_INDEX @ moving.matrix(moving_part(group, g)) @ _TO_INDEX.T + 0.0


@dataclasses.dataclass(frozen=True)
class Point(BaseSpace):
    """No base space: vectors ``[batch, channels]``, on whose channels any group acts."""

    name = "point"
    axes = ()
    fields = "vectors"
    groups = "all groups"

    def is_moved_by(self, group: Group) -> bool:
        """A point stays where it is."""
        return True

    def matrix(self, group: Any, g: Element) -> np.ndarray:
        """Of no rows and columns."""
        return np.zeros((*np.asarray(g).shape[:-1], 0, 0))


PLANE, LINE, VOLUME, POINT = Plane(), Line(), Volume(), Point()
"""The base spaces that have names: of images, signals, volumes and vectors."""
BASE_SPACES: dict[str, BaseSpace] = {space.name: space for space in (PLANE, LINE, VOLUME, POINT)}
"""Those by their names."""


def base_space(name: "str | BaseSpace") -> BaseSpace:
    """The base space of a name; a base space is returned as it is.

    Args:
      name: ``"plane"``, ``"line"``, ``"volume"`` or ``"point"``.

    Raises:
      ValueError: for an unknown name, with the nearest valid one.

    >>> base_space("line").layout
    '[batch, length, channels]'
    >>> base_space("lines")
    Traceback (most recent call last):
    ...
    ValueError: unknown base space 'lines'; allowed: plane, line, volume, point; did you mean 'line'?
    """
    if isinstance(name, BaseSpace):
        return name
    if name not in BASE_SPACES:
        raise unknown("base space", name, list(BASE_SPACES))
    return BASE_SPACES[name]
