"""Whole networks by the factored convolution: beside the dense one, a plain Flax CNN of the same channels, and escnn.

    python -m experiments.benchmarks.factored_network [--escnn-python=PATH] [--rounds=5] [--networks=C8,C16,…]

The networks are escnn's C8 example (convolutions 7, 5, 5, 5, 5, 5 on 29 × 29 images), with as many fields for C16 and
half as many for D8, batch 16; for C4, and for C8 with few fields, where the factored method hardly pays, only "auto" is
measured beside both methods. All sides take turns in one run (escnn in a process of its own, whose evaluation has its
filters expanded); evaluation is that of the network as it trains, and that of the frozen one. Ratios are of one turn,
the table gives their median and quartiles, by the clock and of CPU time (of all threads; XLA's and PyTorch's wait
differently, so that the clock says more on an idle machine, and CPU time on a loaded one). "The better" of dense and
factored is the one with the lower median. Compilation is that of the training step, tracing included, each time anew;
memory that of `train_step.py`. With a share of the fields there are no targets. Writes
experiments/results/benchmarks/factored_network.csv.
"""

import argparse
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from flax import nnx

from experiments.benchmarks.networks import EXAMPLE, IMAGE, Plain, network
from experiments.benchmarks.train_step import RESULTS, Evaluation, Side, compiled_step, quartiles, turn
from experiments.benchmarks.worker import start
from geomdl.environment import circumstances
from geomdl.groups import group
from geomdl.kernels import Basis
from geomdl.layers import freeze, with_method
from geomdl.layers.transforms.conv_inputs import conv_inputs
from geomdl.plots import Value, write_csv

STEP, EVALUATION, FROZEN = "training step", "evaluation", "frozen evaluation"
METHODS = ("auto", "factored", "dense")
OTHERS = ("escnn", "plain", "dense", "the better")
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Net:
    """A network that is measured.

    Attributes:
      group: that acts.
      fields: regular fields of each convolution.
      basis: of the kernels.
      beside_others: whether a plain CNN and escnn are measured too.
    """

    group: str
    fields: tuple[int, ...] = EXAMPLE
    basis: Basis = "auto"
    beside_others: bool = True

    def shared(self, share: float) -> "Net":
        """With a share of the fields."""
        fields = tuple(max(1, round(share * n)) for n in self.fields)
        return Net(self.group, fields, self.basis, self.beside_others)


NETWORKS = {
    "C8": Net("C8"),
    "C16": Net("C16"),
    "D8 half": Net("D8", tuple(n // 2 for n in EXAMPLE)),
    "C4": Net("C4", basis="steerable", beside_others=False),
    "C8 few": Net("C8", (2, 4, 4, 8, 8, 4), beside_others=False),
}

TARGETS: dict[Key, float] = {
    ("C8", STEP, "auto", "escnn"): 0.6,
    ("C16", STEP, "auto", "escnn"): 0.25,
    ("D8 half", STEP, "auto", "escnn"): 0.4,
    ("C8", STEP, "auto", "plain"): 0.5,
    ("C16", STEP, "auto", "plain"): 0.2,
    **{("C8", what, "auto", "escnn"): 0.6 for what in (EVALUATION, FROZEN)},
    **{("C16", what, "auto", "escnn"): 0.25 for what in (EVALUATION, FROZEN)},
    **{(name, STEP, "auto", "the better"): 1.05 for name in ("C4", "C8 few")},
    **{(name, "compilation", "auto", "dense"): 1.5 for name in NETWORKS},
    **{(name, "memory", "auto", "dense"): 1.2 for name in NETWORKS},
}
"""What is to be reached: network, what is measured, of which method, beside what."""


class Times(NamedTuple):
    """Seconds of one measurement, by the clock and of all threads."""

    clock: float
    cpu: float


def timed(call: Callable[[], float]) -> Times:
    """Measures a call that says itself how long it took by the clock."""
    before = time.process_time()
    return Times(call(), time.process_time() - before)


def asked(worker: Any, what: str) -> Times:
    """What escnn's process measures."""
    answer = worker.ask(what)
    return Times(answer["seconds"], answer["cpu_seconds"])


def models(net: Net) -> dict[str, nnx.Module]:
    """The same network by every method, and the plain one."""
    ours = network(net.group, net.fields, basis=net.basis, rngs=nnx.Rngs(0))
    found: dict[str, nnx.Module] = {method: with_method(ours, method) for method in METHODS}
    if net.beside_others:
        order = int(group(net.group).order)
        found["plain"] = Plain(tuple(order * n for n in net.fields), rngs=nnx.Rngs(0))
    return found


def choices(model: Any) -> str:
    """What ``"auto"`` takes, layer by layer: d for dense, f for factored."""
    inputs = conv_inputs(model, (IMAGE, IMAGE, 1), 1)
    return "".join(c.layer.method_for(c.shapes[0][1:3])[0] for c in inputs)


def measure(name: str, net: Net, batch: int, rounds: int, compilations: int, worker: Any) -> list[dict[str, Value]]:
    """The rows of one network."""
    networks = models(net)
    compiled = compile_times(networks, batch, compilations)
    sides = {
        side: Side(model, model if side == "plain" else freeze(model, (IMAGE, IMAGE)), batch)  # pyright: ignore[reportArgumentType]
        for side, model in networks.items()
    }
    running = {side: Evaluation(networks[side], sides[side].images) for side in METHODS}
    calls: dict[str, dict[str, Callable[[], Times]]] = {what: {} for what in (STEP, EVALUATION, FROZEN)}
    for side, made in sides.items():
        calls[STEP][side] = lambda made=made: timed(made.train)
        calls[FROZEN][side] = lambda made=made: timed(made.evaluate)
        calls[EVALUATION][side] = lambda side=side, made=made: timed(running.get(side, made.evaluate))
    if worker and net.beside_others:
        worker.ask("build", group=net.group, fields=net.fields, seed=0, batch=batch, size=IMAGE)
        calls[STEP]["escnn"] = lambda: asked(worker, "train")
        calls[EVALUATION]["escnn"] = calls[FROZEN]["escnn"] = lambda: asked(worker, "evaluate")
    about: dict[str, Value] = {
        "network": name, "group": net.group, "fields": " ".join(map(str, net.fields)), "batch": batch,
        "auto_takes": choices(networks["auto"]), "rounds": rounds,
    }  # fmt: skip
    rows: list[dict[str, Value]] = []
    for what, measured in calls.items():
        turns = [turn(measured, first) for first in range(rounds + 1)][1:]
        rows += compared(name, what, {side: [t[side] for t in turns] for side in measured})
    rows += compared(name, "compilation", compiled)
    memory = {side: [Times(float(made.memory), float("nan"))] for side, made in sides.items()}
    rows += compared(name, "memory", memory)
    return [{**about, **row} for row in rows]


def compile_times(networks: Mapping[str, nnx.Module], batch: int, compilations: int) -> dict[str, list[Times]]:
    """CPU seconds of compiling the training steps, in turn."""
    images, labels = np.zeros((batch, IMAGE, IMAGE, 1), np.float32), np.zeros(batch, np.int32)
    taken: dict[str, list[Times]] = {side: [] for side in networks}
    for _ in range(compilations):
        for side, model in networks.items():
            started = time.perf_counter()
            cpu = compiled_step(model, images, labels)[2]  # pyright: ignore[reportArgumentType]
            taken[side].append(Times(time.perf_counter() - started, cpu))
            gc.collect()
    return taken


def compared(name: str, what: str, taken: Mapping[str, Sequence[Times]]) -> list[dict[str, Value]]:
    """Rows of ``auto`` beside everything else, and of the factored method beside the dense one."""

    def clock(side: str) -> list[float]:
        return [t.clock for t in taken[side]]

    def cpu(side: str) -> list[float]:
        return [t.cpu for t in taken[side]]

    better = min(("dense", "factored"), key=lambda side: float(np.median(clock(side))))
    timed_here = what in (STEP, EVALUATION, FROZEN)
    pairs = [("auto", other) for other in OTHERS if other in taken or (other == "the better" and timed_here)]
    rows: list[dict[str, Value]] = []
    for side, other in [*pairs, ("factored", "dense")]:
        beside = better if other == "the better" else other
        row: dict[str, Value] = {"what": what, "method": side, "beside": other, "is": beside}
        for prefix, times in (("", clock), ("cpu_", cpu)):
            counted = not np.isnan(times(side)).any()
            found = quartiles(times(side), times(beside)) if counted else ("", "", "")
            row |= dict(zip((f"{prefix}ratio_low", f"{prefix}ratio", f"{prefix}ratio_high"), found, strict=True))
        row |= {"value": float(np.median(clock(side))), "beside_value": float(np.median(clock(beside)))}
        rows.append({**row, "target": TARGETS.get((name, what, side, other), "")})
    return rows


def sentence(row: Mapping[str, Value]) -> str:
    """A row in words."""
    spread = f"{row['ratio']:.2f} [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}]"
    cpu = "" if row["cpu_ratio"] == "" else f", CPU time {row['cpu_ratio']:.2f}"
    target = "" if row["target"] == "" else f" (target {row['target']})"
    return f"{row['network']}: {row['what']}, {row['method']} / {row['beside']}: {spread}{cpu}{target}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--escnn-python", help="the Python of an environment with escnn")
    parser.add_argument("--share", type=float, default=1.0, help="of the fields")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compilations", type=int, default=3, help="of each training step")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--out", type=Path, default=RESULTS / "factored_network.csv")
    given = parser.parse_args()
    worker = start(given.escnn_python)
    about = {"share": given.share, **circumstances(worker.versions if worker else None)}
    rows: list[dict[str, Value]] = []
    for name in given.networks.split(","):
        net = NETWORKS[name].shared(given.share)
        found = measure(name, net, given.batch, given.rounds, given.compilations, worker)
        if given.share != 1:
            found = [{**row, "target": ""} for row in found]
        rows += [{**row, **about} for row in found]
        for row in found:
            print(sentence(row), flush=True)
        write_csv(given.out, rows)
        gc.collect()
    if worker:
        worker.close()
    print(f"written to {given.out}")


if __name__ == "__main__":
    main()
