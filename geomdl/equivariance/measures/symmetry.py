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
from geomdl.groups import VOLUME, DirectProduct, GridTranslations, PlanarGroup, SpatialGroup, point_group
from geomdl.groups.point_names import canonical_name
from geomdl.numbers import whole_number
from geomdl.representations import FieldType

Action = Callable[[Any, Any], jax.Array]
"""``action(g, x)``: how an element moves an array; g may be traced."""

Transformations = str | PlanarGroup | SpatialGroup | GridTranslations | Family | Generator
"""What can be measured: a name, a group of the plane or of space, circular shifts, a family of Klein's ladder, a
one-parameter group."""


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


def transformations(
    name: Transformations, size: Sequence[int]
) -> PlanarGroup | SpatialGroup | GridTranslations | Family | Generator:
    """The group, family or generator of a name; ``"shifts"`` stands for all circular shifts of the image.

    Args:
      name: such as ``"C4"``, ``"O2"``, ``"Oh"``, ``"shifts"``, ``"affine"``, ``"rotate"``; anything else is returned
        as it is.
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
    if isinstance(name, PlanarGroup | SpatialGroup | GridTranslations | Family | Generator):
        return name
    if not isinstance(name, str):
        kinds = "a name, PlanarGroup, SpatialGroup, GridTranslations, Family or Generator"
        raise invalid("group", name, kinds, "'C4'")
    if name == "shifts":
        return GridTranslations(*size)
    if name in FAMILIES:
        return family(name)
    if name in GENERATORS:
        return GENERATORS[name]
    try:
        return _one_group(name)
    except ValueError:
        allowed = ["C4", "D4", "SO2", "O2", "C<N>", "D<N>", "O", "Oh", "SO3", "O3", "shifts", *FAMILIES, *GENERATORS]
        raise unknown("group or family", name, list(dict.fromkeys(allowed))) from None


def _one_group(name: str) -> PlanarGroup | SpatialGroup:
    found = point_group(name)
    if isinstance(found, DirectProduct):
        raise ValueError(f"{found} does not move images")
    return found


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
    _require_dimension(resolved, size)
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
    if isinstance(resolved, SpatialGroup):
        _require_equal_sides(resolved, drawn, size)
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


def _require_dimension(group: Any, size: tuple[int, ...]) -> None:
    """Groups of the plane move images, those of space volumes, shifts whatever they are of."""
    if isinstance(group, GridTranslations):
        return
    dimension = 3 if isinstance(group, SpatialGroup) else 2
    if len(size) == dimension:
        return
    if dimension == 3:
        raise invalid("group", str(group), f"one that moves inputs of {len(size)} axes; {group} moves volumes", "'C4'")
    if len(size) == 3 and isinstance(group, PlanarGroup):
        near = f"{group}z" if group.is_finite and not group.mirror else "O3"
        raise invalid("group", str(group), f"one that moves volumes, or circular shifts; {group} moves images", near)
    raise invalid(
        "group", str(group), f"circular shifts for inputs of {len(size)} axes; others move images", "'shifts'"
    )


def _require_equal_sides(group: SpatialGroup, elements: np.ndarray, size: tuple[int, ...]) -> None:
    """Elements that exchange axes need these to be equally long, whether they map the grid to itself or not."""
    matrices = VOLUME.matrix(group, elements)
    mixed = np.abs(matrices).max(0) > 1e-9
    for i, j in ((0, 1), (0, 2), (1, 2)):
        if mixed[i, j] and size[i] != size[j]:
            equal = f"{VOLUME.axes[i]} = {VOLUME.axes[j]}"
            shown = "x".join(map(str, size))
            raise invalid("volumes", shown, f"those with {equal}, whose axes elements of {group} exchange")


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
    """How many axes inputs have between batch and channels: those that shifts are of, three of volumes, two of images.

    >>> from geomdl.equivariance.adapters.functions import as_function
    >>> [dimension_of(group, as_function(lambda x: x)) for group in (GridTranslations(12), "C4", "Oh")]
    [1, 2, 3]
    """
    if isinstance(group, GridTranslations):
        return len(group.sizes)
    if isinstance(group, SpatialGroup) or (isinstance(group, str) and canonical_name(group) is not None):
        return 3
    contract = model.contract
    return (contract.in_type.space.dimension or 2) if group == "shifts" and contract is not None else 2


def _same(_: Any, y: Any) -> Any:
    return y


def _elements(
    group: PlanarGroup | SpatialGroup | GridTranslations | Family, elements: ArrayLike | None, count: int, seed: int
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
    group: PlanarGroup | SpatialGroup | GridTranslations | Family,
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
    if isinstance(group, SpatialGroup):
        if field_type is not None and field_type.group != group:
            raise invalid("field_type", field_type, f"a type of {group}")
        move_volume = input_action(group, field_type=field_type, padding=padding)
        return move_volume, lambda g, x: move_volume(_inverse(g, group), x)
    return (lambda g, x: group.act(g, x, padding=padding)), (lambda g, x: group.undo(g, x, padding=padding))


def _inverse(g: Any, group: SpatialGroup) -> Any:
    if not isinstance(g, Tracer):
        return group.inverse(np.asarray(g))
    if not group.is_finite:
        return g * jnp.asarray([1, 1, -1, -1, -1], g.dtype)
    inverses = jnp.asarray(group.inverse(group.elements()))
    return inverses[g[0].astype(jnp.int32)].astype(g.dtype)


def _labels(group: PlanarGroup | SpatialGroup | GridTranslations | Family, elements: np.ndarray) -> tuple[str, ...]:
    return tuple(_label(group, g) for g in elements)


def _label(group: PlanarGroup | SpatialGroup | GridTranslations | Family, g: np.ndarray) -> str:
    if isinstance(group, SpatialGroup):
        return group.describe(g)
    if isinstance(group, GridTranslations):
        return f"shift ({', '.join(str(int(n)) for n in g)})"
    if isinstance(group, PlanarGroup):
        degrees = float(np.rad2deg(group.angle(g)))
        parts = (["flip"] if g[0] else []) + ([f"rotate {degrees:.4g}°"] if degrees else [])
        return ", ".join(parts) or "identity"
    flip, rest = (g[0], g[1:]) if group.reflections else (0, g)
    parts = (["flip"] if flip else []) + [f"{n} {t:+.3g}" for n, t in zip(group.generators, rest, strict=True)]
    return ", ".join(parts) or "identity"
