"""What is said about a run that goes wrong without an error: on the console, and in its report."""

import dataclasses
import json
import logging
import math
from pathlib import Path

import numpy as np
import pytest
from flax import nnx

from geomdl.data import Dataset, Split
from geomdl.tasks import Classification, Segmentation
from geomdl.training import RunConfig, train, write_report
from geomdl.training.reporting.advice import at_the_end, at_the_start, loss_of_zeros


def _data(labels: str = "true", scale: float = 1.0, validation: tuple[int, ...] = (0, 1, 2)) -> Dataset:
    rng = np.random.default_rng(0)

    def split(count: int, classes: tuple[int, ...]) -> Split:
        y = np.resize(np.array(classes, np.int32), count)
        x = rng.uniform(size=(count, 6, 6, 1)).astype(np.float32) + y[:, None, None, None]
        return Split(scale * x, rng.permutation(y) if labels == "random" else y)

    return Dataset(
        "levels",
        split(96, (0, 1, 2)),
        split(60, validation),
        split(6, (0, 1, 2)),
        (6, 6, 1),
        3,
        ("a", "b", "c"),
        "here",
    )


def _said(dataset: Dataset, folder: Path, **changes) -> list[str]:
    config = {
        "model": changes.pop("model", {"name": "mlp", "width": 8}),
        "optimizer": {"name": "adam", "learning_rate": changes.pop("learning_rate", 0.01)},
        "training": {"steps": 40, "batch_size": 32, "log_every": 5, **changes},
    }
    said: list[str] = []
    train(RunConfig.from_config_dict(config), folder, dataset=dataset, note=said.append)
    report, *_ = write_report(folder)
    for line in said:
        assert f"**Note:** {line}." in report.read_text()
    return said


def test_of_a_run_that_goes_well_nothing_is_said(tmp_path: Path) -> None:
    assert _said(_data(), tmp_path) == []
    assert not [line for line in (tmp_path / "report.md").read_text().splitlines() if "Note" in line]


def test_a_run_that_has_ended_is_not_spoken_of_again(tmp_path: Path) -> None:
    said = _said(_data(validation=(0, 2)), tmp_path, steps=2)
    assert said
    facts = (tmp_path / "run.json").read_text()
    assert not [line for line in _said(_data(validation=(0, 2)), tmp_path, steps=2) if line in said]
    assert (tmp_path / "run.json").read_text() == facts


@pytest.mark.parametrize(
    ("data", "changes", "message"),
    [
        ({"labels": "random"}, {"learning_rate": 1e-6}, "stays at chance (0."),
        ({"scale": 1e4}, {}, "activations explode from the first layers on"),
        (
            {},
            {"learning_rate": 30.0, "model": {"name": "linear"}},
            "the learning rate 30 is too large for this network; try",
        ),
        ({"validation": (0, 2)}, {}, "no validation image is of class b (1 of 3 classes)"),
        (
            {},
            {"model": {"name": "mlp", "match_parameters": 30}},
            "model.match_parameters=30 asks for 30 parameters, and the nearest",
        ),
    ],
)
def test_what_goes_wrong_is_said(data, changes, message, tmp_path: Path) -> None:
    said = _said(_data(**data), tmp_path, **changes)
    assert [line for line in said if message in line], said


def test_labels_on_demand_are_not_read_for_it() -> None:
    class OnDemand:
        def __array__(self, *_, **__):
            raise AssertionError("read")

    dataset = dataclasses.replace(_data(validation=(0, 2)))
    config = RunConfig.from_config_dict({"model": {"name": "linear"}, "training": {"steps": 1}})
    model = config.model.build((6, 6, 1), 3, rngs=nnx.Rngs(0))
    assert at_the_start(config, dataset, model)
    for split in (dataset.train, dataset.validation):
        object.__setattr__(split, "labels", OnDemand())
    assert not at_the_start(config, dataset, model)
    assert not at_the_end(config, dataset, Classification(3), [{"step": 1, "split": "validation", "accuracy": 0.0}])


def test_what_was_said_may_be_damaged(tmp_path: Path) -> None:
    config = RunConfig.from_config_dict({"model": {"name": "linear"}, "training": {"steps": 1, "batch_size": 32}})
    train(config, tmp_path, dataset=_data())
    facts = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**facts, "advice": 3, "advice_at_start": {"a": 1}}))
    assert "Note" not in write_report(tmp_path)[0].read_text()


def test_it_is_logged_where_nobody_asks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = RunConfig.from_config_dict({"model": {"name": "linear"}, "training": {"steps": 1, "batch_size": 32}})
    with caplog.at_level(logging.WARNING):
        train(config, tmp_path, dataset=_data(validation=(0, 2)))
    assert "no validation image is of class b" in caplog.text


def test_the_loss_of_outputs_that_say_nothing() -> None:
    for objective, expected in (("softmax", math.log(3)), ("dice", 1.0), ("softmax+dice", math.log(3) + 1)):
        task = Segmentation(classes=("a", "b", "c"), objective=objective)
        assert loss_of_zeros(task) == pytest.approx(expected)
    weighted = dataclasses.replace(task, class_weights=(1.0, 2.0, 3.0))
    assert loss_of_zeros(weighted) is None
