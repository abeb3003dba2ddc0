"""How often a class stays when the image is shifted: by whole pixels, by fractions of one, and out of the frame.

    geomdl reproduce shifts [--preset=fast|full]

Claim: what breaks shifts is how networks are made smaller and what they see at the border. With circular padding,
polyphase sampling, adaptive (APS) or learnable (LPS), keeps every class under circular shifts by whole pixels; strides,
max, average and blur pooling keep them only for multiples of the total stride, 4. Only the alias-free network keeps
them for fractions of a pixel. Zeros at the border break all of this; and where a shift brings in new content at the
border (crops of a larger scene) nothing is exact. Networks that see the border also read the position off it
(Red–Green). Writes

* ``consistency.csv``: the share of test digits whose predicted class is that of the unmoved digit, and the change of
  the scores, ‖f(T x) − f(x)‖ over the mean distance of the scores of two digits; per downsampling, padding, seed,
  motion (circular or crop) and shift, averaged over directions;
* ``red_green.csv``: see experiments/red_green.py;
* ``summary.csv``: parameters, accuracy, config, versions and hardware.

The digits are enlarged to 32 × 32 pixels and fill that frame; networks see the 24 × 24 in the middle, in training too,
and a crop moves that window. Circular shifts are those of the trigonometric polynomial through the 24 × 24 pixels, its
Nyquist frequency removed: rolls for whole pixels. All networks are CNNs with two halvings and a mean over the pixels,
of about 8,000 parameters, trained on digits that are not shifted, for 8 epochs: seed 0 (fast), or seeds 0–2 (full).
Finished runs in the output directory are not repeated. References: Zhang, ICML 2019 (blur pooling); Chaman & Dokmanić,
CVPR 2021 (APS); Rojas-Gomez et al., NeurIPS 2022 (LPS); Michaeli, Michaeli & Soudry, CVPR 2023 (alias-free).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments import red_green
from experiments.klein import input_spread
from experiments.parts.claims import Claim, alike, named, numbers, unmet
from experiments.parts.prepared_data import with_images
from experiments.parts.trained_networks import NETWORKS, study, summary_row
from geomdl.data import Dataset, DigitsConfig
from geomdl.equivariance import ideally_shifted, without_nyquist
from geomdl.errors import unknown
from geomdl.evaluators import Predict, predictor
from geomdl.plots import Row, distinct, read_csv
from geomdl.training import RunConfig

COMMAND = "geomdl reproduce shifts"
DOWNSAMPLINGS = {
    "stride": "stride",
    "max": "max",
    "average": "average",
    "blur": "blur-3",
    "APS": "aps",
    "LPS": "lps",
    "alias-free": "alias_free",
}
"""Names in the tables, and those of the models' option."""
PADDINGS = ("zeros", "circular")
RUNS = {f"{name}, {padding}": (name, padding) for padding in PADDINGS for name in DOWNSAMPLINGS}
PRESETS: dict[str, tuple[range, int]] = {"fast": (range(1), 8), "full": (range(3), 8)}
"""Seeds, epochs."""

SCENE, WINDOW, STRIDE = 32, 24, 4
MARGIN = (SCENE - WINDOW) // 2
CIRCULAR = [k / 4 for k in range(1, 4 * STRIDE + 1)]
CROPS = [float(k) for k in range(1, MARGIN + 1)]
DIRECTIONS = [(1, 0), (0, 1), (1, 1), (1, -1)]
EXACT = 1e-4
"""The change of the scores up to which a shift counts as kept: far above rounding, far below a broken symmetry."""

NETWORKS.update(
    {
        run: (
            "digits_cnn",
            {"name": "cnn", "head": "mean", "downsampling": DOWNSAMPLINGS[name], "padding_mode": padding},
        )
        for run, (name, padding) in RUNS.items()
    }
)


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, epochs = PRESETS[preset]
    scenes = DigitsConfig(size=SCENE).load()
    middle = seen(scenes)

    def rows(name: str, config: RunConfig, dataset: Dataset, model: nnx.Module) -> dict[str, list[Row]]:
        return measure(name, config, dataset, model, np.asarray(scenes.test.images))

    study("shifts", list(RUNS), seeds, rows, "shifts", out, middle, epochs=epochs)
    red_green.run(preset, out)


def seen(scenes: Dataset) -> Dataset:
    """The window in the middle of every image."""
    inside = slice(MARGIN, MARGIN + WINDOW)
    words = f"the {WINDOW}×{WINDOW} pixels in the middle"
    return with_images(scenes, lambda images: images[:, inside, inside], words)


def measure(
    name: str, config: RunConfig, dataset: Dataset, model: nnx.Module, scenes: np.ndarray
) -> dict[str, list[Row]]:
    """The rows of the tables for one trained network, on all test images."""
    downsampling, padding = RUNS[name]
    predict = predictor(model)
    about = {"downsampling": downsampling, "padding": padding, "seed": config.seed}
    summary = summary_row(about, name, config, dataset, model, len(scenes))
    return {"consistency": [{**about, **row} for row in consistencies(predict, scenes)], "summary": [summary]}


def consistencies(predict: Predict, scenes: np.ndarray) -> list[Row]:
    """The rows of one network: by motion and length of the shift, averaged over directions."""
    start = window(scenes, (0, 0))
    rows: list[Row] = []
    for motion, lengths in (("circular", CIRCULAR), ("crop", CROPS)):
        signs = (1,) if motion == "circular" else (1, -1)  # a circular shift back is one forward of the shifted image
        before = _scores(predict, shifted_below_nyquist(start, (0.0, 0.0)) if motion == "circular" else start)
        between = input_spread(before)
        for length in lengths:
            kept, changed = [], []
            for down, right in [(s * a, s * b) for a, b in DIRECTIONS for s in signs]:
                by = (length * down, length * right)
                after = _scores(
                    predict, shifted_below_nyquist(start, by) if motion == "circular" else window(scenes, by)
                )
                kept.append(np.mean(after.argmax(-1) == before.argmax(-1)))
                changed.append(np.linalg.norm(after - before, axis=-1).mean() / between)
            rows.append(
                {
                    "motion": motion,
                    "shift": length,
                    "consistency": float(np.mean(kept)),
                    "change": float(f"{np.mean(changed):.4g}"),
                }
            )
    return rows


def _scores(predict: Predict, images: np.ndarray) -> np.ndarray:
    return np.asarray(predict(jnp.asarray(images, jnp.float32)), np.float64)


def window(scenes: np.ndarray, by: tuple[float, float]) -> np.ndarray:
    """What the window shows when the scene moves by whole pixels (down, right)."""
    row, column = (MARGIN - round(b) for b in by)
    return scenes[:, row : row + WINDOW, column : column + WINDOW]


def shifted_below_nyquist(images: np.ndarray, by: tuple[float, float]) -> np.ndarray:
    """Circular shift (down, right) of the trigonometric polynomials through the pixels, without Nyquist frequency.

    >>> image = np.cos(2 * np.pi * np.arange(6) / 6)[None, :, None, None] * np.ones((1, 6, 6, 1))
    >>> bool(np.allclose(shifted_below_nyquist(image, (1, 2)), np.roll(image, 1, 1)))
    True
    """
    return ideally_shifted(without_nyquist(images.astype(np.float64)), by)


def kept(table: Sequence[Row], padding: str, which: str) -> dict[str, tuple[float, float]]:
    """The least consistency and the largest change of each downsampling, over seeds and shifts.

    Args:
      table: rows of ``consistency.csv``.
      padding: ``"zeros"`` or ``"circular"``.
      which: ``"whole"`` or ``"fractional"`` circular shifts, or ``"crop"``.
    """
    found: dict[str, tuple[float, float]] = {}
    for r in table:
        whole = float(r["shift"]).is_integer()
        kind = "crop" if r["motion"] == "crop" else "whole" if whole else "fractional"
        if (r["padding"], kind) == (padding, which):
            least, most = found.get(str(r["downsampling"]), (1.0, 0.0))
            found[str(r["downsampling"])] = (min(least, float(r["consistency"])), max(most, float(r["change"])))
    return found


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "consistency.csv", ("downsampling", "padding", "seed", "motion", "shift"), COMMAND)
    summary = read_csv(out / "summary.csv", ("downsampling", "padding", "seed", "accuracy", "parameters"), COMMAND)
    seeds = len(distinct(summary, "seed"))
    accuracy = [float(r["accuracy"]) for r in summary]
    sentences = [
        f"About {np.mean([float(r['parameters']) for r in summary]):,.0f} parameters each; {summary[0]['images']} test"
        f" digits, {'one seed' if seeds == 1 else f'{seeds} seeds'}; test accuracy {min(accuracy):.1%} to"
        f" {max(accuracy):.1%}."
    ]
    for padding in reversed(PADDINGS):
        for which, words in (("whole", "whole pixels"), ("fractional", "fractions of a pixel")):
            found = kept(table, padding, which)
            exact = [name for name, (_, change) in found.items() if change <= EXACT]
            rest = {name: least for name, (least, _) in found.items() if name not in exact}
            sentences.append(
                f"Circular shifts by {words}, padding {padding}: exact for {', '.join(exact) or 'none'};"
                f" the least share of classes kept: {_listed(rest)}."
            )
        crops = {name: least for name, (least, _) in kept(table, padding, "crop").items()}
        sentences.append(f"Crops, padding {padding}, the least: {_listed(crops)}.")
    return [*sentences, *red_green.conclusions(out)]


def _listed(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items()) or "–"


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet([*_claims(out), *red_green.claims(out)])


POLYPHASE, ALIAS_FREE = ("APS", "LPS"), "alias-free"


def _claims(out: Path) -> Iterator[Claim]:
    """ "Broken" is a change of the scores of a hundred times what counts as kept, and a class that is lost."""
    about = ("downsampling", "padding", "seed", "motion", "shift")
    table = read_csv(out / "consistency.csv", (*about, "consistency", "change"), COMMAND)
    summary = read_csv(out / "summary.csv", (*about[:3], "accuracy", "parameters"), COMMAND)
    yield from numbers(table, about, "consistency", "change")
    yield from alike(summary, "parameters", 1.1)
    for r in summary:
        accuracy = float(r["accuracy"])
        yield accuracy > 0.9, f"{named(r, *about[:3])} has learnt {accuracy:.1%} of the digits only"
    for r in table:
        if (r["padding"], r["motion"], r["shift"]) == ("circular", "circular", STRIDE):
            found = f"the total stride changes the scores by {r['change']}: {named(r, *about)}"
            yield float(r["change"]) < EXACT, found
    for which, exact in (("whole", (*POLYPHASE, ALIAS_FREE)), ("fractional", (ALIAS_FREE,))):
        for name, (least, change) in kept(table, "circular", which).items():
            found = f"{name}, circular shifts ({which}): keeps {least:.1%} of the classes, the scores to {change:.1e}"
            if name in exact:
                yield least == 1 and change < EXACT, found
            else:
                yield least < 1 and change > 100 * EXACT, found
    for padding, which in (("circular", "crop"), ("zeros", "crop"), ("zeros", "whole"), ("zeros", "fractional")):
        for name, (least, change) in kept(table, padding, which).items():
            found = f"{name}, padding {padding} ({which}): keeps {least:.1%} of the classes, the scores to {change:.1e}"
            yield least < 0.99 and change > 100 * EXACT, found
