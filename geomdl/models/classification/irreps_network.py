"""Networks whose feature fields are irreps: for all rotations of the plane or of space, or of a finite group."""

import dataclasses

from flax import nnx

from geomdl.errors import invalid
from geomdl.groups import group
from geomdl.layers import Layer
from geomdl.layers.core.window import Window
from geomdl.models.core.blocks import downsample, scalars
from geomdl.models.core.config import ImageShape
from geomdl.models.core.sizes import Halvings, require_square
from geomdl.models.core.steerable import (
    Nonlinearity,
    SteerableConfig,
    all_frequencies,
    convolution_block,
    invariant_head,
    nonlinear_layer,
)
from geomdl.representations import FieldType


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
      ValueError: for a value out of range; at `build`, for volumes that are no cubes, sides that cannot be halved
        exactly, or a group that does not move such images.

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
    padding: str = "same"

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
        nonlinear_layer(self._fields(1, first=True), self.nonlinearity, self.activation)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Convolutions with blurring between them, scalars, mean, dense."""
        current, size = scalars(self.group, image_shape), image_shape[:-1]
        require_square(size, current.group)
        window = Window(self.kernel_size, 1, self.padding)
        Halvings([window] * self.depth, "blur").require(size, current.group, self.kernel_size)
        layers: list[Layer] = []
        for i in range(self.depth):
            last = i == self.depth - 1
            fields = self._fields(1 if i == 0 else 2, first=i == 0)
            if last:
                fields = current.with_fields(f"{self.fields(8)} trivial")
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
            if not last:
                layers.append(downsample("blur", fields, size))
                size = layers[-1].contract.output_size(size)
        return layers + invariant_head(
            current, (), num_classes, activation=self.activation, dropout=self.dropout, reduce="mean", rngs=rngs
        )

    def _fields(self, multiplier: float, *, first: bool) -> FieldType:
        return all_frequencies(group(self.group), self.max_degree, self.fields(multiplier), signs=not first)
