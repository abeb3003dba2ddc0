"""The plain fully convolutional network."""

import dataclasses

from flax import nnx

from geomdl.layers import Conv, Layer, Upsample
from geomdl.models.core.config import ImageShape
from geomdl.models.segmentation.encoder_decoder import EncoderDecoderConfig, dropout, require_multiple
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class FCNConfig(EncoderDecoderConfig):
    """A fully convolutional network without skips: strided convolutions, outputs, bilinear interpolation back.

    Each level has a convolution and one with stride 2, of 4 × 4 pixels with padding 1, whose grid is centred, so that
    the label map lies where the image does. No symmetry is promised. ``width`` counts the channels of the first
    convolution. Images need sides that are multiples of 2^depth; others are refused. Departs from the paper, which
    starts from VGG-16, in size.

    Raises:
      ValueError: for a value out of range; at `build` and at the call, for images that do not divide by 2^depth.

    References:
      Long, Shelhamer & Darrell, Fully convolutional networks for semantic segmentation, CVPR 2015.

    >>> import jax
    >>> model = FCNConfig(width=2, depth=1).build((16, 24, 1), 3, rngs=nnx.Rngs(0))
    >>> jax.jit(model)(jax.numpy.ones((1, 16, 24, 1))).shape
    (1, 16, 24, 3)
    """

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolutions, of which every second halves the image; 1 × 1 convolution; interpolation."""
        require_multiple(image_shape, 2**self.depth, "fcn")
        current = FieldType("C1", f"{image_shape[2]} trivial")
        layers: list[Layer] = []
        for level in range(self.depth):
            layers += self.convolution(current, self.level(current, level), rngs)
            current = self.level(current, level + 1)
            layers += self.convolution(layers[-1].out_type, current, rngs, stride=2)
        layers += dropout(current, self.dropout)
        outputs = FieldType("C1", f"{num_classes} trivial")
        return [*layers, Conv(current, outputs, 1, rngs=rngs), Upsample(outputs, 2**self.depth)]
