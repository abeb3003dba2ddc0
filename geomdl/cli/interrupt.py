"""Ctrl-C between two steps, not in the middle of one or of a checkpoint."""

import signal
import sys
from types import FrameType

from geomdl.training.writers import Progress, Record


class Interruptible:
    """Passes progress on, and raises KeyboardInterrupt after the step in which Ctrl-C was pressed.

    Pressed a second time, Ctrl-C stops at once.

    Args:
      progress: what is told of steps and records, if anything.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._pressed = False

    def start(self, done: int, total: int, batch_size: int) -> None:
        """From here Ctrl-C waits for the end of a step."""
        signal.signal(signal.SIGINT, self._press)
        if self._progress is not None:
            self._progress.start(done, total, batch_size)

    def step(self) -> None:
        """One more step was given to the device."""
        if self._progress is not None:
            self._progress.step()
        if self._pressed:
            raise KeyboardInterrupt

    def write(self, record: Record) -> None:
        """Passes a record on."""
        if self._progress is not None:
            self._progress.write(record)

    def close(self) -> None:
        """Finishes what was begun; Ctrl-C is what it was."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._progress is not None:
            self._progress.close()

    def _press(self, number: int, frame: FrameType | None) -> None:
        self._pressed = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("\ngeomdl: stopping after this step (Ctrl-C again: at once)", file=sys.stderr)
