"""Consistency of detection under rotation: the boxes of a turned image against the turned boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.data import Split
from geomdl.errors import invalid
from geomdl.evaluators.detections import decoded, detects, require_detection
from geomdl.evaluators.metrics import batches_of
from geomdl.evaluators.predict import Predict
from geomdl.evaluators.transformations import Rotation, finite_angles
from geomdl.tasks import Task
from geomdl.tasks.average_precision import box_overlaps

Rows = list[dict[str, float]]


def box_consistency(
    predict: Predict, split: Split, task: Task, degrees: Sequence[float], *, least: float = 0.3, batch_size: int = 64
) -> Rows:
    """Compares the boxes of rotated images, f(T_θ x), with the rotated boxes of the images, T_θ f(x), as sets.

    No labels are used. Boxes of one class are paired one to one, so that the sum of their overlaps is greatest (the
    order of boxes does not matter); pairs with an overlap of 0.5 or less are none. Where θ maps pixels to pixels, an
    equivariant detector gives the same set. Elsewhere images are resampled, and boxes along the axes become those
    around what they were: then no detector agrees everywhere, and oriented boxes are what to compare.

    Args:
      predict: images → outputs.
      split: upright images.
      task: of detection.
      degrees: angles θ, counter-clockwise.
      least: boxes of smaller scores in both sets are left out.
      batch_size: images per batch.

    Returns:
      One row ``{"angle", "agreement", "iou", "pixels"}`` per angle: twice the number of pairs over the number of boxes
      in both sets (1 where both are empty); the mean overlap of the pairs; the greatest difference of two coordinates
      of the corners (of oriented boxes: of the centres) in a pair, in pixels. The latter two are NaN without a pair.

    Raises:
      ValueError: for another task.

    >>> from geomdl.data import BoxTarget, pack_boxes
    >>> from geomdl.tasks import Detection
    >>> class Said(Detection):  # of a network whose outputs are detections
    ...     def predictions(self, outputs):
    ...         return outputs
    >>> def predict(images):  # the upper half, whatever the image is
    ...     boxes = jnp.broadcast_to(jnp.array([0.0, 0.0, 16.0, 8.0]), (len(images), 1, 4))
    ...     return {"boxes": boxes, "scores": boxes[..., 2] / 16, "classes": jnp.zeros(boxes.shape[:2], int)}
    >>> split = Split(np.ones((2, 16, 16, 1), np.float32), pack_boxes([[], []], [[], []]))
    >>> rows = box_consistency(predict, split, Said(("cell",), BoxTarget(1)), [0.0, 180.0])
    >>> [row["agreement"] for row in rows]
    [1.0, 0.0]
    """
    require_detection(task, "box_consistency")
    degrees = finite_angles(degrees)
    kind = task.target_kinds["label"]
    batches = list(batches_of(split, task, batch_size))
    upright = [decoded(predict(batch["image"]), task=task) for batch in batches]
    rows = []
    for angle in degrees:
        pairs, boxes, overlaps, apart = 0, 0, 0.0, 0.0
        for batch, reference in zip(batches, upright, strict=True):
            turn, size = Rotation(angle), (batch["image"].shape[1], batch["image"].shape[2])
            hidden = jnp.zeros(reference["classes"].shape, bool)
            targets = {"boxes": reference["boxes"], "classes": reference["classes"], "difficult": hidden}
            expected = kind.moved(targets, turn, size)  # pyrefly: ignore[bad-argument-type]
            found = decoded(predict(turn.images(batch["image"])), task=task)
            tables = np.asarray(_alike(found["boxes"], found["classes"], expected["boxes"], expected["classes"]))
            here, sure = np.asarray(expected["classes"]) >= 0, np.asarray(reference["scores"]) >= least
            there = (np.asarray(found["classes"]) >= 0) & (np.asarray(found["scores"]) >= least)
            for i in np.flatnonzero(np.asarray(batch["mask"]) > 0):
                first, second = np.flatnonzero(there[i]), np.flatnonzero(here[i] & sure[i])
                boxes += len(first) + len(second)
                for d, g, overlap in paired(tables[i][np.ix_(first, second)]):
                    numbers = slice(0, 4 if found["boxes"].shape[-1] == 4 else 2)
                    one = np.asarray(found["boxes"][i, first[d], numbers])
                    other = np.asarray(expected["boxes"][i, second[g], numbers])
                    apart = max(apart, float(np.abs(one - other).max()))
                    pairs, overlaps = pairs + 1, overlaps + overlap
        nothing = float("nan")
        rows.append({
            "angle": float(angle),
            "agreement": 2 * pairs / boxes if boxes else 1.0,
            "iou": overlaps / pairs if pairs else nothing,
            "pixels": apart if pairs else nothing,
        })  # fmt: skip
    return rows


def paired(overlaps: np.ndarray, threshold: float = 0.5) -> list[tuple[int, int, float]]:
    """Rows and columns of a table of overlaps, one to one with the greatest sum, with those above a threshold kept.

    >>> paired(np.array([[0.9, 0.8], [0.8, 0.1]]))
    [(0, 1, 0.8), (1, 0, 0.8)]
    """
    from scipy.optimize import linear_sum_assignment

    counted = np.where(overlaps > threshold, overlaps, 0.0)
    rows, columns = linear_sum_assignment(-counted)
    return [(int(i), int(j), float(counted[i, j])) for i, j in zip(rows, columns, strict=True) if counted[i, j]]


@jax.jit
def _alike(boxes: jax.Array, classes: jax.Array, others: jax.Array, kinds: jax.Array) -> jax.Array:
    """The overlaps of boxes of one class, 0 for others."""
    return jnp.where(classes[:, :, None] == kinds[:, None, :], box_overlaps(boxes, others), 0.0)


@dataclass(frozen=True)
class BoxConsistency:
    """The evaluator of how well detection commutes with rotation, see `box_consistency`.

    Args:
      step: degrees between the angles, from ``step`` up to below 360; quarter turns by default, which are exact on
        square images.
      least: boxes of smaller scores are left out.
      batch_size: images per batch.

    Raises:
      ValueError: for a step that is not in (0, 360), or a score that is not in [0, 1].

    >>> rows = [{"angle": 90.0, "agreement": 1.0, "iou": 0.9, "pixels": 0.5}]
    >>> rows.append({"angle": 180.0, "agreement": 0.5, "iou": 0.7, "pixels": 2.0})
    >>> [(name[16:], round(value, 2)) for name, value in BoxConsistency(step=90).summary(rows).items()]
    [('mean', 0.75), ('worst', 0.5), ('iou', 0.8), ('pixels', 2.0)]
    """

    step: float = 90.0
    least: float = 0.3
    batch_size: int = 64

    def __post_init__(self) -> None:
        if not 0 < self.step < 360:
            raise invalid("step", self.step, "degrees in (0, 360)", 90.0)
        if not 0 <= self.least <= 1:
            raise invalid("least", self.least, "a score from 0 to 1", 0.3)

    def rows(self, predict: Predict, split: Split, task: Task) -> Rows:
        """Returns one row per angle, see `box_consistency`."""
        height, width = split.images.shape[1:3]
        degrees = np.arange(self.step, 360 - 1e-9, self.step).tolist()
        degrees = [d for d in degrees if height == width or d % 180 != 90]  # a quarter turn would turn the frame
        return box_consistency(predict, split, task, degrees, least=self.least, batch_size=self.batch_size)

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns ``box_consistency/mean`` and ``box_consistency/worst`` (agreements), and ``box_consistency/iou``."""
        return self.summary(self.rows(predict, split, task), task)

    def suits(self, task: Task) -> bool:
        """Whether the predictions of a task are boxes."""
        return detects(task)

    def summary(self, rows: Rows, task: Task | None = None) -> dict[str, float]:
        """Returns the numbers of `__call__` from the rows; the task does not matter."""
        agreements = [row["agreement"] for row in rows]
        overlaps = [row["iou"] for row in rows if not np.isnan(row["iou"])]
        found = {"box_consistency/mean": float(np.mean(agreements)), "box_consistency/worst": min(agreements)}
        if overlaps:
            found |= {"box_consistency/iou": float(np.mean(overlaps))}
            found |= {"box_consistency/pixels": max(row["pixels"] for row in rows if not np.isnan(row["pixels"]))}
        return found
