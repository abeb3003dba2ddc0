"""The layer that breaks a symmetry is found in planted faults, and the reason is the one that was planted."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import as_function, layer_errors
from geomdl.equivariance.localisation.feature_transformation import move_feature, same_element
from geomdl.groups import C4, C8, D1, D4, O2, GridTranslations, PlanarGroup
from geomdl.layers import Conv, Dense, Flatten, GlobalPool, GroupPool, Pointwise, Sequential
from geomdl.representations import FieldType


def symmetric(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32, out_sharding: Any = None) -> jax.Array:
    """Kernels that quarter turns map to themselves."""
    w = jax.random.normal(key, shape, dtype)
    return (w + jnp.rot90(w) + jnp.rot90(w, 2) + jnp.rot90(w, 3)) / 4


class Net(nnx.Module):
    """Exact under quarter turns with stride 1, or on odd sizes."""

    def __init__(self, stride: int = 1, padding: str = "CIRCULAR", last: Any = symmetric) -> None:
        rngs = nnx.Rngs(0)
        self.first = nnx.Conv(1, 4, (3, 3), padding=padding, kernel_init=symmetric, rngs=rngs)
        self.second = nnx.Conv(4, 4, (3, 3), stride, padding=padding, kernel_init=last, rngs=rngs)
        self.head = nnx.Linear(4, 3, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.head(nnx.relu(self.second(nnx.relu(self.first(x)))).mean((1, 2)))


def images(size: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, size, size, channels)).astype(np.float32)


def test_exact_network_loses_nothing_anywhere():
    errors = layer_errors(Net(), images(6), "C4")
    assert errors.first_broken() is None
    assert errors.reason == ""
    assert [row.layer for row in errors.layers] == ["first", "second", "head", "output"]
    assert [row.moved_as for row in errors.layers] == ["scalars", "scalars", "invariant", "invariant"]
    assert errors.labels == ("rotate 90°", "rotate 180°", "rotate 270°")
    assert errors.matrix.shape == (4, 3)
    assert errors.matrix.max() < 1e-6
    assert all(row.spread > 1e-2 for row in errors.layers)
    assert len(errors.rows()) == 12
    assert layer_errors(Net(), images(6), "shifts").first_broken() is None


@pytest.mark.parametrize(
    ("options", "size", "group", "layer", "reason"),
    [
        ((2, "SAME"), 8, "C4", "second", "a stride of 2 on an even size (8x8 to 4x4)"),
        ((1, "SAME"), 8, "shifts", "first", "at the border only"),
        ((2,), 8, "shifts", "second", "a stride of 2: shifts by other than multiples of 2 pixels"),
        ((2,), 9, "shifts", "second", "does not divide its input of 9x9"),
        ((1, "CIRCULAR", nnx.initializers.normal(1.0)), 6, "C4", "second", ""),
    ],
)
def test_first_broken_layer_and_its_reason(options: tuple, size: int, group: str, layer: str, reason: str):
    errors = layer_errors(Net(*options), images(size), group)
    assert errors.first_broken() == layer
    assert errors.worst(layer) > 0.1
    if reason:
        assert reason in errors.reason
    else:
        assert errors.reason == ""
    assert f"{layer}" in str(errors)
    assert "<- first broken" in str(errors)


def ours(padding: int = 1, stride: int = 1) -> Sequential:
    image, features = FieldType(C4, "1 trivial"), FieldType(C4, "2 regular")
    rngs = nnx.Rngs(0)
    last = Conv(features, features, 3, stride=stride, padding=padding, remainder="drop", rngs=rngs)
    layers = [Conv(image, features, 3, padding=1, rngs=rngs), Pointwise(features, "relu"), last]
    return Sequential([*layers, GroupPool(features), GlobalPool(FieldType(C4, "2 trivial"))])


def test_features_of_our_layers_move_by_their_field_types_and_contracts_give_the_reason():
    kept = layer_errors(ours(), images(6), "C4")
    assert kept.first_broken() is None
    assert kept.layers[0].moved_as == 'FieldType(C4, "2 regular")'
    broken = layer_errors(ours(stride=2), images(6), "C4")
    assert broken.first_broken() == "layers.2"
    assert "its contract needs a centred grid of windows" in broken.reason
    assert broken.reason.endswith("its input here is 6x6")
    reflected = layer_errors(ours(), images(6), "D4")
    assert reflected.first_broken() == "layers.0"
    assert reflected.reason == "its contract is about C4, not about all of D4"
    shifted = layer_errors(ours(), images(6), "shifts", elements=[[0, 1]])
    assert shifted.reason == "its contract promises nothing: padding with zeros marks the border"


def test_fault_in_a_layer_whose_contract_promises_exactness_is_its_own():
    model = ours()

    class Careless(Pointwise):
        def __call__(self, x: Any, *, train: bool = False, key: Any = None) -> Any:
            return x * jnp.arange(x.shape[-1], dtype=x.dtype)

    model.layers[1] = Careless(FieldType(C4, "2 regular"), "relu")
    errors = layer_errors(model, images(6), "C4")
    assert errors.first_broken() == "layers.1"
    assert "the layer itself is at fault" in errors.reason
    assert errors.layers[2].reason == ""  # inherited


def test_group_convolutions_of_other_libraries_count_up_to_the_order_of_channels():
    w = jax.random.normal(jax.random.key(0), (3, 3, 1, 2))
    lifting = jnp.concatenate([jnp.rot90(w, k) for k in range(4)], -1)

    def model(x: jax.Array) -> Any:
        def lift(kernel: jax.Array) -> jax.Array:
            return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

        y = lift(lifting)
        return y.max(-1).mean((1, 2)), {"lift": y, "plain": lift(w), "grouped": y.reshape(*y.shape[:3], 4, 2)}

    errors = layer_errors(model, images(6), "C4")
    kinds = {row.layer: row.moved_as for row in errors.layers}
    assert kinds["lift"] == kinds["grouped"] == "channels permuted"
    assert errors.worst("lift") < 1e-6
    assert errors.first_broken() == "plain"
    declared = FieldType(C4, "1 trivial")  # a wrong type by hand
    known = layer_errors(model, images(6), "C4", out_types={"lift": FieldType(C4, "8 trivial"), "plain": declared})
    assert known.first_broken() == "lift"


def test_linen_models_tokens_and_layers_that_are_no_fields():
    class Tokens(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            patches = x.reshape(x.shape[0], -1, x.shape[-1])
            patches = nn.Dense(4, name="embed")(patches)
            return nn.Dense(3, name="head")(patches + nn.Embed(16, 4, name="place")(jnp.arange(16)))

    module = Tokens()
    x = images(4)
    errors = layer_errors(as_function(module, module.init(jax.random.key(0), x)), x, "C4")
    assert errors.left_out == ("place",)
    assert errors.first_broken() == "head"
    assert errors.worst("embed") < 1e-6


def test_resampled_elements_are_measured_but_judged_only_by_a_given_tolerance():
    errors = layer_errors(Net(), images(6), "C8", elements=[[0, 1], [0, 2]])
    assert errors.exact == (False, True)
    assert errors.first_broken() is None
    assert errors.first_broken(1e-3) == "first"
    brighter = layer_errors(Net(), images(6), "brightness", elements=[[0.5]])
    assert brighter.exact == (True,)
    assert brighter.first_broken() == "first"


def test_models_that_cannot_be_looked_into_are_one_clear_error():
    with pytest.raises(ValueError, match="model for activations"):
        layer_errors(lambda x: x, images(4), "C4")


def test_shifts_by_fractions_of_a_pixel_are_those_of_the_trigonometric_polynomial():
    group = GridTranslations(8, 8)
    rows = np.arange(4)
    wave = np.broadcast_to(np.cos(2 * np.pi * rows / 4)[None, :, None, None], (1, 4, 4, 1))
    moved = move_feature(np.array([1, 0]), wave, group, (8, 8))  # half a pixel of the coarse grid
    np.testing.assert_allclose(moved[0, :, 0, 0], np.cos(2 * np.pi * (rows - 0.5) / 4), atol=1e-12)


def test_one_element_is_the_same_map_in_several_groups():
    for g in D4.elements():
        for other in (PlanarGroup(8, True), PlanarGroup(2, True, 45), O2, D1):
            same = same_element(g, D4, other)
            if same is not None:
                np.testing.assert_allclose(other.matrix(same), D4.matrix(g), atol=1e-12)
            else:
                assert other.is_finite
                assert not any(np.allclose(other.matrix(h), D4.matrix(g)) for h in other.elements())
    assert same_element(np.array([0, 1]), C8, C4) is None


def test_a_layer_after_flattening_is_not_blamed_for_what_flattening_did():
    """Shifts permute the flattened channels; a dense layer keeps its contract, and does not treat them alike."""
    scalars, hidden = FieldType("C1", "36 trivial"), FieldType("C1", "5 trivial")
    network = Sequential([Flatten(FieldType("C1", "1 trivial"), (6, 6)), Dense(scalars, hidden, rngs=nnx.Rngs(0))])
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 1))
    errors = layer_errors(network, x, "shifts", elements=[[1, 0], [2, 3]])
    assert errors.first_broken() == "layers.1"
    assert errors.reason == "the group permutes the channels that layers.0 gives out; it does not treat them alike"
