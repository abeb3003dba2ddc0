"""A promise: what holds at which level, and on which conditions on the size of the input."""

import dataclasses
from collections.abc import Callable
from typing import Literal

Level = Literal["exact", "approximate", "none"]
"""Exact: to rounding. Approximate: up to interpolation or aliasing, with a measured error. None: no promise."""

Size = tuple[int, ...]
"""The spatial size (height, width), or () without base space."""


@dataclasses.dataclass(frozen=True)
class Condition:
    """A predicate on the input size, with the words that explain it.

    >>> square.text, square.holds((4, 4)), square.holds((4, 6))
    ('a square input', True, False)
    """

    text: str
    holds: Callable[[Size], bool]


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


square = Condition("a square input", _is_square)
"""Quarter turns map only square grids to themselves."""


@dataclasses.dataclass(frozen=True)
class Promise:
    """A symmetry that holds at some level, provided that conditions on the input size are met.

    Args:
      level: what holds when all conditions are met; otherwise nothing is promised.
      conditions: predicates on the size of the input.
      why: the reason, in a phrase.
    """

    level: Level
    conditions: tuple[Condition, ...] = ()
    why: str = ""

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
