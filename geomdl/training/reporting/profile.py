"""A trace of a few training steps: what the host and the devices do, and for how long."""

from pathlib import Path

import jax

from geomdl.training.reporting.writers import Progress, Record


class Profiler:
    """Passes progress on, and records a trace of some steps, after the first ones, which compile.

    Args:
      progress: what is told of steps and records, if anything.
      folder: gets the trace, ``plugins/profile/<time>/``.
      steps: how many are recorded; fewer where the run has no more.
      skip: how many are taken before.
    """

    def __init__(self, progress: Progress | None, folder: Path, *, steps: int = 5, skip: int = 3) -> None:
        self._progress, self._folder, self._steps, self._skip = progress, folder, steps, skip
        self._taken = 0
        self._recording = False
        self.trace: Path | None = None
        """The trace for ui.perfetto.dev, once it is written."""

    def start(self, done: int, total: int, batch_size: int) -> None:
        """The run goes from step ``done`` to step ``total``."""
        self._skip = min(self._skip, max(1, total - done - self._steps))
        if self._progress is not None:
            self._progress.start(done, total, batch_size)

    def step(self) -> None:
        """One more step was given to the device."""
        if self._progress is not None:
            self._progress.step()
        self._taken += 1
        if self._taken == self._skip:
            _wait()
            jax.profiler.start_trace(str(self._folder), create_perfetto_trace=True)
            self._recording = True
        elif self._taken == self._skip + self._steps:
            self._stop()

    def write(self, record: Record) -> None:
        """Passes a record on."""
        if self._progress is not None:
            self._progress.write(record)

    def close(self) -> None:
        """Ends the recording, if the run ended first."""
        self._stop()
        if self._progress is not None:
            self._progress.close()

    def _stop(self) -> None:
        if not self._recording:
            return
        self._recording = False
        _wait()
        jax.profiler.stop_trace()
        self.trace = max(self._folder.rglob("perfetto_trace.json.gz"), key=lambda p: p.stat().st_mtime, default=None)


def _wait() -> None:
    """Returns when the devices have done what they were given."""
    jax.block_until_ready([array for array in jax.live_arrays() if not array.is_deleted()])
