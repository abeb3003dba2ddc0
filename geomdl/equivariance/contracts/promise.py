"""A promise: what holds at which level, and on which conditions on the size of the input."""

import dataclasses
from collections.abc import Callable
from typing import Literal

from geomdl.groups import BaseSpace, PointGroup

Level = Literal["exact", "approximate", "none"]
"""Exact: to rounding. Approximate: up to interpolation or aliasing, with a measured error. None: no promise."""

Size = tuple[int, ...]
"""The spatial size (height, width), or () without base space."""


@dataclasses.dataclass(frozen=True)
class Condition:
    """A predicate on the input size, with the words that explain it.

    Args:
      text: the words.
      holds: the predicate; a function that can be pickled.
      once: whether modules in turn that all have it need it of their first input only, in these words.

    >>> square.text, square.holds((4, 4)), square.holds((4, 6))
    ('a square input', True, False)
    """

    text: str
    holds: Callable[[Size], bool]
    once: bool = False


def same_size(size: Size) -> Size:
    """The size of the output of what keeps that of its input. Contracts hold named functions, which can be pickled."""
    return size


def no_size(size: Size) -> Size:
    """The size of an output without base space."""
    return ()


@dataclasses.dataclass(frozen=True)
class Divides:
    """Whether a number divides all sides.

    >>> Divides(2)((4, 6)), Divides(2)((4, 5))
    (True, False)
    """

    number: int

    def __call__(self, size: Size) -> bool:
        """Whether it divides those of a size."""
        return all(n % self.number == 0 for n in size)


def _is_square(size: Size) -> bool:
    return len(set(size)) <= 1


square = Condition("a square input", _is_square, once=True)
"""Quarter turns map only square grids to themselves."""


@dataclasses.dataclass(frozen=True)
class EqualSides:
    """Whether the sides are equal along the axes of each set.

    >>> EqualSides(((1, 2),))((3, 4, 4)), EqualSides(((0, 1, 2),))((3, 4, 4))
    (True, False)
    """

    axes: tuple[tuple[int, ...], ...]

    def __call__(self, size: Size) -> bool:
        """Whether those of a size are; () has none."""
        return not size or all(len({size[a] for a in axes}) == 1 for axes in self.axes)


def equal_sides(space: BaseSpace, group: PointGroup) -> tuple[Condition, ...]:
    """What the elements of a group that exchange axes ask of the input: nothing, or one condition.

    Args:
      space: the base space.
      group: the group.

    >>> from geomdl.groups import D2, D4, PLANE, VOLUME, O, SpatialGroup
    >>> [c.text for c in (*equal_sides(PLANE, D2), *equal_sides(PLANE, D4), *equal_sides(VOLUME, O))]
    ['a square input', 'a cubic input']
    >>> [c.text for c in equal_sides(VOLUME, SpatialGroup("C4z"))]
    ['an input with height = width']
    """
    exchanged = space.exchanged_axes(group)
    if not exchanged:
        return ()
    if space.dimension == 2:
        return (square,)
    everywhere = exchanged == (tuple(range(space.dimension)),)
    sides = " and ".join(" = ".join(space.axes[a] for a in axes) for axes in exchanged)
    return (Condition("a cubic input" if everywhere else f"an input with {sides}", EqualSides(exchanged), once=True),)


@dataclasses.dataclass(frozen=True)
class Promise:
    """A symmetry that holds at some level, provided that conditions on the input size are met.

    Args:
      level: what holds when all conditions are met; otherwise nothing is promised.
      conditions: predicates on the size of the input.
      why: the reason, in a phrase.
      of_subgroup: of a promise about a group, what is promised of a subgroup of it, which needs fewer conditions; see
        `within`. A function that can be pickled.
    """

    level: Level
    conditions: tuple[Condition, ...] = ()
    why: str = ""
    of_subgroup: Callable[[PointGroup], "Promise"] | None = dataclasses.field(default=None, compare=False, repr=False)

    def within(self, group: PointGroup) -> "Promise":
        """What is promised of a subgroup; the same unless more is known of fewer elements."""
        return self if self.of_subgroup is None else self.of_subgroup(group)

    def at(self, size: Size) -> Level:
        """The level for one input size."""
        return self.level if all(c.holds(size) for c in self.conditions) else "none"

    def violated(self, size: Size) -> list[str]:
        """The conditions that an input size does not meet, in words."""
        return [c.text for c in self.conditions if not c.holds(size)]

    def __str__(self) -> str:
        given = ", given " + " and ".join(c.text for c in self.conditions) if self.conditions else ""
        return self.level + given + (f" ({self.why})" if self.why else "")


NOTHING = Promise("none")
ALIASED = Promise("approximate", why="aliasing")
"""What nonlinearities and subsampling leave of fractional shifts."""
LEVELS: tuple[Level, ...] = ("none", "approximate", "exact")
"""From the weakest to the strongest."""


def by_group(promise: Callable[[PointGroup], Promise], group: PointGroup) -> Promise:
    """A promise about a group that knows what is promised of each of its subgroups.

    Args:
      promise: what is promised of a group; a function that can be pickled.
      group: the group.
    """
    return dataclasses.replace(promise(group), of_subgroup=promise)


@dataclasses.dataclass(frozen=True)
class OnCentredGrid:
    """What a map from a grid to one with the same centre promises of a group: exact, given what its elements ask for.

    Args:
      space: the base space.
      exchanging: the promise about elements that exchange axes, where it is another than that these need a square
        (cubic) input.
      conditions: whatever the elements.

    >>> from geomdl.groups import D2, D4, PLANE
    >>> print(OnCentredGrid(PLANE)(D4), "|", OnCentredGrid(PLANE)(D2))
    exact, given a square input | exact
    """

    space: BaseSpace
    exchanging: Promise | None = None
    conditions: tuple[Condition, ...] = ()

    def __call__(self, group: PointGroup) -> Promise:
        """The promise about a group."""
        promise = self.exchanging if self.exchanging is not None and self.space.exchanges_axes(group) else None
        promise = promise or Promise("exact", equal_sides(self.space, group))
        if promise.level == "none":
            return promise
        return dataclasses.replace(promise, conditions=promise.conditions + self.conditions)
