"""Gradients of a convolution of images on CPUs: summed in parts that fit the cache, and as XLA computes them.

    python -m experiments.benchmarks.kernel_gradient [--rounds=7]

For shapes of images and kernels: CPU seconds of the correlation, of both its gradients as XLA derives them, and of both
by `geomdl.layers.core.cpu_correlation`, taken in turns; ratios are of one turn, median and quartiles. On one core, and
on all (the table says how many). Writes experiments/results/benchmarks/kernel_gradient.csv.
"""

import argparse
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from experiments.benchmarks.train_step import RESULTS, quartiles
from geomdl.environment import circumstances
from geomdl.layers import correlate
from geomdl.plots import Row, read_csv, write_csv

SHAPES: tuple[tuple[int, int, int, int, int], ...] = (
    (64, 32, 64, 3, 64), (64, 16, 64, 3, 64), (64, 16, 128, 3, 128), (64, 32, 16, 3, 16), (32, 16, 64, 5, 64),
    (64, 28, 32, 5, 32), (32, 16, 256, 1, 256), (64, 16, 64, 1, 64), (8, 64, 64, 3, 64), (4, 128, 32, 3, 32),
    (128, 8, 128, 3, 128), (32, 8, 256, 3, 256), (32, 14, 16, 3, 16),
)  # fmt: skip
"""Images, side, channels of the input, kernel size, channels of the output."""


def cpu_seconds(run: Callable[[], object]) -> float:
    """Of this process, all threads."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    jax.block_until_ready(run())
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(batch: int, side: int, channels: int, size: int, out: int, rounds: int) -> Row:
    """The row of one shape."""
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (batch, side, side, channels))
    kernel = jax.random.normal(keys[1], (size, size, channels, out))
    g = jax.random.normal(keys[2], (batch, side, side, out))
    border = (size // 2, size // 2)

    def by_xla(x: jax.Array, kernel: jax.Array) -> jax.Array:
        pads = [(p, p) for p in border]
        return lax.conv_general_dilated(x, kernel, (1, 1), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def in_parts(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return correlate(x, kernel, padding=border)

    def gradients(function: Callable[..., jax.Array]) -> Any:
        return jax.jit(lambda x, kernel, g: jax.vjp(function, x, kernel)[1](g))

    programs = {"xla": gradients(by_xla), "parts": gradients(in_parts)}
    forward = jax.jit(by_xla)
    times: dict[str, list[float]] = {name: [] for name in ("forward", *programs)}
    for turn in range(rounds + 1):
        taken = {"forward": cpu_seconds(lambda: forward(x, kernel))}
        for name in list(programs)[:: 1 if turn % 2 else -1]:
            taken[name] = cpu_seconds(lambda name=name: programs[name](x, kernel, g))
        for name in times if turn else ():  # the first turn compiles
            times[name].append(taken[name])
    low, middle, high = quartiles(times["parts"], times["xla"])
    different = max(
        float(jnp.abs(a - b).max() / jnp.abs(b).max())
        for a, b in zip(programs["parts"](x, kernel, g), programs["xla"](x, kernel, g), strict=True)
    )
    row: dict[str, Any] = {
        "images": batch, "side": side, "channels": channels, "kernel_size": size, "out_channels": out,
        **{f"{name}_ms": float(f"{1000 * min(values):.3g}") for name, values in times.items()},
        "ratio": round(middle, 3), "ratio_low": round(low, 3), "ratio_high": round(high, 3),
        "difference": float(f"{different:.1e}"), **circumstances(),
    }  # fmt: skip
    print({name: row[name] for name in list(row)[:-2]}, flush=True)
    return row


def main() -> None:
    """Measures, on one core in a process of its own and on all, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--one_core", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    path = RESULTS / "kernel_gradient.csv"
    if given.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        write_csv(path, [measure(*shape, given.rounds) for shape in SHAPES])
        return
    command = [sys.executable, "-m", "experiments.benchmarks.kernel_gradient", f"--rounds={given.rounds}", "--one_core"]
    subprocess.run(command, check=True)
    alone = read_csv(path, [], " ".join(command[1:]))
    write_csv(path, [*alone, *(measure(*shape, given.rounds) for shape in SHAPES)])


if __name__ == "__main__":
    main()
