"""Where a run stands: what a checkpoint holds, and what it notes beside."""

import math
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from geomdl.training.distributed.parallel import Strategy
from geomdl.training.reporting.recorder import Interval
from geomdl.training.step.nonfinite import Watch
from geomdl.training.step.state import TrainState


@dataclass(frozen=True)
class Patience:
    """How long ago the monitored metric was last improved upon.

    Args:
      best_score: so far; greater is better.
      evaluations_since: the number of evaluations without a better one.
      stopped: whether there were so many of them that training ends.
    """

    best_score: float = -math.inf
    evaluations_since: int = 0
    stopped: bool = False

    def after(self, score: float, patience: int | None) -> "Patience":
        """What holds after an evaluation, where training ends after ``patience`` evaluations without a better one."""
        if score > self.best_score:
            return Patience(score)
        since = self.evaluations_since + 1
        return Patience(self.best_score, since, patience is not None and since >= patience)

    def under(self, patience: int | None) -> "Patience":
        """The same where training ends after so many evaluations, whatever it was before."""
        return replace(self, stopped=patience is not None and self.evaluations_since >= patience)

    def saved(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {"best_score": self.best_score, "since": self.evaluations_since, "stopped": int(self.stopped)}

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "Patience":
        """From the values of a checkpoint."""
        return cls(float(saved["best_score"]), int(saved["since"]), bool(saved["stopped"]))


@dataclass(frozen=True)
class Standing:
    """Where a run stands.

    Args:
      state: what the steps change.
      patience: what the evaluations change.
    """

    state: TrainState
    patience: Patience = Patience()

    @property
    def step(self) -> int:
        """The number of steps taken; waits for the device."""
        return int(self.state.step)

    def saved(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {"state": self.state.saved(), "patience": self.patience.saved()}

    def restored(self, saved: dict[str, Any]) -> "Standing":
        """With what a checkpoint holds."""
        return Standing(replace(self.state, **saved["state"]), Patience.restored(saved["patience"]))


def notes_of(state: TrainState, interval: Interval) -> dict[str, Any]:
    """What goes with a checkpoint and is not part of the state: an unfinished interval, steps that were not finite."""
    watch, notes = Watch.read(state.watch), {}
    if interval.start < int(state.step):
        notes["interval"] = interval.saved(state.totals)
    if watch.total:
        notes["watch"] = list(watch)
    return notes


def with_notes(state: TrainState, notes: dict[str, Any], strategy: Strategy) -> tuple[TrainState, Interval]:
    """The state, and the interval it stands in, with what the notes of its checkpoint say."""
    watch = Watch(*notes.get("watch", ()))
    state = replace(state, watch=strategy.place(jnp.array(watch, jnp.int32)))
    if "interval" not in notes:
        return state, Interval(int(state.step), watch.total)
    saved = notes["interval"]
    totals = {name: jnp.asarray(saved["totals"][name], old.dtype) for name, old in state.totals.items()}
    return replace(state, totals=strategy.place(totals)), Interval(saved["start"], saved["skipped"])
