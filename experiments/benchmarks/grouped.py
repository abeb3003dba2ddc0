"""Convolutions of groups of channels on CPUs, depthwise ones among them: as geomdl and as XLA compute them.

    python -m experiments.benchmarks.grouped [--rounds=3]

For shapes of images and kernels: CPU seconds of the correlation and of both its gradients, `geomdl.layers.correlate`
and `jax.lax.conv_general_dilated` in turns; ratios are of one turn, median and quartiles. On one core. Writes
experiments/results/benchmarks/grouped.csv.
"""

import argparse
import os
import time
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from experiments.benchmarks.kernel_gradient import cpu_seconds
from experiments.benchmarks.train_step import RESULTS, quartiles
from geomdl.environment import circumstances
from geomdl.layers import correlate
from geomdl.plots import Row, write_csv

SHAPES: tuple[tuple[int, int, int, int, int, int], ...] = (
    (32, 16, 64, 3, 1, 64), (32, 32, 32, 3, 1, 32), (32, 16, 64, 3, 2, 64), (32, 14, 128, 5, 1, 128),
    (8, 8, 256, 3, 1, 256), (32, 16, 128, 3, 1, 32), (32, 16, 64, 3, 1, 4), (8, 16, 64, 3, 1, 16), (4, 9, 32, 3, 1, 8),
)  # fmt: skip
"""Images, side, channels, kernel size, stride, groups."""


def measure(batch: int, side: int, channels: int, size: int, stride: int, groups: int, rounds: int) -> Row:
    """The row of one shape."""
    keys = jax.random.split(jax.random.key(0), 2)
    x = jax.random.normal(keys[0], (batch, side, side, channels))
    kernel = jax.random.normal(keys[1], (size, size, channels // groups, channels))
    border = size // 2

    def by_xla(x: jax.Array, kernel: jax.Array) -> jax.Array:
        pads, order = [(border, border)] * 2, ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(
            x, kernel, (stride, stride), pads, dimension_numbers=order, feature_group_count=groups
        )

    def ours(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return correlate(x, kernel, stride=stride, padding=border, groups=groups, remainder="drop")

    programs: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    for name, function in (("geomdl", ours), ("xla", by_xla)):
        programs[f"{name}_forward"] = jax.jit(function)
        g = jnp.cos(programs[f"{name}_forward"](x, kernel))
        gradients = jax.jit(lambda x, kernel, f=function, g=g: jax.vjp(f, x, kernel)[1](g))
        started = time.process_time()
        programs[f"{name}_gradients"] = gradients.lower(x, kernel).compile()
        seconds[name] = time.process_time() - started
    times: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(rounds + 1):
        for name in list(programs)[:: 1 if turn % 2 else -1]:
            taken = cpu_seconds(lambda name=name: programs[name](x, kernel))
            if turn:
                times[name].append(taken)
    row: dict[str, Any] = {
        "images": batch, "side": side, "channels": channels, "kernel_size": size, "stride": stride, "groups": groups,
        **{f"{name}_ms": float(f"{1000 * min(values):.3g}") for name, values in times.items()},
    }  # fmt: skip
    for what in ("forward", "gradients"):
        low, middle, high = quartiles(times[f"xla_{what}"], times[f"geomdl_{what}"])
        row |= {f"{what}_times": round(middle, 2), f"{what}_low": round(low, 2), f"{what}_high": round(high, 2)}
    row |= {f"{name}_compile_s": round(taken, 2) for name, taken in seconds.items()}
    found, wanted = programs["geomdl_gradients"](x, kernel), programs["xla_gradients"](x, kernel)
    different = max(float(jnp.abs(a - b).max() / jnp.abs(b).max()) for a, b in zip(found, wanted, strict=True))
    print(row, f"{different:.1e}", flush=True)
    return {**row, "difference": float(f"{different:.1e}"), **circumstances()}


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    write_csv(RESULTS / "grouped.csv", [measure(*shape, given.rounds) for shape in SHAPES])


if __name__ == "__main__":
    main()
