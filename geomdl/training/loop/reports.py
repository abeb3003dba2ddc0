"""Telling what happens in a run: records, images, progress."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax

from geomdl.evaluators import Predict
from geomdl.training.loop.parts import Parts
from geomdl.training.loop.timetable import Timetable
from geomdl.training.reporting.advice import of_the_first_step
from geomdl.training.reporting.image_summaries import ImageSummaries
from geomdl.training.reporting.recorder import Interval, Recorder
from geomdl.training.reporting.writers import Progress, Writer, open_writers
from geomdl.training.step.nonfinite import TrainingDiverged
from geomdl.training.step.state import TrainState
from geomdl.training.workdir.workdir import Workdir


@dataclass(frozen=True)
class Reports:
    """Tells what happens in a run.

    Args:
      parts: of the run.
      start: the number of steps taken when it goes on.
      writers: get the records.
      recorder: makes the training records.
      summaries: draws images.
      progress: hears of every step.
      advise: is told what whoever trains should know.
    """

    parts: Parts
    start: int
    writers: Sequence[Writer]
    recorder: Recorder
    summaries: ImageSummaries
    progress: Progress | None
    advise: Callable[[str], None]

    @classmethod
    def begin(
        cls,
        parts: Parts,
        structure: Any,
        timetable: Timetable,
        interval: Interval,
        *,
        where: Workdir,
        progress: Progress | None,
        diverged: Callable[[str, int], TrainingDiverged],
        advise: Callable[[str], None],
    ) -> "Reports":
        """Opens the files of a run, and goes on in an interval of training records.

        Args:
          parts: of the run.
          structure: of its model.
          timetable: of the run.
          interval: in which it goes on.
          where: the work directory.
          progress: see `Reports`.
          diverged: the error for what happened at a step.
          advise: see `Reports`.
        """
        options, start = parts.config.training, timetable.start
        writers, show = open_writers(where.metrics, where.tensorboard, start)
        summaries = ImageSummaries(show, structure, parts.dataset, parts.task, options.eval_batch_size)
        if progress is not None:
            writers.append(progress)
            progress.start(start, timetable.total, options.batch_size)
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
        return cls(parts, start, writers, recorder, summaries, progress, advise)

    def step(self, step: int, state: TrainState) -> None:
        """A step was given to the device. The first is waited for, as it was compiled; the clock starts behind it."""
        if self.progress is not None:
            self.progress.step()
        if step == self.start + 1:
            jax.block_until_ready(state.step)
            if step == 1 and "loss" in state.totals:
                for line in of_the_first_step(self.parts.task, float(self.parts.strategy.home(state.totals["loss"]))):
                    self.advise(line)
            self.recorder.restart_clock(step)

    def record(self, step: int, state: TrainState) -> TrainState:
        """Ends an interval of training records; returns the state with which the next begins."""
        self.recorder.cut(step, state.totals, state.watch)
        return replace(state, totals=self.parts.strategy.place(self.parts.task.no_totals()))

    def evaluation(self, step: int, state: TrainState, predict: Predict, metrics: dict[str, float]) -> None:
        """Writes down what an evaluation measured, and draws images where the config asks for them."""
        self.recorder.write({"step": step, "split": "validation", **metrics})
        if self.parts.config.training.images:
            self.summaries.draw(step, self.parts.strategy.home(state), predict)

    def close(self) -> None:
        """Closes the files."""
        for writer in self.writers:
            writer.close()
