"""U-Nets that commute with a group of the plane or of space."""

import dataclasses

from flax import nnx

from geomdl.errors import invalid
from geomdl.groups import group
from geomdl.layers import Conv, Layer, ReducedSize, Sequential
from geomdl.layers.resampling.reduced_size import Halving
from geomdl.models.core.blocks import scalars
from geomdl.models.core.config import ImageShape
from geomdl.models.core.sizes import require_square
from geomdl.models.segmentation.encoder_decoder import EncoderDecoderConfig, require_halving
from geomdl.models.segmentation.unet_skeleton import unet_skeleton
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class GroupUNetConfig(EncoderDecoderConfig):
    """A U-Net that commutes with a point group: turned images give turned label maps, f(ρ(g) x) = ρ(g) f(x).

    It is one of images for groups of the plane, and one of volumes for groups of space.

    Lifting convolution, group convolutions and skips; `geomdl.layers.ReducedSize` leads to the level below and back, at
    even and at odd sizes, without moving anything; the last layer maps to invariant outputs. Exact on the pixel grid
    for subgroups of D4 and of Oh at every size that the group maps to itself (sides are equal along axes that it
    exchanges), also at other sizes than those it was built for. Other rotations hold approximately. ``width`` counts
    the fields of the first convolution.

    An invariant linear map takes the mean of a field's channels and nothing else, so that n fields give the last layer
    n numbers. Large groups have few fields: of O with 12,000 parameters there is one, and from one number no scores
    of several classes can be made. One convolution more then maps the fields to scalars, each of which has a kernel for
    every channel of a field, before the last layer does.

    Args:
      group: of the plane: ``"C4"``, ``"D4"``, ``"C8"``, ``"SO2"``, …; or of space: ``"O"``, ``"Oh"``, ``"SO3"``, ….
      halving: ``"max"``, ``"average"`` or ``"blur"``; None for ``"max"`` with subgroups of D4 and Oh and ``"blur"``,
        which aliases less, with others.
      scalars: how many scalars that convolution gives, 0 for none of it; None for three for each output where the first
        level has fewer fields than there are outputs, and none elsewhere.

    Raises:
      ValueError: for a value out of range; at `build`, for sides that differ along axes that the group exchanges, or
        a group that does not move such images.

    References:
      Linmans, Winkens, Veeling, Cohen & Welling, Sample efficient semantic segmentation using rotation equivariant
      convolutional networks, 2018.

    >>> import jax
    >>> import jax.numpy as jnp
    >>> model = jax.jit(GroupUNetConfig(group="C4", width=1, depth=1).build((7, 7, 1), 2, rngs=nnx.Rngs(0)))
    >>> x = jnp.arange(49.0).reshape(1, 7, 7, 1)
    >>> bool(jnp.allclose(model(jnp.rot90(x, axes=(1, 2))), jnp.rot90(model(x), axes=(1, 2)), atol=1e-4))
    True
    """

    spaces = ("plane", "volume")
    width: float = 8
    group: str = "C4"
    halving: Halving | None = None
    scalars: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_halving(self.halving)
        if self.scalars is not None and self.scalars < 0:
            raise invalid("model.scalars", self.scalars, "a number of channels, 0 for none, or None for the usual", 12)
        group(self.group)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Two convolutions per level, around the level below at half the size."""
        image = scalars(self.group, image_shape)
        require_square(image_shape[:-1], image.group)
        halving = self.halving or ("max" if image.space.permutes_grid(image.group) else "blur")

        def path(below: list[Layer], level: int) -> Layer:
            half = ReducedSize(Sequential(below), halving, circular=self.padding_mode == "circular")
            return Sequential([half, *self.convolution(half.out_type, self.level(image, level), rngs)])

        layers = unet_skeleton(image, self.depth, lambda t, level: self.block(t, level, rngs), path)
        count = self._scalars(image, num_classes)
        if count:
            layers += self.convolution(layers[-1].out_type, image.with_fields(f"{count} trivial"), rngs)
        return [*layers, Conv(layers[-1].out_type, image.with_fields(f"{num_classes} trivial"), 1, rngs=rngs)]

    def _scalars(self, image: FieldType, outputs: int) -> int:
        if self.scalars is not None:
            return self.scalars
        return 3 * outputs if image.group.order > 1 and self.fields() < outputs else 0
