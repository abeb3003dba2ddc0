"""Densely connected networks, for ImageNet and for CIFAR."""

import dataclasses

from geomdl.errors import invalid
from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig, require_choice

DEPTHS: dict[int, tuple[int, int, tuple[int, ...]]] = {
    121: (64, 32, (6, 12, 24, 16)),
    161: (96, 48, (6, 12, 36, 24)),
    169: (64, 32, (6, 12, 32, 32)),
    201: (64, 32, (6, 12, 48, 32)),
}
"""(channels of the first convolution, growth, layers of each block)."""


@dataclasses.dataclass(frozen=True)
class DenseNetConfig(ZooConfig):
    """A DenseNet-BC for images of about 224 pixels: a layer puts its maps beside those that it took, x ← (x, f(x)).

    A 7 × 7 convolution of stride 2 and a maximum over 3 × 3 of stride 2; four dense blocks, whose layers are batch
    norm, nonlinearity, a 1 × 1 convolution to 4 k channels, batch norm, nonlinearity, a 3 × 3 convolution to k
    channels; between blocks a 1 × 1 convolution to half of the channels and the mean over 2 × 2; batch norm,
    nonlinearity, mean over all pixels, dense.

    The twins are exact for n ≡ 29 mod 32, such as 221 and 253, not at the usual 224: there the constructor warns.

    Args:
      depth: 121, 161, 169 or 201; k is 48 in 161, and 32 in the others.
      blocks: the layers of each block, in place of those that belong to the depth.
      dropout: after each convolution but the first.

    Raises:
      ValueError: for another depth, a block without layers, or images that are too small.

    References:
      Huang, Liu, van der Maaten & Weinberger, Densely connected convolutional networks, CVPR 2017, table 1.

    >>> DenseNetConfig(depth=121).parameter_count((224, 224, 3), 1000)
    7978856
    >>> small = DenseNetConfig(blocks=(1, 2, 2, 1), group="C4", width=0.1)
    >>> small.build((29, 29, 3), 10, rngs=0).contract.points.at((29, 29))
    'exact'
    """

    depth: int = 121
    blocks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("depth", self.depth, tuple(DEPTHS))
        if any(layers < 1 for layers in self.blocks):
            raise invalid("model.blocks", self.blocks, "at least one layer in each block", DEPTHS[self.depth][2])

    def network(self, net: Chain, num_classes: int) -> None:
        """Stem, four dense blocks with transitions between them, mean, class scores."""
        channels, growth, blocks = DEPTHS[self.depth]
        net.conv(channels, 7, stride=2, bias=False).norm().act().max_pool(3, 2, padding=1)
        for i, layers in enumerate(self.blocks or blocks):
            if i:
                transition(net, 0.5, self.dropout)
            for _ in range(layers):
                dense_layer(net, growth, self.dropout, bottleneck=True)
        net.norm().act().global_mean().scores(num_classes)


@dataclasses.dataclass(frozen=True)
class CIFARDenseNetConfig(ZooConfig):
    """A DenseNet for images of about 32 pixels: three dense blocks on 32, 16 and 8 pixels.

    A 3 × 3 convolution to 16 channels; three blocks of (depth − 4)/3 layers: batch norm, nonlinearity, a 3 × 3
    convolution to k channels, put beside what came in; between blocks a 1 × 1 convolution and the mean over 2 × 2;
    batch norm, nonlinearity, mean over all pixels, dense. With ``bottleneck`` (DenseNet-BC) the first convolution has
    2 k channels, each of (depth − 4)/6 layers a 1 × 1 convolution to 4 k channels in front, and between blocks half of
    the channels are kept.

    The twins are exact at multiples of 4 pixels, the usual 32 among them.

    Args:
      depth: 3 n + 4: 40, 100; with ``bottleneck`` 6 n + 4: 100, 190, 250.
      growth: k, the channels that each layer adds.
      bottleneck: as above.
      dropout: after each convolution but the first; the paper takes 0.2 where images are not augmented.

    Raises:
      ValueError: for another depth, or images that are too small.

    References:
      Huang, Liu, van der Maaten & Weinberger, Densely connected convolutional networks, CVPR 2017, §3 and table 2.

    >>> CIFARDenseNetConfig(depth=40, growth=12).parameter_count((32, 32, 3), 10)
    1019722
    >>> CIFARDenseNetConfig(depth=100, growth=12, bottleneck=True).parameter_count((32, 32, 3), 10)
    769162
    >>> small = CIFARDenseNetConfig(depth=7, growth=4, group="C4")
    >>> small.build((32, 32, 3), 10, rngs=0).contract.points.at((32, 32))
    'exact'
    """

    depth: int = 40
    growth: int = 12
    bottleneck: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        period = 6 if self.bottleneck else 3
        if self.depth < period + 4 or (self.depth - 4) % period:
            near = max(period + 4, round((self.depth - 4) / period) * period + 4)
            raise invalid("model.depth", self.depth, f"{period} n + 4: {period + 4}, {2 * period + 4}, …", near)
        if self.growth < 1:
            raise invalid("model.growth", self.growth, "a positive whole number", 12)

    def network(self, net: Chain, num_classes: int) -> None:
        """A convolution, three dense blocks with transitions between them, mean, class scores."""
        net.conv(2 * self.growth if self.bottleneck else 16, 3, bias=False)
        for i in range(3):
            if i:
                transition(net, 0.5 if self.bottleneck else 1.0, self.dropout)
            for _ in range((self.depth - 4) // (6 if self.bottleneck else 3)):
                dense_layer(net, self.growth, self.dropout, bottleneck=self.bottleneck)
        net.norm().act().global_mean().scores(num_classes)


def dense_layer(net: Chain, growth: int, dropout: float, *, bottleneck: bool) -> None:
    """Puts k channels that are computed from all of them behind those that are there: x ← (x, f(x))."""

    def body(b: Chain) -> None:
        if bottleneck:
            b.norm().act().conv(4 * growth, 1, bias=False).dropout(dropout)
        b.norm().act().conv(growth, 3, bias=False).dropout(dropout)

    net.branch(lambda b: None, body)


def transition(net: Chain, compression: float, dropout: float) -> None:
    """Batch norm, nonlinearity, a 1 × 1 convolution to a share of the fields, dropout, and the mean over 2 × 2."""
    fields = max(1, int(compression * net.field_type.num_fields))
    net.norm().act().conv(1, 1, bias=False, fields=fields).dropout(dropout).mean_pool(2)
