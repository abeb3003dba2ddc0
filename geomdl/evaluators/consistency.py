"""Consistency of segmentation under rotation: the label map of a turned image against the turned label map."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from geomdl.data import IGNORED, Split
from geomdl.errors import invalid
from geomdl.evaluators.metrics import batches_of
from geomdl.evaluators.predict import Predict
from geomdl.evaluators.transformations import finite_angles, rotated_images, rotated_maps
from geomdl.tasks import Segmentation, Task
from geomdl.tasks.overlap import overlap, pixel_counts

Rows = list[dict[str, float]]


def rotation_consistency(
    predict: Predict, split: Split, task: Task, degrees: Sequence[float], *, batch_size: int = 256
) -> Rows:
    """Compares the segmentation of rotated images, rotated back, T_θ⁻¹ f(T_θ x), with that of the images, f(x).

    No labels are used. Where θ maps pixels to pixels, T_θ is exact, and an equivariant network agrees everywhere.
    Elsewhere images are resampled by cubic splines and label maps by nearest pixels, and only the largest disc about
    the centre is compared; then no network agrees everywhere.

    Args:
      predict: images → outputs.
      split: upright images.
      task: segmentation, whose predictions are label maps.
      degrees: angles θ, counter-clockwise.
      batch_size: images per batch.

    Returns:
      One row ``{"angle", "agreement", "iou"}`` per angle: the share of pixels with the same class, and the IoU of the
      two segmentations over the whole split, mean over the classes that are in one of them.

    Raises:
      ValueError: for another task.
    """
    if not isinstance(task, Segmentation):
        raise invalid("evaluator", "consistency", "evaluators of other tasks than segmentation", "rotation")
    degrees = finite_angles(degrees)
    batches = list(batches_of(split, task, batch_size))
    upright = [(task.predictions(predict(batch["image"])), batch["mask"]) for batch in batches]
    rows = []
    for angle in degrees:
        counts = []
        for batch, (reference, mask) in zip(batches, upright, strict=True):
            moved = task.predictions(predict(rotated_images(batch["image"], angle)))
            counts.append(_agreement(rotated_maps(moved, -angle), reference, mask, num_classes=len(task.classes)))
        sums = jax.tree.map(lambda *parts: np.sum(parts, axis=0, dtype=np.float64), *jax.device_get(counts))
        compared = sums["labelled"].sum()
        if not compared:
            raise invalid("images", f"of which no pixel is compared at {angle:g}°", "larger ones")
        agreement, iou = float(sums["both"].sum() / compared), float(np.nanmean(overlap(sums)[0]))
        rows.append({"angle": float(angle), "agreement": agreement, "iou": iou})
    return rows


@partial(jax.jit, static_argnames="num_classes")
def _agreement(moved: Array, reference: Array, mask: Array, *, num_classes: int) -> dict[str, Array]:
    compared = (moved != IGNORED) & (mask[:, None, None] > 0)
    return pixel_counts(moved, jnp.where(compared, reference, IGNORED), num_classes)


@dataclass(frozen=True)
class RotationConsistency:
    """The evaluator of how well segmentation commutes with rotation, see `rotation_consistency`.

    Args:
      step: degrees between the angles, from ``step`` up to below 360.
      batch_size: images per batch.

    Raises:
      ValueError: for a step that is not in (0, 360).
    """

    step: float = 15.0
    batch_size: int = 256

    def __post_init__(self) -> None:
        if not 0 < self.step < 360:
            raise invalid("step", self.step, "degrees in (0, 360)", 15.0)

    def rows(self, predict: Predict, split: Split, task: Task) -> Rows:
        """Returns one row per angle, see `rotation_consistency`."""
        degrees = np.arange(self.step, 360 - 1e-9, self.step).tolist()
        return rotation_consistency(predict, split, task, degrees, batch_size=self.batch_size)

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns ``consistency/mean`` and ``consistency/worst`` (IoUs), ``consistency/worst_angle`` (degrees), and
        ``consistency/agreement``, the mean share of pixels with the same class.
        """
        return self.summary(self.rows(predict, split, task), task)

    def suits(self, task: Task) -> bool:
        """Whether the predictions of a task are label maps."""
        return isinstance(task, Segmentation)

    def summary(self, rows: Rows, task: Task | None = None) -> dict[str, float]:
        """Returns the numbers of `__call__` from the rows; the task does not matter."""
        worst = min(rows, key=lambda row: row["iou"])
        return {
            "consistency/mean": float(np.mean([row["iou"] for row in rows])),
            "consistency/worst": worst["iou"],
            "consistency/worst_angle": worst["angle"],
            "consistency/agreement": float(np.mean([row["agreement"] for row in rows])),
        }
