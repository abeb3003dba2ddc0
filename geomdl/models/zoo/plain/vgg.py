"""The VGG networks."""

import dataclasses

from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig, require_choice

VARIANTS: dict[str, tuple[tuple[tuple[int, int], ...], ...]] = {
    "A": (((3, 64),), ((3, 128),), ((3, 256),) * 2, ((3, 512),) * 2, ((3, 512),) * 2),
    "B": (((3, 64),) * 2, ((3, 128),) * 2, ((3, 256),) * 2, ((3, 512),) * 2, ((3, 512),) * 2),
    "C": (
        ((3, 64),) * 2,
        ((3, 128),) * 2,
        ((3, 256), (3, 256), (1, 256)),
        ((3, 512), (3, 512), (1, 512)),
        ((3, 512), (3, 512), (1, 512)),
    ),
    "D": (((3, 64),) * 2, ((3, 128),) * 2, ((3, 256),) * 3, ((3, 512),) * 3, ((3, 512),) * 3),
    "E": (((3, 64),) * 2, ((3, 128),) * 2, ((3, 256),) * 4, ((3, 512),) * 4, ((3, 512),) * 4),
}
"""(kernel size, channels) of the convolutions of each stage; table 1 of the paper. ``"A-LRN"`` is A with LRN."""


@dataclasses.dataclass(frozen=True)
class VGGConfig(ZooConfig):
    """A VGG network: stages of 3 × 3 convolutions, each followed by a maximum over 2 × 2, and three dense layers.

    The twins are exact at multiples of 32 pixels, the usual 224 among them. The first dense layer sees the whole map,
    7 × 7 at 224 pixels; at 32 pixels it is one pixel, which is the usual form for CIFAR.

    Args:
      variant: ``"A"`` (11 layers), ``"A-LRN"``, ``"B"`` (13), ``"C"`` (16, some 1 × 1), ``"D"`` (16) or ``"E"`` (19).
      normalization: ``"none"`` as published, or ``"batch"`` after each convolution, whose bias is kept.
      units: of the two hidden dense layers.
      dropout: before the last two dense layers.

    Raises:
      ValueError: for an unknown variant or normalisation, no units, or images of less than 32 pixels.

    References:
      Simonyan & Zisserman, Very deep convolutional networks for large-scale image recognition, ICLR 2015, table 1.

    >>> VGGConfig(variant="D").parameter_count((224, 224, 3), 1000)
    138357544
    >>> small = VGGConfig(group="C4", width=0.05, units=64)
    >>> str(small.build((32, 32, 3), 10, rngs=0).contract.points)
    'exact, given a square input and ...'
    """

    variant: str = "D"
    normalization: str = "none"
    units: int = 4096
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("variant", self.variant, (*VARIANTS, "A-LRN"))
        require_choice("normalization", self.normalization, ("none", "batch"))
        self.require_positive("units")

    def network(self, net: Chain, num_classes: int) -> None:
        """Five stages of convolutions, two hidden dense layers, class scores."""
        for i, stage in enumerate(VARIANTS[self.variant.removesuffix("-LRN")]):
            for kernel_size, channels in stage:
                net.conv(channels, kernel_size)
                if self.normalization == "batch":
                    net.norm()
                net.act()
                if i == 0 and self.variant == "A-LRN":
                    net.response_norm()
            net.max_pool(2)
        net.flat_dense(self.units).act().dropout(self.dropout)
        net.dense(self.units).act().dropout(self.dropout).scores(num_classes)
