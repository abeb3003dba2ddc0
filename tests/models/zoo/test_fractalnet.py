"""FractalNet: published count, rates and places of its parts, the network written out, drop-path, exact sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import BatchNorm, Conv, Dropout, Fractal, Pool, Sequential
from geomdl.models import FractalNetConfig, count_parameters, exact_sizes_near


def shaped(config, side=32):
    return nnx.eval_shape(lambda: Sequential(config.layers((side, side, 3), 10, nnx.Rngs(0))))


def test_the_count_of_the_authors_generator():
    assert FractalNetConfig().parameter_count((32, 32, 3), 10) == 33_724_618


def test_parts_and_their_order():
    model = shaped(FractalNetConfig())
    fractal = model.layers[0]
    assert isinstance(fractal, Fractal)
    assert [[len(column) for column in block] for block in fractal.blocks] == [[4, 2, 1]] * 5
    rates = [{p.rate for _, p in nnx.iter_graph(block) if isinstance(p, Dropout)} for block in fractal.blocks]
    assert [sorted(r) for r in rates] == [[], [0.1], [0.2], [pytest.approx(0.3)], [0.4]]
    ends = [[type(unit.layers[-1]) for unit in column] for column in fractal.blocks[1]]
    assert [[end is Pool for end in column] for column in ends] == [[False] * 3 + [True], [False, True], [True]]
    assert [type(part) for part in fractal.blocks[1][2][0].layers][:3] == [Conv, Dropout, BatchNorm]
    plain = shaped(FractalNetConfig(normalization="none"))
    assert not any(isinstance(p, BatchNorm) for _, p in nnx.iter_graph(plain))
    assert count_parameters(plain) == 33_724_618 - 7 * sum((64, 128, 256, 512, 512))  # biases for scales and biases


def test_a_network_without_batch_norm_written_out():
    model = FractalNetConfig(width=0.05, normalization="none").build((32, 32, 2), 3, rngs=0)
    fractal, dense = model.layers[0], model.layers[-1]

    def unit(layer, x):
        k = layer.layers[0].dense_kernel()
        x = jax.lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return jnp.maximum(x, 0)  # biases are zero at the start

    def halved(x):
        return x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).max((2, 4))

    def written_out(x):
        for deep, middle, shallow in fractal.blocks:
            m = (unit(deep[1], unit(deep[0], x)) + unit(middle[0], x)) / 2
            ends = unit(deep[3], unit(deep[2], m)), unit(middle[1], m), unit(shallow[0], x)
            x = sum(map(halved, ends)) / 3
        return x.mean((1, 2)) @ dense.dense_kernel()

    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 32, 32, 2)), jnp.float32)
    wanted = jax.jit(written_out)(x)
    assert np.ptp(wanted) > 1e-3
    np.testing.assert_allclose(jax.jit(lambda x: model(x))(x), wanted, atol=1e-5 * float(jnp.abs(wanted).max()))


@pytest.mark.parametrize("group", [pytest.param("C4", marks=pytest.mark.long), "D4"])
def test_exact_sizes(group):
    contract = shaped(FractalNetConfig(group=group, columns=2, width=0.05), 64).contract
    assert exact_sizes_near(contract, (48, 48), 2) == [(32, 32), (64, 64)]


@pytest.mark.long
@pytest.mark.parametrize("group", ["C8", "SO2"])
def test_twins_of_steerable_kernels(group):
    model = FractalNetConfig(group=group, columns=2, width=0.05).build((32, 32, 2), 3, rngs=0)
    assert check_contract(model, 0, size=(32, 32), max_shifts=0, approximate=False).passed


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"model.columns 0; allowed: 1 to 6; try 1"):
        FractalNetConfig(columns=0)
    with pytest.raises(ValueError, match=r"model.drop_path 2"):
        FractalNetConfig(drop_path=2.0)
    with pytest.raises(ValueError, match=r"image size '16x16'.*try 32x32"):
        FractalNetConfig(columns=1, width=0.05).build((16, 16, 3), 10, rngs=0)
