"""The identity."""

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.layers.core.layer import Field, Layer
from geomdl.representations import FieldType


class Identity(Layer):
    """y = x.

    Args:
      in_type: what comes in and goes out.

    >>> import jax.numpy as jnp
    >>> Identity(FieldType("C4", "1 regular"))(jnp.ones((1, 4)))
    Array([[1., 1., 1., 1.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType) -> None:
        self.in_type = self.out_type = in_type

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def apply(self, x: Field) -> Field:
        """Gives the input back."""
        self.in_type.require_channels(x.shape[-1], "the input of Identity")
        return x
