"""What features cost beside the forward pass, and how long a search among many vectors takes.

    python -m experiments.benchmarks.retrieval --out=experiments/results/benchmarks/retrieval.csv

*Features*: each round times, one after the other, `Predictor.features` on 10,000 images of uint8, 64 × 64 pixels, RGB,
and the compiled network on the same images as float32 at hand, in the same batches; the ratio of their rates is that of
each round. *Search*: 1,000 queries among 100,000 vectors, ten neighbours each, with the seconds of the clock and of the
processors (which tell how far other work on the machine slowed it down). Medians with the least and the greatest.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from geomdl.data import Preprocessing
from geomdl.environment import circumstances
from geomdl.evaluators import nearest_neighbours, predictor, retrieval_metrics
from geomdl.inference import Predictor, Reading
from geomdl.models import MODELS
from geomdl.plots import Row, write_csv

BATCH = 64
NETWORKS = {"cnn": {"width": 8}, "gcnn": {"group": "C4", "width": 3}}
QUERIES, GALLERY, CHANNELS, NEIGHBOURS, CLASSES = 1000, 100_000, (64, 256), 10, 100


def features(images: int, rounds: int) -> list[Row]:
    """The rate of features, as a share of that of the forward pass."""
    pixels = np.random.default_rng(0).integers(0, 256, (images, 64, 64, 3), dtype=np.uint8)
    ready = pixels / np.float32(255)
    rows: list[Row] = []
    for name, options in NETWORKS.items():
        model = MODELS[name](**options).build((64, 64, 3), 10, rngs=0)
        network, reading = predictor(model), Reading("class", "softmax", tuple("0123456789"))
        ours = Predictor(network, reading, Preprocessing(channels=3), (64, 64, 3), model=model)

        def forward(network=network) -> None:
            for start in range(0, images, BATCH):
                batch = ready[start : start + BATCH]
                filled = np.concatenate([batch, np.zeros((BATCH - len(batch), 64, 64, 3), np.float32)])
                np.asarray(network(jnp.asarray(filled)))

        def compute(ours=ours) -> None:
            ours.features(pixels, batch_size=BATCH)

        ours.features(pixels[: 2 * BATCH], batch_size=BATCH), np.asarray(network(jnp.asarray(ready[:BATCH])))
        ratios, seconds = [], []
        for _ in range(rounds):
            passed, made = _seconds(forward)[0], _seconds(compute)[0]
            ratios.append(passed / made)
            seconds.append(made)
        rows.append(
            {
                "what": f"features, {name}: rate / rate of the forward pass",
                "size": f"{images} images 64x64",
                "rounds": rounds,
                **_spread(ratios),
                "processor_seconds": "",
                "seconds": round(float(np.median(seconds)), 2),
                **circumstances(),
            }
        )
        print(rows[-1], flush=True)
    return rows


def search(rounds: int) -> list[Row]:
    """Seconds of a search, and of the metrics that rank the whole gallery."""
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    for channels in CHANNELS:
        queries = rng.normal(size=(QUERIES, channels)).astype(np.float32)
        gallery = rng.normal(size=(GALLERY, channels)).astype(np.float32)
        own, classes = rng.integers(0, CLASSES, QUERIES), rng.integers(0, CLASSES, GALLERY)
        tasks: dict[str, Callable[[], object]] = {
            "neighbours, cosine": lambda q=queries, g=gallery: nearest_neighbours(q, g, NEIGHBOURS),
            "neighbours, euclidean": lambda q=queries, g=gallery: nearest_neighbours(
                q, g, NEIGHBOURS, distance="euclidean"
            ),
            "mean average precision": lambda q=queries, g=gallery, o=own, c=classes: retrieval_metrics(q, o, g, c),
        }
        for name, task in tasks.items():
            times = [_seconds(task) for _ in range(rounds)]
            rows.append(
                {
                    "what": f"{name}: seconds",
                    "size": f"{QUERIES} among {GALLERY}, {channels} channels",
                    "rounds": rounds,
                    **_spread([wall for wall, _ in times]),
                    "processor_seconds": round(float(np.median([used for _, used in times])), 2),
                    "seconds": round(float(np.median([wall for wall, _ in times])), 2),
                    **circumstances(),
                }
            )
            print(rows[-1], flush=True)
    return rows


def _spread(values: list[float]) -> Row:
    return {
        "median": round(float(np.median(values)), 3),
        "least": round(min(values), 3),
        "greatest": round(max(values), 3),
    }


def _seconds(function: Callable[[], object]) -> tuple[float, float]:
    """Of the clock, and of all processors."""
    start, used = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - start, time.process_time() - used


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--out", default="experiments/results/benchmarks/retrieval.csv")
    arguments = parser.parse_args()
    rows = search(arguments.rounds) + features(arguments.images, arguments.rounds)
    write_csv(Path(arguments.out), rows)


if __name__ == "__main__":
    main()
