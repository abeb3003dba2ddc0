"""Retrieval under rotation: the claims on the committed tables, and that they could fail; the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.evaluators import Neighbours, nearest_neighbours
from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "retrieval_under_rotation"
COMMAND = "geomdl reproduce retrieval_under_rotation"
TABLES = ("precision", "neighbours", "summary")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], COMMAND)


@pytest.fixture
def study(load):
    return load("experiments/retrieval_under_rotation.py")


def test_every_run_is_there_and_the_claim_holds(study):
    rows = table("neighbours")
    assert {r["model"] for r in rows} == set(study.RUNS)
    assert len({r["seed"] for r in rows}) == 3
    assert study.contradicted(RESULTS) == []


@pytest.mark.parametrize(
    ("name", "of", "change", "found"),
    [
        ("neighbours", "C4", {"same": 0.99}, "99.0% keep their neighbours"),
        ("neighbours", "C8", {"change_of_distance": 0.01}, "distances move by 1e-02"),
        ("neighbours", "CNN", {"same": 1.0}, "CNN, seed 0, angle 90: 100.0% keep"),
        ("precision", "C8", {"mean_average_precision": 0.1}, "least mean average precision of CNN, augmented, C8"),
        ("precision", "CNN", {"mean_average_precision": 0.8}, "CNN: mean average precision 0.800 upright and 0.800"),
    ],
)
def test_the_claim_could_fail(study, tmp_path, name, of, change, found):
    for other in TABLES:
        rows = table(other)
        changed = [{**r, **change} if r["model"] == of else r for r in rows]
        write_csv(tmp_path / f"{other}.csv", changed if other == name else rows)
    assert any(found in line for line in study.contradicted(tmp_path))


def test_sets_of_neighbours_are_compared_up_to_ties(study):
    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    found = nearest_neighbours(vectors[:5], vectors, 3)
    assert study.agreement(found, found) == (1.0, 0.0)
    other = Neighbours(found.indices.copy(), found.distances)
    other.indices[0, 1] = 29
    assert study.agreement(found, other)[0] == 0.8
    tied = Neighbours(found.indices, np.repeat(found.distances[:, -1:], 3, 1))
    swapped = Neighbours(other.indices, tied.distances)
    assert study.agreement(tied, swapped)[0] == 1.0


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/retrieval_under_rotation.py")
    with pytest.raises(FileNotFoundError, match=r"precision\.csv is not there; `geomdl reproduce retrieval_under"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    names = [p.name for p in figure.draw(tmp_path)]
    assert names == ["retrieval_under_rotation.png", "retrieval_under_rotation.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", [{**r, "same": 0.25} if "same" in r else r for r in table(name)])
    assert "at least 100.0% of the queries" in study.conclusions(RESULTS)[3]
    assert "at least 25.0% of the queries" in study.conclusions(tmp_path)[3]


def test_an_unknown_preset_is_refused(study, tmp_path):
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
