"""The digits: splits, enlargement by splines, and options that are refused."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from geomdl.data import DigitsConfig
from geomdl.data.sources.digits import enlarge


@pytest.fixture(scope="module")
def digits():
    return DigitsConfig(size=21).load()


def test_splits_partition_the_digits_stratified(digits):
    assert [len(s) for s in (digits.train, digits.validation, digits.test)] == [1197, 200, 400]
    images = np.concatenate([s.images for s in (digits.train, digits.validation, digits.test)])
    assert len(np.unique(images.reshape(1797, -1), axis=0)) == 1797  # no image in two splits, or twice
    source = np.bincount(load_digits().target)
    for split in (digits.train, digits.validation, digits.test):
        assert np.abs(np.bincount(split.labels) - source * len(split) / 1797).max() <= 2


def test_labels_stay_with_their_images():
    size, scale = 28, 2.0
    dataset = DigitsConfig(size=size, scale=scale).load()
    originals = {
        image.tobytes(): label
        for image, label in zip(enlarge(load_digits().images / 16, size, scale), load_digits().target, strict=True)
    }
    assert all(
        originals[x.tobytes()] == y for x, y in zip(dataset.test.images[..., 0], dataset.test.labels, strict=True)
    )


def test_the_same_in_every_run(digits):
    again = DigitsConfig(size=21).load()
    assert again.train.digest() == digits.train.digest()
    assert DigitsConfig(size=21, split_seed=1).load().train.digest() != digits.train.digest()
    assert digits.test.labels[:12].tolist() == [7, 8, 0, 6, 3, 4, 1, 9, 2, 5, 7, 8]
    np.testing.assert_allclose(digits.test.images.sum(dtype=np.float64), 28071.9, rtol=1e-4)


@pytest.mark.parametrize("size", [20, 21])
def test_images_are_in_the_unit_interval_and_in_the_inscribed_disc(size):
    dataset = DigitsConfig(size=size).load()
    images = dataset.train.images
    assert images.shape == (1197, size, size, 1)
    assert images.dtype == np.float32
    assert images.min() == 0
    assert 0.9 < images.max() <= 1
    axis = np.arange(size) - (size - 1) / 2
    outside = np.hypot(axis[:, None], axis) > (size - 1) / 2
    assert not images[:, outside].any()


def test_clearing_outside_the_disc_costs_little_ink():
    images = load_digits().images / 16
    largest = DigitsConfig(size=28).largest_scale
    whole = enlarge(images, 56, largest).sum()
    assert enlarge(images, 28, largest).sum() / whole > 0.999


@pytest.mark.parametrize("size", [24, 25])
def test_enlarging_commutes_with_quarter_turns_and_flips(size):
    images = load_digits().images[:20] / 16
    for g in (lambda x: np.rot90(x, axes=(1, 2)), lambda x: x[:, :, ::-1]):
        np.testing.assert_allclose(enlarge(g(images), size, 1.7), g(enlarge(images, size, 1.7)), atol=1e-6)


def test_enlarging_interpolates_the_pixels():
    images = load_digits().images[:20] / 16
    np.testing.assert_allclose(enlarge(images, 16, 1.0)[:, 4:12, 4:12], images, atol=1e-6)
    np.testing.assert_allclose(enlarge(images, 31, 2.0)[:, 8:23:2, 8:23:2], images, atol=1e-6)  # every other pixel


def test_smaller_training_sets_are_nested_and_leave_the_test_set_alone(digits):
    small = DigitsConfig(size=21, train_size=100).load()
    np.testing.assert_array_equal(small.train.images, digits.train.images[:100])
    assert small.test.digest() == digits.test.digest()
    assert np.bincount(small.train.labels).min() >= 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, r"data.size 0; allowed: a whole number, at least 8; try 8"),
        ({"size": 20.5}, r"data.size 20.5"),
        ({"scale": 3.0}, r"data.scale 3.0; allowed: above 0, up to 2.475.*try 2.474"),
        ({"train_size": 1198}, r"data.train_size 1198; allowed: a whole number, 1 to 1197; try 1197"),
        ({"test_size": 1700, "validation_size": 97}, r"test_size 1797; allowed: less than the 1797"),
        ({"split_seed": -1}, r"data.split_seed -1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        DigitsConfig(**options)
