"""Data that is not images: sounds and strings with a pattern at some place, and the columns of tables."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from geomdl.plots import Row, write_csv

LENGTH = 64
"""Samples of a sound, characters of a string."""
PLACE = 8
"""Where patterns start in the training examples of one place."""
PATTERN = 24
"""Samples of a sound's pattern."""
ALPHABET = "abcdef"
MOTIFS = ("abcde", "edcba", "cadbe", "ebdac")
"""The patterns of strings: the same letters in four orders, so that counting letters tells nothing."""
SOUNDS = ("rising", "falling", "low, high", "high, low")
"""The patterns of sounds: chirps and pairs of tones, both ways round, so that a spectrum tells little."""
FREQUENCIES = 0.08, 0.24
"""The lowest and the highest, in cycles per sample."""
NOISE = 0.3


@dataclasses.dataclass(frozen=True)
class Examples:
    """Examples ``[n, length, channels]`` with a class each."""

    x: np.ndarray
    labels: np.ndarray

    def in_order(self, order: np.ndarray) -> "Examples":
        """The same examples with their samples (characters, columns) in another order."""
        return Examples(self.x[:, order], self.labels)


Draw = Callable[[np.random.Generator, int, int | None], Examples]
"""``(rng, n, place) -> examples``; at places of their own where none is given."""


def sounds(rng: np.random.Generator, n: int, place: int | None = None) -> Examples:
    """Noise with a chirp or two tones in it, of random phase and loudness, at a place (circularly, as all places are).

    >>> sounds(np.random.default_rng(0), 5).x.shape
    (5, 64, 1)
    """
    labels = rng.integers(0, len(SOUNDS), n)
    starts = rng.integers(0, LENGTH, n) if place is None else np.full(n, place)
    t = (np.arange(PATTERN) + 0.5) / PATTERN
    low, high = FREQUENCIES
    rising, steps = low + (high - low) * t, np.where(t < 0.5, low, high)
    frequencies = np.stack([rising, rising[::-1], steps, steps[::-1]])
    phase = 2 * np.pi * (np.cumsum(frequencies, 1)[labels] + rng.uniform(size=(n, 1)))
    pattern = rng.uniform(0.8, 1.2, (n, 1)) * np.sin(np.pi * t) * np.sin(phase)
    x = NOISE * rng.normal(size=(n, LENGTH))
    np.put_along_axis(x, (starts[:, None] + np.arange(PATTERN)) % LENGTH, pattern + x[:, :PATTERN], 1)
    return Examples(x[..., None].astype(np.float32), labels)


def strings(rng: np.random.Generator, n: int, place: int | None = None) -> Examples:
    """Random letters with one of the motifs at a place; one channel for each letter.

    >>> spelt(strings(np.random.default_rng(0), 1, 3).x[0])[3:8] in MOTIFS
    True
    """
    labels = rng.integers(0, len(MOTIFS), n)
    starts = rng.integers(0, LENGTH, n) if place is None else np.full(n, place)
    letters = rng.integers(0, len(ALPHABET), (n, LENGTH))
    while len(found := _with_motif(letters)):  # only the one that is put in
        letters[found] = rng.integers(0, len(ALPHABET), (len(found), LENGTH))
    motifs = np.array([[ALPHABET.index(c) for c in motif] for motif in MOTIFS])
    np.put_along_axis(letters, (starts[:, None] + np.arange(motifs.shape[1])) % LENGTH, motifs[labels], 1)
    return Examples(np.eye(len(ALPHABET), dtype=np.float32)[letters], labels)


def spelt(x: np.ndarray) -> str:
    """The letters of a string ``[length, channels]``."""
    return "".join(ALPHABET[i] for i in x.argmax(-1))


def _with_motif(letters: np.ndarray) -> np.ndarray:
    texts = ["".join(ALPHABET[i] for i in np.concatenate([row, row[:4]])) for row in letters]
    return np.array([i for i, text in enumerate(texts) if any(m in text for m in MOTIFS)], int)


def table(name: str, seed: int) -> tuple[Examples, Examples]:
    """Training and test rows (two thirds and one third) of a table of scikit-learn, columns of mean 0 and variance 1.

    Args:
      name: ``"cells"`` (breast cancer, 30 columns) or ``"wine"`` (13 columns).
      seed: of the division.

    >>> [len(part.labels) for part in table("wine", 0)]
    [119, 59]
    """
    from sklearn import datasets

    load = datasets.load_breast_cancer if name == "cells" else datasets.load_wine
    values, labels = (np.asarray(part) for part in load(return_X_y=True))
    order = np.random.default_rng(seed).permutation(len(labels))
    train, test = order[: -(-2 * len(order) // 3)], order[-(-2 * len(order) // 3) :]
    mean, deviation = values[train].mean(0), values[train].std(0)
    x = ((values - mean) / deviation)[..., None].astype(np.float32)
    return Examples(x[train], labels[train]), Examples(x[test], labels[test])


def write_examples(path: Path) -> None:
    """A sound and a string of every class at one place, for the figure."""
    rows: list[Row] = []
    rng = np.random.default_rng(1)
    for data, draw, names in (("sounds", sounds, SOUNDS), ("strings", strings, MOTIFS)):
        drawn = draw(rng, 64, PLACE)
        for label, name in enumerate(names):
            x = drawn.x[np.flatnonzero(drawn.labels == label)[0]]
            shown = [round(float(v), 3) for v in x[:, 0]] if data == "sounds" else list(spelt(x))
            rows += [{"data": data, "class": name, "sample": i, "value": v} for i, v in enumerate(shown)]
    write_csv(path, rows)
