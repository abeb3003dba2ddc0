"""What users give to layers, and what it is made of: fields, field types, whole numbers and random keys."""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.arrays import FLOATING, as_floating
from geomdl.errors import invalid
from geomdl.layers.core.random_keys import as_rngs
from geomdl.numbers import Checker, checker
from geomdl.representations import FieldType


def taking_fields(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a layer whose first argument is a field, given any array that can be one."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args:
            return method(self, _field(self, args[0]), *args[1:], **kwargs)
        return method(self, **{name: _field(self, v) if name == "x" else v for name, v in kwargs.items()})

    return call


def _field(layer: Any, x: Any) -> jax.Array:
    if not (isinstance(x, jax.Array) and x.dtype in FLOATING):
        x = jnp.asarray(as_floating(x, f"the input of {type(layer).__name__}"))
    field_type = getattr(layer, "in_type", None)  # a layer that somebody wrote may have none yet
    if isinstance(field_type, FieldType) and not _has_axes(x.ndim, field_type.space.dimension):
        raise field_type.misshapen(f"the input of {type(layer).__name__}", x.shape)
    return x


def _has_axes(rank: int, dimension: int) -> bool:
    """Whether an array can be a field: over the base space, without it, or over any grid if no pixel is moved."""
    return rank in (2, dimension + 2) or (dimension == 0 and rank > 2)


def _field_type(what: str, value: Any) -> FieldType:
    if not isinstance(value, FieldType):
        raise invalid(what, value, "a geomdl.representations.FieldType", "FieldType('C4', '8 regular')")
    return value


def taking_numbers(construct: Callable[..., None]) -> Callable[..., None]:
    """The constructor of a layer, given NumPy's numbers for Python's, and anything that stands for ``rngs``.

    What its annotations say to be whole numbers, or a field type, has to be: `geomdl.numbers.checker`.
    """
    parameters = list(inspect.signature(construct).parameters.values())[1:]
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    optional_rngs = any(p.name == "rngs" and p.default is None for p in parameters)

    @functools.cache
    def checkers() -> dict[str, Checker]:
        try:
            hints = typing.get_type_hints(construct)
        except (NameError, TypeError):  # annotations that only a type checker understands
            return {}
        found = {p.name: _field_type if (hint := hints.get(p.name)) is FieldType else checker(hint) for p in parameters}
        return {name: check for name, check in found.items() if check is not None}

    def checked(checks: dict[str, Checker], name: str, value: Any) -> Any:
        if name == "rngs" and not (optional_rngs and value is None):
            return value if type(value) is nnx.Rngs else as_rngs(value)
        check = checks.get(name)
        return value if check is None else check(name, value)

    @functools.wraps(construct)
    def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
        checks = checkers()
        named = [checked(checks, name, value) for name, value in zip(names, args, strict=False)]
        others = {name: checked(checks, name, value) for name, value in kwargs.items()}
        construct(self, *named, *args[len(named) :], **others)

    return constructed
