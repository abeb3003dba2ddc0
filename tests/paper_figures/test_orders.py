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
    return sys.modules["experiments.order_networks"]


@pytest.fixture(scope="module")
def costs_of(study):
    return sys.modules["experiments.order_costs"]


@pytest.fixture(scope="module")
def errors():
    return table("errors")


def data_sets():
    return [str(d) for d in distinct(table("errors"), "data")]


def by_seed(errors, data, mode, group):
    own = [r for r in errors if (r["data"], r["mode"], r["group"]) == (data, mode, group)]
    return {r["seed"]: float(r["error"]) for r in own}


def test_every_group_was_trained_with_every_seed(study, errors):
    assert "digits" in data_sets()
    for data in data_sets():
        own = [r for r in errors if r["data"] == data]
        seeds = distinct(own, "seed")
        found = sorted((r["mode"], r["group"], r["seed"]) for r in own)
        assert found == sorted((m, g, s) for m in MODES for g in study.GROUPS for s in seeds)
    assert len(distinct([r for r in errors if r["data"] == "digits"], "seed")) >= 3


def test_the_parameters_are_those_of_c8_within_three_percent(errors):
    for r in errors:
        anchor = next(s for s in errors if (s["data"], s["mode"], s["group"]) == (r["data"], "width", "C8"))
        if r["mode"] == "parameters":
            assert abs(float(r["parameters"]) / float(anchor["parameters"]) - 1) < 0.03, r


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data", data_sets())
def test_the_error_falls_to_c8_for_every_seed_and_little_after(study, errors, data, mode):
    first, middle = by_seed(errors, data, mode, "C1"), by_seed(errors, data, mode, "C8")
    for seed in first:
        assert middle[seed] < 0.5 * first[seed]
    mean = {g: study.error(errors, data, mode, g)[0] for g in study.GROUPS}
    assert mean["C1"] > mean["C2"] > mean["C4"] > mean["C8"]
    assert abs(mean["C16"] - mean["C8"]) < 0.15 * (mean["C1"] - mean["C8"])


def test_at_fixed_parameters_nothing_is_gained_beyond_c8_but_noise(study, errors):
    """At fixed width C16, with almost twice the parameters of C8, is still a little better: that is not claimed."""
    found = {g: study.error(errors, "digits", "parameters", g) for g in ("C8", "C12", "C16")}
    for group in ("C12", "C16"):
        noise = np.hypot(found["C8"][1], found[group][1])
        assert abs(found[group][0] - found["C8"][0]) < 1.5 * noise


@pytest.mark.parametrize("mode", MODES)
def test_reflections_do_not_help_on_digits_at_the_same_order(study, errors, mode):
    for n in (1, 2, 4, 8):
        with_reflections, without = (study.error(errors, "digits", mode, g)[0] for g in (f"D{n}", f"C{2 * n}"))
        assert with_reflections > without
    assert study.error(errors, "digits", mode, "D8")[0] < 0.5 * study.error(errors, "digits", mode, "D1")[0]


def test_multiply_adds_of_the_factored_path_grow_more_slowly_and_are_fewer_from_order_8_on(study):
    costs = table("costs")
    for data in data_sets():
        for mode, power in (("width", 2), ("wide", 2), ("parameters", 1), ("wide parameters", 1)):
            rows = study.cyclic(costs, data, mode, least=4)
            dense, factored = (study.slope(rows, f"{m}_multiply_adds") for m in ("dense", "factored"))
            assert dense == pytest.approx(power, abs=0.1)
            assert factored < 0.65 * dense
    for r in costs:
        share = float(r["factored_multiply_adds"]) / float(r["dense_multiply_adds"])
        assert share < 1 or int(r["order"]) < 8, r
        # with 3 fields the expansion, in tiles, takes what mixing saves up to order 8
        assert share < 0.75 or int(r["order"]) < (8 if "wide" in r["mode"] else 12), r
        assert share > 1 or r["mode"] != "width" or int(r["order"]) > 1, "narrow and without a group: nothing to save"


def test_the_counts_are_those_of_the_networks_of_today(costs_of, networks):
    committed = {(r["mode"], r["group"]): r for r in table("costs") if r["data"] == "digits"}
    assert sorted(committed) == sorted((m, g) for m in costs_of.ALL_MODES for g in networks.GROUPS)
    for r in costs_of.counts("digits", ["C4", "D4"]):
        assert r == committed[r["mode"], r["group"]], "run python -m experiments.order_costs --only_counts"


def test_the_time_of_the_factored_path_grows_more_slowly_in_wide_networks(study):
    """In the networks of 3 fields, which were trained, the expansion outweighs what is saved: not claimed."""
    own = [r for r in table("times") if r["mode"] == "wide" and str(r["group"])[0] == "C"]
    time = {(r["group"], r["method"]): float(r["relative"]) for r in own}
    dense, factored = (
        study.slope([r for r in own if r["method"] == m and int(r["order"]) >= 4], "relative")
        for m in ("dense", "factored")
    )
    assert factored < dense - 0.4
    for group in ("C8", "C12", "C16"):
        assert time[group, "factored"] < 0.7 * time[group, "dense"]
    assert time["C1", "dense"] == 1


def test_every_digit_is_turned_by_its_own_angle(networks):
    setting = networks.SETTINGS["digits"]
    config = networks.run_config(setting, "C4", "width", 0, (16, 16, 1))
    turned, upright = networks.turned_digits(config), config.data.load()
    assert (len(turned.train), len(turned.test)) == (1000, 700)
    np.testing.assert_array_equal(turned.test.labels, upright.test.labels)
    before, after = np.asarray(upright.test.images), np.asarray(turned.test.images) / 255
    np.testing.assert_allclose(after.sum((1, 2, 3)), before.sum((1, 2, 3)), rtol=0.05)
    assert np.mean(np.abs(after - before).max((1, 2, 3)) > 0.2) > 0.9


def test_a_tiny_study_is_run_kept_and_drawn(study, networks, costs_of, load, tmp_path, monkeypatch, capsys):
    data = {"name": "digits", "size": 16, "train_size": 64, "validation_size": 40, "test_size": 40}
    tiny = networks.Setting(data, width=1, epochs=1, title="few digits", load=networks.turned_digits)
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
