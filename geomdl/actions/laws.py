"""The law by which an output moves, f(ρ_in(g)x) = ρ_out(g)f(x), and the words in which it is given."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, get_args

import jax
import jax.numpy as jnp

from geomdl.actions.families import Family
from geomdl.actions.layouts import LAYOUTS, canonical, in_layout
from geomdl.actions.outputs import (
    Action,
    Movable,
    OutputKind,
    Size,
    output_action,
    packed_detections,
    require_only_fields_have_types,
)
from geomdl.actions.warp import Padding
from geomdl.arrays import as_array
from geomdl.errors import invalid, unknown
from geomdl.groups import GridTranslations, PlanarGroup, SpatialGroup
from geomdl.representations import FieldType, Representation, permutation


@dataclasses.dataclass(frozen=True)
class OutputLaw:
    """The transformation law of an output, f(ρ_in(g)x) = ρ_out(g)f(x), said once for every group that may be tried.

    Tasks give the law of their models' outputs; `output_action`, measures, audits and assertions take it.

    Attributes:
      kind: one of those of `output_action`.
      field_type: how the channels of a ``"field"`` transform; as scalars when None. A field without base space,
        ``[batch, channels]``, is numbers of the whole image.
      layout: of the output, where it is not that of `output_action`: fields and labels ``"channels-first"``
        (``[batch, channels, height, width]``) or ``"tokens"`` (``[batch, height · width, channels]``, row by row);
        points ``"relative"`` to width and height, from the top left corner of the image; boxes ``"xyxy"``, ``"xywh"``
        (top left corner and size), ``"cxcywh"`` (centre and size), each also with ``" relative"``.

    Raises:
      ValueError: for an unknown kind or layout, or a field type of something else than a field.

    >>> import numpy as np
    >>> from geomdl.groups import C4, D4, SO2
    >>> direction = OutputLaw("field", FieldType(SO2, "1 irrep(1)"))
    >>> direction.covers(C4), direction.covers(D4)
    (True, False)
    >>> direction.action(C4, size=(5, 5))(np.array([0, 1]), jnp.array([[1.0, 0.0]])).round(3) + 0.0
    Array([[0., 1.]], dtype=float32)
    >>> OutputLaw("field", layout="tokens").action(C4, size=(4, 4))(np.array([0, 1]), jnp.arange(4.0).reshape(1, 4, 1))
    Array([[[1.], [3.], [0.], [2.]]], dtype=float32)
    """

    kind: OutputKind = "invariant"
    field_type: FieldType | None = None
    layout: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(OutputKind):
            raise unknown("output", self.kind, get_args(OutputKind))
        if self.layout and self.layout not in LAYOUTS[self.kind]:
            raise unknown(f"layout of {self.kind}", self.layout, ("", *LAYOUTS[self.kind]))
        require_only_fields_have_types(self.kind, self.field_type)

    def __str__(self) -> str:
        """In the words that `output_law` reads."""
        kind = self.layout if self.kind == "field" and self.layout else f"{self.kind} {self.layout}".strip()
        if self.field_type is None:
            return kind
        blocks = [str(b).removeprefix("1 ") if "permutation" in str(b) else str(b) for b in self.field_type.blocks]
        return f"{'' if kind == 'field' else kind} {' + '.join(blocks)}".strip()

    @property
    def moves(self) -> bool:
        """Whether some transformation of the image changes the output."""
        return self.kind != "invariant"

    def covers(self, group: Movable) -> bool:
        """Whether the law says how the elements of this group move the output."""
        if self.field_type is None or self.field_type.is_trivial:
            return True
        if isinstance(group, Family):
            return not group.moves_plane
        own = self.field_type.group
        return isinstance(group, GridTranslations) or (
            isinstance(own, PlanarGroup | SpatialGroup) and own.contains_group(group)
        )

    def type_under(self, group: Movable) -> FieldType | None:
        """The field type as one of this group: itself, or restricted to a subgroup; None for scalars.

        Raises:
          ValueError: when the law does not cover the group.
        """
        if self.field_type is None or not isinstance(group, PlanarGroup | SpatialGroup):
            return None
        if self.field_type.group == group:
            return self.field_type
        if self.field_type.is_trivial:
            return FieldType(group, f"{self.field_type.size} trivial")
        if not self.covers(group):
            own = self.field_type.group
            raise invalid("group", str(group), f"a subgroup of {own}, as the output is of {self.field_type}", str(own))
        restricted = self.field_type.restrict(group)
        if restricted.group != group:  # the subgroup lies about another mirror line than the field type's own group
            raise invalid("group", str(group), f"{restricted.group}, as {self.field_type} is restricted to it")
        return restricted

    def canonical(self, y: Any, size: Size) -> Any:
        """The output in the layout of `output_action`, in whose words this law is then `plain`.

        Raises:
          ValueError: when the output has not the layout of the law.
        """
        return packed_detections(y) if self.kind == "detections" else canonical(y, self.kind, self.layout, size)

    @property
    def plain(self) -> "OutputLaw":
        """The law of `canonical` outputs."""
        return dataclasses.replace(self, layout="")

    def action(self, group: Movable, *, size: Size, out_size: Size | None = None, padding: Padding = "zeros") -> Action:
        """How the elements of a group move the output; see `output_action`.

        Raises:
          ValueError: when the law does not cover the group.
        """
        if not self.covers(group):
            raise invalid("group", str(group), f"one that moves an output of {self.field_type}")
        field_type = self.type_under(group)

        def moved_on(frame: Size | None) -> Action:
            return output_action(self.kind, group, size=size, field_type=field_type, out_size=frame, padding=padding)

        if not self.layout:
            return moved_on(out_size)

        def act(g: Any, y: Any) -> jax.Array:
            y = jnp.asarray(as_array(y, "output"))
            inner = self.canonical(y, size)
            frame = (
                inner.shape[1 : 1 + len(size)] if out_size is None and self.kind in ("field", "labels") else out_size
            )
            return in_layout(moved_on(frame)(g, inner), self.kind, self.layout, size, y.shape)

        if self.kind not in ("field", "labels"):
            moved_on(out_size)
        return act


WORDS = ("invariant", "field", "channels-first", "tokens", "labels", "points", "boxes", "detections")
FORMS = ("a representation such as '1 regular'", "'permutation 1 2 3 0'", "'boxes cxcywh relative'")


def output_law(output: Any, group: Any, *, what: str = "output") -> "OutputLaw | Callable[[Any, Any], Any]":
    """The law that an output is said to follow.

    - a word: ``"invariant"``, ``"field"`` (``[batch, height, width, channels]``, or ``[batch, height, width]``; of
      volumes with a depth before),
      ``"channels-first"``, ``"tokens"``, ``"labels"`` (also ``"labels channels-first"``, ``"labels tokens"``),
      ``"points"``, ``"points relative"``, ``"boxes"``, ``"boxes cxcywh relative"``, … : see `OutputLaw`;
    - a representation of the group on the channels: ``"1 regular"``, ``"2 trivial + 1 irrep(1)"``, also behind a word:
      ``"tokens 2 regular"``; or a `FieldType`, or a `Representation`;
    - a permutation per generator of the group, in the order of ``group.generators()`` (the rotation by 360°/N, then the
      reflection): ``"permutation 1 2 3 0"``, ``"permutation 1 2 3 0; 0 3 2 1"``, or lists of whole numbers. With p,
      f(g·x) = f(x)[p];
    - an `OutputLaw`, or a function ``(g, y) -> y'`` of one's own, which are returned.

    Args:
      output: one of these.
      group: that the output is moved by; None where only words make sense.
      what: its name, for messages.

    Raises:
      ValueError: for an unknown word, a representation that the group has not, or lists that are no permutations or do
        not represent the group.

    >>> from geomdl.groups import C4
    >>> print(output_law("1 regular", C4), "|", output_law("tokens", C4), "|", output_law("boxes xywh", C4))
    1 regular | tokens | boxes xywh
    >>> output_law("feild", C4)
    Traceback (most recent call last):
    ...
    ValueError: unknown output 'feild'; allowed: invariant, field, ...; did you mean 'field'?
    """
    if isinstance(output, OutputLaw):
        return output
    if isinstance(output, FieldType):
        return OutputLaw("field", output)
    if isinstance(output, Representation):
        return OutputLaw("field", FieldType(output.group, [output]))
    if callable(output):
        return output
    if not isinstance(output, str):
        return OutputLaw("field", _permuted(output, group, what))
    words = output.split()
    kind, rest = (words[0], words[1:]) if words else ("", [])
    if kind in ("channels-first", "tokens"):
        return OutputLaw("field", _type(rest, group, what) if rest else None, kind)
    if kind in LAYOUTS:
        layout = " ".join(rest)
        if kind == "field" and rest and rest[0] not in LAYOUTS["field"]:
            return OutputLaw("field", _type(rest, group, what))
        if kind == "field" and len(rest) > 1:
            return OutputLaw("field", _type(rest[1:], group, what), rest[0])
        if kind == "boxes" and layout == "relative":
            layout = "xyxy relative"
        if layout and layout not in LAYOUTS[kind]:
            raise unknown(f"layout in {what} {output!r}:", layout, LAYOUTS[kind] or ("none",))
        return OutputLaw(kind, None, layout)  # type: ignore[arg-type]
    if kind and (kind[0].isdigit() or kind.startswith("permutation") or re.search(r"[(+]", output)):
        return OutputLaw("field", _type(words, group, what))
    raise unknown(what, output, WORDS, also=FORMS)


def _type(words: Sequence[str], group: Any, what: str) -> FieldType:
    """The field type that a text gives: of a representation, or of permutations."""
    text = " ".join(words)
    if text.startswith("permutation"):
        lists = text.removeprefix("permutation").split(";")
        numbers = [re.findall(r"[^\s,()\[\]]+", one) for one in lists]
        if not all(n.isdigit() for one in numbers for n in one):
            raise invalid(what, text, "whole numbers, one list for each generator", "'permutation 1 2 3 0'")
        return _permuted([[int(n) for n in one] for one in numbers], group, what)
    of = _point_group(group, what, text)
    try:
        return FieldType(of, text)
    except ValueError as error:
        raise ValueError(f"invalid {what} {text!r}: {error}") from error


def _permuted(lists: Any, group: Any, what: str) -> FieldType:
    of = _point_group(group, what, "permutations")
    return FieldType(of, [permutation(of, lists)])


def _point_group(group: Any, what: str, shown: str) -> PlanarGroup | SpatialGroup:
    if not isinstance(group, PlanarGroup | SpatialGroup):
        name = None if group is None else str(group)
        raise invalid(f"group of {what} {shown!r}", name, "a group of the plane, such as C4, or of space", "'C4'")
    return group
