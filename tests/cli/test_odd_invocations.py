"""Odd and bad invocations: nothing that was not done ends with 0, and every error is one line with what is wrong."""

import errno
import json
import os
import re
import shutil
import signal
import sys
import warnings
from pathlib import Path

import pytest

from geomdl.cli.main import main
from geomdl.cli.support.faults import described
from geomdl.cli.support.interrupt import SIGNALS
from geomdl.models import MODELS
from geomdl.training import Checkpoints, SaveFailed, read_run

CONFIG = """
from ml_collections import ConfigDict

def get_config():
    return ConfigDict({
        "data": {"name": "digits", "size": 8, "train_size": 64},
        "model": {"name": "linear"},
        "training": {"steps": 2, "epochs": None, "log_every": 1, "eval_every": 1, "batch_size": 16},
        "schedule": {"name": "constant"},
    })
"""
CODE = """
import sys
import numpy as np

def leaves(): sys.exit(0)
def ends(): raise GeneratorExit
def leaves_when_called(): return lambda x: sys.exit(0)
def ends_when_called(): return ends_now
def ends_now(x): raise GeneratorExit
def complex_numbers(): return lambda x: np.mean(x, (1, 2)) * 1j
def empty(): return lambda x: x[:, :0]
def texts(): return lambda x: np.array(["a"] * len(x))
def mean(): return lambda x: np.mean(x, (1, 2))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("c.py").write_text(CONFIG)
    Path("m.py").write_text(CODE)
    return tmp_path


def changed(name: str, line: str) -> None:
    """A config file that does something to its config ``c``."""
    Path(name).write_text(f"{CONFIG.replace('return ConfigDict', 'c = ConfigDict')}    {line}\n    return c\n")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    there = set(Path().rglob("*"))
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("geomdl: error: ")
    assert len(error) < 1500
    assert {p for p in set(Path().rglob("*")) - there if "__pycache__" not in p.parts} == set()
    return error


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("leaves", r"m.py:leaves was called without arguments and raised SystemExit: 0 \(.*m.py, line 5\)"),
        ("ends", r"raised GeneratorExit \(.*m.py, line 6\)"),
        ("leaves_when_called", "SystemExit: 0 .*nothing else was done"),
        ("ends_when_called", "GeneratorExit .*nothing else was done"),
        ("complex_numbers", "complex.*; an audit needs real ones"),
        ("empty", "without any number in them"),
        ("texts", "an audit needs real numbers"),
    ],
)
def test_models_that_leave_or_give_no_numbers(model: str, message: str, capsys) -> None:
    arguments = ["--numpy", "--size=4x4x1", "--images=4", "--group=C2", "--require=C2 exact"]
    assert re.search(message, refused(capsys, "audit", f"m.py:{model}", *arguments))


@pytest.mark.parametrize("code", ["sys.exit(0)", "raise SystemExit", "raise GeneratorExit"])
@pytest.mark.parametrize("verb", ["train --workdir=w", "sweep --workdir=s", "summary", "autotune"])
def test_a_config_that_leaves(verb: str, code: str, capsys) -> None:
    changed("leaves.py", f"import sys; {code}")
    error = refused(capsys, *verb.split(), "--config=leaves.py")
    assert re.search(r"config file leaves.py, line \d+: (SystemExit|GeneratorExit)", error)
    Path("module.py").write_text(f"import sys\n{code}\n")
    error = refused(capsys, *verb.split(), "--config=c.py", "--config.model.name=module.py:Net")
    assert re.search(r"module.py.*(SystemExit|GeneratorExit)", error)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c = c.to_dict(); c['model']['x'] = c['model']", r"nested deeper than 32 sections \(model.x.x"),
        (
            "c = c.to_dict(); c['model']['x'] = __import__('functools').reduce(lambda b, _: [b] * 9, range(20), 1)",
            "more ",
        ),
        ("from ml_collections.config_dict import placeholder as p; c.seed = p(int, required=True)", "no value: seed;"),
        ("c = c.to_dict(); c['model']['name'] = 'x' * 10**5", "unknown model.name 'xxx.*…x"),
        ("c = c.to_dict(); c['training']['epochs'] = 10**5000", "invalid training.epochs a whole number of 16610 bits"),
        ("c = c.to_dict(); c[3] = 4", "unknown config key 3"),
        ("f = lambda: f(); f()", "line .*: RecursionError"),
    ],
)
def test_odd_configs(line: str, message: str, capsys) -> None:
    changed("odd.py", line)
    assert re.search(message, refused(capsys, "train", "--config=odd.py", "--workdir=w"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.name=[1,2]", r"unknown model.name \[1, 2\]; allowed: linear"),
        ("data.name=[[]]", r"unknown data.name \[\[\]\]"),
        ("optimizer.name=[1]", r"unknown optimizer.name \[1\]"),
        ("schedule.warmup_steps=10000000000000", "invalid schedule.warmup_steps 10000000000000; allowed: .* 32 bits"),
        ("training.steps=3000000000", "invalid training.steps 3000000000; allowed: at most 2,147,483,647"),
        ("optimizer.learning_rate=1e39", "invalid optimizer.learning_rate 1e.39; allowed: .* 32 bits"),
        ("data.size=1000000", "invalid data.size 1000000; allowed: what fits into the memory"),
        ("seed=-1", "invalid seed -1"),
        ("seed=²", "invalid seed '²'"),
    ],
)
def test_odd_values(change: str, message: str, capsys) -> None:
    assert re.search(message, refused(capsys, "train", "--config=c.py", "--workdir=w", f"--config.{change}"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"match_parameters": 4_000_000_000}, "invalid model.match_parameters 4000000000; .*2,000,000,000"),
        ({"width": 1e6}, "invalid model.width 1000000.0; allowed: .*at most 100,000"),
        ({"width": 90_000.0}, "invalid model.width 90000.0; allowed: a network of at most 2,000,000,000 parameters"),
        ({"depth": 100_000}, "invalid model.depth 100000; allowed: at most 2,000"),
    ],
)
def test_networks_that_would_never_be_built(options: dict[str, float], message: str) -> None:
    from flax import nnx

    with pytest.raises(ValueError, match=message):
        MODELS["mlp"](**options).build((8, 8, 1), 10, rngs=nnx.Rngs(0))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("audit m.py:mean --tolerance=inf", "invalid --tolerance inf"),
        ("audit m.py:mean --tolerance=nan", "invalid --tolerance nan"),
        ("audit m.py:mean --layout=", "--layout is empty"),
        ("audit m.py:mean --out=", "--out is empty"),
        ("audit m.py:mean --checkpoint=3", "--checkpoint=3 has no effect here"),
        ("audit m.py:mean --seed=-1", "invalid --seed -1"),
        ("audit m.py:mean --size=8x8x²", "invalid --size '8x8x²'"),
        ("audit m.py:mean --images=²", "invalid --images '²'"),
        ("audit m.py:mean --size=8x8x1 --images=100000000000000", "invalid --images 100000000000000"),
        ("audit m.py:mean --size=8x8x1 --images=1000000000", "invalid --images 1000000000; .*memory"),
        ("audit m.py:mean --size=8000000x80000x1", "invalid --size '8000000x80000x1'; .*memory"),
        ("audit m.py:mean --group=C99999999999", "invalid group 'C99999999999'; .*up to 1024"),
        ("runs nowhere", "nowhere is no directory"),
        ("runs . nowhere", "nowhere is no directory"),
        ("runs --csv= .", "--csv is empty"),
        ("runs --compare= .", "--compare is empty"),
        ("train --config=c.py --workdir=w --evaluators=metrics", "--evaluators=metrics has no effect here"),
        ("autotune --config=c.py --rounds=99999999999", "invalid --rounds 99999999999"),
        ("completion tcsh", "unknown shell 'tcsh'"),
    ],
)
def test_odd_options(line: str, message: str, capsys) -> None:
    assert re.search(message, refused(capsys, *line.split()))


def test_a_sweep_that_would_never_end(capsys) -> None:
    many = ",".join(map(str, range(101)))
    found = refused(capsys, "sweep", "--config=c.py", "--workdir=s", f"--config.seed={many}", f"--config.a.b={many}")
    assert "10,201 combinations of values are too many for one sweep; allowed: at most 10,000" in found


@pytest.mark.parametrize("verb", ["bash", "zsh", "fish"])
def test_completion_knows_every_verb_and_option(verb: str, capsys) -> None:
    assert main(["completion", verb]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("train", "audit", "evaluate", "workdir", "tolerance"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "w/r.md"),
            "cannot write w/r.md (No space left on device)",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "w/x"),
            "cannot write w/x (Read-only file system); choose",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "w/x"),
            "cannot use w/x (Permission denied); choose a place",
        ),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes"), "not enough memory (RESOURCE_EXHAUSTED"),
        (
            RuntimeError("Unable to initialize backend 'tpu': none"),
            "Unable to initialize backend 'tpu': none; set",
        ),
    ],
)
def test_faults_of_the_machine(error: Exception, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    text, status = described(error)
    assert status == 2
    assert text.startswith(message)


@pytest.mark.parametrize(
    ("verb", "place"),
    [
        ("report {run}", "geomdl.training.reporting.run_report.write_whole"),
        ("runs --csv=r.csv {run}", "geomdl.plots.tables.write_csv"),
    ],
)
def test_verbs_that_cannot_write(verb: str, place: str, run: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "there")

    monkeypatch.setattr(Path, "open", full) if "csv" in verb else monkeypatch.setattr(place, full)
    shutil.copytree(run, "w")
    assert main(verb.format(run="w").split()) == 2
    assert "cannot write there (No space left on device); make room" in capsys.readouterr().err


@pytest.mark.parametrize("fault", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_checkpoint_that_cannot_be_written(fault: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = tmp_path / "run" / "checkpoints"
    where.mkdir(parents=True)
    checkpoints = Checkpoints(where, writable=True)
    checkpoints.save(1, {"step": 1})
    checkpoints.wait()

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise OSError(fault, os.strerror(fault), str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(SaveFailed, match="the checkpoint of step 1 is kept") as raised:
            checkpoints.save(2, {"step": 2})
    assert os.strerror(fault) in str(raised.value)
    assert raised.value.exit_status == 2
    checkpoints.close()
    assert sorted(p.name for p in where.iterdir()) == ["1"]


def test_a_run_that_is_moved_away_or_loses_its_checkpoints(tmp_path: Path) -> None:
    where = tmp_path / "run" / "checkpoints"
    where.mkdir(parents=True)
    checkpoints = Checkpoints(where, writable=True)
    checkpoints.save(1, {"step": 1})
    checkpoints.wait()
    shutil.rmtree(where)
    with pytest.raises(SaveFailed, match=r"\(.*removed or renamed\); no checkpoint is there; give the same command"):
        checkpoints.save(2, {"step": 2})
    (tmp_path / "run").rename(tmp_path / "moved")
    with pytest.raises(SaveFailed, match=r"\(.*removed or renamed\); nothing of the run is there any more"):
        checkpoints.save(2, {"step": 2})
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "c.py").write_text(CONFIG)
    assert main(["train", f"--config={folder / 'c.py'}", f"--workdir={folder / 'w'}", "--quiet"]) == 0
    return folder / "w"


def _records(run: Path) -> list[str]:
    return (run / "metrics.jsonl").read_text().splitlines()


def test_files_from_outside(run: Path, capsys) -> None:
    shutil.copytree(run, "w")
    lines = _records(run)
    Path("w/metrics.jsonl").write_text("\n\n".join(lines) + "\n\n")
    assert read_run("w").state == "finished"  # blank lines
    Path("w/metrics.jsonl").write_text("\n".join(lines[2:]) + "\n")
    assert main(["runs", "--verify", "w"]) == 0
    assert "the records of step 1 are missing" in capsys.readouterr().out
    assert main(["train", "--config=c.py", "--workdir=w", "--quiet"]) == 0
    assert "the records of step 1 are missing; the run goes on without them" in capsys.readouterr().err
    Path("w/metrics.jsonl").write_text("\n".join([json.dumps(json.loads(lines[0]) | {"loss": "nan"}), *lines[1:]]))
    assert "loss is 'nan', not a number" in read_run("w", arrays=True).status
    assert "loss is 'nan', not a number" in refused(capsys, "train", "--config=c.py", "--workdir=w")
    for bomb in ("[" * 100_000, '{"config":' * 20_000, "null", "", "[]"):
        Path("w/config.json").write_text(bomb)
        assert "config.json" in refused(capsys, "train", "--config=c.py", "--workdir=w")
        assert "damaged: " in read_run("w").status


def test_a_run_without_checkpoints_is_damaged_and_begins_anew(run: Path, capsys) -> None:
    shutil.copytree(run, "w")
    shutil.rmtree("w/checkpoints")
    assert read_run("w").status == "damaged: it has no checkpoint; geomdl train begins anew"
    assert main(["train", "--config=c.py", "--workdir=w", "--quiet"]) == 0
    captured = capsys.readouterr().err
    assert captured.count("w has records of a run, but no checkpoint: the run begins anew") == 1
    assert _records(Path("w"))[-1] == _records(run)[-1]


def test_systems_without_file_locks(run: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(run, "w")
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        assert main(["train", "--config=c.py", "--workdir=w", "--quiet"]) == 0
        assert main(["runs", "w"]) == 0
    assert any("this system has no file locks" in str(w.message) for w in found)
    monkeypatch.undo()

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.warns(UserWarning, match="its file system has no locks"):
        assert main(["train", f"--config={run.parent / 'c.py'}", f"--workdir={run}", "--quiet"]) == 0


def test_a_closed_terminal_stops_a_run_as_sigterm_does() -> None:
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} == set(SIGNALS)
