"""Stopping a run on request: after a step, with a checkpoint, so that nothing is lost."""

from collections.abc import Callable
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


def agreed_stop(stop: Stop, step: int, every: int = 1) -> bool:
    """Whether any process of the run has been asked to stop; several agree on it at every so many steps only.

    Args:
      stop: of this process.
      step: the number of steps taken.
      every: how often they agree.
    """
    if alone():
        return stop()
    return step % every == 0 and any(exchange(stop()))


def interruptible(predict: Callable[..., Any], stop: Stop, step: int) -> Callable[..., Any]:
    """Returns a predictor that raises `Interrupted` at the next batch once a run of one process is asked to stop."""

    def asking(images: Any) -> Any:
        if alone() and stop():
            raise Interrupted(step)
        return predict(images)

    return asking
