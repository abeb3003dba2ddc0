"""Layers with plain arrays in place of expanded kernels and running statistics: what a network is frozen to."""

import math
from collections.abc import Sequence

import jax
from flax import nnx
from jax import lax

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.layers.convolution.algorithms.factored import correlate_with_matrices, factored_multiply_adds
from geomdl.layers.core.functional import correlate
from geomdl.layers.core.layer import Field, Fields, Image, Images, Layer, Resampled
from geomdl.layers.core.weights import KernelSpaces
from geomdl.layers.core.window import Window


class Weight(nnx.Variable):
    """An array of a frozen network; no `nnx.Param`, for a step along its gradient would break the symmetry."""


class PlainConv(Layer):
    """A convolution with a dense kernel: y = k * x + b.

    Args:
      kernel: ``[k, k, in_channels / groups, out_channels]``.
      bias: ``[out_channels]``.
      window: its geometry.
      groups: groups of channels kept apart.
      contract: the promise of the layer that it replaces.
    """

    def __init__(self, kernel: jax.Array, bias: jax.Array, window: Window, groups: int, contract: Contract) -> None:
        self.kernel, self.bias = Weight(kernel), Weight(bias)
        self.window, self.groups, self.promise = window, groups, contract
        self.in_type, self.out_type = contract.in_type, contract.out_type

    @property
    def contract(self) -> Contract:
        """That of the equivariant layer."""
        return self.promise

    def multiply_adds(self, size: Size) -> int:
        """Output pixels · kernel entries."""
        return math.prod(self.window.output_size(size)) * self.kernel[...].size

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Resampled:
        """Convolves ``[batch, height, width, channels]``, or as the base space has axes."""
        del train, key
        w = self.window
        y = correlate(
            x,
            self.kernel[...].astype(x.dtype),
            stride=w.stride,
            padding=w.pixels_of_padding,
            padding_mode=w.padding_mode,
            dilation=w.dilation,
            remainder=w.remainder,
            groups=self.groups,
        )
        return y + self.bias[...].astype(x.dtype)


class PlainFactoredConv(Layer):
    """A convolution that is computed in coordinates of irreps, its mixing matrices fixed: y = k * x + b.

    Args:
      matrices: those of `geomdl.layers.convolution.algorithms.factored.mixing_matrices`.
      bias: ``[out_channels]``.
      window: its geometry.
      spaces: the kernel spaces of the layer that it replaces.
      groups: its groups of fields.
      contract: its promise.
      fused: whether one kernel expands and mixes.
    """

    def __init__(
        self,
        matrices: Sequence[jax.Array],
        bias: jax.Array,
        window: Window,
        spaces: KernelSpaces,
        groups: int,
        contract: Contract,
        *,
        fused: bool = False,
    ) -> None:
        self.matrices, self.bias = nnx.List([Weight(matrix) for matrix in matrices]), Weight(bias)
        self.window, self.spaces, self.groups, self.promise, self.fused = window, spaces, groups, contract, fused
        self.in_type, self.out_type = contract.in_type, contract.out_type

    @property
    def contract(self) -> Contract:
        """That of the equivariant layer."""
        return self.promise

    def multiply_adds(self, size: Size) -> int:
        """See `geomdl.layers.convolution.algorithms.factored.factored_multiply_adds`."""
        types = self.in_type, self.out_type
        return factored_multiply_adds(self.spaces, *types, self.window, size, self.groups) or 0

    def __call__(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> Images:
        """Convolves ``[batch, height, width, channels]``."""
        del train, key
        matrices = [matrix[...] for matrix in self.matrices]
        types, window = (self.in_type, self.out_type), self.window
        y = correlate_with_matrices(x, matrices, self.spaces, *types, window, self.groups, fused=self.fused)
        return y + self.bias[...].astype(x.dtype)


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

    def __call__(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> Images:
        """Maps ``[batch, height, width, channels]`` to the larger grid."""
        del train, key
        w = self.window.isotropic
        border = w.size - 1 - w.padding
        y = lax.conv_general_dilated(
            x,
            self.kernel[...].astype(x.dtype),
            (1, 1),
            [(border, border), (border, border)],
            lhs_dilation=(w.stride, w.stride),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return y + self.bias[...].astype(x.dtype)


class PlainDense(Layer):
    """A matrix on the channels: y = x W + b.

    Args:
      kernel: W ``[in_channels, out_channels]``.
      bias: ``[out_channels]``.
      contract: the promise of the layer that it replaces.
    """

    def __init__(self, kernel: jax.Array, bias: jax.Array, contract: Contract) -> None:
        self.kernel, self.bias = Weight(kernel), Weight(bias)
        self.promise = contract
        self.in_type, self.out_type = contract.in_type, contract.out_type

    @property
    def contract(self) -> Contract:
        """That of the equivariant layer."""
        return self.promise

    def multiply_adds(self, size: Size) -> int:
        """Pixels · entries of the matrix."""
        return math.prod(size) * self.kernel[...].size

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Fields:
        """Maps ``[..., in_channels]`` to ``[..., out_channels]``."""
        del train, key
        return x @ self.kernel[...].astype(x.dtype) + self.bias[...].astype(x.dtype)


class Affine(Layer):
    """One factor and one summand for each channel, y = a x + b: batch norm in evaluation.

    Args:
      scale: a ``[channels]``.
      shift: b ``[channels]``.
      contract: the promise of the layer that it replaces.
    """

    def __init__(self, scale: jax.Array, shift: jax.Array, contract: Contract) -> None:
        self.scale, self.shift = Weight(scale), Weight(shift)
        self.promise = contract
        self.in_type, self.out_type = contract.in_type, contract.out_type

    @property
    def contract(self) -> Contract:
        """That of the layer that it replaces."""
        return self.promise

    def multiply_adds(self, size: Size) -> int:
        """Pixels · channels."""
        return math.prod(size) * self.in_type.size

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Scales and shifts ``[..., channels]``."""
        del train, key
        return x * self.scale[...].astype(x.dtype) + self.shift[...].astype(x.dtype)


class Frozen(Layer):
    """A network that was frozen by `geomdl.layers.freeze`; it evaluates and does not train.

    Args:
      network: plain layers.
    """

    def __init__(self, network: Layer) -> None:
        self.network = network
        self.in_type, self.out_type = network.in_type, network.out_type

    @property
    def contract(self) -> Contract:
        """That of the network before it was frozen."""
        return self.network.contract

    @property
    def weights(self) -> dict[str, jax.Array]:
        """Every array by the path of its layer, e.g. ``"layers.0.kernel"``."""
        leaves = jax.tree_util.tree_leaves_with_path(nnx.state(self.network))
        return {path_name(path): leaf for path, leaf in leaves}

    def multiply_adds(self, size: Size) -> int:
        """Those of the network that it is frozen to."""
        return self.network.multiply_adds(size)

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Evaluates. Raises ValueError when asked to train."""
        if train:
            raise ValueError("a frozen network only evaluates; train the network that it was made from (train=False)")
        self.in_type.require_channels(x.shape[-1], "the input of a frozen network")
        return self.network(x, key=key)


def path_name(path: tuple[object, ...]) -> str:
    """The name of a weight: the keys of its path in the state, joined by dots.

    >>> path_name((jax.tree_util.DictKey("layers"), jax.tree_util.DictKey(0), jax.tree_util.GetAttrKey("value")))
    'layers.0'
    """
    keys = [getattr(entry, "key", None) for entry in path]
    return ".".join(str(key) for key in keys if key is not None)
