"""The kind of a model's output (class scores, label map, feature field), and how it should move."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

from geomdl.errors import invalid, unknown

KINDS = ("auto", "invariant", "field")


@dataclasses.dataclass(frozen=True)
class Output:
    """The output of a model as an audit treats it.

    Attributes:
      kind: ``"invariant"``: it should not change; ``"field"``: it should move as the image does.
      shape: of the output for one image.
      stride: how many input pixels make up one output pixel, for fields.
    """

    kind: str
    shape: tuple[int, ...]
    stride: Fraction = Fraction(1)

    @property
    def is_field(self) -> bool:
        """Whether the output moves with the image."""
        return self.kind == "field"


def output_of(shape: Sequence[int], size: Sequence[int], kind: str = "auto") -> Output:
    """How to treat an output.

    Args:
      shape: ``[batch, ...]`` of the output.
      size: (height, width) of the input.
      kind: ``"auto"`` takes a 4-dimensional output with more than one pixel, of the input's aspect ratio, for a field,
        everything else for invariant.

    Raises:
      ValueError: for an unknown kind, or a field that is not ``[batch, height, width, channels]``.

    >>> output_of((2, 16, 16, 3), (32, 32)), output_of((2, 10), (32, 32)).kind
    (Output(kind='field', shape=(16, 16, 3), stride=Fraction(2, 1)), 'invariant')
    """
    if kind not in KINDS:
        raise unknown("output", kind, KINDS)
    inner = tuple(int(n) for n in shape[1:])
    if kind == "invariant" or (kind == "auto" and not _has_layout(inner, size)):
        return Output("invariant", inner)
    if len(inner) != 3:
        raise invalid(
            "output='field' for an output of shape", tuple(shape), "[batch, height, width, channels]", "'invariant'"
        )
    return Output("field", inner, _stride(size[0], inner[0]))


def _has_layout(inner: tuple[int, ...], size: Sequence[int]) -> bool:
    if len(inner) != 3 or min(inner[:2]) < 2:
        return False
    return _stride(size[0], inner[0]) == _stride(size[1], inner[1])


def _stride(before: int, after: int) -> Fraction:
    """Input pixels per output pixel; borders that a network cuts off do not count."""
    if after > before:
        return Fraction(1, round(after / before))
    return Fraction(max(round(before / after), 1))
