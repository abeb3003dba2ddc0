"""The networks of the MNIST benchmarks: six steerable convolutions, for every group, with quotients and restriction."""

import dataclasses
import math
from typing import ClassVar

from flax import nnx

from geomdl.errors import invalid
from geomdl.groups import PlanarGroup, group, require_planar
from geomdl.kernels import Basis
from geomdl.layers import BlurPool, GroupPool, Layer, Pool, Restrict
from geomdl.models.core.blocks import image_group
from geomdl.models.core.config import ImageShape
from geomdl.models.core.steerable import (
    Nonlinearity,
    SteerableConfig,
    all_frequencies,
    convolution_block,
    invariant_head,
    mixture,
    nonlinear_layer,
)
from geomdl.representations import FieldType

_POOLED = (1, 3)
"""The image is halved after the second and the fourth convolution."""


@dataclasses.dataclass(frozen=True)
class _Plan:
    """Fields, taps and padding of the six convolutions; units of the hidden dense layers."""

    fields: tuple[int, ...]
    kernels: tuple[int, ...]
    paddings: tuple[int, ...]
    hidden: tuple[int, ...]


BENCHMARK = _Plan((16, 24, 32, 32, 48, 64), (7, 5, 5, 5, 5, 5), (1, 2, 2, 2, 2, 0), (64,))
FINAL = _Plan((24, 32, 36, 36, 64, 96), (9, 7, 7, 7, 7, 5), (0, 3, 3, 3, 3, 0), (96, 96))


@dataclasses.dataclass(frozen=True)
class _MNISTConfig(SteerableConfig):
    """What the two sizes share; see `MNISTBenchmarkConfig`."""

    activation: str = "elu"
    group: str = "C16"
    basis: Basis = "auto"
    field_mixture: str = "regular"
    equal_parameters: bool = False
    restrict_to: str | None = None
    restrict_after: int = 5

    plan: ClassVar[_Plan]

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = image_group(self.group)
        whole.require_finite("model.group of the MNIST networks; see harmonic")
        FieldType(whole, self.field_mixture).require_permutation("model.field_mixture")
        if not 1 <= self.restrict_after <= 5:
            raise invalid("model.restrict_after", self.restrict_after, "a number of convolutions from 1 to 5", 5)
        if self.restrict_to is not None and not whole.contains_group(group(self.restrict_to)):
            smaller = PlanarGroup(whole.rotation_order)
            raise invalid("model.restrict_to", self.restrict_to, f"a subgroup of {whole}, or None", smaller)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolutions with pooling, maximum over the group and the pixels, dense."""
        current = FieldType(self.group, f"{image_shape[2]} trivial")
        layers: list[Layer] = []
        plan = self.plan
        for i, (taps, padding) in enumerate(zip(plan.kernels, plan.paddings, strict=True)):
            point_group = require_planar(current.group, "the MNIST networks")
            fields = mixture(point_group, self.field_mixture, self._count(i, point_group))
            layers += convolution_block(
                current, fields, taps, padding=padding, basis=self.basis, activation=self.activation, rngs=rngs
            )
            if i in _POOLED:
                layers.append(Pool(fields, 2, remainder="drop"))
            if i + 1 == self.restrict_after and self.restrict_to is not None:
                layers.append(Restrict(fields, self.restrict_to))
            current = layers[-1].out_type
        layers.append(GroupPool(current))
        return layers + invariant_head(
            layers[-1].out_type, plan.hidden, num_classes, activation=self.activation, dropout=self.dropout, rngs=rngs
        )

    def _count(self, layer: int, point_group: PlanarGroup) -> int:
        """The regular fields of a convolution."""
        multiplier = self.plan.fields[layer] / self.plan.fields[0]
        if not self.equal_parameters or layer == 5:
            return self.fields(multiplier)
        return max(1, int(self.width * multiplier * 4 / math.sqrt(point_group.order) + 1e-9))


@dataclasses.dataclass(frozen=True)
class MNISTBenchmarkConfig(_MNISTConfig):
    """The benchmark network of Weiler & Cesa on MNIST, for every finite group: f(ρ(g) x) = f(x).

    Convolutions of 7, 5, 5, 5, 5, 5 taps to 16, 24, 32, 32, 48, 64 regular fields, each with batch norm and ELU;
    maximum of 2 × 2 pixels after the second and fourth; maximum over the group and the remaining pixels; dense
    64–classes. ``width`` counts the fields of the first convolution, 16 as published; ``match_parameters`` sets it by a
    number of parameters.

    Exact on the pixel grid for images of 28 pixels, and in general n ≡ 0 mod 4. Other elements of the group are kept up
    to the error of sampling.

    Args:
      group: finite, e.g. ``"C16"``, ``"D8"``; ``"C1"`` is the conventional network.
      basis: of the kernels; ``"steerable"`` as published, or ``"auto"``, which takes every kernel on the grid for
        subgroups of D4; see `geomdl.layers.Conv`.
      field_mixture: kinds of fields in proportion, e.g. ``"5 regular + 2 quotient(C2) + 2 quotient(C4) + 4 trivial"``;
        together they have the channels of the regular fields that they replace.
      equal_parameters: multiplies the fields of the first five convolutions by 4/√|G|, rounded down, so that the number
        of parameters hardly depends on the group. (So the published D16→C16 network has its 3.07 million.)
      restrict_to: a subgroup to which the network is restricted after some convolutions; None for the whole group.
      restrict_after: after how many.

    Raises:
      ValueError: for a continuous group, fields that a pointwise function breaks, or no subgroup.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, §3.1 and appendix H.

    >>> MNISTBenchmarkConfig(group="C4", equal_parameters=True).parameter_count((28, 28, 1), 10) > 500_000
    True
    """

    width: float = 16
    plan: ClassVar[_Plan] = BENCHMARK


@dataclasses.dataclass(frozen=True)
class MNISTFinalConfig(_MNISTConfig):
    """The final, larger network of Weiler & Cesa on MNIST, for every finite group: f(ρ(g) x) = f(x).

    As `MNISTBenchmarkConfig`, with 9, 7, 7, 7, 7, 5 taps to 24, 32, 36, 36, 64, 96 fields, and dense 96–96–classes
    with dropout 0.3 after each hidden layer. ``width`` counts the fields of the first convolution, 24 as published.
    The best published result restricts D16 to C16: ``group="D16", restrict_to="C16", equal_parameters=True``.

    Exact on the pixel grid for images of 28 pixels, and in general n ≡ 0 mod 4.

    Args:
      group: see `MNISTBenchmarkConfig`.
      basis: see `MNISTBenchmarkConfig`.
      field_mixture: see `MNISTBenchmarkConfig`.
      equal_parameters: see `MNISTBenchmarkConfig`.
      restrict_to: see `MNISTBenchmarkConfig`.
      restrict_after: see `MNISTBenchmarkConfig`.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, §3.2.

    >>> MNISTFinalConfig(group="C16").parameter_count((28, 28, 1), 10)  # published: 2.69 million
    2692210
    """

    width: float = 24
    dropout: float = 0.3
    plan: ClassVar[_Plan] = FINAL


@dataclasses.dataclass(frozen=True)
class HarmonicConfig(SteerableConfig):
    """A harmonic network, equivariant to all rotations (and reflections): the benchmark network on SO(2) or O(2).

    Feature fields are irreps up to a frequency, and the nonlinearity is one of

      norm: y = η(‖f‖) f/‖f‖;   gated: y = σ(s) f with scalars s;   fourier: σ of the function whose coefficients f are.

    Six convolutions as in `MNISTBenchmarkConfig`, the last to 64 scalar fields; antialiased average pooling (binomial
    of 4 taps) in place of the maximum, which irreps do not admit; maximum over the pixels; dense 64–classes. ``width``
    counts the copies of all irreps in the first convolution.

    Exact on the pixel grid for images of 28 pixels, and in general n ≡ 0 mod 4; other angles up to the error of
    sampling.

    Args:
      group: ``"SO2"`` or ``"O2"``, or a finite group whose irreps are to be used.
      max_frequency: of the irreps.
      nonlinearity: ``"norm"``, ``"gated"`` or ``"fourier"``.

    Raises:
      ValueError: for an unknown nonlinearity or a frequency that the group does not have.

    References:
      Worrall et al., Harmonic networks, CVPR 2017; Weiler & Cesa 2019, table 1 (SO(2), O(2)); Cesa, Lang & Weiler, ICLR
      2022 (fourier).

    >>> model = HarmonicConfig(width=1, max_frequency=1).build((28, 28, 1), 10, rngs=nnx.Rngs(0))
    >>> model.layers[0].out_type
    FieldType(SO2, "1 trivial + 1 trivial + 1 irrep(1)")
    """

    width: float = 8
    activation: str = "elu"
    group: str = "SO2"
    max_frequency: int = 3
    nonlinearity: Nonlinearity = "gated"

    def __post_init__(self) -> None:
        super().__post_init__()
        image_group(self.group)
        if self.max_frequency < 1:
            raise invalid("model.max_frequency", self.max_frequency, "a positive frequency", 3)
        if self.nonlinearity == "pointwise":
            raise invalid("model.nonlinearity", self.nonlinearity, "norm, gated or fourier: irreps mix", "gated")
        nonlinear_layer(self._fields(1, 0), self.nonlinearity, self.activation)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolutions with antialiased pooling, scalars, maximum over the pixels, dense."""
        current = FieldType(self.group, f"{image_shape[2]} trivial")
        layers: list[Layer] = []
        plan = BENCHMARK
        for i, (count, taps, padding) in enumerate(zip(plan.fields, plan.kernels, plan.paddings, strict=True)):
            last = i == len(plan.fields) - 1
            fields = FieldType(self.group, f"{count} trivial") if last else self._fields(count / plan.fields[0], i)
            layers += convolution_block(
                current,
                fields,
                taps,
                padding=padding,
                nonlinearity="pointwise" if last else self.nonlinearity,
                activation=self.activation,
                rngs=rngs,
            )
            if i in _POOLED:
                layers.append(BlurPool(fields, 4, padding=1, remainder="drop"))
            current = fields
        return layers + invariant_head(
            current, plan.hidden, num_classes, activation=self.activation, dropout=self.dropout, rngs=rngs
        )

    def _fields(self, multiplier: float, layer: int) -> FieldType:
        count = self.fields(multiplier)
        if self.nonlinearity == "fourier":
            return FieldType(self.group, f"{count} band_limited({self.max_frequency})")
        return all_frequencies(group(self.group), self.max_frequency, count, signs=layer > 0)
