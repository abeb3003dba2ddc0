"""The geometry of sliding windows: sizes, padding, and for which sizes symmetry survives."""

import dataclasses
import functools
import itertools
import math
import operator
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, get_args

from geomdl.equivariance import NOTHING, Condition, Contract, Promise
from geomdl.equivariance.contracts.contract import ALIASED, Size
from geomdl.equivariance.contracts.promise import by_group, equal_sides
from geomdl.errors import invalid, unknown
from geomdl.groups import BaseSpace, PerAxis, PointGroup, along, elementwise, per_axis
from geomdl.numbers import whole_number
from geomdl.representations import FieldType

Remainder = Literal["error", "drop", "keep"]
PaddingMode = Literal["zeros", "circular", "reflect", "replicate"]
PerAxisInt = int | tuple[int, ...]
"""One number for all axes of the base space, or one for each."""
Padding = PerAxisInt | Literal["valid", "same", "full"]
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
      ValueError: when the window is larger than the padded image, or does not fit and ``remainder`` is ``"error"``; for
        numbers that are not whole.

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
    plain = type(window) is type(stride) is type(padding) is type(dilation) is int
    if not (plain and min(window, stride, dilation) > 0 <= padding):
        window, stride = whole_number("window", window), whole_number("stride", stride)
        padding, dilation = whole_number("padding", padding, least=0), whole_number("dilation", dilation)
    if not hasattr(size, "__sub__") or isinstance(size, float):  # the sizes of exported programs may be symbols
        size = whole_number("size", size)
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
class AxisWindow:
    """A window along one axis; the arguments are those of `Window`, with the pixels of the padding.

    >>> AxisWindow(3, stride=2, padding=1).output_size(7), AxisWindow(3, stride=2).is_centred(9)
    (4, True)
    """

    size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    remainder: Remainder = "error"

    @property
    def extent(self) -> int:
        """The window's width in pixels, dilation included."""
        return self.dilation * (self.size - 1) + 1

    def output_size(self, n: int) -> int:
        """How many windows fit n pixels; see `output_size`."""
        return output_size(
            n,
            self.size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            remainder=self.remainder,
        )

    def overhang(self, n: int) -> int:
        """Pixels by which an incomplete last window sticks out of n padded pixels."""
        end = (self.output_size(n) - 1) * self.stride + self.extent
        return max(0, end - n - 2 * self.padding)

    def is_centred(self, n: int) -> bool:
        """Whether the windows are centred on n pixels: (n + 2P − F) mod S = 0."""
        return (n + 2 * self.padding - self.extent) % self.stride == 0


@dataclasses.dataclass(frozen=True)
class Window:
    """A sliding window with its stride and padding, the same along every axis or different.

    Every number may be one for all axes of the base space, or a tuple with one for each, e.g. ``(3, 1)``; a tuple of
    equal numbers is that number.

    Args:
      size: taps along each axis.
      stride: distance between neighbouring windows, in pixels.
      padding: pixels on each side, or ``"valid"`` (0), ``"same"`` (keeps the size at stride 1; odd extents only) or
        ``"full"`` (every overlap).
      dilation: distance between taps.
      padding_mode: what the padding holds: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      remainder: see `output_size`.

    Raises:
      ValueError: for values out of range, or tuples of different lengths.

    >>> Window(5, padding="same").pixels_of_padding, Window(3, stride=2).output_size((7, 9))
    (2, (3, 4))
    >>> Window((5, 1), padding="same").pixels_of_padding, Window((3, 1), stride=2).output_size((7, 9))
    ((2, 0), (3, 5))
    """

    size: PerAxisInt
    stride: PerAxisInt = 1
    padding: Padding = 0
    dilation: PerAxisInt = 1
    padding_mode: PaddingMode = "zeros"
    remainder: Remainder = "error"

    def __post_init__(self) -> None:
        for name in ("size", "stride", "dilation"):
            value = _integers(getattr(self, name), 1)
            if value is None:
                shown = "kernel_size" if name == "size" else name
                raise invalid(shown, getattr(self, name), "a positive integer" + _each(getattr(self, name)), 3)
            object.__setattr__(self, name, value)
        if self.padding_mode not in get_args(PaddingMode):
            raise unknown("padding_mode", self.padding_mode, get_args(PaddingMode))
        if self.remainder not in get_args(Remainder):
            raise unknown("remainder", self.remainder, get_args(Remainder))
        if isinstance(self.padding, str):
            if self.padding not in ("valid", "same", "full"):
                raise unknown("padding", self.padding, ["valid", "same", "full", "a number of pixels"])
        else:
            pixels = _integers(self.padding, 0)
            if pixels is None:
                allowed = f"a number of pixels ≥ 0{_each(self.padding)}, 'valid', 'same' or 'full'"
                raise invalid("padding", self.padding, allowed, "'same'")
            object.__setattr__(self, "padding", pixels)
        given = {f"{name} {v}": len(v) for name, v in vars(self).items() if isinstance(v, tuple)}
        if len(set(given.values())) > 1:
            raise ValueError(f"a window has one number for each axis, got {' and '.join(given)}")
        if self.padding == "same" and any(n % 2 == 0 for n in self._lists()[0]):
            odd = elementwise(lambda n, d: n + (d * (n - 1) % 2), *map(_number, (self.size, self.dilation)))
            raise invalid(
                "kernel_size with padding='same'", self.size, "an odd extent (same on both sides)", _plain(odd)
            )

    @property
    def dimension(self) -> int | None:
        """How many axes it has where they differ; None for a window that is the same along any number of axes."""
        return next((len(v) for v in vars(self).values() if isinstance(v, tuple)), None)

    def along(self, dimension: int) -> tuple[AxisWindow, ...]:
        """The window along each of so many axes.

        Raises:
          ValueError: when it has numbers for another number of axes.

        >>> [axis.extent for axis in Window((3, 5), dilation=2).along(2)]
        [5, 9]
        """
        if self.dimension not in (None, dimension):
            sizes = "x".join(map(str, along(self.size, self.dimension or 1)))
            raise ValueError(
                f"a window of {self.dimension} axes ({sizes}) on {dimension}; allowed: one number for each"
            )
        sizes, strides = along(self.size, dimension), along(self.stride, dimension)
        paddings, dilations = along(self.pixels_of_padding, dimension), along(self.dilation, dimension)
        axes = zip(sizes, strides, paddings, dilations, strict=True)
        return tuple(AxisWindow(n, s, p, d, self.remainder) for n, s, p, d in axes)

    @property
    def isotropic(self) -> AxisWindow:
        """The window along every axis.

        Raises:
          ValueError: when it differs from axis to axis.
        """
        if self.dimension is not None:
            raise ValueError(f"{self} differs from axis to axis; allowed here: one number for all axes")
        return self.along(1)[0]

    def taps(self, dimension: int) -> int:
        """How many taps the window has on so many axes."""
        return math.prod(along(self.size, dimension))

    def label(self, dimension: int) -> str:
        """Taps along each axis and stride, in short.

        >>> Window(3, stride=2).label(2), Window((5, 1)).label(2)
        ('3x3/2', '5x1')
        """
        strides = along(self.stride, dimension)
        stride = (
            "" if self.stride == 1 else f"/{self.stride if self.dimension is None else 'x'.join(map(str, strides))}"
        )
        return "x".join(map(str, along(self.size, dimension))) + stride

    @property
    def extent(self) -> PerAxisInt:
        """The window's width in pixels, dilation included."""
        return _collapsed(self._lists()[0])

    @property
    def pixels_of_padding(self) -> PerAxisInt:
        """Pixels added on each side."""
        return _collapsed(self._lists()[1])

    def _lists(self) -> tuple[list[int], list[int]]:
        """Extents and pixels of padding, along the axes where they differ."""
        dimension = self.dimension or 1
        axes = zip(along(self.size, dimension), along(self.dilation, dimension), strict=True)
        extents = [dilation * (size - 1) + 1 for size, dilation in axes]
        if not isinstance(self.padding, str):
            return extents, list(along(self.padding, dimension))
        return extents, [{"valid": 0, "same": (f - 1) // 2, "full": f - 1}[self.padding] for f in extents]

    def output_size(self, size: Size) -> Size:
        """The spatial size of the output; see `output_size`.

        Raises:
          ValueError: when the window does not fit, or the image is too small to be mirrored in the padding.
        """
        axes = self.along(len(size))
        if self.padding_mode == "reflect" and any(a.padding > n - 1 for a, n in zip(axes, size, strict=True)):
            deepest = min(size, default=1) - 1
            raise invalid(
                "padding with padding_mode='reflect'",
                self.pixels_of_padding,
                f"at most {deepest} pixels, to mirror an image of {'x'.join(map(str, size))}",
                deepest,
            )
        return tuple(axis.output_size(n) for axis, n in zip(axes, size, strict=True))

    def overhang(self, size: Size) -> Size:
        """Pixels by which an incomplete last window (``remainder="keep"``) sticks out of the padded image, per axis."""
        return tuple(axis.overhang(n) for axis, n in zip(self.along(len(size)), size, strict=True))

    def leaves_nothing(self, size: Size) -> bool:
        """Whether no incomplete window sticks out of the image."""
        return not any(self.overhang(size))

    def divides_exactly(self, size: Size) -> bool:
        """Whether the output is exactly ``stride`` times smaller."""
        strides = along(_number(self.stride), len(size))
        return tuple(n * s for n, s in zip(self.output_size(size), strides, strict=True)) == size

    def is_centred(self, size: Size, axes: Sequence[bool] | None = None) -> bool:
        """Whether the grid of windows is centred on the image: (n + 2P − F) mod S = 0 along each axis, or some axes."""
        asked = (True,) * len(size) if axes is None else axes[: len(size)]
        centred = (axis.is_centred(n) for axis, n in zip(self.along(len(size)), size, strict=True))
        return all(c or not a for c, a in zip(centred, asked, strict=True))

    def contract(self, in_type: FieldType, out_type: FieldType, *, linear: bool = True) -> Contract:
        """The contract of a layer that applies one equivariant map to each window.

        Exact under the grid symmetries when the grid of windows is centred along the axes that they reverse; exact
        under circular shifts by multiples of the stride when the windows wrap around (or tile the image), the output is
        exactly ``stride`` times smaller and no window sticks out. There a ``linear`` map of stride 1 commutes with
        fractional shifts too. Where some element exchanges axes, the window must be the same along all of them.
        """
        extent, padding, stride = map(_number, (self.extent, self.pixels_of_padding, self.stride))
        shifts = self._shifts(stride)
        aliased = shifts.level == "exact" and not (linear and self.stride == 1)
        half = (extent - 1) * Fraction(1, 2)
        return Contract(
            in_type,
            out_type,
            by_group(functools.partial(self._points, in_type.require_base_space("a sliding window")), out_type.group),
            shifts,
            self.output_size,
            stride,
            stride,
            fractional=dataclasses.replace(ALIASED, conditions=shifts.conditions) if aliased else shifts,
            reach=half,
            offset=half - padding,
        )

    def _points(self, space: BaseSpace, group: PointGroup) -> Promise:
        """What is promised of a group: the grid must be centred along those axes that an element reverses."""
        conditions: list[Condition] = []
        windows = self.along(space.dimension)
        if any(windows[a] != windows[axes[0]] for axes in space.exchanged_axes(group) for a in axes):
            return dataclasses.replace(NOTHING, why=f"{group} exchanges axes along which windows differ")
        conditions += equal_sides(space, group)
        reversed_axes = space.reversed_axes(group)
        if self.remainder != "error" and self.stride != 1 and any(reversed_axes):
            extent, twice, stride = map(_number, (self.extent, self.pixels_of_padding, self.stride))
            sp = f"(n + {2 * twice} - {extent}) mod {stride} = 0"
            if not all(reversed_axes):
                sp += f" along the {' and the '.join(itertools.compress(space.axes, reversed_axes))}"
            is_centred = functools.partial(self.is_centred, axes=reversed_axes)
            conditions.append(Condition(f"a centred grid of windows, {sp}", is_centred))
        return Promise("exact", tuple(conditions))

    def _shifts(self, stride: int | PerAxis) -> Promise:
        if self.padding_mode != "circular" and self.pixels_of_padding != 0:
            return dataclasses.replace(NOTHING, why=f"padding with {self.padding_mode} marks the border")
        smaller = f"an output exactly {stride} times smaller" if self.stride != 1 else "an output of the same size"
        period = Condition(smaller, self.divides_exactly)
        inside = Condition("no incomplete window", self.leaves_nothing)
        return Promise("exact", (period, inside) if self.remainder == "keep" and self.stride != 1 else (period,))


def require_per_axis(space: BaseSpace, **numbers: object) -> None:
    """Raises a ValueError when a tuple has not one number for each axis of a base space.

    >>> from geomdl.groups import LINE
    >>> require_per_axis(LINE, kernel_size=(3, 3))
    Traceback (most recent call last):
    ...
    ValueError: invalid kernel_size (3, 3); allowed: one number, or one for each axis of signals (length); try 3
    """
    for name, value in numbers.items():
        if isinstance(value, tuple | list) and len(value) != space.dimension:
            axes = f"one number, or one for each axis of {space.fields} ({', '.join(space.axes)})"
            raise invalid(name, value, axes, value[0] if value else 1)


def _integers(value: object, least: int) -> PerAxisInt | None:
    """Python or NumPy integers as they are kept; None for anything else, or smaller ones."""
    if not isinstance(value, tuple | list):
        number = _integer(value)
        return None if number is None or number < least else number
    numbers = [_integers(v, least) for v in value]
    if not numbers or not all(isinstance(n, int) for n in numbers):
        return None
    return _collapsed(numbers)  # type: ignore[arg-type]


def _collapsed(numbers: Sequence[int]) -> PerAxisInt:
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


def _number(value: PerAxisInt) -> int | PerAxis:
    """A number that adds and multiplies axis by axis."""
    return per_axis(value) if isinstance(value, tuple) else value


def _plain(value: int | PerAxis) -> PerAxisInt:
    return tuple(map(int, value.values)) if isinstance(value, PerAxis) else value


def _each(value: object) -> str:
    return ", or one for each axis" if isinstance(value, tuple | list) else ""


def _integer(value: object) -> int | None:
    """A Python or NumPy integer as an int; None for anything else, True and False included."""
    try:
        return None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None
