"""Parts of the steerable networks: feature fields of a given size, convolution blocks, invariant heads."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, get_args

from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.groups import O3, PlanarGroup, PointGroup, SpatialGroup, require_planar
from geomdl.layers import (
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    FourierPointwise,
    Gated,
    GlobalPool,
    Layer,
    NormActivation,
    Parallel,
    Pointwise,
)
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.models.core.config import ScalableConfig
from geomdl.random_keys import as_rngs
from geomdl.representations import FieldType, Representation, irrep, trivial

Nonlinearity = Literal["pointwise", "norm", "gated", "fourier"]


@dataclasses.dataclass(frozen=True)
class SteerableConfig(ScalableConfig):
    """The options that all steerable networks have.

    ``width`` counts the fields of the first convolution; the other layers keep the published proportions.

    Raises:
      ValueError: for maxout, which these networks do not have.

    >>> @dataclasses.dataclass(frozen=True)
    ... class OneConvolution(SteerableConfig):
    ...     width: float = 4
    ...     activation: str = "elu"
    ...
    ...     def layers(self, image_shape, num_classes, rngs):
    ...         image, fields = (FieldType("C8", f) for f in ("1 trivial", f"{self.fields(1)} regular"))
    ...         pooling = GroupPool(fields)
    ...         convolution = convolution_block(image, fields, 5, activation=self.activation, rngs=rngs)
    ...         return [*convolution, pooling, *invariant_head(pooling.out_type, (), num_classes, rngs=rngs)]
    >>> from geomdl.layers import GroupPool
    >>> OneConvolution().build((16, 16, 1), 10, rngs=nnx.Rngs(0)).out_type
    FieldType(C8, "10 trivial")
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.activation not in ACTIVATIONS:
            raise unknown("model.activation", self.activation, sorted(ACTIVATIONS))


def mixture(group: PlanarGroup, fields: str, count: float) -> FieldType:
    """Fields in given proportions that together have the channels of ``count`` regular fields.

    Args:
      group: finite.
      fields: a sum such as ``"regular"`` or ``"5 regular + 2 quotient(C2) + 2 quotient(C4) + 4 trivial"``.
      count: n; n |G| channels are matched as nearly as whole multiplicities allow.

    >>> from geomdl.groups import C8
    >>> mixture(C8, "regular", 24), mixture(C8, "2 regular + 1 quotient(C2) + 4 trivial", 6)
    (FieldType(C8, "24 regular"), FieldType(C8, "4 regular + 2 quotient(C2) + 8 trivial"))
    """
    pattern = FieldType(group, fields)
    factor = count * group.order / pattern.size
    pairs = [(max(1, round(factor * b.multiplicity)), b.representation) for b in pattern.blocks]
    return FieldType(group, pairs)


def all_frequencies(group: PointGroup, max_frequency: int, count: int, *, signs: bool = True) -> FieldType:
    """``count`` fields of every irrep up to a frequency, scalars first.

    Args:
      group: SO(2), O(2) or a finite group of the plane; SO(3), O(3) or a finite group of space.
      max_frequency: of the irreps; of SO(3) and O(3) their degree. A finite group of space has those irreps that irreps
        of O(3) up to the degree are made of.
      count: fields of each.
      signs: whether the irreps are among them that no kernel maps an image to: irrep(1,0) of the plane, which
        reflections change the sign of, and of O(3) those whose parity is not that of spherical harmonics, such as 0o.

    >>> from geomdl.groups import O2
    >>> all_frequencies(O2, 1, 4), all_frequencies(O2, 1, 4, signs=False)
    (FieldType(O2, "4 trivial + 4 irrep(1,0) + 4 irrep(1,1)"), FieldType(O2, "4 trivial + 4 irrep(1,1)"))
    >>> all_frequencies(O3, 1, 2), all_frequencies(O3, 1, 2, signs=False)
    (FieldType(O3, "2x0e + 2x0o + 2x1e + 2x1o"), FieldType(O3, "2x0e + 2x1o"))
    """
    if isinstance(group, SpatialGroup):
        degrees = range(max_frequency + 1)
        parities = [(k % 2, k) for k in degrees] + [(1 - k % 2, k) for k in degrees if signs]
        all_of_space = FieldType(O3, [(1, irrep(O3, *label)) for label in parities]).restrict(group)
        held = {label for b in all_of_space.blocks for label in b.representation.labels}
        return FieldType(group, [(count, irrep(group, *label)) for label in sorted(held, key=lambda p: (p[1], p[0]))])
    group = require_planar(group, "irreps up to a frequency")
    kinds: list[Representation] = [trivial(group)]
    if group.reflections and signs:
        kinds.append(irrep(group, 1, 0))
    for k in range(1, max_frequency + 1):
        kinds.append(irrep(group, 1, k) if group.reflections else irrep(group, k))
    return FieldType(group, [(count, rho) for rho in kinds])


def convolution_block(
    in_type: FieldType,
    fields: FieldType,
    kernel_size: int,
    *,
    nonlinearity: Nonlinearity = "pointwise",
    activation: str = "relu",
    rngs: nnx.Rngs,
    **options: Any,
) -> list[Layer]:
    """Convolution without bias, batch norm, nonlinearity; ``fields`` come out.

    Args:
      in_type: what comes in.
      fields: what goes out.
      kernel_size: of the convolution.
      nonlinearity: ``"pointwise"`` on permuted channels; ``"norm"`` (scalars get the pointwise activation), ``"gated"``
        or ``"fourier"`` (on band-limited functions) on irreps.
      activation: the pointwise function, of channels, norms, scalars or samples.
      rngs: initialises the weights.
      **options: of `geomdl.layers.Conv`.

    >>> image, fields = FieldType("C8", "1 trivial"), FieldType("C8", "4 regular")
    >>> [type(layer).__name__ for layer in convolution_block(image, fields, 5, padding=2, rngs=nnx.Rngs(0))]
    ['Conv', 'BatchNorm', 'Pointwise']
    """
    nonlinear = nonlinear_layer(fields, nonlinearity, activation)
    conv = Conv(in_type, nonlinear.in_type, kernel_size, use_bias=False, rngs=rngs, **options)
    return [conv, BatchNorm(conv.out_type), nonlinear]


def nonlinear_layer(fields: FieldType, nonlinearity: Nonlinearity, activation: str) -> Layer:
    """The nonlinearity that gives some fields; a gated one also takes its gates.

    Raises:
      ValueError: for an unknown nonlinearity, or one that these fields do not allow.

    >>> nonlinear_layer(FieldType("SO2", "2 irrep(0) + 2 irrep(1)"), "gated", "elu").in_type
    FieldType(SO2, "2 trivial + 2 irrep(0) + 2 irrep(1)")
    """
    if nonlinearity == "pointwise":
        return Pointwise(fields, activation)
    if nonlinearity == "fourier":
        return FourierPointwise(fields, activation)
    if nonlinearity == "gated":
        return Gated(fields, scalars=activation)
    if nonlinearity != "norm":
        raise unknown("model.nonlinearity", nonlinearity, get_args(Nonlinearity))
    scalar = [b.representation.is_trivial for b in fields.blocks]
    count = scalar.index(False) if False in scalar else len(scalar)
    parts = [(b.multiplicity, b.representation) for b in fields.blocks]
    layers: list[Layer] = []
    if count:
        layers.append(Pointwise(fields.with_fields(parts[:count]), activation))
    if count < len(parts):
        layers.append(NormActivation(fields.with_fields(parts[count:]), "elu" if activation == "elu" else "relu"))
    return layers[0] if len(layers) == 1 else Parallel(layers)


def invariant_head(
    in_type: FieldType,
    hidden: Sequence[int],
    num_classes: int,
    *,
    activation: str = "elu",
    dropout: float = 0.0,
    reduce: Literal["max", "mean"] = "max",
    rngs: nnx.Rngs,
) -> list[Layer]:
    """Pooling over all pixels, then (dense, batch norm, activation, dropout) for each hidden layer, then dense.

    Args:
      in_type: scalar fields.
      hidden: units of the hidden layers.
      num_classes: class scores.
      activation: of the hidden layers.
      dropout: rate after each hidden layer.
      reduce: how pixels are pooled.
      rngs: initialises the weights.

    Raises:
      ValueError: for fields that the group changes.

    >>> layers = invariant_head(FieldType("C8", "6 trivial"), (64,), 10, rngs=nnx.Rngs(0))
    >>> [layer.out_type.size for layer in layers]
    [6, 64, 64, 64, 10]
    """
    if not all(b.representation.is_trivial for b in in_type.blocks):
        raise invalid("fields of an invariant head", in_type.fields, "trivial fields; pool over the group first")
    rngs = as_rngs(rngs)
    layers: list[Layer] = [GlobalPool(in_type, reduce)]
    for units in hidden:
        out_type = in_type.with_fields(f"{units} trivial")
        dense = Dense(layers[-1].out_type, out_type, use_bias=False, rngs=rngs)
        layers += [dense, BatchNorm(out_type), Pointwise(out_type, activation)]
        if dropout:
            layers.append(Dropout(out_type, dropout))
    return [*layers, Dense(layers[-1].out_type, in_type.with_fields(f"{num_classes} trivial"), rngs=rngs)]
