"""A prepared folder of TensorFlow Datasets for the tests of data, written without TensorFlow."""

import io
from pathlib import Path

import numpy as np
import pytest


def write_prepared(
    folder: Path,
    name: str,
    splits: dict[str, int],
    *,
    config: str | None = None,
    version: str = "1.0.0",
    shapes: tuple[tuple[int, int], ...] = ((8, 8),),
    channels: int = 1,
    classes: tuple[str, ...] = ("a", "b", "c"),
    multi_label: bool = False,
) -> Path:
    """Writes a prepared data set with TFDS's own writer; needs no TensorFlow because the images come encoded.

    Example i of the whole set (counted through the splits) is a frame of the constant i with the label i mod classes.
    """
    import tensorflow_datasets as tfds
    from PIL import Image

    where = folder.joinpath(name, *([config] if config else []), version)
    where.mkdir(parents=True)
    shape = (*(shapes[0] if len(shapes) == 1 else (None, None)), channels)
    label = tfds.features.ClassLabel(names=list(classes))
    features = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=shape), "label": tfds.features.Sequence(label) if multi_label else label}
    )
    identity = tfds.core.dataset_info.DatasetIdentity(
        name=name, version=tfds.core.Version(version), data_dir=str(where), module_name="tests", config_name=config
    )
    info = tfds.core.DatasetInfo(builder=identity, features=features, supervised_keys=("image", "label"))
    writer = tfds.core.SequentialWriter(info, max_examples_per_shard=20, file_format="array_record")
    writer.initialize_splits(list(splits))
    i = 0
    for split, count in splits.items():
        for _ in range(count):
            frame = np.full((*shapes[i % len(shapes)], channels), i, np.uint8)
            encoded = io.BytesIO()
            Image.fromarray(frame[..., 0] if channels == 1 else frame).save(encoded, "png")
            encoded.seek(0)
            labels = [k for k in range(len(classes)) if (i >> k) & 1] if multi_label else i % len(classes)
            writer.add_examples({split: [{"image": encoded, "label": labels}]})
            i += 1
    writer.close_all()
    return where


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory) -> Path:
    """A TFDS folder with small data sets of several kinds."""
    folder = tmp_path_factory.mktemp("tensorflow_datasets")
    write_prepared(folder, "tiny", {"train": 60, "test": 30})
    write_prepared(folder, "train_only", {"train": 60}, config="rgb", channels=3, shapes=((6, 6),))
    write_prepared(folder, "published", {"train": 30, "validation": 12, "test": 15})
    write_prepared(folder, "several_sizes", {"train": 30}, shapes=((8, 12), (10, 6)), channels=3)
    write_prepared(folder, "multi", {"train": 32}, multi_label=True)
    return folder
