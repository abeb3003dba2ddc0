"""Locally connected layers: a convolution's windows without shared weights."""

import functools
import math
import operator

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from geomdl.equivariance.contracts.contract import Condition, Contract, Promise, Size
from geomdl.equivariance.contracts.promise import no_size
from geomdl.errors import invalid
from geomdl.layers.core.constants import Weight
from geomdl.layers.core.correlation import pad
from geomdl.layers.core.initialization import he_normal, zeros
from geomdl.layers.core.layer import Field, Image, Images, Layer, Vector
from geomdl.layers.core.window import Padding, PaddingMode, Window
from geomdl.numbers import whole_number
from geomdl.representations import FieldType


class LocallyConnected(Layer):
    """A linear map of each window with weights of its own: y[i, j] = Σ_{s,t} W_{ij}[s, t] x[Si + s, Sj + t] + b_{ij}.

    Between a dense layer (every pixel to every unit) and a convolution (the same weights everywhere). It promises no
    symmetry.

    Args:
      in_type: what comes in; its group is kept in the type but not respected.
      out_channels: channels per output pixel, of trivial type.
      size: (height, width) of the input, on which the weights depend.
      kernel_size: pixels along each axis.
      stride: see `geomdl.layers.core.window.Window`.
      padding: see `geomdl.layers.core.window.Window`.
      padding_mode: see `geomdl.layers.core.window.Window`.
      use_bias: whether every output has a bias of its own.
      rngs: initialises the weights: He normal, variance 2 / (k² · input channels).

    Raises:
      ValueError: when the window does not fit the size.

    >>> layer = LocallyConnected(FieldType("C1", "1 trivial"), 4, (6, 6), 3, rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 6, 6, 1))).shape, layer.kernel[...].shape
    ((2, 4, 4, 4), (4, 4, 9, 4))
    """

    def __init__(
        self,
        in_type: FieldType,
        out_channels: int,
        size: tuple[int, int],
        kernel_size: int,
        *,
        stride: int = 1,
        padding: Padding = 0,
        padding_mode: PaddingMode = "zeros",
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        if out_channels < 1:
            raise invalid("out_channels", out_channels, "a positive integer", 1)
        self.window = Window(kernel_size, stride, padding, 1, padding_mode)
        self.size = tuple(size)
        self.in_type = in_type
        self.out_type = FieldType(in_type.require_plane("LocallyConnected"), f"{out_channels} trivial")
        height, width = self.window.output_size(self.size)
        taps = kernel_size**2 * in_type.size
        self.kernel = nnx.Param(he_normal(rngs.params(), (height, width, taps, out_channels), taps))
        self.bias = nnx.Param(zeros(height, width, out_channels)) if use_bias else None

    @property
    def contract(self) -> Contract:
        """No promise: every window has weights of its own."""
        fixed = Condition(f"an input of size {self.size}", functools.partial(operator.eq, self.size))
        none = Promise("none", (fixed,), "weights are not shared")
        return Contract(self.in_type, self.out_type, none, none, self.window.output_size)

    def multiply_adds(self, size: Size) -> int:
        """Output pixels · k² · input channels · output channels."""
        return math.prod(self.window.output_size(size)) * self.window.taps(2) * self.in_type.size * self.out_type.size

    def apply(self, x: Image) -> Images:
        """Maps ``[batch, height, width, channels]``. Raises ValueError for an image of another size."""
        self.in_type.require_channels(x.shape[-1], "the input of LocallyConnected")
        if x.shape[1:3] != self.size:
            raise ValueError(f"this LocallyConnected layer is made for images of {self.size}, got {x.shape[1:3]}")
        w = self.window.isotropic
        patches = lax.conv_general_dilated_patches(
            pad(x, w.padding, self.window.padding_mode),
            (w.size, w.size),
            (w.stride, w.stride),
            "VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        y = jnp.einsum("bhwt,hwto->bhwo", patches, self.kernel[...].astype(x.dtype))
        return y if self.bias is None else y + self.bias[...].astype(x.dtype)

    def frozen(self) -> "LocallyConnected":
        """The same with constant weights, and zeros for a bias where there is none."""
        bias = jnp.zeros(self.out_type.size) if self.bias is None else self.bias[...]
        return self._with(self.kernel[...], bias)

    def followed_by(self, scale: jax.Array, shift: jax.Array) -> "LocallyConnected | None":
        """The same with weights and bias scaled."""
        return None if self.bias is None else self._with(self.kernel[...] * scale, self.bias[...] * scale + shift)

    def _with(self, kernel: jax.Array, bias: jax.Array) -> "LocallyConnected":
        copy = nnx.clone(self)
        for name, value in (("kernel", kernel), ("bias", bias)):
            setattr(copy, name, nnx.data(Weight(value)))
        return copy


class Flatten(Layer):
    """Lays all pixels and channels of an image in one vector: ``[batch, H, W, C]`` to ``[batch, H·W·C]``.

    Signals and volumes likewise.

    What a dense layer then does with the positions is its own; no symmetry is promised.

    Args:
      in_type: what comes in.
      size: (height, width), or one number for each axis of the base space.

    Raises:
      ValueError: for a size of another number of axes.

    >>> Flatten(FieldType("C1", "2 trivial"), (3, 3))(jnp.ones((5, 3, 3, 2))).shape
    (5, 18)
    """

    def __init__(self, in_type: FieldType, size: tuple[int, ...]) -> None:
        space = in_type.require_base_space("Flatten")
        if len(size) != space.dimension:
            raise invalid("size of Flatten", tuple(size), f"({', '.join(space.axes)}) of {space.fields}")
        self.in_type = in_type
        self.size = tuple(whole_number("size of Flatten", n) for n in size)
        self.out_type = in_type.with_fields(f"{math.prod(size) * in_type.size} trivial")

    @property
    def contract(self) -> Contract:
        """No promise: positions become channels."""
        none = Promise("none", why="positions become channels")
        return Contract(self.in_type, self.out_type, none, none, no_size, has_base_space=False)

    def apply(self, x: Field) -> Vector:
        """Flattens. Raises ValueError for an image of another size."""
        if x.shape[1:] != (*self.size, self.in_type.size):
            raise ValueError(f"Flatten is made for images of {(*self.size, self.in_type.size)}, got {x.shape[1:]}")
        return x.reshape(x.shape[0], -1)
