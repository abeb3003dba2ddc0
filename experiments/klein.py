"""Klein's ladder: to which families of transformations is each network invariant? From shifts to projective maps.

    geomdl reproduce klein [--preset=fast|full]

Claim: each network is invariant on the rung that was built into it, and on no other. Exactly, up to rounding, where the
family maps the pixel grid to itself: TI-CNN to circular shifts; C4, C8, SO(2), D4 and O(2) to quarter turns; D4 and
O(2) to reflections; the network on normalised images to contrast and brightness. Approximately: SO(2) and O(2) to all
rotations. No network is invariant to scale, shear or perspective, which none has built in. Writes

* ``spreads.csv``: per network, seed and family: the orbit spread, the mean of ‖f(g x) − f(x)‖ over test digits x and
  transformations g, and the spread between inputs, the mean of ‖f(x) − f(x')‖ over pairs of test digits; f gives the
  class scores. Their ratio is the error: 0 for an invariant network, about 1 where a motion of a digit matters as much
  as taking another digit. (A constant function has no spread between inputs: it is invariant in no useful sense.)
* ``summary.csv``: parameters, accuracy, config, versions and hardware.

The transformations are drawn once and are the same for all networks; they are weak enough that no digit leaves the
frame. All networks have about 8,000 parameters and are trained on upright digits: seed 0 for 8 epochs (fast), or seeds
0–2 for 20 epochs (full). Finished runs in the output directory are not repeated. After Klein's Erlangen programme, as
in Bronstein, Bruna, Cohen & Veličković, Geometric deep learning, 2021.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, alike, means, named, numbers, unmet
from experiments.parts.trained_networks import study, summary_row
from geomdl.actions import FAMILIES, Family, act, roll
from geomdl.data import Dataset
from geomdl.errors import unknown
from geomdl.evaluators import predictor
from geomdl.groups import C4, GridTranslations
from geomdl.plots import Row, distinct, mean_over, read_csv
from geomdl.representations import FieldType
from geomdl.training import RunConfig

COMMAND = "geomdl reproduce klein"
RUNS = ("MLP", "CNN", "TI-CNN", "C4", "C8", "SO(2)", "D4", "O(2)", "CNN, normalised")
PRESETS: dict[str, tuple[range, int, int]] = {"fast": (range(1), 8, 64), "full": (range(3), 20, 100)}
"""Seeds, epochs, test images."""
ELEMENTS = 12
EXACT = 1e-5
"""What float32 leaves of an exact symmetry in networks of a dozen layers; see `geomdl.equivariance.tolerance`."""

BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "circular shifts": ("TI-CNN",),
    "quarter turns": ("C4", "C8", "SO(2)", "D4", "O(2)"),
    "reflections": ("D4", "O(2)"),
    "contrast": ("CNN, normalised",),
    "brightness": ("CNN, normalised",),
}
"""The rungs that hold exactly, and for whom."""


@dataclasses.dataclass(frozen=True)
class Rung:
    """A family of transformations with the strengths at which it is measured.

    Attributes:
      name: of the family.
      strength: in words.
      group: of circular shifts, of quarter turns, or a family that is sampled.
    """

    name: str
    strength: str
    group: GridTranslations | Family | None

    def moved(self, x: jax.Array) -> jax.Array:
        """The images under each transformation ``[transformations, batch, height, width, channels]``."""
        rng = np.random.default_rng(0)
        if self.group is None:
            return jnp.stack([act(g, x, FieldType(C4, "1 trivial")) for g in C4.elements()[1:]])
        if isinstance(self.group, GridTranslations):
            return jnp.stack([roll(x, g) for g in self.group.sample(rng, ELEMENTS)])
        if self.group.reflections:
            return self.group.act(np.array([1.0]), x)[None]
        return jnp.stack([self.group.act(g, x) for g in self.group.sample(rng, ELEMENTS)])


RUNGS = (
    Rung("circular shifts", "any, whole pixels", GridTranslations(20, 20)),
    Rung("translations", "±2 pixels", dataclasses.replace(FAMILIES["translation"], strengths=(2.0, 2.0))),
    Rung("quarter turns", "by k · 90°", None),
    Rung("rotations", "±180°", dataclasses.replace(FAMILIES["rotation"], strengths=(math.pi,))),
    Rung("reflections", "up–down", FAMILIES["reflection"]),
    Rung("scalings", "÷1.25 to ×1.25", dataclasses.replace(FAMILIES["scale"], strengths=(math.log(1.25),))),
    Rung("shears", "x ± 0.3 y", dataclasses.replace(FAMILIES["shear"], strengths=(0.3,))),
    Rung("perspective", "±0.2", Family("perspective", ("perspective_x", "perspective_y"), (0.2, 0.2))),
    Rung("contrast", "÷1.5 to ×1.5", dataclasses.replace(FAMILIES["contrast"], strengths=(math.log(1.5),))),
    Rung("brightness", "±0.25", dataclasses.replace(FAMILIES["brightness"], strengths=(0.25,))),
)


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, epochs, images = PRESETS[preset]
    orbits: dict[str, jax.Array] = {}

    def rows(name: str, config: RunConfig, dataset: Dataset, model: nnx.Module) -> dict[str, list[Row]]:
        x = jnp.asarray(dataset.test.images[:images])
        orbits.update({} if orbits else {rung.name: rung.moved(x) for rung in RUNGS})
        return measure(name, config, dataset, model, x, orbits)

    study("klein", RUNS, seeds, rows, f"klein-{images}", out, epochs=epochs)


def measure(
    name: str,
    config: RunConfig,
    dataset: Dataset,
    model: nnx.Module,
    x: jax.Array,
    orbits: Mapping[str, jax.Array],
) -> dict[str, list[Row]]:
    """The rows of the tables for one trained network."""
    predict = predictor(model)
    about = {"model": name, "seed": config.seed}
    scores = np.asarray(predict(x), np.float64)
    between = input_spread(scores)
    rows: list[Row] = []
    for rung in RUNGS:
        moved = np.stack([np.asarray(predict(images), np.float64) for images in orbits[rung.name]])
        within = float(np.linalg.norm(moved - scores, axis=-1).mean())
        rows.append(
            {
                **about,
                "family": rung.name,
                "strength": rung.strength,
                "orbit_spread": float(f"{within:.5g}"),
                "input_spread": float(f"{between:.5g}"),
                "error": float(f"{within / between:.5g}"),
            }
        )
    summary = summary_row(about, name, config, dataset, model, len(x))
    return {"spreads": rows, "summary": [summary]}


def input_spread(scores: np.ndarray) -> float:
    """The mean of ‖f(x) − f(x')‖ over all pairs of different inputs, from scores ``[inputs, classes]``.

    >>> input_spread(np.array([[0.0], [1.0], [2.0]]))
    1.3333333333333333
    """
    distances = np.linalg.norm(scores[:, None] - scores[None], axis=-1)
    return float(distances.sum() / (len(scores) * (len(scores) - 1)))


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "spreads.csv", ("model", "seed", "family", "orbit_spread", "input_spread", "error"), COMMAND)
    summary = read_csv(out / "summary.csv", ("model", "seed", "parameters", "images"), COMMAND)
    seeds = len(distinct(summary, "seed"))
    worst = worst_errors(table)
    mean = {
        (str(r["model"]), str(r["family"])): float(r["error"]) for r in mean_over(table, "seed", ["model", "family"])
    }
    sentences = [
        f"About {np.mean([float(r['parameters']) for r in summary]):,.0f} parameters each; {summary[0]['images']} test"
        f" digits, {'one seed' if seeds == 1 else f'{seeds} seeds'}; errors are relative to the spread between digits."
    ]
    for family, built_in in BUILT_IN.items():
        flat = [m for m in distinct(table, "model") if worst[str(m), family] <= EXACT]
        others = {m: e for (m, f), e in mean.items() if f == family and m not in flat}
        least = min(others, key=lambda m: others[m])
        as_built = "as built in" if set(flat) == set(built_in) else f"built in: {', '.join(built_in)}"
        sentences.append(
            f"Exactly invariant to {family}: {', '.join(map(str, flat)) or 'none'} ({as_built};"
            f" error at most {max((worst[str(m), family] for m in flat), default=0):.0e});"
            f" the least of the others is {least}, {others[least]:.2g}."
        )
    rotations = {m: e for (m, f), e in mean.items() if f == "rotations"}
    sentences.append("Under rotations by any angle: " + ", ".join(f"{m} {e:.2f}" for m, e in rotations.items()) + ".")
    unowned = ("scalings", "shears", "perspective")
    least = min(((m, f) for (m, f) in mean if f in unowned), key=lambda key: mean[key])
    sentences.append(
        f"To scalings, shears and perspective no network is invariant: the least error is {mean[least]:.2g}"
        f" ({least[0]}, {least[1]})."
    )
    return sentences


def worst_errors(table: Sequence[Row]) -> dict[tuple[str, str], float]:
    """The largest error over the seeds, by network and family."""
    worst: dict[tuple[str, str], float] = {}
    for r in table:
        key = (str(r["model"]), str(r["family"]))
        worst[key] = max(worst.get(key, 0.0), float(r["error"]))
    return worst


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    """ "Not invariant" is three orders of magnitude above "exact": at least 1 % of the spread between digits."""
    table = read_csv(out / "spreads.csv", ("model", "seed", "family", "input_spread", "error"), COMMAND)
    summary = read_csv(out / "summary.csv", ("model", "seed", "parameters", "accuracy"), COMMAND)
    about = ("model", "family", "seed")
    yield from numbers(table, about, "input_spread", "error")
    for r in table:
        error = float(r["error"])
        if r["model"] in BUILT_IN.get(str(r["family"]), ()):
            yield error <= EXACT, f"not exact, though built in: {named(r, *about)} has an error of {error:.1e}"
        else:
            found = f"invariant, though not built in: {named(r, *about)} has an error of {error:.1e}"
            yield error > 1000 * EXACT, found
        found = f"the scores of {named(r, 'model', 'seed')} differ between digits by {r['input_spread']} only"
        yield float(r["input_spread"]) > 1, found
    error = means([r for r in table if r["family"] == "rotations"], "error", "model")
    for model, (other, share) in itertools.product(
        ("SO(2)", "O(2)"), (("C8", 1), ("MLP", 0.3), ("CNN", 0.3), ("CNN, normalised", 0.3))
    ):
        found = f"under rotations the error of {model} is {error[model,]:.2g}, that of {other} {error[other,]:.2g}"
        yield error[model,] < share * error[other,], found
    found = f"under rotations the error of C8 is {error['C8',]:.2g}, that of C4 {error['C4',]:.2g}"
    yield error["C8",] < error["C4",], found
    yield from alike(summary, "parameters", 1.1)
    for r in summary:
        yield float(r["accuracy"]) > 0.85, f"{named(r, 'model', 'seed')} has learnt {float(r['accuracy']):.1%} only"
