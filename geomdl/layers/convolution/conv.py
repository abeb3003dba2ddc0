"""Equivariant convolutions and linear maps."""

import math
from fractions import Fraction

import jax
from flax import nnx
from jax import lax

from geomdl.equivariance.contracts.contract import Contract, Promise, Size, exact_everywhere, square
from geomdl.errors import invalid
from geomdl.groups import PLANE
from geomdl.kernels import Basis, BasisFilter
from geomdl.layers.convolution.algorithms.factored import (
    Method,
    Way,
    factored_correlate,
    factored_multiply_adds,
    is_faster,
    require_possible,
)
from geomdl.layers.core.functional import correlate
from geomdl.layers.core.layer import Field, Fields, Image, Images, Layer, Resampled
from geomdl.layers.core.weights import Init, add_bias, expand, init_bias, init_weights, kernel_spaces
from geomdl.layers.core.window import Padding, PaddingMode, PerAxisInt, Remainder, Window, require_per_axis
from geomdl.representations import FieldType

KernelOption = float | tuple[float, ...] | None


class Conv(Layer):
    """The most general equivariant linear map between fields that is local: convolution with an equivariant kernel.

      (K * f)(x) = Σ_y K(y) f(x + y) + b,   K(gy) = ρ_out(g) K(y) ρ_in(g)⁻¹,   ρ_out(g) b = b.

    The types decide which convolution it is. From ``"n trivial"`` to ``"m regular"`` it *lifts* an image to the group;
    from regular to regular it is the *group convolution*; between irreps it is *steerable*; for the group C1 it is the
    ordinary convolution. Exact under the transformations that map the pixel grid to itself, borders included, whenever
    the grid
    of windows is centred: (n + 2P − F) mod S = 0. Other elements of the group (45° of C8, say) are kept up to the error
    of sampling the kernel on the grid.

    Args:
      in_type: what comes in.
      out_type: what goes out, of the same group.
      kernel_size: pixels along each axis, odd or even; one number, or one for each axis of the base space.
      stride: see `geomdl.layers.core.window.Window`.
      padding: pixels, ``"valid"``, ``"same"`` or ``"full"``.
      padding_mode: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      dilation: distance between taps.
      remainder: see `geomdl.layers.core.window.output_size`.
      groups: groups of fields that are kept apart; as many as there are fields for a depthwise convolution.
      basis: ``"pixel"`` for every equivariant kernel on the grid (subgroups of D4), ``"steerable"`` for harmonics times
        Gaussian rings (any group), ``"auto"`` for the first where it exists.
      rings, sigma, frequencies_cutoff, maximum_offset, basis_filter: of the steerable basis; see
        `geomdl.kernels.SteerableKernelSpace`.
      use_bias: whether to add b, one number per invariant direction of ρ_out.
      init: ``"he"``: generalized He, before a ReLU; see `geomdl.kernels.initial_variances`. ``"delta_orthogonal"``: an
        orthogonal map of the channels at the window's centre and zero elsewhere, of gain 1: it keeps the norm of the
        signal, and the variance of every channel where no more fields go out than come in. Irreps that only one of
        the types has start at zero. Odd windows only. See `geomdl.kernels.delta_orthogonal`.
      method: how it is computed, from the same weights to the same result. ``"dense"``: the kernel is expanded.
        ``"factored"``: the channels are mixed in coordinates of irreps, which is less arithmetic by about the order of
        the group; not where some pairs of fields have pixel kernels and others steerable ones. ``"fused"``: the same in
        one kernel for GPUs, which holds nothing of what it expands in memory and computes in the precision of the
        images; not with ``groups`` > 1, see `geomdl.layers.convolution.algorithms.pallas_kernel`. ``"auto"``: dense or
        factored, whichever is faster for the images at hand, its compilation considered, by
        `geomdl.layers.convolution.algorithms.factored.is_faster`, on CPUs; dense elsewhere.
      rngs: initialises the weights.

    Raises:
      ValueError: for types of different groups, fields that no kernel reaches, a bad window, a delta-orthogonal
        initialisation of an even window or of ``groups`` > 1, ``method="factored"`` of kernels of two kinds, or
        ``"fused"`` of those or of ``groups`` > 1.

    References:
      Cohen & Welling, Group equivariant convolutional networks, ICML 2016. Weiler & Cesa, General E(2)-equivariant
      steerable CNNs, NeurIPS 2019.

    >>> import jax.numpy as jnp
    >>> from geomdl.groups import C4
    >>> image, features = FieldType(C4, "1 trivial"), FieldType(C4, "8 regular")
    >>> lift = Conv(image, features, 5, padding="same", rngs=nnx.Rngs(0))
    >>> lift(jnp.ones((2, 9, 9, 1))).shape
    (2, 9, 9, 32)
    >>> print(lift.contract)
    C4: exact, given a square input
    circular shifts: none (padding with zeros marks the border)
    crops: exact, with a field of view of ±2 pixels

    Fields on another base space are convolved over its axes: signals here, with a window that goes round.

    >>> sound, notes = (FieldType("C1", f"{n} trivial", space="line") for n in (1, 8))
    >>> Conv(sound, notes, 5, padding="same", padding_mode="circular", rngs=nnx.Rngs(0))(jnp.ones((2, 40, 1))).shape
    (2, 40, 8)
    """

    def __init__(
        self,
        in_type: FieldType,
        out_type: FieldType,
        kernel_size: PerAxisInt,
        *,
        stride: PerAxisInt = 1,
        padding: Padding = 0,
        padding_mode: PaddingMode = "zeros",
        dilation: PerAxisInt = 1,
        remainder: Remainder = "error",
        groups: int = 1,
        basis: Basis = "auto",
        rings: tuple[float, ...] | None = None,
        sigma: KernelOption = None,
        frequencies_cutoff: KernelOption = None,
        maximum_offset: int | None = None,
        basis_filter: BasisFilter | None = None,
        use_bias: bool = True,
        init: Init = "he",
        method: Method = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        base = in_type.require_base_space("Conv")
        require_per_axis(base, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
        self.window = Window(kernel_size, stride, padding, dilation, padding_mode, remainder)
        self.in_type, self.out_type, self.groups = in_type, out_type, groups
        _check_groups(groups, in_type, out_type)
        self.spaces = kernel_spaces(
            in_type,
            out_type,
            self.window.size,
            basis,
            rings=rings,
            sigma=sigma,
            frequencies_cutoff=frequencies_cutoff,
            maximum_offset=maximum_offset,
            basis_filter=basis_filter,
        )
        self.method: Method = require_possible(method, self.spaces, groups, self.window)
        self.kernel = init_weights(self.spaces, in_type, out_type, rngs, groups, init)
        self.bias = init_bias(out_type) if use_bias else nnx.List([])

    @property
    def contract(self) -> Contract:
        """Exact when the grid of windows is centred; shifts when the windows wrap around."""
        return self.window.contract(self.in_type, self.out_type)

    def multiply_adds(self, size: Size) -> int:
        """Those of the method in use, which depends on the backend: dense or factored, as the two below.

        The fused kernel counts as factored, without what its tiles of fixed size do in vain.
        """
        factored = None if self.method_for(size) == "dense" else self.factored_multiply_adds(size)
        return self.dense_multiply_adds(size) if factored is None else factored

    def dense_multiply_adds(self, size: Size) -> int:
        """Output pixels · k² · input channels · output channels / groups, as the dense kernel computes it."""
        pixels = math.prod(self.window.output_size(size)) * self.window.taps(len(size))
        return pixels * self.in_type.size * self.out_type.size // self.groups

    def factored_multiply_adds(self, size: Size) -> int | None:
        """Expansion, mixing and changes of basis of the factored method; None where there is no such method."""
        return factored_multiply_adds(self.spaces, self.in_type, self.out_type, self.window, size, self.groups)

    def method_for(self, size: Size) -> Way:
        """``"dense"``, ``"factored"`` or ``"fused"``: what computes images of a size."""
        if self.method != "auto":
            return self.method
        faster = is_faster(self.spaces, self.in_type, self.out_type, self.window, size, self.groups)
        return "factored" if faster else "dense"

    def dense_kernel(self) -> jax.Array:
        """The expanded kernel ``[k, k, in_channels / groups, out_channels]``."""
        return expand(self.kernel, self.spaces)

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Resampled:
        """Convolves ``[batch, height, width, channels]``, or as the base space of ``in_type`` has axes.

        Raises ValueError when the window does not fit, or for an array of other axes.
        """
        del train, key
        self.in_type.require_layout(x.shape, "the input of Conv")
        w = self.window
        way = self.method_for(x.shape[1:-1])
        if way != "dense":
            weights, fused = [weight[...] for weight in self.kernel], way == "fused"
            y = factored_correlate(x, weights, self.spaces, self.in_type, self.out_type, w, self.groups, fused=fused)
            return add_bias(y, self.bias, self.out_type)
        y = correlate(
            x,
            self.dense_kernel().astype(x.dtype),
            stride=w.stride,
            padding=w.pixels_of_padding,
            padding_mode=w.padding_mode,
            dilation=w.dilation,
            remainder=w.remainder,
            groups=self.groups,
        )
        return add_bias(y, self.bias, self.out_type)


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
        rngs: nnx.Rngs,
    ) -> None:
        self.swaps_axes = in_type.require_plane("TransposedConv").swaps_axes
        self.window = Window(kernel_size, stride, padding)
        if padding >= kernel_size:
            raise invalid("padding of TransposedConv", padding, f"at most kernel_size − 1 = {kernel_size - 1}", 0)
        self.in_type, self.out_type = in_type, out_type
        self.spaces = kernel_spaces(in_type, out_type, kernel_size, basis)
        self.kernel = init_weights(self.spaces, in_type, out_type, rngs)
        self.bias = init_bias(out_type) if use_bias else nnx.List([])

    @property
    def contract(self) -> Contract:
        """Exact under the grid symmetries at every size."""
        points = Promise("exact", (square,) if self.swaps_axes else ())
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
        return math.prod(size) * self.window.taps(2) * self.in_type.size * self.out_type.size

    def dense_kernel(self) -> jax.Array:
        """The expanded kernel ``[k, k, in_channels, out_channels]``."""
        return expand(self.kernel, self.spaces)

    def __call__(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> Images:
        """Maps ``[batch, height, width, channels]`` to the larger grid."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of TransposedConv")
        w = self.window.isotropic
        border = w.size - 1 - w.padding
        y = lax.conv_general_dilated(
            x,
            self.dense_kernel().astype(x.dtype),
            (1, 1),
            [(border, border), (border, border)],
            lhs_dilation=(w.stride, w.stride),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return add_bias(y, self.bias, self.out_type)


class Dense(Layer):
    """The most general equivariant linear map of fields at one point: y = W x + b, ρ_out(g) W = W ρ_in(g).

    For fields without base space (equivariant multilayer perceptrons), or the same map at every pixel. Direct products
    of groups may act, as C4 x D1 here on vectors in two ways at once:

    >>> t = FieldType("C4 x D1", "2 outer(irrep(1),irrep(1,0)) + 1 regular")
    >>> Dense(t, t, rngs=nnx.Rngs(0))(jax.numpy.ones((3, 12))).shape
    (3, 12)

    Args:
      in_type: what comes in.
      out_type: what goes out, of the same group.
      use_bias: whether to add b, one number per invariant direction of ρ_out.
      method: see `Conv`; ``"factored"`` is one block of W for each irrep, between changes of basis.
      rngs: initialises the weights: generalized He.

    Raises:
      ValueError: for types of different groups, or output fields that no equivariant map reaches.

    >>> import jax.numpy as jnp
    >>> from geomdl.groups import C8
    >>> layer = Dense(FieldType(C8, "2 regular"), FieldType(C8, "10 trivial"), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((3, 16))).shape
    (3, 10)
    """

    def __init__(
        self,
        in_type: FieldType,
        out_type: FieldType,
        *,
        use_bias: bool = True,
        method: Method = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        self.in_type, self.out_type = in_type, out_type
        self.spaces = kernel_spaces(in_type, out_type, 1, space=PLANE)  # of one pixel, on whatever base space
        if method == "fused":
            raise invalid("method", method, "of linear layers, which expand nothing, 'dense', 'factored' or 'auto'")
        self.method: Method = require_possible(method, self.spaces)
        self.kernel = init_weights(self.spaces, in_type, out_type, rngs)
        self.bias = init_bias(out_type) if use_bias else nnx.List([])

    @property
    def contract(self) -> Contract:
        """Exact for every element, with or without base space."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def multiply_adds(self, size: Size) -> int:
        """Those of the method in use. Of the dense one: pixels · input channels · output channels."""
        if self.method_for(size) == "factored":
            types = self.in_type, self.out_type
            return factored_multiply_adds(self.spaces, *types, _POINT, _one_column(size)) or 0
        return math.prod(size) * self.in_type.size * self.out_type.size

    def method_for(self, size: Size) -> Way:
        """``"dense"`` or ``"factored"``: what computes fields on so many pixels, or at one point."""
        if self.method != "auto":
            return self.method
        faster = is_faster(self.spaces, self.in_type, self.out_type, _POINT, _one_column(size))
        return "factored" if faster else "dense"

    def dense_kernel(self) -> jax.Array:
        """The matrix W ``[in_channels, out_channels]`` (acting from the right)."""
        return expand(self.kernel, self.spaces)[0, 0]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Fields:
        """Maps ``[..., in_channels]`` to ``[..., out_channels]``."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of Dense")
        if self.method_for(x.shape[1:-1]) == "factored":
            weights, pixels = [weight[...] for weight in self.kernel], math.prod(x.shape[1:-1])
            points = x.reshape(x.shape[0], pixels, 1, x.shape[-1])
            y = factored_correlate(points, weights, self.spaces, self.in_type, self.out_type, _POINT)
            return add_bias(y.reshape(*x.shape[:-1], self.out_type.size), self.bias, self.out_type)
        return add_bias(x @ self.dense_kernel().astype(x.dtype), self.bias, self.out_type)


_POINT = Window(1)
"""A kernel of one pixel."""


def _one_column(size: Size) -> Size:
    return math.prod(size), 1


def _check_groups(groups: int, in_type: FieldType, out_type: FieldType) -> None:
    if groups == 1:
        return
    for name, field_type in (("in_type", in_type), ("out_type", out_type)):
        if len(field_type.blocks) > 1:
            raise ValueError(f"groups={groups} needs fields of one kind, but {name} is {field_type}; allowed: groups=1")
        if groups < 1 or field_type.num_fields % groups:
            raise invalid("groups", groups, f"a divisor of the {field_type.num_fields} fields of {name}", 1)
