"""Runs on volumes: what takes images only says so."""

import dataclasses

import pytest

from geomdl.cli.main import main
from geomdl.inference import Predictor
from geomdl.training import RunConfig, load_trained, train


def test_what_takes_images_only_says_so(tmp_path, capsys):
    config = RunConfig.from_config_dict(
        {
            "data": {"name": "solids", "size": 8, "train_size": 8, "validation_size": 4, "test_size": 4},
            "model": {"name": "gcnn", "group": "C1", "depth": 2, "width": 2},
            "training": {"batch_size": 4, "steps": 1},
        }
    )
    train(config, tmp_path / "run")
    trained = load_trained(tmp_path / "run", "latest")
    assert trained.image_shape == (8, 8, 8, 1)
    with pytest.raises(ValueError, match=r"\(8, 8, 8, 1\); allowed: runs on images"):
        Predictor.of(trained)
    assert main(["export", f"--workdir={tmp_path}/run", "--checkpoint=latest", f"--out={tmp_path}/export"]) != 0
    assert "allowed: runs on images" in capsys.readouterr().err
    assert dataclasses.replace(trained, image_shape=(8, 8, 1)).plane_shape == (8, 8, 1)
