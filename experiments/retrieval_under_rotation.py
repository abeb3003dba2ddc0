"""Retrieval of digits by the features of small networks, when the queries are turned and the gallery is upright.

    geomdl reproduce retrieval_under_rotation [--preset=fast|full]

Claim: features of a C4 network find the same neighbours for a query that is turned by 90°, exactly; its mean average
precision has the period 90°. That of a plain network falls as soon as the queries turn, augmentation flattens the
curve without making it exact, and a C8 network nearly repeats every 45°. Writes

* ``precision.csv``: mean average precision, and the precision of the nearest, at each angle, per network and seed;
* ``neighbours.csv``: for queries turned by 90°, 180° and 270° the share that have the same ten neighbours as upright,
  up to ties, and the largest change of a distance of these;
* ``summary.csv``: parameters, accuracy, length and kind of the features, config, versions and hardware.

The queries are the 400 test digits, the gallery the 1,197 training digits; features are the input of the last dense
layer, their distance is the cosine. All networks have about 8,000 parameters and are trained on upright digits (save
"CNN + augmentation"), with seeds 0 (fast) or 0–2 (full). Finished runs in the output directory are not repeated.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, means, named, numbers, unmet
from experiments.parts.trained_networks import study, summary_row
from geomdl.data import Dataset, rotated, unit_interval
from geomdl.errors import unknown
from geomdl.evaluators import Neighbours, nearest_neighbours, retrieval_metrics
from geomdl.models import feature_function, feature_layer
from geomdl.plots import Row, distinct, mean_over, read_csv
from geomdl.training import RunConfig

COMMAND = "geomdl reproduce retrieval_under_rotation"
RUNS = ("CNN", "CNN + augmentation", "C4", "C8")
PRESETS: dict[str, tuple[range, float]] = {"fast": (range(1), 15.0), "full": (range(3), 7.5)}  # seeds, degrees
NEIGHBOURS = 10
TIE = 1e-5
"""Cosine distances that differ by no more are a tie: what rounding in float32 makes of equal ones."""


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, step = PRESETS[preset]

    def rows(name: str, config: RunConfig, dataset: Dataset, model: nnx.Module) -> dict[str, list[Row]]:
        return measure(name, config, dataset, model, step)

    study("retrieval", RUNS, seeds, rows, f"retrieval-{step:g}", out)


def measure(name: str, config: RunConfig, dataset: Dataset, model: nnx.Module, step: float) -> dict[str, list[Row]]:
    """The rows of the tables for one trained network."""
    layer = feature_layer(model, dataset.image_shape)
    features = _in_batches(feature_function(model, layer))
    queries, labels = np.asarray(dataset.test.images), np.asarray(dataset.test.labels)
    gallery, classes = features(np.asarray(dataset.train.images)), np.asarray(dataset.train.labels)
    about: Row = {"model": name, "seed": config.seed}
    precision: list[Row] = []
    neighbours: list[Row] = []
    upright = nearest_neighbours(features(queries), gallery, NEIGHBOURS)
    for angle in np.arange(0, 360, step).tolist():
        turned = features(np.asarray(rotated(queries, angle)))
        found = retrieval_metrics(turned, labels, gallery, classes, k=[1])
        precision.append(
            {
                **about,
                "angle": angle,
                "mean_average_precision": float(f"{found.mean_average_precision:.5g}"),
                "precision_at_1": float(f"{found.precision[1]:.5g}"),
            }
        )
        if angle and angle % 90 == 0:
            here = nearest_neighbours(turned, gallery, NEIGHBOURS)
            share, change = agreement(upright, here)
            neighbours.append({**about, "angle": angle, "same": share, "change_of_distance": float(f"{change:.2g}")})
    kind = "none" if layer.field_type is None else layer.field_type.merged().fields
    summary = summary_row(about, name, config, dataset, model, len(queries))
    return {
        "precision": precision,
        "neighbours": neighbours,
        "summary": [{**summary, "features": int(np.prod(layer.shape)), "fields": kind, "gallery": len(gallery)}],
    }


def agreement(one: Neighbours, other: Neighbours) -> tuple[float, float]:
    """The share of queries with the same neighbours up to ties, and the largest change of the r-th distance.

    Neighbours that only one of both has do not count where they are as far as the last one, up to rounding.
    """
    change = np.abs(one.distances - other.distances).max()
    same = []
    for i in range(len(one.indices)):
        alike = True
        for mine, theirs in ((one, other), (other, one)):
            alone = ~np.isin(mine.indices[i], theirs.indices[i])
            alike &= bool((mine.distances[i, -1] - mine.distances[i][alone] <= TIE).all())
        same.append(alike)
    return float(np.mean(same)), float(change)


def _in_batches(function: Callable, size: int = 200) -> Callable[[np.ndarray], np.ndarray]:
    def all_of(images: np.ndarray) -> np.ndarray:
        parts = [function(unit_interval(images[i : i + size])) for i in range(0, len(images), size)]
        return np.concatenate([np.asarray(part) for part in parts])

    return all_of


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "precision.csv", ("model", "seed", "angle", "mean_average_precision"), COMMAND)
    same = read_csv(out / "neighbours.csv", ("model", "seed", "angle", "same", "change_of_distance"), COMMAND)
    summary = read_csv(out / "summary.csv", ("model", "seed", "images", "gallery"), COMMAND)
    averaged = mean_over(table, over="seed", by=["model", "angle"])
    seeds = len(distinct(summary, "seed"))
    sentences = [
        f"{summary[0]['images']} queries in a gallery of {summary[0]['gallery']},"
        f" {'one seed' if seeds == 1 else f'means of {seeds} seeds'}."
    ]
    for model in map(str, distinct(table, "model")):
        at = {float(r["angle"]): float(r["mean_average_precision"]) for r in averaged if r["model"] == model}
        rows = [r for r in same if r["model"] == model]
        share = min(float(r["same"]) for r in rows)
        change = max(float(r["change_of_distance"]) for r in rows)
        sentences.append(
            f"{model}: mean average precision {at[0.0]:.3f} upright, {at[45.0]:.3f} at 45°, {at[90.0]:.3f} at 90°,"
            f" least {min(at.values()):.3f}; at multiples of 90° at least {share:.1%} of the queries have the same"
            f" {NEIGHBOURS} neighbours, distances change by {change:.0e} at most."
        )
    return sentences


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    """Mean average precision is that of all seeds; neighbours and distances those of each."""
    columns = ("mean_average_precision",)
    table = read_csv(out / "precision.csv", ("model", "seed", "angle", *columns), COMMAND)
    yield from numbers(table, ("model", "seed", "angle"), *columns)
    for row in read_csv(out / "neighbours.csv", ("model", "seed", "angle", "same", "change_of_distance"), COMMAND):
        same, change = float(row["same"]), float(row["change_of_distance"])
        found = (
            f"{named(row, 'model', 'seed', 'angle')}: {same:.1%} keep their neighbours, distances move by {change:.0e}"
        )
        invariant = row["model"] in ("C4", "C8")
        yield (same == 1 and change < TIE) if invariant else (same < 0.05 and change > 0.1), found
    averaged = means(table, *columns, "model", "angle")
    curves = {model: {a: v for (m, a), v in averaged.items() if m == model} for model in RUNS}
    c4, c8, plain, augmented = (curves[model] for model in ("C4", "C8", "CNN", "CNN + augmentation"))
    period = max(abs(value - c4[(angle + 90) % 360]) for angle, value in c4.items())
    yield period <= 1e-3, f"C4: mean average precision changes by {period:.4f} when queries turn by 90°"
    for name, curve, angle, share in (("C4", c4, 45, 0.5), ("CNN", plain, 90, 0.5)):
        found = f"{name}: mean average precision {curve[0]:.3f} upright and {curve[angle]:.3f} at {angle}°"
        yield curve[angle] < share * curve[0], found
    least = min(value for angle, value in c8.items() if angle % 45 == 0)
    yield least > 0.9 * c8[0], f"C8: mean average precision {c8[0]:.3f} upright and {least:.3f} at a multiple of 45°"
    lowest = [min(curve.values()) for curve in (plain, augmented, c8)]
    yield (
        lowest == sorted(lowest),
        "least mean average precision of CNN, augmented, C8: {:.3f}, {:.3f}, {:.3f}".format(*lowest),
    )
