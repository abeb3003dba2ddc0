"""The all convolutional nets."""

import dataclasses

from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig, require_choice

STAGES = {"A": ((5,), (5,)), "B": ((5, 1), (5, 1)), "C": ((3, 3), (3, 3))}
"""Kernel sizes of the convolutions of each of the first two stages, before that of stride 2."""


@dataclasses.dataclass(frozen=True)
class AllCNNConfig(ZooConfig):
    """An all convolutional net: no pooling, but convolutions of stride 2, and no dense layer.

    Two stages, of 96 and 192 channels, that end in a 3 × 3 convolution of stride 2; a 3 × 3 convolution without
    padding, one of 1 × 1, and one of 1 × 1 with a map for each class, whose mean over all pixels is the score. The
    twins are exact for n ≡ 1 mod 4, such as 29 and 33, not at the usual 32.

    Args:
      variant: ``"A"``: a stage has one 5 × 5 convolution; ``"B"``: and one of 1 × 1; ``"C"``: two of 3 × 3.
      dropout: after each convolution of stride 2, and 0.4 times that of the image.

    Raises:
      ValueError: for an unknown variant.

    References:
      Springenberg, Dosovitskiy, Brox & Riedmiller, Striving for simplicity: the all convolutional net, ICLR 2015,
      tables 1 and 2.

    >>> [AllCNNConfig(variant=v).parameter_count((32, 32, 3), 10) for v in "ABC"]
    [1254250, 1300618, 1369738]
    """

    variant: str = "C"
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("variant", self.variant, tuple(STAGES))

    def network(self, net: Chain, num_classes: int) -> None:
        """Two stages, three convolutions, mean."""
        net.dropout(0.4 * self.dropout)
        for channels, kernel_sizes in zip((96, 192), STAGES[self.variant], strict=True):
            for kernel_size in kernel_sizes:
                net.conv(channels, kernel_size).act()
            net.conv(channels, 3, stride=2).act().dropout(self.dropout)
        net.conv(192, 3, padding=0).act().conv(192, 1).act().conv(0, 1, fields=num_classes).act()
        net.global_mean().invariant()
