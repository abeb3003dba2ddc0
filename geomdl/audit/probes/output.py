"""How a model's output should move: as it was said, or as its shape suggests."""

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from geomdl.actions.laws import OutputLaw, output_law
from geomdl.actions.layouts import token_grid
from geomdl.actions.outputs import Action
from geomdl.boxes import match_sets
from geomdl.errors import invalid
from geomdl.groups import PlanarGroup, SpatialGroup

AUTO = "auto"


@dataclasses.dataclass(frozen=True)
class Output:
    """The output of a model as an audit treats it.

    Attributes:
      law: how it moves; or a function ``(g, y) -> y'`` of the elements of a group, on outputs as the model gives them.
      shape: of the output for one image, as the model gives it.
      size: (height, width) of the images; (depth, height, width) of volumes.
      inner: the shape in the layout in which it is moved and compared; a field without channel axis has one there.
      group: of the elements that a function takes.
      assumed: what was guessed, with the ways to say otherwise; empty for what was said.
      doubtful: whether the guess may well be wrong.
    """

    law: OutputLaw | Action
    shape: tuple[int, ...]
    size: tuple[int, ...]
    inner: tuple[int, ...]
    group: PlanarGroup | SpatialGroup | None = None
    assumed: str = ""
    doubtful: bool = False

    @property
    def kind(self) -> str:
        """``"invariant"``, ``"field"``, ``"labels"``, ``"points"``, ``"boxes"``, ``"detections"`` or ``"function"``."""
        return self.law.kind if isinstance(self.law, OutputLaw) else "function"

    @property
    def name(self) -> str:
        """The law in the words by which it is given."""
        if isinstance(self.law, OutputLaw):
            return str(self.law)
        return f"moved by {getattr(self.law, '__name__', 'a function')}"

    @property
    def is_field(self) -> bool:
        """Whether the output lies on a pixel grid that moves with the image."""
        return self.kind in ("field", "labels") and len(self.inner) == len(self.size) + 1

    @property
    def is_invariant(self) -> bool:
        """Whether nothing that is tried moves it."""
        return self.kind == "invariant" or (self.kind == "field" and not self.is_field and not self.is_typed)

    @property
    def has_places(self) -> bool:
        """Whether the output consists of places in the image: points, boxes or detections."""
        return self.kind in ("points", "boxes", "detections")

    @property
    def is_typed(self) -> bool:
        """Whether its channels transform, so that only elements of the group move it."""
        if not isinstance(self.law, OutputLaw):
            return True
        return self.law.field_type is not None and not self.law.field_type.is_trivial

    @property
    def stride(self) -> Fraction:
        """How many input pixels make up one output pixel, for fields."""
        return _stride(self.size[0], self.inner[0]) if self.is_field else Fraction(1)

    def canonical(self, y: np.ndarray, size: Sequence[int]) -> np.ndarray:
        """The outputs for images of a size in the layout of `inner`: fields, labels too, are ``[batch, height, width,
        channels]``."""
        if not isinstance(self.law, OutputLaw):
            return y
        y = self.law.canonical(y, tuple(map(int, size)))
        if self.kind == "field" and y.dtype.kind in "iub":  # values, which are resampled, and compared by their size
            y = y.astype(np.float32)
        return y[..., None] if self.kind == "labels" else y

    def paired(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Two outputs entry by entry: sets of detections matched (`geomdl.boxes.match_sets`), others as they are."""
        return match_sets(a, b) if self.kind == "detections" else (a, b)

    def at(self, shape: Sequence[int], size: Sequence[int]) -> "Output":
        """The same law for outputs of another shape ``[batch, …]``, of images of another size."""
        return _output(self.law, shape, size, self.group, assumed=self.assumed, doubtful=self.doubtful)


def output_of(
    shape: Sequence[int],
    size: Sequence[int],
    output: Any = AUTO,
    *,
    group: PlanarGroup | SpatialGroup | None = None,
    integers: bool = False,
) -> Output:
    """How to treat an output.

    Args:
      shape: ``[batch, ...]`` of the output.
      size: (height, width) of the input; (depth, height, width) of volumes.
      output: what `geomdl.actions.output_law` understands; or ``"auto"``, a guess from the shape: an output on a grid
        with the proportions of the image is a field (label maps where it holds whole numbers), its channels last or
        first, or its pixels in a row (tokens); everything else is invariant.
      group: whose representations and permutations are meant.
      integers: whether the output holds whole numbers.

    Raises:
      ValueError: for an unknown law, or an output that has not its layout.

    >>> field, scores = output_of((2, 16, 16, 3), (32, 32)), output_of((2, 10), (32, 32))
    >>> field.name, str(field.stride), scores.name, output_of((2, 64, 5), (32, 32)).name
    ('field', '2', 'invariant', 'tokens')
    >>> output_of((2, 100, 4), (32, 32)).doubtful  # boxes?
    True
    """
    if isinstance(output, str) and output == AUTO:
        law, others, doubtful = _guess(tuple(int(n) for n in shape[1:]), size, integers)
        return _output(output_law(law, group), shape, size, group, assumed=others, doubtful=doubtful)
    return _output(output_law(output, group), shape, size, group)


def _output(
    law: OutputLaw | Action,
    shape: Sequence[int],
    size: Sequence[int],
    group: PlanarGroup | SpatialGroup | None,
    **said: Any,
) -> Output:
    shape = tuple(int(n) for n in shape)
    inner, size = shape[1:], tuple(map(int, size))
    if isinstance(law, OutputLaw):
        inner = np.shape(law.canonical(np.broadcast_to(np.float32(0), shape), size))[1:]
        inner = (*inner, 1) if law.kind == "labels" else inner
        _require_layout(law, shape, inner, size)
    return Output(law, shape[1:], size, inner, group, **said)


def _require_layout(law: OutputLaw, shape: tuple[int, ...], inner: tuple[int, ...], size: Sequence[int]) -> None:
    what = f"output={str(law)!r} for an output of shape"
    if law.field_type is not None and (not inner or inner[-1] != law.field_type.size):
        raise invalid(what, shape, f"{law.field_type.size} channels, as {law.field_type} has")
    d = len(size)
    axes = "batch, depth, height, width" if d == 3 else "batch, height, width"
    if law.kind == "field" and len(inner) != d + 1 and not (law.field_type is not None and len(inner) == 1):
        raise invalid(what, shape, f"[{axes}, channels], or [{axes}]", "'invariant'")
    if law.kind == "labels" and len(inner) != d + 1:
        raise invalid(what, shape, f"[{axes}] of whole numbers", "'invariant'")
    if len(inner) == d + 1 and law.kind in ("field", "labels") and not _close(inner, size):
        shown = "×".join(map(str, size))
        raise invalid(what, shape, f"a grid with the proportions of the image, which is {shown}")
    if d == 3 and law.kind in ("points", "boxes", "detections"):
        allowed = "invariant, field, labels, a representation, or a function (g, y) -> y'"
        raise invalid("output of a model of volumes", law.kind, allowed)
    last = {"points": 2, "boxes": 4}.get(law.kind)
    if last is not None and (not inner or inner[-1] != last):
        raise invalid(what, shape, f"[batch, ..., {last}]")
    if law.kind == "detections" and (len(inner) != 2 or inner[-1] not in (6, 7)):
        raise invalid(what, shape, "detections: a dict of boxes, scores and classes, or [batch, k, 6 or 7]")


def _guess(inner: tuple[int, ...], size: Sequence[int], integers: bool) -> tuple[str, str, bool]:
    """The law that a shape suggests, the other laws to think of, and whether it is doubtful."""
    if len(size) == 3:
        return _guess_of_volumes(inner, size, integers)
    on_grid, channels_first = _is_grid(inner[:2], size), len(inner) == 3 and _is_grid(inner[1:], size)
    row = token_grid(inner[0], size) if inner and len(inner) <= 2 else None
    tokens = row is not None and min(row) > 1 and size[0] % row[0] == 0 and len(inner) == 2
    if len(inner) == 3:
        if on_grid:
            if integers and inner[-1] == 1:
                return "labels", "field, invariant", False
            return "field", "invariant" + ", channels-first" * channels_first, channels_first
        if channels_first:
            return "channels-first", "invariant, field", False
        return "invariant", "field, channels-first, points, boxes", min(inner[0] * inner[1], inner[1] * inner[2]) > 1
    if len(inner) == 2:
        if on_grid:
            law = "labels" if integers else "field"
            return law, "invariant" + ", tokens" * tokens, tokens and inner != tuple(size)
        if tokens:
            return "tokens", "invariant" + _places(inner), bool(_places(inner))
        return "invariant", "field, tokens, labels" + _places(inner), inner[0] > 1
    if row is not None and row == tuple(size):
        return "invariant", "tokens", True
    return "invariant", "a representation such as '1 regular'", False


def _guess_of_volumes(inner: tuple[int, ...], size: Sequence[int], integers: bool) -> tuple[str, str, bool]:
    """The same for volumes, whose outputs are fields, label maps or numbers."""
    on_grid, first = _is_grid(inner[:3], size), len(inner) == 4 and _is_grid(inner[1:], size)
    if on_grid and len(inner) in (3, 4):
        if integers and (len(inner) == 3 or inner[-1] == 1):
            return "labels", "field, invariant", False
        return "field", "invariant" + ", channels-first" * first, first
    if first:
        return "channels-first", "invariant, field", False
    row = token_grid(inner[0], size) if len(inner) == 2 else None
    if row is not None and min(row) > 1:
        return "tokens", "invariant", False
    return "invariant", "field" if len(inner) > 2 else "a representation such as '1 regular'", len(inner) > 2


def _places(inner: tuple[int, ...]) -> str:
    return {2: ", points", 4: ", boxes"}.get(inner[-1], "")


def _is_grid(inner: Sequence[int], size: Sequence[int]) -> bool:
    """Whether the output has the proportions of the image, and more than one pixel."""
    if len(inner) != len(size) or min(inner) < 2:
        return False
    strides = {_stride(before, after) for before, after in zip(size, inner, strict=True)}
    return len(strides) == 1 and _close(inner, size)


def _close(inner: Sequence[int], size: Sequence[int]) -> bool:
    """Whether all axes are as much smaller than the image, save for borders that a network cuts off."""
    shares = [after / before for before, after in zip(size, inner, strict=False)]
    return all(math.isclose(shares[0], share, rel_tol=0.25) for share in shares[1:])


def _stride(before: int, after: int) -> Fraction:
    """Input pixels per output pixel; borders that a network cuts off do not count."""
    if after > before:
        return Fraction(1, round(after / before))
    return Fraction(max(round(before / after), 1))
