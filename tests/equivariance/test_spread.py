"""Orbit spread against input spread, for functions whose variances are known."""

import numpy as np
import pytest

from geomdl.equivariance import as_function, orbit_spread

X = np.random.default_rng(0).normal(size=(5, 6, 6, 1)).astype(np.float32)


def test_known_variances():
    """f(x) = the first pixel: over all shifts its spread is that of the pixels, between images that of the means."""
    result = orbit_spread(lambda x: x[:, 0, 0], X, "shifts")
    assert result.orbit_spread == pytest.approx(np.sqrt(X.var((1, 2)).mean()), rel=1e-5)
    assert result.input_spread == pytest.approx(X.mean((1, 2)).std(), rel=1e-4)
    assert result.ratio == pytest.approx(result.orbit_spread / result.input_spread)
    assert result.invariance == pytest.approx(X.mean((1, 2)).var() / X.var(), rel=1e-4)
    assert result.elements == 36
    assert len(result.rows()) == 5


def test_invariant_and_constant():
    invariant = orbit_spread(lambda x: x.mean((1, 2)), X, "C4")
    assert invariant.invariance > 1 - 1e-6
    assert invariant.ratio < 1e-5
    constant = orbit_spread(lambda x: 0 * x.mean((1, 2)) + 3, X, "C4")
    assert constant.invariance == 0
    assert np.isnan(constant.ratio)
    assert "CONSTANT" in str(constant)
    same = orbit_spread(lambda x: x[:, 0, 0], np.repeat(X[:1], 2, 0), "C4")  # images do not differ, orbits do
    assert same.invariance == pytest.approx(0, abs=1e-9)


def test_numpy_and_bad_input():
    looped = orbit_spread(as_function(lambda x: np.asarray(x)[:, 0, 0], numpy=True), X, "C4")
    assert looped.orbit_spread == pytest.approx(orbit_spread(lambda x: x[:, 0, 0], X, "C4").orbit_spread, rel=1e-6)
    with pytest.raises(ValueError, match="two different images"):
        orbit_spread(lambda x: x.mean((1, 2)), X[:1], "C4")
    with pytest.raises(ValueError, match="NaN"):
        orbit_spread(lambda x: x.mean((1, 2)) * np.nan, X, "C4")
