"""The tricky parts of the networks of the zoo against a few lines of NumPy, twins beyond the grid, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import ConnectedConv, LocalResponseNorm, PadFields, Pool, Sequential, TrainableSubsampling
from geomdl.models import (
    MODELS,
    AlexNetConfig,
    CIFARResNetConfig,
    GoogLeNetConfig,
    ImageNetResNetConfig,
    LeNetConfig,
    SqueezeNetConfig,
    VGGConfig,
    count_parameters,
)
from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.plain.lenet import LENET_1_TABLE, LENET_5_TABLE
from geomdl.representations import FieldType


def _numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _dense_on_a_map_of(*size: int, group: str) -> None:
    config = LeNetConfig(group=group)
    Chain(config, config.hidden, (*size, 1), nnx.Rngs(0)).flat_dense(4)


@pytest.mark.parametrize("divide", [False, True])
@pytest.mark.parametrize("fields", [1, 4, 5])
def test_local_response_norm_is_the_formula_of_the_paper(fields: int, divide: bool) -> None:
    x, alpha, beta, k = 10 * _numbers(2, 3, 3, 7), 1e-2, 0.75, 2.0
    layer = LocalResponseNorm(FieldType("C1", "7 trivial"), fields, alpha=alpha, divide=divide)
    expected = np.empty_like(x)
    for i in range(7):
        around = x[..., max(0, i - (fields - 1) // 2) : i + fields // 2 + 1]
        scale = alpha / fields if divide else alpha
        expected[..., i] = x[..., i] / (k + scale * (around**2).sum(-1)) ** beta
    np.testing.assert_allclose(layer(jnp.asarray(x)), expected, rtol=1e-5)


def test_option_a_takes_every_second_pixel_and_pads_half_of_the_zeros_before() -> None:
    few = FieldType("C1", "2 trivial")
    shortcut = Sequential([Pool(few, 1, stride=2, remainder="drop"), PadFields(few, 1, 1)])
    x = _numbers(1, 5, 5, 2)
    expected = np.pad(x[:, ::2, ::2], [(0, 0), (0, 0), (0, 0), (1, 1)])
    np.testing.assert_array_equal(shortcut(jnp.asarray(x)), expected)
    model = CIFARResNetConfig(depth=8, width=0.25).build((9, 9, 3), 10, rngs=0)
    pads = [part for _, part in nnx.iter_modules(model) if isinstance(part, PadFields)]
    assert [(p.before, p.after) for p in pads] == [(2, 2), (4, 4)]


def test_connection_tables_are_those_of_the_papers() -> None:
    assert [len(row) for row in LENET_5_TABLE] == [3] * 6 + [4] * 9 + [6]
    assert LENET_5_TABLE[4] == (4, 5, 0)
    assert sum(len(row) for row in LENET_5_TABLE) == 60
    assert [len(set(row)) for row in LENET_1_TABLE] == [1, 2, 2, 1, 2, 2] * 2
    assert sum(map(len, LENET_1_TABLE)) == 20


def test_a_connected_convolution_is_a_convolution_of_the_maps_in_its_table() -> None:
    table = [(0, 2), (1,), (0, 1, 2)]
    layer = ConnectedConv(FieldType("C1", "3 trivial"), FieldType("C1", "3 trivial"), 3, table, rngs=nnx.Rngs(0))
    x = _numbers(1, 5, 5, 3)
    kernel = np.asarray(layer.frozen().prepared["kernel"])
    assert count_parameters(layer) == 9 * 6 + 3
    for o, row in enumerate(table):
        missing = set(range(3)) - set(row)
        assert not kernel[:, :, list(missing), o].any()
        assert np.count_nonzero(kernel[:, :, list(row), o]) == 9 * len(row)
    windows = np.lib.stride_tricks.sliding_window_view(x[0], (3, 3), axis=(0, 1))
    expected = np.einsum("ijcst,stco->ijo", windows, kernel)
    np.testing.assert_allclose(layer(jnp.asarray(x))[0], expected, rtol=1e-4, atol=1e-5)


def test_trainable_subsampling_by_hand() -> None:
    layer = TrainableSubsampling(FieldType("C1", "2 trivial"))
    layer.scale[...] = jnp.array([2.0, -1.0])
    layer.bias[0][...] = jnp.array([[0.5], [0.0]])
    x = _numbers(1, 4, 4, 2)
    means = x.reshape(1, 2, 2, 2, 2, 2).mean((2, 4))
    np.testing.assert_allclose(layer(jnp.asarray(x)), means * [2, -1] + [0.5, 0], rtol=1e-5)


def test_the_plain_network_is_written_out_once_more() -> None:
    """LeNet-5 of the tutorials, layer by layer, with a dense layer on the flattened map."""
    model = LeNetConfig(variant="5-modern", width=0.5).build((16, 16, 1), 10, rngs=0)
    x = _numbers(2, 16, 16, 1)
    first, second, flat = (model.layers[i].dense_kernel() for i in (0, 3, 6))
    numbers = ("NHWC", "HWIO", "NHWC")

    def conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
        y = jax.nn.relu(jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=numbers))
        return y.reshape(len(y), y.shape[1] // 2, 2, y.shape[2] // 2, 2, -1).max((2, 4))

    y = conv(conv(jnp.asarray(x), first), second).reshape(2, -1)
    y = jax.nn.relu(y @ flat.reshape(-1, flat.shape[-1]))
    y = jax.nn.relu(y @ model.layers[9].dense_kernel()) @ model.layers[11].dense_kernel()
    np.testing.assert_allclose(model(jnp.asarray(x)), y, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("group", [pytest.param("C8", marks=pytest.mark.long), "SO2"])
def test_twins_beyond_the_grid_keep_quarter_turns(group: str) -> None:
    for config, size in (
        (LeNetConfig(variant="5-modern", group=group), 16),
        (CIFARResNetConfig(depth=8, width=0.3, group=group), 9),
    ):
        model = config.build((size, size, 1), 4, rngs=0)
        assert check_contract(model, 0, size=(size, size))


@pytest.mark.parametrize(("equal", "fields"), [("fields", 64), ("channels", 16), ("parameters", 32)])
def test_widths_of_twins(equal: str, fields: int) -> None:
    config = VGGConfig(variant="A", group="C4", equal=equal)
    assert config.fields_for(64) == fields


def test_matched_parameters() -> None:
    plain = CIFARResNetConfig(depth=8).parameter_count((9, 9, 3), 10)
    twin = CIFARResNetConfig(depth=8, group="C4", match_parameters=plain).build((9, 9, 3), 10, rngs=0)
    assert abs(count_parameters(twin) / plain - 1) < 0.03


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: VGGConfig(variant="F"), "model.variant.*'F'"),
        (lambda: VGGConfig(group="C4").build((31, 31, 3), 10, rngs=0), "at least 32x32.*try 32x32"),
        (lambda: AlexNetConfig().build((20, 20, 3), 10, rngs=0), "at least 67x67"),
        (lambda: AlexNetConfig(without=("5",)), r"model.without \('5',\); allowed: layers of \('3', '4', '6', '7'\)"),
        (lambda: AlexNetConfig(without=7), r"model.without 7; allowed: layers of"),  # type: ignore[arg-type]
        (lambda: AlexNetConfig(units=0), "model.units 0; allowed: a positive whole number; try 1"),
        (lambda: VGGConfig(units=-1), "model.units -1; allowed: a positive whole number; try 1"),
        (lambda: LeNetConfig(variant=5), "model.variant 5; allowed: '5', '5-modern', '1'; try '5'"),  # type: ignore[arg-type]
        (lambda: SqueezeNetConfig(version=1.1), r"model.version 1.1; allowed: '1.0', '1.1'; try '1.1'"),  # type: ignore[arg-type]
        (lambda: VGGConfig(activation=["relu"]), r"unknown model.activation \['relu'\]; .* mean 'relu'"),  # type: ignore[arg-type]
        (lambda: GoogLeNetConfig(auxiliary="False"), "model.auxiliary 'False'; allowed: True or False; try False"),  # type: ignore[arg-type]
        (lambda: _dense_on_a_map_of(5, 2, group="C3"), "feature map '5x2'; .*square.*C3.*try square"),
        (lambda: CIFARResNetConfig(depth=21), "model.depth 21.*try 20"),
        (lambda: ImageNetResNetConfig(depth=49), "model.depth.*try 50"),
        (lambda: ImageNetResNetConfig(depth=18, cardinality=32), "basic blocks"),
        (lambda: VGGConfig(group="C4").build((32, 64, 3), 10, rngs=0), "square images"),
        (lambda: VGGConfig(equal="width"), "model.equal 'width'"),
        (lambda: CIFARResNetConfig(survival=0.0), "model.survival 0.0"),
        (lambda: LocalResponseNorm(FieldType("C4", "1 regular + 1 trivial")), "one representation"),
    ],
)
def test_bad_options_name_the_nearest_choice(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_a_size_that_is_not_exact_names_the_nearest_that_is() -> None:
    with pytest.warns(UserWarning, match="nearest exact sizes: 225x225"):
        nnx.eval_shape(lambda: MODELS["resnet18"](group="C4", width=0.1).build((224, 224, 3), 10, rngs=nnx.Rngs(0)))
