"""``geomdl audit``: what it prints, writes, and its exit status."""

import json
import re
from pathlib import Path

import pytest

from geomdl.cli.main import main

MODELS = """
import numpy as np

def turns(x):  # NumPy: nothing to compile
    return np.stack([np.rot90(x, k, (1, 2))[:, 1, 2, 0] for k in range(4)], -1).max(-1, keepdims=True)

def constant(x):
    return np.ones((len(x), 2))
"""


@pytest.fixture
def models(tmp_path: Path) -> str:
    (tmp_path / "models.py").write_text(MODELS)
    return str(tmp_path / "models.py")


def audit(target: str, *options: str) -> int:
    return main(["audit", target, "--numpy", "--size=6x6x1", "--images=8", *options])


def test_verdicts_files_and_requirements(models: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert audit(f"{models}:turns", f"--out={out}", "--require", "C4 exact", "--require=D4 broken") == 0
    printed = capsys.readouterr().out
    assert re.search(r"C4 +exact +0 ", printed)
    assert re.search(r"D4 +broken", printed)
    assert "all required symmetries found: C4 exact, D4 broken" in printed
    assert {path.name for path in out.iterdir()} == {"audit.html", "audit.json", "badge.md", "badge.svg"}
    written = json.loads((out / "audit.json").read_text())
    assert (written["schema"], written["group"], written["seed"]) == (1, "D4", 0)
    assert {v["symmetry"]: v["level"] for v in written["verdicts"]}["C4"] == "exact"
    assert "jax" in written["environment"]
    assert (out / "badge.md").read_text().startswith("symmetry: C4 exact (0) · shifts broken")
    assert audit(f"{models}:turns", "--group=C4", "--require=C4 exact", "--require=shifts exact") == 1
    printed = capsys.readouterr().out
    assert "required but not found: shifts exact (found: shifts broken" in printed
    assert "required but not found: C4" not in printed


def test_a_constant_fails(models: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(f"{models}:constant", "--group=C4") == 1
    assert "DEAD: the output does not depend on the input" in capsys.readouterr().out
    assert audit(f"{models}:constant", "--group=C4", "--require=C4 exact") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], r"needs a model \(package.module:factory\) or --workdir"),
        (["a:b", "--workdir=w"], "or --workdir, and not both"),
        (["a:b", "--grup=C4"], "unknown option '--grup'.*did you mean '--group'"),
        (["a:b", "--group=C-4"], "unknown group 'C-4'.*did you mean 'C4'"),
        (["a:b", "--output=fields"], "unknown --output 'fields'; .*did you mean 'field'"),
        (["a:b", "--dtype=float23"], "unknown --dtype 'float23'; .*did you mean 'float32'"),
        (
            ["a:b", "--size=32x32"],
            "invalid --size '32x32'; allowed: HEIGHTxWIDTHxCHANNELS, or DEPTHxHEIGHTxWIDTHxCHANNELS; try 64x64x3",
        ),
        (["a:b", "--size=8x8x1", "--data=digits"], "--size is of the noise"),
        (["a:b", "--images=1"], "invalid --images 1"),
        (["a:b", "--tolerance=-1"], "invalid --tolerance -1"),
        (["a:b", "--require=C5 exact"], "unknown symmetry in requirement 'C5 exact': 'C5'"),
        (["a:b", "--require=C4 exakt"], "unknown level .*did you mean 'exact'"),
        (["no_such_package:b"], "cannot find the module no_such_package of model"),
        (["math:factorail"], "unknown name in math 'factorail'.*did you mean 'factorial'"),
        (["math"], "invalid model 'math'; allowed: package.module:Name"),
        (["--workdir=nowhere"], "nowhere is no work directory of a run"),
        (["math:pi"], "invalid model"),
    ],
)
def test_bad_input(arguments, message, capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["audit", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert re.search(message, captured.err)
