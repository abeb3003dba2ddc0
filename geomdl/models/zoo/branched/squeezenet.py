"""SqueezeNet."""

import dataclasses

from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig, require_choice

FIRES: tuple[tuple[int, int], ...] = (
    (16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256),
)  # fmt: skip
"""(channels that are squeezed to, channels of each of the two expansions) of fire modules 2 to 9."""

POOLED = {"1.0": (0, 3, 7), "1.1": (0, 2, 4)}
"""Before which of the fire modules, counted from 0, there is a maximum over 3 × 3 of stride 2."""


@dataclasses.dataclass(frozen=True)
class SqueezeNetConfig(ZooConfig):
    """SqueezeNet: eight fire modules, each a 1 × 1 convolution to few channels and 1 × 1 and 3 × 3 ones side by side.

    A convolution of stride 2, fire modules with three maxima over 3 × 3 of stride 2 between them (windows that stick
    out at the end count, as in Caffe), a 1 × 1 convolution to the classes, mean over all pixels. The nonlinearity
    follows the last convolution too, as published.

    ==========  =======================================================================================
    ``"1.0"``   first convolution 7 × 7, 96 channels: as published; exact at n ≡ 3 mod 16, such as 227
    ``"1.1"``   first convolution 3 × 3, 64 channels, poolings earlier; exact at n ≡ 15 mod 16, such as 223
    ==========  =======================================================================================

    Of a twin the last convolution gives one field for each class, which is pooled over the group.

    Args:
      version: as above.
      dropout: before the last convolution.

    Raises:
      ValueError: for an unknown version, or images that are too small.

    References:
      Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB model size, 2016.

    >>> [SqueezeNetConfig(version=v).parameter_count((224, 224, 3), 1000) for v in ("1.0", "1.1")]
    [1248424, 1235496]
    >>> SqueezeNetConfig(group="C4", width=0.1).build((35, 35, 3), 10, rngs=0).contract.points.at((35, 35))
    'exact'
    """

    version: str = "1.0"
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("version", self.version, tuple(POOLED))

    def network(self, net: Chain, num_classes: int) -> None:
        """Stem, fire modules, one field for each class, mean, pooling over the group."""
        channels, window = (96, 7) if self.version == "1.0" else (64, 3)
        net.conv(channels, window, stride=2, padding=0).act()
        for i, (squeezed, expanded) in enumerate(FIRES):
            if i in POOLED[self.version]:
                net.max_pool(3, 2, ceil=True)
            net.conv(squeezed, 1).act()
            net.branch(
                lambda b, c=expanded: b.conv(c, 1).act(),  # type: ignore[misc]
                lambda b, c=expanded: b.conv(c, 3).act(),  # type: ignore[misc]
            )
        net.dropout(self.dropout).conv(1, 1, fields=num_classes).act().global_mean().invariant()
