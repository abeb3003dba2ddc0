"""One-parameter groups: e^{sX} e^{tX} = e^{(s+t)X}, smooth at the identity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from geomdl.actions import GENERATORS, Generator
from geomdl.actions.generators import exponential

MOTIONS = [name for name, g in GENERATORS.items() if g.matrix is not None]
VALUES = [name for name, g in GENERATORS.items() if g.matrix is None]


def _bumps(height: int = 12, width: int = 12) -> jax.Array:
    x, y = jnp.meshgrid(jnp.arange(width, dtype=float), jnp.arange(height, dtype=float))
    image = jnp.exp(-((x - 4) ** 2 + (y - 5) ** 2) / 6) + 0.5 * jnp.exp(-((x - 7) ** 2 + (y - 7) ** 2) / 5)
    return jnp.stack([image, image**2])[..., None]


@pytest.mark.parametrize("name", MOTIONS)
def test_group_law_of_matrices(name):
    generator, size = GENERATORS[name], (12, 16)
    s, t = 0.7, -1.9
    product = generator.matrix_at(s, size) @ generator.matrix_at(t, size)
    np.testing.assert_allclose(product, generator.matrix_at(s + t, size), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(generator.matrix_at(0, size), np.eye(3))
    exact = scipy.linalg.expm(s * generator.pixel_matrix(size))
    np.testing.assert_allclose(generator.matrix_at(s, size), exact, rtol=1e-12, atol=1e-12)


def test_what_the_parameters_measure():
    size = (10, 20)
    at = lambda name, t: GENERATORS[name].matrix_at(t, size)  # noqa: E731
    np.testing.assert_allclose(at("translate_y", 3)[:, 2], [0, 3, 1])
    np.testing.assert_allclose(at("rotate", np.pi / 2)[:2, 0], [0, 1], atol=1e-12)
    np.testing.assert_allclose(np.diag(at("scale", np.log(2))), [2, 2, 1])
    np.testing.assert_allclose(np.diag(at("stretch", np.log(2))), [2, 0.5, 1])
    np.testing.assert_allclose(at("shear", 0.3)[:2, :2], [[1, 0.3], [0, 1]])
    np.testing.assert_allclose(at("perspective_x", 0.5)[2], [0.05, 0, 1])  # 0.5 at the edge, 10 pixels from the centre
    np.testing.assert_allclose(at("perspective_y", 0.5)[2], [0, 0.1, 1])


def test_traced_exponentials_agree():
    rng = np.random.default_rng(0)
    matrices = rng.normal(size=(4, 3, 3)) * np.array([[1, 1, 6], [1, 1, 6], [1 / 6, 1 / 6, 0]])
    exact = np.stack([scipy.linalg.expm(m) for m in matrices])
    scale = np.abs(exact).max((1, 2), keepdims=True)
    np.testing.assert_allclose(exponential(matrices, (12, 12)) / scale, exact / scale, atol=1e-13)
    traced = jax.jit(lambda m: exponential(m, (12, 12)))(matrices.astype(np.float32))
    np.testing.assert_allclose(traced / scale, exact / scale, atol=1e-5)
    turn = jax.jit(lambda t: GENERATORS["rotate"].matrix_at(t, (12, 12)))(jnp.float32(6.0))
    np.testing.assert_allclose(turn, GENERATORS["rotate"].matrix_at(6.0, (12, 12)), atol=1e-5)


@pytest.mark.compiled
@pytest.mark.parametrize("name", list(GENERATORS))
def test_derivative_at_the_identity_agrees_with_finite_differences(name):
    x, generator = _bumps(), GENERATORS[name]
    along = jax.jit(lambda t: jax.jvp(lambda t: generator.act(t, x), (t,), (jnp.ones_like(t),)))
    value, derivative = along(0.0)
    np.testing.assert_allclose(value, x, atol=2e-6)
    h = 1e-2
    after, before = along(h)[0], along(-h)[0]
    np.testing.assert_allclose(derivative, (after - before) / (2 * h), atol=3e-3 * float(jnp.abs(derivative).max()))
    assert float(jnp.abs(derivative).max()) > 0.1
    # no kink: from both sides the same
    np.testing.assert_allclose((after - x) / h, (x - before) / h, atol=0.1 * float(jnp.abs(derivative).max()))


@pytest.mark.parametrize("name", VALUES)
def test_group_law_of_pixel_values(name):
    x, generator = _bumps(), GENERATORS[name]
    np.testing.assert_allclose(generator.act(0.3, generator.act(0.4, x)), generator.act(0.7, x), atol=1e-6)
    assert generator.matrix_at(0.1, (12, 12)) is None
    np.testing.assert_array_equal(generator.act(0.0, x), x) if name == "brightness" else None


def test_contrast_keeps_the_mean_of_each_image():
    x = _bumps()
    moved = GENERATORS["contrast"].act(jnp.log(2.0), x)
    np.testing.assert_allclose(moved.mean((1, 2, 3)), x.mean((1, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(moved.std((1, 2, 3)), 2 * x.std((1, 2, 3)), rtol=1e-5)


@pytest.mark.parametrize("name", ["rotate", "contrast"])
def test_one_parameter_for_each_image(name):
    t, x, generator = np.array([0.2, -0.4], np.float32), _bumps(), GENERATORS[name]
    together = generator.act(t, x)
    np.testing.assert_allclose(jax.jit(lambda t: generator.act(t, x))(t), together, atol=2e-5)
    for i in range(2):
        np.testing.assert_allclose(together[i], generator.act(float(t[i]), x)[i], atol=2e-5)


def test_whole_pixels_and_quarter_turns_are_exact():
    x = _bumps()
    np.testing.assert_array_equal(GENERATORS["rotate"].act(np.pi / 2, x), jnp.rot90(x, axes=(1, 2)))
    np.testing.assert_array_equal(GENERATORS["translate_x"].act(3, x, padding="wrap"), jnp.roll(x, 3, 2))
    np.testing.assert_array_equal(GENERATORS["translate_y"].act(1.0, x, padding="wrap"), jnp.roll(x, -1, 1))


def test_a_generator_is_one_thing():
    with pytest.raises(ValueError, match="either a matrix or a map"):
        Generator("nothing", None)
