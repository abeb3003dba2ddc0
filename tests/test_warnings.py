"""What warnings do to a run of the tests: pyproject.toml's filters, as a user has them and as `.ci/run` has them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TESTS = """
import warnings
import pytest

@pytest.mark.parametrize("kind", [DeprecationWarning, PendingDeprecationWarning, FutureWarning])
def test_of_the_future(kind):
    warnings.warn("in a newer dependency", kind)

def test_other():
    warnings.warn("a number overflowed", RuntimeWarning)
"""


@pytest.mark.parametrize(("options", "passed", "failed"), [((), 3, 1), (("-W", "error"), 0, 4)])
def test_deprecations_are_shown_to_users_and_errors_for_us(tmp_path: Path, options, passed: int, failed: int):
    (tmp_path / "test_of_warnings.py").write_text(TESTS)
    settings = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-n0", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *settings, *options, str(tmp_path)]
    variables = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    said = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False).stdout
    assert f"{failed} failed" in said, said
    assert (f"{passed} passed" in said and "in a newer dependency" in said) if passed else "passed" not in said, said


def test_ci_runs_the_strict_command():
    assert 'export PYTEST_ADDOPTS="-W error ' in (ROOT / ".ci" / "run").read_text()
