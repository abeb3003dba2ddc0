"""Convolutions and linear layers as they are frozen: with plain arrays in place of weights of a kernel space."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.layers.convolution.algorithms import Algorithm, Convolution
from geomdl.layers.core.constants import Weight
from geomdl.layers.core.layer import Field, Layer
from geomdl.layers.core.weights import add_bias
from geomdl.layers.core.window import Window
from geomdl.representations import FieldType


class PlainConv(Layer):
    """A convolution, or linear map of each pixel, of which an algorithm has prepared the weights: y = k * x + b.

    Args:
      algorithm: what computes it.
      convolution: all of it but the weights.
      prepared: the arrays that the algorithm prepares, which become attributes: of the dense one ``kernel``.
      bias: ``[out_channels]``.
      contract: the promise of the layer that it replaces.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        convolution: Convolution,
        prepared: Mapping[str, jax.Array],
        bias: jax.Array,
        contract: Contract,
    ) -> None:
        self.algorithm, self.convolution, self.promise = algorithm, convolution, contract
        self.in_type, self.out_type = contract.in_type, contract.out_type
        self.arrays, self.bias = tuple(prepared), Weight(bias)
        for name, array in prepared.items():
            setattr(self, name, Weight(array))

    @classmethod
    def of(
        cls,
        algorithm: Algorithm,
        convolution: Convolution,
        weights: Sequence[nnx.Param],
        bias: Sequence[nnx.Param],
        contract: Contract,
    ) -> "PlainConv":
        """That of weights ``[dimension, fields_in / groups, fields_out]`` and of a bias; see `geomdl.layers.Conv`."""
        prepared = algorithm.prepare(convolution, [weight[...] for weight in weights])
        dense_bias = plain_bias(bias, convolution.out_type, weights[0][...].dtype)
        return cls(algorithm, convolution, prepared, dense_bias, contract)

    @property
    def contract(self) -> Contract:
        """That of the equivariant layer."""
        return self.promise

    @property
    def window(self) -> Window | None:
        """Its geometry; None for a linear map of each pixel."""
        return self.convolution.window

    @property
    def prepared(self) -> dict[str, jax.Array]:
        """The arrays that the algorithm has prepared, by name."""
        return {name: getattr(self, name)[...] for name in self.arrays}

    def multiply_adds(self, size: Size) -> int:
        """MACs of the algorithm."""
        return self.algorithm.multiply_adds(self.convolution, size)

    def apply(self, x: Field) -> jax.Array:
        """Maps ``[batch, ..., in_channels]`` to ``[batch, ..., out_channels]``."""
        return self.algorithm.apply(self.convolution, self.prepared, x) + self.bias[...].astype(x.dtype)

    def followed_by(self, scale: jax.Array, shift: jax.Array) -> "PlainConv | None":
        """The same with arrays and bias scaled, where the algorithm knows those."""
        scaled = self.algorithm.scaled(self.prepared, scale)
        if scaled is None:
            return None
        return PlainConv(self.algorithm, self.convolution, scaled, self.bias[...] * scale + shift, self.promise)


def plain_bias(bias: Sequence[nnx.Param], out_type: FieldType, dtype: jnp.dtype) -> jax.Array:
    """The bias of every channel; zeros where there is none."""
    return add_bias(jnp.zeros(out_type.size, dtype), bias, out_type)
