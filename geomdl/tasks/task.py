"""The interface of a task: loss, predictions and metrics, as the training loop and the evaluators use them."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from jaxtyping import Array

from geomdl.actions import OutputLaw
from geomdl.data import Dataset, TargetKind
from geomdl.errors import invalid

Batch = Mapping[str, Any]
"""A batch: ``image``, ``label``, further targets and, where it was padded, ``mask`` (1 for a real image, else 0)."""

Outputs = Any
"""What a model gives: one array, or a tree of arrays, whose first axis is the batch."""

Totals = dict[str, Array]
"""Numbers that are added up over steps, or over the batches of a split; `Task.summary` makes metrics of them."""


@runtime_checkable
class Accumulator(Protocol):
    """Metrics of a split. States are values: they are handed on, never changed.

    The metrics of a split are ``compute(update(… update(init(), outputs, batch) …))``; of a split in two parts they are
    those of the merged states of the parts, in this order.
    """

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what `compute` gives."""
        ...

    def greater_is_better(self, metric: str) -> bool:
        """Whether a model is the better the greater this metric is."""
        ...

    def init(self) -> Any:
        """The state before the first batch."""
        ...

    def update(self, state: Any, outputs: Outputs, batch: Batch) -> Any:
        """The state after a batch, of which only the images with ``mask`` 1 count (all of them without a mask)."""
        ...

    def merge(self, first: Any, second: Any) -> Any:
        """The state of both."""
        ...

    def compute(self, state: Any) -> dict[str, float]:
        """The metrics."""
        ...


class Task(Protocol):
    """A loss, predictions and metrics: a frozen, hashable value."""

    @property
    def outputs(self) -> int:
        """How many channels the model must give (``num_classes`` of its `build`)."""
        ...

    @property
    def target_kinds(self) -> Mapping[str, TargetKind]:
        """The kinds of the targets that the loss and the metrics read, by their names; ``"label"`` is one of them."""
        ...

    @property
    def law(self) -> OutputLaw:
        """How the outputs of a perfect model move with its images."""
        ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what `summary` gives; ``"loss"`` is one of them."""
        ...

    @property
    def accumulators(self) -> tuple[Accumulator, ...]:
        """What gathers further metrics of a split, which are no sums."""
        ...

    @property
    def headline(self) -> str:
        """The metric that one speaks of when one speaks of one number."""
        ...

    def greater_is_better(self, metric: str) -> bool:
        """Whether a model is the better the greater this one of the `metrics` is."""
        ...

    def predictions(self, outputs: Outputs, /) -> Any:
        """What the outputs of the model say: an array, or a tree of arrays."""
        ...

    def loss(self, outputs: Outputs, batch: Batch, /) -> tuple[Array, Totals]:
        """The number to make small, and the totals of this step."""
        ...

    def sums(self, outputs: Outputs, batch: Batch, /) -> Totals:
        """The totals of the real images of a batch."""
        ...

    def no_totals(self) -> Totals:
        """Zeros in the shape of the totals of `loss`."""
        ...

    def summary(self, totals: Mapping[str, Any], count: float) -> dict[str, float]:
        """The metrics, from the totals of so many steps (of `loss`) or images (of `sums`)."""
        ...


class TaskConfig(Protocol):
    """The ``task`` section of a run's config: a frozen dataclass of plain values.

    Attributes:
      kinds: the names of the kinds of labels that the task can learn.
      monitors: the metrics that can be named before the data is there. Those with a ``/`` in their name follow from the
        classes.
    """

    kinds: ClassVar[tuple[str, ...]]
    monitors: ClassVar[tuple[str, ...]]

    def for_dataset(self, dataset: Dataset) -> Task:
        """The task for the labels of a data set; ValueError when they do not fit."""
        ...


def shape_of(outputs: Any) -> Any:
    """The shape of a model's output, for errors; of what is no array, its type.

    >>> import jax
    >>> shape_of(jax.numpy.ones((2, 3))), shape_of((1, 2))
    ((2, 3), 'tuple')
    """
    return getattr(outputs, "shape", type(outputs).__name__)


def usual_task(kind: str, tasks: Mapping[str, type[TaskConfig]]) -> str | None:
    """The first of these tasks that learns labels of a kind; None where none does.

    Args:
      kind: the name of a kind of target.
      tasks: config classes by name.

    >>> from geomdl.tasks import TASKS
    >>> usual_task("map", TASKS)
    'segmentation'
    """
    return next((name for name, config in tasks.items() if kind in getattr(config, "kinds", ())), None)


def wrong_labels(name: str, dataset: Dataset) -> ValueError:
    """The error for a task that cannot learn the labels of a data set, with the one that can."""
    from geomdl.tasks import TASKS

    kind = dataset.target_kinds["label"]
    allowed = f"a task for the {kind.description} of {dataset.name}"
    return invalid("task.name", name, allowed, usual_task(dataset.label_kind, TASKS))
