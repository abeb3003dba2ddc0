"""Measures the error of one transformation: runs a model on moved images and compares with the moved outputs."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from geomdl.audit.measuring.stream import Stream
from geomdl.audit.probes.images import Images, disc
from geomdl.audit.probes.output import Output
from geomdl.audit.probes.transformations import Transformation
from geomdl.audit.results.verdict import Measurement

DEAD = 1e-6
"""An output whose relative difference between images is at most this does not depend on them."""


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """The image on which a transformation changes most: the image, the moved image, and by how much the output
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
    apart, whole = np.linalg.norm(np.subtract(a, b, dtype=float).ravel()), np.linalg.norm(np.ravel(b).astype(float))
    return 0.0 if apart == 0 else float(np.divide(apart, whole)) if whole else float("inf")


def spread(y: np.ndarray) -> float:
    """How much the outputs of different images differ: each is compared with the next."""
    return difference(np.roll(y, 1, 0), y)


def measure(
    stream: Stream, transformations: Sequence[Transformation], images: Images, output: Output
) -> tuple[list[Measurement], list[Picture]]:
    """The error of every transformation on all images, and the image that each changes most.

    The moved images of many transformations go through the model together, so that it is compiled once and called no
    more
    often than their number needs. Where a transformation resamples, its inverse is applied as well and the images go
    through the model once more, to tell what resampling alone changes.
    """
    measurements, pictures = [], []
    for cut in (False, True):
        chosen = [transformation for transformation in transformations if transformation.disc == cut]
        if not chosen:
            continue
        x = images.pixels
        height, width = x.shape[1:3]
        if cut:
            x = x * disc(height, width).astype(x.dtype)
        y = stream(x)
        masked = _masked(y) if cut and output.is_field else y
        apart = spread(masked)
        if apart <= DEAD:
            continue  # the model looks at nothing that is left: no error would mean anything
        at_once = max(1, 8 * stream.batch // len(x))
        for start in range(0, len(chosen), at_once):
            some = chosen[start : start + at_once]
            moved = [transformation.move(x) for transformation in some]
            back = [
                transformation.undo(m) for transformation, m in zip(some, moved, strict=True) if transformation.undo
            ]
            results = np.split(stream(np.concatenate(moved + back)), len(moved) + len(back))
            of_moved, of_back = results[: len(moved)], iter(results[len(moved) :])
            backs = iter(back)
            for transformation, seen, got in zip(some, moved, of_moved, strict=True):
                expected = transformation.move_output(y)
                _require_same_shape(got, expected, transformation)
                if cut and output.is_field:
                    got, expected = _masked(got), _masked(expected)
                baseline = through = 0.0
                if transformation.undo:
                    baseline = difference(next(backs), x)
                    again = next(of_back)
                    through = difference(_masked(again) if cut and output.is_field else again, masked)
                if transformation.undo_output:
                    round_trip = transformation.undo_output(transformation.move_output(y))
                    through += difference(_masked(round_trip) if cut else round_trip, masked)
                measurement = Measurement(
                    transformation.family,
                    transformation.element,
                    transformation.value,
                    images.name,
                    len(x),
                    (height, width),
                    "disc" if cut else "full",
                    difference(got, expected),
                    baseline,
                    through,
                    apart,
                    difference(_middle(got), _middle(expected)) if output.is_field and not cut else None,
                )
                measurements.append(measurement)
                pictures.append(_worst(measurement, x, seen, got, expected))
    return measurements, pictures


def measure_crops(
    stream: Stream,
    canvases: Images,
    size: tuple[int, int],
    shifts: Sequence[tuple[int, int]],
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
    margin = tuple((canvases.pixels.shape[1 + axis] - size[axis]) // 2 for axis in (0, 1))

    def window(shift: tuple[int, int]) -> np.ndarray:
        top, left = margin[0] - shift[0], margin[1] - shift[1]
        return canvases.pixels[:, top : top + size[0], left : left + size[1]]

    usable = [s for s in shifts if not output.is_field or all((n / output.stride).denominator == 1 for n in s)]
    if not usable:
        return [], []
    x = window((0, 0))
    y, *moved = np.split(stream(np.concatenate([x, *(window(s) for s in usable)])), len(usable) + 1)
    measurements, pictures = [], []
    for shift, got in zip(usable, moved, strict=True):
        expected, interior = y, None
        if output.is_field:
            steps = [int(n / output.stride) for n in shift]
            got, expected = _overlap(got, steps), _overlap(y, [-n for n in steps])
            interior = difference(_middle(got), _middle(expected))
        measurement = Measurement(
            "cropped shifts", f"({shift[0]}, {shift[1]})", (float(shift[0]), float(shift[1])), canvases.name, len(x),
            size, "full", difference(got, expected), 0.0, 0.0, spread(y), interior,
        )  # fmt: skip
        measurements.append(measurement)
        pictures.append(_worst(measurement, x, window(shift), got, expected))
    return measurements, pictures


def _overlap(y: np.ndarray, steps: Sequence[int]) -> np.ndarray:
    """What is left of a field that came from elsewhere: the rows from ``steps[0]`` on, or up to it when negative."""
    rows, columns = (slice(n, None) if n >= 0 else slice(None, n) for n in steps)
    return y[:, rows, columns]


def _middle(y: np.ndarray) -> np.ndarray:
    height, width = y.shape[1:3]
    return y[:, height // 4 : height - height // 4, width // 4 : width - width // 4]


def _masked(y: np.ndarray) -> np.ndarray:
    if y.dtype.kind in "iub":
        return y * (disc(y.shape[1], y.shape[2], 0.99, 1.0) > 0).astype(y.dtype)
    return y * disc(y.shape[1], y.shape[2], 0.85, 1.0).astype(y.dtype)


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
    return Picture(measurement, x[index].copy(), moved[index].copy(), float(errors[index]))


def _require_same_shape(got: np.ndarray, expected: np.ndarray, transformation: Transformation) -> None:
    if got.shape != expected.shape:
        raise ValueError(
            f"under {transformation.family} {transformation.element} the output has shape {got.shape}, but the"
            " moved output has"
            f" {expected.shape}; treat it as invariant (output='invariant') or audit square images"
        )
