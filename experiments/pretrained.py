"""The networks that geomdl brings along: trains them, tests them, and writes their weights and cards.

    GEOMDL_DATA=FOLDER GEOMDL_NUCLEI=FILE.npz python -m experiments.pretrained [NAME …] [--out=out/pretrained]
    python -m experiments.pretrained --texts     # rewrites card.md from card.json, and trains nothing

Without names all of them, one after the other; runs that are there already are not repeated. ``FOLDER`` is one of
TensorFlow Datasets with ``eurosat/rgb``, ``fashion_mnist`` and ``mnist`` prepared, ``FILE.npz`` the nuclei of the
README. Each network gets a folder in ``geomdl/pretrained_networks`` with its config, its weights and its card; what a
card says was measured with the weights that are kept. Of data that are not in the repository a few test images are, in
``experiments/results/pretrained``, so that the numbers of a card can be found again.

Plain networks and equivariant ones in pairs: of one architecture with as many parameters, trained on the same images
for as many steps by the same rule, and with one seed.
"""

import argparse
import dataclasses
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import geomdl
from geomdl.audit import Images, audit
from geomdl.data import Dataset, Split
from geomdl.environment import circumstances
from geomdl.errors import invalid, unknown
from geomdl.evaluators import Metrics, RotationSweep, predictor
from geomdl.models import count_parameters
from geomdl.training import RunConfig, load_trained, save_compact, train, write_json

Section = dict[str, Any]

ROOT = Path(__file__).parents[1]
KEPT = Path(geomdl.__file__).parent / "pretrained_networks"
SAMPLES = ROOT / "experiments" / "results" / "pretrained"
SAMPLE = {"eurosat": 60, "fashion_mnist": 100, "mnist_rot": 100, "nuclei": 20}
"""Test images that are kept of data that are not in the repository."""
MOVED, AUDITED, AUDIT_GROUP = 2000, 16, "D4"
VERDICTS = ("C4", "D4", "shifts", "other angles")
"""How many test images are turned, and audited; the symmetries that cards speak of."""


@dataclasses.dataclass(frozen=True)
class Family:
    """What the networks of a pair have in common.

    Attributes:
      title: of the task, for the card.
      licence: of the data, with their source.
      data: the section of the config.
      optimizer: likewise.
      training: likewise.
      task: likewise.
      augmentation: likewise.
      needs: what has to be given in the environment for it.
      warmup: steps.
      seed: of the run.
    """

    title: str
    licence: str
    data: Section
    optimizer: Section
    training: Section
    task: Section = dataclasses.field(default_factory=dict)
    augmentation: Section = dataclasses.field(default_factory=dict)
    needs: str | None = None
    warmup: int = 50
    seed: int = 0


FAMILIES = {
    "digits": Family(
        "Handwritten digits, 20 × 20 pixels",
        "Optical Recognition of Handwritten Digits, Alpaydin & Kaynak 1998, UCI, CC BY 4.0, as scikit-learn has them",
        {"name": "digits", "size": 20},
        {"name": "adam", "learning_rate": 0.01},
        {"batch_size": 32, "steps": 900, "eval_every": 225, "monitor": "accuracy"},
    ),
    "shapes": Family(
        "Segmentation of drawn discs, rings, squares and triangles, 48 × 48 pixels",
        "Drawn by geomdl, Apache-2.0",
        {"name": "shapes", "size": 48, "count": 4, "train_size": 800},
        {"name": "adam", "learning_rate": 0.005},
        {"batch_size": 8, "steps": 600, "eval_every": 150, "eval_batch_size": 50, "monitor": "iou"},
        task={"name": "segmentation", "loss": "softmax+dice"},
    ),
    "eurosat": Family(
        "Land use in satellite images, ten classes, 33 × 33 pixels",
        "EuroSAT (RGB, 600 images of each class), Helber et al. 2019, MIT",
        {"name": "tfds:eurosat/rgb", "size": 33, "validation_fraction": 0.05, "test_fraction": 0.3},
        {"name": "adam", "learning_rate": 0.003, "clip_norm": 1.0},
        {"batch_size": 32, "steps": 1600, "eval_every": 400, "monitor": "accuracy"},
        augmentation={"flip": True},
        needs="GEOMDL_DATA",
        warmup=100,
    ),
    "fashion_mnist": Family(
        "Articles of clothing, ten classes, 28 × 28 pixels",
        "Fashion-MNIST, Xiao, Rasul & Vollgraf 2017, MIT",
        {"name": "tfds:fashion_mnist"},
        {"name": "adam", "learning_rate": 0.005},
        {"batch_size": 64, "steps": 1600, "eval_every": 400, "monitor": "accuracy"},
        needs="GEOMDL_DATA",
    ),
    "mnist_rot": Family(
        "Handwritten digits, each turned by an angle of its own, 28 × 28 pixels",
        "MNIST, LeCun, Cortes & Burges, turned here (regenerated MNIST-rot, not the published files); CC BY-SA 3.0",
        {"name": "mnist_rot", "test_size": 10_000},
        {"name": "adam", "learning_rate": 0.003},
        {"batch_size": 64, "steps": 468, "eval_every": 156, "monitor": "accuracy"},
        needs="GEOMDL_DATA",
    ),
    "nuclei": Family(
        "Segmentation of the nuclei of cells, 64 × 64 pixels",
        "Data Science Bowl 2018, BBBC038, Caicedo et al. 2019, CC0",
        {"name": "nuclei", "downscale": 4},
        {"name": "adam", "learning_rate": 0.005},
        {"batch_size": 8, "steps": 400, "eval_every": 100, "eval_batch_size": 50, "monitor": "iou"},
        task={"name": "segmentation", "loss": "binary+dice"},
        augmentation={"flip": True},
        needs="GEOMDL_NUCLEI",
    ),
}


@dataclasses.dataclass(frozen=True)
class Network:
    """One of a pair: the data and protocol, and the section ``model`` of its config."""

    family: str
    model: Section


NETWORKS = {
    "digits_gcnn_c1": Network("digits", {"name": "gcnn", "group": "C1", "match_parameters": 8000}),
    "digits_gcnn_d4": Network("digits", {"name": "gcnn", "group": "D4", "match_parameters": 8000}),
    "shapes_unet": Network(
        "shapes", {"name": "unet", "depth": 2, "match_parameters": 18_000, "activation": "elu"}
    ),
    "shapes_unet_c4": Network(
        "shapes", {"name": "group_unet", "group": "C4", "depth": 2, "match_parameters": 18_000, "activation": "elu"}
    ),
    "eurosat_resnet20_c1": Network("eurosat", {"name": "cifar_resnet20", "width": 0.5}),
    "eurosat_resnet20_c4": Network(
        "eurosat", {"name": "cifar_resnet20", "group": "C4", "match_parameters": 68_050}
    ),
    "fashion_mnist_gcnn_c1": Network(
        "fashion_mnist", {"name": "gcnn", "group": "C1", "match_parameters": 25_000}
    ),
    "fashion_mnist_gcnn_c4": Network(
        "fashion_mnist", {"name": "gcnn", "group": "C4", "match_parameters": 25_000}
    ),
    "mnist_rot_steerable_c1": Network(
        "mnist_rot", {"name": "mnist_benchmark", "group": "C1", "match_parameters": 12_000}
    ),
    "mnist_rot_steerable_c8": Network(
        "mnist_rot", {"name": "mnist_benchmark", "group": "C8", "match_parameters": 12_000}
    ),
    "nuclei_unet": Network(
        "nuclei", {"name": "unet", "depth": 2, "match_parameters": 18_000, "activation": "elu"}
    ),
    "nuclei_unet_c4": Network(
        "nuclei", {"name": "group_unet", "group": "C4", "depth": 2, "match_parameters": 18_000, "activation": "elu"}
    ),
}  # fmt: skip


def configuration(name: str) -> RunConfig:
    """The config of the run of a network; where the data lie is taken from the environment."""
    network = NETWORKS[name]
    family = FAMILIES[network.family]
    data = dict(family.data)
    if family.needs is not None:
        place = os.environ.get(family.needs)
        if place is None or not Path(place).exists():
            raise invalid(f"{family.needs} in the environment", place, f"where the data of {name} lie; see --help")
        data["path" if network.family == "nuclei" else "data_dir"] = place
    return RunConfig.from_config_dict(
        {
            "seed": family.seed,
            "data": data,
            "model": network.model,
            "task": family.task,
            "augmentation": family.augmentation,
            "optimizer": family.optimizer,
            "schedule": {"name": "cosine", "warmup_steps": family.warmup},
            "training": {"log_every": 50, **family.training},
        }
    )


def trained(name: str, out: Path) -> Path:
    """The work directory of a network, which is trained unless it has been."""
    config = configuration(name)
    started = time.perf_counter()
    result = train(config, out / "runs" / name)
    minutes = (time.perf_counter() - started) / 60
    print(
        f"{name}: best {config.training.monitor} {result.best[config.training.monitor]:.4f}, {minutes:.1f} min",
        flush=True,
    )
    return out / "runs" / name


def measured(name: str, folder: Path) -> Section:
    """The card of a network: everything in it but the text is read from its run, or measured with the kept weights."""
    network = NETWORKS[name]
    family = FAMILIES[network.family]
    found = load_trained(folder, dataset=configuration(name).data.load())
    dataset, task, predict = found.dataset, found.task, predictor(found.model)
    batch = found.config.training.eval_batch_size
    metric = task.headline
    some = first(dataset.test, MOVED)
    rows = RotationSweep(step=45.0, batch_size=min(batch, len(some))).rows(predict, some, task)
    angles = {f"{row['angle']:g}": rounded(row[metric]) for row in rows}
    quarters = [value for angle, value in angles.items() if float(angle) % 90 == 0]
    images = Images.of(dataset.name, np.asarray(dataset.test.images[:AUDITED]))
    report = audit(found.model, group=AUDIT_GROUP, images=images, output=task.law)
    symmetries = [v for v in report.verdicts if v.symmetry in VERDICTS]
    pair = next(other for other, n in NETWORKS.items() if n.family == network.family and other != name)
    written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    sections = {key: value for key, value in written["config"].items() if key not in ("parallel", "seed")}
    stored = {
        "images": len(dataset.test),
        **{key: rounded(value) for key, value in Metrics(batch_size=batch)(predict, dataset.test, task).items()},
    }
    sample = None
    if family.needs is not None:
        few = sample_of(network.family, dataset)
        values = Metrics(batch_size=len(few))(predict, few, task)
        sample = {"images": len(few), **{key: rounded(value) for key, value in values.items()}}
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return {
        "name": name,
        "title": family.title,
        "group": network.model.get("group", "C1"),
        "pair": pair,
        "task": "segmentation" if task.headline == "iou" else "classification",
        "headline": metric,
        "parameters": count_parameters(found.model),
        "image_shape": list(found.image_shape),
        "classes": list(found.classes),
        "contract": str(found.model.contract),
        "data": {
            "licence": family.licence,
            "provenance": facts["provenance"],
            "images": facts["images"],
        },
        "protocol": {
            "seeds": [family.seed],
            "steps": facts["total_steps"],
            "step_kept": found.step,
            "config": sections,
        },
        "metrics": {
            "test": stored,
            "turned": {
                "images": len(some),
                "metric": metric,
                "by_angle": angles,
                "worst_quarter_turn": min(quarters),
                "mean_of_eight_angles": rounded(sum(angles.values()) / len(angles)),
            },
            **({} if sample is None else {"sample": sample}),
        },
        "symmetry": {
            v.symmetry: {"verdict": v.level, "error": float(f"{v.error:.2g}"), "worst": v.worst} for v in symmetries
        },
        "reproduce": f"python -m experiments.pretrained {name}",
        **circumstances(),
    }


def first(split: Split, count: int) -> Split:
    """The first images of a split, in memory."""
    count = min(count, len(split))
    return Split(np.asarray(split.images[:count]), np.asarray(split.labels[:count]))


def sample_of(family: str, dataset: Dataset) -> Split:
    """The test images that are in the repository; they are written when they are not there yet."""
    file = SAMPLES / f"{family}.npz"
    if not file.exists():
        few = first(dataset.test, SAMPLE[family])
        if few.images.dtype != np.uint8:
            raise invalid(f"images of {family}", str(few.images.dtype), "uint8, to be kept")
        SAMPLES.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, images=few.images, labels=np.asarray(few.labels, np.uint8))
    return read_sample(file)


def read_sample(file: Path) -> Split:
    """Test images with their labels from the repository."""
    with np.load(file) as arrays:
        return Split(arrays["images"], arrays["labels"].astype(np.int32))


def rounded(value: float) -> float:
    """Five digits, as cards have them."""
    return float(f"{value:.5g}")


def card_text(card: Section) -> str:
    """The card for readers, in Markdown."""
    test, turned = card["metrics"]["test"], card["metrics"]["turned"]
    config, head = card["protocol"]["config"], card["headline"]
    measures = {"accuracy": "accuracy", "iou": "mean IoU"}
    height, width, channels = card["image_shape"]
    other = {key: value for key, value in test.items() if key not in ("images", head)}
    lines = [
        f"# {card['name']}",
        "",
        f"{card['title']}. {card['task'].capitalize()} into {len(card['classes'])} classes:"
        f" {', '.join(card['classes'])}.",
        "",
        "```python",
        "import geomdl",
        "",
        f'network = geomdl.pretrained("{card["name"]}")  # the same as geomdl.load("pretrained:{card["name"]}")',
        f"network.predict(images)  # {height} × {width} pixels, {channels} channel{'s' if channels > 1 else ''}",
        "```",
        "",
        f"- **Network.** `{config['model']['name']}`, group {card['group']}, {card['parameters']:,} parameters; its"
        f" twin is `{card['pair']}`.",
        f"- **Data.** {card['data']['provenance'].partition('; @')[0]}. Source and licence: {card['data']['licence']}."
        f" {card['data']['images']['train']:,} training, {card['data']['images']['validation']:,} validation and"
        f" {card['data']['images']['test']:,} test images.",
        f"- **Protocol.** {card['protocol']['steps']:,} steps of {config['optimizer']['name']}, batches of"
        f" {config['training']['batch_size']}, one seed ({card['protocol']['seeds'][0]}); of"
        f" {card['protocol']['steps'] // config['training']['eval_every']} evaluations on the validation images the"
        f" best is kept (step {card['protocol']['step_kept']}).",
        f"- **Test images.** {measures[head]} {test[head]:.4f} of {test['images']:,}"
        + "".join(f", {key} {value:.4g}" for key, value in other.items())
        + ".",
        f"- **Turned test images** (the first {turned['images']:,}). {measures[head]} at the worst quarter turn"
        f" {turned['worst_quarter_turn']:.4f}, mean of eight angles {turned['mean_of_eight_angles']:.4f};"
        + ",".join(f" {angle}°: {value:.3f}" for angle, value in turned["by_angle"].items())
        + ".",
    ]
    if "sample" in card["metrics"]:
        sample = card["metrics"]["sample"]
        lines.append(
            f"- **Sample.** {measures[head]} {sample[head]:.4f} of the {sample['images']} test images in the"
            " repository."
        )
    lines += [
        "- **Symmetry**, by `geomdl audit` of "
        f"{AUDITED} test images and noise: "
        + "; ".join(f"{name} {v['verdict']} ({v['error']:g})" for name, v in card["symmetry"].items())
        + ".",
        f"- **Promised.** {card['contract'].replace(chr(10), '; ')}.",
        f"- **Made by** `{card['reproduce']}`, {card['hardware']}; {card['versions']}.",
        "",
        "Small networks, trained for minutes, to be looked at, compared and built on: not the best that is known.",
    ]
    return "\n".join(lines) + "\n"


def make(name: str, out: Path) -> None:
    """Trains a network where it is not trained, keeps its weights, measures these, and writes its card."""
    folder = save_compact(trained(name, out), KEPT / name)
    card = measured(name, folder)
    write_json(folder / "card.json", card)
    (folder / "card.md").write_text(card_text(card), encoding="utf-8")
    print(f"{name}: {card['headline']} {card['metrics']['test'][card['headline']]:.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NETWORKS)}")
    parser.add_argument("--out", default="out/pretrained", help="where the runs are kept")
    parser.add_argument("--texts", action="store_true", help="rewrites texts from the cards, and trains nothing")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in NETWORKS:
            raise unknown("network", name, list(NETWORKS))
    if arguments.texts:
        for file in KEPT.glob("*/card.json"):
            file.with_suffix(".md").write_text(
                card_text(json.loads(file.read_text(encoding="utf-8"))), encoding="utf-8"
            )
        return
    for name in arguments.names or NETWORKS:
        make(name, Path(arguments.out))


if __name__ == "__main__":
    main()
