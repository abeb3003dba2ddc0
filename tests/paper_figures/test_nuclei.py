"""The nuclei study: what holds whatever was learnt, on the committed tables, and the drawing."""

from pathlib import Path

import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "nuclei"
GROUPS = ("C4 U-Net", "D4 U-Net", "C8 U-Net")
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


def test_group_networks_are_consistent_at_quarter_turns_whatever_they_learnt(results):
    for r in results:
        if r["network"] in GROUPS:
            assert float(r["consistency_quarter_turns"]) == 1, r
        else:
            assert float(r["consistency_quarter_turns"]) < 0.99, r


def test_parameters_are_equal_and_equivariance_is_not_free(costs):
    parameters = [float(r["parameters"]) for r in costs]
    assert max(parameters) < 1.15 * min(parameters)
    times = {r["network"]: float(r["relative_step_time"]) for r in costs}
    assert times["U-Net"] == 1
    assert all(times[n] > 1.2 for n in GROUPS)


def test_more_images_help_every_network(study, results):
    for network in study.NETWORKS:
        assert study.mean(results, "iou", network, 128, False) > study.mean(results, "iou", network, 8, False)


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
