"""How much untrained networks of volumes change under every symmetry of the cube, and under random rotations.

    geomdl reproduce cube_errors [--preset=fast|full]

Claim: networks of the groups O and SO(3) answer every one of the 24 turns of a cube alike to rounding, at even and at
odd sizes, those of Oh and O(3) every one of its 48 symmetries: all of them, of which eight exchange three axes, not
only the turns about one axis. A network of the four turns about the axis z keeps these four and no other. The plain
network keeps none but the identity. Rotations that do not map the grid to itself change all of them, those of SO(3) and
O(3) a third as much as the plain one or less.

Networks: the architectures of the study ``volumes`` with padding and two convolutions of 3³ voxels (three where fields
are irreps: of fewer, scalars come out that no reflection changes), float32, as they are initialised, for volumes of 8³
and 9³ voxels. Volumes: sums of six Gaussians, whose centres are moved by the matrix of a symmetry, so that nothing is
interpolated. Error: the largest ‖f(g x) − f(x)‖ of the volumes x, relative to the root mean square of ‖f(x) − f̄‖, with
f̄ the mean of f over the volumes (a constant function would not pass for an invariant one). 8 volumes, 12 random
rotations and reflections (fast), or 32 and 48 (full). Writes ``errors.csv``: a row per network, side and element; and
``networks.csv``: parameters, versions and hardware.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, named, numbers, unmet
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import predictor
from geomdl.groups import O3, VOLUME, Oh, group
from geomdl.models import MODELS, count_parameters
from geomdl.plots import Row, distinct, read_csv, write_csv

COMMAND = "geomdl reproduce cube_errors"
PRESETS = {"fast": (8, 12), "full": (32, 48)}
"""Volumes, random elements of O(3)."""
NETWORKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "CNN": ("C1", "gcnn", {"width": 6}),
    "C4z": ("C4z", "gcnn", {"width": 3}),
    "O": ("O", "gcnn", {"width": 1}),
    "Oh": ("Oh", "gcnn", {"width": 1}),
    "SO(3)": ("SO3", "irreps_network", {"width": 1, "depth": 3}),
    "O(3)": ("O3", "irreps_network", {"width": 1, "depth": 3}),
}
SIDES = (8, 9)
LIMIT = 1e-5
KINDS = {3: "nothing", 1: "90°", -1: "180°", 0: "120°"}
"""The turn by the trace of its matrix; two of the kinds of half turns have the same."""


def blobs(side: int, count: int, matrix: np.ndarray | None = None) -> np.ndarray:
    """Volumes ``[count, side, side, side, 1]`` of Gaussians; with their centres moved by a matrix in (x, y, z)."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(count, 6, 3))
    centres *= 0.22 * side * rng.random((count, 6, 1)) ** (1 / 3) / np.linalg.norm(centres, axis=-1, keepdims=True)
    weights = rng.normal(size=(count, 6))
    centres = centres if matrix is None else centres @ matrix.T
    depth, height, width = np.moveaxis(VOLUME.coordinates((side,) * 3), -1, 0)
    places = np.stack([width, -height, -depth], -1)
    distance = ((places[None, None] - centres[:, :, None, None, None]) ** 2).sum(-1)
    values = (weights[:, :, None, None, None] * np.exp(-distance / (2 * 1.2**2))).sum(1)
    return values[..., None].astype(np.float32)


def motions(count: int) -> Iterator[tuple[Row, np.ndarray]]:
    """What is said of every element of Oh, and of random ones of O(3), with its matrix."""
    for number, matrix in enumerate(Oh.matrix(Oh.elements())):
        yield _said("cube", number, matrix), matrix
    for number, matrix in enumerate(O3.matrix(O3.sample(np.random.default_rng(1), count))):
        yield _said("random", number, matrix), matrix


def _said(motion: str, number: int, matrix: np.ndarray) -> Row:
    handed = round(float(np.linalg.det(matrix)))
    turn = KINDS[round(float(np.trace(handed * matrix)))] if motion == "cube" else "any"
    return {"motion": motion, "element": number, "turn": turn, "mirrors": int(handed < 0)}


def promised(network: str, matrix: np.ndarray) -> bool:
    """Whether the network has to keep an element of Oh."""
    own = NETWORKS[network][0]
    if own == "C1":
        return bool(np.array_equal(matrix, np.eye(3)))
    if own in ("SO3", "O3"):
        return own == "O3" or np.linalg.det(matrix) > 0
    points = group(own)
    return any(np.array_equal(matrix, m) for m in points.matrix(points.elements()))


def run(preset: str, out: Path) -> None:
    """Measures, and writes the table."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    count, draws = PRESETS[preset]
    write_csv(
        out / "errors.csv", [row for side in SIDES for name in NETWORKS for row in measure(name, side, count, draws)]
    )
    write_csv(out / "networks.csv", [about(name, side) for side in SIDES for name in NETWORKS])


def network(name: str, side: int) -> nnx.Module:
    """A network as it is initialised."""
    own, model, options = NETWORKS[name]
    config = MODELS[model](**{"depth": 2, "kernel_size": 3, "group": own, **options})
    return config.build((side, side, side, 1), 4, rngs=nnx.Rngs(0))


def about(name: str, side: int) -> Row:
    """A row of the table of networks."""
    return {
        "network": name,
        "side": side,
        "parameters": count_parameters(network(name, side)),
        "seed": 0,
        **circumstances(),
    }


def measure(name: str, side: int, count: int, draws: int) -> list[Row]:
    """The rows of a network: see above."""
    predict = predictor(network(name, side))
    upright = np.asarray(predict(jnp.asarray(blobs(side, count))))
    spread = np.sqrt((np.linalg.norm(upright - upright.mean(0), axis=1) ** 2).mean())
    rows: list[Row] = []
    for motion, matrix in motions(draws):
        change = np.linalg.norm(np.asarray(predict(jnp.asarray(blobs(side, count, matrix)))) - upright, axis=1)
        kept = motion["motion"] == "cube" and promised(name, matrix)
        error = float(f"{(change / spread).max():.3g}")
        rows.append({"network": name, "side": side, **motion, "promised": int(kept), "error": error, "volumes": count})
    return rows


def _table(out: Path) -> Sequence[Row]:
    columns = ("network", "side", "motion", "element", "turn", "mirrors", "promised", "error")
    return read_csv(out / "errors.csv", columns, COMMAND)


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the table."""
    table, lines = _table(out), list[str]()
    for name in distinct(table, "network"):
        own = [r for r in table if r["network"] == name]
        kept = [float(r["error"]) for r in own if r["promised"]]
        others = [float(r["error"]) for r in own if not r["promised"] and r["motion"] == "cube"]
        any_way = [float(r["error"]) for r in own if r["motion"] == "random" and not r["mirrors"]]
        beside = f", the others by {min(others):.2g} to {max(others):.2g}" if others else ""
        lines.append(
            f"{name}: {len(kept) // len(SIDES)} symmetries of the cube change the outputs by {max(kept):.1e} of their"
            f" deviation at most{beside}; random rotations by {np.median(any_way):.2g} (median)."
        )
    return lines


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    table, about = _table(out), ("network", "side", "motion", "element")
    yield from numbers(table, about, "error")
    matrices = Oh.matrix(Oh.elements())
    found = {(r["network"], r["side"], r["element"]): r for r in table if r["motion"] == "cube"}
    for name in NETWORKS:
        for side in SIDES:
            for number, matrix in enumerate(matrices):
                row = found.get((name, side, number))
                if row is None:
                    yield False, f"element {number} of {name}, side {side}, is missing"
                    continue
                error, what = float(row["error"]), f"{named(row, *about)} is"
                change = f"changes the outputs by {error:.1e}"
                if promised(name, matrix):
                    yield error <= LIMIT, f"{what} promised and {change}"
                else:
                    yield error > 10 * LIMIT, f"{what} not promised and {change} only"
    rotations = [r for r in table if r["motion"] == "random" and not r["mirrors"]]
    median = {n: float(np.median([float(r["error"]) for r in rotations if r["network"] == n])) for n in NETWORKS}
    for name in ("SO(3)", "O(3)"):
        yield median[name] < median["CNN"] / 3, f"random rotations: {name} {median[name]:.2g}, CNN {median['CNN']:.2g}"
