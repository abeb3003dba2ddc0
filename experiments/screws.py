"""Handedness in volumes: what reflections leave as it is cannot tell a left screw from a right one.

    geomdl reproduce screws [--preset=fast|full]

Claim: a network of the group O, whose answers turns leave as they are, learns to tell left-handed screws and knots from
right-handed ones, upright and in each of the 24 turns of the cube. One of the group Oh, whose answers reflections leave
as they are too, gives a solid and its mirror image the same scores to rounding: of such pairs it gets one right and one
wrong, after the same training. The plain network learns the upright solids and loses them when they are turned.

Data: drawn solids of 16³ voxels, left and right screws and left and right trefoil knots, upright, in two classes by
their handedness; 120 to learn from, 15 epochs (fast), or 240, 20 epochs (full). Tested on others, each with its mirror
image at the plane z = 0, so that half is right for any function that mirrors leave as it is. Networks as in the study
``volumes``; seed 0 (fast), or seeds 0 to 2 (full). Writes ``screws.csv``: per network and seed the accuracy on the
training solids, on the test solids with their mirror images upright and on average over the 24 turns, and ``mirrored``,
the largest change of a score between the two of a pair, relative to the largest score.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, named, numbers, unmet
from experiments.parts.trained_networks import file_name
from experiments.parts.volume_data import solids, turned
from experiments.volumes import configuration
from geomdl.data import Dataset, Split
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import predictor
from geomdl.groups import O
from geomdl.models import count_parameters
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.training import RunProgress, train

COMMAND = "geomdl reproduce screws"
SOLIDS = ("left_screw", "right_screw", "left_knot", "right_knot")
PRESETS: dict[str, tuple[range, int, int, float]] = {"fast": (range(1), 120, 60, 15), "full": (range(3), 240, 120, 20)}
"""Seeds, training and test solids, epochs."""
NETWORKS = ("CNN", "O", "Oh")
COLUMNS = ("network", "seed", "learnt", "upright", "turned", "mirrored")


def handed(train_size: int, test_size: int) -> Dataset:
    """Left and right solids, class 0 and 1."""
    drawn = solids(SOLIDS, 16, train_size, test_size)

    def by_hand(split: Split) -> Split:
        return Split(split.images, (np.asarray(split.labels) % 2).astype(np.int32))

    train_split, validation, test = (by_hand(split) for split in (drawn.train, drawn.validation, drawn.test))
    return dataclasses.replace(
        drawn, train=train_split, validation=validation, test=test, num_classes=2, classes=("left", "right"),
        target_kinds={},
    )  # fmt: skip


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the table."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, train_size, test_size, epochs = PRESETS[preset]
    dataset, rows = handed(train_size, test_size), list[Row]()
    with RunProgress([(name, seed) for seed in seeds for name in NETWORKS], "screws") as bar:
        for name, seed in bar:
            bar.note(f"{name}, seed {seed}")
            workdir = out / "runs" / f"{file_name(name)}-{train_size}-{epochs}-seed{seed}"
            found = workdir / "scores.json"
            if not found.exists():
                result = train(configuration(name, seed, epochs), workdir, dataset=dataset)
                about = {"network": name, "seed": seed, "parameters": count_parameters(result.model)}
                found.write_text(json.dumps({**about, **measure(result.model, dataset), **circumstances()}))
            rows.append(json.loads(found.read_text()))
    write_csv(out / "screws.csv", rows)


def measure(model: nnx.Module, dataset: Dataset) -> Row:
    """The accuracies of a network, and how it answers mirror images."""
    predict = predictor(model)

    def logits(x: np.ndarray) -> np.ndarray:
        return np.concatenate([np.asarray(predict(jnp.asarray(x[i : i + 30]))) for i in range(0, len(x), 30)])

    def right(x: np.ndarray, labels: np.ndarray) -> float:
        return float((logits(x).argmax(1) == labels).mean())

    x, labels = np.asarray(dataset.test.images), np.asarray(dataset.test.labels)
    images, classes = np.concatenate([x, x[:, ::-1]]), np.concatenate([labels, 1 - labels])
    plain, mirrored = logits(x), logits(x[:, ::-1])
    found = {
        "learnt": right(np.asarray(dataset.train.images), np.asarray(dataset.train.labels)),
        "upright": right(images, classes),
        "turned": float(np.mean([right(turned(images, g), classes) for g in O.elements()])),
        "mirrored": float(np.abs(mirrored - plain).max() / np.abs(plain).max()),
    }
    return {**{key: float(f"{value:.5g}") for key, value in found.items()}, "volumes": len(images)}


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the table."""
    table = read_csv(out / "screws.csv", (*COLUMNS, "volumes"), COMMAND)
    seeds = len(distinct(table, "seed"))
    lines = [f"Left or right, {table[0]['volumes']} test volumes, {'one seed' if seeds == 1 else f'{seeds} seeds'}:"]
    for r in mean_over(table, over="seed", by=["network"]):
        lines.append(
            f"{r['network']}: {float(r['upright']):.1%} upright, {float(r['turned']):.1%} in the 24 turns; a mirror"
            f" image changes a score by {float(r['mirrored']):.1e} of the largest."
        )
    return lines


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    table = read_csv(out / "screws.csv", COLUMNS, COMMAND)
    yield from numbers(table, ("network", "seed"), *COLUMNS[2:])
    for r in table:
        who, found = named(r, "network", "seed"), {key: float(r[key]) for key in COLUMNS[2:]}
        if r["network"] == "Oh":
            yield found["mirrored"] < 1e-4, f"{who}: a mirror image changes a score by {found['mirrored']:.1e}"
            yield abs(found["upright"] - 0.5) < 0.02, f"{who} finds {found['upright']:.1%} of pairs that it cannot tell"
            yield abs(found["turned"] - 0.5) < 0.02, f"{who} finds {found['turned']:.1%} of turned pairs"
        else:
            yield found["upright"] > 0.85, f"{who} finds {found['upright']:.1%} of upright solids"
        if r["network"] == "O":
            yield found["turned"] > 0.85, f"{who} finds {found['turned']:.1%} of turned solids"
        if r["network"] == "CNN":
            yield found["turned"] < found["upright"] - 0.1, f"{who} finds {found['turned']:.1%} of turned solids"
