"""Lie derivatives by layer and generator: the claims, on the committed tables, and the drawing."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.models import CNNConfig
from geomdl.plots import read_csv, write_csv
from geomdl.representations import FieldType

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "lie"
TABLES = ("layers", "total", "summary")
STATES = ("untrained", "trained")
TRANSLATIONS = ("translate_x", "translate_y")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce lie")


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/lie.py")


def test_the_committed_tables_are_complete_and_agree_with_the_claim(study):
    layers, total = table("layers"), table("total")
    assert {(r["model"], r["seed"]) for r in total} == {(m, s) for m in study.RUNS for s in range(3)}
    for state in STATES:
        for model in ("CNN", "CNN, blurred"):
            assert [name for name, _ in study.added(layers, model, state, TRANSLATIONS)[:3]] == [
                "conv 5",
                "norm",
                "relu",
            ]
        assert study.added(layers, "ViT", state, TRANSLATIONS)[0][0] == "conv 4 ↓4"
        assert sum(study.kinds(layers, "CNN", state).values()) == pytest.approx(1)
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "layers",
        {"model": "CNN", "state": "trained", "position": 1, "generator": "translate_x"},
        {"added": 9.0},
        "nonlinearities and strides of the trained CNN add 0% only",
    ),
    (
        "layers",
        {"model": "SO(2)", "state": "trained", "layer": "norm"},
        {"added": 0.01},
        "a norm of SO(2) (trained) adds 1.0e-02 under translate_x",
    ),
    (
        "layers",
        {"model": "CNN", "state": "trained", "layer": "relu"},
        {"added": 0.0},
        "the first convolution of CNN (trained) adds 0.031, its ReLU 0 (translate_y)",
    ),
    (
        "layers",
        {"model": "CNN", "state": "trained", "layer": "max pool ↓2"},
        {"added": 0.0},
        "strides of the trained CNN add 0%, convolutions 97%",
    ),
    (
        "layers",
        {"model": "ViT", "state": "untrained", "position": 1},
        {"added": 0.0},
        "the patches of the untrained ViT add 0, its layer attention 3.9",
    ),
    (
        "total",
        {"model": "CNN, blurred", "state": "trained"},
        {"error": 9.0},
        "the translation derivative is 9 blurred, 0.49 not (trained)",
    ),
    (
        "total",
        {"model": "SO(2)", "state": "trained", "generator": "rotate"},
        {"error": 9.0},
        "the contributions of SO(2), trained, seed 0, rotate add up to 0.057, not 9",
    ),
    (
        "total",
        {"model": "C8", "state": "untrained", "generator": "rotate"},
        {"error": 9.0},
        "the rotation derivative of C8 is 9, that of CNN 0.72 (untrained)",
    ),
    (
        "total",
        {"model": "CNN", "seed": 1, "state": "trained", "generator": "scale"},
        {"error": float("nan")},
        "error of CNN, seed 1, trained, scale is nan",
    ),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_contributions_of_a_small_network(study):
    model = CNNConfig(width=1, depth=1, kernel_size=3).build((12, 12, 1), 3, rngs=nnx.Rngs(0))
    x = np.zeros((3, 12, 12, 1), np.float32)
    x[:, 4:8, 4:8] = np.random.default_rng(0).uniform(size=(3, 4, 4, 1))
    rows = study.contributions(model, jnp.asarray(x))
    for generator in study.MOTIONS:
        own = [r for r in rows if r["generator"] == generator]
        assert [r["layer"] for r in own] == ["conv 3", "norm", "relu", "dense"]
        assert own[1]["added"] < 1e-5
        assert own[-1]["cumulative"] == pytest.approx(sum(r["added"] for r in own), rel=1e-3)
        assert own[-1]["cumulative"] >= own[-1]["partial"]
        if generator in TRANSLATIONS:
            assert own[0]["added"] < 1e-2 * own[-1]["added"]
        else:
            assert own[0]["added"] > 1e-2 * own[-1]["added"], "a convolution knows no rotations"


def test_rotations_turn_the_vectors_of_a_field(study):
    """p e^(−|p|²/10) stays as it is when pixels and vectors turn, and does not when pixels turn alone."""
    axis = np.arange(15) - 7.0
    right, up = np.meshgrid(axis, -axis)
    field = np.stack([right, up], -1) * np.exp(-(right**2 + up**2) / 10)[..., None]
    y = jnp.asarray(field[None], jnp.float32)
    rotate = study.MOTIONS.index("rotate")
    turned = study._velocities(y, FieldType("SO2", "1 irrep(1)"), (15, 15))[rotate]
    as_scalars = study._velocities(y, None, (15, 15))[rotate]
    assert np.linalg.norm(turned) < 0.1 * np.linalg.norm(as_scalars), "but for interpolation and the border"


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/lie.py")
    with pytest.raises(FileNotFoundError, match=r"layers\.csv is not there; `geomdl reproduce lie` writes it"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    assert [p.name for p in figure.draw(tmp_path)] == ["lie.png", "lie.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    for name in TABLES:
        rows = table(name)
        if name == "total":
            rows = [{**r, "error": 0.777} if (r["model"], r["generator"]) == ("ViT", "rotate") else r for r in rows]
        write_csv(tmp_path / f"{name}.csv", rows)
    before, after = study.conclusions(RESULTS), study.conclusions(tmp_path)
    assert "ViT 0.777, 0.777" in after[2]
    assert "0.777" not in before[2]
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
