"""Gated nonlinearities."""

import functools
from collections.abc import Callable
from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.e3nn.irreps import as_field, as_irreps
from geomdl.errors import invalid

Activation = Callable[[jax.Array], jax.Array]

SCALARS = e3nn.Irreps("0e + 0o")


def silu(x: jax.Array) -> jax.Array:
    """x / (1 + exp(−x)). (Modules that hold functions of `jax.nn` cannot be pickled.)"""
    return jax.nn.silu(x)


def tanh(x: jax.Array) -> jax.Array:
    """The hyperbolic tangent, which is odd."""
    return jnp.tanh(x)


def sigmoid(x: jax.Array) -> jax.Array:
    """1 / (1 + exp(−x))."""
    return jax.nn.sigmoid(x)


class Gate(nnx.Module):
    """Acts on scalars by functions, and multiplies all else by functions of further scalars: y = σ(s) x; `e3nn.gate`.

    A function of a scalar commutes with O(3) if the scalar is even, or the function odd or even; so odd scalars go
    through ``odd``. Functions are normalised to second moment 1 under a normal distribution, as e3nn-jax does.

    Args:
      irreps_out: of the output. The input, ``gate.irreps_in``, has one even scalar more for each irrep of degree 1 and
        higher, between scalars and the rest.
      even: the function of even scalars.
      odd: the function of odd scalars, which must be odd.
      gate: the function of the gates.

    Raises:
      ValueError: ``odd`` is not odd, an input of other irreps, or text that is not irreps.

    >>> gate = Gate("8x0e + 2x0o + 4x1o")
    >>> gate.irreps_in, gate.irreps_out
    (8x0e+2x0o+4x0e+4x1o, 8x0e+2x0o+4x1o)
    """

    def __init__(
        self,
        irreps_out: Any,
        *,
        even: Activation = silu,
        odd: Activation = tanh,
        gate: Activation = sigmoid,
    ) -> None:
        irreps = as_irreps(irreps_out, "irreps_out").simplify()
        scalars, gated = irreps.filter(keep=SCALARS), irreps.filter(drop=SCALARS)
        gates = e3nn.Irreps(f"{gated.num_irreps}x0e" if gated.dim else "")
        self.irreps_in, self.irreps_out = e3nn.Irreps(scalars + gates + gated), e3nn.Irreps(scalars + gated)
        if scalars.count(e3nn.Irrep(0, -1)) and not is_odd(odd):
            raise invalid("odd activation of Gate", odd, "an odd function, f(−x) = −f(x), for odd scalars", "jnp.tanh")
        self.even, self.odd, self.gate = even, odd, gate

    def __call__(self, x: e3nn.IrrepsArray | jax.Array) -> e3nn.IrrepsArray:
        """Maps ``[..., irreps_in.dim]`` to ``[..., irreps_out.dim]``."""
        chunks = iter(as_chunks(x, self.irreps_in, "the input of Gate"))
        scalars = [
            normalized(self.even if ir.p == 1 else self.odd)(next(chunks)) for _, ir in self.irreps_out if ir.l == 0
        ]
        gated = []
        if len(scalars) < len(self.irreps_out):
            gates, start = normalized(self.gate)(next(chunks)), 0
            for multiplicity, _ in list(self.irreps_out)[len(scalars) :]:
                gated.append(next(chunks) * gates[..., start : start + multiplicity, :])
                start += multiplicity
        return e3nn.from_chunks(self.irreps_out, [*scalars, *gated], x.shape[:-1], x.dtype)


def as_chunks(x: Any, irreps: e3nn.Irreps, what: str) -> list[jax.Array]:
    """The parts ``[..., multiplicity, 2 l + 1]`` of a field, as ``irreps`` lists them."""
    field = as_field(x, irreps, what)
    array = field.array
    return [
        array[..., part].reshape(*array.shape[:-1], multiplicity, ir.dim)
        for part, (multiplicity, ir) in zip(irreps.slices(), irreps, strict=True)
    ]


@functools.lru_cache(maxsize=256)
def normalized(activation: Activation) -> Activation:
    """The function divided by a number, so that its second moment under a normal distribution is 1."""
    return e3nn.normalize_function(activation)  # pyright: ignore[reportArgumentType, reportReturnType]


def is_odd(activation: Activation) -> bool:
    """Whether f(−x) = −f(x), at some numbers."""
    x = np.linspace(0, 10, 64, dtype=np.float32)
    with jax.ensure_compile_time_eval():
        return bool(np.allclose(activation(jnp.asarray(x)), -np.asarray(activation(jnp.asarray(-x))), atol=1e-5))
