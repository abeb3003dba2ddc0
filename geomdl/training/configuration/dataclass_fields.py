"""Making a dataclass from plain values, with every key and type checked."""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from geomdl.errors import invalid, unknown

T = TypeVar("T")

WHOLE = 2**32
"""Beyond the whole numbers of a config."""

REAL = 3.4e38
"""The largest number of a config: infinity is none."""


def from_values(kind: type[T], values: Mapping[str, Any], path: str, *, also: Sequence[str] = ()) -> T:
    """Makes a dataclass of plain values.

    Whole numbers are taken where a float is wanted, lists where a tuple is, and NumPy's numbers for Python's; nothing
    else is converted.

    Args:
      kind: the dataclass.
      values: its fields, by name.
      path: what the values are called in errors, e.g. ``"optimizer"``.
      also: further keys to show as allowed.

    Raises:
      ValueError: names the dotted path of a key that does not exist, is missing, or has a wrong value.

    >>> from geomdl.training.configuration.optimizers import SGD
    >>> from_values(SGD, {"learning_rate": 1}, "optimizer")
    SGD(learning_rate=1.0, weight_decay=0.0, clip_norm=None, weight_decay_on='weights')
    >>> from_values(SGD, {"learning_rat": 0.1}, "optimizer")
    Traceback (most recent call last):
    ...
    ValueError: unknown config key 'optimizer.learning_rat'; allowed: optimizer.learning_rate,
    optimizer.weight_decay, optimizer.clip_norm, optimizer.weight_decay_on; did you mean 'optimizer.learning_rate'?
    """
    fields = {f.name: f for f in dataclasses.fields(kind) if f.init}  # pyright: ignore[reportArgumentType]
    hints = _hints(kind)
    for key in values:
        if key not in fields:
            raise unknown("config key", f"{path}.{key}", [f"{path}.{name}" for name in dict.fromkeys((*also, *fields))])
    for name, f in fields.items():
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise ValueError(f"missing {path}.{name}; expected {describe(hints[name])}")
    arguments = {key: convert(value, hints[key], f"{path}.{key}") for key, value in values.items()}
    try:
        return kind(**arguments)
    except ValueError as error:
        message = str(error)
        raise ValueError(message if f"{path}." in message else f"{path}: {message}") from error


def convert(value: Any, hint: Any, path: str) -> Any:
    """Returns the value as the type that is wanted.

    Args:
      value: a plain value.
      hint: a type annotation; one that is not of plain values lets everything pass.
      path: what the value is called in errors.

    Raises:
      ValueError: when the value is of another type.

    >>> convert([1, 2], tuple[int, ...], "schedule.boundaries")
    (1, 2)
    >>> convert("fast", float | None, "optimizer.learning_rate")
    Traceback (most recent call last):
    ...
    ValueError: invalid optimizer.learning_rate 'fast'; allowed: float or None
    """
    if not _plain(hint):
        return value
    if isinstance(value, int) and value.bit_length() > 127:  # which float() refuses without a name
        raise invalid(path, value, f"a number up to {REAL:.1e}, as 32 bits hold it")
    found = _match(value, hint)
    if found is _NO:
        raise invalid(path, value, describe(hint))
    _require_representable(found, path)
    return found


def _require_representable(value: Any, path: str) -> None:
    """Raises ValueError for a number that the machine's 32 bits cannot hold: it would become another."""
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, tuple):
            _require_representable(number, path)
        elif isinstance(number, int) and abs(number) >= WHOLE:
            raise invalid(path, value, "a whole number below 2³², as 32 bits hold it")
        elif isinstance(number, float) and abs(number) > REAL:
            raise invalid(path, value, f"a number up to {REAL:.1e}, as 32 bits hold it")


def describe(hint: Any) -> str:
    """Returns a type in words.

    >>> describe(tuple[int, ...] | None)
    'tuple of int or None'
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(describe(a) for a in arguments)
    if origin is typing.Literal:
        return " or ".join(repr(a) for a in arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"tuple of {describe(arguments[0])}"
        return f"tuple ({', '.join(describe(a) for a in arguments)})"
    if hint is type(None):
        return "None"
    return getattr(hint, "__name__", str(hint))


def _hints(kind: type) -> dict[str, Any]:
    """The types of the fields; those that only a type checker can find let every value pass."""
    try:
        return typing.get_type_hints(kind)
    except NameError:
        return {f.name: Any for f in dataclasses.fields(kind)}


_NO = object()
_ATOMS = (int, float, bool, str, type(None))


def _plain(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union, tuple):
        return all(_plain(a) for a in typing.get_args(hint) if a is not Ellipsis)
    return origin is typing.Literal or hint in _ATOMS


def _match(value: Any, hint: Any) -> Any:
    """The value as this type, or `_NO`."""
    if isinstance(value, np.generic):
        value = value.item()
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        exact = [a for a in arguments if type(value) is a]  # 1 stays an int where int and float are both allowed
        matches = (_match(value, a) for a in exact or arguments)
        return next((m for m in matches if m is not _NO), _NO)
    if origin is typing.Literal:
        return value if value in arguments else _NO
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return _NO
        wanted = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(wanted) != len(value):
            return _NO
        matches = tuple(_match(v, a) for v, a in zip(value, wanted, strict=True))
        return _NO if any(m is _NO for m in matches) else matches
    if hint is float and type(value) is int:
        return float(value)
    return value if type(value) is hint else _NO
