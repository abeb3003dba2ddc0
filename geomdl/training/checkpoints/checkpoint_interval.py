"""The least time between checkpoints: an evaluation writes one only if the last is older than a given time."""

import time

from geomdl.training.distributed.processes import agreed


class CheckpointInterval:
    """Says when the next checkpoint is due. The clock of process 0 decides for all processes of a run.

    Args:
      seconds: between two checkpoints, at least; 0: one is always due.

    Attributes:
      put_off: whether the one that is due has been put off to the next evaluation; never twice.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._latest = time.monotonic()
        self.put_off = False

    def due(self) -> bool:
        """Whether so many seconds have passed since the latest checkpoint, or since this began. All must ask."""
        return self._seconds == 0 or agreed(time.monotonic() - self._latest >= self._seconds)

    def written(self) -> None:
        """To be called when a checkpoint has been written."""
        self._latest, self.put_off = time.monotonic(), False
