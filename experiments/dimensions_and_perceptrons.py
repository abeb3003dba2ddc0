"""Why symmetry has to be built in: the curse of dimensionality, what one and two layers can do, and shifts from data.

    geomdl reproduce dimensions_and_perceptrons [--preset=fast|full]

Claims, each a panel:

* *Curse of dimensionality*: a cube with 20 % of the volume has sides of 0.2, 0.45, 0.58, … in 1, 2, 3, … dimensions,
  share^(1/d); 10 samples on 5 intervals an axis are 10/5 = 2, 10/25 = 0.4, 10/125 = 0.08, … in a cell, 10/5^d. The
  error ε of the nearest neighbour falls with the number of samples n as n^(−1/d): ε takes n ∝ ε^(−d) samples. On the
  torus of volume 1, where no point is near a border, the squared distance to the nearest of n has the mean
  Γ(1 + 2/d) (V_d n)^(−2/d) for large n, with V_d the volume of the unit ball; for a target whose gradient has mean
  square 1 the root mean square error is √(E r² / d).
* *A perceptron's hard cases*: of quadrants (x y > 0), a ring and three modes, on a square of which they take up half,
  no line gets as much as three quarters right (of the quadrants 2/3, in closed form); two layers get nearly all.
* *Universal approximation* (Cybenko 1989; Hornik 1991): of a continuous target the largest error of networks with one
  hidden layer of ReLUs falls with the width: as width^(−2) for a smooth one by interpolation, h² max|f″| / 8, as
  width^(−1/2) for √|x − 1/2|; trained networks and such with hidden units at random follow, with larger errors.
* *Shifts from data*: an MLP has to see nearly all shifts in training before it is right on all of them; a network of
  circular convolutions and global pooling needs one.

Writes ``cubes.csv``, ``cells.csv``, ``neighbours.csv``, ``cases.csv``, ``approximation.csv``, ``shifts.csv`` (with
versions and hardware) and, for the drawing, ``regions.npz``: scores of seed 0 on a grid of the square, and its points.
"""

import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.spatial import KDTree

from experiments.parts.claims import Claim, means, named, numbers, unmet
from geomdl.data import data_config, unit_interval
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv

COMMAND = "geomdl reproduce dimensions_and_perceptrons"
PRESETS = {"fast": 1, "full": 3}  # seeds
DIMENSIONS = (1, 2, 3, 4, 6)
SHARES_OF_VOLUME = (0.01, 0.2)
SAMPLES = tuple(2**k for k in range(6, 17))
FITTED_FROM = 2048
CASES = ("quadrants", "ring", "three modes")
RADIUS = math.sqrt(2 / (3 * math.pi))
"""Of the modes, and within the ring, whose outer radius is twice this: both have the area 2 on a square of area 4."""
MODES = ((-0.5, -0.47), (0.5, -0.47), (0.0, 0.5))
UNITS = 24
WIDTHS = (4, 8, 16, 32, 64)
SEEN = (1, 2, 5, 10, 25, 50, 100)
SIDE = 10
"""Of the images that are shifted: there are as many shifts as pixels, 100."""

Weights = dict[str, Any]


def run(preset: str, out: Path) -> None:
    """Computes and trains, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds = PRESETS[preset]
    write_csv(out / "cubes.csv", cubes())
    write_csv(out / "cells.csv", cells())
    write_csv(out / "neighbours.csv", neighbours(seeds))
    rows, regions = hard_cases(seeds)
    write_csv(out / "cases.csv", rows)
    np.savez_compressed(out / "regions.npz", **regions)  # pyright: ignore[reportArgumentType]
    write_csv(out / "approximation.csv", approximation(max(5, seeds)))
    write_csv(out / "shifts.csv", [{**row, **circumstances()} for row in shifts(seeds)])


def number(value: float | np.ndarray | jax.Array, digits: int = 4) -> float:
    """A float of so many significant digits."""
    return float(f"{float(value):.{digits}g}")


# The curse of dimensionality


def cubes() -> list[Row]:
    """The side of a cube with a share of the volume of the unit cube."""
    return [
        {"share": share, "dimension": d, "side": number(share ** (1 / d))}
        for share in SHARES_OF_VOLUME
        for d in range(1, 21)
    ]


def cells(samples: int = 10, intervals: int = 5) -> list[Row]:
    """Samples in a cell when every axis has so many intervals."""
    return [
        {"samples": samples, "intervals": intervals, "dimension": d, "per_cell": number(samples / intervals**d)}
        for d in range(1, 11)
    ]


def neighbours(seeds: int, queries: int = 2000) -> list[Row]:
    """Root mean square error of the nearest neighbour's value on the torus, measured and for large n."""
    rows: list[Row] = []
    for d in DIMENSIONS:
        for seed in range(seeds):
            rng = np.random.default_rng((seed, d))
            phases, places = rng.random(d), rng.random((queries, d))
            for n in SAMPLES:
                points = rng.random((n, d))
                distances, nearest = KDTree(points, boxsize=1.0).query(places)
                error = target(points[nearest], phases) - target(places, phases)
                rows.append(
                    {
                        "dimension": d,
                        "samples": n,
                        "seed": seed,
                        "distance": number(np.sqrt(np.mean(distances**2))),
                        "error": number(np.sqrt(np.mean(error**2))),
                        "predicted": number(nearest_distance(d, n) / math.sqrt(d)),
                    }
                )
    return rows


def target(x: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """A function on the torus whose gradient has mean square 1: √(2/d) Σ sin(2π(x_i + φ_i)) / 2π."""
    return math.sqrt(2 / x.shape[1]) * np.sin(2 * np.pi * (x + phases)).sum(1) / (2 * np.pi)


def nearest_distance(d: int, n: int) -> float:
    """√(E r²) of the nearest of many points on the torus of volume 1: √Γ(1 + 2/d) (V_d n)^(−1/d)."""
    ball = math.pi ** (d / 2) / math.gamma(d / 2 + 1)
    return math.sqrt(math.gamma(1 + 2 / d)) * (ball * n) ** (-1 / d)


def exponent(rows: list[Row]) -> float:
    """The exponent of n ∝ ε^(−exponent) by least squares, from some samples on."""
    fitted = [r for r in rows if float(r["samples"]) >= FITTED_FROM]
    return -1 / slope([float(r["samples"]) for r in fitted], [float(r["error"]) for r in fitted])


def slope(x: list[float], y: list[float]) -> float:
    """The slope of log y against log x by least squares."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


# Hard cases of a perceptron


def inside(case: str, points: np.ndarray) -> np.ndarray:
    """Which points of the square [−1, 1]² are in the first class."""
    if case == "quadrants":
        return points[..., 0] * points[..., 1] > 0
    if case == "ring":
        radius = np.hypot(points[..., 0], points[..., 1])
        return (radius >= RADIUS) & (radius <= 2 * RADIUS)
    return np.any([np.hypot(points[..., 0] - x, points[..., 1] - y) <= RADIUS for x, y in MODES], axis=0)


def grid(side: int) -> np.ndarray:
    """Centres of side × side cells of the square, [row, column, 2], row 0 at the bottom."""
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    return np.stack(np.meshgrid(axis, axis), -1)


@functools.lru_cache
def best_line(case: str, side: int = 301, directions: int = 180) -> float:
    """The share of the square that the best of all lines gets right, by trying them."""
    points = grid(side).reshape(-1, 2)
    labels, best = inside(case, points), 0.0
    for angle in np.arange(directions) * np.pi / directions:
        ordered = labels[np.argsort(points @ (np.cos(angle), np.sin(angle)))]
        below = np.concatenate([[0], np.cumsum(np.where(ordered, 1, -1))])  # in class minus not, on the near side
        right = (len(ordered) - ordered.sum() + below) / len(ordered)  # the near side is said to be in the class
        best = max(best, right.max(), 1 - right.min())
    return float(best)


def perceptron(weights: Weights, x: jax.Array | np.ndarray) -> jax.Array:
    """The score of one layer, or of two when there is a hidden one."""
    h = jnp.tanh(x @ weights["in"] + weights["bias"]) if "in" in weights else x
    return h @ weights["out"] + weights["constant"]


def hard_cases(seeds: int, count: int = 800, steps: int = 1500) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Accuracy on the square of one and two layers after training on some points, and scores for the drawing."""
    generators = [np.random.default_rng(seed) for seed in range(seeds)]

    def normal(*shape: int) -> np.ndarray:
        return np.stack([rng.normal(size=(len(CASES), *shape)) for rng in generators])

    points = np.stack([rng.uniform(-1, 1, (len(CASES), count, 2)) for rng in generators]).astype(np.float32)
    labels = np.stack([inside(case, points[:, i]) for i, case in enumerate(CASES)], 1)
    fine, coarse = grid(151), grid(61)
    rows: list[Row] = []
    regions: dict[str, np.ndarray] = {}
    starts: dict[str, Weights] = {"one layer": {}, "two layers": {}}
    starts["one layer"] = {"out": np.zeros((seeds, 3, 2)), "constant": np.zeros((seeds, 3))}
    starts["two layers"] = {
        "in": 3 * normal(2, UNITS),
        "bias": normal(UNITS),
        "out": normal(UNITS) / math.sqrt(UNITS),
        "constant": np.zeros((seeds, 3)),
    }
    optimizer = optax.adam(optax.cosine_decay_schedule(0.05, steps))

    def fit(weights: Weights, x: jax.Array, y: jax.Array) -> Weights:
        def loss(w: Weights) -> jax.Array:
            return optax.sigmoid_binary_cross_entropy(perceptron(w, x), y).mean()

        return minimised(loss, weights, optimizer, steps)

    for name, start in starts.items():
        singles = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), start)
        weights = jax.jit(jax.vmap(jax.vmap(fit)))(singles, points, labels.astype(np.float32))
        for i, case in enumerate(CASES):
            for seed in range(seeds):
                own = jax.tree.map(lambda a, s=seed, c=i: a[s, c], weights)
                right = (np.asarray(perceptron(own, fine)) > 0) == inside(case, fine)
                about: Row = {"case": case, "model": name, "seed": seed}
                rows.append({**about, "accuracy": number(right.mean()), "best_line": number(best_line(case))})
                if seed == 0:
                    probability = jax.nn.sigmoid(perceptron(own, coarse))
                    regions[f"{case}, {name}"] = np.asarray(probability).astype(np.float16)
    for i, case in enumerate(CASES):
        regions[f"{case}, points"] = np.concatenate([points[0, i], labels[0, i][:, None]], 1)[:150].astype(np.float16)
    return rows, regions


def minimised(
    loss: Callable[[Weights], jax.Array], weights: Weights, optimizer: optax.GradientTransformation, steps: int
) -> Weights:
    """Weights after so many steps on a fixed loss."""

    def one(state: tuple, _: None) -> tuple[tuple, None]:
        weights, memory = state
        change, memory = optimizer.update(jax.grad(loss)(weights), memory, weights)
        return (optax.apply_updates(weights, change), memory), None

    return jax.lax.scan(one, (weights, optimizer.init(weights)), None, steps)[0][0]


# Universal approximation


TARGETS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "smooth": lambda x: np.sin(2 * np.pi * x),
    "root": lambda x: np.sqrt(np.abs(x - 0.5)),
}


def interpolating(target: Callable[[np.ndarray], np.ndarray], width: int) -> Weights:
    """Weights of a network of ReLUs with its knots at 0, 1/width, …: the polygon through the target, exactly."""
    knots = np.arange(width) / width
    values = target(np.arange(width + 1) / width)
    slopes = np.diff(values) * width
    return {
        "in": np.ones((1, width)),
        "bias": -knots,
        "out": np.diff(slopes, prepend=0.0),
        "constant": values[0],
    }


def hidden(weights: Weights, x: Any) -> Any:
    """The outputs of the hidden ReLUs for numbers x, [point, unit]."""
    return jnp.maximum(x[:, None] @ weights["in"] + weights["bias"], 0)


def approximation(seeds: int, steps: int = 4000) -> list[Row]:
    """The largest error on [0, 1] against the width: constructed, hidden units at random, and all weights trained."""
    x = np.linspace(0, 1, 4001)
    rows: list[Row] = []

    def add(target: str, method: str, width: int, seed: int, outputs: np.ndarray) -> None:
        error = number(np.abs(outputs - TARGETS[target](x)).max())
        rows.append({"target": target, "method": method, "width": width, "seed": seed, "error": error})

    for name, function in TARGETS.items():
        for width in WIDTHS:
            made = interpolating(function, width + 1 if name == "root" else width)  # a corner, not a knot, at 1/2
            add(name, "constructed", width, 0, np.maximum(x[:, None] @ made["in"] + made["bias"], 0) @ made["out"]
                + made["constant"])  # fmt: skip
    rng = np.random.default_rng(0)
    most, y = max(WIDTHS), TARGETS["smooth"]
    knots = rng.random((seeds, len(WIDTHS), most))
    signs = rng.choice([-1.0, 1.0], knots.shape)
    masks = np.stack([np.arange(most) < width for width in WIDTHS]).astype(np.float32)
    points = np.linspace(0, 1, 257)
    start = {
        "in": signs[:, :, None],
        "bias": -signs * knots,
        "out": np.zeros(knots.shape),
        "constant": np.zeros(knots.shape[:2]),
    }
    optimizer = optax.adam(optax.cosine_decay_schedule(0.02, steps))

    def fit(weights: Weights, mask: jax.Array) -> Weights:
        def loss(w: Weights) -> jax.Array:
            outputs = hidden(w, jnp.asarray(points, jnp.float32)) @ (w["out"] * mask) + w["constant"]
            return ((outputs - jnp.asarray(y(points), jnp.float32)) ** 2).mean()

        return minimised(loss, weights, optimizer, steps)

    singles = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), start)
    trained = jax.jit(jax.vmap(jax.vmap(fit), in_axes=(0, None)))(singles, jnp.asarray(masks))
    for method, weights in (("hidden at random", start), ("trained", trained)):
        for seed in range(seeds):
            for i, width in enumerate(WIDTHS):
                own = {key: np.asarray(weights[key][seed, i], np.float64)[..., :width] for key in ("in", "bias")}
                features = [np.pad(np.maximum(p[:, None] @ own["in"] + own["bias"], 0), ((0, 0), (1, 0)),
                                   constant_values=1.0) for p in (points, x)]  # fmt: skip
                out = np.linalg.lstsq(features[0], y(points), rcond=1e-6)[0]  # the best output layer for these
                add("smooth", method, width, seed, features[1] @ out)
    return rows


# Shifts from data


@functools.lru_cache
def digits() -> tuple[np.ndarray, ...]:
    """Training images [image, pixel] and labels, test images and labels."""
    found = data_config("digits", size=SIDE).load()
    parts = []
    for split in (found.train, found.test):
        images = np.asarray(unit_interval(np.asarray(split.images)), np.float32)
        parts += [images.reshape(len(images), -1), np.asarray(split.labels)]
    return tuple(parts)


def shift_table() -> np.ndarray:
    """For every circular shift the pixel that each pixel comes from, [shift, pixel]; shift 0 is none."""
    places = np.arange(SIDE**2).reshape(SIDE, SIDE)
    return np.stack([np.roll(places, (r, c), (0, 1)).ravel() for r in range(SIDE) for c in range(SIDE)])


def mlp(weights: Weights, x: jax.Array) -> jax.Array:
    """Scores of a network with a hidden layer, of pixels [image, pixel]."""
    return jax.nn.relu(x @ weights["in"] + weights["bias"]) @ weights["out"] + weights["constant"]


def cnn(weights: Weights, x: jax.Array) -> jax.Array:
    """Scores of two circular convolutions and global pooling, of pixels [image, pixel]."""
    z = x.reshape(-1, SIDE, SIDE, 1)
    for name in ("first", "second"):
        z = jnp.pad(z, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="wrap")
        z = jax.lax.conv_general_dilated(z, weights[name], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        z = jax.nn.relu(z + weights[f"{name}_bias"])
    return z.max((1, 2)) @ weights["out"] + weights["constant"]


def start_of(model: str, rng: np.random.Generator) -> Weights:
    """Weights by He's rule."""

    def normal(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) * math.sqrt(2 / math.prod(shape[:-1]))).astype(np.float32)

    if model == "MLP":
        layers = {"in": normal(SIDE**2, 96), "bias": np.zeros(96, np.float32)}
        return {**layers, "out": normal(96, 10), "constant": np.zeros(10, np.float32)}
    layers = {"first": normal(3, 3, 1, 12), "second": normal(3, 3, 12, 24)}
    biases = {"first_bias": np.zeros(12, np.float32), "second_bias": np.zeros(24, np.float32)}
    return {**layers, **biases, "out": normal(24, 10), "constant": np.zeros(10, np.float32)}


def shifts(seeds: int, steps: tuple[int, int] = (3000, 500), seen: tuple[int, ...] = SEEN) -> list[Row]:
    """Accuracy on the test digits at all shifts, for an MLP and a CNN trained on some of the shifts."""
    images, labels, test_images, test_labels = digits()
    table = shift_table()
    pairs = [(count, seed) for seed in range(seeds) for count in seen]
    allowed = {pair: np.random.default_rng(pair[1]).permutation(len(table)) for pair in pairs}

    def learnt(apply: Callable, optimizer: optax.GradientTransformation, number_of_steps: int) -> Callable:
        def fit(weights: Weights, order: jax.Array, count: jax.Array, key: jax.Array) -> Weights:
            def one(state: tuple, key: jax.Array) -> tuple[tuple, None]:
                weights, memory = state
                first, second = jax.random.split(key)
                which = jax.random.randint(first, (64,), 0, len(images))
                moved = order[jax.random.randint(second, (64,), 0, count)]
                x = jnp.take_along_axis(jnp.asarray(images)[which], jnp.asarray(table)[moved], 1)

                def loss(w: Weights) -> jax.Array:
                    y = jnp.asarray(labels)[which]
                    return optax.softmax_cross_entropy_with_integer_labels(apply(w, x), y).mean()

                change, memory = optimizer.update(jax.grad(loss)(weights), memory, weights)
                return (optax.apply_updates(weights, change), memory), None

            keys = jax.random.split(key, number_of_steps)
            return jax.lax.scan(one, (weights, optimizer.init(weights)), keys)[0][0]

        return fit

    def tested(apply: Callable, weights: Weights, order: np.ndarray, count: int) -> Row:
        scored = jax.jit(apply)
        scores = [np.asarray(scored(weights, test_images[:, table[s]])) for s in range(len(table))]
        right = np.array([(s.argmax(1) == test_labels).mean() for s in scores])
        spread = np.std(scores, 0).mean() / np.std(scores)
        unseen = right[order[count:]].mean() if count < len(table) else math.nan
        return {
            "accuracy": number(right.mean()),
            "on_seen": number(right[order[:count]].mean()),
            "on_unseen": "" if np.isnan(unseen) else number(unseen),
            "spread": number(spread),
        }

    rows: list[Row] = []
    for model, apply, number_of_steps, rate in (("MLP", mlp, steps[0], 3e-3), ("CNN", cnn, steps[1], 1e-2)):
        wanted = pairs if model == "MLP" else [p for p in pairs if p[0] in (seen[0], seen[-1])]
        optimizer = optax.adam(optax.cosine_decay_schedule(rate, number_of_steps))
        fit = learnt(apply, optimizer, number_of_steps)
        starts = [start_of(model, np.random.default_rng(seed)) for _, seed in wanted]
        orders = [jnp.asarray(allowed[p]) for p in wanted]
        keys = [jax.random.key(seed) for _, seed in wanted]
        if model == "MLP":  # all of them at once
            together = (jax.tree.map(lambda *a: jnp.stack(a), *starts), jnp.stack(orders))
            counts = jnp.array([count for count, _ in wanted])
            found = jax.jit(jax.vmap(fit))(*together, counts, jnp.stack(keys))
            trained = [jax.tree.map(lambda a, i=i: a[i], found) for i in range(len(wanted))]
        else:
            compiled = jax.jit(fit)
            each = zip(starts, orders, wanted, keys, strict=True)
            trained = [compiled(w, order, jnp.int32(count), key) for w, order, (count, _), key in each]
        for weights, (count, seed) in zip(trained, wanted, strict=True):
            about: Row = {"model": model, "seed": seed, "seen": count, "share": number(count / len(table))}
            rows.append({**about, **tested(apply, weights, allowed[count, seed], count)})
    return rows


# What was seen


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""

    table = _tables(out)
    near = table("neighbours", "dimension", "samples", "seed", "error")
    sides = {(r["share"], r["dimension"]): float(r["side"]) for r in table("cubes", "share", "dimension", "side")}
    per_cell = {r["dimension"]: float(r["per_cell"]) for r in table("cells", "dimension", "per_cell")}
    found = {int(d): exponent([r for r in near if r["dimension"] == d]) for d in distinct(near, "dimension")}
    sentences = [
        f"A fifth of the volume: sides of {', '.join(f'{sides[0.2, d]:.2f}' for d in (1, 2, 3))}, … and"
        f" {sides[0.2, 20]:.2f} in 20 dimensions; 10 samples on 5 intervals:"
        f" {', '.join(f'{per_cell[d]:g}' for d in (1, 2, 3))}, … in a cell.",
        "Nearest neighbour, samples ∝ ε^(−d): exponents"
        f" {', '.join(f'{value:.2f} (d = {d})' for d, value in found.items())}.",
    ]
    cases = table("cases", "case", "model", "seed", "accuracy", "best_line")
    averaged = mean_over(cases, over="seed", by=["case", "model"])
    for case in map(str, distinct(cases, "case")):
        own = {str(r["model"]): r for r in averaged if r["case"] == case}
        words = ", ".join(f"{model} {float(r['accuracy']):.1%}" for model, r in own.items())
        best = float(next(iter(own.values()))["best_line"])
        sentences.append(f"{case}: {words}; the best of all lines {best:.1%}.")
    errors = table("approximation", "target", "method", "width", "seed", "error")
    for name, method in dict.fromkeys((str(r["target"]), str(r["method"])) for r in errors):
        width, error = geometric_means([r for r in errors if (r["target"], r["method"]) == (name, method)])
        sentences.append(
            f"Largest error, {name} target, {method}: {error[0]:.2g} with {width[0]:g} units, {error[-1]:.2g} with"
            f" {width[-1]:g}, slope {slope(width, error):.2f}."
        )
    learnt = mean_over(table("shifts", "model", "seed", "seen", "accuracy"), over="seed", by=["model", "seen"])
    for model in map(str, distinct(learnt, "model")):
        own = {int(r["seen"]): float(r["accuracy"]) for r in learnt if r["model"] == model}
        words = ", ".join(f"{value:.1%} after {seen}" for seen, value in sorted(own.items()))
        sentences.append(f"{model}, accuracy over all {SIDE**2} shifts: {words} of them in training.")
    return sentences


def contradicted(out: Path) -> list[str]:
    """What of the claims the tables contradict."""
    return unmet(_claims(_tables(out)))


def _claims(table: Callable[..., list[Row]]) -> Iterator[Claim]:
    """The exponent of d dimensions is to be d within a tenth; a line never gets three quarters."""
    near = table("neighbours", "dimension", "samples", "seed", "error")
    yield from numbers(near, ("dimension", "samples", "seed"), "error")
    for d in map(int, distinct(near, "dimension")):
        found = exponent([r for r in near if r["dimension"] == d])
        yield abs(found / d - 1) <= 0.1, f"nearest neighbour in {d} dimensions: samples grow as ε^(−{found:.2f})"
    for row in table("cases", "case", "model", "seed", "accuracy", "best_line"):
        accuracy, best = float(row["accuracy"]), float(row["best_line"])
        found = f"{named(row, 'case', 'model', 'seed')}: accuracy {accuracy:.1%}, the best line {best:.1%}"
        one = row["model"] == "one layer"
        yield best < 0.75 and (accuracy <= best + 0.005 if one else accuracy > 0.92), found
    errors = table("approximation", "target", "method", "width", "seed", "error")
    for target, method, steepest, flattest in (
        ("smooth", "constructed", -2.15, -1.85),
        ("root", "constructed", -0.55, -0.45),
        ("smooth", "trained", -math.inf, -1),
        ("smooth", "hidden at random", -math.inf, -0.7),
    ):
        own = [r for r in errors if (r["target"], r["method"]) == (target, method)]
        fall = slope(*geometric_means(own))
        yield steepest <= fall <= flattest, f"{target} target, {method}: errors fall as width^({fall:.2f})"
    learnt = table("shifts", "model", "seed", "seen", "accuracy")
    accuracy = means(learnt, "accuracy", "model", "seen")
    mlp = {int(seen): value for (model, seen), value in sorted(accuracy.items()) if model == "MLP"}
    cnn = accuracy["CNN", 1]
    found = f"MLP, accuracy over all shifts: {', '.join(f'{v:.1%} after {seen}' for seen, v in mlp.items())}"
    yield mlp[1] < 0.2 and mlp[50] < 0.75 and list(mlp.values()) == sorted(mlp.values()), found
    yield cnn > 0.93 and cnn > max(mlp.values()) + 0.05, f"CNN, accuracy over all shifts after one: {cnn:.1%}"


def _tables(out: Path) -> Callable[..., list[Row]]:
    def table(name: str, *columns: str) -> list[Row]:
        return list(read_csv(out / f"{name}.csv", columns, COMMAND))

    return table


def geometric_means(rows: list[Row]) -> tuple[list[float], list[float]]:
    """Widths and the geometric means of the errors over the seeds."""
    widths = sorted({float(r["width"]) for r in rows})
    logarithms = [np.mean([np.log(float(r["error"])) for r in rows if r["width"] == width]) for width in widths]
    return widths, [float(np.exp(value)) for value in logarithms]
