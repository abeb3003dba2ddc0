"""Stopping a run on request: after a step, with a checkpoint, so that nothing is lost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from geomdl.training.distributed.processes import alone, exchange

Stop = Callable[[], bool]
"""Says whether the run has been asked to stop."""


def never() -> bool:
    """Nobody asks."""
    return False


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop, and its checkpoint is saved.

    Attributes:
      exit_status: of the command, EX_TEMPFAIL: the same command goes on where this one stopped.

    Args:
      step: the number of steps taken; None when the run had not begun.
    """

    exit_status = 75

    def __init__(self, step: int | None = None) -> None:
        where = "before the first step" if step is None else f"after step {step}, with a checkpoint"
        super().__init__(f"stopped {where}; give the same command again to go on")


@dataclass(frozen=True)
class Stopping:
    """Knows whether a run is asked to stop; where it has several processes, they agree on it.

    Args:
      asked: says whether this process has been asked.
      every: after so many steps several processes agree; between them they go on.
    """

    asked: Stop
    every: int = 1

    def after(self, step: int) -> bool:
        """Whether the run stops after a step."""
        return self.now() if alone() or step % self.every == 0 else False

    def now(self) -> bool:
        """Whether any process of the run has been asked. All must ask."""
        return self.asked() if alone() else any(exchange(self.asked()))

    def between_batches(self, predict: Callable[..., Any], step: int) -> Callable[..., Any]:
        """The predictor, which raises `Interrupted` at the next batch once a run of one process is asked to stop."""

        def asking(images: Any) -> Any:
            if alone() and self.asked():
                raise Interrupted(step)
            return predict(images)

        return asking
