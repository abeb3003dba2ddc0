"""What networks of the zoo and their twins cost: against plain Flax and plain networks as wide, to build, to compile.

    python -m experiments.benchmarks.zoo [--only=flax,twins,compile,construction] [--out=FILE.csv]

* ``flax``: ResNet-18 of the zoo against the same layers in plain Flax NNX, forward and training step, 65 × 65 pixels;
* ``twins``: training step of the C4 and D4 twins of ResNet-18, with as many fields as the paper has channels, at
  113 × 113 pixels, against the plain network with as many channels as they have; ``--width`` scales all of them;
* ``compile``: CPU time of lowering and compiling a training step of ResNet-110 and -1202 against ResNet-20;
* ``construction``: wall time of building networks.

Writes experiments/results/benchmarks/zoo.csv, where rows of what is not measured stay.
Timings are ratios of medians of what is timed in turn in one process.
"""

import argparse
import csv
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from experiments.parts.training_steps import stepper, training_step
from geomdl.environment import circumstances
from geomdl.layers import scanned
from geomdl.models import MODELS
from geomdl.plots import Row, write_csv
from geomdl.tasks import Classification

OUT = Path(__file__).parents[1] / "results" / "benchmarks" / "zoo.csv"
Step = Callable[[], Any]
TASK, OPTIMIZER = Classification(10), optax.sgd(0.01, 0.9)


class FlaxBlock(nnx.Module):
    """The basic block of ResNet-18 in plain Flax."""

    def __init__(self, inputs: int, outputs: int, stride: int, rngs: nnx.Rngs) -> None:
        options: dict[str, Any] = {"use_bias": False, "rngs": rngs}
        pads = [(1, 1), (1, 1)]
        self.first = nnx.Conv(inputs, outputs, (3, 3), strides=stride, padding=pads, **options)
        self.second = nnx.Conv(outputs, outputs, (3, 3), padding=pads, **options)
        self.norms = nnx.List([nnx.BatchNorm(outputs, momentum=0.9, rngs=rngs) for _ in range(2)])
        self.shortcut = nnx.data(None)
        if stride > 1 or inputs != outputs:
            self.shortcut = nnx.Conv(inputs, outputs, (1, 1), strides=stride, padding="VALID", **options)
            self.norms.append(nnx.BatchNorm(outputs, momentum=0.9, rngs=rngs))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Applies the block."""
        y = self.norms[1](self.second(nnx.relu(self.norms[0](self.first(x)))))
        return nnx.relu(y + (x if self.shortcut is None else self.norms[2](self.shortcut(x))))


class FlaxResNet18(nnx.Module):
    """ResNet-18 in plain Flax."""

    def __init__(self, width: int, classes: int, rngs: nnx.Rngs) -> None:
        self.stem = nnx.Conv(3, width, (7, 7), strides=2, padding=[(3, 3), (3, 3)], use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(width, momentum=0.9, rngs=rngs)
        blocks, inputs = [], width
        for stage in range(4):
            for block in range(2):
                outputs = width * 2**stage
                blocks.append(FlaxBlock(inputs, outputs, 2 if stage and block == 0 else 1, rngs))
                inputs = outputs
        self.blocks = nnx.List(blocks)
        self.head = nnx.Linear(inputs, classes, rngs=rngs)

    def __call__(self, x: jax.Array, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Gives class scores."""
        x = nnx.relu(self.norm(self.stem(x)))
        x = nnx.max_pool(x, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((1, 2)))


def forward(model: nnx.Module, images: jax.Array) -> Step:
    """The compiled network in evaluation."""
    structure, state = nnx.split(model)
    apply = jax.jit(lambda state, images: nnx.merge(structure, state)(images))

    def once() -> None:
        jax.block_until_ready(apply(state, images))

    once()
    return once


def medians(steps: dict[str, Step], rounds: int) -> dict[str, float]:
    """The median time of each, taking turns."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def _batch(size: int, count: int) -> dict[str, jax.Array]:
    images = jax.random.normal(jax.random.key(0), (count, size, size, 3))
    return {"image": images, "label": jnp.zeros(count, jnp.int32)}


def against_flax(rounds: int) -> list[Row]:
    """ResNet-18 with C1 against plain Flax."""
    batch = _batch(65, 8)
    ours = MODELS["resnet18"]().build((65, 65, 3), 10, rngs=0)
    plain = FlaxResNet18(64, 10, nnx.Rngs(0))
    plain.eval()
    found = medians({"ours": forward(ours, batch["image"]), "plain": forward(plain, batch["image"])}, rounds)
    plain.train()
    trained = medians(
        {"ours": stepper(ours, TASK, OPTIMIZER, batch), "plain": stepper(plain, TASK, OPTIMIZER, batch)}, rounds
    )
    return [
        _row("C1 forward against plain Flax", found["ours"], found["plain"], 1.1),
        _row("C1 training step against plain Flax", trained["ours"], trained["plain"], 1.1),
    ]


def twins(width: float, rounds: int) -> list[Row]:
    """The twins against plain networks of as many channels."""
    batch, rows = _batch(113, 2), []
    for group, order, target in (("C4", 4, 1.0), ("D4", 8, 0.6)):
        twin = MODELS["resnet18"](group=group, width=width).build((113, 113, 3), 10, rngs=0)
        plain = MODELS["resnet18"](width=order * width).build((113, 113, 3), 10, rngs=0)
        found = medians(
            {name: stepper(net, TASK, OPTIMIZER, batch) for name, net in (("twin", twin), ("plain", plain))}, rounds
        )
        what = f"{group} twin of ResNet-18 of width {width:g}, training step, against as many plain channels"
        rows.append(_row(what, found["twin"], found["plain"], target))
    return rows


def compilation(depths: Sequence[int]) -> list[Row]:
    """CPU time of compiling a training step, which other work on the machine does not change much."""

    def seconds(depth: int, *, scan: bool = True) -> float:
        model = MODELS["cifar_resnet"](depth=depth).build((33, 33, 3), 10, rngs=0)
        batch = _batch(33, 4)
        step, state = training_step(model, TASK, OPTIMIZER)
        started = time.process_time()
        with scanned(scan):
            step.lower(state if scan else state.plain, batch, jax.random.key(0)).compile()
        jax.clear_caches()
        return time.process_time() - started

    times, targets = {depth: seconds(depth) for depth in (20, *depths)}, {110: 2.0, 1202: 4.0}
    rows = [
        _row(f"compiling a training step of ResNet-{d} against ResNet-20, CPU time", times[d], times[20], targets[d])
        for d in depths
    ]
    if 110 in depths:
        what = "compiling a training step of ResNet-110 against the same without a scan, CPU time"
        rows.append(_row(what, times[110], seconds(110, scan=False), 1.0))
    return rows


def construction() -> list[Row]:
    """Wall time of building networks; no ratio."""
    rows = []
    for name, options, size, target in (
        ("resnet152", {"group": "D4", "width": 0.5}, 225, 10.0),
        ("densenet201", {"group": "D4", "width": 0.5}, 221, 10.0),
        ("inception_v3", {"group": "D4", "width": 0.5}, 299, 10.0), ("vgg19", {}, 224, 10.0),
        ("cifar_resnet1202", {}, 33, 30.0),
    ):  # fmt: skip
        started = time.perf_counter()
        MODELS[name](**options).build((size, size, 3), 1000, rngs=0)
        words = " ".join(f"{k}={v}" for k, v in options.items())
        rows.append(_row(f"building {name} {words}".strip(), time.perf_counter() - started, 1.0, target))
    return rows


def _row(what: str, seconds: float, against: float, target: float) -> Row:
    print(f"{what}: {seconds:.3g} s, {seconds / against:.2f}, target {target}", flush=True)
    row: Row = {"what": what, "seconds": float(f"{seconds:.4g}"), "against_seconds": float(f"{against:.4g}")}
    return {**row, "ratio": round(seconds / against, 3), "target": target, **circumstances()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="flax,twins,compile,construction")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--depths", default="110,1202")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    rows: list[Row] = []
    for part in arguments.only.split(","):
        if part == "flax":
            rows += against_flax(arguments.rounds)
        elif part == "twins":
            rows += twins(arguments.width, arguments.rounds)
        elif part == "compile":
            rows += compilation([int(d) for d in arguments.depths.split(",")])
        elif part == "construction":
            rows += construction()
    before: dict[str, Row] = {}
    if arguments.out.exists():
        before = {row["what"]: row for row in csv.DictReader(arguments.out.read_text(encoding="utf-8").splitlines())}
    write_csv(arguments.out, list((before | {row["what"]: row for row in rows}).values()))


if __name__ == "__main__":
    main()
