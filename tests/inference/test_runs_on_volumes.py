"""Runs on volumes: they predict, and what takes images only says so."""

import dataclasses

import numpy as np

import geomdl
from geomdl.cli.main import main
from geomdl.training import RunConfig, load_trained, train


def _written(folder, *options, data=None):
    place = "test" if data is None else f"{folder}/{data}"
    run, out = f"--workdir={folder}/run", f"--out={folder}/features.npz"
    assert main(["features", run, "--checkpoint=latest", place, out, *options]) == 0
    return folder / "features.npz"


def test_predictions_and_what_takes_images_only(tmp_path, capsys):
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
    images = trained.dataset.test.images
    predictor = geomdl.load(tmp_path / "run", "latest")
    np.testing.assert_allclose(predictor.predict(images).outputs, trained.model(images), rtol=1e-4, atol=1e-5)
    turned = np.rot90(images, axes=(2, 3))
    averages = [predictor.predict(x, average="C4z").outputs for x in (images, turned)]
    np.testing.assert_allclose(*averages, rtol=1e-4, atol=1e-5)
    features, scores = (predictor.features(images, layer) for layer in (None, "output"))
    np.testing.assert_allclose(scores, trained.model(images), rtol=1e-4, atol=1e-5)
    assert features.shape[0] == 4
    with np.load(_written(tmp_path, "--layer=0", "--pool")) as written:
        assert written["features"].ndim == 2
    np.savez(tmp_path / "new.npz", images=images)
    with np.load(_written(tmp_path, data="new.npz")) as written:
        np.testing.assert_allclose(written["features"], features, rtol=1e-4, atol=1e-5)
    assert main(["export", f"--workdir={tmp_path}/run", "--checkpoint=latest", f"--out={tmp_path}/export"]) != 0
    assert "allowed: runs on images" in capsys.readouterr().err
    assert dataclasses.replace(trained, image_shape=(8, 8, 1)).plane_shape == (8, 8, 1)
