"""X's and O's by hand-made features: the claims, and the drawing."""

import numpy as np
import pytest

from geomdl.plots import read_csv, write_csv


@pytest.fixture(scope="module")
def study(load):
    module = load("experiments/xo.py")
    module.PRESETS = {**module.PRESETS, "tiny": (2, 40)}
    module.STRENGTHS = {name: (0, strengths[2]) for name, strengths in module.STRENGTHS.items()}
    return module


@pytest.fixture(scope="module")
def out(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("xo")
    study.run("tiny", folder)
    return folder


def table(out, name):
    return read_csv(out / f"{name}.csv", [], "geomdl reproduce xo")


def test_the_tables_are_complete_and_agree_with_the_claim(study, out):
    for stage, feature in study.WORKED:
        rows = [r for r in table(out, "maps") if (r["stage"], r["image"], r["feature"]) == (stage, "X", feature)]
        assert len(rows) == (16 if stage == "pooled" else 49)
    found = {(r["difficulty"], r["representation"]) for r in table(out, "difficulties")}
    assert found == {(d, r) for d in study.STRENGTHS for r in study.REPRESENTATIONS}
    assert study.contradicted(out) == []


FAILURES = [
    (
        "maps",
        {"stage": "match", "image": "X", "feature": "cross", "row": 0, "col": 6},
        {"value": 0.5},
        "match, cross, X: 0.33 -0.55 0.11 -0.11 0.11 -0.55 0.50, by hand 0.33 -0.55 0.11 -0.11 0.11 -0.55 0.33",
    ),
    (
        "votes",
        {"representation": "pixels", "image": "X", "class": "X"},
        {"vote": 0.99},
        "shown the X, the pixels vote 0.990000 for X",
    ),
    (
        "votes",
        {"representation": "pixels", "image": "O", "class": "X"},
        {"vote": 0.995},
        "shown the O, the pixels vote 0.995000 for X",
    ),
    (
        "difficulties",
        {"difficulty": "weight", "representation": "pixels", "strength": 0.0},
        {"accuracy": 0.5},
        "pixels are right for 50.0% of letters at rest (weight)",
    ),
    (
        "difficulties",
        {"difficulty": "shift", "representation": "pooled to one place", "strength": 2.0},
        {"accuracy": 0.99},
        "features without places are right for 0.99, shift, strength 2",
    ),
    (
        "difficulties",
        {"difficulty": "shift", "representation": "pixels", "strength": 2.0},
        {"accuracy": 0.9},
        "the template is right for 90.0% of shifted letters",
    ),
    (
        "difficulties",
        {"difficulty": "translation", "representation": "pooled to one place", "strength": 2.0},
        {"accuracy": 0.9},
        "features without places are right for 90.0% of translated letters",
    ),
    (
        "difficulties",
        {"difficulty": "scaling", "representation": "pooled maps", "strength": 2 / 3},
        {"accuracy": 0.5},
        "scaling: pooled maps are right for 50.0%, the template for 61.3%",
    ),
    (
        "difficulties",
        {"difficulty": "translation", "representation": "pooled maps", "strength": 2.0},
        {"accuracy": float("nan")},
        "translation: pooled maps are right for nan%, the template for 52.5%",
    ),
]


def test_the_claim_could_fail(study, out, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(out, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_letters_at_rest_are_the_canonical_ones_on_more_paper(study):
    for difficulty in study.STRENGTHS:
        images, labels = study.letters(difficulty, 0, seed=3, count=4)
        np.testing.assert_array_equal(images, study.canonical(study.FRAME)[np.asarray(labels)])


@pytest.mark.parametrize("difficulty", ["shift", "translation", "scaling", "rotation", "weight", "deformation"])
def test_letters_vary_depend_on_the_seed_only_and_stay_in_the_frame(study, difficulty):
    strength = study.STRENGTHS[difficulty][1]
    images, labels = study.letters(difficulty, strength, seed=1, count=20)
    again, _ = study.letters(difficulty, strength, seed=1, count=20)
    other, _ = study.letters(difficulty, strength, seed=2, count=20)
    np.testing.assert_array_equal(images, again)
    assert (np.asarray(images) != np.asarray(other)).any()
    assert (np.asarray(images) != np.asarray(study.canonical(study.FRAME))[labels]).any()
    assert set(np.unique(images)) == {-1, 1}
    border = np.asarray(images).copy()
    border[:, 1:-1, 1:-1] = -1
    assert (border == -1).all()


def test_the_figures_are_drawn_from_the_csvs(load, out):
    paths = load("paper_figures/xo.py").draw(out)
    names = {"xo_x.png", "xo_x.pdf", "xo_o.png", "xo_o.pdf", "xo_difficulties.png", "xo_difficulties.pdf"}
    assert {p.name for p in paths} == names
    for path in paths:
        assert path.read_bytes().startswith(b"\x89PNG" if path.suffix == ".png" else b"%PDF")


def test_missing_csvs_are_named(load, study, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"maps\.csv is not there; `geomdl reproduce xo` writes it"):
        load("paper_figures/xo.py").draw(tmp_path)
    with pytest.raises(FileNotFoundError, match="geomdl reproduce xo"):
        study.conclusions(tmp_path)


def test_conclusions_are_computed_from_the_csvs(study, out, tmp_path):
    for name in ("maps", "votes", "difficulties"):
        rows = table(out, name)
        if name == "difficulties":
            for row in rows:
                row["accuracy"] = 0.123 if row["representation"] == "pixels" else row["accuracy"]
        write_csv(tmp_path / f"{name}.csv", rows)
    before, after = study.conclusions(out), study.conclusions(tmp_path)
    assert "The best match of the cross is 1.00 in the X and 0.55 in the O" in before[0]
    assert not any("12%" in sentence for sentence in before)
    assert sum("pixels 12%" in sentence for sentence in after) == len(study.STRENGTHS)


def test_an_unknown_preset_is_refused(study, tmp_path):
    with pytest.raises(ValueError, match=r"unknown preset 'fats'; allowed: fast, full.*did you mean 'fast'"):
        study.run("fats", tmp_path)
    assert not list(tmp_path.iterdir())
