"""The boxes that a detector finds in the images of a split, beside those that are there."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from geomdl.data import Split
from geomdl.errors import invalid
from geomdl.evaluators.metrics import batches_of
from geomdl.evaluators.predict import Predict
from geomdl.numbers import whole_number
from geomdl.tasks import Task, match_detections
from geomdl.tasks.average_precision import RIGHT, box_overlaps

BOX_KINDS = ("boxes", "oriented_boxes")
"""The kinds of targets that are boxes."""


def detects(task: Task) -> bool:
    """Whether the predictions of a task are boxes.

    Args:
      task: of any kind.

    >>> from geomdl.tasks import Classification
    >>> detects(Classification(num_classes=2))
    False
    """
    return task.target_kinds["label"].name in BOX_KINDS


def require_detection(task: Task, evaluator: str) -> None:
    """Raises ValueError unless the predictions of a task are boxes."""
    if not detects(task):
        raise invalid("evaluator", evaluator, "evaluators of other tasks than detection", "metrics")


@dataclass(frozen=True, eq=False)
class FoundBoxes:
    """What a detector finds in images, and what is there, as arrays of NumPy, in the order of the images.

    Attributes:
      found: ``boxes`` [n, k, 4 or 5], ``scores`` [n, k], ``classes`` [n, k]: −1 for padding.
      there: ``boxes`` [n, m, 4 or 5], ``classes`` [n, m]: −1 for padding, ``difficult`` [n, m].
      classes: the names.

    >>> zero = np.zeros((1, 1, 4))
    >>> found = {"boxes": zero, "scores": np.ones((1, 1)), "classes": np.zeros((1, 1), int)}
    >>> len(FoundBoxes(found, {"boxes": zero, "classes": -np.ones((1, 1), int)}, ("cell",)))
    1
    """

    found: Mapping[str, np.ndarray]
    there: Mapping[str, np.ndarray]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.found["classes"])

    def detections(self, image: int, least: float = 0.0) -> dict[str, np.ndarray]:
        """Those of one image with a score of at least so much, without padding.

        Args:
          image: its number.
          least: of the scores.
        """
        kept = (self.found["classes"][image] >= 0) & (self.found["scores"][image] >= least)
        return {name: values[image][kept] for name, values in self.found.items()}

    def objects(self, image: int) -> dict[str, np.ndarray]:
        """Those of one image, without padding.

        Args:
          image: its number.
        """
        kept = self.there["classes"][image] >= 0
        return {name: values[image][kept] for name, values in self.there.items()}

    def right(self, *, least: float = 0.0, threshold: float = 0.5) -> np.ndarray:
        """What each detection is, [n, k]: 1 right, 0 wrong, −1 for what does not count; see `match_detections`.

        Args:
          least: of the scores; others do not count.
          threshold: of the overlap.
        """
        found = np.where(self.found["scores"] >= least, self.found["classes"], -1)
        return np.asarray(_right({**self.found, "classes": found}, {**self.there}, threshold=float(threshold)))

    def errors(self, *, least: float = 0.5, threshold: float = 0.5) -> np.ndarray:
        """How many mistakes there are in each image, [n]: wrong detections, and objects that are not found.

        Difficult objects are no mistakes.

        Args:
          least: of the scores; others are no detections.
          threshold: of the overlap.
        """
        right = self.right(least=least, threshold=threshold)
        objects = ((self.there["classes"] >= 0) & ~self.there["difficult"].astype(bool)).sum(1)
        return (right == 0).sum(1) + objects - (right == RIGHT).sum(1)

    def worst(self, count: int = 8, *, least: float = 0.5) -> list[int]:
        """The images with the most mistakes (see `errors`), from the worst on; those without any are left out.

        Args:
          count: how many.
          least: of the scores.
        """
        errors = self.errors(least=least)
        order = np.argsort(-errors, kind="stable")[: whole_number("count", count)]
        return [int(i) for i in order if errors[i]]


def found_boxes(predict: Predict, split: Split, task: Task, *, batch_size: int = 64) -> FoundBoxes:
    """Runs a detector over a split.

    Args:
      predict: images → outputs.
      split: images with their boxes.
      task: of detection: makes boxes of outputs.
      batch_size: images per batch.

    Raises:
      ValueError: for another task.

    >>> from geomdl.data import BoxTarget, pack_boxes
    >>> from geomdl.tasks import Detection
    >>> class Said(Detection):  # of a network whose outputs are detections
    ...     def predictions(self, outputs):
    ...         return outputs
    >>> def predict(images):
    ...     n = len(images)
    ...     return {"boxes": jnp.ones((n, 3, 4)), "scores": jnp.ones((n, 3)), "classes": jnp.zeros((n, 3), int)}
    >>> split = Split(np.ones((2, 16, 16, 1), np.float32), pack_boxes([[], [[2, 2, 9, 9]]], [[], [0]]))
    >>> found = found_boxes(predict, split, Said(("cell",), BoxTarget(1)))
    >>> found.found["boxes"].shape, found.objects(1)["boxes"].tolist()
    ((2, 3, 4), [[2.0, 2.0, 9.0, 9.0]])
    """
    require_detection(task, "found_boxes")
    parts = list(_batches(predict, split, task, batch_size))
    found, there = (
        {name: np.concatenate([np.asarray(part[i][name]) for part in parts]) for name in parts[0][i]} for i in range(2)
    )
    return FoundBoxes(found, there, tuple(getattr(task, "classes", ())))


def _batches(predict: Predict, split: Split, task: Task, batch_size: int) -> Iterator[tuple[Any, Any]]:
    for batch in batches_of(split, task, batch_size):
        kept = np.asarray(batch["mask"]) > 0
        found = decoded(predict(batch["image"]), task=task)
        yield jax.tree.map(lambda values, kept=kept: np.asarray(values)[kept], (dict(found), dict(batch["label"])))


@functools.partial(jax.jit, static_argnames="task")
def decoded(outputs: Any, *, task: Task) -> dict[str, Array]:
    """The predictions of a task, compiled."""
    return task.predictions(outputs)


@functools.partial(jax.jit, static_argnames="threshold")
def _right(found: Mapping[str, Array], there: Mapping[str, Array], *, threshold: float) -> Array:
    overlaps = box_overlaps(jnp.asarray(found["boxes"]), jnp.asarray(there["boxes"]))
    classes, difficult = there["classes"], there["difficult"].astype(bool)
    return match_detections(overlaps, found["scores"], found["classes"], classes, difficult, threshold=threshold)


def detection_confusion(found: FoundBoxes, *, least: float = 0.5, threshold: float = 0.5) -> np.ndarray:
    """Counts which objects (row) are found as what (column); the last row and column are the background.

    Detections are assigned to objects whatever their classes, the greatest overlaps first, each to one. What is left
    over is in the last row (found, but not there) or column (there, but not found). Difficult objects that are not
    found, and what is found on them, do not count.

    Args:
      found: see `found_boxes`.
      least: of the scores; others are no detections.
      threshold: of the overlap, which must be greater.

    Returns:
      ``[classes + 1, classes + 1]`` whole numbers.

    >>> boxes = np.array([[[0.0, 0.0, 4.0, 4.0], [4.0, 4.0, 8.0, 8.0]]])
    >>> there = {"boxes": boxes, "classes": np.array([[0, 1]]), "difficult": np.zeros((1, 2), bool)}
    >>> found = {"boxes": boxes[:, :1], "scores": np.ones((1, 1)), "classes": np.array([[1]])}
    >>> detection_confusion(FoundBoxes(found, there, ("cat", "dog")))
    array([[0, 1, 0],
           [0, 0, 1],
           [0, 0, 0]])
    """
    count = len(found.classes)
    counts = np.zeros((count + 1, count + 1), np.int64)
    overlaps = np.asarray(_overlaps(found.found["boxes"], found.there["boxes"]))
    detected = (found.found["classes"] >= 0) & (found.found["scores"] >= least)
    present = found.there["classes"] >= 0
    for i, table in enumerate(overlaps):
        table = np.where(detected[i][:, None] & present[i][None, :], table, 0.0)
        free_d, free_g = detected[i].copy(), present[i].copy()
        for place in np.argsort(-table, axis=None, kind="stable"):
            d, g = np.unravel_index(place, table.shape)
            if not table[d, g] > threshold:
                break
            if free_d[d] and free_g[g]:
                free_d[d] = free_g[g] = False
                if not found.there["difficult"][i, g]:
                    counts[found.there["classes"][i, g], found.found["classes"][i, d]] += 1
        missed = free_g & ~found.there["difficult"][i].astype(bool)
        np.add.at(counts, (found.there["classes"][i][missed], count), 1)
        np.add.at(counts, (count, found.found["classes"][i][free_d]), 1)
    return counts


@jax.jit
def _overlaps(first: Array, second: Array) -> Array:
    return box_overlaps(jnp.asarray(first), jnp.asarray(second))
