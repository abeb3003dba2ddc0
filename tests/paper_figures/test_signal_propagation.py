"""Signals through deep untrained networks: the claims on the committed tables, and that they could fail."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "signal_propagation"


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce signal_propagation")


@pytest.fixture
def study(load):
    return load("experiments/signal_propagation.py")


def test_the_committed_tables_are_complete_and_agree_with_the_claim(study):
    found = {(r["network"], r["rule"], r["images"]) for r in table("ratios") if (r["depth"], r["seeds"]) == (20, 5)}
    assert found == {(n, r, i) for n in study.NETWORKS for r in study.RULES for i in ("white", "constant")}
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "ratios",
        {"network": "C8, ReLU", "rule": "flat", "images": "white", "depth": 20},
        {"ratio": 4.1},
        "flat, C8, ReLU, white, depth 20: 4.1 times the mean square, not within [0.25, 4]",
    ),
    (
        "ratios",
        {"network": "C8, ReLU", "rule": "equal shares", "images": "white", "depth": 20},
        {"ratio": 4.1},
        "equal shares, C8, ReLU, white, depth 20: 4.1 times the mean square",
    ),
    (
        "ratios",
        {"network": "C4, ReLU", "rule": "equal variances", "images": "white", "depth": 20},
        {"ratio": 4000000000.0},
        "equal variances, C4, ReLU, white, depth 20: 4000000000.0 times the mean square",
    ),
    (
        "spectra",
        {"network": "O(2), norms", "rule": "flat", "radius": 0.9},
        {"power": 1.2},
        "flat spectrum of O(2), norms: 1.2 of the mean power at radius 0.9",
    ),
    (
        "spectra",
        {"rule": "equal shares"},
        {"power": 1.0},
        "equal shares: spectra from 1.00 to 1.00 of the mean power, nearly flat",
    ),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_the_mean_of_fewer_seeds_is_less_certain(study, altered):
    where = {"network": "C8, ReLU", "rule": "flat", "images": "white", "depth": 20}
    assert study.contradicted(altered(RESULTS, [("ratios", where, {"ratio": 20.0, "seeds": 1}, "")])) == []
    assert study.contradicted(altered(RESULTS, [("ratios", where, {"ratio": 23.0, "seeds": 1}, "")])) == [
        "flat, C8, ReLU, white, depth 20: 23.0 times the mean square, not within [0.045, 22]"
    ]


def test_equal_shares_are_equal(study):
    """Of what each type of input irrep gives to an output irrep, by the basis alone."""
    conv, _, gains = study.network("SO(2), norms")
    given = {}
    each = iter(study.variances("equal shares", conv, gains))
    for i, row in zip(conv.in_type.blocks, conv.spaces, strict=True):
        for o, space in zip(conv.out_type.blocks, row, strict=True):
            energy = i.multiplicity * float(
                (next(each)[:, None] * (space.basis().reshape(space.dimension, -1) ** 2)).sum()
            )
            given.setdefault(str(o), []).append(energy / o.representation.size)
    for shares in given.values():
        np.testing.assert_allclose(shares, 1 / 3, rtol=1e-6)


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/signal_propagation.py")
    with pytest.raises(FileNotFoundError, match=r"spectra\.csv is not there; `geomdl reproduce signal_propagation`"):
        figure.draw(tmp_path)
    for name in ("spectra", "ratios"):
        write_csv(tmp_path / f"{name}.csv", table(name))
    names = [p.name for p in figure.draw(tmp_path)]
    assert names == ["signal_propagation.png", "signal_propagation.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    rows = [{**r, "ratio": 7.0} if r["rule"] == "flat" else r for r in table("ratios")]
    write_csv(tmp_path / "ratios.csv", rows)
    before, after = study.conclusions(RESULTS)[0], study.conclusions(tmp_path)[0]
    assert before.startswith("flat, 20 layers")
    assert before.endswith("12 of 12 within [0.25, 4].")
    assert after == "flat, 20 layers: 7 to 7 times the mean square of the first; 0 of 12 within [0.25, 4]."


def test_an_unknown_preset_is_refused(study, tmp_path):
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
