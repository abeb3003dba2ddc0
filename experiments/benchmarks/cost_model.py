"""The estimate by which convolutions of method "auto" choose, beside measurement, layer by layer, on CPU.

    python -m experiments.benchmarks.cost_model [--rounds=7] [--layers=C8-24-13-5,…]

A layer is named by its group, regular fields, grid and taps: from as many fields to as many, padding "same", batch 16;
steerable kernels, or such of pixels: ``D4-24-13-5-pixel``.
``ratio`` is the CPU time of its gradients (of input and weights) by the factored method over that by the dense one,
turn by turn, the median with quartiles; ``expected`` what
`geomdl.layers.convolution.algorithms.factored_cost.expected_cost` says. Writes
experiments/results/benchmarks/cost_model.csv.
"""

import argparse
from pathlib import Path
from typing import Any

import jax
from flax import nnx

from experiments.benchmarks.factored import BATCH, RESULTS, compiled, cpu_seconds
from experiments.benchmarks.train_step import quartiles
from geomdl.environment import circumstances
from geomdl.layers import Conv, with_method
from geomdl.layers.convolution.algorithms import named
from geomdl.layers.convolution.algorithms.factored_cost import expected_cost
from geomdl.plots import Row, write_csv
from geomdl.representations import FieldType

LAYERS = (
    "C4-12-13-5", "C4-24-13-5", "C4-48-13-5", "C8-6-13-5", "C8-12-13-5", "C8-24-13-5", "C8-48-13-5", "C16-6-13-5",
    "C16-12-13-5", "C16-24-13-5", "D4-6-13-5", "D4-12-13-5", "D4-24-13-5", "D8-6-13-5", "D8-12-13-5", "D8-24-13-5",
    "C8-8-25-5", "C8-16-25-5", "C8-16-25-7", "C8-16-25-3", "C8-48-13-3", "C8-48-7-5", "C8-96-7-5",
    "C4-48-13-3-pixel", "C4-48-13-5-pixel", "D4-16-13-3-pixel", "D4-32-13-3-pixel", "D4-32-13-5-pixel",
    "D4-64-7-3-pixel", "D4-32-25-3-pixel", "C8-24-25-1-pixel", "C8-48-13-1-pixel", "D4-24-25-1-pixel",
)  # fmt: skip


def measure(name: str, rounds: int) -> Row:
    """One row of the table."""
    group, fields, grid, taps, *pixel = name.split("-")
    fields, grid, taps = int(fields), int(grid), int(taps)
    t, size = FieldType(group, f"{fields} regular"), (grid, grid)
    layer = Conv(t, t, taps, padding="same", use_bias=False, basis="pixel" if pixel else "steerable", rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (BATCH, *size, t.size))
    sides: dict[str, tuple[Any, nnx.State]] = {}
    for method in ("factored", "dense"):
        structure, state = nnx.split(with_method(layer, method))
        sides[method] = compiled(lambda x, state, s=structure: nnx.merge(s, state)(x), x, state)[1], state
    taken: dict[str, list[float]] = {method: [] for method in sides}
    for turn in range(rounds + 1):
        for method, (gradients, state) in sides.items():
            seconds = cpu_seconds(lambda gradients=gradients, state=state: gradients(x, state))
            if turn:
                taken[method].append(seconds)
    low, middle, high = quartiles(taken["factored"], taken["dense"])
    dense = named("dense").multiply_adds(layer.convolution, size)
    expected = expected_cost(layer.convolution, layer.window, size) / dense
    return {
        "layer": name, "batch": BATCH, "rounds": rounds, "ratio_low": low, "ratio": middle, "ratio_high": high,
        "expected": expected, "auto": layer.method_for(size),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--out", type=Path, default=RESULTS / "cost_model.csv")
    given = parser.parse_args()
    rows: list[Row] = []
    for name in given.layers.split(","):
        rows.append({**measure(name, given.rounds), **circumstances()})
        row = rows[-1]
        print(f"{name}: {row['ratio']:.2f} of the dense method, expected {row['expected']:.2f}, auto: {row['auto']}")
        write_csv(given.out, rows)
    print(f"written to {given.out}")


if __name__ == "__main__":
    main()
