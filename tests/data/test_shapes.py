"""Drawn shapes: the same everywhere, labels where the shapes are, no angle or place preferred."""

import dataclasses
import hashlib

import numpy as np
import pytest

from geomdl.data import ShapesConfig
from geomdl.training import RunConfig

SMALL = ShapesConfig(size=40, count=3, train_size=60, validation_size=2, test_size=4)


@pytest.fixture(scope="module")
def dataset():
    return SMALL.load()


def test_the_same_everywhere(dataset):
    labels = [getattr(dataset, split).labels for split in ("train", "validation", "test")]
    digests = [hashlib.sha256(part.tobytes()).hexdigest()[:16] for part in labels]
    assert digests == ["f44ddf53641d6f3c", "4260fcc2ec195b85", "03a3b84244173f10"]
    assert repr(SMALL) in dataset.provenance


def test_a_longer_split_extends_a_shorter_one(dataset):
    longer = dataclasses.replace(SMALL, test_size=6).load().test
    np.testing.assert_array_equal(longer.images[:4], dataset.test.images)
    np.testing.assert_array_equal(longer.labels[:4], dataset.test.labels)


def test_labels_are_where_the_shapes_are(dataset):
    images, labels = dataset.train.images[..., 0], dataset.train.labels
    assert labels.dtype == np.int32
    assert labels.shape == images.shape == (60, 40, 40)
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
    assert images.min() >= 0
    assert images.max() <= 1
    bare = dataclasses.replace(SMALL, noise=0, texture=0).load().train
    ground = bare.images[..., 0] == 0.25
    assert (bare.labels[ground] == 0).all()
    assert ((bare.labels > 0) == (bare.images[..., 0] > 0.25 + 0.5 * 0.75)).mean() > 0.95
    assert bare.images[..., 0][bare.labels > 0].min() > 0.4  # more than half covered, by 0.6 or more


def test_no_orientation_and_no_place_stands_out():
    """Where each class is in many images changes little under the symmetries of the frame."""
    labels = (
        ShapesConfig(size=24, count=1, smallest=4, largest=6, train_size=1500, noise=0, texture=0).load().train.labels
    )
    share = np.stack([(labels == k).mean(axis=0) for k in range(1, 5)])
    for transformation in (np.rot90, lambda x, **_: x[:, ::-1], lambda x, **_: x.swapaxes(1, 2)):
        moved = transformation(share, **({"axes": (1, 2)} if transformation is np.rot90 else {}))
        assert np.abs(moved - share).sum() < 0.15 * share.sum()


def test_shapes_do_not_touch(dataset):
    for labels in dataset.train.labels:
        down, right = labels[1:], labels[:, 1:]
        for a, b in ((labels[:-1], down), (labels[:, :-1], right)):
            assert ((a == b) | (a == 0) | (b == 0)).all()


def test_label_maps_make_a_run_one_of_segmentation():
    sections = {"model": {"name": "fcn"}, "training": {"steps": 2}}
    assert (
        RunConfig.from_config_dict({"data": {"name": "shapes"}, **sections}).to_dict()["task"]["name"] == "segmentation"
    )
    assert (
        RunConfig.from_config_dict({"data": {"name": "xo"}, **sections}).to_dict()["task"]["name"] == "classification"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 20}, "invalid data.size 20; allowed: a frame for shapes of radius 10.0: 22 or more"),
        ({"shapes": ("disk",)}, "unknown data.shapes 'disk'; allowed: disc, ring.*did you mean 'disc'"),
        ({"shapes": ()}, r"invalid data.shapes \(\)"),
        ({"smallest": 12.0}, "invalid data.smallest 12.0; allowed: from 1 to data.largest, which is 10.0; try 10"),
        ({"noise": -1}, "data.noise -1"),
        ({"count": 0}, "data.count 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ShapesConfig(**options)
