"""Objects with boxes of TensorFlow Datasets, in folders with the features of the builders of VOC, COCO and others."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from geomdl.data import data_config
from geomdl.training import RunConfig

HEIGHT, WIDTH = 20, 30
VOC = {"label": ("cat", "dog"), "pose": ("left", "right"), "is_truncated": bool, "is_difficult": bool}
COCO = {"id": int, "area": int, "label": ("cat", "dog"), "is_crowd": bool}


def write_objects(
    folder: Path, name: str, parts: dict, splits: dict[str, Sequence[Sequence[dict]]], *, key: str = "objects",
    further: dict | None = None, layout: str = "REL_YXYX",
) -> str:  # fmt: skip
    """A prepared folder. Each image has its objects: dicts of ``bbox``, and of what they have besides zeros."""
    import tensorflow_datasets as tfds
    from PIL import Image

    where = folder / name / "1.0.0"
    where.mkdir(parents=True)
    kinds = {bool: np.bool_, int: np.int64}
    made = {k: kinds[p] if isinstance(p, type) else tfds.features.ClassLabel(names=list(p)) for k, p in parts.items()}
    objects = tfds.features.Sequence({"bbox": tfds.features.BBoxFeature(bbox_format=layout), **made})
    fields = {"image": tfds.features.Image(), "image/filename": tfds.features.Text(), key: objects, **(further or {})}
    identity = tfds.core.dataset_info.DatasetIdentity(
        name=name.split("/")[0], version=tfds.core.Version("1.0.0"), data_dir=str(where), module_name="tests",
        config_name=name.partition("/")[2] or None,
    )  # fmt: skip
    info = tfds.core.DatasetInfo(builder=identity, features=tfds.features.FeaturesDict(fields))
    writer = tfds.core.SequentialWriter(info, max_examples_per_shard=20, file_format="array_record")
    writer.initialize_splits(list(splits))
    for split, images in splits.items():
        for i, found in enumerate(images):
            encoded = io.BytesIO()
            mode = "L" if i % 2 else "RGB"  # JPEG files of VOC and COCO are grey here and there
            Image.new(mode, (WIDTH, HEIGHT), 90 if mode == "L" else (90, 90, 90)).save(encoded, "jpeg")
            encoded.seek(0)
            zeros = dict.fromkeys(parts, 0)
            given = [{**zeros, **one, "bbox": tfds.features.BBox(*map(float, one["bbox"]))} for one in found]
            rest = {name: [] for name in further or {}}
            writer.add_examples({split: [{"image": encoded, "image/filename": f"{i:04}.jpg", key: given, **rest}]})
    writer.close_all()
    return str(folder)


def shares(x0: float, y0: float, x1: float, y1: float) -> tuple[float, ...]:
    """(ymin, xmin, ymax, xmax) as shares of the image."""
    return y0 / HEIGHT, x0 / WIDTH, y1 / HEIGHT, x1 / WIDTH


IMAGES = [
    [{"bbox": shares(6, 1, 25, 20), "label": 1}, {"bbox": shares(8, 3, 10, 8), "is_difficult": True, "pose": 1}],
    [{"bbox": shares(7, 2, 7 + 9, 12)}],
    [],
    [{"bbox": shares(1, 1, 5, 5)}],  # only at the left, which the central square leaves out
]


@pytest.fixture(scope="module")
def voc(tmp_path_factory) -> str:
    import tensorflow_datasets as tfds

    labels = {"labels": tfds.features.Sequence(tfds.features.ClassLabel(names=["cat", "dog"]))}
    splits = {"train": IMAGES, "validation": IMAGES[:2], "test": IMAGES[:1]}
    return write_objects(tmp_path_factory.mktemp("voc"), "voc/2007", VOC, splits, further=labels)


def test_first_and_last_pixels_become_edges_and_move_with_their_images(voc):
    """x0 is a number of the XML file divided by the width: 6 is the left edge 5, where the central square begins."""
    dataset = data_config("tfds:voc/2007", data_dir=voc, size=10).load()
    assert (dataset.label_kind, dataset.classes, dataset.image_shape) == ("boxes", ("cat", "dog"), (10, 10, 3))
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [4, 2, 1]
    label = dataset.train.labels
    np.testing.assert_allclose(label["boxes"][:, 0], [[0, 0, 10, 10], [0.5, 0.5, 5.5, 6], [0] * 4, [0] * 4])
    np.testing.assert_allclose(label["boxes"][0, 1], [1, 1, 2.5, 4])
    assert label["classes"].tolist() == [[1, 0], [0, -1], [-1, -1], [-1, -1]]
    assert label["difficult"].tolist() == [[False, True], *[[False, False]] * 3]
    assert "1 boxes left out, of which little is left; splits as published" in dataset.provenance.replace(
        " when images are brought to size", ""
    )
    assert (dataset.train.images == 90).all()


def test_in_memory_and_read_on_demand(voc):
    held, lazy = (data_config("tfds:voc/2007", data_dir=voc, size=10, in_memory=m).load().train for m in (True, False))
    assert (held.in_memory, lazy.in_memory) == (True, False)
    assert held.digest() == lazy.digest()
    np.testing.assert_array_equal(lazy.gather([1])["label"]["boxes"], held.gather([1])["label"]["boxes"])


def test_the_task_and_other_labels_of_the_same_builder(voc):
    def run(**data) -> str:
        fields = {"name": "tfds:voc/2007", "data_dir": voc, "size": 16, **data}
        model = {"name": "yolo_v1"} if not data else {"name": "mlp"}
        sections = {"data": fields, "model": model, "training": {"steps": 1}}
        return RunConfig.from_config_dict(sections).to_dict()["task"]["name"]

    assert run() == "detection"
    assert run(label_key="labels") == "classification"
    with pytest.raises(ValueError, match=r"data.label_key 'object'; allowed: .*try labels, objects"):
        data_config("tfds:voc/2007", data_dir=voc, size=16, label_key="object").load()
    for option, value in (("bad_boxes", "skip"), ("pixels", "edge"), ("visible", 1.0)):
        with pytest.raises(ValueError, match=f"data.{option}"):
            data_config("tfds:voc/2007", **{option: value})


def test_crowds_test_sets_without_boxes_and_a_part_of_the_images(tmp_path):
    images = [[{"bbox": shares(0, 0, 15, 10), "label": 1, "is_crowd": i == 1}] for i in range(8)]
    path = write_objects(tmp_path, "coco/2017", COCO, {"train": images, "validation": images[:2], "test": [[], []]})
    dataset = data_config("tfds:coco", data_dir=path, size=20, train_size=3).load()
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [3, 1, 2]
    np.testing.assert_allclose(dataset.test.labels["boxes"], [[[0, 0, 10, 10]]] * 2)
    assert dataset.test.labels["difficult"].tolist() == [[False], [True]]
    for said in ("the split 'test', which is published without boxes, is left out", "at random with seed 0"):
        assert said in dataset.provenance


def test_one_class_and_other_layouts(tmp_path):
    path = write_objects(tmp_path, "faces", {}, {"train": [[{"bbox": (5, 0, 10, 8)}]] * 4}, key="face", layout="XYWH")
    dataset = data_config("tfds:faces", data_dir=path, size=20).load()
    assert dataset.classes == ("face",)
    np.testing.assert_allclose(dataset.train.labels["boxes"][0], [[0, 0, 10, 8]])


def test_bad_boxes_are_named_or_dropped_and_counted(tmp_path):
    images = [*IMAGES, [{"bbox": shares(3, 3, 8, 8)}, {"bbox": shares(5, 5, 5, 9), "label": 1}]]
    path = write_objects(tmp_path, "voc", VOC, {"train": images})
    message = (
        r"1 bad box in .*voc.*: object 2 \(dog\) in example 4 \(0004.jpg\) of split 'train' has zero size, "
        r"\(5, 5, 5, 9\); allowed: .* data.bad_boxes='drop'"
    )
    with pytest.raises(ValueError, match=message):
        data_config("tfds:voc", data_dir=path, size=20).load()
    dataset = data_config("tfds:voc", data_dir=path, size=20, bad_boxes="drop").load()
    assert "1 bad box dropped (object 2 (dog) in example 4 (0004.jpg) of split 'train')" in dataset.provenance


def test_a_builder_without_any_box_is_refused(tmp_path):
    path = write_objects(tmp_path, "empty", COCO, {"train": [[]] * 4})
    with pytest.raises(ValueError, match=r"a data set whose 'objects' hold boxes; none has any"):
        data_config("tfds:empty", data_dir=path, size=20).load()
