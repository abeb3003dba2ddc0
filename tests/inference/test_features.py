"""Features of images by a trained network: every kind of images, their files, the commands; what comes along."""

import csv
import importlib
import json

import numpy as np
import pytest
from PIL import Image

import geomdl
from geomdl.cli.main import main
from geomdl.inference import Features, pretrained_names
from geomdl.inference.shipped import card_folder
from geomdl.training import load_trained, save_compact
from geomdl.training.loop.warm_start import source_of

DIGITS, PLAIN = "pretrained:digits_gcnn_d4", "pretrained:digits_gcnn_c1"


@pytest.fixture(scope="module")
def digits():
    return load_trained(DIGITS).dataset.test


@pytest.fixture(scope="module")
def network():
    return geomdl.load(DIGITS)


def test_features_are_the_same_for_every_kind_of_images_and_any_batch(network, digits, tmp_path):
    images = np.round(255 * np.asarray(digits.images[:5])).astype(np.uint8)
    expected = network.features(images)
    assert (expected.shape, expected.dtype) == ((5, 5), np.float32)
    for i, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{i}.png")
    np.save(tmp_path / "all.npy", images)
    kinds = {
        "floats": images / np.float32(255),
        "grey": images[..., 0],
        "list": list(images),
        "Pillow": [Image.fromarray(image[..., 0]) for image in images],
        "files": [tmp_path / f"{i}.png" for i in range(5)],
        "pattern": str(tmp_path / "*.png"),
        "array file": str(tmp_path / "all.npy"),
    }
    for name, given in kinds.items():
        np.testing.assert_allclose(network.features(given, batch_size=2), expected, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(network.features(images[0]), expected[:1], atol=1e-5)


def test_penultimate_features_give_the_class_scores_and_do_not_move(network, digits):
    images = np.asarray(digits.images[:6])
    features = network.features(images)
    head = network.model.layers[13]
    np.testing.assert_allclose(head(features), network.predict(images).outputs, atol=1e-4)
    np.testing.assert_allclose(network.features(images[:, ::-1].swapaxes(1, 2)), features, atol=1e-4)
    moved = network.features(images[:, ::-1], "11")
    assert np.abs(moved - network.features(images, "11")).max() > 1e-2  # a negative control: before the group pooling
    assert "5 regular of D4" in network.feature_layer("11").moves


def test_maps_keep_their_pixels_unless_they_are_pooled(network, digits):
    images = np.asarray(digits.images[:3])
    maps = network.features(images, "2")
    assert maps.ndim == 4
    np.testing.assert_allclose(network.features(images, "2", pool=True), maps.mean((1, 2)), atol=1e-5)


def test_what_features_refuse(network, digits, tmp_path):
    image = np.asarray(digits.images[0])
    with pytest.raises(ValueError, match="unknown layer '14'; allowed: 0, 1, "):
        network.features(image, "14")
    with pytest.raises(ValueError, match="invalid images"):
        network.features(np.zeros((0, 20, 20, 1), np.float32))
    with pytest.raises(ValueError, match="batch_size"):
        network.features(image, batch_size=0)
    with pytest.raises(ValueError, match=r"unknown pretrained network 'digits_gcnn_d3'.*did you mean 'digits_gcnn_d4'"):
        geomdl.pretrained("digits_gcnn_d3")


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_files_hold_what_was_put_into_them(suffix, tmp_path):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    values = np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3)
    features = Features(values, ("ä.png", "b[1]"), np.array([3, 1]), {"moves": "ρ"})
    found = Features.load(features.save(tmp_path / "deep" / f"f{suffix}"))
    np.testing.assert_array_equal(found.values, values)
    assert (found.names, found.labels.tolist(), found.about) == (features.names, [3, 1], features.about)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == [f"f{suffix}"]
    assert Features.load(Features(values, ("a", "b")).save(tmp_path / f"g{suffix}")).labels is None


def test_files_that_are_none_and_a_missing_library_are_one_clear_error(tmp_path, monkeypatch):
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04")
    for name, message in (("broken.npz", "cannot read"), ("none.npz", "there is none"), ("a.csv", "FILE.npz or FILE")):
        with pytest.raises(ValueError, match=message):
            Features.load(tmp_path / name)
    real = importlib.import_module

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(ValueError, match=r"pip install 'geomdl\[parquet\]'.*f\.npz"):
        Features(np.zeros((1, 2), np.float32), ("a",)).save(tmp_path / "f.parquet")


def test_the_command_writes_features_of_a_split_and_says_how_they_move(tmp_path, capsys):
    out = tmp_path / "test.npz"
    assert main(["features", f"--workdir={PLAIN}", "validation", f"--out={out}"]) == 0
    assert "no symmetry is built in" in capsys.readouterr().out
    found = Features.load(out)
    dataset = load_trained(PLAIN).dataset.validation
    assert (len(found), found.about["layer"], found.about["data"]) == (200, "the input of 13", "validation of digits")
    np.testing.assert_array_equal(found.labels, dataset.labels)
    np.testing.assert_allclose(found.values[:9], geomdl.load(PLAIN).features(np.asarray(dataset.images[:9])), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["test", "--out=t.npz", "--layer=x"], "unknown layer 'x'"),
        (["test", "--out=t.csv"], "FILE.npz or FILE.parquet"),
        (["split:tset", "--out=t.npz"], "unknown split 'tset'"),
        (["nowhere/*.png", "--out=t.npz"], "invalid image 'nowhere"),
        (["test", "--out=t.npz", "--checkpoint=7"], "unknown checkpoint '7'; allowed: best, latest, 225"),
    ],
)
def test_bad_input_of_the_command_is_one_error_and_nothing_is_written(
    arguments, message, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["features", f"--workdir={PLAIN}", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_retrieval_of_files_in_folders_of_their_classes_writes_tables_and_a_picture(digits, tmp_path, capsys):
    for i in range(24):
        folder = tmp_path / "files" / str(int(digits.labels[i]))
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.round(255 * digits.images[i][..., 0]).astype(np.uint8)).save(folder / f"{i}.png")
    (tmp_path / "files" / "1" / "broken.png").write_bytes(b"\x89PNG")
    out = tmp_path / "found"
    command = ["retrieve", f"--workdir={PLAIN}", str(tmp_path / "files"), "--gallery", "validation", f"--out={out}"]
    assert main([*command, "--k=3", "--skip-broken"]) == 0
    assert "left out" in capsys.readouterr().err
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["queries"], metrics["gallery"]) == (24, 200)
    assert metrics["precision@1"] > 0.7
    with (out / "neighbours.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24 * 3
    assert rows[0]["neighbour"].startswith("validation[")
    with Image.open(out / "neighbours.png") as picture:
        assert picture.size[0] > 300


def test_a_compact_folder_is_read_as_a_run_is_and_holds_no_paths(tmp_path):
    again = save_compact(PLAIN, tmp_path / "again", "latest")
    assert sorted(p.name for p in again.iterdir()) == ["config.json", "run.json", "weights.safetensors"]
    content = (again / "weights.safetensors").read_bytes()
    assert content == (card_folder(PLAIN) / "weights.safetensors").read_bytes()
    (again / "weights.safetensors").write_bytes(content[:-40])
    with pytest.raises(ValueError, match=r"cannot read .*weights\.safetensors"):
        geomdl.load(again)
    (again / "weights.safetensors").write_bytes((card_folder(DIGITS) / "weights.safetensors").read_bytes())
    with pytest.raises(ValueError, match="is of another model"):
        geomdl.load(again)


def test_a_network_that_comes_along_is_read_and_never_written_to(capsys):
    assert main(["train", "--config=digits_cnn", f"--workdir={PLAIN}"]) == 2
    assert "a network that geomdl brings along" in capsys.readouterr().err
    assert main(["list", "pretrained"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == pretrained_names()
    assert "worst of the quarter turns" in lines[0]


@pytest.mark.parametrize("name", [PLAIN, "digits_gcnn_c1"])
def test_a_run_may_begin_with_a_network_that_comes_along(name):
    source = source_of(name, None, None)
    assert "step 225 of pretrained:digits_gcnn_c1" in source.words
    assert source.classes == tuple("0123456789")
    with pytest.raises(ValueError, match=r"invalid model.init_from 'digits_gcnn_c2'.*; try digits_gcnn_c1"):
        source_of("digits_gcnn_c2", None, None)
