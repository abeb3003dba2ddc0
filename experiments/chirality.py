"""Chirality: left screws and right screws, which a network that reflections leave as it is cannot tell apart.

    python -m experiments.chirality [--preset=fast|full] [--out=out/chirality]

Claim: of clouds of points drawn from the surfaces of screws, half of them left-handed, a network whose scores rotations
leave as they are (SO3) learns the handedness from upright screws, and finds it in any orientation. If reflections leave
its scores as they are too (O3), the scores of a screw and its mirror image are equal, and half of the screws are what
it can find. A network that reads coordinates learns the upright screws, and fails in other orientations.
Writes ``chirality.csv``: per network and seed the accuracy on upright training screws, on upright and on turned test
screws, how far scores are from those of the mirror image, relative to their standard deviation, and how many of the
pairs of a screw and its mirror image are told apart. Seed 0 (fast), or seeds 0–2 (full).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import jax
import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, named, numbers, unmet
from experiments.parts.point_fitting import Scores, fitted
from experiments.parts.study_command import study_command
from geomdl.data import SolidsConfig
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.plots import Row, read_csv, write_csv
from geomdl.points import PointNetwork

COMMAND = "python -m experiments.chirality"
PRESETS: dict[str, range] = {"fast": range(1), "full": range(3)}
COLUMNS = ("network", "seed", "train", "upright", "turned", "mirrored", "pairs")
NETWORKS = ("SO3", "O3", "coordinates")
POINTS, TRAIN, TEST, STEPS, BATCH, RATE = 48, 400, 200, 300, 8, 0.01
CHANCE = 0.6
"""The most that half of 200 screws, guessed, come to: 0.5 and nearly three standard deviations."""


class Coordinates(nnx.Module):
    """A perceptron of the coordinates of each point, the maximum over points, a perceptron: PointNet without its
    alignment (Qi et al., CVPR 2017).
    """

    def __init__(self, classes: int, rngs: nnx.Rngs) -> None:
        widths = (3, 64, 128, 64, classes)
        self.maps = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in pairwise(widths)])

    def __call__(self, points: jax.Array) -> jax.Array:
        """Scores ``[..., classes]`` of clouds ``[..., points, 3]``."""
        x = points
        for i, linear in enumerate(self.maps):
            x = linear(x)
            x = x.max(-2) if i == 1 else x
            x = jax.nn.relu(x) if i < len(self.maps) - 1 else x
        return x


def network(name: str, rngs: nnx.Rngs) -> nnx.Module:
    """A network of two classes."""
    if name == "coordinates":
        return Coordinates(2, rngs)
    hidden = "8x0e + 8x0o + 8x1o + 8x1e"
    return PointNetwork(2, radius=0.6, neighbours=8, room=8, degree=1, hidden=hidden, symmetry=name, rngs=rngs)


def run(preset: str, out: Path) -> None:
    """Trains, measures and writes the table."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    rows = [measured(name, seed) for seed in PRESETS[preset] for name in NETWORKS]
    write_csv(out / "chirality.csv", rows)


def measured(name: str, seed: int) -> Row:
    """Trains one network; a row of the table."""
    solids = ("left_screw", "right_screw")
    options = {"solids": solids, "train_size": TRAIN, "test_size": TEST, "seed": seed}
    upright = SolidsConfig(orientation="upright", test_orientation="upright", **options)
    points, labels = upright.clouds("train", POINTS)
    scores, _ = fitted(network(name, nnx.Rngs(seed)), points, labels, steps=STEPS, batch=BATCH, rate=RATE, seed=seed)
    test, turned = upright.clouds("test", POINTS), SolidsConfig(**options).clouds("test", POINTS)
    plain, mirrored = of_all(scores, turned[0]), of_all(scores, turned[0] * np.array([1, 1, -1], np.float32))
    return {
        "network": name,
        "seed": seed,
        "train": accuracy(of_all(scores, points), labels),
        "upright": accuracy(of_all(scores, test[0]), test[1]),
        "turned": accuracy(plain, turned[1]),
        "mirrored": float(np.abs(mirrored - plain).max() / plain.std()),
        "pairs": float((plain.argmax(-1) != mirrored.argmax(-1)).mean()),
        "clouds": TRAIN,
        "steps": STEPS,
        **circumstances(),
    }


def of_all(scores: Scores, points: np.ndarray, chunk: int = 50) -> np.ndarray:
    """Scores of all clouds, some at a time."""
    return np.concatenate([scores(points[start : start + chunk]) for start in range(0, len(points), chunk)])


def accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """How many have their label's score highest."""
    return float((scores.argmax(-1) == labels).mean())


def claims(rows: Sequence[Row]) -> Iterator[Claim]:
    """What the table has to show."""
    yield from numbers(rows, ("network", "seed"), *COLUMNS[2:])
    for row in rows:
        who, found = named(row, "network", "seed"), {key: float(row[key]) for key in COLUMNS[2:]}
        if row["network"] == "O3":
            yield found["mirrored"] < 1e-3, f"the scores of {who} change by {found['mirrored']:.1e} under reflection"
            yield found["pairs"] < 0.02, f"{who} tells {found['pairs']:.1%} of mirror images apart"
            yield found["turned"] < CHANCE, f"the accuracy of {who} is {found['turned']:.3f}"
        elif row["network"] == "SO3":
            yield found["turned"] > 0.8, f"the accuracy of {who} is {found['turned']:.3f} on turned screws"
            yield (
                abs(found["turned"] - found["upright"]) < 0.06,
                (f"{who} finds {found['upright']:.3f} of upright and {found['turned']:.3f} of turned screws"),
            )
        else:
            yield found["upright"] > 0.9, f"the accuracy of {who} is {found['upright']:.3f} on upright screws"
            yield found["turned"] < 0.75, f"the accuracy of {who} is {found['turned']:.3f} on turned screws"


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    return unmet(claims(read_csv(out / "chirality.csv", list(COLUMNS), COMMAND)))


def conclusions(out: Path) -> list[str]:
    """What was seen, in a sentence for each row."""
    return [
        f"{row['network']}, seed {row['seed']}: {row['upright']:.1%} of upright, {row['turned']:.1%} of turned screws; "
        f"{row['pairs']:.1%} of mirror images told apart"
        for row in read_csv(out / "chirality.csv", list(COLUMNS), COMMAND)
    ]


if __name__ == "__main__":
    study_command(__doc__, "chirality", PRESETS, run, conclusions, contradicted)
