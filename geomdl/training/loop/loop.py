"""The training loop: from a config to a trained model in a work directory.

Everything a run does is a function of (config, step), so a run that is stopped anywhere, and started again with the
same config and work directory, goes on from its latest checkpoint to the same numbers.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geomdl.data import Dataset
from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.configuration.config import RunConfig
from geomdl.training.distributed.processes import by_first
from geomdl.training.loop.interruption import Stop, never
from geomdl.training.loop.parts import Parts, build_model
from geomdl.training.loop.run import go_on
from geomdl.training.loop.standing import Standing
from geomdl.training.loop.trained import Trained, load_trained
from geomdl.training.reporting.outside import missing_records
from geomdl.training.reporting.writers import Progress, Record, read_metrics
from geomdl.training.step.nonfinite import TrainingDiverged
from geomdl.training.step.state import merge_model
from geomdl.training.workdir.run_facts import note_begin, note_end
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
    parts = Parts.build(config, dataset, strategy)
    structure, standing = parts.initial()
    facts = config.training.measured(parts.task)
    with Workdir(workdir, config, allow_change=allow_change) as where:
        by_first(lambda: note_begin(where.path, parts.total_steps, standing.state.params, dataset, facts))
        checkpoints = Checkpoints(where.checkpoints, keep=config.training.keep_checkpoints, writable=True)
        try:
            standing, best_step = _finished(parts, structure, standing, where, checkpoints, progress, stop)
            best = standing.at(best_step, checkpoints).state
        except Exception:
            checkpoints.leave()
            raise
        except BaseException:
            checkpoints.close()
            raise
        checkpoints.close()
        taken, stopped = standing.step, standing.patience.stopped
        by_first(lambda: note_end(where.path, step=taken, best_step=best_step, stopped_early=stopped))
        return Result(
            model=merge_model(structure, *parts.strategy.home((best.deployed, best.rest))),
            best_step=best_step,
            step=taken,
            stopped_early=stopped,
            records=read_metrics(where.metrics),
            workdir=where.path,
        )


def _finished(
    parts: Parts,
    structure: Any,
    standing: Standing,
    where: Workdir,
    checkpoints: Checkpoints,
    progress: Progress | None,
    stop: Stop,
) -> tuple[Standing, int]:
    """Goes on from the latest checkpoint, if there is one; where the run stands at the end, and its best step."""
    notes: dict[str, Any] = {}
    if checkpoints.latest is not None:
        records = read_metrics(where.metrics)  # raises before anything is done if it is gone
        if gap := missing_records(records, parts.config.to_dict(), checkpoints.latest):
            _log.warning("%s: %s; the run goes on without them", where.metrics, gap)
        restored = checkpoints.resume(standing.saved())
        if restored is not None:
            standing, notes = standing.restored(restored[1]), checkpoints.notes(restored[0])
    elif where.metrics.exists() and where.metrics.stat().st_size:
        _log.warning("%s has records of a run, but no checkpoint: the run begins anew", where.path)
    if notes.get("evaluate") or (standing.step < parts.total_steps and not standing.patience.stopped):
        standing = go_on(
            parts, structure, standing, notes, where=where, checkpoints=checkpoints, progress=progress, stop=stop
        )
    checkpoints.wait()
    return standing, checkpoints.find("best")
