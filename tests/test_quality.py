"""The linter, the type checker and the import rules, as part of the tests."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _run(*command: str) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"


def _script(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed; pip install -e '.[dev]'"
    return found


def test_ruff():
    _run(_script("ruff"), "check", ".")


def test_types():
    _run(_script("basedpyright"), "--pythonpath", sys.executable)


def test_imports_go_downward():
    _run(_script("lint-imports"))


def test_no_machine_is_named():
    """No path of somebody's machine and no package index in what is committed."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if files.returncode:
        pytest.skip("not a git checkout")
    names = [ROOT / name for name in files.stdout.split() if not name.endswith((".png", ".pdf", ".npz"))]
    banned = ["/" + "root/", "/" + "home/", "py" + "pi-more", "/" + "work/"]
    found = [f"{p}: {b}" for p in names if p.exists() for b in banned if b in p.read_text(errors="ignore")]
    assert not found
