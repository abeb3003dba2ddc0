"""Data of one's own by the command, in a folder that is no checkout: trained on, measured, described, noticed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geomdl.cli.main import main
from geomdl.data import Dataset, Split
from geomdl.training import RunConfig, load_trained, train

CONFIG = """
def get_config():
    return {
        "data": {"name": "folder", "path": "spots", "size": 8, "normalize": "train"},
        "model": {"name": "linear"},
        "training": {"steps": 2, "batch_size": 8},
    }
"""
SPOTS = '''
import numpy as np

from geomdl.data import Dataset, Split


def spots(count: int = 32, bright: float = 1.0) -> Dataset:
    """Images that are bright in the middle, or not."""
    labels = (np.arange(count) % 2).astype(np.int32)
    images = np.zeros((count, 8, 8, 1), np.float32)
    images[labels == 1, 3:5, 3:5] = bright
    split = Split(images, labels)
    return Dataset("spots", split, split, split, (8, 8, 1), 2, ("dark", "bright"), f"made, {bright}")
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("c.py").write_text(CONFIG)
    rng = np.random.default_rng(0)
    for label, level in (("dark", 60), ("light", 255)):
        Path("spots", label).mkdir(parents=True)
        for i in range(16):
            Image.fromarray(rng.integers(0, level, (9, 9, 3)).astype(np.uint8)).save(f"spots/{label}/{i}.png")
    return tmp_path


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "geomdl", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_a_folder_is_trained_on_and_the_run_keeps_its_preprocessing(folder, capsys, caplog):
    assert main(["train", "--config=c.py", "--workdir=run", "--quiet"]) == 0
    noted = json.loads(Path("run/run.json").read_text())["preprocessing"]
    trained = load_trained("run")
    assert trained.data is None  # the preprocessing is known without the images
    assert trained.preprocessing.to_dict() == noted
    assert len(noted["mean"]) == 3
    first = trained.dataset.names["test"][0]
    image = np.asarray(Image.open(Path("spots") / first))
    np.testing.assert_array_equal(trained.preprocessing(image), trained.dataset.test.images[0])
    assert main(["evaluate", "--workdir=run", "--evaluators=metrics"]) == 0
    before = Path("run/evaluation/test.json").read_text()
    Path("spots").rename("moved")
    assert main(["evaluate", "--workdir=run", "--evaluators=metrics", "--data_path=moved"]) == 0
    assert Path("run/evaluation/test.json").read_text() == before
    assert not caplog.records
    Path("moved/dark/0.png").unlink()  # other images: their own statistics would be others; the run keeps its numbers
    assert main(["evaluate", "--workdir=run", "--evaluators=metrics", "--data_path=moved"]) == 0
    assert "these are not the data of the run" in caplog.text
    assert load_trained("run", data_path="moved").dataset.preprocessing == trained.preprocessing


def test_what_a_data_set_holds_and_what_is_doubtful(folder, capsys):
    Path("spots/light/0.png").write_bytes(Path("spots/light/1.png").read_bytes())
    Path("spots/dark/7.png").write_text("no image")
    Image.fromarray(np.full((5, 9), 7, np.uint8)).save("spots/dark/8.png")
    assert main(["data", "--config=c.py", "--sheet=sheet.png", "--config.data.split_seed=3"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"dark .* 15 ?\n", shown)
    assert re.search(r"doubtful: the same image .*: light/0.png \(\w+\) = light/1.png", shown)
    for line in (
        "doubtful: cannot be read: ",
        "spots/dark/7.png (it is text)",
        "doubtful: images of 2 sizes, brought to one: 9×9 (30), 5×9 (1)",
        "doubtful: 1 images of one single value: dark/8.png",
    ):
        assert line in shown, line
    with Image.open("sheet.png") as sheet:
        assert min(sheet.size) > 300
        assert len(sheet.convert("L").getcolors()) > 50
    assert main(["data", "--config=c.py", "--sheet=sheet.jpg"]) == 2
    assert "try sheet.png" in capsys.readouterr().err


def test_a_sheet_of_what_training_gets(folder, capsys):
    """Mosaics of four images with their boxes, among other changes; classes have none to put together."""
    data = {"name": "box_shapes", "size": 24, "largest": 7, "train_size": 4, "validation_size": 1, "test_size": 1}
    Path("b.py").write_text(
        f"def get_config():\n    return {{'data': {data}, 'model': {{'name': 'fcos'}}, 'training': {{'steps': 1}}}}\n"
    )
    asked = ["data", "--config=b.py", "--config.augmentation.flip=true", "--config.augmentation.mosaic=1.0"]
    assert main([*asked, "--sheet=sheet.png", "--augmented"]) == 0
    with Image.open("sheet.png") as sheet:
        assert len(np.unique(np.asarray(sheet.convert("RGB")).reshape(-1, 3), axis=0)) > 100
    assert main([*asked, "--augmented"]) == 2
    assert "with --sheet, the file that is drawn" in capsys.readouterr().err
    assert main(["data", "--config=c.py", "--config.augmentation.mosaic=1.0", "--sheet=s.png", "--augmented"]) == 2
    assert "augmentation.mosaic 1.0; allowed: 0 where labels are classes" in capsys.readouterr().err


def given(bright: float = 1.0) -> Dataset:
    """The data set that spots.py makes, without the file."""
    made: dict = {}
    exec(SPOTS, made)
    return made["spots"](bright=bright)


@pytest.mark.parametrize("data", [{}, {"data": {"name": "digits"}}])
def test_a_data_set_given_in_python_is_what_is_recorded(folder, capsys, caplog, data):
    config = RunConfig.from_config_dict(
        {**data, "model": {"name": "linear"}, "training": {"steps": 2, "batch_size": 8}}
    )
    train(config, "run", dataset=given())
    written = json.loads(Path("run/config.json").read_text())["config"]["data"]
    assert {**written, "digest": ""} == {
        "name": "given", "dataset": "spots", "kind": "class", "shape": [8, 8, 1], "images": [32, 32, 32], "digest": ""
    }  # fmt: skip
    assert train(config, "run", dataset=given()).step == 2
    with pytest.raises(ValueError, match=r"another config \(data.digest"):
        train(config, "run", dataset=given(0.5))
    assert main(["evaluate", "--workdir=run"]) == 2
    assert "the data set 'spots' (32 training" in capsys.readouterr().err
    assert main(["export", "--workdir=run", "--out=out"]) == 0
    assert main(["report", "run"]) == 0
    assert main(["runs", "."]) == 0
    assert load_trained("run", dataset=given()).dataset.name == "spots"
    assert not caplog.records
    load_trained("run", dataset=given(0.5))
    assert "these are not the data of the run" in caplog.text


def test_label_maps_given_in_python_need_no_task(folder):
    rng = np.random.default_rng(0)
    split = Split(rng.random((8, 8, 8, 1)).astype(np.float32), rng.integers(0, 2, (8, 8, 8)).astype(np.int32))
    dataset = Dataset("maps", split, split, split, (8, 8, 1), 2, ("a", "b"), "made", label_kind="map")
    config = RunConfig.from_config_dict(
        {"model": {"name": "unet", "width": 1, "depth": 1}, "training": {"steps": 1, "batch_size": 8}}
    )
    train(config, "run", dataset=dataset)
    assert json.loads(Path("run/config.json").read_text())["config"]["task"]["name"] == "segmentation"


def test_without_data_every_command_says_what_is_missing(folder, capsys):
    Path("n.py").write_text('def get_config(): return {"model": {"name": "linear"}, "training": {"steps": 1}}')
    for verb in ("train", "sweep"):
        assert main([verb, "--config=n.py", "--workdir=run"]) == 2
        assert "a config with the section 'data'" in capsys.readouterr().err
    assert not Path("run").exists()


@pytest.fixture
def home(folder) -> Path:
    """A folder with a data set and a config that names it."""
    home = folder / "home"
    home.mkdir()
    (folder / "elsewhere").mkdir()
    (home / "spots.py").write_text(SPOTS)
    data = '"folder", "path": "spots", "size": 8, "normalize": "train"'
    (home / "c.py").write_text(CONFIG.replace(data, '"spots.py:spots", "count": 16'))
    return home


def test_a_data_set_by_its_file_from_another_folder_and_a_changed_file_is_noticed(home, monkeypatch, capsys, caplog):
    monkeypatch.chdir(home.parent / "elsewhere")
    assert main(["train", f"--config={home / 'c.py'}", "--workdir=run", "--quiet"]) == 0
    Path("run").rename(home.parent / "run")
    monkeypatch.chdir(home.parent)
    assert main(["evaluate", "--workdir=run", "--evaluators=metrics"]) == 0
    assert "16 images of spots (test)" in capsys.readouterr().out
    assert not caplog.records
    (home / "spots.py").write_text(SPOTS.replace("3:5, 3:5", "2:6, 2:6"))
    assert main(["evaluate", "--workdir=run", "--evaluators=metrics"]) == 0
    noticed = f"{home / 'spots.py'} has changed since the run began"
    assert noticed in caplog.text
    assert main(["train", f"--config={home / 'c.py'}", "--workdir=run", "--quiet"]) == 0
    assert noticed in capsys.readouterr().err
    assert main(["train", f"--config={home / 'c.py'}", "--workdir=x", "--config.data.cuont=3"]) == 2
    assert "did you mean 'data.count'" in capsys.readouterr().err


@pytest.mark.long
def test_later_processes_read_a_data_set_by_its_file_and_say_when_it_has_changed(home):
    run = command("train", f"--config={home / 'c.py'}", "--workdir=run", "--quiet", cwd=home.parent / "elsewhere")
    assert run.returncode == 0, run.stderr
    (home.parent / "elsewhere" / "run").rename(home.parent / "run")
    evaluate = ("evaluate", "--workdir=run", "--evaluators=metrics")
    run = command(*evaluate, cwd=home.parent)
    assert (run.returncode, run.stderr) == (0, "")
    (home / "spots.py").write_text(SPOTS.replace("3:5, 3:5", "2:6, 2:6"))
    run = command(*evaluate, cwd=home.parent)
    assert run.returncode == 0
    assert f"{home / 'spots.py'} has changed since the run began" in run.stderr
