"""The config of a run: a tree of frozen dataclasses, validated when it is made.

A run is written down as nested sections of plain values (in a config file: a `ml_collections.ConfigDict`). Here they
become a `RunConfig`. A key that does not exist, a value of a wrong type or out of its range, is one error that names
the dotted path.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from geomdl.data import Augmentation, DataConfig, config_class
from geomdl.errors import invalid, unknown
from geomdl.evaluators import EVALUATORS
from geomdl.layers.transforms.with_method import METHODS, read_methods
from geomdl.models import MODELS, ModelConfig
from geomdl.tasks import TASKS, ClassificationConfig, TaskConfig
from geomdl.training.configuration.dataclass_fields import from_values
from geomdl.training.configuration.optimizers import OPTIMIZERS, Adam, OptimizerConfig
from geomdl.training.configuration.schedules import SCHEDULES, Constant, ScheduleConfig
from geomdl.training.distributed.parallel import ParallelConfig
from geomdl.training.step.compute import PRECISIONS, Compute

ON_NONFINITE = ("stop", "skip")
"""What may be done about a step that is not finite."""

MONITORS = ("loss", "accuracy", "iou", "dice")
"""The validation metrics that checkpoints may be compared by."""


@dataclass(frozen=True)
class TrainingConfig:
    """The ``training`` section: how long, how often, and what is kept.

    Args:
      batch_size: images per step.
      epochs: passes over the training set; a fraction is allowed. Give this or ``steps``.
      steps: optimiser steps. Give this or ``epochs``.
      eval_every: steps between evaluations on the validation split; None for one epoch. The last step is always
        evaluated.
      checkpoint_seconds: an evaluation leaves a checkpoint if the latest is so old; the last one always does, and so
        does a request to stop. Until then the state of the best is kept in the device's memory, to be saved before:
        the trained model is that of the best evaluation in any case. 0: after every evaluation. Changes no numbers.
      checkpoint_every: steps between further checkpoints, for runs with rare evaluations; None for none.
      workers: processes that read and decode training images, for data that does not fit into memory and is slow to
        decode; 0: threads of the process that trains. Changes no numbers.
      log_every: steps that one training record of metrics.jsonl averages over.
      eval_batch_size: images per batch in evaluations.
      evaluators: names from `geomdl.evaluators.EVALUATORS`, run at every evaluation.
      monitor: validation metric by which checkpoints are compared: ``"loss"`` (least), or (greatest) ``"accuracy"``,
        and with label maps ``"iou"`` or ``"dice"``, the means over the classes.
      patience: evaluations without an improvement after which training stops; None to train to the end.
      keep_checkpoints: how many of the best checkpoints are kept, besides the latest.
      images: draws filters, confusion matrix and predictions on turned images for TensorBoard, at every evaluation.
        Changes no numbers.
      on_nonfinite: when the loss of a step, or its gradient, is not finite: ``"stop"`` ends the run with an error that
        names the step and its images; ``"skip"`` leaves parameters, optimiser and batch statistics as they were and
        counts the step under ``skipped`` in metrics.jsonl, until there are 10 in a row.
      precision: ``"float32"``, or ``"bfloat16"`` for images and activations; see
        `geomdl.training.step.compute.Compute`.
      accumulate: parts in which a step takes its batch, one after the other, for less memory.
      remat: computes every block of layers once more for its gradient, for less memory.
      ema: decay of an exponential moving average of the parameters, in (0, 1), e.g. 0.999; evaluations and the trained
        model then use the average (with batch norm's own running statistics). None for the parameters themselves.
      convolutions: how they are computed, which changes numbers by rounding only: ``"auto"``, ``"dense"``,
        ``"factored"``, or the methods of some layers by the paths that ``geomdl summary`` prints, e.g.
        ``"0=dense,3=factored"``, and ``"auto"`` for the others. See `geomdl.layers.with_method`.

    Raises:
      ValueError: for a value out of its range, or unless exactly one of ``epochs`` and ``steps`` is given.

    >>> TrainingConfig(epochs=2).total_steps(steps_per_epoch=9)
    18
    """

    batch_size: int = 64
    epochs: float | None = None
    steps: int | None = None
    eval_every: int | None = None
    checkpoint_seconds: float = 10.0
    checkpoint_every: int | None = None
    log_every: int = 10
    eval_batch_size: int = 256
    evaluators: tuple[str, ...] = ("metrics",)
    monitor: str = "loss"
    patience: int | None = None
    keep_checkpoints: int = 1
    images: bool = False
    on_nonfinite: str = "stop"
    precision: str = "float32"
    accumulate: int = 1
    remat: bool = False
    ema: float | None = None
    workers: int = 0
    convolutions: str = "auto"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise unknown("training.precision", self.precision, PRECISIONS)
        try:
            read_methods(self.convolutions)
        except ValueError as error:
            allowed = f"{', '.join(METHODS)}, or layers with theirs, e.g. 0=dense,3=factored"
            raise invalid("training.convolutions", self.convolutions, f"{allowed} ({error})") from error
        if self.workers < 0:
            raise invalid("training.workers", self.workers, "a whole number from 0", 0)
        if not 0 <= self.checkpoint_seconds < float("inf"):
            raise invalid("training.checkpoint_seconds", self.checkpoint_seconds, "a number of seconds from 0", 10.0)
        if self.on_nonfinite not in ON_NONFINITE:
            raise unknown("training.on_nonfinite", self.on_nonfinite, ON_NONFINITE)
        if self.ema is not None and not 0 < self.ema < 1:
            raise invalid("training.ema", self.ema, "a number between 0 and 1, or None", 0.999)
        for name in ("batch_size", "log_every", "eval_batch_size", "keep_checkpoints", "accumulate"):
            if getattr(self, name) < 1:
                raise invalid(f"training.{name}", getattr(self, name), "a positive whole number", 1)
        for name in ("steps", "eval_every", "checkpoint_every", "patience"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise invalid(f"training.{name}", getattr(self, name), "a positive whole number, or None", 1)
        if self.epochs is not None and not 0 < self.epochs < float("inf"):
            raise invalid("training.epochs", self.epochs, "a positive number, or None", 1)
        if (self.epochs is None) == (self.steps is None):
            raise invalid(
                "training.epochs, training.steps", (self.epochs, self.steps), "one of the two; set the other to None"
            )
        for name in self.evaluators:
            if name not in EVALUATORS:
                raise unknown("training.evaluators", name, list(EVALUATORS))
        if self.monitor not in MONITORS:
            raise unknown("training.monitor", self.monitor, MONITORS)
        if "metrics" not in self.evaluators:
            raise invalid("training.evaluators", self.evaluators, f"a list with 'metrics', for the {self.monitor}")

    @property
    def compute(self) -> Compute:
        """How gradients are computed."""
        return Compute(self.precision, self.accumulate, self.remat)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Returns the number of optimiser steps of the run."""
        return self.steps if self.steps is not None else max(1, round((self.epochs or 0) * steps_per_epoch))

    def score(self, metrics: Mapping[str, float]) -> float:
        """Returns the monitored validation metric with the sign that makes greater better."""
        return -metrics["loss"] if self.monitor == "loss" else metrics[self.monitor]


@dataclass(frozen=True)
class RunConfig:
    """The config of a run: with the seed in it, it determines all numbers of the run.

    Attributes:
      data: the data set.
      model: the network.
      seed: of initial weights, order of images, augmentation and dropout.
      augmentation: random changes of training images.
      task: what is learnt: the loss and its options. Without a name in a config file: segmentation where the data set
        has label maps, else classification.
      optimizer: the update rule.
      schedule: the learning rate over time.
      training: how long, how often, and what is kept.
      parallel: the devices, and how they share the work.

    >>> sections = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "training": {"steps": 9}}
    >>> config = RunConfig.from_config_dict(sections)
    >>> config.optimizer.learning_rate
    0.001
    """

    data: DataConfig
    model: ModelConfig
    training: TrainingConfig
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    task: TaskConfig = field(default_factory=ClassificationConfig)
    optimizer: OptimizerConfig = field(default_factory=Adam)
    schedule: ScheduleConfig = field(default_factory=Constant)
    parallel: ParallelConfig = field(default_factory=ParallelConfig)

    @classmethod
    def from_config_dict(cls, values: Any) -> "RunConfig":
        """Makes the config from nested sections of plain values.

        Args:
          values: a `ml_collections.ConfigDict`, or dicts in a dict.

        Raises:
          ValueError: for anything that is missing, unknown, of a wrong type or out of its range.
        """
        tree: Mapping[str, Any] = values if isinstance(values, Mapping) else values.to_dict()
        names = [f.name for f in dataclasses.fields(cls)]
        for key in tree:
            if key not in names:
                raise unknown("config key", key, names)
        for key in ("data", "model"):
            if key not in tree:
                raise invalid("config", sorted(tree), f"a config with the section '{key}', e.g. {_EXAMPLES[key]}")
        seed = tree.get("seed", 0)
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
            raise invalid("seed", seed, "a whole number in [0, 2³²)", 0)
        data = _data(_section(tree, "data"))
        usual_task = "segmentation" if data.label_kind == "map" else "classification"
        return cls(
            seed=seed,
            data=data,
            augmentation=from_values(Augmentation, _section(tree, "augmentation"), "augmentation"),
            model=_named(MODELS, _section(tree, "model"), "model", None),
            task=_named(TASKS, _section(tree, "task"), "task", usual_task),
            optimizer=_named(OPTIMIZERS, _section(tree, "optimizer"), "optimizer", "adam"),
            schedule=_named(SCHEDULES, _section(tree, "schedule"), "schedule", "constant"),
            training=from_values(TrainingConfig, _section(tree, "training"), "training"),
            parallel=from_values(ParallelConfig, _section(tree, "parallel"), "parallel"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns nested dicts of plain values, from which `from_config_dict` makes an equal config."""
        data = {"name": self.data.name, **_values(self.data)}
        return {
            "seed": self.seed,
            "data": data,
            "augmentation": _values(self.augmentation),
            "model": {"name": _name_of(MODELS, self.model), **_values(self.model)},
            "task": {"name": _name_of(TASKS, self.task), **_values(self.task)},
            "optimizer": {"name": _name_of(OPTIMIZERS, self.optimizer), **_values(self.optimizer)},
            "schedule": {"name": _name_of(SCHEDULES, self.schedule), **_values(self.schedule)},
            "training": _values(self.training),
            "parallel": _values(self.parallel),
        }


_EXAMPLES = {"data": "data=dict(name='digits')", "model": "model=dict(name='cnn')"}


def _section(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    values = tree.get(key, {})
    if not isinstance(values, Mapping):
        raise invalid(key, values, f"a section of keys, e.g. --config.{key}.name=…")
    return values


def _named(registry: Mapping[str, Any], values: Mapping[str, Any], path: str, default: str | None) -> Any:
    """The config whose class the key ``name`` chooses from a registry."""
    name = values.get("name", default)
    if name not in registry:
        raise unknown(f"{path}.name", name, list(registry))
    return from_values(registry[name], {k: v for k, v in values.items() if k != "name"}, path, also=("name",))


def _data(values: Mapping[str, Any]) -> DataConfig:
    kind = config_class(values.get("name", ""))
    named = any(f.name == "name" for f in dataclasses.fields(kind))  # pyright: ignore[reportArgumentType]
    fields = values if named else {k: v for k, v in values.items() if k != "name"}
    return from_values(kind, fields, "data", also=() if named else ("name",))


def _name_of(registry: Mapping[str, Any], config: Any) -> str:
    return next(name for name, kind in registry.items() if kind is type(config))


def _values(config: Any) -> dict[str, Any]:
    """The fields of a dataclass as plain values."""
    fields: Sequence[dataclasses.Field[Any]] = dataclasses.fields(config)
    return {f.name: getattr(config, f.name) for f in fields if f.init and f.name != "name"}
