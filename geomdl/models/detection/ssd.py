"""SSD: a single-shot detector with default boxes."""

import dataclasses

from geomdl.errors import invalid
from geomdl.layers import Conv, GroupNorm, Layer, Sequential
from geomdl.models.detection.backbones import BackboneConfig, last_stages
from geomdl.models.detection.detector import Detector
from geomdl.models.detection.encodings.ssd_encoding import SSDEncoding
from geomdl.models.detection.plane_fields import upright_group
from geomdl.models.detection.restricted import to_fields
from geomdl.models.zoo.core.chain import Chain
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class SSDConfig(BackboneConfig):
    """SSD: default boxes on the last feature maps of a backbone (`SSDEncoding`), for every group.

    Every level has a convolution to the same number of fields, and then the same convolution to the numbers of the
    default boxes. For C4 and D4 exact on the grid (with the plain backbone at every size); other groups as in
    `FCOSConfig`.

    Args:
      backbone: ``"plain"``, or the name of a network of the zoo.
      channels: see `FCOSConfig`.
      halvings: of the plain backbone.
      levels: the last ones of the backbone.
      features: channels at every level.
      least: side of the default boxes of the finest level, as a share of the image.
      most: of the coarsest level; in between they grow evenly.
      ratios: aspect ratios > 1; each stands for itself and its inverse.

    Raises:
      ValueError: for a value out of range; at `build`, for images that are too small, or not square for quarter turns.

    References:
      Liu et al., SSD: single shot multibox detector, ECCV 2016. Departs from the paper in size, in that all levels
      share the last convolution, and in that the larger square has its side between those of two levels at every one.

    >>> import jax
    >>> import jax.numpy as jnp
    >>> small = SSDConfig(group="C4", channels=2, features=2, halvings=2, levels=1)
    >>> jax.jit(small.build((16, 16, 1), 3, rngs=0))(jnp.ones((1, 16, 16, 1))).levels[0].shape  # 4 · (4 + 4)
    (1, 4, 4, 32)
    """

    levels: int = 2
    features: int = 64
    least: float = 0.2
    most: float = 0.5
    ratios: tuple[float, ...] = (2.0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.least <= self.most:
            raise invalid("model.least", self.least, f"a share of the image from 0 to model.most, {self.most}", 0.2)
        if not all(ratio > 1 for ratio in self.ratios):
            raise invalid("model.ratios", self.ratios, "aspect ratios > 1", (2.0,))

    def network(self, net: Chain, num_classes: int) -> None:
        """The detector, as one layer."""
        parts = self.stages(net)
        used = last_stages(parts, self.levels, self.backbone)
        step = (self.most - self.least) / max(self.levels - 1, 1)
        scales = tuple(self.least + step * k for k in range(self.levels + 1))
        height, width = net.size
        grids = tuple(part.grid for part in used)
        encoding = SSDEncoding((height, width), grids, num_classes, scales, self.ratios)
        wanted = encoding.field_type(upright_group(self.points))
        features = FieldType(self.points, [(self.fields_for(self.features), self.hidden)])
        laterals = [self._lateral(net, part.layer.out_type, features) for part in used]
        head = Sequential(to_fields(features, wanted, 3, net.rngs))
        net.add(Detector([part.layer for part in parts], laterals, [], head, encoding, joined=False))

    def _lateral(self, net: Chain, in_type: FieldType, features: FieldType) -> Layer:
        own = net.fork()
        own.start = features
        own.act()
        norm = GroupNorm(features, 1)
        return Sequential([Conv(in_type, features, 3, padding=1, use_bias=False, rngs=net.rngs), norm, *own.layers])
