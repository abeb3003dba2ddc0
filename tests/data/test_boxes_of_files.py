"""Boxes of Pascal VOC, COCO and tables: what they become, splits, and every kind of bad input with its file and box."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geomdl.data import Preprocessing, data_config
from geomdl.data.sources.own.annotations import placed_boxes

OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>"
    "<ymax>{}</ymax></bndbox></object>"
)


def image(file: Path, height: int = 20, width: int = 30) -> None:
    """An image file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(file)


def voc(root: Path, objects: dict[str, list[tuple]], size: tuple[int, int] = (20, 30)) -> Path:
    """A folder of Pascal VOC; objects are (name, difficult, xmin, ymin, xmax, ymax)."""
    (root / "Annotations").mkdir(parents=True, exist_ok=True)
    for stem, of_image in objects.items():
        image(root / "JPEGImages" / f"{stem}.jpg")
        parts = "".join(OBJECT.format(*o) for o in of_image)
        frame = f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"
        text = f"<annotation><filename>{stem}.jpg</filename>{frame}{parts}</annotation>"
        (root / "Annotations" / f"{stem}.xml").write_text(text)
    return root


GOOD = {
    "a": [("dog", 0, 1, 1, 30, 20), ("cat", 1, 5, 6, 14, 15)],
    "b": [("cat", 0, 3, 3, 8, 8)],
    "c": [],
    "d": [("dog", 0, 3, 3, 8, 8)],
}


def boxes_of(config) -> list:
    """(boxes, classes, difficult) of every image, before anything is resized."""
    return list(config.collect().place_boxes.boxes)


def test_voc(tmp_path: Path) -> None:
    """The first and last pixel, from 1 on, become edges; classes are in alphabetical order; an image may be empty."""
    config = data_config("voc", path=str(voc(tmp_path, GOOD)))
    found = config.collect()
    assert found.classes == ("cat", "dog")
    first, _, third, _ = boxes_of(config)
    np.testing.assert_array_equal(first[0], [[0, 0, 30, 20], [4, 5, 14, 15]])
    assert first[1].tolist() == [1, 0]
    assert first[2].tolist() == [False, True]
    assert third[0].shape == (0, 4)
    assert "4 boxes of 2 classes" in found.what
    edges = boxes_of(data_config("voc", path=str(tmp_path), pixels="edges"))
    np.testing.assert_array_equal(edges[0][0], [[1, 1, 30, 20], [5, 6, 14, 15]])
    first_is_zero = boxes_of(data_config("voc", path=str(tmp_path), pixels="inclusive0", bad_boxes="drop"))
    np.testing.assert_array_equal(first_is_zero[0][0], [[1, 1, 30, 20], [5, 6, 15, 16]])


def test_voc_lists_are_the_splits(tmp_path: Path) -> None:
    root = voc(tmp_path, GOOD)
    (lists := root / "ImageSets" / "Main").mkdir(parents=True)
    for name, stems in {"train": "a\nb\n", "val": "c  1\n", "test": "d\n", "trainval": "a\nb\nc\n"}.items():
        (lists / f"{name}.txt").write_text(stems)
    found = data_config("voc", path=str(root)).collect()
    assert dict(zip(found.raw.names, found.given, strict=True)) == {
        "d.jpg": "test", "a.jpg": "train", "b.jpg": "train", "c.jpg": "validation"
    }  # fmt: skip
    (lists / "val.txt").write_text("cc\n")
    with pytest.raises(ValueError, match=r"line 1 of .*val\.txt names 'cc', which has no XML file"):
        data_config("voc", path=str(root)).collect()
    (lists / "val.txt").write_text("a\n")
    with pytest.raises(ValueError, match="'a' is in the lists of two splits"):
        data_config("voc", path=str(root)).collect()


BAD = {
    "zero size": (("dog", 0, 5, 5, 5, 5), r"object 2 \(dog\) in .*b\.xml has zero size, \(5, 5, 5, 5\)"),
    "negative size": (("dog", 0, 9, 5, 5, 8), r"object 2 \(dog\) in .*b\.xml has a negative size, \(9, 5, 5, 8\)"),
    "NaN": (("dog", 0, "nan", 5, 9, 8), r"object 2 \(dog\) in .*b\.xml has coordinates that are no numbers"),
    "outside": (("dog", 0, 40, 5, 50, 8), r"object 2 \(dog\) in .*b\.xml lies outside the image of 20×30 pixels"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_boxes_are_refused_or_dropped_and_counted(tmp_path: Path, kind: str) -> None:
    bad, message = BAD[kind]
    root = str(voc(tmp_path, {**GOOD, "b": [*GOOD["b"], bad]}))
    with pytest.raises(ValueError, match=f"1 bad box in .*{message}.*data.bad_boxes='drop'"):
        data_config("voc", path=root).collect()
    found = data_config("voc", path=root, bad_boxes="drop").collect()
    assert "1 bad box dropped (object 2 (dog) in" in found.what
    assert len(found.place_boxes.boxes[1][1]) == 1  # type: ignore[union-attr]


def test_boxes_that_reach_out_are_clipped(tmp_path: Path) -> None:
    """One pixel is a matter of conventions; more is refused, or clipped and counted."""
    config = data_config("voc", path=str(voc(tmp_path, {**GOOD, "b": [("cat", 0, 0, 3, 31, 21)]})))
    np.testing.assert_array_equal(boxes_of(config)[1][0], [[0, 2, 30, 20]])
    root = str(voc(tmp_path, {**GOOD, "b": [("cat", 0, 20, 3, 36, 12)]}))
    with pytest.raises(ValueError, match=r"object 1 \(cat\) in .*b\.xml reaches out of the image of 20×30"):
        data_config("voc", path=root).collect()
    config = data_config("voc", path=root, bad_boxes="drop")
    np.testing.assert_array_equal(boxes_of(config)[1][0], [[19, 2, 30, 12]])
    assert "1 bad box clipped to their images" in config.collect().what


def test_broken_xml_and_missing_files(tmp_path: Path) -> None:
    root = voc(tmp_path, GOOD)
    config, file = data_config("voc", path=str(root)), root / "Annotations" / "b.xml"
    good = file.read_text()
    for text, message in (
        (good[:50], r"cannot read .*b\.xml: it is no XML that can be parsed"),
        ("<annotatio></annotatio>", r"invalid root of .*b\.xml 'annotatio'; allowed: annotation"),
        (good.replace("<name>cat</name>", ""), r"object 1 in .*b\.xml has no name"),
        (good.replace("bndbox", "box"), r"object 1 \(cat\) in .*b\.xml has no bndbox"),
        (good.replace("<xmin>3</xmin>", "<xmin>x</xmin>"), r"invalid xmin of object 1 \(cat\) in .*b\.xml 'x'"),
        (
            good.replace("<width>30", "<width>20"),
            r"invalid size 20×20 .* in '.*b\.xml'; allowed: that of .*b\.jpg, 20×30",
        ),
    ):
        file.write_text(text)
        with pytest.raises(ValueError, match=message):
            config.collect()
    file.write_text(good)
    with pytest.raises(
        ValueError, match=r"unknown class 'dog' of object 1 \(dog\) in .*a\.xml; allowed: cat, dig .*'dig'"
    ):
        data_config("voc", path=str(root), classes=("cat", "dig")).collect()
    (root / "JPEGImages" / "b.jpg").unlink()
    with pytest.raises(ValueError, match=r"cannot find the image 'b\.jpg' of .*b\.xml in .*JPEGImages"):
        config.collect()
    with pytest.raises(
        ValueError, match=r"invalid data\.path 'nowhere'; allowed: a folder with the folders Annotations"
    ):
        data_config("voc", path="nowhere").collect()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="has no XML files"):
        data_config("voc", path=str(tmp_path / "empty")).collect()
    with pytest.raises(ValueError, match=r"unknown data\.bad_boxes 'skip'; allowed: refuse, drop"):
        data_config("voc", bad_boxes="skip")
    with pytest.raises(ValueError, match=r"unknown data\.pixels 'edge'; .*did you mean 'edges'"):
        data_config("voc", pixels="edge")


def coco_content() -> dict:
    """Two images, three objects, two categories whose numbers are not in alphabetical order."""
    return {
        "images": [{"id": 7, "file_name": "a.png", "height": 20, "width": 30}, {"id": 9, "file_name": "b.png"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 5, "bbox": [1.5, 2, 10, 12], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 3, "bbox": [0, 0, 30, 20], "iscrowd": 1},
        ],
        "categories": [{"id": 5, "name": "ant"}, {"id": 3, "name": "bee"}],
    }


def test_coco(tmp_path: Path) -> None:
    """One file; then one for each split."""
    for folder in (tmp_path, tmp_path / "all" / "train2017", tmp_path / "all" / "val2017"):
        for stem in "ab":
            image(folder / f"{stem}.png")
    (tmp_path / "cells.json").write_text(json.dumps(coco_content()))
    config = data_config("coco", path=str(tmp_path / "cells.json"))
    found = config.collect()
    assert found.classes == ("bee", "ant")
    first, second = boxes_of(config)
    np.testing.assert_array_equal(first[0], [[1.5, 2, 11.5, 14], [0, 0, 30, 20]])
    assert first[1].tolist() == [1, 0]
    assert first[2].tolist() == [False, True]
    assert len(second[1]) == 0
    (tmp_path / "all" / "annotations").mkdir()
    for split in ("train", "val"):
        file = tmp_path / "all" / "annotations" / f"instances_{split}2017.json"
        file.write_text(json.dumps(coco_content()))
    both = data_config("coco", path=str(tmp_path / "all"))
    assert both.collect().given == ["train", "train", "validation", "validation"]
    assert [entry.file.parent.name for entry in both.annotated()] == ["train2017", "train2017", "val2017", "val2017"]


def test_bad_coco(tmp_path: Path) -> None:
    for stem in "ab":
        image(tmp_path / f"{stem}.png")
    file = tmp_path / "cells.json"
    config = data_config("coco", path=str(file))

    def refused(message: str, **changes) -> None:
        content = coco_content()
        content["annotations"][1].update(changes)
        file.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=message):
            config.collect()

    refused(r"annotation 2 \(bee\) in .*cells\.json has zero size", bbox=[3, 3, 0, 4])
    refused(r"annotation 2 \(bee\) in .*cells\.json has a negative size", bbox=[9, 9, -2, 4])
    refused(r"annotation 2 \(bee\) in .*cells\.json has coordinates that are no numbers", bbox=[9, None, 2, 4])
    refused(r"invalid bbox of annotation 2 in .*cells\.json \[1, 2\]; allowed: \[x, y, width, height\]", bbox=[1, 2])
    refused(r"unknown category_id of annotation 2 in .*cells\.json 4; allowed: 5, 3", category_id=4)
    refused(r"unknown image_id of annotation 2 in .*cells\.json 8; allowed: 7, 9", image_id=8)
    file.write_text('{"images": [')
    with pytest.raises(ValueError, match=r"cannot read .*cells\.json: it is no JSON that can be parsed .*line 1"):
        config.collect()
    file.write_text('{"images": []}')
    with pytest.raises(ValueError, match="without a list 'annotations'"):
        config.collect()
    file.write_text(json.dumps(coco_content()))
    (tmp_path / "b.png").rename(tmp_path / "bb.png")
    with pytest.raises(ValueError, match=r"cannot find the image 'b\.png' of .*cells\.json in .*did you mean"):
        config.collect()


def test_tables(tmp_path: Path) -> None:
    for stem in "ab":
        image(tmp_path / f"{stem}.png")
    file = tmp_path / "boxes.csv"
    file.write_text(
        "image,label,x1,y1,x2,y2,split\na.png,cat,1,2,11,12,train\na.png,dog,0,0,30,20,train\nb.png,,,,,,test\n"
    )
    config = data_config("box_table", path=str(file))
    first, second = boxes_of(config)
    np.testing.assert_array_equal(first[0], [[1, 2, 11, 12], [0, 0, 30, 20]])
    assert len(second[1]) == 0
    assert config.collect().given == ["train", "test"]
    head = "file,class,xmin,ymin,xmax,ymax\n"
    for text, message in (
        (f"{head}a.png,cat,5,5,5,9\n", r"row 2 \(cat\) in .*boxes\.csv has zero size"),
        (f"{head}a.png,cat,5,five,7,9\n", r"invalid box in row 2 of .*boxes\.csv '5, five, 7, 9'"),
        (f"{head}a.png,,5,5,7,9\n", r"row 2 of .*boxes\.csv has no class"),
        (f"{head}a.png,cat,5,5,7\n", r"row 2 of .*boxes\.csv has 5 cells; allowed: 6"),
        (f"{head}c.png,cat,5,5,7,9\n", r"cannot find the image 'c\.png' of .*boxes\.csv"),
        ("file,class,xmin,ymin,xmax\na.png,cat,5,5,7\n", "invalid columns of"),
        (head, "a table with a header and a row for each box"),
    ):
        file.write_text(text)
        with pytest.raises(ValueError, match=message):
            config.collect()


LINES = "imagesource:GoogleEarth\ngsd:0.146\n4 2 10 2 10 5 4 5 ship 0\n10 10 14 14 12 16 8 12 plane 1\n"


def dota(root: Path, texts: dict[str, str]) -> Path:
    """A folder of DOTA."""
    (root / "labelTxt").mkdir(parents=True, exist_ok=True)
    for stem, text in texts.items():
        image(root / "images" / f"{stem}.png")
        (root / "labelTxt" / f"{stem}.txt").write_text(text)
    return root


def test_oriented_boxes_of_text_files(tmp_path: Path) -> None:
    """Of DOTA; the second box lies at 45°, and is difficult. 20 × 30 pixels are brought to 10 × 15."""
    dota(tmp_path / "train", {"a": LINES, "b": ""})
    dota(tmp_path / "val", {"c": LINES})
    config = data_config("dota", path=str(tmp_path))
    collected = config.collect()
    assert collected.kind == config.label_kind == "oriented_boxes"
    assert collected.given == ["train", "train", "validation"]
    packed, _ = collected.place_boxes(Preprocessing(size=(10, 15)))
    assert packed["classes"].tolist() == [[1, 0], [-1, -1], [1, 0]]
    assert packed["difficult"][0].tolist() == [False, True]
    wanted = [[3.5, 1.75, 3.0, 1.5, 0.0], [5.5, 6.5, 8**0.5, 2**0.5, -np.pi / 4]]
    np.testing.assert_allclose(packed["boxes"][0], wanted, atol=1e-5)
    cut, _ = collected.place_boxes(Preprocessing(size=(8, 8), fit="crop"))  # rows 6 to 13, columns 11 to 18
    assert cut["classes"].tolist() == [[0], [-1], [0]]  # of the plane about half is left, and its centre


def test_oriented_boxes_of_tables(tmp_path: Path) -> None:
    image(tmp_path / "a.png")
    image(tmp_path / "b.png")
    file = tmp_path / "boxes.csv"
    head = "file,class,x1,y1,x2,y2,x3,y3,x4,y4\n"
    file.write_text(f"{head}a.png,ship,4,2,10,2,10,5,4,5\nb.png,,,,,,,,,\n")
    config = data_config("box_table", path=str(file), oriented=True)
    (corners, classes, _), (none, _, _) = boxes_of(config)
    assert corners.tolist() == [[4, 2, 10, 2, 10, 5, 4, 5]]
    assert (len(classes), none.shape) == (1, (0, 8))
    file.write_text(f"{head}a.png,ship,4,2,10,2,10,5,4,\n")
    with pytest.raises(ValueError, match=r"row 2 of .*eight numbers of pixels"):
        config.collect()
    file.write_text("file,class,x1,y1,x2,y2\na.png,ship,4,2,10,2\n")
    with pytest.raises(ValueError, match="file, class, x1, y1, x2, y2, x3"):
        config.collect()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4 2 10 2 10 5 4 ship 0", r"invalid line 1 of .*a\.txt '4 2 10 2 10 5 4 ship 0'; allowed: x1 y1"),
        ("4 2 10 two 10 5 4 5 ship", r"invalid line 1 of .*a\.txt"),
        ("4 2 10 2 10 5 4 5 ship maybe", r"invalid line 1 of .*a\.txt"),
        ("4 2 10 2 10 2 4 2 ship 0", r"line 1 \(ship\) in .*a\.txt has zero size"),
        ("4 2 nan 2 10 5 4 5 ship 0", r"line 1 \(ship\) in .*a\.txt has coordinates that are no numbers"),
        ("4 -20 10 -20 10 5 4 5 ship 0", r"line 1 \(ship\) in .*a\.txt has its centre outside the image of 20×30"),
    ],
)
def test_bad_oriented_boxes_are_refused_or_dropped(tmp_path: Path, text: str, message: str) -> None:
    dota(tmp_path, {"a": f"{text}\n4 2 10 2 10 5 4 5 ship\n"})
    with pytest.raises(ValueError, match=message):
        data_config("dota", path=str(tmp_path)).collect()
    if "invalid" not in message:
        config = data_config("dota", path=str(tmp_path), bad_boxes="drop")
        assert "1 bad box dropped (line 1 (ship) in a.txt)" in config.collect().what
    (tmp_path / "images" / "a.png").rename(tmp_path / "images" / "aa.png")
    (tmp_path / "labelTxt" / "a.txt").write_text("")
    with pytest.raises(ValueError, match=r"cannot find the image of .*a\.txt .*did you mean 'aa'"):
        data_config("dota", path=str(tmp_path)).collect()


@pytest.mark.parametrize("fit", ["cover", "contain", "stretch", "crop", "pad"])
def test_boxes_are_where_their_pixels_are(fit: str) -> None:
    """A bright rectangle is found where its box says, however the image is brought to size."""
    small = fit in ("crop", "stretch", "cover")
    picture, box = np.zeros((40, 60, 1), np.float32), np.array([[20.0, 12.0, 36.0, 28.0]])
    picture[12:28, 20:36] = 1.0
    size = (32, 32) if small else (64, 80)
    prepared = Preprocessing(size=size, fit=fit)  # type: ignore[arg-type]
    moved = placed_boxes((box, np.zeros(1, int), np.zeros(1, bool)), (40, 60), prepared, 0.25)[0]
    bright = np.argwhere(prepared.pixels(picture)[..., 0] > 0.5)
    np.testing.assert_allclose(moved[0], [*bright.min(0)[::-1], *(bright.max(0) + 1)[::-1]], atol=0.51)


def test_boxes_that_are_cut_off_are_left_out() -> None:
    """Of 20 × 40 pixels the middle: a fifth of the first box is left, nothing of the second, all of the third."""
    boxes = np.array([[0.0, 0.0, 12.5, 20.0], [0.0, 0.0, 10.0, 20.0], [12.0, 2.0, 16.0, 6.0]])
    whole = (boxes, np.arange(3), np.zeros(3, bool))
    prepared = Preprocessing(size=(20, 20), fit="crop")
    assert placed_boxes(whole, (20, 40), prepared, 0.1)[1].tolist() == [0, 2]
    moved = placed_boxes(whole, (20, 40), prepared, 0.25)
    assert moved[1].tolist() == [2]
    np.testing.assert_array_equal(moved[0], [[2, 2, 6, 6]])
