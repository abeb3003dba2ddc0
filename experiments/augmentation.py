"""Augmentation against equivariance: mean and worst angle, error of symmetry, and cost; ensembles and their limit.

    geomdl reproduce augmentation [--preset=fast|full]

Claim: augmentation with random rotations closes most of the distance between a CNN and a C8 network without
augmentation, in the accuracy averaged over all angles; ten points at least are left. The C8 network with augmentation
is better than both, at every angle, and its scores depend on the angle least of all networks that are evaluated once.
The mean of an ensemble of CNNs trained with quarter turns is more nearly invariant under quarter turns than its
members, the more so the more there are; in the limit of infinitely many, infinitely wide networks, regression with
their kernel on all quarter turns of the training images, it is invariant to rounding, and without augmentation it is
not.

Expected, but not found: that augmentation leaves the worst angle behind. What it costs this small CNN is accuracy at
every angle; its worst angle is hardly worse than the mean, and its scores depend on the angle less than those of the C8
network without augmentation, which is exact at quarter turns only.

Data: scikit-learn's digits, 16 × 16 pixels, upright, 1,000 to learn from and 400 for the test, which are turned by 24
angles. Networks: one architecture (``off_grid``, steerable kernels) of the groups C1 and C8, about 8,000 parameters,
600 steps of Adam with 32 images. Augmentation: none, rotations by any angle, or quarter turns; or the scores of a
network trained without are averaged over 8 rotations of the image (test-time averaging). Ensembles of 1 to 16 CNNs,
trained with quarter turns, average their scores. Limit: the kernel of two hidden layers of rectified linear units
(arc-cosine, depth 2), with ridge 1e-3. Seed 0 and 8 members (fast), or seeds 0 to 2 and 16 (full). Writes

* ``methods.csv``: per method and seed the accuracy upright, its mean and minimum over the angles; the spread of the
  scores over all angles and over quarter turns, relative to that over images; networks evaluated for an answer; time of
  training relative to the CNN without augmentation in the same run;
* ``ensembles.csv``: the same for ensembles, by the number of members.

References: Gerken & Kessel, Emergent equivariance in deep ensembles, ICML 2024; Brehmer, Behrends, de Haan & Cohen,
Does equivariance matter at scale?, 2024; Cho & Saul, Kernel methods for deep learning, NeurIPS 2009 (arc-cosine
kernels)."""

import functools
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.parts.claims import Claim, means, numbers, unmet
from experiments.parts.fitting import Fitter, Predict
from geomdl.data import Augmentation, Dataset, DigitsConfig, rotated
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.models import MODELS
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.training import RunProgress

COMMAND = "geomdl reproduce augmentation"
PRESETS: dict[str, tuple[range, int]] = {"fast": (range(1), 8), "full": (range(3), 16)}  # seeds, members
NETWORKS = {"CNN": "C1", "C8": "C8"}
AUGMENTATIONS = {
    "none": Augmentation(),
    "rotations": Augmentation(rotation=180.0),
    "quarter turns": Augmentation(quarter_turns=True),
}
AVERAGED = "test-time averaging"
ANGLES = np.arange(0.0, 360.0, 15.0)
STEPS, TEST, TURNS, RIDGE = 600, 400, 8, 1e-3


@functools.lru_cache(maxsize=1)
def digits() -> Dataset:
    """Upright digits."""
    return DigitsConfig(size=16, train_size=1000, validation_size=97, test_size=700).load()


@functools.lru_cache(maxsize=1)
def turned() -> np.ndarray:
    """The test images at every angle, ``[angles, n, height, width, 1]``."""
    images = np.asarray(digits().test.images)[:TEST]
    return np.stack([np.asarray(rotated(images, float(angle))) for angle in ANGLES])


@functools.cache
def fitter(network: str, augmentation: str) -> Fitter:
    """Of a network with an augmentation."""
    config = MODELS["off_grid"](group=NETWORKS[network], match_parameters=8000)
    data = digits()
    return Fitter(
        config, data.image_shape, data.num_classes, steps=STEPS, augment=AUGMENTATIONS[augmentation], rate=0.01
    )


def fit(network: str, augmentation: str, seed: int) -> Predict:
    """A trained network."""
    train = digits().train
    return fitter(network, augmentation).fit(np.asarray(train.images), np.asarray(train.labels), seed)


def at_all_angles(predict: Predict) -> np.ndarray:
    """Scores ``[angles, n, classes]`` of the turned test images."""
    return np.stack([predict(images) for images in turned()])


def test_time_average(predict: Predict) -> Predict:
    """The mean of the scores over 8 rotations of an image."""

    def averaged(images: np.ndarray) -> np.ndarray:
        angles = 360.0 / TURNS * np.arange(TURNS)
        return np.mean([predict(np.asarray(rotated(images, float(angle)))) for angle in angles], axis=0)

    return averaged


def measured(scores: np.ndarray) -> dict[str, float]:
    """What the tables say of scores ``[angles, n, classes]``."""
    labels = np.asarray(digits().test.labels)[: scores.shape[1]]
    accuracies = (scores.argmax(-1) == labels).mean(1)
    quarter = scores[:: len(scores) // 4]
    found = {
        "upright": accuracies[0],
        "mean": accuracies.mean(),
        "worst_angle": accuracies.min(),
        "spread": relative_spread(scores),
        "spread_quarter_turns": relative_spread(quarter),
    }
    return {key: float(f"{value:.5g}") for key, value in found.items()}


def relative_spread(scores: np.ndarray) -> float:
    """The standard deviation over the angles relative to that of the means over the images; 0: invariant.

    >>> relative_spread(np.random.default_rng(0).normal(size=(1, 5, 3)).repeat(4, axis=0)) < 1e-12
    True
    """
    centred = scores - scores.mean(-1, keepdims=True)  # what all classes share changes no probability
    middle = centred.mean(0)
    inside = ((centred - middle) ** 2).sum(-1).mean()
    return float(np.sqrt(inside / ((middle - middle.mean(0)) ** 2).sum(-1).mean()))


def arc_cosine(x: np.ndarray, y: np.ndarray, depth: int = 2) -> np.ndarray:
    """The kernel of infinitely wide networks of rectified linear units: k ← ‖·‖‖·‖ (sin θ + (π − θ) cos θ)/π.

    Args:
      x: ``[n, dimension]``.
      y: ``[m, dimension]``.
      depth: hidden layers.

    >>> x = np.eye(2)
    >>> arc_cosine(x, x, depth=1).round(4).tolist()
    [[1.0, 0.3183], [0.3183, 1.0]]
    """
    gram = x @ y.T
    norms = np.sqrt((x**2).sum(1))[:, None] * np.sqrt((y**2).sum(1))
    for _ in range(depth):  # norms stay as they are
        cosine = np.clip(gram / norms, -1, 1)
        angle = np.arccos(cosine)
        gram = norms * (np.sin(angle) + (np.pi - angle) * cosine) / np.pi
    return gram


def limit(augmented: bool) -> np.ndarray:
    """Scores at every angle of regression with the kernel, on the training images or on all quarter turns of them."""
    train = digits().train
    images, labels = np.asarray(train.images, np.float64), np.eye(10)[np.asarray(train.labels)]
    if augmented:
        images = np.concatenate([np.rot90(images, k, axes=(1, 2)) for k in range(4)])
        labels = np.tile(labels, (4, 1))
    flat = images.reshape(len(images), -1)
    gram = arc_cosine(flat, flat)
    weights = np.linalg.solve(gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)), labels - 0.1)
    moved = turned().astype(np.float64).copy()
    quarters = {0: 0, 90: 1, 180: 2, 270: 3}
    for i, angle in enumerate(ANGLES):  # on the grid in float64, so that nothing but the method is measured
        if int(angle) in quarters:
            moved[i] = np.rot90(moved[0], quarters[int(angle)], axes=(1, 2))
    return np.stack([arc_cosine(part.reshape(len(part), -1), flat) @ weights for part in moved])


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, members = PRESETS[preset]
    tables: dict[str, list[Row]] = {"methods": [], "ensembles": []}
    with RunProgress(list(seeds), "augmentation") as bar:
        for seed in bar:
            found = out / "runs" / f"seed{seed}-{members}.json"
            if not found.exists():
                rows = {"methods": methods(seed), "ensembles": ensembles(seed, members)}
                found.parent.mkdir(parents=True, exist_ok=True)
                found.write_text(json.dumps(rows), encoding="utf-8")
            for name, rows in json.loads(found.read_text(encoding="utf-8")).items():
                tables[name] += rows
    for name, rows in tables.items():
        write_csv(out / f"{name}.csv", rows)


def methods(seed: int) -> list[Row]:
    """One row for each network and way of training."""
    rows: list[Row] = []
    base = 1.0
    for network, augmentation in itertools.product(NETWORKS, AUGMENTATIONS):
        train = digits().train
        few = np.asarray(train.images)[:32], np.asarray(train.labels)[:32]
        fitter(network, augmentation).fit(*few, seed, steps=2)  # compiles, so that the time below does not hold it
        started = time.perf_counter()
        predict = fit(network, augmentation, seed)
        seconds = time.perf_counter() - started
        base = seconds if (network, augmentation) == ("CNN", "none") else base
        about: Row = {"network": network, "augmentation": augmentation, "seed": seed}
        cost: Row = {"evaluations": 1, "relative_training_time": round(seconds / base, 2)}
        parameters = {"parameters": fitter(network, augmentation).parameters}
        rows.append({**about, **measured(at_all_angles(predict)), **cost, **parameters, **circumstances()})
        if augmentation == "none":
            scores = at_all_angles(test_time_average(predict))
            about, cost = {**about, "augmentation": AVERAGED}, {**cost, "evaluations": TURNS}
            rows.append({**about, **measured(scores), **cost, **parameters, **circumstances()})
    return rows


def ensembles(seed: int, members: int) -> list[Row]:
    """One row for each number of members, and two for the limit."""
    rows: list[Row] = []
    total: np.ndarray | None = None
    for i in range(members):
        scores = at_all_angles(fit("CNN", "quarter turns", 1000 * (seed + 1) + i))
        total = scores if total is None else total + scores
        if (i + 1).bit_count() == 1:
            rows.append({"members": str(i + 1), "seed": seed, **measured(total / (i + 1)), **circumstances()})
    for name, augmented in (("limit", True), ("limit, no augmentation", False)):
        rows.append({"members": name, "seed": seed, **measured(limit(augmented)), **circumstances()})
    return rows


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "methods.csv", ("network", "augmentation", "seed", *_MEASURES), COMMAND)
    ensembles_ = read_csv(out / "ensembles.csv", ("members", "seed", *_MEASURES), COMMAND)
    seeds = len(distinct(table, "seed"))
    lines = [
        f"{'One seed' if seeds == 1 else f'Means of {seeds} seeds'}: accuracy over all angles, at the worst, and the"
        " spread of the scores over the angles."
    ]
    for r in mean_over(table, over="seed", by=["network", "augmentation"]):
        lines.append(
            f"{r['network']}, {r['augmentation']}: {r['mean']:.1%}, {r['worst_angle']:.1%}, {r['spread']:.3f};"
            f" {r['evaluations']:.0f} evaluations, {r['relative_training_time']:.1f} times the training time."
        )
    for r in mean_over(ensembles_, over="seed", by=["members"]):
        words = (
            f"{r['members']} CNNs" if str(r["members"])[0].isdigit() or isinstance(r["members"], int) else r["members"]
        )
        lines.append(
            f"Ensemble, {words}: spread over quarter turns {r['spread_quarter_turns']:.3g}, mean {r['mean']:.1%}."
        )
    return lines


_MEASURES = ("upright", "mean", "worst_angle", "spread", "spread_quarter_turns")


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    """ "Most" is two thirds; an ensemble is "more nearly invariant" if its spread is less than 0.6 of that of one."""
    table = read_csv(out / "methods.csv", ("network", "augmentation", "seed", *_MEASURES), COMMAND)
    ensembles_ = read_csv(out / "ensembles.csv", ("members", "seed", *_MEASURES), COMMAND)
    yield from numbers(table, ("network", "augmentation", "seed"), *_MEASURES)
    yield from numbers(ensembles_, ("members", "seed"), *_MEASURES)
    mean = means(table, "mean", "network", "augmentation")
    spread = means(table, "spread", "network", "augmentation")
    plain, augmented, built_in = mean["CNN", "none"], mean["CNN", "rotations"], mean["C8", "none"]
    found = f"mean over the angles: CNN {plain:.1%}, augmented {augmented:.1%}, C8 {built_in:.1%}"
    yield plain < built_in and augmented - plain > 2 / 3 * (built_in - plain), found
    yield augmented < built_in - 0.1, found
    worst = means(table, "worst_angle", "network", "augmentation")
    best = worst["C8", "rotations"]
    rest = max(mean[key] for key in mean if key != ("C8", "rotations"))
    yield best > rest, f"C8 with rotations: {best:.1%} at the worst angle, others {rest:.1%} on average"
    once = {key: value for key, value in spread.items() if key[1] != AVERAGED}
    least = min(once, key=once.__getitem__)
    yield least == ("C8", "rotations"), f"{' with '.join(least)} has the least spread, {once[least]:.3f}"
    of = {str(key[0]): value for key, value in means(ensembles_, "spread_quarter_turns", "members").items()}
    sizes = sorted(int(key) for key in of if key.isdigit())
    words = ", ".join(f"{n}: {of[str(n)]:.3f}" for n in sizes)
    found = f"spread over quarter turns of ensembles by members: {words}"
    yield of[str(sizes[-1])] < 0.6 * of["1"], found
    yield all(of[str(b)] < of[str(a)] for a, b in itertools.pairwise(sizes)), found
    yield of["limit"] < 1e-8, f"the limit with augmentation has a spread of {of['limit']:.1e} over quarter turns"
    yield of["limit, no augmentation"] > 0.1, "the limit without augmentation is invariant"
