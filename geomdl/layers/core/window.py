"""The geometry of sliding windows: sizes, padding, and for which sizes symmetry survives."""

import dataclasses
import operator
from fractions import Fraction
from typing import Literal, get_args

from geomdl.equivariance import NOTHING, Condition, Contract, Promise, square
from geomdl.equivariance.contracts.contract import ALIASED, Size
from geomdl.errors import invalid, unknown
from geomdl.groups import require_planar
from geomdl.representations import FieldType

Remainder = Literal["error", "drop", "keep"]
PaddingMode = Literal["zeros", "circular", "reflect", "replicate"]
Padding = int | Literal["valid", "same", "full"]
"""How an image is padded: pixels on each side or a name, and what is put there; see `Window`."""


def output_size(
    size: int, window: int, *, stride: int = 1, padding: int = 0, dilation: int = 1, remainder: Remainder = "error"
) -> int:
    """How many windows fit: (W − F + 2P)/S + 1, with F the dilated window size.

    Args:
      size: W, pixels along one axis.
      window: taps along the axis; F = dilation · (window − 1) + 1 pixels.
      stride: S.
      padding: P, pixels added on each side.
      dilation: distance between taps.
      remainder: what happens when the stride does not divide: ``"error"``; ``"drop"`` the last pixels; or ``"keep"``
        them in an incomplete window, if that starts inside the image. Dropping and keeping are one-sided and so break
        rotation and reflection symmetry.

    Returns:
      The number of output pixels.

    Raises:
      ValueError: when the window is larger than the padded image, or does not fit and ``remainder`` is ``"error"``.

    >>> output_size(7, 3), output_size(7, 3, stride=2), output_size(7, 3, stride=3, padding=1)
    (5, 3, 3)
    >>> output_size(7, 3, stride=3)
    Traceback (most recent call last):
    ...
    ValueError: a window of 3 with stride 3 doesn't fit 7 pixels with padding 0: (7 + 0 - 3)/3 is not an integer;
    nearest \
sizes that fit: 6, 9; or allow it with remainder='drop' (breaks rotation symmetry)
    """
    if remainder not in get_args(Remainder):
        raise unknown("remainder", remainder, get_args(Remainder))
    extent = dilation * (window - 1) + 1
    free = size + 2 * padding - extent
    if free < 0:
        raise ValueError(
            f"a window of {extent} pixels is larger than the image: {size} pixels with padding {padding};"
            f" allowed: at most {size + 2 * padding}"
        )
    if free % stride and remainder == "error":
        below, above = size - free % stride, size + stride - free % stride
        sizes = ", ".join(str(s) for s in (below, above) if s > 0)
        raise ValueError(
            f"a window of {extent} with stride {stride} doesn't fit {size} pixels with padding {padding}:"
            f" ({size} + {2 * padding} - {extent})/{stride} is not an integer; nearest sizes that fit: {sizes};"
            f" or allow it with remainder='drop' (breaks rotation symmetry)"
        )
    count = free // stride + 1
    starts_inside = count * stride < size + padding
    return count + 1 if remainder == "keep" and free % stride and starts_inside else count


@dataclasses.dataclass(frozen=True)
class Window:
    """A square sliding window with its stride and padding.

    Args:
      size: taps along each axis.
      stride: distance between neighbouring windows, in pixels.
      padding: pixels on each side, or ``"valid"`` (0), ``"same"`` (keeps the size at stride 1; odd extents only) or
        ``"full"`` (every overlap).
      dilation: distance between taps.
      padding_mode: what the padding holds: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      remainder: see `output_size`.

    Raises:
      ValueError: for values out of range.

    >>> Window(5, padding="same").pixels_of_padding, Window(3, stride=2).output_size((7, 9))
    (2, (3, 4))
    """

    size: int
    stride: int = 1
    padding: Padding = 0
    dilation: int = 1
    padding_mode: PaddingMode = "zeros"
    remainder: Remainder = "error"

    def __post_init__(self) -> None:
        for name in ("size", "stride", "dilation"):
            value = _integer(getattr(self, name))
            if value is None or value < 1:
                shown = "kernel_size" if name == "size" else name
                raise invalid(shown, getattr(self, name), "a positive integer", 3)
            object.__setattr__(self, name, value)
        if self.padding_mode not in get_args(PaddingMode):
            raise unknown("padding_mode", self.padding_mode, get_args(PaddingMode))
        if self.remainder not in get_args(Remainder):
            raise unknown("remainder", self.remainder, get_args(Remainder))
        if isinstance(self.padding, str):
            if self.padding not in ("valid", "same", "full"):
                raise unknown("padding", self.padding, ["valid", "same", "full", "a number of pixels"])
            if self.padding == "same" and self.extent % 2 == 0:
                raise invalid(
                    "kernel_size with padding='same'", self.size, "an odd extent (same on both sides)", self.size + 1
                )
        else:
            pixels = _integer(self.padding)
            if pixels is None or pixels < 0:
                raise invalid("padding", self.padding, "a number of pixels ≥ 0, 'valid', 'same' or 'full'", "'same'")
            object.__setattr__(self, "padding", pixels)

    @property
    def extent(self) -> int:
        """The window's width in pixels, dilation included."""
        return self.dilation * (self.size - 1) + 1

    @property
    def pixels_of_padding(self) -> int:
        """Pixels added on each side."""
        if isinstance(self.padding, int):
            return self.padding
        return {"valid": 0, "same": (self.extent - 1) // 2, "full": self.extent - 1}[self.padding]

    def output_size(self, size: Size) -> Size:
        """The spatial size of the output; see `output_size`.

        Raises:
          ValueError: when the window does not fit, or the image is too small to be mirrored in the padding.
        """
        deepest = min(size, default=1) - 1
        if self.padding_mode == "reflect" and self.pixels_of_padding > deepest:
            raise invalid(
                "padding with padding_mode='reflect'",
                self.pixels_of_padding,
                f"at most {deepest} pixels, to mirror an image of {'x'.join(map(str, size))}",
                deepest,
            )
        return tuple(
            output_size(
                n,
                self.size,
                stride=self.stride,
                padding=self.pixels_of_padding,
                dilation=self.dilation,
                remainder=self.remainder,
            )
            for n in size
        )

    def overhang(self, size: Size) -> Size:
        """Pixels by which an incomplete last window (``remainder="keep"``) sticks out of the padded image, per axis."""
        ends = ((m - 1) * self.stride + self.extent for m in self.output_size(size))
        return tuple(max(0, end - n - 2 * self.pixels_of_padding) for end, n in zip(ends, size, strict=True))

    def leaves_nothing(self, size: Size) -> bool:
        """Whether no incomplete window sticks out of the image."""
        return not any(self.overhang(size))

    def divides_exactly(self, size: Size) -> bool:
        """Whether the output is exactly ``stride`` times smaller."""
        return tuple(n * self.stride for n in self.output_size(size)) == size

    def is_centred(self, size: Size) -> bool:
        """Whether the grid of windows is centred on the image: (n + 2P − F) mod S = 0 along each axis."""
        return all((n + 2 * self.pixels_of_padding - self.extent) % self.stride == 0 for n in size)

    def contract(self, in_type: FieldType, out_type: FieldType, *, linear: bool = True) -> Contract:
        """The contract of a layer that applies one equivariant map to each window.

        Exact under the grid symmetries when the grid of windows is centred; exact under circular shifts by multiples of
        the stride when the windows wrap around (or tile the image), the output is exactly ``stride`` times smaller and
        no window sticks out. There a ``linear`` map of stride 1 commutes with fractional shifts too.
        """
        sp = f"(n + {2 * self.pixels_of_padding} - {self.extent}) mod {self.stride} = 0"
        conditions = []
        if require_planar(in_type.group, "a sliding window").swaps_axes:
            conditions.append(square)
        if self.remainder != "error" and self.stride > 1:
            conditions.append(Condition(f"a centred grid of windows, {sp}", self.is_centred))
        if self.padding_mode == "circular" or self.pixels_of_padding == 0:
            period = Condition(
                f"an output exactly {self.stride} times smaller" if self.stride > 1 else "an output of the same size",
                self.divides_exactly,
            )
            inside = Condition("no incomplete window", self.leaves_nothing)
            shifts = Promise("exact", (period, inside) if self.remainder == "keep" and self.stride > 1 else (period,))
        else:
            shifts = dataclasses.replace(NOTHING, why=f"padding with {self.padding_mode} marks the border")
        aliased = shifts.level == "exact" and not (linear and self.stride == 1)
        fractional = dataclasses.replace(ALIASED, conditions=shifts.conditions) if aliased else shifts
        return Contract(
            in_type,
            out_type,
            Promise("exact", tuple(conditions)),
            shifts,
            self.output_size,
            self.stride,
            self.stride,
            fractional=fractional,
            reach=Fraction(self.extent - 1, 2),
            offset=Fraction(self.extent - 1, 2) - self.pixels_of_padding,
        )


def _integer(value: object) -> int | None:
    """A Python or NumPy integer as an int; None for anything else, True and False included."""
    try:
        return None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None
