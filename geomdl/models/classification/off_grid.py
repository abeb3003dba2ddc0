"""Small networks for rotations that do not map the pixel grid to itself."""

import dataclasses
from typing import Literal

from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.layers import BatchNorm, BlurPool, Conv, Dense, FourierPointwise, GlobalPool, Layer, Pointwise
from geomdl.models.core.blocks import image_group
from geomdl.models.core.config import ImageShape, ScalableConfig
from geomdl.representations import FieldType

HALVINGS = ("blur", "stride")


@dataclasses.dataclass(frozen=True)
class OffGridConfig(ScalableConfig):
    """A network made for rotations that do not map the pixel grid to itself: f(ρ(g) x) ≈ f(x), exact at quarter turns.

    Wide kernels and blurring before the subsampling keep aliasing low, and the last convolution maps to invariant
    channels (the maximum over a regular field would pick out its errors). Regular fields for a finite group;
    band-limited ones, with nonlinearities on sampled functions, for SO(2) and O(2).

    Args:
      group: ``"C8"``, ``"D8"``, ``"SO2"``, ``"O2"``, or another.
      halving: how the feature maps are halved after the first convolution. ``"blur"``: a binomial filter of four taps,
        whose grid is centred on even sizes, so that quarter turns stay exact. ``"stride"``: the second convolution has
        stride 2; its grid is not centred on even sizes, which breaks every rotation there, quarter turns too. It is
        kept to show that.

    Raises:
      ValueError: for another halving; at `build`, for images that are not square with even sides.

    >>> import jax
    >>> model = OffGridConfig(group="C8", width=1).build((12, 12, 1), 10, rngs=nnx.Rngs(0))
    >>> jax.jit(model)(jax.numpy.ones((3, 12, 12, 1))).shape
    (3, 10)
    """

    group: str = "C8"
    halving: Literal["blur", "stride"] = "blur"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.halving not in HALVINGS:
            raise unknown("model.halving", self.halving, HALVINGS)
        image_group(self.group)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolutions 7, 5, 5, halved after the first; invariant channels; mean; dense."""
        points = image_group(self.group)
        if image_shape[0] % 2 or image_shape[0] != image_shape[1]:
            raise invalid("image size", f"{image_shape[0]}x{image_shape[1]}", "square, even")
        kind = "regular" if points.is_finite else "band_limited(2)"
        blurred = self.halving == "blur"

        def fields(number: int) -> FieldType:
            return FieldType(points, f"{number} {kind}")

        def activated(in_type: FieldType) -> list[Layer]:
            act = Pointwise(in_type, "elu") if points.is_finite else FourierPointwise(in_type, "elu", samples=16)
            return [BatchNorm(in_type), act]

        image = FieldType(points, f"{image_shape[2]} trivial")
        first, second = fields(self.fields(1)), fields(self.fields(2))
        third = FieldType(points, f"{self.fields(8 if points.is_finite else 6)} trivial")
        return [
            Conv(image, first, 7, padding="same", basis="steerable", use_bias=False, rngs=rngs),
            *activated(first),
            *([BlurPool(first, 4, padding=1)] if blurred else []),
            Conv(
                first,
                second,
                5,
                stride=1 if blurred else 2,
                remainder="error" if blurred else "drop",
                padding="same",
                basis="steerable",
                use_bias=False,
                rngs=rngs,
            ),
            *activated(second),
            Conv(second, third, 5, padding="same", basis="steerable", use_bias=False, rngs=rngs),
            BatchNorm(third),
            Pointwise(third, "elu"),
            GlobalPool(third),
            Dense(third, FieldType(points, f"{num_classes} trivial"), rngs=rngs),
        ]
