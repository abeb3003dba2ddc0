"""The training loop: from a config to a trained model in a work directory.

Everything a run does is a function of (config, step), so a run that is stopped anywhere, and started again with the
same config and work directory, goes on from its latest checkpoint to the same numbers.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geomdl.data import Dataset
from geomdl.paths import local_path
from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.checkpoints.files import checkpoint_steps
from geomdl.training.configuration.config import RunConfig
from geomdl.training.configuration.given_data import with_given_data
from geomdl.training.distributed.processes import by_first
from geomdl.training.loop.continuation import Continuation, judged
from geomdl.training.loop.interruption import Stop, never
from geomdl.training.loop.meaning import meaning
from geomdl.training.loop.parts import Parts, build_model
from geomdl.training.loop.run import go_on
from geomdl.training.loop.settlement import Settlement
from geomdl.training.loop.standing import Standing
from geomdl.training.loop.trained import Trained, load_trained
from geomdl.training.loop.warm_start import warm
from geomdl.training.reporting.advice import at_the_end, at_the_start
from geomdl.training.reporting.outside import missing_records
from geomdl.training.reporting.writers import Progress, Record, read_metrics
from geomdl.training.step.nonfinite import TrainingDiverged
from geomdl.training.step.state import merge_model
from geomdl.training.workdir.history import History, read_history, without_names, write_change
from geomdl.training.workdir.own_files import changed_files, own_files
from geomdl.training.workdir.run_facts import note_begin, note_end, read_facts
from geomdl.training.workdir.same_inputs import the_data
from geomdl.training.workdir.workdir import Workdir, WorkdirError

_log = logging.getLogger(__name__)

__all__ = ["Result", "Trained", "TrainingDiverged", "build_model", "load_trained", "train"]


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


def train(
    config: RunConfig,
    workdir: Path | str,
    *,
    dataset: Dataset | None = None,
    progress: Progress | None = None,
    stop: Stop = never,
    allow_change: Sequence[str] = (),
    note: Callable[[str], None] = _log.warning,
) -> Result:
    """Trains a model, or goes on with a run that was stopped; a finished run is only read.

    Args:
      config: of the run.
      workdir: gets ``config.json``, ``metrics.jsonl``, ``checkpoints/`` and ``tensorboard/``.
      dataset: what ``config.data.load()`` gives, if it is at hand; or any other data set: the config needs no section
        ``data`` then, and config.json says what the data set was.
      progress: is told of every step and record.
      stop: asked after every step, and between batches of evaluations, whether to stop.
      allow_change: dotted paths, or sections, in which the config may differ from that of the run in the directory.
        What a change means is told; one that cannot be made is refused. It is written down with the first checkpoint
        that is made under it, and taken back when something fails before.
      note: is told what there is to know besides.

    Returns:
      The trained model, with the numbers of the run.

    Raises:
      ValueError: for a config that does not fit the data, a work directory of another run, a change of the config with
        which the run cannot go on, or a checkpoint that cannot be read. Nothing is lost.
      Interrupted: when ``stop`` said so; there is a checkpoint.
      TrainingDiverged: when the loss, of training or validation, its gradient, or the monitored metric is no longer
        finite. No checkpoint is made of such weights at an evaluation.
      SaveFailed, InputFailed: when the disk is full, or data cannot be read any more; the latest checkpoint is kept.
    """
    config = with_given_data(config, dataset)
    dataset = the_data(config, dataset)
    strategy = config.parallel.build(config.training.batch_size, config.training.accumulate)
    history = read_history(workdir, config, dataset)
    parts = Parts.build(config, dataset, strategy, history)
    structure, standing = parts.initial()
    if config.init_from and not _has_checkpoint(workdir):
        standing = replace(
            standing, state=warm(standing.state, structure, parts, lambda line: by_first(lambda: note(line)))
        )
    facts = config.training.measured(parts.task) | _compared(history) | {"files": own_files(config)}
    starting, said = at_the_start(config, dataset, parts.model), list[str]()
    facts |= {"advice_at_start": starting} if starting else {}

    def advise(line: str) -> None:
        said.append(line)
        by_first(lambda: note(line))

    with Workdir(workdir, config, allow_change=allow_change) as where:
        going = Continuation(parts, standing, history, _records(where))
        if history.pending:
            from_here = going.examined(where.checkpoints)
            for line in meaning(history.changes[-1], parts, from_here, read_facts(where.path / "run.json")):
                by_first(lambda line=line: note(line))

        else:
            facts_there = read_facts(where.path / "run.json")
            for lines in (
                _lost(where, going.records, config, history),
                _other_data(facts_there, config, dataset),
                *changed_files(config, facts_there),
            ):
                if lines:
                    by_first(lambda lines=lines: note(lines))

        if not going.records:
            for line in starting:
                by_first(lambda line=line: note(line))

        def begin() -> None:
            note_begin(where.path, parts.total_steps, standing.state.params, dataset, facts, anew=history.pending)

        def write() -> None:
            write_change(where.path, config, history)
            begin()

        change = Settlement(where.path, history, write)
        if change.settled:
            by_first(begin)
        try:
            standing, best_step, best = _trained(going, structure, where, change, progress, stop, advise)
        except BaseException:
            if change.take_back():
                note("the change of the config was taken back: the run is as it was")
            raise
        change.settle()
        taken, stopped, records = standing.step, standing.patience.stopped, read_metrics(where.metrics)
        if not read_facts(where.path / "run.json").get("finished"):
            for line in at_the_end(config, dataset, parts.task, records):
                advise(line)
        by_first(lambda: note_end(where.path, step=taken, best_step=best_step, stopped_early=stopped, advice=said))
        return Result(
            model=merge_model(structure, *best),
            best_step=best_step,
            step=taken,
            stopped_early=stopped,
            records=records,
            workdir=where.path,
        )


def _has_checkpoint(workdir: Path | str) -> bool:
    """Whether a run has a checkpoint to go on from."""
    checkpoints = local_path(workdir, "work directory") / "checkpoints"
    return checkpoints.is_dir() and bool(checkpoint_steps(checkpoints))


def _other_data(facts: Mapping[str, Any], config: RunConfig, dataset: Dataset) -> str | None:
    """Says so where the config names the same data as before, and they are not the same."""
    data = config.to_dict()["data"]
    there, here = facts.get("provenance"), dataset.provenance
    if not isinstance(there, str) or without_names(there, data) == without_names(here, data):
        return None
    return f"the data are no longer those that the run was trained on until now: {here}; until now: {there}"


def _lost(where: Workdir, records: Sequence[Record], config: RunConfig, history: History) -> str | None:
    """Says so where a run has lost its checkpoints, or records."""
    steps = checkpoint_steps(where.checkpoints)
    if not steps:
        return f"{where.path} has records of a run, but no checkpoint: the run begins anew" if records else None
    gap = "" if history.changes else missing_records(records, config.to_dict(), steps[-1])
    return f"{where.metrics}: {gap}; the run goes on without them" if gap else None


def _compared(history: History) -> dict[str, Any]:
    """Since when evaluations can be compared, for whoever reads the records of the run."""
    return {"comparable_from": history.comparable_from} if history.comparable_from else {}


def _records(where: Workdir) -> list[Record]:
    return read_metrics(where.metrics) if where.metrics.exists() else []


def _trained(
    going: Continuation,
    structure: Any,
    where: Workdir,
    change: Settlement,
    progress: Progress | None,
    stop: Stop,
    advise: Callable[[str], None],
) -> tuple[Standing, int, tuple[Any, Any]]:
    """Where the run stands at the end, its best step, and the model of that step."""
    parts, history = going.parts, going.history
    judge = judged(parts.config, parts.task, history, going.records) if history.changes else None
    keep = parts.config.training.keep_checkpoints
    checkpoints = Checkpoints(where.checkpoints, keep=keep, writable=True, judge=judge)
    try:
        standing, best_step = _finished(going, structure, where, checkpoints, change, progress, stop, advise)
        state = going.initial.state
        best = parts.strategy.home(checkpoints.restore_model(best_step, state.params, state.rest))
    except Exception:
        checkpoints.leave()
        raise
    except BaseException:
        checkpoints.close()
        raise
    checkpoints.close()
    return standing, best_step, best


def _finished(
    going: Continuation,
    structure: Any,
    where: Workdir,
    checkpoints: Checkpoints,
    change: Settlement,
    progress: Progress | None,
    stop: Stop,
    advise: Callable[[str], None],
) -> tuple[Standing, int]:
    """Goes on from the latest checkpoint, if there is one; where the run stands at the end, and its best step."""
    notes: dict[str, Any] = {}
    parts, standing = going.parts, going.initial
    if checkpoints.latest is not None:
        read_metrics(where.metrics)  # raises before anything is done if it is gone
        restored = checkpoints.resume(lambda step: going.like(checkpoints.notes(step)))
        if restored is not None:
            notes = checkpoints.notes(restored[0])
            standing, notes = going.standing(restored[1], notes), going.notes(notes)
    if standing.step > parts.total_steps:
        raise WorkdirError(
            f"the run in {where.path} has taken {standing.step} steps, and its config ends it at {parts.total_steps}; "
            f"nothing was changed; go on with --config.training.steps of {standing.step} or more, "
            "--config.training.epochs=None and --allow-change=training"
        )
    if notes.get("evaluate") or (standing.step < parts.total_steps and not standing.patience.stopped):
        standing = go_on(
            parts,
            structure,
            standing,
            notes,
            where=where,
            checkpoints=checkpoints,
            progress=progress,
            stop=stop,
            change=change,
            advise=advise,
        )
    checkpoints.wait()
    return standing, checkpoints.find("best")
