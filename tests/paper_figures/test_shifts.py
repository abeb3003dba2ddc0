"""Consistency under shifts and the Red–Green table: the claims, on the committed tables, and the drawing."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "shifts"
TABLES = ("consistency", "summary", "red_green")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce shifts")


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/shifts.py")


def test_every_network_was_measured_at_every_shift_and_the_tables_agree_with_the_claim(study):
    consistency, seeds = table("consistency"), distinct(table("consistency"), "seed")
    assert len(seeds) == 3
    assert len(consistency) == len(study.RUNS) * len(seeds) * (len(study.CIRCULAR) + len(study.CROPS))
    found = {(r["padding"], r["seed"]) for r in table("red_green")}
    assert found == {(padding, seed) for padding in study.red_green.PADDINGS for seed in range(5)}
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "summary",
        {"downsampling": "APS", "padding": "zeros", "seed": 1},
        {"accuracy": 0.8},
        "APS, zeros, seed 1 has learnt 80.0% of the digits only",
    ),
    (
        "summary",
        {"downsampling": "APS", "padding": "zeros"},
        {"parameters": 9999},
        "parameters go from 7,745 to 9,999, more than by a factor of 1.1",
    ),
    (
        "consistency",
        {"downsampling": "APS", "padding": "circular", "shift": 3.0},
        {"change": 0.1},
        "APS, circular shifts (whole): keeps 100.0% of the classes, the scores to 1.0e-01",
    ),
    (
        "consistency",
        {"downsampling": "alias-free", "padding": "circular", "motion": "circular", "shift": 0.25},
        {"consistency": 0.9},
        "alias-free, circular shifts (fractional): keeps 90.0% of the classes, the scores to 2.6e-07",
    ),
    (
        "consistency",
        {"downsampling": "stride", "padding": "circular", "motion": "circular"},
        {"change": 0.0},
        "stride, circular shifts (whole): keeps 54.1% of the classes, the scores to 0.0e+00",
    ),
    (
        "consistency",
        {"downsampling": "max", "padding": "circular", "motion": "circular", "shift": 4.0, "seed": 0},
        {"change": 0.1},
        "the total stride changes the scores by 0.1: max, circular, seed 0, circular, shift 4",
    ),
    (
        "consistency",
        {"downsampling": "LPS", "padding": "zeros", "motion": "crop"},
        {"consistency": 1.0},
        "LPS, padding zeros (crop): keeps 100.0% of the classes, the scores to 6.0e-01",
    ),
    (
        "consistency",
        {"downsampling": "LPS", "padding": "zeros", "motion": "crop", "shift": 2.0, "seed": 2},
        {"change": float("nan")},
        "change of LPS, zeros, seed 2, crop, shift 2 is nan",
    ),
    (
        "red_green",
        {"padding": "valid", "seed": 3},
        {"dissimilar": 0.4},
        "Red–Green, padding valid, seed 3: accuracy 100.0% and 40.0%",
    ),
    (
        "red_green",
        {"padding": "full", "seed": 3},
        {"similar": 0.99},
        "Red–Green, padding full, seed 3: accuracy 99.0% and 86.2%",
    ),
    (
        "red_green",
        {"padding": "full", "seed": 2},
        {"score_change": 0.01},
        "Red–Green, padding full, seed 2: accuracy 86.2% and 86.2%, the scores change by 1.0e-02",
    ),
    (
        "red_green",
        {"padding": "same, zeros", "seed": 3},
        {"score_change": 0.01},
        "Red–Green, padding same, zeros, seed 3: accuracy 99.7% and 13.0%, the scores change by 1.0e-02",
    ),
    (
        "red_green",
        {"padding": "same, circular"},
        {"similar": 0.4, "dissimilar": 0.4},
        "Red–Green, similar: valid 100.0%, same, zeros 99.7%, same, circular 40.0%, full 88.5%, not as published",
    ),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_ideal_shifts_and_windows(study):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 8, 6, 1))
    smooth = study.shifted_below_nyquist(images, (0, 0))
    assert np.abs(smooth - images).max() > 0.01, "the Nyquist frequency is gone"
    np.testing.assert_allclose(study.shifted_below_nyquist(smooth, (0, 0)), smooth, atol=1e-12)
    np.testing.assert_allclose(
        study.shifted_below_nyquist(images, (2, -1)), np.roll(smooth, (2, -1), (1, 2)), atol=1e-12
    )
    halves = study.shifted_below_nyquist(study.shifted_below_nyquist(images, (0.5, 0.25)), (0.5, -0.25))
    np.testing.assert_allclose(halves, np.roll(smooth, 1, 1), atol=1e-12)
    scenes = rng.normal(size=(1, study.SCENE, study.SCENE, 1))
    before, after = study.window(scenes, (0, 0)), study.window(scenes, (2, -1))
    np.testing.assert_array_equal(after[:, 2:, :-1], before[:, :-2, 1:])


def test_consistency_of_known_functions(study):
    scenes = np.random.default_rng(0).uniform(size=(6, study.SCENE, study.SCENE, 1)).astype(np.float32)

    def invariant(x):
        return jnp.stack([x.mean((1, 2, 3)), x.var((1, 2, 3)) + 0.4], -1)

    for r in study.consistencies(invariant, scenes):
        assert (float(r["change"]) < study.EXACT) == (r["motion"] == "circular"), r
    fixed = [r for r in study.consistencies(lambda x: x[:, 0, :2, 0], scenes) if r["motion"] == "circular"]
    assert min(float(r["consistency"]) for r in fixed) < 0.9


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/shifts.py")
    with pytest.raises(FileNotFoundError, match=r"consistency\.csv is not there; `geomdl reproduce shifts` writes it"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    assert [p.name for p in figure.draw(tmp_path)] == ["shifts.png", "shifts.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    for name in TABLES:
        rows = table(name)
        if name == "consistency":
            rows = [{**r, "change": 0.3, "consistency": 0.123} if r["downsampling"] == "APS" else r for r in rows]
        write_csv(tmp_path / f"{name}.csv", rows)
    before, after = (" ".join(study.conclusions(folder)) for folder in (RESULTS, tmp_path))
    assert "whole pixels, padding circular: exact for APS, LPS, alias-free" in before
    assert "fractions of a pixel, padding circular: exact for alias-free;" in before
    assert "As published" in before
    assert "whole pixels, padding circular: exact for LPS, alias-free" in after
    assert "APS 12.3%" in after
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
