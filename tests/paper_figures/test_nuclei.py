"""The nuclei study: what holds whatever was learnt, on the committed tables, and the drawing."""

from pathlib import Path

import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "nuclei"
COMMAND = "geomdl reproduce nuclei"

pytestmark = pytest.mark.skipif(not (RESULTS / "results.csv").exists(), reason="the study has not been run to its end")


@pytest.fixture(scope="module")
def results():
    return read_csv(RESULTS / "results.csv", [], COMMAND)


@pytest.fixture(scope="module")
def costs():
    return read_csv(RESULTS / "costs.csv", [], COMMAND)


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/nuclei.py")


def test_every_run_is_there_once(study, results):
    found = [(r["network"], r["rotations"] == "yes", r["train_size"], r["seed"]) for r in results]
    seeds = distinct(results, "seed")
    assert len(seeds) >= 2
    assert sorted(found) == sorted(study.runs(seeds=seeds))


def test_the_committed_tables_agree_with_the_claim(study):
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "results",
        {"network": "C4 U-Net", "train_size": 8, "seed": 1, "rotations": "no"},
        {"consistency_quarter_turns": 0.999},
        "C4 U-Net, train_size 8, seed 1, rotations no: the consistency at quarter turns is 0.999",
    ),
    (
        "results",
        {"network": "U-Net", "train_size": 8, "seed": 1, "rotations": "yes"},
        {"consistency_quarter_turns": 0.995},
        "U-Net, train_size 8, seed 1, rotations yes: the consistency at quarter turns is 0.995",
    ),
    (
        "results",
        {"network": "D4 U-Net", "train_size": 128},
        {"iou": 0.2},
        "D4 U-Net has an IoU of 0.684 from 8 images, 0.200 from 128",
    ),
    (
        "results",
        {"network": "D4 U-Net", "train_size": 32, "seed": 0, "rotations": "no"},
        {"iou": float("nan")},
        "iou of D4 U-Net, train_size 32, seed 0 is nan",
    ),
    (
        "costs",
        {"network": "D4 U-Net"},
        {"parameters": 30000},
        "parameters go from 17,801 to 30,000, more than by a factor of 1.15",
    ),
    (
        "costs",
        {"network": "D4 U-Net"},
        {"relative_step_time": 1.1},
        "a step of D4 U-Net takes 1.1 times the time of the plain one",
    ),
    (
        "costs",
        {"network": "U-Net"},
        {"relative_step_time": 1.1},
        "a step of U-Net takes 1.1 times the time of the plain one",
    ),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_the_tables_of_the_fast_preset_are_judged_too(study, altered, results):
    out = altered(RESULTS, [])
    write_csv(out / "results.csv", [r for r in results if (r["train_size"], r["seed"]) == (8, 0)])
    assert study.contradicted(out) == []


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path, results, costs):
    figure = load("paper_figures/nuclei.py")
    with pytest.raises(
        FileNotFoundError, match=r"results\.csv is not there; `GEOMDL_NUCLEI=FILE\.npz geomdl reproduce"
    ):
        figure.draw(tmp_path)
    write_csv(tmp_path / "results.csv", results)
    write_csv(tmp_path / "costs.csv", costs)
    assert [p.name for p in figure.draw(tmp_path)] == ["nuclei.png", "nuclei.pdf"]


def test_the_file_and_the_preset_are_asked_for(study, tmp_path, monkeypatch):
    monkeypatch.delenv("GEOMDL_NUCLEI", raising=False)
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
    with pytest.raises(ValueError, match=r"GEOMDL_NUCLEI in the environment None; allowed: the \.npz file"):
        study.run("fast", tmp_path)


def test_conclusions_are_computed_from_the_tables(study, tmp_path, results, costs):
    changed = [{**r, "iou": 0.001} if (r["network"], r["train_size"]) == ("U-Net", 8) else r for r in results]
    write_csv(tmp_path / "results.csv", changed)
    write_csv(tmp_path / "costs.csv", costs)
    assert any("8 images, no augmentation: IoU U-Net 0.001" in s for s in study.conclusions(tmp_path))
    assert not any("IoU U-Net 0.001" in s for s in study.conclusions(RESULTS))
