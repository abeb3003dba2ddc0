"""Highway layers: the equation, gates of fields and of channels, what is refused."""

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.layers import Conv, Dense, Highway, Pointwise
from geomdl.representations import FieldType


def test_a_gate_decides_between_body_and_input():
    t = FieldType("C1", "3 trivial")
    body, gate = Dense(t, t, rngs=nnx.Rngs(0)), Dense(t, t, rngs=nnx.Rngs(1))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    y = Highway(body, gate, gate_bias=-1.5)(x)
    opened = 1 / (1 + np.exp(-(x @ gate.dense_kernel() - 1.5)))
    np.testing.assert_allclose(y, opened * (x @ body.dense_kernel()) + (1 - opened) * x, atol=1e-5)
    np.testing.assert_allclose(Highway(body, gate, gate_bias=-50.0)(x), x, atol=1e-6)
    np.testing.assert_allclose(Highway(body, gate, gate_bias=50.0)(x), body(x), atol=1e-5)


def test_one_gate_for_each_field_scales_all_its_channels():
    t, gates = FieldType("SO2", "1 trivial + 2 irrep(1)"), FieldType("SO2", "3 trivial")
    body, gate = Dense(t, t, rngs=nnx.Rngs(0)), Dense(t, gates, rngs=nnx.Rngs(1))
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    y, h = Highway(body, gate)(x), np.asarray(body(x))
    opened = np.asarray(jax.nn.sigmoid(gate(x) - 2.0))[:, [0, 1, 1, 2, 2]]
    np.testing.assert_allclose(y, x + opened * (h - x), atol=1e-6)


def test_what_is_refused():
    regular, scalars, image = (FieldType("C4", f"2 {name}") for name in ("regular", "trivial", "irrep(1)"))
    same = Pointwise(regular, "relu")
    lift, back = Dense(scalars, regular, rngs=nnx.Rngs(0)), Dense(regular, scalars, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="gives the type that it takes"):
        Highway(lift, lift)
    with pytest.raises(ValueError, match="the gate of Highway takes"):
        Highway(same, lift)
    with pytest.raises(ValueError, match=r"allowed: .*2 trivial"):
        Highway(same, Dense(regular, FieldType("C4", "3 trivial"), rngs=nnx.Rngs(0)))
    assert Highway(same, back).out_type == regular
    vectors = Dense(image, image, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="Highway with a gate for each channel"):
        Highway(vectors, vectors)
    with pytest.raises(ValueError, match="gate_bias of Highway inf"):
        Highway(same, same, gate_bias=float("inf"))
    smaller = Conv(regular, regular, 3, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="different sizes"):
        Highway(smaller, same)(np.ones((1, 5, 5, 8), np.float32))
