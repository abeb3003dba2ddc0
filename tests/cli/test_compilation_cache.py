"""The persistent compilation cache: where it lies, what removes it, and that JAX uses it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from geomdl.cli.main import main
from geomdl.cli.support import compilation_cache
from geomdl.cli.support.compilation_cache import use_compilation_cache


def test_by_default_it_is_in_the_users_cache(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    folder = use_compilation_cache(None, environment)
    assert folder is not None
    assert folder.is_dir()
    assert folder.parent == tmp_path / "geomdl" / "compiled"
    assert environment["JAX_COMPILATION_CACHE_DIR"] == str(folder)


def test_the_environment_and_the_option_come_first(tmp_path: Path) -> None:
    own = {"XDG_CACHE_HOME": str(tmp_path / "x"), "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "own")}
    assert use_compilation_cache(None, own) == tmp_path / "own"
    assert use_compilation_cache(str(tmp_path / "option"), own) == tmp_path / "option"
    assert own["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "option")
    assert use_compilation_cache("off", own) is None
    assert own["JAX_ENABLE_COMPILATION_CACHE"] == "false"
    assert use_compilation_cache(None, own) is None
    assert not (tmp_path / "x").exists()


def test_a_home_where_one_may_not_write_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environment = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    assert use_compilation_cache(None, environment) is None
    assert environment == {"XDG_CACHE_HOME": str(tmp_path / "file")}
    with pytest.raises(ValueError, match=r"invalid --compilation_cache .*; allowed: a folder where you may write"):
        use_compilation_cache(str(tmp_path / "file" / "x"), environment)


def test_a_bad_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["train", "--config=digits_cnn", f"--workdir={tmp_path}/w", f"--compilation_cache={tmp_path}/file"]
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("geomdl: error: invalid --compilation_cache")


def test_what_is_old_goes_when_it_has_grown_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    folder = use_compilation_cache(None, environment)
    assert folder is not None
    for age in range(10):
        (folder / str(age)).write_bytes(bytes(100))
        os.utime(folder / str(age), (1e9 - age, 1e9 - age))
    for largest, left in ((1000, set("0123456789")), (999, set("0123"))):
        monkeypatch.setattr(compilation_cache, "LARGEST", largest)
        del environment["JAX_COMPILATION_CACHE_DIR"]
        use_compilation_cache(None, environment)
        assert {p.name for p in folder.iterdir()} == left


def test_jax_uses_it(tmp_path: Path) -> None:
    code = (
        "from geomdl.cli.support.compilation_cache import use_compilation_cache; use_compilation_cache(None)\n"
        "import jax; jax.jit(lambda x: 2 * x)(1.0)"
    )
    environment = {k: v for k, v in os.environ.items() if not (k.startswith("JAX") and "CACHE" in k)}
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, check=True, timeout=60)
    assert any(p.name.startswith("jit_") for p in tmp_path.rglob("*"))
