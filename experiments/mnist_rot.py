"""Test error on regenerated MNIST-rot, plain, augmented and averaged over turns, by the group of the network.

    geomdl reproduce mnist_rot [--preset=fast|full]
    python -m experiments.mnist_rot --preset=two_cores

Claim: with about as many parameters, networks equivariant to rotations err less than the CNN, and C8 and finer groups
less than C4. Neither random rotations in training nor averaging the predictions over turns of the test image closes
the gap, though averaging helps the CNN. (One would expect that random rotations help the CNN most. In the results of
two epochs they change no network by more than 0.4 points: every digit is turned anyway, and none has been learnt by
heart.)

Protocol: 10,000 training, 2,000 validation and 50,000 test digits of MNIST, each turned by its own uniform angle.
These are not the published files, whose angles are unknown. ``none``: no augmentation; ``augmentation``: every digit
is turned by another uniform angle in every epoch; ``averaging``: the network trained without augmentation, its
probabilities averaged over the turns by multiples of 72°, which no group of the table but SO(2) has.

Networks (Weiler & Cesa 2019): six convolutions to regular fields, C1 being the CNN; D16 restricted to C16 after five
of them; and a harmonic network on SO(2) with Fourier nonlinearities. Presets:

* ``fast``: scikit-learn's digits in place of MNIST, 28 × 28 pixels, turned; four of the networks; 6 epochs, one seed.
* ``two_cores``: all networks at about 12,000 parameters, 2 epochs of batches of 32, Adam 0.01 along a cosine, 3 seeds,
  the first 10,000 of the test digits (5,000 averaged). The folder that ``GEOMDL_DATA`` names has ``mnist`` prepared.
* ``full``: for one GPU: the published widths and schedules, 30 or 40 epochs, the whole test set, 5 seeds.

Writes ``errors.csv``; runs that are finished are not made again.
"""

import argparse
import dataclasses
import functools
import importlib
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, alike, means, numbers, unmet
from experiments.parts.order_networks import turned_digits
from experiments.parts.prepared_data import data_folder
from geomdl.data import Dataset, Split, data_config
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import Metrics, Predict, orbit_average, predictor
from geomdl.layers import with_method
from geomdl.models import count_parameters, summarize
from geomdl.plots import Row, distinct, read_csv, write_csv
from geomdl.tasks import Task
from geomdl.training import RunConfig, RunProgress, train

COMMAND = "geomdl reproduce mnist_rot"
WAYS = {"none": {}, "augmentation": {"rotation": 180.0}}
"""Augmentation of the training digits."""
AVERAGED_OVER = "C5"
"""The turns over which predictions are averaged."""
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "CNN": ("mnist_rot_benchmark_c16", {"name": "mnist_benchmark", "group": "C1"}),
    "C4": ("mnist_rot_benchmark_c16", {"name": "mnist_benchmark", "group": "C4"}),
    "C8": ("mnist_rot_benchmark_c16", {"name": "mnist_benchmark", "group": "C8"}),
    "C16": ("mnist_rot_benchmark_c16", {"name": "mnist_benchmark", "group": "C16"}),
    "D16→C16": ("mnist_rot_final_d16_c16", {"name": "mnist_benchmark", "group": "D16", "restrict_to": "C16"}),
    "SO(2)": ("mnist_rot_harmonic_so2", {"name": "harmonic", "group": "SO2", "nonlinearity": "fourier"}),
}
"""The config of the published network, and the model of the smaller ones."""


@dataclasses.dataclass(frozen=True)
class Published:
    """A test error in percent that a paper reports, on the original files.

    Args:
      name: of the network, as the paper has it.
      source: the paper.
      error: without averaging over turns of the test image, mean where there are several runs.
      averaged: with it, where it is reported.
      network: which of ours it is, if any.
    """

    name: str
    source: str
    error: float
    averaged: float | None = None
    network: str = ""


PUBLISHED = (
    Published("Z2CNN", "Cohen & Welling 2016", 5.03, network="CNN"),
    Published("P4CNN", "Cohen & Welling 2016", 2.28, network="C4"),
    Published("PDO-eConv, 26,000 parameters", "Shen et al. 2020", 1.87),
    Published("H-Net", "Worrall et al. 2017", 1.69),
    Published("RotEqNet", "Marcos et al. 2017", 1.09, 1.01),
    Published("C16", "Weiler & Cesa 2019", 0.716, network="C16"),
    Published("D16→C16", "Weiler & Cesa 2019", 0.682, network="D16→C16"),
    Published("SO(2), Fourier", "Cesa, Lang & Weiler 2022", 0.685, network="SO(2)"),
)
"""Trained on 12,000 digits and tested on 50,000; which augmentation they use differs."""


@dataclasses.dataclass(frozen=True)
class Preset:
    """What is trained, and for how long.

    Args:
      networks: their names.
      seeds: of everything random but the choice of digits and their angles.
      parameters: about how many the networks have; None: the published networks and schedules.
      epochs: of training, where the networks are not the published ones.
      tested, averaged: how many test digits, and how many of them with averaged predictions.
      data: ``"mnist_rot"``, or ``"digits"`` for those of scikit-learn.
    """

    networks: tuple[str, ...]
    seeds: range
    parameters: int | None = None
    epochs: float = 2
    tested: int = 50_000
    averaged: int = 50_000
    data: str = "mnist_rot"


PRESETS = {
    "fast": Preset(("CNN", "C4", "C8", "C16"), range(1), 12_000, 6, 700, 350, "digits"),
    "two_cores": Preset(tuple(NETWORKS), range(3), 12_000, 2, 10_000, 5_000),
    "full": Preset(tuple(NETWORKS), range(5)),
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training."""

    network: str
    way: str
    seed: int

    @property
    def folder(self) -> str:
        """Of its results."""
        return f"{re.sub('[()]', '', self.network).replace('→', '-')}-{self.way}-seed{self.seed}"


@functools.lru_cache(maxsize=1)
def load(data: str) -> Dataset:
    """The turned digits."""
    if data == "digits":
        options = {"size": 28, "train_size": 1000, "validation_size": 97, "test_size": 700}
        return turned_digits(data_config("digits", **options).load())
    return data_config("mnist_rot", data_dir=data_folder("mnist")).load()


def configuration(run: Run, preset: Preset) -> RunConfig:
    """The config of a run; of the published networks their own, with the group and augmentation of the run."""
    published, model = NETWORKS[run.network]
    if preset.parameters is None:
        values = importlib.import_module(f"configs.{published}").get_config().to_dict()
        if model["name"] == values["model"]["name"] == "mnist_benchmark":
            values["model"] |= {"group": model["group"], "equal_parameters": True}
    else:
        values = {
            "model": {**model, "match_parameters": preset.parameters},
            "optimizer": {"name": "adam", "learning_rate": 0.01, "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 30},
            "training": {"batch_size": 32, "epochs": preset.epochs, "eval_every": 100_000},
        }
    return RunConfig.from_config_dict({**values, "seed": run.seed, "augmentation": WAYS[run.way]})


def one_run(run: Run, preset: Preset, out: Path) -> Row:
    """Trains and tests, or reads what was found."""
    found = out / "runs" / f"{run.folder}.json"
    if found.exists():
        return json.loads(found.read_text(encoding="utf-8"))
    dataset, config = load(preset.data), configuration(run, preset)
    result = train(config, out / "runs" / run.folder, dataset=dataset)
    task, predict = config.task.for_dataset(dataset), predictor(result.model)
    row: dict[str, Any] = {
        **dataclasses.asdict(run),
        "parameters": count_parameters(result.model),
        "epochs": config.training.epochs or 0.0,
        "validation_accuracy": float(f"{result.best['accuracy']:.5g}"),
        "error": error_in_percent(predict, task, dataset, preset.tested),
        "tested": preset.tested,
        "same_error": "",
        "averaged_error": "",
        "averaged": "",
    }
    if run.way == "none":
        averaging = orbit_average(predict, task, AVERAGED_OVER)
        row |= {
            "same_error": error_in_percent(predict, task, dataset, preset.averaged),
            "averaged_error": error_in_percent(averaging, task, dataset, preset.averaged),
            "averaged": preset.averaged,
        }
    row |= {"data": preset.data, **circumstances()}
    found.write_text(json.dumps(row), encoding="utf-8")
    return row


def error_in_percent(predict: Predict, task: Task, dataset: Dataset, count: int) -> float:
    """The share, in percent, of the first test digits that get a wrong class.

    Args:
      predict: images to scores.
      task: the classification.
      dataset: of the digits.
      count: how many.
    """
    part = Split(np.asarray(dataset.test.images[:count]), np.asarray(dataset.test.labels[:count]))
    return float(f"{100 * (1 - Metrics()(predict, part, task)['accuracy']):.4g}")


def run(preset: str, out: Path) -> None:
    """Trains and tests what is not there yet, and writes the table."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    carry_out(PRESETS[preset], out)


def carry_out(preset: Preset, out: Path) -> None:
    """Makes the runs of a preset, and the table of them after each."""
    runs = [Run(*parts) for parts in itertools.product(preset.networks, WAYS, preset.seeds)]
    rows: list[Row] = []
    with RunProgress(sorted(runs, key=lambda r: r.seed), "MNIST-rot") as bar:
        for one in bar:
            bar.note(one.folder)
            rows.append(one_run(one, preset, out))
            write_csv(out / "errors.csv", rows)


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the table."""
    table = read_csv(out / "errors.csv", ("network", "way", "seed", "error", "same_error", "averaged_error"), COMMAND)
    seeds = len(distinct(table, "seed"))
    lines = [
        f"{table[0]['tested']} test digits ({table[0]['data']}), {'one seed' if seeds == 1 else f'{seeds} seeds'};"
        " test error trained without and with random rotations, and averaged over five turns."
    ]
    plain, same, averaged = means(table, "error", "network", "way"), *averaged_errors(table)
    for name in distinct(table, "network"):
        values = (plain[name, "none"], plain[name, "augmentation"], same[(name,)], averaged[(name,)])
        words = "{:.2f} %, augmented {:.2f} %; of the digits for averaging {:.2f} %, averaged {:.2f} %."
        lines.append(f"{name}: {words.format(*values)}")
    return lines


def averaged_errors(table: Sequence[Row]) -> tuple[dict[tuple, float], dict[tuple, float]]:
    """The errors of plain and of averaged predictions on the same digits, by network."""
    rows = [r for r in table if r["way"] == "none"]
    return means(rows, "same_error", "network"), means(rows, "averaged_error", "network")


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    about = ("network", "way", "seed")
    table = read_csv(
        out / "errors.csv", (*about, "error", "same_error", "averaged_error", "parameters", "epochs"), COMMAND
    )
    yield from numbers(table, about, "error", "parameters")
    if float(table[0]["epochs"]) < 30:  # the published networks are not equally large
        yield from alike(table, "parameters", 1.15)
    plain, same, averaged = means(table, "error", "network", "way"), *averaged_errors(table)
    networks = [str(n) for n in distinct(table, "network")]

    def less(a: float, b: float, words: str) -> Claim:
        return a < b, f"{words}: {a:.2f} and {b:.2f} %"

    for name, way in itertools.product(networks, WAYS):
        if name != "CNN":
            yield less(plain[name, way], plain["CNN", way], f"errors of {name} and of the CNN, {way}")
        if name not in ("CNN", "C4"):
            yield less(plain[name, way], plain["C4", way], f"errors of {name} and C4, {way}")
    best = min(v for (name, way), v in plain.items() if name != "CNN" and way == "none")
    yield less(best, plain["CNN", "augmentation"], "errors of the best network, not augmented, and the CNN, augmented")
    yield less(averaged[("CNN",)], same[("CNN",)], "errors of the CNN, averaged and not")
    yield less(
        min(v for (n,), v in same.items() if n != "CNN"),
        averaged[("CNN",)],
        "errors of the best network, not averaged, and the CNN, averaged",
    )


def teraflops(preset: Preset) -> dict[str, float]:
    """Floating-point operations, in 10^12, of all trainings of each network by dense convolutions.

    Three times those of a forward pass for each image of each epoch: forwards, and backwards for images and weights.
    """
    found = {}
    for name in preset.networks:
        config = configuration(Run(name, "none", 0), preset)
        dense: Any = with_method(config.model.build((28, 28, 1), 10, rngs=nnx.Rngs(0)), "dense")
        macs = summarize(dense, (28, 28, 1))
        images = 10_000 * float(config.training.epochs or 0) * len(WAYS) * len(preset.seeds)
        found[name] = 3 * 2 * macs.multiply_adds * images / 1e12
    return found


def main() -> None:
    """Runs a preset by name, also those that `geomdl reproduce` does not have; or says how much work it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="fast", choices=list(PRESETS))
    parser.add_argument("--out", type=Path, default=Path("out/mnist_rot"))
    parser.add_argument("--work", action="store_true", help="only print how many operations the trainings take")
    arguments = parser.parse_args()
    if arguments.work:
        work = teraflops(PRESETS[arguments.preset])
        print(*(f"{name}: {value:,.0f} TFLOP" for name, value in work.items()), sep="\n")
        print(
            f"together {sum(work.values()):,.0f} TFLOP: at a sustained 10 TFLOP/s {sum(work.values()) / 36e3:.1f} hours"
        )
        return
    run(arguments.preset, arguments.out)
    for line in conclusions(arguments.out):
        print(line)
    for line in contradicted(arguments.out):
        print(f"contradicted: {line}")


if __name__ == "__main__":
    main()
