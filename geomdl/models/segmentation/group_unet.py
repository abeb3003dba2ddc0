"""U-Nets that commute with a group of the plane."""

import dataclasses

from flax import nnx

from geomdl.groups import group
from geomdl.layers import Conv, Layer, ReducedSize, Sequential
from geomdl.layers.resampling.reduced_size import Halving
from geomdl.models.core.blocks import scalars
from geomdl.models.core.config import ImageShape
from geomdl.models.core.sizes import require_square
from geomdl.models.segmentation.encoder_decoder import EncoderDecoderConfig, require_halving
from geomdl.models.segmentation.unet_skeleton import unet_skeleton


@dataclasses.dataclass(frozen=True)
class GroupUNetConfig(EncoderDecoderConfig):
    """A U-Net that commutes with a point group: turned images give turned label maps, f(ρ(g) x) = ρ(g) f(x).

    It is one of images for groups of the plane, and one of volumes for groups of space.

    Lifting convolution, group convolutions and skips; `geomdl.layers.ReducedSize` leads to the level below and back, at
    even and at odd sizes, without moving anything; the last layer maps to invariant outputs. Exact on the pixel grid
    for subgroups of D4 and of Oh at every size (square or cubic, where the group exchanges axes), also at other sizes
    than those it was built for. Other rotations hold approximately. ``width`` counts the fields of the first
    convolution.

    Args:
      group: of the plane: ``"C4"``, ``"D4"``, ``"C8"``, ``"SO2"``, …; or of space: ``"O"``, ``"Oh"``, ``"SO3"``, ….
      halving: ``"max"``, ``"average"`` or ``"blur"``; None for ``"max"`` with subgroups of D4 and Oh and ``"blur"``,
        which aliases less, with others.

    Raises:
      ValueError: for a value out of range; at `build`, for oblong images and quarter turns, or a group that does not
        move such images.

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

    def __post_init__(self) -> None:
        super().__post_init__()
        require_halving(self.halving)
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
        return [*layers, Conv(layers[-1].out_type, image.with_fields(f"{num_classes} trivial"), 1, rngs=rngs)]
