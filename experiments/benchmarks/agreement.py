"""Losses and parameters of every strategy of `geomdl.training.distributed.parallel` against those of one device.

    python -m experiments.benchmarks.agreement [--devices=1,4,8] [--steps=5]

Each family of models takes a few steps of gradient descent with momentum in float32, with augmentation (turns, flips,
shifts), dropout and batch norm where the model has them. Dataset: random images. The difference is the largest one of
any loss, parameter array or running statistic, in the 2-norm, relative to the array. (With Adam it says less: its first
steps have the size of the learning rate however small a gradient is, so rounding errors of gradients that are zero are
blown up.) Writes experiments/results/benchmarks/agreement.csv. CPU devices are made by XLA_FLAGS, in a process of its
own for each number of devices.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.data import Augmentation
from geomdl.environment import circumstances
from geomdl.models import MODELS
from geomdl.plots import Row, read_csv, write_csv
from geomdl.tasks import Classification, Segmentation, Task
from geomdl.training import Compute, Momentum, ParallelConfig, Strategy, initial_state, make_train_step, split_model

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
BATCH, CLASSES = 8, 3
TURNS = Augmentation(flip=True, quarter_turns=True, shift=1)

FAMILIES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "linear": ("linear", 6, {}),
    "mlp": ("mlp", 6, {"width": 8, "dropout": 0.5}),
    "local": ("local", 6, {"width": 2, "kernel_size": 3}),
    "cnn": ("cnn", 8, {"width": 2, "kernel_size": 3, "dropout": 0.5}),
    "cnn, lps": (
        "cnn", 8,
        {"width": 2, "kernel_size": 3, "depth": 2, "padding_mode": "circular", "head": "mean", "downsampling": "lps"},
    ),
    "gcnn, D4": ("gcnn", 8, {"width": 2, "kernel_size": 3, "group": "D4", "dropout": 0.5}),
    "resnet, C4": ("resnet", 8, {"width": 1, "stages": 2, "group": "C4"}),
    "vision_transformer": ("vision_transformer", 8, {"width": 2}),
    "off_grid, C8": ("off_grid", 8, {"width": 1, "group": "C8"}),
    "unet": ("unet", 8, {"width": 2, "depth": 1}),
    "group_unet, C4": ("group_unet", 8, {"width": 1, "depth": 1, "group": "C4", "dropout": 0.5}),
    "e2_wrn": ("e2_wrn", 9, {"depth": 10, "width": 0.05, "groups": ("D4", "D4", "D1")}),
}  # fmt: skip
"""Model, size of the images and options, by a label."""


class Trial:
    """A few training steps of one family.

    Args:
      family: of `FAMILIES`.
      strategy: of the devices.
      compute: precision and memory.
    """

    def __init__(self, family: str, strategy: Strategy, compute: Compute = Compute()) -> None:  # noqa: B008
        name, size, options = FAMILIES[family]
        model = MODELS[name](**options).build((size, size, 2), CLASSES, rngs=nnx.Rngs(0))
        self.structure, params, rest = split_model(model)
        rng = np.random.default_rng(0)
        images = jnp.asarray(rng.normal(size=(BATCH, size, size, 2)), jnp.float32)
        maps = "unet" in name
        self.task: Task = Segmentation(("a", "b", "c"), "softmax+dice") if maps else Classification(CLASSES)
        labels = jnp.asarray(rng.integers(0, CLASSES, (BATCH, size, size) if maps else BATCH), jnp.int32)
        optimizer = Momentum(0.05).build(lambda step: 0.05)
        state = initial_state(params, rest, optimizer, self.task)
        self.strategy = strategy
        self.state, self.key = strategy.place((state, jax.random.key(0)))
        self.batch = strategy.feed()({"image": images, "label": labels})
        self.step = make_train_step(
            self.structure, task=self.task, optimizer=optimizer, select=lambda fetched, step: fetched,
            augment=TURNS, compute=compute, strategy=strategy,
        )  # fmt: skip

    def run(self, steps: int) -> dict[str, Any]:
        """The losses of the steps, and parameters and other variables afterwards."""
        losses = []
        for _ in range(steps):
            before = float(self.state.totals["loss"])
            self.state = self.step(self.state, self.batch, self.key)
            losses.append(float(self.state.totals["loss"]) - before)
        state = jax.device_get(self.state)
        return {"loss": np.array(losses), "params": state.params, "rest": state.rest}


def largest_difference(a: Any, b: Any) -> float:
    """‖a − b‖ / max(‖b‖, 10⁻³ √size), the largest over the arrays of two trees."""

    def of(x: Any, y: Any) -> float:
        if jnp.issubdtype(np.asarray(y).dtype, jnp.integer):
            return 0.0
        return float(np.linalg.norm(np.asarray(x) - y) / max(np.linalg.norm(y), 1e-3 * np.size(y) ** 0.5))

    return max(jax.tree.leaves(jax.tree.map(of, a, b)))


def rows(devices: int, steps: int, families: Sequence[str] = tuple(FAMILIES)) -> Iterator[Row]:
    """Every family and strategy on the devices of this process."""
    for family in families:
        alone = Trial(family, Strategy()).run(steps)
        for name in ("jit", "shard_map", "pmap"):
            there = Trial(family, ParallelConfig(name, devices).build(BATCH)).run(steps)
            loss = largest_difference(there["loss"], alone["loss"])
            params, rest = (largest_difference(there[k], alone[k]) if alone[k] else 0.0 for k in ("params", "rest"))
            row: Row = {
                "family": family, "strategy": name, "devices": devices, "steps": steps, "batch": BATCH,
                "loss": f"{loss:.1e}", "parameters": f"{params:.1e}", "statistics": f"{rest:.1e}",
            }  # fmt: skip
            print(row, flush=True)
            yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", default="1,4,8")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS / "agreement.csv")
    parser.add_argument("--one", type=int, help="measure with this number of devices, in this process")
    given = parser.parse_args()
    if given.one:
        mine: list[Row] = []
        for row in rows(given.one, given.steps):
            mine.append({**row, **circumstances()})
            write_csv(given.out, mine)
        return
    found: list[Row] = []
    for count in (int(text) for text in given.devices.split(",")):
        part = given.out.with_suffix(f".{count}.csv")
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={count}"
        command = [sys.executable, "-m", "experiments.benchmarks.agreement", f"--one={count}", f"--steps={given.steps}"]
        environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
        subprocess.run([*command, f"--out={part}"], check=True, env=environment)
        found += read_csv(part, ("family", "devices"), "python -m experiments.benchmarks.agreement")
        part.unlink()
        write_csv(given.out, found)
    for name in ("loss", "parameters", "statistics"):
        print(f"largest relative difference of {name}: {max(float(row[name]) for row in found):.1e}")


if __name__ == "__main__":
    main()
