"""The commuting square of segmentation: the claims, on the committed tables, and the drawing."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "commuting"
TABLES = ("angles", "summary")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce commuting")


def test_the_committed_tables_are_complete_and_agree_with_the_claim(study):
    found = {(r["network"], r["angle"]) for r in table("angles")}
    assert found == {(n, a) for n in (*study.NETWORKS, study.RESAMPLED) for a in study.ANGLES}
    assert {r["network"] for r in table("summary")} == set(study.NETWORKS)
    assert study.contradicted(RESULTS) == []


FAILURES = [
    ("summary", {"network": "U-Net"}, {"iou": 0.2}, "U-Net, seed 0 has learnt an IoU of 0.20 only"),
    (
        "summary",
        {"network": "U-Net"},
        {"parameters": 9999},
        "parameters go from 9,999 to 18,325, more than by a factor of 1.1",
    ),
    (
        "angles",
        {"network": "C4 U-Net", "angle": 90.0},
        {"difference": 0.001},
        "C4 U-Net, seed 0, angle 90: max |Δ| 0.001, IoU of the label maps 1.0",
    ),
    (
        "angles",
        {"network": "C8 U-Net", "angle": 180.0},
        {"iou": 0.99},
        "C8 U-Net, seed 0, angle 180: max |Δ| 3.6657e-06, IoU of the label maps 0.99",
    ),
    (
        "angles",
        {"network": "U-Net", "angle": 270.0},
        {"iou": 0.95},
        "U-Net, seed 0, angle 270: max |Δ| 0.01, IoU of the label maps 0.95",
    ),
    ("angles", {"network": "U-Net"}, {"difference": 0.01}, "the U-Net commutes with quarter turns up to 1.0e-02"),
    (
        "angles",
        {"network": "resampled", "angle": 90.0},
        {"difference": 0.01},
        "resampled, seed 0, angle 90: max |Δ| 0.01, IoU of the label maps 1.0",
    ),
    (
        "angles",
        {"network": "resampled", "angle": 45.0},
        {"iou": 0.8},
        "at 45° the IoU of the label maps is 0.75 for the U-Net, 0.80 for what turning loses",
    ),
    (
        "angles",
        {"network": "D4 U-Net", "angle": 135.0},
        {"iou": 0.5},
        "at 135° the IoU of the label maps is 0.72 for the U-Net, 0.50 for D4 U-Net, 0.99 for what turning loses",
    ),
    (
        "angles",
        {"network": "D4 U-Net", "angle": 150.0},
        {"iou": float("nan")},
        "iou of D4 U-Net, seed 0, angle 150 is nan",
    ),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_pictures_that_do_not_show_it_contradict_the_claim(study, altered):
    out = altered(RESULTS, [])
    with np.load(RESULTS / "pictures.npz") as kept:
        pictures = dict(kept)
    names = ("U-Net/segmented, then rotated", "C4 U-Net/rotated, then segmented")
    changed = {names[0]: pictures["U-Net/rotated, then segmented"], names[1]: 1 - pictures[names[1]], "median": 3}
    np.savez(out / "pictures.npz", **{**pictures, **changed, "turned": pictures["image"]})
    assert study.contradicted(out) == [
        "in the picture 0 pixels differ for U-Net",
        "in the picture 1024 pixels differ for C4 U-Net",
        "half of the images differ in at most 3 pixels for the U-Net",
        "the picture is not turned by 90°",
    ]


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/commuting.py")


def test_what_commutes_is_told_from_what_does_not(study):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8, 8, 1)), jnp.float32)

    def pointwise(images):
        return jax.nn.softmax(jnp.concatenate([images, -images], -1))

    def shifted(images):
        return pointwise(jnp.roll(images, 1, 1))

    assert study.commute(pointwise, x, 90.0) == {"difference": 0.0, "iou": 1.0}
    broken = study.commute(shifted, x, 90.0)
    assert broken["difference"] > 0.5
    assert broken["iou"] < 0.8


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/commuting.py")
    with pytest.raises(FileNotFoundError, match=r"angles\.csv is not there; `geomdl reproduce commuting` writes it"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    with pytest.raises(FileNotFoundError, match=r"pictures\.npz is not there"):
        figure.draw(tmp_path)
    (tmp_path / "pictures.npz").write_bytes((RESULTS / "pictures.npz").read_bytes())
    assert [p.name for p in figure.draw(tmp_path)] == ["commuting.png", "commuting.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    for name in TABLES:
        rows = table(name)
        if name == "angles":
            rows = [{**r, "iou": 0.1234} if (r["network"], r["angle"]) == ("C4 U-Net", 90) else r for r in rows]
        write_csv(tmp_path / f"{name}.csv", rows)
    before, after = study.conclusions(RESULTS), study.conclusions(tmp_path)
    assert "IoU of the two label maps 1." in before[2]
    assert "IoU of the two label maps 0.1234." in after[2]
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
