"""YOLO v1."""

import dataclasses
import math

import jax

from geomdl.equivariance.contracts.contract import NOTHING, Contract, Size
from geomdl.errors import invalid, unknown
from geomdl.layers import Conv, Identity, Layer, Sequential
from geomdl.layers.core.layer import Field
from geomdl.models.detection.backbones import BackboneConfig, Stage, stages
from geomdl.models.detection.detector import Detector
from geomdl.models.detection.encodings.yolo_encoding import YOLOEncoding
from geomdl.models.detection.plane_fields import upright_group
from geomdl.models.detection.restricted import to_fields
from geomdl.models.zoo.core.chain import Chain
from geomdl.representations import FieldType

PUBLISHED = "published"
"""The name of the backbone of the paper."""


@dataclasses.dataclass(frozen=True)
class YOLOConfig(BackboneConfig):
    """YOLO v1: one grid, whose cells say which boxes have their centres in them (`YOLOEncoding`).

    With ``head="conv"`` the numbers of each cell are a convolution of the features there, and move with the image: for
    C4 and D4 exactly, with the plain backbone at every size; see `FCOSConfig` for other groups. With ``head="dense"``
    they come from two dense layers over the whole map, as in the paper, which know where each cell lies; that is no
    equivariant map, and the group has to be C1.

    Args:
      backbone: ``"plain"``; the name of a network of the zoo; or ``"published"``: the 20 convolutions of the paper
        that are pretrained there, and four more behind them, for images of 448 × 448 (and ``dropout=0.5``).
      channels: see `FCOSConfig`.
      halvings: of the plain backbone; 64 pixels and 3 halvings make 8 × 8 cells.
      boxes: B, for each cell.
      head: ``"conv"`` or ``"dense"``.
      units: of the hidden layer of the head: 4096 in the paper.
      confidence: see `YOLOEncoding`.

    Raises:
      ValueError: for a value out of range, or a dense head of another group than C1; at `build`, for images that are
        too small, or not square for quarter turns.

    References:
      Redmon, Divvala, Girshick & Farhadi, You only look once: unified, real-time object detection, CVPR 2016.

    >>> import jax.numpy as jnp
    >>> small = YOLOConfig(group="C4", channels=2, halvings=2, units=4)
    >>> jax.jit(small.build((16, 16, 1), 3, rngs=0))(jnp.ones((1, 16, 16, 1))).levels[0].shape  # 5 · 2 + 3
    (1, 4, 4, 13)
    """

    halvings: int = 3
    boxes: int = 2
    head: str = "conv"
    units: int = 128
    confidence: str = "iou"
    activation: str = "leaky_relu"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("boxes", "units")
        if self.head not in ("conv", "dense"):
            raise unknown("model.head", self.head, ["conv", "dense"])
        if self.head == "dense" and self.group != "C1":
            allowed = "'conv' for other groups than C1: a dense layer knows where each cell lies"
            raise invalid("model.head", self.head, allowed, "conv")
        if self.confidence not in ("iou", "one"):
            raise unknown("model.confidence", self.confidence, ["iou", "one"])

    def network(self, net: Chain, num_classes: int) -> None:
        """The detector, as one layer."""
        parts = self.stages(net)
        whole = Sequential([part.layer for part in parts])
        grid = parts[-1].grid
        encoding = YOLOEncoding(net.size, (grid,), num_classes, self.boxes, confidence=self.confidence)  # type: ignore[arg-type]
        head = self._dense(net, whole, encoding) if self.head == "dense" else self._conv(net, whole, encoding)
        net.add(Detector([whole], [Identity(whole.out_type)], [], head, encoding))

    def stages(self, net: Chain) -> list[Stage]:
        """The stages of the backbone, which may be that of the paper."""
        if self.backbone != PUBLISHED:
            return super().stages(net)
        own = net.fork()
        published(own)
        return stages(own, net.size)  # type: ignore[arg-type]

    def _conv(self, net: Chain, features: Layer, encoding: YOLOEncoding) -> Layer:
        own = net.fork()
        own.start = features.out_type
        own.conv(self.units, 3, bias=False).norm().act().dropout(self.dropout)
        wanted = encoding.field_type(upright_group(self.points))
        return Sequential([*own.layers, *to_fields(own.field_type, wanted, 1, net.rngs)])

    def _dense(self, net: Chain, features: Layer, encoding: YOLOEncoding) -> Layer:
        own = net.fork()
        own.start, size = features.out_type, encoding.grids[0].size
        own.size = size
        own.conv(self.units, size[0] if size[0] == size[1] else size, padding=0).act().dropout(self.dropout)
        wanted = encoding.field_type(self.points)
        numbers = FieldType(self.points, f"{wanted.size * math.prod(size)} trivial")
        return Sequential(
            [*own.layers, Conv(own.field_type, numbers, 1, rngs=net.rngs), Unfolded(numbers, wanted, size)]
        )


def published(net: Chain) -> None:
    """The convolutions of the paper (its figure 3), each with its nonlinearity; 24 of them and 4 maxima.

    Args:
      net: what layers are added to.
    """

    def convs(*listed: tuple[int, int]) -> None:
        for channels, window in listed:
            net.conv(channels, window).act()

    net.conv(64, 7, stride=2).act().max_pool(2)
    convs((192, 3))
    net.max_pool(2)
    convs((128, 1), (256, 3), (256, 1), (512, 3))
    net.max_pool(2)
    convs(*[(256, 1), (512, 3)] * 4, (512, 1), (1024, 3))
    net.max_pool(2)
    convs(*[(512, 1), (1024, 3)] * 2, (1024, 3))
    net.conv(1024, 3, stride=2).act()
    convs((1024, 3), (1024, 3))


class Unfolded(Layer):
    """The numbers of one pixel as a map of cells: ``[batch, 1, 1, rows · columns · channels]`` to
    ``[batch, rows, columns, channels]``. It promises nothing.

    Args:
      in_type: scalars.
      out_type: the channels of a cell.
      size: (rows, columns).
    """

    def __init__(self, in_type: FieldType, out_type: FieldType, size: tuple[int, int]) -> None:
        self.in_type, self.out_type, self.cells = in_type, out_type, size

    @property
    def contract(self) -> Contract:
        """None: where a number lies on the map is its place among the channels."""
        return Contract(self.in_type, self.out_type, NOTHING, NOTHING, self.output_size)

    def output_size(self, size: Size) -> Size:
        """The cells, whatever the input."""
        return self.cells

    def apply(self, x: Field) -> jax.Array:
        """Unfolds."""
        return x.reshape(len(x), *self.cells, self.out_type.size)
