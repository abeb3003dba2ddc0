"""The linter, the type checker, the import rules, and how tests and packages are laid out."""

import ast
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
    _run(_script("pyrefly"), "check", "--python-interpreter-path", sys.executable, "--output-format", "min-text")


def test_imports_go_downward():
    _run(_script("lint-imports"))


def test_every_test_file_says_what_it_tests():
    files = [path for path in (ROOT / "tests").rglob("*.py") if path.name.startswith(("test_", "conftest"))]
    silent = [path for path in files if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent, "a test file begins with a docstring that names what it tests"


def test_tests_mirror_the_packages():
    """``tests/<package>/`` for every package of geomdl, and for the folders of scripts; nothing else."""
    packages = {path.parent.name for path in (ROOT / "geomdl").glob("*/__init__.py")}
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders == packages | {"experiments", "paper_figures"}


def test_every_module_and_package_says_what_it_is():
    """Ruff asks it of modules (D100); a package's ``__init__`` may be empty for it."""
    faces = list((ROOT / "geomdl").rglob("__init__.py"))
    silent = [path for path in faces if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent


def test_no_machine_is_named():
    """No path of somebody's machine and no package index in what is committed."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if files.returncode:
        pytest.skip("not a git checkout")
    names = [ROOT / name for name in files.stdout.split() if not name.endswith((".png", ".pdf", ".npz"))]
    banned = ["/" + "root/", "/" + "home/", "py" + "pi-more", "/" + "work/"]
    found = [f"{p}: {b}" for p in names if p.exists() for b in banned if b in p.read_text(errors="ignore")]
    assert not found
