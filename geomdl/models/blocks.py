"""Runs of layers that several models are made of."""

from typing import Literal

from flax import nnx

from geomdl.errors import unknown
from geomdl.layers import (
    BlurPool,
    Conv,
    Dense,
    Dropout,
    Layer,
    Maxout,
    Pointwise,
    halving_pool,
    normalization,
)
from geomdl.layers.window import PaddingMode
from geomdl.representations import FieldType, Representation

Downsampling = Literal["max", "average", "blur", "none"]
DOWNSAMPLINGS = ("max", "average", "blur", "none")


def activate(in_type: FieldType, activation: str) -> Layer:
    """The nonlinearity of a name; maxout halves the number of fields.

    >>> activate(FieldType("C4", "4 regular"), "maxout").out_type
    FieldType(C4, "2 regular")
    """
    return Maxout(in_type) if activation == "maxout" else Pointwise(in_type, activation)


def convolution(
    in_type: FieldType,
    representation: Representation,
    fields: int,
    kernel_size: int,
    *,
    padding_mode: PaddingMode,
    dilation: int,
    norm: str,
    activation: str,
    rngs: nnx.Rngs,
) -> list[Layer]:
    """Convolution that keeps the size, normalisation, nonlinearity; ``fields`` fields come out."""
    pieces = 2 if activation == "maxout" else 1
    out_type = FieldType(in_type.group, [(fields * pieces, representation)])
    conv = Conv(
        in_type,
        out_type,
        kernel_size,
        padding="same",
        padding_mode=padding_mode,
        dilation=dilation,
        use_bias=norm == "none",
        rngs=rngs,
    )
    normalise = normalization(norm, out_type)
    return [conv, *([normalise] if normalise else []), activate(out_type, activation)]


def downsample(
    name: str, in_type: FieldType, size: tuple[int, int], padding_mode: PaddingMode = "zeros"
) -> Layer | None:
    """Halves an image so that quarter turns and flips stay exact, for even and odd sizes; None for ``"none"``.

    Raises:
      ValueError: for an unknown name; or one even and one odd side, when the group is not C1.

    >>> downsample("blur", FieldType("C4", "1 regular"), (9, 9)).contract.output_size((9, 9))
    (5, 5)
    """
    if name == "none":
        return None
    if name in ("max", "average"):
        return halving_pool(in_type, size, "max" if name == "max" else "mean")
    if name == "blur":
        even = [n % 2 == 0 for n in size]
        return BlurPool(
            in_type,
            4 if any(even) else 3,
            padding=1,
            padding_mode=padding_mode,
            remainder="drop" if any(even) != all(even) and in_type.group.order == 1 else "error",
        )
    raise unknown("model.downsampling", name, DOWNSAMPLINGS)


def classifier(
    in_type: FieldType, hidden: int, num_classes: int, *, activation: str, dropout: float, rngs: nnx.Rngs
) -> list[Layer]:
    """Dense layers from invariant features to class scores, with one hidden layer unless ``hidden`` is 0."""
    layers: list[Layer] = []
    if hidden:
        pieces = 2 if activation == "maxout" else 1
        hidden_type = FieldType(in_type.group, f"{hidden * pieces} trivial")
        layers += [Dense(in_type, hidden_type, rngs=rngs), activate(hidden_type, activation)]
        in_type = layers[-1].out_type
    if dropout:
        layers.append(Dropout(in_type, dropout))
    return [*layers, Dense(in_type, FieldType(in_type.group, f"{num_classes} trivial"), rngs=rngs)]
