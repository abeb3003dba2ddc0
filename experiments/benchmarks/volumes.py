"""Convolutions of volumes: regular fields of O, dense and factored, and steerable SO(3) fields, against plain ones.

    python -m experiments.benchmarks.volumes

For each layer: CPU seconds of a step with gradients of weights and input, the least of some, taken in turns; in units
of Flax's 3-D convolution of the same channels. Also: seconds to build six layers of regular fields of Oh. Writes
experiments/results/benchmarks/volumes.csv.
"""

import argparse
import resource
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from flax import nnx

from experiments.benchmarks.train_step import RESULTS
from geomdl.environment import circumstances
from geomdl.layers import BatchNorm, Conv, Layer, Pointwise, Sequential
from geomdl.plots import Row, write_csv
from geomdl.representations import FieldType


def step(layer: Any) -> Callable[[jax.Array], None]:
    """A compiled step: gradients of the mean square of the output by weights and input."""
    graph, params, rest = nnx.split(layer, nnx.Param, ...)

    @jax.jit
    def gradients(params: nnx.State, x: jax.Array) -> tuple[nnx.State, jax.Array]:
        return jax.grad(lambda p, x: (nnx.merge(graph, p, rest)(x) ** 2).mean(), argnums=(0, 1))(params, x)

    return lambda x: jax.block_until_ready(gradients(params, x)) and None


def cpu_seconds(run: Callable[[], None]) -> float:
    """Of this process, all threads."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    run()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def of_flax(channels: int, size: int) -> nnx.Conv:
    """The ordinary convolution of Flax."""
    return nnx.Conv(channels, channels, (size,) * 3, rngs=nnx.Rngs(0))


def plain(channels: int, size: int) -> Conv:
    """The ordinary convolution of geomdl, which on CPUs is a sum of convolutions of slices."""
    t = FieldType("C1", f"{channels} trivial", space="volume")
    return Conv(t, t, size, padding="same", rngs=nnx.Rngs(0))


def compare(layers: dict[str, nnx.Module], side: int, batch: int, repeats: int) -> dict[str, float]:
    """The least CPU seconds of each, taken in turns."""
    steps = {name: step(layer) for name, layer in layers.items()}
    volume = (batch, side, side, side)
    inputs = {n: jax.random.normal(jax.random.key(0), (*volume, channels(layer))) for n, layer in layers.items()}
    for name, run in steps.items():
        run(inputs[name])
    found = dict.fromkeys(layers, np.inf)
    for _ in range(repeats):
        for name, run in steps.items():
            found[name] = min(found[name], cpu_seconds(lambda run=run, name=name: run(inputs[name])))
    return found


def channels(layer: Any) -> int:
    """Of the input."""
    return layer.in_features if isinstance(layer, nnx.Conv) else layer.in_type.size


def construction() -> float:
    """CPU seconds to build six convolutions of regular fields of Oh with norms."""
    return cpu_seconds(_six_layers)


def _six_layers() -> None:
    x, h = FieldType("Oh", "1 trivial"), FieldType("Oh", "2 regular")
    layers: list[Layer] = []
    for n, (a, b) in enumerate([(x, h)] + [(h, h)] * 5):
        layers += [Conv(a, b, 3, padding="same", rngs=nnx.Rngs(n)), BatchNorm(b), Pointwise(b)]
    Sequential(layers)


def rows(layers: dict[str, nnx.Module], kernel_size: int, options: argparse.Namespace) -> list[Row]:
    """Those of some layers of one kernel size, the first being that of Flax."""
    found = compare(layers, options.side, options.batch, options.repeats)
    return [
        {
            "layer": name,
            "kernel_size": kernel_size,
            "channels": channels(layers[name]),
            "cpu_seconds": float(f"{seconds:.3g}"),
            "times_flax": float(f"{seconds / next(iter(found.values())):.3g}"),
        }
        for name, seconds in found.items()
    ]


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=16)
    parser.add_argument("--side", type=int, default=8)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    built = float(f"{construction():.3g}")  # first, while nothing is cached
    t = FieldType("O", f"{options.fields} regular")
    layers: dict[str, nnx.Module] = {"Flax": of_flax(t.size, 3), "plain": plain(t.size, 3)}
    for method in ("dense", "factored"):
        layers[f"O, {method}"] = Conv(t, t, 3, padding="same", method=method, rngs=nnx.Rngs(0))
    table = rows(layers, 3, options)
    t = FieldType("SO3", "8 trivial + 8 irrep(1) + 8 irrep(2)")
    table += rows(
        {"Flax": of_flax(t.size, 5), "plain": plain(t.size, 5), "SO3": Conv(t, t, 5, padding="same", rngs=nnx.Rngs(0))},
        5,
        options,
    )
    table.append({"layer": "six layers of Oh, built", "kernel_size": 3, "channels": 96, "cpu_seconds": built})
    about = {"side": options.side, "batch": options.batch, **circumstances()}
    columns = ("layer", "kernel_size", "channels", "cpu_seconds", "times_flax")
    write_csv(RESULTS / "volumes.csv", [{**{c: row.get(c, "") for c in columns}, **about} for row in table])
    for row in table:
        print(row)


if __name__ == "__main__":
    main()
