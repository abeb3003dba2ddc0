"""Convolutional networks: standard, translation-invariant, group-equivariant."""

import dataclasses
from typing import get_args

from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.groups import D, PlanarGroup, group, require_planar
from geomdl.layers import Flatten, GlobalPool, GroupPool, Layer
from geomdl.layers.window import PaddingMode
from geomdl.models.blocks import DOWNSAMPLINGS, classifier, convolution, downsample
from geomdl.models.model_config import ImageShape, ScalableConfig
from geomdl.representations import FieldType, Representation, regular, trivial


@dataclasses.dataclass(frozen=True)
class ConvolutionalConfig(ScalableConfig):
    """What the convolutional networks share.

    Args:
      depth: convolutions. Each but the last is followed by a downsampling, and the number of fields doubles once, after
        the first.
      kernel_size: odd.
      dilation_growth: convolution number i = 0, 1, … is dilated by ``dilation_growth ** i``, which widens what it sees
        without subsampling.
      normalization: ``"batch"``, ``"layer"`` or ``"none"``.
      hidden: units of the dense layer before the class scores, or 0.
    """

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
        if self.normalization not in ("batch", "layer", "none"):
            raise unknown("model.normalization", self.normalization, ["batch", "layer", "none"])

    def body(
        self,
        image_shape: ImageShape,
        representation: Representation,
        *,
        padding_mode: PaddingMode,
        downsampling: str,
        rngs: nnx.Rngs,
    ) -> tuple[list[Layer], tuple[int, int]]:
        """The convolutions, and the size of the feature maps after them.

        Raises:
          ValueError: when the images are smaller than the kernel, too small for the padding or the halvings, or have
            sides that cannot all be halved exactly.
        """
        size = image_shape[:2]
        if self.kernel_size > min(size):
            raise invalid("model.kernel_size", self.kernel_size, f"at most the image, {size[0]}x{size[1]} pixels", 3)
        point_group = require_planar(representation.group, "a convolutional network")
        if downsampling != "none" and point_group.order != 1:
            self._require_exact_halves(size, point_group)
        current = FieldType(point_group, f"{image_shape[2]} trivial")
        layers: list[Layer] = []
        for i in range(self.depth):
            layers += convolution(
                current,
                representation,
                self.fields(1 if i == 0 else 2),
                self.kernel_size,
                padding_mode=padding_mode,
                dilation=self.dilation_growth**i,
                norm=self.normalization,
                activation=self.activation,
                rngs=rngs,
            )
            _require_mirror(padding_mode, self.dilation_growth**i * (self.kernel_size // 2), size, image_shape)
            if i < self.depth - 1:
                if downsampling != "none" and min(size) == 1 != max(size):
                    least = f"at most {i + 1}: after {i} halvings a side of {_by(image_shape)} images is one pixel"
                    raise invalid("model.depth", self.depth, least, i + 1)
                down = downsample(downsampling, layers[-1].out_type, size, padding_mode)
                if down is not None:
                    if downsampling == "blur":
                        _require_mirror(padding_mode, 1, size, image_shape)
                    layers.append(down)
                    height, width = down.contract.output_size(size)
                    size = (height, width)
            current = layers[-1].out_type
        return layers, size

    def _require_exact_halves(self, size: tuple[int, int], point_group: PlanarGroup) -> None:
        """Raises a ValueError unless the sides are both even or both odd at every downsampling.

        n → ⌈n/2⌉ maps n − 1 to ⌊(n − 1)/2⌋, so that the parities agree k times when the sides agree modulo 2^k.
        """
        height, width = size
        period = 2 ** (self.depth - 1)
        excess = (width - height) % period
        if excess:
            shorter, longer = width - excess, width + period - excess
            nearest = shorter if excess <= period // 2 and shorter >= self.kernel_size else longer
            allowed = f"sides that differ by a multiple of {period}, to be halved {self.depth - 1} times exactly"
            raise invalid(f"image size for group {point_group}", _by(size), allowed, f"{height}x{nearest}")

    def head(self, in_type: FieldType, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
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
      padding_mode: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      downsampling: ``"max"``, ``"average"``, ``"blur"`` or ``"none"``.

    References:
      LeCun et al., Gradient-based learning applied to document recognition, 1998.
    """

    padding_mode: PaddingMode = "zeros"
    downsampling: str = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_choices(self.padding_mode, self.downsampling)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolutions, flatten, dense."""
        layers, size = self.body(
            image_shape,
            trivial(group("C1")),
            padding_mode=self.padding_mode,
            downsampling=self.downsampling,
            rngs=rngs,
        )
        layers.append(Flatten(layers[-1].out_type, size))
        return layers + self.head(layers[-1].out_type, num_classes, rngs)


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
        return layers + self.head(layers[-1].out_type, num_classes, rngs)


@dataclasses.dataclass(frozen=True)
class GCNNConfig(ConvolutionalConfig):
    """A group-equivariant CNN, invariant to the elements of its point group: f(ρ(g) x) = f(x).

    Lifting convolution, regular group convolutions with pooling that keeps the grid centred, mean over all pixels,
    group pooling, dense. Exact on the pixel grid for subgroups of D4, borders included, for square images of any size.
    ``width`` counts the regular fields of the first convolution (channels are |G| times as many). With
    ``padding_mode="circular"`` and ``downsampling="none"`` it is also exactly invariant to circular shifts, i.e. to p4
    or p4m on the torus.

    Args:
      group: ``"C1"``, ``"C2"``, ``"C4"``, ``"D1"``, ``"D2"`` or ``"D4"``.
      padding_mode: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      downsampling: ``"max"``, ``"average"``, ``"blur"`` or ``"none"``.

    Raises:
      ValueError: for a group that does not map the pixel grid to itself; at `build`, for non-square images and quarter
        turns, or sides that cannot be halved exactly (other groups than C1).

    References:
      Cohen & Welling, Group equivariant convolutional networks, ICML 2016.

    >>> import jax.numpy as jnp
    >>> model = GCNNConfig(group="D4", width=2).build((12, 12, 1), 10, rngs=nnx.Rngs(0))
    >>> model(jnp.ones((3, 12, 12, 1))).shape
    (3, 10)
    """

    width: float = 8
    group: str = "C4"
    padding_mode: PaddingMode = "zeros"
    downsampling: str = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_choices(self.padding_mode, self.downsampling)
        point_group = group(self.group)
        if not D(4).contains_group(point_group):
            nearest = "D4" if point_group.reflections else "C4"
            raise invalid("model.group", self.group, "C1, C2, C4, D1, D2, D4 (exact on the pixel grid)", repr(nearest))

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Lifting and group convolutions, global mean, group pooling, dense."""
        point_group = group(self.group)
        height, width = image_shape[:2]
        if height != width and point_group.swaps_axes:
            side = min(height, width)
            raise invalid(f"image size for group {point_group}", f"{height}x{width}", "square images", f"{side}x{side}")
        layers, _ = self.body(
            image_shape,
            regular(point_group),
            padding_mode=self.padding_mode,
            downsampling=self.downsampling,
            rngs=rngs,
        )
        layers.append(GlobalPool(layers[-1].out_type))
        layers.append(GroupPool(layers[-1].out_type))
        return layers + self.head(layers[-1].out_type, num_classes, rngs)


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]}"


def _require_mirror(padding_mode: str, pixels: int, size: tuple[int, int], image_shape: ImageShape) -> None:
    """Raises a ValueError when reflecting padding is deeper than a feature map."""
    if padding_mode == "reflect" and pixels >= min(size):
        raise invalid(
            "model.padding_mode",
            padding_mode,
            f"another one for {_by(image_shape)} images: their feature maps of {_by(size)} pixels are too small to be"
            f" mirrored {pixels} pixels deep",
            "'replicate' or larger images",
        )


def _check_choices(padding_mode: str, downsampling: str) -> None:
    if padding_mode not in get_args(PaddingMode):
        raise unknown("model.padding_mode", padding_mode, get_args(PaddingMode))
    if downsampling not in DOWNSAMPLINGS:
        raise unknown("model.downsampling", downsampling, DOWNSAMPLINGS)
