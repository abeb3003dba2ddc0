"""Network in network."""

import dataclasses

from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig

BLOCKS = ((5, (192, 160, 96)), (5, (192, 192, 192)), (3, (192, 192, 0)))
"""(kernel size, channels of the convolution and of the two of 1 × 1 after it); 0: one for each class."""


@dataclasses.dataclass(frozen=True)
class NetworkInNetworkConfig(ZooConfig):
    """Network in network, for CIFAR: convolutions with a multilayer perceptron at every pixel, and no dense layer.

    Three blocks of a convolution and two of 1 × 1, the last of which has a map for each class, whose mean over all
    pixels is the score; a maximum over 3 × 3 with stride 2 after the first block, a mean after the second, incomplete
    windows included. The twins are exact for n ≡ 3 mod 4, such as 31 and 35, not at the usual 32.

    Args:
      dropout: after the poolings.

    References:
      Lin, Chen & Yan, Network in network, ICLR 2014, with the authors' published configuration.

    >>> NetworkInNetworkConfig().parameter_count((32, 32, 3), 10)
    966986
    """

    dropout: float = 0.5

    def network(self, net: Chain, num_classes: int) -> None:
        """Three blocks, mean."""
        for number, (kernel_size, channels) in enumerate(BLOCKS):
            for i, count in enumerate(channels):
                net.conv(count, kernel_size if i == 0 else 1, fields=None if count else num_classes).act()
            if number < len(BLOCKS) - 1:
                pool = net.max_pool if number == 0 else net.mean_pool
                pool(3, 2, ceil=True)
                net.dropout(self.dropout)
        net.global_mean().invariant()
