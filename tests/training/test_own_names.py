"""Config classes from outside the package in the config of a run."""

import json
import textwrap
from pathlib import Path

import jax
import optax
import pytest

from geomdl.layers import Pointwise
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.registry import load
from geomdl.representations import FieldType
from geomdl.training import OPTIMIZERS, RunConfig

OWN = '''
from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from geomdl.data import DataConfig, DigitsConfig
from geomdl.models import CNNConfig

if TYPE_CHECKING:
    from nowhere import Unseen


@dataclasses.dataclass(frozen=True)
class Digits(DataConfig):
    """Few digits."""

    name: ClassVar[str] = "few_digits"
    count: int = 50

    def load(self):
        return DigitsConfig(size=8, train_size=self.count).load()


@dataclasses.dataclass(frozen=True)
class Net(CNNConfig):
    """A CNN."""

    extra: tuple[int, ...] = (1,)


class Undecorated(CNNConfig):
    extra: int = 3


@dataclasses.dataclass(frozen=True)
class Abstract(DataConfig):
    name: ClassVar[str] = "abstract"


@dataclasses.dataclass(frozen=True)
class Unwritable(CNNConfig):
    anything: object = 3
    unseen: Unseen | None = None


def report(predict, split, task):
    return {"answer": 42.0}
'''


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("own") / "own_configs.py"
    file.write_text(textwrap.dedent(OWN))
    return file


def config(model: str, data: str = "digits", evaluators: tuple[str, ...] = ("metrics",), **options) -> RunConfig:
    training = {"steps": 3, "evaluators": evaluators}
    return RunConfig.from_config_dict(
        {"data": {"name": data}, "model": {"name": model, **options}, "training": training}
    )


def test_config_classes_by_reference(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own.parent)
    made = config(
        "own_configs.py:Net", "own_configs:Digits", ("metrics", "own_configs.py:report"), extra=[2, 3], width=4
    )
    written = json.loads(json.dumps(made.to_dict()))
    assert (made.model.extra, made.model.width, made.data.count) == ((2, 3), 4.0, 50)
    assert written["data"] == {"name": f"{own}:Digits", "count": 50}
    assert written["model"]["name"] == f"{own}:Net"
    assert written["training"]["evaluators"] == ["metrics", f"{own}:report"]
    monkeypatch.chdir("/")
    assert RunConfig.from_config_dict(written) == made
    assert len(made.data.load().train) == 50


def test_a_class_that_nobody_named(own: Path) -> None:
    """A program may put its own config into a run; what is written down finds it again."""
    net = load(f"{own}:Net")(width=3)
    made = RunConfig(data=config("mlp").data, model=net, training=config("mlp").training)
    assert RunConfig.from_config_dict(made.to_dict()) == made
    assert made.to_dict()["model"]["name"] == f"{own}:Net"


def test_a_plain_model_keeps_its_name() -> None:
    assert config("geomdl.models:GCNNConfig", group="D4").to_dict()["model"]["name"] == "gcnn"


@pytest.mark.parametrize(
    ("model", "data", "options", "message"),
    [
        (
            "Undecorated",
            "digits",
            {},
            "invalid class '.*:Undecorated'; allowed: a dataclass; try @dataclasses.dataclass",
        ),
        ("Net", "{own}:Abstract", {}, r"invalid class '.*:Abstract'; .* but it lacks load\(\)"),
        ("Net", "{own}:Net", {}, "invalid data set '.*:Net'; allowed: a subclass of geomdl.data.DataConfig"),
        ("Digits", "digits", {}, "must take image_shape, num_classes, rngs"),
        ("Net", "digits", {"extra": 3}, "invalid model.extra 3; allowed: tuple of int"),
        ("Net", "digits", {"exrta": (3,)}, "unknown config key 'model.exrta'; .*did you mean 'model.extra'"),
        ("Net", "digits", {"width": -1.0}, "invalid model.width -1.0; allowed: a positive number"),
        ("Unwritable", "digits", {"anything": optax}, "invalid model.anything <module .*can be written to config.json"),
    ],
)
def test_what_is_no_config_class(model: str, data: str, options: dict, message: str, own: Path) -> None:
    with pytest.raises(ValueError, match=message):
        config(f"{own}:{model}", data.format(own=own), **options)


def test_optimisers_of_optax() -> None:
    made = OPTIMIZERS["optax:adamw"](learning_rate=0.1, weight_decay=0.5)
    step = made.build(lambda count: 0.1 / (1 + count))
    ours = OPTIMIZERS["adamw"](learning_rate=0.1, weight_decay=0.5).build(lambda count: 0.1 / (1 + count))
    weights = {"kernel": jax.numpy.ones((2, 3))}
    gradient = {"kernel": jax.numpy.arange(6.0).reshape(2, 3)}
    updates = [t.update(gradient, t.init(weights), weights)[0]["kernel"] for t in (step, ours)]
    assert abs(updates[0] - updates[1]).max() < 1e-6
    with pytest.raises(TypeError, match="learning_rate"):
        OPTIMIZERS["optax:lion"]()


def test_an_activation_of_ones_own() -> None:
    fields = FieldType("C4", "2 regular")
    with pytest.raises(ValueError, match="unknown activation 'softplus'"):
        Pointwise(fields, "softplus")
    ACTIVATIONS.register("softplus", jax.nn.softplus)
    try:
        assert float(Pointwise(fields, "softplus")(jax.numpy.zeros((1, 2, 2, 8)))[0, 0, 0, 0]) == pytest.approx(
            0.6931472
        )
    finally:
        del ACTIVATIONS._own["softplus"], ACTIVATIONS._entries["softplus"]
