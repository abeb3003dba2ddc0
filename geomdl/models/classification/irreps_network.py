"""Networks whose feature fields are irreps: for all rotations of the plane or of space, or of a finite group."""

import dataclasses
from typing import Literal

from flax import nnx

from geomdl.errors import invalid
from geomdl.groups import BaseSpace, group
from geomdl.kernels import kernel_space
from geomdl.layers import Layer
from geomdl.layers.core.window import Window
from geomdl.models.core.blocks import downsample, scalars
from geomdl.models.core.config import ImageShape
from geomdl.models.core.sizes import require_square
from geomdl.models.core.steerable import (
    Nonlinearity,
    SteerableConfig,
    all_frequencies,
    convolution_block,
    invariant_head,
)
from geomdl.representations import FieldType, Representation


@dataclasses.dataclass(frozen=True)
class IrrepsNetworkConfig(SteerableConfig):
    """A network of steerable kernels between irreps, invariant to SO(3) or O(3), SO(2) or O(2), or a finite group.

    Convolutions to irreps up to a degree (the last one to scalars), each with batch norm and a nonlinearity

      gated: y = σ(s) f with scalars s;   norm: y = η(‖f‖) f/‖f‖;

    binomial blurring halves images, or volumes, after each but the last; mean over what is left; dense. Kernels of
    volumes are spherical harmonics on Gaussian shells, those of images circular harmonics on rings. Exact for the
    elements that map the grid to itself, the 24 turns of a cube among the rotations of space, at even and odd sizes;
    others are kept up to the error of sampling. ``width`` counts the copies of every irrep in the first convolution;
    there are twice as many in the others.

    Args:
      group: ``"SO3"`` or ``"O3"`` for volumes, ``"SO2"`` or ``"O2"`` for images, or a finite group of either.
      max_degree: of the irreps: l of SO(3) and O(3), and of what they are restricted to finite groups of space;
        frequencies of SO(2) and O(2).
      nonlinearity: ``"gated"`` or ``"norm"``.
      depth: convolutions.
      kernel_size: odd.
      padding: ``"same"`` or ``"valid"``.

    Raises:
      ValueError: for a value out of range; at `build`, for sides that differ along axes that the group exchanges, or a
        group that does not move such images.

    References:
      Weiler, Geiger, Welling, Boomsma & Cohen, 3D steerable CNNs, NeurIPS 2018; Cesa, Lang & Weiler, ICLR 2022.

    >>> config = IrrepsNetworkConfig(width=1, max_degree=1, depth=2, kernel_size=3)
    >>> model = config.build((6, 6, 6, 1), 3, rngs=nnx.Rngs(0))
    >>> model.layers[2].out_type, model.contract.points.at((6, 6, 6))
    (FieldType(SO3, "1 irrep(0) + 1 irrep(1)"), 'exact')
    """

    spaces = ("plane", "volume")
    width: float = 4
    activation: str = "elu"
    group: str = "SO3"
    max_degree: int = 2
    nonlinearity: Nonlinearity = "gated"
    depth: int = 3
    kernel_size: int = 5
    padding: Literal["same", "valid"] = "same"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_degree < 1:
            raise invalid("model.max_degree", self.max_degree, "a positive degree", 2)
        if self.nonlinearity not in ("gated", "norm"):
            raise invalid("model.nonlinearity", self.nonlinearity, "gated or norm: irreps mix", "gated")
        if self.depth < 1:
            raise invalid("model.depth", self.depth, "a positive number of convolutions", 3)
        if self.kernel_size < 3 or self.kernel_size % 2 == 0:
            raise invalid("model.kernel_size", self.kernel_size, "an odd number of pixels, at least 3", 5)
        if self.padding not in ("same", "valid"):
            raise invalid("model.padding", self.padding, "same or valid", "same")
        group(self.group)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolutions with blurring between them, scalars, mean, dense."""
        current, size = scalars(self.group, image_shape), image_shape[:-1]
        require_square(size, current.group)
        window = Window(self.kernel_size, 1, self.padding)
        layers: list[Layer] = []
        for i in range(self.depth):
            last = i == self.depth - 1
            fields = (
                current.with_fields(f"{self.fields(8)} trivial") if last else self._fields(current, 1 if i == 0 else 2)
            )
            layers += convolution_block(
                current,
                fields,
                self.kernel_size,
                padding=self.padding,
                nonlinearity="pointwise" if last else self.nonlinearity,
                activation=self.activation,
                basis="steerable",
                rngs=rngs,
            )
            current, size = fields, window.output_size(size)
            half = None if last else downsample("blur", fields, size)
            if half is not None:
                layers.append(half)
                size = half.contract.output_size(size)
        return layers + invariant_head(
            current, (), num_classes, activation=self.activation, dropout=self.dropout, reduce="mean", rngs=rngs
        )

    def _fields(self, current: FieldType, multiplier: float) -> FieldType:
        """Every irrep that some kernel maps what there is to: scalars of odd parity come after two convolutions."""
        wanted = all_frequencies(current.group, self.max_degree, self.fields(multiplier))
        reached = [
            (b.multiplicity, b.representation)
            for b in wanted.blocks
            if any(self._kernels(a.representation, b.representation, current.space) for a in current.blocks)
        ]
        return current.with_fields(reached)

    def _kernels(self, before: Representation, after: Representation, space: BaseSpace) -> int:
        return kernel_space(before, after, self.kernel_size, "steerable", space).dimension
