"""The factored convolution beside a plain convolution of the same channels, layer by layer, on CPU.

    python -m experiments.benchmarks.factored [--rounds=5] [--rows=C8-96-7,…]

Each row is one layer of regular fields, 5 × 5, padding "same", batch 16: its forward pass and its gradients (of input
and weights) with method="factored" and "dense", over the same of a plain JAX convolution with as many channels. All
sides take turns in one process; times are CPU time of the process (a loaded machine spoils elapsed time, and both cores
are counted), ratios are of one turn, and the table gives their median and quartiles. Compile time is the CPU time of
compiling the gradients, over that of the dense method. The floor is what no way of computing it can do without: the
products that mix the channels, alone, on columns at hand (forward: one; with gradients: three), and reading the input
and writing the output once; ``over_mixing`` is the time of the layer over that of the former, ``copy`` the time of the
latter over that of the layer's forward pass. Writes experiments/results/benchmarks/factored.csv.
"""

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
from flax import nnx
from jax import lax

from experiments.benchmarks.train_step import quartiles
from geomdl.environment import circumstances
from geomdl.kernels.factored.plan import factored_plan
from geomdl.layers import Conv, correlate, with_method
from geomdl.layers.convolution.algorithms import named
from geomdl.layers.convolution.algorithms.mixing_matrices import mixing_matrices
from geomdl.plots import Row, Value, write_csv
from geomdl.representations import FieldType

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
ROWS = {
    "C8-96-7": (0.25, 0.3),
    "C16-96-7": (0.1, 0.15),
    "D8-48-7": (0.2, 0.25),
    "C8-48-13": (0.5, 0.5),
    "C4-48-13": (None, None),
}
"""Group, regular fields and grid; what forward and gradients are to reach over the plain convolution."""

BATCH = 16


def cpu_seconds(call: Callable[[], Any]) -> float:
    """CPU time of a call, in all threads."""
    started = time.process_time()
    jax.block_until_ready(call())
    return time.process_time() - started


def compiled(function: Callable[..., jax.Array], *args: Any) -> tuple[Any, Any, float]:
    """Forward pass and gradients as programs, and the CPU seconds that compiling the gradients took."""
    forward = jax.jit(function).lower(*args).compile()
    lowered = jax.jit(jax.grad(lambda *a: (function(*a) ** 2).sum(), argnums=(0, 1))).lower(*args)
    started = time.process_time()
    gradients = lowered.compile()
    return forward, gradients, time.process_time() - started


Programs = tuple[list[Any], tuple[Any, ...]]
"""A forward pass and its gradients, compiled, with their arguments."""


def mixing_alone(layer: Conv, pixels: int) -> Programs:
    """The products that mix the channels, and those with their gradients."""
    plan = factored_plan(layer.spaces)
    matrices = mixing_matrices(layer.spaces, [w[...] for w in layer.kernel])
    columns, fields = [], [block.multiplicity for block in layer.in_type.blocks]
    for group in plan.groups:
        for i, _ in group.pairs:
            shape = group.units, BATCH * group.stacked * pixels, group.heights[i] * fields[i]
            columns.append(jax.random.normal(jax.random.key(len(columns)), shape))

    def forward(columns: list[jax.Array], matrices: list[jax.Array]) -> list[jax.Array]:
        dimensions = ((2,), (2,)), ((0,), (0,))
        return [lax.dot_general(m, c, dimensions) for m, c in zip(matrices, columns, strict=True)]

    def gradients(columns: list[jax.Array], matrices: list[jax.Array]) -> Any:
        mixed, back = jax.vjp(forward, columns, matrices)
        return back(mixed)

    args = columns, matrices
    return [jax.jit(f).lower(*args).compile() for f in (forward, gradients)], args


def copying(x: jax.Array) -> Programs:
    """Reading the input and writing as many numbers; it has no gradients."""
    return [jax.jit(lambda x: x + 1.0).lower(x).compile()], (x,)


def measure(name: str, rounds: int) -> Row:
    """One row of the table."""
    group, fields, grid = name.split("-")
    t, size = FieldType(group, f"{fields} regular"), (int(grid), int(grid))
    x = jax.random.normal(jax.random.key(0), (BATCH, *size, t.size))
    auto = Conv(t, t, 5, padding="same", use_bias=False, basis="steerable", rngs=nnx.Rngs(0))
    plain_kernel = jax.random.normal(jax.random.key(1), (5, 5, t.size, t.size))
    sides: dict[str, Programs] = {}
    compile_s: dict[str, float] = {}
    for method in ("factored", "dense", "plain"):
        if method == "plain":
            function, args = (lambda x, kernel: correlate(x, kernel, padding="same")), (x, plain_kernel)
        else:
            structure, state = nnx.split(with_method(auto, method))
            function, args = (lambda x, state, s=structure: nnx.merge(s, state)(x)), (x, state)
        *programs, compile_s[method] = compiled(function, *args)
        sides[method] = programs, args
    sides |= {"mixing": mixing_alone(auto, math.prod(size)), "copy": copying(x)}
    taken: dict[tuple[str, int], list[float]] = {}
    for turn in range(rounds + 1):
        for side, (programs, given) in sides.items():
            for n, program in enumerate(programs):
                seconds = cpu_seconds(lambda program=program, given=given: program(*given))
                if turn:
                    taken.setdefault((side, n), []).append(seconds)
    row: dict[str, Value] = {
        "layer": name, "batch": BATCH, "rounds": rounds, "auto": auto.method_for(size),
        "multiply_adds": named("factored").multiply_adds(auto.convolution, size),
        "dense_multiply_adds": named("dense").multiply_adds(auto.convolution, size),
        "compile_over_dense": compile_s["factored"] / compile_s["dense"],
    }  # fmt: skip
    row["copy"] = quartiles(taken["copy", 0], taken["factored", 0])[1]
    for n, what in enumerate(("forward", "gradients")):
        row[f"{what}_over_mixing"] = quartiles(taken["factored", n], taken["mixing", n])[1]
        for side in ("factored", "dense"):
            low, middle, high = quartiles(taken[side, n], taken["plain", n])
            row |= {f"{what}_{side}": middle, f"{what}_{side}_low": low, f"{what}_{side}_high": high}
        row[f"{what}_plain_cpu_s"] = sorted(taken["plain", n])[rounds // 2]
        row[f"{what}_target"] = _target(name, n)
    return row


def _target(name: str, n: int) -> Value:
    target = ROWS[name][n] if name in ROWS else None
    return "" if target is None else target


def sentence(row: Row) -> str:
    """A row in words."""
    parts = [
        f"{what} {row[f'{what}_factored']:.3f} [{row[f'{what}_factored_low']:.3f}, {row[f'{what}_factored_high']:.3f}]"
        f" (dense {row[f'{what}_dense']:.2f}, target {row[f'{what}_target'] or 'none'};"
        f" {row[f'{what}_over_mixing']:.2f} × the mixing alone)"
        for what in ("forward", "gradients")
    ]
    share = float(row["multiply_adds"]) / float(row["dense_multiply_adds"])
    return (
        f"{row['layer']}: of a plain convolution's CPU time {'; '.join(parts)}; compile {row['compile_over_dense']:.1f}"
        f" × dense; multiply-adds {share:.3f}; auto: {row['auto']}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--out", type=Path, default=RESULTS / "factored.csv")
    given = parser.parse_args()
    rows = []
    for name in given.rows.split(","):
        rows.append({**measure(name, given.rounds), **circumstances()})
        print(sentence(rows[-1]), flush=True)
        write_csv(given.out, rows)
    print(f"written to {given.out}")


if __name__ == "__main__":
    main()
