"""The tensor-product nonlinearity: products of the channels of a field."""

import dataclasses
import math

from geomdl.equivariance.contracts.contract import Contract, Size, exact_everywhere
from geomdl.layers.core.field_channels import block_fields, join_blocks
from geomdl.layers.core.layer import Field, Fields, Layer
from geomdl.representations import FieldType, tensor_product


class TensorProduct(Layer):
    """Multiplies all pairs of channels of each field: y = f ⊗ f, a field of ρ ⊗ ρ.

    (ρ(g) f) ⊗ (ρ(g) f) = (ρ(g) ⊗ ρ(g)) (f ⊗ f), so it commutes with every representation of every group; frequencies of
    irreps add and subtract. A linear layer after it takes any combination of the products; `geomdl.layers.ToIrreps`
    gives their irreducible parts (the Clebsch–Gordan decomposition).

    Args:
      in_type: any representations; fields of size n give fields of size n².

    References:
      Kondor, Lin & Trivedi, Clebsch–Gordan nets, NeurIPS 2018.

    >>> import jax.numpy as jnp
    >>> layer = TensorProduct(FieldType("SO2", "3 irrep(1)"))
    >>> layer.out_type.size, layer.out_type.blocks[0].representation.labels
    (12, ((0, 0), (0, 0), (0, 2)))
    >>> TensorProduct(FieldType("SO2", "1 irrep(1)"))(jnp.array([[2.0, 3.0]]))
    Array([[4., 6., 6., 9.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType) -> None:
        self.in_type = in_type
        pairs = [(b.multiplicity, tensor_product(b.representation, b.representation)) for b in in_type.blocks]
        self.out_type = in_type.with_fields(pairs)

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift. In a product the relative errors of both factors add: depth 2."""
        return dataclasses.replace(exact_everywhere(self.in_type, self.out_type), depth=2)

    def multiply_adds(self, size: Size) -> int:
        """One for each product."""
        return math.prod(size) * self.out_type.size

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., channels]`` to the products ``[..., channels_out]``."""
        self.in_type.require_channels(x.shape[-1], "the input of TensorProduct")
        parts = []
        for b in self.in_type.blocks:
            fields = block_fields(x, b)
            products = fields[..., :, None] * fields[..., None, :]
            parts.append(products.reshape(*fields.shape[:-1], -1))
        return join_blocks(parts)
