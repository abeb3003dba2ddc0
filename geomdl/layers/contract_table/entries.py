"""The rows of the contract table for layers; those of models are in `geomdl.models.contract_table`.

`tests/test_contracts.py` checks each row for each of its groups; `experiments/tables/symmetry.py` writes what they
promise to docs/symmetry.md.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Literal

from flax import nnx

from geomdl import layers
from geomdl.equivariance.contracts.contract import Size
from geomdl.groups import SpatialGroup, group, named_subgroups
from geomdl.layers import Conv, Layer
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.representations import FieldType, direct_sum, irreps

GRID = ("C1", "C2", "C4", "D1", "D2", "D4")
CYCLIC = tuple(f"C{n}" for n in range(1, 17))
DIHEDRAL = tuple(f"D{n}" for n in range(1, 9))
CONTINUOUS = ("SO2", "O2")
FINITE = CYCLIC + DIHEDRAL
EVERY = FINITE + CONTINUOUS


@dataclasses.dataclass(frozen=True)
class Entry:
    """One row: a layer or a model, and what is known of it without asking its contract.

    Args:
      section: the part of the table.
      name: what it is called there.
      build: makes it for a group.
      groups: names of groups.
      exact: the sizes, even or odd, at which it commutes exactly with the grid symmetries of its group.
      shifts: it commutes with circular shifts by multiples of this many pixels; 0: with none.
      even: an even size; () without base space.
      odd: an odd size.
      pointwise: it acts on every pixel by itself, and so without base space too, where every element is exact.
      random: whether a training step commutes in distribution only.
      trains: whether it can be called in training mode.
      quick: the groups that the ordinary tests try; the others are tried by ``pytest -m long``.
    """

    section: str
    name: str
    build: Callable[[str], Layer]
    groups: tuple[str, ...] = EVERY
    exact: Literal["both", "even", "odd", "never"] = "both"
    shifts: int = 1
    even: Size = (6, 6)
    odd: Size = (7, 7)
    pointwise: bool = False
    random: bool = False
    trains: bool = True
    quick: tuple[str, ...] = EVERY


def scalars(name: str) -> FieldType:
    """What an image is: two channels that the group leaves alone."""
    return FieldType(name, "2 trivial")


def permuted(name: str, number: int = 2) -> FieldType:
    """A scalar and regular fields: the channels are permuted. Finite groups."""
    return FieldType(name, f"{number} trivial + {number if group(name).order <= 8 else 1} regular")


def regular(name: str, number: int = 2) -> FieldType:
    """Regular fields of a finite group, functions of low frequency or sums of irreps of a continuous one."""
    of = group(name)
    if isinstance(of, SpatialGroup) and not of.is_finite:
        return FieldType(name, [(number, direct_sum(irreps(of, 1)))])
    return FieldType(name, f"{number} {'regular' if of.is_finite else 'band_limited(1)'}")


def mixed(name: str) -> FieldType:
    """Scalars, irreps and a regular (or band-limited) field."""
    return scalars(name) + few(name) + regular(name, 1)


def few(name: str) -> FieldType:
    """The last two irreps, or those of the lowest frequencies."""
    return FieldType(name, [(1, psi) for psi in irreps(group(name), None if group(name).is_finite else 1)[-2:]])


def half(name: str) -> str:
    """A proper subgroup: the rotations of D_N and O(2), the largest of C_N or in space, and C4 of SO(2)."""
    if isinstance(group(name), SpatialGroup):
        return str([h for h in named_subgroups(group(name)) if h != group(name)][-1])
    if name == "SO2":
        return "C4"
    if group(name).reflections:
        return name.replace("D", "C").replace("O2", "SO2")
    n = int(name[1:])
    return f"C{max((d for d in range(1, n) if n % d == 0), default=1)}"


def _conv(types: Callable[[str], tuple[FieldType, FieldType]], kernel_size: int, **options) -> Callable[[str], Layer]:
    return lambda name: Conv(*types(name), kernel_size, rngs=nnx.Rngs(0), **options)


def _lift(name: str) -> tuple[FieldType, FieldType]:
    return scalars(name), regular(name) + FieldType(name, "1 trivial")


def _hidden(name: str) -> tuple[FieldType, FieldType]:
    return mixed(name), regular(name, 1)


def _group_conv(name: str) -> tuple[FieldType, FieldType]:
    return permuted(name), permuted(name)


LINEAR = functools.partial(Entry, "Convolutions and linear maps")
POOLING = functools.partial(Entry, "Pooling and resampling")
NORM = functools.partial(Entry, "Normalisation and dropout", pointwise=True)
NONLINEAR = functools.partial(Entry, "Nonlinearities", pointwise=True)
INVARIANT = functools.partial(Entry, "Pooling over the group and changes of type", pointwise=True)
TOGETHER = functools.partial(Entry, "Layers made of layers")

_drop = {"remainder": "drop"}
_circular = {"padding_mode": "circular"}

LAYERS: tuple[Entry, ...] = (
    LINEAR("Conv, lifting", _conv(_lift, 3, padding="same"), shifts=0),
    LINEAR("Conv, any types", _conv(_hidden, 5, padding="same", basis="steerable"), shifts=0),
    LINEAR(
        "Conv, factored",
        _conv(_lift, 3, padding="same", basis="steerable", method="factored"),
        shifts=0,
        quick=("C4", "O2"),
    ),
    LINEAR(
        "Conv, factored, pixels",
        _conv(_group_conv, 3, padding="same", method="factored"),
        GRID,
        shifts=0,
        quick=("C4", "D4"),
    ),
    LINEAR(
        "Conv, fused",
        _conv(_lift, 3, padding="same", basis="steerable", method="fused"),
        ("C1", "C2", "C3", "C4", "C8", "D1", "D2", "D4", "SO2", "O2"),
        shifts=0,
        quick=("C4",),
    ),
    LINEAR("Conv, regular fields", _conv(_group_conv, 3, padding="same"), GRID, shifts=0),
    LINEAR("Conv, padding='valid'", _conv(lambda g: (permuted(g), scalars(g)), 5, padding="valid"), GRID, shifts=0),
    LINEAR("Conv, even kernel", _conv(_group_conv, 4, padding=1), GRID, shifts=0),
    LINEAR("Conv, padding='full'", _conv(_lift, 3, padding="full"), GRID, shifts=0),
    LINEAR(
        "ElongatedConv",
        lambda g: layers.ElongatedConv(mixed(g), FieldType(g, "2 regular"), (1, 5), rngs=nnx.Rngs(0)),
        GRID,
        shifts=0,
    ),
    LINEAR(
        "ElongatedConv, circular",
        lambda g: layers.ElongatedConv(
            permuted(g), FieldType(g, "2 regular"), (3, 1), padding_mode="circular", rngs=nnx.Rngs(0)
        ),
        GRID,
        quick=("C4", "D2"),
    ),
    LINEAR("Conv, circular", _conv(_group_conv, 3, padding="same", **_circular), GRID),
    LINEAR("Conv, reflect", _conv(_lift, 3, padding=1, padding_mode="reflect"), GRID, shifts=0),
    LINEAR("Conv, replicate", _conv(_lift, 3, padding=1, padding_mode="replicate"), GRID, shifts=0),
    LINEAR("Conv, dilation 2", _conv(_lift, 3, padding="same", dilation=2), GRID, shifts=0),
    LINEAR("Conv, kernel 3, stride 2", _conv(_lift, 3, stride=2, padding=1, **_drop), GRID, "odd", 0),
    LINEAR(
        "Conv, kernel 4, stride 2, circular",
        _conv(_lift, 4, stride=2, padding=1, **_circular, **_drop),
        GRID,
        "even",
        2,
    ),
    LINEAR(
        "Conv, depthwise",
        lambda g: Conv(regular(g, 3), regular(g, 3), 3, padding=1, groups=3, rngs=nnx.Rngs(0)),
        shifts=0,
    ),
    LINEAR(
        "ConnectedConv",
        lambda g: layers.ConnectedConv(regular(g, 3), regular(g), 3, [(0, 2), (1,)], padding=1, rngs=nnx.Rngs(0)),
        shifts=0,
    ),
    LINEAR(
        "TransposedConv, kernel 4, stride 2",
        lambda g: layers.TransposedConv(mixed(g), regular(g, 1), 4, stride=2, padding=1, rngs=nnx.Rngs(0)),
        shifts=0,
        even=(4, 4),
        odd=(5, 5),
    ),
    LINEAR("Dense", lambda g: layers.Dense(mixed(g), regular(g), rngs=nnx.Rngs(0)), even=(), odd=()),
    LINEAR(
        "Dense, factored",
        lambda g: layers.Dense(regular(g), regular(g, 1), method="factored", rngs=nnx.Rngs(0)),
        even=(),
        odd=(),
        quick=("C3", "D4", "SO2"),
    ),
    LINEAR("SelfAttention", lambda g: layers.SelfAttention(FieldType(g, "4 trivial"), 2, rngs=nnx.Rngs(0))),
    LINEAR(
        "PositionEmbedding",
        lambda g: layers.PositionEmbedding(scalars(g), (6, 6), rngs=nnx.Rngs(0)),
        ("C4", "D4"),
        "never",
        0,
    ),
    LINEAR(
        "LocallyConnected",
        lambda g: layers.LocallyConnected(scalars(g), 3, (6, 6), 3, rngs=nnx.Rngs(0)),
        ("C1",),
        "never",
        0,
    ),
    LINEAR("Flatten", lambda g: layers.Flatten(scalars(g), (6, 6)), ("C1",), "never", 0),
    POOLING("Pool, maximum", lambda g: layers.Pool(permuted(g), 2, remainder="drop"), FINITE, "even", 2),
    POOLING("Pool, mean", lambda g: layers.Pool(mixed(g), 2, reduce="mean", remainder="drop"), EVERY, "even", 2),
    POOLING(
        "Pool, maximum, 3, stride 2",
        lambda g: layers.Pool(permuted(g), 3, stride=2, padding=1, remainder="drop"),
        GRID,
        "odd",
        0,
    ),
    POOLING(
        "Pool, mean, stride 1, circular",
        lambda g: layers.Pool(mixed(g), 3, reduce="mean", stride=1, padding=1, padding_mode="circular"),
        GRID,
    ),
    POOLING("TrainableSubsampling", lambda g: layers.TrainableSubsampling(mixed(g)), EVERY, "even", 2),
    POOLING("BlurPool, 3", lambda g: layers.BlurPool(mixed(g), 3, padding=1, remainder="drop"), EVERY, "odd", 0),
    POOLING(
        "BlurPool, 4, circular",
        lambda g: layers.BlurPool(mixed(g), 4, padding=1, padding_mode="circular", remainder="drop"),
        EVERY,
        "even",
        2,
    ),
    POOLING("NormMaxPool", lambda g: layers.NormMaxPool(mixed(g), 2, remainder="drop"), EVERY, "even", 2),
    POOLING(
        "NormMaxPool, 3, stride 2",
        lambda g: layers.NormMaxPool(mixed(g), 3, stride=2, padding=1, remainder="drop"),
        GRID,
        "odd",
        0,
    ),
    POOLING(
        "antialiased_max_pool", lambda g: layers.antialiased_max_pool(permuted(g), remainder="drop"), GRID, "even", 0
    ),
    POOLING(
        "antialiased_max_pool of norms, 3",
        lambda g: layers.antialiased_max_pool(mixed(g), 3, remainder="drop"),
        GRID,
        "odd",
        0,
    ),
    POOLING("AdaptivePool, mean", lambda g: layers.AdaptivePool(mixed(g), 4), shifts=0),
    POOLING("AdaptivePool, maximum", lambda g: layers.AdaptivePool(permuted(g), 3, "max"), GRID, shifts=0),
    POOLING("GlobalPool, mean", lambda g: layers.GlobalPool(mixed(g))),
    POOLING("GlobalPool, maximum", lambda g: layers.GlobalPool(permuted(g), "max"), FINITE),
    POOLING("Upsample, bilinear", lambda g: layers.Upsample(mixed(g), 2), GRID, shifts=0),
    POOLING("Upsample, nearest", lambda g: layers.Upsample(mixed(g), 2, method="nearest")),
    POOLING(
        "Upsample, cubic, circular",
        lambda g: layers.Upsample(mixed(g), 2, method="cubic", padding_mode="circular"),
        GRID,
    ),
    POOLING("Upsample, to a size", lambda g: layers.Upsample(mixed(g), size=9), GRID, shifts=0),
    POOLING(
        "Upsample, nearest, to a size",
        lambda g: layers.Upsample(mixed(g), size=10, method="nearest"),
        GRID,
        shifts=0,
    ),
    NORM("BatchNorm", lambda g: layers.BatchNorm(mixed(g))),
    NORM("LayerNorm", lambda g: layers.LayerNorm(mixed(g))),
    NORM("GroupNorm", lambda g: layers.GroupNorm(regular(g, 4), 2)),
    NORM("InstanceNorm", lambda g: layers.InstanceNorm(mixed(g)), pointwise=False),
    NORM("FieldNorm", lambda g: layers.FieldNorm(regular(g)), tuple(g for g in EVERY if g != "C1")),
    NORM("LocalResponseNorm", lambda g: layers.LocalResponseNorm(regular(g, 4), 3, alpha=1.0)),
    NORM("StochasticDepth", lambda g: layers.StochasticDepth(mixed(g), 0.5)),
    NORM("PadFields", lambda g: layers.PadFields(regular(g), 1, 2)),
    NORM("Dropout", lambda g: layers.Dropout(mixed(g), 0.5)),
    NORM("Dropout, single numbers", lambda g: layers.Dropout(mixed(g), 0.5, whole_fields=False), random=True),
    *(NONLINEAR(f"Pointwise, {a}", lambda g, a=a: layers.Pointwise(permuted(g), a), GRID) for a in ACTIVATIONS),
    NONLINEAR("Pointwise", lambda g: layers.Pointwise(permuted(g), "relu"), FINITE),
    NONLINEAR("Maxout", lambda g: layers.Maxout(regular(g)), FINITE),
    NONLINEAR("CReLU", lambda g: layers.CReLU(permuted(g)), FINITE),
    NONLINEAR("NormActivation", lambda g: layers.NormActivation(mixed(g), "sigmoid")),
    NONLINEAR("Gated", lambda g: layers.Gated(mixed(g))),
    NONLINEAR("FourierPointwise", lambda g: layers.FourierPointwise(regular(g), "elu")),
    NONLINEAR(
        "VectorField", lambda g: layers.VectorField(regular(g)), tuple(g for g in FINITE if group(g).rotation_order > 2)
    ),
    NONLINEAR("TensorProduct", lambda g: layers.TensorProduct(scalars(g) + few(g))),
    INVARIANT("GroupPool, maximum", lambda g: layers.GroupPool(permuted(g)), FINITE),
    INVARIANT("GroupPool, mean", lambda g: layers.GroupPool(permuted(g), "mean"), GRID),
    INVARIANT("SubgroupPool", lambda g: layers.SubgroupPool(regular(g), half(g)), FINITE),
    INVARIANT("NormPool", lambda g: layers.NormPool(mixed(g))),
    INVARIANT(
        "InducedNormPool",
        lambda g: layers.InducedNormPool(FieldType(g, f"2 induced({half(g)},irrep(1))"), half(g)),
        DIHEDRAL[2:],
    ),
    INVARIANT("Restrict", lambda g: layers.Restrict(mixed(g), half(g))),
    INVARIANT("ToIrreps", lambda g: layers.ToIrreps(mixed(g))),
    INVARIANT("FromIrreps", lambda g: layers.FromIrreps(mixed(g))),
    INVARIANT("Disentangle", lambda g: layers.Disentangle(mixed(g))),
    INVARIANT("Reshuffle", lambda g: layers.Reshuffle(mixed(g), range(len(mixed(g).blocks))[::-1])),
    INVARIANT("Identity", lambda g: layers.Identity(mixed(g)), ("C4", "D4")),
    INVARIANT("Mask", lambda g: layers.Mask(mixed(g)), shifts=0, pointwise=False),
    TOGETHER(
        "Sequential: Conv, Pool, Conv",
        lambda g: layers.Sequential(
            [
                _conv(_lift, 3, padding="same")(g),
                layers.Pool(_lift(g)[1], 2, remainder="drop"),
                Conv(_lift(g)[1], scalars(g), 3, padding="same", rngs=nnx.Rngs(1)),
            ]
        ),
        GRID,
        "even",
        0,
    ),
    TOGETHER("Branch", lambda g: layers.Branch([layers.NormPool(mixed(g)), layers.Mask(mixed(g))]), GRID, shifts=0),
    TOGETHER(
        "Parallel",
        lambda g: layers.Parallel(
            [layers.Pool(permuted(g), 2, remainder="drop"), layers.NormMaxPool(mixed(g), 2, remainder="drop")]
        ),
        GRID,
        "even",
        2,
    ),
    TOGETHER("Skip", lambda g: layers.Skip(Conv(permuted(g), scalars(g), 3, rngs=nnx.Rngs(0))), GRID, shifts=0),
    TOGETHER(
        "ReducedSize, maximum",
        lambda g: layers.ReducedSize(layers.GroupPool(permuted(g))),
        FINITE,
        shifts=0,
        quick=(*GRID, "C8"),
    ),
    TOGETHER(
        "ReducedSize, average",
        lambda g: layers.ReducedSize(layers.Identity(mixed(g)), "average"),
        shifts=0,
        quick=("C2", "D1", "D4", "C8", "SO2", "O2"),
    ),
    TOGETHER(
        "ReducedSize, blur, circular",
        lambda g: layers.ReducedSize(_conv(_hidden, 5, padding="same", **_circular)(g), "blur", circular=True),
        GRID,
        shifts=2,
    ),
    TOGETHER(
        "Fractal",
        lambda g: layers.Fractal(
            [[[_conv(_group_conv, 3, padding="same")(g) for _ in range(2**c)] for c in (2, 1, 0)]], drop_path=0.3
        ),
        GRID,
        shifts=0,
        quick=("C4", "D2"),
    ),
    TOGETHER(
        "Highway",
        lambda g: layers.Highway(_conv(_group_conv, 3, padding="same")(g), _conv(_group_conv, 3, padding="same")(g)),
        GRID,
        shifts=0,
        quick=("C2", "D4"),
    ),
    TOGETHER(
        "Highway, one gate for each field",
        lambda g: layers.Highway(
            Conv(mixed(g), mixed(g), 3, padding="same", basis="steerable", rngs=nnx.Rngs(0)),
            Conv(
                mixed(g),
                FieldType(g, f"{mixed(g).num_fields} trivial"),
                3,
                padding="same",
                basis="steerable",
                rngs=nnx.Rngs(1),
            ),
        ),
        shifts=0,
        quick=("C4", "SO2"),
    ),
    TOGETHER("Residual", lambda g: layers.Residual(_conv(_group_conv, 3, padding="same")(g)), GRID, shifts=0),
    TOGETHER(
        "WithAuxiliary",
        lambda g: layers.WithAuxiliary(
            [_conv(_group_conv, 3, padding="same")(g), layers.Pool(permuted(g), 2, remainder="drop")],
            {0: layers.Pool(permuted(g), 2, reduce="mean", remainder="drop")},
        ),
        GRID,
        "even",
        0,
        trains=False,
    ),
    TOGETHER(
        "WithoutContract", lambda g: layers.WithoutContract(ACTIVATIONS["relu"], regular(g)), GRID, "never", shifts=0
    ),
    TOGETHER(
        "Frozen",
        lambda g: layers.freeze(layers.Sequential([_conv(_lift, 3, padding="same")(g), layers.GroupPool(_lift(g)[1])])),
        GRID,
        shifts=0,
        trains=False,
    ),
)
