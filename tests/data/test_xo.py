"""X's and O's: canonical patterns, their variations, and balanced splits."""

import dataclasses

import numpy as np
import pytest

from geomdl.data import XOConfig, o_pattern, x_pattern

STILL = XOConfig(
    size=9,
    translation=0,
    scaling=0,
    rotation=0,
    weight=0,
    deformation=0,
    noise=0,
    train_size=4,
    validation_size=2,
    test_size=2,
)


def test_canonical_patterns():
    expected = -np.ones((9, 9))
    for i in range(1, 8):
        expected[i, i] = expected[i, 8 - i] = 1
    np.testing.assert_array_equal(x_pattern(9), expected)
    rows = [
        "000000000",
        "000111000",
        "001000100",
        "010000010",
        "010000010",
        "010000010",
        "001000100",
        "000111000",
        "000000000",
    ]
    np.testing.assert_array_equal(o_pattern(9), 2.0 * np.array([[int(c) for c in row] for row in rows]) - 1)


@pytest.mark.parametrize("size", [9, 10, 13])
@pytest.mark.parametrize("pattern", [x_pattern, o_pattern])
def test_patterns_have_the_symmetry_of_the_square(size, pattern):
    image = pattern(size)
    np.testing.assert_array_equal(np.rot90(image), image)
    np.testing.assert_array_equal(image[::-1], image)


@pytest.mark.parametrize("size", [9, 12, 15])
def test_without_variation_the_images_are_the_patterns(size):
    split = dataclasses.replace(STILL, size=size).load().train
    for image, label in zip(split.images[..., 0], split.labels, strict=True):
        np.testing.assert_array_equal(np.where(image > 0.5, 1, -1), (x_pattern, o_pattern)[label](size))


@pytest.mark.parametrize(
    "option",
    [{"translation": 2}, {"scaling": 0.5}, {"rotation": 45}, {"weight": 2}, {"deformation": 2}, {"noise": 0.2}],
)
def test_each_option_varies_the_images_and_nothing_else_does(option):
    still = dataclasses.replace(STILL, size=19).load().train.images
    np.testing.assert_array_equal(still[0], still[2])
    moved = dataclasses.replace(STILL, size=19, **option).load().train.images
    assert np.abs(moved[0] - moved[2]).max() > 0.1


@pytest.mark.parametrize("size", [17, 18])
def test_letters_stay_in_the_frame(size):
    images = (
        XOConfig(size=size, rotation=180, noise=0, translation=1.5, weight=1, train_size=300)
        .load()
        .train.images[..., 0]
    )
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert not (border > 0.5).any()
    assert (images > 0.5).any(axis=(1, 2)).all()


def test_translation_reaches_both_ends():
    images = (
        XOConfig(size=15, translation=3, scaling=0, rotation=0, weight=0, deformation=0, noise=0).load().train.images
    )
    axis = np.arange(15) - 7
    mass = images.sum(axis=(1, 2, 3))
    for profile in (images.sum(axis=(1, 3)), images.sum(axis=(2, 3))):
        centre = profile @ axis / mass
        assert centre.min() < -2.8
        assert centre.max() > 2.8


def test_splits_are_balanced_different_and_the_same_in_every_run():
    dataset = XOConfig(train_size=100, validation_size=50, test_size=50).load()
    assert np.bincount(dataset.train.labels).tolist() == [50, 50]
    everything = np.concatenate([s.images for s in (dataset.train, dataset.validation, dataset.test)]).reshape(200, -1)
    assert len(np.unique(everything, axis=0)) == 200
    again = XOConfig(train_size=100, validation_size=50, test_size=50).load()
    assert again.train.digest() == dataset.train.digest()
    more = XOConfig(train_size=120, validation_size=1, test_size=1).load()
    np.testing.assert_array_equal(more.train.images[:100], dataset.train.images)
    assert XOConfig(train_size=100, seed=1).load().train.digest() != dataset.train.digest()
    assert 0 <= everything.min() < everything.max() <= 1
    np.testing.assert_allclose(everything.sum(dtype=np.float64), 6677.28, rtol=1e-4)


def test_multi_label_images_hold_what_their_labels_say():
    still = dataclasses.replace(STILL, multi_label=True).load()
    assert still.multi_label
    images = {tuple(label): image[..., 0] for image, label in zip(still.train.images, still.train.labels, strict=True)}
    assert sorted(images) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert not images[0, 0].any()
    np.testing.assert_array_equal(images[1, 1], np.maximum(images[0, 1], images[1, 0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, r"data.size 8; allowed: a whole number, at least 9; try 9"),
        ({"noise": -1}, r"data.noise -1"),
        ({"size": 9, "translation": 4}, r"data.size 9; allowed: a frame with room.*try 1\d"),
        ({"train_size": 0}, r"data.train_size 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        XOConfig(**options)


def test_the_suggested_size_is_large_enough():
    options = {"translation": 4, "rotation": 45, "scaling": 0.5}
    with pytest.raises(ValueError, match="try") as caught:
        XOConfig(size=9, **options)
    XOConfig(size=int(str(caught.value).rsplit(" ", 1)[1]), **options)
