"""Volumes under rotation: what holds on the committed table, how scores and rotations are made, the drawing."""

from pathlib import Path

import numpy as np
import pytest

from experiments.parts import volume_data
from geomdl.groups import O
from geomdl.plots import read_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "volumes"


@pytest.fixture
def study(load):
    return load("experiments/volumes.py")


def test_every_run_is_there_and_the_claim_holds(study):
    rows = read_csv(RESULTS / "accuracy.csv", [], study.COMMAND)
    of_each = {(r["data"], r["seed"]) for r in rows}
    assert "solids" in {data for data, _ in of_each}
    wanted = {(data, network, seed) for data, seed in of_each for network in study.NETWORKS}
    assert {(r["data"], r["network"], r["seed"]) for r in rows} == wanted
    assert study.contradicted(RESULTS) == []


@pytest.mark.parametrize(
    ("where", "values", "sentence"),
    [
        ({"network": "Oh", "seed": 0}, {"changed": 0.01}, "logits change by 1.0e-02 under the 24 turns"),
        ({"network": "O", "seed": 0}, {"worst": 0.1}, "turns change the score"),
        ({"network": "SO(3)", "data": "solids"}, {"random": 0.1}, "solids, random rotations: SO(3) 10.0%, CNN"),
        ({"network": "CNN", "data": "solids"}, {"upright": 0.9, "turned": 0.9}, "cost the CNN 0.0% of the solids only"),
        ({"network": "CNN + turns", "data": "solids"}, {"upright": 1.0, "turned": 0.0}, "the augmented CNN 100.0% of"),
        ({"network": "CNN", "seed": 0}, {"changed": 0.0}, "logits change by 0.0e+00"),
    ],
)
def test_the_claim_could_fail(study, altered, where, values, sentence):
    out = altered(RESULTS, [("accuracy", where, values, sentence)])
    assert any(sentence in line for line in study.contradicted(out))


def test_scores(study):
    labels = np.array([0, 0, 1, 1])
    assert study.score(np.array([[0, 1.0], [0, 2.0], [0, 2.0], [0, 3.0]]), labels) == 3.5 / 4  # pairs in order; a tie
    assert study.score(np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 1])) == 0.75


def test_turns_and_rotations_of_volumes():
    x = np.random.default_rng(0).random((2, 6, 6, 6, 1)).astype(np.float32)
    for g in O.elements()[[1, 9]]:
        halved = volume_data.smaller(volume_data.turned(x, g))
        np.testing.assert_allclose(halved, volume_data.turned(volume_data.smaller(x), g), atol=1e-6)  # order of sums
    middle = np.zeros((1, 7, 7, 7, 1), np.float32)
    middle[0, 3, 3, 3] = 1
    turned = volume_data.rotated(middle, 0)
    np.testing.assert_allclose(turned[0, 3, 3, 3], 1, atol=1e-5)
    assert volume_data.smaller(np.full((1, 2, 2, 2, 1), 255, np.uint8)).item() == 1


def test_glands_need_a_folder(monkeypatch):
    monkeypatch.delenv("GEOMDL_DATA", raising=False)
    with pytest.raises(ValueError, match=r"GEOMDL_DATA in the environment.*adrenalmnist3d\.npz"):
        volume_data.glands()


def test_it_is_drawn_and_said(load, study, tmp_path):
    figure = load("paper_figures/volumes.py")
    with pytest.raises(FileNotFoundError, match=r"accuracy\.csv is not there; `geomdl reproduce volumes`"):
        figure.draw(tmp_path)
    (tmp_path / "accuracy.csv").write_bytes((RESULTS / "accuracy.csv").read_bytes())
    assert [p.name for p in figure.draw(tmp_path)] == ["volumes.png", "volumes.pdf"]
    assert study.conclusions(tmp_path)[1].startswith("solids, CNN: accuracy ")
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
