"""Highway layers: a gate decides how much of a layer's output takes the place of its input."""

import math

import jax
import jax.numpy as jnp

from geomdl.equivariance.contracts.composition import side_by_side
from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.errors import invalid
from geomdl.layers.core.field_channels import per_channel
from geomdl.layers.core.identity import Identity
from geomdl.layers.core.layer import Child, Field, Layer
from geomdl.representations import FieldType


class Highway(Layer):
    """y = t h(x) + (1 − t) x, with the gate t = σ(g(x) + b) between 0 and 1.

    With b negative, most of the input goes through unchanged at the start of training, however deep the network is.
    Gates are fields of the same type, for channels that the group permutes, or one invariant number for each field, for
    any representation; both commute with the group as h and g do.

    Args:
      body: h; it gives the type, and the size, that it takes.
      gate: g; it takes the same and gives the same type, or one trivial field for each field.
      gate_bias: b, a constant beside the bias that g may learn; the papers start between −1 and −4.

    Raises:
      ValueError: where h does not give what it takes, g takes or gives something else, or gates of fields that are not
        permuted have their type.

    References:
      Srivastava, Greff & Schmidhuber, Training very deep networks, NIPS 2015, equation 3.

    >>> from geomdl.layers import Pointwise
    >>> t = FieldType("C4", "1 regular")
    >>> layer = Highway(Pointwise(t, "relu"), Pointwise(t, "identity"), gate_bias=0.0)
    >>> [round(v, 3) for v in layer(jnp.array([[-1.0, 2.0, 0.0, 1.0]]))[0].tolist()]  # (1 − σ(−1)) · (−1), …
    [-0.731, 2.0, 0.0, 1.0]
    """

    def __init__(self, body: Layer, gate: Layer, *, gate_bias: float = -2.0) -> None:
        if body.in_type != body.out_type:
            raise ValueError(f"the body of Highway gives the type that it takes; got {body.in_type} to {body.out_type}")
        if gate.in_type != body.in_type:
            raise ValueError(f"the gate of Highway takes {gate.in_type}, but the body {body.in_type}")
        if not math.isfinite(gate_bias):
            raise invalid("gate_bias of Highway", gate_bias, "a finite number", -2.0)
        scalars = body.in_type.with_fields(f"{body.in_type.num_fields} trivial")
        if gate.out_type != scalars:
            if gate.out_type != body.in_type:
                raise ValueError(
                    f"the gate of Highway gives {gate.out_type}; allowed: {scalars}, or {body.in_type} if permuted"
                )
            body.in_type.require_permutation("Highway with a gate for each channel")
        self.body, self.gate, self.gate_bias = body, gate, float(gate_bias)
        self.in_type: FieldType = body.in_type
        self.out_type: FieldType = body.in_type

    @property
    def contract(self) -> Contract:
        """The weakest promise of body and gate, under their conditions."""
        parts = [self.body.contract, self.gate.contract, Identity(self.in_type).contract]
        return side_by_side(parts, self.in_type, self.out_type)

    def children(self, size: Size) -> list[Child]:
        """Body and gate."""
        return [Child("body", self.body, size), Child("gate", self.gate, size)]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Applies both to ``[batch, ..., channels]``. Raises ValueError when they give another number of pixels."""
        keys = [None if key is None else jax.random.fold_in(key, i) for i in range(2)]
        h = self.body(x, train=train, key=keys[0])
        g = self.gate(x, train=train, key=keys[1])
        if not h.shape[:-1] == g.shape[:-1] == x.shape[:-1]:
            sizes = ", ".join(str(a.shape[1:-1]) for a in (h, g, x))
            raise ValueError(f"body, gate and input of Highway have different sizes: {sizes}")
        t = jax.nn.sigmoid(g + jnp.asarray(self.gate_bias, g.dtype))
        if t.shape[-1] != x.shape[-1]:
            t = per_channel(t, self.in_type)
        return x + t * (h - x)
