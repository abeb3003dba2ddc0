"""Numbers as users write them: whole ones that count or measure in pixels."""

import operator
from typing import Any

from geomdl.errors import invalid

__all__ = ["whole_number"]


def whole_number(what: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """A number that counts something, as a Python int.

    Integers of Python and NumPy are whole numbers, and arrays of no axes that hold one. 3.0 and True are none: a float
    is a sign that something was computed which may be a fraction another time.

    Args:
      what: it stands for, in messages.
      value: what was given.
      least: the smallest that is allowed.
      most: the largest; None for any.

    Raises:
      ValueError: for anything else.

    >>> whole_number("multiplicity", 3)
    3
    >>> whole_number("data.size", 0)
    Traceback (most recent call last):
    ValueError: invalid data.size 0; allowed: a whole number, at least 1; try 1
    >>> whole_number("kernel size", 2.5)
    Traceback (most recent call last):
    ValueError: invalid kernel size 2.5; allowed: a whole number, at least 1; try 2
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is not None and least <= number and (most is None or number <= most):
        return number
    try:
        near = None if isinstance(value, bool | str) else max(least, round(float(value)))
    except (TypeError, ValueError, OverflowError):
        near = None
    bound = f"at least {least}" if most is None else f"{least} to {most}"
    raise invalid(what, value, f"a whole number, {bound}", near if most is None or near is None else min(most, near))
