"""Convolutions of volumes on CPUs, slice by slice, are those of XLA."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from geomdl.layers.core.correlation import correlate, pad


@pytest.mark.parametrize(
    ("options", "taps", "channels"),
    [
        ({"padding": 1}, (3, 3, 3), 24),
        ({"stride": (2, 1, 2), "padding": (1, 0, 2), "remainder": "drop"}, (3, 2, 5), 2),
        ({"stride": 2, "dilation": (2, 1, 1), "padding": 2, "remainder": "keep"}, (3, 3, 3), 30),
        ({"padding": 1, "padding_mode": "circular", "groups": 2}, (3, 3, 3), 4),
        ({"padding": 1, "padding_mode": "reflect"}, (2, 3, 3), 40),
    ],
)
def test_a_volume_is_convolved_slice_by_slice(monkeypatch, options, taps, channels):
    rng, groups = np.random.default_rng(0), options.get("groups", 1)
    x = jnp.asarray(rng.normal(size=(2, 5, 6, 7, channels)), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=(*taps, channels // groups, 4)), jnp.float32)

    def both(x, kernel):
        y = correlate(x, kernel, **options)
        return y, jax.grad(lambda k: (correlate(x, k, **options) ** 2).sum())(kernel)

    by_slices = jax.jit(both)(x, kernel)
    monkeypatch.setattr(jax, "default_backend", lambda: "another")
    whole = jax.jit(lambda x, kernel: both(x, kernel))(x, kernel)
    for a, b in zip(by_slices, whole, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-4 * float(jnp.abs(b).max()))


def test_plain_convolution_of_a_volume():
    x = jnp.arange(2.0 * 4 * 4 * 4).reshape(2, 4, 4, 4, 1)
    kernel = jnp.arange(27.0).reshape(3, 3, 3, 1, 1)
    y = lax.conv_general_dilated(pad(x, 1), kernel, (1, 1, 1), "VALID", dimension_numbers=("NDHWC", "DHWIO", "NDHWC"))
    np.testing.assert_allclose(correlate(x, kernel, padding=1), y, rtol=1e-6)
