"""Pointwise nonlinearities and maxout."""

import jax.numpy as jnp

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import invalid, unknown
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.layers.core.layer import Field, Fields, Layer
from geomdl.layers.core.maximum import largest
from geomdl.representations import FieldType, Representation


class Pointwise(Layer):
    """Applies a function σ: ℝ → ℝ to every channel: σ(ρ(g) x) = ρ(g) σ(x) when ρ(g) permutes the channels.

    An odd σ (``"tanh"``) may also meet changes of sign, as in sign irreps; the identity anything.

    Args:
      in_type: fields whose channels the group permutes (trivial, regular, quotient).
      activation: ``"relu"``, ``"leaky_relu"``, ``"elu"``, ``"sigmoid"``, ``"tanh"`` or ``"identity"``.

    Raises:
      ValueError: for an unknown activation, or a representation that it would break; the message says what works.

    >>> Pointwise(FieldType("C4", "1 regular"), "relu")(jnp.array([[-1.0, 2.0, -3.0, 4.0]]))
    Array([[0., 2., 0., 4.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType, activation: str = "relu") -> None:
        if activation not in ACTIVATIONS:
            raise unknown("activation", activation, sorted(ACTIVATIONS))
        for b in in_type.blocks:
            if not _commutes(activation, b.representation):
                raise ValueError(_what_works(activation, b.representation))
        self.in_type = self.out_type = in_type
        self.activation = activation

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=self.activation == "identity")

    def apply(self, x: Field) -> Field:
        """Applies σ to ``[..., channels]``."""
        self.in_type.require_channels(x.shape[-1], "the input of Pointwise")
        return ACTIVATIONS[self.activation](x)


class Maxout(Layer):
    """The maximum of each ``pieces`` neighbouring *fields*, channel by channel: ``m`` fields become ``m / pieces``.

    Args:
      in_type: fields whose channels the group permutes.
      pieces: how many fields compete.

    Raises:
      ValueError: when ``pieces`` does not divide a multiplicity, or a representation is not a permutation.

    References:
      Goodfellow et al., Maxout networks, ICML 2013.

    >>> layer = Maxout(FieldType("C2", "2 regular"))
    >>> layer.out_type, layer(jnp.array([[1.0, 5.0, 3.0, 2.0]]))
    (FieldType(C2, "1 regular"), Array([[3., 5.]], dtype=float32))
    """

    def __init__(self, in_type: FieldType, pieces: int = 2) -> None:
        in_type.require_permutation("maxout")
        for b in in_type.blocks:
            if pieces < 1 or b.multiplicity % pieces:
                raise invalid("pieces of maxout", pieces, f"a divisor of the multiplicity {b.multiplicity}", 1)
        self.in_type = in_type
        self.out_type = in_type.with_fields([(b.multiplicity // pieces, b.representation) for b in in_type.blocks])
        self.pieces = pieces

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., channels]`` to ``[..., channels / pieces]``."""
        self.in_type.require_channels(x.shape[-1], "the input of Maxout")
        outputs = []
        for b in self.in_type.blocks:
            shape = (*x.shape[:-1], b.multiplicity // self.pieces, self.pieces, b.representation.size)
            outputs.append(largest(x[..., b.channels].reshape(shape), -2).reshape(*x.shape[:-1], -1))
        return jnp.concatenate(outputs, -1)


def _commutes(activation: str, rho: Representation) -> bool:
    odd = activation == "tanh"
    return activation == "identity" or rho.is_permutation or rho.is_trivial or (odd and rho.is_signed_permutation)


def _what_works(activation: str, rho: Representation) -> str:
    """The message for a representation that a pointwise function breaks."""
    choices = ["NormActivation", "Gated"]
    if rho.is_signed_permutation:
        choices = ["CReLU (its channels change sign only)", "Pointwise 'tanh'", *choices]
    else:
        choices.append("FourierPointwise (for fields such as band_limited(3))")
    return (
        f"{activation} needs fields whose channels the group permutes (trivial, regular, quotient); {rho} of"
        f" {rho.group} does more; allowed there: {', '.join(choices)}"
    )
