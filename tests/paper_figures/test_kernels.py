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


@pytest.fixture(scope="module")
def study(load):
    return load("experiments/kernels.py")


def test_the_committed_tables_are_complete_and_agree_with_the_claim(study):
    groups = {f"{f}{n}" for f in "CD" for n in range(1, 17)} | {"SO2", "O2"}
    assert {r["group"] for r in table("dimensions")} == {r["group"] for r in table("sampled")} == groups
    assert study.contradicted(RESULTS) == []


FAILURES = [
    (
        "dimensions",
        {"group": "C8", "in": "irrep(1)", "out": "irrep(3)"},
        {"dimension": 0},
        "irrep(1) to irrep(3) of C8: 0 kernels, by characters 8",
    ),
    (
        "dimensions",
        {"group": "C8", "in": "irrep(1)", "out": "irrep(3)"},
        {"residual": 0.5},
        "kernels from irrep(1) to irrep(3) of C8 violate the constraint by 5.0e-01",
    ),
    ("sampled", {"group": "D3"}, {"residual": 0.5}, "sampled kernels of D3 violate the constraint by 5.0e-01"),
    ("sampled", {"group": "D5"}, {"residual": float("nan")}, "sampled kernels of D5 violate the constraint by nan"),
    ("sampled", {"group": "D3"}, {"weights": 1}, "D3: 1 weights in 9 spaces"),
    (
        "gallery",
        {"group": "C8", "in": "irrep(1)", "out": "irrep(3)", "element": 0},
        {"cos": 0.5},
        "a kernel of the gallery, irrep(1) to irrep(3) of C8, frequency 2, violates the constraint by 9.9e-01",
    ),
]


def test_the_claim_could_fail(study, altered):
    """Every change is about another part of it."""
    found = study.contradicted(altered(RESULTS, FAILURES))
    assert [sentence for *_, sentence in FAILURES if sentence not in found] == []


def test_the_gallery_shows_solutions_and_a_wrong_one_would_be_seen(study):
    """The coefficients drawn are solutions: checked at elements of the group with the representations alone."""
    rng = np.random.default_rng(1)
    angles = rng.uniform(0, 2 * np.pi, 5)
    for group, i, o in ((C8, (1,), (3,)), (SO2, (1,), (2,)), (O2, (1, 1), (1, 2))):
        rho_in, rho_out = irrep(group, *i), irrep(group, *o)
        g, shown = group.sample(rng, 4), study.drawn(table("gallery"), rho_in, rho_out)
        assert shown
        for frequency, basis in shown.items():
            assert study.residual(rho_in, rho_out, frequency, basis, g, angles) < 1e-9
            assert study.residual(rho_in, rho_out, frequency + 1, basis, g, angles) > 0.1


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
