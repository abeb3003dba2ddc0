"""Detection: boxes with classes and scores."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array

from geomdl.actions import OutputLaw
from geomdl.boxes.suppression import nms, soft_nms
from geomdl.data import Dataset, TargetKind
from geomdl.errors import invalid, unknown
from geomdl.models.detection.encodings.outputs import DetectorOutputs, Losses, Targets
from geomdl.tasks.task import Accumulator, Batch, Totals, shape_of, wrong_labels

Suppression = Literal["nms", "diou", "soft"]
PARTS = ("class_loss", "box_loss", "objectness_loss")


@dataclass(frozen=True)
class Detection:
    """The task of detection: every object of an image has a box, a class and a score.

    What the numbers of a network mean, what they should be and which boxes they are is said by the encoding that comes
    with them (`geomdl.models.DetectorOutputs`); so one task trains every detector. The loss of a batch is

      Σ (w_c classes + w_b boxes + w_o objectness) / Σ count,   sums over its images,

    with the parts and the count (of places that learn a box; of images, for YOLO) that the encoding says. ``loss``,
    ``class_loss``, ``box_loss`` and ``objectness_loss`` of a split are the same ratios of sums over the split.

    Predictions are the ``candidates`` boxes of the highest scores, of which suppression keeps ``detections``: arrays of
    fixed size, by falling score, whose unused rows have class −1. Each box has one class for each row; it may be there
    once for each of several classes. ``map50`` is the mean over the classes of the area under the precision–recall
    curve at IoU 0.5.

    Args:
      classes: the names of the classes.
      kind: the kind of the targets.
      weights: (w_c, w_b, w_o).
      threshold: boxes of lower scores are none.
      candidates: how many boxes of the highest scores go into suppression.
      detections: how many boxes are given.
      suppression: ``"nms"``, ``"diou"`` (see `geomdl.boxes.nms`) or ``"soft"`` (`geomdl.boxes.soft_nms`).
      overlap: the IoU above which the worse of two boxes of a class is suppressed.
      learn_difficult: whether boxes marked as difficult are learnt; otherwise they are neither learnt nor background.

    Raises:
      ValueError: for a value out of range.

    >>> from geomdl.data import BoxTarget
    >>> task = Detection(("cat", "dog"), BoxTarget(2), suppression="soft")
    >>> task.outputs, task.headline, task.greater_is_better("map50"), task.greater_is_better("box_loss")
    (2, 'map50', True, False)
    """

    classes: tuple[str, ...]
    kind: TargetKind
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    threshold: float = 0.05
    candidates: int = 200
    detections: int = 100
    suppression: Suppression = "nms"
    overlap: float = 0.5
    learn_difficult: bool = False

    @property
    def outputs(self) -> int:
        """The number of classes."""
        return len(self.classes)

    @property
    def target_kinds(self) -> Mapping[str, TargetKind]:
        """Boxes, which move with their image."""
        return {"label": self.kind}

    @property
    def law(self) -> OutputLaw:
        """The set of detections moves with the image."""
        return OutputLaw("detections")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what `summary` gives."""
        return ("loss", *PARTS)

    @property
    def accumulators(self) -> tuple[Accumulator, ...]:
        """Average precision, which is no sum."""
        from geomdl.tasks.average_precision import AveragePrecision

        return (AveragePrecision(self.predictions, self.classes),)

    @property
    def headline(self) -> str:
        """The mean average precision at IoU 0.5."""
        return "map50"

    def greater_is_better(self, metric: str) -> bool:
        """Of none of the losses."""
        return metric not in self.metrics

    def predictions(self, outputs: DetectorOutputs) -> dict[str, Array]:
        """Returns ``boxes`` ``[batch, detections, 4 or 5]``, ``scores`` and ``classes`` ``[batch, detections]``.

        Args:
          outputs: of a detector.
        """
        encoding = _encoding(outputs)
        boxes, scores = encoding.candidates(outputs.levels)
        height, width = encoding.image_size
        centre = jnp.array([width / 2, height / 2], jnp.float32)
        return jax.vmap(functools.partial(self._of_one, centre=centre))(boxes, scores)

    def _of_one(self, boxes: Array, scores: Array, *, centre: Array) -> dict[str, Array]:
        """The detections of one image, from boxes ``[n, 4 or 5]`` and scores ``[n, classes]``."""
        passing = jnp.where(scores >= self.threshold, scores, -jnp.inf).reshape(-1)
        best, place = jax.lax.top_k(passing, min(self.candidates, passing.size))
        boxes, classes = boxes[place // scores.shape[-1]], (place % scores.shape[-1]).astype(jnp.int32)
        classes = jnp.where(best > -jnp.inf, classes, -1)
        oriented = boxes.shape[-1] == 5
        options = {"max_outputs": self.detections, "overlap": "oriented" if oriented else "iou", "centre": centre}
        if self.suppression == "soft":
            kept, left = soft_nms(boxes, best, classes, least=self.threshold, **options)
        else:
            if self.suppression == "diou" and not oriented:
                options["overlap"] = "diou"
            kept = nms(boxes, best, classes, threshold=self.overlap, **options)
            left = best[kept]
        there = kept >= 0
        return {
            "boxes": jnp.where(there[:, None], boxes[kept], 0),
            "scores": jnp.where(there, left, 0),
            "classes": jnp.where(there, classes[kept], -1),
        }

    def losses(self, outputs: DetectorOutputs, batch: Batch) -> Losses:
        """Returns the weighted parts of the loss of every image; 0 for padding.

        Args:
          outputs: of a detector.
          batch: with ``label`` and, where it was padded, ``mask``.
        """
        encoding = _encoding(outputs)
        label = batch["label"]
        targets = Targets(
            jnp.asarray(label["boxes"]).astype(jnp.float32),
            jnp.asarray(label["classes"]).astype(jnp.int32),
            jnp.asarray(label["difficult"]).astype(bool) & (not self.learn_difficult),
        )
        found = encoding.losses(outputs.levels, targets)
        weighted = Losses(*(w * part for w, part in zip(self.weights, found[:3], strict=True)), count=found.count)
        if "mask" not in batch:
            return weighted
        return Losses(*(jnp.where(batch["mask"] > 0, part, 0) for part in weighted))

    def loss(self, outputs: DetectorOutputs, batch: Batch) -> tuple[Array, Totals]:
        """Returns the loss of the batch, and what a step adds to the training totals."""
        totals = self.sums(outputs, batch)
        return sum(totals[part] for part in PARTS) / jnp.maximum(totals["count"], 1), totals  # type: ignore[return-value]

    def sums(self, outputs: DetectorOutputs, batch: Batch) -> Totals:
        """Returns the sum of every part over the real images of the batch, of all parts, and of the counts."""
        found = self.losses(outputs, batch)
        sums = dict(zip((*PARTS, "count"), (part.sum() for part in found), strict=True))
        return {"loss": sum(sums[part] for part in PARTS), **sums}  # type: ignore[dict-item]

    def no_totals(self) -> Totals:
        """Returns a zero for every part, and the count."""
        return {name: jnp.zeros((), jnp.float32) for name in ("loss", *PARTS, "count")}

    def summary(self, totals: Mapping[str, Any], count: float) -> dict[str, float]:
        """Returns every part divided by the sum of the counts, and their sum."""
        parts = {name: float(totals[name]) / max(float(totals["count"]), 1.0) for name in PARTS}
        return {"loss": sum(parts.values()), **parts}


def _encoding(outputs: Any) -> Any:
    """That of a detector's outputs; ValueError for something else."""
    if not isinstance(outputs, DetectorOutputs):
        allowed = "geomdl.models.DetectorOutputs, as detectors give them (model.name='fcos')"
        raise invalid("the model's output for detection", shape_of(outputs), allowed)
    return outputs.encoding


@dataclass(frozen=True)
class DetectionConfig:
    """The ``task`` section of a run that detects objects.

    Args:
      class_weight: of the loss of the classes.
      box_weight: of the loss of the boxes.
      objectness_weight: of the loss of centre-ness or confidence.
      threshold: see `Detection`.
      candidates: see `Detection`.
      detections: see `Detection`.
      suppression: ``"nms"``, ``"diou"`` or ``"soft"``.
      overlap: see `Detection`.
      learn_difficult: see `Detection`.

    Raises:
      ValueError: for a value out of range.

    >>> DetectionConfig(suppression="softt")
    Traceback (most recent call last):
    ...
    ValueError: unknown task.suppression 'softt'; allowed: nms, diou, soft; did you mean 'soft'?
    """

    kinds: ClassVar[tuple[str, ...]] = ("boxes", "oriented_boxes")
    monitors: ClassVar[tuple[str, ...]] = ("loss", *PARTS, "map50")

    class_weight: float = 1.0
    box_weight: float = 1.0
    objectness_weight: float = 1.0
    threshold: float = 0.05
    candidates: int = 200
    detections: int = 100
    suppression: str = "nms"
    overlap: float = 0.5
    learn_difficult: bool = False

    def __post_init__(self) -> None:
        for name in ("class_weight", "box_weight", "objectness_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise invalid(f"task.{name}", getattr(self, name), "a number ≥ 0", 1.0)
        for name in ("threshold", "overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise invalid(f"task.{name}", getattr(self, name), "a number from 0 to 1", 0.5)
        for name in ("candidates", "detections"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise invalid(f"task.{name}", getattr(self, name), "a positive whole number", 100)
        if self.suppression not in get_args(Suppression):
            raise unknown("task.suppression", self.suppression, get_args(Suppression))

    def for_dataset(self, dataset: Dataset) -> Detection:
        """Returns the task for the boxes of a data set.

        Raises:
          ValueError: when its labels are no boxes.
        """
        if dataset.label_kind not in self.kinds:
            raise wrong_labels("detection", dataset)
        return Detection(
            dataset.classes,
            dataset.target_kinds["label"],
            (self.class_weight, self.box_weight, self.objectness_weight),
            self.threshold,
            self.candidates,
            self.detections,
            self.suppression,  # type: ignore[arg-type]
            self.overlap,
            self.learn_difficult,
        )
