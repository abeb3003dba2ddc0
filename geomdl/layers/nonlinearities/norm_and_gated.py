"""Nonlinearities that act on the norm of a field, or scale it by an invariant gate."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import unknown
from geomdl.groups import AnySubgroup, PlanarGroup, SpatialGroup, require_point_group
from geomdl.groups import subgroup as subgroup_of
from geomdl.layers.core.field_channels import block_fields, join_blocks, require_cosets, wide
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.layers.core.initialization import zeros
from geomdl.layers.core.layer import Field, Fields, Layer
from geomdl.representations import FieldType, quotient, trivial

_TINY = 1e-12

NORM_ACTIVATIONS: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "elu": lambda norm, bias: jax.nn.elu(norm + bias),
    "relu": lambda norm, bias: jax.nn.relu(norm + bias),
    "sigmoid": lambda norm, bias: norm * jax.nn.sigmoid(norm + bias),
    "softplus": lambda norm, bias: jax.nn.softplus(norm + bias),
    "squash": lambda norm, bias: norm**2 / (1 + norm**2),
    "tanh": lambda norm, bias: jnp.tanh(norm + bias),
}
"""The new norm η(‖f‖) of a field by name, given its norm and a bias (``squash`` has no bias)."""


class NormActivation(Layer):
    """Changes the length of each field and keeps its direction: y = η(‖f‖) f / ‖f‖.

    ‖ρ(g) f‖ = ‖f‖, so it commutes with every representation of every group, continuous ones included. With a learnable
    bias b for each field,

      relu: η(n) = max(n + b, 0),   elu: ELU(n + b),   softplus: log(1 + e^{n + b}),   tanh: tanh(n + b),
      sigmoid: n σ(n + b),   squash: n² / (1 + n²), without bias.

    Args:
      in_type: what comes in and goes out; any representations.
      activation: ``"relu"``, ``"elu"``, ``"softplus"``, ``"sigmoid"``, ``"tanh"`` or ``"squash"``.
      use_bias: whether b is learnt; otherwise it is 0.
      induced_from: a subgroup H, when the fields are induced from H: the norm is then that of the vector over each
        coset by itself, so that a field has as many norms as cosets.
      epsilon: added to ‖f‖², so that gradients at f = 0 are finite.

    Raises:
      ValueError: for an unknown activation, or fields that are not induced from H.

    References:
      Worrall et al., Harmonic networks, CVPR 2017, §4.1 (relu); Sabour et al., Dynamic routing between capsules, 2017
      (squash); Weiler & Cesa, General E(2)-equivariant steerable CNNs, 2019, §2.6.

    >>> layer = NormActivation(FieldType("C8", "1 irrep(1)"), "squash")
    >>> layer(jnp.array([[3.0, 4.0]]))  # norm 5, which becomes 25/26
    Array([[0.57692..., 0.76923...]], dtype=float32)
    """

    def __init__(
        self,
        in_type: FieldType,
        activation: str = "relu",
        *,
        use_bias: bool = True,
        induced_from: AnySubgroup | PlanarGroup | SpatialGroup | str | None = None,
        epsilon: float = _TINY,
    ) -> None:
        if activation not in NORM_ACTIVATIONS:
            raise unknown("norm activation", activation, sorted(NORM_ACTIVATIONS))
        self.in_type = self.out_type = in_type
        self.activation, self.epsilon = activation, epsilon
        self.cosets = 1
        if induced_from is not None:
            induced_from = subgroup_of(require_point_group(in_type.group, "induced_from"), induced_from)
            self.cosets = max(require_cosets(b.representation, induced_from) for b in in_type.blocks)
        self.bias = nnx.List([nnx.Param(zeros(in_type.num_fields))] if use_bias and activation != "squash" else [])

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x: Field) -> Field:
        """Rescales every field of ``[..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of NormActivation")
        dtype, parts, start = wide(x.dtype), [], 0
        for b in self.in_type.blocks:
            fields = block_fields(x, b).astype(dtype)
            fields = fields.reshape(*fields.shape[:-1], self.cosets, -1)
            bias = (
                self.bias[0][...][start : start + b.multiplicity]
                if len(self.bias)
                else jnp.zeros(b.multiplicity, dtype)
            )
            start += b.multiplicity
            norm = safe_norm(fields, self.epsilon)
            scale = NORM_ACTIVATIONS[self.activation](norm, bias.astype(dtype)[:, None]) / norm
            scaled = (fields * scale[..., None]).astype(x.dtype)
            parts.append(scaled.reshape(*scaled.shape[:-2], -1))
        return join_blocks(parts)


class Gated(Layer):
    """Scales each field by a gate that a scalar field of the same input opens and shuts: y_i = σ(s_i) f_i.

    The first channels of the input are the gates s, one trivial field for each field of ``out_type`` that is not
    trivial; the trivial fields of ``out_type`` need none, a pointwise function is applied to them. So the layer before
    must give

      in_type = gates (trivial) + out_type.

    Scalars do not change under the group, so it commutes with every representation of every group. With
    ``induced_from`` the vector over each coset of an induced field has a gate of its own: the gates are then quotient
    fields, which the group permutes as it permutes the cosets.

    Args:
      out_type: what goes out; any representations.
      gate: the function σ of the gates, e.g. ``"sigmoid"`` or ``"relu"``.
      scalars: the function of the trivial fields of ``out_type``.
      shared: one gate for all copies of a representation (a block) rather than one for each field.
      induced_from: a subgroup H, when all fields of ``out_type`` that are not trivial are induced from H.

    Raises:
      ValueError: for an unknown function, or fields that are not induced from H.

    References:
      Weiler et al., 3D steerable CNNs, NeurIPS 2018, §4.3.

    >>> layer = Gated(FieldType("C8", "2 trivial + 3 irrep(1)"))
    >>> layer.in_type
    FieldType(C8, "3 trivial + 2 trivial + 3 irrep(1)")
    >>> layer(jnp.zeros((1, 11)).at[0, 5].set(4.0))[0, 2]
    Array(2., dtype=float32)
    >>> Gated(FieldType("D4", "2 induced(C4,irrep(1))"), induced_from="C4").in_type
    FieldType(D4, "2 quotient(C4) + 2 induced(C4,irrep(1))")
    """

    def __init__(
        self,
        out_type: FieldType,
        gate: str = "sigmoid",
        scalars: str = "relu",
        *,
        shared: bool = False,
        induced_from: AnySubgroup | PlanarGroup | SpatialGroup | str | None = None,
    ) -> None:
        for name, value in (("gate", gate), ("scalars", scalars)):
            if value not in ACTIVATIONS:
                raise unknown(f"{name} of Gated", value, sorted(ACTIVATIONS))
        gated = [b for b in out_type.blocks if not b.representation.is_trivial]
        self.num_gates = len(gated) if shared else sum(b.multiplicity for b in gated)
        kind = trivial(out_type.group)
        if induced_from is not None:
            subgroup = subgroup_of(require_point_group(out_type.group, "induced_from"), induced_from)
            for b in gated:
                require_cosets(b.representation, subgroup)
            kind = quotient(subgroup.group, subgroup)
        self.cosets = kind.size
        gates = [(self.num_gates, kind)] if self.num_gates else []
        self.in_type = out_type.with_fields(gates + [(b.multiplicity, b.representation) for b in out_type.blocks])
        self.out_type = out_type
        self.gate, self.scalars, self.shared = gate, scalars, shared

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., gates + channels]`` to ``[..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of Gated")
        gates = ACTIVATIONS[self.gate](x[..., : self.num_gates * self.cosets])
        gates = gates.reshape(*x.shape[:-1], self.num_gates, self.cosets, 1)
        values, parts, start = x[..., self.num_gates * self.cosets :], [], 0
        for b in self.out_type.blocks:
            fields = block_fields(values, b)
            if b.representation.is_trivial:
                parts.append(ACTIVATIONS[self.scalars](fields))
                continue
            stop = start + (1 if self.shared else b.multiplicity)
            over_cosets = fields.reshape(*fields.shape[:-1], self.cosets, -1)
            parts.append((over_cosets * gates[..., start:stop, :, :]).reshape(fields.shape))
            start = stop
        return join_blocks(parts)


def safe_norm(fields: jax.Array, epsilon: float = _TINY) -> jax.Array:
    """√(‖f‖² + ε) over the last axis: the norm, with a finite gradient at 0.

    >>> safe_norm(jnp.array([3.0, 4.0]))
    Array(5., dtype=float32)
    """
    return jnp.sqrt((fields**2).sum(-1) + jnp.asarray(epsilon, fields.dtype))
