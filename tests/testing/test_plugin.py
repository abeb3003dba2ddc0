"""The plugin in a pytest of its own: failure reports, the summary, and a start-up without JAX."""

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

SUITE = """
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import as_function


class Net(nnx.Module):
    def __init__(self, stride=1):
        rngs = nnx.Rngs(0)
        ones = nnx.initializers.ones
        self.first = nnx.Conv(1, 2, (3, 3), kernel_init=ones, rngs=rngs)
        self.second = nnx.Conv(2, 2, (3, 3), stride, kernel_init=ones, rngs=rngs)

    def __call__(self, x):
        return self.second(jnp.tanh(self.first(x))).mean((1, 2))


@pytest.mark.equivariance("C4", size=6, channels=1, elements=[[0, 1]])
def test_returned_model_that_is_broken():
    return Net(stride=2)


@pytest.mark.equivariance(group="C4", output="field", size=5)
def test_returned_model_that_is_fine():
    return as_function(np.tanh, numpy=True)


@pytest.mark.equivariance(group="D4", size=5)
class TestFixture:
    def test_defaults_of_the_marker(self, symmetry):
        trial = symmetry.invariant(as_function(lambda x: x.mean((1, 2)), numpy=True))
        assert trial.promise == "invariant to D4"

    def test_constant(self, symmetry):
        symmetry.invariant(as_function(lambda x: np.ones(len(x)), numpy=True), group="C2")


@pytest.mark.equivariance(group="C4")
def test_forgotten():
    pass


def test_unmarked(symmetry):
    assert symmetry.equivariant(as_function(np.tanh, numpy=True), group="shifts", size=3).passed
"""


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest in a directory, with the plugin also where the package is not installed with its entry point."""
    installed = any(e.name == "geomdl" for e in importlib.metadata.entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "geomdl.testing.plugin"]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *plugin, *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints for the suite above."""
    directory = tmp_path_factory.mktemp("suite")
    (directory / "test_suite.py").write_text(SUITE)
    finished = run(directory, "--strict-markers")
    assert finished.returncode == 1, finished.stdout + finished.stderr
    return finished.stdout


def test_failure_gives_the_smallest_case_the_tolerance_and_the_layer(output: str):
    assert "3 failed, 3 passed" in output
    assert "SymmetryError: Net is not invariant to C4" in output
    assert "smallest failing case: rotate 90° of 6x6 images" in output
    assert "24 ε √depth" in output
    assert "first broken layer: second (error " in output
    assert "a stride of 2 on an even size (6x6 to 3x3)" in output
    assert "symmetry: layer by layer" in output  # the section with the table
    assert "<- first broken" in output
    assert "orbit_errors" not in output  # the traceback ends in the test


def test_summary_lists_every_assertion(output: str):
    summary = output[output.index("= symmetry =") :].splitlines()
    assert summary[1].split() == ["test", "model", "symmetry", "size", "worst", "error", "limit", "result"]
    lines = {line.split()[0]: line for line in summary[2:7]}
    assert lines["test_returned_model_that_is_broken"].endswith("BROKEN")
    assert lines["test_returned_model_that_is_fine"].endswith("kept")
    assert "equivariant (output: field) to C4" in lines["test_returned_model_that_is_fine"]
    assert lines["TestFixture::test_defaults_of_the_marker"].endswith("kept")
    assert lines["TestFixture::test_constant"].endswith("constant")
    assert "equivariant (output: field) to Z3xZ3" in lines["test_unmarked"]


def test_marked_test_that_checks_nothing_fails(output: str):
    assert "test_forgotten is marked equivariance, but neither returns a model nor uses `symmetry`" in output


def test_nothing_is_imported_for_those_who_do_not_use_it(tmp_path: Path):
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_other():\n    assert not {'jax', 'numpy', 'hypothesis'} & set(sys.modules)\n"
        "    assert 'geomdl.testing.plugin' in sys.modules\n"
    )
    finished = run(tmp_path, "-p", "no:hypothesispytest", "-p", "no:jaxtyping", "-q")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "symmetry" not in finished.stdout


def test_the_package_registers_the_plugin_and_its_extra():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"geomdl": "geomdl.testing.plugin"}
    assert {line.split(">")[0] for line in project["optional-dependencies"]["test"]} == {"hypothesis", "pytest"}
