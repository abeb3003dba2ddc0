"""Signals and tables: the claims, on the committed tables, the data, and the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "signals"
NAMES = ("shifts", "orders", "summary", "examples")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce signals")


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/signals.py")


@pytest.fixture(scope="module")
def data(load):
    return load("experiments/parts/signal_data.py")


def test_everything_was_measured(study):
    seeds, orders = study.PRESETS["full"]
    networks = (len(study.SIGNALS) + len(study.TABLES)) * len(study.MODELS)
    assert len(table("orders")) == networks * (len(seeds) + orders)
    assert len(table("summary")) == networks * len(seeds)
    assert len(table("shifts")) == len(study.SIGNALS) * len(study.MODELS) * len(seeds) * len(study.SHIFTS)


def test_the_committed_tables_agree_with_the_claim(study):
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "summary",
        {"data": "sounds", "model": "MLP"},
        {"parameters": 9999},
        "parameters go from 6,052 to 9,999, more than by a factor of 1.05",
    ),
    (
        "summary",
        {"data": "sounds", "model": "CNN", "seed": 1},
        {"shift_error": 0.1},
        "circular shifts change the scores of CNN, sounds, seed 1 by 0.1",
    ),
    (
        "shifts",
        {"data": "strings", "model": "CNN", "seed": 1, "shift": 30},
        {"accuracy": 0.95},
        "strings, seed 1, patterns at one place: the CNN is right for 95.0% to 99.8%",
    ),
    (
        "shifts",
        {"data": "strings", "model": "MLP", "seed": 2, "shift": 0},
        {"accuracy": 0.9},
        "strings, seed 2, patterns at one place: the MLP is right for 90.0% there",
    ),
    (
        "shifts",
        {"data": "sounds", "model": "MLP", "seed": 2},
        {"accuracy": 0.99},
        "sounds, seed 2, patterns at one place: the MLP is right for 99.0% there, 99.0% far from it",
    ),
    (
        "orders",
        {"data": "sounds", "model": "CNN", "seed": 7, "order": "drawn"},
        {"accuracy": 0.999},
        "sounds: CNN 96.7% in the given order, 29.4% in others, p = 0.050: another order does as well",
    ),
    (
        "orders",
        {"data": "sounds", "model": "MLP"},
        {"accuracy": 0.8},
        "sounds: CNN 96.7% in the given order, 29.4% in others, p = 0.050; the MLP 80.0%",
    ),
    (
        "orders",
        {"data": "strings", "model": "CNN", "order": "drawn"},
        {"accuracy": 0.8},
        "strings: CNN 99.9% in the given order, 80.0% in others, p = 0.025; the MLP 25.6% in others",
    ),
    (
        "orders",
        {"data": "wine", "model": "CNN"},
        {"accuracy": 1.0},
        "wine: CNN 100.0% in the given order, 100.0% in others, p = 1.000; the MLP 94.9%: a convolution gains",
    ),
    (
        "orders",
        {"data": "wine", "model": "linear", "order": "drawn"},
        {"accuracy": 0.5},
        "wine: linear 92.5% in the given order, 50.0% in others, p = 0.025",
    ),
    (
        "orders",
        {"data": "cells", "model": "linear", "order": "drawn", "seed": 4},
        {"accuracy": float("nan")},
        "accuracy of cells, linear, seed 4, drawn is nan",
    ),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_a_permutation_test_of_known_numbers(study):
    rows = [{"data": "wine", "model": "CNN", "order": "given", "accuracy": a} for a in (0.9, 0.8)]
    rows += [{"data": "wine", "model": "CNN", "order": "drawn", "accuracy": a} for a in (0.7, 0.9, 0.8)]
    assert study.permutation_test(rows, "wine", "CNN") == (pytest.approx(0.85), pytest.approx(0.8), 0.5)


def test_patterns_are_where_they_are_said_to_be(data):
    drawn = data.strings(np.random.default_rng(0), 40, 62)
    for x, label in zip(drawn.x, drawn.labels, strict=True):
        text = data.spelt(np.roll(x, -62, 0))
        assert text.startswith(data.MOTIFS[label])
    counts = [[motif.count(letter) for letter in data.ALPHABET] for motif in data.MOTIFS]
    assert all(count == counts[0] for count in counts), "counting letters tells nothing"
    at = data.sounds(np.random.default_rng(0), 400, 10).x[..., 0]
    loud = np.flatnonzero((at**2).mean(0) > 2 * data.NOISE**2)
    assert (loud.min() > 10, loud.max() < 10 + data.PATTERN) == (True, True)
    anywhere = data.sounds(np.random.default_rng(0), 400).x[..., 0]
    assert ((anywhere**2).mean(0) < 3.5 * data.NOISE**2).all()
    train, test = data.table("wine", 0)
    np.testing.assert_allclose(train.x.mean(0), 0, atol=1e-5)
    assert not {x.tobytes() for x in train.x} & {x.tobytes() for x in test.x}
    order = np.array([2, 0, 1])
    np.testing.assert_array_equal(data.Examples(train.x[:, :3], train.labels).in_order(order).x[:, 0], train.x[:, 2])


def test_networks_of_the_study_keep_their_contracts(study):
    import jax

    from geomdl.equivariance import check_contract

    for channels in (1, 6):
        network = study.build("CNN", 64, channels, 4, 0)
        assert network.contract.shifts.at((64,)) == "exact"
        assert check_contract(network, jax.random.key(0), size=(64,), max_shifts=4, approximate=False).passed
    assert study.build("MLP", 64, 1, 4, 0).contract.shifts.level == "none"


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/signals.py")
    with pytest.raises(FileNotFoundError, match=r"shifts\.csv is not there; `geomdl reproduce signals` writes it"):
        figure.draw(tmp_path)
    for name in NAMES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    assert [p.name for p in figure.draw(tmp_path)] == ["signals.png", "signals.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    for name in NAMES:
        rows = table(name)
        if name == "orders":
            rows = [{**r, "accuracy": 0.999} if (r["data"], r["model"]) == ("sounds", "CNN") else r for r in rows]
        write_csv(tmp_path / f"{name}.csv", rows)
    before, after = (" ".join(study.conclusions(folder)) for folder in (RESULTS, tmp_path))
    assert before.count("the order carries a symmetry") == 2
    assert before.count("no sign of a symmetry of translation") == 2
    assert after.count("the order carries a symmetry") == 1
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
