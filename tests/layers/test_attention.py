"""Attention does not see where pixels are; position embeddings do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import PositionEmbedding, SelfAttention, freeze
from geomdl.models import VisionTransformerConfig
from geomdl.representations import FieldType

SCALARS = FieldType("C4", "6 trivial")


def test_attention_is_the_formula_and_keeps_its_contract():
    layer = SelfAttention(SCALARS, 2, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (1, 2, 3, 6))
    f = np.asarray(x).reshape(6, 6)
    w = np.asarray(layer.project_in.dense_kernel())[0, 0]
    q, k, v = np.split(f @ w, 3, axis=1)
    mixed = []
    for head in (slice(0, 3), slice(3, 6)):
        weights = np.exp(q[:, head] @ k[:, head].T / np.sqrt(3))
        mixed.append(weights / weights.sum(1, keepdims=True) @ v[:, head])
    by_hand = np.concatenate(mixed, 1) @ np.asarray(layer.project_out.dense_kernel())[0, 0]
    np.testing.assert_allclose(np.asarray(layer(x)).reshape(6, 6), by_hand, rtol=1e-4, atol=1e-5)
    report = check_contract(layer, jax.random.key(1), size=(5, 5))
    assert report.passed, str(report)
    assert {row.symmetry for row in report.promised} == {"points", "shifts"}


def test_positions_are_seen_and_promised_to_be():
    layer = PositionEmbedding(SCALARS, (5, 5), rngs=nnx.Rngs(0))
    report = check_contract(layer, jax.random.key(1), size=(5, 5))
    assert report.passed
    assert not report.promised
    assert report.worst("points") > 1e-3
    with pytest.raises(ValueError, match=r"made for images of \(5, 5\), got \(4, 4\)"):
        layer(jnp.ones((1, 4, 4, 6)))


def test_channels_that_move_are_refused():
    with pytest.raises(ValueError, match=r"must be scalars; got .*1 regular"):
        SelfAttention(FieldType("C4", "1 regular"), 2, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"heads of SelfAttention .*a divisor of the 6 channels"):
        SelfAttention(SCALARS, 4, rngs=nnx.Rngs(0))


def test_a_vision_transformer_promises_nothing_and_freezes():
    model = VisionTransformerConfig(width=2, patch=3, depth=1).build((6, 6, 1), 3, rngs=nnx.Rngs(0))
    report = check_contract(model, jax.random.key(0), size=(6, 6))
    assert report.passed
    assert not [row for row in report.promised if row.element != (0, 0)]
    x = jax.random.normal(jax.random.key(1), (2, 6, 6, 1))
    np.testing.assert_allclose(freeze(model)(x), model(x), atol=1e-6)
    with pytest.raises(ValueError, match="divides both sides of 7x6 images"):
        VisionTransformerConfig(patch=3).build((7, 6, 1), 3, rngs=nnx.Rngs(0))
