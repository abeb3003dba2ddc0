"""Networks of the zoo learn real digits, and their twins do not mind that these are turned."""

import numpy as np
import pytest

from geomdl.data import data_config
from geomdl.evaluators import predictor
from geomdl.training import RunConfig, train

NETWORKS = [
    pytest.param("lenet5_modern", {"group": "C4"}, 20, 120, 0.93, id="LeNet-5, C4"),
    pytest.param("lenet5", {}, 20, 300, 0.9, id="LeNet-5 of 1998", marks=pytest.mark.long),
    pytest.param(
        "cifar_resnet", {"depth": 8, "width": 0.5, "group": "D4"}, 21, 120, 0.9, id="ResNet-8, D4",
        marks=pytest.mark.long,
    ),
    pytest.param(
        "densenet_cifar", {"depth": 10, "growth": 6, "group": "C4"}, 20, 120, 0.9, id="DenseNet-10, C4",
        marks=pytest.mark.long,
    ),
    pytest.param(
        "googlenet", {"variant": "small", "width": 0.2, "group": "C4"}, 20, 150, 0.9, id="GoogLeNet with heads, C4",
        marks=pytest.mark.long,
    ),
    pytest.param(
        "vgg", {"variant": "A", "width": 0.125, "units": 128, "dropout": 0.0, "group": "C4"}, 32, 600, 0.85,
        id="VGG-A without normalisation, C4", marks=pytest.mark.long,
    ),
    pytest.param(
        "fractalnet", {"columns": 2, "width": 0.125, "dropout": 0.0}, 32, 250, 0.85, id="FractalNet with drop-path",
        marks=pytest.mark.long,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "size", "steps", "accuracy"), NETWORKS)
def test_it_learns_the_digits(name: str, options: dict, size: int, steps: int, accuracy: float, tmp_path) -> None:
    config = RunConfig.from_config_dict(
        {
            "data": {"name": "digits", "size": size},
            "model": {"name": name, **options},
            "optimizer": {"name": "adam", "learning_rate": 2e-3, "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 64, "steps": steps, "eval_every": steps},
        }
    )
    result = train(config, tmp_path / "run")
    assert float(result.best["accuracy"]) > accuracy
    if config.model.group != "C1":
        images = np.asarray(data_config("digits", size=size).load().test.images[:40])
        predict = predictor(result.model)
        turned = np.rot90(images, axes=(1, 2))
        scores, moved = (np.asarray(predict(x.astype(np.float32))) for x in (images, turned))
        np.testing.assert_allclose(moved, scores, atol=2e-3 * np.abs(scores).max())
