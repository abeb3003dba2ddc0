"""One factor and one summand for each channel."""

import math

import jax

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.layers.core.constants import Weight
from geomdl.layers.core.layer import Field, Layer


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

    def apply(self, x: Field) -> Field:
        """Scales and shifts ``[..., channels]``."""
        return x * self.scale[...].astype(x.dtype) + self.shift[...].astype(x.dtype)
