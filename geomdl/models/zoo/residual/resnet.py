"""Residual networks for ImageNet: of basic and of bottleneck blocks, wide ones, and of aggregated transformations."""

import dataclasses

from geomdl.errors import invalid
from geomdl.models.zoo.core.chain import Body, Chain, stages, survivals
from geomdl.models.zoo.core.config import ZooConfig, require_choice

DEPTHS: dict[int, tuple[int, ...]] = {
    18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3),
}  # fmt: skip
"""Blocks of each stage; from 50 layers on they are bottlenecks."""


@dataclasses.dataclass(frozen=True)
class ImageNetResNetConfig(ZooConfig):
    """A residual network for images of about 224 pixels: y = relu(f(x) + s(x)) in four stages.

    A 7 × 7 convolution of stride 2 and a maximum over 3 × 3 of stride 2; four stages of blocks with 64, 128, 256, 512
    channels, the last three of which begin with stride 2; mean over all pixels; dense. Blocks of 18 and 34 layers have
    two 3 × 3 convolutions; deeper ones a 1 × 1, a 3 × 3 and a 1 × 1 convolution to four times as many channels. Where
    the size or the number of channels changes, the shortcut is a 1 × 1 convolution (option B).

    The twins are exact for n ≡ 1 mod 32, such as 225, not at the usual 224: there the constructor warns.

    Args:
      depth: 18, 34, 50, 101, 152, and 200 with ``preactivation``.
      version: where bottlenecks have their stride: ``"1"``: in the first 1 × 1 convolution, as in the paper and in
        Keras; ``"1.5"``: in the 3 × 3 convolution, as in PyTorch.
      preactivation: batch norm and nonlinearity before each convolution, and nothing after the sum (version 2).
      cardinality: groups of the 3 × 3 convolutions of bottlenecks; 32 in ResNeXt.
      base_width: channels of each of these groups in the first stage: 64 with one group, 4 in ResNeXt-50 32×4d, 128 in
        networks that are twice as wide inside.
      survival: the probability p_L with which the last block is kept in training; block l of L is kept with
        1 − l/L (1 − p_L) (stochastic depth).
      blocks: of each stage, in place of those that belong to the depth, which then says of what kind they are.

    Raises:
      ValueError: for another depth or version, groups in basic blocks, a stage without blocks, or images that are too
        small.

    References:
      He, Zhang, Ren & Sun, Deep residual learning for image recognition, CVPR 2016, table 1. He et al., Identity
      mappings in deep residual networks, ECCV 2016. Xie et al., Aggregated residual transformations for deep neural
      networks, CVPR 2017. Zagoruyko & Komodakis, Wide residual networks, BMVC 2016.

    >>> ImageNetResNetConfig(depth=50).parameter_count((224, 224, 3), 1000)
    25557032
    >>> ImageNetResNetConfig(depth=50, cardinality=32, base_width=4).parameter_count((224, 224, 3), 1000)
    25028904
    >>> small = ImageNetResNetConfig(depth=18, group="C4", width=0.03)
    >>> small.build((33, 33, 3), 10, rngs=0).contract.points.at((33, 33))
    'exact'
    """

    depth: int = 50
    version: str = "1.5"
    preactivation: bool = False
    cardinality: int = 1
    base_width: int = 64
    survival: float = 1.0
    blocks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("depth", self.depth, tuple(DEPTHS))
        require_choice("version", self.version, ("1", "1.5"))
        require_survival(self.survival)
        for name in ("cardinality", "base_width"):
            if getattr(self, name) < 1:
                raise invalid(f"model.{name}", getattr(self, name), "a positive whole number", 1)
        if self.depth < 50 and (self.cardinality != 1 or self.base_width != 64):
            allowed = "cardinality=1, base_width=64 with basic blocks (18 and 34 layers)"
            raise invalid("model.cardinality", self.cardinality, allowed, "depth=50")

        if any(number < 1 for number in self.blocks):
            raise invalid("model.blocks", self.blocks, "at least one block in each stage", DEPTHS[self.depth])

    def network(self, net: Chain, num_classes: int) -> None:
        """Stem, four stages, mean, class scores."""
        net.conv(64, 7, stride=2, bias=False)
        if not self.preactivation:
            net.norm().act()
        net.max_pool(3, 2, padding=1)
        places = stages(self.blocks or DEPTHS[self.depth])
        for (stage, block), kept in zip(places, survivals(len(places), self.survival), strict=True):
            stride = 2 if block == 0 and stage > 0 else 1
            if self.depth >= 50:
                self._bottleneck(net, 64 * 2**stage, stride, first=block == 0, survival=kept)
            else:
                self._basic(net, 64 * 2**stage, stride, first=block == 0 and stage > 0, survival=kept)
        if self.preactivation:
            net.norm().act()
        net.global_mean().scores(num_classes)

    def _basic(self, net: Chain, channels: int, stride: int, *, first: bool, survival: float) -> None:
        def body(b: Chain) -> None:
            self._conv(b, channels, 3, stride)
            self._conv(b, channels, 3, 1, last=True)

        self._block(net, body, channels, stride, first=first, survival=survival)

    def _bottleneck(self, net: Chain, channels: int, stride: int, *, first: bool, survival: float) -> None:
        inner = channels * self.base_width // 64 * self.cardinality
        early, late = (stride, 1) if self.version == "1" else (1, stride)

        def body(b: Chain) -> None:
            b.multiple = self.cardinality
            self._conv(b, inner, 1, early)
            self._conv(b, inner, 3, late, groups=self.cardinality)
            b.multiple = 1
            self._conv(b, 4 * channels, 1, 1, last=True)

        self._block(net, body, 4 * channels, stride, first=first, survival=survival)

    def _conv(
        self, b: Chain, channels: int, kernel_size: int, stride: int, *, groups: int = 1, last: bool = False
    ) -> None:
        """Convolution and batch norm, with the nonlinearity between two of them, or before each of them."""
        if self.preactivation:
            if b.layers:  # before the first it stands in front of the block, or of both paths
                b.norm().act()
            b.conv(channels, kernel_size, stride=stride, groups=groups, bias=False)
            return
        b.conv(channels, kernel_size, stride=stride, groups=groups, bias=False).norm()
        if not last:
            b.act()

    def _block(self, net: Chain, body: Body, channels: int, stride: int, *, first: bool, survival: float) -> None:
        def projected(s: Chain) -> None:
            s.conv(channels, 1, stride=stride, padding=0, bias=False)
            if not self.preactivation:
                s.norm()

        shortcut = projected if first else None
        if self.preactivation:
            net.preactivated(body, shortcut, survival=survival)
        else:
            net.residual(body, shortcut, survival=survival).act()


def require_survival(survival: float) -> None:
    """Raises a ValueError for a survival probability outside (0, 1]."""
    if not 0 < survival <= 1:
        raise invalid("model.survival", survival, "a number in (0, 1]", 0.5)
