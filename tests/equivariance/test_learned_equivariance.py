"""Maps of features that are known, recovered by the fit."""

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.equivariance import as_function, feature_equivariance

X = np.random.default_rng(0).normal(size=(48, 4, 4, 1)).astype(np.float32)
W = np.random.default_rng(1).normal(size=(16, 16)).astype(np.float32)


def linear(x):
    """φ(x) = W x, so that φ(gx) = (W P_g W⁻¹) φ(x)."""
    return x.reshape(len(x), 16) @ W


def test_a_linear_feature_map_is_recovered():
    result = feature_equivariance(linear, X, "C4", ridge=1e-9)
    assert result.labels == ("identity", "rotate 90°", "rotate 180°", "rotate 270°")
    assert result.worst < 1e-3
    assert result.identity[0] == 0
    assert min(result.identity[1:]) > 0.5


def test_invariant_nonlinear_and_constant_features():
    invariant = feature_equivariance(lambda x: x.mean((1, 2)), X, "C4")
    assert max(invariant.identity) < 1e-6
    assert invariant.worst < 1e-6
    product = feature_equivariance(lambda x: x[:, 0, 0] * x[:, 0, 1] * 3, X, "C4", elements=[[0, 1]])
    assert product.worst > 0.8  # what was turned in is independent of what is seen
    constant = feature_equivariance(lambda x: 0 * x.mean((1, 2)) + 1, X, "C4")
    assert np.isnan(constant.fitted).all()
    assert "CONSTANT" in str(constant)


def test_fields_are_moved_and_their_channels_mixed():
    """(∂x, ∂y) by circular differences: a quarter turn moves the field and exchanges the channels."""

    def gradient(x):
        right = jnp.roll(x, -1, 2) - jnp.roll(x, 1, 2)
        up = jnp.roll(x, 1, 1) - jnp.roll(x, -1, 1)
        field = jnp.concatenate([right, up], -1)
        return field.mean((1, 2)), {"gradient": field}

    result = feature_equivariance(gradient, X, "C4", layers=["gradient"], elements=[[0, 1]])
    assert result.of("gradient") < 1e-6
    assert result.identity[0] > 0.5


def test_numpy_and_bad_input():
    looped = feature_equivariance(as_function(linear, numpy=True), X, "C4", ridge=1e-9)
    assert looped.worst < 1e-3
    with pytest.raises(ValueError, match="half to fit"):
        feature_equivariance(linear, X[:3], "C4")
    with pytest.raises(ValueError, match="did you mean 'output'"):
        feature_equivariance(linear, X, "C4", layers=["outputs"])
