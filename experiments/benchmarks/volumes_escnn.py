"""Steerable convolutions of volumes beside escnn: the same layer between irreps of SO(3), in one run.

    python -m experiments.benchmarks.volumes_escnn --escnn-python=PATH [--rounds=9]

Target: at most 1.5 times escnn's time, forward and with gradients.

Both layers have the same irreps, kernel size, shells, degrees and number of weights (both programs' defaults). Forward:
kernels are expanded from the weights, and volumes convolved; gradients: also those of the mean square of the output by
weights and input; evaluation: with the kernels stored (`geomdl.layers.freeze`, escnn's ``eval()``). One core, CPU
seconds of the process; the sides take turns, beginning with another one each turn, and ratios are of one turn: median
and quartiles. Writes experiments/results/benchmarks/volumes_escnn.csv.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from experiments.benchmarks.train_step import RESULTS, quartiles, turn
from experiments.benchmarks.worker import start
from geomdl.environment import circumstances
from geomdl.layers import Conv, Layer, freeze
from geomdl.models import count_parameters
from geomdl.plots import Row, write_csv
from geomdl.representations import FieldType

LAYERS: tuple[tuple[int, int, int, int, int], ...] = (
    (8, 2, 5, 2, 8), (8, 2, 5, 2, 16), (8, 2, 3, 2, 16), (16, 1, 5, 2, 16), (4, 2, 5, 2, 16),
)  # fmt: skip
"""Copies of each irrep, highest degree, kernel size, batch, side of the volumes."""
WHAT = ("forward", "gradients", "evaluation")


def cpu_seconds(run: Callable[[], object]) -> float:
    """Of this process."""
    started = time.process_time()
    jax.block_until_ready(run())
    return time.process_time() - started


def sides(layer: Layer, x: jax.Array) -> dict[str, Callable[[], float]]:
    """What gives the CPU seconds of each of `WHAT`; compiled."""
    graph, params, rest = nnx.split(layer, nnx.Param, ...)
    still, constants = nnx.split(freeze(layer))

    def forward(params: Any, x: jax.Array) -> jax.Array:
        return nnx.merge(graph, params, rest)(x)

    def gradients(params: Any, x: jax.Array) -> Any:
        return jax.grad(lambda params, x: (forward(params, x) ** 2).mean(), argnums=(0, 1))(params, x)

    programs = {
        "forward": (jax.jit(forward), params),
        "gradients": (jax.jit(gradients), params),
        "evaluation": (jax.jit(lambda constants, x: nnx.merge(still, constants)(x)), constants),
    }
    return {what: lambda f=f, held=held: cpu_seconds(lambda: f(held, x)) for what, (f, held) in programs.items()}


def measure(multiplicity: int, degree: int, size: int, batch: int, side: int, rounds: int, worker: Any) -> list[Row]:
    """The rows of a layer."""
    fields = FieldType("SO3", [f"{multiplicity} irrep({d})" for d in range(degree + 1)])
    layer = Conv(fields, fields, size, padding="same", use_bias=False, rngs=nnx.Rngs(0))
    ours = sides(layer, jax.random.normal(jax.random.key(0), (batch, side, side, side, fields.size)))
    about: dict[str, Any] = {
        "fields": " + ".join(f"{multiplicity}x{d}" for d in range(degree + 1)), "channels": fields.size,
        "kernel_size": size, "batch": batch, "side": side, "weights": count_parameters(layer), "rounds": rounds,
    }  # fmt: skip
    if worker:
        built = worker.ask("build_volume", multiplicity=multiplicity, degree=degree, size=size, batch=batch, side=side)
        if built["weights"] != about["weights"]:
            raise RuntimeError(f"{about} is another layer than escnn's, which has {built['weights']} weights")
    rows: list[Row] = []
    for what in WHAT:
        both: dict[str, Callable[[], float]] = {"geomdl": ours[what]}
        if worker:
            both["escnn"] = lambda what=what: worker.ask("volume", what=what)["seconds"]
        taken = [turn(both, first) for first in range(rounds + 2)][2:]
        row: dict[str, Any] = {**about, "what": what}
        for name in ("geomdl", "escnn"):
            row[f"{name}_s"] = float(f"{min(t[name] for t in taken):.3g}") if name in both else ""
        pairs = [[t[name] for t in taken] for name in both]
        low, middle, high = quartiles(*pairs) if worker else ("", "", "")
        row |= {"ratio": middle, "ratio_low": low, "ratio_high": high}
        print(row, flush=True)
        rows.append(row)
    return rows


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--escnn-python", help="Python of an environment with escnn")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before the other process, which inherits it
    worker = start(given.escnn_python)
    versions = worker.versions if worker else {}
    rows = [row for layer in LAYERS for row in measure(*layer, given.rounds, worker)]
    write_csv(RESULTS / "volumes_escnn.csv", [{**row, **circumstances(versions)} for row in rows])
    if worker:
        worker.close()


if __name__ == "__main__":
    main()
