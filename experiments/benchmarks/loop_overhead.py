"""What the training loop costs per step besides computing, in milliseconds.

    python -m experiments.benchmarks.loop_overhead [--steps=2000]

A linear classifier of 8 × 8 digits is trained with batches of 1, so that the device has next to nothing to do: the time
per step of the whole loop (fetching, starting the step, counting, a training record every 10 steps) bounds the overhead
from above. Compilation, evaluation and saving are not in it. Target: below 1 ms. Writes
experiments/results/benchmarks/loop_overhead.csv.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from geomdl.environment import circumstances
from geomdl.plots import write_csv
from geomdl.training import RunConfig, train

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"


def milliseconds_per_step(steps: int) -> list[float]:
    """One number for each training record: the milliseconds of one step, averaged over ten."""
    config = RunConfig.from_config_dict({
        "data": {"name": "digits"}, "model": {"name": "linear"}, "optimizer": {"name": "sgd"},
        "training": {"batch_size": 1, "steps": steps, "eval_every": steps},
    })  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        records = train(config, Path(directory) / "run").records
    return [1000 / r["images_per_second"] for r in records if r["split"] == "train" and "images_per_second" in r]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=RESULTS / "loop_overhead.csv")
    given = parser.parse_args()
    low, middle, high = np.quantile(milliseconds_per_step(given.steps), (0.05, 0.5, 0.95))
    row = {"steps": given.steps, "median_ms": f"{middle:.3f}", "low_ms": f"{low:.3f}", "high_ms": f"{high:.3f}"}
    write_csv(given.out, [{**row, **circumstances()}])
    print(f"a step of the loop takes {middle:.2f} ms (5 % to 95 % of the intervals: {low:.2f} to {high:.2f} ms)")


if __name__ == "__main__":
    main()
