"""Time and memory of a training step and of evaluation: geomdl's group convolutions, a plain Flax CNN, escnn.

    python -m experiments.benchmarks.train_step [--escnn-python=PATH] [--share=0.25] [--batch=16] [--rounds=9]

Target: a training step takes at most 1.1 times that of a plain Flax CNN of the same channels, with at most 1.1 times
its memory, at group orders 4, 8, 16 and 32; evaluation of the frozen network at most 1.0 times.

The network is escnn's C8 example (convolutions 7, 5, 5, 5, 5, 5 on 29 × 29 images) with a share of its channels, and
for the other groups with as many fields as give the same channels. By default a quarter of the channels, which runs in
minutes on 2 CPU cores; expanding kernels and convolving both cost in proportion to the product of the channels, so the
ratio is about that of the full network. (A larger batch makes the expansion count less.) The three sides take turns,
one step each, beginning with another side each turn; ratios are of steps of one turn, and the table gives their median
and quartiles. Memory is what the compiled step holds besides its arguments (XLA's analysis), plus arguments and outputs
that do not share their memory. Writes experiments/results/benchmarks/train_step.csv.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from experiments.benchmarks.networks import IMAGE, Plain, fields_of, network
from experiments.benchmarks.worker import start
from geomdl.environment import circumstances
from geomdl.groups import group
from geomdl.layers import freeze, with_method
from geomdl.plots import Row, write_csv
from geomdl.training import merge_model, split_model

T = TypeVar("T")
GROUPS = ("C4", "C8", "C16", "D16")
RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
TARGETS = {"train": 1.1, "memory": 1.1, "evaluate": 1.0}


def train_step(model: nnx.Module) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A pure training step, ``(state, images, labels) -> (state, loss)``, and its first state."""
    structure, params, rest = split_model(model)
    optimizer = optax.adam(1e-3)

    def step(state: tuple[Any, ...], images: jax.Array, labels: jax.Array) -> tuple[tuple[Any, ...], jax.Array]:
        params, rest, memory = state

        def loss_of(params: Any) -> tuple[jax.Array, Any]:
            network = merge_model(structure, params, rest)
            loss = optax.softmax_cross_entropy_with_integer_labels(network(images, train=True), labels).mean()
            return loss, split_model(network)[2]

        (loss, rest), gradients = jax.value_and_grad(loss_of, has_aux=True)(params)
        updates, memory = optimizer.update(gradients, memory, params)
        return (optax.apply_updates(params, updates), rest, memory), loss

    state = jax.tree.map(jnp.copy, (params, rest, optimizer.init(params)))
    return step, state


def compiled_step(model: nnx.Module, images: jax.Array, labels: jax.Array) -> tuple[Any, tuple[Any, ...], float]:
    """A training step as a program, its first state, and the CPU seconds of tracing and compiling it."""
    step, state = train_step(model)
    started = time.process_time()
    program = jax.jit(step, donate_argnums=0).lower(state, images, labels).compile()
    return program, state, time.process_time() - started


class Evaluation:
    """A network, compiled; a call gives the seconds of an evaluation."""

    def __init__(self, network: nnx.Module, images: jax.Array) -> None:
        self.images = images
        structure, self.variables = nnx.split(network)
        apply = jax.jit(lambda variables, images: nnx.merge(structure, variables)(images))
        self.apply = apply.lower(self.variables, images).compile()

    def __call__(self) -> float:
        """Seconds of an evaluation."""
        started = time.perf_counter()
        jax.block_until_ready(self.apply(self.variables, self.images))
        return time.perf_counter() - started


class Side:
    """One network: compiled, with its state; `train` and `evaluate` give seconds."""

    def __init__(self, model: nnx.Module, deployed: nnx.Module, batch: int) -> None:
        rng = np.random.default_rng(0)
        self.images = jnp.asarray(rng.normal(size=(batch, IMAGE, IMAGE, 1)), jnp.float32)
        self.labels = jnp.asarray(rng.integers(0, 10, batch))
        self.step, self.state, _ = compiled_step(model, self.images, self.labels)
        self.evaluate = Evaluation(deployed, self.images)

    @property
    def memory(self) -> int:
        """Bytes that the step needs at its peak."""
        found = self.step.memory_analysis()
        if found is None:
            raise RuntimeError(f"XLA says nothing of the memory of a program on {jax.default_backend()}")
        return (
            found.temp_size_in_bytes
            + found.argument_size_in_bytes
            + found.output_size_in_bytes
            - found.alias_size_in_bytes
        )

    def train(self) -> float:
        """Seconds of a training step."""
        started = time.perf_counter()
        self.state, _ = jax.block_until_ready(self.step(self.state, self.images, self.labels))
        return time.perf_counter() - started


def quartiles(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile of a/b, round by round."""
    low, middle, high = np.quantile(np.asarray(a) / np.asarray(b), (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def turn(sides: Mapping[str, Callable[[], T]], first: int) -> dict[str, T]:
    """One measurement of each side, beginning with another one each turn; after each a pause for its threads to end."""
    names = list(sides)
    taken: dict[str, T] = {}
    for number in range(len(names)):
        name = names[(first + number) % len(names)]
        taken[name] = sides[name]()
        time.sleep(0.25)  # threads of torch go on waiting for work for a while, and would slow the next side
    return taken


def measure(name: str, share: float, batch: int, rounds: int, worker: Any) -> Row:
    """One row of the table."""
    order = int(group(name).order)
    fields = fields_of(order, share)
    ours = with_method(network(name, fields, rngs=nnx.Rngs(0)), "dense")
    geomdl = Side(ours, freeze(ours), batch)
    other = Plain(tuple(order * n for n in fields), rngs=nnx.Rngs(0))
    plain = Side(other, other, batch)
    if worker:
        worker.ask("build", group=name, fields=fields, seed=0, batch=batch, size=IMAGE)
    times: dict[str, dict[str, list[float]]] = {}
    for what in ("train", "evaluate"):
        sides: dict[str, Callable[[], float]] = {"geomdl": getattr(geomdl, what), "plain": getattr(plain, what)}
        if worker:
            sides["escnn"] = lambda what=what: worker.ask(what)["seconds"]
        taken = [turn(sides, first) for first in range(1 + rounds * (2 if what == "evaluate" else 1))][1:]
        times[what] = {side: [t[side] for t in taken] for side in sides}
    row: dict[str, float | int | str] = {
        "group": name, "order": order, "fields": " ".join(map(str, fields)), "batch": batch, "rounds": rounds,
        "geomdl_memory_mb": geomdl.memory / 1e6, "plain_memory_mb": plain.memory / 1e6,
        "memory_ratio": geomdl.memory / plain.memory,
    }  # fmt: skip
    for what, taken in times.items():
        for side in ("geomdl", "plain", "escnn"):
            row[f"{side}_{what}_s"] = float(np.median(taken[side])) if side in taken else ""
        for side in ("plain", "escnn"):
            low, middle, high = quartiles(taken["geomdl"], taken[side]) if side in taken else ("", "", "")
            row |= {
                f"{what}_over_{side}": middle,
                f"{what}_over_{side}_low": low,
                f"{what}_over_{side}_high": high,
            }
    return row


def sentence(row: Row) -> str:
    """A row in words."""
    text = (
        f"{row['group']}: training step {row['train_over_plain']:.2f} [{row['train_over_plain_low']:.2f},"
        f" {row['train_over_plain_high']:.2f}] times a plain CNN ({row['geomdl_train_s']:.2f} s), memory"
        f" {row['memory_ratio']:.2f} times, frozen evaluation {row['evaluate_over_plain']:.2f}"
        f" [{row['evaluate_over_plain_low']:.2f}, {row['evaluate_over_plain_high']:.2f}] times"
    )
    if row["train_over_escnn"] != "":
        text += f"; against escnn {row['train_over_escnn']:.2f} and {row['evaluate_over_escnn']:.2f} times"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--escnn-python", help="the Python of an environment with escnn")
    parser.add_argument("--share", type=float, default=0.25, help="of the channels of escnn's example")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--out", type=Path, default=RESULTS / "train_step.csv")
    given = parser.parse_args()
    worker = start(given.escnn_python)
    about = circumstances(worker.versions if worker else None)
    rows = []
    for name in given.groups.split(","):
        rows.append({**measure(name, given.share, given.batch, given.rounds, worker), "share": given.share, **about})
        print(sentence(rows[-1]), flush=True)
        write_csv(given.out, rows)
    if worker:
        worker.close()
    print(f"targets: {TARGETS}; written to {given.out}")


if __name__ == "__main__":
    main()
