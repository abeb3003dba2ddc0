"""Actions are group actions: exact on the grid, smooth and accurate off it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomdl.actions import act, act_labels, roll, rotate, rotation_matrix, shift_crop, turn, warp
from geomdl.groups import C4, D4, C, wallpaper
from geomdl.representations import FieldType


def _field(field_type: FieldType, size: tuple[int, ...], seed: int = 0) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), (2, *size, field_type.size))


@pytest.mark.parametrize("size", [(), (4, 4), (5, 5)], ids=str)
@pytest.mark.parametrize("fields", ["2 trivial", "1 regular", "1 irrep(1,1) + 1 regular"])
@given(seed=st.integers(0, 2**16))
def test_action_is_a_homomorphism_for_every_pair(fields: str, size: tuple[int, ...], seed: int):
    t = FieldType(D4, fields)
    a, b = D4.sample(np.random.default_rng(seed), 2)
    x = _field(t, size, seed)
    np.testing.assert_allclose(act(a, act(b, x, t), t), act(D4.product(a, b), x, t), atol=1e-6)


@pytest.mark.parametrize("n", [4, 5])
def test_rotation_is_counter_clockwise_and_reflection_swaps_up_and_down(n: int):
    t = FieldType(D4, "1 trivial")
    x = np.zeros((1, n, n, 1), np.float32)
    x[0, 0, n - 1] = 1  # top right
    quarter = np.asarray(act(np.array([0, 1]), x, t))
    assert quarter[0, 0, 0, 0] == 1  # top left
    flipped = np.asarray(act(np.array([1, 0]), x, t))
    assert flipped[0, n - 1, n - 1, 0] == 1  # bottom right


@pytest.mark.parametrize("n", [4, 5])
def test_traced_and_concrete_elements_agree(n: int):
    t = FieldType(C(8), "1 regular + 1 irrep(1)")
    x = _field(t, (n, n))
    elements = C(8).elements()
    traced = jax.jit(jax.vmap(lambda g: act(g, x, t)))(elements)
    for g, moved in zip(elements, traced, strict=True):
        np.testing.assert_allclose(moved, act(g, x, t), atol=2e-6)


def test_grid_symmetries_inside_a_larger_group_stay_exact_when_traced():
    t = FieldType(C(8), "1 trivial")
    x = _field(t, (6, 6))
    moved = jax.jit(lambda g: act(g, x, t))(np.array([0, 2]))
    np.testing.assert_array_equal(moved, jnp.rot90(x, axes=(1, 2)))


@given(seed=st.integers(0, 2**16))
def test_wallpaper_group_acts_on_the_torus(seed: int):
    p4m = wallpaper("p4m", 5)

    def transformation(g: np.ndarray, x: jax.Array) -> jax.Array:
        shift, h = p4m.split(g)
        return roll(turn(x, int(h[0]), int(h[1])), tuple(shift.tolist()))

    a, b = p4m.sample(np.random.default_rng(seed), 2)
    x = jax.random.normal(jax.random.key(seed), (1, 5, 5, 1))
    np.testing.assert_array_equal(transformation(a, transformation(b, x)), transformation(p4m.product(a, b), x))


def test_label_maps_are_permuted_and_never_mixed():
    labels = jax.random.randint(jax.random.key(0), (2, 6, 6), 0, 5)
    for g in D4.elements():
        moved = act_labels(g, labels, D4)
        assert moved.dtype == labels.dtype
        np.testing.assert_array_equal(np.sort(moved, axis=None), np.sort(labels, axis=None))
        np.testing.assert_array_equal(act_labels(D4.inverse(g), moved, D4), labels)
    with pytest.raises(ValueError, match="45°"):
        act_labels(np.array([0, 1]), labels, C(8))


def test_shift_crop_equals_roll_inside():
    x = jnp.arange(30.0).reshape(1, 5, 6, 1)
    moved = shift_crop(x, (1, -2), fill=-1.0)
    np.testing.assert_array_equal(moved[:, 1:, :-2], roll(x, (1, -2))[:, 1:, :-2])
    assert bool((moved[:, 0] == -1).all())
    assert bool((moved[:, :, -2:] == -1).all())


def _blob(n: int, centre: tuple[float, float], width: float) -> jax.Array:
    """A Gaussian at (x, y) pixels from the centre."""
    c = (n - 1) / 2
    i, j = np.mgrid[:n, :n]
    return jnp.asarray(np.exp(-((j - c - centre[0]) ** 2 + (c - i - centre[1]) ** 2) / (2 * width**2)))[None, ..., None]


@pytest.mark.parametrize("n", [24, 25])
@pytest.mark.parametrize("padding", ["zeros", "wrap", "mirror"])
@pytest.mark.parametrize("degrees", [0.0, 13.0, 45.0, 90.0, 200.0])
def test_warp_rotates_a_smooth_image_to_where_it_belongs(degrees: float, padding, n: int):
    x = _blob(n, (4.0, 2.0), 2.0).astype(jnp.float32)
    angle = np.deg2rad(degrees)
    centre = (4 * np.cos(angle) - 2 * np.sin(angle), 4 * np.sin(angle) + 2 * np.cos(angle))
    moved = warp(x, rotation_matrix(degrees), padding=padding)
    # Within the inscribed disc nothing comes from outside; 3e-3 is the interpolation error of the cubic spline.
    inside = np.hypot(*(np.mgrid[:n, :n] - (n - 1) / 2))[None, ..., None] <= (n - 1) / 2
    np.testing.assert_allclose(np.where(inside, moved, 0), np.where(inside, _blob(n, centre, 2.0), 0), atol=3e-3)


def test_warp_shifts_by_fractions_and_scales():
    x = _blob(25, (0.0, 0.0), 2.0).astype(jnp.float32)
    moved = warp(x, jnp.eye(2), jnp.array([1.5, -0.25]))
    np.testing.assert_allclose(moved, _blob(25, (1.5, -0.25), 2.0), atol=3e-3)
    np.testing.assert_allclose(warp(x, 1.5 * jnp.eye(2)), _blob(25, (0, 0), 3.0), atol=3e-3)


@pytest.mark.compiled
def test_warp_is_the_identity_at_the_identity_and_differentiable_there():
    """The derivative with respect to the angle is the generator x ∂_y − y ∂_x applied to the image."""
    with jax.enable_x64(True):
        n, width = 25, 3.0
        x = _blob(n, (3.0, 0.0), width)
        np.testing.assert_allclose(warp(x, jnp.eye(2)), x, atol=1e-12)
        _, derivative = jax.jvp(lambda d: warp(x, rotation_matrix(d)), (jnp.array(0.0),), (jnp.array(1.0),))
        c = (n - 1) / 2
        i, j = np.mgrid[:n, :n]
        px, py = j - c, c - i
        # d/dθ f(R(−θ)p) = py ∂_x f − px ∂_y f with ∇f = −(p − centre)/width² f, and degrees to radians.
        expected = (py * -(px - 3) - px * -py) / width**2 * np.asarray(x[0, ..., 0]) * np.pi / 180
        np.testing.assert_allclose(derivative[0, ..., 0], expected, atol=5e-3 * np.abs(expected).max())


def test_one_matrix_per_image():
    x = jax.random.normal(jax.random.key(0), (3, 9, 9, 2))
    angles = jnp.array([10.0, 20.0, 30.0])
    together = warp(x, rotation_matrix(angles), jnp.ones((3, 2)))
    for i in range(3):
        alone = warp(x[i : i + 1], rotation_matrix(angles[i]), jnp.ones(2))
        np.testing.assert_allclose(together[i], alone[0], atol=1e-5)


@pytest.mark.parametrize("degrees", [90, 180.0, -90, 360])
def test_rotate_by_quarter_turns_is_exact(degrees: float):
    x = jax.random.normal(jax.random.key(0), (1, 6, 6, 1))
    np.testing.assert_array_equal(rotate(x, degrees), jnp.rot90(x, int(degrees // 90), (1, 2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: act(np.array([0, 1]), jnp.zeros((1, 4, 5, 1)), FieldType(C4, "1 trivial")), "square images; got 4x5"),
        (lambda: act(np.array([1, 0]), jnp.zeros((1, 4, 4, 1)), FieldType(C4, "1 trivial")), "element of C4"),
        (lambda: act(np.array([0, 7]), jnp.zeros((1, 4, 4, 1)), FieldType(C4, "1 trivial")), "element of C4"),
        (lambda: act(np.array([0, 1]), jnp.zeros((1, 4, 4, 3)), FieldType(C4, "1 regular")), "3 channels"),
        (lambda: act(np.array([0, 1]), jnp.zeros((4, 4, 4)), FieldType(C4, "1 regular")), "shape"),
        (lambda: warp(jnp.zeros((1, 4, 4, 1)), jnp.eye(2), padding="zeroes"), "did you mean 'zeros'"),  # type: ignore
        (lambda: warp(jnp.zeros((4, 4)), jnp.eye(2)), r"shape of images .* try x\[None, ..., None\]"),
    ],
)
def test_bad_arguments(call, message: str):
    with pytest.raises(ValueError, match=message):
        call()
