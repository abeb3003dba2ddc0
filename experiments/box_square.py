"""Does detecting commute with turning? Detectors, plain and of C4 and D4, with equal parameters.

    geomdl reproduce box_square [--preset=fast|full]

Claim: for the C4 detector "turn, then detect" and "detect, then turn" give the same set of boxes at quarter turns, and
for the D4 detector under reflections too: as many boxes of each class, their corners equal to 1e-3 pixel, after
suppression and all. The plain detector gives the same set for hardly any image, though nothing in its training images
prefers an orientation; so does the C4 detector under reflections, which its group does not hold. Writes

* ``sets.csv``: per detector, seed and element of D4 but the unit: the share of test images whose two sets are the same;
  the greatest difference of a coordinate in pixels over the images with as many boxes of each class; the boxes of
  both sets that have no partner of their class with which they overlap by more than half, as a share;
* ``summary.csv``: parameters, test mAP at IoU 0.5, versions and hardware;
* ``pictures.npz``: both sets, for a quarter turn, of the test image in which most boxes of the plain detector differ.

Detectors: FCOS of about 30,000 parameters on drawn shapes of 48 × 48 pixels, which lie at every angle; boxes with
scores of 0.3 or more are compared, in any order. One seed and 300 steps (fast), or three seeds and 800 steps (full).
Finished runs in the output directory are not repeated.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.parts.claims import Claim, alike, named, numbers, unmet
from geomdl.actions import act, output_action
from geomdl.boxes import set_distance
from geomdl.data import Dataset
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import Metrics, predictor
from geomdl.groups import D4
from geomdl.models import count_parameters
from geomdl.plots import Row, distinct, read_csv, write_csv
from geomdl.representations import FieldType
from geomdl.training import RunConfig, RunProgress, train

COMMAND = "geomdl reproduce box_square"
PLAIN = "plain"
DETECTORS = {PLAIN: "C1", "C4": "C4", "D4": "D4"}
PRESETS: dict[str, tuple[range, int]] = {"fast": (range(1), 300), "full": (range(3), 800)}  # seeds, steps
SIDE, IMAGES, LEAST, SAME = 48, 60, 0.3, 1e-3
"""Pixels of an image, test images, least score of a box; pixels by which corners of the same box may differ."""

DRAWN = {"count": 3, "smallest": 5.0, "largest": 9.0, "train_size": 300, "validation_size": 20}
ELEMENTS = {
    "90°": (0, 1), "180°": (0, 2), "270°": (0, 3), "up–down": (1, 0), "one diagonal": (1, 1), "left–right": (1, 2),
    "other diagonal": (1, 3),
}  # fmt: skip
TURNS = ("90°", "180°", "270°")
SHOWN = "90°"
TURNED_FIRST, DETECTED_FIRST = "turned, then detected", "detected, then turned"

Sets = dict[str, np.ndarray]
"""``boxes`` [n, k, 4], ``scores`` and ``classes`` [n, k], −1 for padding."""


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables and the pictures."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    carry_out(*PRESETS[preset], out)


def carry_out(seeds: range, steps: int, out: Path) -> None:
    """Makes the runs, and the tables and the pictures of them."""
    dataset = configuration(PLAIN, 0, steps).data.load()
    sets: list[Row] = []
    summary: list[Row] = []
    shown: dict[str, dict[str, Sets]] = {}
    with RunProgress([(name, seed) for seed in seeds for name in DETECTORS], "boxes and turns") as bar:
        for name, seed in bar:
            bar.note(f"{name}, seed {seed}")
            workdir = out / "runs" / f"{name.lower()}-{steps}-seed{seed}"
            found, both = _measured(configuration(name, seed, steps), dataset, workdir)
            about = {"detector": name, "seed": seed}
            sets += [{**about, **row} for row in found["sets"]]
            summary.append({**about, **found["summary"]})
            if seed == seeds[0]:
                shown[name] = both
    write_csv(out / "sets.csv", sets)
    write_csv(out / "summary.csv", summary)
    np.savez_compressed(out / "pictures.npz", **pictures(dataset, shown))  # type: ignore[arg-type]


def configuration(detector: str, seed: int, steps: int) -> RunConfig:
    """The config of a run."""
    model = {"name": "fcos", "channels": 8, "features": 24, "halvings": 3, "levels": 2, "tower": 1}
    return RunConfig.from_config_dict(
        {
            "seed": seed,
            "data": {"name": "box_shapes", "size": SIDE, "test_size": IMAGES, **DRAWN},
            "model": {**model, "group": DETECTORS[detector], "match_parameters": 30_000},
            "task": {"name": "detection"},
            "optimizer": {"name": "adam", "learning_rate": 0.003, "clip_norm": 10.0},
            "schedule": {"name": "cosine", "warmup_steps": 30},
            "training": {"batch_size": 16, "steps": steps, "eval_every": 10_000},
        }
    )


def _measured(config: RunConfig, dataset: Dataset, workdir: Path) -> tuple[dict[str, Any], dict[str, Sets]]:
    """What the tables say of one run, and its two sets of boxes for the picture."""
    found, held = workdir / "square.json", workdir / "square.npz"
    if not found.exists():
        model = train(config, workdir, dataset=dataset).model
        task, predict = config.task.for_dataset(dataset), predictor(model)
        x = jnp.asarray(dataset.test.images)

        def detect(images: jax.Array) -> Sets:
            return sure(jax.device_get(task.predictions(predict(images))))

        ways = {element: both_ways(detect, x, element) for element in ELEMENTS}
        rows = [{"element": element, **compared(*both.values())} for element, both in ways.items()]
        scores = Metrics()(predict, dataset.test, task)
        summary = {"parameters": count_parameters(model), "map50": float(f"{scores['map50']:.5g}"), **circumstances()}
        flat = {f"{way}/{key}": values for way, both in ways[SHOWN].items() for key, values in both.items()}
        np.savez_compressed(held, **flat)  # type: ignore[arg-type]
        found.write_text(json.dumps({"sets": rows, "summary": summary}), encoding="utf-8")
    with np.load(held) as arrays:
        both = {
            way: {key: arrays[f"{way}/{key}"] for key in ("boxes", "scores", "classes")}
            for way in (TURNED_FIRST, DETECTED_FIRST)
        }
    return json.loads(found.read_text(encoding="utf-8")), both


def sure(found: Sets) -> Sets:
    """The detections of a large enough score; others become padding."""
    kept = np.asarray(found["scores"]) >= LEAST
    return {
        "boxes": np.where(kept[..., None], found["boxes"], 0),
        "scores": np.where(kept, found["scores"], 0),
        "classes": np.where(kept, found["classes"], -1),
    }


def both_ways(detect: Callable[[jax.Array], Sets], x: jax.Array, element: str) -> dict[str, Sets]:
    """f(g x) and g f(x).

    Args:
      detect: f, images to sets of boxes.
      x: images ``[n, side, side, channels]``.
      element: of `ELEMENTS`.
    """
    g = jnp.asarray(ELEMENTS[element])
    move = output_action("detections", D4, size=(x.shape[1], x.shape[2]))
    moved = jax.tree.map(np.asarray, move(g, detect(x)))
    return {TURNED_FIRST: detect(act(g, x, FieldType(D4, f"{x.shape[-1]} trivial"))), DETECTED_FIRST: moved}


def compared(first: Sets, second: Sets) -> Row:
    """How much two sets of boxes differ, over all images."""
    apart = set_distance(first, second)
    alone, boxes = without_partner(first, second)
    finite = apart[np.isfinite(apart)]
    return {
        "images": len(apart),
        "same": float(f"{np.mean(apart <= SAME):.5g}"),
        "pixels": float(f"{finite.max(initial=0.0):.4g}"),
        "alone": float(f"{alone.sum() / max(boxes.sum(), 1):.5g}"),
        "boxes": int(boxes.sum()),
    }


def without_partner(first: Sets, second: Sets) -> tuple[np.ndarray, np.ndarray]:
    """For each image, how many boxes of both sets have no partner in the other, and how many boxes there are."""
    a, b = first["boxes"][:, :, None], second["boxes"][:, None]
    inside = np.prod(np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0), -1)
    areas = np.prod(a[..., 2:] - a[..., :2], -1) + np.prod(b[..., 2:] - b[..., :2], -1)
    overlaps = inside / np.maximum(areas - inside, 1e-9)
    alike = (first["classes"][:, :, None] == second["classes"][:, None]) & (first["classes"] >= 0)[:, :, None]
    partners = alike & (overlaps > 0.5)
    there = [found["classes"] >= 0 for found in (first, second)]
    alone = [here & ~partners.any(axis) for here, axis in zip(there, (2, 1), strict=True)]
    return sum(a.sum(1) for a in alone), sum(h.sum(1) for h in there)  # type: ignore[return-value]


def pictures(dataset: Dataset, shown: dict[str, dict[str, Sets]]) -> dict[str, np.ndarray]:
    """The test image in which most boxes of the plain detector have no partner, with the boxes of all detectors."""
    alone, _ = without_partner(*shown[PLAIN].values())
    chosen = int(alone.argmax())
    x = np.asarray(dataset.test.images[chosen])
    found = {"image": x[..., 0], "turned": np.rot90(x[..., 0])}
    for name, both in shown.items():
        for way, sets in both.items():
            kept = sets["classes"][chosen] >= 0
            for key, values in sets.items():
                found[f"{name}/{way}/{key}"] = values[chosen][kept]
    return found


def _tables(out: Path) -> tuple[list[Row], list[Row]]:
    sets = read_csv(out / "sets.csv", ("detector", "seed", "element", "same", "pixels", "alone", "boxes"), COMMAND)
    return list(sets), list(read_csv(out / "summary.csv", ("detector", "seed", "parameters", "map50"), COMMAND))


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    sets, summary = _tables(out)
    seeds = len(distinct(summary, "seed"))
    scores = {n: np.mean([float(r["map50"]) for r in summary if r["detector"] == n]) for n in DETECTORS}
    lines = [
        f"About {np.mean([float(r['parameters']) for r in summary]):,.0f} parameters each, {IMAGES} test images,"
        f" {'one seed' if seeds == 1 else f'{seeds} seeds'}; test mAP at IoU 0.5 "
        + ", ".join(f"{name} {value:.2f}" for name, value in scores.items()) + "."
    ]  # fmt: skip
    for name in DETECTORS:
        for what, elements in (("quarter turns", TURNS), ("reflections", [e for e in ELEMENTS if e not in TURNS])):
            own = [r for r in sets if r["detector"] == name and r["element"] in elements]
            same, alone = (np.mean([float(r[key]) for r in own]) for key in ("same", "alone"))
            pixels = max(float(r["pixels"]) for r in own)
            lines.append(
                f"{name}, {what}: the same set for {same:.1%} of the images, corners up to {pixels:.2g} pixels apart,"
                f" {alone:.1%} of the boxes without a partner."
            )
    return lines


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables and the pictures contradict."""
    return unmet(_claims(out))


def kept(detector: str, element: str) -> bool:
    """Whether the group of a detector holds an element."""
    return detector == "D4" or (detector == "C4" and element in TURNS)


def _claims(out: Path) -> Iterator[Claim]:
    """ "Hardly any" is less than one in five."""
    sets, summary = _tables(out)
    about = ("detector", "seed", "element")
    yield from numbers(sets, about, "same", "pixels", "alone")
    yield from alike(summary, "parameters", 1.1)
    for r in summary:
        yield float(r["map50"]) > 0.4, f"{named(r, 'detector', 'seed')} has learnt {r['map50']:.1%} only"
    for r in sets:
        found = (
            f"{named(r, *about)}: the same set for {r['same']:.1%}, {r['pixels']} pixels apart, {r['alone']:.1%} alone"
        )
        enough = int(r["boxes"]) > int(r["images"])
        yield enough, f"{named(r, *about)}: {r['boxes']} boxes in {r['images']} images"
        if kept(str(r["detector"]), str(r["element"])):
            yield r["same"] == 1 and float(r["pixels"]) <= SAME and r["alone"] == 0, found
        else:
            yield float(r["same"]) < 0.2 and float(r["pixels"]) > 0.5, found
    alone = [float(r["alone"]) for r in sets if r["detector"] == PLAIN]
    yield min(alone) > 0.02, f"{min(alone):.1%} of the boxes of the plain detector have no partner only"
    with np.load(out / "pictures.npz") as arrays:
        for name in DETECTORS:
            first, second = (
                {key: arrays[f"{name}/{way}/{key}"][None] for key in ("boxes", "scores", "classes")}
                for way in (TURNED_FIRST, DETECTED_FIRST)
            )
            alone = int(without_partner(first, second)[0][0])
            yield (alone > 0) == (name == PLAIN), f"in the picture {alone} boxes of {name} have no partner"
        yield bool((np.rot90(arrays["image"]) == arrays["turned"]).all()), "the picture is not turned by 90°"
