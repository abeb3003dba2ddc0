"""Files of data that are not what their name says: one error, which names the file and what it is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geomdl.audit import read_images
from geomdl.data import data_config
from geomdl.data.sources.masks import central_square


def _good(file: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (20, 16, 16)).astype(np.uint8)
    np.savez_compressed(file, images=images, labels=images > 99)


def _truncated(file: Path) -> None:
    _good(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _flipped(file: Path) -> None:
    _good(file)
    content = bytearray(file.read_bytes())
    content[150:300] = bytes(byte ^ 255 for byte in content[150:300])
    file.write_bytes(bytes(content))


def _single(file: Path) -> None:
    with file.open("wb") as opened:
        np.save(opened, np.array([[1, 2]]))


def _objects(file: Path) -> None:
    np.savez(file, images=np.array([1, "a", None], dtype=object), labels=np.zeros(3, np.int32))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (_truncated, "truncated or corrupt"),
    "flipped": (_flipped, "truncated or corrupt"),
    "empty": (lambda file: file.write_bytes(b""), "it is empty"),
    "zeros": (lambda file: file.write_bytes(bytes(4096)), "filled with zeros"),
    "html": (lambda file: file.write_text("\n<html><body>404"), "an HTML page"),
    "xml": (lambda file: file.write_text("<?xml version='1.0'?><Error/>"), "an XML document"),
    "lfs": (lambda file: file.write_text("version https://git-lfs.github.com/spec/v1\noid"), "Git LFS"),
    "pickle": (lambda file: file.write_bytes(b"\x80\x04\x95\x05"), "a pickle, which is not read"),
    "objects": (_objects, "pickled objects, which are not read"),
    "hdf5": (lambda file: file.write_bytes(b"\x89HDF\r\n\x1a\n"), "an HDF5 file"),
    "text": (lambda file: file.write_text("no"), "it is text"),
    "foreign": (lambda file: np.savez(file, pictures=np.zeros(3)), "no array 'images'; there are: pictures"),
    "folder": (lambda file: file.mkdir(), "folder|the path of an .npz file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_numpy_files(damage: str, tmp_path: Path) -> None:
    harm, what = DAMAGES[damage]
    file = tmp_path / "n.npz"
    harm(file)
    with pytest.raises(ValueError, match=rf"{file}.*({what})"):
        data_config("nuclei", path=str(file), validation_size=2, test_size=2).load()
    with pytest.raises(ValueError, match=rf"{file}.*({what}|a file that exists)"):
        read_images(str(file), count=4)


def test_what_else_is_wrong_with_arrays(tmp_path: Path) -> None:
    file = tmp_path / "n.npz"
    _single(file)  # whatever the name says
    with pytest.raises(ValueError, match=rf"{file} \(no array 'images': it is an .npy file, of a single array\)"):
        data_config("nuclei", path=str(file)).load()
    for arrays, message in [
        ({"images": np.zeros((3, 4, 4)), "labels": np.zeros(2)}, "labels in .*one for each of the 3 images"),
        ({"images": np.array(1.0)}, r"images in .*float64\[\]"),
        ({"images": np.array(["a", "b"])}, "images in .*real numbers"),
        ({"images": np.zeros((3, 4, 4), complex)}, "images in .*real numbers"),
    ]:
        np.savez(file, **arrays)
        with pytest.raises(ValueError, match=message):
            read_images(str(file), count=2)
    np.savez(file, images=np.zeros((3, 4, 4)), about=np.array([None]))  # what is not wanted is not looked at
    assert len(read_images(str(file), count=9).pixels) == 3


def _train_file(where: Path) -> Path:
    return sorted(where.glob("*-train.*"))[1]


def _tfrecord(where: Path) -> None:
    info = json.loads((where / "dataset_info.json").read_text())
    (where / "dataset_info.json").write_text(json.dumps({**info, "fileFormat": "tfrecord"}))
    for file in where.glob("*.array_record*"):
        file.rename(where / file.name.replace("array_record", "tfrecord"))


PREPARED: dict[str, tuple[Callable[[Path], object], str]] = {
    "html": (lambda where: _train_file(where).write_text("<html>"), "array_record-00001 is an HTML page"),
    "empty": (lambda where: _train_file(where).write_bytes(b""), "array_record-00001 is empty"),
    "truncated": (
        lambda where: _train_file(where).write_bytes(_train_file(where).read_bytes()[:65_000]),
        "array_record-00001 is truncated or corrupt: . of 20 records",
    ),
    "missing": (lambda where: _train_file(where).unlink(), "of split 'train' 1 of 3 files are missing"),
    "json": (lambda where: (where / "features.json").write_text("<!doctype html>"), "features.json is an HTML page"),
    "tfrecord": (_tfrecord, "prepared in the tfrecord format, which only TensorFlow reads: tiny-test.tfrecord-00000"),
}


@pytest.mark.parametrize("damage", PREPARED)
def test_prepared_folders(damage: str, prepared_folder: Path, tmp_path: Path) -> None:
    harm, what = PREPARED[damage]
    where = shutil.copytree(prepared_folder / "tiny", tmp_path / "tiny") / "1.0.0"
    harm(where)
    with pytest.raises(ValueError, match=f"corrupt data set in {where}.*{what}"):
        data_config("tfds:tiny", data_dir=str(tmp_path)).load()


def test_half_prepared_folders(prepared_folder: Path, tmp_path: Path) -> None:
    where = shutil.copytree(prepared_folder / "tiny", tmp_path / "tiny") / "1.0.0"
    begun = where.rename(where.parent / "incomplete.C0FFEE_1.0.0")
    with pytest.raises(ValueError, match=rf"invalid data.name 'tfds:tiny'.*{begun} was begun and is not complete"):
        data_config("tfds:tiny", data_dir=str(tmp_path)).load()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64, np.float16, bool])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 13])
def test_images_are_resampled_channel_by_channel(dtype: type, channels: int) -> None:
    random = np.random.default_rng(0)
    largest = {np.uint8: 255, np.uint16: 65535, np.int32: 100_000, bool: 1}.get(dtype, 1.0)
    image = (random.random((19, 16, channels)) * largest).astype(dtype)
    image[..., -1] = 0  # would hide everything, were it taken for opacity
    for smooth in (True, False):
        found = central_square(image, 8, smooth=smooth)
        assert (found.dtype, found.shape) == (image.dtype, (8, 8, channels))
        alone = [central_square(image[..., i : i + 1], 8, smooth=smooth) for i in range(channels)]
        np.testing.assert_array_equal(found, np.concatenate(alone, axis=-1))
    even = np.full((12, 12, channels), largest, dtype)
    np.testing.assert_array_equal(central_square(even, 5, smooth=True), even[:5, :5])
