"""What `Predictor.predict` costs beside the forward passes of the network, for small images that are at hand.

    python -m experiments.benchmarks.predict --out=experiments/results/benchmarks/predict.csv

Each round times, one after the other, `predict` on 1,000 images of uint8, 28 × 28 pixels, and the compiled network on
the same images as float32, in the same batches, brought to the device and back. The ratio is that of each round; the
table has its median and quartiles.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from geomdl.data import Preprocessing
from geomdl.environment import circumstances
from geomdl.evaluators import predictor
from geomdl.inference import Predictor, Reading
from geomdl.models import MODELS
from geomdl.plots import write_csv

BATCH = 64
IMAGES = 1000
NETWORKS = {"gcnn": {"group": "C4", "width": 4}, "cnn": {"width": 8}, "linear": {}}


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", default="experiments/results/benchmarks/predict.csv")
    arguments = parser.parse_args()
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 28, 28, 1)).astype(np.uint8)
    ready = images.astype(np.float32) / 255
    rows = []
    for name, options in NETWORKS.items():
        network = predictor(MODELS[name](**options).build((28, 28, 1), 10, rngs=0))
        reading = Reading("class", "softmax", tuple("0123456789"))
        ours = Predictor(network, reading, Preprocessing(channels=1), (28, 28, 1))

        def forward(network=network) -> None:
            for start in range(0, IMAGES, BATCH):
                batch = ready[start : start + BATCH]
                filled = np.concatenate([batch, np.zeros((BATCH - len(batch), 28, 28, 1), np.float32)])
                np.asarray(network(jnp.asarray(filled)))

        def predict(ours=ours) -> None:
            ours.predict(images, batch_size=BATCH)

        forward(), predict()
        ratios = [_seconds(predict) / _seconds(forward) for _ in range(arguments.rounds)]
        low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
        rows.append(
            {"network": name, "images": IMAGES, "batch_size": BATCH, "rounds": arguments.rounds,
             "ratio": round(float(middle), 3), "low": round(float(low), 3), "high": round(float(high), 3),
             **circumstances()}
        )  # fmt: skip
        print(rows[-1])
    write_csv(Path(arguments.out), rows)


def _seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
