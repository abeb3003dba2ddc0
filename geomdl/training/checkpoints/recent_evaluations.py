"""The best evaluations since the latest checkpoint, in memory until the next one is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax


@dataclass(frozen=True)
class Evaluated:
    """An evaluation with the state that was evaluated, from which a checkpoint can be written.

    Attributes:
      step: the number of steps taken.
      state: arrays and numbers in nested containers.
      score: of the evaluation, greater is better.
      notes: small plain values that go with it.
    """

    step: int
    state: Any
    score: float
    notes: dict[str, Any]


def ranked(scores: Mapping[int, float | None]) -> list[int]:
    """Returns the steps that have a score, the best first, the earlier first among equals.

    >>> ranked({2: 0.5, 4: 0.7, 6: None, 8: 0.7})
    [4, 8, 2]
    """
    scored = {step: score for step, score in scores.items() if score is not None}
    return sorted(scored, key=lambda step: (-scored[step], step))


class RecentEvaluations:
    """Copies of the best evaluations that have no checkpoint; never more than are to be kept.

    The copies lie where the arrays do: on the device.

    Args:
      keep: how many of the best are kept, those that have a checkpoint included.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._held: dict[int, Evaluated] = {}

    def offer(self, evaluated: Evaluated, scores: Mapping[int, float | None]) -> None:
        """Copies an evaluation if it is one of the best, and lets go of what no longer is.

        Args:
          evaluated: its buffers may be donated afterwards.
          scores: of the checkpoints that are there.
        """
        self._held[evaluated.step] = evaluated
        best = self._best(scores)
        self._held = {step: held for step, held in self._held.items() if step in best}
        if evaluated.step in best:
            self._held[evaluated.step] = replace(evaluated, state=jax.tree.map(_copy, evaluated.state))

    def take(self, scores: Mapping[int, float | None]) -> list[Evaluated]:
        """Returns those that are still among the best, in the order of their steps, and lets go of all.

        Args:
          scores: of the checkpoints that are there, and of the one that is to be written.
        """
        best = self._best(scores)
        taken = [held for step, held in sorted(self._held.items()) if step in best and step not in scores]
        self._held = {}
        return taken

    def _best(self, scores: Mapping[int, float | None]) -> list[int]:
        held = {step: evaluated.score for step, evaluated in self._held.items()}
        return ranked({**held, **scores})[: self._keep]


def _copy(x: Any) -> Any:
    return jax.device_put(x, x.sharding, may_alias=False) if isinstance(x, jax.Array) else x
