"""The metrics of a task on point clouds that are moved."""

import functools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.data import EvalBatch, Split, TargetKind
from geomdl.data.transforms.clouds import MovedCloud
from geomdl.errors import invalid
from geomdl.evaluators.metrics import batches_of, mean_metrics
from geomdl.evaluators.predict import Predict
from geomdl.evaluators.transformations import moved_batch
from geomdl.groups import O3
from geomdl.tasks import Task

Rows = list[dict[str, float]]
"""A table: one row per transformation."""


def cloud_sweep(
    predict: Predict,
    split: Split,
    task: Task,
    moves: Sequence[tuple[Mapping[str, float], np.ndarray]],
    irreps: str = "",
    *,
    batch_size: int = 256,
) -> Rows:
    """The metrics on clouds moved about their centres of mass by each of some matrices, and changes of the outputs.

    Args:
      predict: packed clouds ``[batch, points, 4 + features]`` → outputs.
      split: packed clouds.
      task: gives the metrics.
      moves: what a row begins with, such as the angle, and an orthogonal matrix ``[3, 3]``.
      irreps: of the features, which turn with their points; empty: all are scalars.
      batch_size: clouds per batch.

    Returns:
      One row for each move: what it begins with, every metric of the task, and ``change``: ‖f(g x) − f(x)‖ / ‖f(x)‖
      over the split.

    Raises:
      ValueError: for images, or irreps of another number of features.

    >>> from geomdl.tasks import Classification
    >>> clouds = np.array([[[1.0, 0, 0, 1], [3, 0, 0, 1]], [[0, 0, 0, 1], [0, 4, 0, 1]]], np.float32)
    >>> split, task = Split(clouds, np.array([0, 1], np.int32)), Classification(num_classes=2)
    >>> blind = lambda x: x[:, 1, :2] - x[:, 0, :2]  # says in which direction the second point lies
    >>> quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    >>> [(row["angle"], row["accuracy"]) for row in cloud_sweep(blind, split, task, [({"angle": 90}, quarter)])]
    [(90, 0.5)]
    """
    if len(split.images.shape) != 3:
        allowed = "packed clouds [clouds, points, 4 + features]"
        raise invalid("shape of what is turned", tuple(split.images.shape), allowed)
    batches = list(batches_of(split, task, batch_size))
    kinds = tuple(task.target_kinds.items())
    first = [predict(batch["image"]) for batch in batches]
    rows = []
    for begin, matrix in moves:
        moved = [_moved(batch, jnp.asarray(matrix, jnp.float32), irreps, kinds) for batch in batches]
        metrics = mean_metrics(predict, moved, task)
        rows.append({**begin, **metrics, "change": relative_change(predict, moved, first)})
    return rows


@functools.partial(jax.jit, static_argnames=("irreps", "kinds"))
def _moved(batch: EvalBatch, matrix: jax.Array, irreps: str, kinds: tuple[tuple[str, TargetKind], ...]) -> EvalBatch:
    return moved_batch(batch, MovedCloud(matrix, irreps, O3), dict(kinds))


def relative_change(predict: Predict, moved: Sequence[EvalBatch], expected: Sequence[jax.Array]) -> float:
    """The change of the outputs of moved examples, ‖f(g x) − expected‖ / ‖expected‖.

    Args:
      predict: examples → outputs.
      moved: batches.
      expected: the outputs of each batch.
    """
    apart = whole = 0.0
    for batch, wanted in zip(moved, expected, strict=True):
        there = np.asarray(batch["mask"]) > 0
        values = np.asarray(wanted, np.float64)
        apart += float(((np.asarray(predict(batch["image"]), np.float64) - values)[there] ** 2).sum())
        whole += float((values[there] ** 2).sum())
    return (apart / max(whole, 1e-300)) ** 0.5
