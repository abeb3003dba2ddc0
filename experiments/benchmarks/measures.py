"""What the measures cost beside the forward passes they need, and what a full audit of a ResNet-18 takes.

    python -m experiments.benchmarks.measures [--images=16] [--rounds=3] [--audit]

Target: a measure takes at most 1.2 times as long as the forward passes it needs; a full audit (with all measures) of a
ResNet-18 on 64 images of 64 × 64 pixels over C8 and over D4 takes under 5 minutes on 2 CPU cores and under 4 GB.

The model is Haiku's ResNet-18 (11 M parameters; Haiku comes with the extra `dev`). "The forward passes" are one
compilation of the model and as many calls as the measure makes, of as many images, on images that are already there; a
Lie derivative is compared with `jax.jvp` along a given direction. Both sides compile once per call, as a user who calls
once does; they take turns, and ratios are of one turn. Writes measures.csv or audit.csv in
experiments/results/benchmarks.
"""

import argparse
import gc
import importlib.util
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.environment import circumstances
from geomdl.equivariance import (
    Model,
    as_function,
    circular_consistency,
    lie_derivative,
    orbit_errors,
    orbit_spread,
    worst_of_k,
)
from geomdl.plots import Row, write_csv

SIZE = 64
RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
TARGETS = {"measure": 1.2, "audit_seconds": 300, "audit_gb": 4}


def resnet18() -> tuple[Any, tuple[Any, Any]]:
    """Haiku's ResNet-18 with statistics of noise, and its parameters and state."""
    import haiku as hk

    def network(*, train: bool) -> Any:
        return hk.transform_with_state(lambda x: hk.nets.ResNet18(10)(x, is_training=train))

    training = network(train=True)
    x = jax.random.normal(jax.random.key(0), (8, SIZE, SIZE, 3))
    params, state = jax.jit(training.init)(jax.random.key(1), x)
    head = params["res_net18/~/logits"]  # Haiku starts with a head of zeros, which is a constant function
    head["w"] = 0.05 * jax.random.normal(jax.random.key(2), head["w"].shape)
    update = jax.jit(lambda params, state, x: training.apply(params, state, None, x)[1])
    for _ in range(3):
        state = update(params, state, x)
    return network(train=False), (params, state)


def forward(model: Model, x: jax.Array, calls: int) -> None:
    """One compilation, and so many calls."""
    run = jax.jit(lambda model, x: model(x))
    for _ in range(calls):
        run(model, x).block_until_ready()


def derivatives(model: Model, x: jax.Array, calls: int) -> None:
    """One compilation of a directional derivative, and so many calls."""
    run = jax.jit(lambda model, x, v: jax.jvp(lambda z: model(z), (x,), (v,)))
    v = jnp.ones_like(x)
    for _ in range(calls):
        jax.block_until_ready(run(model, x, v))


Pass = Callable[[Model, jax.Array, int], None]
MEASURES: dict[str, tuple[Callable[[Model, jax.Array], Any], Pass, int]] = {
    "orbit_errors, C8": (lambda f, x: orbit_errors(f, x, "C8"), forward, 9),
    "orbit_errors, D4": (lambda f, x: orbit_errors(f, x, "D4"), forward, 9),
    "orbit_spread, C8": (lambda f, x: orbit_spread(f, x, "C8"), forward, 8),
    "circular_consistency, 8 pairs": (circular_consistency, forward, 16),
    "worst_of_k, k = 10": (worst_of_k, forward, 11),
    "lie_derivative, 4 generators": (
        lambda f, x: lie_derivative(f, x, ("translate_x", "translate_y", "rotate", "scale")), derivatives, 4,
    ),
}  # fmt: skip
"""The measure, the passes it is compared with, and how many of them it needs."""


def seconds(action: Callable[[], Any]) -> float:
    """How long it takes."""
    gc.collect()
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def overhead(images: int, rounds: int) -> list[Row]:
    """A row per measure."""
    model = as_function(*resnet18())
    x = jax.random.normal(jax.random.key(3), (images, SIZE, SIZE, 3))
    rows: list[Row] = []
    for name, (measure, passes, calls) in MEASURES.items():
        ours, plain = [], []
        for _ in range(rounds):
            plain.append(seconds(lambda passes=passes, calls=calls: passes(model, x, calls)))
            ours.append(seconds(lambda measure=measure: measure(model, x)))
        ratios = np.array(ours) / np.array(plain)
        rows.append({
            "measure": name, "passes": calls, "images": images, "rounds": rounds, "measure_s": float(np.median(ours)),
            "passes_s": float(np.median(plain)), "ratio": float(np.median(ratios)), "ratio_low": float(ratios.min()),
            "ratio_high": float(ratios.max()), "target": TARGETS["measure"],
        })  # fmt: skip
        print(f"{name}: {rows[-1]['ratio']:.2f} times {calls} passes ({rows[-1]['measure_s']:.1f} s)", flush=True)
    return rows


def audits() -> list[Row]:
    """A row per group: time and memory of full audits."""
    from geomdl.audit import audit

    model, variables = resnet18()
    rows: list[Row] = []
    for group in ("D4", "C8"):
        started = time.perf_counter()
        report = audit(model, variables, group=group, size=(SIZE, SIZE, 3), count=64, measures=True)
        taken = time.perf_counter() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        rows.append({
            "group": group, "images": 64, "size": SIZE, "seconds": round(taken, 1), "peak_gb": round(memory, 2),
            "measures": len(report.measures), "verdicts": len(report.verdicts), "batches": report.forward_passes,
            "target_s": TARGETS["audit_seconds"], "target_gb": TARGETS["audit_gb"],
        })  # fmt: skip
        print(report, flush=True)
        print(f"audit over {group}: {taken:.0f} s, {memory:.2f} GB at the peak so far", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--audit", action="store_true", help="the full audits instead of single measures")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    if importlib.util.find_spec("haiku") is None:
        raise SystemExit('Haiku is not installed: pip install -e ".[dev]" brings it')
    rows = audits() if given.audit else overhead(given.images, given.rounds)
    written = write_csv(
        given.out / ("audit.csv" if given.audit else "measures.csv"), [{**r, **circumstances()} for r in rows]
    )
    print(f"targets: {TARGETS}; written to {written}")


if __name__ == "__main__":
    main()
