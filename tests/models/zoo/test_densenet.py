"""DenseNets: published counts, dense concatenation in the order of the paper, sizes at which twins are exact."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import BatchNorm, Branch, Conv, Dense, Dropout, Pool, Sequential
from geomdl.layers.core.layer import walk
from geomdl.models import MODELS, CIFARDenseNetConfig, DenseNetConfig, exact_sizes_near


@pytest.mark.parametrize(
    ("depth", "count"),
    [
        pytest.param(121, 7_978_856, marks=pytest.mark.long),  # is in the docstring
        pytest.param(161, 28_681_000, marks=pytest.mark.long),
        pytest.param(169, 14_149_480, marks=pytest.mark.long),
        pytest.param(201, 20_013_928, marks=pytest.mark.long),
    ],
)
def test_published_counts_for_imagenet(depth, count):
    assert MODELS[f"densenet{depth}"]().parameter_count((224, 224, 3), 1000) == count


@pytest.mark.parametrize(
    ("depth", "growth", "bottleneck", "count"),
    [
        (40, 12, False, 1_019_722),
        pytest.param(100, 12, False, 6_979_642, marks=pytest.mark.long),
        pytest.param(100, 24, False, 27_249_082, marks=pytest.mark.long),
        pytest.param(100, 12, True, 769_162, marks=pytest.mark.long),  # is in the docstring
        pytest.param(250, 24, True, 15_324_406, marks=pytest.mark.long),
        pytest.param(190, 40, True, 25_624_430, marks=pytest.mark.long),
    ],
)
def test_published_counts_for_cifar(depth, growth, bottleneck, count):
    config = CIFARDenseNetConfig(depth=depth, growth=growth, bottleneck=bottleneck)
    assert config.parameter_count((32, 32, 3), 10) == count


def reference(model, x):
    """The network of three blocks written out: each layer sees all maps of its block, the oldest first."""

    def conv(layer, x):
        k = layer.dense_kernel()
        p = k.shape[0] // 2
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, k, (1, 1), [(p, p)] * 2, dimension_numbers=numbers)

    def norm_relu(layer, x):
        x = (x - layer.mean[...]) / jnp.sqrt(layer.variance[...] + 1e-5)
        return jnp.maximum(x * layer.scale[...] + layer.bias[...], 0)

    parts = [part for _, part in nnx.iter_graph(model) if isinstance(part, Conv | BatchNorm | Dense)]
    layers = iter(sorted(parts, key=order_of(model)))
    x = conv(next(layers), x)
    for block in range(3):
        if block:
            x = conv_after(norm_relu, conv, layers, x)
            x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).mean((2, 4))
        maps = [x]
        for _ in range(2):
            new = jnp.concatenate(maps, -1)
            for _ in range(2):  # 1 × 1, then 3 × 3
                new = conv_after(norm_relu, conv, layers, new)
            maps.append(new)
        x = jnp.concatenate(maps, -1)
    x = norm_relu(next(layers), x).mean((1, 2))
    dense = next(layers)
    return x @ dense.dense_kernel() + dense.bias[0][...][:, 0]


def conv_after(norm_relu, conv, layers, x):
    x = norm_relu(next(layers), x)
    return conv(next(layers), x)


def order_of(model):
    """The place of a layer in the order of the calls."""
    places = {id(child.layer): i for i, child in enumerate(walk(model, (8, 8)))}
    return lambda layer: places[id(layer)]


def test_dense_concatenation_against_a_network_written_out():
    config = CIFARDenseNetConfig(depth=16, growth=3, bottleneck=True)
    model = config.build((8, 8, 2), 4, rngs=nnx.Rngs(0))
    rng = np.random.default_rng(0)
    state = nnx.state(model, nnx.Any(nnx.Param, nnx.BatchStat))
    nnx.update(model, jax.tree.map(lambda a: a + 0.1 * jnp.asarray(rng.uniform(size=a.shape), a.dtype), state))
    x = jnp.asarray(rng.normal(size=(2, 8, 8, 2)), jnp.float32)
    y = jax.jit(lambda x: model(x))(x)
    np.testing.assert_allclose(y, jax.jit(lambda x: reference(model, x))(x), atol=1e-4)


def test_types_stay_one_block_and_dropout_follows_every_convolution_but_the_first():
    model = CIFARDenseNetConfig(depth=10, bottleneck=True, group="C4", dropout=0.2).build((8, 8, 3), 10, rngs=0)
    branches = [layer for layer in model.layers if isinstance(layer, Branch)]
    assert [len(b.out_type.blocks) for b in branches] == [1] * 3
    assert [b.out_type.num_fields for b in branches] == [36, 30, 27]
    body = branches[0].layers[1]
    assert isinstance(body, Sequential)
    after = [type(body.layers[i + 1]) for i, a in enumerate(body.layers) if isinstance(a, Conv)]
    assert after == [Dropout, Dropout]
    before = [type(model.layers[i - 1]) for i, b in enumerate(model.layers) if isinstance(b, Pool)]
    assert before == [Dropout] * 2


@pytest.mark.parametrize(
    ("config", "near", "exact"),
    [
        (DenseNetConfig(blocks=(1, 1, 1, 1), width=0.1), 224, [221]),
        (DenseNetConfig(blocks=(1, 1, 1, 1), width=0.1), 240, [221, 253]),
        (CIFARDenseNetConfig(depth=7), 32, [28, 32, 36]),
    ],
)
@pytest.mark.parametrize("group", [pytest.param("C4", marks=pytest.mark.long), "D4"])
def test_exact_sizes(config, near, exact, group):
    config = dataclasses.replace(config, group=group)
    side = exact[0]
    model = nnx.eval_shape(lambda: Sequential(config.layers((side, side, 3), 10, nnx.Rngs(0))))
    assert exact_sizes_near(model.contract, (near, near), len(exact)) == [(n, n) for n in exact]


@pytest.mark.long
@pytest.mark.parametrize("group", ["C8", "SO2"])
def test_twins_of_steerable_kernels(group):
    model = CIFARDenseNetConfig(depth=7, growth=3, group=group, width=0.5).build((8, 8, 2), 3, rngs=0)
    assert check_contract(model, 0, size=(8, 8), max_shifts=0, approximate=False).passed


def test_depths_that_do_not_fit_name_the_nearest():
    with pytest.raises(ValueError, match=r"model.depth 41.*try 40"):
        CIFARDenseNetConfig(depth=41)
    with pytest.raises(ValueError, match=r"model.depth 120.*try 121"):
        DenseNetConfig(depth=120)
    with pytest.raises(ValueError, match=r"image size '16x16'.*try 29x29"):
        DenseNetConfig(blocks=(1, 1, 1, 1), width=0.05).build((16, 16, 3), 10, rngs=0)
