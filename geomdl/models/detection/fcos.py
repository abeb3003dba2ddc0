"""FCOS: the anchor-free detector."""

import dataclasses
import math

import jax.numpy as jnp

from geomdl.errors import invalid
from geomdl.layers import Branch, Conv, GroupNorm, Layer, Sequential
from geomdl.models.detection.backbones import BackboneConfig, Stage, last_stages
from geomdl.models.detection.detector import Detector
from geomdl.models.detection.encodings.fcos_encoding import FCOSEncoding
from geomdl.models.detection.encodings.oriented_encoding import OrientedFCOSEncoding
from geomdl.models.detection.plane_fields import fields, upright_group
from geomdl.models.detection.restricted import to_fields
from geomdl.models.zoo.core.chain import Chain
from geomdl.representations import FieldType, trivial

PRIOR = 0.01
"""The probability of every class at first: focal loss would else begin with that of all the background."""


@dataclasses.dataclass(frozen=True)
class FCOSConfig(BackboneConfig):
    """FCOS on a feature pyramid, for every group: boxes move with the image.

    A backbone, a feature pyramid (`geomdl.models.detection.detector.FeaturePyramid`), and on each of its levels two
    towers of convolutions with group norm, for the classes and for the boxes. The distances to the four sides of a box
    are a field that quarter turns and reflections permute; with the groups C4 and D4 the detections of a turned image
    are the turned detections, exactly on the grid (with the plain backbone at every size, even and odd). Groups with
    other elements (C8, SO(2)) are restricted to the largest subgroup that keeps boxes upright before the last
    convolution. With C1 it is the ordinary network.

    Args:
      backbone: ``"plain"``, or the name of a network of the zoo (``"resnet18"``, ``"cifar_resnet20"``, …).
      channels: of the first convolution of the plain backbone.
      halvings: of the plain backbone, which halves the image so often.
      levels: of the pyramid: the last ones of the backbone.
      features: channels of the pyramid and the towers.
      tower: convolutions of each tower.
      radius: see `FCOSEncoding`.
      least: see `FCOSEncoding`; half as much for oriented boxes.
      oriented: whether boxes are oriented (`OrientedFCOSEncoding`): no group is restricted then, so that C8 and SO(2)
        give boxes that turn by their angles.

    Raises:
      ValueError: for a value out of range; at `build`, for images that are too small, or not square for quarter turns.

    References:
      Tian, Shen, Chen & He, FCOS: fully convolutional one-stage object detection, ICCV 2019. Departs from the paper in
      size, and in group norm with one group.

    >>> import jax
    >>> small = FCOSConfig(group="C4", channels=2, features=2, halvings=2, levels=2, tower=1)
    >>> outputs = jax.jit(small.build((16, 16, 1), 3, rngs=0))(jnp.ones((1, 16, 16, 1)))
    >>> [level.shape for level in outputs.levels]  # 3 classes, centre-ness, 4 sides
    [(1, 8, 8, 8), (1, 4, 4, 8)]
    """

    levels: int = 3
    features: int = 64
    tower: int = 2
    radius: float = 1.5
    least: float = 4.0
    oriented: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tower < 0:
            raise invalid("model.tower", self.tower, "a number of convolutions", 2)

    def network(self, net: Chain, num_classes: int) -> None:
        """The detector, as one layer."""
        parts = self.stages(net)
        used = last_stages(parts, self.levels, self.backbone)
        height, width = net.size
        grids = tuple(part.grid for part in used)
        encoding: FCOSEncoding | OrientedFCOSEncoding
        if self.oriented:
            encoding = OrientedFCOSEncoding((height, width), grids, num_classes, self.radius, self.least / 2)
        else:
            encoding = FCOSEncoding((height, width), grids, num_classes, self.radius, self.least)
        laterals, smooths = pyramid_layers(net, used, self.features)
        head = self._head(net, laterals[0].out_type, encoding)
        net.add(Detector([part.layer for part in parts], laterals, smooths, head, encoding))

    def _head(self, net: Chain, features: FieldType, encoding: FCOSEncoding | OrientedFCOSEncoding) -> Layer:
        points = self.points if self.oriented else upright_group(self.points)
        wanted, count = encoding.field_type(points), encoding.num_classes
        classes = fields(points, (count, trivial(points)))
        rest = [(block.multiplicity, block.representation) for block in wanted.blocks[1:]]
        boxes = fields(points, (wanted.blocks[0].multiplicity - count, trivial(points)), *rest)
        heads: list[Sequential] = [self._tower(net, features, out) for out in (classes, boxes)]
        scores = heads[0].layers[-1]
        if isinstance(scores, Conv):
            bias = scores.bias[0]
            bias[...] = jnp.full_like(bias[...], -math.log(1 / PRIOR - 1))
        return Branch(heads, merge=True)

    def _tower(self, net: Chain, features: FieldType, out_type: FieldType) -> Sequential:
        layers = tower(net, features, self.features, self.tower)
        last = layers[-1].out_type if layers else features
        return Sequential([*layers, *to_fields(last, out_type, 3, net.rngs)])


def pyramid_layers(net: Chain, parts: list[Stage], features: float) -> tuple[list[Layer], list[Layer]]:
    """The lateral layers of the levels, and convolutions that smooth all but the coarsest.

    Args:
      net: for the config and the random keys.
      parts: the stages, one for each level.
      features: channels of the pyramid.
    """
    out = FieldType(net.config.points, [(net.config.fields_for(features), net.hidden)])
    laterals: list[Layer] = [Conv(part.layer.out_type, out, 1, rngs=net.rngs) for part in parts]
    smooths: list[Layer] = [Conv(out, out, 3, padding=1, rngs=net.rngs) for _ in parts[1:]]
    return laterals, smooths


def tower(net: Chain, features: FieldType, channels: float, count: int) -> list[Layer]:
    """Convolutions with group norm and nonlinearity.

    Args:
      net: for the config and the random keys.
      features: what comes in.
      channels: of each convolution.
      count: how many.
    """
    own = net.fork()
    own.start = features
    for _ in range(count):
        own.conv(channels, 3, bias=False).add(GroupNorm(own.field_type, 1)).act()
    return own.layers
