"""What the networks of the study of group orders cost: multiply-adds, and CPU time of a training step, by both methods.

    python -m experiments.order_costs [--rounds=9] [--only_counts] [--out=experiments/results/orders]

Counts multiply-adds anew (``costs.csv``, for the data of the ``errors.csv`` there) and measures times (``times.csv``),
without any training: for a quiet machine. The networks of a mode take turns in one process, beginning with another one
each turn, one training step each; times are CPU time of the process (a loaded machine spoils elapsed time, and all
cores are counted). ``relative`` is the ratio to the dense C1 network of the same mode, turn by turn: the median, and
the quartiles. Networks are those of the digits, at fixed width and at fixed parameters, and with four times that width,
or as many parameters as C8 has then (modes ``wide``, ``wide parameters``), which are not trained.
"""

import argparse
import itertools
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.benchmarks.factored import cpu_seconds
from experiments.benchmarks.train_step import quartiles, train_step
from experiments.parts.order_networks import GROUPS, MODES, SETTINGS, OrderNetworkConfig, multiply_adds, sized
from geomdl.environment import circumstances
from geomdl.groups import group as group_named
from geomdl.layers import Sequential, with_method
from geomdl.models import ImageShape
from geomdl.plots import Row, distinct, read_csv, write_csv

RESULTS = Path(__file__).parent / "results" / "orders"
METHODS = ("dense", "factored")
ALL_MODES = (*MODES, "wide", "wide parameters")
WORDS = {
    "width": "fixed width",
    "parameters": "fixed parameters",
    "wide": "fixed width, four times as wide",
    "wide parameters": "fixed parameters, four times as wide",
}
PRESETS: dict[str, tuple[tuple[str, ...], tuple[str, ...], int]] = {
    "fast": (("wide",), ("C1", "C4", "C16"), 3),
    "full": (ALL_MODES, GROUPS, 9),
}
"""Modes, groups, rounds."""
_RATIOS = ("relative", "relative_low", "relative_high")


def run(preset: str, out: Path) -> None:
    """Writes ``times.csv``, if it is not there."""
    if not (out / "times.csv").exists():
        write_csv(out / "times.csv", times(*PRESETS[preset]))


def network(data: str, mode: str, group: str) -> tuple[OrderNetworkConfig, ImageShape]:
    """The config of a network, and the images it takes."""
    setting = SETTINGS[data]
    side = int(setting.data.get("size", 28))
    wide = 4 if mode.startswith("wide") else 1
    model = OrderNetworkConfig(width=wide * setting.width, group=group)
    return sized(model, "parameters" if "parameters" in mode else "width", (side, side, 1)), (side, side, 1)


def counts(data: str, groups: Sequence[str] = GROUPS) -> list[Row]:
    """Parameters and multiply-adds of the convolutions, for every mode and group."""
    rows: list[Row] = []
    for mode, group in itertools.product(ALL_MODES, groups):
        config, shape = network(data, mode, group)
        counted = multiply_adds(abstract(config, shape), shape[:2])
        rows.append(
            {
                "data": data,
                "mode": mode,
                "group": group,
                "order": int(group_named(group).order),
                "width": round(config.width, 3),
                "parameters": config.parameter_count(shape, 10),
                **{f"{method}_multiply_adds": count for method, count in counted.items()},
            }
        )
    return rows


def abstract(config: OrderNetworkConfig, image_shape: ImageShape) -> Sequential:
    """The network without its weights."""
    return nnx.eval_shape(lambda: config.build(image_shape, 10, rngs=nnx.Rngs(0)))


class Side(NamedTuple):
    """A network that takes steps."""

    mode: str
    group: str
    method: str
    step: Callable[[], Any]


def times(modes: Sequence[str], groups: Sequence[str], rounds: int, data: str = "digits") -> list[Row]:
    """CPU time of a training step by mode, group and method, relative to the dense C1 network of the mode."""
    rows: list[Row] = []
    for mode in modes:  # one after the other, for memory
        sides = [_side(data, mode, group, method) for group in dict.fromkeys(("C1", *groups)) for method in METHODS]
        taken: dict[tuple[str, str], list[float]] = {(s.group, s.method): [] for s in sides}
        for turn in range(rounds):
            for side in (*sides[turn % len(sides) :], *sides[: turn % len(sides)]):
                taken[side.group, side.method].append(cpu_seconds(side.step))
        for group, method in taken:
            own = taken[group, method]
            low, middle, high = quartiles(own, taken["C1", "dense"])
            rows.append(
                {
                    "mode": mode,
                    "group": group,
                    "order": int(group_named(group).order),
                    "method": method,
                    "batch": _batch(mode),
                    "rounds": rounds,
                    "cpu_ms": float(f"{1000 * statistics.median(own):.4g}"),
                    **{k: float(f"{v:.4g}") for k, v in zip(_RATIOS, (middle, low, high), strict=True)},
                    "config": f"experiments/parts/order_networks.py, {data}",
                    "seed": 0,
                    **circumstances(),
                }
            )
            print(f"{mode}, {group}, {method}: {rows[-1]['cpu_ms']} ms, {rows[-1]['relative']} of C1", flush=True)
    return rows


def _batch(mode: str) -> int:
    return 8 if mode.startswith("wide") else 32


def _side(data: str, mode: str, group: str, method: str) -> Side:
    """Compiles a training step and takes two."""
    config, shape = network(data, mode, group)
    model = with_method(config.build(shape, 10, rngs=nnx.Rngs(0)), method)
    rng = np.random.default_rng(0)
    images = jnp.asarray(rng.normal(size=(_batch(mode), *shape)), jnp.float32)
    labels = jnp.asarray(rng.integers(0, 10, _batch(mode)))
    step, first = train_step(model)
    compiled = jax.jit(step, donate_argnums=0).lower(first, images, labels).compile()
    held = [first]

    def once() -> jax.Array:
        held[0], loss = compiled(held[0], images, labels)
        return loss

    for _ in range(2):
        jax.block_until_ready(once())
    return Side(mode, group, method, once)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", default=",".join(ALL_MODES))
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only_counts", action="store_true", help="measure no times")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    data = distinct(read_csv(given.out / "errors.csv", ["data"], "geomdl reproduce orders"), "data")
    write_csv(given.out / "costs.csv", [row for name in data for row in counts(str(name), given.groups.split(","))])
    rows: list[Row] = []
    for mode in [] if given.only_counts else given.modes.split(","):
        rows += times([mode], given.groups.split(","), given.rounds)
        write_csv(given.out / "times.csv", rows)


if __name__ == "__main__":
    main()
