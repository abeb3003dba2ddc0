"""MobileNetV2: published counts at several widths, depthwise convolutions, sizes at which twins are exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import Conv, Residual, Sequential
from geomdl.models import MODELS, MobileNetV2Config, count_parameters, exact_sizes_near


def test_published_counts():
    model = nnx.eval_shape(lambda: Sequential(MODELS["mobilenet_v2"]().layers((224, 224, 3), 1000, nnx.Rngs(0))))
    assert count_parameters(model) == 3_504_872
    assert model.multiply_adds((224, 224)) == pytest.approx(300e6, rel=0.01)  # the paper's 300 million


@pytest.mark.parametrize(("width", "stem", "narrowest", "last"), [(0.5, 16, 8, 1280), (1.4, 48, 24, 1792)])
def test_widths_are_rounded_to_multiples_of_eight_and_not_far_downwards(width, stem, narrowest, last):
    config = MobileNetV2Config(width=width)
    model = nnx.eval_shape(lambda: Sequential(config.layers((33, 33, 3), 10, nnx.Rngs(0))))
    convs = [part for part in model.layers if isinstance(part, Conv)]
    assert [convs[0].out_type.size, convs[2].out_type.size, convs[-1].out_type.size] == [stem, narrowest, last]


def test_a_twin_convolves_each_field_by_itself_and_adds_where_nothing_changes():
    config = MobileNetV2Config(group="C4", width=0.12, multiple_of=1)
    model = nnx.eval_shape(lambda: Sequential(config.layers((33, 33, 3), 10, nnx.Rngs(0))))
    convs = [part for _, part in nnx.iter_graph(model) if isinstance(part, Conv)]
    depthwise = [c for c in convs if c.groups > 1]
    assert len(depthwise) == 17
    assert all(c.groups == c.in_type.num_fields == c.out_type.num_fields for c in depthwise)
    assert sum(isinstance(layer, Residual) for layer in model.layers) == 10


def test_a_block_against_one_written_out():
    model = MobileNetV2Config(width=0.25).build((33, 33, 2), 3, rngs=nnx.Rngs(0))
    block = [layer for layer in model.layers if isinstance(layer, Residual)][1]
    one, _, _, deep, _, _, back, _ = block.body.layers
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 9, 9, one.in_type.size)), jnp.float32)
    scale = 1 / np.sqrt(1 + 1e-5)  # of untrained batch norms
    y = jnp.clip(x @ one.dense_kernel()[0, 0] * scale, 0, 6)
    kernel, wide = deep.dense_kernel(), jnp.pad(y, [(0, 0), (1, 1), (1, 1), (0, 0)])
    y = sum(wide[:, i : i + 9, j : j + 9] * kernel[i, j, 0] for i in range(3) for j in range(3))
    expected = x + jnp.clip(y * scale, 0, 6) @ back.dense_kernel()[0, 0] * scale
    np.testing.assert_allclose(jax.jit(lambda x: block(x))(x), expected, atol=1e-5)


@pytest.mark.parametrize("group", [pytest.param("C4", marks=pytest.mark.long), "D4"])
def test_exact_sizes(group):
    config = MobileNetV2Config(group=group, width=0.1, multiple_of=1)
    model = nnx.eval_shape(lambda: Sequential(config.layers((225, 225, 3), 10, nnx.Rngs(0))))
    assert exact_sizes_near(model.contract, (224, 224), 1) == [(225, 225)]
    assert exact_sizes_near(model.contract, (241, 241), 2) == [(225, 225), (257, 257)]


@pytest.mark.long
@pytest.mark.parametrize("group", ["C8", "SO2"])
def test_twins_of_steerable_kernels(group):
    model = MobileNetV2Config(group=group, width=0.1, multiple_of=1).build((33, 33, 2), 3, rngs=0)
    assert check_contract(model, 0, size=(33, 33), max_shifts=0, approximate=False).passed


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"model.multiple_of 0"):
        MobileNetV2Config(multiple_of=0)
