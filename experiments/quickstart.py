"""Invariance against equivariance on real handwritten digits: six networks of equal size under rotation and shift.

    geomdl reproduce quickstart [--preset=fast|full]

Claim: a network trained on upright digits only knows the symmetry that is built into it. The MLP and the CNN fail when
the digits are turned or shifted; the C4 and D4 networks give the same scores after quarter turns (D4: reflections too),
the translation-invariant CNN after circular shifts, exactly, up to float32 rounding; augmentation buys accuracy at all
angles for some accuracy at 0°, and no exactness. Writes

* ``accuracy_by_angle.csv``: test accuracy at each angle, per model and seed;
* ``accuracy_by_shift.csv``: the same for circular shifts and for shifts out of the frame;
* ``summary.csv``: parameters, accuracies, and the invariance error of the logits, with config, versions and hardware.

The runs are those of configs/digits_*.py (8,000 parameters each), with seeds 0 (fast) or 0–4 (full). Finished runs in
the output directory are not repeated.
"""

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.parts.claims import Claim, alike, means, numbers, unmet
from geomdl.data import Dataset
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import (
    InvarianceError,
    Metrics,
    RotationSweep,
    ShiftSweep,
    predictor,
    rotation_sweep,
    shift_sweep,
)
from geomdl.models import GCNNConfig, count_parameters
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.tasks import Task
from geomdl.training import RunConfig, RunProgress, train, write_json

COMMAND = "geomdl reproduce quickstart"
RUNS = {
    "MLP": "digits_mlp",
    "CNN": "digits_cnn",
    "CNN + augmentation": "digits_cnn_augmented",
    "TI-CNN": "digits_ti_cnn",
    "C4": "digits_gcnn_c4",
    "D4": "digits_gcnn_d4",
}
PRESETS: dict[str, tuple[range, float]] = {"fast": (range(1), 7.5), "full": (range(5), 2.5)}  # seeds, degrees
SHIFTS = (1, 2, 3, 4, 5, 6, 8, 10)  # pixels, in the four directions of the grid
EXACT = 1e-5


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the three tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, step = PRESETS[preset]
    dataset: Dataset | None = None
    measured = []
    todo = [(name, seed) for seed in seeds for name in RUNS]
    with RunProgress(todo, "quickstart") as bar:
        for name, seed in bar:
            bar.note(f"{name}, seed {seed}")
            values = importlib.import_module(f"configs.{RUNS[name]}").get_config()
            values.seed = seed
            config = RunConfig.from_config_dict(values)
            dataset = dataset or config.data.load()
            workdir = out / "runs" / f"{RUNS[name]}-seed{seed}"
            found = workdir / f"measured-{step:g}.json"
            result = train(config, workdir, dataset=dataset)
            if not found.exists():
                write_json(found, measure(name, config, dataset, result.model, step))
            measured.append(json.loads(found.read_text()))
    for table in ("accuracy_by_angle", "accuracy_by_shift", "summary"):
        write_csv(out / f"{table}.csv", [row for tables in measured for row in tables[table]])


def measure(name: str, config: RunConfig, dataset: Dataset, model: object, step: float) -> dict[str, list[Row]]:
    """The rows of the three tables for one trained network, on the test split."""
    predict = predictor(model)  # type: ignore[arg-type]
    task: Task = config.task.for_dataset(dataset)
    about = {"model": name, "seed": config.seed}
    angles = rotation_sweep(predict, dataset.test, task, np.arange(0, 360, step).tolist())
    directions = [(1, 0), (0, -1), (-1, 0), (0, 1)]
    shifts = [(0, 0), *((s * r, s * c) for s in SHIFTS for r, c in directions)]
    moved = {mode: shift_sweep(predict, dataset.test, task, shifts, mode=mode) for mode in ("circular", "crop")}
    upright = Metrics()(predict, dataset.test, task)["accuracy"]
    turned = RotationSweep().summary(angles, task)
    error = InvarianceError(images=len(dataset.test))(predict, dataset.test, task)
    summary = {
        **about,
        "config": f"configs/{RUNS[name]}.py",
        "group": config.model.group if isinstance(config.model, GCNNConfig) else "",
        "parameters": count_parameters(model),  # type: ignore[arg-type]
        "accuracy": upright,
        "mean_angle_accuracy": turned["rotation/mean"],
        "worst_angle_accuracy": turned["rotation/worst"],
        "worst_circular_shift_accuracy": ShiftSweep().summary(moved["circular"], task)["shift/worst"],
        "worst_crop_shift_accuracy": ShiftSweep(mode="crop").summary(moved["crop"], task)["crop/worst"],
        "rotation_error_90": error["invariance/quarter_turns"],
        "reflection_error": error["invariance/reflections"],
        "shift_error_circular": error["invariance/shifts"],
        "test_images": len(dataset.test),
        **circumstances(),
    }
    return {
        "accuracy_by_angle": [{**about, "angle": r["angle"], "accuracy": r["accuracy"]} for r in angles],
        "accuracy_by_shift": [
            {
                **about,
                "mode": mode,
                "shift_rows": r["shift_rows"],
                "shift_cols": r["shift_cols"],
                "accuracy": r["accuracy"],
            }
            for mode, rows in moved.items()
            for r in rows
        ],
        "summary": [summary],
    }


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "summary.csv", ("model", "seed", "accuracy"), COMMAND)
    seeds, images = len(distinct(table, "seed")), table[0]["test_images"]
    mean = {str(row["model"]): row for row in mean_over(table, over="seed", by=["model"])}

    def percent(model: str, column: str) -> str:
        return f"{float(mean[model][column]):.1%}"

    def both(column: str) -> tuple[float, float]:
        return float(mean["CNN"][column]), float(mean["CNN + augmentation"][column])

    angles = read_csv(out / "accuracy_by_angle.csv", ("model", "angle", "accuracy"), COMMAND)
    at = {
        (str(row["model"]), float(row["angle"])): float(row["accuracy"])
        for row in mean_over(angles, over="seed", by=["model", "angle"])
    }
    turned, shifted = ("rotation_error_90", "quarter turns"), ("shift_error_circular", "circular shifts")
    return [
        f"All networks have about {_average(table):,.0f} parameters and saw upright digits only (save one);"
        f" {images} test digits, {'one seed' if seeds == 1 else f'means of {seeds} seeds'}.",
        "Turned by 90°, "
        + "; ".join(
            f"{m} {_moves(float(mean[m]['accuracy']), at[m, 90.0])}" for m in ("MLP", "CNN", "TI-CNN", "C4", "D4")
        )
        + ".",
        *(_exactness(mean, column, motions) for column, motions in (turned, shifted)),
        f"Between the quarter turns nothing is promised: at 45° the C4 network has {at['C4', 45.0]:.1%}.",
        f"At the worst circular shift the CNN has {percent('CNN', 'worst_circular_shift_accuracy')}, TI-CNN"
        f" {percent('TI-CNN', 'worst_circular_shift_accuracy')}; out of the frame, where digits are cut off, TI-CNN has"
        f" {percent('TI-CNN', 'worst_crop_shift_accuracy')}.",
        f"With augmentation the CNN's worst angle {_moves(*both('worst_angle_accuracy'))} and its upright accuracy"
        f" {_moves(*both('accuracy'))}; its error at quarter turns is"
        f" {float(mean['CNN + augmentation']['rotation_error_90']):.1g}.",
    ]


def _moves(before: float, after: float) -> str:
    """What happens to an accuracy, in words."""
    if abs(after - before) < 5e-4:
        return f"stays at {after:.1%}"
    return f"{'falls' if after < before else 'rises'} from {before:.1%} to {after:.1%}"


def _exactness(mean: Mapping[str, Row], column: str, motions: str) -> str:
    """Which networks are invariant up to rounding, and how far the best of the others is from it."""
    errors = {model: float(row[column]) for model, row in mean.items()}
    exact = [model for model, error in errors.items() if error <= EXACT]
    others = min((error for error in errors.values() if error > EXACT), default=0.0)
    if not exact:
        return f"No network is exactly invariant to {motions}; the smallest error of the logits is {others:.1g}."
    worst = max(errors[model] for model in exact)
    return (
        f"Exactly invariant to {motions}, up to rounding: {', '.join(exact)} (error of the logits at most {worst:.0e};"
        f" the others at least {others:.1g})."
    )


def _average(table: Sequence[Row]) -> float:
    return float(np.mean([float(row["parameters"]) for row in table]))


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


TURNED, MIRRORED, SHIFTED = "rotation_error_90", "reflection_error", "shift_error_circular"
INVARIANT = {TURNED: ("C4", "D4"), MIRRORED: ("D4",), SHIFTED: ("TI-CNN",)}
"""Columns of ``summary.csv``, and the networks whose error is rounding."""


def _claims(out: Path) -> Iterator[Claim]:
    accuracies = ("accuracy", "worst_angle_accuracy", "worst_circular_shift_accuracy", "worst_crop_shift_accuracy")
    summary = read_csv(out / "summary.csv", ("model", "seed", "parameters", *accuracies, *INVARIANT), COMMAND)
    angles = read_csv(out / "accuracy_by_angle.csv", ("model", "seed", "angle", "accuracy"), COMMAND)
    yield from numbers(summary, ("model", "seed"), *accuracies, *INVARIANT)
    yield from numbers(angles, ("model", "seed", "angle"), "accuracy")
    yield from alike(summary, "parameters", 1.1)
    for r in summary:
        for column, networks in INVARIANT.items():
            exact = float(r[column]) <= EXACT
            found = f"{column} of {r['model']}, seed {r['seed']}, is {float(r[column]):.1e}"
            yield exact == (r["model"] in networks), f"{found}, {'exact' if exact else 'more than rounding'}"
    by_seed = {(r["model"], r["seed"], r["angle"]): float(r["accuracy"]) for r in angles}
    at = means(angles, "accuracy", "model", "angle")
    for model in ("MLP", "CNN", "TI-CNN", "C4", "D4"):
        yield at[model, 0] > 0.9, f"{model} has {at[model, 0]:.1%} upright"
    for model in ("MLP", "CNN", "TI-CNN"):
        yield at[model, 90] < 0.4, f"{model}, without rotations built in, has {at[model, 90]:.1%} at 90°"
    for model in ("C4", "D4"):
        for (name, seed, angle), accuracy in by_seed.items():
            if name == model and angle in (90, 180, 270):
                upright = by_seed[model, seed, 0]
                found = f"{model} has {accuracy:.1%} at {angle:g}° and {upright:.1%} at 0°, seed {seed}"
                yield accuracy == upright, found
        found = f"{model} has {at[model, 45]:.1%} at 45° and {at[model, 90]:.1%} at 90°"
        yield at[model, 45] < at[model, 90] - 0.2, found
    mean = {column: means(summary, column, "model") for column in accuracies}
    upright, turned, circular, crop = (mean[column] for column in accuracies)
    for r in summary:
        if r["model"] == "TI-CNN":
            worst, own = float(r["worst_circular_shift_accuracy"]), float(r["accuracy"])
            yield worst == own, f"TI-CNN has {worst:.1%} at the worst circular shift, {own:.1%} else, seed {r['seed']}"
    yield circular["CNN",] < 0.4, f"the CNN has {circular['CNN',]:.1%} at the worst circular shift"
    found = f"TI-CNN has {crop['TI-CNN',]:.1%} at the worst shift out of the frame, {upright['TI-CNN',]:.1%} else"
    yield crop["TI-CNN",] < upright["TI-CNN",], found
    augmented = "CNN + augmentation"
    yield turned[augmented,] > 0.7, f"with augmentation the CNN has {turned[augmented,]:.1%} at its worst angle"
    yield turned["CNN",] < 0.7, f"the CNN has {turned['CNN',]:.1%} at its worst angle"
    found = f"augmentation costs no accuracy at 0°: {upright[augmented,]:.1%}, and {upright['CNN',]:.1%} without"
    yield upright[augmented,] < upright["CNN",], found
