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
PLAIN = ("MLP", "CNN", "CNN, normalised")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce klein")


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/klein.py")


@pytest.fixture(scope="module")
def spreads():
    return table("spreads")


def error(spreads, model, family):
    return np.mean([r["error"] for r in spreads if (r["model"], r["family"]) == (model, family)])


def test_exact_is_what_rounding_explains(study):
    assert pytest.approx(tolerance(jnp.float32, 12), rel=0.1) == study.EXACT


def test_each_network_is_exactly_invariant_on_its_own_rungs_and_on_no_other(study, spreads):
    for row in spreads:
        if row["model"] in study.BUILT_IN.get(row["family"], ()):
            assert row["error"] <= study.EXACT, row
        else:
            assert row["error"] > 1000 * study.EXACT, row


def test_no_network_is_constant(spreads):
    assert all(r["input_spread"] > 1 for r in spreads), "scores differ between digits"


def test_rotations_by_any_angle_are_kept_the_better_the_larger_the_group(spreads):
    flat = {m: error(spreads, m, "rotations") for m in ("SO(2)", "O(2)")}
    assert max(flat.values()) < error(spreads, "C8", "rotations") < error(spreads, "C4", "rotations")
    assert max(flat.values()) < 0.3 * min(error(spreads, m, "rotations") for m in PLAIN)


def test_networks_are_of_equal_size_and_have_learnt_digits():
    summary = table("summary")
    sizes = [r["parameters"] for r in summary]
    assert max(sizes) / min(sizes) < 1.1
    assert min(r["accuracy"] for r in summary) > 0.85


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
