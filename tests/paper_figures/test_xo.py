"""X's and O's by hand-made features: the claims, and the drawing."""

import numpy as np
import pytest

from geomdl.plots import read_csv, truncated, write_csv


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


def accuracy(out, difficulty, representation, varied=True):
    return np.mean(
        [
            r["accuracy"]
            for r in table(out, "difficulties")
            if (r["difficulty"], r["representation"], r["strength"] > 0) == (difficulty, representation, varied)
        ]
    )


@pytest.mark.parametrize(
    ("stage", "feature", "first_row"),
    [
        ("match", "diagonal", "0.77 -0.11 0.11 0.33 0.55 -0.11 0.33"),
        ("match", "cross", "0.33 -0.55 0.11 -0.11 0.11 -0.55 0.33"),
        ("match", "anti-diagonal", "0.33 -0.11 0.55 0.33 0.11 -0.11 0.77"),
        ("relu", "diagonal", "0.77 0.00 0.11 0.33 0.55 0.00 0.33"),
        ("pooled", "diagonal", "1.00 0.33 0.55 0.33"),
    ],
)
def test_the_maps_of_the_x_are_those_of_the_worked_example(out, stage, feature, first_row):
    rows = [r for r in table(out, "maps") if (r["stage"], r["image"], r["feature"]) == (stage, "X", feature)]
    assert len(rows) == (16 if stage == "pooled" else 49)
    assert " ".join(truncated(r["value"]) for r in rows if r["row"] == 0) == first_row


def test_each_canonical_image_gets_the_full_vote_of_its_class_and_less_of_the_other(out):
    for row in table(out, "votes"):
        if row["image"] == row["class"]:
            assert row["vote"] == pytest.approx(1, abs=1e-6)
        else:
            assert row["vote"] < 0.99


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


def test_nothing_is_missed_at_rest(out, study):
    for difficulty in study.STRENGTHS:
        for representation in study.REPRESENTATIONS:
            assert accuracy(out, difficulty, representation, varied=False) == 1


def test_features_without_places_are_invariant_to_whole_pixel_shifts_and_only_to_them(out):
    assert accuracy(out, "shift", "pooled to one place") == 1
    assert accuracy(out, "shift", "pixels") < 0.7
    assert accuracy(out, "translation", "pooled to one place") < 0.7


@pytest.mark.parametrize("difficulty", ["shift", "translation", "scaling"])
def test_pooling_carries_farther_than_the_template(out, difficulty):
    assert accuracy(out, difficulty, "pooled maps") > accuracy(out, difficulty, "pixels") + 0.05


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
