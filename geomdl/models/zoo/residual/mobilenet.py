"""MobileNetV2."""

import dataclasses

from geomdl.errors import invalid
from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig

STAGES: tuple[tuple[int, int, int, int], ...] = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
"""(expansion, channels, blocks, stride of the first) of each stage; table 2 of the paper."""


@dataclasses.dataclass(frozen=True)
class MobileNetV2Config(ZooConfig):
    """MobileNetV2: inverted residual blocks, from few channels to six times as many and back, where the map is linear.

    A block is a 1 × 1 convolution to more channels, a 3 × 3 convolution of each channel by itself, and a 1 × 1
    convolution to few channels, each with batch norm, the first two with the nonlinearity min(max(0, x), 6). Where the
    stride is 1 and the channels stay, what came in is added. In a twin each field is convolved by itself.

    The twins are exact for n ≡ 1 mod 32, such as 225, not at the usual 224: there the constructor warns.

    Args:
      width: multiplies channels, which are then rounded to multiples of ``multiple_of``, not by more than a tenth
        downwards; those of the last convolution, 1280, do not become fewer for widths below 1, as published.
      activation: as published by default.
      dropout: before the class scores.
      multiple_of: 8 as published; at width 1 it changes nothing. A twin of another `equal` is rounded in the same way.

    Raises:
      ValueError: for a value out of range, or images that are too small.

    References:
      Sandler, Howard, Zhu, Zhmoginov & Chen, MobileNetV2: inverted residuals and linear bottlenecks, CVPR 2018.

    >>> MobileNetV2Config().parameter_count((224, 224, 3), 1000)
    3504872
    """

    activation: str = "relu6"
    dropout: float = 0.2
    multiple_of: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.multiple_of < 1:
            raise invalid("model.multiple_of", self.multiple_of, "a positive whole number", 8)

    def fields_for(self, channels: float, multiple: int = 1) -> int:
        """The number of fields in place of so many channels, a multiple of `multiple_of`, and of ``multiple``."""
        exact = self.width * channels / self.share
        rounded = max(1, int(exact / self.multiple_of + 0.5)) * self.multiple_of
        if rounded < 0.9 * exact:
            rounded += self.multiple_of
        return -(-rounded // multiple) * multiple

    def network(self, net: Chain, num_classes: int) -> None:
        """A convolution, seven stages of blocks, a 1 × 1 convolution, mean, class scores."""
        net.conv(32, 3, stride=2, bias=False).norm().act()
        for expansion, channels, blocks, stride in STAGES:
            for block in range(blocks):
                self._block(net, expansion, channels, stride if block == 0 else 1)
        net.conv(1280 * max(1.0, 1 / self.width), 1, bias=False).norm().act()
        net.global_mean().dropout(self.dropout).scores(num_classes)

    def _block(self, net: Chain, expansion: int, channels: int, stride: int) -> None:
        fields = expansion * net.field_type.num_fields

        def body(b: Chain) -> None:
            if expansion > 1:
                b.conv(1, 1, bias=False, fields=fields).norm().act()
            b.conv(1, 3, stride=stride, groups=fields, bias=False, fields=fields).norm().act()
            b.conv(channels, 1, bias=False).norm()

        if stride == 1 and self.fields_for(channels) == net.field_type.num_fields:
            net.residual(body)
        else:
            net.extend(body)
