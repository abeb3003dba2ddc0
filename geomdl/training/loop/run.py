"""Taking a run from where it stands to the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.loop.evaluating import Evaluation
from geomdl.training.loop.interruption import Interrupted, Stop, Stopping
from geomdl.training.loop.parts import Parts
from geomdl.training.loop.reports import Reports
from geomdl.training.loop.saving import Saving
from geomdl.training.loop.settlement import Settlement
from geomdl.training.loop.standing import Standing, with_notes
from geomdl.training.loop.stepping import Steps
from geomdl.training.loop.timetable import Timetable
from geomdl.training.reporting.writers import Progress
from geomdl.training.step.nonfinite import TrainingDiverged, Watch
from geomdl.training.workdir.workdir import Workdir


@dataclass(frozen=True)
class Run:
    """Takes a run from where it stands to the end: steps, and between them evaluations, checkpoints and records.

    Args:
      timetable: what is due after which step.
      steps: takes them.
      evaluation: measures the model.
      saving: decides about checkpoints.
      stopping: knows whether the run is asked to stop.
      reports: tells what happens.
      patience: so many evaluations without a better one end the run; None for no such end.
    """

    timetable: Timetable
    steps: Steps
    evaluation: Evaluation
    saving: Saving
    stopping: Stopping
    reports: Reports
    patience: int | None

    def __call__(self, standing: Standing, *, evaluate: bool) -> Standing:
        """Takes the steps that are left.

        Args:
          standing: where the run stands.
          evaluate: whether the evaluation of this step is still to be made.

        Returns:
          Where it stands at the end.

        Raises:
          Interrupted: when the run was asked to stop; there is a checkpoint.
        """
        timetable, reports = self.timetable, self.reports
        if evaluate:
            standing, _ = self._evaluated(timetable.start, standing)
        for step in range(timetable.start + 1, timetable.total + 1):  # the number of steps taken after this one
            if standing.patience.stopped:
                break
            state = self.steps.take(standing.state, step)
            reports.step(step, state)
            if timetable.records(step):
                state = reports.record(step, state)
            standing = Standing(state, standing.patience)
            stop = self.stopping.after(step)
            if not timetable.pauses(step) and not stop:
                continue
            reports.recorder.flush()
            if timetable.evaluates(step) and not stop:
                standing, stop = self._evaluated(step, standing)
            else:
                self._saved(step, standing)
                stop = stop or (step < timetable.total and self.stopping.now())
            reports.recorder.restart_clock(step)
            if stop:
                raise Interrupted(step)
        return standing

    def _evaluated(self, step: int, standing: Standing) -> tuple[Standing, bool]:
        """Measures, writes it down, and saves where that is due; then says whether the run was asked to stop.

        A request to stop while it measures leaves the measuring to the next start.
        """
        timetable, state = self.timetable, standing.state
        predict = self.evaluation.predictor(state)
        try:
            metrics = self.evaluation(self.stopping.between_batches(predict, step))
        except Interrupted:
            self.saving.save(standing, evaluate=True)
            raise
        if reason := self.evaluation.not_finite(metrics):
            raise self.saving.diverged(lambda: f"{reason} at step {step}")
        score = self.evaluation.score(metrics)
        self.reports.evaluation(step, state, predict, metrics)
        standing = Standing(state, standing.patience.after(score, self.patience))
        last = step == timetable.total or standing.patience.stopped
        stop = not last and step > timetable.start and self.stopping.now()
        must = last or stop or step == timetable.start or timetable.saves(step)
        self.saving.after_evaluation(step, standing, score, must=must)
        return standing, stop

    def _saved(self, step: int, standing: Standing) -> None:
        """Saves between evaluations; one that is due is left to the next start."""
        self.reports.recorder.check(Watch.read(standing.state.watch))
        self.saving.save(standing, evaluate=self.timetable.evaluates(step))


def go_on(
    parts: Parts,
    structure: Any,
    standing: Standing,
    notes: dict[str, Any],
    *,
    where: Workdir,
    checkpoints: Checkpoints,
    progress: Progress | None,
    stop: Stop,
    change: Settlement,
    advise: Callable[[str], None],
) -> Standing:
    """Goes on with a run from where it stands; returns where it stands at the end.

    Args:
      parts: of the run.
      structure: of its model.
      standing: where it stands.
      notes: of the checkpoint where it stands, if there is one.
      where: its work directory.
      checkpoints: in there.
      progress: is told of every step and record.
      stop: asked after every step, and between batches of evaluations, whether to stop.
      change: of the config, which is written down with the first checkpoint.
      advise: is told what whoever trains should know.
    """
    options, start = parts.config.training, standing.step
    steps = Steps.of(parts, structure, start, checkpoints)
    timetable = Timetable.of(options, start, parts.total_steps, steps.loader.steps_per_epoch)
    evaluation = Evaluation.of(parts, structure)
    saving = Saving(checkpoints, options.checkpoint_seconds, lambda: reports.recorder.interval, change)

    def diverged(what: str, step: int) -> TrainingDiverged:
        return saving.diverged(lambda: f"{what} {steps.culprit(step, where.path)}")

    state, interval = with_notes(standing.state, notes, parts.strategy)
    reports = Reports.begin(
        parts, structure, timetable, interval, where=where, progress=progress, diverged=diverged, advise=advise
    )
    run = Run(timetable, steps, evaluation, saving, Stopping(stop, options.log_every), reports, options.patience)
    try:
        return run(Standing(state, standing.patience), evaluate=bool(notes.get("evaluate")))
    finally:
        steps.close()
        reports.close()
