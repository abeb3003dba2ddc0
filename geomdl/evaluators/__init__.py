"""What is measured on a trained model.

An evaluator is called with ``(predict, split, task)`` and returns named numbers; ``predict`` is any function from
images to logits. `EVALUATORS` maps names to what makes them: frozen dataclasses whose fields are the options.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

from geomdl.data import Split
from geomdl.errors import invalid
from geomdl.evaluators.averaged import OrbitAverage, TenCrop, orbit_average, ten_crop
from geomdl.evaluators.box_precision import COCO, BoxPrecision, coco_metrics
from geomdl.evaluators.clouds import cloud_sweep
from geomdl.evaluators.confusion import confusion_matrix
from geomdl.evaluators.consistency import RotationConsistency, rotation_consistency
from geomdl.evaluators.detections import FoundBoxes, detection_confusion, detects, found_boxes
from geomdl.evaluators.evaluator_factory import evaluator_factory
from geomdl.evaluators.invariance import InvarianceError, invariance_error
from geomdl.evaluators.metrics import Gathered, Metrics, mean_metrics
from geomdl.evaluators.predict import Predict, predictor
from geomdl.evaluators.retrieval import Neighbours, Retrieval, nearest_neighbours, retrieval_metrics
from geomdl.evaluators.sliding_window import sliding_window
from geomdl.evaluators.sweeps import RotationSweep, ShiftSweep, rotation_sweep, shift_sweep
from geomdl.evaluators.transformations import on_grid, rotated_images
from geomdl.evaluators.turned_boxes import BoxConsistency, box_consistency
from geomdl.evaluators.volumes import AxisRotation, AxisSweep, CubeSweep, axis_sweep, cube_sweep
from geomdl.registry import Registry
from geomdl.tasks import Task


class Evaluator(Protocol):
    """Measures a model on a split."""

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns named numbers."""
        ...


EVALUATORS = Registry("evaluator", group="geomdl.evaluators", adapt=evaluator_factory)
"""What makes each evaluator, by the name that ``config.training.evaluators`` and ``geomdl evaluate`` take."""
EVALUATORS.register("metrics", Metrics)
EVALUATORS.register("rotation", RotationSweep)
EVALUATORS.register("shift", ShiftSweep)
EVALUATORS.register("crop", ShiftSweep, {"mode": "crop"})
EVALUATORS.register("invariance", InvarianceError)
EVALUATORS.register("turns", CubeSweep)
EVALUATORS.register("turns_oh", CubeSweep, {"group": "Oh"})
for _axis in ("x", "y", "z"):
    EVALUATORS.register(f"rotation_{_axis}", AxisSweep, {"axis": _axis})
EVALUATORS.register("consistency", RotationConsistency)
EVALUATORS.register("ten_crop", TenCrop)
EVALUATORS.register("voc2007", BoxPrecision, {"name": "voc2007", "points": 11})
EVALUATORS.register("voc2010", BoxPrecision)
EVALUATORS.register("dota", BoxPrecision, {"name": "dota", "points": 11, "oriented": True})
EVALUATORS.register("coco", COCO)
EVALUATORS.register("box_consistency", BoxConsistency)
for _group in ("C4", "D4", "C8", "D8"):
    EVALUATORS.register(f"orbit_{_group.lower()}", OrbitAverage, {"group": _group})


def evaluators_for(task: Task, image_shape: Sequence[int] = ()) -> list[str]:
    """Returns the names of the evaluators that suit a task: all but those with a method ``suits`` that says no.

    Those of plug-ins, and those that say so (``on_request``), are run when they are asked for by name. On volumes only
    those are run that say ``suits_volumes``, on point clouds those that say ``suits_clouds``: the others turn and shift
    images.

    Args:
      task: what was learnt.
      image_shape: (height, width, channels), or (depth, height, width, channels) of volumes, or (points, channels).

    >>> from geomdl.tasks import Classification
    >>> evaluators_for(Classification(num_classes=2))
    ['metrics', 'rotation', 'shift', 'crop', 'invariance']
    >>> evaluators_for(Classification(num_classes=2), (16, 16, 16, 1))
    ['metrics', 'turns']
    >>> evaluators_for(Classification(num_classes=2), (64, 4))
    ['metrics', 'turns']
    """

    def suits(evaluator: Any) -> bool:
        asked_for = getattr(evaluator, "on_request", False)
        return (
            _suits(evaluator, image_shape)
            and not asked_for
            and (not hasattr(evaluator, "suits") or evaluator.suits(task))
        )

    return [name for name in EVALUATORS.registered if suits(EVALUATORS[name]())]


def evaluator_named(name: str, image_shape: Sequence[int]) -> Evaluator:
    """Makes the evaluator of a name, for data of a shape.

    Args:
      name: a key of `EVALUATORS`.
      image_shape: of one example, see `evaluators_for`.

    Raises:
      ValueError: for an evaluator of geomdl that turns or shifts images, of data that are none.

    >>> evaluator_named("shift", (16, 16, 16, 1))
    Traceback (most recent call last):
    ValueError: invalid evaluator 'shift'; allowed: evaluators of volumes (metrics, turns, ...), as the data are
    16×16×16×1; try metrics
    """
    evaluator = EVALUATORS[name]()
    if type(evaluator).__module__.startswith("geomdl.") and not _suits(evaluator, image_shape):
        which = {2: "point clouds", 4: "volumes"}.get(len(image_shape), "images")
        fitting = ", ".join(n for n in EVALUATORS.registered if _suits(EVALUATORS[n](), image_shape))
        size = "×".join(map(str, image_shape))
        allowed = f"evaluators of {which} ({fitting}), as the data are {size}"
        raise invalid("evaluator", name, allowed, "metrics")
    return evaluator


def with_irreps(evaluator: Evaluator, irreps: str) -> Evaluator:
    """Returns the evaluator for clouds whose features have irreps, where it moves clouds.

    Args:
      evaluator: any evaluator.
      irreps: of the features; empty: all are scalars.

    >>> with_irreps(CubeSweep(), "1x1o").irreps
    '1x1o'
    """
    fields = [f.name for f in dataclasses.fields(evaluator)] if dataclasses.is_dataclass(evaluator) else []
    if "irreps" not in fields or not irreps:
        return evaluator
    return dataclasses.replace(evaluator, irreps=irreps)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _suits(evaluator: Any, image_shape: Sequence[int]) -> bool:
    if len(image_shape) in (2, 4):
        return getattr(evaluator, "suits_clouds" if len(image_shape) == 2 else "suits_volumes", False)
    return getattr(evaluator, "suits_images", True)


def with_batch_size(evaluator: Evaluator, batch_size: int) -> Evaluator:
    """Returns the evaluator with another batch size, where it has one.

    Args:
      evaluator: any evaluator.
      batch_size: images in a batch.

    >>> with_batch_size(RotationSweep(), 32).batch_size
    32
    """
    fields = [f.name for f in dataclasses.fields(evaluator)] if dataclasses.is_dataclass(evaluator) else []
    if "batch_size" not in fields:
        return evaluator
    return dataclasses.replace(evaluator, batch_size=batch_size)  # pyright: ignore[reportArgumentType, reportCallIssue]


__all__ = [
    "COCO",
    "EVALUATORS",
    "AxisRotation",
    "AxisSweep",
    "BoxConsistency",
    "BoxPrecision",
    "CubeSweep",
    "Evaluator",
    "FoundBoxes",
    "Gathered",
    "InvarianceError",
    "Metrics",
    "Neighbours",
    "OrbitAverage",
    "Predict",
    "Retrieval",
    "RotationConsistency",
    "RotationSweep",
    "ShiftSweep",
    "TenCrop",
    "axis_sweep",
    "box_consistency",
    "cloud_sweep",
    "coco_metrics",
    "confusion_matrix",
    "cube_sweep",
    "detection_confusion",
    "detects",
    "evaluator_named",
    "evaluators_for",
    "found_boxes",
    "invariance_error",
    "mean_metrics",
    "nearest_neighbours",
    "on_grid",
    "orbit_average",
    "predictor",
    "retrieval_metrics",
    "rotated_images",
    "rotation_consistency",
    "rotation_sweep",
    "shift_sweep",
    "sliding_window",
    "ten_crop",
    "with_batch_size",
    "with_irreps",
]

__experimental__ = [
    "COCO", "AxisRotation", "AxisSweep", "BoxConsistency", "BoxPrecision", "CubeSweep", "FoundBoxes", "Gathered",
    "Neighbours", "OrbitAverage", "Retrieval", "TenCrop", "axis_sweep", "box_consistency", "cloud_sweep",
    "coco_metrics", "confusion_matrix", "cube_sweep", "detection_confusion", "detects", "evaluator_named",
    "evaluators_for", "found_boxes", "nearest_neighbours", "on_grid", "orbit_average", "retrieval_metrics",
    "rotated_images", "ten_crop", "with_batch_size", "with_irreps",
]  # fmt: skip
