"""AlexNet, in its three forms, and without some of its layers."""

import dataclasses
from collections.abc import Iterable

from geomdl.errors import invalid
from geomdl.layers import AdaptivePool
from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig, require_choice

CHANNELS = {
    "single": (96, 256, 384, 384, 256),
    "grouped": (96, 256, 384, 384, 256),
    "torchvision": (64, 192, 384, 256, 256),
    "small": (96, 256, 384, 384, 256),
}
"""Of the five convolutions of each variant."""

REMOVABLE = ("3", "4", "6", "7")


@dataclasses.dataclass(frozen=True)
class AlexNetConfig(ZooConfig):
    """AlexNet: five convolutions and three dense layers.

    =================  ============================================================================================
    ``"single"``       one column, no groups: what the lectures count, 62,378,344 parameters; exact at n ≡ 3 mod 32,
                       the usual 227 among them
    ``"grouped"``      convolutions 2, 4 and 5 in two groups, as on the two GPUs of the paper
    ``"torchvision"``  the narrower column of "One weird trick", without response normalisation; exact at
                       n ≡ 31 mod 32, such as 223 and 255, not at the usual 224
    ``"small"``        that of one column with 5 × 5 windows of stride 1 in place of 11 × 11 of stride 4, for images of
                       about 32 to 64 pixels; exact at n ≡ 7 mod 8, such as 31, 39 and 63
    =================  ============================================================================================

    The lectures count 58.62 million parameters in the dense layers; they have 58,631,144.

    Args:
      variant: as above.
      without: layers that are left out, of ``"3"``, ``"4"`` (convolutions), ``"6"``, ``"7"`` (dense), as in the
        ablations of Zeiler and Fergus.
      units: of the two hidden dense layers.
      dropout: before each of them and after the first, as published: in front of dense layers 6 and 7 in torchvision's
        form, behind them in the others, which is the same places but one.

    Raises:
      ValueError: for an unknown variant, a layer that cannot be left out, no units, or images that are too small.

    References:
      Krizhevsky, Sutskever & Hinton, ImageNet classification with deep convolutional neural networks, NIPS 2012.
      Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014. Zeiler & Fergus, Visualizing
      and understanding convolutional networks, ECCV 2014, table 3.

    >>> AlexNetConfig().parameter_count((227, 227, 3), 1000)
    62378344
    >>> AlexNetConfig(without=("7",)).parameter_count((227, 227, 3), 1000)
    45597032
    >>> AlexNetConfig(group="C4", width=0.02).build((227, 227, 3), 10, rngs=0).contract.points.at((227, 227))
    'exact'
    """

    variant: str = "single"
    without: tuple[str, ...] = ()
    units: int = 4096
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("variant", self.variant, tuple(CHANNELS))
        self.require_positive("units")
        several = isinstance(self.without, Iterable) and not isinstance(self.without, str)
        if not several or not set(map(str, self.without)) <= set(REMOVABLE):
            raise invalid("model.without", self.without, "layers of ('3', '4', '6', '7')", ("7",))
        object.__setattr__(self, "without", tuple(map(str, self.without)))

    def network(self, net: Chain, num_classes: int) -> None:
        """Convolutions and poolings, dense layers, class scores."""
        groups = 2 if self.variant == "grouped" else 1
        torchvision, small = self.variant == "torchvision", self.variant == "small"
        one, two, three, four, five = CHANNELS[self.variant]
        kernel_size, stride = (5, 1) if small else (11, 4)
        net.multiple = groups
        for channels, window, step, padding, parts in (
            (one, kernel_size, stride, 0 if stride == 4 and not torchvision else 2, 1),
            (two, 5, 1, 2, groups),
        ):
            net.conv(channels, window, stride=step, padding=padding, groups=parts).act()
            if not torchvision:
                net.response_norm()
            net.max_pool(3, 2)
        if "3" not in self.without:
            net.conv(three, 3).act()
        if "4" not in self.without:
            net.conv(four, 3, groups=groups).act()
        net.conv(five, 3, groups=groups).act().max_pool(3, 2)
        if torchvision and net.size != (6, 6):
            net.add(AdaptivePool(net.field_type, (6, 6)))
        flat = True
        for name in ("6", "7"):
            if name in self.without:
                continue
            if torchvision:
                net.dropout(self.dropout)
            (net.flat_dense(self.units) if flat else net.dense(self.units)).act()
            if not torchvision:
                net.dropout(self.dropout)
            flat = False
        if flat:
            net.flat_dense(None, fields=num_classes).invariant()
        else:
            net.scores(num_classes)
