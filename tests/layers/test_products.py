"""Equivariant multilayer perceptrons for direct products of groups: no base space, every element."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import act
from geomdl.equivariance import check_contract
from geomdl.groups import point_group
from geomdl.layers import (
    BatchNorm,
    Conv,
    Dense,
    Gated,
    GlobalPool,
    GroupPool,
    LayerNorm,
    Mask,
    NormActivation,
    NormPool,
    Pointwise,
    Pool,
    Restrict,
    Sequential,
    TensorProduct,
    ToIrreps,
    freeze,
)
from geomdl.representations import FieldType, intertwiners, irreps

PRODUCTS = ["C4 x C4", "C3 x D1"]


def _every_irrep(group: str) -> FieldType:
    return FieldType(group, [(2, psi) for psi in irreps(point_group(group))])


def _network(group: str) -> Sequential:
    """From a field of all irreps through regular fields, gates and norms to invariants."""
    vectors, hidden, gated = _every_irrep(group), FieldType(group, "2 regular + 1 trivial"), Gated(_every_irrep(group))
    layers = [
        Dense(vectors, hidden, rngs=nnx.Rngs(0)),
        BatchNorm(hidden),
        Pointwise(hidden, "relu"),
        Dense(hidden, gated.in_type, rngs=nnx.Rngs(1)),
        gated,
        NormActivation(vectors),
        Dense(vectors, FieldType(group, "3 regular"), rngs=nnx.Rngs(2)),
        LayerNorm(FieldType(group, "3 regular")),
        GroupPool(FieldType(group, "3 regular")),
    ]
    return Sequential(layers)


@pytest.mark.parametrize("group", PRODUCTS)
def test_networks_of_a_product_keep_their_contract_for_every_element(group: str):
    net = _network(group)
    report = check_contract(net, jax.random.key(0), size=())
    assert report.passed, str(report)
    assert len(report.promised) == point_group(group).order


def test_frozen_networks_of_a_product_compute_the_same():
    net = _network("C3 x D1")
    frozen = freeze(net)
    x = jax.random.normal(jax.random.key(1), (5, net.in_type.size))
    y, z = nnx.jit(lambda net, frozen, x: (net(x), frozen(x)))(net, frozen, x)
    np.testing.assert_allclose(z, y, atol=2e-6 * float(jnp.abs(y).max()))
    assert not jax.tree.leaves(nnx.state(frozen, nnx.Param))


@pytest.mark.parametrize("group", ["SO2 x C4", "O2 x SO2"])
def test_continuous_products(group: str):
    vectors = FieldType(group, [(2, psi) for psi in irreps(point_group(group), 1)])
    net = Sequential([Dense(vectors, vectors, rngs=nnx.Rngs(0)), NormActivation(vectors), NormPool(vectors)])
    report = check_contract(net, jax.random.key(0), size=())
    assert report.passed, str(report)
    assert len(report.promised) > 8


@pytest.mark.parametrize("layer", [TensorProduct, ToIrreps], ids=lambda f: f.__name__)
def test_other_layers_that_act_on_fields_alone(layer: Callable):
    report = check_contract(layer(FieldType("C3 x D1", "1 regular")), jax.random.key(0), size=())
    assert report.passed, str(report)


def test_a_layer_of_one_factor_only_breaks_the_other():
    """Negative control: equivariant to C4 on channels in which D1 acts too."""
    small, large = (
        FieldType("C4", "4 irrep(1)"),
        FieldType("C4 x D1", "2 outer(irrep(1),irrep(1,0)) + 2 outer(irrep(1),trivial)"),
    )
    inner = Dense(small, small, rngs=nnx.Rngs(0))

    class Wrong(nnx.Module):
        def __init__(self) -> None:
            self.inner = inner
            self.contract = nnx.static(Dense(large, large, rngs=nnx.Rngs(0)).contract)

        def __call__(self, x, *, train=False, key=None):
            return self.inner(x)

    report = check_contract(Wrong(), jax.random.key(0), size=())
    assert not report.passed
    assert 0 < len(report.failures) < len(report.rows)  # the elements of C4 alone are kept


@pytest.mark.parametrize("group", ["C4 x C4", "C4 x D3", "D4 x C2"])
def test_dense_maps_are_all_the_intertwiners(group: str):
    for psi in irreps(point_group(group)):
        t, regular = FieldType(group, [(1, psi)]), FieldType(group, "1 regular")
        space = Dense(t, regular, rngs=nnx.Rngs(0)).spaces[0][0]
        expected = intertwiners(psi, regular.blocks[0].representation)
        assert space.dimension == len(expected)
        expand = jax.jit(space.expand)
        ours = np.stack([np.asarray(expand(one[:, None, None]))[0, 0].T for one in np.eye(len(expected), dtype="f")])
        together = np.concatenate([ours.reshape(len(expected), -1), expected.reshape(len(expected), -1)])
        assert np.linalg.matrix_rank(together, tol=1e-5) == len(expected)


def test_initial_outputs_have_unit_variance():
    t, out = FieldType("C4 x D3", "40 regular"), _every_irrep("C4 x D3")
    x = jax.random.normal(jax.random.key(0), (200, t.size))
    layers = [Dense(t, out, rngs=nnx.Rngs(seed)) for seed in range(3)]
    y = np.concatenate([np.asarray(layer(x)) for layer in layers])
    assert np.mean(y**2) == pytest.approx(2, rel=0.15)  # the factor 2 is that of He's rule, before a ReLU


def test_layers_of_the_plane_refuse_direct_products():
    t = FieldType("C4 x D1", "1 regular")
    for build in (
        lambda: Conv(t, t, 1, rngs=nnx.Rngs(0)),
        lambda: Pool(t, 2),
        lambda: GlobalPool(t),
        lambda: Mask(t),
    ):
        with pytest.raises(ValueError, match=r'needs fields on a base space.*FieldType\("C4 x D1", …, space="plane"\)'):
            build()
    with pytest.raises(ValueError, match=r"needs a group of the plane.*direct products: Conv"):
        Restrict(t, "C2")
    with pytest.raises(ValueError, match="needs fields on a base space"):
        check_contract(Pointwise(t, "relu"), jax.random.key(0), size=(8, 8))
    with pytest.raises(ValueError, match="needs fields on a base space"):
        act(np.array([0, 1, 0, 0]), jnp.ones((1, 4, 4, 8)), t)
    with pytest.raises(ValueError, match="one element of each factor"):
        act(np.array([0, 1]), jnp.ones((1, 8)), t)
