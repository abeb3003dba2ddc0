"""Equivariant convolutions and linear maps."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.equivariance.contract import Contract, Size, exact_everywhere
from geomdl.kernels import PixelKernelSpace
from geomdl.layers.functional import correlate
from geomdl.layers.initialization import he_normal, zeros
from geomdl.layers.layer import Field, Fields, Image, Images, Layer
from geomdl.layers.window import Padding, PaddingMode, Remainder, Window
from geomdl.representations import FieldType, Representation


class Conv(Layer):
    """The most general equivariant linear map between fields that is local: convolution with an equivariant kernel.

      (K * f)(x) = Σ_y K(y) f(x + y) + b,   K(gy) = ρ_out(g) K(y) ρ_in(g)⁻¹,   ρ_out(g) b = b.

    The types decide which convolution it is. From ``"n trivial"`` to ``"m regular"`` it *lifts* an image to the group;
    from regular to regular it is the *group convolution*; for the group C1 it is the ordinary convolution. Exact for
    subgroups of D4, borders included, whenever the grid of windows is centred: (n + 2P − F) mod S = 0.

    Args:
      in_type: what comes in.
      out_type: what goes out, of the same group.
      kernel_size: pixels along each axis, odd or even.
      stride: see `geomdl.layers.window.Window`.
      padding: pixels, ``"valid"``, ``"same"`` or ``"full"``.
      padding_mode: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      dilation: distance between taps.
      remainder: see `geomdl.layers.window.output_size`.
      use_bias: whether to add b, one number per invariant direction of ρ_out.
      rngs: initialises the weights: He normal, variance 2 / (k² · input channels) per entry of the dense kernel.

    Raises:
      ValueError: for types of different groups, a group or representation without pixel kernels, or a bad window.

    References:
      Cohen & Welling, Group equivariant convolutional networks, ICML 2016. He et al., Delving deep into rectifiers,
      2015.

    >>> from geomdl.groups import C4
    >>> image, features = FieldType(C4, "1 trivial"), FieldType(C4, "8 regular")
    >>> lift = Conv(image, features, 5, padding="same", rngs=nnx.Rngs(0))
    >>> lift(jnp.ones((2, 9, 9, 1))).shape
    (2, 9, 9, 32)
    >>> print(lift.contract)
    C4: exact, given a square input
    circular shifts: none (padding with zeros marks the border)
    """

    def __init__(
        self,
        in_type: FieldType,
        out_type: FieldType,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: Padding = 0,
        padding_mode: PaddingMode = "zeros",
        dilation: int = 1,
        remainder: Remainder = "error",
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        self.window = Window(kernel_size, stride, padding, dilation, padding_mode, remainder)
        self.in_type, self.out_type = in_type, out_type
        self.kernel = nnx.List(_init_weights(in_type, out_type, kernel_size, rngs))
        self.bias = nnx.List(_init_bias(out_type) if use_bias else [])

    @property
    def contract(self) -> Contract:
        """Exact when the grid of windows is centred; shifts when the windows wrap around."""
        return self.window.contract(self.in_type, self.out_type)

    def multiply_adds(self, size: Size) -> int:
        """Output pixels · k² · input channels · output channels, as the dense kernel computes it."""
        return math.prod(self.window.output_size(size)) * self.window.size**2 * self.in_type.size * self.out_type.size

    def dense_kernel(self) -> jax.Array:
        """The expanded kernel ``[k, k, in_channels, out_channels]``."""
        return _expand(self.kernel, self.in_type, self.out_type, self.window.size)

    def __call__(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> Images:
        """Convolves ``[batch, height, width, channels]``. Raises ValueError when the window does not fit."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of Conv")
        w = self.window
        y = correlate(
            x,
            self.dense_kernel().astype(x.dtype),
            stride=w.stride,
            padding=w.pixels_of_padding,
            padding_mode=w.padding_mode,
            dilation=w.dilation,
            remainder=w.remainder,
        )
        return _add_bias(y, self.bias, self.out_type)


class Dense(Layer):
    """The most general equivariant linear map between fields without base space: y = W x + b, ρ_out(g) W = W ρ_in(g).

    Applied to ``[batch, height, width, channels]`` it is the same map at every pixel.

    Args:
      in_type: what comes in.
      out_type: what goes out, of the same group (any finite one).
      use_bias: whether to add b, one number per invariant direction of ρ_out.
      rngs: initialises the weights: He normal, variance 2 / input channels per entry of W.

    Raises:
      ValueError: for types of different groups, or a representation that does not permute channels.

    >>> from geomdl.groups import C8
    >>> layer = Dense(FieldType(C8, "2 regular"), FieldType(C8, "10 trivial"), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((3, 16))).shape
    (3, 10)
    """

    def __init__(self, in_type: FieldType, out_type: FieldType, *, use_bias: bool = True, rngs: nnx.Rngs) -> None:
        self.in_type, self.out_type = in_type, out_type
        self.kernel = nnx.List(_init_weights(in_type, out_type, 1, rngs))
        self.bias = nnx.List(_init_bias(out_type) if use_bias else [])

    @property
    def contract(self) -> Contract:
        """Exact for every element, with or without base space."""
        return exact_everywhere(self.in_type, self.out_type)

    def multiply_adds(self, size: Size) -> int:
        """Pixels · input channels · output channels."""
        return math.prod(size) * self.in_type.size * self.out_type.size

    def dense_kernel(self) -> jax.Array:
        """The matrix W ``[in_channels, out_channels]`` (acting from the right)."""
        return _expand(self.kernel, self.in_type, self.out_type, 1)[0, 0]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Fields:
        """Maps ``[..., in_channels]`` to ``[..., out_channels]``."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of Dense")
        return _add_bias(x @ self.dense_kernel().astype(x.dtype), self.bias, self.out_type)


def _spaces(in_type: FieldType, out_type: FieldType, size: int) -> list[list[PixelKernelSpace]]:
    if in_type.group != out_type.group:
        raise ValueError(f"a layer relates fields of one group; got in_type {in_type} and out_type {out_type}")
    return [
        [PixelKernelSpace(i.representation, o.representation, size) for o in out_type.blocks] for i in in_type.blocks
    ]


def _init_weights(in_type: FieldType, out_type: FieldType, size: int, rngs: nnx.Rngs) -> list[nnx.Param]:
    """One array ``[dimension, fields_in, fields_out]`` for each pair of an input and an output block."""
    fan_in = size**2 * in_type.size
    return [
        nnx.Param(he_normal(rngs.params(), (space.dimension, i.multiplicity, o.multiplicity), fan_in))
        for i, row in zip(in_type.blocks, _spaces(in_type, out_type, size), strict=True)
        for o, space in zip(out_type.blocks, row, strict=True)
    ]


def _expand(weights: nnx.List, in_type: FieldType, out_type: FieldType, size: int) -> jax.Array:
    spaces, count = _spaces(in_type, out_type, size), len(out_type.blocks)
    rows = [
        jnp.concatenate([space.expand(weights[count * i + o][...]) for o, space in enumerate(row)], -1)
        for i, row in enumerate(spaces)
    ]
    return jnp.concatenate(rows, -2)


def _init_bias(out_type: FieldType) -> list[nnx.Param]:
    """Zeros ``[fields, invariant directions]`` for each output block."""
    return [nnx.Param(zeros(b.multiplicity, _channel_orbits(b.representation).max() + 1)) for b in out_type.blocks]


def _add_bias(y: jax.Array, bias: nnx.List, out_type: FieldType) -> jax.Array:
    if not len(bias):
        return y
    channels = [
        b[...][:, _channel_orbits(block.representation)].reshape(-1)
        for b, block in zip(bias, out_type.blocks, strict=True)
    ]
    return y + jnp.concatenate(channels).astype(y.dtype)


def _channel_orbits(rho: Representation) -> np.ndarray:
    """The orbit number of every channel of a permutation representation; a bias must be constant on orbits."""
    return np.unique(rho.permutation().min(0), return_inverse=True)[1].reshape(-1)
