"""Loss, accuracy and other metrics over a split, without dropping an image or counting one twice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from geomdl.data import EvalBatch, Split, eval_batches
from geomdl.evaluators.predict import Predict
from geomdl.numbers import whole_number
from geomdl.tasks import Accumulator, Batch, Task, accumulate, accumulators_of


def mean_metrics(predict: Predict, batches: Iterable[Batch | EvalBatch], task: Task) -> dict[str, float]:
    """The metrics of a task over the images whose mask is 1.

    Args:
      predict: images → logits.
      batches: ``image``, ``label``, further targets and, where padded, ``mask``.
      task: gives the metrics, and the accumulators of those that are no sums.

    Returns:
      For classification the means over the images of ``loss`` and ``accuracy`` (and ``exact_match`` with several
      labels); for segmentation also ``iou`` and ``dice``, ratios of sums over all images; for regression of angles also
      their median error.

    >>> import jax.numpy as jnp
    >>> from geomdl.tasks import Classification
    >>> batches = [{"image": jnp.eye(2), "label": jnp.array([0, 0]), "mask": jnp.array([1.0, 1.0])}]
    >>> mean_metrics(lambda images: images, batches, Classification(num_classes=2))["accuracy"]
    0.5
    """
    return accumulate(predict, batches, accumulators_of(task))


@dataclass(frozen=True)
class Metrics:
    """The evaluator of the task's own metrics: ``loss``, ``accuracy`` and, for label maps, ``iou`` and ``dice``.

    Those that are no sums (`Task.accumulators`) are among them.

    Args:
      batch_size: images per batch.
    """

    batch_size: int = 256
    suits_volumes: ClassVar[bool] = True
    suits_clouds: ClassVar[bool] = True

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns every metric over the split."""
        return mean_metrics(predict, batches_of(split, task, self.batch_size), task)


@dataclass(frozen=True)
class Gathered:
    """The evaluator of metrics of one's own, which are added to those of the task.

    ``EVALUATORS["median"] = functools.partial(Gathered, (my_median,))`` gives it a name for configs.

    Args:
      accumulators: of the metrics; `geomdl.tasks.OverImages`, or any `geomdl.tasks.Accumulator`.
      batch_size: images per batch.

    >>> import numpy as np
    >>> from geomdl.tasks import Classification, OverImages
    >>> greatest = OverImages("median_of_greatest_score", lambda outputs, batch: outputs.max(1), np.median)
    >>> split = Split(np.eye(2, dtype=np.float32).reshape(2, 1, 2, 1), np.array([0, 1]))
    >>> Gathered((greatest,))(lambda images: 3 * images[:, 0, :, 0], split, Classification(num_classes=2))
    {'median_of_greatest_score': 3.0}
    """

    accumulators: tuple[Accumulator, ...]
    batch_size: int = 256
    suits_volumes: ClassVar[bool] = True
    suits_clouds: ClassVar[bool] = True

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns every metric over the split."""
        return accumulate(predict, batches_of(split, task, self.batch_size), self.accumulators)


def batches_of(split: Split, task: Task, most: int) -> Iterator[EvalBatch]:
    """The images of a split with the targets of a task, spread evenly over batches of at most so many.

    Raises:
      ValueError: for targets that are not of the kinds that the task learns, such as classes that it does not know.
    """
    split.require(task.target_kinds)
    return eval_batches(split, even_batch_size(len(split), most), task.target_kinds)


def even_batch_size(count: int, most: int) -> int:
    """Returns the batch size that spreads images evenly over as few batches as possible, so that little is padding.

    >>> even_batch_size(400, most=256)
    200
    """
    most = whole_number("batch_size", most)
    return -(-count // -(-count // most)) if count else most
