"""Sweeps: their members, what is run, and what is gathered."""

import csv
import json
import os
import re
import shlex
import signal
import statistics
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from geomdl.cli.main import main
from geomdl.cli.support.config_file import load_config
from geomdl.cli.support.parser import UsageError, take_overrides
from geomdl.cli.sweep import process
from geomdl.cli.sweep.members import members
from geomdl.training import RunConfig, write_json

TINY = [
    "--config=digits_linear",
    "--config.data.size=8",
    "--config.data.train_size=64",
    "--config.training.epochs=None",
    "--config.training.steps=2",
    "--config.schedule.warmup_steps=0",
]


def names(config: str, *overrides: str) -> list[str]:
    return [m.name for m in members(config, overrides)]


def test_names_tell_what_varies_and_stay_when_values_are_added() -> None:
    small = names("digits_cnn", "--config.seed=0", "--config.model.group=C1,C4", "--config.training.epochs=5")
    large = names("digits_cnn", "--config.seed=0,1", "--config.model.group=C1,C4,C8", "--config.training.epochs=5")
    assert small == ["seed=0,group=C1", "seed=0,group=C4"]
    assert set(small) < set(large)
    assert len(set(large)) == 6
    assert names("a.py,runs/b.py:x", "--config.model.name=cnn,mlp")[-1] == "b-x,model=mlp"
    assert names("digits_cnn", "--config.optimizer.learning_rate=0.1") == ["digits_cnn"]
    assert names("d", "--config.a.depth=1,2", "--config.b.depth=3,4")[0] == "a.depth=1,b.depth=3"


def test_commas_in_brackets_and_quotes_separate_nothing() -> None:
    found = members("d", ["--config.training.evaluators=('metrics','shift'),('metrics',)", "--noconfig.model.bias"])
    assert [m.overrides for m in found] == [
        ("--config.training.evaluators=('metrics','shift')", "--config.model.bias=False"),
        ("--config.training.evaluators=('metrics',)", "--config.model.bias=False"),
    ]
    assert len({m.name for m in found}) == 2
    assert all(m.name.startswith("evaluators=metrics") and "/" not in m.name and "'" not in m.name for m in found)
    long = names("d", "--config.data.path=" + "x" * 300 + "," + "x" * 299 + "y")
    assert max(map(len, long)) <= 120
    assert len(set(long)) == 2


@pytest.mark.parametrize("bad", [["--config.seed=0,,1"], ["--config.seed=0,1,0"], ["--config.a=1", "--config.a=2"]])
def test_lists_that_cannot_be_meant(bad: list[str]) -> None:
    with pytest.raises(UsageError):
        members("digits_cnn", bad)


class Trainer:
    """Leaves behind what `geomdl train` does, without training; batches of 100 fail."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def __call__(self, arguments: Sequence[str], log: Path, title: str) -> int:
        others, overrides = take_overrides(list(arguments))
        options = dict(argument.removeprefix("--").split("=", 1) for argument in others if "=" in argument)
        config = RunConfig.from_config_dict(load_config(options["config"], overrides))
        path = Path(options["workdir"])
        self.given.append(path.name)
        if config.training.batch_size == 100:
            log.write_text("geomdl: error: too large\n")
            return 2
        (path / "checkpoints" / "2").mkdir(parents=True)
        write_json(path / "config.json", {"config": config.to_dict(), "versions": {"jax": "1"}, "hardware": {"n": 2}})
        write_json(path / "run.json", {"total_steps": 2, "step": 2, "best_step": 2, "finished": True})
        record = {"step": 2, "split": "validation", "loss": 0.5}
        (path / "metrics.jsonl").write_text(json.dumps(record) + "\n")
        (path / "evaluation").mkdir()
        found = {"checkpoint": 2, "images": 7, "evaluators": options["evaluators"].split(",")}
        loss = {"loss": config.seed / config.training.batch_size}
        write_json(path / "evaluation" / f"{options['evaluate']}.json", {**found, **loss})
        return 0


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    trainer = Trainer()
    monkeypatch.setattr(process, "run", trainer)
    return trainer


def rows(file: Path) -> list[dict[str, str]]:
    with file.open() as opened:
        return list(csv.DictReader(opened))


def test_a_sweep(tmp_path: Path, trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ["sweep", *TINY, f"--workdir={tmp_path}/s"]
    assert main([*sweep, "--config.training.batch_size=16,100,32", "--config.seed=0,1"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("failed, exit status 2: error: too large (more in") == 2
    assert captured.err == "2 of 6 runs failed: batch_size=100,seed=0, batch_size=100,seed=1\n"
    assert trainer.given == [f"batch_size={size},seed={seed}" for size in (16, 100, 32) for seed in (0, 1)]
    assert len(rows(tmp_path / "s" / "results.csv")) == 4

    trainer.given.clear()  # one more seed: what is there is not run again
    assert main([*sweep, "--config.training.batch_size=16,32", "--config.seed=0,1,2"]) == 0
    assert trainer.given == ["batch_size=16,seed=2", "batch_size=32,seed=2"]
    results, summary = rows(tmp_path / "s" / "results.csv"), rows(tmp_path / "s" / "summary.csv")
    assert [(r["training.batch_size"], r["seed"]) for r in results] == [(b, s) for b in ("16", "32") for s in "012"]
    first = {"config": "digits_linear", "split": "test", "images": "7", "versions": "jax 1", "hardware": "n 2"}
    assert first.items() <= results[0].items()
    losses = [0, 1 / 16, 2 / 16]
    assert [float(r["loss"]) for r in results[:3]] == losses
    assert float(summary[0]["loss_mean"]) == pytest.approx(statistics.fmean(losses))
    assert float(summary[0]["loss_std"]) == pytest.approx(statistics.stdev(losses))
    assert [(r["training.batch_size"], r["runs"]) for r in summary] == [("16", "3"), ("32", "3")]
    assert "16      3   0.0625 ± 0.0625" in capsys.readouterr().out

    (tmp_path / "s" / "batch_size=16,seed=1" / "evaluation" / "test.json").unlink()
    again = [*sweep, "--config.training.batch_size=16,32", "--config.seed=0,1,2,3"]
    trainer.given.clear()
    assert main([*again, "--print-commands"]) == 0
    commands = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    missing = ["batch_size=16,seed=1", "batch_size=16,seed=3", "batch_size=32,seed=3"]
    assert [command[3].rpartition("/")[2] for command in commands] == missing
    assert main([*again, "--gather"]) == 1
    assert trainer.given == []
    assert f"not there yet: {', '.join(missing)}" in capsys.readouterr().err
    assert [r["runs"] for r in rows(tmp_path / "s" / "summary.csv")] == ["2", "3"]


def test_further_evaluators_or_another_split_are_still_to_be_done(tmp_path: Path, trainer: Trainer, capsys) -> None:
    sweep = ["sweep", *TINY, f"--workdir={tmp_path}/s", "--config.seed=0"]
    assert main(sweep) == 0
    for further, todo in (([], 0), (["--evaluators=metrics,rotation"], 1), (["--split=validation"], 1)):
        capsys.readouterr()
        assert main([*sweep, *further, "--print-commands"]) == 0
        assert capsys.readouterr().out.count("geomdl train") == todo
    file = tmp_path / "s" / "seed=0" / "evaluation" / "test.json"  # of another checkpoint than the best
    write_json(file, {**json.loads(file.read_text()), "checkpoint": 1})
    assert main([*sweep, "--print-commands"]) == 0
    assert capsys.readouterr().out.count("geomdl train") == 1


def test_the_command_of_a_member_is_one_that_trains_and_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # takes a second
    monkeypatch.setattr("geomdl.training.reporting.run_report.save", lambda figure, out, name: [out / name])
    monkeypatch.setattr(process, "run", lambda arguments, log, title: main(arguments))
    sweep = ["sweep", *TINY, f"--workdir={tmp_path}/s", "--config.seed=5"]
    assert main(sweep) == 0
    (row,) = rows(tmp_path / "s" / "results.csv")
    assert (row["run"], row["seed"], row["steps"], row["images"]) == ("seed=5", "5", "2", "400")
    assert 0 <= float(row["accuracy"]) <= 1
    assert int(row["parameters"]) == 650
    capsys.readouterr()
    assert main(sweep) == 0
    assert "seed=5: done before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config.seed=0,1", "--config.modle.width=2"], "unknown config key 'modle'"),
        (["--config.seed=0,-1"], "invalid seed -1"),
        (["--config.seed=0,1", "--split=tset"], "unknown split 'tset'"),
        (["--config.seed=0,1", "--evaluators=metric"], "unknown evaluator 'metric'.*did you mean 'metrics'"),
    ],
)
def test_nothing_is_run_when_one_member_is_refused(
    arguments: list[str], message: str, tmp_path: Path, trainer: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *TINY, f"--workdir={tmp_path}/s", *arguments]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert trainer.given == []
    assert list(tmp_path.iterdir()) == []


def test_a_member_of_another_config_is_refused_before_anything_runs(
    tmp_path: Path, trainer: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = ["sweep", *TINY, f"--workdir={tmp_path}/s"]
    assert main([*sweep, "--config.seed=1"]) == 0
    assert main([*sweep, "--config.seed=0,1", "--config.optimizer.learning_rate=0.5"]) == 2
    assert "optimizer.learning_rate: 0.01 there, 0.5 here" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "s").glob("seed=*")] == ["seed=1"]


def test_a_process_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert process.run(["list", "modles"], log, "") == 2
    assert process.last_line(log).startswith("error: unknown kind 'modles'")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_the_process_is_waited_for(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import signal, sys, time\n"
        f"signal.signal({number:d}, lambda *_: sys.exit(print('saved', flush=True)))\n"
        "print('waiting', flush=True); time.sleep(60)"
    )
    monkeypatch.setattr(process, "_CODE", code)
    log = tmp_path / "log"
    before = signal.getsignal(number)

    def send() -> None:  # only once the process waits, so that the signal cannot end the tests
        while not log.exists() or "waiting" not in log.read_text():
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        process.run([], log, "")
    assert log.read_text() == "waiting\nsaved\n"
    assert signal.getsignal(number) is before
