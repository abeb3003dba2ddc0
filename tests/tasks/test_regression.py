"""Regression by hand, and metrics that are gathered in parts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.representations import FieldType
from geomdl.tasks import (
    Accumulator,
    Classification,
    OverImages,
    Regression,
    TaskSums,
    accumulate,
    accumulators_of,
    split_metrics,
)

LINES = Regression(FieldType("SO2", "1 irrep(2)"), "cosine")


def at(*degrees: float, length: float = 1.0) -> jnp.ndarray:
    """Lines at these angles, as (cos 2θ, sin 2θ)."""
    doubled = 2 * np.deg2rad(np.array(degrees))
    return jnp.asarray(length * np.stack([np.cos(doubled), np.sin(doubled)], -1), jnp.float32)


def test_losses_by_hand() -> None:
    z, y = jnp.array([[1.0, -2.0], [0.0, 4.0]]), jnp.array([[0.0, 0.0], [0.0, 1.0]])
    numbers = FieldType("SO2", "2 trivial")
    for objective, expected in (("mse", (2.5 + 4.5) / 2), ("mae", (1.5 + 1.5) / 2)):
        task = Regression(numbers, objective)
        loss, means = jax.jit(task.loss)(z, {"label": y})
        assert float(loss) == pytest.approx(expected)
        assert float(means["mae"]) == pytest.approx(1.5)
        assert (task.metrics, task.headline, task.accumulators) == (("loss", "mae"), "mae", ())
        assert (task.law.moves, LINES.law.moves) == (False, True)
    masked, _ = jax.jit(Regression(numbers).loss)(z, {"label": y, "mask": jnp.array([0.0, 1.0])})
    assert float(masked) == pytest.approx(4.5)


def test_a_line_and_its_half_turn_are_one() -> None:
    """The angle of a line has period 180°: 175° and 5° are 10° apart, whatever the lengths."""
    batch = {"label": at(5.0, 90.0)}
    outputs = at(175.0, 90.0 + 180.0, length=3.0)
    loss, means = jax.jit(LINES.loss)(outputs, batch)
    assert float(means["angular_error"]) == pytest.approx(5.0, abs=1e-3)
    assert float(loss) == pytest.approx((1 - np.cos(np.deg2rad(20))) / 2, abs=1e-6)
    np.testing.assert_allclose(LINES.predictions(outputs)["degrees"], [[175.0], [90.0]], atol=1e-3)
    np.testing.assert_array_equal(LINES.predictions(outputs)["values"], outputs)


def test_no_direction_has_a_finite_gradient() -> None:
    label = at(30.0)
    gradient = jax.jit(jax.grad(lambda z: LINES.loss(z, {"label": label})[0]))(jnp.zeros((1, 2)))
    assert np.isfinite(gradient).all()


def test_parts_of_a_split_merge_to_the_whole() -> None:
    """Also for what is no sum: the median of all, not a mean of medians; padding counts nowhere."""
    random = np.random.default_rng(0)
    z, y = (jnp.asarray(random.normal(size=(7, 2)), jnp.float32) for _ in "zy")
    mask = jnp.ones(7).at[5].set(0.0)
    batches = [{"label": y[s], "mask": mask[s]} for s in (slice(0, 3), slice(3, 7))]
    outputs = [z[:3], z[3:]]
    kept = np.asarray(mask) > 0
    for metric in accumulators_of(LINES):
        assert isinstance(metric, Accumulator)
        halves = [metric.update(metric.init(), o, b) for o, b in zip(outputs, batches, strict=True)]
        whole = metric.compute(metric.update(metric.init(), z[kept], {"label": y[kept]}))
        assert metric.compute(metric.merge(*halves)) == pytest.approx(whole, rel=1e-6)
        assert metric.compute(metric.merge(metric.init(), halves[1])) == metric.compute(halves[1])


def test_outputs_may_be_trees() -> None:
    doubled = OverImages("doubled", lambda outputs, batch: 2 * outputs["score"], np.max)
    found = accumulate(lambda x: {"score": x[:, 0]}, [{"image": jnp.array([[3.0], [1.0]])}], (doubled,))
    assert found == {"doubled": 6.0}


def test_every_metric_says_which_way_is_better() -> None:
    assert split_metrics(LINES) == dict.fromkeys(("loss", "mae", "angular_error", "median_angular_error"), False)
    assert split_metrics(Classification(2, "sigmoid")) == {"loss": False, "accuracy": True, "exact_match": True}
    with pytest.raises(ValueError, match="two accumulators give the metric loss"):
        accumulate(lambda x: x, [], (TaskSums(Classification(2)), OverImages("loss", jnp.subtract, np.max)))
