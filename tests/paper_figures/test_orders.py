"""Error and cost against the order of the group: the claims, on the committed tables, and the drawing."""

import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "orders"
TABLES = ("errors", "costs", "times")
MODES = ("width", "parameters")
COMMAND = "geomdl reproduce orders"


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], COMMAND)


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/orders.py")


@pytest.fixture(scope="module")
def networks(study):
    return sys.modules["experiments.parts.order_networks"]


@pytest.fixture(scope="module")
def costs_of(study):
    return sys.modules["experiments.order_costs"]


@pytest.fixture(scope="module")
def errors():
    return table("errors")


def data_sets():
    return [str(d) for d in distinct(table("errors"), "data")]


def test_the_committed_tables_agree_with_the_claim(study):
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "errors",
        {"mode": "parameters", "group": "D2"},
        {"parameters": 9999},
        "digits, parameters, D2, seed 0 has +6.7% parameters against C8 of fixed width",
    ),
    (
        "errors",
        {"mode": "width", "group": "C8", "seed": 1},
        {"error": 0.2},
        "digits, fixed width: the error of C8 is 20.0%, that of C1 25.7%, seed 1",
    ),
    (
        "errors",
        {"mode": "width", "group": "C4"},
        {"error": 0.2},
        "digits, fixed width: the error does not fall from C2 to C4: C1 26.0%, C2 13.8%, C4 20.0%, C8 9.4%, C16 3.0%",
    ),
    (
        "errors",
        {"mode": "parameters", "group": "C16"},
        {"error": 0.1},
        "digits, fixed parameters: the error changes after C8: C1 14.3%, C2 8.6%, C4 4.9%, C8 4.4%, C16 10.0%",
    ),
    (
        "errors",
        {"mode": "parameters", "group": "C12"},
        {"error": 0.1},
        "digits, fixed parameters: the error of C12 is 10.0%, that of C8 4.4% ± 0.5%",
    ),
    (
        "errors",
        {"mode": "parameters", "group": "D2"},
        {"error": 0.01},
        "digits, fixed parameters: the error of D2 is 1.0%, that of C4 4.9%",
    ),
    (
        "errors",
        {"mode": "width", "group": "D8"},
        {"error": 0.5},
        "digits, fixed width: the error of D8 is 50.0%, that of D1 25.9%",
    ),
    (
        "errors",
        {"mode": "width", "group": "D4", "seed": 2},
        {"error": float("nan")},
        "error of digits, width, D4, seed 2 is nan",
    ),
    (
        "costs",
        {"mode": "width", "group": "C16"},
        {"factored_multiply_adds": 100000000},
        "digits, width: multiply-adds grow as order^1.96 dense, order^2.38 factored",
    ),
    (
        "costs",
        {"mode": "wide", "group": "D8"},
        {"factored_multiply_adds": 1000000000000},
        "factored takes 3104.90 of the multiply-adds of dense: digits, wide, D8",
    ),
    (
        "costs",
        {"mode": "width", "group": "C1"},
        {"factored_multiply_adds": 10},
        "factored takes 0.00 of the multiply-adds of dense: digits, width, C1, where there is nothing to save",
    ),
    (
        "times",
        {"mode": "wide", "group": "C16", "method": "factored"},
        {"relative": 300.0},
        "in wide networks the time of a step grows as order^2.22 dense, order^2.38 factored",
    ),
    (
        "times",
        {"mode": "wide", "group": "C8", "method": "factored"},
        {"relative": 90.0},
        "C8 in wide networks takes 22.78 times the time of C1 dense, 90.00 factored",
    ),
    ("times", {"mode": "wide", "group": "C1", "method": "dense"}, {"relative": 2.0}, "C1 takes 2.0 times its own time"),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_the_tables_of_the_fast_preset_are_judged_too(study, altered):
    """One seed of fewer groups, times of fewer: no noise between seeds is known."""
    out = altered(RESULTS, [])
    for name, groups in (("errors", study.FAST_GROUPS), ("costs", study.FAST_GROUPS), ("times", ("C1", "C4", "C16"))):
        rows = [r for r in table(name) if r["group"] in groups and r.get("seed", 0) == 0]
        write_csv(out / f"{name}.csv", [r for r in rows if name != "times" or r["mode"] == "wide"])
    assert study.contradicted(out) == []


def test_every_group_was_trained_with_every_seed(study, errors):
    assert "digits" in data_sets()
    for data in data_sets():
        own = [r for r in errors if r["data"] == data]
        seeds = distinct(own, "seed")
        found = sorted((r["mode"], r["group"], r["seed"]) for r in own)
        assert found == sorted((m, g, s) for m in MODES for g in study.GROUPS for s in seeds)
    assert len(distinct([r for r in errors if r["data"] == "digits"], "seed")) >= 3


def test_the_counts_are_those_of_the_networks_of_today(costs_of, networks):
    committed = {(r["mode"], r["group"]): r for r in table("costs") if r["data"] == "digits"}
    assert sorted(committed) == sorted((m, g) for m in costs_of.ALL_MODES for g in networks.GROUPS)
    for r in costs_of.counts("digits", ["C4", "D4"]):
        assert r == committed[r["mode"], r["group"]], "run python -m experiments.order_costs --only_counts"


def test_every_digit_is_turned_by_its_own_angle(networks):
    setting = networks.SETTINGS["digits"]
    config = networks.run_config(setting, "C4", "width", 0, (16, 16, 1))
    turned, upright = networks.turned_digits(config.data.load()), config.data.load()
    assert (len(turned.train), len(turned.test)) == (1000, 700)
    np.testing.assert_array_equal(turned.test.labels, upright.test.labels)
    before, after = np.asarray(upright.test.images), np.asarray(turned.test.images) / 255
    np.testing.assert_allclose(after.sum((1, 2, 3)), before.sum((1, 2, 3)), rtol=0.05)
    assert np.mean(np.abs(after - before).max((1, 2, 3)) > 0.2) > 0.9


def test_a_tiny_study_is_run_kept_and_drawn(study, networks, costs_of, load, tmp_path, monkeypatch, capsys):
    data = {"name": "digits", "size": 16, "train_size": 64, "validation_size": 40, "test_size": 40}
    tiny = networks.Setting(
        data, width=1, epochs=1, title="few digits", load=lambda config: networks.turned_digits(config.data.load())
    )
    monkeypatch.setitem(networks.SETTINGS, "digits", tiny)
    monkeypatch.setitem(study.PRESETS, "fast", {"digits": range(1), "mnist_rot": range(1)})
    monkeypatch.setattr(study, "FAST_GROUPS", ("C1",))
    monkeypatch.setitem(costs_of.PRESETS, "fast", (("width",), ("C1",), 1))
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam, in the steps that are timed
        study.run("fast", tmp_path)
    assert "mnist_rot is left out: TFDS_DATA_DIR" in capsys.readouterr().out
    errors = (tmp_path / "errors.csv").read_bytes()
    assert len(list((tmp_path / "runs" / "digits").iterdir())) == 2
    monkeypatch.setattr(study, "train", None)  # finished runs are only read
    study.run("fast", tmp_path)
    assert (tmp_path / "errors.csv").read_bytes() == errors
    assert [p.name for p in load("paper_figures/orders.py").draw(tmp_path)] == ["orders.png", "orders.pdf"]
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/orders.py")
    with pytest.raises(FileNotFoundError, match=r"errors\.csv is not there; `geomdl reproduce orders` writes it"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    assert [p.name for p in figure.draw(tmp_path)] == ["orders.png", "orders.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    for name in TABLES:
        rows = table(name)
        if name == "errors":
            rows = [{**r, "error": 0.123} if r["group"] == "C8" else r for r in rows]
        write_csv(tmp_path / f"{name}.csv", rows)
    before, after = (" ".join(study.conclusions(folder)) for folder in (RESULTS, tmp_path))
    assert "C8 12.3% ± 0.0%" in after
    assert "C8 12.3%" not in before
    assert "factored is cheaper from order 8 on" in before
