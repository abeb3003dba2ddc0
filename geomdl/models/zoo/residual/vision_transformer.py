"""A small vision transformer without any built-in symmetry, to be measured beside the other models."""

import dataclasses

from flax import nnx

from geomdl.errors import invalid
from geomdl.groups import group
from geomdl.layers import (
    Conv,
    Dense,
    GlobalPool,
    Layer,
    LayerNorm,
    Pointwise,
    PositionEmbedding,
    Residual,
    SelfAttention,
    Sequential,
)
from geomdl.models.core.config import ImageShape, ScalableConfig
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class VisionTransformerConfig(ScalableConfig):
    """A vision transformer without a class token. It promises no symmetry: every patch has a place of its own.

    A linear map of each patch; position embeddings; blocks x + attention(norm(x)), x + dense(norm(x)); norm; mean over
    the patches; dense. The patches stay on their grid ``[batch, height, width, channels]``, so that they can be moved.
    ``width`` counts the channels of a head.

    Args:
      patch: pixels along the side of a patch.
      depth: blocks.
      heads: of the attention.
      expansion: hidden units of a block's dense layers, per channel.

    Raises:
      ValueError: for a number below 1; at `build`, for images that patches do not tile.

    References:
      Dosovitskiy et al., An image is worth 16×16 words, ICLR 2021, §3.1.

    >>> import jax
    >>> model = VisionTransformerConfig(width=4).build((12, 12, 1), 10, rngs=nnx.Rngs(0))
    >>> jax.jit(model)(jax.numpy.ones((3, 12, 12, 1))).shape
    (3, 10)
    """

    width: float = 10
    activation: str = "elu"
    patch: int = 4
    depth: int = 2
    heads: int = 2
    expansion: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("patch", "depth", "heads", "expansion"):
            if getattr(self, name) < 1:
                raise invalid(f"model.{name}", getattr(self, name), "a positive integer", 1)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Patches, positions, blocks, mean, dense."""
        height, width, channels = image_shape
        if height % self.patch or width % self.patch:
            raise invalid("model.patch", self.patch, f"a number that divides both sides of {height}x{width} images", 1)
        c1 = group("C1")
        tokens = FieldType(c1, f"{self.heads * self.fields(1)} trivial")
        hidden = FieldType(c1, f"{self.expansion * tokens.size} trivial")
        layers: list[Layer] = [
            Conv(FieldType(c1, f"{channels} trivial"), tokens, self.patch, stride=self.patch, rngs=rngs),
            PositionEmbedding(tokens, (height // self.patch, width // self.patch), rngs=rngs),
        ]
        for _ in range(self.depth):
            layers.append(Residual(Sequential([LayerNorm(tokens), SelfAttention(tokens, self.heads, rngs=rngs)])))
            dense = [
                LayerNorm(tokens),
                Conv(tokens, hidden, 1, rngs=rngs),
                Pointwise(hidden, self.activation),
                Conv(hidden, tokens, 1, rngs=rngs),
            ]
            layers.append(Residual(Sequential(dense)))
        scores = FieldType(c1, f"{num_classes} trivial")
        return [*layers, LayerNorm(tokens), GlobalPool(tokens), Dense(tokens, scores, rngs=rngs)]
