"""Rotated and shifted test sets: exact where pixels are permuted."""

import numpy as np
import pytest

from geomdl.data import DigitsConfig, rotated, shifted


@pytest.fixture(scope="module")
def images():
    return DigitsConfig(size=15).load().test.images[:8]


@pytest.mark.parametrize("turns", range(-1, 5))
def test_quarter_turns_are_exact(images, turns):
    np.testing.assert_array_equal(rotated(images, 90 * turns), np.rot90(images, turns, (1, 2)))


def test_turning_back_recovers_smooth_images(images):
    error = np.abs(np.asarray(rotated(rotated(images, 30.0), -30.0)) - images)
    assert error.mean() < 0.02


def test_no_rotation_cuts_a_digit():
    """Digits lie in the inscribed disc: turning them keeps their ink, up to the interpolation."""
    images = DigitsConfig(size=28).load().test.images[:50]
    ink = images.sum(axis=(1, 2, 3))
    for degrees in (15.0, 45.0, 200.0):
        np.testing.assert_allclose(np.asarray(rotated(images, degrees)).sum(axis=(1, 2, 3)), ink, rtol=2e-3)


def test_circular_shifts_are_exact_and_compose(images):
    np.testing.assert_array_equal(shifted(images, (3, -2)), np.roll(images, (3, -2), (1, 2)))
    np.testing.assert_array_equal(shifted(shifted(images, (3, -2)), (-3, 2)), images)


def test_cropped_shifts_lose_what_leaves(images):
    moved = np.asarray(shifted(images, (3, -2), mode="crop"))
    np.testing.assert_array_equal(moved[:, 3:, :-2], images[:, :-3, 2:])
    assert not moved[:, :3].any()
    assert not moved[:, :, -2:].any()
    assert not np.asarray(shifted(images, (15, 0), mode="crop")).any()


def test_unsigned_integers_are_scaled_first():
    images = np.full((1, 3, 3, 1), 255, np.uint8)
    np.testing.assert_array_equal(shifted(images, (1, 0)), np.ones((1, 3, 3, 1)))
    np.testing.assert_array_equal(rotated(images, 90), np.ones((1, 3, 3, 1)))


def test_unknown_mode(images):
    with pytest.raises(ValueError, match="unknown shift mode 'cropped'; allowed: circular, crop; did you mean 'crop'"):
        shifted(images, (1, 0), mode="cropped")
