"""The metrics of a task on transformed test images: over all angles, over all shifts."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from geomdl.data import EvalBatch, Split
from geomdl.errors import invalid, unknown
from geomdl.evaluators.metrics import batches_of, mean_metrics
from geomdl.evaluators.predict import Predict
from geomdl.evaluators.transformations import SHIFTS, Rotation, finite_angles, moved_batch, shifted_batch
from geomdl.numbers import whole_number
from geomdl.tasks import Task, split_metrics

Rows = list[dict[str, float]]
"""A table: one row per transformation."""


def rotation_sweep(
    predict: Predict, split: Split, task: Task, degrees: Sequence[float], *, batch_size: int = 256
) -> Rows:
    """The metrics on images rotated counter-clockwise about their centre by each angle.

    Multiples of 90° permute the pixels (of square images; else multiples of 180°); other angles are resampled by cubic
    splines, with zeros from outside the frame. Targets turn with their images, as their kinds say. Label maps: exactly
    where pixels are permuted, else by nearest pixels, and then only the largest disc about the centre counts.

    Args:
      predict: images → logits.
      split: upright images.
      task: gives the metrics.
      degrees: angles.
      batch_size: images per batch.

    Returns:
      One row ``{"angle", "loss", "accuracy", …}``, with every metric of the task, per angle.
    """
    degrees = finite_angles(degrees)
    moves = [
        functools.partial(moved_batch, transformation=Rotation(float(d)), kinds=task.target_kinds) for d in degrees
    ]
    measured = _sweep(predict, split, task, moves, batch_size)
    return [{"angle": float(d), **metrics} for d, metrics in zip(degrees, measured, strict=True)]


def shift_sweep(
    predict: Predict,
    split: Split,
    task: Task,
    shifts: Sequence[tuple[int, int]],
    *,
    mode: str = "circular",
    batch_size: int = 256,
) -> Rows:
    """The metrics on images, and their targets with them, moved by each shift.

    Args:
      predict: images → logits.
      split: images that are not shifted.
      task: gives the metrics.
      shifts: (rows down, columns right), in pixels.
      mode: ``"circular"`` (what leaves on one side enters on the other) or ``"crop"`` (it is lost, and zeros enter,
        which count nowhere in label maps).
      batch_size: images per batch.

    Returns:
      One row ``{"shift_rows", "shift_cols", "loss", "accuracy", …}``, with every metric of the task, per shift.

    Raises:
      ValueError: for an unknown mode.
    """
    if mode not in SHIFTS:
        raise unknown("mode", mode, list(SHIFTS))
    shifts = [(_pixels(rows), _pixels(columns)) for rows, columns in shifts]
    if not shifts:
        raise invalid("shifts", shifts, "at least one", [(0, 1)])
    moves = [functools.partial(shifted_batch, shift=s, mode=mode, kinds=task.target_kinds) for s in shifts]
    measured = _sweep(predict, split, task, moves, batch_size)
    return [{"shift_rows": int(r), "shift_cols": int(c), **m} for (r, c), m in zip(shifts, measured, strict=True)]


def _sweep(
    predict: Predict,
    split: Split,
    task: Task,
    moves: Sequence[Callable[[EvalBatch], EvalBatch]],
    batch_size: int,
) -> Iterator[dict[str, float]]:
    batches = list(batches_of(split, task, batch_size))
    for move in moves:
        yield mean_metrics(predict, (move(batch) for batch in batches), task)


@dataclass(frozen=True)
class RotationSweep:
    """The evaluator of a task's headline metric (accuracy, of label maps the mean IoU) under rotation.

    Args:
      step: degrees between the angles, from 0 up to 360.
      batch_size: images per batch.

    Raises:
      ValueError: for a step that is not in (0, 360].
    """

    step: float = 7.5
    batch_size: int = 256

    def __post_init__(self) -> None:
        if not 0 < self.step <= 360:
            raise invalid("step", self.step, "degrees in (0, 360]", 7.5)

    def rows(self, predict: Predict, split: Split, task: Task) -> Rows:
        """Returns one row per angle, see `rotation_sweep`."""
        degrees = np.arange(0, 360 - 1e-9, self.step).tolist()
        return rotation_sweep(predict, split, task, degrees, batch_size=self.batch_size)

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns ``rotation/mean``, ``rotation/worst`` (of the headline) and ``rotation/worst_angle`` (degrees)."""
        return self.summary(self.rows(predict, split, task), task)

    def summary(self, rows: Rows, task: Task) -> dict[str, float]:
        """Returns the numbers of `__call__` from the rows."""
        return {**_mean_and_worst("rotation", rows, task), "rotation/worst_angle": _worst(rows, task)["angle"]}


@dataclass(frozen=True)
class ShiftSweep:
    """The evaluator of a task's headline metric (accuracy, mean IoU) under shifts in the eight directions of the grid.

    Args:
      most: greatest shift in pixels, in either direction.
      mode: ``"circular"`` or ``"crop"``.
      batch_size: images per batch.

    Raises:
      ValueError: for an unknown mode, or a negative shift.
    """

    most: int = 6
    mode: str = "circular"
    batch_size: int = 256

    def __post_init__(self) -> None:
        if self.mode not in SHIFTS:
            raise unknown("mode", self.mode, list(SHIFTS))
        whole_number("most", self.most, least=0)

    def shifts(self) -> list[tuple[int, int]]:
        """Returns (rows down, columns right) for every size up to the greatest, in the eight directions of the grid."""
        directions = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]
        return [(0, 0), *((size * r, size * c) for size in range(1, self.most + 1) for r, c in directions)]

    def rows(self, predict: Predict, split: Split, task: Task) -> Rows:
        """Returns one row per shift, see `shift_sweep`."""
        return shift_sweep(predict, split, task, self.shifts(), mode=self.mode, batch_size=self.batch_size)

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns ``shift/mean`` and ``shift/worst`` of the headline (``crop/…`` when images are cropped)."""
        return self.summary(self.rows(predict, split, task), task)

    def summary(self, rows: Rows, task: Task) -> dict[str, float]:
        """Returns the numbers of `__call__` from the rows."""
        return _mean_and_worst("shift" if self.mode == "circular" else "crop", rows, task)


def _pixels(shift: int) -> int:
    """A whole number of pixels, of either sign."""
    return int(np.sign(shift)) * whole_number("shift", abs(shift), least=0)


def _worst(rows: Rows, task: Task) -> dict[str, float]:
    """The first row with the worst headline metric."""
    name = task.headline
    return (min if split_metrics(task)[name] else max)(rows, key=lambda row: row[name])


def _mean_and_worst(name: str, rows: Rows, task: Task) -> dict[str, float]:
    mean = float(np.mean([row[task.headline] for row in rows]))
    return {f"{name}/mean": mean, f"{name}/worst": _worst(rows, task)[task.headline]}
