"""Absolute position: networks that read it off the border fail where it misleads (the Red–Green task).

    python -m experiments.red_green [--preset=fast|full] [--out=out/shifts]

Claim (Kayhan & van Gemert, CVPR 2020): convolutions with padding "valid", or "same" with zeros, let a network tell
where in the image something is, and it does when that helps: on test images whose squares lie in the other half of the
image its accuracy collapses. With padding "same" that is circular, and with "full", the scores don't change at all.
Writes ``red_green.csv``: accuracy on similar and dissimilar test images, per padding and seed, with the published ones.

The network is the published one: four 3 × 3 convolutions without bias, of 32, 32, 64, 64 channels and strides 1, 2, 2,
2, each before a ReLU; maximum over the pixels; dense. Half an image is a multiple of the total stride, 8, so the scores
are exactly those of the image in the other half when the padding is circular; full padding keeps every window that sees
a square, and what it adds are windows of zeros.

Departs from the published code in the optimiser (Adam instead of Adadelta), in fewer epochs, and in the data: there
training and similar test images start from one seed and so are the same images, which is why accuracies are higher than
on new images. ``train`` is the accuracy on the training images, to compare with. Seed 0 for 6 epochs (fast), or seeds
0–4 for 10 epochs (full). Finished runs in the output directory are not repeated.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, means, named, numbers
from geomdl.data import Dataset, RedGreenConfig
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import Metrics, predictor
from geomdl.groups import group
from geomdl.layers import Conv, Dense, GlobalPool, Layer, Padding, PaddingMode, Pointwise
from geomdl.models import MODELS, ImageShape, ModelConfig, count_parameters
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.representations import FieldType
from geomdl.training import RunConfig, RunProgress, train

COMMAND = "geomdl reproduce shifts"
PRESETS: dict[str, tuple[range, int]] = {"fast": (range(1), 6), "full": (range(5), 10)}
"""Seeds, epochs."""
PADDINGS: dict[str, tuple[Padding, PaddingMode]] = {
    "valid": ("valid", "zeros"),
    "same, zeros": ("same", "zeros"),
    "same, circular": ("same", "circular"),
    "full": ("full", "zeros"),
}
PUBLISHED = {
    "valid": (1.0, 0.002),
    "same, zeros": (0.998, 0.084),
    "same, circular": (0.737, 0.737),
    "full": (0.897, 0.897),
}
"""Accuracy on similar and dissimilar test images: Kayhan & van Gemert 2020, table 1 (means of 10 runs)."""
INVARIANT = ("same, circular", "full")


@dataclasses.dataclass(frozen=True)
class RedGreenNetwork(ModelConfig):
    """Four convolutions, maximum over the pixels, dense; see the top of the file.

    Args:
      padding: of the convolutions: ``"valid"``, ``"same"`` or ``"full"``.
      padding_mode: what the padding holds.
    """

    padding: str = "same"
    padding_mode: PaddingMode = "zeros"

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolutions with ReLUs, maximum, dense."""
        plain = group("C1")
        layers: list[Layer] = []
        current = FieldType(plain, f"{image_shape[2]} trivial")
        for channels, stride in ((32, 1), (32, 2), (64, 2), (64, 2)):
            out = FieldType(plain, f"{channels} trivial")
            conv = Conv(
                current,
                out,
                3,
                stride=stride,
                padding=self.padding,  # type: ignore[arg-type]
                padding_mode=self.padding_mode,
                remainder="drop",
                use_bias=False,
                rngs=rngs,
            )
            layers += [conv, Pointwise(out, "relu")]
            current = out
        scores = FieldType(plain, f"{num_classes} trivial")
        return [*layers, GlobalPool(current, "max"), Dense(current, scores, rngs=rngs)]


if "red_green" not in MODELS:  # this module may be read twice, under two names
    MODELS.register("red_green", RedGreenNetwork)


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the table."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, epochs = PRESETS[preset]
    similar, dissimilar = (RedGreenConfig(dissimilar=swapped).load() for swapped in (False, True))
    rows: list[Row] = []
    with RunProgress([(name, seed) for seed in seeds for name in PADDINGS], "red–green") as bar:
        for name, seed in bar:
            bar.note(f"{name}, seed {seed}")
            config = run_config(name, seed, epochs)
            workdir = out / "runs" / f"red_green-{name.replace(', ', '_')}-{epochs}-seed{seed}"
            found = workdir / "measured.json"
            model = train(config, workdir, dataset=similar).model
            if not found.exists():
                found.write_text(json.dumps(measure(name, config, model, similar, dissimilar)))
            rows.append(json.loads(found.read_text()))
    write_csv(out / "red_green.csv", rows)


def run_config(name: str, seed: int, epochs: int) -> RunConfig:
    """The config of a run, by the name of its padding."""
    padding, mode = PADDINGS[name]
    return RunConfig.from_config_dict(
        {
            "data": {"name": "red_green"},
            "model": {"name": "red_green", "padding": padding, "padding_mode": mode},
            "optimizer": {"name": "adam", "learning_rate": 0.001},
            "training": {"batch_size": 100, "epochs": epochs},
            "seed": seed,
        }
    )


def measure(name: str, config: RunConfig, model: nnx.Module, similar: Dataset, dissimilar: Dataset) -> Row:
    """The row of one trained network."""
    predict = predictor(model)
    task = config.task.for_dataset(similar)
    accuracy = [Metrics()(predict, split, task)["accuracy"] for split in (similar.test, dissimilar.test, similar.train)]
    here, there = (np.asarray(predict(jnp.asarray(d.test.images[:100]))) for d in (similar, dissimilar))
    change = np.linalg.norm(there - here, axis=-1).mean() / np.linalg.norm(here - here.mean(0), axis=-1).mean()
    return {
        "padding": name,
        "seed": config.seed,
        "similar": accuracy[0],
        "dissimilar": accuracy[1],
        "train": accuracy[2],
        "score_change": float(f"{change:.3g}"),
        "published_similar": PUBLISHED[name][0],
        "published_dissimilar": PUBLISHED[name][1],
        "epochs": config.training.epochs or 0,
        "parameters": count_parameters(model),
        "test_images": len(similar.test),
        **circumstances(),
    }


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the table."""
    table = read_csv(out / "red_green.csv", ("padding", "seed", "similar", "dissimilar"), COMMAND)
    seeds = len(distinct(table, "seed"))
    mean = {str(r["padding"]): r for r in mean_over(table, "seed", ["padding"])}
    shown = "; ".join(f"{n} {float(r['similar']):.1%} / {float(r['dissimilar']):.1%}" for n, r in mean.items())
    count = "one seed" if seeds == 1 else f"{seeds} seeds"
    return [f"Red–Green, accuracy on similar / dissimilar images ({count}): {shown}. {_ordering(table)}"]


def _ordering(table: Sequence[Row]) -> str:
    return (
        "As published: the first two collapse, the last two don't change."
        if ordering_holds(table)
        else "This is not the published ordering."
    )


def ordering_holds(table: Sequence[Row]) -> bool:
    """Whether, for every seed, the invariant paddings lose nothing and the others fall below chance.

    Args:
      table: rows of ``red_green.csv``.
    """
    return all(
        r["similar"] == r["dissimilar"]
        if r["padding"] in INVARIANT
        else float(r["similar"]) > 0.9 and float(r["dissimilar"]) < 0.5
        for r in table
    )


def claims(out: Path) -> Iterator[Claim]:
    """What is claimed, with what the table has."""
    table = read_csv(out / "red_green.csv", ("padding", "seed", "similar", "dissimilar", "score_change"), COMMAND)
    yield from numbers(table, ("padding", "seed"), "similar", "dissimilar", "score_change")
    for r in table:
        similar, dissimilar, change = (float(r[c]) for c in ("similar", "dissimilar", "score_change"))
        found = f"Red–Green, padding {named(r, 'padding', 'seed')}: accuracy {similar:.1%} and {dissimilar:.1%}"
        yield ordering_holds([r]), found
        if r["padding"] in INVARIANT:
            yield change < 1e-5, f"{found}, the scores change by {change:.1e}"
        else:
            yield dissimilar < 0.3, found
            yield change > 0.5, f"{found}, the scores change by {change:.1e}"
    mean = {padding: means(table, "similar", "padding")[padding,] for padding in PADDINGS}
    found = "Red–Green, similar: " + ", ".join(f"{padding} {value:.1%}" for padding, value in mean.items())
    yield mean["valid"] > mean["full"] > mean["same, circular"] > 0.5, f"{found}, not as published"
    yield mean["same, zeros"] > mean["full"], f"{found}: zeros at the border do not help"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--out", type=Path, default=Path("out/shifts"))
    given = parser.parse_args()
    run(given.preset, given.out)
    print(*conclusions(given.out), sep="\n")
