"""The order of fields, and of the channels in them."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import invalid
from geomdl.layers.core.layer import Field, Layer
from geomdl.representations import FieldType


class Reshuffle(Layer):
    """Puts the blocks of fields in another order.

    Args:
      in_type: what comes in.
      order: block i of the output is block ``order[i]`` of the input.

    Raises:
      ValueError: when ``order`` is not a permutation of the blocks.

    >>> layer = Reshuffle(FieldType("C2", "1 trivial + 1 regular"), [1, 0])
    >>> layer.out_type, layer(jnp.array([[1.0, 2.0, 3.0]]))
    (FieldType(C2, "1 regular + 1 trivial"), Array([[2., 3., 1.]], dtype=float32))
    """

    def __init__(self, in_type: FieldType, order: Sequence[int]) -> None:
        blocks = in_type.blocks
        if sorted(order) != list(range(len(blocks))):
            raise invalid("order of Reshuffle", list(order), f"a permutation of 0 … {len(blocks) - 1}")
        self.in_type, self.order = in_type, tuple(order)
        self.out_type = in_type.with_fields([(blocks[i].multiplicity, blocks[i].representation) for i in order])

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def apply(self, x: Field) -> Field:
        """Reorders ``[..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of Reshuffle")
        return jnp.concatenate([x[..., self.in_type.blocks[i].channels] for i in self.order], -1)


class Disentangle(Layer):
    """Sorts the channels into fields as small as possible, without mixing them: an orbit of channels becomes a field.

    A regular field of D8 that was restricted to C8 becomes two regular fields.

    Args:
      in_type: what comes in; see `geomdl.representations.FieldType.disentangle`.

    >>> Disentangle(FieldType("D8", "3 regular").restrict("C8")).out_type
    FieldType(C8, "6 regular")
    """

    def __init__(self, in_type: FieldType) -> None:
        self.in_type = in_type
        self.out_type, order = in_type.disentangle()
        self.order = tuple(order.tolist())

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def apply(self, x: Field) -> Field:
        """Reorders ``[..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of Disentangle")
        return jnp.take(x, np.array(self.order), axis=-1)
