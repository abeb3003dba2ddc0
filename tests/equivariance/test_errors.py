"""Orbit errors of functions whose errors are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import rotate
from geomdl.equivariance import as_function, orbit_errors
from geomdl.groups import C4, C8, D4

X = np.random.default_rng(0).normal(size=(3, 8, 8, 2)).astype(np.float32)


def _smooth(size: int = 24) -> np.ndarray:
    i, j = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    c = (size - 1) / 2
    bumps = [np.exp(-((j - c - 2 * k) ** 2 + (i - c + k) ** 2) / 18) for k in range(3)]
    return np.stack(bumps)[..., None].astype(np.float32)


def test_exact_invariance_is_zero_for_every_group_on_the_grid():
    for group in ("C4", D4, "shifts"):
        result = orbit_errors(lambda x: x.mean((1, 2)), X, group)
        assert result.worst < 1e-5
        assert result.baseline == 0
        assert result.alive
    assert len(orbit_errors(lambda x: x.mean((1, 2)), X, D4).errors) == 8


def test_a_planted_violation_has_its_size():
    """f(x) = x[0, 0]: a shift by s replaces it by x[-s]."""
    result = orbit_errors(lambda x: x[:, 0, 0], X, "shifts", elements=[[0, 0], [1, 0], [0, 2]])
    y = X[:, 0, 0]
    expected = [0.0, *(np.linalg.norm(X[:, -r, -c] - y) / np.linalg.norm(y) for r, c in ((1, 0), (0, 2)))]
    np.testing.assert_allclose(result.errors, expected, rtol=1e-5)
    assert result.worst_element == ((1.0, 0.0) if expected[1] > expected[2] else (0.0, 2.0))
    assert "shift (1, 0)" in str(result)


def test_a_scaled_output_has_the_error_of_the_factor():
    """f(gx) = (1 + a) f(x) off the identity: the error is a."""
    x = np.zeros((3, 8, 8, 1), np.float32) + np.arange(3, dtype=np.float32)[:, None, None, None]
    x[:, 0, 0] += 5

    def f(x):  # 1 when the bright corner is up left, else 1.25
        is_home = x[:, 0, 0, 0] > x[:, -1, -1, 0] + 1
        is_home &= x[:, 0, 0, 0] > x[:, 0, -1, 0] + 1
        return jnp.where(is_home, 1.0, 1.25)[:, None] * x.mean((1, 2))

    np.testing.assert_allclose(orbit_errors(f, x, "C4").errors, [0, 0.25, 0.25, 0.25], atol=1e-5)


def test_fields_and_labels_move():
    field = orbit_errors(lambda x: jnp.tanh(x), X, "D4", "field")
    assert field.worst < 1e-6
    broken = orbit_errors(lambda x: jnp.tanh(x) * jnp.arange(8.0)[None, None, :, None], X, "D4", "field")
    assert broken.worst > 0.3
    labels = orbit_errors(lambda x: x.argmax(-1), X, "D4", "labels")
    assert labels.worst == 0
    noisy = orbit_errors(lambda x: x.argmax(-1).at[:, 0, 0].set(7), X, C4, "labels")
    assert noisy.errors[1] == pytest.approx(2 / 64)  # where the mark is, and where it should be


def test_interpolation_does_not_masquerade_as_model_error():
    """An invariant function and a broken one at 45°: the baseline of smooth images lies between them."""
    x = _smooth()
    good = orbit_errors(lambda x: x.mean((1, 2)), x, C8, disc_mask=True)
    assert good.baseline > 0
    assert good.worst < 2 * good.baseline + 1e-5
    bad = orbit_errors(lambda x: x[:, 6:12].mean((1, 2)), x, C8, disc_mask=True)
    assert bad.worst > 50 * bad.baseline
    assert good.baselines[0] == good.baselines[2] == 0  # 0° and 90° lie on the grid


def test_a_constant_function_is_not_praised():
    result = orbit_errors(lambda x: 0 * x.mean((1, 2)) + 1, X, "C4")
    assert result.worst == 0
    assert not result.alive
    assert "CONSTANT" in str(result)
    one_image = orbit_errors(lambda x: 0 * x.mean((1, 2)) + 1, X[:1], "C4")
    assert not one_image.alive
    assert orbit_errors(lambda x: x.mean((1, 2)), X[:1], "C4").alive


def test_numpy_functions_are_looped_over_and_agree():
    def f(x):
        assert isinstance(x, np.ndarray)
        return x[:, :4].mean((1, 2))

    looped = orbit_errors(as_function(f, numpy=True), X, "C4")
    traced = orbit_errors(lambda x: x[:, :4].mean((1, 2)), X, "C4")
    np.testing.assert_allclose(looped.errors, traced.errors, atol=1e-5)
    assert looped.spread == pytest.approx(traced.spread, rel=1e-5)


def test_families_generators_and_functions():
    mean = lambda x: x.mean((1, 2))  # noqa: E731
    rotated = orbit_errors(mean, _smooth(), "rotate", elements=[0.0, np.pi / 2, 0.3])
    assert rotated.labels[1] == "rotate +1.57"
    assert rotated.errors[2] < 0.01
    brighter = orbit_errors(mean, X + 3, "brightness", elements=[[0.5]])
    assert brighter.worst == pytest.approx(0.5 * np.sqrt(6) / np.linalg.norm((X + 3).mean((1, 2))), rel=1e-3)
    assert brighter.baseline < 1e-6
    turned = orbit_errors(lambda x: rotate(x, 90), X, "C4", lambda g, y: jnp.rot90(y, 1, (1, 2)), elements=[[0, 1]])
    assert turned.worst == 0
    assert len(rotated.rows()) == 3
    assert rotated.rows()[0].keys() == {"element", "label", "error", "baseline"}


def test_the_model_is_traced_once_for_all_elements():
    traces = []

    def f(x):
        traces.append(x.shape)
        return x.mean((1, 2))

    orbit_errors(f, X, "D4")
    few = len(traces)
    traces.clear()
    orbit_errors(f, X, "shifts")
    assert len(traces) == few <= 3


def test_bad_input():
    mean = lambda x: x.mean((1, 2))  # noqa: E731
    for call, message in (
        (lambda: orbit_errors(mean, X[0], "C4"), r"try x\[None\]"),
        (lambda: orbit_errors(mean, X[:, :6], "C4"), "square"),
        (lambda: orbit_errors(mean, X, "rotat"), "did you mean 'rotat"),
        (lambda: orbit_errors(mean, X, "C4", "feild"), "did you mean 'field'"),
        (lambda: orbit_errors(mean, X, "C4", "field"), "shape"),
        (lambda: orbit_errors(mean, X, "C4", "boxes"), r"\[..., 4\]"),
        (lambda: orbit_errors(lambda x: x.mean((1, 2)) / 0, X, "C4"), "NaN"),
        (
            lambda: orbit_errors(lambda x: jnp.where(x[:, 0, 0] == X[:, 0, 0], x[:, 0, 0], jnp.nan), X, "C4"),
            "rotate 90",
        ),
        (lambda: orbit_errors(mean, X * np.nan, "C4"), "finite"),
        (lambda: orbit_errors(mean, X, "C4", elements=[[0, 1, 2]]), "elements"),
        (lambda: orbit_errors(mean, X, "rotate"), "strengths"),
        (lambda: orbit_errors(lambda x: (x, x), X, "C4"), "select"),
        (lambda: orbit_errors(lambda x: x.mean(), X, "C4"), "one output for each"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    orbit_errors(mean, X[:, :6], "C2")
