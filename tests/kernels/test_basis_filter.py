"""Steerable bases from which a predicate picks: what is kept, equivariance, hashing, refusals."""

import dataclasses
import pickle

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.groups import C8, D4, SO2
from geomdl.kernels import BasisFunction, SteerableKernelSpace, kernel_space
from geomdl.layers import Conv
from geomdl.representations import FieldType, Representation, irrep, regular, trivial

PAIRS = [(trivial(C8), regular(C8)), (regular(D4), regular(D4)), (irrep(SO2, 1), irrep(SO2, 1))]


def low_frequencies(function: BasisFunction) -> bool:
    return function.frequency <= 1


def outer_rings(function: BasisFunction) -> bool:
    return function.radius >= 1


@dataclasses.dataclass(frozen=True)
class UpTo:
    """escnn's kind of rule: the frequency at most a multiple of the radius."""

    factor: float

    def __call__(self, function: BasisFunction) -> bool:
        return function.frequency <= self.factor * function.radius


@pytest.mark.parametrize(("rho_in", "rho_out"), PAIRS, ids=str)
def test_a_filter_on_frequency_equals_a_lower_cutoff(rho_in: Representation, rho_out: Representation):
    """Two ways to the same space: compared by the span of their kernels."""
    filtered = SteerableKernelSpace(rho_in, rho_out, 5, basis_filter=low_frequencies)
    cut = SteerableKernelSpace(rho_in, rho_out, 5, frequencies_cutoff=(0, 1, 1))
    both = np.concatenate([s.basis().reshape(s.dimension, -1) for s in (filtered, cut)])
    assert 0 < filtered.dimension == cut.dimension == np.linalg.matrix_rank(both, tol=1e-6)
    assert filtered.dimension < SteerableKernelSpace(rho_in, rho_out, 5).dimension


@pytest.mark.parametrize(("rho_in", "rho_out"), PAIRS, ids=str)
def test_a_filter_on_radius_empties_the_centre(rho_in: Representation, rho_out: Representation):
    space = SteerableKernelSpace(rho_in, rho_out, 5, basis_filter=outer_rings)
    rings = SteerableKernelSpace(rho_in, rho_out, 5, rings=(1.0, 2.0), sigma=(0.6, 0.4), frequencies_cutoff=(2, 2))
    both = np.concatenate([s.basis().reshape(s.dimension, -1) for s in (space, rings)])
    assert 0 < space.dimension == rings.dimension == np.linalg.matrix_rank(both, tol=1e-6)


def test_a_filter_sees_the_irreps():
    space = SteerableKernelSpace(regular(C8), regular(C8), 5, basis_filter=_only_between_equal_irreps)
    labels = regular(C8).labels
    assert [labels[s] for s in space.source] == [labels[t] for t in space.target]
    assert set(space.source) == set(range(len(labels)))


def _only_between_equal_irreps(function: BasisFunction) -> bool:
    return function.in_irrep == function.out_irrep


def test_spaces_with_equal_filters_are_equal_values():
    a, b, c = (kernel_space(*PAIRS[0], 5, basis_filter=UpTo(f)) for f in (1.0, 1.0, 2.0))
    assert a == b != c
    assert hash(a) == hash(b)
    assert pickle.loads(pickle.dumps(a)) == a


def test_a_convolution_with_a_filter_is_equivariant_and_of_unit_gain():
    features = FieldType(D4, "6 regular")
    layer = Conv(features, features, 5, padding=2, basis_filter=UpTo(1.0), rngs=nnx.Rngs(0))
    assert layer.spaces[0][0].dimension < SteerableKernelSpace(regular(D4), regular(D4), 5).dimension
    assert check_contract(layer, jax.random.key(0), size=(7, 7)).passed
    kernel = np.asarray(layer.dense_kernel())
    assert (kernel**2).sum((0, 1, 2)).mean() == pytest.approx(2, rel=0.15)  # He's gain, whatever is left of the basis


def test_refusals():
    with pytest.raises(ValueError, match=r"invalid basis_filter .*a function of a module, or a frozen"):
        SteerableKernelSpace(*PAIRS[0], 5, basis_filter=3)  # type: ignore[arg-type]
    unhashable = dataclasses.make_dataclass("Unhashable", [], namespace={"__call__": lambda self, b: True})()
    with pytest.raises(ValueError, match="invalid basis_filter"):
        SteerableKernelSpace(*PAIRS[0], 5, basis_filter=unhashable)
    vectors = FieldType(SO2, "2 irrep(2)")
    with pytest.raises(ValueError, match="basis_filter keeps only some of them"):
        Conv(FieldType(SO2, "1 trivial"), vectors, 5, basis_filter=low_frequencies, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="pixel kernels have no rings; got basis_filter"):
        kernel_space(trivial(D4), regular(D4), 5, "pixel", basis_filter=low_frequencies)
    with pytest.raises(ValueError, match="basis_filter rejects it"):
        SteerableKernelSpace(trivial(C8), trivial(C8), 5, basis_filter=outer_rings).centre_weights(
            np.ones((1, 1, 1, 1))
        )
