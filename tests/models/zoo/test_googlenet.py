"""GoogLeNet: published counts of its forms, modules, poolings and heads written out, sizes at which twins are exact."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import AuxiliaryOutputs, Branch, Conv, Dropout, Pool, Sequential, WithAuxiliary
from geomdl.models import GoogLeNetConfig, count_parameters, exact_sizes_near

SMALL = GoogLeNetConfig(variant="small", width=0.1, units=16)


@pytest.mark.parametrize(
    ("variant", "without", "heads", "operations"),
    [
        pytest.param("paper", 6_998_552, 13_378_280, 1.58e9, marks=pytest.mark.long),  # counts: in the docstring
        pytest.param("batch", 7_005_832, 13_385_816, 1.58e9, marks=pytest.mark.long),
        ("torchvision", 6_624_904, 13_004_888, 1.50e9),
    ],
)
def test_published_counts(variant, without, heads, operations):
    config = GoogLeNetConfig(variant=variant)
    assert count_parameters(shaped(config, 224, 1000)) == heads
    plain = shaped(dataclasses.replace(config, auxiliary=False), 224, 1000)
    assert count_parameters(plain) == without
    assert plain.multiply_adds((224, 224)) == pytest.approx(operations, rel=0.005)


def shaped(config, side, num_classes=10):
    return nnx.eval_shape(lambda: Sequential(config.layers((side, side, 3), num_classes, nnx.Rngs(0))))


def test_maps_at_224_pixels_are_those_of_table_1():
    whole = shaped(GoogLeNetConfig(), 224).layers[0]
    assert isinstance(whole, WithAuxiliary)
    size, found = (224, 224), []
    for layer in (layer for stage in whole.stages for layer in stage.layers):
        size = layer.contract.output_size(size)
        if isinstance(layer, Branch):
            found.append((size[0], layer.out_type.size))
    channels = [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    assert found == list(zip([28, 28, 14, 14, 14, 14, 14, 7, 7], channels, strict=True))
    assert [head.in_type.size for head in whole.heads] == [512, 528]
    first = next(layer for layer in whole.heads[0].layers if isinstance(layer, Pool))
    assert first.window.output_size((14, 14)) == (4, 4)


def relu_conv(layer, x):
    k, p = layer.dense_kernel(), layer.window.padding
    numbers, s = ("NHWC", "HWIO", "NHWC"), layer.window.stride
    y = jax.lax.conv_general_dilated(x, k, (s, s), [(p, p)] * 2, dimension_numbers=numbers)
    return jnp.maximum(y + layer.bias[0][...][:, 0], 0)


def windows(x, size, stride, reduce):
    """Every window that starts inside, of what there is of it."""
    starts = range(0, max(1, -(-(x.shape[1] - size) // stride) * stride + 1), stride)
    rows = [jnp.stack([reduce(x[:, i : i + size, j : j + size], (1, 2)) for j in starts], 1) for i in starts]
    return jnp.stack(rows, 1)


def module(branch, x):
    one, threes, fives, maxima = branch.layers
    wide = jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=-jnp.inf)
    around = jnp.stack([wide[:, i : i + x.shape[1], j : j + x.shape[2]] for i in range(3) for j in range(3)]).max(0)
    paths = [
        relu_conv(one.layers[0], x),
        relu_conv(threes.layers[2], relu_conv(threes.layers[0], x)),
        relu_conv(fives.layers[2], relu_conv(fives.layers[0], x)),
        relu_conv(maxima.layers[1], around),
    ]
    return jnp.concatenate(paths, -1)


def response_norm(x):
    c = x.shape[-1]
    sums = jnp.stack([(x[..., max(0, i - 2) : i + 3] ** 2).sum(-1) for i in range(c)], -1)
    return x / (2 + 1e-4 * sums) ** 0.75


def test_the_papers_form_with_its_heads_against_a_network_written_out():
    model = GoogLeNetConfig(width=0.06, units=8, dropout=0.0, auxiliary_dropout=0.0).build((80, 80, 2), 3, rngs=0)
    whole = model.layers[0]
    assert isinstance(whole, WithAuxiliary)
    parts = iter([p for stage in whole.stages for p in stage.layers if isinstance(p, Conv | Branch)])
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 80, 80, 2)), jnp.float32)

    def written_out(x):
        y = response_norm(windows(relu_conv(next(parts), x), 3, 2, jnp.max))
        y = relu_conv(next(parts), y)
        y = relu_conv(next(parts), y)
        y = windows(response_norm(y), 3, 2, jnp.max)
        heads = []
        for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
            if name in ("4a", "5a"):
                y = windows(y, 3, 2, jnp.max)
            y = module(next(parts), y)
            if name in ("4a", "4d"):
                layers = whole.heads[len(heads)].layers
                kept = 3 * ((y.shape[1] - 5) // 3) + 5  # whole windows only
                a = relu_conv(layers[1], windows(y[:, :kept, :kept], 5, 3, jnp.mean))
                a = relu_conv(layers[3], a)[:, 0, 0]
                heads.append(dense(layers[-1], a))
        return dense(whole.stages[-1].layers[-1], y.mean((1, 2))), *heads

    def dense(layer, y):
        return y @ layer.dense_kernel() + layer.bias[0][...][:, 0]

    expected = jax.jit(written_out)(x)
    trained = jax.jit(lambda x: model(x, train=True, key=jax.random.key(0)))(x)
    assert isinstance(trained, AuxiliaryOutputs)
    for got, wanted in zip(jax.tree.leaves(trained), expected, strict=True):
        assert np.ptp(wanted) > 1e-3
        np.testing.assert_allclose(got, wanted, atol=2e-5)


def test_rates_of_dropout_and_what_torchvision_changes():
    whole = shaped(GoogLeNetConfig(variant="torchvision"), 224).layers[0]
    rates = [p.rate for _, p in nnx.iter_graph(whole) if isinstance(p, Dropout)]
    assert sorted(rates) == [0.4, 0.7, 0.7]
    windows_of_fives = {p.layers[2].layers[3].window.size for p in whole.stages[0].layers if isinstance(p, Branch)}
    assert windows_of_fives == {3}
    assert {p.epsilon for _, p in nnx.iter_graph(whole) if hasattr(p, "epsilon")} == {1e-3}


@pytest.mark.parametrize(
    ("config", "near", "exact"),
    [
        (GoogLeNetConfig(width=0.05), 224, [221]),
        (GoogLeNetConfig(width=0.05, variant="torchvision"), 236, [237]),
        pytest.param(SMALL, 30, [28, 32], marks=pytest.mark.long),  # also in the docstring
    ],
)
@pytest.mark.parametrize("group", [pytest.param("C4", marks=pytest.mark.long), "D4"])
def test_exact_sizes(config, near, exact, group):
    contract = shaped(dataclasses.replace(config, group=group), exact[0]).contract
    assert exact_sizes_near(contract, (near, near), len(exact)) == [(n, n) for n in exact]


@pytest.mark.long
def test_scores_and_heads_of_a_twin_are_invariant_in_training():
    config = dataclasses.replace(SMALL, group="D4", dropout=0.0, auxiliary_dropout=0.0)
    model = config.build((12, 12, 2), 3, rngs=0)
    x = np.random.default_rng(0).normal(size=(4, 12, 12, 2)).astype(np.float32)
    trained = nnx.jit(lambda model, x: model(x, train=True, key=jax.random.key(0)))
    y, turned, mirrored = (jax.tree.leaves(trained(model, z)) for z in (x, np.rot90(x, 1, (1, 2)), x[:, ::-1]))
    assert len(y) == 3
    for a, b, c in zip(y, turned, mirrored, strict=True):
        assert np.ptp(a, 0).min() > 1e-2
        np.testing.assert_allclose(a, b, atol=1e-4)
        np.testing.assert_allclose(a, c, atol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize("group", ["C8", "SO2"])
def test_twins_of_steerable_kernels(group):
    model = dataclasses.replace(SMALL, group=group).build((8, 8, 2), 3, rngs=0)
    assert check_contract(model, 0, size=(8, 8), max_shifts=0, approximate=False).passed


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"model.variant 'papers'"):
        GoogLeNetConfig(variant="papers")
    with pytest.raises(ValueError, match=r"model.auxiliary_dropout 1"):
        GoogLeNetConfig(auxiliary_dropout=1.0)
