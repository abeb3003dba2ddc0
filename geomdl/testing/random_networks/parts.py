"""What random networks are made of: a layer with the expression that makes it, and the place where one is drawn."""

import dataclasses
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
from flax import nnx
from hypothesis.strategies import DrawFn

from geomdl.groups import BaseSpace, PlanarGroup
from geomdl.layers import Layer
from geomdl.representations import FieldType
from geomdl.testing.random_images import Size
from geomdl.testing.strategies import field_types

_MOST_CHANNELS = 32
_LONGEST_SIDE = 20


@dataclasses.dataclass(frozen=True)
class Part:
    """A layer with the expression that makes it."""

    layer: Layer
    code: str


@dataclasses.dataclass(frozen=True)
class Place:
    """What comes in where a layer is to be drawn, and how deep within other layers that is."""

    draw: DrawFn
    t: FieldType
    size: Size
    depth: int = 0

    def pick(self, *values: Any) -> Any:
        """One of some values; the first is the simplest."""
        return self.draw(st.sampled_from(values))

    def divisor(self, *values: int) -> int:
        """One of some numbers that divide the sides. Raises ValueError where none does."""
        found = [value for value in values if all(n % value == 0 for n in self.size)]
        if not found:
            raise ValueError("nothing divides the sides")
        return self.pick(*found)

    def whole(self, least: int, most: int) -> int:
        """A whole number from ``least`` to ``most``."""
        return self.draw(st.integers(least, most))

    def type_like(self) -> FieldType:
        """Another type of the same group."""
        return small_type(self.draw, self.t.group, self.t.space)  # type: ignore[arg-type]

    def behind(self, part: Part) -> "Place":
        """The place behind a layer. Raises ValueError where the layer refuses the size."""
        size = tuple(part.layer.contract.output_size(self.size))
        if any(n < 1 or n > _LONGEST_SIDE for n in size) or part.layer.out_type.size > _MOST_CHANNELS:
            raise ValueError("larger than what is tried")
        return dataclasses.replace(self, t=part.layer.out_type, size=size)

    def within(self) -> "Place":
        """The same place inside another layer."""
        return dataclasses.replace(self, depth=self.depth + 1)


def made(kind: Callable[..., Any], *args: Any, **options: Any) -> Part:
    """A layer and its expression; a number for ``rngs`` is the seed."""
    named = {k: f"nnx.Rngs({v})" if k == "rngs" else _code(v) for k, v in options.items()}
    shown = [*map(_code, args), *(f"{k}={v}" for k, v in named.items())]
    given = {k: _layers(v) if k != "rngs" else nnx.Rngs(v) for k, v in options.items()}
    return Part(kind(*(_layers(a) for a in args), **given), f"{kind.__name__}({', '.join(shown)})")


def _code(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_code, value))}]"
    return value.code if isinstance(value, Part) else repr(value)


def _layers(value: Any) -> Any:
    if isinstance(value, list):
        return [_layers(v) for v in value]
    return value.layer if isinstance(value, Part) else value


def small_type(draw: DrawFn, group: PlanarGroup, space: BaseSpace) -> FieldType:
    """A type of few channels."""
    plain = draw(field_types(group).filter(lambda t: t.size <= 16))
    return FieldType(group, [(b.multiplicity, b.representation) for b in plain.blocks], space)
