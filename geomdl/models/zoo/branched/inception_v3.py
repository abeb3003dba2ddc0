"""Inception v3."""

import dataclasses

from geomdl.models.zoo.core.chain import Body, Chain
from geomdl.models.zoo.core.config import ZooConfig

Step = tuple[int, int | tuple[int, int]]
"""Channels and window of a convolution that keeps the size."""

LONG = (1, 7)
TALL = (7, 1)


@dataclasses.dataclass(frozen=True)
class InceptionV3Config(ZooConfig):
    """Inception v3: modules of convolutions side by side, of 5 × 5 and 3 × 3 windows and of pairs 1 × 7 and 7 × 1.

    Five convolutions with two maxima over 3 × 3 of stride 2 between them; three modules on 35 × 35 pixels, four on
    17 × 17, two on 8 × 8 (for images of 299 pixels), with modules of stride 2 between them; mean over all pixels,
    dropout, dense. Batch norm and nonlinearity follow every convolution. The form is that of torchvision, whose padding
    counts in the means over 3 × 3. In training (`geomdl.layers.WithAuxiliary`) there is an auxiliary head behind the
    last module on 17 × 17: the mean over 5 × 5 of stride 3, a 1 × 1 convolution to 128 channels, a 5 × 5 one to 768,
    mean over all pixels, dense.

    A window of 1 × 7 turns with the group: of a twin for C4 or D4 the channels of the elements that exchange axes look
    through 7 × 1 (`geomdl.layers.ElongatedConv`), with as many weights for each pair of channels as in the paper. For
    C8, D8, SO(2), … such windows are squares of 7 × 7 with steerable kernels, which costs seven times as much there.

    The twins are exact for n ≡ 11 mod 32, the usual 299 among them. In the head of a twin 5 × 5 bins, which lie
    symmetrically at every size, take the place of windows of stride 3. Without the head images have 75 pixels at least.

    Args:
      auxiliary: whether there is the head.
      dropout: before the class scores.

    Raises:
      ValueError: for images that are too small.

    References:
      Szegedy, Vanhoucke, Ioffe, Shlens & Wojna, Rethinking the Inception architecture for computer vision, CVPR 2016.

    >>> InceptionV3Config().parameter_count((299, 299, 3), 1000)
    27161264
    """

    auxiliary: bool = True
    dropout: float = 0.5

    def network(self, net: Chain, num_classes: int) -> None:
        """Stem, modules on three sizes, mean, class scores; a head before the last size."""
        _conv(net, 32, 3, stride=2, padding=0)
        _conv(net, 32, 3, padding=0)
        _conv(net, 64, 3)
        net.max_pool(3, 2)
        _conv(net, 80, 1)
        _conv(net, 192, 3, padding=0)
        net.max_pool(3, 2)
        for pooled in (32, 64, 64):
            net.branch(_path((64, 1)), _path((48, 1), (64, 5)), _path((64, 1), (96, 3), (96, 3)), _mean(pooled))
        net.branch(_strided(384), _strided(96, (64, 1), (96, 3)), _maximum)
        for c in (128, 160, 160, 192):
            net.branch(
                _path((192, 1)),
                _path((c, 1), (c, LONG), (192, TALL)),
                _path((c, 1), (c, TALL), (c, LONG), (c, TALL), (192, LONG)),
                _mean(192),
            )
        if self.auxiliary:
            net.auxiliary(lambda b: _head(b, num_classes))
        net.branch(_strided(320, (192, 1)), _strided(192, (192, 1), (192, LONG), (192, TALL)), _maximum)
        for _ in range(2):
            net.branch(_path((320, 1)), _crossed(384, (384, 1)), _crossed(384, (448, 1), (384, 3)), _mean(192))
        net.global_mean().dropout(self.dropout).scores(num_classes)


def _conv(
    b: Chain, channels: int, kernel_size: int | tuple[int, int], *, stride: int = 1, padding: int | None = None
) -> None:
    """A convolution, batch norm and the nonlinearity."""
    if isinstance(kernel_size, tuple):
        b.elongated_conv(channels, kernel_size, bias=False)
    else:
        b.conv(channels, kernel_size, stride=stride, padding=padding, bias=False)
    b.norm(epsilon=1e-3).act()


def _path(*steps: Step) -> Body:
    def path(b: Chain) -> None:
        for channels, kernel_size in steps:
            _conv(b, channels, kernel_size)

    return path


def _mean(channels: int) -> Body:
    return lambda b: _conv(b.mean_pool(3, 1, padding=1, count_padding=True), channels, 1)


def _strided(channels: int, *steps: Step) -> Body:
    """Some convolutions, then one of 3 × 3 windows, stride 2 and no padding."""

    def path(b: Chain) -> None:
        _path(*steps)(b)
        _conv(b, channels, 3, stride=2, padding=0)

    return path


def _maximum(b: Chain) -> None:
    b.max_pool(3, 2)


def _crossed(channels: int, *steps: Step) -> Body:
    """Some convolutions, then one of 1 × 3 and one of 3 × 1 side by side."""

    def path(b: Chain) -> None:
        _path(*steps)(b)
        b.branch(_path((channels, (1, 3))), _path((channels, (3, 1))))

    return path


def _head(b: Chain, num_classes: int) -> None:
    """Of a twin 5 × 5 bins take the place of windows of stride 3."""
    if b.config.points.order == 1:
        b.mean_pool(5, 3)
    else:
        b.adaptive_mean_pool(5)
    _conv(b, 128, 1)
    _conv(b, 768, 5, padding=0)
    b.global_mean().scores(num_classes)
