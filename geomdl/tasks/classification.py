"""Classification: one label per image, or several yes-or-no labels per image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from geomdl.actions import OutputLaw
from geomdl.arrays import as_array
from geomdl.data import ClassTarget, Dataset, LabelsTarget, TargetKind
from geomdl.data.class_indices import class_indices, misshapen_labels
from geomdl.errors import invalid, unknown
from geomdl.numbers import check_numbers, whole_number
from geomdl.tasks.auxiliary import main_output, require_auxiliary_weight, with_auxiliary_losses
from geomdl.tasks.task import Batch, Outputs, Totals, shape_of, wrong_labels


def softmax_cross_entropy(
    logits: Float[Array, "batch classes"], targets: Float[Array, "batch classes"]
) -> Float[Array, " batch"]:
    """The cross-entropy of class probabilities: −Σ_k t_k log softmax(z)_k, one number per image.

    Args:
      logits: z.
      targets: t, probabilities of the classes.

    >>> round(float(softmax_cross_entropy(jnp.zeros((1, 4)), jnp.eye(4)[:1])[0]), 4)  # log 4
    1.3863
    """
    _require_targets(logits, targets)
    return -jnp.sum(targets * jax.nn.log_softmax(logits), axis=-1)


def sigmoid_cross_entropy(
    logits: Float[Array, "batch classes"], targets: Float[Array, "batch classes"]
) -> Float[Array, " batch"]:
    """The cross-entropy of K independent labels, averaged: −(1/K) Σ_k [t_k log σ(z_k) + (1 − t_k) log σ(−z_k)].

    Args:
      logits: z.
      targets: t, each in [0, 1].

    >>> round(float(sigmoid_cross_entropy(jnp.zeros((1, 3)), jnp.ones((1, 3)))[0]), 4)  # log 2
    0.6931
    """
    _require_targets(logits, targets)
    return -jnp.mean(targets * jax.nn.log_sigmoid(logits) + (1 - targets) * jax.nn.log_sigmoid(-logits), axis=-1)


def perceptron_loss(
    logits: Float[Array, "batch classes"], targets: Float[Array, "batch classes"]
) -> Float[Array, " batch"]:
    """The perceptron criterion: Σ_k (y_k − d_k) z_k, with y the one-hot of the largest logit and d the desired output.

    Its gradient with respect to z is y − d (y is held constant), so that plain gradient descent with learning rate α on
    a linear layer is the perceptron rule w ← w + α (d − y) x.

    Args:
      logits: z.
      targets: d.

    >>> float(perceptron_loss(jnp.array([[1.0, 3.0]]), jnp.array([[1.0, 0.0]]))[0])  # class 1 wins, class 0 was wanted
    2.0
    """
    _require_targets(logits, targets)
    outputs = jax.nn.one_hot(jnp.argmax(logits, axis=-1), logits.shape[-1], dtype=logits.dtype)
    return jnp.sum(jax.lax.stop_gradient(outputs - targets) * logits, axis=-1)


def _require_targets(logits: Array, targets: Array) -> None:
    """Raises ValueError unless there is one target per logit: classes instead would be spread over all images."""
    if targets.shape != logits.shape:
        one_hot = f"jax.nn.one_hot(classes, {logits.shape[-1]})" if targets.ndim == 1 and logits.ndim == 2 else None
        raise invalid("shape of the targets", targets.shape, f"{logits.shape}, that of the logits", one_hot)


def top_k_accuracy(
    logits: Float[Array, "batch classes"], labels: Int[Array, " batch"], k: int
) -> Float[Array, " batch"]:
    """Whether the class of each image is among those of the k largest scores: 1 or 0, or between where scores tie.

    With a classes of greater score than that of the label, and b of equal score (the label among them), it is
    min(max((k − a) / b, 0), 1): what is expected where ties are broken at random, whatever the order of the classes.
    So constant scores have the accuracy k / classes of chance. (torch.topk breaks ties as its algorithm does, and
    scikit-learn by the order of the classes, so that constant scores may look better or worse than that.) A score that
    is not a number counts as greater than all others, and that of a label as less.

    Args:
      logits: scores.
      labels: classes.
      k: how many classes may be named.

    >>> scores = jnp.array([[3.0, 2.0, 1.0, 0.0], [3.0, 2.0, 1.0, 0.0], [7.0, 7.0, 7.0, 7.0]])
    >>> top_k_accuracy(scores, jnp.array([1, 2, 3]), 2).tolist()
    [1.0, 0.0, 0.5]
    """
    own = jnp.take_along_axis(logits, labels[:, None], axis=-1)
    greater, equal = jnp.sum(~(logits <= own), axis=-1), jnp.sum(logits == own, axis=-1)
    return jnp.clip((k - greater.astype(jnp.float32)) / jnp.maximum(equal, 1).astype(jnp.float32), 0, 1)


def _top_k_names(top_k: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"top{k}_{what}" for k in top_k for what in ("accuracy", "error"))


def _require_top_k(what: str, top_k: tuple[int, ...], *, multi_label: bool, num_classes: int | None) -> None:
    """Raises ValueError unless each k is a number of classes, once, and images have one class."""
    for k in top_k:
        whole_number(what, k, 1, num_classes)
    if len(set(top_k)) < len(top_k):
        raise invalid(what, top_k, "each number once", tuple(dict.fromkeys(top_k)))
    if top_k and multi_label:
        raise invalid(what, top_k, "none where an image has several labels; exact_match asks for all of them", ())


LOSSES = {"softmax": softmax_cross_entropy, "sigmoid": sigmoid_cross_entropy, "perceptron": perceptron_loss}
"""Losses of a classifier by name: logits and one-hot targets → one number per image."""


@dataclass(frozen=True)
class Classification:
    """The task of classification: one class for each image, or several yes-or-no labels.

    Args:
      num_classes: number of classes (or of labels).
      objective: ``"softmax"`` (one class per image), ``"sigmoid"`` (several labels per image) or ``"perceptron"``.
      label_smoothing: ε in [0, 1): the targets become (1 − ε) t + ε/K, and (1 − ε) t + ε/2 for ``"sigmoid"``.
      auxiliary_weight: w of the losses of auxiliary heads (`geomdl.layers.WithAuxiliary`) in L(y) + Σ_i w_i L(a_i): one
        number, or one for each head. All metrics, ``loss`` among them, are of the main output y alone.
      top_k: numbers k, each of which adds the metrics ``top<k>_accuracy`` and ``top<k>_error`` (1 minus it), see
        `top_k_accuracy`; for one class per image.

    In training images may be mixed (mixup, CutMix): a batch then holds ``label_probabilities``, t ``[batch, classes]``,
    besides ``label``, which is the class of the larger part. The loss takes the former, smoothed too where
    ``label_smoothing`` says so, all other metrics the latter.

    Raises:
      ValueError: for an unknown objective, or another option out of range.

    >>> task = Classification(num_classes=3)
    >>> batch = {"label": jnp.array([2, 0]), "mask": jnp.array([1.0, 0.0])}  # the second image is padding
    >>> loss, metrics = task.loss(jnp.array([[0.0, 0.0, 9.0], [0.0, 9.0, 0.0]]), batch)
    >>> float(metrics["accuracy"])
    1.0
    """

    num_classes: int
    objective: str = "softmax"
    label_smoothing: float = 0.0
    auxiliary_weight: float | tuple[float, ...] = 0.3
    top_k: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_numbers(self, "", several=True)
        whole_number("num_classes", self.num_classes)
        if self.objective not in LOSSES:
            raise unknown("objective", self.objective, list(LOSSES))
        if not 0 <= self.label_smoothing < 1:
            raise invalid("label_smoothing", self.label_smoothing, "a number in [0, 1)", 0.1)
        require_auxiliary_weight("auxiliary_weight", self.auxiliary_weight)
        _require_top_k("top_k", self.top_k, multi_label=self.multi_label, num_classes=self.num_classes)

    @property
    def multi_label(self) -> bool:
        """Whether an image may carry several labels at once."""
        return self.objective == "sigmoid"

    @property
    def takes_label_probabilities(self) -> bool:
        """Whether the loss takes the ``label_probabilities`` of a batch: not that of the perceptron, which is hard."""
        return self.objective != "perceptron"

    @property
    def outputs(self) -> int:
        """One score per class."""
        return self.num_classes

    @property
    def target_kinds(self) -> Mapping[str, TargetKind]:
        """One class per image, or indicators of any number of them."""
        return {"label": (LabelsTarget if self.multi_label else ClassTarget)(self.num_classes)}

    @property
    def law(self) -> OutputLaw:
        """Invariant: what an image shows does not change when it moves."""
        return OutputLaw("invariant")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what `per_example` gives."""
        return ("loss", "accuracy", *(("exact_match",) if self.multi_label else _top_k_names(self.top_k)))

    @property
    def accumulators(self) -> tuple[()]:
        """None: all metrics are sums."""
        return ()

    @property
    def headline(self) -> str:
        """The accuracy."""
        return "accuracy"

    def greater_is_better(self, metric: str) -> bool:
        """Of all but the loss and errors."""
        return metric != "loss" and not metric.endswith("_error")

    def predictions(self, logits: Float[Array, "batch classes"]) -> Array:
        """Returns the predicted class [batch] int32, or which labels hold (probability > ½) [batch, classes] bool."""
        return logits > 0 if self.multi_label else jnp.argmax(logits, axis=-1).astype(jnp.int32)

    def targets(self, labels: ArrayLike) -> Float[Array, "batch classes"]:
        """Returns the (smoothed) desired outputs [batch, classes] for integer classes or for 0/1 labels.

        Raises:
          ValueError: for labels of another shape or type, and, where their values are known, labels that are no classes
            or indicators.
        """
        labels = self._labels(labels)
        return self._smoothed(labels if self.multi_label else jax.nn.one_hot(labels, self.num_classes))

    def per_example(self, logits: Float[Array, "batch classes"], batch: Batch) -> dict[str, Float[Array, " batch"]]:
        """Returns one number per image and metric: ``loss``, ``accuracy`` and, with several labels, ``exact_match``.

        With several labels ``accuracy`` is the share of labels that are right, ``exact_match`` asks for all of them.
        """
        labels = self._labels(batch["label"])
        logits = self._scores(logits, labels, batch)
        loss = LOSSES[self.objective](logits, self._desired(labels, batch))
        if self.multi_label:
            right = (self.predictions(logits) == (labels > 0.5)).astype(jnp.float32)
            return {"loss": loss, "accuracy": right.mean(axis=-1), "exact_match": right.min(axis=-1)}
        found = {"loss": loss, "accuracy": (self.predictions(logits) == labels).astype(jnp.float32)}
        for k in self.top_k:
            among = top_k_accuracy(logits, labels, k)
            found |= {f"top{k}_accuracy": among, f"top{k}_error": 1 - among}
        return found

    def loss(self, outputs: Outputs, batch: Batch) -> tuple[Array, dict[str, Array]]:
        """Returns the mean loss over the real images of the batch, and the means of all metrics.

        Args:
          outputs: logits ``[batch, classes]``, or `geomdl.layers.AuxiliaryOutputs` of such: then the loss is that of
            all, weighted, and the metrics are of the main output.
          batch: with ``label`` and, where it was padded, ``mask``.
        """
        mask = batch.get("mask")
        values = self.per_example(main_output(outputs), batch)
        metrics = {name: masked_mean(of_images, mask) for name, of_images in values.items()}

        def mean_loss(logits: Array) -> Array:
            labels = self._labels(batch["label"])
            scores = self._scores(logits, labels, batch)
            return masked_mean(LOSSES[self.objective](scores, self._desired(labels, batch)), mask)

        return with_auxiliary_losses(metrics["loss"], outputs, self.auxiliary_weight, mean_loss), metrics

    def sums(self, logits: Float[Array, "batch classes"], batch: Batch) -> Totals:
        """Returns the sum of every metric over the real images of the batch."""
        kept = batch["mask"] > 0 if "mask" in batch else jnp.ones(len(logits), bool)
        return {name: jnp.sum(jnp.where(kept, v, 0)) for name, v in self.per_example(logits, batch).items()}

    def _desired(self, labels: Array, batch: Batch) -> Array:
        """The targets of the loss: those of the labels, or, where images are mixed, the probabilities in the batch."""
        if "label_probabilities" not in batch:
            return self.targets(labels)
        probabilities = jnp.asarray(batch["label_probabilities"]).astype(jnp.float32)
        if probabilities.shape != (len(labels), self.num_classes):
            allowed = f"{(len(labels), self.num_classes)}, one for each image and class"
            raise invalid("shape of label_probabilities", probabilities.shape, allowed)
        return self._smoothed(probabilities)

    def _smoothed(self, targets: Array) -> Array:
        """(1 − ε) t + ε/K, or ε/2 for several labels."""
        return (1 - self.label_smoothing) * targets + self.label_smoothing / (
            2 if self.multi_label else self.num_classes
        )

    def _scores(self, logits: Array, labels: Array, batch: Batch) -> Array:
        """The logits in float32; what a model gives for padding has no gradient, were it infinite."""
        if shape_of(logits) != (len(labels), self.num_classes):
            raise invalid("shape of the model's output", shape_of(logits), f"{(len(labels), self.num_classes)}")
        logits = logits.astype(jnp.float32)
        return jnp.where(batch["mask"][:, None] > 0, logits, 0) if "mask" in batch else logits

    def no_totals(self) -> Totals:
        """Returns a zero for every metric."""
        return {name: jnp.zeros((), jnp.float32) for name in self.metrics}

    def summary(self, totals: Mapping[str, Any], count: float) -> dict[str, float]:
        """Returns the mean of every metric over so many steps or images."""
        return {name: float(totals[name]) / count for name in self.metrics}

    def _labels(self, labels: ArrayLike) -> Array:
        """Classes as int32, indicators as float32."""
        if not self.multi_label:
            labels = class_indices(labels, self.num_classes, "class")
            if labels.ndim != 1:
                raise misshapen_labels("classes", labels.shape, ("batch",), self.num_classes)
            return labels
        labels = as_array(labels, "indicators of classes")
        if not isinstance(labels, Tracer):
            LabelsTarget(self.num_classes).require(np.asarray(labels), labels, "batch")
        elif labels.ndim != 2 or labels.shape[1] != self.num_classes:
            raise invalid("shape of the indicators of classes", labels.shape, f"[batch, {self.num_classes}]")
        return jnp.asarray(labels).astype(jnp.float32)


def masked_mean(values: Float[Array, " batch"], mask: Float[Array, " batch"] | None) -> Float[Array, ""]:
    """The mean over the images whose mask is 1 (all of them without a mask); 0 where there are none.

    Args:
      values: one number per image.
      mask: 1 for images that count, 0 for padding.

    >>> float(masked_mean(jnp.array([1.0, 3.0, 100.0]), jnp.array([1.0, 1.0, 0.0])))
    2.0
    """
    if mask is None:
        return values.mean()
    return jnp.sum(jnp.where(mask > 0, values, 0)) / jnp.maximum(jnp.sum(mask), 1)


@dataclass(frozen=True)
class ClassificationConfig:
    """The ``task`` section of a run's config.

    Args:
      loss: ``"softmax"``, ``"sigmoid"`` or ``"perceptron"``; None takes the one that fits the labels of the data set.
      label_smoothing: ε in [0, 1).
      auxiliary_weight: of the losses of a network's auxiliary heads, if it has any: one number, or one for each head.
      top_k: numbers k, for ``top<k>_accuracy`` and ``top<k>_error``: (1, 5) for the numbers of ImageNet.

    Raises:
      ValueError: for an unknown loss, a k that is no number of classes, weights that are no numbers ≥ 0, or a label
        smoothing that the loss does not take.

    >>> ClassificationConfig(loss="sofmax")
    Traceback (most recent call last):
    ...
    ValueError: unknown task.loss 'sofmax'; allowed: softmax, sigmoid, perceptron; did you mean 'softmax'?
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "labels")
    monitors: ClassVar[tuple[str, ...]] = ("loss", "accuracy", "exact_match")

    loss: str | None = None
    label_smoothing: float = 0.0
    auxiliary_weight: float | tuple[float, ...] = 0.3
    top_k: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_numbers(self, "task", several=True)
        _require_top_k("task.top_k", self.top_k, multi_label=self.loss == "sigmoid", num_classes=None)
        if self.top_k:  # what may be monitored
            object.__setattr__(self, "monitors", (*type(self).monitors, *_top_k_names(self.top_k)))
        require_auxiliary_weight("task.auxiliary_weight", self.auxiliary_weight)
        if self.loss is not None and self.loss not in LOSSES:
            raise unknown("task.loss", self.loss, list(LOSSES))
        if not 0 <= self.label_smoothing < 1:
            raise invalid("task.label_smoothing", self.label_smoothing, "a number in [0, 1)", 0.1)
        if self.loss == "perceptron" and self.label_smoothing:
            raise invalid(
                "label_smoothing", self.label_smoothing, "0 with the perceptron loss (its targets are hard)", 0
            )

    def for_dataset(self, dataset: Dataset) -> Classification:
        """Returns the task for the labels of a data set.

        Raises:
          ValueError: when the labels of the data set are no classes, or the loss does not fit them.
        """
        if dataset.label_kind not in self.kinds:
            raise wrong_labels("classification", dataset)
        return self.build(num_classes=dataset.num_classes, multi_label=dataset.multi_label)

    def build(self, *, num_classes: int, multi_label: bool = False) -> Classification:
        """Returns the task for a data set with these labels.

        Raises:
          ValueError: when the loss does not fit the labels, or there are fewer classes than a k of ``top_k``.
        """
        objective = self.loss or ("sigmoid" if multi_label else "softmax")
        if multi_label != (objective == "sigmoid"):
            fitting = "'sigmoid' (each image has several labels)" if multi_label else "'softmax' or 'perceptron'"
            raise invalid("task.loss", objective, fitting)
        _require_top_k("task.top_k", self.top_k, multi_label=multi_label, num_classes=num_classes)
        return Classification(num_classes, objective, self.label_smoothing, self.auxiliary_weight, self.top_k)
