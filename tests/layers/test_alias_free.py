"""Ideal resampling and band-limited nonlinearities commute with shifts by fractions of a pixel; others do not."""

import dataclasses
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import Promise, check_contract, ideally_shifted, without_nyquist
from geomdl.layers import (
    BandLimited,
    BatchNorm,
    BlurPool,
    Conv,
    GlobalPool,
    IdealResample,
    Pointwise,
    Polynomial,
    Sequential,
    correlate,
    freeze,
)
from geomdl.layers.core.functional import correlate_separably
from geomdl.representations import FieldType

T = FieldType("C4", "1 regular")
EXACT = Promise("exact")


class _Claims(nnx.Module):
    """A layer that claims to commute with fractional shifts."""

    def __init__(self, layer):
        self.layer, self.contract = layer, dataclasses.replace(layer.contract, fractional=EXACT)

    def __call__(self, x, *, train: bool = False, key=None):
        return self.layer(x, train=train, key=key)


def _error(layer, size=(9, 9)) -> float:
    report = check_contract(_Claims(layer), jax.random.key(0), size=size, max_shifts=1, approximate=False)
    return report.worst("fractional")


@pytest.mark.parametrize(("n", "m"), [(6, 12), (7, 14), (8, 4), (9, 3), (6, 9), (12, 8), (5, 5), (6, 6)])
def test_waves_that_both_grids_hold_are_sampled_at_the_new_places(n, m):
    kept = (min(n, m) - 1) // 2
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, kept + 1)

    def waves(count):  # the centres of both grids on one another
        t = (np.arange(count) + 0.5) / count
        return sum(np.cos(2 * np.pi * k * t + phase[k]) for k in range(kept + 1))

    lost = np.cos(2 * np.pi * (kept + 1) * (np.arange(n) + 0.5) / n) if m < n else 0
    x = jnp.asarray((waves(n) + lost)[None, None, :, None] * np.ones((1, n, 1, 1)), jnp.float32)
    y = IdealResample(FieldType("C1", "1 trivial"), size=m)(x)
    assert y.shape == (1, m, m, 1)
    np.testing.assert_allclose(y[0, 0, :, 0], waves(m), atol=2e-5)


@pytest.mark.parametrize("factor", [2, 3, Fraction(1, 2), Fraction(1, 3), Fraction(3, 2)])
@pytest.mark.parametrize("size", [(6, 6), (9, 9)])
def test_resampling_commutes_with_fractional_shifts_and_turns(factor, size):
    layer = IdealResample(FieldType("D4", "1 trivial + 1 irrep(1,1)"), factor)
    if size[0] % Fraction(factor).denominator:
        assert layer.contract.fractional.at(size) == "none"
        with pytest.raises(ValueError, match="divides"):
            layer(jnp.ones((1, *size, 3)))
        return
    report = check_contract(layer, jax.random.key(0), size=size, max_shifts=4, approximate=False)
    assert report.passed, str(report)
    assert [row.symmetry for row in report.promised].count("fractional") == 3


@pytest.mark.parametrize(("degree", "factor"), [(2, 2), (3, 2), (2, Fraction(3, 2)), (5, 3)])
@pytest.mark.parametrize("n", [8, 9])
def test_polynomials_of_low_degree_are_exact(degree, factor, n):
    layer = BandLimited(Polynomial(T, degree), factor)
    assert layer.contract.fractional.at((n, n)) == ("none" if n % Fraction(factor).denominator else "exact")
    if n % Fraction(factor).denominator == 0:
        report = check_contract(layer, jax.random.key(0), size=(n, n), max_shifts=4)
        assert report.passed, str(report)


def test_other_nonlinearities_only_approximate():
    above, relu = BandLimited(Polynomial(T, 4)), BandLimited(Pointwise(T))
    above.pointwise.coefficients[...] = jnp.ones_like(above.pointwise.coefficients[...])
    for layer in (above, relu, Polynomial(T)):
        assert layer.contract.fractional.level == "approximate"
    assert _error(Pointwise(T)) > 2 * _error(relu) > 2 * _error(BandLimited(Pointwise(T), 4)) > 1e-2
    assert _error(above) > 1e-2
    assert _error(Polynomial(T)) > 1e-1
    assert _error(BandLimited(Polynomial(T, 2))) < 1e-6


def test_blurring_before_subsampling_only_approximates():
    def blur(taps):
        return BlurPool(T, taps, padding="same", padding_mode="circular", remainder="drop")

    assert blur(3).contract.fractional.level == "approximate"
    errors = [_error(blur(taps), (8, 8)) for taps in (1, 3, 5, 7)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] > 1e-2


def test_an_alias_free_network_keeps_fractional_shifts_in_training_too():
    def conv(seed):
        return Conv(T, T, 3, padding="same", padding_mode="circular", rngs=nnx.Rngs(seed))

    layers = [
        conv(0),
        BatchNorm(T),
        BandLimited(Polynomial(T)),
        IdealResample(T, Fraction(1, 2)),
        conv(1),
        GlobalPool(T),
    ]
    network = Sequential(layers)
    assert (network.contract.fractional.at((8, 8)), network.contract.fractional.at((9, 9))) == ("exact", "none")
    for train in (False, True):
        report = check_contract(network, jax.random.key(0), size=(8, 8), max_shifts=8, approximate=False, train=train)
        assert report.passed, str(report)
        assert {row.symmetry for row in report.promised} == {"points", "shifts", "fractional"}
    x = jax.random.normal(jax.random.key(1), (2, 8, 8, 4))
    np.testing.assert_allclose(freeze(network)(x), network(x), rtol=1e-4, atol=1e-5)


def test_the_polynomial_starts_near_gelu():
    x = np.random.default_rng(0).normal(size=20000).astype(np.float32)
    best = np.polynomial.Polynomial.fit(x, np.asarray(jax.nn.gelu(x, approximate=False)), 2).convert().coef
    found = np.asarray(Polynomial(FieldType("C1", "1 trivial")).coefficients[...]).ravel()
    np.testing.assert_allclose(found, best, atol=0.02)


def test_shifts_by_fractions_on_the_host_add_up():
    x = without_nyquist(np.random.default_rng(0).normal(size=(2, 6, 5, 3)))
    there = ideally_shifted(x, np.array([0.3, 1.6]))
    np.testing.assert_allclose(ideally_shifted(there, np.array([0.7, -0.6])), np.roll(x, (1, 1), (1, 2)), atol=1e-12)


@pytest.mark.parametrize("filter_size", range(2, 8))
@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_filtering_one_axis_after_the_other_is_the_convolution(filter_size, mode):
    taps = np.random.default_rng(filter_size).normal(size=filter_size)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 9, 8, 2)), jnp.float32)
    options = {"stride": 2, "padding": filter_size // 2, "padding_mode": mode, "remainder": "keep"}
    kernel = np.repeat(np.outer(taps, taps)[:, :, None, None], 2, 3).astype(np.float32)
    expected = correlate(x, kernel, groups=2, **options)
    np.testing.assert_allclose(correlate_separably(x, taps, **options), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IdealResample(T), "one of them"),
        (lambda: IdealResample(T, 0), "factor of IdealResample"),
        (lambda: IdealResample(T, size=0), "size of IdealResample"),
        (lambda: BandLimited(Conv(T, T, 3, rngs=nnx.Rngs(0))), "layer in BandLimited"),
        (lambda: BandLimited(Pointwise(T), Fraction(1, 2)), "factor of BandLimited"),
        (lambda: Polynomial(T, 0), "degree of Polynomial"),
        (lambda: Polynomial(FieldType("C4", "1 irrep(1)")), "Polynomial needs fields"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
