"""Klein's ladder: the claims, on the committed tables, and the drawing.

"Exact" is at most 1e-5, what `geomdl.equivariance.tolerance` allows float32 in a dozen layers; "not invariant" is three
orders of magnitude above it, at least 1 % of the spread between digits.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.equivariance import tolerance
from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "klein"
TABLES = ("spreads", "summary")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce klein")


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/klein.py")


def test_the_committed_tables_are_complete_and_agree_with_the_claim(study):
    found = {(r["model"], r["family"], r["seed"]) for r in table("spreads")}
    assert found == {(m, rung.name, s) for m in study.RUNS for rung in study.RUNGS for s in range(3)}
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "spreads",
        {"model": "D4", "family": "reflections", "seed": 1},
        {"error": 0.5},
        "not exact, though built in: D4, reflections, seed 1 has an error of 5.0e-01",
    ),
    (
        "spreads",
        {"model": "CNN", "family": "shears", "seed": 1},
        {"error": 0.001},
        "invariant, though not built in: CNN, shears, seed 1 has an error of 1.0e-03",
    ),
    (
        "spreads",
        {"model": "MLP", "seed": 2},
        {"input_spread": 0.5},
        "the scores of MLP, seed 2 differ between digits by 0.5 only",
    ),
    (
        "spreads",
        {"model": "C8", "family": "rotations"},
        {"error": 0.02},
        "under rotations the error of SO(2) is 0.081, that of C8 0.02",
    ),
    (
        "spreads",
        {"model": "C4", "family": "rotations"},
        {"error": 0.01},
        "under rotations the error of C8 is 0.02, that of C4 0.01",
    ),
    (
        "spreads",
        {"model": "CNN", "family": "rotations"},
        {"error": 0.1},
        "under rotations the error of SO(2) is 0.081, that of CNN 0.1",
    ),
    (
        "spreads",
        {"model": "CNN", "family": "perspective", "seed": 1},
        {"error": float("nan")},
        "error of CNN, perspective, seed 1 is nan",
    ),
    (
        "summary",
        {"model": "O(2)"},
        {"parameters": 9900},
        "parameters go from 7,641 to 9,900, more than by a factor of 1.1",
    ),
    ("summary", {"model": "O(2)", "seed": 0}, {"accuracy": 0.5}, "O(2), seed 0 has learnt 50.0% only"),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_exact_is_what_rounding_explains(study):
    assert pytest.approx(tolerance(jnp.float32, 12), rel=0.1) == study.EXACT


def test_the_families_move_what_they_say(study):
    x = jnp.asarray(np.random.default_rng(0).uniform(size=(2, 20, 20, 1)), jnp.float32)
    for rung in study.RUNGS:
        moved = np.asarray(rung.moved(x))
        assert moved.shape[1:] == x.shape
        assert all(np.abs(image - x).max() > 1e-3 for image in moved), f"no identity among the {rung.name}"
    for name in ("circular shifts", "quarter turns", "reflections"):
        rung = next(r for r in study.RUNGS if r.name == name)
        moved = np.asarray(rung.moved(x))
        np.testing.assert_array_equal(
            np.sort(moved.reshape(len(moved), -1)), np.sort(np.tile(x.ravel(), (len(moved), 1)))
        )


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/klein.py")
    with pytest.raises(FileNotFoundError, match=r"spreads\.csv is not there; `geomdl reproduce klein` writes it"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    assert [p.name for p in figure.draw(tmp_path)] == ["klein.png", "klein.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    for name in TABLES:
        rows = table(name)
        if name == "spreads":
            rows = [{**r, "error": 0.5} if (r["model"], r["family"]) == ("D4", "reflections") else r for r in rows]
        write_csv(tmp_path / f"{name}.csv", rows)
    before, after = study.conclusions(RESULTS), study.conclusions(tmp_path)
    assert "reflections: D4, O(2) (as built in" in before[3]
    assert "reflections: O(2) (built in: D4, O(2)" in after[3]
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
