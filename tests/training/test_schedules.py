"""Learning-rate schedules against their formulas."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.training import SCHEDULES, Constant, Cosine, Exponential, Step, WarmRestarts

STEPS = [0, 1, 7, 20, 21, 39, 40, 60, 99, 100]
T = 100


def closed_form(name: str, t: float) -> float:
    return {
        "constant": 1.0,
        "cosine": 0.1 + 0.9 * (1 + math.cos(math.pi * t / T)) / 2,
        "step": 0.5 ** sum(t >= b for b in (21, 40)),
        "exponential": 0.05 ** (t / T),
        "warm_restarts": restarts(t, first=10, multiplier=2, decay=0.5, final=0.1),
    }[name]


OPTIONS = {
    "constant": {},
    "cosine": {"final_fraction": 0.1},
    "step": {"boundaries": (21, 40), "factor": 0.5},
    "exponential": {"decay_rate": 0.05},
    "warm_restarts": {"first_period": 10, "multiplier": 2, "peak_decay": 0.5, "final_fraction": 0.1},
}


def restarts(t: float, first: float, multiplier: float, decay: float, final: float) -> float:
    period, peak = first, 1.0
    while t >= period:
        t, period, peak = t - period, round(period * multiplier), peak * decay
    return peak * (final + (1 - final) * (1 + math.cos(math.pi * t / period)) / 2)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_closed_forms(name: str) -> None:
    schedule = SCHEDULES[name](**OPTIONS[name]).build(0.3, T)
    for t in STEPS:
        assert schedule(t) == pytest.approx(0.3 * closed_form(name, t), rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("name", ["constant", "cosine", "exponential", "warm_restarts"])
def test_warm_up_comes_before_the_schedule(name: str) -> None:
    schedule = SCHEDULES[name](**OPTIONS[name], warmup_steps=20).build(0.3, T + 20)
    for t in range(20):
        assert schedule(t) == pytest.approx(0.3 * t / 20, rel=1e-5)
    for t in STEPS:
        assert schedule(20 + t) == pytest.approx(0.3 * closed_form(name, t), rel=1e-4, abs=1e-8)


def test_warm_up_leaves_the_boundaries_of_steps_where_they_are() -> None:
    schedule = Step(boundaries=(21, 40), factor=0.5, warmup_steps=10).build(0.3, T)
    assert schedule(5) == pytest.approx(0.15)
    for t in [s for s in STEPS if s >= 10]:
        assert schedule(t) == pytest.approx(0.3 * closed_form("step", t), rel=1e-5)


def test_restarts_begin_at_the_peak_and_end_at_the_floor() -> None:
    equal = WarmRestarts(first_period=4).build(1.0, T)
    assert [float(equal(t)) for t in (0, 4, 8, 96)] == [1.0] * 4
    assert float(equal(7)) == pytest.approx((1 + math.cos(0.75 * math.pi)) / 2, rel=1e-5)
    for multiplier in (1.0, 1.5, 2.0):
        schedule = WarmRestarts(first_period=7, multiplier=multiplier, final_fraction=0.2).build(0.3, 200)
        rates = np.asarray(schedule(jnp.arange(200)))
        floor = (1 + np.flatnonzero(rates[1:] > 1.01 * rates[:-1])).tolist()  # where a cycle begins
        ends = [7]
        while ends[-1] < 200:
            ends.append(ends[-1] + round(7 * multiplier ** len(ends)))
        assert floor == ends[:-1]


def test_staircase() -> None:
    schedule = Exponential(decay_rate=0.5, decay_steps=10, staircase=True).build(1.0, T)
    assert [float(schedule(t)) for t in (0, 9, 10, 25)] == [1.0, 1.0, 0.5, 0.25]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(warmup_steps=-1), "invalid schedule.warmup_steps -1; allowed: 0 or more steps"),
        (lambda: Cosine(final_fraction=2.0), "invalid schedule.final_fraction 2.0"),
        (lambda: Cosine(warmup_steps=10).build(0.1, 10), "fewer than the run's 10 steps"),
        (lambda: Step(boundaries=()), r"invalid schedule.boundaries \(\)"),
        (lambda: Step(boundaries=(20, 10)), "ascending"),
        (lambda: Step(boundaries=(10,), warmup_steps=20), "from the end of the warm-up, 20, on"),
        (lambda: Step(boundaries=(10,), factor=0.0), "invalid schedule.factor 0.0"),
        (lambda: Exponential(decay_rate=-1.0), "invalid schedule.decay_rate -1.0"),
        (lambda: Exponential(decay_steps=0), "invalid schedule.decay_steps 0"),
        (lambda: WarmRestarts(first_period=0), "invalid schedule.first_period 0"),
        (lambda: WarmRestarts(first_period=9, multiplier=0.5), "invalid schedule.multiplier 0.5"),
        (lambda: WarmRestarts(first_period=9, final_fraction=-1.0), "invalid schedule.final_fraction -1.0"),
        (lambda: WarmRestarts(first_period=9, peak_decay=0.0), "invalid schedule.peak_decay 0.0"),
        (lambda: WarmRestarts(first_period=9, warmup_steps=10).build(0.1, 10), "fewer than the run's 10 steps"),
    ],
)
def test_bad_input(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
