"""Class scores and accuracy of small networks when upright digits are turned: MLP, CNN, C4, C8, SO(2), O(2).

    geomdl reproduce rotation [--preset=fast|full]

Claim: what a network does with turned digits is decided by the group built into it. The scores of a CNN change
arbitrarily; those of a C4 network are the same at the multiples of 90° and wiggle between them; those of a C8 network
nearly repeat every 45°, not exactly; those of SO(2) and O(2) networks are nearly flat. So the accuracies of MLP and CNN
have a deep trough, C4 recovers at the multiples of 90°, C8 and SO(2) hardly fall; and an invariant network confuses
6 and 9, which no training removes. Writes

* ``scores.csv``: the class scores (logits) of one test digit at each angle, per network (seed 0);
* ``change.csv``: ‖f(R_θ x) − f(x)‖ / ‖f(x)‖ of the logits at each angle, per network and seed;
* ``accuracy.csv``: test accuracy at each angle, per network and seed;
* ``confusion.csv``: test digits by true and predicted class, upright and turned by 180°;
* ``summary.csv``: parameters, accuracies, config, versions and hardware.

All networks have about 8,000 parameters and are trained on upright digits (save "CNN + augmentation"), with seeds 0
(fast) or 0–2 (full). Finished runs in the output directory are not repeated. After Weiler & Cesa, General
E(2)-equivariant steerable CNNs, NeurIPS 2019, and Cohen & Welling, Group equivariant convolutional networks, ICML 2016.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, alike, means, numbers, unmet
from experiments.parts.trained_networks import described, study
from geomdl.data import Dataset, Split, rotated
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import Metrics, Predict, RotationSweep, predictor, rotation_sweep
from geomdl.models import count_parameters
from geomdl.plots import Row, distinct, mean_over, read_csv
from geomdl.tasks import Task
from geomdl.training import RunConfig

COMMAND = "geomdl reproduce rotation"
RUNS = ("MLP", "CNN", "CNN + augmentation", "C4", "C8", "SO(2)", "O(2)")
PRESETS: dict[str, tuple[range, float]] = {"fast": (range(1), 7.5), "full": (range(3), 2.5)}  # seeds, degrees
SCORE_STEP, SCORE_IMAGES = 2.5, 60  # degrees; test digits over which the change is averaged
SHOWN_CLASS = 4


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, step = PRESETS[preset]

    def rows(name: str, config: RunConfig, dataset: Dataset, model: nnx.Module) -> dict[str, list[Row]]:
        return measure(name, config, dataset, model, step)

    study("rotation", RUNS, seeds, rows, f"measured-{step:g}", out)


def measure(name: str, config: RunConfig, dataset: Dataset, model: nnx.Module, step: float) -> dict[str, list[Row]]:
    """The rows of the tables for one trained network, on the test split."""
    predict = predictor(model)
    task: Task = config.task.for_dataset(dataset)
    about = {"model": name, "seed": config.seed}
    angles = rotation_sweep(predict, dataset.test, task, np.arange(0, 360, step).tolist())
    turned = RotationSweep().summary(angles, task)
    scores, change = score_curves(predict, dataset.test, np.arange(0, 360, SCORE_STEP).tolist())
    summary = {
        **about,
        "config": described(name),
        "group": getattr(config.model, "group", ""),
        "parameters": count_parameters(model),
        "accuracy": Metrics()(predict, dataset.test, task)["accuracy"],
        "mean_angle_accuracy": turned["rotation/mean"],
        "worst_angle_accuracy": turned["rotation/worst"],
        "largest_change": max(c for _, c in change),
        "test_images": len(dataset.test),
        **circumstances(),
    }
    return {
        "scores": [{**about, **row} for row in scores] if config.seed == 0 else [],
        "change": [{**about, "angle": a, "change": c} for a, c in change],
        "accuracy": [{**about, "angle": r["angle"], "accuracy": r["accuracy"]} for r in angles],
        "confusion": [{**about, **row} for row in confusion(predict, dataset.test)],
        "summary": [summary],
    }


def score_curves(
    predict: Predict, split: Split, angles: Sequence[float]
) -> tuple[list[Row], list[tuple[float, float]]]:
    """The scores of the first test digit of the class shown, and the mean change of the scores of several digits."""
    labels = np.asarray(split.labels)
    shown = int(np.flatnonzero(labels == SHOWN_CLASS)[0])
    images = np.asarray(split.images)[[shown, *range(SCORE_IMAGES)]]
    upright = np.asarray(predict(rotated(images, 0)))
    rows, change = [], []
    for angle in angles:
        logits = np.asarray(predict(rotated(images, angle)))
        scores = [float(f"{score:.5g}") for score in logits[0]]
        rows += [{"label": SHOWN_CLASS, "angle": angle, "class": c, "score": s} for c, s in enumerate(scores)]
        distance = np.linalg.norm(logits - upright, axis=1) / np.linalg.norm(upright, axis=1)
        change.append((angle, float(f"{distance[1:].mean():.5g}")))
    return rows, change


def confusion(predict: Predict, split: Split) -> list[Row]:
    """Test digits counted by true and predicted class, upright and turned by 180°."""
    rows, labels, images = [], np.asarray(split.labels), np.asarray(split.images)
    for angle in (0, 180):
        found = np.asarray(predict(rotated(images, angle))).argmax(1)
        for true, predicted in np.ndindex(10, 10):
            count = int(np.sum((labels == true) & (found == predicted)))
            rows.append({"angle": angle, "true": true, "predicted": predicted, "count": count})
    return rows


def mixed_up(table: Sequence[Row], model: str, angle: float) -> tuple[float, float]:
    """The share of test digits 6 and 9 that are taken for each other, and the share of all others that are wrong."""
    rows = [r for r in table if (r["model"], r["angle"]) == (model, angle)]
    swapped = sum(int(r["count"]) for r in rows if (r["true"], r["predicted"]) in ((6, 9), (9, 6)))
    sixes = sum(int(r["count"]) for r in rows if r["true"] in (6, 9))
    wrong = sum(int(r["count"]) for r in rows if r["true"] not in (6, 9) and r["true"] != r["predicted"])
    others = sum(int(r["count"]) for r in rows if r["true"] not in (6, 9))
    return swapped / sixes, wrong / others


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    summary = read_csv(out / "summary.csv", ("model", "seed", "accuracy", "parameters"), COMMAND)
    changes = read_csv(out / "change.csv", ("model", "angle", "change"), COMMAND)
    accuracies = read_csv(out / "accuracy.csv", ("model", "angle", "accuracy"), COMMAND)
    counts = read_csv(out / "confusion.csv", ("model", "angle", "true", "predicted", "count"), COMMAND)
    names = [str(n) for n in distinct(summary, "model")]
    mean = {str(r["model"]): r for r in mean_over(summary, over="seed", by=["model"])}

    def table(rows: Sequence[Row], column: str) -> dict[tuple[str, float], float]:
        means = mean_over(rows, over="seed", by=["model", "angle"])
        return {(str(r["model"]), float(r["angle"])): float(r[column]) for r in means}

    change, accuracy = table(changes, "change"), table(accuracies, "accuracy")

    def each(text: str, values: dict[str, str]) -> str:
        return text + "; ".join(f"{n} {v}" for n, v in values.items()) + "."

    seeds = len(distinct(summary, "seed"))
    return [
        f"About {np.mean([float(r['parameters']) for r in summary]):,.0f} parameters each; {summary[0]['test_images']}"
        f" test digits, {'one seed' if seeds == 1 else f'means of {seeds} seeds'}.",
        each(
            "Relative change of the scores at 90°, 45° and the worst angle: ",
            {n: f"{change[n, 90.0]:.0e}, {change[n, 45.0]:.2f}, {float(mean[n]['largest_change']):.2f}" for n in names},
        ),
        each(
            "Accuracy upright, at 45°, at 90°: ",
            {n: f"{accuracy[n, 0.0]:.1%}, {accuracy[n, 45.0]:.1%}, {accuracy[n, 90.0]:.1%}" for n in names},
        ),
        each(
            "Sixes and nines upside down that are taken for each other, and errors on the other digits: ",
            {n: "{:.0%}, {:.0%}".format(*mixed_up(counts, n, 180)) for n in names},
        ),
    ]


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


EQUIVARIANT = ("C4", "C8", "SO(2)", "O(2)")


def _claims(out: Path) -> Iterator[Claim]:
    summary = read_csv(out / "summary.csv", ("model", "seed", "parameters"), COMMAND)
    changes = read_csv(out / "change.csv", ("model", "seed", "angle", "change"), COMMAND)
    accuracies = read_csv(out / "accuracy.csv", ("model", "seed", "angle", "accuracy"), COMMAND)
    counts = read_csv(out / "confusion.csv", ("model", "seed", "angle", "true", "predicted", "count"), COMMAND)
    yield from numbers(changes, ("model", "seed", "angle"), "change")
    yield from numbers(accuracies, ("model", "seed", "angle"), "accuracy")
    yield from alike(summary, "parameters", 1.1)
    change, accuracy = means(changes, "change", "model", "angle"), means(accuracies, "accuracy", "model", "angle")
    worst = {model: max(v for (m, _), v in change.items() if m == model) for model in RUNS}
    least = {model: min(v for (m, _), v in accuracy.items() if m == model) for model in RUNS}

    def changed(model: str, angle: float) -> str:
        return f"the scores of {model} change by {change[model, angle]:.2g} at {angle:g}°"

    for model, angle in itertools.product(EQUIVARIANT, (90, 180, 270)):
        yield change[model, angle] < 1e-4, changed(model, angle)
    for model in ("MLP", "CNN", "CNN + augmentation"):
        yield change[model, 90] > 0.2, changed(model, 90)
    yield change["C4", 45] > 0.5, changed("C4", 45)
    for angle in (45, 135, 225, 315):
        beside = min(change["C8", angle - 22.5], change["C8", angle + 22.5])
        found = f"{changed('C8', angle)}, by {beside:.2g} beside it; C4 by {change['C4', angle]:.2g}"
        yield 1e-3 < change["C8", angle] < min(0.6 * beside, 0.5 * change["C4", angle]), found
    for model in ("SO(2)", "O(2)"):
        found = (
            f"the scores of {model} change by {worst[model]:.2g} at most, CNN {worst['CNN']:.2g}, C8 {worst['C8']:.2g}"
        )
        yield worst[model] < min(0.35 * worst["CNN"], 0.6 * worst["C8"]), found

    def right(model: str, angle: float) -> str:
        return f"{model} has {accuracy[model, angle]:.1%} at {angle:g}°"

    for model in ("MLP", "CNN", "C4"):
        yield accuracy[model, 0] > 0.9, right(model, 0)
    for model in ("MLP", "CNN"):
        yield accuracy[model, 90] < 0.3, right(model, 90)
    for angle in (90, 180, 270):
        yield accuracy["C4", angle] == accuracy["C4", 0], f"{right('C4', angle)}, {accuracy['C4', 0]:.1%} upright"
    yield accuracy["C4", 45] < 0.5, right("C4", 45)
    yield accuracy["C8", 45] > 0.9, right("C8", 45)
    yield accuracy["C8", 22.5] < 0.9, right("C8", 22.5)
    for model in ("SO(2)", "O(2)", "CNN + augmentation"):
        yield least[model] > 0.85, f"{model} has {least[model]:.1%} at its worst angle"
    found = f"{right('SO(2)', 0)}, the CNN with augmentation {accuracy['CNN + augmentation', 0]:.1%}"
    yield accuracy["SO(2)", 0] > accuracy["CNN + augmentation", 0], found
    for model in EQUIVARIANT:
        upright, (swapped, others) = mixed_up(counts, model, 0), mixed_up(counts, model, 180)
        found = f"{model} takes {swapped:.1%} of 6 and 9 for each other upside down"
        yield swapped > others, f"{found}, and errs for {others:.1%} of the others"
        found = f"{found}, {upright[0]:.1%} upright (others: {others:.1%}, {upright[1]:.1%})"
        yield (swapped, others) == upright, found
