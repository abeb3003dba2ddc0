"""Functions that know, or do not know, where a patch lies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.equivariance import as_function, position_leak

PATCHES = np.random.default_rng(0).uniform(0.5, 1.5, size=(8, 2, 2, 1)).astype(np.float32)


def test_no_leak_and_a_full_one():
    blind = position_leak(lambda x: jnp.stack([x.sum((1, 2, 3)), (x**2).sum((1, 2, 3))], -1), PATCHES, (7, 7))
    assert blind.leak < 1e-9
    assert blind.decoded < 0.05
    assert len(blind.positions) == 36

    def centre_of_mass(x):
        n = jnp.arange(7.0)
        mass = x.sum((1, 2, 3))
        return jnp.stack([(x.sum((2, 3)) * n).sum(-1), (x.sum((1, 3)) * n).sum(-1)], -1) / mass[:, None]

    seeing = position_leak(centre_of_mass, PATCHES, (7, 7))
    assert seeing.leak > 0.95
    assert seeing.decoded > 0.95


def test_a_known_share():
    """f = mass + a · row: the variances add up."""
    a = 0.3
    rows = np.arange(6)
    mass = PATCHES.sum((1, 2, 3))
    expected = a**2 * rows.var() / (a**2 * rows.var() + mass.var())
    f = lambda x: (x.sum((1, 2, 3)) + a * jnp.argmax((x.sum((2, 3)) > 0), 1).astype(x.dtype))[:, None]  # noqa: E731
    assert position_leak(f, PATCHES, (7, 7)).leak == pytest.approx(expected, rel=1e-4)


def test_zero_padding_leaks_at_the_border_only():
    kernel = jnp.asarray(np.random.default_rng(1).normal(size=(3, 3, 1, 4)), jnp.float32)

    def network(x, padding):
        dimensions = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=dimensions)
        return jax.nn.relu(y).sum((1, 2))

    assert position_leak(lambda x: network(x, [(2, 2), (2, 2)]), PATCHES, (7, 7)).leak < 1e-6
    assert position_leak(lambda x: network(x, "SAME"), PATCHES, (7, 7)).leak > 0.01
    assert position_leak(lambda x: network(x, "SAME"), PATCHES, (7, 7), margin=1).leak < 1e-6


def test_constant_numpy_and_bad_input():
    constant = position_leak(lambda x: 0 * x.sum((1, 2)) + 3, PATCHES, (5, 5))
    assert np.isnan(constant.leak)
    assert not constant.alive
    assert "CONSTANT" in str(constant)
    assert position_leak(as_function(lambda x: x.sum((1, 2)), numpy=True), PATCHES, (4, 4)).leak < 1e-9
    with pytest.raises(ValueError, match="two places"):
        position_leak(lambda x: x.sum((1, 2)), PATCHES, (2, 2))
    with pytest.raises(ValueError, match="two patches"):
        position_leak(lambda x: x.sum((1, 2)), PATCHES[:1], (5, 5))
