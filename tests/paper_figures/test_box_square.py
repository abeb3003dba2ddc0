"""The commuting square of detection: what holds on the committed tables, how sets are compared, the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "box_square"


@pytest.fixture
def study(load):
    return load("experiments/box_square.py")


def test_every_run_is_there_and_the_claim_holds(study):
    rows = read_csv(RESULTS / "sets.csv", [], "geomdl reproduce box_square")
    assert {(r["detector"], r["element"]) for r in rows} == {(n, e) for n in study.DETECTORS for e in study.ELEMENTS}
    assert study.contradicted(RESULTS) == []


@pytest.mark.parametrize(
    "change",
    [
        ("sets", {"detector": "C4", "element": "90°"}, {"pixels": 0.01}, "0.01 pixels apart"),
        ("sets", {"detector": "D4", "element": "left–right"}, {"same": 0.98}, "the same set for 98.0%"),
        ("sets", {"detector": "plain"}, {"same": 1.0}, "plain, seed 0, 90°: the same set for 100.0%"),
        ("summary", {"detector": "D4"}, {"map50": 0.1}, "has learnt 10.0% only"),
    ],
)
def test_the_claim_could_fail(study, altered, change):
    assert any(change[3] in line for line in study.contradicted(altered(RESULTS, [change])))


def test_sets_are_compared_whatever_their_order(study):
    def sets(boxes, scores, classes):
        return {"boxes": np.array([boxes], float), "scores": np.array([scores]), "classes": np.array([classes])}

    first = sets([[0, 0, 4, 4], [8, 8, 12, 12], [0, 0, 9, 9]], [0.9, 0.8, 0.2], [0, 1, 0])
    second = sets([[8, 8, 12, 12], [0, 0, 4, 4], [5, 5, 9, 9]], [0.8, 0.9, 0.1], [1, 0, 0])
    kept = study.sure(first), study.sure(second)
    assert kept[0]["classes"].tolist() == [[0, 1, -1]]
    assert study.compared(*kept) == {"images": 1, "same": 1.0, "pixels": 0.0, "alone": 0.0, "boxes": 4}
    moved = sets([[8, 8, 12, 12], [0, 2.5, 4, 6.5]], [0.8, 0.9], [1, 0])
    assert study.compared(kept[0], moved) == {"images": 1, "same": 0.0, "pixels": 2.5, "alone": 0.5, "boxes": 4}
    other = sets([[8, 8, 12, 12], [0, 0, 4, 4]], [0.8, 0.9], [1, 1])
    assert study.compared(kept[0], other) == {"images": 1, "same": 0.0, "pixels": 0.0, "alone": 0.5, "boxes": 4}


def test_both_ways_of_a_detector_that_sees_the_brightest_pixel(study):
    import jax.numpy as jnp

    def detect(images):
        place = np.asarray(images).reshape(len(images), -1).argmax(1)
        low = np.stack([place % 6, place // 6], -1)
        boxes = np.concatenate([low, low + 1], -1)[:, None].astype(np.float32)
        return {"boxes": boxes, "scores": np.ones((len(boxes), 1)), "classes": np.zeros((len(boxes), 1), int)}

    x = jnp.asarray(np.random.default_rng(0).random((3, 6, 6, 1)), jnp.float32)
    for element in ("90°", "left–right"):
        assert study.compared(*study.both_ways(detect, x, element).values())["same"] == 1.0


def test_the_figure_is_drawn_and_conclusions_are_computed(load, study, tmp_path):
    figure = load("paper_figures/box_square.py")
    with pytest.raises(FileNotFoundError, match=r"sets\.csv is not there; `geomdl reproduce box_square`"):
        figure.draw(tmp_path)
    for file in RESULTS.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    rows = read_csv(tmp_path / "sets.csv", [], "")
    write_csv(tmp_path / "sets.csv", [{**r, "same": 0.25} for r in rows])
    assert [p.name for p in figure.draw(tmp_path)] == ["box_square.png", "box_square.pdf"]
    assert "C4, reflections: the same set for 25.0% of the images" in study.conclusions(tmp_path)[4]
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
