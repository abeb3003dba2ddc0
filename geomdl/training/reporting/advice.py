"""What whoever trains should know about a run that goes wrong without an error: a sentence for each such thing."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from flax import nnx

from geomdl.data import Dataset
from geomdl.models import count_parameters
from geomdl.tasks import Classification, Segmentation, Task
from geomdl.training.configuration.config import RunConfig
from geomdl.training.reporting.writers import Record

_MISSED = 0.05
"""A number of parameters that is further from the one asked for is said."""

_EXPLODED = 10.0
"""A first loss that is so many times that of outputs of 0 is said."""

_RISEN = 2.0
"""A training loss that ends so many times as high as it began is said."""


def at_the_start(config: RunConfig, dataset: Dataset, model: nnx.Module) -> list[str]:
    """What can be said before the first step: classes without images, a width that does not match.

    Args:
      config: of the run.
      dataset: that it is trained on; labels that are read on demand are not looked at.
      model: with its initial weights.
    """
    return [*_missing_classes(dataset), *_missed_parameters(config, model)]


def of_the_first_step(task: Task, loss: float) -> list[str]:
    """What the loss of the initial weights says: activations that explode.

    Args:
      task: of the run.
      loss: of the first batch.
    """
    usual = loss_of_zeros(task)
    if usual is None or loss <= _EXPLODED * usual:
        return []
    return [
        f"the loss of the initial weights is {loss:.3g}, where outputs near 0 give {usual:.3g}: activations explode "
        "from the first layers on; use normalization, weights of smaller variance, or look whether images lie in [0, 1]"
    ]


def at_the_end(config: RunConfig, dataset: Dataset, task: Task, records: Sequence[Record]) -> list[str]:
    """What the records of a run say when it has ended: a loss that rose, a metric that stays at chance.

    Args:
      config: of the run.
      dataset: that it was trained on.
      task: what was learnt.
      records: of the whole run.
    """
    return [*_diverged(config, task, records), *_at_chance(dataset, task, records)]


def loss_of_zeros(task: Task) -> float | None:
    """The loss of outputs that are 0; None for a task of which it is not known.

    >>> round(loss_of_zeros(Classification(num_classes=10)), 4)
    2.3026
    """
    if isinstance(task, Classification) and task.objective in ("softmax", "sigmoid"):
        return math.log(task.num_classes if task.objective == "softmax" else 2)
    if isinstance(task, Segmentation) and task.class_weights is None:
        parts = task.objective.split("+")
        entropy = math.log(2 if task.binary else len(task.classes)) if parts[0] in ("softmax", "binary") else 0.0
        return entropy + (1.0 if "dice" in parts else 0.0)
    return None


def _missing_classes(dataset: Dataset) -> list[str]:
    """Classes that the training or the validation images have none of."""
    if dataset.label_kind != "class" or len(dataset.classes) != dataset.num_classes:
        return []
    lines = []
    for name, split, then in (
        ("training", dataset.train, "it cannot be learnt"),
        ("validation", dataset.validation, "the metrics say nothing about it"),
    ):
        if not len(split) or not isinstance(split.labels, np.ndarray):  # labels on demand may be long to read
            continue
        counts = np.bincount(split.labels[split.labels >= 0].astype(int), minlength=dataset.num_classes)
        if missing := np.flatnonzero(counts[: dataset.num_classes] == 0).tolist():
            shown = ", ".join(dataset.classes[i] for i in missing[:5]) + (", …" if len(missing) > 5 else "")
            lines.append(
                f"no {name} image is of class {shown} ({len(missing)} of {dataset.num_classes} classes): {then}"
            )
    return lines


def _missed_parameters(config: RunConfig, model: nnx.Module) -> list[str]:
    target = getattr(config.model, "match_parameters", None)
    if target is None:
        return []
    count = count_parameters(model)
    off = count / target - 1
    if abs(off) <= _MISSED:
        return []
    return [
        f"model.match_parameters={target} asks for {target:,} parameters, and the nearest network of this kind has "
        f"{count:,} ({off:+.0%}): compare it with others by its own number"
    ]


def _diverged(config: RunConfig, task: Task, records: Sequence[Record]) -> list[str]:
    losses = [(r["step"], r["loss"]) for r in records if r.get("split") == "train" and _is_number(r.get("loss"))]
    if not losses:
        return []
    usual = loss_of_zeros(task)
    (first, before), (last, after) = losses[0], losses[-1]
    reference = before if usual is None else min(before, usual)
    if reference <= 0 or after <= _RISEN * reference:
        return []
    rate = _learning_rate(config.optimizer)
    smaller = f"; try --config.optimizer.learning_rate={rate / 10:g}" if rate else ""
    began = f"from {before:.3g} (step {first})" if len(losses) > 1 and before < after else f"from {reference:.3g}"
    return [
        f"the training loss has risen {began} to {after:.3g} (step {last}): the learning rate"
        f"{f' {rate:g}' if rate else ''} is too large for this network{smaller}"
    ]


def _at_chance(dataset: Dataset, task: Task, records: Sequence[Record]) -> list[str]:
    """An accuracy on validation images that is not above that of the most frequent class."""
    labels, count = dataset.validation.labels, len(dataset.validation)
    if not isinstance(task, Classification) or task.multi_label or not isinstance(labels, np.ndarray):
        return []
    accuracies = [r["accuracy"] for r in records if r.get("split") == "validation" and _is_number(r.get("accuracy"))]
    if not accuracies or not count or labels.ndim != 1:
        return []
    chance = float(np.bincount(labels.astype(int)).max() / count)
    best = max(accuracies)
    if best > chance + 2 * math.sqrt(chance * (1 - chance) / count):
        return []
    return [
        f"accuracy on the {count:,} validation images stays at chance ({best:.3f}; always the most frequent class: "
        f"{chance:.3f}): take more steps or another learning rate, or look whether the labels belong to the images "
        "(geomdl data --config=…)"
    ]


def _learning_rate(optimizer: Any) -> float | None:
    rate: Any = getattr(optimizer, "learning_rate", None)
    return float(rate) if _is_number(rate) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
