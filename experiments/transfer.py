"""What a trained network is worth for another task with few images: as it is, fine-tuned, or not at all.

    GEOMDL_DATA=FOLDER geomdl reproduce transfer [--preset=fast|full]

Claim: whatever is trained, and from whichever weights, the C4 network gives digits the same class when they turn by
90°; and with 250 images it is better than the plain network, fine-tuned and from scratch. Whether clothes help with
digits is not claimed, but found out.

Source: the two networks of about 25,000 parameters that come along with geomdl and know upright Fashion-MNIST, one
plain (C1), one of the group C4. Target: handwritten digits, each turned by an angle of its own (regenerated
MNIST-rot), of which 10, 50 or 250 are there to learn from; accuracy is that on 2,000 others. Three ways:

* ``features``: everything but the last layer is frozen, batch norm with its statistics (``training.frozen="*,!N"``,
  ``training.batch_norm="frozen"``);
* ``fine-tuned``: all parameters are trained, the body with a tenth of the learning rate of the last layer;
* ``from scratch``: the same network with random weights.

150 steps of Adam with a rate of 0.01, of 0.1 where the last layer is trained alone; nothing else was tuned. Which
digits are there is a function of the seed. Writes ``results.csv``: per network, way, number of images and seed the
accuracy, and the share of test digits whose class stays the same when they are turned by 90°. Runs that are finished
are not repeated. Fast: 10 and 50 images, one seed.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.parts.prepared_data import data_folder, nested_subset, predicted_classes
from geomdl.data import Dataset, Split, data_config
from geomdl.errors import unknown
from geomdl.evaluators import predictor
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.training import RunConfig, load_trained, train

SOURCES = {"C1": "fashion_mnist_gcnn_c1", "C4": "fashion_mnist_gcnn_c4"}
WAYS = ("features", "fine-tuned", "from scratch")
COUNTS, SEEDS, STEPS, TEST = (10, 50, 250), (0, 1, 2), 150, 2000
RATES = {"features": 0.1, "fine-tuned": 0.01, "from scratch": 0.01}

COMMAND = "GEOMDL_DATA=FOLDER geomdl reproduce transfer"


@dataclasses.dataclass(frozen=True)
class Run:
    """One run."""

    network: str
    way: str
    count: int
    seed: int

    @property
    def name(self) -> str:
        """Of its file of results."""
        return f"{self.network}-{self.way.replace(' ', '-')}-{self.count}-{self.seed}"


def runs(preset: str) -> Iterator[Run]:
    """All runs of a preset, those with few images first."""
    counts, seeds = {"fast": (COUNTS[:2], SEEDS[:1]), "full": (COUNTS, SEEDS)}[preset]
    for seed, count, way, network in itertools.product(seeds, counts, WAYS, SOURCES):
        yield Run(network, way, count, seed)


@functools.lru_cache(maxsize=1)
def pool(folder: str, seed: int) -> Dataset:
    """The turned digits of a seed."""
    return data_config(
        "mnist_rot", data_dir=folder, train_size=max(COUNTS), validation_size=100, test_size=TEST, seed=seed
    ).load()


def digits(folder: str, count: int, seed: int) -> Dataset:
    """Digits to learn from, as many of each class as can be, and to test on."""
    found = pool(folder, seed)
    labels = np.asarray(found.train.labels)
    chosen = nested_subset(labels, count)
    images = np.asarray(found.train.images)[chosen]
    return dataclasses.replace(found, train=Split(images, labels[chosen]))


def configuration(run: Run, dataset: Dataset) -> RunConfig:
    """The config of a run."""
    source = load_trained(f"pretrained:{SOURCES[run.network]}")
    model = dict(source.config.to_dict()["model"])
    last = f"{len(source.model.layers) - 1}"
    training: dict[str, Any] = {"batch_size": min(32, len(dataset.train)), "steps": STEPS, "eval_every": STEPS}
    if run.way != "from scratch":
        model["init_from"] = f"pretrained:{SOURCES[run.network]}"
    if run.way == "features":
        training |= {"frozen": f"*,!{last}", "batch_norm": "frozen"}
    if run.way == "fine-tuned":
        training |= {"learning_rates": f"*=0.1,{last}=1"}
    return RunConfig.from_config_dict(
        {
            "seed": run.seed,
            "model": model,
            "optimizer": {"name": "adam", "learning_rate": RATES[run.way], "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": training,
        }
    )


def one_run(run: Run, folder: str, out: Path) -> dict[str, float]:
    """Trains and tests, or reads what was found."""
    found = out / "runs" / f"{run.name}.json"
    if found.exists():
        return json.loads(found.read_text(encoding="utf-8"))
    dataset = digits(folder, run.count, run.seed)
    config = configuration(run, dataset)
    with tempfile.TemporaryDirectory() as workdir:
        result = train(config, Path(workdir) / "run", dataset=dataset)
    predict, images = predictor(result.model), np.asarray(dataset.test.images)
    upright, turned = (predicted_classes(predict, x) for x in (images, np.rot90(images, axes=(1, 2))))
    measured = {
        "accuracy": float((upright == np.asarray(dataset.test.labels)).mean()),
        "consistency": float((upright == turned).mean()),
    }
    found.parent.mkdir(parents=True, exist_ok=True)
    found.write_text(json.dumps(measured), encoding="utf-8")
    return measured


def run(preset: str, out: Path) -> None:
    """Trains and tests what is not there yet, and writes the table."""
    if preset not in ("fast", "full"):
        raise unknown("preset", preset, ["fast", "full"])
    folder = data_folder("mnist")
    carry_out(folder, out, list(runs(preset)))


def carry_out(folder: str, out: Path, wanted: Sequence[Run]) -> None:
    """Makes the runs, and the table of them."""
    rows: list[Row] = []
    for i, one in enumerate(wanted, 1):
        found = one_run(one, folder, out)
        print(f"{i}/{len(wanted)} {one.name}: accuracy {found['accuracy']:.3f}", flush=True)
        about = {"network": one.network, "way": one.way, "images": one.count, "seed": one.seed}
        rows.append({**about, **{key: float(f"{value:.4g}") for key, value in found.items()}})
        jax.clear_caches()
    write_csv(out / "results.csv", rows)


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the table."""
    rows = read_csv(out / "results.csv", ("network", "way", "images", "seed", "accuracy"), COMMAND)
    seeds = len(distinct(rows, "seed"))
    means = mean_over(rows, over="seed", by=["network", "way", "images"])
    at = {(str(r["network"]), str(r["way"]), int(r["images"])): float(r["accuracy"]) for r in means}
    of = "one seed" if seeds == 1 else f"means of {seeds} seeds"
    lines = [f"Turned digits, networks trained on upright clothes; {of}."]
    for count in sorted({key[2] for key in at}):
        parts = [
            f"{network} {', '.join(f'{way} {at[network, way, count]:.1%}' for way in WAYS)}" for network in SOURCES
        ]
        lines.append(f"{count} images: {'; '.join(parts)}.")
    best = {count: max((key for key in at if key[2] == count), key=at.__getitem__) for count in {k[2] for k in at}}
    lines += [f"Best with {count} images: {best[count][0]}, {best[count][1]}." for count in sorted(best)]
    return lines


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    rows = read_csv(out / "results.csv", ("network", "way", "images", "seed", "accuracy", "consistency"), COMMAND)
    found = [
        f"{1 - float(r['consistency']):.1%} of the digits that turn by 90° change class under C4 ({r['way']},"
        f" {r['images']} images, seed {r['seed']})"
        for r in rows
        if r["network"] == "C4" and not float(r["consistency"]) > 0.998  # ties of two classes may fall either way
    ]
    means = mean_over(rows, over="seed", by=["network", "way", "images"])
    at = {(str(r["network"]), str(r["way"]), int(r["images"])): float(r["accuracy"]) for r in means}
    for way in WAYS[1:]:
        if ("C4", way, COUNTS[-1]) in at and not at["C4", way, COUNTS[-1]] > at["C1", way, COUNTS[-1]]:
            found.append(f"with {COUNTS[-1]} images the plain network is as good as C4, {way}")
    return found


def main() -> None:
    """Runs the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--out", type=Path, default=Path("out/transfer"))
    arguments = parser.parse_args()
    carry_out(arguments.data_dir, arguments.out, list(runs("full")))


if __name__ == "__main__":
    main()
