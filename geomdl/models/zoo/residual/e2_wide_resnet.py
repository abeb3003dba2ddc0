"""Wide residual networks with the symmetry of the plane, restricted from stage to stage."""

import dataclasses
import itertools
import math
from collections.abc import Iterable
from typing import get_args

from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.groups import D, PlanarGroup
from geomdl.layers import (
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    GlobalPool,
    Layer,
    Pointwise,
    Pool,
    Residual,
    Restrict,
    Sequential,
)
from geomdl.layers.core.weights import Init
from geomdl.models.core.blocks import image_group
from geomdl.models.core.config import ImageShape
from geomdl.models.core.steerable import SteerableConfig
from geomdl.representations import FieldType

FREQUENCIES = 3.0
"""Harmonics up to three times the radius of a ring, as published: on 3 × 3 pixels nearly every equivariant kernel."""


@dataclasses.dataclass(frozen=True)
class WideResNetConfig(SteerableConfig):
    """An E(2)-equivariant wide residual network, WRN-``depth``-``width``, with one group for each of its three stages.

    A 5 × 5 lifting convolution to 16 k fields' worth of channels; three stages of (depth − 4)/6 pre-activation blocks
    (batch norm, ReLU, convolution, batch norm, ReLU, dropout, convolution) with 16 k, 32 k, 64 k channels for
    ``width`` k, the second and third of which start with stride 2; 3 × 3 convolutions on subgroups of D4, 5 × 5 on
    others; the last block maps to scalar fields; mean over the pixels, dense. Between stages the group is restricted:
    D8 → D4 → D1 as published, so the classifier is invariant to reflections, and features to as much as their stage.

    With stride-2 convolutions of odd windows it is exact on the pixel grid for n ≡ 1 mod 4 (29, 33 pixels, say), not
    for 32: there the constructor warns. ``downsampling="centred"`` takes 4 × 4 windows and 2 × 2 means in those places,
    and is exact for n ≡ 0 mod 4; it departs from the paper in that.

    Args:
      depth: 6 n + 4.
      groups: of the three stages, each a subgroup of the one before.
      equal_parameters: channels are multiplied by √|G|, which keeps the number of parameters of a conventional network;
        otherwise the channels are kept. The first convolution always has the larger number.
      initial_stride: of the first stage; 2 for images of 96 pixels.
      downsampling: ``"strided"`` as published, or ``"centred"``.
      init: of the convolutions: ``"he"``, or ``"delta_orthogonal"`` as published (not with ``"centred"``, whose even
        windows have no centre).

    Raises:
      ValueError: for another depth, groups that are no chain of subgroups, or continuous ones.

    References:
      Zagoruyko & Komodakis, Wide residual networks, BMVC 2016. Weiler & Cesa, General E(2)-equivariant steerable CNNs,
      NeurIPS 2019, §3.3, with the authors' published code.

    >>> config = WideResNetConfig(depth=10, width=0.25, groups=("D4", "D4", "D1"))
    >>> model = config.build((29, 29, 3), 10, rngs=nnx.Rngs(0))
    >>> str(model.contract.group), model.contract.points.at((29, 29)), model.contract.points.at((32, 32))
    ('D1', 'exact', 'none')
    """

    width: float = 10
    dropout: float = 0.3
    depth: int = 28
    groups: tuple[str, ...] = ("D8", "D4", "D1")
    equal_parameters: bool = True
    initial_stride: int = 1
    downsampling: str = "strided"
    init: Init = "he"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth < 10 or self.depth % 6 != 4:
            raise invalid("model.depth", self.depth, "10, 16, 22, 28, … (6 n + 4)", 28)
        if self.initial_stride not in (1, 2):
            raise invalid("model.initial_stride", self.initial_stride, "1 or 2", 1)
        if self.downsampling not in ("strided", "centred"):
            raise invalid("model.downsampling", self.downsampling, "'strided' or 'centred'", "strided")
        if self.init not in get_args(Init):
            raise unknown("model.init", self.init, get_args(Init))
        if self.init == "delta_orthogonal" and self.downsampling == "centred":
            raise invalid(
                "model.init", self.init, "'he' with downsampling='centred': even windows have no centre", "'he'"
            )
        if isinstance(self.groups, str) or not isinstance(self.groups, Iterable):
            raise invalid("model.groups", self.groups, "three names of groups", ("D8", "D4", "D1"))
        object.__setattr__(self, "groups", tuple(self.groups))
        chain = [image_group(name, "model.groups") for name in self.groups]
        for g in chain:
            g.require_finite("model.groups")
        nested = all(large.contains_group(small) for large, small in itertools.pairwise(chain))
        if len(chain) != 3 or not nested:
            raise invalid("model.groups", self.groups, "three groups, each a subgroup of the last", ("D8", "D4", "D1"))

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Lifting, three stages of residual blocks, mean, dense."""
        first, *_ = chain = [image_group(name) for name in self.groups]
        image, current = FieldType(first, f"{image_shape[2]} trivial"), _regular(first, 16, equal_parameters=True)
        layers: list[Layer] = [self._conv(image, current, 5, rngs=rngs)]
        blocks = (self.depth - 4) // 6
        for stage, (point_group, stride) in enumerate(zip(chain, (self.initial_stride, 2, 2), strict=True)):
            if current.group != point_group:
                layers.append(Restrict(current, point_group))
                current = layers[-1].out_type
            channels = self.width * 16 * 2**stage
            inner = _regular(point_group, channels, equal_parameters=self.equal_parameters)
            for block in range(blocks):
                last = stage == 2 and block == blocks - 1
                scalars = channels * (math.sqrt(point_group.order) if self.equal_parameters else 1)
                out = FieldType(point_group, f"{max(1, int(scalars))} trivial") if last else inner
                layers.append(self._block(current, inner, out, stride if block == 0 else 1, rngs))
                current = out
        return [
            *layers,
            BatchNorm(current),
            Pointwise(current, self.activation),
            GlobalPool(current),
            Dense(current, FieldType(current.group, f"{num_classes} trivial"), rngs=rngs),
        ]

    def _block(self, in_type: FieldType, inner: FieldType, out_type: FieldType, stride: int, rngs: nnx.Rngs) -> Layer:
        """A pre-activation block; its shortcut is the identity where the type and the size stay."""
        taps = 3 if D(4).contains_group(inner.group) else 5
        before = [BatchNorm(in_type), Pointwise(in_type, self.activation)]
        body = [
            self._conv(in_type, inner, taps, rngs=rngs),
            BatchNorm(inner),
            Pointwise(inner, self.activation),
            *([Dropout(inner, self.dropout, whole_fields=False)] if self.dropout else []),
            *self._downsampling_conv(inner, out_type, taps, stride, rngs),
        ]
        if stride == 1 and in_type == out_type:
            return Residual(Sequential([*before, *body]))
        shortcut = Sequential(self._downsampling_conv(in_type, out_type, 1, stride, rngs))
        return Sequential([*before, Residual(Sequential(body), shortcut)])

    def _downsampling_conv(
        self, in_type: FieldType, out_type: FieldType, taps: int, stride: int, rngs: nnx.Rngs
    ) -> list[Layer]:
        if stride == 1 or self.downsampling == "strided":
            return [self._conv(in_type, out_type, taps, stride=stride, rngs=rngs)]
        if taps == 1:
            return [Pool(in_type, 2, reduce="mean", remainder="drop"), self._conv(in_type, out_type, 1, rngs=rngs)]
        return [self._conv(in_type, out_type, taps + 1, stride=stride, rngs=rngs)]

    def _conv(self, in_type: FieldType, out_type: FieldType, taps: int, *, stride: int = 1, rngs: nnx.Rngs) -> Conv:
        return Conv(
            in_type,
            out_type,
            taps,
            stride=stride,
            padding=(taps - 1) // 2,
            remainder="drop",
            frequencies_cutoff=FREQUENCIES,
            use_bias=False,
            init=self.init,
            rngs=rngs,
        )


def _regular(point_group: PlanarGroup, channels: float, *, equal_parameters: bool) -> FieldType:
    order = point_group.order
    fields = channels * (math.sqrt(order) if equal_parameters else 1) / order
    return FieldType(point_group, f"{max(1, int(fields))} regular")
