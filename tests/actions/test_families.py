"""Klein's ladder: elements, their homographies, and images that move with them."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import FAMILIES, Family, family, warp_projective

MOTIONS = [name for name, f in FAMILIES.items() if f.moves_plane]


def _noise(size: int = 8) -> jax.Array:
    return jax.random.normal(jax.random.key(0), (2, size, size, 1))


@pytest.mark.parametrize("name", list(FAMILIES))
def test_samples_lie_within_the_strengths_and_follow_the_seed(name):
    chosen = FAMILIES[name]
    elements = chosen.sample(np.random.default_rng(3), 200, strength=0.5)
    assert elements.shape == (200, chosen.element_size)
    np.testing.assert_array_equal(elements, chosen.sample(np.random.default_rng(3), 200, strength=0.5))
    t = elements[:, 1:] if chosen.reflections else elements
    bound = 0.5 * np.array(chosen.strengths)
    assert np.all(np.abs(t) <= bound)
    assert np.all(np.abs(t).max(0, initial=0) > 0.9 * bound)
    if chosen.reflections:
        assert 60 < elements[:, 0].sum() < 140


@pytest.mark.parametrize("name", list(FAMILIES))
def test_the_identity_moves_nothing(name):
    np.testing.assert_allclose(FAMILIES[name].act(FAMILIES[name].identity, _noise()), _noise(), atol=1e-6)


@pytest.mark.parametrize("name", MOTIONS)
def test_traced_and_concrete_elements_agree(name):
    chosen, x = FAMILIES[name], _noise()
    elements = chosen.sample(np.random.default_rng(1), 3)
    traced = jax.jit(jax.vmap(lambda g: (chosen.act(g, x, padding="wrap"), chosen.matrix(g, (8, 8)))))(elements)
    for g, moved, matrix in zip(elements, *traced, strict=True):
        np.testing.assert_allclose(matrix, chosen.matrix(g, (8, 8)), atol=1e-4)
        np.testing.assert_allclose(moved, chosen.act(g, x, padding="wrap"), atol=2e-3)
        np.testing.assert_allclose(warp_projective(x, matrix, padding="wrap"), moved, atol=2e-3)


@pytest.mark.parametrize("name", ["isometry", "projective"])
@pytest.mark.parametrize("traced", [False, True])
def test_undo_is_the_inverse(name, traced):
    chosen = FAMILIES[name]
    grid = jnp.arange(24.0) - 11.5
    x = jnp.exp(-(grid[:, None] ** 2 + (grid[None] - 2) ** 2) / 8)[None, :, :, None]
    there = lambda g: chosen.act(g, x)  # noqa: E731
    back = lambda g, y: chosen.undo(g, y)  # noqa: E731
    if traced:
        there, back = jax.jit(there), jax.jit(back)
    g = np.array([1.0, *0.3 * np.array(chosen.strengths)])
    moved = there(g)
    assert float(jnp.abs(moved - x).max()) > 0.3
    np.testing.assert_allclose(back(g, moved), x, atol=0.03)


def test_reflections_are_exact_also_when_traced():
    x, flip = _noise(), np.array([1.0])
    np.testing.assert_array_equal(FAMILIES["reflection"].act(flip, x), x[:, ::-1])
    np.testing.assert_array_equal(jax.jit(FAMILIES["reflection"].act)(flip, x), x[:, ::-1])
    np.testing.assert_array_equal(jax.jit(FAMILIES["reflection"].undo)(flip, x), x[:, ::-1])


def test_symmetries_of_the_grid_are_exact():
    x = _noise()
    isometry = np.array([1.0, 2.0, 0.0, 0.0])
    np.testing.assert_array_equal(FAMILIES["isometry"].act(isometry, x, padding="wrap"), jnp.roll(x[:, ::-1], 2, 2))
    flipped_then_turned = FAMILIES["isometry"].act([1.0, 0.0, 0.0, np.pi / 2], x)
    np.testing.assert_array_equal(flipped_then_turned, jnp.rot90(x[:, ::-1], axes=(1, 2)))
    np.testing.assert_array_equal(FAMILIES["rotation"].act([-np.pi / 2], x), jnp.rot90(x, -1, (1, 2)))
    shift = np.array([-1.0, 3.0])
    moved = FAMILIES["translation"].act(shift, x, padding="wrap")
    np.testing.assert_array_equal(moved, jnp.roll(x, (-3, -1), (1, 2)))
    np.testing.assert_array_equal(FAMILIES["translation"].undo(shift, moved, padding="wrap"), x)
    assert not np.array_equal(FAMILIES["rotation"].act([0.01], x), x)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["isometry", "projective", "contrast"])
def test_smooth_at_the_identity(name):
    chosen = FAMILIES[name]
    grid = jnp.arange(12.0) - 5.5
    x = jnp.exp(-((grid[:, None] - 1) ** 2 + grid[None] ** 2) / 6)[None, :, :, None]
    direction = jnp.asarray(chosen.identity).at[int(chosen.reflections) :].set(0.1)
    along = jax.jit(lambda t: jax.jvp(lambda t: chosen.act(t * direction, x), (t,), (jnp.ones_like(t),)))
    _, derivative = along(0.0)
    h = 5e-2
    np.testing.assert_allclose(derivative, (along(h)[0] - along(-h)[0]) / (2 * h), atol=2e-3)
    assert float(jnp.abs(derivative).max()) > 0.02


def test_each_rung_contains_the_one_before():
    ladder = [FAMILIES[name] for name in ("reflection", "isometry", "similarity", "affine", "projective")]
    for smaller, larger in itertools.pairwise(ladder):
        assert set(smaller.generators) < set(larger.generators)
        assert larger.reflections
    h = FAMILIES["isometry"].matrix(FAMILIES["isometry"].sample(np.random.default_rng(0), 1)[0], (8, 8))
    np.testing.assert_allclose(h[:2, :2] @ h[:2, :2].T, np.eye(2), atol=1e-12)
    h = FAMILIES["affine"].matrix(FAMILIES["affine"].sample(np.random.default_rng(0), 1)[0], (8, 8))
    np.testing.assert_array_equal(h[2], [0, 0, 1])


@pytest.mark.parametrize(
    ("message", "build"),
    [
        ("did you mean 'rotation'", lambda: family("rotations")),
        ("did you mean 'scale'", lambda: Family("f", ("scal",), (1.0,))),
        ("invalid strengths of f", lambda: Family("f", ("scale",), (1.0, 2.0))),
        ("pixel values only", lambda: Family("f", ("scale", "contrast"), (1.0, 1.0))),
        ("pixel values only", lambda: Family("f", ("contrast",), (1.0,), True)),
        (r"invalid element of rotation \(2,\)", lambda: FAMILIES["rotation"].act([0.0, 1.0], _noise())),
        ("first 0 or 1", lambda: FAMILIES["isometry"].matrix([0.5, 0, 0, 0], (8, 8))),
    ],
)
def test_bad_input(message, build):
    with pytest.raises(ValueError, match=message):
        build()
