"""Layers for induced fields: one gate, one norm for each coset; statistics shared by the cosets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.groups import Subgroup, group
from geomdl.layers import BatchNorm, Dense, Gated, NormActivation, Sequential, freeze
from geomdl.representations import FieldType

CASES = [
    ("D4", "C4", 0, "1 trivial + 2 induced(C4,irrep(1))"),
    ("C8", "C2", 0, "2 induced(C2,irrep(1)) + 1 induced(C2,regular)"),
    ("D8", "D2", 1, "1 induced(D2,irrep(1,1),axis=1) + 2 trivial"),
    ("O2", "SO2", 0, "2 induced(SO2,irrep(2)) + 1 trivial"),
]


def _subgroup(name: str, small: str, axis: float) -> Subgroup:
    return Subgroup(group(name), group(small), axis)


@pytest.mark.parametrize(("name", "small", "axis", "fields"), CASES)
@pytest.mark.parametrize("shared", [False, True])
def test_induced_gates_keep_their_contract(name: str, small: str, axis: float, fields: str, shared: bool):
    layer = Gated(FieldType(name, fields), induced_from=_subgroup(name, small, axis), shared=shared)
    report = check_contract(layer, jax.random.key(0), size=())
    assert report.passed, str(report)


def test_every_coset_has_a_gate_of_its_own():
    layer = Gated(FieldType("D4", "1 induced(C4,irrep(1))"), induced_from="C4")
    x = jnp.array([[100.0, -100.0, 1.0, 2.0, 3.0, 4.0]])  # gates open and shut, then two vectors
    np.testing.assert_allclose(layer(x), [[1.0, 2.0, 0.0, 0.0]], atol=1e-6)
    ordinary = Gated(FieldType("D4", "1 induced(C4,irrep(1))"))
    assert ordinary.in_type.size == layer.in_type.size - 1


def test_gates_that_are_not_permuted_with_the_cosets_break_it():
    """Negative control: the same computation with scalar gates for the cosets is not equivariant."""
    layer = Gated(FieldType("D4", "1 induced(C4,irrep(1))"), induced_from="C4")
    layer.in_type = FieldType("D4", "2 trivial + 1 induced(C4,irrep(1))")
    report = check_contract(layer, jax.random.key(0), size=())
    assert not report.passed
    assert report.worst("points") > 0.01


def test_statistics_of_batch_norm_are_shared_by_the_cosets():
    """What escnn calls induced norm-batch-norm: the mean square over all cosets, no mean where there is no scalar."""
    t = FieldType("D4", "2 induced(C4,irrep(1))")
    layer = BatchNorm(t)
    scale = np.array([1.0, 1.0, 5.0, 5.0, 2.0, 2.0, 2.0, 2.0])
    x = jnp.asarray(np.random.default_rng(0).normal(size=(50, 6, 6, 8)) * scale, jnp.float32)
    y = layer(x, train=True)
    squares = (np.asarray(x) ** 2).mean((0, 1, 2)).reshape(2, 4).mean(1)
    np.testing.assert_allclose(y, np.asarray(x) / np.sqrt(squares + 1e-5).repeat(4), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.variance[...], 0.9 + 0.1 * squares, rtol=1e-4)
    assert layer.mean[...].shape == (0,)
    for train in (True, False):
        assert check_contract(BatchNorm(t), jax.random.key(0), size=(5, 5), train=train).passed


def test_a_network_of_induced_fields_freezes():
    h = _subgroup("D4", "C4", 0)
    gated = Gated(FieldType("D4", "3 induced(C4,irrep(1)) + 1 trivial"), induced_from=h)
    image, vectors = FieldType("D4", "2 regular"), FieldType("D4", "3 induced(C4,irrep(1))")
    net = Sequential(
        [
            Dense(image, gated.in_type, rngs=nnx.Rngs(0)),
            BatchNorm(gated.in_type),
            gated,
            Dense(gated.out_type, vectors, rngs=nnx.Rngs(1)),
            NormActivation(vectors, induced_from=h),
        ]
    )
    report = check_contract(net, jax.random.key(0), size=())
    assert report.passed, str(report)
    x = jax.random.normal(jax.random.key(1), (2, 16))
    y, z = nnx.jit(lambda a, b, x: (a(x), b(x)))(net, freeze(net), x)
    np.testing.assert_allclose(z, y, atol=1e-5 * float(jnp.abs(y).max()))


def test_fields_that_are_not_induced_are_refused():
    with pytest.raises(ValueError, match="is not induced from C4"):
        Gated(FieldType("D4", "1 irrep(1,1)"), induced_from="C4")
    with pytest.raises(ValueError, match="invalid subgroup 'C3'"):
        Gated(FieldType("D4", "1 regular"), induced_from="C3")
