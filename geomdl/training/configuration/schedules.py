"""Learning-rate schedules by name, on top of optax.

Every schedule counts optimiser steps from 0, and every one takes ``warmup_steps``: over the first w steps the rate
grows linearly, η(t) = η₀ t / w, and the schedule proper starts at t = w.
"""

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax

from geomdl.errors import invalid
from geomdl.numbers import check_numbers
from geomdl.registry import Registry
from geomdl.training.configuration.optimizer_class import schedule_class
from geomdl.training.configuration.promotion import standard_promotion


class ScheduleConfig(Protocol):
    """The ``schedule`` section of a run's config."""

    def build(self, learning_rate: float, total_steps: int) -> optax.Schedule:
        """Returns η: step → learning rate, for a run of so many steps."""
        ...


@dataclass(frozen=True)
class Constant:
    """η(t) = η₀.

    Args:
      warmup_steps: steps of linear growth from 0 before it.

    >>> [round(float(Constant(warmup_steps=4).build(0.1, 100)(t)), 3) for t in (0, 2, 4, 50)]
    [0.0, 0.05, 0.1, 0.1]
    """

    warmup_steps: int = 0

    def __post_init__(self) -> None:
        _check_warmup(self.warmup_steps)

    def build(self, learning_rate: float, total_steps: int) -> optax.Schedule:
        """Returns the schedule; it does not depend on the number of steps."""
        return _warmed_up(optax.constant_schedule(learning_rate), learning_rate, self.warmup_steps)


@dataclass(frozen=True)
class Cosine:
    """η(t) = η₀ [f + (1 − f) (1 + cos(π t / T)) / 2], with T the steps of the run after the warm-up.

    Args:
      warmup_steps: steps of linear growth from 0 before it.
      final_fraction: f, the share of η₀ that is left at the end.

    >>> [round(float(Cosine().build(0.1, 100)(t)), 3) for t in (0, 50, 100)]
    [0.1, 0.05, 0.0]
    """

    warmup_steps: int = 0
    final_fraction: float = 0.0

    def __post_init__(self) -> None:
        _check_warmup(self.warmup_steps)
        if not 0 <= self.final_fraction <= 1:
            raise invalid("schedule.final_fraction", self.final_fraction, "a number in [0, 1]", 0.0)

    def build(self, learning_rate: float, total_steps: int) -> optax.Schedule:
        """Returns the schedule that reaches its end at ``total_steps``."""
        _check_warmup(self.warmup_steps, total_steps)
        body = optax.cosine_decay_schedule(learning_rate, total_steps - self.warmup_steps, self.final_fraction)
        return _warmed_up(body, learning_rate, self.warmup_steps)


@dataclass(frozen=True)
class Step:
    """η(t) = η₀ · factorⁿ, with n the number of boundaries at or before t.

    Args:
      boundaries: steps, ascending, counted from the start of the run.
      factor: what the rate is multiplied with at each boundary.
      warmup_steps: steps of linear growth from 0 before it; the boundaries lie after them.

    >>> [round(float(Step(boundaries=(10, 20), factor=0.1).build(1.0, 30)(t)), 3) for t in (9, 10, 25)]
    [1.0, 0.1, 0.01]
    """

    boundaries: tuple[int, ...]
    factor: float = 0.1
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        check_numbers(self, "schedule", several=True)
        _check_warmup(self.warmup_steps)
        if not self.boundaries or list(self.boundaries) != sorted(set(self.boundaries)) or self.boundaries[0] < 1:
            raise invalid("schedule.boundaries", self.boundaries, "ascending positive step numbers", "(1000, 2000)")
        if self.boundaries[0] < self.warmup_steps:
            raise invalid(
                "schedule.boundaries", self.boundaries, f"steps from the end of the warm-up, {self.warmup_steps}, on"
            )
        if not 0 < self.factor <= 1:
            raise invalid("schedule.factor", self.factor, "a number in (0, 1]", 0.1)

    def build(self, learning_rate: float, total_steps: int) -> optax.Schedule:
        """Returns the schedule; it does not depend on the number of steps."""
        drops = {boundary - self.warmup_steps: self.factor for boundary in self.boundaries}
        body = optax.piecewise_constant_schedule(learning_rate, drops)
        return _warmed_up(body, learning_rate, self.warmup_steps)


@dataclass(frozen=True)
class Exponential:
    """η(t) = η₀ · rate^(t / decay_steps); with ``staircase`` the exponent is rounded down.

    Args:
      decay_rate: factor by which the rate has fallen after ``decay_steps``.
      decay_steps: steps to fall by that factor; None takes the steps of the run after the warm-up.
      staircase: falls at multiples of ``decay_steps`` only; with the steps of two epochs and ``decay_rate=0.94``, by
        6 % every other epoch.
      warmup_steps: steps of linear growth from 0 before it.

    >>> [round(float(Exponential(decay_rate=0.01).build(1.0, 100)(t)), 3) for t in (0, 50, 100)]
    [1.0, 0.1, 0.01]
    """

    decay_rate: float = 0.01
    decay_steps: int | None = None
    staircase: bool = False
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        _check_warmup(self.warmup_steps)
        if not 0 < self.decay_rate <= 1:
            raise invalid("schedule.decay_rate", self.decay_rate, "a number in (0, 1]", 0.01)
        if self.decay_steps is not None and self.decay_steps < 1:
            raise invalid("schedule.decay_steps", self.decay_steps, "a positive number of steps, or None")

    def build(self, learning_rate: float, total_steps: int) -> optax.Schedule:
        """Returns the schedule for a run of so many steps."""
        _check_warmup(self.warmup_steps, total_steps)
        steps = total_steps - self.warmup_steps if self.decay_steps is None else self.decay_steps
        body = optax.exponential_decay(learning_rate, steps, self.decay_rate, staircase=self.staircase)
        return _warmed_up(body, learning_rate, self.warmup_steps)


@dataclass(frozen=True)
class WarmRestarts:
    """Cosine cycles, each of which starts anew (SGDR): with t_i the steps since cycle i = 0, 1, … began,

      η(t) = η₀ dⁱ [f + (1 − f) (1 + cos(π t_i / T_i)) / 2],   T_i = T₀ mⁱ, rounded to whole steps.

    Args:
      first_period: T₀, in steps.
      multiplier: m, at least 1: by how much each cycle is longer than the one before it.
      final_fraction: f, the share of a cycle's first rate that is left at its end.
      peak_decay: d in (0, 1], of the rate at which cycles start; 1 restarts from η₀, as published.
      warmup_steps: steps of linear growth from 0 before the first cycle.

    References:
      Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, equation 5.

    >>> [round(float(WarmRestarts(first_period=10, multiplier=2).build(1.0, 70)(t)), 3) for t in (0, 5, 10, 20, 30)]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    first_period: int
    multiplier: float = 1.0
    final_fraction: float = 0.0
    peak_decay: float = 1.0
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        _check_warmup(self.warmup_steps)
        if self.first_period < 1:
            raise invalid("schedule.first_period", self.first_period, "a positive number of steps", 1)
        if not 1 <= self.multiplier < float("inf"):
            raise invalid("schedule.multiplier", self.multiplier, "a number of 1 or more", 2.0)
        if not 0 <= self.final_fraction <= 1:
            raise invalid("schedule.final_fraction", self.final_fraction, "a number in [0, 1]", 0.0)
        if not 0 < self.peak_decay <= 1:
            raise invalid("schedule.peak_decay", self.peak_decay, "a number in (0, 1]", 1.0)

    def build(self, learning_rate: float, total_steps: int) -> optax.Schedule:
        """Returns the schedule for a run of so many steps."""
        _check_warmup(self.warmup_steps, total_steps)
        starts = self._starts(total_steps - self.warmup_steps)

        def body(count: jax.typing.ArrayLike) -> jax.Array:
            t = jnp.asarray(count)
            if self.multiplier == 1:
                cycle, period = t // self.first_period, jnp.int32(self.first_period)
                since = t % self.first_period
            else:
                cycle = jnp.searchsorted(jnp.asarray(starts), t, side="right") - 1
                period = jnp.asarray(np.diff(starts))[cycle]
                since = t - jnp.asarray(starts)[cycle]
            share = (1 + jnp.cos(jnp.pi * since.astype(jnp.float32) / period.astype(jnp.float32))) / 2
            peak = learning_rate * jnp.float32(self.peak_decay) ** cycle.astype(jnp.float32)
            return peak * (self.final_fraction + (1 - self.final_fraction) * share)

        return _warmed_up(body, learning_rate, self.warmup_steps)

    def _starts(self, steps: int) -> np.ndarray:
        """Where cycles begin, up to the end of the first that lies beyond so many steps; of growing cycles only."""
        starts, period = [0], float(self.first_period)
        while self.multiplier > 1 and (starts[-1] <= steps or len(starts) < 2):
            starts.append(starts[-1] + round(period))
            period *= self.multiplier
        return np.minimum(starts, np.iinfo(np.int32).max).astype(np.int32)


SCHEDULES = Registry("schedule.name", group="geomdl.schedules", adapt=schedule_class)
"""Every learning-rate schedule by name; its fields are the keys that ``config.schedule`` takes."""
SCHEDULES.register("constant", Constant)
SCHEDULES.register("cosine", Cosine)
SCHEDULES.register("step", Step)
SCHEDULES.register("exponential", Exponential)
SCHEDULES.register("warm_restarts", WarmRestarts)


def _warmed_up(body: optax.Schedule, learning_rate: float, warmup_steps: int) -> optax.Schedule:
    if not warmup_steps:
        return standard_promotion(body)
    return standard_promotion(
        optax.join_schedules([optax.linear_schedule(0.0, learning_rate, warmup_steps), body], [warmup_steps])
    )


def _check_warmup(warmup_steps: int, total_steps: int | None = None) -> None:
    if warmup_steps < 0:
        raise invalid("schedule.warmup_steps", warmup_steps, "0 or more steps", 0)
    if total_steps is not None and warmup_steps >= total_steps:
        raise invalid(
            "schedule.warmup_steps", warmup_steps, f"fewer than the run's {total_steps} steps", total_steps // 10
        )
