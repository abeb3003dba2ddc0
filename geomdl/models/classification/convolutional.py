"""Convolutional networks: standard, translation-invariant, group-equivariant."""

import dataclasses

from flax import nnx

from geomdl.equivariance.contracts.contract import Size
from geomdl.errors import invalid, unknown
from geomdl.groups import group
from geomdl.layers import BlurPool, Flatten, GlobalPool, GroupPool, Layer
from geomdl.layers.core.window import Padding, PaddingMode, Window
from geomdl.models.core.blocks import (
    NORMALIZATIONS,
    check_choices,
    classifier,
    convolution,
    downsample,
    require_grid_group,
    scalars,
    spatial_activation,
)
from geomdl.models.core.config import ImageShape, ScalableConfig
from geomdl.models.core.sizes import Halvings, require_mirror, require_room, require_square
from geomdl.representations import FieldType, Representation, regular, trivial


@dataclasses.dataclass(frozen=True)
class ConvolutionalConfig(ScalableConfig):
    """The options that all convolutional networks have.

    Args:
      depth: convolutions. Each but the last is followed by a downsampling, and the number of fields doubles once, after
        the first.
      kernel_size: odd.
      dilation_growth: convolution number i = 0, 1, … is dilated by ``dilation_growth ** i``, which widens what it sees
        without subsampling.
      normalization: ``"batch"``, ``"layer"``, ``"group"`` (all fields and pixels of an image) or ``"none"``.
      hidden: units of the dense layer before the class scores, or 0.
    """

    spaces = ("plane", "volume")
    depth: int = 3
    kernel_size: int = 5
    dilation_growth: int = 1
    normalization: str = "batch"
    hidden: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth < 1:
            raise invalid("model.depth", self.depth, "a positive number of convolutions", 3)
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise invalid(
                "model.kernel_size", self.kernel_size, "an odd number of pixels", max(self.kernel_size + 1, 1)
            )
        if self.dilation_growth < 1:
            raise invalid("model.dilation_growth", self.dilation_growth, "1 (no dilation) or more", 2)
        if self.normalization not in NORMALIZATIONS:
            raise unknown("model.normalization", self.normalization, NORMALIZATIONS)

    def body(
        self,
        image_shape: ImageShape,
        representation: Representation,
        *,
        padding: Padding = "same",
        padding_mode: PaddingMode,
        downsampling: str,
        rngs: nnx.Rngs,
    ) -> tuple[list[Layer], Size]:
        """The convolutions, and the size of the feature maps after them.

        Raises:
          ValueError: when the images are smaller than the kernel, too small for the padding or the halvings, or have
            sides that cannot all be halved exactly.
        """
        current = scalars(representation.group, image_shape)
        images = size = image_shape[:-1]
        if self.kernel_size > min(size):
            raise invalid("model.kernel_size", self.kernel_size, f"at most the image, {_by(size)} pixels", 3)
        windows = [Window(self.kernel_size, 1, padding, self.dilation_growth**i) for i in range(self.depth)]
        Halvings(windows, downsampling).require(size, self.kernel_size)
        layers: list[Layer] = []
        for i, window in enumerate(windows):
            last, strided = i == self.depth - 1, downsampling == "stride" and i < self.depth - 1
            if padding == "valid":
                require_room(window.isotropic.extent, size, images)
            require_mirror(padding_mode, window.isotropic.padding, size, images)
            layers += convolution(
                current,
                representation,
                self.fields(1 if i == 0 else 2),
                self.kernel_size,
                padding=padding,
                padding_mode=padding_mode,
                stride=2 if strided else 1,
                dilation=window.isotropic.dilation,
                norm=self.normalization,
                activation=spatial_activation(downsampling, self.activation),
                rngs=rngs,
            )
            current = layers[-1].out_type
            size = (dataclasses.replace(window, stride=2, remainder="drop") if strided else window).output_size(size)
            if last or strided or downsampling == "none":
                continue
            if min(size) == 1 != max(size):
                least = f"at most {i + 1}: after {i} halvings a side of {_by(images)} images is one pixel"
                raise invalid("model.depth", self.depth, least, i + 1)
            down = downsample(downsampling, current, size, padding_mode, rngs)
            if isinstance(down, BlurPool):
                require_mirror(padding_mode, max(a.padding for a in down.window.along(len(size))), size, images)
            if down is not None:
                layers.append(down)
                size = down.contract.output_size(size)
        return layers, size

    def dense(self, in_type: FieldType, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Dense layers to the class scores."""
        return classifier(
            in_type, self.hidden, num_classes, activation=self.activation, dropout=self.dropout, rngs=rngs
        )


@dataclasses.dataclass(frozen=True)
class CNNConfig(ConvolutionalConfig):
    """The textbook CNN: zero-padded convolutions, pooling, and a dense layer that sees the positions.

    Its convolutions commute with translations inside the image, but padding, pooling and the flattened head do not: it
    is invariant to nothing. ``width`` counts the channels of the first convolution.

    Args:
      padding: ``"valid"``, ``"same"`` or ``"full"``, of the convolutions.
      padding_mode: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      downsampling: a name that `geomdl.models.core.blocks.downsample` lists.
      head: ``"flatten"``: the dense layer sees every pixel of the last feature maps; ``"mean"``: their mean over all
        pixels.

    References:
      LeCun et al., Gradient-based learning applied to document recognition, 1998.

    >>> CNNConfig(width=4).build((28, 28, 1), 10, rngs=nnx.Rngs(0)).out_type.size
    10
    """

    padding: str = "same"
    padding_mode: PaddingMode = "zeros"
    downsampling: str = "max"
    head: str = "flatten"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choices(self.normalization, self.padding, self.padding_mode, self.downsampling, self.activation)
        if self.head not in ("flatten", "mean"):
            raise unknown("model.head", self.head, ["flatten", "mean"])

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolutions, flatten or mean, dense."""
        layers, size = self.body(
            image_shape,
            trivial(group("C1")),
            padding=self.padding,  # type: ignore[arg-type]
            padding_mode=self.padding_mode,
            downsampling=self.downsampling,
            rngs=rngs,
        )
        features = layers[-1].out_type
        layers.append(Flatten(features, size) if self.head == "flatten" else GlobalPool(features))
        return layers + self.dense(layers[-1].out_type, num_classes, rngs)


@dataclasses.dataclass(frozen=True)
class TranslationInvariantConfig(ConvolutionalConfig):
    """A CNN exactly invariant to circular shifts of any size: f(T x) = f(x).

    Circular padding, no subsampling (the receptive field grows by dilation 1, 2, 4, … instead), and a mean over all
    pixels. ``width`` counts the channels of the first convolution.
    """

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Circular convolutions, global mean, dense."""
        layers, _ = self.body(
            image_shape,
            trivial(group("C1")),
            padding_mode="circular",
            downsampling="none",
            rngs=rngs,
        )
        layers.append(GlobalPool(layers[-1].out_type))
        return layers + self.dense(layers[-1].out_type, num_classes, rngs)


@dataclasses.dataclass(frozen=True)
class GCNNConfig(ConvolutionalConfig):
    """A group-equivariant CNN, invariant to the elements of its point group: f(ρ(g) x) = f(x).

    Lifting convolution, regular group convolutions with pooling that keeps the grid centred, mean over all pixels,
    group pooling, dense. Exact on the grid for subgroups of D4 and of Oh, borders included, for images and volumes of
    any size that the group maps to itself: sides are equal along axes that it exchanges. ``width`` counts the regular
    fields of the first convolution (channels are |G| times as many). With ``padding_mode="circular"`` and
    ``downsampling="none"`` it is also exactly invariant to circular shifts, i.e. to p4 or p4m on the torus.

    Args:
      group: ``"C1"``, ``"C2"``, ``"C4"``, ``"D1"``, ``"D2"`` or ``"D4"``; of volumes a subgroup of ``"Oh"``.
      padding: ``"valid"``, ``"same"`` or ``"full"``, of the convolutions.
      padding_mode: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      downsampling: a name that `geomdl.models.core.blocks.downsample` lists; there it says at which sizes it is exact.

    Raises:
      ValueError: for a group that does not map the pixel grid to itself; at `build`, for sides that differ along
        axes that the group exchanges, or that cannot be halved as the downsampling does it.

    References:
      Cohen & Welling, Group equivariant convolutional networks, ICML 2016.

    >>> import jax.numpy as jnp
    >>> model = GCNNConfig(group="D4", width=2).build((12, 12, 1), 10, rngs=nnx.Rngs(0))
    >>> model(jnp.ones((3, 12, 12, 1))).shape
    (3, 10)
    """

    width: float = 8
    group: str = "C4"
    padding: str = "same"
    padding_mode: PaddingMode = "zeros"
    downsampling: str = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choices(self.normalization, self.padding, self.padding_mode, self.downsampling, self.activation)
        require_grid_group(self.group)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Lifting and group convolutions, global mean, group pooling, dense."""
        point_group = group(self.group)
        scalars(self.group, image_shape)  # raises
        require_square(image_shape[:-1], point_group)
        layers, _ = self.body(
            image_shape,
            regular(point_group),
            padding=self.padding,  # type: ignore[arg-type]
            padding_mode=self.padding_mode,
            downsampling=self.downsampling,
            rngs=rngs,
        )
        layers.append(GlobalPool(layers[-1].out_type))
        layers.append(GroupPool(layers[-1].out_type))
        return layers + self.dense(layers[-1].out_type, num_classes, rngs)


def _by(size: Size) -> str:
    return "x".join(map(str, size))
