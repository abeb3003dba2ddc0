"""Fields in the basis of irreps, and back."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Contract, Size, exact_everywhere
from geomdl.layers.core.field_channels import block_fields, join_blocks
from geomdl.layers.core.layer import Field, Fields, Layer
from geomdl.representations import FieldType, irrep
from geomdl.representations.representation import irrep_size


class ToIrreps(Layer):
    """Writes each field in the basis in which ρ is block-diagonal: y = Qᵀ f, a field of irreps.

    For a regular field that is its Fourier transform over the group, for a tensor product the Clebsch–Gordan
    decomposition. Q is orthogonal, so norms are kept. `FromIrreps` goes back.

    Args:
      in_type: any representations.

    >>> layer = ToIrreps(FieldType("C4", "2 regular"))
    >>> layer.out_type
    FieldType(C4, "2 irrep(0) + 2 irrep(1) + 2 irrep(2)")
    >>> layer(jnp.ones((1, 8))).round(3)
    Array([[2., 2., 0., 0., 0., 0., 0., 0.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType) -> None:
        self.in_type, self.out_type = in_type, _irreps_of(in_type)

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        # depth 2: the field that is moved in the irrep basis is rounded by another matrix product
        return dataclasses.replace(exact_everywhere(self.in_type, self.out_type, linear=True), depth=2)

    def multiply_adds(self, size: Size) -> int:
        """Pixels · Σ fields · size²."""
        return int(np.prod(size)) * sum(b.multiplicity * b.representation.size**2 for b in self.in_type.blocks)

    def apply(self, x: Field) -> Field:
        """Maps ``[..., channels]`` to the coefficients of as many channels, irrep after irrep."""
        self.in_type.require_channels(x.shape[-1], "the input of ToIrreps")
        parts = []
        for b in self.in_type.blocks:
            q = jnp.asarray(b.representation.change_of_basis, x.dtype)
            coefficients = jnp.einsum("...mc,ci->...mi", block_fields(x, b), q, precision="highest")
            sizes = [irrep_size(b.representation.group, label) for label in b.representation.labels]
            parts += jnp.split(coefficients, np.cumsum(sizes)[:-1].tolist(), axis=-1)
        return join_blocks(parts)


class FromIrreps(Layer):
    """The inverse of `ToIrreps`: irreps of one field each are put together as f = Q y.

    Args:
      out_type: any representations; the input has their irreps.

    >>> FromIrreps(FieldType("C4", "1 regular"))(jnp.array([[2.0, 0.0, 0.0, 0.0]])).round(3)
    Array([[1., 1., 1., 1.]], dtype=float32)
    """

    def __init__(self, out_type: FieldType) -> None:
        self.in_type, self.out_type = _irreps_of(out_type), out_type

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        # depth 2: the field that is moved in the irrep basis is rounded by another matrix product
        return dataclasses.replace(exact_everywhere(self.in_type, self.out_type, linear=True), depth=2)

    def multiply_adds(self, size: Size) -> int:
        """Pixels · Σ fields · size²."""
        return int(np.prod(size)) * sum(b.multiplicity * b.representation.size**2 for b in self.out_type.blocks)

    def apply(self, x: Field) -> Fields:
        """Maps the coefficients ``[..., channels]`` to as many channels."""
        self.in_type.require_channels(x.shape[-1], "the input of FromIrreps")
        parts, i = [], 0
        for b in self.out_type.blocks:
            count = len(b.representation.labels)
            fields = jnp.concatenate([block_fields(x, c) for c in self.in_type.blocks[i : i + count]], -1)
            q = jnp.asarray(b.representation.change_of_basis, x.dtype)
            parts.append(jnp.einsum("...mi,ci->...mc", fields, q, precision="highest"))
            i += count
        return join_blocks(parts)


def _irreps_of(field_type: FieldType) -> FieldType:
    """For each block, one block of each irrep of its representation."""
    group = field_type.group
    return field_type.with_fields(
        [(b.multiplicity, irrep(group, *label)) for b in field_type.blocks for label in b.representation.labels]
    )
