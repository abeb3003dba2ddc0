"""Detection when the test images are turned: average precision by angle, on drawn shapes and on blood cells.

    geomdl reproduce box_angles [--preset=fast|full]

Claim: what a detector loses when its images turn is decided by its group, where the training images have an upright.
On shapes that were learnt upright the plain detector finds little beyond some 45°; the C4 detector finds at every
quarter turn exactly what it finds upright, and less between; the C8 detector holds at every multiple of 45°; the
detector that learnt images turned by every angle is even. Blood cells have no upright: there every detector is nearly
even, and what the group does is to learn more from the same images.

Data: everything outside the largest disc is black, so that turned images show the same as upright ones; objects that
lie wholly outside are left out, and those that its edge cuts are neither learnt nor counted.

* ``shapes``: rectangles, triangles, crosses and ellipses of 56 × 56 pixels with oriented boxes, which turn exactly;
  all of them upright within 20° (400 to learn from, 100 for the test);
* ``cells``: BCCD (Pascal VOC), the middle of each image at 96 × 96 pixels: 205 to learn from, 72 for the test; boxes
  are upright, and a turned cell has the box around the turned ellipse in its box. ``GEOMDL_DATA`` names the folder in
  which the folder ``BCCD`` lies.

Detectors: FCOS, oriented for shapes, of about 40,000 parameters: plain (C1), plain with rotations by every angle as
augmentation, C4, C8 (steerable kernels). Shapes, seed 0 and 300 steps (fast), or both data sets, seeds 0 to 2 and 800
or 600 steps (full). Writes

* ``angles.csv``: per data set, detector and seed the mean average precision at IoU 0.5 of the images at each angle;
* ``summary.csv``: parameters, the mean over the angles and the least, versions and hardware.

Finished runs in the output directory are not repeated. BCCD: Shenggan, BCCD Dataset, 2017 (MIT licence).
"""

import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from experiments.parts.claims import Claim, alike, means, named, numbers, unmet
from experiments.parts.prepared_data import data_folder
from geomdl.data import BoxShapesConfig, BoxTarget, Dataset, Split, data_config
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import predictor, rotation_sweep
from geomdl.models import count_parameters
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.training import RunConfig, RunProgress, train

COMMAND = "geomdl reproduce box_angles"
SHAPES, CELLS = "shapes", "cells"
PLAIN, AUGMENTED = "plain", "plain, augmented"
DETECTORS: dict[str, tuple[str, dict[str, Any]]] = {
    PLAIN: ("C1", {}),
    AUGMENTED: ("C1", {"rotation": 180.0}),
    "C4": ("C4", {}),
    "C8": ("C8", {}),
}
"""Group and augmentation."""

PARAMETERS = 40_000
ANGLES = tuple(float(a) for a in range(0, 360, 15))


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is learnt, and measured.

    Attributes:
      seeds: of the runs.
      steps: of each data set, by its name.
      test: at most so many test images.
      angles: degrees.
    """

    seeds: range
    steps: dict[str, int]
    test: int = 100
    angles: tuple[float, ...] = ANGLES


PRESETS = {
    "fast": Size(range(1), {SHAPES: 300}, 60, ANGLES[::3]),
    "full": Size(range(3), {SHAPES: 800, CELLS: 600}),
}


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    carry_out(PRESETS[preset], list(DETECTORS), out)


def carry_out(size: Size, detectors: list[str], out: Path) -> None:
    """Makes the runs, and the tables of them."""
    datasets = {name: load(name) for name in size.steps}
    angles: list[Row] = []
    summary: list[Row] = []
    runs = [(data, name, seed) for seed in size.seeds for data in datasets for name in detectors]
    with RunProgress(runs, "boxes by angle") as bar:
        for data, name, seed in bar:
            bar.note(f"{data}, {name}, seed {seed}")
            config = configuration(data, name, seed, size.steps[data])
            folder = f"{data}-{name.replace(', ', '-')}-{size.steps[data]}-seed{seed}".lower()
            found = measured(config, datasets[data], size, out / "runs" / folder)
            about = {"data": data, "detector": name, "seed": seed}
            angles += [{**about, **row} for row in found["angles"]]
            summary.append({**about, **found["summary"]})
            write_csv(out / "angles.csv", angles)  # as far as it is
            write_csv(out / "summary.csv", summary)


def configuration(data: str, detector: str, seed: int, steps: int) -> RunConfig:
    """The config of a run."""
    group, augmentation = DETECTORS[detector]
    model = {"name": "oriented_fcos" if data == SHAPES else "fcos", "channels": 8, "features": 24, "tower": 1}
    levels = {"halvings": 3, "levels": 2} if data == SHAPES else {"halvings": 4, "levels": 3}
    return RunConfig.from_config_dict(
        {
            "seed": seed,
            "model": {**model, **levels, "group": group, "match_parameters": PARAMETERS},
            # oriented overlaps are dear, and shapes are few: fewer candidates than usual
            "task": {"name": "detection", **({"candidates": 48, "detections": 24} if data == SHAPES else {})},
            "augmentation": augmentation,
            "optimizer": {"name": "adam", "learning_rate": 0.002, "clip_norm": 10.0},
            "schedule": {"name": "cosine", "warmup_steps": 50},
            "training": {"batch_size": 16 if data == SHAPES else 8, "steps": steps, "eval_every": 10_000},
        }
    )


def load(data: str) -> Dataset:
    """A data set, on discs."""
    if data == SHAPES:
        options = {"smallest": 5.0, "largest": 9.0, "turned": 20.0, "oriented": True}
        return on_discs(BoxShapesConfig(size=56, train_size=400, validation_size=16, test_size=100, **options).load())  # type: ignore[arg-type]
    path = str(Path(data_folder("BCCD")) / "BCCD")
    cells = data_config("voc", path=path, size=96, bad_boxes="drop").load()
    return on_discs(cells, BoxTarget(cells.num_classes, round_objects=True))


def on_discs(dataset: Dataset, kind: BoxTarget | None = None) -> Dataset:
    """A data set with black outside the largest disc about the centre of each image.

    Args:
      dataset: of boxes, with square images.
      kind: of its boxes, in place of its own.
    """
    side = dataset.image_shape[0]
    axis = np.arange(side) + 0.5 - side / 2
    inside = (np.hypot(axis, axis[:, None]) <= side / 2)[..., None]

    def changed(split: Split) -> Split:
        label = split.labels
        boxes, classes = np.asarray(label["boxes"]), np.asarray(label["classes"])
        oriented = boxes.shape[-1] == 5
        centre = boxes[..., :2] if oriented else (boxes[..., :2] + boxes[..., 2:]) / 2
        sides = boxes[..., 2:4] if oriented else boxes[..., 2:] - boxes[..., :2]
        away, reach = np.hypot(*np.moveaxis(centre - side / 2, -1, 0)), sides.max(-1) / 2
        there = (classes >= 0) & (away - reach < side / 2)
        cut = away + reach / 2 > side / 2  # about a quarter of it is outside
        label = {
            "boxes": np.where(there[..., None], boxes, 0),
            "classes": np.where(there, classes, -1),
            "difficult": (np.asarray(label["difficult"]) | cut) & there,
        }
        return Split(np.asarray(split.images) * inside.astype(np.float32), label)

    train_, validation, test = (changed(split) for split in (dataset.train, dataset.validation, dataset.test))
    kinds = dataset.target_kinds if kind is None else {"label": kind}
    words = f"{dataset.provenance}; black outside the largest disc"
    return dataclasses.replace(
        dataset, train=train_, validation=validation, test=test, target_kinds=kinds, provenance=words
    )


def measured(config: RunConfig, dataset: Dataset, size: Size, workdir: Path) -> dict[str, Any]:
    """What the tables say of one run."""
    found = workdir / f"angles-{size.test}-{len(size.angles)}.json"
    if not found.exists():
        started = time.perf_counter()
        model = train(config, workdir, dataset=dataset).model
        seconds = time.perf_counter() - started
        task = config.task.for_dataset(dataset)
        test = dataset.test.subset(range(min(size.test, len(dataset.test))))
        rows = rotation_sweep(predictor(model), test, task, size.angles, batch_size=50)
        angles = [{"angle": row["angle"], "map50": float(f"{row['map50']:.5g}")} for row in rows]
        values = [row["map50"] for row in angles]
        summary = {
            "parameters": count_parameters(model),
            "steps": config.training.steps,
            "test_images": len(test),
            "upright": values[0],
            "mean": float(f"{np.mean(values):.5g}"),
            "worst": min(values),
            "seconds": round(seconds),
            **circumstances(),
        }
        found.write_text(json.dumps({"angles": angles, "summary": summary}), encoding="utf-8")
    return json.loads(found.read_text(encoding="utf-8"))


ABOUT = ("data", "detector", "seed")


def _tables(out: Path) -> tuple[list[Row], list[Row]]:
    angles = read_csv(out / "angles.csv", (*ABOUT, "angle", "map50"), COMMAND)
    summary = read_csv(out / "summary.csv", (*ABOUT, "parameters", "upright", "mean", "worst"), COMMAND)
    return list(angles), list(summary)


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    angles, summary = _tables(out)
    seeds = len(distinct(summary, "seed"))
    at = {(r["data"], r["detector"], r["angle"]): float(r["map50"])
          for r in mean_over(angles, over="seed", by=["data", "detector", "angle"])}  # fmt: skip
    lines = [
        f"About {np.mean([float(r['parameters']) for r in summary]):,.0f} parameters each,"
        f" {'one seed' if seeds == 1 else f'means of {seeds} seeds'}; mAP at IoU 0.5 upright, at 45°, at 90°; mean over"
        " the angles and least of them."
    ]
    for r in mean_over(summary, over="seed", by=["data", "detector"]):
        shown = ", ".join(f"{at[r['data'], r['detector'], a]:.1%}" for a in (0.0, 45.0, 90.0))
        lines.append(f"{r['data']}, {r['detector']}: {shown}; {r['mean']:.1%}, {r['worst']:.1%}.")
    return lines


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    """ "Little" is less than half of what is found upright; "even" is within a tenth (on the few shapes a fifth)."""
    angles, summary = _tables(out)
    yield from numbers(angles, (*ABOUT, "angle"), "map50")
    yield from alike(summary, "parameters", 1.1)
    for r in summary:
        yield float(r["upright"]) > 0.4, f"{named(r, *ABOUT)} has learnt {float(r['upright']):.1%} only"
    at = means(angles, "map50", "data", "detector", "angle")

    def found(data: str, detector: str, *some: float) -> list[float]:
        return [v for (d, n, a), v in at.items() if (d, n) == (data, detector) and (not some or a in some)]

    for data in distinct(summary, "data"):
        for r in angles:
            exact = r["detector"] in ("C4", "C8") and float(r["angle"]) % 90 == 0 and r["data"] == data
            upright = next(float(s["upright"]) for s in summary if all(s[key] == r[key] for key in ABOUT))
            same = not exact or abs(float(r["map50"]) - upright) < 2e-3
            yield same, f"{named(r, *ABOUT, 'angle')}: {float(r['map50']):.2%}, {upright:.2%} upright"
    plain, c4, c8 = (found(SHAPES, name) for name in (PLAIN, "C4", "C8"))
    upright = {name: at[SHAPES, name, 0.0] for name in DETECTORS}
    for name, values in ((PLAIN, plain), ("C4", c4)):
        yield min(values) < upright[name] / 2, f"{SHAPES}, {name}: {min(values):.1%} at the worst angle"
    quarter = found(SHAPES, PLAIN, 90.0, 180.0, 270.0)
    words = f"{SHAPES}, {PLAIN}: {max(quarter):.1%} at the best quarter turn, {upright[PLAIN]:.1%} upright"
    yield max(quarter) < 0.8 * upright[PLAIN], words
    eighth = found(SHAPES, "C8", 45.0, 135.0, 225.0, 315.0)
    yield min(eighth) > 0.85 * upright["C8"], f"{SHAPES}, C8: {min(eighth):.1%} at 45°, {upright['C8']:.1%} upright"
    yield min(c8) > min(c4) + 0.2, f"{SHAPES}, worst angle: C8 {min(c8):.1%}, C4 {min(c4):.1%}"
    for data, names in ((SHAPES, [AUGMENTED]), (CELLS, list(DETECTORS))):
        for name in (n for n in names if (data, n, 0.0) in at):
            values = found(data, name)
            words = f"{data}, {name}: from {min(values):.1%} to {max(values):.1%} over the angles"
            yield max(values) - min(values) < (0.2 if data == SHAPES else 0.1), words
    if all((CELLS, name, 0.0) in at for name in DETECTORS):
        mean = {name: float(np.mean(found(CELLS, name))) for name in DETECTORS}
        for name in ("C4", "C8"):
            words = f"{CELLS}, mean over the angles: {name} {mean[name]:.1%}, {PLAIN} {mean[PLAIN]:.1%}"
            yield mean[name] > mean[PLAIN], words
