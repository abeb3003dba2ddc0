"""Augmentation against equivariance: the claim on the committed tables, its measures, the kernel, the drawing."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "augmentation"
COMMAND = "geomdl reproduce augmentation"


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], COMMAND)


@pytest.fixture
def study(load):
    return load("experiments/augmentation.py")


def test_every_run_is_there_and_the_claim_holds(study):
    found = {(r["network"], r["augmentation"], r["seed"]) for r in table("methods")}
    ways = (*study.AUGMENTATIONS, study.AVERAGED)
    seeds, members = study.PRESETS["full"]
    assert found == set(itertools.product(study.NETWORKS, ways, seeds))
    sizes = {str(r["members"]) for r in table("ensembles")}
    assert sizes == {"limit", "limit, no augmentation", *(str(2**k) for k in range(members.bit_length()))}
    assert study.contradicted(RESULTS) == []


def test_the_claim_could_fail(study, tmp_path):
    for name in ("methods", "ensembles"):
        write_csv(tmp_path / f"{name}.csv", table(name))
    write_csv(tmp_path / "ensembles.csv", [{**r, "spread_quarter_turns": 0.5} for r in table("ensembles")])
    said = study.contradicted(tmp_path)
    assert any("by members" in line for line in said)
    assert any("the limit with augmentation" in line for line in said)
    write_csv(
        tmp_path / "methods.csv", [{**r, "mean": 0.9 if r["augmentation"] == "none" else 0.5} for r in table("methods")]
    )
    assert any(line.startswith("mean over the angles") for line in study.contradicted(tmp_path))


def test_the_spread_is_that_over_the_angles_and_blind_to_what_classes_share(study):
    random = np.random.default_rng(0)
    between = random.normal(size=(1, 400, 2)) * [1, -1]
    scores = between + 0.1 * random.normal(size=(50, 400, 2))
    shifted = scores + random.normal(size=(50, 400, 1))
    assert study.relative_spread(scores) == pytest.approx(study.relative_spread(shifted))
    same = np.repeat(between, 4, axis=0)
    assert study.relative_spread(same) < 1e-12 < 0.05 < study.relative_spread(scores) < 0.2


def test_the_kernel_is_the_expectation_over_random_networks(study):
    random = np.random.default_rng(1)
    x, y = random.normal(size=(3, 5)), random.normal(size=(2, 5))
    units = random.normal(size=(5, 200_000))
    hidden = 2 * np.maximum(x @ units, 0) @ np.maximum(y @ units, 0).T / units.shape[1]
    np.testing.assert_allclose(study.arc_cosine(x, y, depth=1), hidden, atol=0.1)
    np.testing.assert_allclose(np.diag(study.arc_cosine(x, x)), (x**2).sum(1))


def test_an_unknown_preset_is_refused(study, tmp_path):
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)


def test_the_figure_is_drawn_and_conclusions_are_computed(load, study, tmp_path):
    figure = load("paper_figures/augmentation.py")
    with pytest.raises(FileNotFoundError, match=r"methods\.csv is not there; `geomdl reproduce augmentation`"):
        figure.draw(tmp_path)
    write_csv(tmp_path / "methods.csv", [{**r, "mean": 0.25} for r in table("methods")])
    write_csv(tmp_path / "ensembles.csv", table("ensembles"))
    assert [p.name for p in figure.draw(tmp_path)] == ["augmentation.png", "augmentation.pdf"]
    said = study.conclusions(tmp_path)
    assert len(distinct(table("methods"), "seed")) == 3
    assert said[0].startswith("Means of 3 seeds: ")
    assert said[1].startswith("CNN, none: 25.0%, ")
