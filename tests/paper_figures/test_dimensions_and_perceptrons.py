"""Dimensions, perceptrons and shifts: the claims on the committed tables, closed forms, a tiny study, the drawing."""

import math
from pathlib import Path

import jax
import numpy as np
import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "dimensions_and_perceptrons"
COMMAND = "geomdl reproduce dimensions_and_perceptrons"
TABLES = ("cubes", "cells", "neighbours", "cases", "approximation", "shifts")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], COMMAND)


@pytest.fixture
def study(load):
    return load("experiments/dimensions_and_perceptrons.py")


def test_cubes_and_cells_are_those_of_the_lecture():
    sides = {(r["share"], r["dimension"]): r["side"] for r in table("cubes")}
    assert [round(sides[0.2, d], 2) for d in (1, 2, 3)] == [0.2, 0.45, 0.58]
    for (share, d), side in sides.items():
        assert side**d == pytest.approx(share, rel=0.01)
    cells = {r["dimension"]: r["per_cell"] for r in table("cells")}
    assert [cells[d] for d in (1, 2, 3)] == [2, 0.4, 0.08]
    assert all(cells[d] / cells[d + 1] == pytest.approx(5, rel=1e-3) for d in range(1, 10))


def test_the_claims_hold_and_every_seed_is_there(study):
    assert study.contradicted(RESULTS) == []
    assert {len(distinct(table(name), "seed")) for name in ("neighbours", "cases", "shifts")} == {3}
    assert set(distinct(table("cases"), "case")) == set(study.CASES)
    assert {r["seen"] for r in table("shifts")} == set(study.SEEN)


@pytest.mark.parametrize(
    ("name", "change", "found"),
    [
        ("neighbours", lambda r: {"error": 0.5}, "nearest neighbour in 1 dimensions"),
        ("cases", lambda r: {"accuracy": 0.9}, "quadrants, one layer, seed 0: accuracy 90.0%"),
        ("cases", lambda r: {"best_line": 0.8}, "the best line 80.0%"),
        ("approximation", lambda r: {"error": 1 / r["width"]}, "errors fall as width^(-1.00)"),
        ("shifts", lambda r: {"accuracy": 0.95}, "MLP, accuracy over all shifts"),
        ("shifts", lambda r: {"accuracy": 0.1}, "CNN, accuracy over all shifts after one: 10.0%"),
    ],
)
def test_the_claims_could_fail(study, tmp_path, name, change, found):
    for other in TABLES:
        rows = table(other)
        write_csv(tmp_path / f"{other}.csv", [{**r, **change(r)} for r in rows] if other == name else rows)
    assert any(found in line for line in study.contradicted(tmp_path))


def test_the_nearest_neighbour_is_as_far_as_it_is_on_the_torus(study):
    for d in study.DIMENSIONS:
        many = [r for r in table("neighbours") if r["dimension"] == d and r["samples"] >= study.FITTED_FROM]
        assert np.mean([r["error"] / r["predicted"] for r in many]) == pytest.approx(1, abs=0.04)


def test_shifts_that_were_seen_are_learnt_and_convolutions_see_none():
    for row in table("shifts"):
        assert (row["spread"] < 1e-5) == (row["model"] == "CNN"), row
        if row["model"] == "MLP" and row["seen"] <= 50:
            assert row["on_seen"] > 0.8 > row["on_unseen"] + 0.2


# Closed forms


def test_the_distance_to_the_nearest_of_many_points(study):
    exact = math.sqrt(1 / (2 * 1001 * 1002))  # on a circle of length 1: P(r > t) = (1 − 2t)^n
    assert study.nearest_distance(1, 1000) == pytest.approx(exact, rel=2e-3)
    assert study.nearest_distance(3, 8000) == pytest.approx(study.nearest_distance(3, 1000) / 2)


def test_the_target_of_the_nearest_neighbour_has_a_gradient_of_mean_square_one(study):
    x, phases, step = np.random.default_rng(0).random((20000, 4)), np.array([0.1, 0.2, 0.3, 0.4]), 1e-5
    squares = [((study.target(x + step * e, phases) - study.target(x, phases)) / step) ** 2 for e in np.eye(4)]
    assert np.sum(squares, 0).mean() == pytest.approx(1, abs=0.02)


def test_the_classes_are_halves_of_the_square_and_the_best_line_is_found(study):
    for case in study.CASES:
        assert study.inside(case, study.grid(400)).mean() == pytest.approx(0.5, abs=0.004)
    assert study.best_line("quadrants") == pytest.approx(2 / 3, abs=0.005)  # x + y > 2/3, against two quadrants


def test_the_constructed_network_is_the_polygon_through_the_target(study):
    x = np.random.default_rng(0).random(200)
    for target in study.TARGETS.values():
        made = study.interpolating(target, 7)
        knots = np.arange(8) / 7
        found = np.maximum(x[:, None] @ made["in"] + made["bias"], 0) @ made["out"] + made["constant"]
        np.testing.assert_allclose(found, np.interp(x, knots, target(knots)), atol=1e-12)
    errors = {(r["target"], r["width"]): r["error"] for r in table("approximation") if r["method"] == "constructed"}
    for width in study.WIDTHS:
        assert errors["root", width] == pytest.approx(math.sqrt(0.5 / (width + 1)), rel=1e-3)  # at the corner
    assert errors["smooth", 64] == pytest.approx((2 * math.pi / 64) ** 2 / 8, rel=0.01)  # h² max|f″| / 8


def test_the_cnn_does_not_see_circular_shifts_and_the_mlp_does(study):
    x, shifts = np.random.default_rng(0).random((3, 100)).astype(np.float32), study.shift_table()
    assert sorted(shifts[37]) == list(range(100))
    np.testing.assert_array_equal(x[0][shifts[1]], np.roll(x[0].reshape(10, 10), 1, 1).ravel())
    for model, apply in (("CNN", study.cnn), ("MLP", study.mlp)):
        weights = study.start_of(model, np.random.default_rng(1))
        change = np.abs(apply(weights, x[:, shifts[37]]) - apply(weights, x)).max()
        assert (change < 1e-5) == (model == "CNN")


# The study and the drawing


@pytest.mark.long
def test_a_tiny_study_writes_what_the_figure_reads(load, study, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "SAMPLES", (2048, 4096))
    few = tuple(part[:12] for part in study.digits())
    monkeypatch.setattr(study, "digits", lambda: few)
    ten = study.shift_table()[:10]
    monkeypatch.setattr(study, "shift_table", lambda: ten)
    monkeypatch.setattr(study, "best_line", lambda case, f=study.best_line: f(case, 61, 20))
    for name in ("neighbours", "hard_cases", "approximation", "shifts"):
        whole, small = getattr(study, name), {"neighbours": (50,), "hard_cases": (60, 5), "approximation": (5,)}
        arguments = small.get(name, ((5, 2), (1, 10)))
        monkeypatch.setattr(study, name, lambda seeds, f=whole, a=arguments: f(seeds, *a))
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam
        study.run("fast", tmp_path)
    load("paper_figures/dimensions_and_perceptrons.py").draw(tmp_path)
    assert len(study.conclusions(tmp_path)) == 2 + 3 + 4 + 2


def test_training_lowers_the_loss(study):
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam
        rows, regions = study.hard_cases(1, count=100, steps=200)
    accuracy = {(r["case"], r["model"]): r["accuracy"] for r in rows}
    assert accuracy["quadrants", "two layers"] > 0.85 > accuracy["quadrants", "one layer"]
    assert regions["ring, points"].shape == (100, 3)


@pytest.fixture
def tables(tmp_path):
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    return tmp_path


def test_the_figure_is_drawn_and_says_what_it_needs(load, tables, tmp_path_factory):
    figure = load("paper_figures/dimensions_and_perceptrons.py")
    with pytest.raises(FileNotFoundError, match=r"cubes\.csv is not there; `geomdl reproduce dimensions_and"):
        figure.draw(tmp_path_factory.mktemp("empty"))
    (tables / "regions.npz").write_bytes((RESULTS / "regions.npz").read_bytes())
    names = [p.name for p in figure.draw(tables)]
    assert names == ["dimensions_and_perceptrons.png", "dimensions_and_perceptrons.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tables):
    write_csv(tables / "cases.csv", [{**r, "accuracy": 0.125} for r in table("cases")])
    assert study.conclusions(tables)[2].startswith("quadrants: one layer 12.5%, two layers 12.5%; the best of all")
    assert not study.conclusions(RESULTS)[2].startswith("quadrants: one layer 12.5%")


def test_an_unknown_preset_is_refused(study, tmp_path):
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
