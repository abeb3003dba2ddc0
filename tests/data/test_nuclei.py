"""The nuclei: splits, label maps, and files that are refused."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.data import data_config

COUNT = 12


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Image i is of the grey i; nucleus 1 fills its left half, nucleus 2 a quarter of its right."""
    images = np.tile(np.arange(COUNT, dtype=np.uint8)[:, None, None], (1, 4, 8))
    labels = np.zeros((COUNT, 4, 8), np.uint16)
    labels[:, :, :4] = 1
    labels[:, :2, 5:7] = 2
    path = tmp_path_factory.mktemp("nuclei") / "cells.npz"
    np.savez_compressed(path, images=images, labels=labels)
    return path


def load(file: Path, **options):
    return data_config("nuclei", **{"path": str(file), "test_size": 4, "validation_size": 3, **options}).load()


def greys(split) -> list[int]:
    return split.images[:, 0, 0, 0].tolist()


def test_the_splits_are_fixed_and_recorded(file):
    dataset = load(file)
    assert greys(dataset.test) == [4, 1, 9, 11]
    assert greys(dataset.validation) == [7, 2, 10]
    assert sorted(greys(dataset.test) + greys(dataset.validation) + greys(dataset.train)) == list(range(COUNT))
    assert "the first 4 test, the next 3 validation, the next 5 training images" in dataset.provenance
    assert "seed 0 (" in dataset.provenance
    assert str(file.parent) not in dataset.provenance


def test_the_order_of_the_334_images_is_that_of_the_published_results():
    from geomdl.data.draws import permutation

    assert permutation(0, "nuclei/split", 334)[:5].tolist() == [250, 4, 1, 109, 154]


def test_fewer_training_images_are_a_part_of_more(file):
    few, all_ = load(file, train_size=2), load(file)
    assert greys(few.train) == greys(all_.train)[:2]
    assert greys(few.test) == greys(all_.test)


def test_any_nucleus_is_one_class(file):
    dataset = load(file)
    assert (dataset.label_kind, dataset.num_classes, dataset.classes) == ("map", 2, ("background", "nucleus"))
    assert dataset.train.images.dtype == np.uint8
    expected = np.zeros((4, 8), int)
    expected[:, :4], expected[:2, 5:7] = 1, 1
    np.testing.assert_array_equal(dataset.train.labels[0], expected)


def test_downscaled_images_are_means_and_labels_majorities(file):
    dataset = load(file, downscale=2)
    assert dataset.image_shape == (2, 4, 1)
    assert greys(dataset.test) == greys(load(file).test)
    np.testing.assert_array_equal(dataset.train.labels[0], [[1, 1, 0, 0], [1, 1, 0, 0]])  # half a square is not most


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_size": 6}, "invalid data.train_size 6; allowed: at most 5, of 12 images less 7; try 5"),
        ({"downscale": 3}, "invalid data.downscale 3; allowed: a divisor of 4 and 8 pixels; try 2"),
        ({"test_size": 10}, r"test_size \+ data.validation_size 13; allowed: fewer than the 12 images"),
        ({"test_size": 0}, "invalid data.test_size 0"),
        (
            {"path": "/nowhere.npz"},
            "invalid data.path '/nowhere.npz'; allowed: the path of an .npz file with the arrays",
        ),
        ({"path": None}, "invalid data.path None; allowed: the path of an .npz file"),
    ],
)
def test_bad_options(file, options, message):
    with pytest.raises(ValueError, match=message):
        load(file, **options)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((3, 4, 4), np.uint8)}, "no array 'labels'; there are: images"),
        (
            {"images": np.zeros((3, 4, 4), np.uint8), "labels": np.zeros((3, 4, 5), int)},
            r"size of the labels in .*bad.npz \(3, 4, 5\); allowed: that of the images, \(3, 4, 4\)",
        ),
        (
            {"images": np.zeros((3, 4, 4), np.uint8), "labels": np.full((3, 4, 4), -2)},
            "invalid instance id -2 at row 0, column 0 of image 0 in .*bad.npz",
        ),
        ({"images": np.zeros((3, 4, 4)), "labels": np.zeros((3, 4, 4), int)}, r"images float64 \(3, 4, 4\)"),
    ],
)
def test_bad_files(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "bad.npz")
    (tmp_path / "bad.npz").write_bytes(b"no zip at all")
    with pytest.raises(ValueError, match=r"cannot read .*bad\.npz"):
        load(tmp_path / "bad.npz")
