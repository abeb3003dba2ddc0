"""SqueezeNet: published counts, fire modules and ceil-mode pooling, sizes at which twins are exact."""

import dataclasses

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import Conv, Sequential
from geomdl.models import MODELS, SqueezeNetConfig, count_parameters, exact_sizes_near


@pytest.mark.parametrize(
    ("name", "count", "operations"), [("squeezenet1_0", 1_248_424, 0.82e9), ("squeezenet1_1", 1_235_496, 0.35e9)]
)
def test_published_counts(name, count, operations):
    model = nnx.eval_shape(lambda: Sequential(MODELS[name]().layers((224, 224, 3), 1000, nnx.Rngs(0))))
    assert count_parameters(model) == count
    assert model.multiply_adds((224, 224)) == pytest.approx(operations, rel=0.01)


def correlated(layer, x, stride=1):
    """A convolution as a sum over taps, and the maximum with 0."""
    k = np.asarray(layer.dense_kernel())
    p = k.shape[0] // 2 if stride == 1 else 0
    x = np.pad(x, [(0, 0), (p, p), (p, p), (0, 0)])
    n = (x.shape[1] - len(k)) // stride + 1
    ends = [slice(i, i + stride * (n - 1) + 1, stride) for i in range(len(k))]
    return np.maximum(sum(x[:, a, b] @ k[i, j] for i, a in enumerate(ends) for j, b in enumerate(ends)), 0)


def pooled_up(x):
    """A maximum over 3 × 3 of stride 2; a last window that sticks out holds fewer pixels."""
    starts = range(0, x.shape[1] - 1 if x.shape[1] % 2 == 0 else x.shape[1] - 2, 2)
    return np.stack([np.stack([x[:, i : i + 3, j : j + 3].max((1, 2)) for j in starts], 1) for i in starts], 1)


@pytest.mark.parametrize("version", [pytest.param("1.0", marks=pytest.mark.long), "1.1"])
def test_against_a_network_written_out(version):
    config = SqueezeNetConfig(version=version, width=0.1)
    model = config.build((38, 38, 2), 3, rngs=nnx.Rngs(1))  # windows stick out at some of the poolings
    convs = in_order(model)
    assert len(convs) == 26
    layers = iter(convs)
    x = np.random.default_rng(0).normal(size=(2, 38, 38, 2)).astype(np.float32)
    y = correlated(next(layers), x, 2)
    for i in range(8):
        if i in {"1.0": (0, 3, 7), "1.1": (0, 2, 4)}[version]:
            y = pooled_up(y)
        y = correlated(next(layers), y)
        y = np.concatenate([correlated(next(layers), y), correlated(next(layers), y)], -1)
    expected = correlated(next(layers), y).mean((1, 2))
    got = jax.jit(lambda x: model(x))(x)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(got, expected, atol=1e-5)


def in_order(model):
    """The convolutions in the order of the calls; in a fire module the 1 × 1 expansion before the 3 × 3."""
    found = []
    for layer in model.layers:
        parts = (
            [layer] if isinstance(layer, Conv) else [part for b in getattr(layer, "layers", ()) for part in b.layers]
        )
        found += [part for part in parts if isinstance(part, Conv)]
    return found


@pytest.mark.parametrize(("version", "exact"), [("1.0", [211, 227, 243]), ("1.1", [207, 223, 239])])
@pytest.mark.parametrize("group", [pytest.param("C4", marks=pytest.mark.long), "D4"])
def test_exact_sizes(version, exact, group):
    config = SqueezeNetConfig(version=version, group=group, width=0.1)
    model = nnx.eval_shape(lambda: Sequential(config.layers((227, 227, 3), 10, nnx.Rngs(0))))
    assert exact_sizes_near(model.contract, (224, 224), 3) == [(n, n) for n in exact]


@pytest.mark.long
@pytest.mark.parametrize("group", ["C8", "SO2"])
def test_twins_of_steerable_kernels(group):
    config = SqueezeNetConfig(version="1.1", group=group, width=0.1)
    model = config.build((31, 31, 2), 3, rngs=0)
    assert check_contract(model, 0, size=(31, 31), max_shifts=0, approximate=False).passed


def test_versions_and_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"model.version '1.2'"):
        SqueezeNetConfig(version="1.2")
    with pytest.raises(ValueError, match=r"image size '16x16'.*at least"):
        dataclasses.replace(SqueezeNetConfig(), width=0.1).build((16, 16, 3), 10, rngs=0)
