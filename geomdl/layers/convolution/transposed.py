"""Transposed convolutions."""

import math
from fractions import Fraction

import jax
from flax import nnx
from jax import lax

from geomdl.equivariance.contracts.contract import Contract, Promise, Size
from geomdl.equivariance.contracts.promise import OnCentredGrid, by_group
from geomdl.errors import invalid
from geomdl.kernels import Basis
from geomdl.layers.convolution.plain import plain_bias
from geomdl.layers.core.constants import Weight
from geomdl.layers.core.correlation import AXES
from geomdl.layers.core.gains import Gain
from geomdl.layers.core.layer import Field, Layer, Resampled
from geomdl.layers.core.weights import add_bias, expand, init_bias, init_weights, kernel_spaces
from geomdl.layers.core.window import Window
from geomdl.representations import FieldType


class TransposedConv(Layer):
    """Upsampling by a learnt equivariant kernel: zeros are put between the pixels, then the result is convolved.

      y(x) = Σ_z K(sz − x) f(z) + b,   out = (n − 1) · stride − 2 · padding + F.

    The grid of outputs is always centred on that of the inputs, so it is exact under the grid symmetries at every size.

    Args:
      in_type: what comes in.
      out_type: what goes out, of the same group.
      kernel_size: taps along each axis; 2 · padding + stride of them doubles (triples, …) an image exactly.
      stride: the factor.
      padding: pixels cut off each side of the full result.
      basis: see `Conv`.
      use_bias: see `Conv`.
      gain: see `Conv`.
      rngs: see `Conv`.

    Raises:
      ValueError: as `Conv`, and for more padding than the kernel reaches.

    >>> import jax.numpy as jnp
    >>> t = FieldType("C4", "2 regular")
    >>> up = TransposedConv(t, t, 4, stride=2, padding=1, rngs=nnx.Rngs(0))
    >>> up(jnp.ones((1, 5, 5, 8))).shape
    (1, 10, 10, 8)
    """

    def __init__(
        self,
        in_type: FieldType,
        out_type: FieldType,
        kernel_size: int,
        *,
        stride: int = 2,
        padding: int = 0,
        basis: Basis = "auto",
        use_bias: bool = True,
        gain: Gain = None,
        rngs: nnx.Rngs,
    ) -> None:
        base = in_type.require_base_space("TransposedConv")
        self.window = Window(kernel_size, stride, padding)
        if padding >= kernel_size:
            raise invalid("padding of TransposedConv", padding, f"at most kernel_size − 1 = {kernel_size - 1}", 0)
        self.in_type, self.out_type = in_type, out_type
        self.spaces = kernel_spaces(in_type, out_type, kernel_size, basis)
        self.kernel = init_weights(self.spaces, in_type, out_type, rngs, gain=gain, spread=stride**base.dimension)
        self.bias = init_bias(out_type) if use_bias else nnx.List([])

    @property
    def contract(self) -> Contract:
        """Exact under the grid symmetries at every size."""
        points = by_group(OnCentredGrid(self.in_type.space), self.out_type.group)
        shifts = Promise("none", why="the full result has a border")
        w = self.window.isotropic
        middle = Fraction(w.size - 1, 2)  # of the kernel, which is laid on s · z − padding
        return Contract(
            self.in_type,
            self.out_type,
            points,
            shifts,
            self.output_size,
            stride=Fraction(1, w.stride),
            reach=middle / w.stride,
            offset=(w.padding - middle) / w.stride,
        )

    def output_size(self, size: Size) -> Size:
        """(n − 1) · stride − 2 · padding + kernel_size along each axis."""
        w = self.window.isotropic
        return tuple((n - 1) * w.stride - 2 * w.padding + w.size for n in size)

    def multiply_adds(self, size: Size) -> int:
        """Input pixels · k² · input channels · output channels: the zeros are not multiplied."""
        return math.prod(size) * self.window.taps(len(size)) * self.in_type.size * self.out_type.size

    def dense_kernel(self) -> jax.Array:
        """The expanded kernel ``[k, k, in_channels, out_channels]``."""
        return expand([weight[...] for weight in self.kernel], self.spaces)

    def apply(self, x: Field) -> Resampled:
        """Maps ``[batch, height, width, channels]``, or as the base space has axes, to the larger grid."""
        self.in_type.require_layout(x.shape, "the input of TransposedConv")
        y = correlate_spread(x, self.dense_kernel().astype(x.dtype), self.window)
        return add_bias(y, self.bias, self.out_type)

    def frozen(self) -> Layer:
        """The same with a dense kernel."""
        bias = plain_bias(self.bias, self.out_type, self.kernel[0][...].dtype)
        return PlainTransposedConv(self.dense_kernel(), bias, self.window, self.contract)


class PlainTransposedConv(Layer):
    """A transposed convolution with a dense kernel.

    Args:
      kernel: ``[k, k, in_channels, out_channels]``.
      bias: ``[out_channels]``.
      window: its geometry.
      contract: the promise of the layer that it replaces.
    """

    def __init__(self, kernel: jax.Array, bias: jax.Array, window: Window, contract: Contract) -> None:
        self.kernel, self.bias = Weight(kernel), Weight(bias)
        self.window, self.promise = window, contract
        self.in_type, self.out_type = contract.in_type, contract.out_type

    @property
    def contract(self) -> Contract:
        """That of the equivariant layer."""
        return self.promise

    def multiply_adds(self, size: Size) -> int:
        """Input pixels · kernel entries."""
        return math.prod(size) * self.kernel[...].size

    def apply(self, x: Field) -> Resampled:
        """Maps ``[batch, height, width, channels]``, or as the base space has axes, to the larger grid."""
        y = correlate_spread(x, self.kernel[...].astype(x.dtype), self.window)
        return y + self.bias[...].astype(x.dtype)

    def followed_by(self, scale: jax.Array, shift: jax.Array) -> "PlainTransposedConv":
        """The same with kernel and bias scaled."""
        bias = self.bias[...] * scale + shift
        return PlainTransposedConv(self.kernel[...] * scale, bias, self.window, self.promise)


def correlate_spread(x: jax.Array, kernel: jax.Array, window: Window) -> jax.Array:
    """The correlation of an image whose pixels are put ``window.stride`` apart, its border cut off by the padding.

    Args:
      x: ``[batch, height, width, in_channels]``, or with another number of spatial axes.
      kernel: ``[k, k, in_channels, out_channels]``, with as many taps along each axis.
      window: of the transposed convolution.
    """
    w = window.isotropic
    border, dimension = w.size - 1 - w.padding, x.ndim - 2
    spatial = AXES[-dimension:]
    return lax.conv_general_dilated(
        x,
        kernel,
        (1,) * dimension,
        [(border, border)] * dimension,
        lhs_dilation=(w.stride,) * dimension,
        dimension_numbers=(f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"),
    )
