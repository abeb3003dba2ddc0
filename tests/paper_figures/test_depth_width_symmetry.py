"""The study of depth, width and symmetry: what holds whatever was learnt, on the committed tables, and the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "depth_width_symmetry"
COMMAND = "geomdl reproduce depth_width_symmetry"


@pytest.fixture(scope="module")
def results():
    return read_csv(RESULTS / "results.csv", [], COMMAND)


@pytest.fixture(scope="module")
def costs():
    return read_csv(RESULTS / "costs.csv", [], COMMAND)


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/depth_width_symmetry.py")


def test_runs_are_there_once_and_every_network_with_its_twins(study, results):
    found = [(r["data"], r["network"], r["group"], r["seed"]) for r in results]
    assert len(found) == len(set(found)) >= len(study.GROUPS)
    wanted = {(r.data, r.network, r.group, r.seed) for r in study.runs("full") if not r.without}
    assert set(found) <= wanted
    for data, network, _, seed in found:
        assert {g for d, n, g, s in found if (d, n, s) == (data, network, seed)} == set(study.GROUPS)


def test_the_committed_tables_agree_with_the_claim(study):
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "results",
        {"network": "LeNet-5", "group": "D4", "seed": 1},
        {"parameters": 300000.0},
        "eurosat, LeNet-5, D4, seed 1 has 300,000 parameters, the plain network 244,960",
    ),
    (
        "results",
        {"network": "LeNet-5", "group": "D4", "seed": 1},
        {"consistency": 0.98},
        "eurosat, LeNet-5, D4, seed 1: 98.0% keep their class under all eight symmetries",
    ),
    (
        "results",
        {"network": "LeNet-5", "group": "D4", "seed": 1},
        {"accuracy_worst": 0.5},
        "eurosat, LeNet-5, D4, seed 1: accuracy 51.6%, worst of eight 50.0%",
    ),
    (
        "results",
        {"network": "LeNet-5", "group": "C4", "seed": 1},
        {"accuracy_worst": 0.63},
        "eurosat, LeNet-5, C4, seed 1: quarter turns matter: accuracy 63.85%, mean of eight 63.68%, worst 63.00%",
    ),
    (
        "results",
        {"network": "LeNet-5", "group": "C1", "seed": 1},
        {"consistency": 0.96},
        "eurosat, LeNet-5, C1, seed 1: 96.0% keep their class under all eight symmetries",
    ),
    (
        "results",
        {"data": "eurosat", "network": "ResNet-20", "group": "C1"},
        {"consistency": float("nan")},
        "consistency of eurosat, ResNet-20, C1, seed 0 is nan",
    ),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path, results, costs):
    figure = load("paper_figures/depth_width_symmetry.py")
    with pytest.raises(FileNotFoundError, match=r"results\.csv is not there; `GEOMDL_DATA=FOLDER geomdl reproduce"):
        figure.draw(tmp_path)
    write_csv(tmp_path / "results.csv", results)
    write_csv(tmp_path / "costs.csv", costs)
    assert [p.name for p in figure.draw(tmp_path)] == ["depth_width_symmetry.png", "depth_width_symmetry.pdf"]


def test_the_data_and_the_preset_are_asked_for(study, tmp_path, monkeypatch):
    monkeypatch.delenv("GEOMDL_DATA", raising=False)
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
    with pytest.raises(ValueError, match="GEOMDL_DATA in the environment None; allowed: a folder"):
        study.run("fast", tmp_path)


def test_the_orbit_is_that_of_the_square(study):
    images = np.arange(9.0).reshape(1, 3, 3, 1)
    orbit = {moved.tobytes() for moved in study._orbit(images)}
    assert len(orbit) == 8
    assert images.tobytes() in orbit
    assert np.ascontiguousarray(images.swapaxes(1, 2)).tobytes() in orbit


def test_seeds_come_one_after_the_other(study, results):
    seeds = [r.seed for r in study.runs("full")]
    assert seeds == sorted(seeds)
    assert distinct(results, "seed")[0] == 0
