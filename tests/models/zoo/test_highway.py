"""Highway networks: which convolutions have gates, how open they are, sizes at which twins are exact."""

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import Conv, Highway, Sequential
from geomdl.models import HighwayConfig, exact_sizes_near


def shaped(config):
    return nnx.eval_shape(lambda: Sequential(config.layers((32, 32, 3), 10, nnx.Rngs(0))))


def test_convolutions_that_keep_the_channels_have_gates():
    model = shaped(HighwayConfig())
    found = [(type(p) is Highway, p.out_type.size) for p in model.layers if isinstance(p, Conv | Highway)]
    stages = [(32, 32, 32, 48, 48), (80,) * 6, (128,) * 6]
    channels = [c for stage in stages for c in stage]
    assert found == [(i > 0 and channels[i - 1] == c, c) for i, c in enumerate(channels)]
    assert HighwayConfig().parameter_count((32, 32, 3), 10) == 2_342_406, "2.3 million in the paper"


def test_gates_start_almost_shut_so_that_the_signal_passes():
    opened = HighwayConfig(depth=11, width=0.5, gate_bias=4.0).build((16, 16, 3), 4, rngs=0)
    shut = HighwayConfig(depth=11, width=0.5, gate_bias=-30.0).build((16, 16, 3), 4, rngs=0)
    x = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype(np.float32)
    layer = next(p for p in shut.layers if isinstance(p, Highway))
    y = np.random.default_rng(1).normal(size=(2, 8, 8, layer.in_type.size)).astype(np.float32)
    np.testing.assert_allclose(layer(y), y, atol=1e-5)
    assert np.abs(jax.jit(lambda x: opened(x))(x) - jax.jit(lambda x: shut(x))(x)).max() > 1e-3


@pytest.mark.parametrize("group", [pytest.param("C4", marks=pytest.mark.long), "D4"])
def test_exact_sizes(group):
    contract = shaped(HighwayConfig(depth=11, group=group, width=0.2)).contract
    assert exact_sizes_near(contract, (32, 32), 3) == [(28, 28), (32, 32), (36, 36)]


@pytest.mark.parametrize("group", [pytest.param("C8", marks=pytest.mark.long), "SO2"])
def test_twins_of_steerable_kernels(group):
    model = HighwayConfig(depth=11, group=group, width=0.15, units=50).build((8, 8, 2), 3, rngs=0)
    gates = {str(p.gate.out_type.blocks[0].representation) for p in model.layers if isinstance(p, Highway)}
    assert len(gates) == 1
    assert ("trivial" in gates.pop()) == (group == "SO2")
    assert check_contract(model, 0, size=(8, 8), max_shifts=0, approximate=False).passed


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"model.depth 12; allowed: 11, 19; try 11"):
        HighwayConfig(depth=12)
    with pytest.raises(ValueError, match=r"model.units 0"):
        HighwayConfig(units=0)
