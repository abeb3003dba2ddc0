"""What happens to a run must not change its numbers; what cannot go on says why, and loses nothing."""

import errno
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomdl.cli.main import main
from geomdl.cli.support.interrupt import Interruption
from geomdl.data import Column, Dataset, DeviceLoader, Split, StreamLoader
from geomdl.training import (
    Checkpoints,
    InputFailed,
    Interrupted,
    JsonlWriter,
    Result,
    RunConfig,
    TensorBoardWriter,
    TrainingDiverged,
    Workdir,
    WorkdirError,
    load_trained,
    read_metrics,
    train,
)

STEPS = 8
TRAINING = {
    "batch_size": 8,
    "steps": STEPS,
    "eval_every": 4,
    "checkpoint_every": 3,
    "log_every": 5,
    "checkpoint_seconds": 0,
}
SECTIONS = {
    "seed": 3,
    "data": {"name": "digits", "size": 12, "train_size": 40, "test_size": 20, "validation_size": 20},
    "augmentation": {"flip": True},
    "model": {"name": "linear"},
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "schedule": {"name": "cosine", "warmup_steps": 2},
    "training": TRAINING | {"eval_batch_size": 5, "ema": 0.9},
}


def config(**training) -> RunConfig:
    return RunConfig.from_config_dict(SECTIONS | {"training": SECTIONS["training"] | training})


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return config().data.load()


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> Result:
    """The run that nothing interrupted."""
    return train(config(), tmp_path_factory.mktemp("straight") / "run", dataset=dataset)


class Asked:
    """Asks the run to stop when it has been listened to so many times."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def without_speed(records: list[dict]) -> list[dict]:
    return [{k: v for k, v in r.items() if k != "images_per_second"} for r in records]


def require_equal(result: Result, other: Result, dataset: Dataset) -> None:
    assert without_speed(result.records) == without_speed(other.records)
    assert result.best_step == other.best_step
    for which in ("latest", "best"):
        models = [load_trained(r.workdir, which, dataset=dataset).model for r in (result, other)]
        for new, old in zip(*(jax.tree.leaves(m) for m in models), strict=True):
            np.testing.assert_array_equal(np.asarray(new), np.asarray(old))


@settings(max_examples=2)
@given(parts=st.lists(st.integers(0, 9), min_size=1, max_size=2))
def test_any_split_of_a_run_into_parts_gives_the_same_result(
    parts: list[int], straight: Result, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> None:
    workdir = tmp_path_factory.mktemp("parts") / "run"
    for listened in parts:
        with pytest.raises(Interrupted, match=r"stopped after step \d+, with a checkpoint; give the same command"):
            train(config(), workdir, dataset=dataset, stop=Asked(listened))
    require_equal(train(config(), workdir, dataset=dataset), straight, dataset)


def test_the_step_is_compiled_once_in_every_process(
    dataset: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also in one that goes on from a checkpoint: what compiles again delays its first step by seconds."""
    with jax.log_compiles():
        with pytest.raises(Interrupted):
            train(config(), tmp_path / "run", dataset=dataset, stop=Asked(after=5))
        first = caplog.text.count("Compiling jit(step)")
        caplog.clear()
        assert train(config(), tmp_path / "run", dataset=dataset).step == STEPS
    assert first == caplog.text.count("Compiling jit(step)") == 1


def test_stopped_while_evaluating(straight: Result, dataset: Dataset, tmp_path: Path) -> None:
    for last, listened in ((4, 6), (8, 10)):  # after each step, before each of 4 batches, after saving
        with pytest.raises(Interrupted, match=f"step {last},"):
            train(config(), tmp_path / "run", dataset=dataset, stop=Asked(listened))
        assert {r["step"] for r in read_metrics(tmp_path / "run" / "metrics.jsonl") if r["split"] == "validation"} == (
            set() if last == 4 else {4}
        )
    require_equal(train(config(), tmp_path / "run", dataset=dataset), straight, dataset)


def test_the_first_signal_is_noted_and_the_second_is_left_to_the_system() -> None:
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    with Interruption() as interruption:
        assert not interruption.asked()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.asked()
        assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == [signal.SIG_DFL] * 2
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before
    with pytest.raises(Interrupted, match="stopped before the first step"), Interruption():
        os.kill(os.getpid(), signal.SIGINT)


def poisoned(dataset: Dataset, places: list[int]) -> Dataset:
    images = np.array(dataset.train.images)
    images[places] = np.nan
    return replace(dataset, train=Split(images, dataset.train.labels))


def steps_of(dataset: Dataset, place: int) -> list[int]:
    loader = DeviceLoader(dataset.train, 8, seed=3)
    return [step + 1 for step in range(STEPS) if place in loader.indices(step)]


def test_a_step_that_is_not_finite_is_named_with_its_images(dataset: Dataset, tmp_path: Path) -> None:
    place = next(p for p in range(40) if steps_of(dataset, p)[0] == 5)
    with pytest.raises(TrainingDiverged, match=r"loss is nan; .* step 5, whose .*; the checkpoint of step 4 is kept"):
        train(config(), tmp_path / "run", dataset=poisoned(dataset, [place]))
    written = json.loads((tmp_path / "run" / "nonfinite.json").read_text())
    assert written["step"] == 5
    assert place in written["training_images"]
    assert len(written["training_images"]) == 8
    assert load_trained(tmp_path / "run", "latest", dataset=dataset).step == 4


def test_steps_that_are_not_finite_are_skipped_and_counted(dataset: Dataset, tmp_path: Path) -> None:
    data, skipping = poisoned(dataset, [7]), config(on_nonfinite="skip", log_every=1)
    bad = steps_of(dataset, 7)
    with pytest.raises(Interrupted):
        train(skipping, tmp_path / "run", dataset=data, stop=Asked(bad[0] - 1))
    result = train(skipping, tmp_path / "run", dataset=data)
    training = [r for r in result.records if r["split"] == "train"]
    assert [r["step"] for r in training if r["skipped"]] == bad
    assert all((r["loss"] is None) == bool(r["skipped"]) for r in training)
    rates = {r["step"]: r["learning_rate"] for r in training}
    assert rates[bad[0]] == rates[bad[0] - 1]  # the optimiser has not heard of it
    for array in jax.tree.leaves(load_trained(result.workdir, "latest", dataset=data).model):
        assert np.isfinite(np.asarray(array)).all()


def test_many_skips_in_a_row_end_the_run(dataset: Dataset, tmp_path: Path) -> None:
    skipping = config(on_nonfinite="skip", steps=12, eval_every=50)
    with pytest.raises(TrainingDiverged, match=r"10 steps in a row were not finite, and skipped; the latest is step 1"):
        train(skipping, tmp_path / "run", dataset=poisoned(dataset, list(range(40))))


def test_images_that_cannot_be_read_any_more(
    straight: Result, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = DeviceLoader.fetch

    def failing(self: DeviceLoader, step: int) -> dict:
        if step == 7:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "train.array_record")
        return fetch(self, step)

    monkeypatch.setattr(DeviceLoader, "fetch", failing)
    message = r"images of step 8 \(FileNotFoundError: .*train.array_record'\); the checkpoint of step 6 is kept; once"
    with pytest.raises(InputFailed, match=message):
        train(config(), tmp_path / "run", dataset=dataset)
    monkeypatch.undo()
    require_equal(train(config(), tmp_path / "run", dataset=dataset), straight, dataset)


class Vanishing:
    """Records that are gone after a few reads, as when a disk is unmounted."""

    image_shape, image_dtype, label_shape, label_dtype = (2, 2, 1), np.dtype(np.uint8), (), np.dtype(np.int32)
    left = 5

    def __len__(self) -> int:
        return 40

    def read(self, indices) -> dict:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return {"image": np.zeros((len(indices), 2, 2, 1), np.uint8), "label": np.zeros(len(indices), np.int32)}

    def read_labels(self, indices) -> np.ndarray:
        return self.read(indices)["label"]


def test_a_reader_that_fails_ends_the_stream_with_its_error() -> None:
    records, places = Vanishing(), np.arange(40)
    loader = StreamLoader(Split(Column(records, places, True), Column(records, places, False)), 4, seed=0)
    with pytest.raises(OSError, match="Input/output error"):
        _ = [loader.fetch(step) for step in range(10)]
    loader.close()


@pytest.mark.parametrize("part", [(0, 1), (1, 2)])
def test_a_loader_knows_the_places_of_a_step(part: tuple[int, int]) -> None:
    labels = np.arange(20, dtype=np.int32)
    split = Split(np.zeros((20, 1, 1, 1), np.uint8), labels)
    stream, device = StreamLoader(split, 6, seed=1, part=part), DeviceLoader(split, 6, seed=1)
    rows = slice(part[0] * 6 // part[1], (part[0] + 1) * 6 // part[1])
    for step in (0, 1, 4):
        np.testing.assert_array_equal(stream.fetch(step)["label"], labels[stream.indices(step)][rows])
        np.testing.assert_array_equal(device.select(device.fetch(step), step)["label"], labels[device.indices(step)])
    stream.close()


def test_a_full_disk_stops_the_records(tmp_path: Path) -> None:
    writer = JsonlWriter(tmp_path / "metrics.jsonl")
    writer._file.close()
    writer._file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115
    with pytest.raises(WorkdirError, match=r"cannot write to .*metrics.jsonl \(No space left on device\)"):
        writer.write({"step": 1, "split": "train"})
    writer.close()


def test_a_full_disk_does_not_make_the_run_wait_for_tensorboard(tmp_path: Path) -> None:
    writer = TensorBoardWriter(tmp_path)
    records = writer._writer.file_writer.event_writer._ev_writer._events._py_recordio_writer  # type: ignore[union-attr]
    records._writer.close()
    records._writer = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
    for step in range(300):  # more than is buffered, or waits to be written
        writer.write({"step": step, "split": "train", "loss": 0.5, "accuracy": 0.5})
    writer.close()


@pytest.mark.parametrize("partial", ["config.json.partial", ".lock"])
def test_killed_while_the_directory_was_being_made(partial: str, tmp_path: Path) -> None:
    (tmp_path / partial).write_text('{"config": {"seed"')
    with Workdir(tmp_path, config()):
        assert json.loads((tmp_path / "config.json").read_text())["config"]["seed"] == 3


def test_a_checkpoint_that_could_not_be_saved(
    straight: Result, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = Checkpoints._wait

    def failing(self: Checkpoints) -> None:
        wait(self)  # no thread is left behind that tidies up while the next run begins
        if self.latest == 6:
            raise self._not_saved(6, OSError(errno.EROFS, os.strerror(errno.EROFS)))

    monkeypatch.setattr(Checkpoints, "_wait", failing)
    with pytest.raises(RuntimeError, match=r"checkpoint of step 6 in .*\(Read-only file system\); .* step 4 is kept"):
        train(config(), tmp_path / "run", dataset=dataset)
    monkeypatch.undo()
    require_equal(train(config(), tmp_path / "run", dataset=dataset), straight, dataset)


def test_changes_of_the_config_must_be_meant(dataset: Dataset, tmp_path: Path) -> None:
    workdir = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(config(), workdir, dataset=dataset, stop=Asked(4))
    changed = config(steps=10, log_every=2)
    message = (
        r"steps: 8 there, 10 here; .*log_every: 5 there, 2 here\).*--allow-change=training.steps,training.log_every"
    )
    with pytest.raises(WorkdirError, match=message):
        train(changed, workdir, dataset=dataset)
    with pytest.raises(WorkdirError, match=r"\(training.log_every: 5 there, 2 here\)"):
        train(changed, workdir, dataset=dataset, allow_change=["training.steps"])
    with pytest.raises(ValueError, match=r"unknown --allow-change 'training.step'.*did you mean 'training.steps'"):
        train(changed, workdir, dataset=dataset, allow_change=["training.step"])
    assert train(changed, workdir, dataset=dataset, allow_change=["training"]).step == 10
    written = json.loads((workdir / "config.json").read_text())
    assert written["config"]["training"]["steps"] == 10
    (entry,) = written["history"]
    assert entry["changes"] == ["training.steps: 8 there, 10 here", "training.log_every: 5 there, 2 here"]
    assert (entry["step"], entry["config"]["training"]["steps"]) == (4, 8)
    assert train(changed, workdir, dataset=dataset, allow_change=["training"]).step == 10
    assert len(json.loads((workdir / "config.json").read_text())["history"]) == 1


def test_the_command_says_that_it_was_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise Interrupted(40)

    monkeypatch.setattr("geomdl.training.loop.loop.train", stopped)
    assert main(["train", "--config=digits_mlp", f"--workdir={tmp_path / 'run'}"]) == 75
    assert capsys.readouterr().err == (
        "geomdl: stopped after step 40, with a checkpoint; give the same command again to go on\n"
    )
