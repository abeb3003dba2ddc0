"""Does segmenting commute with rotating? U-Nets, plain and of C4, D4 and C8, with equal parameters.

    geomdl reproduce commuting [--preset=fast|full]

Claim: for the C4 and the D4 U-Net, "rotate, then segment" and "segment, then rotate" are the same at quarter turns, to
rounding (class probabilities differ by at most 1e-5, the label maps have IoU 1). The plain U-Net is visibly broken
there, by orders of magnitude, though nothing in its training images prefers an orientation: less than 0.9 of the
label maps overlaps. At other angles the grid is not mapped to itself, and all are broken, the plain one most. Writes

* ``angles.csv``: per network, seed and angle the largest difference of the class probabilities of f(R x) and R f(x),
  and the IoU of the two label maps (mean over the classes, pixels of all test images together; off the grid on the
  largest disc); ``resampled`` is R⁻¹ R f(x) against f(x) for the plain network: what turning the outputs loses;
* ``summary.csv``: parameters, test IoU, versions and hardware;
* ``pictures.npz``: both ways for each network, of the test image on which the plain network's differ most.

The networks have about 18,000 parameters and are trained on drawn discs, squares and triangles of 32 × 32 pixels,
which lie at every angle. One seed and 400 steps (fast), or three seeds and 2,000 steps (full).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from experiments.parts.claims import Claim, alike, named, numbers, unmet
from experiments.parts.segmentation_networks import NETWORKS, run_config
from experiments.parts.trained_networks import file_name
from geomdl.actions import disc
from geomdl.data import Dataset
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import Metrics, on_grid, predictor, rotated_images
from geomdl.models import count_parameters
from geomdl.plots import Row, distinct, read_csv, write_csv
from geomdl.tasks import overlap, pixel_counts
from geomdl.training import RunConfig, RunProgress, train

COMMAND = "geomdl reproduce commuting"
PRESETS: dict[str, tuple[range, int, int]] = {"fast": (range(1), 400, 64), "full": (range(3), 2000, 500)}
"""Seeds, steps, training images."""
SIZE, IMAGES, SHOWN = 32, 64, 90.0
ANGLES = tuple(float(a) for a in range(15, 360, 15))
RESAMPLED = "resampled"
SEGMENTED_FIRST, ROTATED_FIRST = "segmented, then rotated", "rotated, then segmented"

Probabilities = Callable[[jax.Array], jax.Array]


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables and the pictures."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, steps, images = PRESETS[preset]
    tables: list[dict[str, list[Row]]] = []
    maps: dict[str, dict[str, np.ndarray]] = {}
    dataset = configuration(next(iter(NETWORKS)), 0, steps, images).data.load()
    with RunProgress([(name, seed) for seed in seeds for name in NETWORKS], "commuting") as bar:
        for name, seed in bar:
            bar.note(f"{name}, seed {seed}")
            config = configuration(name, seed, steps, images)
            workdir = out / "runs" / f"{file_name(name)}-{steps}-seed{seed}"
            tables.append(_measured(name, config, dataset, workdir))
            if seed == seeds[0]:
                maps[name] = dict(np.load(workdir / "maps.npz"))
    for table in tables[0]:
        write_csv(out / f"{table}.csv", [row for found in tables for row in found[table]])
    np.savez_compressed(out / "pictures.npz", **shown(dataset, maps))  # type: ignore[arg-type]


def configuration(network: str, seed: int, steps: int, images: int) -> RunConfig:
    """The config of a run."""
    return run_config(
        {
            "name": "shapes",
            "size": SIZE,
            "shapes": ("disc", "square", "triangle"),
            "count": 3,
            "smallest": 5.0,
            "largest": 8.0,
            "train_size": images,
            "validation_size": 32,
            "test_size": IMAGES,
        },
        network,
        seed,
        loss="softmax+dice",
        parameters=18_000,
        depth=2,
        steps=steps,
        eval_every=steps,
    )


def _measured(name: str, config: RunConfig, dataset: Dataset, workdir: Path) -> dict[str, list[Row]]:
    found = workdir / "commuting.json"
    if not found.exists():
        model = train(config, workdir, dataset=dataset).model
        predict = predictor(model)
        x = jnp.asarray(dataset.test.images[:IMAGES])

        def probabilities(images: jax.Array) -> jax.Array:
            return jax.nn.softmax(predict(images))

        about = {"network": name, "seed": config.seed}
        rows = [{**about, "angle": a, **commute(probabilities, x, a)} for a in ANGLES]
        if name == next(iter(NETWORKS)):
            y = probabilities(x)
            rows += [
                {**about, "network": RESAMPLED, "angle": a, **difference(_there_and_back(y, a), y, a)} for a in ANGLES
            ]
        scores = Metrics()(predict, dataset.test, config.task.for_dataset(dataset))
        summary = {**about, "parameters": count_parameters(model), "iou": scores["iou"], **circumstances()}
        np.savez_compressed(workdir / "maps.npz", **both_ways(probabilities, x))  # type: ignore[arg-type]
        found.write_text(json.dumps({"angles": rows, "summary": [summary]}))
    return json.loads(found.read_text())


def commute(f: Probabilities, x: jax.Array, angle: float) -> Row:
    """How far f(R x) and R f(x) are apart.

    Args:
      f: images to class probabilities.
      x: images.
      angle: of R, degrees.
    """
    return difference(f(rotated_images(x, angle)), rotated_images(f(x), angle), angle)


def difference(y: jax.Array, z: jax.Array, angle: float) -> Row:
    """The largest difference of two maps of class probabilities, and the IoU of their label maps."""
    size = (y.shape[1], y.shape[2])
    counted = jnp.ones(size, bool) if on_grid(angle, size) else jnp.asarray(disc(size))
    largest = float(jnp.where(counted[:, :, None], jnp.abs(y - z), 0.0).max())
    labels = jnp.where(counted, z.argmax(-1), -1).astype(jnp.int32)
    counts = pixel_counts(y.argmax(-1).astype(jnp.int32), labels, y.shape[-1])
    iou = float(np.nanmean(overlap(jax.tree.map(lambda v: np.asarray(v, np.float64), counts))[0]))
    return {"difference": float(f"{largest:.5g}"), "iou": float(f"{iou:.6g}")}


def _there_and_back(y: jax.Array, angle: float) -> jax.Array:
    return rotated_images(rotated_images(y, angle), -angle)


def both_ways(f: Probabilities, x: jax.Array) -> dict[str, np.ndarray]:
    """The label maps of the test images, by both ways round the square."""
    return {
        SEGMENTED_FIRST: np.asarray(rotated_images(f(x), SHOWN).argmax(-1), np.int8),
        ROTATED_FIRST: np.asarray(f(rotated_images(x, SHOWN)).argmax(-1), np.int8),
    }


def shown(dataset: Dataset, maps: dict[str, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The pictures of the test image on which the plain network's two label maps differ most.

    Args:
      dataset: with the test images.
      maps: what `both_ways` gives, by network, the plain one first.
    """
    plain = next(iter(maps.values()))
    differ = (plain[SEGMENTED_FIRST] != plain[ROTATED_FIRST]).sum((1, 2))
    chosen = int(differ.argmax())
    x = jnp.asarray(dataset.test.images[chosen : chosen + 1])
    pictures = {f"{name}/{way}": found[chosen] for name, both in maps.items() for way, found in both.items()}
    return {
        **pictures,
        "image": np.asarray(x[0, ..., 0]),
        "turned": np.asarray(rotated_images(x, SHOWN)[0, ..., 0]),
        "truth": np.asarray(dataset.test.labels[chosen], np.int8),
        "median": np.asarray(np.median(differ)),
    }


def at(table: Sequence[Row], network: str, angles: tuple[float, ...]) -> tuple[float, float]:
    """The largest difference and the smallest IoU of a network over seeds and angles."""
    rows = [r for r in table if r["network"] == network and float(r["angle"]) in angles]
    return max(float(r["difference"]) for r in rows), min(float(r["iou"]) for r in rows)


QUARTERS = (90.0, 180.0, 270.0)


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "angles.csv", ("network", "seed", "angle", "difference", "iou"), COMMAND)
    summary = read_csv(out / "summary.csv", ("network", "seed", "parameters", "iou"), COMMAND)
    seeds = len(distinct(summary, "seed"))
    mean = {n: np.mean([float(r["iou"]) for r in summary if r["network"] == n]) for n in NETWORKS}
    sentences = [
        f"About {np.mean([float(r['parameters']) for r in summary]):,.0f} parameters each, {IMAGES} test images,"
        f" {'one seed' if seeds == 1 else f'{seeds} seeds'}; test IoU"
        f" {', '.join(f'{name} {iou:.2f}' for name, iou in mean.items())}."
    ]
    for network in NETWORKS:
        difference, iou = at(table, network, QUARTERS)
        sentences.append(
            f"{network}: at quarter turns max |Δ| {difference:.0e} and IoU of the two label maps {iou:.4g}."
        )
    odd = tuple(a for a in ANGLES if a % 90 == 45)
    worst = ", ".join(f"{n} {at(table, n, odd)[1]:.2f}" for n in (*NETWORKS, RESAMPLED))
    return [*sentences, f"At odd multiples of 45°: IoU {worst}."]


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables and the pictures contradict."""
    return unmet(_claims(out))


GROUPS = tuple(name for name in NETWORKS if name != "U-Net")


def _claims(out: Path) -> Iterator[Claim]:
    table = read_csv(out / "angles.csv", ("network", "seed", "angle", "difference", "iou"), COMMAND)
    summary = read_csv(out / "summary.csv", ("network", "seed", "parameters", "iou"), COMMAND)
    yield from numbers(table, ("network", "seed", "angle"), "difference", "iou")
    yield from alike(summary, "parameters", 1.1)
    for r in summary:  # whoever finds the background alone has about 0.2
        yield float(r["iou"]) > 0.6, f"{named(r, 'network', 'seed')} has learnt an IoU of {float(r['iou']):.2f} only"
    for r in table:
        found = f"{named(r, 'network', 'seed', 'angle')}: max |Δ| {r['difference']}, IoU of the label maps {r['iou']}"
        if r["network"] in GROUPS and r["angle"] in QUARTERS:
            yield 0 < float(r["difference"]) <= 1e-5 and r["iou"] == 1, found
        elif r["network"] == "U-Net" and r["angle"] in QUARTERS:
            yield float(r["iou"]) < 0.9, found
        elif r["network"] == RESAMPLED and r["angle"] in QUARTERS:
            yield (r["difference"], r["iou"]) == (0, 1), found
    worst = at(table, "U-Net", QUARTERS)[0]
    yield worst > 0.1, f"the U-Net commutes with quarter turns up to {worst:.1e}"
    for angle in (45.0, 135.0, 225.0, 315.0):
        plain, resampled = (at(table, name, (angle,))[1] for name in ("U-Net", RESAMPLED))
        found = f"at {angle:g}° the IoU of the label maps is {plain:.2f} for the U-Net"
        yield plain < resampled - 0.1, f"{found}, {resampled:.2f} for what turning loses"
        for name in GROUPS:
            iou = at(table, name, (angle,))[1]
            yield plain < iou < resampled, f"{found}, {iou:.2f} for {name}, {resampled:.2f} for what turning loses"
    with np.load(out / "pictures.npz") as pictures:
        for name in NETWORKS:
            differ = int((pictures[f"{name}/{SEGMENTED_FIRST}"] != pictures[f"{name}/{ROTATED_FIRST}"]).sum())
            found = f"in the picture {differ} pixels differ for {name}"
            yield differ > 10 if name == "U-Net" else differ == 0, found
        median = float(pictures["median"])
        yield median > 5, f"half of the images differ in at most {median:g} pixels for the U-Net"
        yield bool((np.rot90(pictures["image"]) == pictures["turned"]).all()), "the picture is not turned by 90°"
