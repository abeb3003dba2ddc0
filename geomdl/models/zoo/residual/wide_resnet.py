"""Wide residual networks."""

import dataclasses

from geomdl.errors import invalid
from geomdl.models.zoo.core.chain import Chain, stages
from geomdl.models.zoo.core.config import ZooConfig


@dataclasses.dataclass(frozen=True)
class CIFARWideResNetConfig(ZooConfig):
    """A wide residual network, WRN-``depth``-``widen``, for images of about 32 pixels.

    A 3 × 3 convolution to 16 channels; three stages of (depth − 4)/6 pre-activation blocks of two 3 × 3 convolutions
    with 16 k, 32 k, 64 k channels for ``widen`` k, the last two of which begin with stride 2; batch norm, nonlinearity,
    mean over all pixels, dense. The shortcut is a 1 × 1 convolution where the size or the number of channels changes.

    The twins are exact for n ≡ 1 mod 4, such as 29 and 33, not at the usual 32. `WideResNetConfig` (``e2_wrn``) is the
    published E(2)-equivariant one, whose groups shrink from stage to stage.

    Args:
      depth: 6 n + 4.
      widen: k.
      dropout: between the two convolutions of a block.

    Raises:
      ValueError: for another depth.

    References:
      Zagoruyko & Komodakis, Wide residual networks, BMVC 2016.

    >>> CIFARWideResNetConfig(depth=28, widen=10).parameter_count((32, 32, 3), 10)
    36479194
    """

    depth: int = 28
    widen: float = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth < 10 or self.depth % 6 != 4:
            near = max(10, round((self.depth - 4) / 6) * 6 + 4)
            raise invalid("model.depth", self.depth, "6 n + 4: 10, 16, 22, 28, …", near)
        if self.widen <= 0:
            raise invalid("model.widen", self.widen, "a positive number", 10)

    def network(self, net: Chain, num_classes: int) -> None:
        """A convolution, three stages, mean, class scores."""
        net.conv(16, 3, bias=False)
        for stage, block in stages([(self.depth - 4) // 6] * 3):
            channels, stride = 16 * 2**stage * self.widen, 2 if block == 0 and stage > 0 else 1

            def body(b: Chain, channels: float = channels, stride: int = stride) -> None:
                b.conv(channels, 3, stride=stride, bias=False).norm().act().dropout(self.dropout)
                b.conv(channels, 3, bias=False)

            def shortcut(s: Chain, channels: float = channels, stride: int = stride) -> None:
                s.conv(channels, 1, stride=stride, padding=0, bias=False)

            changed = stride > 1 or self.fields_for(channels) != net.field_type.num_fields
            net.preactivated(body, shortcut if changed else None)
        net.norm().act().global_mean().scores(num_classes)
