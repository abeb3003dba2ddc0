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


def test_flat_spectra_keep_the_mean_square_over_twenty_layers_and_the_other_rules_do_not(study):
    low, high = study.KEPT
    rows = [r for r in table("ratios") if r["depth"] == 20]
    assert {r["network"] for r in rows} == set(study.NETWORKS)
    for row in rows:
        if row["rule"] == "flat":
            assert low <= row["ratio"] <= high, row
        elif row["rule"] in ("equal shares", "equal variances"):
            assert (row["ratio"] > 1e4) == (row["network"] != "C4, ReLU"), row  # C4 has pixel kernels, flat by any rule


def test_the_spectra_are_flat_and_of_mean_one():
    for row in table("spectra"):
        if row["rule"] == "flat" and row["network"] != "SO(2), gated":  # gates count little there
            assert 0.9 < row["power"] < 1.1, row
    steep = [r["power"] for r in table("spectra") if r["rule"] == "equal shares" and r["network"] != "C4, ReLU"]
    assert max(steep) > 2.5
    assert min(steep) < 0.25


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
