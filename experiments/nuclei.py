"""Nuclei by U-Nets: plain against C4, D4 and C8, at equal parameters, from few images and from many.

    GEOMDL_NUCLEI=FILE.npz geomdl reproduce nuclei [--preset=fast|full]
    python experiments/nuclei.py --path=FILE.npz [--out=out/nuclei] [--tables=experiments/results/nuclei]

Claim: segmentations by the C4, D4 and C8 U-Net turn with the image at quarter turns, to the pixel, whatever was learnt;
those by the plain one do not. At equal parameters a training step takes longer for it. More images help all of them.

Data: the grey 256 × 256 images of the Data Science Bowl 2018 in a file given by the user (see the README), as
``data.name="nuclei"``, reduced to 64 × 64 pixels; one recorded permutation makes 100 test images, 34 for validation and
a training pool of 200, of which 8, 32 or 128 are used. Protocol: foreground against background, binary cross-entropy
plus Dice, 200 steps of Adam with 8 images each, without augmentation or with rotations by random angles; the checkpoint
of the best validation IoU of 4 is tested once. Four networks, three sizes, two augmentations, three seeds: 72 runs
(the fast preset: seed 0 with 8 images, 8 runs).

A run that is finished is not repeated, and one that was stopped goes on. Writes

* ``results.csv``: per run the IoU of the nuclei on upright test images, the mean and the worst over eight angles (off
  the grid on the largest disc), and the consistency, the IoU between the segmentation of a turned image, turned back,
  and that of the image, mean and worst over the other seven angles;
* ``costs.csv``: per network parameters, multiply-adds for an image, and the time of a training step relative to that of
  the plain network, measured in turn in one process.
"""

import argparse
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from experiments.parts.claims import Claim, alike, named, numbers, unmet
from experiments.parts.segmentation_networks import NETWORKS, run_config
from experiments.parts.trained_networks import file_name
from experiments.parts.training_steps import stepper
from geomdl.data import Dataset
from geomdl.environment import circumstances
from geomdl.errors import invalid, unknown
from geomdl.evaluators import RotationConsistency, RotationSweep, predictor
from geomdl.models import count_parameters
from geomdl.plots import Row, Value, distinct, read_csv, write_csv
from geomdl.training import RunConfig, build_model, train

TRAIN_SIZES = (8, 32, 128)
SEEDS = (0, 1, 2)
PARAMETERS, DEPTH, STEPS, EVAL_EVERY, DOWNSCALE, STEP_ANGLE = 18_000, 2, 200, 50, 4, 45.0
PRESETS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {"fast": ((8,), (0,)), "full": (TRAIN_SIZES, SEEDS)}
"""Training images, seeds."""
COMMAND = "GEOMDL_NUCLEI=FILE.npz geomdl reproduce nuclei"


def configuration(path: str, network: str, train_size: int, rotations: bool, seed: int) -> RunConfig:
    """The config of one run."""
    return run_config(
        {"name": "nuclei", "path": path, "train_size": train_size, "downscale": DOWNSCALE},
        network,
        seed,
        loss="binary+dice",
        parameters=PARAMETERS,
        depth=DEPTH,
        steps=STEPS,
        eval_every=EVAL_EVERY,
        rotations=rotations,
    )


def one_run(config: RunConfig, dataset: Dataset, workdir: Path) -> dict[str, float]:
    """Trains and tests, or reads what was found."""
    found = workdir / "test.json"
    if found.exists():
        return json.loads(found.read_text())
    started = time.perf_counter()
    result = train(config, workdir, dataset=dataset)
    minutes = (time.perf_counter() - started) / 60
    task = config.task.for_dataset(dataset)
    predict = predictor(result.model)
    key = f"iou/{dataset.classes[1]}"
    angles = RotationSweep(step=STEP_ANGLE, batch_size=50).rows(predict, dataset.test, task)
    moved = RotationConsistency(step=STEP_ANGLE, batch_size=50).rows(predict, dataset.test, task)
    ious = [row[key] for row in angles]
    agreement = [row["iou"] for row in moved]
    quarter = [row["iou"] for row in moved if row["angle"] % 90 == 0]
    measured = {
        "iou": ious[0],
        "iou_mean_angle": sum(ious) / len(ious),
        "iou_worst_angle": min(ious),
        "consistency": sum(agreement) / len(agreement),
        "consistency_worst": min(agreement),
        "consistency_quarter_turns": min(quarter),
        "best_step": result.best_step,
        "validation_iou": float(result.best["iou"]),
        "minutes": round(minutes, 2),
    }
    found.write_text(json.dumps(measured))
    return measured


Run = tuple[str, bool, int, int]
"""Network, rotations, training images, seed."""


def runs(sizes: Sequence[int] = TRAIN_SIZES, seeds: Sequence[int] = SEEDS) -> Iterator[Run]:
    """First everything with seed 0."""
    for seed, size, rotations, network in itertools.product(seeds, sizes, (False, True), NETWORKS):
        yield network, rotations, size, seed


def workdir_of(out: Path, network: str, rotations: bool, size: int, seed: int) -> Path:
    """Where a run is kept."""
    return out / "runs" / f"{file_name(network)}-{size}{'-rotations' if rotations else ''}-seed{seed}"


def run(preset: str, out: Path) -> None:
    """Trains and tests what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    path = os.environ.get("GEOMDL_NUCLEI")
    if path is None or not Path(path).is_file():
        raise invalid("GEOMDL_NUCLEI in the environment", path, "the .npz file of the nuclei, see the README")
    train_and_test(path, out, list(runs(*PRESETS[preset])))
    write_csv(out / "results.csv", results(out))
    write_csv(out / "costs.csv", costs(path))


def train_and_test(path: str, out: Path, wanted: Sequence[Run]) -> None:
    """Makes the runs that are not there yet; says after each how far it is."""
    todo = [r for r in wanted if not (workdir_of(out, *r) / "test.json").exists()]
    datasets: dict[int, Dataset] = {}
    started = time.perf_counter()
    for done, (network, rotations, size, seed) in enumerate(todo):
        config = configuration(path, network, size, rotations, seed)
        dataset = datasets.setdefault(size, config.data.load())
        found = one_run(config, dataset, workdir_of(out, network, rotations, size, seed))
        minutes = (time.perf_counter() - started) / 60
        print(
            f"{done + 1}/{len(todo)} {network}, {size} images{', rotations' if rotations else ''}, seed {seed}:"
            f" IoU {found['iou']:.3f}, worst angle {found['iou_worst_angle']:.3f},"
            f" consistency {found['consistency']:.3f}; {minutes:.1f} min so far",
            flush=True,
        )


def results(out: Path) -> list[Row]:
    """A row for every run that is finished."""
    rows: list[Row] = []
    for network, rotations, size, seed in runs():
        found = workdir_of(out, network, rotations, size, seed) / "test.json"
        if found.exists():
            about = {"network": network, "rotations": "yes" if rotations else "no", "train_size": size, "seed": seed}
            measured = {k: float(f"{v:.5g}") for k, v in json.loads(found.read_text()).items()}
            rows.append({**about, **measured, "steps": STEPS, **circumstances()})
    return rows


def costs(path: str, rounds: int = 10) -> list[Row]:
    """Parameters, multiply-adds, and the time of a training step, the networks taking turns."""
    steps: dict[str, Callable[[], None]] = {}
    rows: dict[str, dict[str, Value]] = {}
    for network in NETWORKS:
        config = configuration(path, network, TRAIN_SIZES[0], False, 0)
        dataset = config.data.load()
        model = build_model(config, dataset)
        rows[network] = {
            "network": network,
            "parameters": count_parameters(model),
            "multiply_adds": model.multiply_adds(dataset.image_shape[:2]),
        }
        images, labels = dataset.train.images[:8], np.asarray(dataset.train.labels[:8])
        batch = {"image": jnp.asarray(images, jnp.float32), "label": jnp.asarray(labels)}
        optimizer = config.optimizer.build(lambda step: 1e-3)
        steps[network] = stepper(model, config.task.for_dataset(dataset), optimizer, batch)
    times: dict[str, list[float]] = {network: [] for network in NETWORKS}
    for _ in range(rounds):
        for network, step in steps.items():
            started = time.perf_counter()
            step()
            times[network].append(time.perf_counter() - started)
    plain = next(iter(NETWORKS))
    for network, row in rows.items():
        ratios = [a / b for a, b in zip(times[network], times[plain], strict=True)]
        row["step_ms"] = round(1000 * statistics.median(times[network]), 1)
        row["relative_step_time"] = round(statistics.median(ratios), 2)
    return [{**row, **circumstances()} for row in rows.values()]


def mean(table: Sequence[Row], measure: str, network: str, size: int, rotations: bool) -> float:
    """The mean of a measure over the seeds."""
    wanted = (network, size, "yes" if rotations else "no")
    return statistics.mean(
        float(r[measure]) for r in table if (r["network"], r["train_size"], r["rotations"]) == wanted
    )


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "results.csv", ("network", "rotations", "train_size", "seed", "iou"), COMMAND)
    found = read_csv(out / "costs.csv", ("network", "parameters", "multiply_adds", "relative_step_time"), COMMAND)
    sentences = [
        f"{len(table)} runs, seeds {', '.join(str(s) for s in distinct(table, 'seed'))}; means over the seeds."
    ]
    for size, rotations in itertools.product(distinct(table, "train_size"), (False, True)):
        if not any((r["train_size"], r["rotations"]) == (size, "yes" if rotations else "no") for r in table):
            continue
        words = ", ".join(
            f"{n} {mean(table, 'iou', n, int(size), rotations):.3f}"
            f" (worst angle {mean(table, 'iou_worst_angle', n, int(size), rotations):.3f},"
            f" consistency {mean(table, 'consistency', n, int(size), rotations):.3f})"
            for n in map(str, distinct(table, "network"))
        )
        sentences.append(f"{size} images, {'random rotations' if rotations else 'no augmentation'}: IoU {words}.")
    cost = ", ".join(
        f"{r['network']} {int(r['parameters']):,} parameters, {int(r['multiply_adds']) / 1e6:.0f} million"
        f" multiply-adds, {r['relative_step_time']} times the time of a step"
        for r in found
    )
    return [*sentences, f"Cost: {cost}."]


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


GROUPS = tuple(name for name in NETWORKS if name != "U-Net")


def _claims(out: Path) -> Iterator[Claim]:
    table = read_csv(
        out / "results.csv", ("network", "rotations", "train_size", "seed", "iou", "consistency_quarter_turns"), COMMAND
    )
    found = read_csv(out / "costs.csv", ("network", "parameters", "relative_step_time"), COMMAND)
    about = ("network", "train_size", "seed")
    yield from numbers(table, about, "iou", "consistency_quarter_turns")
    for r in table:
        same = float(r["consistency_quarter_turns"])
        holds = same == 1 if r["network"] in GROUPS else same < 0.99
        yield holds, f"{named(r, *about)}, rotations {r['rotations']}: the consistency at quarter turns is {same}"
    yield from alike(found, "parameters", 1.15)
    for r in found:
        slower = float(r["relative_step_time"])
        holds = slower > 1.2 if r["network"] in GROUPS else slower == 1
        yield holds, f"a step of {r['network']} takes {slower} times the time of the plain one"
    if {8, 128} <= set(distinct(table, "train_size")):
        for network in NETWORKS:
            few, many = (mean(table, "iou", network, size, False) for size in (8, 128))
            yield many > few, f"{network} has an IoU of {few:.3f} from 8 images, {many:.3f} from 128"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", required=True, help="the .npz file of the nuclei")
    parser.add_argument("--out", default="out/nuclei", help="folder of the runs")
    parser.add_argument("--tables", default="experiments/results/nuclei", help="folder of the tables")
    parser.add_argument("--only_tables", action="store_true", help="train nothing, write the tables of what is there")
    arguments = parser.parse_args()
    out, tables = Path(arguments.out), Path(arguments.tables)
    if not arguments.only_tables:
        train_and_test(arguments.path, out, list(runs()))
    write_csv(tables / "results.csv", results(out))
    write_csv(tables / "costs.csv", costs(arguments.path))


if __name__ == "__main__":
    main()
