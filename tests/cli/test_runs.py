"""Work directories that are written by hand, listed and compared."""

import csv
import fcntl
import json
import re
from pathlib import Path
from typing import Any

import pytest

from geomdl.cli.main import main
from geomdl.training import WorkdirError, find_runs, read_run


def make(
    path: Path, *, steps: int = 20, total: int = 20, losses: tuple[float, ...] = (0.5, 0.25), **config: Any
) -> Path:
    """A run of so many steps, evaluated at equal distances, with a checkpoint at the last of them."""
    (path / "checkpoints" / str(steps)).mkdir(parents=True)
    sections = {"data": {"name": "digits"}, "model": {"name": "cnn", "width": 4}, "training": {"epochs": 2}}
    about = {"config": {"seed": 0, **sections, **config}, "versions": {"jax": "1"}, "hardware": {"platform": "cpu"}}
    (path / "config.json").write_text(json.dumps(about))
    (path / ".lock").write_text("")
    done = {"finished": True, "step": steps, "best_step": steps} if steps == total else {}
    (path / "run.json").write_text(json.dumps({"total_steps": total, "parameters": 1234, **done}))
    records = [
        {"step": steps * i // len(losses), "split": "validation", "loss": loss, "accuracy": 1 - loss}
        for i, loss in enumerate(losses, start=1)
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def test_states(tmp_path: Path) -> None:
    assert read_run(make(tmp_path / "a")).status == "finished"
    assert read_run(make(tmp_path / "b", steps=8)).status == "stopped at 8 of 20"
    run = make(tmp_path / "c", steps=8, losses=(0.5, 0.1, 0.3, 0.4))
    with (run / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert read_run(run).status == "running, 8 of 20"
    assert (read_run(run).best_step, read_run(run).best["loss"], read_run(run).last["loss"]) == (4, 0.1, 0.4)
    (run / "run.json").unlink()
    assert read_run(run).status == "stopped at 8 of ?"


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("config.json", '{"config": ', "damaged: config.json"),
        ("metrics.jsonl", "{}\n{}\n", "damaged: metrics.jsonl"),
        ("checkpoints/20/digests.json", '{"_METADATA": "0"}', "damaged: checkpoint 20 (_METADATA is missing)"),
    ],
)
def test_damage_is_seen(file: str, text: str, problem: str, tmp_path: Path) -> None:
    run = make(tmp_path / "a")
    (run / file).write_text(text)
    assert read_run(run).status == problem
    (run / "metrics.jsonl").unlink()
    assert read_run(run).state == "damaged"


def test_damage_in_the_arrays_is_seen_when_asked_for(tmp_path: Path) -> None:
    checkpoint = make(tmp_path / "a") / "checkpoints" / "20"
    (checkpoint / "digests.json").write_text('{"state/d": "0"}')
    assert read_run(tmp_path / "a").state == "finished"
    assert read_run(tmp_path / "a", arrays=True).status == "damaged: checkpoint 20 (state/d is missing)"


def test_only_runs_are_found(tmp_path: Path) -> None:
    make(tmp_path / "sweep" / "b")
    make(tmp_path / "a")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text("{}")
    assert find_runs([tmp_path, tmp_path / "a"]) == [tmp_path / "a", tmp_path / "sweep" / "b"]
    with pytest.raises(WorkdirError, match="is no directory"):
        find_runs([tmp_path / "nowhere"])


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "a", seed=0, model={"name": "cnn", "width": 4}, losses=(0.5,))
    make(tmp_path / "b", seed=1, model={"name": "cnn", "width": 8}, losses=(0.25,), steps=8)
    assert main(["runs", str(tmp_path), "--sort=accuracy"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["run", "width", "seed", "status", "best", "step", "loss", "accuracy", "parameters"]
    assert shown[2].split() == ["b", "8", "1", "stopped", "at", "8", "of", "20", "8", "0.2500", "0.7500", "1,234"]
    assert shown[3].split() == ["a", "4", "0", "finished", "20", "0.5000", "0.5000", "1,234"]
    assert shown[-1] == "2 runs: 1 finished, 1 stopped"
    assert main(["runs", str(tmp_path), "--sort=width", f"--csv={tmp_path}/runs.csv"]) == 0
    with (tmp_path / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(Path(r["run"]).name, r["width"], r["accuracy"]) for r in rows] == [("a", "4", "0.5"), ("b", "8", "0.75")]


def test_the_least_loss_and_the_greatest_accuracy_come_first(tmp_path: Path, capsys) -> None:
    make(tmp_path / "a", losses=(0.5,))
    make(tmp_path / "b", losses=(0.25,))
    make(tmp_path / "c", losses=())
    for column in ("loss", "accuracy"):
        assert main(["runs", str(tmp_path), f"--sort={column}"]) == 0
        assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:5]] == ["b", "a", "c"]


def test_comparing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = make(tmp_path / "a"), make(tmp_path / "b", model={"name": "gcnn", "group": "C4"}, losses=(0.125,))
    assert main(["runs", "--compare", str(a), str(b)]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["model.name", "cnn", "gcnn"] in shown
    assert ["model.group", "–", "C4"] in shown
    assert ["validation", "loss", "0.2500", "0.1250"] in shown
    assert ["versions:", "the", "same"] in shown
    assert not any(line[:1] == ["seed"] for line in shown)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: DIR"),
        (["{}/empty"], "no run in .*empty; geomdl train makes one"),
        (["{}/a", "--compare"], "--compare needs two runs or more"),
        (["{}/a", "--sort=acuracy"], "unknown --sort 'acuracy'.*did you mean 'accuracy'"),
    ],
)
def test_bad_input(arguments, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    assert main(["runs", *(a.format(tmp_path) for a in arguments)]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error)
    assert error.count("\n") == 1
