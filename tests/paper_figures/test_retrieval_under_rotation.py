"""Retrieval under rotation: the claims on the committed tables, and that they could fail; the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.evaluators import Neighbours, nearest_neighbours
from geomdl.plots import mean_over, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "retrieval_under_rotation"
COMMAND = "geomdl reproduce retrieval_under_rotation"
TABLES = ("precision", "neighbours", "summary")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], COMMAND)


def curve(model):
    means = mean_over([r for r in table("precision") if r["model"] == model], over="seed", by=["model", "angle"])
    return {float(r["angle"]): float(r["mean_average_precision"]) for r in means}


@pytest.fixture
def study(load):
    return load("experiments/retrieval_under_rotation.py")


def test_invariant_features_give_the_same_neighbours_at_quarter_turns_exactly_and_the_others_do_not(study):
    rows = table("neighbours")
    assert {r["model"] for r in rows} == set(study.RUNS)
    assert len({r["seed"] for r in rows}) == 3
    for row in rows:
        if row["model"] in ("C4", "C8"):
            assert row["same"] == 1, row
            assert row["change_of_distance"] < study.TIE, row
        else:
            assert row["same"] < 0.05, row
            assert row["change_of_distance"] > 0.1, row


def test_curves_have_the_period_of_their_group_and_the_expected_order():
    c4, c8, plain, augmented = (curve(m) for m in ("C4", "C8", "CNN", "CNN + augmentation"))
    for angle, value in c4.items():
        assert value == pytest.approx(c4[(angle + 90) % 360], abs=1e-3)
    assert min(c8[a] for a in np.arange(0, 360, 45.0)) > 0.9 * c8[0]
    assert c4[45] < 0.5 * c4[0]
    assert plain[90] < 0.5 * plain[0]
    assert min(plain.values()) < min(augmented.values()) < min(c8.values())


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
