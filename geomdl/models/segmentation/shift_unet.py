"""A U-Net that commutes with every shift of the pixel grid."""

import dataclasses

from flax import nnx

from geomdl.errors import invalid
from geomdl.groups import D
from geomdl.layers import Conv, Hourglass, Layer, Polyphase, PolyphaseUpsample, Pool, Sequential
from geomdl.layers.core.window import PaddingMode
from geomdl.layers.resampling.polyphase import Choose
from geomdl.models.core.blocks import image_group
from geomdl.models.core.config import ImageShape
from geomdl.models.core.sizes import require_square
from geomdl.models.segmentation.encoder_decoder import EncoderDecoderConfig, require_multiple
from geomdl.models.segmentation.unet_skeleton import unet_skeleton
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class ShiftUNetConfig(EncoderDecoderConfig):
    """A U-Net that commutes with circular shifts by any whole number of pixels: f(T x) = T f(x).

    Circular convolutions; maxima on the polyphase component of the largest norm lead to the level below, and the pixels
    are put back at the phase that was chosen, with zeros between them, before the convolution on the way up. With a
    ``group`` it commutes with that too: with p4 or p4m on the torus. Untrained as well as trained, exactly. ``width``
    counts the fields of the first convolution.

    Args:
      padding_mode: ``"circular"`` only.
      group: ``"C1"``, ``"C2"``, ``"C4"``, ``"D1"``, ``"D2"`` or ``"D4"``.
      choose: the component of the largest norm, ``"norm"``, or a learnt choice, ``"learned"``; see
        `geomdl.layers.Polyphase`.

    Raises:
      ValueError: for a value out of range; at `build` and at the call, for images that do not divide by 2^depth, and
        at `build` for oblong ones and quarter turns.

    References:
      Chaman & Dokmanić, Truly shift-invariant convolutional neural networks, CVPR 2021; Truly shift-equivariant
      convolutional neural networks with adaptive polyphase upsampling, 2021. Rojas-Gomez et al., Learnable polyphase
      sampling for shift invariant and equivariant convolutional networks, NeurIPS 2022.

    >>> import jax
    >>> import jax.numpy as jnp
    >>> model = jax.jit(ShiftUNetConfig(width=2, depth=1).build((6, 6, 1), 2, rngs=nnx.Rngs(0)))
    >>> x = jnp.sin(jnp.arange(36.0) ** 2).reshape(1, 6, 6, 1)
    >>> bool(jnp.allclose(model(jnp.roll(x, 1, 1)), jnp.roll(model(x), 1, 1), atol=1e-5))
    True
    """

    padding_mode: PaddingMode = "circular"
    group: str = "C1"
    choose: Choose = "norm"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.padding_mode != "circular":
            raise invalid("model.padding_mode of shift_unet", self.padding_mode, "'circular'", "'circular'")
        points = image_group(self.group)
        if not D(4).contains_group(points):
            nearest = "D4" if points.reflections else "C4"
            raise invalid("model.group", self.group, "C1, C2, C4, D1, D2, D4 (exact on the pixel grid)", repr(nearest))

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Two convolutions per level, around the level below at half the size."""
        points = image_group(self.group)
        require_square(image_shape[:2], points)
        require_multiple(image_shape, 2**self.depth, "shift_unet")

        image, outputs = (FieldType(points, f"{n} trivial") for n in (image_shape[2], num_classes))

        def path(below: list[Layer], level: int) -> Layer:
            t = self.level(image, level)
            pool = Pool(t, 3, stride=2, padding="same", padding_mode="circular", remainder="drop")
            conv, *rest = self.convolution(below[-1].out_type, t, rngs)
            down = Polyphase(pool, self.choose, rngs=rngs)
            return Sequential([Hourglass(down, Sequential(below), PolyphaseUpsample(conv, 2)), *rest])

        layers = unet_skeleton(image, self.depth, lambda t, level: self.block(t, level, rngs), path)
        return [*layers, Conv(layers[-1].out_type, outputs, 1, rngs=rngs)]
