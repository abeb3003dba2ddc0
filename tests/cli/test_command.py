"""The command as a user gives it, in processes of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from geomdl.cli.main import main

COMMAND = [sys.executable, "-c", "import sys; from geomdl.cli.main import main; sys.exit(main())"]
TINY = [
    "--config=digits_mlp",
    "--config.data.size=8",
    "--config.model.match_parameters=None",
    "--config.model.width",
    "8",
    "--config.training.epochs=None",
]


def geomdl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=120)


def test_help_answers_at_once_without_jax() -> None:
    code = "import sys; from geomdl.cli.main import main; main(['--help']); print('jax' in sys.modules)"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - started < 2  # a second at most where nothing else runs
    assert all(verb in done.stdout for verb in ("train", "evaluate", "reproduce", "summary", "list"))
    assert done.stdout.splitlines()[-1] == "False"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    workdir = tmp_path_factory.mktemp("cli") / "run"
    started = time.perf_counter()
    done = geomdl("train", *TINY, "--config.training.steps=30", f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - started < 60
    return workdir, done


def test_train(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    workdir, done = trained
    assert {"config.json", "metrics.jsonl", "checkpoints", "tensorboard", "learning_curves.png"} <= {
        p.name for p in workdir.iterdir()
    }
    config = json.loads((workdir / "config.json").read_text())["config"]
    assert (config["model"]["width"], config["training"]["steps"], config["training"]["epochs"]) == (8.0, 30, None)
    assert "best validation at step 30" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("step 30/30  validation loss ")
    assert "Warning" not in done.stderr


def test_evaluate(trained: tuple[Path, subprocess.CompletedProcess[str]], capfd: pytest.CaptureFixture[str]) -> None:
    workdir, _ = trained
    assert main(["evaluate", f"--workdir={workdir}", "--evaluators=metrics,rotation,invariance"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    numbers = json.loads((workdir / "evaluation" / "test.json").read_text())
    assert {"accuracy", "loss", "rotation/worst", "invariance/quarter_turns"} <= set(numbers)
    assert numbers["images"] == 400
    assert f"accuracy                  {numbers['accuracy']:.4f}" in out
    rows = (workdir / "evaluation" / "test_rotation.csv").read_text().splitlines()
    assert len(rows) == 49  # a header and every 7.5°


def test_the_work_directory_of_another_config(trained, capsys: pytest.CaptureFixture[str]) -> None:
    workdir, _ = trained
    arguments = ["train", *TINY, "--config.training.steps=30", f"--workdir={workdir}", "--config.seed=1"]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error == (
        f"geomdl: error: work directory {workdir} belongs to a run with another config (seed: 0 there, 1 here); "
        "choose another --workdir, or the config it was made with, or go on with what has changed: "
        "--allow-change=seed\n"
    )


def test_a_damaged_checkpoint(trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workdir = shutil.copytree(trained[0], tmp_path / "copy")
    manifest = workdir / "checkpoints" / "30" / "state" / "manifest.ocdbt"
    manifest.write_bytes(manifest.read_bytes()[:20])
    for verb in (["evaluate"], ["train", *TINY, "--config.training.steps=30"]):
        assert main([*verb, f"--workdir={workdir}"]) == 2
        error = capsys.readouterr().err
        assert error.startswith(
            f"geomdl: error: cannot read checkpoint {workdir}/checkpoints/30 (state/manifest.ocdbt is"
        )
        assert error.count("\n") == 1


def test_interrupting(tmp_path: Path) -> None:
    workdir = tmp_path / "run"
    arguments = ["train", *TINY, "--config.training.steps=1000000", "--config.training.checkpoint_seconds=0"]
    process = subprocess.Popen([*COMMAND, *arguments, f"--workdir={workdir}"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 100
    while not (workdir / "checkpoints").is_dir() or not any((workdir / "checkpoints").glob("[0-9]*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    *_, asked, stopped = errors.splitlines()
    assert asked == "geomdl: SIGTERM: stopping after this step, with a checkpoint (again: at once)"
    latest = max(int(p.name) for p in (workdir / "checkpoints").glob("[0-9]*"))
    assert stopped == f"geomdl: stopped after step {latest}, with a checkpoint; give the same command again to go on"
    assert "Traceback" not in errors
