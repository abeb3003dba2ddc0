"""Optimisers against update rules worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from geomdl.layers import (
    BatchNorm,
    Conv,
    Dense,
    GroupPool,
    LayerNorm,
    LocallyConnected,
    NormActivation,
    Polynomial,
    PositionEmbedding,
    Sequential,
)
from geomdl.representations import FieldType
from geomdl.training import OPTIMIZERS, SGD, Adam, AdamW, Momentum, split_model
from geomdl.training.configuration.optimizers import decayed

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


class Foreign(nnx.Module):
    """Layers of Flax whose biases, scales and tables have one, two and three axes."""

    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.embed, self.norm = nnx.Embed(5, 4, rngs=rngs), nnx.BatchNorm(4, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(2, 4, rngs=rngs, decode=False)
        self.linear = nnx.Linear(4, 3, rngs=rngs)
        self.query_bias = nnx.Param(jnp.ones((2, 3)))
        self.weight = nnx.Param(jnp.ones((2, 3)))


def _ours() -> Sequential:
    t, features, rngs = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular + 1 trivial"), nnx.Rngs(0)
    out, pool = FieldType("C4", "3 trivial"), GroupPool(features)
    return Sequential(
        [
            LocallyConnected(t, 1, (5, 5), 3, rngs=rngs),
            PositionEmbedding(t, (3, 3), rngs=rngs),
            Conv(t, features, 3, rngs=rngs),
            BatchNorm(features),
            LayerNorm(features),
            NormActivation(features, "relu"),
            pool,
            Polynomial(pool.out_type),
            Dense(pool.out_type, out, rngs=rngs),
        ]
    )


def _decayed(make, on: str | tuple[str, ...] = "weights") -> set[str]:
    """The paths of the parameters that decay, of a module that is not computed."""
    flat = jax.tree_util.tree_flatten_with_path(decayed(split_model(nnx.eval_shape(make))[1], on))[0]
    return {jax.tree_util.keystr(path, simple=True, separator=".") for path, chosen in flat if chosen}


def test_weights_decay_and_biases_scales_do_not() -> None:
    kernels = {"layers.0.kernel", "layers.1.embedding", "layers.2.kernel.0", "layers.2.kernel.1", "layers.8.kernel.0"}
    assert _decayed(_ours) == kernels
    attention = {f"attention.{part}.kernel" for part in ("query", "key", "value", "out")}
    assert _decayed(Foreign) == {"embed.embedding", "linear.kernel", "weight", *attention}


def test_what_decays_can_be_said() -> None:
    assert {"layers.3.scale", "layers.2.bias.0", "layers.5.bias.0"} <= _decayed(_ours, "all")
    assert _decayed(_ours, ("2.*", "8.kernel")) == {
        "layers.2.kernel.0", "layers.2.kernel.1", "layers.2.bias.0", "layers.2.bias.1", "layers.8.kernel.0",
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"unknown optimizer.weight_decay_on '\*.kernels'; allowed: 0.bias, .*; did"):
        _decayed(_ours, ("*.kernels",))
    with pytest.raises(ValueError, match=r"unknown optimizer.weight_decay_on 'weight'; .* did you mean 'weights'"):
        SGD(weight_decay_on="weight")


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam, AdamW])
def test_every_optimiser_asks_what_decays(kind: type) -> None:
    params = {"kernel": jnp.ones((1, 2)), "bias": jnp.ones((1, 2))}
    for on, moved in (("weights", ["kernel"]), ("all", ["bias", "kernel"]), (("b*",), ["bias"])):
        optimizer = kind(weight_decay=0.1, weight_decay_on=on).build(lambda t: jnp.float32(0.1))
        updates, _ = optimizer.update(jax.tree.map(jnp.zeros_like, params), optimizer.init(params), params)
        assert sorted(name for name, update in updates.items() if np.any(update != 0)) == moved
