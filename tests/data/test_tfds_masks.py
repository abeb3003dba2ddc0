"""Oxford-IIIT Pet with the features of TensorFlow Datasets' own builder, and mocked images."""

import io
from pathlib import Path

import numpy as np
import pytest

from geomdl.data import data_config
from geomdl.training import RunConfig

COUNTS = {"train": 20, "test": 5}


def write_pets(folder: Path, *, name: str = "oxford_iiit_pet", spoil=lambda i, image, mask: (image, mask)) -> Path:
    """A prepared folder with mocked photographs of several sizes; of the masks a left part is a pet, with a border."""
    import tensorflow_datasets as tfds
    from PIL import Image

    with tfds.testing.mock_data(num_examples=4):
        builder = tfds.builder("oxford_iiit_pet")
        mocked = list(builder.as_data_source("train"))
    where = folder / name / "4.0.0"
    where.mkdir(parents=True)
    identity = tfds.core.dataset_info.DatasetIdentity(
        name=name, version=tfds.core.Version("4.0.0"), data_dir=str(where), module_name="tests", config_name=None
    )
    info = tfds.core.DatasetInfo(
        builder=identity, features=builder.info.features, supervised_keys=builder.info.supervised_keys
    )
    writer = tfds.core.SequentialWriter(info, max_examples_per_shard=20, file_format="array_record")
    writer.initialize_splits(list(COUNTS))
    for i, split in enumerate(split for split, count in COUNTS.items() for _ in range(count)):
        example = mocked[i % 4]
        height, width = 24 + 4 * (i % 2), 32
        image = np.resize(example["image"], (height, width, 3))
        mask = np.full((height, width, 1), 2, np.uint8)
        mask[:, :16], mask[:, 15:17] = 1, 3
        image, mask = spoil(i, image, mask)
        encoded = {"image": io.BytesIO(), "segmentation_mask": io.BytesIO()}
        for key, array in (("image", image), ("segmentation_mask", mask[..., 0])):
            Image.fromarray(array).save(encoded[key], "png")
            encoded[key].seek(0)
        writer.add_examples({split: [{**example, "head_bbox": tfds.features.BBox(0.1, 0.1, 0.9, 0.9), **encoded}]})
    writer.close_all()
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_pets(tmp_path_factory.mktemp("pets"))


def pets(folder: Path, **options):
    fields = {"data_dir": str(folder), "label_key": "segmentation_mask", "size": 12, **options}
    return data_config("tfds:oxford_iiit_pet", **fields)


def test_masks_are_label_maps(folder):
    dataset = pets(folder).load()
    assert (dataset.label_kind, dataset.classes) == ("map", ("background", "pet", "border"))
    assert (dataset.image_shape, dataset.train.images.dtype) == ((12, 12, 3), np.uint8)
    assert dataset.train.labels.shape == (len(dataset.train), 12, 12)
    assert dataset.train.labels.dtype == np.int32
    row = dataset.test.labels[0, 5].tolist()
    assert (row[:5], row[-5:]) == ([1] * 5, [0] * 5)  # the centre of the image stays the centre
    assert set(row) == {0, 1, 2}
    assert (dataset.test.labels == dataset.test.labels[:, :1]).all()
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [18, 2, 5]
    assert "carved from 'train', at random with seed 0" in dataset.provenance


def test_the_same_examples_in_memory_and_read_on_demand(folder):
    held, lazy = (pets(folder, in_memory=flag).load().train for flag in (True, False))
    assert not lazy.in_memory
    assert lazy.digest() == held.digest()
    few = pets(folder, train_size=7).load()
    assert len(few.train) == 7
    assert few.validation.digest() == pets(folder).load().validation.digest()


def test_the_task_follows_from_the_label_key(folder):
    def task(**data) -> str:
        fields = {"name": "tfds:oxford_iiit_pet", "data_dir": str(folder), "size": 12, **data}
        sections = {"data": fields, "model": {"name": "fcn"}, "training": {"steps": 1}}
        return RunConfig.from_config_dict(sections).to_dict()["task"]["name"]

    assert task(label_key="segmentation_mask") == "segmentation"
    assert task() == "classification"
    assert pets(folder, label_key="species").load().label_kind == "class"


def test_values_and_sizes_that_do_not_fit_are_named(tmp_path):
    def wrong_value(i, image, mask):
        mask = mask.copy()
        mask[1, 2] = 9 if i == 3 else mask[1, 2]
        return image, mask

    folder = write_pets(tmp_path / "value", spoil=wrong_value)
    message = (
        r"invalid mask value 9 at row 1, column 2 of image 3 of split 'train' .*; allowed: 2 \(background\), 1 \(pet"
    )
    with pytest.raises(ValueError, match=message):
        pets(folder).load()
    folder = write_pets(tmp_path / "size", spoil=lambda i, image, mask: (image, mask[:-1] if i == 22 else mask))
    message = r"size of the mask of image 2 of split 'test' in .* \(23, 32\); allowed: that of the image, \(24, 32\)"
    with pytest.raises(ValueError, match=message):
        pets(folder).load()


def test_masks_of_unknown_meaning_need_their_values(tmp_path):
    folder = write_pets(tmp_path, name="cells")
    fields = {"data_dir": str(folder), "label_key": "segmentation_mask", "size": 12}
    with pytest.raises(ValueError, match=r"invalid data.mask_values None; allowed: the pixel values that the classes"):
        data_config("tfds:cells", **fields).load()
    dataset = data_config("tfds:cells", mask_values=(1, 2), mask_ignored=3, **fields).load()
    assert set(np.unique(dataset.train.labels)) == {-1, 0, 1}
    assert dataset.classes == ("1", "2")
    with pytest.raises(ValueError, match=r"mask_values, data\.mask_ignored 300; allowed: a whole number, 0 to 255"):
        data_config("tfds:cells", mask_values=(1, 300), **fields)
