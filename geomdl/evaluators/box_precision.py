"""Average precision of detections as Pascal VOC, DOTA and COCO define it."""

import contextlib
import importlib.util
import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from geomdl.data import Split
from geomdl.errors import invalid
from geomdl.evaluators.detections import FoundBoxes, detects, found_boxes, require_detection
from geomdl.evaluators.metrics import batches_of
from geomdl.evaluators.predict import Predict
from geomdl.tasks import AveragePrecision, Task, accumulate

_COCO = (
    "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium",
    "ar_large",
)  # fmt: skip
"""The twelve numbers of COCO, in their order."""


@dataclass(frozen=True)
class BoxPrecision:
    """The evaluator of average precision at one overlap, see `geomdl.tasks.AveragePrecision`.

    ``"voc2007"`` takes 11 points of the curve and ``"voc2010"`` the area under it, for boxes and oriented boxes;
    ``"dota"`` takes 11 points, as task 1 of DOTA does, for oriented boxes only, whose overlap is that of polygons.

    Args:
      name: the first part of the names of the numbers: ``"voc2007/map50"``.
      points: of the curve: 11, 101, or None for the area.
      threshold: an overlap must be greater.
      oriented: suits oriented boxes only.
      batch_size: images per batch.

    >>> from geomdl.data import BoxTarget
    >>> from geomdl.tasks import Classification, Detection
    >>> upright, turned = (Detection(("cell",), BoxTarget(1, kind)) for kind in (False, True))
    >>> dota = BoxPrecision("dota", points=11, oriented=True)
    >>> dota.suits(upright), dota.suits(turned), BoxPrecision().suits(Classification(num_classes=2))
    (False, True, False)
    """

    name: str = "voc2010"
    points: int | None = None
    threshold: float = 0.5
    oriented: bool = False
    batch_size: int = 64

    def suits(self, task: Task) -> bool:
        """Whether the predictions of a task are such boxes."""
        return detects(task) and (not self.oriented or task.target_kinds["label"].name == "oriented_boxes")

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns ``NAME/map50`` and, of each class that is there, ``NAME/ap50/<class>``."""
        if not self.suits(task):
            require_detection(task, self.name)
            raise invalid("evaluator", self.name, "evaluators of other tasks than oriented boxes", "voc2007")
        measure = AveragePrecision(task.predictions, _classes(task), self.threshold, self.points)
        found = accumulate(predict, batches_of(split, task, self.batch_size), (measure,))
        return {f"{self.name}/{key}": value for key, value in found.items()}


@dataclass(frozen=True)
class COCO:
    """The evaluator of the twelve numbers of COCO, by the package ``faster-coco-eval`` (the extra ``coco``).

    ``coco/ap`` is the mean of the average precision over the overlaps 0.5, 0.55, …, 0.95 and the classes; ``ap50`` and
    ``ap75`` are those of one overlap; small, medium and large are objects of less than 32², up to 96², and more square
    pixels, of the images as the network gets them. ``ar_100`` is the average recall with 100 detections per image.
    What is −1 (no such object) is left out. Difficult objects are taken as COCO's crowds.

    Args:
      batch_size: images per batch.

    >>> from geomdl.tasks import Classification
    >>> COCO().suits(Classification(num_classes=2))
    False
    """

    batch_size: int = 64

    def suits(self, task: Task) -> bool:
        """Whether the predictions of a task are boxes along the axes, and the package is there."""
        return self._takes(task) and importlib.util.find_spec("faster_coco_eval") is not None

    def _takes(self, task: Task) -> bool:
        return detects(task) and task.target_kinds["label"].name == "boxes"

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns ``coco/ap``, ``coco/ap50``, … as far as they are defined."""
        if not self._takes(task):
            instead = "dota" if detects(task) else "metrics"
            raise invalid("evaluator", "coco", "evaluators of other tasks than boxes along the axes", instead)
        found = coco_metrics(found_boxes(predict, split, task, batch_size=self.batch_size))
        return {f"coco/{name}": value for name, value in found.items()}


def coco_metrics(found: FoundBoxes) -> dict[str, float]:
    """The numbers of COCO that are defined, of boxes ``[n, k, 4]``; see `COCO`.

    Args:
      found: what is found and what is there.

    Raises:
      ValueError: for oriented boxes.
      ImportError: faster-coco-eval is not installed.

    >>> turned = {"boxes": np.zeros((1, 1, 5)), "classes": np.zeros((1, 1), int)}
    >>> coco_metrics(FoundBoxes({**turned, "scores": np.ones((1, 1))}, turned, ("cell",)))
    Traceback (most recent call last):
    ...
    ValueError: invalid boxes 'oriented'; allowed: boxes along the axes: COCO has no oriented ones
    """
    if found.there["boxes"].shape[-1] != 4:
        raise invalid("boxes", "oriented", "boxes along the axes: COCO has no oriented ones")
    try:
        from faster_coco_eval import COCO as Annotations  # pyrefly: ignore[missing-import]
        from faster_coco_eval import COCOeval_faster  # pyrefly: ignore[missing-import]
    except ImportError as error:
        raise ImportError("the numbers of COCO need faster-coco-eval: pip install 'geomdl[coco]'") from error
    truth, detections = Annotations(), _entries(found.found)
    objects = _entries(found.there)
    truth.dataset = {
        "images": [{"id": i + 1} for i in range(len(found))],
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(found.classes)],
        "annotations": objects,
    }
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        truth.createIndex()
        result = truth.loadRes(detections) if detections else _nothing(truth, Annotations())
        evaluation = COCOeval_faster(truth, result, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    numbers = zip(_COCO, np.asarray(evaluation.stats, np.float64)[: len(_COCO)].tolist(), strict=True)
    return {name: value for name, value in numbers if value >= 0}


def _nothing(truth: Any, empty: Any) -> Any:
    """A result without a detection."""
    empty.dataset = {**truth.dataset, "annotations": []}
    empty.createIndex()
    return empty


def _entries(boxes: Any) -> list[dict[str, Any]]:
    """What is no padding, as entries of COCO's JSON."""
    entries = []
    for i, k in np.argwhere(boxes["classes"] >= 0):
        x0, y0, x1, y1 = boxes["boxes"][i, k].astype(np.float64).tolist()
        entry: dict[str, Any] = {
            "id": len(entries) + 1, "image_id": int(i) + 1, "category_id": int(boxes["classes"][i, k]) + 1,
            "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0), "iscrowd": 0,
        }  # fmt: skip
        if "scores" in boxes:
            entry["score"] = float(boxes["scores"][i, k])
        if "difficult" in boxes:
            entry["iscrowd"] = int(boxes["difficult"][i, k])
        entries.append(entry)
    return entries


def _classes(task: Task) -> tuple[str, ...]:
    return tuple(getattr(task, "classes", ()))
