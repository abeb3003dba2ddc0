"""Going on with a run whose config has changed: what works and means what, what is refused, what a failure leaves."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from geomdl.data import Dataset, Split
from geomdl.training import Interrupted, RunConfig, TrainingDiverged, load_trained, read_run, train
from geomdl.training.checkpoints.checkpoint import Checkpoints, SaveFailed
from geomdl.training.loop.settlement import Settlement
from geomdl.training.workdir.workdir import WorkdirError

SECTIONS: dict[str, Any] = {
    "data": {"name": "digits"},
    "model": {"name": "linear"},
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "training": {"batch_size": 8, "steps": 4, "eval_every": 2, "log_every": 1, "checkpoint_seconds": 0.0},
}


def config(**sections: Any) -> RunConfig:
    """The config of this page with other values in some sections; a name begins a section anew."""
    tree = {
        key: sections.get(key, {})
        if "name" in sections.get(key, {})
        else {**SECTIONS.get(key, {}), **sections.get(key, {})}
        for key in {**SECTIONS, **sections}
    }
    training = tree["training"]
    if training.get("epochs") is not None:
        training.pop("steps", None)
    return RunConfig.from_config_dict(tree)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """64 training images in three classes that can be told apart, 16 for validation."""
    random = np.random.default_rng(0)
    labels = (np.arange(96) % 3).astype(np.int32)
    stripes = np.arange(8)[None, None, :, None] % 3 == 0
    images = (random.random((96, 8, 8, 1)) * 0.5 + labels[:, None, None, None] * 0.25 * stripes).astype(np.float32)
    splits = [Split(images[part], labels[part]) for part in (slice(64), slice(64, 80), slice(80, 96))]
    return Dataset("stripes", *splits, (8, 8, 1), 3, ("a", "b", "c"), "drawn here")


class Going:
    """A run, and what was told when it went on."""

    def __init__(self, workdir: Path, data: Dataset) -> None:
        self.workdir, self.data, self.told = workdir, data, ""

    def __call__(self, *allow: str, stop: int | None = None, data: Dataset | None = None, **sections: Any) -> Any:
        """Trains; the request to stop comes after a step."""
        told: list[str] = []
        asked = iter(range(1, 1000))
        stopping: dict[str, Any] = {} if stop is None else {"stop": lambda: next(asked) >= stop}
        try:
            return train(
                config(**sections),
                self.workdir,
                dataset=self.data if data is None else data,
                allow_change=allow,
                note=told.append,
                **stopping,
            )
        finally:
            self.told = "\n".join(told)

    @property
    def files(self) -> dict[str, bytes]:
        """Everything that makes the run, byte for byte."""
        names = ("config.json", "run.json", "metrics.jsonl")
        there = [*(self.workdir / name for name in names), *(self.workdir / "checkpoints").rglob("*")]
        return {str(p.relative_to(self.workdir)): p.read_bytes() for p in there if p.is_file()}


@pytest.fixture
def run(tmp_path: Path, data: Dataset) -> Going:
    return Going(tmp_path / "run", data)


ADAM, SGD = SECTIONS["optimizer"], {"name": "sgd", "learning_rate": 0.01}
MOMENTUM = {"name": "momentum", "learning_rate": 0.01}


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (
            {},
            {
                "optimizer": {"name": "adamw", "learning_rate": 0.02, "clip_norm": 1.0},
                "schedule": {"name": "cosine"},
                "training": {"steps": 6, "ema": 0.9, "accumulate": 2},
            },
            (
                "goes on with what it has gathered",
                "the learning rate of step 5 is 0.005, before it was 0.01",
                "average of the parameters begins with those of step 4",
            ),
        ),
        (
            {"optimizer": {**ADAM, "clip_norm": 1.0}, "training": {"ema": 0.9}},
            {"training": {"steps": 6}},
            ("goes on with what it has gathered", "evaluations use the parameters themselves"),
        ),
    ],
)
def test_what_fits_goes_on(first: dict[str, Any], second: dict[str, Any], told: tuple[str, ...], run: Going) -> None:
    run(**first)
    assert run("optimizer", "training", "schedule", **second).step == 6
    for sentence in ("from step 4 on", *told):
        assert sentence in run.told
    images = jax.numpy.asarray(run.data.test.images)
    for which in (4, 6):  # whichever config a checkpoint was made under
        load_trained(run.workdir, which, dataset=run.data).model(images)
    assert run(**second).step == 6  # it is the run's config now
    assert run.told == ""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"model": {"name": "mlp", "width": 8}}),
        ({}, {"optimizer": SGD}),
        ({"optimizer": MOMENTUM}, {"optimizer": {"name": "optax:lion", "learning_rate": 0.01}}),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    first: dict[str, Any], second: dict[str, Any], run: Going
) -> None:
    run(**first)
    before, key = run.files, next(iter(second))
    with pytest.raises(WorkdirError, match=rf"cannot go on with a changed config \({key}.name: .*nothing was changed"):
        run("optimizer", "training", "model", **second, training={"steps": 6})
    assert run.files == before
    assert run(**first).step == 4


def test_a_change_that_fails_is_taken_back(run: Going, monkeypatch: pytest.MonkeyPatch) -> None:
    run(optimizer=SGD)
    before = run.files
    wild = {"optimizer": {**SGD, "learning_rate": 1e38}, "training": {"steps": 9, "eval_every": 9}}
    with pytest.raises(TrainingDiverged):
        run("optimizer", "training", **wild)
    assert "was taken back" in run.told
    assert run.files == before

    def full(*_: Any, **__: Any) -> None:
        raise SaveFailed("no room")

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", full)
        with pytest.raises(SaveFailed):
            run("training", optimizer=SGD, training={"steps": 6})
    assert run.files == before
    assert load_trained(run.workdir, dataset=run.data).step == 4
    assert run(optimizer=SGD).step == 4


def test_killed_between_writing_the_change_down_and_the_checkpoint(run: Going, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new command goes on from the checkpoint of the old one, whose optimiser and average were others."""
    run()
    changed = {"optimizer": {**ADAM, "clip_norm": 1.0}, "training": {"steps": 6, "ema": 0.9}}

    class Killed(BaseException):
        pass

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", kill)
        patched.setattr(Settlement, "take_back", lambda self: False)
        with pytest.raises(Killed):
            run("optimizer", "training", **changed)
    assert load_trained(run.workdir, "latest", dataset=run.data).step == 4
    assert run(**changed).step == 6


def test_stopped_and_gone_on_with_after_a_change_comes_to_the_same_numbers(
    run: Going, data: Dataset, tmp_path: Path
) -> None:
    changed = {"optimizer": {**ADAM, "weight_decay": 0.1}, "training": {"batch_size": 16, "epochs": 3}}
    allow = ("optimizer", "training")
    run(training={"epochs": 1})
    straight = run(*allow, **changed)
    other = Going(tmp_path / "other", data)
    other(training={"epochs": 1})
    with pytest.raises(Interrupted):
        other(*allow, stop=3, **changed)
    with pytest.raises(WorkdirError, match="belongs to a run with another config"):
        other(training={"epochs": 1})
    again = other(**changed)
    assert again.step == straight.step == 16  # one pass in steps of 8 images, two in steps of 16
    kept = [{k: v for k, v in r.items() if k != "images_per_second"} for r in straight.records]
    assert kept == [{k: v for k, v in r.items() if k != "images_per_second"} for r in again.records]


def test_longer_and_shorter(run: Going) -> None:
    run(training={"steps": 8})
    before = run.files
    with pytest.raises(WorkdirError, match="it would end at step 6, and the run has taken 8 steps already"):
        run("training", training={"steps": 6})
    with pytest.raises(WorkdirError, match="it would end at step 4"):
        run("training", training={"epochs": 0.5})
    assert run.files == before
    with pytest.raises(Interrupted):
        run("training", training={"steps": 20}, stop=2)
    assert "the run ends at step 20, before it was 8; 12 are left" in run.told
    assert read_run(run.workdir).status == "stopped at 10 of 20"
    assert run("training", training={"steps": 10}).step == 10
    assert read_run(run.workdir).status == "finished"


def test_patience(run: Going) -> None:
    """That which is asked for now decides, not that under which the run was stopped."""
    still = {"name": "sgd", "learning_rate": 1e-30}
    assert run(optimizer=still, training={"steps": 20, "patience": 1}).step == 4
    assert run("training", optimizer=still, training={"steps": 30, "patience": 1}).step == 4
    assert "no step is taken: loss has not improved for 1 evaluations, and training.patience is 1" in run.told
    result = run("training", optimizer=still, training={"steps": 30, "patience": 3})
    assert (result.step, result.stopped_early) == (8, True)
    with pytest.raises(Interrupted):
        run("training", optimizer=still, training={"steps": 30, "patience": None}, stop=2)
    assert read_run(run.workdir).state == "stopped"
    result = run(optimizer=still, training={"steps": 30, "patience": None})
    assert (result.step, result.stopped_early) == (30, False)


def test_scores_of_another_metric_are_not_compared(run: Going) -> None:
    fast, many = {"name": "sgd", "learning_rate": 0.3}, {"steps": 12, "keep_checkpoints": 6}
    first = run(optimizer=fast, training=many)
    accuracy = {r["step"]: r["accuracy"] for r in first.records if r["split"] == "validation"}
    best = max(accuracy, key=lambda step: (accuracy[step], -step))
    assert first.best_step != best  # or this would show nothing
    other = {**many, "monitor": "accuracy", "patience": 9}
    result = run("training", optimizer=fast, training=other)
    trained = load_trained(run.workdir, dataset=run.data)
    assert result.best_step == trained.step == read_run(run.workdir).best_step == best
    assert "compared by accuracy" in run.told
    longer = run("training", optimizer=fast, training={**other, "steps": 14})
    accuracy |= {r["step"]: r["accuracy"] for r in longer.records if r["split"] == "validation"}
    assert longer.best_step == max(accuracy, key=lambda step: (accuracy[step], -step))


def test_scores_of_other_data_are_not_compared(run: Going, data: Dataset) -> None:
    run(training={"steps": 8})
    before = run.files
    other = replace(data, validation=data.test, provenance="drawn elsewhere")
    smaller = config(data={"name": "digits", "size": 12}, training={"steps": 8})
    with pytest.raises(WorkdirError, match="no step is left to be taken after step 8"):
        train(smaller, run.workdir, dataset=other, allow_change=["data"])
    assert run.files == before
    changed = config(
        data={"name": "digits", "size": 12}, training={"steps": 10}, optimizer={**ADAM, "learning_rate": 30.0}
    )
    result = train(changed, run.workdir, dataset=other, allow_change=["data", "training", "optimizer"])
    assert result.best_step == 10 == read_run(run.workdir).best_step  # though it is the worst of all
    assert json.loads((run.workdir / "run.json").read_text())["comparable_from"] == 8


def test_skipped_steps_do_not_end_a_run_that_no_longer_skips(run: Going, data: Dataset) -> None:
    images = np.array(data.train.images)
    images[3] = np.nan
    broken = replace(data, train=Split(images, data.train.labels))
    first = run(data=broken, training={"on_nonfinite": "skip", "steps": 8})
    assert sum(r.get("skipped", 0) for r in first.records) == 1
    assert run("training", "data", training={"steps": 12}).step == 12
