"""The training loop: records, work directory, resuming to the same numbers, early stopping, divergence."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.data import Dataset
from geomdl.training import RunConfig, TrainingDiverged, WorkdirError, load_trained, read_metrics, train

SECTIONS = {
    "seed": 3,
    "data": {"name": "digits", "size": 12, "train_size": 300, "test_size": 100, "validation_size": 90},
    "augmentation": {"flip": True, "shift": 1},
    "model": {"name": "cnn", "width": 3, "depth": 1, "kernel_size": 3, "dropout": 0.3},
    "optimizer": {"name": "adam", "learning_rate": 0.01, "weight_decay": 1e-4},
    "schedule": {"name": "cosine", "warmup_steps": 3},
    "training": {"batch_size": 32, "steps": 24, "eval_every": 8, "log_every": 5}
    | {"checkpoint_every": 6, "checkpoint_seconds": 0},
}


def config(**sections) -> RunConfig:
    return RunConfig.from_config_dict({**SECTIONS, **sections})


def arrays(model: nnx.Module) -> list[np.ndarray]:
    return [np.asarray(a) for a in jax.tree.leaves(nnx.state(model))]


def without_speed(records: list[dict]) -> list[dict]:
    return [{k: v for k, v in r.items() if k != "images_per_second"} for r in records]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return config().data.load()


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset):
    """The run that nothing interrupted."""
    return train(config(), tmp_path_factory.mktemp("straight") / "run", dataset=dataset)


class Stop:
    """A progress that ends the run at a step, by an exception or by SIGKILL."""

    def __init__(self, after: int, *, kill: bool = False) -> None:
        self.left, self.kill = after, kill

    def start(self, done: int, total: int, batch_size: int) -> None:
        self.left -= done

    def step(self) -> None:
        self.left -= 1
        if self.left == 0 and self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.left == 0:
            raise KeyboardInterrupt

    def write(self, record: dict) -> None: ...

    def close(self) -> None: ...


def test_records(straight) -> None:
    records = straight.records
    ends = [r["step"] for r in records if r["split"] == "train"]
    assert ends == [5, 6, 8, 10, 12, 15, 16, 18, 20, 24]  # every 5 steps, and where a checkpoint is
    assert [r["step"] for r in records if r["split"] == "validation"] == [8, 16, 24]
    rates = {r["step"]: r["learning_rate"] for r in records if r["split"] == "train"}
    assert rates[5] == pytest.approx(
        0.01 * (1 + np.cos(np.pi * 1 / 21)) / 2, rel=1e-5
    )  # step 5 is the 2nd after warm-up
    assert all(r["images_per_second"] > 0 for r in records if r["split"] == "train")
    assert straight.step == 24
    assert straight.best["loss"] == min(r["loss"] for r in records if r["split"] == "validation")
    assert straight.records[-1]["loss"] < straight.records[0]["loss"]


def test_work_directory(straight) -> None:
    names = {p.name for p in straight.workdir.iterdir()}
    assert {"config.json", "metrics.jsonl", "checkpoints", "tensorboard"} <= names
    assert list((straight.workdir / "tensorboard").glob("events*"))
    assert straight.records == read_metrics(straight.workdir / "metrics.jsonl")


def test_the_seed_decides(tmp_path: Path, dataset: Dataset) -> None:
    small = {"model": {"name": "linear"}, "training": {"batch_size": 32, "steps": 2}}
    plain = {"augmentation": {}, "schedule": {}}
    losses = [
        train(config(seed=seed, **small, **plain), tmp_path / str(i), dataset=dataset).best["loss"]
        for i, seed in enumerate((5, 5, 6))
    ]
    assert losses[0] == losses[1] != losses[2]


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from test_loop import Stop, config
from geomdl.training.loop.loop import train
train(config(), {workdir!r}, progress=Stop(after=int(sys.argv[1]), kill=True))
"""


def test_a_killed_and_an_interrupted_run_goes_on_to_the_same_numbers(
    straight, tmp_path: Path, dataset: Dataset
) -> None:
    workdir = tmp_path / "run"
    script = KILLED.format(tests=str(Path(__file__).parent), workdir=str(workdir))
    done = subprocess.run([sys.executable, "-c", script, "15"], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    steps = [int(p.name) for p in (workdir / "checkpoints").iterdir() if p.name.isdigit()]
    assert 0 < max(steps) < 15
    assert not (workdir / "checkpoints" / "24").exists()
    with pytest.raises(KeyboardInterrupt):
        train(config(), workdir, dataset=dataset, progress=Stop(after=21))
    result = train(config(), workdir, dataset=dataset)
    assert without_speed(result.records) == without_speed(straight.records)
    assert result.best_step == straight.best_step
    latest, uninterrupted = (load_trained(w, "latest", dataset=dataset).model for w in (workdir, straight.workdir))
    for new, old in zip(arrays(latest), arrays(uninterrupted), strict=True):
        np.testing.assert_array_equal(new, old)


def test_a_finished_run_is_only_read(straight, dataset: Dataset) -> None:
    before = (straight.workdir / "metrics.jsonl").read_bytes()
    again = train(config(), straight.workdir, dataset=dataset, progress=Stop(after=1))
    assert (straight.workdir / "metrics.jsonl").read_bytes() == before
    assert (again.step, again.best_step) == (24, straight.best_step)


def test_the_trained_model_is_the_one_that_was_measured(straight, dataset: Dataset) -> None:
    from geomdl.evaluators import Metrics, predictor

    trained = load_trained(straight.workdir, dataset=dataset)
    assert trained.step == straight.best_step
    measured = Metrics()(predictor(trained.model), dataset.validation, trained.task)
    assert measured["accuracy"] == straight.best["accuracy"]
    assert measured["loss"] == pytest.approx(straight.best["loss"], rel=1e-5)
    with pytest.raises(ValueError, match="unknown checkpoint '7'"):
        load_trained(straight.workdir, 7, dataset=dataset)


def test_early_stopping_keeps_the_best_and_survives_a_restart(tmp_path: Path, dataset: Dataset) -> None:
    # A learning rate this small changes no prediction: the first evaluation stays the best.
    early = config(
        optimizer={"name": "sgd", "learning_rate": 1e-12},
        training={"batch_size": 32, "steps": 50, "eval_every": 2, "patience": 3, "monitor": "accuracy"},
        model={"name": "linear"},
        schedule={"name": "constant"},
    )
    with pytest.raises(KeyboardInterrupt):
        train(early, tmp_path / "run", dataset=dataset, progress=Stop(after=6))
    for _ in range(2):
        result = train(early, tmp_path / "run", dataset=dataset)
        assert (result.stopped_early, result.step, result.best_step) == (True, 8, 2)
        assert [r["step"] for r in result.records if r["split"] == "validation"] == [2, 4, 6, 8]


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, dataset: Dataset) -> None:
    wild = config(
        model={"name": "mlp", "width": 4},  # nothing normalises its weights
        optimizer={"name": "sgd", "learning_rate": 1e30},
        schedule={"name": "constant"},
    )
    message = (
        r"loss is (nan|inf); .* step 2, whose training images are .*; no checkpoint was saved; try a smaller optimizer"
    )
    with pytest.raises(TrainingDiverged, match=message):
        train(wild, tmp_path / "run", dataset=dataset)
    for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


class _Loss:
    """An evaluator whose losses are given, and whose accuracy is finite."""

    losses = (0.5, float("inf"))

    def __init__(self) -> None:
        self.left = list(self.losses)

    def __call__(self, *_: object) -> dict[str, float]:
        return {"loss": self.left.pop(0), "accuracy": 0.1}


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
@pytest.mark.parametrize(("losses", "kept"), [((0.5, np.inf), [2]), ((np.inf,), [])])
def test_diverged_weights_are_not_saved(
    monitor, losses, kept, tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Loss, "losses", losses)
    monkeypatch.setattr("geomdl.training.loop.evaluating.with_batch_size", lambda evaluator, size: _Loss())
    small = config(
        model={"name": "linear"},
        schedule={"name": "constant"},
        training={"batch_size": 32, "steps": 4, "eval_every": 2, "monitor": monitor},  # by the clock none is due
    )
    saved = "the checkpoint of step 2 is kept" if kept else "no checkpoint was saved"
    message = f"the validation loss is inf at step {2 * len(losses)}; {saved}; try a smaller"
    with pytest.raises(TrainingDiverged, match=message):
        train(small, tmp_path / "run", dataset=dataset)
    assert [int(p.name) for p in (tmp_path / "run" / "checkpoints").glob("[0-9]*")] == kept


def test_lost_records_of_a_finished_run(straight, tmp_path: Path, dataset: Dataset) -> None:
    workdir = shutil.copytree(straight.workdir, tmp_path / "run")
    (workdir / "metrics.jsonl").unlink()
    with pytest.raises(WorkdirError, match=r"run/metrics.jsonl, the records of the run, is missing; put it back, or"):
        train(config(), workdir, dataset=dataset)
    assert not (workdir / "metrics.jsonl").exists()
    (workdir / "metrics.jsonl").write_text('{"step": 5, "split": "train", "loss": 1.0}\n')
    with pytest.raises(WorkdirError, match=f"no validation record of step {straight.best_step}, the best; put"):
        _ = train(config(), workdir, dataset=dataset).best


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"training": {"batch_size": 301, "steps": 2}}, "invalid training.batch_size 301; allowed: at most the 300"),
        ({"schedule": {"name": "cosine", "warmup_steps": 24}}, "invalid schedule.warmup_steps 24"),
        ({"task": {"loss": "sigmoid"}}, "invalid task.loss 'sigmoid'"),
        ({"model": {"name": "cnn", "kernel_size": 31}}, "31"),
    ],
)
def test_what_does_not_fit_leaves_no_directory(sections, message, tmp_path: Path, dataset: Dataset) -> None:
    with pytest.raises(ValueError, match=message):
        train(config(**sections), tmp_path / "run", dataset=dataset)
    assert not (tmp_path / "run").exists()
