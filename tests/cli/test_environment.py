"""Surroundings that differ from ours: encodings, log files, other ways to start, permissions, Flax's habits."""

import io
import os
import pickle
import stat
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.cli.main import main
from geomdl.equivariance import as_function
from geomdl.layers import BatchNorm, Dropout, Pointwise, Sequential, freeze
from geomdl.models import MODELS, export
from geomdl.representations import FieldType
from geomdl.training import RunProgress

ROOT = Path(__file__).parents[2]
FIELDS = FieldType("C4", "2 regular")


SLOW = [
    pytest.param(name, marks=pytest.mark.long)
    for name in ("vision_transformer", "ti_cnn", "group_unet", "shift_unet", "resnet", "fcn")
]


@pytest.mark.parametrize("name", ["local", "gcnn", *SLOW])
def test_models_pickle_live_and_frozen(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes at which the symmetry is not exact
        model = MODELS[name]().build((16, 16, 1), 3, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (1, 16, 16, 1))
    for kind in (model, freeze(model)):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(kind))(x), kind(x))


class Wrapper(nnx.Module):
    """A module of Flax that holds layers of geomdl."""

    def __init__(self) -> None:
        self.norm, self.flax = BatchNorm(FIELDS), nnx.Dropout(0.5, rngs=nnx.Rngs(0))

    def __call__(self, x, *, train: bool = False):
        return self.flax(self.norm(x, train=train))


def test_training_mode_of_flax_warns_and_evaluation_mode_is_as_expected() -> None:
    for model in (Sequential([Pointwise(FIELDS)]), Sequential([BatchNorm(FIELDS)]), Dropout(FIELDS, 0.5), Wrapper()):
        with pytest.warns(UserWarning, match=r"an argument of the call, layer\(x, train=True"):
            model.train()
        model.eval()  # warnings are errors here
    wrapper = Wrapper()
    wrapper.eval()
    assert wrapper.flax.deterministic
    as_function(wrapper, train=True)(jnp.ones((2, 3, 3, 8)))


def test_signs_that_an_output_stream_cannot_encode(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["list", "groups"]) == 0
    stream.flush()
    assert b"?" in stream.buffer.getvalue()


def test_progress_in_a_log_file_is_lines() -> None:
    log = io.StringIO()
    with RunProgress(["a", "b"], "study", log) as progress:
        for name in progress:
            progress.note(name)
    assert log.getvalue() == "study: 1 of 2, a\nstudy: 2 of 2, b\n"


def test_the_package_can_be_run() -> None:
    done = subprocess.run([sys.executable, "-m", "geomdl", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("geomdl ")


def test_exported_files_have_the_permissions_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        model = MODELS["linear"]().build((8, 8, 1), 2, rngs=nnx.Rngs(0))
        export(model, (8, 8, 1), tmp_path / "x")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "x").iterdir()} == {0o644}


def test_what_does_not_work_elsewhere_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert any("array-record" in d and "sys_platform != 'win32'" in d for d in project["dependencies"])
    assert any("Windows" in c for c in project["classifiers"])
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(word in readme for word in ("On\nWindows", "`fcntl`", "array_record", "SIGHUP"))
