"""Homographies move images smoothly, agree with affine warps, and are exact on the grid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import move, roll, shift_crop, turn, warp, warp_projective
from geomdl.actions.projective import GridMotion, grid_transformation


def _noise(height: int = 8, width: int = 8) -> jax.Array:
    return jax.random.normal(jax.random.key(0), (2, height, width, 1))


def _homography(linear: np.ndarray, offset: np.ndarray, row: tuple[float, float] = (0, 0)) -> np.ndarray:
    return np.block([[linear, offset[:, None]], [np.array([[*row, 1.0]])]])


@pytest.mark.parametrize("padding", ["zeros", "wrap", "mirror"])
def test_affine_maps_are_warps(padding):
    x, linear, offset = _noise(7, 8), np.array([[1.1, 0.3], [-0.2, 0.9]]), np.array([0.7, -1.3])
    moved = warp_projective(x, _homography(linear, offset), padding=padding)
    np.testing.assert_allclose(moved, warp(x, linear, offset, padding=padding), atol=2e-5)


def test_the_identity_is_the_identity():
    np.testing.assert_allclose(warp_projective(_noise(), np.eye(3)), _noise(), atol=2e-6)
    np.testing.assert_array_equal(move(_noise(), 2 * np.eye(3)), _noise())  # homographies have no scale


def test_a_blob_goes_where_the_homography_sends_it():
    size, start = 33, np.array([4.0, -3.0])
    grid = np.arange(size) - (size - 1) / 2
    x, y = np.meshgrid(grid, -grid)
    blob = np.exp(-((x - start[0]) ** 2 + (y - start[1]) ** 2) / 4)[None, :, :, None].astype(np.float32)
    matrix = _homography(np.array([[0.9, -0.4], [0.5, 1.1]]), np.array([1.0, 2.0]), (0.03, -0.02))
    moved = np.asarray(warp_projective(blob, matrix))[0, :, :, 0]
    q = matrix @ [*start, 1]
    expected = q[:2] / q[2]
    centre = np.array([(moved * x).sum(), (moved * y).sum()]) / moved.sum()
    np.testing.assert_allclose(centre, expected, atol=0.3)
    assert np.linalg.norm(expected - q[:2]) > 0.8  # the division matters


def test_beyond_the_horizon_is_nothing():
    moved = warp_projective(jnp.ones((1, 9, 9, 1)), _homography(np.eye(2), np.zeros(2), (-0.5, 0)), padding="wrap")
    # p' = p / (1 − x/2): x → 2 goes to infinity, and x' ≤ −2 is the image of what lies beyond
    np.testing.assert_allclose(moved[0, :, 4:, 0], 1, atol=1e-5)
    np.testing.assert_array_equal(moved[0, :, :2, 0], 0)
    assert bool(jnp.isfinite(moved).all())


@pytest.mark.compiled
def test_derivative_at_the_identity():
    grid = jnp.arange(12.0) - 5.5
    x, y = jnp.meshgrid(grid, -grid)
    image = jnp.exp(-(x**2 + y**2) / 8)[None, :, :, None]
    direction = jnp.array([[0.1, 0.2, 0.5], [-0.3, 0.1, -0.2], [0.01, 0.02, 0.0]])

    @jax.jit
    def along(t: jax.Array) -> jax.Array:
        return warp_projective(image, jnp.eye(3) + t * direction)

    _, derivative = jax.jvp(along, (jnp.array(0.0),), (jnp.array(1.0),))
    h = 2e-2
    np.testing.assert_allclose(derivative, (along(h) - along(-h)) / (2 * h), atol=2e-3)
    # −∇x · v(p), with v the velocity of the homography at p
    u, v = 0.1 * x + 0.2 * y + 0.5, -0.3 * x + 0.1 * y - 0.2
    w = 0.01 * x + 0.02 * y
    analytic = (x * (u - w * x) + y * (v - w * y)) / 4 * image[0, :, :, 0]
    np.testing.assert_allclose(derivative[0, 2:-2, 2:-2, 0], analytic[2:-2, 2:-2], atol=0.02)
    assert float(jnp.abs(analytic).max()) > 0.2


@pytest.mark.parametrize("padding", ["zeros", "wrap", "mirror"])
@pytest.mark.parametrize("shift", [(0, 2), (-3, 1)])
def test_whole_pixels_are_not_interpolated(padding, shift):
    rows, columns = shift
    x = _noise(6, 7)
    moved = move(x, _homography(np.eye(2), np.array([columns, -rows])), padding=padding)
    expected = {"wrap": roll(x, shift), "zeros": shift_crop(x, shift)}.get(padding)
    if expected is None:
        outside = np.pad(x, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
        expected = outside[:, 4 - rows : 10 - rows, 4 - columns : 11 - columns]
    np.testing.assert_array_equal(moved, expected)
    warped = warp_projective(x, _homography(np.eye(2), np.array([columns, -rows])), padding=padding)
    if padding != "zeros":  # there the spline fades out over a pixel beyond the edge
        np.testing.assert_allclose(warped, moved, atol=2e-5)


@pytest.mark.parametrize("reflected", [0, 1])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_symmetries_of_the_grid_are_exact(reflected, turns):
    angle = np.pi / 2 * turns
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag(
        [1, 1 - 2 * reflected]
    )
    matrix = _homography(linear, np.zeros(2))
    assert grid_transformation(matrix, (8, 8)) == GridMotion(reflected, turns, 0, 0)
    np.testing.assert_array_equal(move(_noise(), matrix), turn(_noise(), reflected, turns))
    assert (grid_transformation(matrix, (6, 8)) is None) == (turns % 2 == 1)


def test_one_homography_for_each_image():
    matrices = np.stack([_homography(np.eye(2) * s, np.zeros(2), (0.01, 0)) for s in (1.0, 1.2)])
    together = warp_projective(_noise(), matrices)
    for i in range(2):
        np.testing.assert_allclose(together[i], warp_projective(_noise(), matrices[i])[i], atol=1e-6)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"invalid shape of the homography \(2, 2\)"):
        warp_projective(_noise(), np.eye(2))
    with pytest.raises(ValueError, match="did you mean 'zeros'"):
        move(_noise(), np.eye(3), padding="zero")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="shape of images"):
        move(_noise()[0], np.eye(3))
