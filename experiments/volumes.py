"""Volumes under rotation: plain and equivariant three-dimensional networks that have learnt upright ones.

    GEOMDL_DATA=FOLDER geomdl reproduce volumes --preset=full     (fast: solids only, which need no folder)

Claim: the networks of the groups O, Oh and SO(3) give every one of the 24 turns of a cube the answer that they give the
upright volume, to rounding, so that their accuracy does not fall; the plain network's falls by ten points at least on
drawn solids, and less if it has seen the turns in training. In random orientations the networks of O and SO(3) are
right about more solids than the plain one. (That of Oh, of whose fields the maximum over 48 channels leaves one or two
numbers, learns least in this time.)

Data: drawn solids (box, torus, right-handed screw, right-handed trefoil knot) of 16³ voxels, 240 to learn from and 120
to test; and in the full preset the adrenal glands of MedMNIST, normal or enlarged, 28³ voxels averaged to 14³, with the
authors' splits (``adrenalmnist3d.npz`` in the folder that ``GEOMDL_DATA`` names), in a frame of 16³. Networks: one
architecture of three convolutions of 3³ voxels without padding, with batch norm, ReLU, and maxima that halve the
volume, 16³ to 7³ to 3³ to one voxel; then the maximum over the group; as near to 4,000 parameters as whole fields
allow; C1 is the plain network. That of SO(3) has irreps up to degree 2, gates, and binomial blurring in place of the
maxima. All learn upright volumes, save the augmented one, which sees each in one of the 24 turns of the cube, drawn
anew in every epoch. Seed 0 and short training (fast), or seeds 0 to 2 (full). Writes ``accuracy.csv``: per data set,
network and seed

* ``upright``: the score of the upright test volumes: accuracy of solids, area under the ROC curve of glands, of which
  three in four are normal;
* ``turned`` and ``worst``: its mean and its least value over the 24 turns;
* ``random``: with every test volume in a random orientation: solids are drawn so, glands are resampled (by cubic
  B-splines) before they are averaged;
* ``changed``: the largest change of a logit under the 24 turns, relative to the largest logit.

Finished runs in the output directory are not repeated.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, means, named, numbers, unmet
from experiments.parts.trained_networks import file_name
from experiments.parts.volume_data import glands, rotated, smaller, solids
from experiments.parts.volume_data import turned as moved
from geomdl.data import Dataset, Split
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import predictor
from geomdl.groups import O
from geomdl.models import count_parameters
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.training import RunConfig, RunProgress, train

COMMAND = "geomdl reproduce volumes"
SOLIDS = ("box", "torus", "right_screw", "right_knot")
PARAMETERS = 4000


@dataclasses.dataclass(frozen=True)
class Preset:
    """How much is run."""

    seeds: range
    data: tuple[str, ...]
    side: int
    train: int
    test: int
    epochs: dict[str, float]


PRESETS = {
    "fast": Preset(range(1), ("solids",), 16, 120, 60, {"solids": 12}),
    "full": Preset(range(3), ("solids", "glands"), 16, 240, 120, {"solids": 15, "glands": 3}),
}
NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "CNN": ({"name": "gcnn", "group": "C1"}, {}),
    "CNN + turns": ({"name": "gcnn", "group": "C1"}, {"group": "O"}),
    "O": ({"name": "gcnn", "group": "O"}, {}),
    "Oh": ({"name": "gcnn", "group": "Oh"}, {}),
    "SO(3)": ({"name": "irreps_network", "group": "SO3"}, {}),
}
"""Options of the model, and of the augmentation."""
SCORES = ("upright", "turned", "worst", "random")


@dataclasses.dataclass(frozen=True)
class Volumes:
    """A data set of upright volumes, and its test volumes in random orientations."""

    dataset: Dataset
    rotated: np.ndarray


def volumes(name: str, preset: Preset) -> Volumes:
    """The data set of a name."""
    if name == "solids":
        upright, any_way = (
            solids(SOLIDS, preset.side, preset.train, preset.test, to_test=way) for way in ("upright", "any")
        )
        return Volumes(upright, np.asarray(any_way.test.images))
    full = glands()
    train, validation, test = (
        Split(framed(np.asarray(split.images)), split.labels) for split in (full.train, full.validation, full.test)
    )
    tested = np.asarray(full.test.images).astype(np.float32) / 255
    shape = train.images.shape[1:]
    small = dataclasses.replace(full, train=train, validation=validation, test=test, image_shape=shape)
    return Volumes(small, framed(rotated(tested, 0)))


def framed(x: np.ndarray) -> np.ndarray:
    """Half the size, in a frame of a voxel."""
    return np.pad(smaller(x), ((0, 0), (1, 1), (1, 1), (1, 1), (0, 0)))


def configuration(network: str, seed: int, epochs: float) -> RunConfig:
    """The config of a run."""
    model, augmentation = NETWORKS[network]
    return RunConfig.from_config_dict(
        {
            "seed": seed,
            "model": {"kernel_size": 3, "depth": 3, "padding": "valid", "match_parameters": PARAMETERS, **model},
            "augmentation": augmentation,
            "optimizer": {"name": "adam", "learning_rate": 0.01, "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 10},
            "training": {"batch_size": 16, "epochs": epochs, "eval_every": 10_000},
        }
    )


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the table."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    carry_out(PRESETS[preset], list(NETWORKS), out)


def carry_out(preset: Preset, networks: list[str], out: Path) -> None:
    """Makes the runs, and the table of them."""
    rows: list[Row] = []
    runs = [(data, network, seed) for data in preset.data for seed in preset.seeds for network in networks]
    loaded: dict[str, Volumes] = {}
    with RunProgress(runs, "volumes") as bar:
        for data, network, seed in bar:
            bar.note(f"{data}, {network}, seed {seed}")
            epochs = preset.epochs[data]
            workdir = out / "runs" / f"{data}-{preset.side}-{preset.train}-{epochs}-{file_name(network)}-seed{seed}"
            found = workdir / "scores.json"
            if not found.exists():
                of = loaded.setdefault(data, volumes(data, preset))
                result = train(configuration(network, seed, epochs), workdir, dataset=of.dataset)
                about = {"data": data, "network": network, "seed": seed, "parameters": count_parameters(result.model)}
                found.write_text(json.dumps({**about, **measure(result.model, of), **circumstances()}))
            rows.append(json.loads(found.read_text()))
    write_csv(out / "accuracy.csv", rows)


def measure(model: nnx.Module, of: Volumes) -> Row:
    """The scores of a network, upright and turned."""
    predict = predictor(model)
    x, labels = np.asarray(of.dataset.test.images), np.asarray(of.dataset.test.labels)

    def logits(x: np.ndarray) -> np.ndarray:
        return np.concatenate([np.asarray(predict(jnp.asarray(x[i : i + 30]))) for i in range(0, len(x), 30)])

    each = [logits(moved(x, g)) for g in O.elements()]
    scores = [score(y, labels) for y in each]
    changed = max(float(np.abs(y - each[0]).max()) for y in each) / float(np.abs(each[0]).max())
    found = {
        "upright": scores[0],
        "turned": float(np.mean(scores)),
        "worst": min(scores),
        "random": score(logits(of.rotated), labels),
        "changed": changed,
    }
    return {**{key: float(f"{value:.5g}") for key, value in found.items()}, "volumes": len(x)}


def score(logits: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy; of two classes the area under the ROC curve.

    >>> score(np.array([[2.0, 1.0], [0.0, 1.0], [0.0, 3.0]]), np.array([0, 1, 1]))
    1.0
    """
    if logits.shape[1] > 2:
        return float((logits.argmax(1) == labels).mean())
    margin = logits[:, 1] - logits[:, 0]
    pairs = margin[labels == 1][:, None] - margin[labels == 0]
    return float((pairs > 0).mean() + (pairs == 0).mean() / 2)


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the table."""
    table = read_csv(out / "accuracy.csv", ("data", "network", "seed", *SCORES, "changed", "volumes"), COMMAND)
    seeds = len(distinct(table, "seed"))
    lines = [f"{'One seed' if seeds == 1 else f'Means of {seeds} seeds'}; upright, mean and least of 24 turns, random:"]
    averaged = mean_over(table, over="seed", by=["data", "network"])
    for r in averaged:
        what = "area under the curve" if r["data"] == "glands" else "accuracy"
        values = ", ".join(f"{float(r[key]):.1%}" for key in SCORES)
        lines.append(f"{r['data']}, {r['network']}: {what} {values}.")
    return lines


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    about, invariant = ("data", "network", "seed"), ("O", "Oh", "SO(3)")
    table = read_csv(out / "accuracy.csv", (*about, *SCORES, "changed"), COMMAND)
    yield from numbers(table, about, *SCORES, "changed")
    for r in table:
        exact = r["network"] in invariant
        found = f"{named(r, *about)}: logits change by {float(r['changed']):.1e} under the 24 turns"
        yield (float(r["changed"]) < 1e-4) if exact else (float(r["changed"]) > 1e-2), found
        if exact:
            yield abs(float(r["worst"]) - float(r["upright"])) < 1e-3, f"{named(r, *about)}: turns change the score"
    upright, turned, random = (means(table, key, "data", "network") for key in ("upright", "turned", "random"))
    for network in ("O", "SO(3)"):
        better = random["solids", network], random["solids", "CNN"]
        yield better[0] > better[1], f"solids, random rotations: {network} {better[0]:.1%}, CNN {better[1]:.1%}"
    falls = {network: upright["solids", network] - turned["solids", network] for network in ("CNN", "CNN + turns")}
    yield falls["CNN"] > 0.1, f"the turns cost the CNN {falls['CNN']:.1%} of the solids only"
    found = f"the turns cost the augmented CNN {falls['CNN + turns']:.1%} of the solids, the CNN {falls['CNN']:.1%}"
    yield falls["CNN + turns"] < falls["CNN"], found
