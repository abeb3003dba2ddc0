"""Data sets of TensorFlow Datasets from a prepared folder: splits, labels, and errors that say what to do."""

import hashlib
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

from geomdl.data import Column, StreamLoader, data_config, prepared


def constants(split):
    """The number of each example, which the frames of the written data sets show."""
    return np.asarray(split.images)[:, 0, 0, 0].tolist()


def test_published_test_set_is_kept_and_validation_carved_from_train(prepared_folder):
    dataset = data_config("tfds:tiny", data_dir=str(prepared_folder)).load()
    assert dataset.image_shape == (8, 8, 1)
    assert dataset.classes == ("a", "b", "c")
    assert constants(dataset.test) == list(range(60, 90))
    assert sorted(constants(dataset.train) + constants(dataset.validation)) == list(range(60))
    assert np.bincount(dataset.validation.labels).tolist() == [2, 2, 2]
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.labels.tolist() == [i % 3 for i in constants(split)]
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int32
    assert "validation split carved from 'train', stratified with seed 0" in dataset.provenance


def test_both_sets_are_carved_where_only_train_is_published(prepared_folder):
    options = {"data_dir": str(prepared_folder), "test_fraction": 0.25, "validation_fraction": 0.15}
    dataset = data_config("tfds:train_only/rgb", **options).load()
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [36, 9, 15]
    assert sorted(constants(dataset.train) + constants(dataset.validation) + constants(dataset.test)) == list(range(60))
    assert np.ptp(np.bincount(dataset.test.labels)) <= 2
    assert dataset.image_shape == (6, 6, 3)
    again = data_config("tfds:train_only", **options).load()  # the only config prepared
    assert again.test.digest() == dataset.test.digest()
    other = data_config("tfds:train_only", **options, split_seed=1).load()
    assert other.test.digest() != dataset.test.digest()
    small = data_config("tfds:train_only", **options, train_size=12).load()
    assert set(constants(small.train)) < set(constants(dataset.train))
    assert small.test.digest() == dataset.test.digest()


def test_all_published_splits_are_kept(prepared_folder):
    dataset = data_config("tfds:published", data_dir=str(prepared_folder)).load()
    assert constants(dataset.train) == list(range(30))
    assert constants(dataset.validation) == list(range(30, 42))
    assert constants(dataset.test) == list(range(42, 57))
    assert "splits as published" in dataset.provenance


def test_reading_on_demand_gives_the_same_examples(prepared_folder):
    held = data_config("tfds:tiny", data_dir=str(prepared_folder), in_memory=True).load().train
    lazy = data_config("tfds:tiny", data_dir=str(prepared_folder), in_memory=False).load().train
    assert isinstance(lazy.images, Column)
    assert not lazy.in_memory
    assert lazy.images.shape == held.images.shape
    assert lazy.images.nbytes == held.images.nbytes
    assert lazy.digest() == held.digest()
    np.testing.assert_array_equal(lazy.images[[5, 2]], held.images[[5, 2]])
    np.testing.assert_array_equal(lazy.labels[3:7], held.labels[3:7])
    np.testing.assert_array_equal(lazy[4]["image"], held.images[4])
    assert constants(lazy.subset([9, 7, 1]).subset([2, 0])) == [held.images[k, 0, 0, 0] for k in (1, 9)]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(lazy)).images[:3], held.images[:3])


def test_images_of_several_sizes_are_brought_to_one(prepared_folder):
    with pytest.raises(ValueError, match=r"data.size None.*of several sizes.*try 64"):
        data_config("tfds:several_sizes", data_dir=str(prepared_folder)).load()
    dataset = data_config("tfds:several_sizes", data_dir=str(prepared_folder), size=7).load()
    assert dataset.image_shape == (7, 7, 3)
    assert (dataset.train.images == dataset.train.images[:, :1, :1]).all()  # constant frames stay constant
    assert dataset.train.labels.tolist() == [i % 3 for i in constants(dataset.train)]


def test_sequences_of_labels_become_indicators(prepared_folder):
    dataset = data_config("tfds:multi", data_dir=str(prepared_folder)).load()
    assert dataset.multi_label
    expected = [[(i >> k) & 1 for k in range(3)] for i in constants(dataset.train)]
    np.testing.assert_array_equal(dataset.train.labels, expected)
    assert dataset.train.labels.dtype == np.float32


def test_what_is_prepared_and_the_environment_variable(prepared_folder, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared_folder))
    assert list(prepared()) == ["multi", "published", "several_sizes", "tiny", "train_only/rgb"]
    assert len(data_config("tfds:tiny").load().test) == 30


def test_missing_data_says_where_it_looked_and_what_to_do(prepared_folder, tmp_path, monkeypatch):
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    with pytest.raises(ValueError, match=r"'tfds:tyni'.*tfds:published.*try tfds:tiny.*geomdl\[prepare\]"):
        data_config("tfds:tyni", data_dir=str(prepared_folder)).load()
    with pytest.raises(ValueError, match=r"train_only/gray.*try tfds:train_only/rgb"):
        data_config("tfds:train_only/gray", data_dir=str(prepared_folder)).load()
    with pytest.raises(ValueError, match=r"a prepared version of tiny in .*: 1\.0\.0"):
        data_config("tfds:tiny:2.0.0", data_dir=str(prepared_folder)).load()
    missing = tmp_path / "nowhere"
    with pytest.raises(ValueError, match=f"data.data_dir '{missing}'.*does not exist.*download_and_prepare"):
        data_config("tfds:mnist", data_dir=str(missing)).load()
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"neither data.data_dir nor the environment variable TFDS_DATA_DIR is set"):
        data_config("tfds:mnist").load()
    monkeypatch.setenv("TFDS_DATA_DIR", str(missing))
    with pytest.raises(ValueError, match=f"TFDS_DATA_DIR '{missing}'"):
        data_config("mnist_rot").load()


@pytest.mark.parametrize("harm", ["no records", "cut records", "cut info", "no info", "wrong length", "bad features"])
def test_a_corrupt_folder_is_one_clear_error(prepared_folder, tmp_path, harm):
    where = tmp_path / "tiny" / "1.0.0"
    shutil.copytree(prepared_folder / "tiny", tmp_path / "tiny")
    records, info = sorted(where.glob("*train*"))[0], where / "dataset_info.json"
    match harm:
        case "no records":
            records.unlink()
        case "cut records":
            records.write_bytes(records.read_bytes()[: records.stat().st_size // 2])
        case "cut info":
            info.write_text(info.read_text()[:100])
        case "no info":
            info.unlink()
        case "wrong length":
            info.write_text(info.read_text().replace('"20"', '"2000"', 1))
        case "bad features":
            (where / "features.json").write_text("{}")
    with pytest.raises(ValueError, match=f"corrupt data set in {where}.*copy or prepare it again"):
        data_config("tfds:tiny", data_dir=str(tmp_path)).load()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("tfds:", {}, r"data.name 'tfds:'.*try tfds:mnist"),
        ("tfds:mnist", {"validation_fraction": 1.5}, r"data.validation_fraction 1.5; allowed: a number, in \[0, 1\)"),
        ("tfds:mnist", {"validation_fraction": 0}, r"data.validation_fraction 0; .*try 0.1"),
        (
            "tfds:mnist",
            {"validation_fraction": 0.5, "test_fraction": 0.5},
            "less than 1, so that training images remain",
        ),
        ("tfds:mnist", {"size": 0}, r"data.size 0"),
    ],
)
def test_bad_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        data_config(name, **options)


def test_bad_options_found_when_loading(prepared_folder):
    with pytest.raises(ValueError, match=r"data.train_size 100; allowed: a whole number, 1 to 54; try 54"):
        data_config("tfds:tiny", data_dir=str(prepared_folder), train_size=100).load()
    with pytest.raises(ValueError, match=r"data.label_key 'lable'.*try label"):
        data_config("tfds:tiny", data_dir=str(prepared_folder), label_key="lable").load()


@pytest.mark.parametrize("worker_count", [0, 1])
def test_streaming_from_records(prepared_folder, worker_count):
    split = data_config("tfds:tiny", data_dir=str(prepared_folder), in_memory=False).load().train
    loader = StreamLoader(split, batch_size=9, seed=0, worker_count=worker_count)
    seen = []
    for step in range(loader.steps_per_epoch):
        batch = loader.fetch(step)
        assert (batch["image"][:, 0, 0, 0] % 3 == batch["label"]).all()
        seen += batch["image"][:, 0, 0, 0].tolist()
    loader.close()
    assert sorted(seen) == sorted(constants(split))


def test_nothing_heavy_is_imported_before_it_is_used():
    code = (
        "import sys, geomdl.data as d; d.data_config('digits'); d.data_config('tfds:mnist');"
        "print({'sklearn', 'tensorflow_datasets', 'grain', 'tensorflow', 'PIL'} & {*sys.modules})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_reading_neither_imports_tensorflow_nor_prints(prepared_folder):
    code = (
        "import sys; from geomdl.data import data_config\n"
        f"dataset = data_config('tfds:tiny', data_dir={str(prepared_folder)!r}).load()\n"
        "print(len(dataset.train), 'tensorflow' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (result.stdout.strip(), result.stderr) == ("54 False", "")


REAL = {
    "mnist": (54_000, 6_000, 10_000, (28, 28, 1)),
    "fashion_mnist": (54_000, 6_000, 10_000, (28, 28, 1)),
    "eurosat/rgb": (4_200, 600, 1_200, (64, 64, 3)),
}


REAL_DIGESTS = {"mnist": "ce8bb045c3f05e10", "fashion_mnist": "ee756cfab947e142", "eurosat/rgb": "db014cddc2f40adc"}


@pytest.mark.parametrize("name", REAL)
def test_real_data_sets(name):
    if name not in prepared():
        pytest.skip(f"{name} is not prepared in TFDS_DATA_DIR={os.environ.get('TFDS_DATA_DIR')}")
    dataset = data_config(f"tfds:{name}", in_memory=False).load()  # the labels are read, and a few images
    *sizes, shape = REAL[name]
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == sizes
    assert dataset.image_shape == shape
    share = np.bincount(dataset.train.labels) / sizes[0]
    np.testing.assert_allclose(np.bincount(dataset.validation.labels) / sizes[1], share, atol=2 / sizes[1])
    assert dataset.train.images[:5].std() > 10
    digest = hashlib.sha256(dataset.validation.images[:5].tobytes() + np.asarray(dataset.validation.labels).tobytes())
    assert digest.hexdigest()[:16] == REAL_DIGESTS[name]
