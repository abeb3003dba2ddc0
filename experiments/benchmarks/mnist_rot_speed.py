"""Images per second of training the networks of the MNIST-rot study, by the method of their convolutions.

    python -m experiments.benchmarks.mnist_rot_speed --batch=4 [--rounds=3] [--networks=C8,C16] [--sizes=published]

For the networks of `experiments/mnist_rot.py` at the size that two cores train (about 12,000 parameters) and at the
published width: compiled training steps with the convolutions that ``"auto"`` chooses, with factored and with dense
ones. The methods of a network take turns; images per second are those of the median step, and the ratio is the median
over the turns of dense time by the method's. Writes
experiments/results/benchmarks/mnist_rot_speed.csv; rows of other networks and sizes stay.
"""

import argparse
import itertools
import statistics
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from experiments.benchmarks.train_step import RESULTS
from experiments.mnist_rot import NETWORKS, PRESETS, Run, configuration
from experiments.parts.training_steps import stepper
from geomdl.environment import circumstances
from geomdl.layers import with_method
from geomdl.models import count_parameters
from geomdl.plots import Row, read_csv, write_csv
from geomdl.tasks import Classification

METHODS = ("auto", "factored", "dense")
SIZES = {"two cores": "two_cores", "published": "full"}


def measure(network: str, size: str, batch: int, rounds: int) -> list[Row]:
    """The rows of one network.

    Args:
      network: by its name in the study.
      size: one of `SIZES`.
      batch: images of a step.
      rounds: turns of the methods.
    """
    config = configuration(Run(network, "none", 0), PRESETS[SIZES[size]]).model
    random = np.random.default_rng(0)
    images = jnp.asarray(random.random((batch, 28, 28, 1)), jnp.float32)
    arrays = {"image": images, "label": jnp.asarray(random.integers(0, 10, batch))}
    steps, model = {}, config.build((28, 28, 1), 10, rngs=nnx.Rngs(0))
    for method in METHODS:
        same = with_method(model, method)
        steps[method] = stepper(same, Classification(num_classes=10), optax.adam(1e-3), arrays)
    seconds: dict[str, list[float]] = {method: [] for method in METHODS}
    for number in range(rounds):
        for place in range(len(METHODS)):
            method = METHODS[(number + place) % len(METHODS)]
            started = time.perf_counter()
            steps[method]()
            seconds[method].append(time.perf_counter() - started)
    shared: dict[str, Any] = {"network": network, "size": size, "parameters": count_parameters(model), "batch": batch}
    return [
        {
            **shared,
            "method": method,
            "images_per_second": float(f"{batch / statistics.median(taken):.3g}"),
            "times_dense": float(
                f"{statistics.median(d / s for d, s in zip(seconds['dense'], taken, strict=True)):.3g}"
            ),
            "rounds": rounds,
            **circumstances(),
        }
        for method, taken in seconds.items()
    ]


def main() -> None:
    """Measures what is asked for, and writes the table after each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--sizes", default=",".join(SIZES))
    options = parser.parse_args()
    table = RESULTS / "mnist_rot_speed.csv"
    rows: list[Row] = list(read_csv(table, ("network", "size"), __doc__ or "")) if table.exists() else []
    for size, network in itertools.product(options.sizes.split(","), options.networks.split(",")):
        new = measure(network, size, options.batch, options.rounds)
        rows = [r for r in rows if (r["network"], r["size"]) != (network, size)] + new
        write_csv(table, rows)
        jax.clear_caches()
        print(*(f"{r['network']} {r['size']} {r['method']} {r['images_per_second']}" for r in new), sep="\n")


if __name__ == "__main__":
    main()
