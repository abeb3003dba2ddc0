"""Regression: real numbers per image, which move with it by a representation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from geomdl.actions import OutputLaw
from geomdl.arrays import as_floating
from geomdl.data import Dataset, TargetKind, ValuesTarget
from geomdl.errors import invalid, unknown
from geomdl.representations import FieldType
from geomdl.tasks.accumulators import OverImages
from geomdl.tasks.classification import masked_mean
from geomdl.tasks.task import Batch, Totals, shape_of, wrong_labels

REGRESSION_LOSSES = ("mse", "mae", "cosine")


@dataclass(frozen=True)
class Regression:
    """What is learnt when numbers are predicted: y(ρ_in(g) x) = ρ(g) y(x), ρ the field type of the values.

    The loss of an image with values y and outputs z, ``[values]``, is one of

      ``"mse"``:     the mean over the values of (z − y)²;
      ``"mae"``:     the mean over the values of |z − y|;
      ``"cosine"``:  the mean over the angles of 1 − cos(∠z − ∠y), for values that are vectors (cos kθ, sin kθ): the
                     irreps of dimension two and frequency k. The length of z does not matter.

    Metrics: ``loss`` and ``mae``, and, where the values have angles, ``angular_error`` and ``median_angular_error`` in
    degrees of θ: the mean over images and angles, and the median, of |∠z − ∠y| / k ≤ 180° / k. The median is no sum and
    is measured over splits only.

    Args:
      field_type: ρ, see `geomdl.data.ValuesTarget`.
      objective: one of `REGRESSION_LOSSES`.

    >>> task = Regression(FieldType("SO2", "1 irrep(1)"), "cosine")
    >>> batch = {"label": jnp.array([[1.0, 0.0]])}
    >>> outputs = jnp.array([[0.0, 5.0]])  # at 90°
    >>> round(float(task.loss(outputs, batch)[0]), 4), task.predictions(outputs)["degrees"].tolist()
    (1.0, [[90.0]])
    """

    field_type: FieldType
    objective: str = "mse"

    @property
    def outputs(self) -> int:
        """One number per value."""
        return self.field_type.size

    @property
    def target_kinds(self) -> Mapping[str, TargetKind]:
        """The values, which move by their representation."""
        return {"label": ValuesTarget(self.field_type)}

    @property
    def law(self) -> OutputLaw:
        """A field of the values' type, without base space; scalars are invariant."""
        return OutputLaw("invariant") if self.field_type.is_trivial else OutputLaw("field", self.field_type)

    @property
    def angles(self) -> tuple[tuple[int, int], ...]:
        """The first channel and the frequency k of every vector (cos kθ, sin kθ) among the values."""
        return angles_of(self.field_type)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what `summary` gives."""
        return ("loss", "mae", "angular_error") if self.angles else ("loss", "mae")

    @property
    def accumulators(self) -> tuple[OverImages, ...]:
        """The median of the angular error, where there are angles."""
        return (OverImages("median_angular_error", self._angular_errors, np.median),) if self.angles else ()

    @property
    def headline(self) -> str:
        """The mean angular error where there are angles, else the mean absolute error."""
        return "angular_error" if self.angles else "mae"

    def greater_is_better(self, metric: str) -> bool:
        """Of none: all are errors."""
        return False

    def predictions(self, logits: Float[Array, "batch values"]) -> dict[str, Array]:
        """Returns the ``values``, ``[batch, values]``, and, where they have angles, θ in ``degrees``.

        Degrees are ``[batch, angles]``, in [0, 360 / k).
        """
        if not self.angles:
            return {"values": logits}
        frequencies = jnp.asarray([k for _, k in self.angles], logits.dtype)
        turns = jnp.mod(jnp.rad2deg(self._arguments(logits)), 360)
        return {"values": logits, "degrees": turns / frequencies}

    def per_example(self, logits: Float[Array, "batch values"], batch: Batch) -> dict[str, Float[Array, " batch"]]:
        """Returns one number per image and metric.

        Raises:
          ValueError: for outputs of another shape than the values.
        """
        y = as_floating(batch["label"], "values", integers="converted")
        y = jnp.asarray(y).astype(jnp.float32)
        if shape_of(logits) != y.shape:
            raise invalid("shape of the model's output", shape_of(logits), f"{y.shape}, that of the values")
        z = logits.astype(jnp.float32)
        if "mask" in batch:  # what a model gives for padding has no gradient, were it infinite
            z = jnp.where(batch["mask"][:, None] > 0, z, 0)
        mae = jnp.abs(z - y).mean(-1)
        found = {"loss": mae, "mae": mae}
        if self.objective == "mse":
            found["loss"] = jnp.square(z - y).mean(-1)
        if self.objective == "cosine":
            found["loss"] = jnp.stack(
                [_one_minus_cosine(z[:, i : i + 2], y[:, i : i + 2]) for i, _ in self.angles]
            ).mean(0)
        if self.angles:
            found["angular_error"] = self._angular_errors(z, batch).mean(-1)
        return found

    def loss(self, logits: Float[Array, "batch values"], batch: Batch) -> tuple[Array, Totals]:
        """Returns the mean loss over the real images of the batch, and the means of all metrics."""
        means = {name: masked_mean(v, batch.get("mask")) for name, v in self.per_example(logits, batch).items()}
        return means["loss"], means

    def sums(self, logits: Float[Array, "batch values"], batch: Batch) -> Totals:
        """Returns the sum of every metric over the real images of the batch."""
        kept = batch["mask"] > 0 if "mask" in batch else jnp.ones(len(logits), bool)
        return {name: jnp.sum(jnp.where(kept, v, 0)) for name, v in self.per_example(logits, batch).items()}

    def no_totals(self) -> Totals:
        """Returns a zero for every metric."""
        return {name: jnp.zeros((), jnp.float32) for name in self.metrics}

    def summary(self, totals: Mapping[str, Any], count: float) -> dict[str, float]:
        """Returns the mean of every metric over so many steps or images."""
        return {name: float(totals[name]) / count for name in self.metrics}

    def _arguments(self, values: Float[Array, "batch values"]) -> Float[Array, "batch angles"]:
        """kθ of every angle, in radians."""
        return jnp.stack([jnp.arctan2(values[:, i + 1], values[:, i]) for i, _ in self.angles], -1)

    def _angular_errors(self, logits: Float[Array, "batch values"], batch: Batch) -> Float[Array, "batch angles"]:
        """|∠z − ∠y| / k in degrees."""
        difference = self._arguments(logits.astype(jnp.float32)) - self._arguments(
            jnp.asarray(batch["label"]).astype(jnp.float32)
        )
        frequencies = jnp.asarray([k for _, k in self.angles], jnp.float32)
        return jnp.abs(jnp.rad2deg(jnp.mod(difference + jnp.pi, 2 * jnp.pi) - jnp.pi)) / frequencies


def angles_of(field_type: FieldType) -> tuple[tuple[int, int], ...]:
    """The first channel and the frequency of every irrep of dimension two in a field type, in order.

    >>> angles_of(FieldType("SO2", "1 trivial + 2 irrep(3)"))
    ((1, 3), (3, 3))
    """
    found: list[tuple[int, int]] = []
    for block in field_type.blocks:
        rho = block.representation
        if rho.size == 2 and len(rho.labels) == 1 and not rho.basis:
            starts = range(block.channels.start, block.channels.stop, 2)
            found += [(start, int(rho.labels[0][1])) for start in starts]
    return tuple(found)


def _one_minus_cosine(z: Float[Array, "batch 2"], y: Float[Array, "batch 2"]) -> Float[Array, " batch"]:
    """1 − cos of the angle between two vectors; 1 where one vanishes, with a gradient that is finite there."""
    lengths = jnp.square(z).sum(-1) * jnp.square(y).sum(-1)
    return 1 - (z * y).sum(-1) / jnp.sqrt(jnp.maximum(lengths, 1e-12))


@dataclass(frozen=True)
class RegressionConfig:
    """The ``task`` section of a run that predicts numbers.

    Args:
      loss: ``"mse"``, ``"mae"`` or ``"cosine"``, see `Regression`.

    Raises:
      ValueError: for an unknown loss.

    >>> RegressionConfig(loss="cos")
    Traceback (most recent call last):
    ...
    ValueError: unknown task.loss 'cos'; allowed: mse, mae, cosine; did you mean 'cosine'?
    """

    kinds: ClassVar[tuple[str, ...]] = ("values",)
    monitors: ClassVar[tuple[str, ...]] = ("loss", "mae", "angular_error", "median_angular_error")

    loss: str = "mse"

    def __post_init__(self) -> None:
        if self.loss not in REGRESSION_LOSSES:
            raise unknown("task.loss", self.loss, REGRESSION_LOSSES)

    def for_dataset(self, dataset: Dataset) -> Regression:
        """Returns the task for the values of a data set.

        Raises:
          ValueError: when its labels are no values, or the loss asks for angles where some values are none.
        """
        kind = dataset.target_kinds["label"]
        if not isinstance(kind, ValuesTarget):
            raise wrong_labels("regression", dataset)
        task = Regression(kind.field_type, self.loss)
        if self.loss == "cosine" and 2 * len(task.angles) != kind.field_type.size:
            allowed = f"a loss for {kind.description}, not all of which are angles (irreps of dimension two)"
            raise invalid("task.loss", self.loss, allowed, "mse")
        return task
