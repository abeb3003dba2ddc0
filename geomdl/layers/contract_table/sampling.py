"""The rows of the contract table for layers that change the size and keep shifts; the others are in `entries`."""

import functools
from fractions import Fraction
from typing import Any

from flax import nnx

from geomdl.layers import (
    BandLimited,
    BlurPool,
    Conv,
    GroupPool,
    Hourglass,
    IdealResample,
    Layer,
    Pointwise,
    Polynomial,
    Polyphase,
    PolyphaseUpsample,
    Pool,
    Sequential,
)
from geomdl.layers.contract_table.entries import FINITE, GRID, Entry, mixed, permuted, regular
from geomdl.representations import FieldType

SAMPLING = functools.partial(Entry, "Sampling that keeps shifts")
SQUARES = ("C4", "D4")
SOME = ("C4", "D4", "C8", "O2")

_around: dict[str, Any] = {"padding": "same", "padding_mode": "circular"}


def _conv(in_type: FieldType, out_type: FieldType, seed: int = 0, **options) -> Conv:
    return Conv(in_type, out_type, 3, rngs=nnx.Rngs(seed), **_around, **options)


def _hourglass(group: str) -> Layer:
    t = permuted(group, 1)
    down = Polyphase(_conv(t, t, stride=2, remainder="drop"))
    return Hourglass(down, Pointwise(t), PolyphaseUpsample(_conv(t, t, 1)))


ROWS: tuple[Entry, ...] = (
    SAMPLING(
        "Polyphase, subsampling", lambda g: Polyphase(Pool(mixed(g), 1, reduce="mean", stride=2, remainder="drop")),
        exact="even", shifts=2, quick=SOME,
    ),
    SAMPLING(
        "Polyphase, convolution", lambda g: Polyphase(_conv(permuted(g), permuted(g), stride=2, remainder="drop")),
        GRID, "even", 2,
    ),
    SAMPLING(
        "Polyphase, blurred, stride 3",
        lambda g: Polyphase(BlurPool(mixed(g), 3, stride=3, remainder="drop", **_around)),
        GRID, "both", 3, (6, 6), (9, 9), quick=SQUARES,
    ),
    SAMPLING(
        "Polyphase, learned",
        lambda g: Polyphase(_conv(mixed(g), regular(g, 1), stride=2, remainder="drop"), "learned", rngs=nnx.Rngs(2)),
        GRID, "even", 2, random=True, quick=SQUARES,
    ),
    SAMPLING(
        "PolyphaseUpsample, stride 3", lambda g: PolyphaseUpsample(_conv(permuted(g), permuted(g)), 3),
        GRID, even=(4, 4), odd=(3, 3), quick=SQUARES,
    ),
    SAMPLING("Hourglass, polyphase", _hourglass, GRID, "even"),
    SAMPLING("IdealResample, twice", lambda g: IdealResample(mixed(g), 2), quick=("D4", "C8")),
    SAMPLING(
        "IdealResample, half", lambda g: IdealResample(mixed(g), Fraction(1, 2)), exact="even", shifts=2, quick=SQUARES
    ),
    SAMPLING("IdealResample, to a size", lambda g: IdealResample(mixed(g), size=5), GRID, shifts=0, quick=SQUARES),
    SAMPLING("BandLimited, polynomial", lambda g: BandLimited(Polynomial(permuted(g))), FINITE, quick=SQUARES),
    SAMPLING(
        "BandLimited, ReLU and a maximum",
        lambda g: BandLimited(Sequential([Pointwise(permuted(g)), GroupPool(permuted(g))])),
        FINITE, quick=SQUARES,
    ),
    SAMPLING("Polynomial", lambda g: Polynomial(permuted(g), 3), FINITE, pointwise=True, quick=SQUARES),
)  # fmt: skip
