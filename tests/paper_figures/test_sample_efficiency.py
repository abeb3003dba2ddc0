"""Sample efficiency: the claim on the committed tables, kernel regression in closed form, the study in small."""

import json
from pathlib import Path

import numpy as np
import pytest

from geomdl.plots import read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "sample_efficiency"
COMMAND = "geomdl reproduce sample_efficiency"
TABLES = ("accuracy", "regression", "gains")


def table(name):
    return read_csv(RESULTS / f"{name}.csv", [], COMMAND)


@pytest.fixture
def study(load):
    return load("experiments/sample_efficiency.py")


@pytest.fixture
def regression(load):
    return load("experiments/known_gain.py")


def test_every_run_is_there_and_the_claim_holds(study):
    found = [(r["data"], r["network"], r["images"], r["seed"]) for r in table("accuracy")]
    assert sorted(found) == sorted((r.data, r.network, r.images, r.seed) for r in study.runs("full"))
    assert study.contradicted(RESULTS) == []


def test_the_claim_could_fail(study, tmp_path):
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    poor = [{**r, "accuracy": 0.1} if r["network"] == "C8" else r for r in table("accuracy")]
    write_csv(tmp_path / "accuracy.csv", poor)
    assert any("the CNN is not worse than C4 and C8" in said for said in study.contradicted(tmp_path))
    small = [{**r, "gain_high": 1.5} for r in table("gains")]
    write_csv(tmp_path / "gains.csv", small)
    assert sum("on the circle: gain" in said for said in study.contradicted(tmp_path)) == 3


def test_the_gains_are_those_of_the_curves(regression):
    curves, gains = table("regression"), table("gains")
    for r in gains:
        own = [c for c in curves if (c["space"], c["group"]) == (r["space"], r["group"])]
        found = regression.fitted(own, resamples=2)
        assert (found["gain"], found["exponent"]) == (r["gain"], r["exponent"])
        assert found["order"] == r["order"] == next(t.order for t in regression.TASKS if t.group == r["group"])


def test_the_kernel_is_its_fourier_series_and_its_average_the_invariant_part(regression):
    x, y = np.linspace(0, 6, 7)[:, None], np.linspace(0.3, 5, 4)[:, None]
    k = np.arange(1, 4000)
    t = (x[:, None] - y[None])[..., 0, None]
    np.testing.assert_allclose(regression.kernel(x, y), 1 + (np.cos(k * t) / k**4).sum(-1), atol=1e-9)
    task = regression.Task("circle", "C4")
    invariant = 1 + (np.cos(4 * k * t) / (4.0 * k) ** 4).sum(-1)
    np.testing.assert_allclose(task.averaged_kernel(x, y), invariant, atol=1e-9)


def test_targets_are_invariant_and_of_unit_variance(regression):
    for task in regression.TASKS:
        target, x = task.target(np.random.default_rng(1)), task.points(3000, np.random.default_rng(2))
        values = np.stack([target(gx) for gx in task.orbit(x)])
        np.testing.assert_allclose(values, np.broadcast_to(values[:1], values.shape), atol=1e-8)
        assert len(values) == task.order
        assert 0.85 < values.std() < 1.15
        assert regression.augmentation_gap(task) < 1e-8


def test_gain_and_exponent_of_exact_power_laws(regression):
    about = {"space": "circle", "group": "C4", "order": 4}
    rows = [
        {**about, "learner": learner, "samples": n, "repeat": i, "error": 3 * (n * gain) ** -0.8}
        for learner, gain in (("plain", 1), ("invariant", 4))
        for n in (16, 32, 64)
        for i in range(2)
    ]
    found = regression.fitted(rows, resamples=5)
    assert found["exponent"] == pytest.approx(0.8)
    assert (found["gain"], found["gain_low"], found["gain_high"]) == pytest.approx((4, 4, 4))


def test_images_saved_are_interpolated(study):
    about = {"data": "digits", "seed": 0}
    rows = [{**about, "network": "CNN", "images": n, "accuracy": a} for n, a in ((100, 0.5), (400, 0.7))]
    rows.append({**about, "network": "C4", "images": 100, "accuracy": 0.6})
    assert study.images_saved(rows, "digits", "C4") == pytest.approx(2.0)
    assert study.images_saved(rows, "digits", "C8") is None


def test_more_images_go_on_from_fewer_and_classes_are_balanced(load):
    data = load("experiments/parts/prepared_data.py")
    labels = np.random.default_rng(0).permutation(np.arange(200) % 10)
    ten, fifty = (data.nested_subset(labels, count, seed=3) for count in (10, 50))
    assert sorted(labels[ten]) == list(range(10))
    assert np.bincount(labels[fifty]).tolist() == [5] * 10
    assert fifty[:10].tolist() == ten.tolist()
    assert ten.tolist() != data.nested_subset(labels, 10, seed=4).tolist()


def test_a_fit_learns_what_it_was_given_and_is_a_function_of_the_seed(load):
    from geomdl.models import MODELS

    fitting = load("experiments/parts/fitting.py")
    images = np.random.default_rng(0).random((8, 6, 6, 1)).astype(np.float32)
    labels = np.arange(8) % 2
    fitter = fitting.Fitter(MODELS["mlp"](width=16), (6, 6, 1), 2, steps=60, batch=8)
    scores = fitter.fit(images, labels, seed=0)(images)
    assert (scores.argmax(-1) == labels).all()
    np.testing.assert_array_equal(scores, fitter.fit(images, labels, seed=0)(images))
    assert np.abs(scores - fitter.fit(images, labels, seed=1)(images)).max() > 1e-3


def test_a_run_that_is_there_is_not_made_again(study, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "fitter", None)  # would be called to train
    for network in study.NETWORKS:
        one = study.Run("digits", network, 10, 0)
        (tmp_path / "runs").mkdir(exist_ok=True)
        row = next(r for r in table("accuracy") if (r["network"], r["images"], r["seed"]) == (network, 10, 0))
        (tmp_path / "runs" / one.file).write_text(json.dumps(row))
    study.carry_out([study.Run("digits", network, 10, 0) for network in study.NETWORKS], tmp_path)
    assert len(read_csv(tmp_path / "accuracy.csv", [], COMMAND)) == 6
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)


def test_the_figure_is_drawn_and_conclusions_are_computed(load, study, tmp_path):
    figure = load("paper_figures/sample_efficiency.py")
    with pytest.raises(FileNotFoundError, match=r"accuracy\.csv is not there; `geomdl reproduce sample_efficiency"):
        figure.draw(tmp_path)
    for name in TABLES:
        write_csv(tmp_path / f"{name}.csv", table(name))
    write_csv(tmp_path / "accuracy.csv", [{**r, "accuracy": 0.25} for r in table("accuracy")])
    assert [p.name for p in figure.draw(tmp_path)] == ["sample_efficiency.png", "sample_efficiency.pdf"]
    said = study.conclusions(tmp_path)
    assert said[0] == "Accuracy on the test images, means of 3 seeds."
    assert said[1].startswith("digits, 10 images: MLP 25.0%, locally connected 25.0%")
