"""Transfer to another task: what holds on the committed table, the parts of the study, and the drawing."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from geomdl.data import Dataset, Split
from geomdl.plots import distinct, read_csv, write_csv

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "transfer"


def table():
    return read_csv(RESULTS / "results.csv", [], "geomdl reproduce transfer")


@pytest.fixture
def study(load):
    return load("experiments/transfer.py")


def test_every_run_is_there_and_the_claim_holds(study):
    rows = table()
    found = {(r["network"], r["way"], r["images"], r["seed"]) for r in rows}
    assert found == {(r.network, r.way, r.count, r.seed) for r in study.runs("full")}
    assert len(rows) == len(found)
    assert study.contradicted(RESULTS) == []


def test_the_claim_could_fail(study, tmp_path):
    turned = [{**r, "consistency": 0.9} for r in table()]
    write_csv(tmp_path / "results.csv", turned)
    assert any("of the digits that turn by 90° change class" in line for line in study.contradicted(tmp_path))
    poor = [{**r, "accuracy": 0.1} if r["network"] == "C4" else r for r in table()]
    write_csv(tmp_path / "results.csv", poor)
    assert any(line.startswith("with 250 images") for line in study.contradicted(tmp_path))


def test_digits_are_of_all_classes_and_those_of_a_larger_number_go_on_from_fewer(study, monkeypatch):
    labels = np.random.default_rng(0).permutation(np.arange(250) % 10).astype(np.int32)
    images = np.arange(250, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 2, 1), np.float32)
    whole = Dataset("d", *[Split(images, labels)] * 3, (2, 2, 1), 10, tuple("0123456789"), "made")
    monkeypatch.setattr(study, "pool", lambda folder, seed: whole)
    ten, fifty = (study.digits("", count, 0).train for count in (10, 50))
    assert sorted(np.asarray(ten.labels)) == list(range(10))
    assert np.bincount(np.asarray(fifty.labels)).tolist() == [5] * 10
    assert {x.tobytes() for x in np.asarray(ten.images)} <= {x.tobytes() for x in np.asarray(fifty.images)}
    config = study.configuration(study.Run("C4", "features", 10, 2), dataclasses.replace(whole, train=ten))
    assert (config.seed, config.training.batch_size, config.training.batch_norm) == (2, 10, "frozen")
    assert config.init_from == "pretrained:fashion_mnist_gcnn_c4"
    assert not study.configuration(study.Run("C1", "from scratch", 10, 2), whole).init_from


def test_the_data_and_the_preset_are_asked_for(study, tmp_path, monkeypatch):
    monkeypatch.delenv("GEOMDL_DATA", raising=False)
    with pytest.raises(ValueError, match="unknown preset"):
        study.run("fats", tmp_path)
    with pytest.raises(ValueError, match="GEOMDL_DATA in the environment None; allowed: a folder"):
        study.run("fast", tmp_path)


def test_the_figure_is_drawn_and_conclusions_are_computed(load, study, tmp_path):
    figure = load("paper_figures/transfer.py")
    with pytest.raises(FileNotFoundError, match=r"results\.csv is not there; `GEOMDL_DATA=FOLDER geomdl reproduce"):
        figure.draw(tmp_path)
    write_csv(tmp_path / "results.csv", [{**r, "accuracy": 0.25} for r in table()])
    assert [p.name for p in figure.draw(tmp_path)] == ["transfer.png", "transfer.pdf"]
    seeds = len(distinct(table(), "seed"))
    assert study.conclusions(tmp_path)[:2] == [
        f"Turned digits, networks trained on upright clothes; means of {seeds} seeds.",
        "10 images: C1 features 25.0%, fine-tuned 25.0%, from scratch 25.0%; "
        "C4 features 25.0%, fine-tuned 25.0%, from scratch 25.0%.",
    ]
