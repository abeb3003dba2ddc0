"""A small residual network for any group of the pixel grid, with any of the downsamplings."""

import dataclasses

from flax import nnx

from geomdl.errors import invalid
from geomdl.groups import group
from geomdl.layers import (
    Conv,
    Dense,
    Dropout,
    GlobalPool,
    GroupPool,
    Layer,
    Residual,
    Sequential,
)
from geomdl.layers.core.window import PaddingMode, Window
from geomdl.models.core.blocks import (
    activate,
    check_choices,
    downsample,
    image_group,
    normalise,
    require_grid_group,
    spatial_activation,
)
from geomdl.models.core.config import ImageShape, ScalableConfig
from geomdl.models.core.sizes import Halvings, require_mirror, require_square
from geomdl.representations import FieldType, regular


@dataclasses.dataclass(frozen=True)
class ResNetConfig(ScalableConfig):
    """A residual network like those for CIFAR, invariant to the elements of its point group: f(ρ(g) x) = f(x).

    A 3 × 3 convolution to ``width`` fields; stages of pre-activation blocks x + conv(act(norm(conv(act(norm(x)))))),
    each stage with twice the fields of the last, on half the pixels; norm, nonlinearity, mean over all pixels, group
    pooling, dense. Between two stages stands norm, nonlinearity, a 3 × 3 convolution, and the downsampling.

    The downsampling stands outside of the residual sums, so every sum is of two images on the same pixels: body and
    shortcut cannot choose different polyphase components. It departs from the paper in that, where a stage begins with
    a strided block that has a projection in its shortcut. With circular padding and ``"aps"``, ``"lps"`` or
    ``"alias_free"`` it is exactly invariant to circular shifts by whole pixels, and with ``"alias_free"`` nearly to
    those by fractions of a pixel.

    Args:
      width: fields of the first stage; of the regular representation, so channels are |G| times as many.
      group: ``"C1"`` (an ordinary network), ``"C2"``, ``"C4"``, ``"D1"``, ``"D2"`` or ``"D4"``.
      stages: how many; images are halved one time less.
      blocks: residual blocks in each stage.
      padding_mode: of the convolutions: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      downsampling: a name that `geomdl.models.core.blocks.downsample` lists.
      normalization: ``"batch"``, ``"layer"``, ``"group"`` (all fields and pixels of an image) or ``"none"``. None:
        ``"batch"``, or ``"group"`` with ``"alias_free"``, whose polynomials would make residual sums grow without bound
        where the statistics of a batch do not fit the image.
      activation: a name in `geomdl.layers.core.functional.ACTIVATIONS`; with ``"alias_free"`` left at its default.

    Raises:
      ValueError: for a group that does not map the pixel grid to itself; at `build`, for images that cannot be halved
        as the downsampling needs it, or are not square for quarter turns.

    References:
      He, Zhang, Ren & Sun, Identity mappings in deep residual networks, ECCV 2016. Cohen & Welling, Group equivariant
      convolutional networks, ICML 2016.

    >>> import jax
    >>> model = ResNetConfig(group="C4", width=2, blocks=1).build((12, 12, 3), 10, rngs=nnx.Rngs(0))
    >>> jax.jit(model)(jax.numpy.ones((2, 12, 12, 3))).shape
    (2, 10)
    """

    width: float = 16
    group: str = "C1"
    stages: int = 3
    blocks: int = 1
    padding_mode: PaddingMode = "zeros"
    downsampling: str = "average"
    normalization: str | None = None

    @property
    def norm(self) -> str:
        """The normalisation, chosen where none was given."""
        return self.normalization or ("group" if self.downsampling == "alias_free" else "batch")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("stages", "blocks"):
            if getattr(self, name) < 1:
                raise invalid(f"model.{name}", getattr(self, name), "a positive whole number", 3)
        if self.activation == "maxout":
            raise invalid(
                "model.activation", "maxout", "one that keeps the number of fields in a residual block", "relu"
            )
        check_choices(self.norm, "same", self.padding_mode, self.downsampling, self.activation)
        image_group(self.group)
        require_grid_group(self.group)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolution, stages of residual blocks, mean, group pooling, dense."""
        point_group, images = group(self.group), image_shape[:2]
        require_square(images, point_group)
        Halvings([Window(3, padding="same")] * self.stages, self.downsampling).require(images, 3)
        size = images
        current = self._fields(0)
        layers: list[Layer] = [self._conv(FieldType(point_group, f"{image_shape[2]} trivial"), current, rngs)]
        for stage in range(self.stages):
            require_mirror(self.padding_mode, 1, size, images)
            if stage > 0:
                wide = self._fields(stage)
                strided = self.downsampling == "stride"
                layers += [*self._before(current), self._conv(current, wide, rngs, stride=2 if strided else 1)]
                down = None if strided else downsample(self.downsampling, wide, size, self.padding_mode, rngs)
                if down is not None:
                    layers.append(down)
                height, width = layers[-1].contract.output_size(size)
                size, current = (height, width), wide
            for _ in range(self.blocks):
                body = [*self._before(current), self._conv(current, current, rngs)]
                body += [*self._before(current), self._conv(current, current, rngs)]
                layers.append(Residual(Sequential(body)))
        layers += [*self._before(current), GlobalPool(current), GroupPool(current)]
        features = layers[-1].out_type
        dropout = [Dropout(features, self.dropout)] if self.dropout else []
        return [*layers, *dropout, Dense(features, FieldType(point_group, f"{num_classes} trivial"), rngs=rngs)]

    def _fields(self, stage: int) -> FieldType:
        return FieldType(group(self.group), [(self.fields(2**stage), regular(group(self.group)))])

    def _before(self, in_type: FieldType) -> list[Layer]:
        """Normalisation and nonlinearity."""
        return [
            *normalise(in_type, self.norm),
            activate(in_type, spatial_activation(self.downsampling, self.activation)),
        ]

    def _conv(self, in_type: FieldType, out_type: FieldType, rngs: nnx.Rngs, *, stride: int = 1) -> Conv:
        return Conv(
            in_type,
            out_type,
            3,
            stride=stride,
            padding="same",
            padding_mode=self.padding_mode,
            remainder="error" if stride == 1 else "drop",
            use_bias=False,
            rngs=rngs,
        )
