"""The transformations that an audit tries: how each moves the input, how it should move the output, and how to undo
it."""

import dataclasses
import math
from collections.abc import Callable, Iterable

import numpy as np

from geomdl.actions import act, warp
from geomdl.audit.probes.output import Output
from geomdl.groups import O2, PlanarGroup, require_planar
from geomdl.representations import FieldType

Move = Callable[[np.ndarray], np.ndarray]
PointElement = tuple[int, float]
"""(reflected, degrees): reflect up–down first if 1, then turn counter-clockwise."""


@dataclasses.dataclass(frozen=True)
class Transformation:
    """One transformation g.

    Attributes:
      family: see `geomdl.audit.results.verdict.Measurement`.
      element: the transformation in words.
      value: the transformation in numbers.
      move: x ↦ g·x.
      move_output: y ↦ g·y.
      undo: x ↦ g⁻¹·x, where g resamples; None where it is exact.
      undo_output: the same for the output.
      disc: whether images and output fields are cut to a disc, so that nothing leaves the frame.
    """

    family: str
    element: str
    value: tuple[float, ...]
    move: Move
    move_output: Move
    undo: Move | None = None
    undo_output: Move | None = None
    disc: bool = False


def _same(y: np.ndarray) -> np.ndarray:
    return y


def is_on_grid(element: PointElement) -> bool:
    """Whether the element maps a square pixel grid to itself.

    >>> is_on_grid((1, 270.0)), is_on_grid((0, 45.0))
    (True, False)
    """
    return element[1] % 90 == 0


def point_name(element: PointElement) -> str:
    """The element in words: a rotation by its angle, a reflection by the angle of its mirror line.

    >>> point_name((0, 90.0)), point_name((1, 0.0)), point_name((1, 90.0)), point_name((0, 22.5))
    ('90°', 'up–down', 'mirror 45°', '22.5°')
    """
    reflected, degrees = element
    if not reflected:
        return f"{degrees:g}°"
    return {0.0: "up–down", 180.0: "left–right"}.get(degrees, f"mirror {degrees / 2:g}°")


def point_transformation(
    element: PointElement, output: Output, in_type: FieldType | None = None, out_type: FieldType | None = None
) -> Transformation:
    """A rotation or reflection about the centre of the image.

    Args:
      element: (reflected, degrees).
      output: how the output moves.
      in_type: how the input's channels transform; scalars by default.
      out_type: how the output's channels transform; scalars by default.
    """
    reflected, degrees = element
    inverse = element if reflected else (0, -degrees % 360)

    def by(g: PointElement, field_type: FieldType | None) -> Move:
        def move(x: np.ndarray) -> np.ndarray:
            of = field_type or FieldType(O2, f"{x.shape[-1]} trivial")
            return np.asarray(act(in_group(g, require_planar(of.group, "the plane")), x, of))

        return move

    moves = output.is_field or (out_type is not None and not out_type.is_trivial)
    exact = is_on_grid(element)
    return Transformation(
        "points",
        point_name(element),
        (float(reflected), float(degrees)),
        by(element, in_type),
        by(element, out_type) if moves else _same,
        None if exact else by(inverse, in_type),
        by(inverse, out_type) if moves and not exact else None,
        disc=not exact,
    )


def in_group(element: PointElement, group: PlanarGroup) -> np.ndarray:
    """(reflected, degrees) as an element of a group.

    >>> from geomdl.groups import C8
    >>> in_group((0, 45.0), C8)
    array([0, 1])
    """
    reflected, degrees = element
    if group.is_finite:
        return np.array([reflected, round(degrees / 360 * group.rotation_order)])
    return np.array([float(reflected), math.radians(degrees)])


def circular_shift(shift: tuple[int, int], output: Output) -> Transformation | None:
    """A circular shift by whole pixels; None when the output's grid cannot move by it."""
    step = (shift[0] / output.stride, shift[1] / output.stride)
    if output.is_field and any(s.denominator != 1 for s in step):
        return None
    of_output = (int(step[0]), int(step[1]))
    return Transformation(
        "shifts",
        f"({shift[0]}, {shift[1]})",
        (float(shift[0]), float(shift[1])),
        lambda x: np.roll(x, shift, (1, 2)),
        (lambda y: np.roll(y, of_output, (1, 2))) if output.is_field else _same,
    )


def fractional_shift(shift: tuple[float, float], output: Output) -> Transformation:
    """A circular shift by parts of a pixel: the phases of the Fourier transform are turned."""
    stride = float(output.stride)
    of_output = (shift[0] / stride, shift[1] / stride)
    return Transformation(
        "fractional shifts",
        f"({shift[0]:g}, {shift[1]:g})",
        shift,
        lambda x: fourier_shift(x, shift),
        (lambda y: fourier_shift(y, of_output)) if output.is_field else _same,
        lambda x: fourier_shift(x, (-shift[0], -shift[1])),
        (lambda y: fourier_shift(y, (-of_output[0], -of_output[1]))) if output.is_field else None,
    )


def fourier_shift(x: np.ndarray, shift: tuple[float, float]) -> np.ndarray:
    """The periodic band-limited image through the pixels, moved by (rows, columns) pixels. ``[batch, h, w, c]``.

    Exact for images without the Nyquist frequency, which only even sizes have.

    Unlike `geomdl.equivariance.host.shifts.ideally_shifted` it computes in the precision of x, as models do, and turns
    the Nyquist frequencies of both axes together before the real part is taken.

    >>> x = np.random.default_rng(0).normal(size=(1, 5, 5, 1))
    >>> bool(np.allclose(fourier_shift(fourier_shift(x, (0.5, 0)), (0.5, 0)), np.roll(x, 1, 1)))
    True
    """
    height, width = x.shape[1:3]
    phase = np.fft.fftfreq(height)[:, None] * shift[0] + np.fft.fftfreq(width)[None] * shift[1]
    turned = np.fft.fft2(x, axes=(1, 2)) * np.exp(-2j * math.pi * phase)[..., None]
    return np.real(np.fft.ifft2(turned, axes=(1, 2))).astype(x.dtype)


def linear_transformation(
    family: str, parameter: float, element: str, matrix: Iterable[Iterable[float]], output: Output
) -> Transformation:
    """A linear map of the plane about the centre: p ↦ A p, in coordinates x to the right, y up."""
    forth = np.array(list(map(list, matrix)), float)
    back = np.linalg.inv(forth)

    def by(a: np.ndarray) -> Move:
        return lambda x: np.asarray(warp(x, a.astype(x.dtype)))

    return Transformation(
        family,
        element,
        (parameter,),
        by(forth),
        by(forth) if output.is_field else _same,
        by(back),
        by(back) if output.is_field else None,
        disc=True,
    )


def contrast(t: float) -> Transformation:
    """x ↦ e^t (x − m) + m with the mean m of each image; the output should stay."""

    def move(x: np.ndarray) -> np.ndarray:
        mean = x.mean(axis=(1, 2, 3), keepdims=True, dtype=float)
        return (math.exp(t) * (x - mean) + mean).astype(x.dtype)

    return Transformation("contrast", f"×{math.exp(t):.2f}", (t,), move, _same)


def brightness(t: float) -> Transformation:
    """x ↦ x + t σ with the standard deviation σ of all images; the output should stay."""
    return Transformation("brightness", f"{t:+g}σ", (t,), lambda x: (x + t * x.std(dtype=float)).astype(x.dtype), _same)
