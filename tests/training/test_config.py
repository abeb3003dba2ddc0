"""Configs of runs: validated dataclasses, JSON and back, and mistakes that are refused."""

import json

import pytest
from ml_collections import ConfigDict

from geomdl.data import Augmentation, DigitsConfig
from geomdl.models import MODELS
from geomdl.training import OPTIMIZERS, SCHEDULES, RunConfig

SECTIONS = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "training": {"steps": 10}}


def config(**sections) -> RunConfig:
    return RunConfig.from_config_dict({**SECTIONS, **sections})


def test_sections_become_dataclasses() -> None:
    made = RunConfig.from_config_dict(
        ConfigDict(
            {
                "seed": 7,
                "data": {"name": "digits", "size": 20},
                "augmentation": {"rotation": 30, "flip": True},
                "model": {"name": "gcnn", "group": "D4"},
                "optimizer": {"name": "sgd", "learning_rate": 1},
                "schedule": {"name": "step", "boundaries": [5, 8]},
                "training": {"epochs": 2},
            }
        )
    )
    assert made.seed == 7
    assert made.data == DigitsConfig(size=20)
    assert made.augmentation == Augmentation(rotation=30.0, flip=True)
    assert type(made.model) is MODELS["gcnn"]
    assert made.optimizer.learning_rate == 1.0
    assert made.schedule == SCHEDULES["step"](boundaries=(5, 8))


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_a_config_comes_back_from_json(model: str, optimizer: str) -> None:
    made = config(model={"name": model}, optimizer={"name": optimizer})
    assert RunConfig.from_config_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_data_sets_of_tfds_come_back_too() -> None:
    made = config(data={"name": "tfds:mnist", "size": 14})
    assert made.data.name == "tfds:mnist"
    assert RunConfig.from_config_dict(made.to_dict()) == made


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"optimiser": {}}, "unknown config key 'optimiser'; allowed: .*; did you mean 'optimizer'?"),
        ({"model": {"name": "cnn", "widht": 3}}, "unknown config key 'model.widht'; .* did you mean 'model.width'?"),
        ({"model": {"name": "gcn"}}, "unknown model.name 'gcn'; allowed: .*; did you mean 'gcnn'?"),
        ({"model": {}}, "unknown model.name None; allowed: linear, "),
        ({"model": "mlp"}, "invalid model 'mlp'; allowed: a section of keys"),
        ({"model": {"name": "gcnn", "group": "C-4"}}, "unknown group 'C-4'.*did you mean 'C4'"),
        ({"model": {"name": "cnn", "kernel_size": 2}}, "invalid model.kernel_size 2"),
        ({"model": {"name": "cnn", "width": "wide"}}, "invalid model.width 'wide'; allowed: float"),
        ({"data": {"name": "digit"}}, "unknown data.name 'digit'; allowed: digits, .* did you mean 'digits'"),
        ({"data": {"name": "digits", "sise": 9}}, "unknown config key 'data.sise'; .*did you mean 'data.size'"),
        ({"data": {"name": "digits", "size": 2}}, "invalid data.size 2; allowed: a whole number, at least 8"),
        ({"data": {"name": "tfds:mnist", "siz": 2}}, "unknown config key 'data.siz'"),
        ({"augmentation": {"rotate": 30}}, "unknown config key 'augmentation.rotate'; .* 'augmentation.rotation'"),
        ({"task": {"loss": "sofmax"}}, "unknown task.loss 'sofmax'; .*did you mean 'softmax'"),
        ({"optimizer": {"name": "adm"}}, "unknown optimizer.name 'adm'; allowed: sgd, .*did you mean 'adam'"),
        ({"optimizer": {"name": "sgd", "b1": 0.9}}, "unknown config key 'optimizer.b1'; allowed: optimizer.name, "),
        ({"optimizer": {"learning_rate": "fast"}}, "invalid optimizer.learning_rate 'fast'; allowed: float"),
        ({"optimizer": {"learning_rate": True}}, "invalid optimizer.learning_rate True; allowed: float"),
        ({"optimizer": {"learning_rate": -1.0}}, "invalid optimizer.learning_rate -1.0; allowed: a positive number"),
        ({"schedule": {"name": "cosin"}}, "unknown schedule.name 'cosin'; .*did you mean 'cosine'"),
        ({"schedule": {"name": "step"}}, "missing schedule.boundaries; expected tuple of int"),
        ({"schedule": {"name": "step", "boundaries": (1, 2.5)}}, r"invalid schedule.boundaries \(1, 2.5\)"),
        ({"training": {"steps": 10, "epochs": 1}}, "one of the two"),
        ({"training": {}}, "one of the two"),
        ({"training": {"steps": 0}}, "invalid training.steps 0"),
        ({"training": {"steps": 10.0}}, "invalid training.steps 10.0; allowed: int or None"),
        ({"training": {"steps": 10, "monitor": "acuracy"}}, "unknown training.monitor .*did you mean 'accuracy'"),
        ({"training": {"steps": 10, "evaluators": ("metric",)}}, "unknown training.evaluators 'metric'"),
        ({"training": {"steps": 10, "evaluators": ("rotation",)}}, "a list with 'metrics'"),
        ({"training": {"steps": 10, "convolutions": "fast"}}, "invalid training.convolutions 'fast'; .*method 'fast'"),
        ({"training": {"steps": 10, "convolutions": "0=dens"}}, "invalid training.convolutions .*mean 'dense'"),
        ({"training": {"steps": 10, "convolutions": 1}}, "invalid training.convolutions 1; allowed: str"),
        ({"seed": -1}, "invalid seed -1"),
        ({"seed": "0"}, "invalid seed '0'"),
    ],
)
def test_bad_input(sections, message) -> None:
    with pytest.raises(ValueError, match=message):
        config(**sections)


def test_sections_that_must_be_there() -> None:
    with pytest.raises(ValueError, match="a config with the section 'model'"):
        RunConfig.from_config_dict({k: v for k, v in SECTIONS.items() if k != "model"})
    without = RunConfig.from_config_dict({k: v for k, v in SECTIONS.items() if k != "data"})
    with pytest.raises(ValueError, match="a config with the section 'data'"):  # unless a data set is given
        without.data.load()
