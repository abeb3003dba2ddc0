"""Sample efficiency: accuracy against the number of training images, by what is built into the network.

    geomdl reproduce sample_efficiency [--preset=fast|full]
    GEOMDL_DATA=FOLDER geomdl reproduce sample_efficiency --preset=full

Claim: what a network need not learn saves images. With 100 and 300 of them networks without shared weights (dense or
locally connected) are worse than the CNN, and the CNN (the same network of the group C1) worse than C4 and C8, on
turned digits and on satellite images; C8 is no worse than C4. On digits the difference between CNN and C8 is smaller
with all images than with 100. Where the gain is known, in kernel regression of functions that are invariant under a
group of order N that moves every point, the invariant learner needs N times fewer samples, within the 95 % interval of
the fit.
Whether locally connected networks are better than dense ones is not claimed, but found out.

Data: scikit-learn's digits, 16 × 16 pixels, each turned by an angle of its own, 1,000 to learn from and 700 for the
test; with the full preset also EuroSAT (satellite images, prepared by TensorFlow Datasets in the folder that
``GEOMDL_DATA`` names), brought to 16 × 16 pixels, 3,000 to learn from and 1,000 for the test: an image has no upright
there. CNN, C4, C8 and D8 are one architecture (``off_grid``, steerable kernels, mean over the pixels) at about 8,000
parameters, the MLP too; the locally connected network has no fewer than it has with one channel. 300 steps of Adam with
32 images, the same for all and not tuned; the last parameters are tested. Seed 0 and up to 300 images (fast), or seeds
0 to 2 (full); the seed also chooses which images are there. Runs that are finished are not repeated. Writes

* ``accuracy.csv``: per data, network, number of images and seed the accuracy on the test images;
* ``regression.csv``, ``gains.csv``: see experiments/known_gain.py.

References: Weiler, Hamprecht & Storath, Learning steerable filters for rotation equivariant CNNs, CVPR 2018, figure 5;
Lahoti, Karp, Winston, Singh & Li, Role of locality and weight sharing in image-based tasks, ICLR 2024; Elesedy & Zaidi,
Provably strict generalisation benefit for equivariant models, ICML 2021.
"""

import dataclasses
import functools
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments import known_gain
from experiments.parts.claims import Claim, means, numbers, unmet
from experiments.parts.fitting import Fitter
from experiments.parts.order_networks import SETTINGS, turned_digits
from experiments.parts.prepared_data import data_folder, nested_subset
from geomdl.data import Dataset, data_config
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.models import MODELS
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.training import RunProgress

COMMAND = "geomdl reproduce sample_efficiency"
NETWORKS: dict[str, dict[str, Any]] = {
    "MLP": {"name": "mlp", "match_parameters": 8000},
    "locally connected": {"name": "local", "width": 1.0, "hidden": 32},
    "CNN": {"name": "off_grid", "group": "C1", "match_parameters": 8000},
    "C4": {"name": "off_grid", "group": "C4", "match_parameters": 8000},
    "C8": {"name": "off_grid", "group": "C8", "match_parameters": 8000},
    "D8": {"name": "off_grid", "group": "D8", "match_parameters": 8000},
}
COUNTS = {"digits": (10, 30, 100, 300, 1000), "eurosat": (10, 30, 100, 300, 1000, 3000)}
RATES = {"MLP": 0.003, "locally connected": 0.003}
STEPS, BATCH, SIDE, TEST = 300, 32, 16, 1000
FEW = (100, 300)
"""Numbers of images of which the claim speaks."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One training."""

    data: str
    network: str
    images: int
    seed: int

    @property
    def file(self) -> str:
        """Of its result."""
        return f"{self.data}-{self.network.replace(' ', '-').lower()}-{self.images}-{self.seed}.json"


def runs(preset: str) -> Iterator[Run]:
    """All runs of a preset, network by network, so that each is compiled once."""
    if preset == "fast":
        for network, images in itertools.product(NETWORKS, COUNTS["digits"][:4]):
            yield Run("digits", network, images, 0)
        return
    for data, network in itertools.product(COUNTS, NETWORKS):
        for seed, images in itertools.product(range(3), COUNTS[data]):
            yield Run(data, network, images, seed)


@functools.lru_cache(maxsize=1)
def load(data: str) -> Dataset:
    """The images."""
    if data == "digits":
        return turned_digits(data_config(**SETTINGS["digits"].data).load())
    options = {"validation_fraction": 0.05, "test_fraction": 0.4, "train_size": COUNTS[data][-1]}
    return data_config("tfds:eurosat/rgb", data_dir=data_folder("eurosat"), size=SIDE, **options).load()


@functools.lru_cache(maxsize=1)
def fitter(data: str, network: str) -> Fitter:
    """Of a network."""
    dataset, values = load(data), dict(NETWORKS[network])
    config = MODELS[values.pop("name")](**values)
    rate = RATES.get(network, 0.01)
    return Fitter(config, dataset.image_shape, dataset.num_classes, steps=STEPS, batch=BATCH, rate=rate)


def one_run(run: Run, out: Path) -> Row:
    """Trains and tests, or reads what was found."""
    found = out / "runs" / run.file
    if not found.exists():
        dataset, fit = load(run.data), fitter(run.data, run.network)
        images, labels = np.asarray(dataset.train.images), np.asarray(dataset.train.labels)
        chosen = nested_subset(labels, run.images, run.seed)
        predict = fit.fit(images[chosen], labels[chosen], run.seed)
        test, classes = np.asarray(dataset.test.images)[:TEST], np.asarray(dataset.test.labels)[:TEST]
        accuracy = float((predict(test).argmax(-1) == classes).mean())
        row = {**dataclasses.asdict(run), "accuracy": float(f"{accuracy:.5g}"), "parameters": fit.parameters}
        row |= {"steps": STEPS, "test_images": len(test), **circumstances()}
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_text(json.dumps(row), encoding="utf-8")
    return json.loads(found.read_text(encoding="utf-8"))


def run(preset: str, out: Path) -> None:
    """Makes the runs that are not there yet, and the tables."""
    if preset not in ("fast", "full"):
        raise unknown("preset", preset, ["fast", "full"])
    wanted = list(runs(preset))
    if preset == "full" and "GEOMDL_DATA" not in os.environ:
        print("eurosat is left out: GEOMDL_DATA does not say where it is prepared")
        wanted = [one for one in wanted if one.data != "eurosat"]
    carry_out(wanted, out)
    regression(out, *((3, 40) if preset == "full" else (2, 12)))


def carry_out(wanted: Sequence[Run], out: Path) -> None:
    """Makes the runs, and the table of them."""
    rows: list[Row] = []
    with RunProgress(list(wanted), "sample efficiency") as bar:
        for one in bar:
            bar.note(f"{one.data}, {one.network}, {one.images} images, seed {one.seed}")
            rows.append(one_run(one, out))
    write_csv(out / "accuracy.csv", rows)


def regression(out: Path, octaves: int, repeats: int) -> None:
    """The two tables of kernel regression."""
    curves = [known_gain.curves(task, octaves, repeats) for task in known_gain.TASKS]
    gaps = [known_gain.augmentation_gap(task) for task in known_gain.TASKS]
    write_csv(out / "regression.csv", [row for rows in curves for row in rows])
    table = [{**known_gain.fitted(rows), "gap": float(f"{gap:.2g}")} for rows, gap in zip(curves, gaps, strict=True)]
    write_csv(out / "gains.csv", [{**row, "repeats": repeats} for row in table])


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "accuracy.csv", ("data", "network", "images", "seed", "accuracy"), COMMAND)
    gains = read_csv(out / "gains.csv", _GAINS, COMMAND)
    seeds = len(distinct(table, "seed"))
    lines = [f"Accuracy on the test images, {'one seed' if seeds == 1 else f'means of {seeds} seeds'}."]
    averaged = mean_over(table, over="seed", by=["data", "network", "images"])
    for data, images in ((d, n) for d in distinct(averaged, "data") for n in _counts(averaged, str(d))):
        here = [r for r in averaged if (r["data"], r["images"]) == (data, images)]
        words = ", ".join(f"{r['network']} {r['accuracy']:.1%}" for r in here)
        lines.append(f"{data}, {images:,} images: {words}.")
    for data in map(str, distinct(averaged, "data")):
        saved = {group: images_saved(averaged, data, group) for group in ("C4", "C8", "D8")}
        words = ", ".join(f"{group} {factor:.1f}" for group, factor in saved.items() if factor is not None)
        if words:
            lines.append(f"{data}: to be as good as with 100 images, the CNN needs so many times as many: {words}.")
    for r in gains:
        lines.append(
            f"Kernel regression, {r['group']} on the {r['space']} (order {r['order']}): gain {r['gain']:.1f}"
            f" [{r['gain_low']:.1f}, {r['gain_high']:.1f}] in samples; the error falls as n^−{r['exponent']:.2f}"
            f" [{r['exponent_low']:.2f}, {r['exponent_high']:.2f}]."
        )
    return lines


_GAINS = (
    "space",
    "group",
    "order",
    "gain",
    "gain_low",
    "gain_high",
    "exponent",
    "exponent_low",
    "exponent_high",
    "gap",
)


def _counts(rows: Iterable[Row], data: str) -> list[int]:
    return sorted({int(r["images"]) for r in rows if r["data"] == data})


def images_saved(averaged: Sequence[Row], data: str, group: str, at: int = 100) -> float | None:
    """How many times as many images the CNN needs for the accuracy of another network with 100, interpolated.

    None where it does not come that far with any number of images that was tried.
    """
    curve = {int(r["images"]): float(r["accuracy"]) for r in averaged if (r["data"], r["network"]) == (data, "CNN")}
    goal = [float(r["accuracy"]) for r in averaged if (r["data"], r["network"], r["images"]) == (data, group, at)]
    for (n, a), (m, b) in itertools.pairwise(sorted(curve.items())):
        if goal and a <= goal[0] <= b:
            share = (goal[0] - a) / max(b - a, 1e-9)
            return float(n * (m / n) ** share / at)
    return None


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet([*_accuracy_claims(out), *_gain_claims(out)])


def _accuracy_claims(out: Path) -> Iterator[Claim]:
    """With one seed, differences within two standard errors of a share of test images decide nothing."""
    about = ("data", "network", "images", "seed")
    table = read_csv(out / "accuracy.csv", (*about, "accuracy", "test_images"), COMMAND)
    yield from numbers(table, about, "accuracy")
    mean = means(table, "accuracy", "data", "network", "images")
    single = len(distinct(table, "seed")) == 1
    for data, n in itertools.product(map(str, distinct(table, "data")), FEW):
        at = {network: mean[data, network, n] for network in NETWORKS}
        noise = 2 * (0.5 / float(table[0]["test_images"])) ** 0.5 if single else 0.0
        words = ", ".join(f"{network} {value:.1%}" for network, value in at.items())
        found = f"{data}, {n} images: {words}"
        yield max(at["MLP"], at["locally connected"]) < at["CNN"] + noise, f"{found}: the CNN is not better than both"
        yield at["CNN"] < min(at["C4"], at["C8"]) + noise, f"{found}: the CNN is not worse than C4 and C8"
        yield at["C4"] <= at["C8"] + max(noise, 0.01), f"{found}: C8 is worse than C4"
    most = max(_counts(table, "digits"))
    gap = {n: mean["digits", "C8", n] - mean["digits", "CNN", n] for n in (100, most)}
    yield (
        gap[most] < gap[100],
        f"digits: C8 is {gap[100]:.1%} better than the CNN with 100 images, {gap[most]:.1%} with {most}",
    )


def _gain_claims(out: Path) -> Iterator[Claim]:
    gains = read_csv(out / "gains.csv", _GAINS, COMMAND)
    yield from numbers(gains, ("space", "group"), *_GAINS[3:])
    for r in gains:
        where = f"{r['group']} on the {r['space']}"
        yield float(r["gap"]) < 1e-8, f"{where}: averaging the kernel and adding all images differ by {r['gap']}"
        interval = f"gain {r['gain']} [{r['gain_low']}, {r['gain_high']}] in samples"
        if r["space"] == "circle":
            yield float(r["gain_low"]) <= int(r["order"]) <= float(r["gain_high"]), f"{where}: {interval}"
        else:  # points near those that the group leaves fixed gain less, the more so the fewer samples there are
            yield float(r["gain_low"]) > 1, f"{where}: {interval}"
