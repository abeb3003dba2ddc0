"""U-Nets that commute with a group of the plane."""

import dataclasses

from flax import nnx

from geomdl.groups import D, group
from geomdl.layers import Conv, Layer, ReducedSize, Sequential
from geomdl.layers.resampling.reduced_size import Halving
from geomdl.models.core.config import ImageShape
from geomdl.models.segmentation.encoder_decoder import EncoderDecoderConfig, require_halving, require_square
from geomdl.models.segmentation.unet_skeleton import unet_skeleton
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class GroupUNetConfig(EncoderDecoderConfig):
    """A U-Net that commutes with a point group: turned images give turned label maps, f(ρ(g) x) = ρ(g) f(x).

    Lifting convolution, group convolutions and skips; `geomdl.layers.ReducedSize` leads to the level below and back, at
    even and at odd sizes, without moving anything; the last layer maps to invariant outputs. Exact on the pixel grid
    for subgroups of D4 at every size (square, where the group has quarter turns), also at other sizes than those it was
    built for. Other rotations hold approximately. ``width`` counts the fields of the first convolution.

    Args:
      group: of the plane: ``"C4"``, ``"D4"``, ``"C8"``, ``"SO2"``, ….
      halving: ``"max"``, ``"average"`` or ``"blur"``; None for ``"max"`` with subgroups of D4 and ``"blur"``, which
        aliases less, with others.

    Raises:
      ValueError: for a value out of range; at `build`, for oblong images and quarter turns.

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

    width: float = 8
    group: str = "C4"
    halving: Halving | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_halving(self.halving)
        group(self.group)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Two convolutions per level, around the level below at half the size."""
        points = group(self.group)
        require_square(image_shape, points)
        halving = self.halving or ("max" if D(4).contains_group(points) else "blur")

        def path(below: list[Layer], level: int) -> Layer:
            half = ReducedSize(Sequential(below), halving, circular=self.padding_mode == "circular")
            return Sequential([half, *self.convolution(half.out_type, self.level(points, level), rngs)])

        image, outputs = (FieldType(points, f"{n} trivial") for n in (image_shape[2], num_classes))
        layers = unet_skeleton(image, self.depth, lambda t, level: self.block(t, level, rngs), path)
        return [*layers, Conv(layers[-1].out_type, outputs, 1, rngs=rngs)]
