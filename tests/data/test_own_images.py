"""Folders, label maps and arrays of one's own: what is read, in memory and on demand, and what is refused."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geomdl.data import Preprocessing, data_config, make_loader
from geomdl.data.sources.own.image_files import read_image

RNG = np.random.default_rng(0)
SPLITS = ("train", "validation", "test")


def save(file: Path, pixels: np.ndarray, **options) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, **options)


def noise(height: int = 8, width: int = 8, channels: int = 3) -> np.ndarray:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return RNG.integers(0, 256, shape).astype(np.uint8)


@pytest.fixture
def photos(tmp_path) -> Path:
    """Two classes of ten PNG images."""
    for label in ("cat", "dog"):
        for i in range(10):
            save(tmp_path / "photos" / label / f"{i}.png", noise())
    return tmp_path / "photos"


@pytest.fixture
def cells(tmp_path) -> Path:
    """Twelve images with binary label maps."""
    for i in range(12):
        save(tmp_path / "cells" / "images" / f"{i}.png", noise())
        save(tmp_path / "cells" / "masks" / f"{i}.png", (noise(channels=1) > 100).astype(np.uint8) * 255)
    return tmp_path / "cells"


@pytest.fixture
def stacks(tmp_path) -> Path:
    """Sixteen images of five bands of 16 bits, and their classes, as .npy files."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    np.save(folder / "images.npy", RNG.integers(0, 65536, (16, 6, 6, 5)).astype(np.uint16))
    np.save(folder / "labels.npy", np.arange(16) % 3)
    return folder


def load(name: str, path: Path, **options):
    return data_config(name, path=str(path), **options).load()


def batches(dataset, steps: int = 5) -> list[dict]:
    loader = make_loader(dataset.train, 4, seed=3)
    found = [loader.select(loader.fetch(step), step) for step in range(steps)]
    loader.close()
    return [{name: np.asarray(value) for name, value in batch.items()} for batch in found]


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("photos", {"size": 6, "normalize": "train"}),
        ("photos", {}),
        ("cells", {"size": (5, 6), "fit": "contain"}),
        ("stacks", {"normalize": "train"}),
        ("stacks", {"size": 4, "fit": "crop"}),
    ],
)
def test_in_memory_and_on_demand_give_the_same_batches(source, options, request):
    path = request.getfixturevalue(source)
    name = {"photos": "folder", "cells": "masks", "stacks": "arrays"}[source]
    held, read = (load(name, path, in_memory=there, **options) for there in (True, False))
    assert (held.train.in_memory, read.train.in_memory) == (True, False)
    assert held.provenance == read.provenance
    assert held.preprocessing == read.preprocessing
    for split in SPLITS:
        assert getattr(held, split).digest() == getattr(read, split).digest()
    for one, other in zip(batches(held), batches(read), strict=True):
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])


def test_some_decoded_images_are_kept_and_no_more(photos, monkeypatch):
    from geomdl.data.sources.own import records, stored_files

    decoded = []
    monkeypatch.setattr(records, "_KEPT_BYTES", 5 * 8 * 8 * 3)
    monkeypatch.setattr(stored_files, "read_image", lambda file: decoded.append(file) or read_image(file))
    split = load("folder", photos, in_memory=False).train
    first = split.images[:]
    decoded.clear()
    np.testing.assert_array_equal(split.images[:], first)
    assert len(decoded) == len(split) - 5


def test_splits_are_stratified_recorded_and_disjoint(photos):
    dataset = load("folder", photos, split_seed=4)
    assert dataset.classes == ("cat", "dog")
    assert [len(getattr(dataset, s)) for s in SPLITS] == [14, 3, 3]
    assert "stratified with seed 4" in dataset.provenance
    names = [name for split in SPLITS for name in dataset.names[split]]
    assert len(set(names)) == 20
    assert {len(set(dataset.names[s]) & set(dataset.names[t])) for s in SPLITS for t in SPLITS if s != t} == {0}
    labels = [name.split("/")[0] for name in dataset.names["train"]]
    assert [dataset.classes[i] for i in dataset.train.labels] == labels
    assert abs(labels.count("cat") - 7) <= 1
    assert load("folder", photos, split_seed=5).names["test"] != dataset.names["test"]


def test_given_splits_are_kept_and_the_missing_one_is_carved(tmp_path):
    for split, count in (("train", 10), ("val", 3)):
        for label in ("a", "b"):
            for i in range(count):
                save(tmp_path / split / label / f"{i}.bmp", noise())
    dataset = load("folder", tmp_path)
    assert [len(getattr(dataset, s)) for s in SPLITS] == [17, 6, 3]
    assert all(name.startswith("val/") for name in dataset.names["validation"])
    assert all(name.startswith("train/") for name in dataset.names["test"])


def table(file: Path, rows: list[list]) -> Path:
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(rows)
    return file


def test_a_table_with_one_class_or_several_labels(photos):
    files = [f"{label}/{i}.png" for label in ("cat", "dog") for i in range(10)]
    one = table(photos / "one.csv", [["file", "label", "split"], *([f, f[:3], ""] for f in files)])
    assert load("folder", one).classes == ("cat", "dog")
    several = table(
        photos / "several.csv", [["file", "labels"], *([f, "cat;old" if "1" in f else "dog"] for f in files)]
    )
    dataset = load("folder", several)
    assert dataset.multi_label
    assert dataset.classes == ("cat", "dog", "old")
    ones = table(photos / "ones.csv", [["file", "b", "a"], *([f, int("cat" in f), 1] for f in files)])
    dataset = load("folder", ones)
    assert dataset.classes == ("b", "a")
    np.testing.assert_array_equal(dataset.train.labels[:, 0], [float("cat" in n) for n in dataset.names["train"]])
    wrong = table(photos / "wrong.csv", [["file", "label"], *([f, "x"] for f in files), ["cat/99.png", "y"]])
    with pytest.raises(ValueError, match=r"cannot find the image 'cat/99.png' of row 22.*did you mean '9.png'"):
        load("folder", wrong)


def test_label_maps_binary_palette_colours_and_ignored(tmp_path, cells):
    dataset = load("masks", cells)
    assert (dataset.label_kind, dataset.classes) == ("map", ("background", "foreground"))
    stored = np.asarray(Image.open(cells / "masks" / Path(dataset.names["train"][0]).name))
    np.testing.assert_array_equal(dataset.train.labels[0], stored // 255)
    colours = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 9)], np.uint8)
    for i in range(6):
        places = RNG.integers(0, 3, (8, 8))
        save(tmp_path / "c" / "images" / f"{i}.png", noise())
        save(tmp_path / "c" / "masks" / f"{i}_mask.png", colours[places])
        palette = Image.fromarray(places.astype(np.uint8), mode="L").convert("P")
        palette.putpalette(list(range(9)))
        (tmp_path / "p" / "masks").mkdir(parents=True, exist_ok=True)
        palette.save(tmp_path / "p" / "masks" / f"{i}.png")
        save(tmp_path / "p" / "images" / f"{i}.png", noise())
    assert load("masks", tmp_path / "c", mask_suffix="_mask").classes == ("#000000", "#000009", "#ff0000")
    named = {"mask_suffix": "_mask", "colors": ((0, 0, 0), (255, 0, 0)), "ignored": (0, 0, 9), "classes": ("a", "b")}
    assert set(np.unique(load("masks", tmp_path / "c", **named).train.labels)) == {-1, 0, 1}
    assert load("masks", tmp_path / "p").classes == ("0", "1", "2")
    with pytest.raises(ValueError, match=r"6 images have no label map.*try data.mask_suffix='_mask'"):
        load("masks", tmp_path / "c")


def test_arrays_of_every_kind(tmp_path, stacks):
    dataset = load("arrays", stacks)
    assert dataset.image_shape == (6, 6, 5)
    assert dataset.train.images.dtype == np.uint16
    grey = RNG.random((12, 5, 5)).astype(np.float64)
    kinds = {
        "class": np.array(["x", "y", "z"])[np.arange(12) % 3],
        "labels": np.array([[1, 1], [0, 1], [0, 0]])[np.arange(12) % 3],
        "map": RNG.integers(0, 3, (12, 5, 5)),
        "values": RNG.random(12),
    }
    for kind, labels in kinds.items():
        np.savez(tmp_path / f"{kind}.npz", images=grey, labels=labels)
        config = data_config("arrays", path=str(tmp_path / f"{kind}.npz"))
        assert config.label_kind == kind == config.load().label_kind
    np.savez(tmp_path / "s.npz", train_images=grey, train_labels=np.arange(12) % 2, val_images=grey[:2],
             val_labels=[0, 1], test_images=grey[:4], test_labels=[[0], [1], [0], [1]])  # fmt: skip
    assert [len(getattr(load("arrays", tmp_path / "s.npz"), s)) for s in SPLITS] == [12, 2, 4]
    np.savez(tmp_path / "x.npz", x_train=grey, y_train=np.arange(12) % 2, x_test=grey[:4], y_test=[0, 1, 0, 1])
    assert [len(getattr(load("arrays", tmp_path / "x.npz"), s)) for s in SPLITS] == [10, 2, 4]


def test_preprocessing_is_what_the_data_set_has_had(photos):
    dataset = load("folder", photos, size=6, normalize="train", channels="grey")
    again = Preprocessing.from_dict(dataset.preprocessing.to_dict())
    raw = np.asarray(Image.open(photos / dataset.names["test"][0]))
    assert again(raw).shape == (6, 6, 1)
    np.testing.assert_array_equal(again(raw), dataset.test.images[0])
    np.testing.assert_array_equal(again(raw[None])[0], dataset.test.images[0])
    mean = np.asarray(dataset.train.images).mean((0, 1, 2))
    np.testing.assert_allclose(mean, 0, atol=1e-5)
    np.testing.assert_allclose(np.asarray(dataset.train.images).std((0, 1, 2)), 1, atol=1e-5)


@pytest.mark.parametrize("fit", ["cover", "contain", "stretch", "crop", "pad"])
def test_every_fit_keeps_the_centre(fit):
    image = np.zeros((7, 11, 1), np.uint8)
    image[3, 5] = 255
    size = {"crop": (3, 5), "pad": (9, 13)}.get(fit, (7, 7))
    found = Preprocessing(size=size, fit=fit).pixels(image)
    assert found.shape == (*size, 1)
    assert np.unravel_index(found.argmax(), found.shape)[:2] == (size[0] // 2, size[1] // 2)


def test_colours_opacity_and_depth(tmp_path):
    clear = np.dstack([np.full((4, 4, 3), 200, np.uint8), np.full((4, 4), 0, np.uint8)])
    assert Preprocessing(channels=3)(clear).max() == 0  # laid over black
    assert Preprocessing(channels=4)(clear).max() == np.float32(200 / 255)
    assert Preprocessing(channels=3)(clear[..., 0]).shape == (4, 4, 3)
    with pytest.raises(ValueError, match="invalid number of channels of an image 5; allowed: 3, or grey, RGB or RGBA"):
        Preprocessing(channels=3)(np.zeros((2, 4, 4, 5), np.uint8))
    with pytest.raises(ValueError, match=r"dtype of images 'int32'.*a scale"):
        Preprocessing()(np.zeros((4, 4), np.int32))
    assert Preprocessing(scale=4095)(np.full((4, 4), 4095, np.int32)).max() == 1
    for label in "ab":
        for i in range(5):
            save(tmp_path / "deep" / label / f"{i}.png", RNG.integers(0, 65536, (4, 4)).astype(np.uint16))
    dataset = load("folder", tmp_path / "deep")
    assert (dataset.image_shape, dataset.train.images.dtype) == ((4, 4, 1), np.uint16)


def test_photographs_are_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for label in "ab":
        for i in range(3):
            save(tmp_path / label / f"{i}.jpg", noise(8, 16), exif=exif)
    assert load("folder", tmp_path).image_shape == (16, 8, 3)


def test_what_is_refused(tmp_path, photos, cells):
    with pytest.raises(ValueError, match=r"invalid data.path .*photo'; allowed: a folder.*; try .*photos"):
        load("folder", photos.with_name("photo"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="this has nothing of the kind: it is empty"):
        load("folder", tmp_path / "empty")
    with pytest.raises(ValueError, match="10 images and no folders of classes"):
        load("folder", photos / "cat")
    (photos / "cow").mkdir()
    (photos / "cow" / "a.txt").write_text("moo")
    with pytest.raises(ValueError, match=r"class 'cow' in .* has no images; its files are \.txt"):
        load("folder", photos)
    (photos / "cow" / "a.txt").rename(photos / "a.txt")
    (photos / "cow").rmdir()
    save(photos / "cat" / "big.png", noise(9, 8))
    with pytest.raises(ValueError, match=r"of 2 sizes: 8×8 \(20 images.*data.size=8 with data.fit"):
        load("folder", photos)
    for options, message in (
        ({"fit": "cove"}, "unknown data.fit 'cove'.*did you mean 'cover'"),
        ({"channels": "rbg"}, "unknown data.channels 'rbg'"),
        ({"normalize": "imagenet", "channels": "grey"}, "for RGB images"),
        ({"size": 8, "fit": "crop", "classes": ("cat", "dgo")}, "try dgo"),
        ({"sise": 8}, "did you mean 'size'"),
    ):
        with pytest.raises(ValueError, match=message):
            load("folder", photos, **options)
    save(cells / "masks" / "0.png", np.full((8, 8), 7, np.uint8))
    with pytest.raises(ValueError, match=r"invalid mask value 7 at row 0, column 0 of images/0.png; .*; try 0"):
        load("masks", cells, values=(0, 255))
    (cells / "masks" / "3.png").unlink()
    with pytest.raises(ValueError, match=r"1 image has no label map, e.g. 3 in .*images"):
        load("masks", cells)
    save(cells / "masks" / "3.png", noise(4, 4, 1))
    with pytest.raises(ValueError, match=r"invalid size of the label map .*3.png '4×4'; allowed: that of its image"):
        load("masks", cells)


def test_a_class_with_too_few_images_to_train_on(photos):
    save(photos / "emu" / "only.png", noise())
    configs = [data_config("folder", path=str(photos), split_seed=seed) for seed in range(20)]
    with pytest.raises(ValueError, match=r"number of images of class 'emu' in .* 1; allowed: enough"):
        _ = [config.load() for config in configs]


def test_broken_files_are_named_and_left_out_on_request(photos):
    whole = (photos / "cat" / "1.png").read_bytes()
    (photos / "cat" / "1.png").write_bytes(whole[:-60])
    (photos / "dog" / "2.png").write_text("<html>")
    with pytest.raises(ValueError, match=r"cannot read 1 of 20 images: .*dog/2.png \(it is an HTML page.*'skip'"):
        load("folder", photos)
    (photos / "dog" / "2.png").unlink()
    with pytest.raises(ValueError, match=r"cannot read .*cat/1.png .*data.broken='skip'"):
        load("folder", photos)
    dataset = load("folder", photos, broken="skip")
    assert sum(len(getattr(dataset, s)) for s in SPLITS) == 18
    assert "1 that cannot be read left out (1.png)" in dataset.provenance


def test_tiff_files_of_many_bands_and_of_colours_with_16_bits(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    for label in "ab":
        for folder, shape in (("bands", (6, 7, 8)), ("deep", (6, 7, 3))):
            place = tmp_path / folder / label
            place.mkdir(parents=True)
            for i in range(3):
                pixels = RNG.integers(0, 65536, shape).astype(np.uint16)
                options = {"planarconfig": "contig", "photometric": "rgb" if folder == "deep" else "minisblack"}
                tifffile.imwrite(place / f"{i}.tif", pixels, **options)
    for folder, channels in (("bands", 8), ("deep", 3)):
        dataset = load("folder", tmp_path / folder)
        assert (dataset.image_shape, dataset.train.images.dtype) == ((6, 7, channels), np.uint16)
        stored = tifffile.imread(tmp_path / folder / dataset.names["train"][0])
        np.testing.assert_array_equal(dataset.train.images[0], stored)
