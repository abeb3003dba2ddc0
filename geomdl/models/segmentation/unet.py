"""U-Nets: label maps from images, as published in 2015 and as they are built since."""

import dataclasses

from flax import nnx

from geomdl.errors import invalid
from geomdl.layers import Conv, Layer, Pointwise, Pool, Sequential, TransposedConv
from geomdl.layers.resampling.reduced_size import Halving
from geomdl.models.core.config import ImageShape
from geomdl.models.core.steerable import SteerableConfig
from geomdl.models.segmentation.encoder_decoder import EncoderDecoderConfig, dropout, require_depth, require_halving
from geomdl.models.segmentation.group_unet import GroupUNetConfig
from geomdl.models.segmentation.unet_skeleton import unet_skeleton
from geomdl.representations import FieldType

SEARCHED = 400
"""How many pixels above the image are searched for a size that fits."""


@dataclasses.dataclass(frozen=True)
class UNet2015Config(SteerableConfig):
    """The U-Net as published: valid convolutions, crop and concatenate.

    Each level has two 3 × 3 convolutions with ReLU, without padding; 2 × 2 maxima lead to the level below, with twice
    the channels, a 2 × 2 transposed convolution back; a 1 × 1 convolution gives the outputs. Every output pixel has
    seen only image, no padding, so the label map is smaller than the image: 388 × 388 of 572 × 572 pixels with depth 4,
    cut from the middle. Images that leave an odd size before one of the maxima are refused.

    The published network has 31,030,658 parameters with one channel in and two out. ``width`` counts the channels of
    the first convolution. Departs from the paper in that dropout, off by default, is at the deepest level only.

    Args:
      depth: how often the image is halved.

    Raises:
      ValueError: for a depth that is not positive; at `build`, for images of other sizes, naming the nearest.

    References:
      Ronneberger, Fischer & Brox, U-Net: convolutional networks for biomedical image segmentation, MICCAI 2015.

    >>> import jax
    >>> model = UNet2015Config(width=2, depth=1).build((20, 20, 1), 2, rngs=nnx.Rngs(0))
    >>> jax.jit(model)(jax.numpy.ones((1, 20, 20, 1))).shape
    (1, 4, 4, 2)
    """

    width: float = 64
    depth: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        require_depth(self.depth)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Two convolutions per level, around the level below."""
        self._require_fitting(image_shape[:2])

        def fields(level: int) -> FieldType:
            return FieldType("C1", f"{self.fields(2**level)} trivial")

        def block(in_type: FieldType, level: int) -> list[Layer]:
            out = fields(level)
            layers: list[Layer] = []
            for current in (in_type, out):
                layers += [Conv(current, out, 3, rngs=rngs), Pointwise(out, self.activation)]
            return [*layers, *dropout(out, self.dropout if level == self.depth else 0.0)]

        def path(below: list[Layer], level: int) -> Layer:
            up = TransposedConv(fields(level + 1), fields(level), 2, stride=2, rngs=rngs)
            return Sequential([Pool(fields(level), 2), *below, up])

        image, outputs = (FieldType("C1", f"{n} trivial") for n in (image_shape[2], num_classes))
        return [*unet_skeleton(image, self.depth, block, path), Conv(fields(0), outputs, 1, rngs=rngs)]

    def output_side(self, side: int, level: int = 0) -> int | None:
        """The side of the label map for a side of the image; None where it does not fit.

        >>> UNet2015Config().output_side(572), UNet2015Config().output_side(574)
        (388, None)
        """
        side -= 4
        if level < self.depth:
            below = self.output_side(side // 2, level + 1) if side > 0 and side % 2 == 0 else None
            side = 2 * below - 4 if below else 0
        return side if side > 0 else None

    def _require_fitting(self, size: tuple[int, ...]) -> None:
        if any(self.output_side(n) is None for n in size):
            fitting = [n for n in range(1, max(size) + SEARCHED) if self.output_side(n)]
            near = "x".join(str(min(fitting, key=lambda m: abs(m - n))) for n in size)
            allowed = f"sides that are even before each of the {self.depth} halvings, at least {fitting[0]}"
            raise invalid("image size for unet_2015", f"{size[0]}x{size[1]}", allowed, near)


@dataclasses.dataclass(frozen=True)
class UNetConfig(EncoderDecoderConfig):
    """The U-Net as it is built since: padded convolutions with batch norm, and interpolation on the way up.

    The label map has the size of the image, or the volume, whatever that is. It is `GroupUNetConfig` without a group.
    ``width`` counts the channels of the first convolution.

    Args:
      halving: ``"max"``, ``"average"`` or ``"blur"``.

    Raises:
      ValueError: for a value out of range.

    References:
      Ronneberger, Fischer & Brox, 2015. Odena, Dumoulin & Olah, Deconvolution and checkerboard artifacts, Distill 2016.

    >>> import jax
    >>> model = UNetConfig(width=2, depth=1).build((8, 8, 1), 2, rngs=nnx.Rngs(0))
    >>> jax.jit(model)(jax.numpy.ones((1, 9, 14, 1))).shape
    (1, 9, 14, 2)
    """

    spaces = ("plane", "volume")
    halving: Halving = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_halving(self.halving)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Those of a group U-Net for the group C1."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return GroupUNetConfig(group="C1", **fields).layers(image_shape, num_classes, rngs)
