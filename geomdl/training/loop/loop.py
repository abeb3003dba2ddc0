"""The training loop: from a config to a trained model in a work directory.

Everything a run does is a function of (config, step), so a run that is stopped anywhere, and started again with the
same config and work directory, goes on from its latest checkpoint to the same numbers.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from geomdl.data import Dataset, make_loader
from geomdl.errors import invalid, unknown
from geomdl.evaluators import EVALUATORS, with_batch_size
from geomdl.layers.convolution.algorithms.registry import AUTO
from geomdl.layers.transforms.with_method import convolutions, read_methods, with_method
from geomdl.tasks import Task
from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.checkpoints.checkpoint_interval import CheckpointInterval
from geomdl.training.configuration.config import RunConfig
from geomdl.training.distributed.parallel import Strategy
from geomdl.training.distributed.processes import agreed, by_first
from geomdl.training.loop.culprit import culprit
from geomdl.training.loop.input import fetched
from geomdl.training.loop.interruption import Interrupted, Stop, agreed_stop, interruptible, never
from geomdl.training.reporting.image_summaries import ImageSummaries
from geomdl.training.reporting.recorder import Interval, Recorder
from geomdl.training.reporting.writers import Progress, Record, open_writers, read_metrics
from geomdl.training.step.nonfinite import TrainingDiverged, Watch
from geomdl.training.step.state import TrainState, initial_state, merge_model, split_model
from geomdl.training.step.step import make_apply, make_train_step
from geomdl.training.workdir.run_facts import note_begin, note_end
from geomdl.training.workdir.same_inputs import the_data
from geomdl.training.workdir.workdir import Workdir, WorkdirError, read_config


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
    """Returns the model of a run with its initial weights, and its convolutions computed as the config says."""
    outputs = config.task.for_dataset(dataset).outputs
    model = config.model.build(image_shape=dataset.image_shape, num_classes=outputs, rngs=nnx.Rngs(config.seed))
    named = read_methods(config.training.convolutions)
    everywhere = dict.fromkeys(convolutions(model), AUTO)
    try:
        return with_method(model, named if isinstance(named, str) else everywhere | named)
    except ValueError as error:
        raise ValueError(f"training.convolutions {config.training.convolutions!r}: {error}") from error


def train(
    config: RunConfig,
    workdir: Path | str,
    *,
    dataset: Dataset | None = None,
    progress: Progress | None = None,
    stop: Stop = never,
    allow_change: Sequence[str] = (),
) -> Result:
    """Trains a model, or goes on with a run that was stopped; a finished run is only read.

    Args:
      config: of the run.
      workdir: gets ``config.json``, ``metrics.jsonl``, ``checkpoints/`` and ``tensorboard/``.
      dataset: what ``config.data.load()`` gives, if it is at hand.
      progress: is told of every step and record.
      stop: asked after every step, and between batches of evaluations, whether to stop.
      allow_change: dotted paths, or sections, in which the config may differ from that of the run in the directory.

    Returns:
      The trained model, with the numbers of the run.

    Raises:
      ValueError: for a config that does not fit the data, a work directory of another run, or a checkpoint that cannot
        be read. Nothing is lost.
      Interrupted: when ``stop`` said so; there is a checkpoint.
      TrainingDiverged: when the loss, of training or validation, its gradient, or the monitored metric is no longer
        finite. No checkpoint is made of such weights at an evaluation.
      SaveFailed, InputFailed: when the disk is full, or data cannot be read any more; the latest checkpoint is kept.
    """
    dataset = the_data(config, dataset)
    strategy = config.parallel.build(config.training.batch_size, config.training.accumulate)
    parts = _Parts.build(config, dataset, strategy)
    structure, state = parts.initial()
    with Workdir(workdir, config, allow_change=allow_change) as where:
        by_first(lambda: note_begin(where.path, parts.total_steps, state.params, dataset))
        checkpoints = Checkpoints(where.checkpoints, keep=config.training.keep_checkpoints, writable=True)
        try:
            patience, notes = _Patience(), {}
            if checkpoints.latest is not None:
                read_metrics(where.metrics)  # raises before anything is done if it is gone
                restored = checkpoints.resume(_saved(state, patience))
                if restored is not None:
                    state, patience = _restored(state, restored[1])
                    notes = checkpoints.notes(restored[0])
            if notes.get("evaluate") or (int(state.step) < parts.total_steps and not patience.stopped):
                run = _Run(config, dataset, parts, structure, where, checkpoints, progress, stop)
                state, patience = run(state, patience, notes)
            checkpoints.wait()
            best_step = checkpoints.find("best")
            best, _ = _restore(checkpoints, best_step, state, patience)
        except Exception:
            checkpoints.leave()
            raise
        except BaseException:
            checkpoints.close()
            raise
        checkpoints.close()
        taken, stopped = int(state.step), patience.stopped
        by_first(lambda: note_end(where.path, step=taken, best_step=best_step, stopped_early=stopped))
        return Result(
            model=merge_model(structure, *parts.strategy.home((best.deployed, best.rest))),
            best_step=best_step,
            step=taken,
            stopped_early=stopped,
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


def _saved(state: TrainState, patience: _Patience) -> dict[str, Any]:
    """What a checkpoint holds."""
    return {"state": state.saved(), "patience": patience.saved()}


def _restored(state: TrainState, saved: dict[str, Any]) -> tuple[TrainState, _Patience]:
    return replace(state, **saved["state"]), _Patience.restored(saved["patience"])


def _restore(
    checkpoints: Checkpoints, step: int, state: TrainState, patience: _Patience
) -> tuple[TrainState, _Patience]:
    return _restored(state, checkpoints.restore(step, _saved(state, patience)))


@dataclass(frozen=True)
class _Run:
    """Takes the steps from where a state stands to the end."""

    config: RunConfig
    dataset: Dataset
    parts: _Parts
    structure: Any
    where: Workdir
    checkpoints: Checkpoints
    progress: Progress | None
    stop: Stop

    def __call__(self, state: TrainState, patience: _Patience, notes: dict[str, Any]) -> tuple[TrainState, _Patience]:
        """Goes on from a state, with the notes of its checkpoint; returns the state at the end."""
        config, options, parts, progress = self.config, self.config.training, self.parts, self.progress
        start, total, strategy, compute = int(state.step), parts.total_steps, parts.strategy, options.compute
        loader = make_loader(
            self.dataset.train,
            options.batch_size,
            config.seed,
            start_step=start,
            worker_count=options.workers,
            part=strategy.part,
        )
        step_function = make_train_step(
            self.structure,
            task=parts.task,
            optimizer=parts.optimizer,
            select=loader.select,
            augment=config.augmentation,
            compute=compute,
            strategy=strategy,
            ema=options.ema or 0.0,
            skip=options.on_nonfinite == "skip",
        )
        apply = make_apply(self.structure, compute, strategy)
        feed = strategy.feed()
        evaluators = [with_batch_size(EVALUATORS[name](), options.eval_batch_size) for name in options.evaluators]
        eval_every = options.eval_every or loader.steps_per_epoch
        pace, fixed = CheckpointInterval(options.checkpoint_seconds), options.checkpoint_every
        key = strategy.place(jax.random.key(config.seed))
        state, interval = _with_notes(state, notes, strategy)

        writers, show = open_writers(self.where.metrics, self.where.tensorboard, start)
        pictures = ImageSummaries(show, self.structure, self.dataset, parts.task, options.eval_batch_size)
        if progress is not None:
            writers.append(progress)
            progress.start(start, total, options.batch_size)

        def diverged(what: str, step: int) -> TrainingDiverged:
            self.checkpoints.save_held()
            return TrainingDiverged(f"{what} {culprit(loader, step, self.where.path)}", self.checkpoints.latest)

        recorder = Recorder(
            writers,
            parts.task,
            parts.schedule,
            batch_size=options.batch_size,
            start=start,
            interval=interval,
            skip=options.on_nonfinite == "skip",
            diverged=diverged,
        )

        def evaluated(step: int, state: TrainState, patience: _Patience) -> tuple[_Patience, bool]:
            """Measures, writes it down, and saves where that is due; then says whether the run was asked to stop.

            A request to stop while it measures leaves the measuring to the next start.
            """
            predict = functools.partial(apply, state.deployed, state.rest)
            asking = interruptible(predict, self.stop, step)
            metrics: dict[str, float] = {}
            try:
                for evaluator in evaluators:
                    metrics |= agreed(evaluator(asking, self.dataset.validation, parts.task))
            except Interrupted:
                self._save(state, patience, recorder, evaluate=True)
                raise
            self._require_finite(metrics, step)
            score = options.score(metrics)
            recorder.write({"step": step, "split": "validation", **metrics})
            if options.images:
                pictures.draw(step, strategy.home(state), predict)
            patience = patience.after(score, options.patience)
            last = step == total or patience.stopped
            stop = not last and step > start and agreed_stop(self.stop, step)
            due, must = pace.due(), last or stop or step == start or (fixed is not None and step % fixed == 0)
            # One at a time: a second one would wait for the first to be on disk.
            later = due and not must and not pace.put_off and self.checkpoints.save_held(step, score)
            pace.put_off |= later
            if must or (due and not later):
                self._save(state, patience, recorder, score=score)
                pace.written()
            else:
                self.checkpoints.hold(step, _saved(state, patience), score=score, notes=_notes(state, recorder))
            return patience, stop

        try:
            if notes.get("evaluate"):
                patience, _ = evaluated(start, state, patience)
            for step in range(start + 1, total + 1):  # the number of steps taken after this one
                if patience.stopped:
                    break
                state = step_function(state, feed(fetched(loader, step - 1, self.checkpoints)), key)
                if progress is not None:
                    progress.step()
                if step == start + 1:
                    jax.block_until_ready(state.step)
                    recorder.restart_clock(step)
                evaluate = step % eval_every == 0 or step == total
                save = evaluate or (fixed is not None and step % fixed == 0)
                if save or step % options.log_every == 0:
                    recorder.cut(step, state.totals, state.watch)
                    state = replace(state, totals=strategy.place(parts.task.no_totals()))
                stop = agreed_stop(self.stop, step, options.log_every)
                if not save and not stop:
                    continue
                recorder.flush()
                if evaluate and not stop:
                    patience, stop = evaluated(step, state, patience)
                else:
                    recorder.check(Watch.read(state.watch))
                    self._save(state, patience, recorder, evaluate=evaluate)
                    pace.written()
                    stop = stop or (step < total and agreed_stop(self.stop, step))
                recorder.restart_clock(step)
                if stop:
                    raise Interrupted(step)
        finally:
            loader.close()
            for writer in writers:
                writer.close()
        return state, patience

    def _save(
        self,
        state: TrainState,
        patience: _Patience,
        recorder: Recorder,
        *,
        score: float | None = None,
        evaluate: bool = False,
    ) -> None:
        notes = _notes(state, recorder) | ({"evaluate": True} if evaluate else {})
        self.checkpoints.save(int(state.step), _saved(state, patience), score=score, notes=notes)

    def _require_finite(self, metrics: dict[str, float], step: int) -> None:
        for name in dict.fromkeys(("loss", self.config.training.monitor)):
            if not math.isfinite(metrics[name]):
                self.checkpoints.save_held()
                message = f"the validation {name} is {metrics[name]} at step {step}"
                raise TrainingDiverged(message, self.checkpoints.latest)


def _notes(state: TrainState, recorder: Recorder) -> dict[str, Any]:
    """What goes with a checkpoint and is not part of the state: an unfinished interval, steps that were not finite."""
    watch, notes = Watch.read(state.watch), {}
    if recorder.interval.start < int(state.step):
        notes["interval"] = recorder.interval.saved(state.totals)
    if watch.total:
        notes["watch"] = list(watch)
    return notes


def _with_notes(state: TrainState, notes: dict[str, Any], strategy: Strategy) -> tuple[TrainState, Interval]:
    """The state, and the interval it stands in, with what the notes of its checkpoint say."""
    watch = Watch(*notes.get("watch", ()))
    state = replace(state, watch=strategy.place(jnp.array(watch, jnp.int32)))
    if "interval" not in notes:
        return state, Interval(int(state.step), watch.total)
    saved = notes["interval"]
    totals = {name: jnp.asarray(saved["totals"][name], old.dtype) for name, old in state.totals.items()}
    return replace(state, totals=strategy.place(totals)), Interval(saved["start"], saved["skipped"])
