"""Paths as users write them, in every option of every verb and in configs."""

import argparse
import importlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from geomdl.audit import read_images
from geomdl.cli.main import VERBS, main
from geomdl.cli.support.config_file import load_config
from geomdl.cli.support.path_option import PathOption
from geomdl.data import data_config
from geomdl.paths import is_url, local_path
from geomdl.training import RunConfig, find_runs, load_trained, read_run, train, write_report

URLS = ("gs://bucket/x", "s3://bucket/x", "file:///nowhere/x", "hdfs://host/x", "https://example.com/x")


def test_home_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SCRATCH", "~/scratch")
    monkeypatch.delenv("NOWHERE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert local_path("~") == tmp_path
    assert local_path("$SCRATCH/a") == tmp_path / "scratch/a"
    assert local_path("${HOME}/b c") == tmp_path / "b c"
    assert local_path("runs/c4") == Path("runs/c4")
    assert local_path("price$") == Path("price$")
    (tmp_path / "$NOWHERE").mkdir()
    assert local_path("$NOWHERE") == Path("$NOWHERE")  # it is there as it is written
    for value, message in [
        ("$NOWHERE/r", r"invalid --out '\$NOWHERE/r'; allowed: .* the environment has no NOWHERE"),
        ("~nobody_of_this_name/r", "there is none of ~nobody_of_this_name"),
        ("", "invalid --out ''"),
        *((url, f"invalid --out '{url}'; .*no URL") for url in URLS),
    ]:
        with pytest.raises(ValueError, match=message):
            local_path(value, "--out")
    assert is_url(Path("gs://bucket/x"))  # pathlib makes one slash of two


def _path_options() -> list[tuple[str, argparse.Action]]:
    found = []
    for verb in VERBS:
        parser = argparse.ArgumentParser()
        importlib.import_module(f"geomdl.cli.verbs.{verb}").add_arguments(parser)
        found += [(verb, action) for action in parser._actions if action.option_strings or action.nargs == "+"]
    return found


@pytest.mark.parametrize("verb", ["export", "predict", "features"])
def test_nothing_is_written_to_networks_that_come_along(verb, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    more = [] if verb == "export" else ["test"]
    assert main([verb, "--workdir=pretrained:digits_gcnn_d4", *more, "--out=pretrained:mine"]) == 2
    assert "invalid --out 'pretrained:mine'; allowed: a path" in capsys.readouterr().err
    assert main(["sweep", "--config=digits_cnn", "--workdir=pretrained:mine", "--config.seed=0,1"]) == 2
    assert not list(tmp_path.iterdir())


def test_every_option_that_is_a_path_is_read_as_one() -> None:
    """Whoever adds an option that speaks of files or folders has to say that it is a path."""
    others = {
        "--config",
        "--compilation_cache",
        "--output",
        "--classes",
    }  # which may also be a name, and read their paths themselves
    for verb, action in _path_options():
        name = (action.option_strings or [action.metavar])[0]
        words = f"{action.help} {action.metavar}".lower()
        if any(word in words for word in ("folder", "file", "director")) and name not in others and action.nargs != 0:
            assert isinstance(action, PathOption), f"geomdl {verb} {name}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--workdir=URL", "--config=digits_cnn"),
        ("train", "--workdir=w", "--config=URL"),
        ("train", "--workdir=w", "--config=digits_cnn", "--config.data.data_dir=URL"),
        ("train", "--workdir=w", "--config=digits_cnn", "--data_dir=URL"),
        ("train", "--workdir=w", "--config=nuclei_unet", "--config.data.path=URL"),
        ("train", "--workdir=w", "--config=digits_cnn", "--config.model.name=URL.py:Net"),
        ("sweep", "--workdir=URL", "--config=digits_cnn"),
        ("evaluate", "--workdir=URL"),
        ("evaluate", "--workdir=w", "--overlays=URL"),
        ("export", "--workdir=w", "--out=URL"),
        ("audit", "URL.py:net"),
        ("audit", "--workdir=w", "--data=URL"),
        ("report", "URL"),
        ("runs", "URL"),
        ("runs", "w", "--csv=URL"),
        ("reproduce", "quickstart", "--out=URL"),
        ("summary", "--config=URL"),
        ("autotune", "--config=digits_cnn", "--out=URL"),
    ],
    ids=" ".join,
)
def test_urls_are_refused_by_every_verb(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [argument.replace("URL", "gs://bucket/x") for argument in arguments]
    assert main(given) == 2
    said = capsys.readouterr().err
    assert "gs://bucket/x" in said
    assert "no URL" in said
    assert not list(tmp_path.iterdir())


def test_paths_in_a_config_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the current directory or, where it has no such file, from the config's; ``~`` in both."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in ("configs", "here", "home"):
        (tmp_path / folder).mkdir()
    (tmp_path / "configs/c.py").write_text(
        "def get_config(): return {'data': {'name': 'nuclei', 'path': 'n.npz'}, 'model': {'name': 'unet'}}"
    )
    monkeypatch.chdir(tmp_path / "here")
    file = str(tmp_path / "configs/c.py")

    def read(*overrides: str) -> str:
        return load_config(file, overrides)["data"]["path"]

    assert read() == str(tmp_path / "here/n.npz")
    (tmp_path / "configs/n.npz").touch()
    assert read() == str(tmp_path / "configs/n.npz")
    (tmp_path / "here/n.npz").touch()
    assert read() == str(tmp_path / "here/n.npz")
    assert read("--config.data.path=~/n.npz") == str(tmp_path / "home/n.npz")
    sections = {
        "data": {"name": "nuclei", "path": "$HOME/../n.npz"},
        "model": {"name": "unet"},
        "training": {"steps": 1},
    }
    assert RunConfig.from_config_dict(sections).to_dict()["data"]["path"] == str(tmp_path / "n.npz")
    (tmp_path / "here/own.py").write_text("def cells(path: str = 'cells.npz', folder: str | None = None): ...")
    sections["data"] = {"name": "own.py:cells"}
    assert RunConfig.from_config_dict(sections).to_dict()["data"]["path"] == str(tmp_path / "here/cells.npz")


def test_a_config_imports_its_neighbours(tmp_path: Path) -> None:
    """And those of another folder, by the same names, are others."""
    for folder, seed in (("one", 1), ("two", 2)):
        (tmp_path / folder / "shared").mkdir(parents=True)
        (tmp_path / folder / "a_base.py").write_text(f"SEED = {seed}")
        (tmp_path / folder / "shared/__init__.py").write_text("")
        (tmp_path / folder / "shared/a_part.py").write_text(f"WIDTH = {seed}")
        (tmp_path / folder / "c.py").write_text(
            "from a_base import SEED\n"
            "def get_config():\n"
            "    from shared.a_part import WIDTH\n"
            "    return {'seed': SEED, 'model': {'name': 'mlp', 'width': WIDTH}}\n"
        )
    for folder, seed in (("one", 1), ("two", 2)):
        found = load_config(str(tmp_path / folder / "c.py"))
        assert (found["seed"], found["model"]["width"]) == (seed, seed)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a file that was named relative to the directory it was started in."""
    folder = tmp_path_factory.mktemp("paths")
    images = np.random.default_rng(0).integers(0, 255, (24, 16, 16)).astype(np.uint8)
    np.savez(folder / "n.npz", images=images, labels=(images > 99).astype(np.uint8))
    sections = {
        "data": {"name": "nuclei", "path": "n.npz", "test_size": 4, "validation_size": 4},
        "model": {"name": "unet", "width": 4, "depth": 1},
        "training": {"steps": 1, "batch_size": 4},
    }
    before = Path.cwd()
    try:
        os.chdir(folder)
        train(RunConfig.from_config_dict(sections), "run")
    finally:
        os.chdir(before)
    return folder / "run"


def test_a_run_is_used_from_another_folder_and_without_its_data(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN", str(run))
    assert main(["evaluate", "--workdir=$RUN", "--evaluators=metrics"]) == 0
    there = json.loads((run / "evaluation/test.json").read_text())
    data = run.parent / "n.npz"
    elsewhere = data.rename(tmp_path / "moved.npz")
    try:
        capsys.readouterr()
        assert main(["evaluate", "--workdir=$RUN", "--evaluators=metrics"]) == 2
        assert str(data) in capsys.readouterr().err
        assert main(["evaluate", "--workdir=$RUN", "--evaluators=metrics", "--data_path=moved.npz"]) == 0
        assert json.loads((run / "evaluation/test.json").read_text()) == there
        assert main(["export", "--workdir=$RUN", "--out=$RUN/exported"]) == 0
        assert (run / "exported/weights.safetensors").is_file()
        assert main(["report", "$RUN"]) == 0
        assert main(["runs", str(run), os.path.relpath(run)]) == 0
        assert "finished" in capsys.readouterr().out
        assert load_trained(run).image_shape == (16, 16, 1)
        assert main(["evaluate", "--workdir=$RUN", "--data_path=nowhere.npz"]) == 2
        assert "invalid --data_path 'nowhere.npz'" in capsys.readouterr().err
    finally:
        elsewhere.rename(data)


def test_functions_read_paths_as_the_command_does(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(run.parent))
    assert load_trained("~/run").step == read_run("~/run").step == 1
    assert find_runs(["~"]) == [run]
    assert write_report("~/run")[0] == run / "report.md"
    assert len(read_images("~/n.npz", count=3).pixels) == 3
    for call in (
        load_trained,
        read_run,
        write_report,
        lambda url: find_runs([url]),
        lambda url: read_images(url, count=2),
    ):
        with pytest.raises(ValueError, match="no URL"):
            call("gs://bucket/x.npz")
    monkeypatch.setenv("TFDS_DATA_DIR", "gs://bucket/tfds")
    with pytest.raises(ValueError, match="invalid TFDS_DATA_DIR 'gs://bucket/tfds'"):
        data_config("tfds:mnist").load()
