"""Highway networks for CIFAR."""

import dataclasses
import math

from geomdl.errors import invalid
from geomdl.layers import Conv, Highway
from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig, require_choice
from geomdl.representations import FieldType

STAGES: dict[int, tuple[tuple[int, ...], ...]] = {
    11: ((16, 16, 16), (32, 32, 32), (48, 48, 64)),
    19: ((32, 32, 32, 48, 48), (80,) * 6, (128,) * 6),
}
"""Channels of the 3 × 3 convolutions of each stage, those of FitNets 1 and 4; the dense layers are the last two."""


@dataclasses.dataclass(frozen=True)
class HighwayConfig(ZooConfig):
    """A highway network for images of about 32 pixels: y = t h(x) + (1 − t) x with a gate t = σ(g(x) − 2).

    Three stages of 3 × 3 convolutions, each with the nonlinearity, and a maximum over 2 × 2 after the first two; mean
    over all pixels, a dense layer of 500 units, dense. Where a convolution gives as many channels as it takes, it is h,
    and a second 3 × 3 convolution g opens its gates (`geomdl.layers.Highway`). In a twin each channel of a regular
    field has a gate, which the group permutes with it; for SO(2) and O(2) each field has one invariant gate.

    The paper takes the stages of FitNets, of which it prints the number of parameters alone: 2.3 million for 19 layers,
    as here, and 0.24 million for 11, of which 0.17 million are here (those FitNets have wider maxout layers).

    The twins are exact at multiples of 4 pixels, the usual 32 among them.

    Args:
      depth: 11 or 19.
      gate_bias: what gates start with: −2, so that they are open by an eighth.
      units: of the hidden dense layer.
      dropout: before the class scores.

    Raises:
      ValueError: for another depth, or images that are too small.

    References:
      Srivastava, Greff & Schmidhuber, Training very deep networks, NIPS 2015. Romero et al., FitNets: hints for thin
      deep nets, ICLR 2015 (the stages).

    >>> [HighwayConfig(depth=d).parameter_count((32, 32, 3), 10) for d in (11, 19)]
    [172022, 2342406]
    >>> small = HighwayConfig(depth=11, group="C4", width=0.2).build((32, 32, 3), 10, rngs=0)
    >>> small.contract.points.at((32, 32))
    'exact'
    """

    depth: int = 19
    gate_bias: float = -2.0
    units: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("depth", self.depth, tuple(STAGES))
        if not math.isfinite(self.gate_bias):
            raise invalid("model.gate_bias", self.gate_bias, "a finite number", -2.0)
        if self.units < 1:
            raise invalid("model.units", self.units, "a positive whole number", 500)

    def network(self, net: Chain, num_classes: int) -> None:
        """Three stages, mean, two dense layers."""
        for number, stage in enumerate(STAGES[self.depth]):
            if number:
                net.max_pool(2)
            for channels in stage:
                if net.layers and self.fields_for(channels) == net.field_type.num_fields:
                    self._highway(net, channels)
                else:
                    net.conv(channels, 3).act()
        net.global_mean().dense(self.units).act().dropout(self.dropout).scores(num_classes)

    def _highway(self, net: Chain, channels: int) -> None:
        fields = net.field_type
        gates = fields if fields.is_permutation else FieldType(self.points, f"{fields.num_fields} trivial")
        body = net.built(lambda b: b.conv(channels, 3).act()).layer()
        gate = Conv(fields, gates, 3, padding="same", rngs=net.rngs)
        net.add(Highway(body, gate, gate_bias=self.gate_bias))
