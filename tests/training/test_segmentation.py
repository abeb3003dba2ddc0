"""Segmentation from a config to numbers and pictures."""

import json
from pathlib import Path

import numpy as np
import pytest

from geomdl.cli.main import main
from geomdl.data import Split, data_config
from geomdl.tasks import Segmentation
from geomdl.training import RunConfig, load_trained, train
from geomdl.training.loop.evaluating import Evaluation

SECTIONS = {
    "data": {"name": "shapes", "size": 24, "count": 2, "smallest": 4, "largest": 6, "shapes": ("disc", "ring"),
             "noise": 0.02, "texture": 0.05, "train_size": 128, "validation_size": 16, "test_size": 3},
    "augmentation": {"quarter_turns": True, "flip": True},
    "model": {"name": "unet", "width": 6, "depth": 1},
    "task": {"loss": "softmax+dice"},
    "optimizer": {"name": "adam", "learning_rate": 0.02},
    "schedule": {"name": "cosine"},
    "training": {"batch_size": 16, "steps": 60, "eval_every": 60, "monitor": "iou", "log_every": 5},
}  # fmt: skip


def config(**sections) -> RunConfig:
    return RunConfig.from_config_dict({**SECTIONS, **sections})


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory):
    return train(config(), tmp_path_factory.mktemp("segmentation") / "run")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory):
    """A run that has learnt next to nothing."""
    training = {**SECTIONS["training"], "steps": 2, "eval_every": 2}
    model = {"name": "fcn", "width": 2, "depth": 1}
    return train(
        config(model=model, training=training, augmentation={}), tmp_path_factory.mktemp("segmentation") / "begun"
    )


@pytest.mark.compiled
def test_training_on_shapes_learns_to_segment_them(result) -> None:
    first = next(r for r in result.records if r["split"] == "train")
    assert first["iou"] < 0.6  # the background alone is 0.28
    assert result.best["iou"] > 0.75
    assert result.best["iou/background"] > 0.9
    assert result.best["iou"] == max(r["iou"] for r in result.records if r["split"] == "validation")
    assert {"loss", "accuracy", "dice", "iou/disc", "dice/ring"} <= set(result.best)


@pytest.mark.compiled
def test_the_config_says_what_was_learnt(result) -> None:
    written = json.loads((result.workdir / "config.json").read_text())["config"]
    assert written["task"] == {"name": "segmentation", "loss": "softmax+dice", "class_weights": None}
    assert RunConfig.from_config_dict(written) == config()
    trained = load_trained(result.workdir)
    assert trained.task.outputs == 3


def test_evaluate_writes_numbers_label_maps_and_pictures(begun, capsys: pytest.CaptureFixture[str]) -> None:
    folder = begun.workdir / "overlays"
    options = ["--evaluators=metrics,consistency", f"--overlays={folder}"]
    assert main(["evaluate", f"--workdir={begun.workdir}", *options]) in (0, None)
    printed = capsys.readouterr().out
    assert "iou/ring" in printed
    assert "consistency/worst_angle" in printed
    assert f"3 pictures and predictions.npz (3 label maps) in {folder}" in printed
    assert len(list(folder.glob("*.png"))) == 3
    predicted = np.load(folder / "predictions.npz")["labels"]
    truth = data_config(**SECTIONS["data"]).load().test.labels
    numbers = json.loads((begun.workdir / "evaluation" / "test.json").read_text())
    assert predicted.shape == truth.shape
    assert (predicted == truth).mean() == pytest.approx(numbers["accuracy"])
    rows = (begun.workdir / "evaluation" / "test_consistency.csv").read_text().splitlines()
    assert rows[0] == "angle,agreement,iou"
    assert len(rows) == 24


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"task": {"name": "classification"}}, "invalid task.name 'classification'.*try segmentation"),
        ({"task": {"loss": "binary"}}, "invalid task.loss 'binary'; allowed: a loss for 3 classes"),
        ({"data": {"name": "xo"}, "task": {}}, "unknown training.monitor 'iou'; allowed: loss, accuracy"),
        ({"training": {"steps": 2, "monitor": "jaccard"}}, "unknown training.monitor 'jaccard'; allowed: loss, acc"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(sections, message, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        train(config(**sections), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_monitored_class_that_is_not_among_the_validation_images_is_named() -> None:
    sections = {"data": {"name": "shapes"}, "model": {"name": "unet"}, "task": {"name": "segmentation"}}
    config = RunConfig.from_config_dict({**sections, "training": {"steps": 1, "monitor": "iou/leaf"}})
    split = Split(np.zeros((1, 2, 2, 1), np.float32), np.zeros((1, 2, 2), np.int32))
    evaluation = Evaluation(len, (), split, Segmentation(("ground", "leaf")), config.training)
    with pytest.raises(ValueError, match=r"training\.monitor 'iou/leaf'; allowed: a metric that the validation"):
        evaluation.not_finite({"loss": 0.1, "iou": 1.0, "iou/ground": 1.0})
    assert evaluation.not_finite({"loss": 0.1, "iou": 1.0, "iou/leaf": 0.0}) is None
