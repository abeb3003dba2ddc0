"""Parts of the segmentation networks: feature fields of each level, convolutions, checks of sizes."""

import dataclasses
from typing import Literal, get_args

from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.groups import SpatialGroup
from geomdl.layers import BatchNorm, Conv, Dropout, Layer
from geomdl.layers.core.window import PaddingMode
from geomdl.layers.resampling.reduced_size import Halving
from geomdl.models.core.config import ImageShape
from geomdl.models.core.steerable import SteerableConfig, all_frequencies, nonlinear_layer
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class EncoderDecoderConfig(SteerableConfig):
    """The options of the U-Nets whose output has the size of the image, or of the volume.

    Args:
      depth: how often the image is halved; the fields double each time.
      kernel_size: odd.
      normalization: ``"batch"`` or ``"none"``.
      padding_mode: of the convolutions: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
    """

    width: float = 16
    depth: int = 3
    kernel_size: int | None = None
    normalization: str = "batch"
    padding_mode: PaddingMode = "zeros"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_depth(self.depth)
        if self.kernel_size is not None and (self.kernel_size < 1 or self.kernel_size % 2 == 0):
            raise invalid("model.kernel_size", self.kernel_size, "an odd number of pixels, or None for the usual", 3)
        if self.normalization not in ("batch", "none"):
            raise unknown("model.normalization", self.normalization, ["batch", "none"])
        if self.padding_mode not in get_args(PaddingMode):
            raise unknown("model.padding_mode", self.padding_mode, get_args(PaddingMode))

    def level(self, in_type: FieldType, level: int) -> FieldType:
        """The fields of a level, on the space of ``in_type``.

        Regular fields of a finite group, band-limited ones of SO(2) and O(2), irreps up to degree 1 of SO(3) and O(3).
        """
        points, count = in_type.group, self.fields(2**level)
        if isinstance(points, SpatialGroup) and not points.is_finite:
            return all_frequencies(points, 1, count, signs=False)
        kind = "trivial" if points.order == 1 else "regular" if points.is_finite else "band_limited(2)"
        return in_type.with_fields(f"{count} {kind}")

    def convolution(
        self, in_type: FieldType, out_type: FieldType, rngs: nnx.Rngs, *, stride: Literal[1, 2] = 1
    ) -> list[Layer]:
        """Convolution that keeps the size, or halves an even one with a centred grid; batch norm; nonlinearity."""
        points = out_type.group
        size = self.kernel_size or (3 if out_type.space.permutes_grid(points) else 5)
        permuted = points.is_finite or out_type.is_trivial
        kind = "pointwise" if permuted else "gated" if isinstance(points, SpatialGroup) else "fourier"
        nonlinear = nonlinear_layer(out_type, kind, self.activation)
        conv = Conv(
            in_type,
            nonlinear.in_type,
            size + stride - 1,
            stride=stride,
            padding=size // 2,
            padding_mode=self.padding_mode,
            use_bias=self.normalization == "none",
            rngs=rngs,
        )
        norm = [BatchNorm(conv.out_type)] if self.normalization == "batch" else []
        return [conv, *norm, nonlinear]

    def block(self, in_type: FieldType, level: int, rngs: nnx.Rngs) -> list[Layer]:
        """The two convolutions of a level."""
        out = self.level(in_type, level)
        layers = [*self.convolution(in_type, out, rngs), *self.convolution(out, out, rngs)]
        return [*layers, *dropout(out, self.dropout if level == self.depth else 0.0)]


def dropout(in_type: FieldType, rate: float) -> list[Layer]:
    """Dropout of whole fields, or nothing."""
    return [Dropout(in_type, rate)] if rate else []


def require_depth(depth: int) -> None:
    """Raises a ValueError unless there is something below the first level."""
    if depth < 1:
        raise invalid("model.depth", depth, "a positive number of halvings", 3)


def require_halving(halving: str | None) -> None:
    """Raises a ValueError for a halving that there is not."""
    if halving is not None and halving not in get_args(Halving):
        raise unknown("model.halving", halving, get_args(Halving))


def require_multiple(image_shape: ImageShape, multiple: int, model: str) -> None:
    """Raises a ValueError, with the nearest size, for images that do not divide by the total stride."""
    height, width = image_shape[:2]
    if height % multiple or width % multiple:
        near = "x".join(str(max(1, round(n / multiple)) * multiple) for n in (height, width))
        raise invalid(f"image size for {model}", f"{height}x{width}", f"multiples of the total stride {multiple}", near)
