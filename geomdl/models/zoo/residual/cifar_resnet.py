"""Residual networks for CIFAR, with and without parameters in their shortcuts, and with pre-activation."""

import dataclasses

from geomdl.errors import invalid
from geomdl.models.zoo.core.chain import Chain, stages, survivals
from geomdl.models.zoo.core.config import ZooConfig, require_choice
from geomdl.models.zoo.residual.resnet import require_survival


@dataclasses.dataclass(frozen=True)
class CIFARResNetConfig(ZooConfig):
    """A residual network for images of about 32 pixels: three stages of 16, 32, 64 channels on 32, 16, 8 pixels.

    A 3 × 3 convolution; blocks of two 3 × 3 convolutions, (depth − 2)/6 in each stage, the last two of which begin with
    stride 2; mean over all pixels; dense. With ``bottleneck`` the blocks are a 1 × 1, a 3 × 3 and a 1 × 1 convolution
    to four times as many channels, (depth − 2)/9 in each stage.

    The twins are exact for n ≡ 1 mod 4, such as 29 and 33, not at the usual 32: there the constructor warns.

    Args:
      depth: 6 n + 2: 20, 32, 44, 56, 110, 1202; with ``bottleneck`` 9 n + 2: 164, 1001.
      shortcut: where the size changes: ``"A"``: every second pixel, and zeros for the channels that are new, half of
        them before the others and half behind; ``"B"``: a 1 × 1 convolution with batch norm.
      preactivation: batch norm and nonlinearity before each convolution, and nothing after the sum; the shortcut is
        then a 1 × 1 convolution without batch norm.
      bottleneck: as above; with ``preactivation`` only.
      survival: the probability p_L with which the last block is kept in training; block l of L is kept with
        1 − l/L (1 − p_L) (stochastic depth; the paper takes 0.5).

    Raises:
      ValueError: for another depth or shortcut, or images that are too small.

    References:
      He, Zhang, Ren & Sun, Deep residual learning for image recognition, CVPR 2016, §4.2. He et al., Identity mappings
      in deep residual networks, ECCV 2016. Huang et al., Deep networks with stochastic depth, ECCV 2016.

    >>> CIFARResNetConfig(depth=20).parameter_count((32, 32, 3), 10)
    269722
    >>> CIFARResNetConfig(depth=20, group="C4", width=0.1).build((33, 33, 3), 10, rngs=0).contract.points.at((33, 33))
    'exact'
    """

    depth: int = 20
    shortcut: str = "A"
    preactivation: bool = False
    bottleneck: bool = False
    survival: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        period = 9 if self.bottleneck else 6
        if self.depth < period + 2 or self.depth % period != 2:
            near = max(period + 2, round((self.depth - 2) / period) * period + 2)
            raise invalid("model.depth", self.depth, f"{period} n + 2: {period + 2}, {2 * period + 2}, …", near)
        require_choice("shortcut", self.shortcut, ("A", "B"))
        if self.bottleneck and not self.preactivation:
            raise invalid("model.bottleneck", True, "with preactivation=True", "preactivation=True")
        require_survival(self.survival)

    def network(self, net: Chain, num_classes: int) -> None:
        """A convolution, three stages, mean, class scores."""
        net.conv(16, 3, bias=False)
        if not self.preactivation:
            net.norm().act()
        places = stages([(self.depth - 2) // (9 if self.bottleneck else 6)] * 3)
        for (stage, block), kept in zip(places, survivals(len(places), self.survival), strict=True):
            channels, stride = 16 * 2**stage, 2 if block == 0 and stage > 0 else 1
            if self.preactivation:
                self._preactivated_block(net, channels, stride, kept, first=block == 0)
            else:
                self._block(net, channels, stride, kept)
        if self.preactivation:
            net.norm().act()
        net.global_mean().scores(num_classes)

    def _block(self, net: Chain, channels: int, stride: int, survival: float) -> None:
        def body(b: Chain) -> None:
            b.conv(channels, 3, stride=stride, bias=False).norm().act().conv(channels, 3, bias=False).norm()

        def shortcut(s: Chain) -> None:
            if self.shortcut == "A":
                s.subsample(stride).pad_fields(channels)
            else:
                s.conv(channels, 1, stride=stride, padding=0, bias=False).norm()

        net.residual(body, shortcut if stride > 1 else None, survival=survival).act()

    def _preactivated_block(self, net: Chain, channels: int, stride: int, survival: float, *, first: bool) -> None:
        out = 4 * channels if self.bottleneck else channels

        def body(b: Chain) -> None:
            if self.bottleneck:
                b.conv(channels, 1, stride=stride, padding=0, bias=False).norm().act()
                b.conv(channels, 3, bias=False).norm().act().conv(out, 1, bias=False)
            else:
                b.conv(channels, 3, stride=stride, bias=False).norm().act().conv(out, 3, bias=False)

        def shortcut(s: Chain) -> None:
            s.conv(out, 1, stride=stride, padding=0, bias=False)

        changed = first and (self.bottleneck or stride > 1)
        net.preactivated(body, shortcut if changed else None, survival=survival)
