"""Class scores and accuracy against angle: the claims, on the committed tables, and the drawing."""

from pathlib import Path

import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "rotation"
TABLES = ("scores", "change", "accuracy", "confusion", "summary")
EQUIVARIANT = ("C4", "C8", "SO(2)", "O(2)")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce rotation")


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/rotation.py")


def test_the_committed_tables_are_complete_and_agree_with_the_claim(study):
    for name in ("change", "accuracy", "confusion", "summary"):
        assert {(r["model"], r["seed"]) for r in table(name)} == {(m, s) for m in study.RUNS for s in range(3)}
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "summary",
        {"model": "MLP"},
        {"parameters": 9000},
        "parameters go from 7,641 to 9,000, more than by a factor of 1.1",
    ),
    ("change", {"model": "C8", "angle": 180.0}, {"change": 0.01}, "the scores of C8 change by 0.01 at 180°"),
    ("change", {"model": "CNN", "angle": 90.0}, {"change": 0.1}, "the scores of CNN change by 0.1 at 90°"),
    ("change", {"model": "C4", "angle": 45.0}, {"change": 0.4}, "the scores of C4 change by 0.4 at 45°"),
    (
        "change",
        {"model": "C8", "angle": 135.0},
        {"change": 0.0},
        "the scores of C8 change by 0 at 135°, by 0.48 beside it; C4 by 0.92",
    ),
    (
        "change",
        {"model": "SO(2)", "angle": 10.0},
        {"change": 0.9},
        "the scores of SO(2) change by 0.9 at most, CNN 1.2, C8 0.49",
    ),
    (
        "change",
        {"model": "O(2)", "angle": 10.0, "seed": 1},
        {"change": float("nan")},
        "change of O(2), seed 1, angle 10 is nan",
    ),
    ("accuracy", {"model": "CNN", "angle": 90.0}, {"accuracy": 0.5}, "CNN has 50.0% at 90°"),
    ("accuracy", {"model": "C4", "angle": 270.0}, {"accuracy": 0.5}, "C4 has 50.0% at 270°, 97.2% upright"),
    ("accuracy", {"model": "C8", "angle": 22.5}, {"accuracy": 0.95}, "C8 has 95.0% at 22.5°"),
    ("accuracy", {"model": "SO(2)", "angle": 10.0}, {"accuracy": 0.5}, "SO(2) has 50.0% at its worst angle"),
    (
        "accuracy",
        {"model": "CNN + augmentation", "angle": 0.0},
        {"accuracy": 0.999},
        "SO(2) has 97.1% at 0°, the CNN with augmentation 99.9%",
    ),
    (
        "confusion",
        {"model": "O(2)", "angle": 180, "true": 6, "predicted": 9},
        {"count": 0},
        "O(2) takes 5.0% of 6 and 9 for each other upside down, 6.6% upright (others: 3.3%, 3.3%)",
    ),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_the_figures_are_drawn_and_say_what_they_need(load, tmp_path):
    figure = load("paper_figures/rotation.py")
    with pytest.raises(FileNotFoundError, match=r"scores\.csv is not there; `geomdl reproduce rotation` writes it"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    assert [p.name for p in figure.draw(tmp_path)] == [
        "rotation_scores.png", "rotation_scores.pdf", "rotation_accuracy.png", "rotation_accuracy.pdf",
    ]  # fmt: skip


def test_conclusions_are_computed_from_the_tables(load, tmp_path):
    study = load("experiments/rotation.py")
    for name in TABLES:
        rows = table(name)
        if name == "accuracy":
            rows = [{**r, "accuracy": 0.123} if (r["model"], r["angle"]) == ("C8", 45) else r for r in rows]
        write_csv(tmp_path / f"{name}.csv", rows)
    before, after = study.conclusions(RESULTS), study.conclusions(tmp_path)
    assert "12.3%" in after[2]
    assert "12.3%" not in before[2]
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
