"""The interface of a task: loss, predictions and metrics, as the training loop and the evaluators use them."""

from collections.abc import Mapping
from typing import Any, Protocol

from jaxtyping import Array

from geomdl.data import Dataset

Batch = Mapping[str, Array]
"""A batch: ``image``, ``label`` and, where it was padded, ``mask`` (1 for a real image, 0 for padding)."""

Totals = dict[str, Array]
"""Numbers that are added up over steps, or over the batches of a split; `Task.summary` makes metrics of them."""


class Task(Protocol):
    """A loss, predictions and metrics: a frozen, hashable value."""

    @property
    def outputs(self) -> int:
        """How many channels the model must give (``num_classes`` of its `build`)."""
        ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what `summary` gives; ``"loss"`` is one of them."""
        ...

    @property
    def labels_move(self) -> bool:
        """Whether a transformation of the image moves its label too."""
        ...

    def predictions(self, logits: Array) -> Array:
        """What the outputs of the model say."""
        ...

    def loss(self, logits: Array, batch: Batch) -> tuple[Array, Totals]:
        """The number to make small, and the totals of this step."""
        ...

    def sums(self, logits: Array, batch: Batch) -> Totals:
        """The totals of the real images of a batch."""
        ...

    def no_totals(self) -> Totals:
        """Zeros in the shape of the totals of `loss`."""
        ...

    def summary(self, totals: Mapping[str, Any], count: float) -> dict[str, float]:
        """The metrics, from the totals of so many steps (of `loss`) or images (of `sums`)."""
        ...


class TaskConfig(Protocol):
    """The ``task`` section of a run's config: a frozen dataclass of plain values."""

    def for_dataset(self, dataset: Dataset) -> Task:
        """The task for the labels of a data set; ValueError when they do not fit."""
        ...
