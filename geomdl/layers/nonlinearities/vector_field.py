"""The vector-field nonlinearity: a regular field becomes one vector, along its strongest orientation."""

import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import unknown
from geomdl.groups import O3, PlanarGroup, SpatialGroup, require_point_group
from geomdl.layers.core.field_channels import block_fields, is_regular, join_blocks
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.layers.core.layer import Field, Fields, Layer
from geomdl.layers.core.maximum import largest, shares_of_largest
from geomdl.representations import FieldType, Representation, irrep, restrict


class VectorField(Layer):
    """Takes the largest of the responses of a regular field, and gives it as a vector along its orientation:

      y = σ(f(h*)) h* e,   h* = argmax_h f(h),   e the unit vector to the right.

    (g·f)(h) = f(g⁻¹h) moves h* to g h*, and so turns the vector. Where several responses are equally large, y is the
    mean of their vectors, so that the law holds there too.

    Args:
      in_type: regular fields of C_N or D_N, N ≥ 3, or of T, O, I and their groups with reflections.
      activation: σ; with ``"relu"`` the length is max(0, max_h f(h)).

    Raises:
      ValueError: for an unknown activation, fields that are not regular, N < 3, or a group about an axis of space.

    References:
      Marcos et al., Rotation equivariant vector field networks, ICCV 2017, §3.2.

    >>> layer = VectorField(FieldType("C4", "1 regular"))
    >>> layer.out_type, layer(jnp.array([[1.0, 5.0, 2.0, 0.0]]))
    (FieldType(C4, "1 irrep(1)"), Array([[0., 5.]], dtype=float32))
    """

    def __init__(self, in_type: FieldType, activation: str = "relu") -> None:
        if activation not in ACTIVATIONS:
            raise unknown("activation", activation, sorted(ACTIVATIONS))
        group = require_point_group(in_type.group, "VectorField")
        self.vector = _vector(group)
        for b in in_type.blocks:
            if not is_regular(b.representation):
                raise ValueError(
                    f"VectorField needs regular fields; {b.representation} of {group} is not; allowed there:"
                    " NormActivation, Gated"
                )
        self.in_type = in_type
        self.out_type = in_type.with_fields([(b.multiplicity, self.vector) for b in in_type.blocks])
        self.activation = activation

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., fields · order]`` to ``[..., fields · 2]``."""
        self.in_type.require_channels(x.shape[-1], "the input of VectorField")
        directions = np.asarray(self.vector(self.in_type.group.elements())[:, :, 0])  # h e ``[order, 2]``
        directions = jnp.asarray(np.where(np.abs(directions) < 1e-12, 0, directions), x.dtype)
        parts = []
        for b in self.in_type.blocks:
            fields = block_fields(x, b)
            vectors = jnp.einsum("...h,hd->...d", shares_of_largest(fields), directions, precision="highest")
            parts.append(ACTIVATIONS[self.activation](largest(fields)[..., None]) * vectors)
        return join_blocks(parts)


def _vector(group: PlanarGroup | SpatialGroup) -> Representation:
    """The irrep of vectors."""
    if isinstance(group, SpatialGroup):
        labels = restrict(irrep(O3, 1, 1), group).labels
        if len(labels) == 1:
            return irrep(group, *labels[0])
    elif not group.is_finite or group.rotation_order >= 3:
        return irrep(group, 1)
    raise ValueError(
        "VectorField needs a group whose vectors are irreducible, C_N or D_N with N ≥ 3, in space T, O, I, Td, Th, Oh,"
        f" Ih; {group} allows Pointwise, NormActivation or Gated"
    )
