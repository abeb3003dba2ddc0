"""Feature fields that stand still: the claims on the committed table, and that they could fail; the drawing."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "still_fields"


def table():
    return read_csv(RESULTS / "errors.csv", [], "geomdl reproduce still_fields")


@pytest.fixture
def study(load):
    return load("experiments/still_fields.py")


def test_equivariant_fields_stand_still_and_those_of_a_cnn_do_not(study):
    rows = table()
    assert {r["network"] for r in rows} == set(study.NETWORKS)
    assert len({r["seed"] for r in rows}) == 10
    assert study.contradicted(RESULTS) == []


def test_the_claim_could_fail(study, tmp_path):
    still = [{**r, "error": 1e-6} for r in table()]
    write_csv(tmp_path / "errors.csv", still)
    assert "the field of the CNN changes by 0.0% only at 5° (seed 0)" in study.contradicted(tmp_path)
    write_csv(tmp_path / "errors.csv", [{**r, "error": 0.2} for r in table() if r["network"] != "CNN"])
    found = study.contradicted(tmp_path)
    assert "the field of SO(2) changes by 20.0% at 45° (seed 0)" in found
    assert "the field of C8 changes by 20.0% at 90° (seed 0)" in found
    assert "the field of C8 changes by 20.0% at 45° (seed 0)" not in found


def test_a_field_that_turns_is_moved_back_and_one_that_does_not_is_found_out(study, monkeypatch):
    """The gradient of the image, as a network that is equivariant, and the same as two channels that are not."""
    image = study.images(1)[0]
    monkeypatch.setattr(study, "network", lambda *_: _Gradient())
    assert study.errors(study.stabilised("SO(2)", 0, image, np.array([0.0, 90.0, 180.0]))).max() < 1e-5
    monkeypatch.setattr(study, "network", lambda *_: _Gradient(along_x=-1.0))
    assert study.errors(study.stabilised("SO(2)", 0, image, np.array([0.0, 90.0])))[1] > 0.5


class _Gradient:
    """Central differences along x, to the right, and y, upwards."""

    def __init__(self, along_x: float = 1.0) -> None:
        self.along_x = along_x

    def __call__(self, x):
        from jax import numpy as jnp

        x = x[..., 0]
        right = jnp.roll(x, -1, 2) - jnp.roll(x, 1, 2)
        up = jnp.roll(x, 1, 1) - jnp.roll(x, -1, 1)
        return jnp.stack([self.along_x * right, up], -1)


def test_the_figure_is_drawn_and_says_what_it_needs(load, study, tmp_path):
    figure = load("paper_figures/still_fields.py")
    with pytest.raises(FileNotFoundError, match=r"errors\.csv is not there; `geomdl reproduce still_fields`"):
        figure.draw(tmp_path)
    rows = [r for r in table() if r["angle"] in (0, 30, 90) and r["seed"] < 2]
    write_csv(tmp_path / "errors.csv", rows)
    with pytest.raises(FileNotFoundError, match=r"fields\.npz is not there"):
        figure.draw(tmp_path)
    rng, side = np.random.default_rng(0), study.SIDE
    fields = {name: rng.normal(size=(3, side, side, 2)) for name in study.NETWORKS}
    np.savez(tmp_path / "fields.npz", degrees=np.array([0.0, 30.0, 90.0]), image=np.zeros((3, side, side)), **fields)
    names = [p.name for p in figure.draw(tmp_path)]
    assert names == [f"still_fields.{kind}" for kind in ("png", "pdf", "gif", "html")]
    assert (tmp_path / "still_fields.gif").read_bytes()[:4] == b"GIF8"


def test_conclusions_are_computed_from_the_table(study, tmp_path):
    write_csv(tmp_path / "errors.csv", [{**r, "error": 0.5} for r in table()])
    assert study.conclusions(tmp_path)[1] == "CNN: at most 5.0e-01 at quarter turns, 50.0% to 50.0% at other angles."
