"""Conserved charges of training: the claims on the committed tables, closed forms, a tiny study, the drawing."""

from pathlib import Path

import jax
import numpy as np
import pytest

from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "noether"
COMMAND = "geomdl reproduce noether"
TABLES = ("drifts", "paths", "linear", "summary")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], COMMAND)


def runs(**wanted):
    rows = [r for r in table("drifts") if r["method"] == "descent"]
    return [r for r in rows if all(r[key] == value for key, value in wanted.items())]


def cases():
    """Seed, momentum, decay and charge of every series of steps that has a drift."""
    rows = [r for r in runs() if (r["charge"], r["decay"]) != ("translation", 0)]
    return sorted({(r["seed"], r["momentum"], r["decay"], r["charge"]) for r in rows})


@pytest.fixture
def study(load):
    return load("experiments/noether.py")


def test_every_run_is_there_and_the_claims_hold(study):
    found = cases()
    assert len({case[0] for case in found}) == 3
    assert len(found) == 3 * 2 * (2 * 3 - 1) + 3 * 2 * 2
    for seed, momentum, decay, charge in found:
        assert {r["step"] for r in runs(seed=seed, momentum=momentum, decay=decay, charge=charge)} == set(study.STEPS)
    assert study.contradicted(RESULTS) == []


@pytest.mark.parametrize(
    ("name", "of", "change", "found"),
    [
        ("drifts", "scale", {"drift": 0.01}, "scale, seed 0, momentum 0, decay 0: the drift is of order"),
        ("drifts", "outgoing", lambda r: {"drift": r["step"]}, "outgoing, seed 0, momentum 0, decay 0: the drift is"),
        ("drifts", "rescaling", lambda r: {"difference": r["predicted"]}, "the prediction is wrong by 100.0%"),
        ("drifts", "scale", {"residual": 1e-6}, "off the recursion by 1e-06"),
        ("drifts", "translation", {"drift": 1e-6}, "a drift of 1.0e-06, and no step makes one"),
        ("linear", "Runge–Kutta", lambda r: {"drift": r["step"]}, "Runge–Kutta: the drift is of order 1.00"),
        ("linear", "implicit midpoint", {"drift": 1e-9}, "implicit midpoint: a drift of 1.0e-09"),
        ("summary", "descent", {"accuracy": 0.5}, "has learnt 50.0% of the digits only"),
    ],
)
def test_the_claims_could_fail(study, tmp_path, name, of, change, found):
    for other in TABLES:
        rows = table(other)
        if other == name:
            values = change if callable(change) else lambda r: change
            rows = [{**r, **values(r)} if of in (r.get("charge"), r.get("method")) else r for r in rows]
        write_csv(tmp_path / f"{other}.csv", rows)
    assert any(found in line for line in study.contradicted(tmp_path))


def test_predictions_are_better_with_smaller_steps(study):
    for seed, momentum, decay, charge in cases():
        if charge == study.CONTROL:
            continue
        rows = runs(seed=seed, momentum=momentum, decay=decay, charge=charge)
        wrong = {r["step"]: r["difference"] / r["predicted"] for r in rows}
        if charge == "translation":
            assert max(wrong.values()) < 1e-9  # the law is linear: exact at every step
        else:
            assert wrong[0.005] < wrong[0.04] / 3, (seed, momentum, decay, charge)


@pytest.mark.parametrize("charge", ["scale", "rescaling"])
def test_momentum_multiplies_the_drift_by_nineteen_at_one_effective_step(charge):
    for seed in range(3):
        with_momentum, without = (
            runs(seed=seed, momentum=m, decay=0, charge=charge, step=0.005)[0]["drift"] for m in (0.9, 0)
        )
        assert with_momentum / without == pytest.approx(19, rel=0.08)


def test_the_flow_conserves_what_descent_does_not():
    for row in table("drifts"):
        if row["method"] == "flow":
            assert (row["drift"] < 1e-5) == (row["charge"] != "outgoing"), row


def test_the_linear_network_has_learnt_something():
    assert min(r["moved"] for r in table("linear")) > 0.3


def test_one_step_of_a_linear_network_changes_the_balance_by_the_square_of_the_step(study):
    """W₂ᵀW₂ − W₁W₁ᵀ ↦ … + η² (G₂ᵀG₂ − G₁G₁ᵀ), the terms of first order cancelling."""
    rng = np.random.default_rng(1)
    first, second, x, y = (rng.normal(size=shape) for shape in ((5, 6), (4, 5), (6, 9), (4, 9)))
    error = (second @ first @ x - y) @ x.T
    one, two = second.T @ error, error @ first.T
    after = study.balance({"first": first - 0.1 * one, "second": second - 0.1 * two})
    before = study.balance({"first": first, "second": second})
    np.testing.assert_allclose(after - before, 0.01 * (two.T @ two - one @ one.T), atol=1e-10 * np.abs(after).max())


def test_gradients_are_orthogonal_to_the_symmetries_at_any_weights(study):
    study.IMAGES = 32
    with jax.enable_x64(True):
        windows, labels = study.digits()
        weights = study.initial(5)
        gradient = jax.grad(study.loss)(weights, windows, labels)
        for values in study.quadratic(gradient, weights).values():
            assert np.abs(values).max() < 1e-14
        assert np.abs(study.linear(gradient)["translation"]).max() < 1e-14
        assert np.abs((gradient["out"] * weights["out"]).sum(1)).max() > 1e-4  # of the control it is not


def test_symmetries_leave_the_scores_as_they_are(study):
    study.IMAGES = 32
    with jax.enable_x64(True):
        windows, _ = study.digits()
        weights = study.initial(2)
        factors = np.exp(np.random.default_rng(0).normal(size=study.HIDDEN))
        moved = {**weights, "kernel": weights["kernel"] * factors[: study.CHANNELS]}
        moved |= {"hidden": weights["hidden"] * factors, "hidden_bias": weights["hidden_bias"] * factors}
        moved |= {"out": weights["out"] / factors[:, None]}
        np.testing.assert_allclose(study.scores(moved, windows), study.scores(weights, windows), atol=1e-12)


def test_predictions_have_their_closed_forms(study):
    start, steps = np.array([2.0, -1.0]), study.TIME / 0.04
    decayed = study.predicted("translation", start, None, 0.04, 0.0, 0.05)
    np.testing.assert_allclose(decayed[-1], start * (1 - 0.04 * 0.05) ** steps, rtol=1e-12)
    forms = np.full((round(study.TIME / study.FLOW_STEP) + 1, 2), 3.0)
    plain = study.predicted("scale", start, forms, 0.04, 0.0, 0.0)
    np.testing.assert_allclose(plain[-1], start + 0.04 * study.TIME * 3.0, rtol=1e-12)
    heavy = study.predicted("scale", start, forms, 0.04, 0.9, 0.0)
    later = (heavy[-1] - heavy[-11]) / (plain[-1] - plain[-11])  # after the velocity has built up
    np.testing.assert_allclose(later, 19, rtol=1e-6)


@pytest.mark.long
def test_a_tiny_study_writes_what_the_figure_reads(load, study, tmp_path):
    study.TIME, study.CHECKPOINTS, study.IMAGES, study.SHOWN = 0.8, 4, 32, (0.1, 0.05)
    study.study(tmp_path, 1, (0.1, 0.05))
    assert {p.name for p in tmp_path.iterdir()} == {f"{name}.csv" for name in TABLES}
    rows = read_csv(tmp_path / "drifts.csv", (), COMMAND)
    assert len(rows) == 2 * 4 + 2 * 2 * 2 * 4
    assert max(r["residual"] for r in rows if r["residual"] != "") < 1e-11
    load("paper_figures/noether.py").draw(tmp_path)
    assert study.conclusions(tmp_path)[0].startswith("8 runs, 1 seed(s)")


def test_the_figure_is_drawn_and_says_what_it_needs(load, tmp_path):
    figure = load("paper_figures/noether.py")
    with pytest.raises(FileNotFoundError, match=r"paths\.csv is not there; `geomdl reproduce noether`"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    assert [p.name for p in figure.draw(tmp_path)] == ["noether.png", "noether.pdf"]


def test_conclusions_are_computed_from_the_tables(study, tmp_path):
    rows = [{**r, "drift": r["step"] ** 2} if r["charge"] == "scale" else r for r in table("drifts")]
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", rows if name == "drifts" else table(name))
    before, after = study.conclusions(RESULTS)[1], study.conclusions(tmp_path)[1]
    assert before.startswith("scale, decay 0: the drift is of order 1.0")
    assert after.startswith("scale, decay 0: the drift is of order 2.00 to 2.00 with momentum 0")
    assert len(distinct(table("linear"), "method")) == 3


def test_an_unknown_preset_is_refused(study, tmp_path):
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
