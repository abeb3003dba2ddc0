"""Trained detectors given images as they come, and evaluated by the command."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import geomdl
from geomdl.cli.main import main
from geomdl.evaluators import BoxConsistency, predictor
from geomdl.training import load_trained
from geomdl.training.reporting.image_summaries import boxed

CONFIG = """
def get_config():
    return {
        "data": {"name": "box_shapes", "size": 24, "count": 2, "smallest": 4, "largest": 6,
                 "train_size": 8, "validation_size": 4, "test_size": 4},
        "model": {"name": "fcos", "group": "GROUP", "channels": 2, "features": 4, "halvings": 2, "levels": 2,
                  "tower": 0},
        "task": {"name": "detection", "threshold": 0.0, "detections": 8, "candidates": 20},
        "optimizer": {"name": "adam", "learning_rate": 0.002},
        "training": {"steps": 2, "batch_size": 4},
    }
"""


def _trained(folder: Path, group: str) -> Path:
    (folder / "config.py").write_text(CONFIG.replace("GROUP", group))
    assert main(["train", f"--config={folder}/config.py", f"--workdir={folder}/run", "--quiet"]) == 0
    return folder / "run"


@pytest.fixture(scope="session")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A C4 FCOS that took two steps."""
    return _trained(tmp_path_factory.mktemp("detector"), "C4")


def test_boxes_are_in_pixels_of_the_image_as_it_was_given(detector: Path) -> None:
    network = geomdl.load(detector).resizing("stretch")
    image = np.asarray(load_trained(detector).dataset.test.images[0])
    large = np.repeat(np.repeat(image, 4, axis=0), 2, axis=1)  # 96×48; to be brought to 24×24
    there, found = network.predict([image, large]).outputs
    assert there["boxes"].shape == (8, 4)
    assert len(found["boxes"]) == 8
    x = network.prepared(large)
    inner = network.predict(x).outputs[0]
    np.testing.assert_allclose(found["boxes"], inner["boxes"] * [2, 4, 2, 4], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found["scores"], inner["scores"], atol=1e-6)
    covering = geomdl.load(detector).resizing("cover").predict([large]).outputs[0]["boxes"]
    assert covering[:, [1, 3]].mean() > 30  # the middle of 96, where boxes of a square of 48 lie from 24 to 72


def test_the_command_writes_boxes(detector: Path, tmp_path: Path) -> None:
    images = np.asarray(load_trained(detector).dataset.test.images[:2])
    for i, image in enumerate(images):
        Image.fromarray(np.round(255 * image[..., 0]).astype(np.uint8)).save(tmp_path / f"{i}.png")
    command = ["predict", f"--workdir={detector}", f"{tmp_path}/0.png", f"{tmp_path}/1.png"]
    assert main([*command, f"--out={tmp_path}/found.csv"]) == 0
    assert main([*command, f"--out={tmp_path}/found.jsonl"]) == 0
    rows = list(csv.DictReader((tmp_path / "found.csv").read_text().splitlines()))
    records = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert list(rows[0]) == ["image", "class", "score", "x1", "y1", "x2", "y2"]
    assert len(records) == 2
    assert len(rows) == sum(len(record["boxes"]) for record in records) > 0
    first = records[0]["boxes"][0]
    assert rows[0]["class"] == first["class"]
    corners = [float(rows[0][name]) for name in ("x1", "y1", "x2", "y2")]
    np.testing.assert_allclose(corners, first["box"], rtol=1e-4, atol=1e-4)


def test_sets_of_boxes_have_no_mean(detector: Path) -> None:
    with pytest.raises(ValueError, match=r"average 'C4'.*None for a detector"):
        geomdl.load(detector).predict(np.zeros((24, 24, 1)), average="C4")


def test_the_command_evaluates_with_overlays(detector: Path, tmp_path: Path) -> None:
    command = ["evaluate", f"--workdir={detector}", "--evaluators=box_consistency,voc2010,coco"]
    assert main([*command, f"--overlays={tmp_path}"]) == 0
    numbers = json.loads((detector / "evaluation/test.json").read_text())
    assert numbers["box_consistency/worst"] == 1.0  # also where no box has a score above 0.3, as after two steps
    trained = load_trained(detector)
    all_boxes = BoxConsistency(least=0.0)(predictor(trained.model), trained.dataset.test, trained.task)
    assert all_boxes["box_consistency/worst"] == 1.0
    assert all_boxes["box_consistency/iou"] > 0.9999  # there is none where no box is compared
    assert {"precision_recall.png", "confusion.png", "predictions.jsonl"} <= {file.name for file in tmp_path.iterdir()}
    assert len((tmp_path / "predictions.jsonl").read_text().splitlines()) == 4


def test_tensorboard_gets_pictures_with_boxes(detector: Path) -> None:
    trained = load_trained(detector)
    picture = boxed(predictor(trained.model), trained.dataset.test, trained.task, least=0.0)
    assert picture.shape == (2 * 240, 4 * 240, 3)  # objects above, what is found below, each pixel 10×10
    assert picture.dtype == np.uint8
    coloured = (picture[..., :1] != picture[..., 1:]).any(-1)
    assert coloured[:240].any()
    assert coloured[240:].any()


def test_what_a_detector_cannot_is_said(detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", f"--workdir={detector}", f"--out={tmp_path}/out"]) == 2
    assert "export of a network for 'detection'" in capsys.readouterr().err
    assert main(["evaluate", f"--workdir={detector}", "--evaluators=orbit_c4"]) == 2
    assert "sets of boxes have no mean" in capsys.readouterr().err
