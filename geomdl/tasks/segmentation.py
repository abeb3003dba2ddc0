"""Segmentation: one class per pixel of an image, or voxel of a volume."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from geomdl.actions import OutputLaw
from geomdl.data import IGNORED, Dataset, MapTarget, TargetKind
from geomdl.data.class_indices import class_indices, misshapen_labels
from geomdl.errors import invalid, unknown
from geomdl.numbers import check_numbers
from geomdl.tasks.auxiliary import main_output, require_auxiliary_weight, with_auxiliary_losses
from geomdl.tasks.overlap import overlap, pixel_counts
from geomdl.tasks.task import Batch, Outputs, Totals, shape_of, wrong_labels

SEGMENTATION_LOSSES = ("softmax", "binary", "dice", "softmax+dice", "binary+dice")


@dataclass(frozen=True)
class Segmentation:
    """The task of segmentation: one class for each pixel, or for each voxel of volumes.

    The loss of an image with N counted pixels, of label y_p and class weight w_k (1 by default), is one of

      ``"softmax"``: (1/N) Σ_p w_{y_p} (−log π_p[y_p]), π_p the softmax of the outputs z_p [classes];
      ``"binary"``:  the same with π_p = (σ(−z_p), σ(z_p)) and one output per pixel, for two classes;
      ``"dice"``:    1 − Σ_k w_k D_k / Σ_k w_k, D_k = (2 Σ_p π_p[k] [y_p = k] + 1) / (Σ_p π_p[k] + Σ_p [y_p = k] + 1),
                     π the softmax;

    or a sum of two of these (``"binary+dice"``: Dice of the second class alone, from σ(z)). Pixels of label −1 count
    nowhere, whatever the outputs are there: infinities and NaN at them change neither the loss nor its gradient. The
    loss of a batch is the mean over its images.

    The metrics are about all counted pixels of a split together (not means over images): ``accuracy`` is the share of
    right pixels; ``iou/<class>`` and ``dice/<class>`` are ratios of sums over the split, ``iou`` and ``dice`` their
    means over the classes, background included. A class that is neither labelled nor predicted anywhere has no overlap:
    ``iou/<class>`` and ``dice/<class>`` are left out of `summary`, and the class of the means. Where no pixel at all is
    counted, ``accuracy``, ``iou`` and ``dice`` are 0, with a warning.

    Outputs smaller than the label map (valid convolutions) are compared with its central part.

    Args:
      classes: the names of the classes; a pixel's label is an index into them.
      objective: one of `SEGMENTATION_LOSSES`.
      class_weights: w, one per class; None for 1.
      auxiliary_weight: v of the losses of auxiliary heads (`geomdl.layers.WithAuxiliary`), whose maps have the size of
        the output's, in L(z) + Σ_i v_i L(a_i): one number, or one for each head. Metrics are of the output z alone.

    Raises:
      ValueError: for an unknown objective, or one, or weights, that do not fit the classes.

    References:
      Milletari, Navab & Ahmadi, V-Net, 3DV 2016, §3 (Dice; here with p, not p², in the denominator).

    >>> task = Segmentation(classes=("background", "cell"))
    >>> batch = {"label": jnp.array([[[0, 1], [1, -1]]])}
    >>> sums = task.sums(jnp.zeros((1, 2, 2, 2)).at[..., 1].set(9.0), batch)  # all are said to be cells
    >>> metrics = task.summary(sums, count=1)
    >>> round(metrics["iou/cell"], 3), metrics["iou/background"]
    (0.667, 0.0)
    """

    classes: tuple[str, ...]
    objective: str = "softmax"
    class_weights: tuple[float, ...] | None = None
    auxiliary_weight: float | tuple[float, ...] = 0.3

    def __post_init__(self) -> None:
        check_numbers(self, "", several=True)
        require_auxiliary_weight("auxiliary_weight", self.auxiliary_weight)
        if self.objective not in SEGMENTATION_LOSSES:
            raise unknown("objective", self.objective, SEGMENTATION_LOSSES)
        if self.binary and len(self.classes) != 2:
            other = self.objective.replace("binary", "softmax")
            raise invalid("objective", self.objective, f"a loss for {len(self.classes)} classes", other)
        if self.class_weights is not None and len(self.class_weights) != len(self.classes):
            raise invalid("class_weights", self.class_weights, f"{len(self.classes)} weights, one per class")

    @property
    def binary(self) -> bool:
        """Whether the model has one output per pixel, the log-odds of the second class."""
        return self.objective.startswith("binary")

    @property
    def outputs(self) -> int:
        """Channels of the model's output."""
        return 1 if self.binary else len(self.classes)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what `summary` gives."""
        per_class = (f"{measure}/{name}" for measure in ("iou", "dice") for name in self.classes)
        return ("loss", "accuracy", "iou", "dice", *per_class)

    @property
    def target_kinds(self) -> Mapping[str, TargetKind]:
        """A label map, which moves with its image."""
        return {"label": MapTarget(len(self.classes))}

    @property
    def law(self) -> OutputLaw:
        """Scores of the classes are scalars at the pixels of the image."""
        return OutputLaw("field")

    @property
    def accumulators(self) -> tuple[()]:
        """None: all metrics are made of sums."""
        return ()

    @property
    def headline(self) -> str:
        """The mean IoU."""
        return "iou"

    def greater_is_better(self, metric: str) -> bool:
        """Of all but the loss."""
        return metric != "loss"

    def predictions(self, logits: Float[Array, "batch *space outputs"]) -> Int[Array, "batch *space"]:
        """Returns the class of every pixel, int32."""
        chosen = logits[..., 0] > 0 if self.binary else jnp.argmax(logits, axis=-1)
        return chosen.astype(jnp.int32)

    def labels_of(self, logits: Float[Array, "batch *space outputs"], labels: ArrayLike) -> Int[Array, "batch *space"]:
        """Returns the central part of label maps that has the size of the outputs, int32.

        Args:
          logits: outputs.
          labels: ``[batch, rows, columns]`` of any integer type, or bool.

        Raises:
          ValueError: the outputs are larger than the labels, differ from them by an odd number of pixels, or have
            another number of channels than the task asks for; or the labels are no whole numbers
            ``[batch, height, width]``, or, where their values are known, no classes.
        """
        if not hasattr(logits, "ndim") or logits.ndim not in (4, 5) or logits.shape[-1] != self.outputs:
            allowed = f"[batch, height, width, {self.outputs}] for the loss {self.objective!r}"
            raise invalid("shape of the model's output", shape_of(logits), allowed)
        labels = class_indices(labels, len(self.classes), "label map", ignored=True)
        axes = ("depth", "height", "width")[5 - logits.ndim :]
        if labels.ndim != logits.ndim - 1:
            raise misshapen_labels("label maps", labels.shape, ("batch", *axes), len(self.classes))
        if len(labels) != len(logits):
            raise invalid("number of label maps", len(labels), f"one for each of {len(logits)} outputs")
        starts = []
        for name, output, label in zip(axes, logits.shape[1:-1], labels.shape[1:], strict=True):
            if output > label or (label - output) % 2:
                allowed = f"{label}, that of the label map, or less by an even number (the centre is compared)"
                raise invalid(f"{name} of the model's output", output, allowed)
            starts.append((label - output) // 2)
        parts = (slice(start, start + n) for start, n in zip(starts, logits.shape[1:-1], strict=True))
        return labels[(slice(None), *parts)]

    def per_image(
        self, logits: Float[Array, "batch *space outputs"], labels: Int[Array, "batch *space"]
    ) -> Float[Array, " batch"]:
        """Returns the loss of every image; 0 for one without a counted pixel."""
        counted = labels >= 0
        logits = jnp.where(counted[..., None], logits, 0)  # before anything is computed: 0 times infinity is NaN
        targets = jax.nn.one_hot(labels, len(self.classes), dtype=jnp.float32)  # zeros where the label is −1
        weights = jnp.asarray(self.class_weights or (1.0,) * len(self.classes), jnp.float32)
        z = jnp.concatenate([jnp.zeros_like(logits), logits], axis=-1) if self.binary else logits
        log_probabilities = jax.nn.log_softmax(z)  # of (0, z): log σ(−z), log σ(z)
        places = tuple(range(1, counted.ndim))
        pixels = counted.sum(places).astype(jnp.float32)
        loss = jnp.zeros(len(logits), jnp.float32)
        if self.objective != "dice":
            loss = -jnp.sum(targets * log_probabilities * weights, axis=(*places, -1)) / jnp.maximum(pixels, 1)
        if "dice" in self.objective:
            found = jnp.where(counted[..., None], jnp.exp(log_probabilities), 0)
            both, total = (targets * found).sum(places), (targets + found).sum(places)
            dice = (2 * both + 1) / (total + 1)
            kept = weights * jnp.asarray([0.0, 1.0]) if self.binary else weights
            loss = loss + jnp.where(pixels > 0, 1 - (dice * kept).sum(-1) / kept.sum(), 0)
        return loss

    def loss(self, outputs: Outputs, batch: Batch) -> tuple[Array, Totals]:
        """Returns the mean loss over the real images of the batch, and what a step adds to the training totals.

        Args:
          outputs: logits ``[batch, height, width, outputs]``, or `geomdl.layers.AuxiliaryOutputs` of such.
          batch: with ``label`` and, where it was padded, ``mask``.
        """
        logits = main_output(outputs)
        totals = self.sums(logits, batch)
        images = jnp.maximum(batch["mask"].sum() if "mask" in batch else jnp.float32(len(logits)), 1)
        loss = totals["loss"] / images
        counts = {name: value.astype(jnp.float32) for name, value in totals.items() if name != "loss"}

        def mean_loss(logits: Array) -> Array:
            scores, labels = self._scored(logits, batch)
            return self.per_image(scores, labels).sum() / images

        return with_auxiliary_losses(loss, outputs, self.auxiliary_weight, mean_loss), {"loss": loss, **counts}

    def sums(self, logits: Float[Array, "batch *space outputs"], batch: Batch) -> Totals:
        """Returns the sum of the losses of the real images, and the `pixel_counts` of their pixels."""
        logits, labels = self._scored(logits, batch)
        counts = pixel_counts(self.predictions(logits), labels, len(self.classes))
        return {"loss": self.per_image(logits, labels).sum(), **counts}

    def _scored(self, logits: Array, batch: Batch) -> tuple[Array, Array]:
        """The logits in float32, and the labels that they are compared with: −1 for padding."""
        logits = logits.astype(jnp.float32)
        labels = self.labels_of(logits, batch["label"])
        if "mask" not in batch:
            return logits, labels
        there = jnp.asarray(batch["mask"]).reshape(-1, *[1] * (labels.ndim - 1)) > 0
        return logits, jnp.where(there, labels, -1)

    def no_totals(self) -> Totals:
        """Returns zeros in the shape of the training totals."""
        counts = {name: jnp.zeros(len(self.classes), jnp.float32) for name in ("labelled", "predicted", "both")}
        return {"loss": jnp.zeros((), jnp.float32), **counts}

    def summary(self, totals: Mapping[str, Any], count: float) -> dict[str, float]:
        """Returns the metrics from the totals of so many steps or images.

        Without ``iou/<class>`` and ``dice/<class>`` of the classes that are neither labelled nor predicted.
        """
        pixels = float(totals["labelled"].sum())
        if not pixels:
            warnings.warn(
                f"no pixel counts, since all labels are {IGNORED}: accuracy, iou and dice are given as 0", stacklevel=2
            )
            return {"loss": float(totals["loss"]) / count, "accuracy": 0.0, "iou": 0.0, "dice": 0.0}
        iou, dice = overlap(totals)
        accuracy = float(totals["both"].sum()) / pixels
        means = (float(totals["loss"]) / count, accuracy, float(np.nanmean(iou)), float(np.nanmean(dice)))
        found = zip(self.metrics, (*means, *iou.tolist(), *dice.tolist()), strict=True)
        return {name: value for name, value in found if not ("/" in name and np.isnan(value))}


@dataclass(frozen=True)
class SegmentationConfig:
    """The ``task`` section of a run that segments images.

    Args:
      loss: ``"softmax"``, ``"binary"``, ``"dice"``, ``"softmax+dice"`` or ``"binary+dice"``, see `Segmentation`.
      class_weights: one positive weight per class, in the order of the data set's classes; None for equal ones.
      auxiliary_weight: of the losses of a network's auxiliary heads, if it has any: one number, or one for each head.

    Raises:
      ValueError: for an unknown loss, or weights that are not positive.

    >>> SegmentationConfig(class_weights=(1.0, 0.0))
    Traceback (most recent call last):
    ...
    ValueError: invalid task.class_weights (1.0, 0.0); allowed: positive numbers, one per class
    """

    kinds: ClassVar[tuple[str, ...]] = ("map",)
    monitors: ClassVar[tuple[str, ...]] = ("loss", "accuracy", "iou", "dice")

    loss: str = "softmax"
    class_weights: tuple[float, ...] | None = None
    auxiliary_weight: float | tuple[float, ...] = 0.3

    def __post_init__(self) -> None:
        check_numbers(self, "task", several=True)
        require_auxiliary_weight("task.auxiliary_weight", self.auxiliary_weight)
        if self.loss not in SEGMENTATION_LOSSES:
            raise unknown("task.loss", self.loss, SEGMENTATION_LOSSES)
        if self.class_weights is not None and not all(0 < w < float("inf") for w in self.class_weights):
            raise invalid("task.class_weights", self.class_weights, "positive numbers, one per class")

    def for_dataset(self, dataset: Dataset) -> Segmentation:
        """Returns the task for the label maps of a data set.

        Raises:
          ValueError: when the data set has no label maps, or the loss or the weights do not fit its classes.
        """
        if dataset.label_kind not in self.kinds:
            raise wrong_labels("segmentation", dataset)
        if self.loss.startswith("binary") and dataset.num_classes != 2:
            other = self.loss.replace("binary", "softmax")
            raise invalid("task.loss", self.loss, f"a loss for {dataset.num_classes} classes", other)
        if self.class_weights is not None and len(self.class_weights) != dataset.num_classes:
            allowed = f"{dataset.num_classes} weights, for {', '.join(dataset.classes)}"
            raise invalid("task.class_weights", self.class_weights, allowed)
        _warn_of_what_is_not_there(dataset)
        return Segmentation(dataset.classes, self.loss, self.class_weights, self.auxiliary_weight)


def _warn_of_what_is_not_there(dataset: Dataset) -> None:
    """Says which splits, of those in memory, have no pixel that counts, and which lack a class."""
    for split in ("train", "validation", "test"):
        labels = getattr(dataset, split).labels
        if not isinstance(labels, np.ndarray) or not len(labels):
            continue
        absent, inside = _absent_classes(labels, dataset.num_classes), f"the {split} split of {dataset.name}"
        if len(absent) == dataset.num_classes:
            warnings.warn(f"no pixel of {inside} counts: all labels are {IGNORED}", stacklevel=4)
        elif absent:
            names = ", ".join(dataset.classes[k] for k in absent)
            warnings.warn(
                f"no pixel of {inside} is labelled {names}: without false alarms, iou and dice of such a class are "
                "left out",
                stacklevel=4,
            )


def _absent_classes(labels: np.ndarray, num_classes: int) -> list[int]:
    """The classes that no pixel has; looks no further than until all are found."""
    absent = list(range(num_classes))
    for image in labels:
        absent = [k for k in absent if not (image == k).any()]
        if not absent:
            break
    return absent
