"""Not just images: sounds and text have the symmetry of translation, the columns of a table have none.

    geomdl reproduce signals [--preset=fast|full]

Claim, in two parts. Shifts: a one-dimensional convolutional network with circular padding and a maximum over all
places, trained on patterns that are all at one place, classifies them at every other place alike, exactly; a
multilayer perceptron is right at that place and guesses elsewhere. Order: put the samples of all sounds (the
characters of all strings) into another order, the same for all, and train anew: the perceptron does as before, for it
knows no order, and the convolutional network loses its advantage, for its neighbours are no neighbours any more.
Columns of a table have an order that nobody chose: there the perceptron is no worse than the convolutional network in
the order that is given, so that the convolution assumes a symmetry that is not there. The permutation test says which
is the case: p is the share of orders, the given one among them, in which the convolutional network does at least as
well as in the given order. Writes

* ``shifts.csv``: accuracy on the test examples, shifted circularly, of networks trained at one place;
* ``orders.csv``: accuracy of networks trained in the given order, or in another one (patterns at all places);
* ``summary.csv``: parameters, accuracies, the error of the contract's shifts, versions and hardware;
* ``examples.csv``: some sounds and strings.

Sounds: 64 samples of noise with a chirp (rising or falling) or two tones (low–high, high–low). Strings: 64 random
letters of six, with one of four motifs that are anagrams. Tables: breast cancer (30 columns) and wine (13) of
scikit-learn. All networks of a data set have about as many parameters, but the linear one; Adam, batches of 64. Seeds
0–2 and 9 orders (fast), or seeds 0–4 and 39 orders (full); every order has a seed of its own. Training is a loop of its
own here: those of `geomdl.training` are for images.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx
from tqdm import tqdm

from experiments.parts.claims import Claim, alike, named, numbers, unmet
from experiments.parts.signal_data import LENGTH, PLACE, Examples, sounds, strings, table, write_examples
from experiments.parts.trained_networks import circumstances
from geomdl.equivariance import check_contract
from geomdl.errors import unknown
from geomdl.layers import Conv, Dense, Flatten, GlobalPool, Pointwise, Sequential
from geomdl.models import count_parameters
from geomdl.plots import Row, distinct, read_csv, write_csv
from geomdl.representations import FieldType

COMMAND = "geomdl reproduce signals"
PRESETS: dict[str, tuple[range, int]] = {"fast": (range(3), 9), "full": (range(5), 39)}
"""Seeds, orders."""
SIGNALS = {"sounds": sounds, "strings": strings}
TABLES = ("cells", "wine")
MODELS = ("CNN", "MLP", "linear")
CLASSES = {"sounds": 4, "strings": 4, "cells": 2, "wine": 3}
EXAMPLES, TESTED = 1024, 1024
"""Training and test examples of signals."""
STEPS, BATCH, RATE = 400, 64, 3e-3
WIDTH, KERNEL = 24, 5
"""Channels and taps of the convolutions."""
SHIFTS = range(0, LENGTH, 2)


def convolutional(space: FieldType, classes: int, rngs: nnx.Rngs) -> Sequential:
    """Three convolutions that go round, each before a ReLU; maximum over all places; dense."""
    hidden = space.with_fields(f"{WIDTH} trivial")
    layers: list[Any] = []
    for fields in (space, hidden, hidden):
        conv = Conv(fields, hidden, KERNEL, padding="same", padding_mode="circular", rngs=rngs)
        layers += [conv, Pointwise(hidden, "relu")]
    scores = space.with_fields(f"{classes} trivial")
    return Sequential([*layers, GlobalPool(hidden, "max"), Dense(hidden, scores, rngs=rngs)])


def perceptron(space: FieldType, length: int, classes: int, rngs: nnx.Rngs) -> Sequential:
    """Two hidden layers, as wide as makes as many parameters as `convolutional` has."""
    wanted = count_parameters(convolutional(space, classes, nnx.Rngs(0)))
    flat = Flatten(space, (length,))
    inputs = length * space.size
    width = min(range(4, 200), key=lambda w: abs(w * (inputs + w + classes + 2) + classes - wanted))
    hidden = space.with_fields(f"{width} trivial")
    layers = [flat, Dense(flat.out_type, hidden, rngs=rngs), Pointwise(hidden), Dense(hidden, hidden, rngs=rngs)]
    return Sequential([*layers, Pointwise(hidden), Dense(hidden, space.with_fields(f"{classes} trivial"), rngs=rngs)])


def linear(space: FieldType, length: int, classes: int, rngs: nnx.Rngs) -> Sequential:
    """Logistic regression."""
    flat = Flatten(space, (length,))
    return Sequential([flat, Dense(flat.out_type, space.with_fields(f"{classes} trivial"), rngs=rngs)])


def build(model: str, length: int, channels: int, classes: int, seed: int) -> Sequential:
    """An untrained network for examples ``[length, channels]``."""
    space, rngs = FieldType("C1", f"{channels} trivial", space="line"), nnx.Rngs(seed)
    if model == "CNN":
        return convolutional(space, classes, rngs)
    return (perceptron if model == "MLP" else linear)(space, length, classes, rngs)


@functools.lru_cache(maxsize=32)
def trainer(model: str, length: int, channels: int, classes: int) -> tuple[Any, Any, Callable[..., Any]]:
    """The structure of a network, its optimizer, and one step of training on a batch."""
    structure, _ = nnx.split(build(model, length, channels, classes, 0))
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))

    def loss(weights: Any, x: jax.Array, labels: jax.Array) -> jax.Array:
        scores = nnx.merge(structure, weights)(x)
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(weights: Any, moments: Any, x: jax.Array, labels: jax.Array) -> tuple[Any, Any]:
        updates, moments = optimizer.update(jax.grad(loss)(weights, x, labels), moments)
        return optax.apply_updates(weights, updates), moments

    return structure, optimizer, step


def fit(model: str, train: Examples, classes: int, seed: int) -> Sequential:
    """A trained network. (A loop over steps: XLA's convolutions are several times slower inside its loops on CPUs.)"""
    n, length, channels = train.x.shape
    structure, optimizer, step = trainer(model, length, channels, classes)
    _, weights = nnx.split(build(model, length, channels, classes, seed))
    moments, rng = optimizer.init(weights), np.random.default_rng(seed)
    for _ in range(STEPS):
        chosen = rng.integers(0, n, BATCH)
        weights, moments = step(weights, moments, train.x[chosen], train.labels[chosen])
    return nnx.merge(structure, weights)


def accuracy(network: Sequential, test: Examples) -> float:
    """The share of test examples whose class is right."""
    structure, weights = nnx.split(network)
    return float(np.mean(np.asarray(_scores(structure, weights, test.x)).argmax(-1) == test.labels))


@functools.partial(jax.jit, static_argnums=0)
def _scores(structure: Any, weights: Any, x: jax.Array) -> jax.Array:
    return nnx.merge(structure, weights)(x)


def run(preset: str, out: Path) -> None:
    """Trains, measures and writes the tables that are not there yet."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, orders = PRESETS[preset]
    write_examples(out / "examples.csv")
    done = [(d, m, s) for d in (*SIGNALS, *TABLES) for m in MODELS for s in seeds]
    shifts, given, summary = [], [], []
    for data, model, seed in tqdm(done, desc="signals", unit="network"):
        rows = measured(data, model, seed)
        shifts += rows["shifts"]
        given += rows["orders"]
        summary += rows["summary"]
    others = [(d, m, k) for d in (*SIGNALS, *TABLES) for m in MODELS for k in range(1, orders + 1)]
    for data, model, number in tqdm(others, desc="orders", unit="network"):
        given.append(in_another_order(data, model, number))
    for name, rows in (("shifts", shifts), ("orders", given), ("summary", summary)):
        write_csv(out / f"{name}.csv", rows)


def examples_of(data: str, seed: int, place: int | None = None) -> tuple[Examples, Examples]:
    """Training and test examples, with patterns at one place or at all places."""
    if data in TABLES:
        return table(data, seed)
    rng = np.random.default_rng(seed)
    return SIGNALS[data](rng, EXAMPLES, place), SIGNALS[data](rng, TESTED, place)


def measured(data: str, model: str, seed: int) -> dict[str, list[Row]]:
    """The rows of one network in the given order; of signals also trained at one place, and shifted."""
    about: Row = {"data": data, "model": model, "seed": seed}
    train, test = examples_of(data, seed)
    network = fit(model, train, CLASSES[data], seed)
    right = accuracy(network, test)
    found: dict[str, list[Row]] = {"shifts": [], "orders": [{**about, "order": "given", "accuracy": right}]}
    error: float | str = ""
    if data in SIGNALS:
        at_one_place, test = examples_of(data, seed, PLACE)
        moved = fit(model, at_one_place, CLASSES[data], seed)
        for shift in SHIFTS:
            shifted = Examples(np.roll(test.x, shift, 1), test.labels)
            found["shifts"].append({**about, "shift": shift, "accuracy": accuracy(moved, shifted)})
        promised = check_contract(moved, jax.random.key(seed), size=(LENGTH,), max_shifts=8, approximate=False)
        error = float(f"{promised.worst('shifts'):.2g}")
    numbers = {"parameters": count_parameters(network), "accuracy": right, "shift_error": error}
    found["summary"] = [{**about, **numbers, "test_examples": len(test.labels), **circumstances()}]
    return found


def in_another_order(data: str, model: str, number: int) -> Row:
    """The row of a network trained in a drawn order, which has the seed of its number."""
    train, test = examples_of(data, number)
    order = np.random.default_rng([number, 1]).permutation(train.x.shape[1])
    network = fit(model, train.in_order(order), CLASSES[data], number)
    return {"data": data, "model": model, "seed": number, "order": "drawn",
            "accuracy": accuracy(network, test.in_order(order))}  # fmt: skip


def by_shift(rows: Sequence[Row], data: str, model: str) -> dict[float, float]:
    """Mean accuracy over seeds for every shift."""
    own = [r for r in rows if (r["data"], r["model"]) == (data, model)]
    shifts = sorted({float(r["shift"]) for r in own})
    return {s: float(np.mean([float(r["accuracy"]) for r in own if float(r["shift"]) == s])) for s in shifts}


def permutation_test(rows: Sequence[Row], data: str, model: str) -> tuple[float, float, float]:
    """Mean accuracy in the given order, in the drawn orders, and p: the share of orders that do as well as the given.

    Args:
      rows: of ``orders.csv``.
      data: whose samples or columns are put in another order.
      model: which is trained.
    """
    own = [(str(r["order"]), float(r["accuracy"])) for r in rows if (r["data"], r["model"]) == (data, model)]
    given = float(np.mean([a for order, a in own if order == "given"]))
    drawn = [a for order, a in own if order == "drawn"]
    return given, float(np.mean(drawn)), (1 + sum(a >= given for a in drawn)) / (1 + len(drawn))


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    shifts = read_csv(out / "shifts.csv", ("data", "model", "seed", "shift", "accuracy"), COMMAND)
    orders = read_csv(out / "orders.csv", ("data", "model", "seed", "order", "accuracy"), COMMAND)
    summary = read_csv(out / "summary.csv", ("data", "model", "seed", "parameters", "shift_error"), COMMAND)
    sizes = [float(r["parameters"]) for r in summary if r["model"] != "linear"]
    errors = [float(r["shift_error"]) for r in summary if r["model"] == "CNN" and r["shift_error"] != ""]
    change = f"change by at most {max(errors):.0e} (relative)" if max(errors) else "do not change"
    sentences = [
        f"CNN and MLP of {min(sizes):,.0f} to {max(sizes):,.0f} parameters, {len(distinct(summary, 'seed'))} seeds; the"
        f" scores of the CNN on signals {change} under circular shifts."
    ]
    for data in SIGNALS:
        cnn, mlp = (by_shift(shifts, data, model) for model in ("CNN", "MLP"))
        elsewhere = [a for shift, a in mlp.items() if shift]
        sentences.append(
            f"{data.capitalize()} with patterns at one place: the CNN is right for {cnn[0]:.1%} there and for at"
            f" least {min(cnn.values()):.1%} at every other place; the MLP for {mlp[0]:.1%} there"
            f" and {np.mean(elsewhere):.1%} elsewhere (guessing: {1 / CLASSES[data]:.0%})."
        )
    for data in (*SIGNALS, *TABLES):
        cnn, mlp, lin = (permutation_test(orders, data, model) for model in MODELS)
        needs = cnn[2] <= 0.1 and cnn[0] > mlp[0]
        what = "samples" if data == "sounds" else "characters" if data == "strings" else "columns"
        sentences.append(
            f"{data.capitalize()}, {what} in another order: CNN {cnn[0]:.1%} → {cnn[1]:.1%} (p = {cnn[2]:.2f}), MLP"
            f" {mlp[0]:.1%} → {mlp[1]:.1%} (p = {mlp[2]:.2f}), linear {lin[0]:.1%} → {lin[1]:.1%}:"
            f" {'the order carries a symmetry' if needs else 'no sign of a symmetry of translation'}."
        )
    return sentences


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    shifts = read_csv(out / "shifts.csv", ("data", "model", "seed", "shift", "accuracy"), COMMAND)
    orders = read_csv(out / "orders.csv", ("data", "model", "seed", "order", "accuracy"), COMMAND)
    summary = read_csv(out / "summary.csv", ("data", "model", "seed", "parameters", "shift_error"), COMMAND)
    yield from numbers(shifts, ("data", "model", "seed", "shift"), "accuracy")
    yield from numbers(orders, ("data", "model", "seed", "order"), "accuracy")
    for data in distinct(summary, "data"):
        yield from alike([r for r in summary if r["data"] == data and r["model"] != "linear"], "parameters", 1.05)
    for r in summary:
        if r["model"] == "CNN" and r["data"] in SIGNALS:
            found = f"circular shifts change the scores of {named(r, 'model', 'data', 'seed')} by {r['shift_error']}"
            yield float(r["shift_error"]) < 1e-5, found
    for data, seed in itertools.product(SIGNALS, distinct(shifts, "seed")):
        own = [r for r in shifts if (r["data"], r["seed"]) == (data, seed)]
        cnn, mlp = ([float(r["accuracy"]) for r in own if r["model"] == model] for model in ("CNN", "MLP"))
        found = f"{data}, seed {seed}, patterns at one place: the CNN is right for {min(cnn):.1%} to {max(cnn):.1%}"
        yield min(cnn) == max(cnn) > 0.9, found
        elsewhere = float(np.mean(mlp[8:-8]))
        found = f"{data}, seed {seed}, patterns at one place: the MLP is right for {mlp[0]:.1%} there"
        yield mlp[0] > 0.95, found
        yield elsewhere < 1 / CLASSES[data] + 0.1, f"{found}, {elsewhere:.1%} far from it"
    for data in (*SIGNALS, *TABLES):
        cnn, mlp, lin = (permutation_test(orders, data, model) for model in MODELS)
        drawn = sum((r["data"], r["model"], r["order"]) == (data, "CNN", "drawn") for r in orders)
        found = f"{data}: CNN {cnn[0]:.1%} in the given order, {cnn[1]:.1%} in others, p = {cnn[2]:.3f}"
        if data in SIGNALS:
            yield cnn[2] == 1 / (1 + drawn), f"{found}: another order does as well"
            yield cnn[0] > mlp[0] + 0.4, f"{found}; the MLP {mlp[0]:.1%}"
            yield cnn[1] < mlp[1] + 0.02, f"{found}; the MLP {mlp[1]:.1%} in others"
        else:
            yield cnn[0] < mlp[0], f"{found}; the MLP {mlp[0]:.1%}: a convolution gains"
        for model, (given, others, p) in (("MLP", mlp), ("linear", lin)):
            found = f"{data}: {model} {given:.1%} in the given order, {others:.1%} in others, p = {p:.3f}"
            yield abs(given - others) < 0.04 and p > 0.05, found
