"""The config of a run: a tree of frozen dataclasses, validated when it is made.

A run is written down as nested sections of plain values (in a config file: a `ml_collections.ConfigDict`). Here they
become a `RunConfig`. A key that does not exist, a value of a wrong type or out of its range, is one error that names
the dotted path.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from geomdl.data import DATASETS, Augmentation, DataConfig
from geomdl.errors import invalid, unknown
from geomdl.evaluators import EVALUATORS
from geomdl.layers.convolution.algorithms import methods
from geomdl.layers.transforms.with_method import read_methods
from geomdl.models import MODELS, BuildsModel
from geomdl.nesting import require_finite_nesting
from geomdl.paths import holds_path, is_pretrained, local_path, located
from geomdl.registry import Registry
from geomdl.tasks import TASKS, ClassificationConfig, Task, TaskConfig, split_metrics, usual_task
from geomdl.training.configuration.dataclass_fields import from_values
from geomdl.training.configuration.optimizers import OPTIMIZERS, Adam, OptimizerConfig
from geomdl.training.configuration.schedules import SCHEDULES, Constant, ScheduleConfig
from geomdl.training.distributed.parallel import ParallelConfig
from geomdl.training.step.compute import BATCH_NORM, PRECISIONS, Compute
from geomdl.training.step.treatment import Treatment, read_pairs, read_patterns

ON_NONFINITE = ("stop", "skip")
"""What may be done about a step that is not finite."""

MOST_STEPS = 2**31 - 1
"""The most steps of a run."""

HEADLINE = "headline"
"""The name under which ``training.monitor`` takes the headline metric of whatever task it is."""


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
      evaluators: names from `geomdl.evaluators.EVALUATORS`, or ``path/file.py:Name``, run at every evaluation.
      monitor: validation metric of the task by which checkpoints are compared, e.g. ``"loss"`` (least), ``"accuracy"``
        or, with label maps, ``"iou"`` (greatest); the task says which way is better. ``"headline"``: the one metric
        that the task is known by.
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
        ``"factored"`` or another registered algorithm, or the methods of some layers by the paths that
        ``geomdl summary`` prints, e.g. ``"0=dense,3=factored"``, and ``"auto"`` for the others. See
        `geomdl.layers.with_method`.
      frozen: patterns of parameters, or of layers by the paths that ``geomdl summary`` prints, that do not change:
        ``"0,1.*"``, or ``"*,!12"`` for all but layer 12. See `geomdl.training.step.treatment.Treatment`.
      unfreeze: patterns with the step until which they are frozen, ``"8=100,4=200"``: gradual unfreezing.
      learning_rates: patterns with the factor by which the learning rate is multiplied, ``"12=10,*.bias=2"``.
      batch_norm: ``"adapted"``: batch norm takes its statistics from the training images, and follows them;
        ``"frozen"``: it uses the ones that the network begins with.

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
    frozen: str | int | float | tuple[str | int | float, ...] = ()
    unfreeze: str | tuple[str, ...] = ()
    learning_rates: str | tuple[str, ...] = ()
    batch_norm: str = "adapted"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise unknown("training.precision", self.precision, PRECISIONS)
        try:
            read_methods(self.convolutions)
        except ValueError as error:
            allowed = f"{', '.join(methods())}, or layers with theirs, e.g. 0=dense,3=factored"
            raise invalid("training.convolutions", self.convolutions, f"{allowed} ({error})") from error
        if self.batch_norm not in BATCH_NORM:
            raise unknown("training.batch_norm", self.batch_norm, BATCH_NORM)
        _ = self.treatment  # raises for what cannot be read
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
        evaluators = tuple(EVALUATORS.find(name, what="training.evaluators").name for name in self.evaluators)
        object.__setattr__(self, "evaluators", evaluators)  # the same ones from every working directory
        if "metrics" not in self.evaluators:
            raise invalid("training.evaluators", self.evaluators, f"a list with 'metrics', for the {self.monitor}")

    @property
    def compute(self) -> Compute:
        """How gradients are computed."""
        return Compute(self.precision, self.accumulate, self.remat, self.batch_norm)

    @property
    def treatment(self) -> Treatment:
        """Which parameters are treated differently from the others."""
        return Treatment(
            read_patterns(self.frozen),
            read_pairs("training.unfreeze", self.unfreeze, int),
            read_pairs("training.learning_rates", self.learning_rates, float),
        )

    def total_steps(self, steps_per_epoch: int) -> int:
        """Returns the number of optimiser steps of the run."""
        steps = self.steps if self.steps is not None else max(1, round((self.epochs or 0) * steps_per_epoch))
        if steps > MOST_STEPS:
            name = "training.epochs" if self.steps is None else "training.steps"
            allowed = f"at most {MOST_STEPS:,} steps, as 32 bits count them; here an epoch has {steps_per_epoch:,}"
            raise invalid(name, getattr(self, name.partition(".")[2]), allowed)
        return steps

    def monitored(self, task: Task) -> str:
        """Returns the validation metric by which checkpoints are compared.

        Raises:
          ValueError: when it is none of the task's.
        """
        name = task.headline if self.monitor == HEADLINE else self.monitor
        if name not in split_metrics(task):
            raise unknown("training.monitor", name, [*split_metrics(task), HEADLINE])
        return name

    def measured(self, task: Task) -> dict[str, Any]:
        """Returns what a reader of the run's records must know of its metrics, as plain values."""
        least = [name for name, greater in split_metrics(task).items() if not greater]
        return {"headline": task.headline, "monitor": self.monitored(task), "least_is_best": least}

    def score(self, metrics: Mapping[str, float], task: Task) -> float:
        """Returns the monitored validation metric with the sign that makes greater better."""
        name = self.monitored(task)
        return metrics[name] if split_metrics(task)[name] else -metrics[name]


@dataclass(frozen=True)
class RunConfig:
    """The config of a run: with the seed in it, it determines all numbers of the run.

    Attributes:
      data: the data set. Without the section in a config: one that is given in Python, `train(…, dataset=…)`.
      model: the network.
      seed: of initial weights, order of images, augmentation and dropout.
      augmentation: random changes of training images.
      task: what is learnt: the loss and its options. Without a name in a config file: the task that learns the kind of
        labels that the data set has (classes, label maps, values).
      optimizer: the update rule.
      schedule: the learning rate over time.
      training: how long, how often, and what is kept.
      parallel: the devices, and how they share the work.
      init_from: ``model.init_from`` of a config: what the weights begin with, in place of random numbers. A work
        directory (its best checkpoint), a file of weights (see `geomdl.models.load_weights`) or the name of a network
        that comes along (see `geomdl.pretrained`). The head begins anew where the classes are others.

    >>> sections = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "training": {"steps": 9}}
    >>> config = RunConfig.from_config_dict(sections)
    >>> config.optimizer.learning_rate
    0.001
    """

    data: DataConfig
    model: BuildsModel
    training: TrainingConfig
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    task: TaskConfig = field(default_factory=ClassificationConfig)
    optimizer: OptimizerConfig = field(default_factory=Adam)
    schedule: ScheduleConfig = field(default_factory=Constant)
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    init_from: str = ""

    def __post_init__(self) -> None:
        # Whether the task has it is known when the data is (think of iou/cell); that some task has it, now.
        # A task of one's own need not say anything before it has seen the data.
        names = (name for task in (self.task, *TASKS.values()) for name in getattr(task, "monitors", ()))
        known = [*dict.fromkeys(names), HEADLINE]
        told = bool(getattr(self.task, "monitors", ())) and "/" not in self.training.monitor
        if told and self.training.monitor not in known:
            raise unknown("training.monitor", self.training.monitor, known)

    @property
    def irreps_of_features(self) -> str:
        """How the features of points turn: what the model says, or ``augmentation.irreps``; empty where none does."""
        of_model = getattr(self.model, "irreps_in", "")
        return (of_model if isinstance(of_model, str) else "") or self.augmentation.irreps

    @classmethod
    def from_config_dict(cls, values: Any) -> "RunConfig":
        """Makes the config from nested sections of plain values.

        Args:
          values: a `ml_collections.ConfigDict`, or dicts in a dict.

        Raises:
          ValueError: for anything that is missing, unknown, of a wrong type or out of its range.
        """
        tree: Mapping[str, Any] = values if isinstance(values, Mapping) else values.to_dict()
        names = [f.name for f in dataclasses.fields(cls) if f.name != "init_from"]
        for key in tree:
            if key not in names:
                raise unknown("config key", key, names)
        if "model" not in tree:
            raise invalid("config", sorted(tree), "a config with the section 'model', e.g. model=dict(name='cnn')")
        seed = tree.get("seed", 0)
        require_finite_nesting(tree, "config")
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
            raise invalid("seed", seed, "a whole number in [0, 2³²)", 0)
        data = _named(DATASETS, _section(tree, "data") or {"name": "given"}, "data", None)
        usual = usual_task(data.label_kind, TASKS)
        model, init_from = _without_init_from(_section(tree, "model"))
        return cls(
            seed=seed,
            data=data,
            augmentation=from_values(Augmentation, _section(tree, "augmentation"), "augmentation"),
            model=_named(MODELS, model, "model", None),
            init_from=init_from,
            task=_named(TASKS, _section(tree, "task"), "task", usual),
            optimizer=_named(OPTIMIZERS, _section(tree, "optimizer"), "optimizer", "adam"),
            schedule=_named(SCHEDULES, _section(tree, "schedule"), "schedule", "constant"),
            training=from_values(TrainingConfig, _section(tree, "training"), "training"),
            parallel=from_values(ParallelConfig, _section(tree, "parallel"), "parallel"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns nested dicts of plain values, from which `from_config_dict` makes an equal config."""
        return {
            "seed": self.seed,
            "data": {"name": DATASETS.name_of(self.data), **_values(self.data)},
            "augmentation": _values(self.augmentation),
            "model": {
                "name": MODELS.name_of(self.model),
                **_values(self.model),
                **({"init_from": self.init_from} if self.init_from else {}),
            },
            "task": {"name": TASKS.name_of(self.task), **_values(self.task)},
            "optimizer": {"name": OPTIMIZERS.name_of(self.optimizer), **_values(self.optimizer)},
            "schedule": {"name": SCHEDULES.name_of(self.schedule), **_values(self.schedule)},
            "training": _values(self.training),
            "parallel": _values(self.parallel),
        }


def _section(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    values = tree.get(key, {})
    if not isinstance(values, Mapping):
        raise invalid(key, values, f"a section of keys, e.g. --config.{key}.name=…")
    return values


def _without_init_from(section: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The section of a model without the key ``init_from``, and its value; a path that is there as an absolute one."""
    value = section.get("init_from")
    if value is not None and not isinstance(value, str):
        raise invalid("model.init_from", value, "a work directory, a file of weights, or a name, or None")
    rest = {key: value for key, value in section.items() if key != "init_from"}
    if not value:
        return rest, ""
    place = None if is_pretrained(value) else local_path(value, "model.init_from")
    return rest, str(place.absolute()) if place is not None and place.exists() else value


def _named(registry: Registry, values: Mapping[str, Any], path: str, default: str | None) -> Any:
    """The config whose class the key ``name`` chooses from a registry."""
    entry = registry.find(values.get("name", default))
    given = {key: value for key, value in values.items() if key != "name"}
    made = _located(from_values(entry.factory, {**entry.defaults, **given}, path, also=("name",)), path)
    _require_plain(_values(made), path)
    return made


def _located(made: Any, path: str) -> Any:
    """The section with absolute paths in place of relative ones, ``~`` and variables: the same from every folder."""
    old = {key: value for key, value in _values(made).items() if holds_path(key)}
    new = {key: located(value, f"{path}.{key}") for key, value in old.items()}
    return made if new == old else dataclasses.replace(made, **new)


def _require_plain(values: Mapping[str, Any], path: str) -> None:
    """Raises ValueError for a value that config.json could not hold."""
    for key, value in values.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            allowed = "a number, a string, None, or a tuple of such: what can be written to config.json"
            raise invalid(f"{path}.{key}", value, allowed) from None


def _values(config: Any) -> dict[str, Any]:
    """The fields of a dataclass as plain values."""
    fields: Sequence[dataclasses.Field[Any]] = dataclasses.fields(config)
    return {f.name: getattr(config, f.name) for f in fields if f.init and f.name != "name"}
