"""One number for all axes of a base space, or one for each."""

import dataclasses
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

Number = int | Fraction


@dataclasses.dataclass(frozen=True)
class PerAxis:
    """Numbers that differ from axis to axis, as strides or distances; sums and products are taken axis by axis.

    Made by `per_axis`, which gives a plain number where all are equal, so that a number always stands for every axis.

    Args:
      values: one for each axis, not all equal.

    >>> 2 * per_axis([1, 3]) + 1, per_axis([1, 3]) * per_axis([3, 1])
    (PerAxis(values=(3, 7)), 3)
    """

    values: tuple[Number, ...]

    def __add__(self, other: "Number | PerAxis") -> "Number | PerAxis":
        return elementwise(lambda a, b: a + b, self, other)

    def __mul__(self, other: "Number | PerAxis") -> "Number | PerAxis":
        return elementwise(lambda a, b: a * b, self, other)

    def __sub__(self, other: "Number | PerAxis") -> "Number | PerAxis":
        return elementwise(lambda a, b: a - b, self, other)

    def __rsub__(self, other: Number) -> "Number | PerAxis":
        return elementwise(lambda a, b: b - a, self, other)

    __radd__, __rmul__ = __add__, __mul__

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.values))})"


PerAxisNumber = int | Fraction | PerAxis
"""A number for all axes, or one for each."""


def per_axis(values: Sequence[Number]) -> Any:
    """The number that stands for all axes where the values are equal, else a `PerAxis`.

    Args:
      values: one for each axis.

    >>> per_axis([2, 2]), str(per_axis([2, 1]))
    (2, '(2, 1)')
    """
    return values[0] if len(set(values)) == 1 else PerAxis(tuple(values))


def along(value: Any, dimension: int) -> tuple[Any, ...]:
    """One number for each axis.

    Args:
      value: a number for all axes; or a tuple, list or `PerAxis` with one for each.
      dimension: how many axes there are.

    Raises:
      ValueError: for another number of them.

    >>> along(3, 2), along((1, 2), 2)
    ((3, 3), (1, 2))
    """
    values = value.values if isinstance(value, PerAxis) else value
    if not isinstance(values, tuple | list):
        return (value,) * dimension
    if len(values) != dimension:
        raise ValueError(f"{tuple(values)} has {len(values)} numbers; allowed: one, or one for each axis: {dimension}")
    return tuple(values)


def elementwise(function: Callable[..., Number], *numbers: PerAxisNumber) -> Any:
    """A function of numbers, applied axis by axis; numbers that stand for all axes are taken for each.

    Args:
      function: of as many plain numbers as are given.
      *numbers: for all axes, or for each.

    >>> elementwise(max, 2, per_axis([1, 3]))
    PerAxis(values=(2, 3))
    """
    dimension = next((len(n.values) for n in numbers if isinstance(n, PerAxis)), 1)
    return per_axis([function(*values) for values in zip(*(along(n, dimension) for n in numbers), strict=True)])
