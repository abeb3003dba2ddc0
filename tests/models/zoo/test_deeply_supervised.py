"""Deeply supervised nets: classifiers on the flattened maps of hidden convolutions, sizes at which twins are exact."""

import dataclasses

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import AuxiliaryOutputs, Conv, Sequential, WithAuxiliary
from geomdl.models import DeeplySupervisedConfig, exact_sizes_near

SMALL = DeeplySupervisedConfig(width=0.05, dropout=0.0)


def shaped(config, side=32):
    return nnx.eval_shape(lambda: Sequential(config.layers((side, side, 3), 10, nnx.Rngs(0))))


def test_parameters_are_those_of_network_in_network_and_of_linear_classifiers():
    config = DeeplySupervisedConfig()
    heads = sum(side**2 * 192 * 10 + 10 for side in (32, 16, 8))
    assert config.parameter_count((32, 32, 3), 10) == 966_986 + heads
    assert dataclasses.replace(config, auxiliary=False).parameter_count((32, 32, 3), 10) == 966_986


def test_heads_are_linear_in_the_first_convolution_of_each_block():
    model = SMALL.build((12, 12, 2), 3, rngs=0)
    whole = model.layers[0]
    assert isinstance(whole, WithAuxiliary)
    assert [type(stage.layers[-1]) for stage in whole.stages][:3] == [Conv] * 3, "before the nonlinearity"
    assert [stage.layers[-1].window.size for stage in list(whole.stages)[:3]] == [5, 5, 3]
    x = np.random.default_rng(0).normal(size=(2, 12, 12, 2)).astype(np.float32)
    y = jax.jit(lambda x: model(x, train=True, key=jax.random.key(0)))(x)
    assert isinstance(y, AuxiliaryOutputs)
    inside = x
    for stage, head, got in zip(whole.stages, whole.heads, y.auxiliary, strict=False):
        inside = stage(inside)
        weights = head.layers[0].dense_kernel()
        assert weights.shape[:3] == inside.shape[1:]
        wanted = np.asarray(inside).reshape(2, -1) @ np.asarray(weights).reshape(-1, 3)
        np.testing.assert_allclose(got, wanted, atol=1e-4)
    assert len(y.auxiliary) == 3
    np.testing.assert_allclose(y.main, model(x), atol=1e-5)


@pytest.mark.parametrize("group", [pytest.param("C4", marks=pytest.mark.long), "D4"])
def test_exact_sizes(group):
    contract = shaped(dataclasses.replace(SMALL, group=group)).contract
    assert exact_sizes_near(contract, (32, 32), 3) == [(27, 27), (31, 31), (35, 35)]


def test_scores_and_heads_of_a_twin_are_invariant_in_training():
    model = dataclasses.replace(SMALL, group="D4").build((11, 11, 2), 3, rngs=0)
    x = np.random.default_rng(0).normal(size=(3, 11, 11, 2)).astype(np.float32)
    trained = jax.jit(lambda x: model(x, train=True, key=jax.random.key(0)))
    for a, b in zip(jax.tree.leaves(trained(x)), jax.tree.leaves(trained(np.rot90(x, 1, (1, 2)))), strict=True):
        assert np.ptp(a, 0).max() > 1e-4
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize("group", ["C8", "SO2"])
def test_twins_of_steerable_kernels(group):
    model = dataclasses.replace(SMALL, group=group).build((11, 11, 2), 3, rngs=0)
    assert check_contract(model, 0, size=(11, 11), max_shifts=0, approximate=False).passed
