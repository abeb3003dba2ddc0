"""Group convolutions with windows that are longer than wide, turned with the group: 1 × 7 and 7 × 1."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.errors import invalid
from geomdl.groups import along, require_planar
from geomdl.layers.core.correlation import correlate
from geomdl.layers.core.field_channels import is_regular
from geomdl.layers.core.initialization import he_normal
from geomdl.layers.core.layer import Field, Layer, Resampled
from geomdl.layers.core.weights import add_bias, init_bias
from geomdl.layers.core.window import PaddingMode, PerAxisInt, Window, require_per_axis
from geomdl.representations import FieldType


class ElongatedConv(Layer):
    """A group convolution whose filter has another height than width: the elements that exchange axes turn its window.

      y_g(x) = Σ_u K_g(u) f(x + u),   K_g(u) = k(g⁻¹ u) ρ_in(g⁻¹),

    with k on the window given, 1 × 7 say. So the channels of an output field whose elements keep the axes look through
    windows of 1 × 7 and those whose elements exchange them through 7 × 1, where a `geomdl.layers.Conv` of a window that
    is not square could keep no quarter turn. On regular fields K_{g,h}(u) = k_{g⁻¹h}(g⁻¹ u). For each input channel and
    output field there are as many weights as the window has taps. It keeps the size (stride 1, zeros around), and is
    computed as one convolution for each of the two windows; of C1 it is the ordinary one.

    Exact for every element, at every square size, or every size where no element exchanges axes.

    Args:
      in_type: any representations of a group whose elements map the grid to itself: C1, C2, C4, D1, D2, D4.
      out_type: regular fields; of C1 scalars.
      kernel_size: taps along each axis, odd numbers.
      padding_mode: see `geomdl.layers.core.window.Window`.
      use_bias: whether each output field has a bias.
      rngs: initialises the weights: He normal, variance 2 / (taps · input channels).

    Raises:
      ValueError: for another group, fields that are not regular, or an even window.

    References:
      Szegedy, Vanhoucke, Ioffe, Shlens & Wojna, Rethinking the Inception architecture for computer vision, CVPR 2016,
      §3.2 (the windows). Cohen & Welling, Group equivariant convolutional networks, ICML 2016 (the group convolution).

    >>> t = FieldType("C4", "2 regular")
    >>> layer = ElongatedConv(t, t, (1, 7), rngs=nnx.Rngs(0))
    >>> layer.kernel[0][...].shape, layer(jnp.ones((1, 9, 9, 8))).shape
    ((1, 7, 8, 2), (1, 9, 9, 8))
    >>> print(layer.contract.points)
    exact, given a square input
    """

    def __init__(
        self,
        in_type: FieldType,
        out_type: FieldType,
        kernel_size: PerAxisInt,
        *,
        padding_mode: PaddingMode = "zeros",
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        space, group = in_type.require_base_space("ElongatedConv"), in_type.group
        if out_type.group != group or out_type.space != in_type.space:
            raise ValueError(f"a layer relates fields of one group; got in_type {in_type} and out_type {out_type}")
        if not space.permutes_grid(group):
            allowed = "one whose elements map the grid to itself; for others a Conv with a square window"
            raise invalid("group of ElongatedConv", group, allowed, "C4")
        for b in out_type.blocks:
            if not is_regular(b.representation):
                raise invalid("out_type of ElongatedConv", out_type.fields, "regular fields", "1 regular")
        require_per_axis(space, kernel_size=kernel_size)
        self.window = Window(kernel_size, padding="same", padding_mode=padding_mode)
        self.in_type, self.out_type = in_type, out_type
        taps = along(self.window.size, space.dimension)
        fan_in = math.prod(taps) * in_type.size
        shapes = [(*taps, in_type.size, b.multiplicity) for b in out_type.blocks]
        self.kernel = nnx.List([nnx.Param(he_normal(rngs.params(), shape, fan_in)) for shape in shapes])
        self.bias = init_bias(out_type) if use_bias else nnx.List([])

    @property
    def contract(self) -> Contract:
        """That of the smallest square window around all that are turned; exact, as they are turned with the group."""
        space = self.in_type.require_base_space("ElongatedConv")
        window = self.window
        if window.dimension is not None and space.exchanges_axes(self.in_type.group):
            longest = max(along(window.size, space.dimension))
            window = Window(longest, padding="same", padding_mode=window.padding_mode)
        return window.contract(self.in_type, self.out_type)

    def multiply_adds(self, size: Size) -> int:
        """Taps · input channels · output channels · pixels."""
        return self.window.taps(len(size)) * self.in_type.size * self.out_type.size * math.prod(size)

    def dense_kernels(self) -> list[tuple[jax.Array, np.ndarray]]:
        """For each window ``[rows, columns, in_channels, out_channels]``, and the numbers of these output channels."""
        group = require_planar(self.out_type.group, "ElongatedConv")
        space = self.out_type.require_base_space("ElongatedConv")
        kernels: dict[tuple[int, ...], list[jax.Array]] = {}
        channels: dict[tuple[int, ...], list[np.ndarray]] = {}
        elements = group.elements()
        for weight, block in zip(self.kernel, self.out_type.blocks, strict=True):
            order = block.representation.size
            for i, g in enumerate(elements):
                symmetry = space.grid_symmetry(group, g)
                moved = symmetry(weight[...], before=0)
                kernels.setdefault(symmetry.axes, []).append(self._with_moved_input(moved, group.inverse(g)))
                own = block.channels.start + i + order * np.arange(block.multiplicity)
                channels.setdefault(symmetry.axes, []).append(own)
        return [(jnp.concatenate(kernels[axes], -1), np.concatenate(channels[axes])) for axes in kernels]

    def _with_moved_input(self, kernel: jax.Array, inverse: np.ndarray) -> jax.Array:
        """k ρ_in(g⁻¹), from ``[..., in_channels, fields]``."""
        parts = []
        for b in self.in_type.blocks:
            part = kernel[..., b.channels, :]
            fields = part.reshape(*part.shape[:-2], b.multiplicity, b.representation.size, part.shape[-1])
            matrix = b.representation(inverse)
            if b.representation.is_permutation:
                moved = jnp.take(fields, np.argmax(matrix, 0), axis=-2)
            else:
                moved = jnp.einsum("...sf,sh->...hf", fields, jnp.asarray(matrix, kernel.dtype))
            parts.append(moved.reshape(part.shape))
        return parts[0] if len(parts) == 1 else jnp.concatenate(parts, -2)

    def apply(self, x: Field) -> Resampled:
        """Convolves ``[batch, height, width, channels]``, or as the base space of ``in_type`` has axes."""
        self.in_type.require_layout(x.shape, "the input of ElongatedConv")
        parts, channels = [], []
        for kernel, own in self.dense_kernels():
            parts.append(correlate(x, kernel.astype(x.dtype), padding="same", padding_mode=self.window.padding_mode))
            channels.append(own)
        order = np.argsort(np.concatenate(channels))
        y = jnp.concatenate(parts, -1) if len(parts) > 1 else parts[0]
        y = y if np.array_equal(order, np.arange(len(order))) else jnp.take(y, order, axis=-1)
        return add_bias(y, self.bias, self.out_type)
