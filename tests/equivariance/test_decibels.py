"""Equivariance in decibels of functions whose mean squared error is known."""

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.equivariance import as_function, eq_r, eq_scale, eq_t, eq_t_frac

X = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype(np.float32)
i, j = np.meshgrid(np.arange(24) - 11.5, np.arange(24) - 11.5, indexing="ij")
SMOOTH = np.exp(-((j - 2) ** 2 + (i + 1) ** 2) / 30)[None, ..., None].astype(np.float32)


def test_equivariant_maps_score_high():
    assert eq_t(jnp.tanh, X).decibels > 130
    assert eq_t(lambda x: x[:, 0, 0], X, "invariant").decibels < 40
    for measure in (eq_t_frac, eq_r, eq_scale):
        result = measure(jnp.square, SMOOTH, count=4)
        assert result.decibels > 45
        assert result.baseline > 45


def test_a_known_perturbation():
    """f adds the checkerboard ±a, which a shift by an odd number of pixels turns into its negative: mse = 4 a²."""
    a = 0.01
    checkerboard = a * (-1.0) ** np.add.outer(np.arange(16), np.arange(16))[None, :, :, None]
    result = eq_t(lambda x: x + jnp.asarray(checkerboard, jnp.float32), X, value_range=2.0, count=12)
    odd = [(r + c) % 2 for r, c in result.elements]
    assert 0 < sum(odd) < 12
    np.testing.assert_allclose(result.mses, 4 * a**2 * np.array(odd), rtol=1e-4, atol=1e-12)
    for row, is_odd in zip(result.rows(), odd, strict=True):
        if is_odd:
            assert row["decibels"] == pytest.approx(20 * np.log10(2) - 10 * np.log10(4 * a**2), abs=1e-3)
    assert result.decibels == pytest.approx(20 * np.log10(2) - 10 * np.log10(result.mse))


def test_the_frame_does_not_count_where_nothing_is_seen():
    """A 3 × 3 sum with zero padding errs only where zeros come in, a pixel from the frame before or after the shift."""

    def sums(x):
        p = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        return sum(p[:, r : r + 16, c : c + 16] for r in range(3) for c in range(3))

    assert eq_t(sums, X).decibels < 60
    assert eq_t(sums, X, margin=1).mse < 1e-10


def test_strided_and_invariant_outputs():
    half = lambda x: x.reshape(2, 8, 2, 8, 2, 1).mean((2, 4))  # noqa: E731
    result = eq_t(half, X)
    assert result.mse < 1e-12
    assert all(r % 2 == 0 and c % 2 == 0 for r, c in result.elements)
    invariant = eq_t(lambda x: x[:, 4, 4], X, "invariant", count=3, value_range=1.0)
    r, c = (int(v) for v in invariant.elements[0])
    assert invariant.mses[0] == pytest.approx(np.mean((X[:, 4 - r, 4 - c] - X[:, 4, 4]) ** 2), rel=1e-4)


def test_a_constant_function_gets_nothing():
    result = eq_t(lambda x: 0 * x + 3, X, value_range=2.0)
    assert result.mse == 0
    assert result.decibels == -np.inf
    assert "CONSTANT" in str(result)


def test_numpy_functions_agree():
    looped = eq_t(as_function(lambda x: x * np.arange(16.0, dtype=np.float32)[:, None], numpy=True), X)
    traced = eq_t(lambda x: x * jnp.arange(16.0)[:, None], X)
    assert looped.decibels == pytest.approx(traced.decibels, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: eq_t(jnp.tanh, X, "fields"), "did you mean 'field'"),
        (lambda: eq_t(lambda x: x.mean((1, 2)), X), "try 'invariant'"),
        (lambda: eq_t(jnp.tanh, X, max_shift=0.9), "max_shift"),
        (lambda: eq_t(jnp.tanh, X, margin=9), "margin"),
        (lambda: eq_r(jnp.tanh, X, max_degrees=0), "max_degrees"),
        (lambda: eq_scale(jnp.tanh, X, max_factor=1.0), "max_factor"),
        (lambda: eq_t(jnp.tanh, X, value_range=-1.0), "value_range"),
        (lambda: eq_t(jnp.tanh, X, max_shift=0.01), "at least 1 pixels"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
