"""The values of a layer inside a network: which layers there are, that the values are right, and how they move."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.layers import Conv, Dense, GlobalPool, GroupPool, Pointwise, Residual, Sequential
from geomdl.models import GCNNConfig, GroupUNetConfig, feature_function, feature_layer, summarize
from geomdl.representations import FieldType

SHAPE = (12, 12, 1)


def network(blocks=1):
    image, fields = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular")
    rngs = nnx.Rngs(0)
    inner = [Residual(Conv(fields, fields, 3, padding="same", rngs=rngs)) for _ in range(blocks)]
    head = [
        GlobalPool(fields),
        GroupPool(fields),
        Dense(FieldType("C4", "2 trivial"), FieldType("C4", "3 trivial"), rngs=rngs),
    ]
    return Sequential([Conv(image, fields, 3, padding="same", rngs=rngs), Pointwise(fields), *inner, *head])


def images(count=3, shape=SHAPE):
    return np.random.default_rng(0).random((count, *shape), np.float32)


def test_every_name_of_a_summary_is_a_layer_and_has_the_shape_and_fields_that_it_says():
    model = GroupUNetConfig(group="C4", width=2, depth=1).build(SHAPE, 2, rngs=nnx.Rngs(0))
    for row in summarize(model, SHAPE).rows[::4]:
        found = feature_layer(model, SHAPE, row.path)
        assert found.shape == row.output_shape
        assert found.field_type.fields == row.out_type.partition(" of ")[0]


def test_values_are_those_of_the_layers_before_it():
    blocks = 7  # they would be scanned over, where nothing inside can be seen
    model, x = network(blocks), images()
    for name, count in (("1", 2), (str(blocks + 2), blocks + 3), ("output", len(model.layers))):
        expected = x
        for layer in model.layers[:count]:
            expected = layer(jnp.asarray(expected))
        got = feature_function(model, feature_layer(model, SHAPE, name))(jnp.asarray(x))
        np.testing.assert_allclose(got, expected, atol=1e-5)
    inside = feature_function(model, feature_layer(model, SHAPE, "2.body"))(jnp.asarray(x))
    y = model.layers[1](model.layers[0](jnp.asarray(x)))
    np.testing.assert_allclose(inside, model.layers[2].body(y), atol=1e-5)


def test_the_penultimate_layer_is_the_input_of_the_last_dense_one_and_its_values_are_invariant():
    model, x = network(), images()
    found = feature_layer(model, SHAPE)
    assert (str(found), found.shape, found.is_invariant) == ("the input of 5", (2,), True)
    function = feature_function(model, found)
    upright = np.asarray(function(jnp.asarray(x)))
    assert np.ptp(upright) > 1e-2
    np.testing.assert_allclose(function(jnp.asarray(np.rot90(x, axes=(1, 2)))), upright, atol=1e-5)
    before = feature_layer(model, SHAPE, "3")
    assert not before.is_invariant
    assert before.moves.startswith("f(g·x) = ρ(g) f(x), ρ = 2 regular of C4")
    moved = feature_function(model, before)(jnp.asarray(np.rot90(x, axes=(1, 2))))
    values = feature_function(model, before)(jnp.asarray(x))
    np.testing.assert_allclose(moved, np.roll(np.asarray(values).reshape(-1, 2, 4), 1, -1).reshape(-1, 8), atol=1e-5)


def test_what_lies_behind_is_not_computed():
    model = network()
    function = feature_function(model, feature_layer(model, SHAPE, "0"))
    apply, (variables,) = function.func, function.args
    text = apply.lower(variables, jax.ShapeDtypeStruct((2, *SHAPE), jnp.float32)).compile().as_text()
    assert text.count("convolution(") + text.count("custom-call") <= 2, "only the first convolution"
    assert "f32[2,3]" not in text


class Foreign(nnx.Module):
    def __init__(self, rngs):
        self.stem = nnx.Conv(1, 4, (3, 3), rngs=rngs)
        self.unused = nnx.Linear(4, 4, rngs=rngs)
        self.head = nnx.Linear(4, 2, rngs=rngs)

    def __call__(self, x):
        return self.head(nnx.relu(self.stem(x)).mean((1, 2)))


def test_modules_of_flax_have_features_too_and_no_layer_is_told_for_another():
    model = Foreign(nnx.Rngs(0))
    found = feature_layer(model, SHAPE)
    assert (str(found), found.shape, found.field_type) == ("the input of head", (4,), None)
    assert "not known" in found.moves
    with pytest.raises(ValueError, match=r"layer 'unused'; allowed: a layer that is called in evaluation: stem, head"):
        feature_layer(model, SHAPE, "unused")


def test_an_unknown_layer_is_refused_with_the_nearest_names():
    with pytest.raises(ValueError, match=r"unknown layer '2.bdy'; allowed: 0, 1, .*did you mean '2.body'\?"):
        feature_layer(network(), SHAPE, "2.bdy")
    many = GCNNConfig(group="C4", width=1, depth=3, hidden=4).build((20, 20, 1), 3, rngs=nnx.Rngs(0))
    deep = Sequential([network(), Dense(FieldType("C4", "3 trivial"), FieldType("C4", "3 trivial"), rngs=nnx.Rngs(0))])
    assert feature_layer(deep, SHAPE).name == "1"
    assert feature_layer(many, (20, 20, 1)).shape == (4,)
