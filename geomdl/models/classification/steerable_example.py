"""The example network of the steerable-CNN libraries: six convolutions of regular fields with antialiased pooling."""

import dataclasses

from flax import nnx

from geomdl.errors import invalid
from geomdl.kernels import Basis
from geomdl.layers import BlurPool, GroupPool, Layer, Mask, Upsample
from geomdl.models.core.blocks import image_group
from geomdl.models.core.config import ImageShape
from geomdl.models.core.steerable import SteerableConfig, convolution_block, invariant_head
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class SteerableExampleConfig(SteerableConfig):
    """escnn's C8 example network, for any finite group: f(ρ(g) x) = f(x).

    A circular mask; convolutions of 7, 5, 5, 5, 5, 5 taps to 24, 48, 48, 96, 96, 64 regular fields, each with batch
    norm and ReLU, no padding enough to keep the size in the first and the last; antialiased average pooling (Gaussian
    of 5 taps, σ = 0.66) with stride 2 after the second and fourth; mean over the pixels, maximum over the group, dense
    64–classes. ``width`` counts the fields of the first convolution, 24 as published.

    Exact on the pixel grid for images of 29 pixels, and in general n ≡ 1 mod 4. Other elements of the group (45° of C8)
    are kept up to the error of sampling. escnn's pools the last 5 × 5 pixels with the Gaussian too, here with the mean
    for any size, unless there are 5.

    Args:
      group: finite, e.g. ``"C8"`` or ``"D4"``.
      input_size: images are first enlarged to this size (bilinearly, symmetric about the centre); None to take them as
        they are. 28 × 28 images need it.
      basis: of the kernels; see `geomdl.layers.Conv`.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019; escnn, examples/model.ipynb.

    >>> import jax.numpy as jnp
    >>> model = SteerableExampleConfig(group="C4", width=1).build((29, 29, 1), 10, rngs=nnx.Rngs(0))
    >>> model.contract.points.at((29, 29)), model.contract.points.at((31, 31))
    ('exact', 'none')
    """

    width: float = 24
    group: str = "C8"
    input_size: int | None = None
    basis: Basis = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        image_group(self.group).require_finite("model.group of the example network")
        if self.input_size is not None and self.input_size < 13:
            raise invalid("model.input_size", self.input_size, "at least 13 pixels, or None", 29)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Mask, convolutions with pooling, head."""
        point_group = image_group(self.group)
        current = FieldType(point_group, f"{image_shape[2]} trivial")
        layers: list[Layer] = [] if self.input_size is None else [Upsample(current, size=self.input_size)]
        layers.append(Mask(current, margin=1))
        size = min(image_shape[:2]) if self.input_size is None else self.input_size
        plan = zip((1, 2, 2, 4, 4, 64 / 24), (7, 5, 5, 5, 5, 5), (1, 2, 2, 2, 2, 1), strict=True)
        for i, (multiplier, taps, padding) in enumerate(plan):
            fields = FieldType(point_group, f"{self.fields(multiplier)} regular")
            layers += convolution_block(
                current, fields, taps, padding=padding, basis=self.basis, activation=self.activation, rngs=rngs
            )
            current = fields
            if i in (1, 3):
                layers.append(BlurPool(current, 5, sigma=0.66, stride=2, padding=2, remainder="drop"))
        if size == 29:
            layers.append(BlurPool(current, 5, sigma=0.66, stride=1))
        layers.append(GroupPool(current))
        return layers + invariant_head(
            layers[-1].out_type, (64,), num_classes, dropout=self.dropout, reduce="mean", rngs=rngs
        )
