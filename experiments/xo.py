"""X's and O's: what three features see in them, stage by stage, and how far their votes carry.

    geomdl reproduce xo [--preset=fast|full]

Claim: a network that matches parts (features), keeps what agrees (ReLU) and forgets a little where it was (pooling)
recognises moved, scaled and turned letters that a pixel-by-pixel template misses, and every number on the way can be
checked by hand; a template stands thicker strokes better. Features without any place left are invariant to shifts by
whole pixels, exactly. Writes

* ``maps.csv``: the canonical 9 × 9 images, the features, and the match, ReLU and pooled maps, one value per row;
* ``votes.csv``: the vote of the last dense stage for either class, given the canonical images;
* ``difficulties.csv``: accuracy of the votes on letters shifted by whole pixels, and on letters drawn anew: translated,
  scaled, rotated, thicker and deformed, per seed.

Nothing is trained: the rows of the dense stage are what the network computes for the two canonical images, scaled to
length 1, and a vote is the cosine with such a row. Measured times:
experiments/results/timings.csv.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from experiments.parts.claims import Claim, means, named, unmet
from geomdl.actions import rotate, shift_crop
from geomdl.data import XOConfig, o_pattern, x_pattern
from geomdl.errors import unknown
from geomdl.kernels import classical_filters as filters
from geomdl.layers import correlate, pool
from geomdl.plots import Row, read_csv, truncated, write_csv

COMMAND = "geomdl reproduce xo"
PRESETS = {"fast": (5, 200), "full": (20, 1000)}  # seeds, images per seed
CLASSES = ("X", "O")
FEATURES = {
    "diagonal": filters.diagonal(),
    "cross": filters.cross(),
    "anti-diagonal": filters.anti_diagonal(),
}
FRAME = 17  # pixels; the letters are as large as in the canonical 9 × 9 images, with room to move
STILL = {"translation": 0.0, "scaling": 0.0, "rotation": 0.0, "weight": 0.0, "deformation": 0.0, "noise": 0.0}
STRENGTHS = {  # the greatest: pixels, pixels, factor − 1, degrees, pixels of stroke − 1, pixels
    "shift": (0, 1, 2, 3, 4),
    "translation": (0, 1, 2, 3, 4),
    "scaling": (0, 1 / 3, 2 / 3, 1, 4 / 3),
    "rotation": (0, 15, 30, 45, 90),
    "weight": (0, 2, 4),
    "deformation": (0, 1, 2, 3, 4),
}


# The network, stage by stage. Images hold ±1 and are [batch, rows, columns, 1].


def matches(images: jax.Array) -> jax.Array:
    """Match maps [batch, rows − 2, columns − 2, 3]: the mean of the nine products of each feature with each window."""
    return correlate(images, filters.bank(*(filters.matching(f) for f in FEATURES.values())))


def pooled(maps: jax.Array) -> jax.Array:
    return pool(maps, 2, stride=2, reduce="max", remainder="keep")


REPRESENTATIONS: Mapping[str, Callable[[jax.Array], jax.Array]] = {
    "pixels": lambda images: images,
    "feature maps": lambda images: jax.nn.relu(matches(images)),
    "pooled maps": lambda images: pooled(jax.nn.relu(matches(images))),
    "pooled to one place": lambda images: jax.nn.relu(matches(images)).max((1, 2)),
}
"""What the dense stage votes on: from the template of the whole image to features without places."""


def votes(features: jax.Array, prototypes: jax.Array) -> jax.Array:
    """The votes [batch, 2] of a dense layer whose rows are the prototypes: cosines, rows and inputs having length 1."""
    inputs, rows = (a.reshape(len(a), -1) for a in (features, prototypes))
    inputs = inputs / jnp.linalg.norm(inputs, axis=1, keepdims=True)
    rows = rows / jnp.linalg.norm(rows, axis=1, keepdims=True)
    return inputs @ rows.T


def canonical(size: int = 9) -> jax.Array:
    """The two canonical images [2, size, size, 1]: the 9 × 9 patterns, on a larger sheet of paper if need be."""
    border = (size - 9) // 2
    both = np.stack([x_pattern(9), o_pattern(9)])
    return jnp.asarray(np.pad(both, ((0, 0), (border, border), (border, border)), constant_values=-1.0)[..., None])


def letters(difficulty: str, strength: float, seed: int, count: int) -> tuple[jax.Array, np.ndarray]:
    """Images [count, FRAME, FRAME, 1] of ±1 and labels (0: X, 1: O), varied in one respect only.

    The frame for drawing is chosen such that the letter at rest is exactly as large as the canonical one (half-width
    3); then paper is added around it. "shift" moves the drawn letter by whole pixels, "translation" draws it somewhere
    else, on or off the grid.
    """
    border = {"translation": strength, "scaling": 3 * strength, "weight": strength / 2, "deformation": strength}
    options = dict(STILL, size=9 + 2 * round(border.get(difficulty, 0.0)), seed=seed, train_size=1, validation_size=1)
    if difficulty in border:  # a frame with room for a turned letter has no whole number of pixels: turned below
        options[difficulty] = strength
    config = XOConfig(**options, test_size=count)  # pyright: ignore[reportArgumentType]
    if not np.isclose(config.half_width, 3):
        raise ValueError(f"letters of half-width {config.half_width}, not 3, for {difficulty} {strength}")
    split = config.load().test
    around = (FRAME - config.size) // 2
    ink = jnp.pad(jnp.asarray(split.images), ((0, 0), (around, around), (around, around), (0, 0)))
    key = jax.random.key(seed)
    if difficulty == "rotation" and strength:
        ink = rotate(ink, jax.random.uniform(key, (count,), minval=-strength, maxval=strength))
    if difficulty == "shift":
        steps = jax.random.randint(key, (count, 2), -int(strength), int(strength) + 1)
        ink = jax.vmap(lambda image, step: shift_crop(image[None], step)[0])(ink, steps)
    return jnp.where(ink > 0.5, 1.0, -1.0), np.asarray(split.labels)


def _map_rows() -> list[Row]:
    images = canonical()
    match = matches(images)
    stages = {"match": match, "relu": jax.nn.relu(match), "pooled": pooled(jax.nn.relu(match))}
    entries: list[tuple[str, str, str, np.ndarray]] = []
    for name, kernel in FEATURES.items():
        entries.append(("feature", "", name, kernel))
    for index, letter in enumerate(CLASSES):
        entries.append(("image", letter, "", np.asarray(images[index, :, :, 0])))
        for stage, maps in stages.items():
            entries += [(stage, letter, name, np.asarray(maps[index, :, :, c])) for c, name in enumerate(FEATURES)]
    return [
        {"stage": stage, "image": letter, "feature": name, "row": row, "col": col, "value": float(value)}
        for stage, letter, name, grid in entries
        for (row, col), value in np.ndenumerate(grid)
    ]


def _vote_rows() -> list[Row]:
    images = canonical()
    rows: list[Row] = []
    for name, represent in REPRESENTATIONS.items():
        tally = np.asarray(votes(represent(images), represent(images)))
        rows += [
            {"representation": name, "image": image, "class": letter, "vote": float(tally[i, k])}
            for i, image in enumerate(CLASSES)
            for k, letter in enumerate(CLASSES)
        ]
    return rows


def _difficulty_rows(seeds: int, count: int) -> list[Row]:
    prototypes = {name: represent(canonical(FRAME)) for name, represent in REPRESENTATIONS.items()}

    @jax.jit
    def decide(images: jax.Array) -> dict[str, jax.Array]:
        return {n: jnp.argmax(votes(r(images), prototypes[n]), axis=1) for n, r in REPRESENTATIONS.items()}

    rows: list[Row] = []
    for difficulty, strengths in STRENGTHS.items():
        for strength in strengths:
            for seed in range(seeds):
                images, labels = letters(difficulty, strength, seed, count)
                decided = decide(images)
                for name in REPRESENTATIONS:
                    accuracy = float(np.mean(np.asarray(decided[name]) == labels))
                    rows.append(
                        {"difficulty": difficulty, "strength": float(strength), "representation": name, "seed": seed,
                         "images": count, "accuracy": accuracy}
                    )  # fmt: skip
    return rows


def run(preset: str, out: Path) -> None:
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, count = PRESETS[preset]
    write_csv(out / "maps.csv", _map_rows())
    write_csv(out / "votes.csv", _vote_rows())
    write_csv(out / "difficulties.csv", _difficulty_rows(seeds, count))


def conclusions(out: Path) -> list[str]:
    maps = read_csv(out / "maps.csv", ("stage", "image", "feature", "value"), COMMAND)
    tally = read_csv(out / "votes.csv", ("representation", "image", "class", "vote"), COMMAND)
    results = read_csv(out / "difficulties.csv", ("difficulty", "strength", "representation", "accuracy"), COMMAND)

    def best(letter: str, feature: str) -> str:
        values = [r["value"] for r in maps if (r["stage"], r["image"], r["feature"]) == ("match", letter, feature)]
        return truncated(max(float(v) for v in values))

    def vote(image: str, letter: str) -> float:
        wanted = ("pooled maps", image, letter)
        return next(float(r["vote"]) for r in tally if (r["representation"], r["image"], r["class"]) == wanted)

    def accuracy(name: str, difficulty: str, strength: float) -> float:
        wanted = (name, difficulty, strength)
        chosen = [r for r in results if (r["representation"], r["difficulty"], r["strength"]) == wanted]
        return float(np.mean([float(r["accuracy"]) for r in chosen]))

    sentences = [
        f"The best match of the cross is {best('X', 'cross')} in the X and {best('O', 'cross')} in the O; that of "
        f"the diagonal is {best('X', 'diagonal')} in the X and {best('O', 'diagonal')} in the O.",
        f"Shown the X, the pooled maps vote {vote('X', 'X'):.2f} for X and {vote('X', 'O'):.2f} for O; shown the O, "
        f"{vote('O', 'X'):.2f} and {vote('O', 'O'):.2f}.",
    ]
    gains: dict[str, float] = {}
    for difficulty in STRENGTHS:
        varied = [r for r in results if r["difficulty"] == difficulty and r["strength"] != 0]
        mean = {
            name: np.mean([float(r["accuracy"]) for r in varied if r["representation"] == name])
            for name in REPRESENTATIONS
        }
        gains[difficulty] = float(mean["pooled maps"] - mean["pixels"])
        strength = max(float(r["strength"]) for r in results if r["difficulty"] == difficulty)
        by_name = {name: accuracy(name, difficulty, strength) for name in REPRESENTATIONS}
        listed = ", ".join(f"{name} {value:.0%}" for name, value in by_name.items())
        sentences.append(f"Right at the greatest {difficulty} ({strength:.3g}): {listed}.")
    listed = ", ".join(f"{difficulty} {100 * gain:+.0f}" for difficulty, gain in gains.items())
    sentences.append(f"Pooled maps against the pixel template, mean over strengths (percentage points): {listed}.")
    return sentences


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


WORKED = {
    ("match", "diagonal"): "0.77 -0.11 0.11 0.33 0.55 -0.11 0.33",
    ("match", "cross"): "0.33 -0.55 0.11 -0.11 0.11 -0.55 0.33",
    ("match", "anti-diagonal"): "0.33 -0.11 0.55 0.33 0.11 -0.11 0.77",
    ("relu", "diagonal"): "0.77 0.00 0.11 0.33 0.55 0.00 0.33",
    ("pooled", "diagonal"): "1.00 0.33 0.55 0.33",
}
"""The first rows of the maps of the X, as they are by hand."""


def _claims(out: Path) -> Iterator[Claim]:
    maps = read_csv(out / "maps.csv", ("stage", "image", "feature", "row", "value"), COMMAND)
    tally = read_csv(out / "votes.csv", ("representation", "image", "class", "vote"), COMMAND)
    results = read_csv(out / "difficulties.csv", ("difficulty", "strength", "representation", "accuracy"), COMMAND)
    for (stage, feature), by_hand in WORKED.items():
        rows = [r for r in maps if (r["stage"], r["image"], r["feature"], r["row"]) == (stage, "X", feature, 0)]
        written = " ".join(truncated(float(r["value"])) for r in rows)
        yield written == by_hand, f"{stage}, {feature}, X: {written}, by hand {by_hand}"
    for r in tally:
        vote = float(r["vote"])
        found = f"shown the {r['image']}, the {r['representation']} vote {vote:.6f} for {r['class']}"
        yield abs(vote - 1) <= 1e-6 if r["image"] == r["class"] else vote < 0.99, found
    for (difficulty, representation), accuracy in means(
        [r for r in results if r["strength"] == 0], "accuracy", "difficulty", "representation"
    ).items():
        yield accuracy == 1, f"{representation} are right for {accuracy:.1%} of letters at rest ({difficulty})"
    right = means([r for r in results if r["strength"] != 0], "accuracy", "difficulty", "representation")
    anywhere = "pooled to one place"
    for r in results:
        if (r["difficulty"], r["representation"]) == ("shift", anywhere):
            found = f"features without places are right for {r['accuracy']}, {named(r, 'difficulty', 'strength')}"
            yield r["accuracy"] == 1, found
    found = f"features without places are right for {right['translation', anywhere]:.1%} of translated letters"
    yield right["translation", anywhere] < 0.7, found
    yield right["shift", "pixels"] < 0.7, f"the template is right for {right['shift', 'pixels']:.1%} of shifted letters"
    for difficulty in ("shift", "translation", "scaling"):
        pooled_, pixels = (right[difficulty, name] for name in ("pooled maps", "pixels"))
        found = f"{difficulty}: pooled maps are right for {pooled_:.1%}, the template for {pixels:.1%}"
        yield pooled_ > pixels + 0.05, found
