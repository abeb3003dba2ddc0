"""What is due after which step."""

from dataclasses import dataclass

from geomdl.training.configuration.config import TrainingConfig


@dataclass(frozen=True)
class Timetable:
    """What is due after a step; steps are counted from 1.

    Args:
      start: the number of steps taken when the run goes on.
      total: the number of steps of the whole run.
      log_every: steps between training records.
      eval_every: steps between evaluations.
      checkpoint_every: steps between checkpoints at fixed steps; None for checkpoints by the clock only.

    >>> timetable = Timetable(start=0, total=10, log_every=2, eval_every=4, checkpoint_every=3)
    >>> [step for step in range(1, 11) if timetable.evaluates(step)]
    [4, 8, 10]
    >>> [step for step in range(1, 11) if timetable.pauses(step)]
    [3, 4, 6, 8, 9, 10]
    """

    start: int
    total: int
    log_every: int
    eval_every: int
    checkpoint_every: int | None

    @classmethod
    def of(cls, options: TrainingConfig, start: int, total: int, steps_per_epoch: int) -> "Timetable":
        """The timetable that a config asks for; a run is evaluated once an epoch unless it says otherwise."""
        return cls(start, total, options.log_every, options.eval_every or steps_per_epoch, options.checkpoint_every)

    def evaluates(self, step: int) -> bool:
        """Whether the model is evaluated."""
        return step % self.eval_every == 0 or step == self.total

    def saves(self, step: int) -> bool:
        """Whether there is a checkpoint whatever the clock says."""
        return self.checkpoint_every is not None and step % self.checkpoint_every == 0

    def pauses(self, step: int) -> bool:
        """Whether the device is waited for: there is an evaluation or a checkpoint."""
        return self.evaluates(step) or self.saves(step)

    def records(self, step: int) -> bool:
        """Whether there is a training record."""
        return self.pauses(step) or step % self.log_every == 0
