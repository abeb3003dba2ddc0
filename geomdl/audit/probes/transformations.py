"""The transformations that an audit tries: how each moves the input, how it should move the output, and how to undo
it."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Sequence

import jax
import numpy as np
import scipy.fft

from geomdl.actions import act, move_oriented, move_upright, output_action, warp, warp_labels
from geomdl.actions.laws import OutputLaw
from geomdl.actions.outputs import move_places, shift_places
from geomdl.actions.volume_warp import warp_volume
from geomdl.audit.probes.output import Output
from geomdl.audit.probes.space import SpaceElement, labels_moved
from geomdl.groups import O2, PlanarGroup, SpatialGroup, require_planar
from geomdl.representations import FieldType

Move = Callable[[np.ndarray], np.ndarray]
PointElement = tuple[int, float] | SpaceElement
"""(reflected, degrees): reflect up–down first if 1, then turn counter-clockwise; of volumes an orthogonal map."""


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


def _floats(y: np.ndarray) -> np.ndarray:
    """Numbers that can be resampled: whole ones as float32."""
    return y.astype(np.float32) if y.dtype.kind in "iub" else y


def is_on_grid(element: PointElement) -> bool:
    """Whether the element maps a square pixel grid to itself.

    >>> is_on_grid((1, 270.0)), is_on_grid((0, 45.0))
    (True, False)
    """
    return element.is_on_grid if isinstance(element, SpaceElement) else element[1] % 90 == 0


def point_name(element: PointElement) -> str:
    """The element in words: a rotation by its angle, a reflection by the angle of its mirror line.

    >>> point_name((0, 90.0)), point_name((1, 0.0)), point_name((1, 90.0)), point_name((0, 22.5))
    ('90°', 'up–down', 'mirror 45°', '22.5°')
    """
    if isinstance(element, SpaceElement):
        return str(element)
    reflected, degrees = element
    if not reflected:
        return f"{degrees:g}°"
    return {0.0: "up–down", 180.0: "left–right"}.get(degrees, f"mirror {degrees / 2:g}°")


def point_transformation(element: PointElement, output: Output, in_type: FieldType | None = None) -> Transformation:
    """A rotation or reflection about the centre of the image.

    Args:
      element: (reflected, degrees), or of volumes.
      output: how the output moves.
      in_type: how the input's channels transform; scalars by default.
    """
    if isinstance(element, SpaceElement):
        return _space_transformation(element, output, in_type)
    reflected, degrees = element
    inverse = element if reflected else (0, -degrees % 360)

    def by(g: tuple[int, float], field_type: FieldType | None) -> Move:
        if field_type is None and is_on_grid(g):
            return lambda x: _turned(x, g)

        def move(x: np.ndarray) -> np.ndarray:
            of = field_type or FieldType(O2, f"{x.shape[-1]} trivial")
            return np.asarray(act(in_group(g, require_planar(of.group, "the plane")), x, of))

        return move

    exact = is_on_grid(element)
    return Transformation(
        "points",
        point_name(element),
        (float(reflected), float(degrees)),
        by(element, in_type),
        _point_move(element, output),
        None if exact else by(inverse, in_type),
        _point_move(inverse, output) if not exact and not output.is_invariant else None,
        disc=not exact,
    )


def _space_transformation(element: SpaceElement, output: Output, in_type: FieldType | None) -> Transformation:
    exact = element.is_on_grid

    def by(g: SpaceElement) -> Move:
        return lambda x: g.moved(x, in_type)

    def of_output(g: SpaceElement) -> Move:
        law, group = output.law, output.group
        if not isinstance(law, OutputLaw):
            if not isinstance(group, SpatialGroup):
                raise TypeError(f"{group} moves no volumes")
            return lambda y: np.asarray(law(group.from_matrix(g.array), y))
        if output.is_invariant:
            return _same
        return g.moved_labels if output.kind == "labels" else lambda y: g.moved(y, law.field_type)

    return Transformation(
        "points",
        str(element),
        element.matrix,
        by(element),
        of_output(element),
        None if exact else by(element.inverse),
        of_output(element.inverse) if not exact and not output.is_invariant else None,
        disc=not exact,
    )


def _turned(x: np.ndarray, element: tuple[int, float]) -> np.ndarray:
    """Images moved by an element that maps the grid to itself: a view, as JAX has none."""
    reflected, degrees = element
    return np.rot90(np.flip(x, 1) if reflected else x, round(degrees / 90), (1, 2))


def _point_move(element: tuple[int, float], output: Output) -> Move:
    """How a rotation or reflection moves the output."""
    law = output.law
    if not isinstance(law, OutputLaw):
        action, g = law, in_group(element, output.group if isinstance(output.group, PlanarGroup) else O2)
        return lambda y: np.asarray(action(g, y))
    if output.is_invariant:
        return _same
    if output.kind == "detections":
        matrix = O2.matrix(in_group(element, O2))
        return _places_move(np.rint(matrix) if is_on_grid(element) else matrix, np.zeros(2), output)
    if output.kind == "labels" and not is_on_grid(element):
        return _move_labels(O2.matrix(in_group(element, O2)))
    group = O2 if law.field_type is None else require_planar(law.field_type.group, "the plane")
    kind = "field" if output.kind == "labels" else law.kind
    act_on = output_action(kind, group, size=output.size, field_type=law.field_type)
    return lambda y: np.asarray(act_on(in_group(element, group), y))


def _move_labels(matrix: np.ndarray) -> Move:
    """Every pixel takes the label of the nearest one."""
    if len(matrix) == 3:
        return lambda y: labels_moved(y, matrix)
    return lambda y: np.asarray(warp_labels(y[..., 0], matrix.astype(np.float32)))[..., None]


def in_group(element: PointElement, group: PlanarGroup | SpatialGroup) -> np.ndarray:
    """(reflected, degrees), or a map of space, as an element of a group.

    >>> from geomdl.groups import C8
    >>> in_group((0, 45.0), C8)
    array([0, 1])
    """
    if isinstance(element, SpaceElement) or isinstance(group, SpatialGroup):
        if not (isinstance(element, SpaceElement) and isinstance(group, SpatialGroup)):
            raise TypeError(f"{point_name(element)} is no element of {group}")
        return group.from_matrix(element.array)
    reflected, degrees = element
    if group.is_finite:
        return np.array([reflected, round(degrees / 360 * group.rotation_order)])
    return np.array([float(reflected), math.radians(degrees)])


class Periodic:
    """Shifts images ``[n, height, width, channels]`` circularly by (rows, columns), as `numpy.roll` does.

    The shifts of the same images are views, windows of their periodic continuation, and so cost nothing each.

    >>> x = np.arange(24.0).reshape(1, 4, 6, 1)
    >>> bool(np.all(Periodic()(x, (1, -8)) == np.roll(x, (1, -8), (1, 2))))
    True
    """

    def __init__(self) -> None:
        self._images, self._twice = np.empty(0), np.empty(0)

    def __call__(self, x: np.ndarray, shift: tuple[int, ...]) -> np.ndarray:
        """g·x; of volumes a copy."""
        if len(shift) != 2:
            return np.roll(x, shift, tuple(range(1, 1 + len(shift))))
        if self._images is not x:
            rows = np.concatenate([x, x], 1)
            self._images, self._twice = x, np.concatenate([rows, rows], 2)
        height, width = x.shape[1:3]
        top, left = -shift[0] % height, -shift[1] % width
        return self._twice[:, top : top + height, left : left + width]


def circular_shifts(shifts: Iterable[tuple[int, ...]], output: Output) -> list[Transformation]:
    """Circular shifts by whole pixels, of those by which the output can move."""
    roll = Periodic()
    return [found for shift in shifts if (found := _circular_shift(shift, output, roll)) is not None]


def _circular_shift(shift: tuple[int, ...], output: Output, roll: Periodic) -> Transformation | None:
    if output.kind == "function":
        return None
    step = [n / output.stride for n in shift]
    if output.is_field and any(s.denominator != 1 for s in step):
        return None
    of_output, axes = [int(s) for s in step], tuple(range(1, 1 + len(shift)))
    return Transformation(
        "shifts",
        shift_name(shift),
        tuple(map(float, shift)),
        lambda x: roll(x, shift),
        (lambda y: np.roll(y, of_output, axes)) if output.is_field else _shift_move(shift, output),
    )


def shift_name(shift: Sequence[float]) -> str:
    """A shift in words.

    >>> shift_name((0.5, 0.0))
    '(0.5, 0)'
    """
    return f"({', '.join(f'{n:g}' for n in shift)})"


def _shift_move(shift: Sequence[float], output: Output) -> Move:
    """How a circular shift by (rows, columns) moves an output that is no field."""
    if not output.has_places:
        return _same
    down, right = shift
    boxes = output.kind == "boxes"
    if output.kind == "detections":
        return _places_move(np.eye(2), np.array([right, -down]), output, circular=True)
    return lambda y: np.asarray(shift_places((right, down), y, output.size, boxes=boxes), y.dtype)


def moved_places(shift: Sequence[float], output: Output) -> Move:
    """How a shift by (rows, columns) of what the camera sees moves an output that is no field."""
    if not output.has_places:
        return _same
    return _places_move(np.eye(2), np.array([shift[1], -shift[0]]), output)


def _places_move(a: np.ndarray, t: np.ndarray, output: Output, *, circular: bool = False) -> Move:
    """How p ↦ A p + t, x to the right and y up from the centre, moves places; ``circular`` detections stay inside."""
    (height, width), t = output.size[-2:], np.asarray(t, float)

    def of_detections(y: np.ndarray) -> np.ndarray:
        boxes, rest = y[..., :-2], y[..., -2:]
        oriented = boxes.shape[-1] == 5
        moved = np.array(_boxes_moved(boxes, a, t, (height, width)), y.dtype)
        if circular:
            middle = moved[..., :2] if oriented else (moved[..., :2] + moved[..., 2:]) / 2
            back = np.floor(middle / [width, height]) * [width, height]
            moved[..., :2] -= back
            if not oriented:
                moved[..., 2:] -= back
        return np.concatenate([np.where(y[..., -1:] >= 0, moved, 0), rest], -1).astype(y.dtype)

    if output.kind == "detections":
        return of_detections
    whole = np.block([[a, t[:, None]], [np.zeros((1, 2)), np.ones((1, 1))]])
    return lambda y: np.asarray(move_places(whole, y, output.size, boxes=output.kind == "boxes"), y.dtype)


@functools.partial(jax.jit, static_argnames="size")
def _boxes_moved(boxes: jax.Array, a: jax.Array, t: jax.Array, size: tuple[int, int]) -> jax.Array:
    a, t = a.astype(boxes.dtype), t.astype(boxes.dtype)
    return (move_oriented if boxes.shape[-1] == 5 else move_upright)(boxes, a, t, size)


def fractional_shift(shift: tuple[float, ...], output: Output) -> Transformation | None:
    """A circular shift by parts of a pixel: the phases of the Fourier transform are turned; None for labels, which have
    no parts, and functions."""
    if output.kind in ("function", "labels"):
        return None
    stride = float(output.stride)
    of_output, back = tuple(n / stride for n in shift), tuple(-n for n in shift)
    return Transformation(
        "fractional shifts",
        shift_name(shift),
        shift,
        lambda x: fourier_shift(x, shift),
        (lambda y: fourier_shift(_floats(y), of_output)) if output.is_field else _shift_move(shift, output),
        lambda x: fourier_shift(x, back),
        (lambda y: fourier_shift(_floats(y), tuple(-n for n in of_output))) if output.is_field else None,
    )


def fourier_shift(x: np.ndarray, shift: tuple[float, ...]) -> np.ndarray:
    """The periodic band-limited image through the pixels, moved by (rows, columns) pixels. ``[batch, h, w, c]``.

    Volumes are moved along one axis after the other.

    Exact for images without the Nyquist frequency, which only even sizes have.

    Unlike `geomdl.equivariance.host.shifts.ideally_shifted` it computes in the precision of x, as models do, and turns
    the Nyquist frequencies of both axes together before the real part is taken.

    >>> x = np.random.default_rng(0).normal(size=(1, 5, 5, 1))
    >>> bool(np.allclose(fourier_shift(fourier_shift(x, (0.5, 0)), (0.5, 0)), np.roll(x, 1, 1)))
    True
    """
    if x.ndim == 5:
        for axis, step in enumerate(shift, start=1):
            x = _shifted(x, (step,), first=axis)
        return x
    if x.transpose(0, 3, 1, 2).flags.c_contiguous:  # in memory the channels are first: they stay so
        return _shifted(x.transpose(0, 3, 1, 2), shift, first=2).transpose(0, 2, 3, 1)
    return _shifted(x, shift, first=1)


def _shifted(x: np.ndarray, shift: tuple[float, ...], *, first: int) -> np.ndarray:
    """`fourier_shift` of images whose rows are the axis ``first``, and whose columns are the next."""
    steps = {first + i: step for i, step in enumerate(shift) if step}
    if not steps:
        return x
    axes, lengths = list(steps), [x.shape[axis] for axis in steps]
    turns = _turns(lengths, list(steps.values())).astype(np.result_type(x.dtype, np.complex64))
    shape = [1] * x.ndim
    for axis, count in zip(axes, turns.shape, strict=True):
        shape[axis] = count
    waves = scipy.fft.rfftn(x, axes=axes, workers=-1)  # half of the waves: those of the last axis that differ
    waves *= turns.reshape(shape)
    return scipy.fft.irfftn(waves, s=lengths, axes=axes, workers=-1, overwrite_x=True)


def _turns(lengths: Sequence[int], shifts: Sequence[float]) -> np.ndarray:
    """The phases e^{−2πi f·s} of the frequencies f that `scipy.fft.rfftn` keeps, of one axis or two.

    The real part is taken of waves that the grid cannot tell from their mirror images: cos(π s) at the Nyquist
    frequency of an even axis. For the last axis `scipy.fft.irfftn` takes it.
    """
    along = [np.fft.fftfreq(n) for n in lengths[:-1]] + [np.fft.rfftfreq(lengths[-1])]
    phases = sum(np.ix_(*(f * s for f, s in zip(along, shifts, strict=True))))
    turns = np.exp(-2j * math.pi * phases)
    if len(lengths) == 2 and lengths[0] % 2 == 0:
        turns[lengths[0] // 2] = math.cos(math.pi * shifts[0]) * np.exp(-2j * math.pi * along[1] * shifts[1])
        if lengths[1] % 2 == 0:
            turns[lengths[0] // 2, -1] = math.cos(math.pi * (shifts[0] + shifts[1]))
    return turns


def linear_transformation(
    family: str, parameter: float, element: str, matrix: Iterable[Iterable[float]], output: Output
) -> Transformation | None:
    """A linear map of the plane about the centre, or of space: p ↦ A p, x to the right, y up; None for functions."""
    if output.kind == "function":
        return None
    forth = np.array(list(map(list, matrix)), float)
    back = np.linalg.inv(forth)

    def by(a: np.ndarray) -> Move:
        move = warp if len(a) == 2 else warp_volume
        return lambda x: np.asarray(move(_floats(x), a.astype(_floats(x).dtype)))

    def of_output(a: np.ndarray) -> Move:
        if output.has_places:
            return _places_move(a, np.zeros(2), output)
        if output.kind == "labels":
            return _move_labels(a)
        return by(a) if output.is_field else _same

    return Transformation(
        family,
        element,
        (parameter,),
        by(forth),
        of_output(forth),
        by(back),
        None if output.is_invariant else of_output(back),
        disc=True,
    )


def contrast(t: float) -> Transformation:
    """x ↦ e^t (x − m) + m with the mean m of each image; the output should stay."""

    def move(x: np.ndarray) -> np.ndarray:
        mean = x.mean(axis=tuple(range(1, x.ndim)), keepdims=True, dtype=float)
        return (math.exp(t) * (x - mean) + mean).astype(x.dtype)

    return Transformation("contrast", f"×{math.exp(t):.2f}", (t,), move, _same)


def brightness(t: float) -> Transformation:
    """x ↦ x + t σ with the standard deviation σ of all images; the output should stay."""
    return Transformation("brightness", f"{t:+g}σ", (t,), lambda x: (x + t * x.std(dtype=float)).astype(x.dtype), _same)
