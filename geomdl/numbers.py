"""Numbers as users write them: whole ones that count or measure in pixels, and others; of Python and of NumPy."""

import dataclasses
import functools
import math
import operator
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from geomdl.errors import invalid

__all__ = ["check_numbers", "checker", "whole_number"]

Checker = Callable[[str, Any], Any]
"""``(what, value)`` ↦ the value as it is kept; raises ValueError."""


def whole_number(what: str, value: Any, least: int | None = 1, most: int | None = None) -> int:
    """A number that counts something, as a Python int.

    Integers of Python and NumPy are whole numbers, and arrays of no axes that hold one. 3.0 and True are none: a float
    is a sign that something was computed which may be a fraction another time.

    Args:
      what: it stands for, in messages.
      value: what was given.
      least: the smallest that is allowed; None for any.
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
    if type(value) is int and (least is None or least <= value) and (most is None or value <= most):  # nearly always
        return value
    low, high = -math.inf if least is None else least, math.inf if most is None else most
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is not None and low <= number <= high:
        return number
    try:
        near = None if isinstance(value, bool | str) else int(min(max(low, round(float(value))), high))
    except (TypeError, ValueError, OverflowError):
        near = None
    bound = "" if least is None else f", at least {least}" if most is None else f", {least} to {most}"
    raise invalid(what, value, f"a whole number{bound}", near)


def checker(hint: Any) -> Checker | None:
    """How an argument is checked that is annotated as a number, or as a tuple of numbers.

    An ``int`` is a `whole_number`; a ``float`` is any number but NaN; a tuple may be given as a list or an array of
    NumPy. Where a union allows other things too, these are left alone. What is kept are Python's numbers.

    Args:
      hint: the annotation.

    Returns:
      The check; None where numbers are not asked for.

    >>> checker(int | None)("heads", 2.5)
    Traceback (most recent call last):
    ValueError: invalid heads 2.5; allowed: a whole number, or None; try 2
    >>> checker(tuple[int, ...])("size", [6, 6]), checker(float)("width", 3), checker(str)
    ((6, 6), 3, None)
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is int:
        return lambda what, value: whole_number(what, value, least=None)
    if hint is float:
        return _real_number
    if origin in (tuple, Sequence) and arguments:
        each = checker(arguments[0])
        length = len(arguments) if origin is tuple and arguments[-1] is not Ellipsis else None
        return None if each is None else lambda what, value: _several(what, value, each, length)
    if origin not in (types.UnionType, typing.Union):
        return None
    single = next((checker(a) for a in (float, int) if a in arguments), None)
    several = next((found for a in arguments if typing.get_origin(a) is tuple and (found := checker(a))), None)
    if single is None and several is None:
        return None
    strict = all(a in (int, float, type(None)) or typing.get_origin(a) is tuple for a in arguments)

    def check(what: str, value: Any) -> Any:
        if value is None and type(None) in arguments:
            return value
        only_several = single is None and strict
        if several is not None and (only_several or isinstance(value, tuple | list) or getattr(value, "ndim", 0) == 1):
            return several(what, value)
        if single is None or not (strict or isinstance(value, int | float) or hasattr(value, "__array__")):
            return value
        try:
            return single(what, value)
        except ValueError as error:
            if type(None) not in arguments:
                raise
            message = str(error).replace(" number;", " number, or None;")
            raise ValueError(message if message != str(error) else f"{error}, or None") from None

    return check


def check_numbers(config: Any, section: str, *, several: bool = False) -> None:
    """Checks the fields of a frozen dataclass that are annotated as numbers or as bool, and keeps Python's own values.

    To be called from ``__post_init__``; see `checker`. Fields whose annotations only a type checker can read are left
    alone.

    Args:
      config: the dataclass.
      section: of the config that it is, which stands before the names of the fields in errors; may be empty.
      several: only those that are annotated as several numbers; the others have checks of their own.

    Raises:
      ValueError: for a field that is not what its annotation says.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Steps:
    ...     boundaries: tuple[int, ...]
    ...     def __post_init__(self):
    ...         check_numbers(self, "schedule")
    >>> Steps([10, 20])
    Steps(boundaries=(10, 20))
    >>> Steps(10)
    Traceback (most recent call last):
    ValueError: invalid schedule.boundaries 10; allowed: several numbers; try (10,)
    """
    hints = _hints(type(config))
    for field in dataclasses.fields(config):
        hint = hints.get(field.name)
        if several and not any(typing.get_origin(a) is tuple for a in (hint, *typing.get_args(hint))):
            continue
        check = _truth if hint is bool else checker(hint)
        if field.init and check is not None:
            what = f"{section}.{field.name}" if section else field.name
            object.__setattr__(config, field.name, check(what, getattr(config, field.name)))


def _truth(what: str, value: Any) -> bool:
    """True or False, of Python or NumPy; words such as "False", which count as true, are refused."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    near = str(value).lower() not in ("false", "no", "off", "none", "0", "")
    raise invalid(what, value, "True or False", near)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of the fields; none where only a type checker can find them."""
    try:
        return typing.get_type_hints(kind)
    except NameError:
        return {}


def _real_number(what: str, value: Any) -> int | float:
    """A number that is none of NaN and bool; a whole one stays whole."""
    if type(value) in (int, float) and value == value:  # what comes nearly always is returned at once
        return value
    try:
        return whole_number(what, value, least=None)
    except ValueError:
        pass
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise invalid(what, value, "a number")
    return number


def _several(what: str, value: Any, each: Checker, length: int | None) -> tuple[Any, ...]:
    try:
        values = None if isinstance(value, str | dict | set) else tuple(value)
    except TypeError:
        values = None
    if values is None or (length is not None and len(values) != length):
        alone = isinstance(value, int | float) and not isinstance(value, bool)
        near = (value,) * (length or 1) if alone else None
        raise invalid(what, value, f"{'several' if length is None else length} numbers", near)
    return tuple(each(what, part) for part in values)
