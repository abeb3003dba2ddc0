"""Where initial weights take their random numbers from."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.errors import invalid
from geomdl.numbers import whole_number


def as_rngs(rngs: Any) -> nnx.Rngs:
    """Streams of random keys: `nnx.Rngs`, or what stands for them, a JAX random key or a seed.

    Args:
      rngs: ``nnx.Rngs(0)``; ``jax.random.key(0)`` or ``0`` for the same streams.

    Raises:
      ValueError: for anything else.

    >>> bool((as_rngs(jax.random.key(0)).params() == nnx.Rngs(0).params()).all())
    True
    """
    if isinstance(rngs, nnx.Rngs):
        return rngs
    if isinstance(rngs, jax.Array) and rngs.shape == () and jnp.issubdtype(rngs.dtype, jax.dtypes.prng_key):
        return nnx.Rngs(rngs)
    if isinstance(rngs, jax.Array) and rngs.shape == (2,) and rngs.dtype == jnp.uint32:  # as jax.random.PRNGKey gives
        return nnx.Rngs(jax.random.wrap_key_data(rngs))
    try:
        return nnx.Rngs(whole_number("rngs", rngs, least=0))
    except ValueError:
        raise invalid("rngs", rngs, "flax.nnx.Rngs, a JAX random key or a seed", "nnx.Rngs(0)") from None
