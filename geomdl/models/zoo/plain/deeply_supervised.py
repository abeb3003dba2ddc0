"""Deeply supervised nets, for CIFAR."""

import dataclasses

from geomdl.models.zoo.core.chain import Body, Chain
from geomdl.models.zoo.core.config import ZooConfig
from geomdl.models.zoo.plain.network_in_network import BLOCKS


@dataclasses.dataclass(frozen=True)
class DeeplySupervisedConfig(ZooConfig):
    """A deeply supervised net for images of about 32 pixels: network in network with a classifier on hidden layers.

    Three blocks of a convolution of 5 × 5, 5 × 5 and 3 × 3 and two of 1 × 1, the last of which has a map for each
    class, whose mean over all pixels is the score; maxima over 3 × 3 of stride 2 between the blocks, incomplete windows
    included, as in Caffe. In training (`geomdl.layers.WithAuxiliary`) a linear classifier on the flattened map of the
    first convolution of each block, before its nonlinearity, has a loss of its own, with ``task.auxiliary_weight``. The
    paper takes squared hinge losses (SVMs) for CIFAR-10 and softmax for more classes; which it is, is up to the task.

    The classifiers of a twin are group convolutions with a window as large as the map, pooled over the group. Such
    windows are counted: at 32 pixels 966,986 parameters are those of the network, 2,580,510 those of the classifiers.

    The twins are exact for n ≡ 3 mod 4, such as 31 and 35, not at the usual 32: there the constructor warns.

    Args:
      auxiliary: whether there are the classifiers on hidden layers.
      dropout: behind the maxima.

    Raises:
      ValueError: for images that are too small.

    References:
      Lee, Xie, Gallagher, Zhang & Tu, Deeply-supervised nets, AISTATS 2015, in the configuration of the authors' code.

    >>> [DeeplySupervisedConfig(auxiliary=a).parameter_count((32, 32, 3), 10) for a in (False, True)]
    [966986, 3547496]
    """

    auxiliary: bool = True
    dropout: float = 0.5

    def network(self, net: Chain, num_classes: int) -> None:
        """Three blocks, mean; classifiers behind the first convolution of each block."""
        for number, (kernel_size, channels) in enumerate(BLOCKS):
            if number:
                net.max_pool(3, 2, ceil=True).dropout(self.dropout)
            net.conv(channels[0], kernel_size)
            if self.auxiliary:
                net.auxiliary(_classifier(num_classes))
            net.act()
            for count in channels[1:]:
                net.conv(count, 1, fields=None if count else num_classes)
                if count:
                    net.act()
        net.global_mean().invariant()


def _classifier(num_classes: int) -> Body:
    return lambda b: b.flat_dense(None, fields=num_classes).invariant()
