"""The training loop: from a config to a trained model in a work directory.

Everything a run does is a function of (config, step), so a run that is stopped anywhere, and started again with the
same config and work directory, goes on from its latest checkpoint to the same numbers.
"""

import functools
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array

from geomdl.data import Dataset, make_loader
from geomdl.errors import invalid, unknown
from geomdl.evaluators import EVALUATORS, with_batch_size
from geomdl.tasks import Task
from geomdl.training.checkpoint import Checkpoints
from geomdl.training.config import RunConfig
from geomdl.training.parallel import Strategy
from geomdl.training.pictures import Pictures
from geomdl.training.run_facts import note_begin, note_end
from geomdl.training.state import TrainState, initial_state, merge_model, split_model
from geomdl.training.step import make_apply, make_train_step
from geomdl.training.workdir import Workdir, WorkdirError, read_config
from geomdl.training.writers import JsonlWriter, Progress, Record, TensorBoardWriter, Writer, read_metrics


class TrainingDiverged(FloatingPointError):
    """The loss, or the monitored metric, is no longer a finite number.

    Args:
      what: is not finite, with its value and where.
      kept: the step of the latest checkpoint, or None.
    """

    def __init__(self, what: str, kept: int | None) -> None:
        saved = "no checkpoint was saved" if kept is None else f"the checkpoint of step {kept} is kept"
        super().__init__(
            f"{what}; {saved}; "
            "try a smaller optimizer.learning_rate, or a schedule with warmup_steps, in another work directory"
        )


@dataclass(frozen=True)
class Result:
    """What came of a run.

    Attributes:
      model: as it was at the best evaluation.
      best_step: the step of that evaluation.
      step: the number of steps taken.
      stopped_early: whether the monitored metric had stopped improving.
      records: everything in metrics.jsonl.
      workdir: where everything is.
    """

    model: Any
    best_step: int
    step: int
    stopped_early: bool
    records: list[Record]
    workdir: Path

    @property
    def best(self) -> Record:
        """The validation record of the best evaluation.

        Raises:
          WorkdirError: when metrics.jsonl has lost it.
        """
        for record in self.records:
            if record["step"] == self.best_step and record["split"] == "validation":
                return record
        raise WorkdirError(
            f"{self.workdir / 'metrics.jsonl'} has no validation record of step {self.best_step}, the best; "
            "put the file back as it was, or train again in another work directory"
        )


@dataclass(frozen=True)
class _Patience:
    """How long ago the monitored metric was last improved upon; part of every checkpoint."""

    best_score: float = -math.inf
    evaluations_since: int = 0
    stopped: bool = False

    def after(self, score: float, patience: int | None) -> "_Patience":
        if score > self.best_score:
            return _Patience(score)
        since = self.evaluations_since + 1
        return _Patience(self.best_score, since, patience is not None and since >= patience)

    def saved(self) -> dict[str, Any]:
        return {"best_score": self.best_score, "since": self.evaluations_since, "stopped": int(self.stopped)}

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "_Patience":
        return cls(float(saved["best_score"]), int(saved["since"]), bool(saved["stopped"]))


@dataclass(frozen=True)
class _Parts:
    """What a config stands for, given its data set."""

    model: nnx.Module
    task: Task
    optimizer: optax.GradientTransformation
    schedule: optax.Schedule
    total_steps: int
    strategy: Strategy
    average: bool

    @classmethod
    def build(cls, config: RunConfig, dataset: Dataset, strategy: Strategy = Strategy()) -> "_Parts":  # noqa: B008
        batch_size, count = config.training.batch_size, len(dataset.train)
        if batch_size > count:
            raise invalid("training.batch_size", batch_size, f"at most the {count} training images", count)
        steps_per_epoch = count // batch_size
        total_steps = config.training.total_steps(steps_per_epoch)
        schedule = config.schedule.build(config.optimizer.learning_rate, total_steps)
        task = config.task.for_dataset(dataset)
        if config.training.monitor not in task.metrics:
            raise unknown("training.monitor", config.training.monitor, task.metrics)
        return cls(
            model=build_model(config, dataset),
            task=task,
            optimizer=config.optimizer.build(schedule),
            schedule=schedule,
            total_steps=total_steps,
            strategy=strategy,
            average=config.training.ema is not None,
        )

    def initial(self) -> tuple[Any, TrainState]:
        """The static structure of the model, and the state before the first step."""
        structure, params, rest = split_model(self.model)
        state = initial_state(params, rest, self.optimizer, self.task, average=self.average)
        return structure, self.strategy.place(state)


def build_model(config: RunConfig, dataset: Dataset) -> Any:
    """Returns the model of a run with its initial weights."""
    outputs = config.task.for_dataset(dataset).outputs
    return config.model.build(image_shape=dataset.image_shape, num_classes=outputs, rngs=nnx.Rngs(config.seed))


def train(
    config: RunConfig, workdir: Path | str, *, dataset: Dataset | None = None, progress: Progress | None = None
) -> Result:
    """Trains a model, or goes on with a run that was stopped; a finished run is only read.

    Args:
      config: of the run.
      workdir: gets ``config.json``, ``metrics.jsonl``, ``checkpoints/`` and ``tensorboard/``.
      dataset: what ``config.data.load()`` gives, if it is at hand.
      progress: is told of every step and record.

    Returns:
      The trained model, with the numbers of the run.

    Raises:
      ValueError: for a config that does not fit the data, a work directory of another run, or a checkpoint that cannot
        be read. Nothing is lost.
      TrainingDiverged: when the loss, of training or validation, or the monitored metric is no longer finite. No
        checkpoint is made of such weights at an evaluation.
    """
    dataset = config.data.load() if dataset is None else dataset
    strategy = config.parallel.build(config.training.batch_size, config.training.accumulate)
    parts = _Parts.build(config, dataset, strategy)
    structure, state = parts.initial()
    with Workdir(workdir, config) as where:
        note_begin(where.path, parts.total_steps, state.params, dataset)
        checkpoints = Checkpoints(where.checkpoints, keep=config.training.keep_checkpoints, writable=True)
        try:
            patience = _Patience()
            if checkpoints.latest is not None:
                read_metrics(where.metrics)  # raises before anything is done if it is gone
                state, patience = _restore(checkpoints, checkpoints.latest, state, patience)
            start = int(state.step)
            if start < parts.total_steps and not patience.stopped:
                state, patience = _run(config, dataset, parts, structure, state, patience, where, checkpoints, progress)
            checkpoints.wait()
            best_step = checkpoints.find("best")
            best, _ = _restore(checkpoints, best_step, state, patience)
        finally:
            checkpoints.close()
        note_end(where.path, step=int(state.step), best_step=best_step, stopped_early=patience.stopped)
        return Result(
            model=merge_model(structure, *parts.strategy.home((best.deployed, best.rest))),
            best_step=best_step,
            step=int(state.step),
            stopped_early=patience.stopped,
            records=read_metrics(where.metrics),
            workdir=where.path,
        )


@dataclass(frozen=True)
class Trained:
    """A trained model with what it was trained on.

    Attributes:
      model: with the weights of the checkpoint.
      config: of the run.
      dataset: of the run.
      task: what was learnt.
      step: of the checkpoint.
    """

    model: Any
    config: RunConfig
    dataset: Dataset
    task: Task
    step: int


def load_trained(workdir: Path | str, checkpoint: str | int = "best", *, dataset: Dataset | None = None) -> Trained:
    """Reads a model that was trained.

    Args:
      workdir: of the run.
      checkpoint: ``"best"``, ``"latest"`` or a step.
      dataset: what the run's ``config.data.load()`` gives, if it is at hand.

    Raises:
      ValueError: when there is no such run or checkpoint, or it cannot be read.
    """
    config = read_config(workdir)
    directory = Path(workdir) / "checkpoints"
    if not directory.is_dir():
        raise WorkdirError(f"work directory {workdir} has no checkpoint yet; train first")
    dataset = config.data.load() if dataset is None else dataset
    parts = _Parts.build(config, dataset)
    structure, state = parts.initial()
    checkpoints = Checkpoints(directory)
    try:
        step = checkpoints.find(checkpoint)
        state, _ = _restore(checkpoints, step, state, _Patience())
    finally:
        checkpoints.close()
    return Trained(merge_model(structure, state.deployed, state.rest), config, dataset, parts.task, step)


def _restore(
    checkpoints: Checkpoints, step: int, state: TrainState, patience: _Patience
) -> tuple[TrainState, _Patience]:
    saved = checkpoints.restore(step, {"state": state.saved(), "patience": patience.saved()})
    return replace(state, **saved["state"]), _Patience.restored(saved["patience"])


def _run(
    config: RunConfig,
    dataset: Dataset,
    parts: _Parts,
    structure: Any,
    state: TrainState,
    patience: _Patience,
    where: Workdir,
    checkpoints: Checkpoints,
    progress: Progress | None,
) -> tuple[TrainState, _Patience]:
    """Takes the steps from where the state stands to the end."""
    options, start, total = config.training, int(state.step), parts.total_steps
    loader = make_loader(dataset.train, options.batch_size, config.seed, start_step=start)
    strategy, compute = parts.strategy, options.compute
    step_function = make_train_step(
        structure,
        task=parts.task,
        optimizer=parts.optimizer,
        select=loader.select,
        augment=config.augmentation,
        compute=compute,
        strategy=strategy,
        ema=options.ema or 0.0,
    )
    apply = make_apply(structure, compute, strategy)
    feed = strategy.feed()
    evaluators = [with_batch_size(EVALUATORS[name](), options.eval_batch_size) for name in options.evaluators]
    eval_every = options.eval_every or loader.steps_per_epoch
    key = strategy.place(jax.random.key(config.seed))

    tensorboard = TensorBoardWriter(where.tensorboard, start)
    pictures = Pictures(tensorboard.image, structure, dataset, parts.task, options.eval_batch_size)
    writers: list[Writer] = [JsonlWriter(where.metrics, start), tensorboard]
    if progress is not None:
        writers.append(progress)
        progress.start(start, total, options.batch_size)
    recorder = _Recorder(writers, parts, options.batch_size, start, checkpoints)
    try:
        for step in range(start + 1, total + 1):  # the number of steps taken after this one
            state = step_function(state, feed(loader.fetch(step - 1)), key)
            if progress is not None:
                progress.step()
            if step == start + 1:
                jax.block_until_ready(state.step)
                recorder.restart_clock(step)
            evaluate = step % eval_every == 0 or step == total
            save = evaluate or (options.checkpoint_every is not None and step % options.checkpoint_every == 0)
            if save or step % options.log_every == 0:
                recorder.cut(step, state.totals)
                state = replace(state, totals=strategy.place(parts.task.no_totals()))
            if not save:
                continue
            recorder.flush()
            score = None
            if evaluate:
                predict = functools.partial(apply, state.deployed, state.rest)
                metrics: dict[str, float] = {}
                for evaluator in evaluators:
                    metrics |= evaluator(predict, dataset.validation, parts.task)
                for name in dict.fromkeys(("loss", options.monitor)):
                    if not math.isfinite(metrics[name]):
                        message = f"the validation {name} is {metrics[name]} at step {step}"
                        raise TrainingDiverged(message, checkpoints.latest)
                score = options.score(metrics)
                recorder.write({"step": step, "split": "validation", **metrics})
                if options.images:
                    pictures.draw(step, state, predict)
                patience = patience.after(score, options.patience)
            checkpoints.save(step, {"state": state.saved(), "patience": patience.saved()}, score=score)
            recorder.restart_clock(step)
            if patience.stopped:
                break
    finally:
        loader.close()
        for writer in writers:
            writer.close()
    return state, patience


class _Recorder:
    """Writes training records one interval late, so that the host does not wait for the device."""

    def __init__(
        self, writers: list[Writer], parts: _Parts, batch_size: int, start: int, checkpoints: Checkpoints
    ) -> None:
        self._writers = writers
        self._checkpoints = checkpoints
        self._schedule = jax.jit(parts.schedule)
        self._task = parts.task
        self._batch_size = batch_size
        self._waiting: list[tuple[int, int, dict[str, Array], Array]] = []
        self._last_cut = start
        self._clock, self._clock_step = time.perf_counter(), start

    def cut(self, step: int, totals: dict[str, Array]) -> None:
        """Ends an interval at this step, and writes the one before it."""
        rate = self._schedule(np.int32(step - 1))
        self._waiting.append((step, step - self._last_cut, totals, rate))
        self._last_cut = step
        while len(self._waiting) > 1:
            self._write_first()

    def flush(self) -> None:
        """Writes everything that was cut."""
        while self._waiting:
            self._write_first()

    def restart_clock(self, step: int) -> None:
        """Images per second are counted from here: compilation, evaluation and saving are left out."""
        self._clock, self._clock_step = time.perf_counter(), step

    def write(self, record: Record) -> None:
        """Gives a record to every writer."""
        for writer in self._writers:
            writer.write(record)

    def _write_first(self) -> None:
        step, steps, totals, rate = self._waiting.pop(0)
        totals, rate = jax.device_get((totals, rate))
        record: Record = {"step": step, "split": "train"}
        record |= self._task.summary(totals, steps)
        record["learning_rate"] = float(rate)
        if step > self._clock_step:
            images = (step - self._clock_step) * self._batch_size
            record["images_per_second"] = round(images / (time.perf_counter() - self._clock), 1)
        if not math.isfinite(record["loss"]):
            message = f"the training loss is {record['loss']} in the {steps} steps up to step {step}"
            raise TrainingDiverged(message, self._checkpoints.latest)
        self.write(record)
