"""What downsampling that keeps shifts costs, beside a strided convolution of the same size.

    python -m experiments.benchmarks.downsampling [--channels=64] [--size=32] [--batch=16] [--rounds=25]

Targets: polyphase sampling of a strided convolution at most 1.3 times that convolution; a convolution with blur pooling
at most 1.15 times one without.

A 3 × 3 convolution that halves an image and doubles its channels, as between two stages of a residual network, with
circular padding. Blur pooling is measured in two places: before a convolution without stride, beside the strided
convolution; and after one, beside that convolution alone. Forward: one compiled call in evaluation. Gradients: of the
sum of squares of the outputs with respect to weights and input, in training mode (the learned choice then draws its
component). All sides take turns, one call each, beginning with another side each turn; ratios are of calls of one turn,
and the table gives their median and quartiles. What is compared is processor time, summed over threads, which other
work on the machine disturbs less. Writes experiments/results/benchmarks/downsampling.csv.
"""

import argparse
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from experiments.benchmarks.train_step import quartiles
from geomdl.environment import circumstances
from geomdl.layers import BlurPool, Conv, IdealResample, Layer, Polyphase, Sequential
from geomdl.plots import Row, write_csv
from geomdl.representations import FieldType
from geomdl.training import merge_model, split_model

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
POLYPHASE, BLUR = 1.3, 1.15
PASSES = ("forward", "gradients")
STRIDED, PLAIN = "strided convolution", "convolution"
COMPARED: dict[str, tuple[str, float | None]] = {
    "polyphase, norm": (STRIDED, POLYPHASE),
    "polyphase, learned": (STRIDED, POLYPHASE),
    "blur-3, convolution": (STRIDED, BLUR),
    "blur-5, convolution": (STRIDED, BLUR),
    "convolution, blur-3": (PLAIN, BLUR),
    "convolution, blur-5": (PLAIN, BLUR),
    "alias-free, convolution": (STRIDED, None),
}
"""What each is compared with, and the target."""


def layers(channels: int) -> dict[str, Layer]:
    """Every side, by name."""
    narrow, wide = FieldType("C1", f"{channels} trivial"), FieldType("C1", f"{2 * channels} trivial")

    def conv(stride: int) -> Conv:
        options: dict[str, Any] = {"padding": "same", "padding_mode": "circular", "remainder": "drop"}
        return Conv(narrow, wide, 3, stride=stride, **options, rngs=nnx.Rngs(0))

    def blur(fields: FieldType, taps: int) -> BlurPool:
        return BlurPool(fields, taps, padding=(taps - 1) // 2, padding_mode="circular", remainder="drop")

    return {
        STRIDED: conv(2),
        PLAIN: conv(1),
        "polyphase, norm": Polyphase(conv(2)),
        "polyphase, learned": Polyphase(conv(2), "learned", rngs=nnx.Rngs(0)),
        "blur-3, convolution": Sequential([blur(narrow, 3), conv(1)]),
        "blur-5, convolution": Sequential([blur(narrow, 5), conv(1)]),
        "convolution, blur-3": Sequential([conv(1), blur(wide, 3)]),
        "convolution, blur-5": Sequential([conv(1), blur(wide, 5)]),
        "alias-free, convolution": Sequential([IdealResample(narrow, Fraction(1, 2)), conv(1)]),
    }


def compiled(layer: Layer, x: jax.Array, which: str) -> Callable[[], float]:
    """One call of a compiled pass, giving its processor seconds."""
    structure, params, rest = split_model(layer)
    key = jax.random.key(1)

    @jax.jit
    def forward(params: Any, rest: Any, x: jax.Array) -> jax.Array:
        return merge_model(structure, params, rest)(x)

    @jax.jit
    def gradients(params: Any, rest: Any, x: jax.Array) -> Any:
        def loss(params: Any, x: jax.Array) -> jax.Array:
            return (merge_model(structure, params, rest)(x, train=True, key=key) ** 2).sum()

        return jax.grad(loss, (0, 1))(params, x)

    call = forward if which == "forward" else gradients

    def seconds() -> float:
        started = time.process_time()
        jax.block_until_ready(call(params, rest, x))
        return time.process_time() - started

    seconds()
    return seconds


def measure(channels: int, size: int, batch: int, rounds: int) -> list[Row]:
    """A row for each side and pass."""
    x = jax.random.normal(jax.random.key(0), (batch, size, size, channels), jnp.float32)
    rows: list[Row] = []
    for which in PASSES:
        sides = {name: compiled(layer, x, which) for name, layer in layers(channels).items()}
        names = list(sides)
        taken: dict[str, list[float]] = {name: [] for name in names}
        for turn in range(rounds):
            for place in range(len(names)):
                name = names[(turn + place) % len(names)]
                taken[name].append(sides[name]())
        for name, (other, target) in COMPARED.items():
            low, ratio, high = quartiles(taken[name], taken[other])
            rows.append({
                "layer": name, "compared_with": other, "pass": which, "ratio": ratio, "ratio_low": low,
                "ratio_high": high, "target": "" if target is None else target, "milliseconds": 1e3 * min(taken[name]),
                "channels": channels, "size": size, "batch": batch, "rounds": rounds,
            })  # fmt: skip
            print(f"{name}, {which}: {ratio:.2f} [{low:.2f}, {high:.2f}] times {other}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    rows = measure(given.channels, given.size, given.batch, given.rounds)
    print(f"written to {write_csv(given.out / 'downsampling.csv', [{**r, **circumstances()} for r in rows])}")


if __name__ == "__main__":
    main()
