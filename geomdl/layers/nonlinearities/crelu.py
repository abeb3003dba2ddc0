"""CReLU rectification: the positive and the negative part of every channel."""

import functools

import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import unknown
from geomdl.layers.core.field_channels import block_fields, join_blocks
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.layers.core.layer import Field, Fields, Layer
from geomdl.representations import FieldType, Representation, decompose


class CReLU(Layer):
    """The concatenated nonlinearity (CReLU): f becomes (σ(f), σ(−f)), twice as many channels.

    Where the group permutes the channels up to signs, a sign exchanges the two halves, and the output is a permutation
    representation. So a sign field (irrep(N/2), irrep(1,0)), on which no pointwise function is equivariant,
    becomes a field of two channels on which every one is. Permuted channels give two copies of their representation.

    Args:
      in_type: fields whose channels the group permutes up to signs.
      activation: σ.

    Raises:
      ValueError: for an unknown activation, or a representation that mixes channels; the message says what would work.

    References:
      Shang et al., Understanding and improving convolutional neural networks via concatenated rectified linear units,
      ICML 2016.

    >>> layer = CReLU(FieldType("C2", "1 irrep(1)"))
    >>> layer.out_type.is_permutation, layer(jnp.array([[3.0], [-3.0]]))
    (True, Array([[3., 0.], [0., 3.]], dtype=float32))
    """

    def __init__(self, in_type: FieldType, activation: str = "relu") -> None:
        if activation not in ACTIVATIONS:
            raise unknown("activation", activation, sorted(ACTIVATIONS))
        for b in in_type.blocks:
            if not b.representation.is_signed_permutation:
                raise ValueError(
                    f"CReLU needs fields whose channels the group permutes up to signs; {b.representation} of"
                    f" {in_type.group} mixes them; allowed there: NormActivation, Gated, FourierPointwise"
                )
        self.in_type = in_type
        self.out_type = in_type.with_fields([_doubled(b.multiplicity, b.representation) for b in in_type.blocks])
        self.activation = activation

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., channels]`` to ``[..., 2 channels]``: of each field first σ(f), then σ(−f)."""
        self.in_type.require_channels(x.shape[-1], "the input of CReLU")
        parts = []
        for b in self.in_type.blocks:
            fields = block_fields(x, b)
            parts.append(ACTIVATIONS[self.activation](jnp.concatenate([fields, -fields], -1)))
        return join_blocks(parts)


def _doubled(multiplicity: int, rho: Representation) -> tuple[int, Representation]:
    return (2 * multiplicity, rho) if rho.is_permutation else (multiplicity, _signs_to_channels(rho))


@functools.lru_cache(maxsize=256)
def _signs_to_channels(rho: Representation) -> Representation:
    """The permutation representation of (channel, sign): (σ(f), σ(−f)) transforms so when f transforms by ρ."""
    matrices = rho(rho.group.generators())
    keep, swap = np.maximum(matrices, 0), np.maximum(-matrices, 0)
    return decompose(rho.group, np.block([[keep, swap], [swap, keep]]), f"signs({rho.name})")
