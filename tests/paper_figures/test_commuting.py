"""The commuting square of segmentation: the claims, on the committed tables, and the drawing."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "commuting"
GROUPS = ("C4 U-Net", "D4 U-Net", "C8 U-Net")
TABLES = ("angles", "summary")
QUARTERS = (90.0, 180.0, 270.0)
ODD = (45.0, 135.0, 225.0, 315.0)


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce commuting")


@pytest.fixture(scope="module")
def angles():
    return table("angles")


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/commuting.py")


@pytest.mark.parametrize("network", GROUPS)
def test_group_networks_commute_with_quarter_turns_to_rounding(study, angles, network):
    difference, iou = study.at(angles, network, QUARTERS)
    assert 0 < difference <= 1e-5
    assert iou == 1


def test_the_plain_network_is_visibly_broken_there(study, angles):
    """By four orders of magnitude in the probabilities; less than nine tenths of the label maps overlap."""
    difference, iou = study.at(angles, "U-Net", QUARTERS)
    assert difference > 0.1
    assert iou < 0.9
    best = max(float(r["iou"]) for r in angles if r["network"] == "U-Net" and float(r["angle"]) in QUARTERS)
    assert best < 0.9, "at every quarter turn"


def test_interpolation_does_not_explain_what_the_plain_network_loses(study, angles):
    assert study.at(angles, study.RESAMPLED, QUARTERS) == (0, 1)
    for turn in ODD:
        plain, resampled = (study.at(angles, name, (turn,))[1] for name in ("U-Net", study.RESAMPLED))
        assert plain < resampled - 0.1
        assert all(plain < study.at(angles, name, (turn,))[1] < resampled for name in GROUPS)


def test_pictures_show_what_the_table_says():
    pictures = np.load(RESULTS / "pictures.npz")
    differ = {
        n: int((pictures[f"{n}/segmented, then rotated"] != pictures[f"{n}/rotated, then segmented"]).sum())
        for n in ("U-Net", *GROUPS)
    }
    assert differ.pop("U-Net") > 10
    assert set(differ.values()) == {0}
    assert float(pictures["median"]) > 5, "not on one image only"
    assert (np.rot90(pictures["image"]) == pictures["turned"]).all()


def test_the_networks_have_learnt_something_with_equal_parameters():
    rows = table("summary")
    assert min(float(r["iou"]) for r in rows) > 0.6, "whoever finds the background alone has about 0.2"
    parameters = [float(r["parameters"]) for r in rows]
    assert max(parameters) < 1.1 * min(parameters)


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
