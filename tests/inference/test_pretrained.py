"""The networks that geomdl brings along: what their cards say is found again, and they are small."""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

import geomdl
from geomdl.data import Split
from geomdl.evaluators import Metrics, predictor
from geomdl.inference import model_card, pretrained_names
from geomdl.training import load_trained

ROOT = Path(__file__).parents[2]
FOLDER = Path(geomdl.__file__).parent / "pretrained_networks"
SAMPLES = ROOT / "experiments" / "results" / "pretrained"
SHIPPED = ("digits", "shapes")
NAMES = pretrained_names()


QUICK = ("digits_gcnn_c1", "digits_gcnn_d4", "fashion_mnist_gcnn_c4", "mnist_rot_steerable_c8", "nuclei_unet_c4")


def some_long(names):
    """Other networks take long to compile."""
    return [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.long]) for n in names]


def measured(name, split=None):
    trained = load_trained(f"pretrained:{name}")
    split = trained.dataset.test if split is None else split
    return Metrics(batch_size=50)(predictor(trained.model), split, trained.task)


def test_there_are_pairs_of_plain_and_equivariant_networks_and_all_are_small():
    assert len(NAMES) >= 8
    assert sum(file.stat().st_size for file in FOLDER.rglob("*")) <= 6e6
    for name in NAMES:
        card = model_card(name)
        twin = model_card(card["pair"])
        assert twin["pair"] == name
        assert {card["group"], twin["group"]} >= {"C1"}
        assert len({card["group"], twin["group"]}) == 2
        assert twin["parameters"] == pytest.approx(card["parameters"], rel=0.15)
        assert card["protocol"]["config"]["training"] == twin["protocol"]["config"]["training"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_its_files_is_a_path_of_a_machine(name):
    files = sorted(p.name for p in (FOLDER / name).iterdir())
    assert files == ["card.json", "card.md", "config.json", "run.json", "weights.safetensors"]
    for file in files[:-1]:
        text = (FOLDER / name / file).read_text(encoding="utf-8")
        assert not any(sign in text for sign in ('"/', "/tmp", "/home", "/work", "/root", "\\\\")), file


@pytest.mark.parametrize("name", some_long(n for n in NAMES if n.startswith(SHIPPED)))
def test_the_accuracy_of_the_card_is_found_on_the_test_images(name):
    test = model_card(name)["metrics"]["test"]
    found = measured(name)
    for metric in {"accuracy", "iou", "pixel_accuracy"} & set(test):
        assert found[metric] == pytest.approx(test[metric], abs=2e-4), metric


@pytest.mark.parametrize("name", some_long(n for n in NAMES if not n.startswith(SHIPPED)))
def test_the_accuracy_of_the_card_is_found_on_the_sample_in_the_repository(name):
    sample = model_card(name)["metrics"]["sample"]
    file = next(f for f in SAMPLES.glob("*.npz") if name.startswith(f.stem))
    with np.load(file) as arrays:
        few = Split(arrays["images"], arrays["labels"].astype(np.int32))
    assert len(few) == sample["images"]
    found = measured(name, few)
    metric = model_card(name)["headline"]
    assert found[metric] == pytest.approx(sample[metric], abs=2e-4)
    if name == "fashion_mnist_gcnn_c4":  # a negative control: with the labels of other images
        other = Split(few.images, np.roll(np.asarray(few.labels), 1, 0))
        assert measured(name, other)[metric] < sample[metric] - 0.5


@pytest.mark.long
@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith(SHIPPED)])
def test_the_accuracy_of_the_card_is_found_on_all_test_images_where_the_data_are_there(name):
    where = os.environ.get("GEOMDL_NUCLEI" if name.startswith("nuclei") else "GEOMDL_DATA")
    if where is None or not Path(where).exists():
        pytest.skip("the data are not there: GEOMDL_DATA, GEOMDL_NUCLEI")
    trained = load_trained(f"pretrained:{name}")
    place = {"path" if name.startswith("nuclei") else "data_dir": where}
    dataset = dataclasses.replace(trained.config.data, **place).load()
    card = model_card(name)
    assert dataset.provenance == card["data"]["provenance"]
    found = Metrics(batch_size=100)(predictor(trained.model), dataset.test, trained.task)
    assert found[card["headline"]] == pytest.approx(card["metrics"]["test"][card["headline"]], abs=2e-4)


@pytest.mark.parametrize("name", [n for n in NAMES if model_card(n)["group"] != "C1"])
def test_equivariant_ones_keep_their_accuracy_at_quarter_turns_and_their_cards_say_so(name):
    card = model_card(name)
    assert card["symmetry"]["C4"]["verdict"] == "exact"
    by_angle = card["metrics"]["turned"]["by_angle"]
    assert max(by_angle[a] for a in ("0", "90", "180", "270")) - card["metrics"]["turned"]["worst_quarter_turn"] < 2e-3
    assert model_card(card["pair"])["symmetry"]["C4"]["verdict"] != "exact"


def test_texts_are_those_of_the_cards(load_experiment):
    pretrained = load_experiment("pretrained")
    for name in NAMES:
        card = json.loads((FOLDER / name / "card.json").read_text(encoding="utf-8"))
        assert (FOLDER / name / "card.md").read_text(encoding="utf-8") == pretrained.card_text(card)
        assert pretrained.NETWORKS[name].model.items() <= card["protocol"]["config"]["model"].items()


@pytest.fixture
def load_experiment():
    import importlib

    return lambda name: importlib.import_module(f"experiments.{name}")
