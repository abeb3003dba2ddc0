"""Lie derivatives against analytic ones, finite differences, and functions with planted violations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import GENERATORS
from geomdl.equivariance import lie_derivative, lie_derivative_per_layer
from geomdl.equivariance.measures.lie import PLANE
from geomdl.layers import Conv, with_method
from geomdl.representations import FieldType


def _bumps(size: int = 24, count: int = 2, dtype=jnp.float64) -> jax.Array:
    """Gaussian bumps far from the border, sampled finely: all the transformations below are smooth and lose nothing."""
    i, j = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    c = (size - 1) / 2
    bumps = [np.exp(-((j - c - k) ** 2 + (i - c + 1) ** 2) / (2 * 2.5**2)) * (1 + k) for k in range(count)]
    return jnp.asarray(np.stack(bumps)[..., None], dtype)


def _moments(x):
    """(mass, mean of x right, mean of y up) of each image: their derivatives under affine maps are known."""
    n = x.shape[1]
    centred = jnp.arange(n, dtype=x.dtype) - (n - 1) / 2
    mass = x.sum((1, 2, 3))
    right = (x.sum((1, 3)) * centred).sum(-1)
    up = (x.sum((2, 3)) * -centred).sum(-1)
    return jnp.stack([mass, right, up], -1)


def test_moments_move_as_analysis_says():
    """Mass under e^{tX} changes by tr X; first moments by X times themselves plus tr X, by the mass when shifted."""
    with jax.enable_x64(True):
        x = _bumps()
        mass, right, up = np.asarray(_moments(x)).T
        zero = 0 * mass
        expected = {
            "translate_x": (zero, mass, zero),
            "translate_y": (zero, zero, mass),
            "rotate": (zero, -up, right),
            "scale": (2 * mass, 3 * right, 3 * up),
            "shear": (zero, up, zero),
            "stretch": (zero, right, -up),
        }
        result = lie_derivative(_moments, x)
        for name, columns in expected.items():
            norm = np.sqrt(np.mean(np.stack(columns) ** 2))
            assert result.of(name) == pytest.approx(norm, rel=2e-3), name
        assert set(expected) == set(PLANE)


def test_equals_the_finite_difference():
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 9, 9, 1)))
        weights = jnp.asarray(np.random.default_rng(1).normal(size=(9, 9, 1)))

        def f(x):
            return jnp.sin((x * weights).sum((1, 2, 3), keepdims=True)) + (x**2).mean((1, 2, 3), keepdims=True)

        t = 1e-5
        for name in ("perspective_x", "contrast"):
            act = GENERATORS[name].act
            difference = (f(act(t, x)) - f(act(-t, x))) / (2 * t)
            norm = float(jnp.sqrt(jnp.mean(difference**2)))
            assert lie_derivative(f, x, name).of(name) == pytest.approx(norm, rel=1e-6), name


def test_equivariant_fields_have_none_and_a_planted_gain_has_its_size():
    """f(x) = x² commutes with every transformation; f(x) = p_x x does not, and d/dt of it under a shift is x."""
    with jax.enable_x64(True):
        x = _bumps()
        gain = jnp.arange(24.0)[None, None, :, None]
        result = lie_derivative(lambda x: x**2, x, ["translate_x", "rotate"], "field")
        assert result.worst < 5e-3
        planted = lie_derivative(lambda x: gain * x, x, "translate_x", "field")
        assert planted.of("translate_x") == pytest.approx(float(jnp.sqrt(jnp.mean(x**2))), rel=5e-3)


def test_strided_outputs_move_by_fewer_pixels():
    """A blurred image sampled at every second pixel is equivariant when the output moves half as far."""
    with jax.enable_x64(True):
        x = _bumps()
        half = lambda x: x.reshape(2, 12, 2, 12, 2, 1).mean((2, 4))  # noqa: E731
        result = lie_derivative(half, x, ["translate_x", "rotate"], "field")
        assert result.worst < 0.02 * float(jnp.sqrt(jnp.mean(half(x) ** 2)))


def test_a_constant_function_is_not_praised():
    result = lie_derivative(lambda x: 0 * x.mean((1, 2)) + 1, _bumps(dtype=jnp.float32), "rotate")
    assert result.worst == 0
    assert result.alive == (False,)
    assert "CONSTANT" in str(result)


def test_layers_in_order_and_the_first_that_breaks():
    """The square keeps translations, the ramp breaks them, what follows inherits that."""
    ramp = jnp.linspace(0.0, 1.0, 24)[None, None, :, None]

    def model(x):
        square = x**2
        ramped = square * ramp
        return ramped.mean((1, 2)), {"square": square, "ramp": ramped}

    result = lie_derivative_per_layer(model, _bumps(dtype=jnp.float32), ["translate_x"])
    assert result.layers == ("square", "ramp", "output")
    square, ramped, output = result.relative
    assert square < 2e-3
    assert ramped > 0.03
    assert output > 0.03
    assert [row["layer"] for row in result.rows()] == ["square", "ramp", "output"]


def test_bad_input():
    x = _bumps(dtype=jnp.float32)
    with pytest.raises(ValueError, match="did you mean 'rotate'"):
        lie_derivative(lambda x: x, x, "rotat")
    with pytest.raises(ValueError, match="floating-point"):
        lie_derivative(lambda x: x.mean((1, 2, 3)).astype(int), x, "rotate")
    with pytest.raises(ValueError, match="NaN"):
        lie_derivative(lambda x: x.mean((1, 2)) / 0, x, "rotate")
    from geomdl.equivariance import as_function

    with pytest.raises(ValueError, match="JAX can differentiate"):
        lie_derivative(as_function(np.mean, numpy=True), x, "rotate")


@pytest.mark.parametrize("measure", [lie_derivative, lie_derivative_per_layer])
def test_what_has_no_forward_mode_is_told_which_method_has(measure):
    t = FieldType("C2", "1 trivial")
    model = Conv(t, t, 3, padding=1, method="fused", rngs=nnx.Rngs(0))
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 1)).astype("float32")
    with pytest.raises(ValueError, match=r"forward mode.*method='fused'.*with_method\(model, 'factored'\)"):
        measure(model, x, ["rotate"])
    assert np.isfinite(measure(with_method(model, "factored"), x, ["rotate"]).of("rotate"))
