"""Regenerated MNIST-rot: splits, angles, and images turned by them."""

import dataclasses
import hashlib
import os

import numpy as np
import pytest
from scipy import stats

from geomdl.data import MNISTRotConfig, data_config, prepared, rotate_each
from geomdl.data.sources.mnist_rot import make_splits, random_angles


@pytest.fixture(scope="module")
def pool():
    """70 frames with one bright pixel to the right of the centre; the label is the frame's number mod 10."""
    images = np.zeros((70, 13, 13, 1), np.uint8)
    images[:, 6, 9:11] = 200
    return images, np.arange(70) % 10


def test_the_protocol_at_its_sizes():
    fields = {f.name: f.default for f in dataclasses.fields(MNISTRotConfig)}
    assert (fields["train_size"], fields["validation_size"], fields["test_size"]) == (10_000, 2_000, 50_000)


def test_splits_are_disjoint_stratified_and_fixed(pool):
    images, labels = pool
    images = images.copy()
    images[:, 6, 6, 0] = np.arange(70)  # the centre stays in place, and tells which digit it is
    splits = make_splits(images, labels, (30, 10, 20), seed=0)
    assert [len(s) for s in splits] == [30, 10, 20]
    drawn = [split.images[:, 6, 6, 0] for split in splits]
    assert len({*np.concatenate(drawn).tolist()}) == 60
    angles = random_angles(70, seed=0)
    for split, digits in zip(splits, drawn, strict=True):
        assert np.ptp(np.bincount(split.labels)) <= 2
        np.testing.assert_array_equal(split.labels, digits % 10)
        np.testing.assert_array_equal(split.images, rotate_each(images[digits], angles[digits]))
    again = make_splits(images, labels, (30, 10, 20), seed=0)
    assert [s.digest() for s in again] == [s.digest() for s in splits]
    small = make_splits(images, labels, (10, 10, 20), seed=0)
    np.testing.assert_array_equal(small[0].images, splits[0].images[:10])
    assert small[2].digest() == splits[2].digest()
    assert make_splits(images, labels, (30, 10, 20), seed=1)[0].digest() != splits[0].digest()


def test_each_digit_is_turned_by_its_own_angle(pool):
    images, _ = pool
    angles = random_angles(len(images), 5)
    turned = rotate_each(images, angles)[..., 0].astype(float)
    axis = np.arange(13) - 6.0
    total = turned.sum(axis=(1, 2))
    x, y = (turned.sum(axis=1) @ axis) / total, -(turned.sum(axis=2) @ axis) / total
    off = (np.rad2deg(np.arctan2(y, x)) - angles + 180) % 360 - 180
    assert np.abs(off).max() < 4


def test_angles_are_uniform_on_the_circle():
    angles = random_angles(20_000, 0)
    assert 0 <= angles.min() < angles.max() < 360
    assert stats.kstest(angles / 360, "uniform").pvalue > 0.01


def test_quarter_turns_lose_nothing(pool):
    images, _ = pool
    np.testing.assert_array_equal(rotate_each(images[:4], np.full(4, 90.0)), np.rot90(images[:4], axes=(1, 2)))


def test_from_a_prepared_folder(prepared_folder, tmp_path):
    """The whole way, on a small data set prepared under the name of MNIST."""
    import json
    import shutil

    shutil.copytree(prepared_folder / "tiny", tmp_path / "mnist")
    info = tmp_path / "mnist" / "1.0.0" / "dataset_info.json"
    info.write_text(json.dumps(json.loads(info.read_text()) | {"name": "mnist"}))
    for path in info.parent.glob("tiny-*"):
        path.rename(path.with_name(path.name.replace("tiny", "mnist")))
    config = data_config("mnist_rot", data_dir=str(tmp_path), train_size=40, validation_size=20, test_size=30)
    dataset = config.load()
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [40, 20, 30]
    assert "regenerated" in dataset.provenance
    assert "seed 0" in dataset.provenance


@pytest.mark.parametrize(
    ("options", "message"),
    [({"train_size": 0}, "data.train_size 0"), ({"test_size": 60_000}, "72000; allowed: at most the 70,000 digits")],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        data_config("mnist_rot", **options)


def test_real_mnist():
    if "mnist" not in prepared():
        pytest.skip(f"mnist is not prepared in TFDS_DATA_DIR={os.environ.get('TFDS_DATA_DIR')}")
    dataset = data_config("mnist_rot", test_size=2_000).load()
    assert len(dataset.train) == 10_000
    counts = np.bincount(dataset.train.labels)
    np.testing.assert_allclose(
        counts / 10_000, [0.0986, 0.1125, 0.0999, 0.102, 0.0975, 0.0902, 0.0982, 0.1042, 0.0975, 0.0994], atol=1e-3
    )
    assert hashlib.sha256(dataset.test.labels.tobytes()).hexdigest()[:16] == "24607d9b216b57bf"
    assert 30 < dataset.train.images.mean() < 36
