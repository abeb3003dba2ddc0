"""Trained networks given images as they come: in Python, and by the command."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import geomdl
from geomdl.cli.main import main
from geomdl.data import Preprocessing
from geomdl.inference import Predictions, Predictor, Reading
from geomdl.inference.image_sources import image_sources
from geomdl.training import load_trained

DIGITS = """
def get_config():
    return {
        "data": {"name": "digits"},
        "model": {"name": "cnn" if PLAIN else "gcnn", "width": 2},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {"steps": 30, "batch_size": 64},
    }
"""

SHAPES = """
def get_config():
    return {
        "data": {"name": "shapes", "size": 32, "train_size": 40, "validation_size": 20, "test_size": 20},
        "model": {"name": "unet", "depth": 1, "width": 4},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {"steps": 20, "batch_size": 8},
    }
"""


def _trained(folder: Path, config: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.py").write_text(config)
    assert main(["train", f"--config={folder}/config.py", f"--workdir={folder}/run", "--quiet"]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _trained(tmp_path_factory.mktemp("digits"), DIGITS.replace("PLAIN", "True"))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _trained(tmp_path_factory.mktemp("shapes"), SHAPES)


@pytest.fixture(scope="module")
def images(digits: Path) -> np.ndarray:
    """Some digits as uint8."""
    return np.round(255 * np.asarray(load_trained(digits).dataset.test.images[:20])).astype(np.uint8)


def test_every_form_of_an_image_gives_the_same(digits: Path, images: np.ndarray) -> None:
    network = geomdl.load(digits)
    expected = network.predict(images).probabilities
    assert expected.shape == (20, 10)
    np.testing.assert_allclose(expected.sum(1), 1, rtol=1e-5)
    for given in (
        images.astype(np.uint16) * 257,
        (images / 255).astype(np.float32),
        images / 255,
        images[..., 0],
        list(images),
        [Image.fromarray(image[..., 0]) for image in images],
        np.repeat(images, 3, axis=3),  # grey in RGB
    ):
        np.testing.assert_allclose(network.predict(given).probabilities, expected, atol=1e-5)
    for one in (images[0], images[0, ..., 0], Image.fromarray(images[0, ..., 0])):
        np.testing.assert_allclose(network.predict(one).probabilities, expected[:1], atol=1e-5)
    np.testing.assert_allclose(network.predict(images, batch_size=7).probabilities, expected, atol=1e-5)
    named = network.predict(images, names=[f"image {i}" for i in range(20)])
    assert named.classes == tuple(str(label) for label in expected.argmax(1))
    assert next(named.rows())["image"] == "image 0"


def test_every_kind_of_file_gives_the_same(digits: Path, images: np.ndarray, tmp_path: Path) -> None:
    grey, exif = Image.fromarray(images[0, ..., 0]), Image.Exif()
    exif[0x0112] = 6  # lies on its side
    for name, image in {
        "rgb.png": grey.convert("RGB"),
        "palette.png": grey.convert("P"),
        "opacity.png": grey.convert("LA"),
        "rgba.webp": grey.convert("RGBA"),
        "deep.tif": Image.fromarray(np.asarray(grey).astype(np.uint16) * 257),
        "turned.png": grey.rotate(90),
    }.items():
        image.save(tmp_path / name, lossless=True, **({"exif": exif} if name == "turned.png" else {}))
    network = geomdl.load(digits)
    expected = network.predict(images[0]).probabilities
    for given in (tmp_path, str(tmp_path), [tmp_path / "rgb.png", tmp_path / "palette.png"]):
        found = network.predict(given)
        assert found.names[0].startswith(str(tmp_path))
        np.testing.assert_allclose(found.probabilities, np.repeat(expected, len(found), 0), atol=1e-5)
    with pytest.raises(ValueError, match=r"invalid path .*; allowed: a work directory of geomdl train, or a folder"):
        geomdl.load(tmp_path)
    for source in image_sources([tmp_path]):
        np.testing.assert_allclose(
            network.predict([source.read()]).probabilities, expected, atol=1e-5, err_msg=source.name
        )


def test_damaged_exports_are_refused(digits: Path, tmp_path: Path) -> None:
    assert main(["export", f"--workdir={digits}", f"--out={tmp_path}/net"]) == 0
    network = geomdl.load(tmp_path / "net")
    with pytest.raises(ValueError, match=r"invalid size of images '20×28'; allowed: .*; try 28×28"):
        network.predict(np.zeros((20, 28), np.uint8))
    for name, content in (
        ("weights.safetensors", b""),
        ("network.stablehlo", (tmp_path / "net" / "network.stablehlo").read_bytes()[:300]),
        ("network.json", b"{}"),
        ("network.json", b"[1]"),
        ("network.json", b"{"),
    ):
        whole = (tmp_path / "net" / name).read_bytes()
        (tmp_path / "net" / name).write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot read the exported network|invalid network\.json"):
            geomdl.load(tmp_path / "net")
        (tmp_path / "net" / name).write_bytes(whole)


def test_the_group_average_is_invariant(digits: Path, images: np.ndarray) -> None:
    network = geomdl.load(digits)
    turned = np.rot90(images, axes=(1, 2)).copy()
    plain = np.abs(network.predict(images).probabilities - network.predict(turned).probabilities).max()
    averages = [network.predict(x, average="C4").probabilities for x in (images, turned)]
    np.testing.assert_allclose(*averages, atol=1e-5)
    assert plain > 1e-2


def test_the_group_average_of_label_maps_turns_with_the_image(shapes: Path) -> None:
    network = geomdl.load(shapes)
    x = np.asarray(load_trained(shapes).dataset.test.images[:3])
    maps, moved = (np.stack(network.predict(given, average="D4").outputs) for given in (x, x[:, :, ::-1]))
    np.testing.assert_allclose(moved, maps[:, :, ::-1], atol=1e-4)


def test_an_exported_network_says_the_same_in_another_process(digits: Path, images: np.ndarray, tmp_path: Path) -> None:
    assert main(["export", f"--workdir={digits}", f"--out={tmp_path}/net"]) == 0
    Image.fromarray(images[0, ..., 0]).save(tmp_path / "0.png")
    about = json.loads((tmp_path / "net" / "network.json").read_text())
    assert about["outputs"]["classes"] == list("0123456789")
    assert about["image_shape"] == [28, 28, 1]
    for folder, out in ((digits, "run.jsonl"), (tmp_path / "net", "net.jsonl")):
        command = ["predict", f"--workdir={folder}", "0.png", f"--out={out}"]
        code = f"import sys; from geomdl.cli.main import main; sys.exit(main({command!r}))"
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    run, net = (json.loads((tmp_path / f"{name}.jsonl").read_text()) for name in ("run", "net"))
    assert run.keys() == net.keys()
    for key in about["outputs"]["classes"]:
        assert run[key] == pytest.approx(net[key], abs=1e-5)


def test_files_folders_patterns_and_arrays(
    digits: Path, images: np.ndarray, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, i in (("a/1.png", 0), ("a/b/2.png", 1), ("c/3.jpg", 2)):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[i, ..., 0]).save(name)
    np.savez("many.npz", images=images[3:6])
    np.save("more.npy", images[6:8, ..., 0])
    capsys.readouterr()
    assert main(["predict", f"--workdir={digits}", "a", "c/*.jpg", "many.npz", "more.npy", "--batch-size=3"]) == 0
    printed = capsys.readouterr()
    rows = list(csv.DictReader(printed.out.splitlines()))
    assert [row["image"] for row in rows] == [
        "a/1.png", "a/b/2.png", "c/3.jpg", "many.npz[0]", "many.npz[1]", "many.npz[2]", "more.npy[0]", "more.npy[1]",
    ]  # fmt: skip
    expected = geomdl.load(digits).predict(images[:8])
    assert [row["class"] for row in rows if row["image"] != "c/3.jpg"] == [
        name for i, name in enumerate(expected.classes) if i != 2
    ]
    assert "8 images" in printed.err


def test_label_maps_and_pictures(shapes: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    network = geomdl.load(shapes)
    x = np.round(255 * np.asarray(load_trained(shapes).dataset.test.images[:2, ..., 0])).astype(np.uint8)
    Path("in/deep").mkdir(parents=True)
    for name, image in zip(("in/a.png", "in/deep/a.png"), x, strict=True):
        Image.fromarray(image).save(name)
    Image.fromarray(np.tile(x[0], (2, 3))).save("in/large.png")
    arguments = ["predict", f"--workdir={shapes}", "in", "--out=maps", "--overlays=pictures"]
    assert main(arguments) == 0
    assert main([*arguments[:-2], "--out=windows", "--window=24"]) == 0
    for name, size in (("a", (32, 32)), ("deep/a", (32, 32)), ("large", (64, 96))):
        labels = np.asarray(Image.open(f"maps/{name}.png"))
        assert labels.shape == size
        assert np.asarray(Image.open(f"pictures/{name}.png")).shape == (*size, 3)
        assert (labels == np.asarray(Image.open(f"windows/{name}.png"))).mean() > 0.999
    np.testing.assert_array_equal(np.asarray(Image.open("maps/a.png")), network.predict(x[0]).labels[0])
    shares = list(csv.DictReader(Path("maps/predictions.csv").read_text().splitlines()))
    assert sum(float(shares[0][name]) for name in network.classes) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.png"], "invalid image 'nothing.png'; allowed: a file or folder that is there, or a pattern"),
        (["empty"], "invalid folder of images 'empty'; allowed: a folder with PNG"),
        (["broken.png"], r"cannot read .*broken.png \(it is text\)"),
        (["broken.npz"], r"cannot read .*broken.npz \("),
        (["flat.npy"], r"invalid shape of the images in .*flat.npy \(5,\); allowed: \[n, height, width\]"),
        (["small.png"], "small.png, 9×28 pixels: .*; or allow it .*fit='cover' resizes|small.png, 9×28 pixels"),
        (["good.png", "--average=SO2"], "invalid average 'SO2'; allowed: a finite group"),
        (["good.png", "--average=C_44q"], "unknown group 'C_44q'"),
        (
            ["good.png", "--average=C4x"],
            "invalid average 'C4x'; allowed: a finite group of rotations and reflections of the plane",
        ),
        (["good.png", "--window=9"], "invalid window 9; allowed: None for this network"),
        (["good.png", "--batch-size=0"], "invalid batch_size 0"),
        (["good.png", "--out=table.txt"], "invalid --out 'table.txt'; allowed: FILE.csv or FILE.jsonl"),
        (["good.png", "--overlays=pictures"], "invalid --overlays .*label maps"),
    ],
)
def test_what_is_wrong_is_said(digits: Path, arguments, message, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("broken.png").write_text("no image")
    Path("broken.npz").write_text("no arrays")
    np.save("flat.npy", np.ones(5))
    Image.fromarray(np.zeros((28, 28), np.uint8)).save("good.png")
    Image.fromarray(np.zeros((9, 28), np.uint8)).save("small.png")
    capsys.readouterr()
    assert main(["predict", f"--workdir={digits}", *arguments]) == 2
    error = capsys.readouterr().err
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(error)
    assert not Path("pictures").exists()


def test_broken_files_are_left_out_on_request(digits: Path, images: np.ndarray, tmp_path: Path, capsys) -> None:
    (tmp_path / "a.png").write_text("no image")
    Image.fromarray(images[0, ..., 0]).save(tmp_path / "b.png")
    out = tmp_path / "out.csv"
    assert main(["predict", f"--workdir={digits}", str(tmp_path), f"--out={out}", "--skip-broken"]) == 0
    assert "1 images, 1 left out" in capsys.readouterr().err
    assert len(out.read_text().splitlines()) == 2


def test_images_that_are_none_are_refused(digits: Path, images: np.ndarray) -> None:
    network = geomdl.load(digits)
    for given, message in (
        (np.full((28, 28), np.nan), "NaN or infinite"),
        (images[:0], "one image or more"),
        ([], "invalid"),
        ("images", "invalid image 'images'; allowed: a file or folder that is there"),
        (None, "allowed: an array of numbers"),
        (images.astype(complex), "complex|dtype"),
        (np.zeros((28, 28, 5, 1, 1)), "shape of image"),
    ):
        with pytest.raises(ValueError, match=message):
            network.predict(given)


def test_each_kind_of_output_is_read() -> None:
    y = np.array([[2.0, -1.0, 0.5]])
    names = ("a", "b", "c")
    labels = Predictions((y[0],), Reading("labels", "sigmoid", names), ("x",))
    assert labels.classes == (("a", "c"),)
    assert next(labels.rows())["labels"] == "a c"
    scores = Predictions((y[0],), Reading("class", "none", names), ("x",))
    assert next(scores.rows()) == {"image": "x", "class": "a", "score": 2.0, "a": 2.0, "b": -1.0, "c": 0.5}
    binary = Predictions((np.array([[[3.0], [-3.0]]]),), Reading("map", "sigmoid", ("no", "yes")), ("x",))
    assert binary.labels.tolist() == [[[1, 0]]]
    assert next(binary.rows()) == {"image": "x", "no": 0.5, "yes": 0.5}
    values = Predictions((y[0],), Reading("values", "none", ()), ("x",))
    assert list(next(values.rows())) == ["image", "output_0", "output_1", "output_2"]
    for reading in (labels.reading, scores.reading, binary.reading):
        assert Reading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading


def test_only_the_last_of_several_batches_is_filled_up() -> None:
    seen: list[int] = []

    def network(x):
        seen.append(len(x))
        return x.mean((1, 2))

    predictor = Predictor(network, Reading("values", "none", ("mean",)), Preprocessing(channels=1), (8, 8, 1))
    sizes = [8, 8, 8, 8, 8, 5, 6, 7]
    said = predictor.predict([np.full((n, n), n / 10, np.float32) for n in sizes], batch_size=2)
    assert seen == [2, 2, 2, 1, 1, 1]  # of 8 pixels two whole batches and one that is filled up; of others one image
    np.testing.assert_allclose(said.labels[:, 0], np.array(sizes) / 10, rtol=1e-6)


def test_sources_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(tmp_path / "a.png")
    (source,) = image_sources([tmp_path])
    assert source.read().shape == (3, 4, 1)
