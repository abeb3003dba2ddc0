"""Depth, width and symmetry: networks of the lectures and their C4 and D4 twins, at equal parameters.

    GEOMDL_DATA=FOLDER geomdl reproduce depth_width_symmetry [--preset=fast|full]
    python experiments/depth_width_symmetry.py --data_dir=FOLDER [--out=out/depth_width_symmetry]

Claim: D4 twins give an image one class under all eight symmetries of the square, whatever was learnt, and C4 twins have
one accuracy under quarter turns; plain networks do not. Which of them is more accurate is not claimed.

Data, prepared by TensorFlow Datasets in a folder given by the user: ``eurosat/rgb`` (satellite images, which have no
upright; ten classes) and ``fashion_mnist``, every image turned by its own uniform angle; both brought to a size at
which the twins of the network are exact, 31 to 33 pixels. Protocol: 2,000 training images, 400 steps of Adam with 32 of
them, without augmentation; the last parameters are tested on 2,000 images. Eight networks, three groups, two data sets,
three seeds: 144 runs; and AlexNet without some of its layers, plain and C4, on EuroSAT (the fast preset: LeNet-5 and
VGG-11 on EuroSAT, seed 0).

Each twin is as wide as it has to be to have as many parameters as the plain network (DenseNet-40: as nearly as its
growth, a small whole number, allows). A run that is finished is not repeated. Writes

* ``results.csv``: per run the accuracy on the test images, the mean and the worst over the eight quarter turns and
  mirror images of them, the accuracy at 45°, and the consistency: the share of test images whose class is the same
  under all eight;
* ``ablation.csv``: the same for AlexNet without some layers;
* ``costs.csv``: per network and group parameters, layers with weights, multiply-adds for an image, and the time of a
  training step relative to that of the plain network, measured in turn in one process.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.parts.claims import Claim, named, numbers, unmet
from experiments.parts.prepared_data import data_folder, predicted_classes
from experiments.parts.training_steps import stepper
from experiments.tables.zoo import depth
from geomdl.data import Augmentation, Dataset, Split, data_config, unit_interval
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import predictor, rotation_sweep
from geomdl.models import MODELS, count_parameters
from geomdl.plots import Row, Value, distinct, read_csv, write_csv
from geomdl.training import RunConfig, build_model, train

NETWORKS: dict[str, tuple[dict[str, Any], int]] = {
    "LeNet-5": ({"name": "lenet5_modern", "width": 2.0}, 32),
    "AlexNet": ({"name": "alexnet", "variant": "small", "width": 0.125, "units": 1024}, 31),
    "VGG-11": ({"name": "vgg11", "width": 0.125, "units": 1024}, 32),
    "GoogLeNet": ({"name": "googlenet", "variant": "small", "auxiliary": False, "width": 0.125}, 32),
    "ResNet-20": ({"name": "cifar_resnet20", "width": 0.5}, 33),
    "WRN-16-2": ({"name": "wrn", "depth": 16, "widen": 2.0, "width": 0.25}, 33),
    "DenseNet-40": ({"name": "densenet_cifar", "width": 0.25}, 32),
    "FractalNet": ({"name": "fractalnet", "columns": 2, "width": 0.125, "dropout": 0.0}, 32),
}
"""The model section without group, and the side of the images: one at which the twins are exact."""

GROUPS = ("C1", "C4", "D4")
DATA = ("eurosat", "rotated_fashion")
SEEDS = (0, 1, 2)
REMOVED = ((), ("7",), ("6", "7"), ("3", "4"), ("3", "4", "6", "7"))
"""Layers that AlexNet goes without."""
TRAIN_SIZE, TEST_SIZE, STEPS, BATCH = 2000, 2000, 400, 32
COMMAND = "GEOMDL_DATA=FOLDER geomdl reproduce depth_width_symmetry"


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: which data, network, group and seed, and the layers that are left out."""

    data: str
    network: str
    group: str
    seed: int
    without: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where it is kept."""
        removed = f"-without{''.join(self.without)}" if self.without else ""
        return f"{self.data}-{self.network.lower()}-{self.group}{removed}-seed{self.seed}"


def runs(preset: str) -> Iterator[Run]:
    """First everything with seed 0."""
    if preset == "fast":
        for network, group in itertools.product(("LeNet-5", "VGG-11"), GROUPS):
            yield Run("eurosat", network, group, 0)
        return
    for seed in SEEDS:
        for data in DATA:
            for network, group in itertools.product(NETWORKS, GROUPS):
                yield Run(data, network, group, seed)
            for group, without in itertools.product(("C1", "C4") if data == "eurosat" else (), REMOVED[1:]):
                yield Run(data, "AlexNet", group, seed, without)


@functools.lru_cache(maxsize=2)
def load(data: str, side: int, folder: str) -> Dataset:
    """The images, brought to a side; those of Fashion-MNIST turned, each by an angle of its own."""
    if data == "eurosat":
        options = {"validation_fraction": 0.05, "test_fraction": 0.4}
        found = data_config("tfds:eurosat/rgb", data_dir=folder, size=side, train_size=TRAIN_SIZE, **options).load()
        return dataclasses.replace(found, test=_first(found.test))
    found = data_config("tfds:fashion_mnist", data_dir=folder, size=side, train_size=TRAIN_SIZE).load()
    splits = (found.train, found.validation, found.test)
    turned = [_turned(_first(split), seed) for seed, split in enumerate(splits)]
    return dataclasses.replace(
        found, name="rotated_fashion_mnist", train=turned[0], validation=turned[1], test=turned[2]
    )


def configuration(run: Run, dataset: Dataset) -> RunConfig:
    """The config of one run: the twins have as many parameters as the plain network."""
    section, _ = NETWORKS[run.network]
    values = {k: v for k, v in section.items() if k != "name"}
    plain = MODELS[section["name"]](**values)
    if run.group != "C1":
        target = plain.parameter_count(dataset.image_shape, dataset.num_classes)
        twin = MODELS[section["name"]](**{**values, "group": run.group, "match_parameters": target})
        values |= {"group": run.group, "width": twin.matched(dataset.image_shape, dataset.num_classes).width}
    if run.without:
        values["without"] = run.without
    return RunConfig.from_config_dict(
        {
            "seed": run.seed,
            "model": {"name": section["name"], **values},
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 40},
            "training": {"batch_size": BATCH, "steps": STEPS, "eval_every": STEPS, "eval_batch_size": 250},
        }
    )


def one_run(run: Run, folder: str, out: Path) -> dict[str, float]:
    """Trains and tests, or reads what was found."""
    workdir = out / "runs" / run.folder
    found = workdir / "test.json"
    if found.exists():
        return json.loads(found.read_text(encoding="utf-8"))
    dataset = load(run.data, NETWORKS[run.network][1], folder)
    config = configuration(run, dataset)
    started = time.perf_counter()
    result = train(config, workdir, dataset=dataset)
    minutes = (time.perf_counter() - started) / 60
    predict, task = predictor(result.model), config.task.for_dataset(dataset)
    images, labels = np.asarray(dataset.test.images), np.asarray(dataset.test.labels)
    classes = np.stack([predicted_classes(predict, moved) for moved in _orbit(images)])
    accuracies = (classes == labels).mean(1)
    turned = rotation_sweep(predict, dataset.test, task, [45.0], batch_size=250)[0]
    measured = {
        "accuracy": float(accuracies[0]),
        "accuracy_mean": float(accuracies.mean()),
        "accuracy_worst": float(accuracies.min()),
        "accuracy_45": float(turned["accuracy"]),
        "consistency": float((classes == classes[0]).all(0).mean()),
        "parameters": count_parameters(result.model),
        "minutes": round(minutes, 2),
    }
    found.write_text(json.dumps(measured), encoding="utf-8")
    return measured


def run(preset: str, out: Path) -> None:
    """Trains and tests what is not there yet, and writes the tables."""
    if preset not in ("fast", "full"):
        raise unknown("preset", preset, ["fast", "full"])
    folder = data_folder("eurosat")
    train_and_test(folder, out, list(runs(preset)))
    write_tables(out, out, folder, list(runs(preset)))


def train_and_test(folder: str, out: Path, wanted: Sequence[Run]) -> None:
    """Makes the runs that are not there yet; says after each how far it is."""
    todo = [r for r in wanted if not (out / "runs" / r.folder / "test.json").exists()]
    started = time.perf_counter()
    for done, one in enumerate(todo, 1):
        found = one_run(one, folder, out)
        minutes = (time.perf_counter() - started) / 60
        print(
            f"{done}/{len(todo)} {one.folder}: accuracy {found['accuracy']:.3f}, worst of eight"
            f" {found['accuracy_worst']:.3f}, consistency {found['consistency']:.3f}; {minutes:.1f} min so far",
            flush=True,
        )
        jax.clear_caches()


def write_tables(out: Path, tables: Path, folder: str, wanted: Sequence[Run]) -> None:
    """The tables of what is there: of networks whose twins are there too."""
    rows: dict[bool, list[Row]] = {True: [], False: []}

    def tested(one: Run) -> bool:
        return (out / "runs" / one.folder / "test.json").exists()

    for one in wanted:
        file = out / "runs" / one.folder / "test.json"
        twins = GROUPS if not one.without else ("C1", "C4")
        if not all(tested(dataclasses.replace(one, group=group)) for group in twins):
            continue
        measured = {k: float(f"{v:.5g}") for k, v in json.loads(file.read_text(encoding="utf-8")).items()}
        about: dict[str, Value] = {"data": one.data, "network": one.network, "group": one.group, "seed": one.seed}
        ablated = one.network == "AlexNet" and one.group != "D4" and one.data == "eurosat"
        every = itertools.product(("C1", "C4"), REMOVED)
        if ablated and all(tested(dataclasses.replace(one, group=g, without=left_out)) for g, left_out in every):
            rows[True].append({"without": " ".join(one.without) or "none", **about, **measured, **circumstances()})
        if not one.without:
            rows[False].append({**about, **measured, "steps": STEPS, **circumstances()})
    write_csv(tables / "results.csv", rows[False])
    if any(row["without"] != "none" for row in rows[True]):
        write_csv(tables / "ablation.csv", rows[True])
    names = [name for name in NETWORKS if any(row["network"] == name for row in rows[False])]
    write_csv(tables / "costs.csv", costs(folder, names))


def costs(folder: str, networks: Sequence[str], rounds: int = 10) -> list[Row]:
    """Parameters, layers with weights, multiply-adds, and the time of a training step, the groups taking turns."""
    table: list[Row] = []
    for network in networks:
        dataset = load("eurosat", NETWORKS[network][1], folder)
        steps: dict[str, Callable[[], None]] = {}
        rows: dict[str, dict[str, Value]] = {}
        for group in GROUPS:
            config = configuration(Run("eurosat", network, group, 0), dataset)
            model = build_model(config, dataset)
            size = dataset.image_shape[:2]
            rows[group] = {
                "network": network,
                "group": group,
                "parameters": count_parameters(model),
                "depth": depth(model, size),
                "multiply_adds": model.multiply_adds(size),
            }
            images, labels = np.asarray(dataset.train.images[:BATCH]), np.asarray(dataset.train.labels[:BATCH])
            batch = {"image": unit_interval(images), "label": jnp.asarray(labels)}
            optimizer = config.optimizer.build(lambda step: 1e-3)
            steps[group] = stepper(model, config.task.for_dataset(dataset), optimizer, batch)
        times: dict[str, list[float]] = {group: [] for group in GROUPS}
        for _ in range(rounds):
            for group, step in steps.items():
                started = time.perf_counter()
                step()
                times[group].append(time.perf_counter() - started)
        for group, row in rows.items():
            ratios = [a / b for a, b in zip(times[group], times["C1"], strict=True)]
            row["relative_step_time"] = round(statistics.median(ratios), 2)
            table.append({**row, **circumstances()})
    return table


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "results.csv", ("data", "network", "group", "seed", "accuracy", "consistency"), COMMAND)
    seeds = ", ".join(str(s) for s in distinct(table, "seed"))
    sentences = [f"{len(table)} runs, seeds {seeds}; means over the seeds."]
    for data in map(str, distinct(table, "data")):
        here = [r for r in table if r["data"] == data]
        for network in map(str, distinct(here, "network")):
            words = ", ".join(
                f"{group} {mean(here, 'accuracy', network, group):.3f}"
                f" (worst of eight {mean(here, 'accuracy_worst', network, group):.3f},"
                f" consistency {mean(here, 'consistency', network, group):.3f})"
                for group in map(str, distinct([r for r in here if r["network"] == network], "group"))
            )
            sentences.append(f"{data}, {network}: accuracy {words}.")
    return sentences


def mean(table: Sequence[Row], measure: str, network: str, group: str) -> float:
    """The mean of a measure over the seeds."""
    return statistics.mean(float(r[measure]) for r in table if (r["network"], r["group"]) == (network, group))


def _first(split: Split) -> Split:
    """The first images of a split."""
    count = min(TEST_SIZE, len(split.images))
    return Split(np.asarray(split.images[:count]), np.asarray(split.labels[:count]))


def _orbit(images: np.ndarray) -> Iterator[np.ndarray]:
    """The images under the eight symmetries of the square, themselves first."""
    for mirrored in (images, images[:, :, ::-1]):
        for quarter in range(4):
            yield np.ascontiguousarray(np.rot90(mirrored, quarter, axes=(1, 2)))


def _turned(split: Split, seed: int) -> Split:
    """Every image turned by an angle of its own."""
    images = unit_interval(np.asarray(split.images))
    turn = jax.jit(Augmentation(rotation=180.0).__call__)
    parts = [turn(images[i : i + 500], jax.random.fold_in(jax.random.key(seed), i)) for i in range(0, len(images), 500)]
    return Split(np.clip(np.concatenate([np.asarray(part) for part in parts]), 0, 1), np.asarray(split.labels))


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    """For C4 twins the four mirrored accuracies are equal: what the mean leaves for them is what the worst may be."""
    about = ("data", "network", "group", "seed")
    measures = ("accuracy", "accuracy_mean", "accuracy_worst", "consistency", "parameters")
    table = read_csv(out / "results.csv", (*about, *measures), COMMAND)
    yield from numbers(table, about, *measures)
    plain = {(r["data"], r["network"], r["seed"]): float(r["parameters"]) for r in table if r["group"] == "C1"}
    for r in table:
        upright, middle, worst, same, parameters = (float(r[measure]) for measure in measures)
        target = plain[r["data"], r["network"], r["seed"]]
        found = f"{named(r, *about)} has {parameters:,.0f} parameters, the plain network {target:,.0f}"
        # the width of a DenseNet is its growth, a small whole number: its C4 twin has less than half of the parameters
        yield abs(parameters / target - 1) <= (0.6 if r["network"] == "DenseNet-40" else 0.05), found
        found = f"{named(r, *about)}: {same:.1%} keep their class under all eight symmetries"
        if r["group"] == "D4":
            yield same > 0.99, found
            found = f"{named(r, *about)}: accuracy {upright:.1%}, worst of eight {worst:.1%}"
            yield abs(worst - upright) <= 0.01, found
        elif r["group"] == "C4":
            mirrored = 2 * middle - upright
            found = f"{named(r, *about)}: quarter turns matter: accuracy {upright:.2%}"
            found = f"{found}, mean of eight {middle:.2%}, worst {worst:.2%}"
            yield abs(worst - min(upright, mirrored)) <= 0.002, found
        else:
            yield same < 0.95, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, help="prepared TensorFlow Datasets folder")
    parser.add_argument("--out", default="out/depth_width_symmetry", help="folder of the runs")
    parser.add_argument("--tables", default="experiments/results/depth_width_symmetry", help="folder of the tables")
    parser.add_argument("--only_tables", action="store_true", help="train nothing, write the tables of what is there")
    parser.add_argument("--networks", help="those alone, separated by commas")
    arguments = parser.parse_args()
    out, tables = Path(arguments.out), Path(arguments.tables)
    chosen = arguments.networks.split(",") if arguments.networks else list(NETWORKS)
    wanted = [r for r in runs("full") if r.network in chosen]
    if not arguments.only_tables:
        train_and_test(arguments.data_dir, out, wanted)
    write_tables(out, tables, arguments.data_dir, list(runs("full")))


if __name__ == "__main__":
    main()
