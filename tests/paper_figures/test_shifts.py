"""Consistency under shifts and the Red–Green table: the claims, on the committed tables, and the drawing."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "shifts"
TABLES = ("consistency", "summary", "red_green")
POLYPHASE = {"APS", "LPS"}


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce shifts")


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/shifts.py")


@pytest.fixture(scope="module")
def consistency():
    return table("consistency")


def test_every_network_was_measured_at_every_shift(study, consistency):
    seeds = distinct(consistency, "seed")
    assert len(seeds) == 3
    expected = len(study.RUNS) * len(seeds) * (len(study.CIRCULAR) + len(study.CROPS))
    assert len(consistency) == expected
    sizes = [float(r["parameters"]) for r in table("summary")]
    assert max(sizes) < 1.1 * min(sizes)
    assert min(float(r["accuracy"]) for r in table("summary")) > 0.9, "they have learnt the digits"


def test_polyphase_and_alias_free_networks_keep_every_class_under_whole_circular_shifts(study, consistency):
    kept = study.kept(consistency, "circular", "whole")
    for name in (*POLYPHASE, "alias-free"):
        assert kept[name][0] == 1.0, name
        assert kept[name][1] < study.EXACT, name
    for name in set(kept) - POLYPHASE - {"alias-free"}:
        assert kept[name][0] < 1.0, name
        assert kept[name][1] > 100 * study.EXACT, name


def test_all_keep_multiples_of_the_total_stride(study, consistency):
    for r in consistency:
        if (r["padding"], r["motion"], r["shift"]) == ("circular", "circular", study.STRIDE):
            assert float(r["change"]) < study.EXACT, r


def test_only_the_alias_free_network_keeps_fractional_shifts(study, consistency):
    kept = study.kept(consistency, "circular", "fractional")
    assert kept["alias-free"][0] == 1.0
    assert kept["alias-free"][1] < study.EXACT
    for name in set(kept) - {"alias-free"}:
        assert kept[name][0] < 1.0, name
        assert kept[name][1] > 100 * study.EXACT, name


@pytest.mark.parametrize(("padding", "which"), [("circular", "crop"), ("zeros", "crop"), ("zeros", "whole"),
                                                 ("zeros", "fractional")])  # fmt: skip
def test_nothing_is_exact_for_crops_or_with_zeros_at_the_border(study, consistency, padding, which):
    for name, (least, change) in study.kept(consistency, padding, which).items():
        assert least < 0.99, name
        assert change > 100 * study.EXACT, name


def test_the_published_ordering_of_the_paddings_holds_for_every_seed(load):
    red_green = load("experiments/red_green.py")
    rows = table("red_green")
    assert len(distinct(rows, "seed")) == 5
    assert red_green.ordering_holds(rows)
    for r in rows:
        if r["padding"] in red_green.INVARIANT:
            assert float(r["score_change"]) < 1e-5
        else:
            assert float(r["dissimilar"]) < 0.3
            assert float(r["score_change"]) > 0.5
    mean = {p: np.mean([float(r["similar"]) for r in rows if r["padding"] == p]) for p in red_green.PADDINGS}
    assert mean["valid"] > mean["full"] > mean["same, circular"] > 0.5, "as published"
    assert mean["same, zeros"] > mean["full"]
    broken = [{**r, "dissimilar": 0.9} if r["padding"] == "valid" else r for r in rows]
    assert not red_green.ordering_holds(broken)


def test_ideal_shifts_and_windows(study):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 8, 6, 1))
    smooth = study.shifted_below_nyquist(images, (0, 0))
    assert np.abs(smooth - images).max() > 0.01, "the Nyquist frequency is gone"
    np.testing.assert_allclose(study.shifted_below_nyquist(smooth, (0, 0)), smooth, atol=1e-12)
    np.testing.assert_allclose(
        study.shifted_below_nyquist(images, (2, -1)), np.roll(smooth, (2, -1), (1, 2)), atol=1e-12
    )
    halves = study.shifted_below_nyquist(study.shifted_below_nyquist(images, (0.5, 0.25)), (0.5, -0.25))
    np.testing.assert_allclose(halves, np.roll(smooth, 1, 1), atol=1e-12)
    scenes = rng.normal(size=(1, study.SCENE, study.SCENE, 1))
    before, after = study.window(scenes, (0, 0)), study.window(scenes, (2, -1))
    np.testing.assert_array_equal(after[:, 2:, :-1], before[:, :-2, 1:])


def test_consistency_of_known_functions(study):
    scenes = np.random.default_rng(0).uniform(size=(6, study.SCENE, study.SCENE, 1)).astype(np.float32)

    def invariant(x):
        return jnp.stack([x.mean((1, 2, 3)), x.var((1, 2, 3)) + 0.4], -1)

    for r in study.consistencies(invariant, scenes):
        assert (float(r["change"]) < study.EXACT) == (r["motion"] == "circular"), r
    fixed = [r for r in study.consistencies(lambda x: x[:, 0, :2, 0], scenes) if r["motion"] == "circular"]
    assert min(float(r["consistency"]) for r in fixed) < 0.9


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/shifts.py")
    with pytest.raises(FileNotFoundError, match=r"consistency\.csv is not there; `geomdl reproduce shifts` writes it"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    assert [p.name for p in figure.draw(tmp_path)] == ["shifts.png", "shifts.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    for name in TABLES:
        rows = table(name)
        if name == "consistency":
            rows = [{**r, "change": 0.3, "consistency": 0.123} if r["downsampling"] == "APS" else r for r in rows]
        write_csv(tmp_path / f"{name}.csv", rows)
    before, after = (" ".join(study.conclusions(folder)) for folder in (RESULTS, tmp_path))
    assert "whole pixels, padding circular: exact for APS, LPS, alias-free" in before
    assert "fractions of a pixel, padding circular: exact for alias-free;" in before
    assert "As published" in before
    assert "whole pixels, padding circular: exact for LPS, alias-free" in after
    assert "APS 12.3%" in after
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
