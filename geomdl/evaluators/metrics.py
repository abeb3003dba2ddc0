"""Loss, accuracy and other metrics over a split, without dropping an image or counting one twice."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from geomdl.data import EvalBatch, Split, eval_batches
from geomdl.evaluators.predict import Predict
from geomdl.tasks import Batch, Task


def mean_metrics(predict: Predict, batches: Iterable[Batch | EvalBatch], task: Task) -> dict[str, float]:
    """The metrics of a task over the images whose mask is 1.

    Args:
      predict: images → logits.
      batches: ``image``, ``label`` and, where padded, ``mask``.
      task: gives the metrics.

    Returns:
      For classification the means over the images of ``loss`` and ``accuracy`` (and ``exact_match`` with several
      labels); for segmentation also ``iou`` and ``dice``, ratios of sums over all images.

    >>> from geomdl.tasks import Classification
    >>> batches = [{"image": jnp.eye(2), "label": jnp.array([0, 0]), "mask": jnp.array([1.0, 1.0])}]
    >>> mean_metrics(lambda images: images, batches, Classification(num_classes=2))["accuracy"]
    0.5
    """
    sums = [_totals(predict(batch["image"]), {**batch}, task) for batch in batches]
    if not sums:
        raise ValueError("there is no image to evaluate on")
    totals, count = jax.tree.map(lambda *parts: np.sum(parts, axis=0, dtype=np.float64), *jax.device_get(sums))
    return task.summary(totals, float(count))


@functools.partial(jax.jit, static_argnames="task")
def _totals(logits: Array, batch: Batch, task: Task) -> tuple[dict[str, Array], Array]:
    """The totals of the real images, and how many there are."""
    kept = batch["mask"] > 0 if "mask" in batch else jnp.ones(len(logits), bool)
    return task.sums(logits, batch), jnp.sum(kept.astype(jnp.float32))


@dataclass(frozen=True)
class Metrics:
    """The evaluator of the task's own metrics: ``loss``, ``accuracy`` and, for label maps, ``iou`` and ``dice``.

    Args:
      batch_size: images per batch.
    """

    batch_size: int = 256

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns every metric over the split."""
        return mean_metrics(predict, eval_batches(split, even_batch_size(len(split), self.batch_size)), task)


def even_batch_size(count: int, most: int) -> int:
    """Returns the batch size that spreads images evenly over as few batches as possible, so that little is padding.

    >>> even_batch_size(400, most=256)
    200
    """
    return -(-count // -(-count // most)) if count else most
