"""Training records: sums over an interval of steps, kept on the device and written one interval late."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from geomdl.tasks import Task
from geomdl.training.reporting.writers import Record, Writer
from geomdl.training.step.nonfinite import LIMIT, TrainingDiverged, Watch


@dataclass(frozen=True)
class Interval:
    """Where the interval began in which a run goes on, for a checkpoint within it.

    Attributes:
      start: the number of steps taken when it began.
      skipped: how many of those were skipped.
    """

    start: int
    skipped: int = 0

    def saved(self, totals: Mapping[str, Array]) -> dict[str, Any]:
        """Plain values, with what has been added up so far."""
        return {
            "start": self.start,
            "skipped": self.skipped,
            "totals": {k: np.asarray(v).tolist() for k, v in totals.items()},
        }


class Recorder:
    """Writes training records one interval late, so that the host does not wait for the device.

    Args:
      writers: get the records.
      task: makes metrics of totals.
      schedule: of the learning rate.
      batch_size: images in a step.
      start: the number of steps taken.
      interval: in which the run goes on.
      skip: whether steps that are not finite are skipped, instead of ending the run.
      diverged: the error for what happened at a step.
    """

    def __init__(
        self,
        writers: Sequence[Writer],
        task: Task,
        schedule: optax.Schedule,
        *,
        batch_size: int,
        start: int,
        interval: Interval,
        skip: bool,
        diverged: Callable[[str, int], TrainingDiverged],
    ) -> None:
        self._writers = writers
        self._rate = jax.jit(lambda step, watch: schedule(step - 1 - watch[0]))  # skipped steps are none
        self._task = task
        self._batch_size = batch_size
        self._skip = skip
        self._diverged = diverged
        self._waiting: list[tuple[int, int, dict[str, Array], Array, Array]] = []
        self._last_cut, self._skipped = interval.start, interval.skipped
        self._before = interval.skipped  # by a config that let steps be skipped
        self._clock, self._clock_step = time.perf_counter(), start

    def cut(self, step: int, totals: dict[str, Array], watch: Array) -> None:
        """Ends an interval at this step, and writes the one before it."""
        rate = self._rate(np.int32(step), watch)
        self._waiting.append((step, step - self._last_cut, totals, rate, jnp.copy(watch)))  # the step donates it
        self._last_cut = step
        while len(self._waiting) > 1:
            self._write_first()

    def flush(self) -> None:
        """Writes everything that was cut."""
        while self._waiting:
            self._write_first()

    @property
    def interval(self) -> Interval:
        """The interval that has not been cut yet, once everything is written."""
        return Interval(self._last_cut, self._skipped)

    def restart_clock(self, step: int) -> None:
        """Images per second are counted from here: compilation, evaluation and saving are left out."""
        self._clock, self._clock_step = time.perf_counter(), step

    def write(self, record: Record) -> None:
        """Gives a record to every writer."""
        for writer in self._writers:
            writer.write(record)

    def check(self, watch: Watch, loss: float | None = None) -> None:
        """Raises TrainingDiverged when there were steps that end the run."""
        if self._skip:
            if watch.longest >= LIMIT:
                raise self._diverged(f"{LIMIT} steps in a row were not finite, and skipped; the latest is", watch.last)
        elif watch.total > self._before:
            finite = loss is None or math.isfinite(loss)
            what = "the gradient of the training loss is" if finite else f"the training loss is {loss}; it is"
            raise self._diverged(f"{what} not finite from", watch.last if self._before else watch.first)

    def _write_first(self) -> None:
        step, steps, totals, rate, watch = self._waiting.pop(0)
        totals, rate, watch = jax.device_get((totals, rate, watch))
        seen = Watch.read(watch)
        skipped, self._skipped = seen.total - self._skipped, seen.total
        record: Record = {"step": step, "split": "train"}
        if steps > skipped:
            record |= self._task.summary(totals, steps - skipped)
        else:
            record |= dict.fromkeys(self._task.metrics, math.nan)
        record["learning_rate"] = float(rate)
        if self._skip:
            record["skipped"] = skipped
        if step > self._clock_step:
            images = (step - self._clock_step) * self._batch_size
            record["images_per_second"] = round(images / (time.perf_counter() - self._clock), 1)
        self.check(seen, record["loss"])
        self.write(record)
