"""Errors under the symmetries of the cube: what holds on the committed table, what was measured, the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.groups import VOLUME, Oh
from geomdl.plots import read_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "cube_errors"


@pytest.fixture
def study(load):
    return load("experiments/cube_errors.py")


def test_every_element_is_there_and_the_claim_holds(study):
    rows = read_csv(RESULTS / "errors.csv", [], study.COMMAND)
    found = {(r["network"], r["side"], r["element"]) for r in rows if r["motion"] == "cube"}
    assert found == {(n, side, k) for n in study.NETWORKS for side in study.SIDES for k in range(48)}
    assert study.contradicted(RESULTS) == []


@pytest.mark.parametrize(
    ("where", "error", "sentence"),
    [
        ({"network": "O", "side": 9, "motion": "cube", "turn": "120°", "mirrors": 0}, 2e-5, "is promised and changes"),
        ({"network": "SO(3)", "side": 8, "motion": "cube", "mirrors": 1}, 1e-6, "is not promised and changes"),
        ({"network": "CNN", "element": 3, "motion": "cube"}, 0.0, "is not promised and changes"),
        ({"network": "O(3)", "motion": "random"}, 5.0, "random rotations: O(3) 5, CNN"),
        ({"network": "Oh", "side": 8, "element": 1}, float("nan"), "error of Oh, side 8, cube, element 1 is nan"),
    ],
)
def test_the_claim_could_fail(study, altered, where, error, sentence):
    out = altered(RESULTS, [("errors", where, {"error": error}, sentence)])
    assert any(sentence in line for line in study.contradicted(out))


def test_what_is_promised(study):
    matrices = Oh.matrix(Oh.elements())
    counts = {name: sum(study.promised(name, m) for m in matrices) for name in study.NETWORKS}
    assert counts == {"CNN": 1, "C4z": 4, "O": 24, "Oh": 48, "SO(3)": 24, "O(3)": 48}
    turns = [about["turn"] for about, _ in study.motions(1) if about["motion"] == "cube" and not about["mirrors"]]
    assert {turn: turns.count(turn) for turn in turns} == {"nothing": 1, "90°": 6, "180°": 9, "120°": 8}


def test_moved_blobs_are_moved_volumes(study):
    x = study.blobs(7, 2)
    for g in Oh.elements()[[1, 5, 30]]:
        np.testing.assert_allclose(study.blobs(7, 2, Oh.matrix(g)), VOLUME.grid_symmetry(Oh, g)(x), atol=1e-6)


def test_it_is_drawn_and_said(load, study, tmp_path):
    figure = load("paper_figures/cube_errors.py")
    with pytest.raises(FileNotFoundError, match=r"errors\.csv is not there; `geomdl reproduce cube_errors`"):
        figure.draw(tmp_path)
    (tmp_path / "errors.csv").write_bytes((RESULTS / "errors.csv").read_bytes())
    assert [p.name for p in figure.draw(tmp_path)] == ["cube_errors.png", "cube_errors.pdf"]
    assert study.conclusions(tmp_path)[3].startswith("Oh: 48 symmetries of the cube change the outputs by ")
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
