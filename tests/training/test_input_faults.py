"""Files that vanish or are cut off while a run reads them, and a reader process that is killed."""

import multiprocessing
import os
import runpy
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest

from geomdl.training import InputFailed, Interrupted, Result, RunConfig, load_trained, train

STEPS = 20
write_prepared = runpy.run_path(str(Path(__file__).parents[1] / "data" / "conftest.py"))["write_prepared"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TFDS folder: images are read from its array_record files at every step."""
    folder = tmp_path_factory.mktemp("prepared")
    write_prepared(folder, "tiny", {"train": 60, "test": 9})
    return folder


def config(folder: Path, **training) -> RunConfig:
    options = {"batch_size": 4, "steps": STEPS, "eval_every": STEPS, "checkpoint_every": 2, "log_every": 5}
    sections = {
        "data": {"name": "tfds:tiny", "data_dir": str(folder), "in_memory": False},
        "model": {"name": "linear"},
        "training": options | training,
    }
    return RunConfig.from_config_dict(sections)


@pytest.fixture(scope="module")
def straight(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The run in which nothing happens."""
    return train(config(prepared), tmp_path_factory.mktemp("straight") / "run")


def require_equal(result: Result, other: Result) -> None:
    latest = [load_trained(r.workdir, "latest").model for r in (result, other)]
    for new, old in zip(*map(jax.tree.leaves, latest), strict=True):
        np.testing.assert_array_equal(np.asarray(new), np.asarray(old))
    assert [r["loss"] for r in result.records] == [r["loss"] for r in other.records]


class After:
    """A progress that does something after so many steps."""

    def __init__(self, steps: int, action: Callable[[], object]) -> None:
        self.left, self.action = steps, action

    def start(self, done: int, total: int, batch_size: int) -> None: ...

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.action()

    def write(self, record: dict) -> None: ...

    def close(self) -> None: ...


def files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*train*array_record*"))
    assert found
    return found


def cut_off(folder: Path) -> None:
    for file in files(folder):
        os.truncate(file, 0)


def overwrite(folder: Path) -> None:
    for file in files(folder):
        file.write_bytes(b"\x07" * file.stat().st_size)


@pytest.mark.parametrize("damage", [cut_off, pytest.param(overwrite, marks=pytest.mark.long)])
def test_files_that_are_damaged_while_they_are_read(
    damage: Callable[[Path], None], prepared: Path, straight: Result, tmp_path: Path
) -> None:
    folder = shutil.copytree(prepared, tmp_path / "data")
    message = (
        r"cannot read the training images of step \d+ \(ValueError: corrupt data set in .*tiny/1.0.0: records of split "
        r"'train' cannot be read .*; the checkpoint of step \d+ is kept; once the data is there, give the same command"
    )
    with pytest.raises(InputFailed, match=message) as raised:
        train(config(folder), tmp_path / "run", progress=After(5, lambda: damage(folder)))
    step = int(str(raised.value).split("the checkpoint of step ")[1].split()[0])
    there = {int(p.name) for p in (tmp_path / "run" / "checkpoints").iterdir()}
    assert max(there) == step >= 4
    shutil.rmtree(folder)
    shutil.copytree(prepared, folder)
    require_equal(train(config(folder), tmp_path / "run"), straight)


def test_files_that_are_deleted_while_they_are_read(prepared: Path, straight: Result, tmp_path: Path) -> None:
    folder = shutil.copytree(prepared, tmp_path / "data")

    def delete() -> None:
        for file in files(folder):
            file.unlink()

    asked = iter([False] * 12)
    with pytest.raises(Interrupted, match="with a checkpoint"):  # what is open stays readable
        train(config(folder), tmp_path / "run", progress=After(5, delete), stop=lambda: next(asked, True))
    before = {p.name for p in (tmp_path / "run" / "checkpoints").iterdir()}
    with pytest.raises(ValueError, match=r"corrupt data set in .*tiny/1.0.0.*copy or prepare it again"):
        train(config(folder), tmp_path / "run")
    assert {p.name for p in (tmp_path / "run" / "checkpoints").iterdir()} == before
    shutil.rmtree(folder)
    shutil.copytree(prepared, folder)
    require_equal(train(config(folder), tmp_path / "run"), straight)


@pytest.mark.filterwarnings("ignore:.*leaked shared_memory:UserWarning")
def test_a_reader_process_that_is_killed(prepared: Path, straight: Result, tmp_path: Path) -> None:
    def kill() -> None:
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)

    message = r"step \d+ \(RuntimeError: Worker process was terminated.*code -9\..*; the checkpoint of step \d+ is kept"
    with pytest.raises(InputFailed, match=message):
        train(config(prepared, workers=2, steps=60), tmp_path / "run", progress=After(5, kill))
    assert not multiprocessing.active_children()
    allowed = ["training.workers", "training.steps"]
    require_equal(train(config(prepared), tmp_path / "run", allow_change=allowed), straight)
