"""Left and right: what holds on the committed table, the data, the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import read_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "screws"


@pytest.fixture
def study(load):
    return load("experiments/screws.py")


def test_every_network_is_there_and_the_claim_holds(study):
    rows = read_csv(RESULTS / "screws.csv", [], study.COMMAND)
    seeds = {r["seed"] for r in rows}
    assert {(r["network"], r["seed"]) for r in rows} == {(n, seed) for n in study.NETWORKS for seed in seeds}
    assert study.contradicted(RESULTS) == []


@pytest.mark.parametrize(
    ("network", "values", "sentence"),
    [
        ("Oh", {"mirrored": 0.01}, "a mirror image changes a score by 1.0e-02"),
        ("Oh", {"turned": 0.6}, "finds 60.0% of turned pairs"),
        ("O", {"turned": 0.7}, "finds 70.0% of turned solids"),
        ("O", {"upright": 0.7}, "finds 70.0% of upright solids"),
        ("CNN", {"turned": 1.0}, "finds 100.0% of turned solids"),
        ("CNN", {"upright": float("nan")}, "upright of CNN, seed 0 is nan"),
    ],
)
def test_the_claim_could_fail(study, altered, network, values, sentence):
    out = altered(RESULTS, [("screws", {"network": network, "seed": 0}, values, sentence)])
    assert any(sentence in line for line in study.contradicted(out))


def test_a_mirror_image_is_of_the_other_class(study):
    drawn = study.handed(8, 4)
    assert drawn.classes == ("left", "right")
    assert drawn.num_classes == 2
    assert set(np.asarray(drawn.train.labels)) <= {0, 1}
    assert drawn.image_shape == (16, 16, 16, 1)


def test_it_is_drawn_and_said(load, study, tmp_path):
    figure = load("paper_figures/screws.py")
    with pytest.raises(FileNotFoundError, match=r"screws\.csv is not there; `geomdl reproduce screws`"):
        figure.draw(tmp_path)
    (tmp_path / "screws.csv").write_bytes((RESULTS / "screws.csv").read_bytes())
    assert [p.name for p in figure.draw(tmp_path)] == ["screws.png", "screws.pdf"]
    assert study.conclusions(tmp_path)[3].startswith("Oh: 50.0% upright, 50.0% in the 24 turns; a mirror image")
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
