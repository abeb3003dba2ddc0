"""MNIST-rot: what holds on the committed table, configs of all presets, the drawing."""

from pathlib import Path

import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "mnist_rot"


def table():
    return read_csv(RESULTS / "errors.csv", [], "python -m experiments.mnist_rot --preset=two_cores")


@pytest.fixture
def study(load):
    return load("experiments/mnist_rot.py")


def test_every_run_is_there_and_the_claim_holds(study):
    preset = study.PRESETS["two_cores"]
    found = {(r["network"], r["way"], r["seed"]) for r in table()}
    assert found == {(n, way, seed) for n in study.NETWORKS for way in study.WAYS for seed in preset.seeds}
    assert len(table()) == len(found)
    assert study.contradicted(RESULTS) == []


def test_the_claim_could_fail(study, tmp_path):
    write_csv(tmp_path / "errors.csv", [{**r, "error": 50.0} if r["network"] == "C8" else r for r in table()])
    assert any(line.startswith("errors of C8 and of the CNN, none: 50.00") for line in study.contradicted(tmp_path))
    write_csv(tmp_path / "errors.csv", [{**r, "averaged_error": r["same_error"]} for r in table()])
    assert any(line.startswith("errors of the CNN, averaged and not") for line in study.contradicted(tmp_path))


def test_the_full_preset_trains_the_published_networks(study):
    full = study.PRESETS["full"]
    configs = {n: study.configuration(study.Run(n, "augmentation", 1), full) for n in full.networks}
    assert {c.augmentation.rotation for c in configs.values()} == {180.0}
    assert {n: c.training.epochs for n, c in configs.items()} == {
        **dict.fromkeys(("CNN", "C4", "C8", "C16", "SO(2)"), 30), "D16→C16": 40,
    }  # fmt: skip
    counts = {n: configs[n].model.parameter_count((28, 28, 1), 10) for n in ("C16", "D16→C16")}
    assert 3.0e6 < counts["D16→C16"] < 3.15e6  # published: 3.07 million
    assert configs["CNN"].model.group == "C1"


def test_the_figure_is_drawn_and_conclusions_are_computed(load, study, tmp_path):
    figure = load("paper_figures/mnist_rot.py")
    with pytest.raises(FileNotFoundError, match=r"errors\.csv is not there; `geomdl reproduce mnist_rot`"):
        figure.draw(tmp_path)
    write_csv(tmp_path / "errors.csv", [{**r, "error": 5.0} for r in table() if r["network"] in ("CNN", "C4")])
    assert [p.name for p in figure.draw(tmp_path)] == ["mnist_rot.png", "mnist_rot.pdf"]
    assert study.conclusions(tmp_path)[1].startswith("CNN: 5.00 %, augmented 5.00 %; of the digits for averaging ")
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
