"""Measures the error of one transformation: runs a model on moved images and compares with the moved outputs."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np

from geomdl.actions.disc import disc_window
from geomdl.audit.measuring.stream import Stream
from geomdl.audit.probes.images import Images
from geomdl.audit.probes.output import Output
from geomdl.audit.probes.transformations import Transformation, moved_places, shift_name
from geomdl.audit.results.verdict import Measurement
from geomdl.equivariance.host.relative_error import relative_error_on_host

DEAD = 1e-6
"""An output whose relative difference between images is at most this does not depend on them."""


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """The image on which a transformation changes most: the image (a view), the moved image, and by how much the output
    changes."""

    measurement: Measurement
    before: np.ndarray
    after: np.ndarray
    error: float


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """‖a − b‖ / ‖b‖ in float64; for integers the share of entries that differ. 0 when both vanish.

    >>> difference(np.array([1.0, 2.0]), np.array([1.0, 0.0])), difference(np.array([1, 2]), np.array([1, 0]))
    (2.0, 0.5)
    """
    if np.asarray(b).dtype.kind in "iub":
        return float(np.mean(a != b))
    return relative_error_on_host(a, b)


def spread(y: np.ndarray, output: Output | None = None) -> float:
    """How much the outputs of different images differ: each is compared with the next.

    Args:
      y: the outputs.
      output: how they move; needed for sets of detections.
    """
    other = np.roll(y, 1, 0)
    return difference(*(other, y) if output is None else output.paired(other, y))


def measure(
    stream: Stream, transformations: Sequence[Transformation], images: Images, output: Output
) -> tuple[list[Measurement], list[Picture]]:
    """The error of every transformation on all images, and the image that each changes most.

    The moved images of many transformations go through the model together, so that it is compiled once and called no
    more often than their number needs. Where a transformation resamples, its inverse is applied as well and the images
    go through the model once more, to tell what resampling alone changes.
    """
    found: list[tuple[Measurement, Picture]] = []
    for cut in (False, True):
        chosen = [transformation for transformation in transformations if transformation.disc == cut]
        if not chosen:
            continue
        frame = _Frame.of(stream, images, output, cut=cut)
        if frame.spread <= DEAD:
            continue  # the model looks at nothing that is left: no error would mean anything
        at_once = max(1, 8 * stream.batch // len(frame.x))
        for start in range(0, len(chosen), at_once):
            found += _measured_together(stream, chosen[start : start + at_once], frame)
    return [measurement for measurement, _ in found], [picture for _, picture in found]


@dataclasses.dataclass(frozen=True, eq=False)
class _Frame:
    """Images as transformations move them: as they are, or cut to a disc where resampling would bring in the outside.

    Attributes:
      name: of the images.
      x: the images ``[n, height, width, channels]``, cut if ``cut``.
      y: the output for them.
      cut: whether only what lies within the disc counts.
      output: how outputs move.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    cut: bool
    output: Output

    @property
    def is_field(self) -> bool:
        """Whether outputs are fields on the plane."""
        return self.output.is_field

    def difference(self, a: np.ndarray, b: np.ndarray) -> float:
        """Of two outputs, of what counts of them."""
        return difference(*self.output.paired(self.counted(a), self.counted(b)))

    @classmethod
    def of(cls, stream: Stream, images: Images, output: Output, *, cut: bool) -> "_Frame":
        x = images.pixels
        if cut:
            x = x * disc_window(x.shape[1:-1]).astype(x.dtype)
        return cls(images.name, x, stream(x), cut, output)

    def counted(self, y: np.ndarray) -> np.ndarray:
        """What counts of an output."""
        return _masked(y) if self.cut and self.is_field else y

    @functools.cached_property
    def counted_output(self) -> np.ndarray:
        """What counts of the output for the images."""
        return self.counted(self.y)

    @functools.cached_property
    def spread(self) -> float:
        """How much the outputs of different images differ."""
        return spread(self.counted_output, self.output)


@dataclasses.dataclass(frozen=True, eq=False)
class _Passed:
    """Images that one transformation moved, and moved back where it resamples, and what the model makes of them."""

    moved: np.ndarray
    of_moved: np.ndarray
    back: np.ndarray | None = None
    of_back: np.ndarray | None = None


def _measured_together(
    stream: Stream, transformations: Sequence[Transformation], frame: _Frame
) -> Iterator[tuple[Measurement, Picture]]:
    """The errors of transformations whose images go through the model together."""
    moved = [transformation.move(frame.x) for transformation in transformations]
    back = {i: t.undo(m) for i, (t, m) in enumerate(zip(transformations, moved, strict=True)) if t.undo}
    count = len(moved)
    outputs = stream.each([*moved, *back.values()])
    of_back = dict(zip(back, outputs[count:], strict=True))
    for i, transformation in enumerate(transformations):
        yield _measured(transformation, frame, _Passed(moved[i], outputs[i], back.get(i), of_back.get(i)))


def _measured(transformation: Transformation, frame: _Frame, passed: _Passed) -> tuple[Measurement, Picture]:
    """The error of one transformation, and the image that it changes most."""
    expected = transformation.move_output(frame.y)
    _require_same_shape(passed.of_moved, expected, transformation, sets=frame.output.kind == "detections")
    got, expected = frame.output.paired(frame.counted(passed.of_moved), frame.counted(expected))
    baseline, through = _resampling_alone(transformation, frame, passed)
    measurement = Measurement(
        family=transformation.family,
        element=transformation.element,
        value=transformation.value,
        images=frame.name,
        count=len(frame.x),
        size=frame.x.shape[1:-1],
        frame="disc" if frame.cut else "full",
        error=difference(got, expected),
        baseline=baseline,
        through=through,
        spread=frame.spread,
        interior=difference(_middle(got), _middle(expected)) if frame.is_field and not frame.cut else None,
    )
    return measurement, _worst(measurement, frame.x, passed.moved, got, expected)


def _resampling_alone(transformation: Transformation, frame: _Frame, passed: _Passed) -> tuple[float, float]:
    """What moving there and back changes: of the images; and of the outputs, through the model and of themselves."""
    baseline = through = 0.0
    if passed.back is not None and passed.of_back is not None:
        baseline = _quick_difference(passed.back, frame.x)
        through = frame.difference(passed.of_back, frame.y)
    if transformation.undo_output:
        round_trip = transformation.undo_output(transformation.move_output(frame.y))
        through += frame.difference(round_trip, frame.y)
    return baseline, through


def _quick_difference(a: np.ndarray, b: np.ndarray) -> float:
    """`difference` of images, in their own precision: it is shown, and nothing is judged by it."""
    size = np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / size) if size else 0.0


def measure_crops(
    stream: Stream,
    canvases: Images,
    size: tuple[int, ...],
    shifts: Sequence[tuple[int, ...]],
    output: Output,
) -> tuple[list[Measurement], list[Picture]]:
    """The errors of shifts in which new content enters: two windows of a larger image are compared.

    An invariant output should be the same for both; a field should agree where the windows overlap.

    Args:
      stream: the model.
      canvases: images that are larger than ``size``, with the window in their middle.
      size: (height, width) of the window.
      shifts: how far the content moves (rows, columns), in pixels; at most the margin of the canvases.
      output: how the output moves; shifts that are no multiples of its stride are left out.
    """
    margin = tuple((canvases.pixels.shape[1 + axis] - n) // 2 for axis, n in enumerate(size))

    def window(shift: tuple[int, ...]) -> np.ndarray:
        starts = [m - s for m, s in zip(margin, shift, strict=True)]
        return canvases.pixels[:, *(slice(start, start + n) for start, n in zip(starts, size, strict=True))]

    usable = [s for s in shifts if not output.is_field or all((n / output.stride).denominator == 1 for n in s)]
    if not usable:
        return [], []
    x = window((0,) * len(size))
    y, *moved = stream.each([x, *(window(s) for s in usable)])
    measurements, pictures = [], []
    for shift, got in zip(usable, moved, strict=True):
        expected, interior = y, None
        if output.is_field:
            steps = [int(n / output.stride) for n in shift]
            got, expected = _overlap(got, steps), _overlap(y, [-n for n in steps])
            interior = difference(_middle(got), _middle(expected))
        else:
            got, expected = output.paired(got, moved_places(shift, output)(y))
        measurement = Measurement(
            "cropped shifts", shift_name(shift), tuple(map(float, shift)), canvases.name, len(x), size, "full",
            difference(got, expected), 0.0, 0.0, spread(y, output), interior,
        )  # fmt: skip
        measurements.append(measurement)
        pictures.append(_worst(measurement, x, window(shift), got, expected))
    return measurements, pictures


def _overlap(y: np.ndarray, steps: Sequence[int]) -> np.ndarray:
    """What is left of a field that came from elsewhere: the rows from ``steps[0]`` on, or up to it when negative."""
    return y[:, *(slice(n, None) if n >= 0 else slice(None, n) for n in steps)]


def _middle(y: np.ndarray) -> np.ndarray:
    return y[:, *(slice(n // 4, n - n // 4) for n in y.shape[1:-1])]


def _masked(y: np.ndarray) -> np.ndarray:
    if y.dtype.kind in "iub":
        return y * (disc_window(y.shape[1:-1], 0.99, 1.0) > 0).astype(y.dtype)
    return y * disc_window(y.shape[1:-1], 0.85, 1.0).astype(y.dtype)


def _worst(
    measurement: Measurement, x: np.ndarray, moved: np.ndarray, got: np.ndarray, expected: np.ndarray
) -> Picture:
    if got.dtype.kind in "iub":
        errors = np.mean((got != expected).reshape(len(x), -1), 1)
    else:
        apart = np.subtract(got, expected, dtype=float).reshape(len(x), -1)
        whole = np.linalg.norm(expected.reshape(len(x), -1).astype(float), axis=1)
        errors = np.linalg.norm(apart, axis=1) / (np.mean(whole) or 1.0)
    index = int(np.argmax(errors))
    return Picture(measurement, x[index], moved[index].copy("K"), float(errors[index]))


def _require_same_shape(got: np.ndarray, expected: np.ndarray, transformation: Transformation, *, sets: bool) -> None:
    if got.shape != expected.shape and not sets:
        raise ValueError(
            f"under {transformation.family} {transformation.element} the output has shape {got.shape}, but the"
            " moved output has"
            f" {expected.shape}; treat it as invariant (output='invariant') or audit square images, or cubic volumes"
        )
