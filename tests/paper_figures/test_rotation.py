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
def change():
    """The mean change of the scores over seeds, by network and angle."""
    rows = table("change")
    seeds = {r["seed"] for r in rows}
    found = {(r["model"], float(r["angle"])): 0.0 for r in rows}
    for r in rows:
        found[r["model"], float(r["angle"])] += float(r["change"]) / len(seeds)
    return found


@pytest.fixture(scope="module")
def accuracy():
    rows = table("accuracy")
    seeds = {r["seed"] for r in rows}
    found = {(r["model"], float(r["angle"])): 0.0 for r in rows}
    for r in rows:
        found[r["model"], float(r["angle"])] += float(r["accuracy"]) / len(seeds)
    return found


def worst(values, model):
    return max(v for (m, _), v in values.items() if m == model)


def test_networks_are_of_equal_size():
    sizes = [r["parameters"] for r in table("summary")]
    assert max(sizes) / min(sizes) < 1.1


def test_quarter_turns_change_nothing_where_they_are_built_in(change):
    for model in EQUIVARIANT:
        assert all(change[model, a] < 1e-4 for a in (90, 180, 270))
    for model in ("MLP", "CNN", "CNN + augmentation"):
        assert change[model, 90] > 0.2


def test_the_scores_of_c4_wiggle_between_quarter_turns(change):
    assert change["C4", 45] > 0.5


def test_the_scores_of_c8_nearly_repeat_every_45_degrees_and_not_exactly(change):
    for angle in (45, 135, 225, 315):
        assert 1e-3 < change["C8", angle] < 0.6 * min(change["C8", angle - 22.5], change["C8", angle + 22.5])
        assert change["C8", angle] < 0.5 * change["C4", angle]


def test_the_scores_of_the_continuous_groups_are_nearly_flat(change):
    for model in ("SO(2)", "O(2)"):
        assert worst(change, model) < 0.35 * worst(change, "CNN")
        assert worst(change, model) < 0.6 * worst(change, "C8")


def test_accuracy_has_a_trough_recovers_or_stays(accuracy):
    for model in ("MLP", "CNN"):
        assert accuracy[model, 0] > 0.9
        assert accuracy[model, 90] < 0.3
    assert accuracy["C4", 0] == accuracy["C4", 90] == accuracy["C4", 180] == accuracy["C4", 270] > 0.9
    assert accuracy["C4", 45] < 0.5
    assert accuracy["C8", 45] > 0.9 > accuracy["C8", 22.5]
    for model in ("SO(2)", "O(2)", "CNN + augmentation"):
        assert min(v for (m, _), v in accuracy.items() if m == model) > 0.85
    assert accuracy["SO(2)", 0] > accuracy["CNN + augmentation", 0]


def test_invariant_networks_take_six_for_nine_more_often_than_they_err_elsewhere(load):
    study = load("experiments/rotation.py")
    counts = table("confusion")
    for model in EQUIVARIANT:
        swapped, others = study.mixed_up(counts, model, 180)
        assert swapped > others
        assert study.mixed_up(counts, model, 180) == study.mixed_up(counts, model, 0)


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
