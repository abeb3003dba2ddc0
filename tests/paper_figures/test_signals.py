"""Signals and tables: the claims, on the committed tables, the data, and the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "signals"
NAMES = ("shifts", "orders", "summary", "examples")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce signals")


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/signals.py")


@pytest.fixture(scope="module")
def data(load):
    return load("experiments/signal_data.py")


def test_everything_was_measured_at_equal_size(study):
    seeds, orders = study.PRESETS["full"]
    networks = (len(study.SIGNALS) + len(study.TABLES)) * len(study.MODELS)
    assert len(table("orders")) == networks * (len(seeds) + orders)
    assert len(table("summary")) == networks * len(seeds)
    assert len(table("shifts")) == len(study.SIGNALS) * len(study.MODELS) * len(seeds) * len(study.SHIFTS)
    for name in distinct(table("summary"), "data"):
        sizes = [float(r["parameters"]) for r in table("summary") if r["data"] == name and r["model"] != "linear"]
        assert max(sizes) < 1.05 * min(sizes)


def test_trained_at_one_place_the_cnn_is_right_at_every_place_and_the_mlp_guesses(study):
    for name in study.SIGNALS:
        for seed in distinct(table("shifts"), "seed"):
            own = [r for r in table("shifts") if (r["data"], r["seed"]) == (name, seed)]
            cnn = [float(r["accuracy"]) for r in own if r["model"] == "CNN"]
            mlp = [float(r["accuracy"]) for r in own if r["model"] == "MLP"]
            assert min(cnn) == max(cnn) > 0.9
            assert mlp[0] > 0.95
            assert np.mean(mlp[8:-8]) < 1 / study.CLASSES[name] + 0.1
    errors = [r["shift_error"] for r in table("summary") if r["model"] == "CNN" and r["data"] in study.SIGNALS]
    assert all(float(error) < 1e-5 for error in errors)


def test_the_order_of_signals_matters_to_the_cnn_alone_and_that_of_columns_to_nobody(study):
    for name in (*study.SIGNALS, *study.TABLES):
        cnn, mlp, linear = (study.permutation_test(table("orders"), name, model) for model in study.MODELS)
        if name in study.SIGNALS:
            assert cnn[2] < 0.05, "no order does as well as the given one"
            assert cnn[0] > mlp[0] + 0.4
            assert cnn[1] < mlp[1] + 0.02, "the advantage is gone"
        else:
            assert cnn[0] < mlp[0], "a convolution over columns gains nothing"
        for given, drawn, p in (mlp, linear):
            assert abs(given - drawn) < 0.04
            assert p > 0.05


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
