"""The dense algorithm: the kernel is expanded, then convolved as any other."""

import math
from collections.abc import Mapping

import jax

from geomdl.equivariance.contracts.contract import Size
from geomdl.layers.convolution.algorithms.algorithm import Algorithm, Convolution
from geomdl.layers.core.correlation import correlate


class DenseKernel(Algorithm):
    """Expands the kernel; then it is XLA's convolution, or a product of matrices where there is no window."""

    name = "dense"

    def obstacle(self, convolution: Convolution) -> None:
        """None: it computes every convolution."""
        return None

    def multiply_adds(self, convolution: Convolution, size: Size) -> int:
        """Output pixels · k² · input channels · output channels / groups."""
        window = convolution.window
        pixels = math.prod(size) if window is None else math.prod(window.output_size(size)) * window.taps(len(size))
        return pixels * convolution.in_type.size * convolution.out_type.size // convolution.groups

    def expected_cost(self, convolution: Convolution, size: Size) -> float:
        """Its own MACs, less 5 %: another algorithm must save more than that."""
        return 0.95 * self.multiply_adds(convolution, size)

    def apply(self, convolution: Convolution, prepared: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
        """Convolves with the kernel."""
        kernel, window = prepared["kernel"].astype(x.dtype), convolution.window
        if window is None:
            return x @ kernel
        return correlate(
            x,
            kernel,
            stride=window.stride,
            padding=window.pixels_of_padding,
            padding_mode=window.padding_mode,
            dilation=window.dilation,
            remainder=window.remainder,
            groups=convolution.groups,
        )

    def scaled(self, prepared: Mapping[str, jax.Array], scale: jax.Array) -> dict[str, jax.Array]:
        """The kernel, its output channels scaled."""
        return {"kernel": prepared["kernel"] * scale}
