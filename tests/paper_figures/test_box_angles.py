"""Average precision by angle: what holds on the committed table, images on discs, the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.data import Dataset, Split, pack_boxes
from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "box_angles"
COMMAND = "geomdl reproduce box_angles"


@pytest.fixture
def study(load):
    return load("experiments/box_angles.py")


def test_every_run_is_there_and_the_claim_holds(study):
    rows = read_csv(RESULTS / "angles.csv", [], COMMAND)
    wanted = {(data, name) for data in (study.SHAPES, study.CELLS) for name in study.DETECTORS}
    assert {(r["data"], r["detector"]) for r in rows} == wanted
    assert study.contradicted(RESULTS) == []


@pytest.mark.parametrize(
    "change",
    [
        ("angles", {"data": "cells", "detector": "C4", "angle": 90}, {"map50": 0.1}, "angle 90: 10.00%"),
        ("angles", {"data": "shapes", "detector": "plain"}, {"map50": 0.9}, "plain: 90.0% at the worst angle"),
        ("angles", {"data": "shapes", "detector": "C8", "angle": 45}, {"map50": 0.2}, "C8: 20.0% at 45°"),
        ("angles", {"data": "shapes", "detector": "plain, augmented", "angle": 15}, {"map50": 0.1}, "from 10.0% to"),
        ("angles", {"data": "cells", "detector": "plain", "angle": 15}, {"map50": 0.1}, "cells, plain: from 10.0%"),
        ("summary", {"data": "cells", "detector": "C8"}, {"upright": 0.3}, "has learnt 30.0% only"),
    ],
)
def test_the_claim_could_fail(study, altered, change):
    assert any(change[3] in line for line in study.contradicted(altered(RESULTS, [change])))


def test_outside_the_disc_nothing_is_seen_or_asked_for(study):
    boxes = [[[10, 10, 14, 14], [0, 0, 3, 3], [1, 10, 7, 14], [0, 5, 3, 9]]]
    split = Split(np.ones((1, 24, 24, 1), np.float32), pack_boxes(boxes, [[0, 0, 1, 1]]))
    dataset = Dataset("boxes", split, split, split, (24, 24, 1), 2, ("a", "b"), "drawn", "boxes")
    test = study.on_discs(dataset).test
    assert test.labels["classes"].tolist() == [[0, -1, 1, 1]]
    assert test.labels["difficult"].tolist() == [[False, False, False, True]]
    image = np.asarray(test.images)[0, ..., 0]
    assert image[0, 0] == image[3, 3] == 0
    assert image[12, 0] == image[4, 4] == 1
    assert (image == np.rot90(image)).all()


def test_the_figure_is_drawn_and_conclusions_are_computed(load, study, tmp_path):
    figure = load("paper_figures/box_angles.py")
    with pytest.raises(FileNotFoundError, match=r"angles\.csv is not there; `geomdl reproduce box_angles`"):
        figure.draw(tmp_path)
    for name in ("angles", "summary"):
        write_csv(tmp_path / f"{name}.csv", [r for r in read_csv(RESULTS / f"{name}.csv", [], "") if r["seed"] == 0])
    rows = read_csv(tmp_path / "angles.csv", [], "")
    write_csv(tmp_path / "angles.csv", [{**r, "map50": 0.5} for r in rows])
    assert [p.name for p in figure.draw(tmp_path)] == ["box_angles.png", "box_angles.pdf"]
    assert study.conclusions(tmp_path)[1].startswith("shapes, plain: 50.0%, 50.0%, 50.0%; ")
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
    assert study.configuration(study.CELLS, "C8", 0, 600).model.group == "C8"
