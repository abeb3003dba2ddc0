"""Worst cases: what holds on the committed table, the network with its two switches, the drawing."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "worst_cases"
COMMAND = "geomdl reproduce worst_cases"


def table():
    return read_csv(RESULTS / "worst.csv", [], COMMAND)


@pytest.fixture
def study(load):
    return load("experiments/worst_cases.py")


def test_every_run_is_there_and_the_claim_holds(study):
    found = {(r["network"], r["transformations"]) for r in table()}
    assert found == {(network, name) for network in study.NETWORKS for name in study.SETS}
    assert study.contradicted(RESULTS) == []


def test_the_claim_could_fail(study, tmp_path):
    rows = [{**r, "worst": 0.0} if r["network"] == "C8 + APS" else r for r in table()]
    write_csv(tmp_path / "worst.csv", rows)
    assert any(line.startswith("both, worst: C8 + APS 0.0%") for line in study.contradicted(tmp_path))
    write_csv(tmp_path / "worst.csv", [{**r, "natural": 0.5} for r in table()])
    assert any("has learnt 50.0% of the digits only" in line for line in study.contradicted(tmp_path))


@pytest.mark.parametrize(("options", "kept"), [({}, False), ({"sampling": "aps"}, True)])
def test_the_switch_makes_the_network_invariant_to_shifts(study, options, kept):
    model = study.TwoSymmetriesConfig(width=2, **options).build((24, 24, 1), 10, rngs=nnx.Rngs(0))
    x = jnp.asarray(np.random.default_rng(0).random((2, 24, 24, 1)), jnp.float32)
    y, moved = (np.asarray(jax.jit(model)(images)) for images in (x, jnp.roll(x, (1, 2), (1, 2))))
    change = np.abs(moved - y).max() / np.abs(y).max()
    assert (change < 1e-4) == kept


def test_digits_keep_all_of_themselves_in_the_frame(study):
    framed = study.framed()
    assert framed.image_shape == (24, 24, 1)
    images = np.array(framed.test.images)
    assert images[:, 4:20, 4:20].max() > 0.5
    images[:, 4:20, 4:20] = 0
    assert not images.any()


def test_the_figure_is_drawn_and_conclusions_are_computed(load, study, tmp_path):
    figure = load("paper_figures/worst_cases.py")
    with pytest.raises(FileNotFoundError, match=r"worst\.csv is not there; `geomdl reproduce worst_cases`"):
        figure.draw(tmp_path)
    write_csv(tmp_path / "worst.csv", [{**r, "worst": 0.5, "average": 0.75} for r in table()])
    assert [p.name for p in figure.draw(tmp_path)] == ["worst_cases.png", "worst_cases.pdf"]
    assert study.conclusions(tmp_path)[1].startswith("rotations, 13 of them: CNN 50% (75%), ")
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
