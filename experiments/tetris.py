"""Tetris: a network on points learns eight pieces in one position, and knows them in every position.

    python -m experiments.tetris [--preset=fast|full] [--out=out/tetris]

Claim: trained on one cloud of each of the eight pieces, a network whose scores rotations leave as they are (SO3) finds
all of them, turned and shifted at random too. A network whose scores reflections leave as they are as well (O3) finds
the six that are their own mirror images, and cannot tell the two screws from each other: their scores are equal.
Writes ``tetris.csv``: per symmetry and seed the accuracy on the training clouds and on turned ones, how far scores are
from those of the unturned cloud, and between the two screws, relative to the largest score, and the seconds that
building and training took, compiling included. Seed 0 (fast), or seeds 0–2 (full).
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, named, numbers, unmet
from experiments.parts.point_fitting import fitted, turned
from experiments.parts.study_command import study_command
from geomdl.data import tetris
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.plots import Row, read_csv, write_csv
from geomdl.points import PointNetwork

COMMAND = "python -m experiments.tetris"
PRESETS: dict[str, range] = {"fast": range(1), "full": range(3)}
COLUMNS = ("symmetry", "seed", "train", "turned", "error", "screws", "seconds")
SYMMETRIES = ("SO3", "O3")
HIDDEN = "16x0e + 8x0o + 8x1o + 8x1e"
STEPS, RATE, TURNS = 200, 0.01, 25
EXACT = 1e-4
"""What float32 leaves of an exact symmetry in networks of this depth, relative to the largest score."""


def run(preset: str, out: Path) -> None:
    """Trains, measures and writes the table."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    rows = [measured(symmetry, seed) for seed in PRESETS[preset] for symmetry in SYMMETRIES]
    write_csv(out / "tetris.csv", rows)


def measured(symmetry: str, seed: int) -> Row:
    """Trains one network; a row of the table."""
    points, _ = tetris()
    labels, start = np.arange(len(points), dtype=np.int32), time.perf_counter()
    network = PointNetwork(
        len(points), radius=1.8, neighbours=3, within=True, degree=1, hidden=HIDDEN, symmetry=symmetry,
        rngs=nnx.Rngs(seed),
    )  # fmt: skip
    scores, _ = fitted(network, points, labels, steps=STEPS, batch=len(points), rate=RATE)
    seconds, plain = time.perf_counter() - start, scores(points)
    random = np.random.default_rng(seed)
    moved = np.stack([scores(turned(points, random, shift=1.0)) for _ in range(TURNS)])
    size = np.abs(plain).max()
    return {
        "symmetry": symmetry,
        "seed": seed,
        "train": float((plain.argmax(-1) == labels).mean()),
        "turned": float((moved.argmax(-1) == labels).mean()),
        "error": float(np.abs(moved - plain).max() / size),
        "screws": float(np.abs(plain[0] - plain[1]).max() / size),
        "seconds": round(seconds, 1),
        "steps": STEPS,
        **circumstances(),
    }


def claims(rows: Sequence[Row]) -> Iterator[Claim]:
    """What the table has to show."""
    yield from numbers(rows, ("symmetry", "seed"), "train", "turned", "error", "screws")
    for row in rows:
        who = named(row, "symmetry", "seed")
        blind, error, apart = row["symmetry"] == "O3", float(row["error"]), float(row["screws"])
        for column in ("train", "turned"):
            accuracy = float(row[column])
            holds = 0.7 <= accuracy <= 7 / 8 + 1e-6 if blind else accuracy == 1
            yield holds, f"the accuracy of {who} is {accuracy:.3f} ({column})"
        yield error < EXACT, f"the scores of {who} change by {error:.1e} under rotations"
        yield (apart < EXACT if blind else apart > 0.1), f"{who} has scores of the two screws {apart:.1e} apart"


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    return unmet(claims(read_csv(out / "tetris.csv", list(COLUMNS), COMMAND)))


def conclusions(out: Path) -> list[str]:
    """What was seen, in a sentence for each row."""
    return [
        f"{row['symmetry']}, seed {row['seed']}: {row['train']:.1%} of the pieces, {row['turned']:.1%} of turned ones; "
        f"scores of the two screws {row['screws']:.1e} apart; {row['seconds']:.0f} s"
        for row in read_csv(out / "tetris.csv", list(COLUMNS), COMMAND)
    ]


if __name__ == "__main__":
    study_command(__doc__, "tetris", PRESETS, run, conclusions, contradicted)
