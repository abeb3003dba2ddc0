"""Optimisers against update rules worked out by hand."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from geomdl.training import OPTIMIZERS, SGD, Adam, AdamW, Momentum

W, B = np.array([[1.0, -2.0]]), np.array([3.0])
G = {"kernel": np.array([[0.5, 0.25]]), "bias": np.array([-1.0])}


def after(config, steps: int = 2) -> dict:
    """Parameters after so many steps with the same gradient and a learning rate of 0.1, then 0.01."""
    optimizer = config.build(lambda t: jnp.where(t == 0, 0.1, 0.01))
    params = {"kernel": jnp.asarray(W, jnp.float32), "bias": jnp.asarray(B, jnp.float32)}
    state = optimizer.init(params)
    for _ in range(steps):
        updates, state = optimizer.update({k: jnp.asarray(g, jnp.float32) for k, g in G.items()}, state, params)
        params = optax.apply_updates(params, updates)
    return params


def test_sgd_by_hand() -> None:
    params = after(SGD(weight_decay=0.5))
    w = W - 0.1 * (G["kernel"] + 0.5 * W)
    np.testing.assert_allclose(params["kernel"], w - 0.01 * (G["kernel"] + 0.5 * w), rtol=1e-6)
    np.testing.assert_allclose(params["bias"], B + 0.11, rtol=1e-6)  # no decay of a bias


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_by_hand(nesterov: bool) -> None:
    params = after(Momentum(momentum=0.8, nesterov=nesterov, weight_decay=0.5))
    w, v = W, np.zeros_like(W)
    for rate in (0.1, 0.01):
        gradient = G["kernel"] + 0.5 * w
        v = 0.8 * v + gradient
        w = w - rate * (gradient + 0.8 * v if nesterov else v)
    np.testing.assert_allclose(params["kernel"], w, rtol=1e-6)


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adam_by_hand(kind: type) -> None:
    params = after(kind(weight_decay=0.5, b1=0.7, b2=0.9, eps=1e-3))
    w, m, s = W, 0.0, 0.0
    for t, rate in enumerate((0.1, 0.01), start=1):
        g = G["kernel"] + (0.5 * w if kind is Adam else 0.0)
        m, s = 0.7 * m + 0.3 * g, 0.9 * s + 0.1 * g**2
        step = (m / (1 - 0.7**t)) / (np.sqrt(s / (1 - 0.9**t)) + 1e-3)
        w = w - rate * (step + (0.5 * w if kind is AdamW else 0.0))
    np.testing.assert_allclose(params["kernel"], w, rtol=1e-5)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_bad_input(name: str) -> None:
    for rate in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="learning_rate"):
            OPTIMIZERS[name](learning_rate=rate)
    with pytest.raises(ValueError, match="weight_decay"):
        OPTIMIZERS[name](weight_decay=-0.1)


def test_bad_moments() -> None:
    with pytest.raises(ValueError, match=r"invalid optimizer.momentum 1.0; allowed: a number in \[0, 1\)"):
        Momentum(momentum=1.0)
    with pytest.raises(ValueError, match="b2"):
        Adam(b2=1.5)
    with pytest.raises(ValueError, match="eps"):
        AdamW(eps=0.0)
