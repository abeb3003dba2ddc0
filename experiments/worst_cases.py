"""Worst cases: accuracy under the worst of many rotations and shifts, by which symmetry is built in.

    geomdl reproduce worst_cases [--preset=fast|full]

Claim: each symmetry helps against its own motion only. Of all rotations by up to 30° the C8 networks keep more digits
than the CNN, whatever the image does; of all shifts by up to 3 pixels those with adaptive polyphase sampling (APS) and
the alias-free one do, and the plain ones hardly any. Under the worst of both, on the whole grid, the C8 network with
APS is better than the CNN and than each symmetry by itself.

Data: scikit-learn's digits, 16 × 16 pixels in the middle of a black frame of 24 × 24, so that nothing leaves the frame.
Networks: one architecture with two switches, about 12,000 parameters each: convolutions of 7 and 5 pixels with a
halving after each, then either a convolution as large as the map (zero padding, blurring before the halvings; position
matters, as in a network that ends in dense layers) or, invariant to shifts, of 5 pixels and the mean over the map
(circular padding; APS behind blurring, or ideal resampling); group C1 or C8 (steerable kernels). All learn upright,
centred digits for 15 epochs, save the augmented CNN, which sees rotations by up to 30° and shifts by up to 3 pixels.
100 test digits; seed 0 (fast), or seeds 0 to 2 (full). Writes ``worst.csv``: per network and seed, for each
set of transformations, the accuracy upright, on average, and where every transformation of an image has to be answered
right:

* ``rotations``: 13 angles; ``shifts``: 7 × 7, by whole pixels; ``both``: the grid of 5 × 5 shifts by 0, 1.5 and 3
  pixels × 5 angles; ``random``: 10 random ones for each image.

Finished runs in the output directory are not repeated. After Engstrom, Tran, Tsipras, Schmidt & Mądry, Exploring the
landscape of spatial robustness, ICML 2019, figure 2 and table 1, which have 5 × 5 × 31 and other data.
"""

import dataclasses
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, means, named, numbers, unmet
from experiments.parts.prepared_data import with_images
from geomdl.data import Dataset, DigitsConfig, Split
from geomdl.environment import circumstances
from geomdl.equivariance import WorstCase, worst_of_k, worst_on_grid
from geomdl.errors import unknown
from geomdl.evaluators import predictor
from geomdl.layers import (
    BandLimited,
    BatchNorm,
    BlurPool,
    Conv,
    Dense,
    GlobalPool,
    IdealResample,
    Layer,
    Pointwise,
    Polynomial,
    Polyphase,
)
from geomdl.models import MODELS, ImageShape, ScalableConfig, count_parameters
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.representations import FieldType
from geomdl.training import RunConfig, RunProgress, train

COMMAND = "geomdl reproduce worst_cases"
PRESETS: dict[str, tuple[range, int]] = {"fast": (range(1), 100), "full": (range(3), 100)}  # seeds, test digits
SHIFT, DEGREES, FRAME = 3.0, 30.0, 24
GRIDS = {"rotations": (1, 1, 13), "shifts": (7, 7, 1), "both": (5, 5, 5)}
SETS = (*GRIDS, "random")


@dataclasses.dataclass(frozen=True)
class TwoSymmetriesConfig(ScalableConfig):
    """A network with rotations or shifts, both or neither, built in.

    Args:
      group: ``"C1"`` or a cyclic group, of steerable kernels.
      sampling: ``"blur"``: a binomial filter, zeros at the border and a kernel as large as the last map; ``"aps"`` or
        ``"alias_free"``: circular, and the mean over the last map.
    """

    width: float = 6
    activation: str = "elu"
    group: str = "C1"
    sampling: Literal["blur", "aps", "alias_free"] = "blur"

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Two convolutions and halvings, a third convolution, invariant channels, dense."""
        plain, size = self.sampling == "blur", image_shape[:2]
        current, layers = FieldType(self.group, f"{image_shape[2]} trivial"), list[Layer]()
        mode: Any = "zeros" if plain else "circular"
        for taps, multiplier in ((7, 1), (5, 2)):
            fields = FieldType(self.group, f"{self.fields(multiplier)} regular")
            layers += self._convolution(current, fields, taps, rngs, padding="same", padding_mode=mode)
            layers.append(self._halving(fields))
            current, size = fields, (size[0] // 2, size[1] // 2)
        last = FieldType(self.group, f"{self.fields(8)} trivial")
        if plain:
            layers += self._convolution(current, last, size[0], rngs, padding="valid")
        else:
            layers += self._convolution(current, last, 5, rngs, padding="same", padding_mode=mode)
        layers.append(GlobalPool(last))
        return [*layers, Dense(layers[-1].out_type, FieldType(self.group, f"{num_classes} trivial"), rngs=rngs)]

    def _convolution(
        self, in_type: FieldType, out_type: FieldType, taps: int, rngs: nnx.Rngs, **options: Any
    ) -> list[Layer]:
        conv = Conv(in_type, out_type, taps, basis="steerable", use_bias=False, rngs=rngs, **options)
        smooth = self.sampling == "alias_free"
        nonlinearity = BandLimited(Polynomial(out_type)) if smooth else Pointwise(out_type, self.activation)
        return [conv, BatchNorm(out_type), nonlinearity]

    def _halving(self, fields: FieldType) -> Layer:
        if self.sampling == "alias_free":
            return IdealResample(fields, Fraction(1, 2))
        if self.sampling == "aps":
            return Polyphase(BlurPool(fields, 3, padding="same", padding_mode="circular", remainder="drop"), "norm")
        return BlurPool(fields, 4, padding=1)


if "two_symmetries" not in MODELS:  # this module may be read twice, under two names
    MODELS.register("two_symmetries", TwoSymmetriesConfig)

NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "CNN": ({}, {}),
    "CNN + augmentation": ({}, {"rotation": DEGREES, "shift": int(SHIFT)}),
    "C8": ({"group": "C8"}, {}),
    "APS": ({"sampling": "aps"}, {}),
    "alias-free": ({"sampling": "alias_free"}, {}),
    "C8 + APS": ({"group": "C8", "sampling": "aps"}, {}),
}
"""Options of the model, and of the augmentation."""


def framed(side: int = FRAME) -> Dataset:
    """The digits in the middle of a black frame."""
    digits = DigitsConfig(size=16).load()
    margin = (side - 16) // 2

    around = ((0, 0), (margin, margin), (margin, margin), (0, 0))
    return with_images(digits, lambda images: np.pad(images, around), f"in the middle of {side}×{side} pixels")


def configuration(network: str, seed: int, epochs: float = 15) -> RunConfig:
    """The config of a run."""
    model, augmentation = NETWORKS[network]
    return RunConfig.from_config_dict(
        {
            "seed": seed,
            "model": {"name": "two_symmetries", "match_parameters": 12_000, **model},
            "augmentation": augmentation,
            "optimizer": {"name": "adam", "learning_rate": 0.01, "clip_norm": 1.0},
            "schedule": {"name": "cosine", "warmup_steps": 20},
            "training": {"batch_size": 32, "epochs": epochs, "eval_every": 10_000},
        }
    )


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the table."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, images = PRESETS[preset]
    carry_out(list(NETWORKS), seeds, images, out)


def carry_out(networks: list[str], seeds: range, images: int, out: Path, epochs: float = 15) -> None:
    """Makes the runs, and the table of them."""
    rows: list[Row] = []
    dataset = framed()
    with RunProgress([(network, seed) for seed in seeds for network in networks], "worst cases") as bar:
        for network, seed in bar:
            bar.note(f"{network}, seed {seed}")
            config = configuration(network, seed, epochs)
            workdir = out / "runs" / f"{network.replace(' ', '').lower()}-seed{seed}"
            found = workdir / f"worst-{images}.json"
            result = train(config, workdir, dataset=dataset)
            if not found.exists():
                measured = measure(result.model, dataset.test, images)
                about = {"network": network, "seed": seed, "parameters": count_parameters(result.model)}
                found.write_text(json.dumps([{**about, **row, **circumstances()} for row in measured]))
            rows += json.loads(found.read_text())
    write_csv(out / "worst.csv", rows)


def measure(model: nnx.Module, test: Split, images: int) -> list[Row]:
    """The rows of one network."""
    x, labels = np.asarray(test.images)[:images], np.asarray(test.labels)[:images]
    predict = predictor(model)
    limits = {"max_shift": SHIFT, "max_degrees": DEGREES}
    found: dict[str, WorstCase] = {}
    for name, steps in GRIDS.items():
        found[name] = worst_on_grid(predict, x, labels, steps=steps, **limits)
    found["random"] = worst_of_k(predict, x, labels, k=10, **limits)
    return [
        {
            "transformations": name,
            "number": case.transformations,
            "natural": float(f"{case.natural:.5g}"),
            "average": float(f"{case.average:.5g}"),
            "worst": float(f"{case.worst:.5g}"),
            "constant": float(f"{case.constant:.5g}"),
            "images": images,
        }
        for name, case in found.items()
    ]


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the table."""
    table = read_csv(out / "worst.csv", ("network", "seed", "transformations", "natural", "average", "worst"), COMMAND)
    seeds = len(distinct(table, "seed"))
    averaged = mean_over(table, over="seed", by=["network", "transformations"])
    lines = [
        f"{table[0]['images']} upright, centred test digits, {'one seed' if seeds == 1 else f'means of {seeds} seeds'};"
        " share of digits that are right under every transformation (on average over them)."
    ]
    for name in SETS:
        own = [r for r in averaged if r["transformations"] == name]
        words = ", ".join(f"{r['network']} {r['worst']:.0%} ({r['average']:.0%})" for r in own)
        lines.append(f"{name}, {own[0]['number']:.0f} of them: {words}.")
    return lines


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    """ "Better" is by ten points at least."""
    about = ("network", "seed", "transformations")
    table = read_csv(out / "worst.csv", (*about, "natural", "average", "worst"), COMMAND)
    yield from numbers(table, about, "natural", "average", "worst")
    for r in table:
        learnt = float(r["natural"])
        yield learnt > 0.85, f"{named(r, *about)} has learnt {learnt:.1%} of the digits only"
    worst = {(n, t): value for (n, t), value in means(table, "worst", "network", "transformations").items()}

    def better(network: str, other: str, motion: str, by: float = 0.1) -> Claim:
        a, b = worst[network, motion], worst[other, motion]
        return a > b + by, f"{motion}, worst: {network} {a:.1%}, {other} {b:.1%}"

    yield better("C8", "CNN", "rotations")
    yield better("C8 + APS", "APS", "rotations")
    for network in ("APS", "alias-free"):
        yield better(network, "CNN", "shifts")
    yield better("C8 + APS", "C8", "shifts")
    for plain, motion in (("C8", "shifts"), ("APS", "rotations"), ("alias-free", "rotations")):
        a, b = worst[plain, motion], worst["CNN", motion]
        yield a < b + 0.1, f"{motion}, worst: {plain} {a:.1%} helps against a motion that it does not have, CNN {b:.1%}"
    for network in ("CNN", "C8", "APS", "alias-free"):
        yield better("C8 + APS", network, "both")
