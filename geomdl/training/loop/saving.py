"""Deciding which states of a run become checkpoints."""

from collections.abc import Callable
from typing import Any

from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.checkpoints.checkpoint_interval import CheckpointInterval
from geomdl.training.loop.settlement import Settlement
from geomdl.training.loop.standing import Standing, notes_of
from geomdl.training.reporting.recorder import Interval
from geomdl.training.step.nonfinite import TrainingDiverged


class Saving:
    """Saves where a run stands: at once where it must, after evaluations when the clock says that it is due.

    Args:
      checkpoints: of the run.
      seconds: between two checkpoints that follow evaluations, at least.
      interval: says in which interval of training records the run is.
      change: of the config, which is written down with the first checkpoint.
    """

    def __init__(
        self, checkpoints: Checkpoints, seconds: float, interval: Callable[[], Interval], change: Settlement
    ) -> None:
        self._checkpoints = checkpoints
        self._clock = CheckpointInterval(seconds)
        self._interval = interval
        self._change = change

    def save(self, standing: Standing, *, score: float | None = None, evaluate: bool = False) -> None:
        """Makes a checkpoint.

        Args:
          standing: where the run stands.
          score: of its evaluation; greater is better.
          evaluate: whether the evaluation is still to be made, by whoever goes on from the checkpoint.
        """
        self._change.settle()
        notes = self._notes(standing) | ({"evaluate": True} if evaluate else {})
        self._checkpoints.save(standing.step, standing.saved(), score=score, notes=notes)
        self._clock.written()

    def after_evaluation(self, step: int, standing: Standing, score: float, *, must: bool) -> None:
        """Makes a checkpoint where it must or is due; else holds what was evaluated in case it stays the best.

        Args:
          step: the number of steps taken.
          standing: where the run stands.
          score: of the evaluation; greater is better.
          must: whether there is to be a checkpoint whatever the clock says.
        """
        due = self._clock.due()
        # One at a time: a second one would wait for the first to be on disk.
        if due:
            self._change.settle()
        later = due and not must and not self._clock.put_off and self._checkpoints.save_held(step, score)
        self._clock.put_off |= later
        if must or (due and not later):
            self.save(standing, score=score)
        else:
            self._checkpoints.hold(step, standing.saved(), score=score, notes=self._notes(standing))

    def _notes(self, standing: Standing) -> dict[str, Any]:
        return notes_of(standing.state, self._interval()) | self._change.notes

    def diverged(self, what: Callable[[], str]) -> TrainingDiverged:
        """The error for a run that ends because something is not finite; what is held is saved first.

        Of a run whose config has just changed nothing is saved: the change is taken back.

        Args:
          what: says what is not finite, and where.
        """
        if self._change.settled:
            self._checkpoints.save_held()
        return TrainingDiverged(what(), self._checkpoints.latest)
