"""Red–Green images: the task, the bias of the training set, and the two test sets."""

import dataclasses

import numpy as np
import pytest

from geomdl.data import RedGreenConfig

CONFIG = RedGreenConfig(train_size=400, validation_size=60, test_size=400)


def corners(images):
    """The (row, column) of the upper left corner of the red and of the green square, each ``[n, 2]``."""
    found = []
    for colour in (0, 1):
        rows, columns = images[..., colour].any(2), images[..., colour].any(1)
        found.append(np.stack([rows.argmax(1), columns.argmax(1)], 1))
        assert (images[..., colour].sum((1, 2)) == 16).all()
        assert (rows.sum(1) == 4).all()
        assert (columns.sum(1) == 4).all()
    return found


@pytest.mark.parametrize("dissimilar", [False, True])
def test_the_class_says_which_square_is_left(dissimilar):
    dataset = dataclasses.replace(CONFIG, dissimilar=dissimilar).load()
    for split in (dataset.train, dataset.validation, dataset.test):
        red, green = corners(split.images)
        np.testing.assert_array_equal(split.labels, (green[:, 1] < red[:, 1]).astype(int))
        assert (np.abs(red[:, 1] - green[:, 1]) >= 5).all()
        assert np.bincount(split.labels).tolist() == [len(split) // 2] * 2
        assert not split.images[..., 2].any()
        assert set(np.unique(split.images)) == {0.0, 1.0}


def test_the_half_gives_the_class_away_in_training_and_misleads_in_the_dissimilar_test():
    similar, dissimilar = CONFIG.load(), dataclasses.replace(CONFIG, dissimilar=True).load()
    for split, flipped in ((similar.train, False), (similar.test, False), (dissimilar.train, False),
                           (dissimilar.test, True)):  # fmt: skip
        for square in corners(split.images):
            np.testing.assert_array_equal((square[:, 0] >= 16) != flipped, split.labels == 1)
    assert similar.train.digest() == dissimilar.train.digest()
    assert similar.validation.digest() == dissimilar.validation.digest()


def test_the_dissimilar_images_are_the_similar_ones_moved_by_half_an_image():
    similar, dissimilar = CONFIG.load().test, dataclasses.replace(CONFIG, dissimilar=True).load().test
    np.testing.assert_array_equal(np.roll(similar.images, 16, 1), dissimilar.images)
    np.testing.assert_array_equal(similar.labels, dissimilar.labels)


def test_places_are_those_of_the_published_code():
    red, green = corners(dataclasses.replace(CONFIG, train_size=20_000).load().train.images)
    left, right = np.minimum(red[:, 1], green[:, 1]), np.maximum(red[:, 1], green[:, 1])
    assert (left.min(), left.max(), right.max()) == (0, 9, 27)
    rows = np.concatenate([red[:, 0], green[:, 0]])
    assert set(rows) == {*range(3, 11), *range(19, 27)}
    assert np.bincount(left).min() > 1800, "uniform: 2,000 each"


def test_the_same_in_every_run_and_another_with_another_seed():
    again = dataclasses.replace(CONFIG, train_size=500).load().train.images[:400]
    np.testing.assert_array_equal(again, CONFIG.load().train.images)
    assert dataclasses.replace(CONFIG, seed=1).load().train.digest() != CONFIG.load().train.digest()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 30}, "data.size 30; allowed: a multiple of 4; try 32"),
        ({"size": 0}, "data.size 0"),
        ({"box": 9}, "data.box 9; allowed: squares with room to move in 32x32 pixels; try 5"),
        ({"size": 4, "box": 1}, "data.box 1"),
        ({"test_size": 0}, "data.test_size 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        RedGreenConfig(**options)


@pytest.mark.parametrize("box", [1, 5])
def test_other_squares_stay_in_their_half(box):
    split = RedGreenConfig(size=32, box=box, train_size=500).load().train
    upper = split.images[split.labels == 0]
    assert not upper[:, 16:].any()
    assert (split.images.sum((1, 2)) == [box**2, box**2, 0]).all()
