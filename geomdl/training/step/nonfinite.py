"""Detection of losses and gradients that are not finite: noted on the device at every step, read with every record."""

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from geomdl.training.step.state import TrainState, Tree

LIMIT = 10
"""So many steps in a row that are not finite end a run that skips them."""


_SMALL = 4096
"""Numbers of a gradient that is looked at together with others."""


class TrainingDiverged(FloatingPointError):
    """The loss, its gradient, or the monitored metric is no longer a finite number.

    Args:
      what: is not finite, with its value and where.
      kept: the step of the latest checkpoint, or None.
    """

    def __init__(self, what: str, kept: int | None) -> None:
        saved = "no checkpoint was saved" if kept is None else f"the checkpoint of step {kept} is kept"
        super().__init__(
            f"{what}; {saved}; "
            "try a smaller optimizer.learning_rate, or a schedule with warmup_steps, in another work directory"
        )


class Watch(NamedTuple):
    """Counts of steps whose loss or gradient was not finite, kept on the device as ``[5]`` int32.

    Attributes:
      total: of such steps since the run began.
      row: such steps in a row, up to the latest step.
      longest: the longest such row.
      first: the first such step, counted from 1; 0 for none.
      last: the latest such step.
    """

    total: int = 0
    row: int = 0
    longest: int = 0
    first: int = 0
    last: int = 0

    @classmethod
    def read(cls, watch: Any) -> "Watch":
        """From the array."""
        return cls(*map(int, np.asarray(watch)))


def observed(watch: Array, finite: Array, step: Array) -> Array:
    """The watch after a step, whose number is counted from 1."""
    total, row, longest, first, last = watch
    bad = (~finite).astype(jnp.int32)
    row = jnp.where(finite, 0, row + 1)
    first = jnp.where(finite | (first > 0), first, step)
    return jnp.stack([total + bad, row, jnp.maximum(longest, row), first, jnp.where(finite, last, step)])


def all_finite(loss: Array, gradients: Tree) -> Array:
    """Whether a loss and its gradients are finite.

    Small gradients are put together first: one reduction compiles more quickly than one for each of a deep network.
    """
    leaves: list[Array] = [loss, *jax.tree.leaves(gradients)]
    small: dict[Any, list[Array]] = {}
    for leaf in leaves:
        if leaf.size <= _SMALL:
            small.setdefault(leaf.dtype, []).append(leaf.ravel())
    parts = [jnp.concatenate(group) for group in small.values()] + [leaf for leaf in leaves if leaf.size > _SMALL]
    return jnp.stack([jnp.isfinite(a).all() for a in parts]).all()


def skipped_unless(finite: Array, new: TrainState, old: TrainState) -> TrainState:
    """The state after a step; where it was not finite, all but its number and the watch are as they were before."""

    def chosen(of: TrainState) -> tuple[Any, ...]:
        return of.params, of.rest, of.opt_state, of.totals, of.average

    kept = jax.tree.map(lambda a, b: jnp.where(finite, a, b), chosen(new), chosen(old))
    params, rest, opt_state, totals, average = kept
    return replace(new, params=params, rest=rest, opt_state=opt_state, totals=totals, average=average)
