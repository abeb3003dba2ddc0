"""Numbers about a whole split, gathered batch by batch: sums on the device, and what is no sum on the host."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from geomdl.tasks.task import Accumulator, Batch, Outputs, Task


@dataclass(frozen=True)
class TaskSums:
    """The metrics of a task that are made of sums over images: `Task.sums`, added up, and `Task.summary`.

    The sums of a batch are one compiled function and stay on the device; they are added up in float64 on the host, once
    everything has been seen.

    Args:
      task: whose metrics they are.

    >>> from geomdl.tasks import Classification
    >>> sums = TaskSums(Classification(num_classes=2))
    >>> batch = {"label": jnp.array([0, 0, 0]), "mask": jnp.array([1.0, 1.0, 0.0])}
    >>> sums.compute(sums.update(sums.init(), jnp.eye(3, 2), batch))["accuracy"]
    0.5
    """

    task: Task

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those of the task."""
        return self.task.metrics

    def greater_is_better(self, metric: str) -> bool:
        """As the task says."""
        return self.task.greater_is_better(metric)

    def init(self) -> tuple[Any, ...]:
        """No sums."""
        return ()

    def update(self, state: tuple[Any, ...], outputs: Outputs, batch: Batch) -> tuple[Any, ...]:
        """One more tree of sums, with the number of images."""
        return (*state, _sums(outputs, {**batch}, self.task))

    def merge(self, first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
        """The sums of both."""
        return first + second

    def compute(self, state: tuple[Any, ...]) -> dict[str, float]:
        """Adds up and gives the metrics of the task."""
        totals, count = jax.tree.map(lambda *parts: np.sum(parts, axis=0, dtype=np.float64), *jax.device_get(state))
        return self.task.summary(totals, float(count))


@functools.partial(jax.jit, static_argnames="task")
def _sums(outputs: Outputs, batch: Batch, task: Task) -> tuple[dict[str, Array], Array]:
    """The totals of the real images, and how many there are."""
    count = len(jax.tree.leaves(outputs)[0])
    kept = batch["mask"] > 0 if "mask" in batch else jnp.ones(count, bool)
    return task.sums(outputs, batch), jnp.sum(kept.astype(jnp.float32))


@dataclass(frozen=True)
class OverImages:
    """One metric that is no sum: a statistic of one number per image, such as the median or a quantile of an error.

    Args:
      name: of the metric.
      per_image: ``(outputs, batch) -> [batch]`` numbers, or ``[batch, k]`` for k numbers per image; traceable by JAX.
        A function of the module, or a method of a frozen dataclass: it is hashed.
      statistic: ``[images · k] -> number``, NumPy.
      greater: whether greater is better.

    >>> errors = OverImages("median_error", lambda outputs, batch: jnp.abs(outputs - batch["label"]), np.median)
    >>> batch = {"label": jnp.zeros(4), "mask": jnp.array([1.0, 1.0, 1.0, 0.0])}
    >>> errors.compute(errors.update(errors.init(), jnp.array([1.0, -2.0, 9.0, 99.0]), batch))
    {'median_error': 2.0}
    """

    name: str
    per_image: Callable[[Any, Any], Array]
    statistic: Callable[[np.ndarray], Any]
    greater: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """The one name."""
        return (self.name,)

    def greater_is_better(self, metric: str) -> bool:
        """As said."""
        return self.greater

    def init(self) -> tuple[Any, ...]:
        """No numbers."""
        return ()

    def update(self, state: tuple[Any, ...], outputs: Outputs, batch: Batch) -> tuple[Any, ...]:
        """The numbers of one more batch, which stay on the device."""
        return (*state, (_numbers(outputs, {**batch}, self.per_image), batch.get("mask")))

    def merge(self, first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
        """The numbers of both."""
        return first + second

    def compute(self, state: tuple[Any, ...]) -> dict[str, float]:
        """The statistic of the numbers of all real images."""
        held = jax.device_get(state)
        numbers = [values if mask is None else values[np.asarray(mask) > 0] for values, mask in held]
        return {self.name: float(self.statistic(np.concatenate(numbers).ravel()))}


@functools.partial(jax.jit, static_argnames="per_image")
def _numbers(outputs: Outputs, batch: Batch, per_image: Callable[[Any, Any], Array]) -> Array:
    return per_image(outputs, batch)


def accumulate(
    predict: Callable[[Any], Outputs], batches: Iterable[Mapping[str, Any]], accumulators: Sequence[Accumulator]
) -> dict[str, float]:
    """The metrics of all accumulators over batches, each of which goes through the model once.

    Args:
      predict: images → outputs.
      batches: ``image``, targets and, where padded, ``mask``.
      accumulators: what is gathered.

    Raises:
      ValueError: when there is no batch, or two accumulators give a metric of one name.

    >>> from geomdl.tasks import Classification
    >>> batches = [{"image": jnp.eye(2), "label": jnp.array([0, 0])}, {"image": jnp.eye(2), "label": jnp.array([0, 1])}]
    >>> accumulate(lambda images: images, batches, accumulators_of(Classification(num_classes=2)))["accuracy"]
    0.75
    """
    names = [name for a in accumulators for name in a.metrics]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"two accumulators give the metric {', '.join(twice)}; rename one of them")
    states, seen = [a.init() for a in accumulators], False
    for batch in batches:
        outputs, seen = predict(batch["image"]), True
        states = [a.update(state, outputs, batch) for a, state in zip(accumulators, states, strict=True)]
    if not seen:
        raise ValueError("there is no image to evaluate on")
    found: dict[str, float] = {}
    for a, state in zip(accumulators, states, strict=True):
        found |= a.compute(state)
    return found


def split_metrics(task: Task) -> dict[str, bool]:
    """Every metric that a task gives for a split, with whether greater is better: its sums', then its accumulators'.

    Args:
      task: any task.

    >>> from geomdl.tasks import Classification
    >>> split_metrics(Classification(num_classes=2))
    {'loss': False, 'accuracy': True}
    """
    return {name: a.greater_is_better(name) for a in accumulators_of(task) for name in a.metrics}


def accumulators_of(task: Task) -> tuple[Accumulator, ...]:
    """What gathers every metric of a task over a split: its sums, then its own accumulators.

    Args:
      task: any task.

    >>> from geomdl.tasks import Classification
    >>> [gathering.metrics for gathering in accumulators_of(Classification(num_classes=2))]
    [('loss', 'accuracy')]
    """
    return (TaskSums(task), *task.accumulators)
