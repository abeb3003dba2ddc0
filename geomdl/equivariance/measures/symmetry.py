"""The transformations of a measure: a named group or family, its elements, their actions on inputs and outputs."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike

from geomdl.actions import roll
from geomdl.actions.families import FAMILIES, Family, family
from geomdl.actions.generators import GENERATORS, Generator
from geomdl.actions.laws import OutputLaw, output_law
from geomdl.actions.outputs import input_action, output_action
from geomdl.actions.warp import Padding
from geomdl.arrays import as_array
from geomdl.equivariance.adapters.functions import Model
from geomdl.errors import invalid, unknown
from geomdl.groups import GridTranslations, PlanarGroup
from geomdl.groups import group as group_of
from geomdl.numbers import whole_number
from geomdl.representations import FieldType

Action = Callable[[Any, Any], jax.Array]
"""``action(g, x)``: how an element moves an array; g may be traced."""

Transformations = str | PlanarGroup | GridTranslations | Family | Generator
"""What can be measured: a name, a planar group, circular shifts, a family of Klein's ladder, a one-parameter group."""


@dataclasses.dataclass(frozen=True)
class ActingElements:
    """Elements of a group or family with their actions.

    Attributes:
      name: of the group or family.
      elements: ``[n, element_size]``.
      labels: what each element does, in words.
      move: ρ_in, ``(g, x) -> x'``.
      undo: ρ_in(g)⁻¹.
      expect: ρ_out, ``(g, y) -> y'``.
    """

    name: str
    elements: np.ndarray
    labels: tuple[str, ...]
    move: Action
    undo: Action
    expect: Action


def transformations(name: Transformations, size: Sequence[int]) -> PlanarGroup | GridTranslations | Family | Generator:
    """The group, family or generator of a name; ``"shifts"`` stands for all circular shifts of the image.

    Args:
      name: such as ``"C4"``, ``"O2"``, ``"shifts"``, ``"affine"``, ``"rotate"``; anything else is returned as it is.
      size: (height, width) of the images.

    Raises:
      ValueError: for an unknown name, with the nearest valid one.

    >>> transformations("C4", (8, 8)), transformations("shifts", (4, 6))
    (C4, Z4xZ6)
    >>> transformations("afine", (8, 8))
    Traceback (most recent call last):
    ...
    ValueError: unknown group or family 'afine'; allowed: C4, D4, ...; did you mean 'affine'?
    """
    if isinstance(name, PlanarGroup | GridTranslations | Family | Generator):
        return name
    if not isinstance(name, str):
        raise invalid("group", name, "a name, PlanarGroup, GridTranslations, Family or Generator", "'C4'")
    if name == "shifts":
        return GridTranslations(*size)
    if name in FAMILIES:
        return family(name)
    if name in GENERATORS:
        return GENERATORS[name]
    try:
        return group_of(name)
    except ValueError:
        allowed = ["C4", "D4", "SO2", "O2", "C<N>", "D<N>", "shifts", *FAMILIES, *GENERATORS]
        raise unknown("group or family", name, list(dict.fromkeys(allowed))) from None


def symmetry(
    group: Transformations,
    size: Sequence[int],
    output: Any = "invariant",
    *,
    out_size: Sequence[int] | None = None,
    elements: ArrayLike | None = None,
    field_type: FieldType | None = None,
    out_field_type: FieldType | None = None,
    padding: Padding = "zeros",
    count: int = 16,
    seed: int = 0,
) -> ActingElements:
    """Elements of a group, and how they move images of a size and outputs.

    Args:
      group: see `transformations`.
      size: (height, width) of the inputs.
      output: anything that `geomdl.actions.output_law` understands.
      out_size: (height, width) of the outputs where they are fields or labels; ``size`` by default.
      elements: ``[n, element_size]``, or ``[n]`` for a generator; by default all elements of a finite group of at most
        64, else ``count`` drawn ones (and the generators of the shifts).
      field_type: how the channels of the input transform; as scalars by default.
      out_field_type: how the channels of the output transform.
      padding: what comes in from outside when images are resampled.
      count: how many elements are drawn where there are too many.
      seed: of the draw.

    Raises:
      ValueError: for an unknown name, elements of another group, quarter turns of images that are not square, or an
        output that the group cannot move.

    >>> s = symmetry("C4", (8, 8))
    >>> s.labels
    ('identity', 'rotate 90°', 'rotate 180°', 'rotate 270°')
    """
    size = tuple(map(int, size))
    resolved = transformations(group, size)
    if len(size) != 2 and not isinstance(resolved, GridTranslations):
        raise invalid("group", group, f"circular shifts for inputs of {len(size)} axes; others move images", "'shifts'")
    if isinstance(resolved, Generator):
        if elements is None:
            raise invalid("elements", None, f"the strengths t at which e^(tX) of {resolved.name} is measured", [0.1])
        elements = np.asarray(as_array(elements, "elements"), float).reshape(-1, 1)
        if not elements.size or not np.isfinite(elements).all():
            raise invalid("elements", elements[:, 0].tolist(), f"finite strengths t of {resolved.name}", [0.1])
        resolved = Family(resolved.name, (resolved.name,), (float(np.max(np.abs(elements))) or 1.0,))
    drawn = _elements(resolved, elements, count, seed)
    if isinstance(resolved, PlanarGroup) and size[0] != size[1]:
        upright = np.isclose(np.abs(resolved.matrix(drawn)[:, 0, 0]), 1)
        if not upright.all():
            raise invalid("images", f"{size[0]}x{size[1]}", f"square ones for rotations of {resolved}", "C2 or D2")
    move, undo = _input_actions(resolved, size, field_type, padding)
    output, out_field_type = as_output(output, out_field_type, resolved, size)
    if callable(output):
        expect = output
    elif output == "invariant":
        expect = _same
    else:
        frame = size if out_size is None else tuple(map(int, out_size))
        expect = output_action(
            cast(Literal["labels", "field", "points", "boxes"], output), resolved,
            size=size, field_type=out_field_type, out_size=frame, padding=padding,
        )  # fmt: skip
    return ActingElements(str(getattr(resolved, "name", resolved)), drawn, _labels(resolved, drawn), move, undo, expect)


def as_output(
    output: Any, out_field_type: FieldType | None, group: Any, size: tuple[int, ...]
) -> tuple[str | Action, FieldType | None]:
    """An output as its kind and its field type under a group; as a function where it has another layout.

    Raises:
      ValueError: when the law is unknown, does not cover the group, or comes with another field type.
    """
    law = output_law(output, group)
    if not isinstance(law, OutputLaw):
        return law, out_field_type
    if law.field_type is None:
        law = dataclasses.replace(law, field_type=out_field_type)
    elif out_field_type is not None and out_field_type != law.field_type:
        raise invalid("out_field_type", str(out_field_type), f"none next to {law}, which has its own")
    return (law.action(group, size=size) if law.layout else law.kind), law.type_under(group)


def dimension_of(group: Transformations, model: Model) -> int:
    """How many axes inputs have between batch and channels: those that shifts are of, else the two of images.

    >>> from geomdl.equivariance.adapters.functions import as_function
    >>> dimension_of(GridTranslations(12), as_function(lambda x: x)), dimension_of("C4", as_function(lambda x: x))
    (1, 2)
    """
    if isinstance(group, GridTranslations):
        return len(group.sizes)
    contract = model.contract
    return (contract.in_type.space.dimension or 2) if group == "shifts" and contract is not None else 2


def _same(_: Any, y: Any) -> Any:
    return y


def _elements(
    group: PlanarGroup | GridTranslations | Family, elements: ArrayLike | None, count: int, seed: int
) -> np.ndarray:
    if elements is not None:
        given = np.atleast_2d(np.asarray(as_array(elements, "elements")))
        width = np.asarray(group.identity).shape[0]
        if given.shape[0] == 0 or given.ndim != 2 or given.shape[1] != width:
            raise invalid("elements", f"of shape {np.shape(elements)}", f"[n, {width}] for {group}, n ≥ 1")
        return group.require_elements(given)
    count, rng = whole_number("count", count), np.random.default_rng(whole_number("seed", seed, least=0))
    if isinstance(group, Family):
        return np.asarray(group.sample(rng, count)) if group.generators else np.array([[0], [1]])
    if group.is_finite and group.order <= 64:
        return group.elements()
    drawn = group.sample(rng, count)
    return np.concatenate([group.generators(), drawn])[:count] if isinstance(group, GridTranslations) else drawn


def _input_actions(
    group: PlanarGroup | GridTranslations | Family,
    size: tuple[int, ...],
    field_type: FieldType | None,
    padding: Padding,
) -> tuple[Action, Action]:
    if isinstance(group, GridTranslations):
        if group.sizes != size:
            shown = "x".join(map(str, size))
            raise invalid("group", group, f"shifts of the images, which are {shown}", "'shifts'")
        axes = range(len(size))
        return (lambda g, x: roll(x, [g[i] for i in axes])), (lambda g, x: roll(x, [-g[i] for i in axes]))
    if isinstance(group, PlanarGroup):
        if field_type is not None and field_type.group != group:
            raise invalid("field_type", field_type, f"a type of {group}")

        move = input_action(group, field_type=field_type, padding=padding)

        def undo(g: Any, x: Any) -> jax.Array:  # (f, r)⁻¹ = (f, −(−1)^f r)
            if not isinstance(g, Tracer):
                return move(group.inverse(np.asarray(g)), x)
            return move(jnp.stack([g[0], jnp.mod(-(1 - 2 * g[0]) * g[1], jnp.asarray(group.period, g.dtype))]), x)

        return move, undo
    return (lambda g, x: group.act(g, x, padding=padding)), (lambda g, x: group.undo(g, x, padding=padding))


def _labels(group: PlanarGroup | GridTranslations | Family, elements: np.ndarray) -> tuple[str, ...]:
    return tuple(_label(group, g) for g in elements)


def _label(group: PlanarGroup | GridTranslations | Family, g: np.ndarray) -> str:
    if isinstance(group, GridTranslations):
        return f"shift ({', '.join(str(int(n)) for n in g)})"
    if isinstance(group, PlanarGroup):
        degrees = float(np.rad2deg(group.angle(g)))
        parts = (["flip"] if g[0] else []) + ([f"rotate {degrees:.4g}°"] if degrees else [])
        return ", ".join(parts) or "identity"
    flip, rest = (g[0], g[1:]) if group.reflections else (0, g)
    parts = (["flip"] if flip else []) + [f"{n} {t:+.3g}" for n, t in zip(group.generators, rest, strict=True)]
    return ", ".join(parts) or "identity"
