"""Fields of a group as fields of a subgroup."""

import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.groups import AnySubgroup, PlanarGroup, SpatialGroup
from geomdl.layers.core.layer import Field, Layer
from geomdl.representations import FieldType


class Restrict(Layer):
    """Understands fields of a group G as fields of a subgroup H, in the middle of a network: the numbers stay.

    From here on the network is asked to commute with H only, and may tell apart what G identifies: large patterns have
    fewer symmetries than small ones. The promise of the layer, and of a network that has it, is about H.

    Args:
      in_type: of G.
      subgroup: H.
      axis: which reflection of G is that of H; see `geomdl.groups.Subgroup`. The output's group has its mirror line,
        and the layers that follow commute with the reflection about that line.
      disentangle: whether to sort the channels into fields as small as possible, so that regular fields of G become
        regular fields of H; see `Disentangle`.

    Raises:
      ValueError: when H is not a subgroup of G.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, §2.7 and table 2.

    >>> layer = Restrict(FieldType("D8", "2 trivial + 4 regular"), "C8")
    >>> layer.out_type
    FieldType(C8, "2 trivial + 8 regular")
    >>> print(layer.contract)
    C8: exact
    circular shifts: exact
    fractional circular shifts: exact
    crops: exact, every pixel by itself
    >>> Restrict(FieldType("D4", "1 regular"), "D2", axis=1).out_type  # mirrors on the diagonals
    FieldType(D2(mirror=45), "2 regular")
    >>> Restrict(FieldType("O", "1 regular"), "D4z").out_type  # turns about one axis of a volume
    FieldType(D4z, "3 regular")
    """

    def __init__(
        self,
        in_type: FieldType,
        subgroup: AnySubgroup | PlanarGroup | SpatialGroup | str,
        *,
        axis: float = 0,
        disentangle: bool = True,
    ) -> None:
        self.in_type = in_type
        restricted = in_type.restrict(subgroup, axis)
        self.out_type, order = restricted.disentangle() if disentangle else (restricted, np.arange(in_type.size))
        self.order = tuple(order.tolist())

    @property
    def contract(self) -> Contract:
        """Exact for every element of the subgroup and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def apply(self, x: Field) -> Field:
        """Gives the channels back, sorted."""
        self.in_type.require_channels(x.shape[-1], "the input of Restrict")
        sorted_already = self.order == tuple(range(len(self.order)))
        return x if sorted_already else jnp.take(x, np.array(self.order), axis=-1)
