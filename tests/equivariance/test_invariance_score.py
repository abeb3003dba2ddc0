"""Firing-rate invariance of units made by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.equivariance import as_function, firing_invariance

X = np.random.default_rng(0).normal(size=(100, 4, 4, 1)).astype(np.float32)
for n in range(100):
    X[n, 0, 1] = n - 49.5  # a strong pixel off the corners, of either sign and known order
    X[n, 1:3, 1:3] = 0


def units(x):
    mean = x.mean((1, 2))
    return jnp.concatenate([mean, x[:, 0, 1], -mean, 0 * mean + 7], -1)


def test_hand_made_units():
    """The mean fires along the whole orbit (L = 1); the pixel at one of four turns (L = 1/4); a constant never."""
    result = firing_invariance(units, X, "C4", global_rate=0.05, proportion=1.0)
    np.testing.assert_allclose(result.scores, [20, 20, 5, 0], rtol=1e-6)
    assert result.global_rate == 0.05
    assert result.highest == 20
    assert result.dead == 0.25
    assert result.score == pytest.approx(45 / 4)
    assert "CONSTANT" in str(result)
    assert len(result.rows()) == 4


def test_the_best_units_count_and_constant_layers_score_nothing():
    assert firing_invariance(units, X, "C4", global_rate=0.05, proportion=0.5).score == pytest.approx(20)
    constant = firing_invariance(lambda x: 0 * x.mean((1, 2)) + 1, X, "C4")
    assert constant.score == 0


def test_numpy_layers_and_bad_input():
    f = as_function(lambda x: x[:, 0, 1], numpy=True)
    assert firing_invariance(f, X, "C4", global_rate=0.05).score == pytest.approx(5)
    model = lambda x: (x.mean((1, 2)), {"pixel": x[:, 0, 1]})  # noqa: E731
    assert firing_invariance(model, X, "C4", layer="pixel", global_rate=0.05).score == pytest.approx(5)
    with pytest.raises(ValueError, match="did you mean 'pixel'"):
        firing_invariance(model, X, "C4", layer="pixels")
    with pytest.raises(ValueError, match="global_rate"):
        firing_invariance(units, X, "C4", global_rate=0)
