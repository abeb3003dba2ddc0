"""A config class from a function: its own options become the fields."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_ATOMS = (bool, int, float, str, type(None))


def function_config(
    function: Callable[..., Any],
    name: str,
    *,
    what: str,
    given: Sequence[str],
    members: Mapping[str, Any],
    fields: Sequence[tuple[str, Any, Any]] = (),
    bases: tuple[type, ...] = (),
) -> type:
    """Returns a frozen dataclass whose fields are the options of a function, or of a class that is called like one.

    Options are the parameters that can be given by name and are not ``given``, as far as a config can hold their
    values: those without a default, and those whose default is None, a number, a string, or a sequence of such. A
    sequence is held as a tuple.

    Args:
      function: to be called with what is given and with its options; see `options`.
      name: of the function, for errors and for the class.
      what: the function makes, e.g. ``"model"``.
      given: the parameters that the library gives; the function must have all of them.
      members: further attributes of the class, e.g. the method that calls the function.
      fields: further fields, as `dataclasses.make_dataclass` takes them.
      bases: of the class.

    Raises:
      ValueError: the function does not take what is given.

    >>> def network(image_shape, num_classes, *, rngs, width: int = 16, kernels=(3, 3), activation=abs): ...
    >>> given = ("image_shape", "num_classes", "rngs")
    >>> kind = function_config(network, "models.py:network", what="model", given=given, members={})
    >>> kind(width=8)
    network(width=8, kernels=(3, 3))
    >>> function_config(lambda width: None, "models.py:wide", what="model", given=given, members={})
    Traceback (most recent call last):
    ...
    ValueError: models.py:wide takes (width), but what makes a model must take image_shape, num_classes, rngs and its
    own options
    """
    signature = signature_of(function, name)
    named = {p.name: p for p in signature.parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    if not takes_any and not set(given) <= set(named):
        wanted = ", ".join(given)
        raise ValueError(f"{name} takes {signature}, but what makes a {what} must take {wanted} and its own options")
    hints = _hints(function)
    own = [_field(p, hints.get(p.name)) for p in named.values() if p.name not in given and _is_option(p)]
    stem = name.rpartition(":")[2].rpartition(".")[2]
    namespace = {"__doc__": inspect.getdoc(function) or f"{name}.", **members, "__post_init__": _hold_tuples}
    made = dataclasses.make_dataclass(
        stem, [*fields, *own], bases=bases, namespace=namespace, frozen=True, kw_only=True
    )
    made.__module__ = function.__module__
    return made


def options(config: Any, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Returns the options that a config from `function_config` holds, for the function.

    Args:
      config: of such a class.
      without: fields that the function is not given.

    >>> def network(image_shape, *, width: int = 16, kernels=[3, 3]): ...
    >>> kind = function_config(network, "models.py:network", what="model", given=["image_shape"], members={})
    >>> options(kind(width=8))
    {'width': 8, 'kernels': [3, 3]}
    """
    values = {f.name: getattr(config, f.name) for f in dataclasses.fields(config) if f.name not in without}
    lists = {f.name for f in dataclasses.fields(config) if f.metadata.get("list")}
    return {name: list(v) if name in lists and isinstance(v, tuple) else v for name, v in values.items()}


def option_names(factory: Any) -> list[str] | None:
    """Returns the options of a class or function by name; None when it takes any.

    Args:
      factory: a class or function.

    >>> option_names(lambda width, depth=3: None)
    ['width', 'depth']
    """
    if dataclasses.is_dataclass(factory):
        return [field.name for field in dataclasses.fields(factory) if field.init]
    try:
        parameters = signature_of(factory, "").parameters.values()
    except ValueError:
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]


def signature_of(function: Callable[..., Any], name: str) -> inspect.Signature:
    """Returns the parameters of a function, or of the initialiser of a class.

    Args:
      function: or class, also of a metaclass that hides them.
      name: of the function, in errors.

    Raises:
      ValueError: it cannot be seen, as of some functions that are written in C.

    >>> signature_of(lambda width, depth=3: None, "network")
    <Signature (width, depth=3)>
    """
    try:
        if not inspect.isclass(function) or type(function) is type:
            return inspect.signature(function)
        signature = inspect.signature(function.__init__)  # a metaclass, as that of NNX, hides it
        return signature.replace(parameters=list(signature.parameters.values())[1:])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"cannot see which arguments {name} takes ({error}); put a Python function around it"
        ) from error


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of the parameters, without those that only a type checker can find."""
    owner = function.__init__ if inspect.isclass(function) else function
    try:
        return typing.get_type_hints(owner)
    except (NameError, TypeError, AttributeError):
        return {}


def _is_option(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty or _is_plain(parameter.default)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)
    return isinstance(value, _ATOMS)


def _field(parameter: inspect.Parameter, hint: Any) -> tuple[str, Any, Any]:
    """The dataclass field of an option: name, type, default."""
    default = parameter.default
    metadata = {"list": isinstance(default, list) or _is_list(hint)}
    if default is parameter.empty:
        return parameter.name, Any if hint is None else hint, dataclasses.field(metadata=metadata)
    if not _is_plain_hint(hint):
        hint = _HINTS.get(type(default), Any)
    return parameter.name, hint, dataclasses.field(default=_tuples(default), metadata=metadata)


_HINTS: dict[type, Any] = {bool: bool, int: int | float, float: float, str: str}
"""The type of an option that has none that a config can hold, by its default."""


def _is_plain_hint(hint: Any) -> bool:
    parts = [part for part in typing.get_args(hint) if part is not Ellipsis]
    if typing.get_origin(hint) in (types.UnionType, typing.Union, tuple, list):
        return all(_is_plain_hint(part) for part in parts)
    return hint in _ATOMS or typing.get_origin(hint) is typing.Literal


def _is_list(hint: Any) -> bool:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return any(_is_list(part) for part in typing.get_args(hint))
    return hint is list or typing.get_origin(hint) is list


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list | tuple) else value


def _hold_tuples(self: Any) -> None:
    for field in dataclasses.fields(self):
        object.__setattr__(self, field.name, _tuples(getattr(self, field.name)))
