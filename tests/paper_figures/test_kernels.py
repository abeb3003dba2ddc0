"""The gallery of steerable kernels: its claims on the committed tables, and that they could fail."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.groups import C8, O2, SO2
from geomdl.plots import read_csv, write_csv
from geomdl.representations import irrep

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "kernels"


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], "geomdl reproduce kernels")


def test_every_space_has_the_dimension_of_the_character_formula_and_keeps_the_constraint():
    rows = table("dimensions")
    assert {r["group"] for r in rows} == {f"{f}{n}" for f in "CD" for n in range(1, 17)} | {"SO2", "O2"}
    for row in rows:
        assert row["dimension"] == row["characters"], row
        assert row["residual"] < 1e-6, row


def test_sampled_kernels_keep_the_constraint_under_the_symmetries_of_the_grid():
    for row in table("sampled"):
        assert row["residual"] < 1e-6
        assert row["weights"] >= row["spaces"] > 0


def test_the_gallery_shows_solutions(load):
    """The coefficients drawn are solutions: checked at elements of the group with the representations alone."""
    study = load("experiments/kernels.py")
    rng = np.random.default_rng(1)
    angles = rng.uniform(0, 2 * np.pi, 5)
    for group, i, o in ((C8, (1,), (3,)), (SO2, (1,), (2,)), (O2, (1, 1), (1, 2))):
        rho_in, rho_out = irrep(group, *i), irrep(group, *o)
        rows = [
            r for r in table("gallery") if (r["group"], r["in"], r["out"]) == (str(group), str(rho_in), str(rho_out))
        ]
        assert rows
        for frequency in {r["frequency"] for r in rows}:
            shown = [r for r in rows if r["frequency"] == frequency]
            basis = np.zeros((1 + max(r["element"] for r in shown), 2, rho_out.size, rho_in.size))
            for r in shown:
                basis[r["element"], :, r["row"], r["column"]] = r["cos"], r["sin"]
            g = group.sample(rng, 4)
            assert study.residual(rho_in, rho_out, frequency, basis, g, angles) < 1e-9
            assert study.residual(rho_in, rho_out, frequency + 1, basis, g, angles) > 0.1, "a wrong kernel must be seen"


def test_a_sampled_kernel_off_the_constraint_is_seen(load, monkeypatch):
    study = load("experiments/kernels.py")
    assert study.sampled(C8)["residual"] < 1e-12
    exact = study.SteerableKernelSpace.basis
    monkeypatch.setattr(study.SteerableKernelSpace, "basis", lambda self: np.roll(exact(self), 1, axis=1))
    assert study.sampled(C8)["residual"] > 0.1


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/kernels.py")
    with pytest.raises(FileNotFoundError, match=r"gallery\.csv is not there; `geomdl reproduce kernels` writes it"):
        figure.draw(tmp_path)
    for name in ("gallery", "dimensions"):
        write_csv(tmp_path / f"{name}.csv", table(name))
    assert [p.name for p in figure.draw(tmp_path)] == ["kernels.png", "kernels.pdf"]


def test_conclusions_are_computed_from_the_tables(load, tmp_path):
    study = load("experiments/kernels.py")
    assert "1,445 of 1,445 pairs of irreps of 34 groups" in study.conclusions(RESULTS)[0]
    rows = table("dimensions")
    rows[0] = {**rows[0], "dimension": 0, "residual": 0.5}
    write_csv(tmp_path / "dimensions.csv", rows)
    write_csv(tmp_path / "sampled.csv", table("sampled"))
    changed = study.conclusions(tmp_path)
    assert "1,444 of 1,445" in changed[0]
    assert "not below" in changed[1]
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
