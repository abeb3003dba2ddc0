"""A chain of layers that knows what its last one gives: networks are written line by line, as papers list them."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Protocol, Self

from flax import nnx

from geomdl.equivariance.contracts.contract import Size
from geomdl.errors import invalid
from geomdl.groups import PLANE, PlanarGroup
from geomdl.layers import (
    AdaptivePool,
    BatchNorm,
    Branch,
    Conv,
    Dense,
    Dropout,
    ElongatedConv,
    FourierPointwise,
    GlobalPool,
    GroupPool,
    Identity,
    Layer,
    LocalResponseNorm,
    NormMaxPool,
    NormPool,
    PadFields,
    Pointwise,
    Pool,
    Residual,
    Sequential,
    StochasticDepth,
    WithAuxiliary,
)
from geomdl.layers.core.window import PerAxisInt
from geomdl.layers.resampling.pooling import Reduce
from geomdl.models.core.config import ImageShape
from geomdl.representations import FieldType, Representation


class TooSmall(ValueError):
    """A window of a network is larger than the map that it is to slide over."""


class Widths(Protocol):
    """What a chain asks of a config."""

    @property
    def activation(self) -> str:
        """The name of the nonlinearity."""
        ...

    @property
    def points(self) -> PlanarGroup:
        """The group of the network."""
        ...

    @property
    def over_group(self) -> Reduce:
        """What is left of a field before the class scores."""
        ...

    def fields_for(self, channels: float, multiple: int = 1) -> int:
        """The number of fields in place of so many channels."""
        ...


Body = Callable[["Chain"], object]
"""Adds layers to a chain that starts at a branching point."""


class Chain:
    """The layers of a network, and the type and size of what the last one gives.

    Each method adds a layer and gives the chain back. Channels are those of the paper; `Widths.fields_for` says how
    many fields take their place.

    Args:
      config: of the network.
      hidden: the representation of its fields.
      image_shape: (height, width, channels) of what comes in.
      rngs: initialises the weights.

    >>> from geomdl.models import VGGConfig
    >>> config = VGGConfig(group="C4")
    >>> net = Chain(config, config.hidden, (32, 32, 3), nnx.Rngs(0))
    >>> net.conv(8, 3).act().max_pool(2).field_type, net.size
    (FieldType(C4, "8 regular"), (16, 16))
    """

    def __init__(self, config: Widths, hidden: Representation, image_shape: ImageShape, rngs: nnx.Rngs) -> None:
        self.config, self.hidden, self.rngs = config, hidden, rngs
        self.start = FieldType(config.points, f"{image_shape[2]} trivial")
        self.size: Size = tuple(image_shape[:2])
        self.layers: list[Layer] = []
        self.heads: dict[int, Layer] = {}
        """Auxiliary heads, by the number of layers before them."""
        self.multiple = 1
        """The number of fields of every convolution is a multiple of this."""

    @property
    def field_type(self) -> FieldType:
        """What the last layer gives."""
        return self.layers[-1].out_type if self.layers else self.start

    def fork(self) -> "Chain":
        """An empty chain that starts where this one ends."""
        chain = object.__new__(Chain)
        chain.config, chain.hidden, chain.rngs = self.config, self.hidden, self.rngs
        chain.start, chain.size, chain.layers, chain.heads = self.field_type, self.size, [], {}
        chain.multiple = self.multiple
        return chain

    def built(self, body: Body) -> "Chain":
        """A chain that starts where this one ends, with what a body adds to it."""
        chain = self.fork()
        body(chain)
        return chain

    def layer(self) -> Layer:
        """All layers as one; the identity where there are none."""
        if not self.layers:
            return Identity(self.start)
        return self.layers[0] if len(self.layers) == 1 else Sequential(self.layers)

    def whole(self) -> list[Layer]:
        """The network: its layers; with auxiliary heads one layer, with a stage up to each head and one behind them."""
        if not self.heads:
            return self.layers
        cuts = [0, *sorted(self.heads), len(self.layers)]
        stages = [Sequential(self.layers[a:b]) for a, b in itertools.pairwise(cuts)]
        return [WithAuxiliary(stages, {i: self.heads[cut] for i, cut in enumerate(sorted(self.heads))})]

    def auxiliary(self, body: Body) -> Self:
        """An auxiliary head here: what the body makes of what the last layer gives is trained too."""
        self.heads[len(self.layers)] = self.built(body).layer()
        return self

    def extend(self, body: Body) -> Self:
        """Adds what a body adds to a chain that starts here, and counts its own layers only."""
        for layer in self.built(body).layers:
            self.add(layer)
        return self

    def add(self, layer: Layer) -> Self:
        """Adds a layer. Raises `TooSmall` where the map is smaller than its window."""
        try:
            self.size = layer.contract.output_size(self.size)
        except ValueError as error:
            raise TooSmall(f"{type(layer).__name__} {len(self.layers)}: {error}") from error
        self.layers.append(layer)
        return self

    def conv(
        self,
        channels: float,
        kernel_size: PerAxisInt,
        *,
        stride: int = 1,
        padding: PerAxisInt | None = None,
        groups: int = 1,
        bias: bool = True,
        fields: int | None = None,
    ) -> Self:
        """A convolution.

        Args:
          channels: of the paper, that go out.
          kernel_size: pixels along each axis.
          stride: of the windows; pixels that fill no stride are dropped.
          padding: zeros on each side; None keeps the size at stride 1.
          groups: of fields that are kept apart; the fields that go out are a multiple of them.
          bias: whether there is one.
          fields: that go out, where their number does not depend on the width: one for each class.
        """
        count = self.config.fields_for(channels, math.lcm(groups, self.multiple)) if fields is None else fields
        if padding is None:
            padding = (kernel_size - 1) // 2 if isinstance(kernel_size, int) else tuple(k // 2 for k in kernel_size)
        conv = Conv(
            self.field_type,
            FieldType(self.config.points, [(count, self.hidden)]),
            kernel_size,
            stride=stride,
            padding=padding,
            remainder="error" if stride == 1 else "drop",
            groups=groups,
            use_bias=bias,
            rngs=self.rngs,
        )
        return self.add(conv)

    def elongated_conv(self, channels: float, kernel_size: tuple[int, int], *, bias: bool = True) -> Self:
        """A convolution with a window that is longer than wide and keeps the size.

        Of a twin the elements that exchange axes turn the window (`geomdl.layers.ElongatedConv`); where some elements
        do not map the grid to itself, the window is a square as large as it is long.

        Args:
          channels: of the paper, that go out.
          kernel_size: pixels along each axis.
          bias: whether there is one.
        """
        points = self.config.points
        if points.order == 1 or not PLANE.permutes_grid(points):
            return self.conv(channels, kernel_size if points.order == 1 else max(kernel_size), bias=bias)
        out_type = FieldType(points, [(self.config.fields_for(channels, self.multiple), self.hidden)])
        return self.add(ElongatedConv(self.field_type, out_type, kernel_size, use_bias=bias, rngs=self.rngs))

    def norm(self, *, epsilon: float = 1e-5, momentum: float = 0.9) -> Self:
        """Batch normalisation."""
        return self.add(BatchNorm(self.field_type, epsilon=epsilon, momentum=momentum))

    def act(self, name: str | None = None) -> Self:
        """A nonlinearity; that of the config unless another one is named."""
        activation, fields = name or self.config.activation, self.field_type
        if fields.is_permutation:
            return self.add(Pointwise(fields, activation))
        return self.add(FourierPointwise(fields, activation))

    def max_pool(self, window: int, stride: int | None = None, *, padding: int = 0, ceil: bool = False) -> Self:
        """The maximum of windows; of fields that are not permuted the one of the largest norm.

        Args:
          window: pixels along each axis.
          stride: the window by default.
          padding: pixels on each side, which never win.
          ceil: whether an incomplete window at the end counts, as in Caffe; otherwise it is dropped.
        """
        options = {"stride": stride or window, "padding": padding, "remainder": "keep" if ceil else "drop"}
        pool = Pool if self.field_type.is_permutation else NormMaxPool
        return self.add(pool(self.field_type, window, **options))  # type: ignore[arg-type]

    def mean_pool(
        self,
        window: int,
        stride: int | None = None,
        *,
        padding: int = 0,
        ceil: bool = False,
        count_padding: bool = False,
    ) -> Self:
        """The mean of windows; padding counts as zeros if asked to, otherwise it does not count."""
        pool = Pool(
            self.field_type,
            window,
            reduce="mean",
            stride=stride or window,
            padding=padding,
            remainder="keep" if ceil else "drop",
            count_padding=count_padding,
        )
        return self.add(pool)

    def adaptive_mean_pool(self, side: int) -> Self:
        """The mean of so many overlapping bins along each axis."""
        return self.add(AdaptivePool(self.field_type, side))

    def response_norm(self, *, k: float = 2.0, divide: bool = False) -> Self:
        """Local response normalisation over five fields."""
        return self.add(LocalResponseNorm(self.field_type, 5, k=k, divide=divide))

    def dropout(self, rate: float, *, whole_fields: bool = False) -> Self:
        """Dropout of single numbers at single places, as in the papers, or of whole fields; nothing for rate 0.

        Of other fields than scalars whole ones are dropped at each place, so that training stays equivariant where
        there is no base space.
        """
        if not rate:
            return self
        return self.add(Dropout(self.field_type, rate, whole_fields=whole_fields or self.size == ()))

    def branch(self, *bodies: Body) -> Self:
        """Several paths from here, their fields beside one another."""
        return self.add(Branch([self.built(body).layer() for body in bodies], merge=True))

    def residual(self, body: Body, shortcut: Body | None = None, *, survival: float = 1.0) -> Self:
        """y = f(x) + s(x), with f left out at random in training.

        Args:
          body: f.
          shortcut: s; the identity by default.
          survival: the probability that f is kept.
        """
        inner = self.built(body)
        if survival < 1:
            inner.add(StochasticDepth(inner.field_type, survival))
        around = None if shortcut is None else self.built(shortcut).layer()
        return self.add(Residual(inner.layer(), around))

    def preactivated(self, body: Body, shortcut: Body | None = None, *, survival: float = 1.0) -> Self:
        """A residual block with batch norm and nonlinearity before f: y = f(act(norm(x))) + x.

        Args:
          body: f.
          shortcut: s, which then takes what f takes, y = f(z) + s(z) with z = act(norm(x)); x itself by default.
          survival: the probability that f is kept.
        """
        if shortcut is not None:
            return self.norm().act().residual(body, shortcut, survival=survival)
        return self.residual(lambda b: b.norm().act().extend(body), survival=survival)

    def subsample(self, stride: int) -> Self:
        """One pixel of every ``stride`` along each axis, beginning with the first."""
        reduce = "max" if self.field_type.is_permutation else "mean"  # of one pixel
        return self.add(Pool(self.field_type, 1, stride=stride, reduce=reduce, remainder="drop"))

    def pad_fields(self, channels: float) -> Self:
        """Fields of zeros up to so many channels of the paper, half of them before the others and half behind."""
        missing = self.config.fields_for(channels) - self.field_type.num_fields
        return self.add(PadFields(self.field_type, missing // 2, missing - missing // 2))

    def flat_dense(self, units: float | None, *, fields: int | None = None) -> Self:
        """A dense layer on the flattened map: a convolution whose window is the map, so that it may be equivariant.

        Args:
          units: of the paper.
          fields: that go out, where their number does not depend on the width.
        """
        rows, columns = self.size
        window = rows if rows == columns else (rows, columns)
        points = self.config.points
        if rows != columns and not PLANE.permutes_grid(points):
            allowed = f"a square one in front of a dense layer: steerable kernels of {points} have square windows"
            raise invalid("feature map", f"{rows}x{columns}", allowed, "square images")
        self.conv(units or 1, window, padding=0, fields=fields)
        return self.add(GlobalPool(self.field_type))

    def dense(self, units: float) -> Self:
        """A dense layer without base space, from fields to fields."""
        out_type = FieldType(self.config.points, [(self.config.fields_for(units), self.hidden)])
        return self.add(Dense(self.field_type, out_type, rngs=self.rngs))

    def global_mean(self) -> Self:
        """The mean over all pixels."""
        return self.add(GlobalPool(self.field_type))

    def invariant(self) -> Self:
        """Pooling over the group: one number for each field; nothing for scalar fields."""
        if self.field_type.is_trivial:
            return self
        if self.field_type.is_permutation:
            return self.add(GroupPool(self.field_type, self.config.over_group))
        return self.add(NormPool(self.field_type))

    def scores(self, num_classes: int) -> Self:
        """Pooling over the group, and a dense layer to the class scores."""
        self.invariant()
        scores = FieldType(self.config.points, f"{num_classes} trivial")
        return self.add(Dense(self.field_type, scores, rngs=self.rngs))


def survivals(count: int, last: float) -> list[float]:
    """The probabilities 1 − l/L (1 − p_L) with which stochastic depth keeps the blocks l = 1, …, L.

    >>> survivals(4, 0.5)
    [0.875, 0.75, 0.625, 0.5]
    """
    return [1 - block / count * (1 - last) for block in range(1, count + 1)]


def stages(depths: Sequence[int]) -> list[tuple[int, int]]:
    """(stage, block) of every block of a network, in turn.

    >>> stages([1, 2])
    [(0, 0), (1, 0), (1, 1)]
    """
    return [(stage, block) for stage, depth in enumerate(depths) for block in range(depth)]
