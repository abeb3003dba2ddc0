"""What users give to layers, and what it is made of: fields, field types, whole numbers and random keys."""

import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.arrays import FLOATING, as_floating, has_irreps
from geomdl.errors import invalid
from geomdl.numbers import Checker, checker
from geomdl.random_keys import as_key, as_rngs
from geomdl.representations import FieldType


def taking_fields(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a layer whose first argument is a field, given any array that can be one; and a seed as ``key``."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if (key := kwargs.get("key")) is not None and not isinstance(key, jax.Array):
            kwargs["key"] = as_key(key)
        if args:
            return method(self, _field(self, args[0]), *args[1:], **kwargs)
        return method(self, **{name: _field(self, v) if name == "x" else v for name, v in kwargs.items()})

    return call


def _field(layer: Any, x: Any) -> jax.Array:
    if not (isinstance(x, jax.Array) and x.dtype in FLOATING):
        if has_irreps(x):
            _require_irreps(layer, x.irreps)
        x = jnp.asarray(as_floating(x, f"the input of {type(layer).__name__}"))
    field_type = getattr(layer, "in_type", None)  # a layer that somebody wrote may have none yet
    if isinstance(field_type, FieldType) and not _has_axes(x.ndim, field_type.space.dimension):
        raise field_type.misshapen(f"the input of {type(layer).__name__}", x.shape)
    return x


def _require_irreps(layer: Any, irreps: Any) -> None:
    """Raises ValueError if a field of e3nn is of other irreps than the layer takes, as far as that can be compared."""
    field_type = getattr(layer, "in_type", None)
    if not isinstance(field_type, FieldType) or str(field_type.group) != "O3":
        return
    wanted = [b.representation.name for b in field_type.blocks for _ in range(b.multiplicity)]
    if [str(irrep) for multiplicity, irrep in irreps for _ in range(multiplicity)] != wanted:
        raise invalid(
            f"irreps of the input of {type(layer).__name__}", str(irreps), f"{field_type.fields}, in this order"
        )


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
    def looked_at() -> dict[str, tuple[frozenset[type], Checker]]:
        """Of each argument that is looked at: the types whose values are kept as they are, and what looks at others."""
        none = {types.NoneType} if optional_rngs else set()
        found: dict[str, tuple[frozenset[type], Checker]] = {
            "rngs": (frozenset({nnx.Rngs} | none), lambda _, value: as_rngs(value))
        }
        try:
            hints = typing.get_type_hints(construct)
        except (NameError, TypeError):  # annotations that only a type checker understands
            return found
        for parameter in parameters:
            hint = hints.get(parameter.name)
            if hint is FieldType:
                found[parameter.name] = (frozenset({FieldType}), _field_type)
            elif (check := checker(hint)) is not None:
                alternatives = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
                found[parameter.name] = (frozenset({int, types.NoneType} & set(alternatives)), check)
        return found

    @functools.wraps(construct)
    def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
        named, table = dict(zip(names, args, strict=False)), looked_at()
        for arguments in (named, kwargs):
            for name, value in arguments.items():
                if name in table and type(value) not in table[name][0]:
                    arguments[name] = table[name][1](name, value)
        construct(self, *named.values(), *args[len(named) :], **kwargs)

    return constructed
