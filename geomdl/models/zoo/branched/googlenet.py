"""GoogLeNet (Inception v1), in the paper's form, with batch norm, as in torchvision, and for small images."""

import dataclasses

from geomdl.errors import invalid
from geomdl.models.zoo.core.chain import Body, Chain
from geomdl.models.zoo.core.config import ZooConfig, require_choice

MODULES: dict[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""Channels of 1 × 1; of 1 × 1 before 3 × 3; of 3 × 3; of 1 × 1 before 5 × 5; of 5 × 5; of 1 × 1 after the maximum."""

HEADED = ("4a", "4d")
"""The modules behind which there is an auxiliary head."""


@dataclasses.dataclass(frozen=True)
class GoogLeNetConfig(ZooConfig):
    """GoogLeNet: nine modules of four paths side by side, 1 × 1, 3 × 3, 5 × 5 and a maximum, and two auxiliary heads.

    ==================  ==========================================================================================
    ``"paper"``         as published: biases, local response norms, 6,998,552 parameters for 1000 classes, and
                        13,378,280 with both heads; exact at n ≡ 29 mod 32, such as 221
    ``"batch"``         with batch norm after each convolution in place of biases and response norms: 7,005,832 and
                        13,385,816; the same sizes
    ``"torchvision"``   that of torchvision, with batch norm, 3 × 3 convolutions in place of 5 × 5, and a last maximum
                        over 2 × 2: 6,624,904 and 13,004,888; exact at n ≡ 13 mod 32, such as 237
    ``"small"``         ours, for images of about 28 to 64 pixels: that with batch norm, with one 3 × 3 convolution to
                        192 channels in place of all before the first module, and maxima over 2 × 2 between stages 3, 4
                        and 5; exact at multiples of 4
    ==================  ==========================================================================================

    Poolings count windows that stick out at the end, as Caffe and torchvision do. An auxiliary head is the mean over
    5 × 5 windows of stride 3, a 1 × 1 convolution to 128 channels, a dense layer of 1024 units, dropout and class
    scores, behind modules 4a and 4d; it is a part of training alone (`geomdl.layers.WithAuxiliary`), where
    ``task.auxiliary_weight`` is 0.3 by default, as in the paper. In torchvision's and the small form, and in every
    twin, the mean is that of 4 × 4 bins, which lie symmetrically at every size, where windows of stride 3 would be
    centred at every third of the sizes above only.

    Args:
      variant: as above.
      auxiliary: whether there are the two heads.
      units: of the dense layer of each head.
      dropout: before the class scores; torchvision takes 0.2.
      auxiliary_dropout: before those of the heads.

    Raises:
      ValueError: for an unknown variant, or images that are too small.

    References:
      Szegedy et al., Going deeper with convolutions, CVPR 2015, table 1 and §5. Ioffe & Szegedy, Batch normalization,
      ICML 2015.

    >>> [GoogLeNetConfig(auxiliary=a).parameter_count((224, 224, 3), 1000) for a in (False, True)]
    [6998552, 13378280]
    >>> GoogLeNetConfig(variant="torchvision").parameter_count((224, 224, 3), 1000)
    13004888
    >>> twin = GoogLeNetConfig(variant="small", group="C4", width=0.1).build((28, 28, 1), 10, rngs=0)
    >>> twin.contract.points.at((28, 28))
    'exact'
    """

    variant: str = "paper"
    auxiliary: bool = True
    units: int = 1024
    dropout: float = 0.4
    auxiliary_dropout: float = 0.7

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("variant", self.variant, ("paper", "batch", "torchvision", "small"))
        if self.units < 1:
            raise invalid("model.units", self.units, "a positive whole number", 1024)
        if not 0 <= self.auxiliary_dropout < 1:
            raise invalid("model.auxiliary_dropout", self.auxiliary_dropout, "a number in [0, 1)", 0.7)

    def network(self, net: Chain, num_classes: int) -> None:
        """Stem, modules in three stages, mean, class scores; heads behind 4a and 4d."""
        if self.variant == "small":
            self._conv(net, 192, 3)
        else:
            self._conv(net, 64, 7, stride=2)
            net.max_pool(3, 2, ceil=True)
            self._response_norm(net)
            self._conv(net, 64, 1)
            self._conv(net, 192, 3)
            self._response_norm(net)
            net.max_pool(3, 2, ceil=True)
        for name, channels in MODULES.items():
            if name in ("4a", "5a"):
                tiles = self.variant == "small" or (name == "5a" and self.variant == "torchvision")
                net.max_pool(2 if tiles else 3, 2, ceil=True)
            net.branch(*self._paths(*channels))
            if self.auxiliary and name in HEADED:
                net.auxiliary(self._head(num_classes))
        net.global_mean().dropout(self.dropout).scores(num_classes)

    def _paths(self, one: int, before3: int, three: int, before5: int, five: int, pooled: int) -> list[Body]:
        def threes(b: Chain) -> None:
            self._conv(b, before3, 1)
            self._conv(b, three, 3)

        def fives(b: Chain) -> None:
            self._conv(b, before5, 1)
            self._conv(b, five, 3 if self.variant == "torchvision" else 5)

        def maxima(b: Chain) -> None:
            self._conv(b.max_pool(3, 1, padding=1), pooled, 1)

        return [lambda b: self._conv(b, one, 1), threes, fives, maxima]

    def _head(self, num_classes: int) -> Body:
        def head(b: Chain) -> None:
            if self.variant in ("paper", "batch") and self.points.order == 1:
                b.mean_pool(5, 3)
            else:
                b.adaptive_mean_pool(4)
            self._conv(b, 128, 1)
            b.flat_dense(self.units).act().dropout(self.auxiliary_dropout).scores(num_classes)

        return head

    def _conv(self, b: Chain, channels: int, kernel_size: int, *, stride: int = 1) -> None:
        """A convolution, batch norm where the variant has it, and the nonlinearity."""
        normalised = self.variant != "paper"
        b.conv(channels, kernel_size, stride=stride, bias=not normalised)
        if normalised:
            b.norm(epsilon=1e-3)
        b.act()

    def _response_norm(self, net: Chain) -> None:
        if self.variant == "paper":
            net.response_norm()
