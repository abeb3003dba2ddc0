"""Where random numbers come from: streams of keys for initial weights, single keys for all else."""

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
    try:
        return nnx.Rngs(as_key(rngs))
    except ValueError:
        raise invalid("rngs", rngs, "flax.nnx.Rngs, a JAX random key or a seed", "nnx.Rngs(0)") from None


class OneKey(nnx.Rngs):
    """Streams that give one and the same key at every call: for networks of which only the shapes are asked for.

    Counting keys inside a trace takes a time that grows with the square of the number of layers.

    >>> rngs = OneKey(0)
    >>> bool(rngs.params() == rngs.params())
    True
    """

    def __call__(self) -> jax.Array:
        """Returns the key."""
        return self.default.key[...]

    params = dropout = __call__  # type: ignore[assignment]


def as_key(key: Any, what: str = "key") -> jax.Array:
    """A JAX random key: itself, one of `jax.random.PRNGKey`, the next one of `nnx.Rngs`, or that of a seed.

    Args:
      key: ``jax.random.key(0)``, ``jax.random.PRNGKey(0)``, ``nnx.Rngs(0)`` or ``0``.
      what: it stands for, in messages.

    Raises:
      ValueError: for anything else.

    >>> import numpy as np
    >>> bool(as_key(3) == jax.random.key(3)), as_key(np.int64(3)).shape
    (True, ())
    """
    if isinstance(key, nnx.Rngs):
        return key()
    if isinstance(key, jax.Array) and key.shape == () and jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key
    if isinstance(key, jax.Array) and key.shape == (2,) and key.dtype == jnp.uint32:  # as jax.random.PRNGKey gives
        return jax.random.wrap_key_data(key)
    try:
        return jax.random.key(whole_number(what, key, least=0))
    except (ValueError, OverflowError):
        raise invalid(what, key, "a JAX random key, or a seed", "jax.random.key(0)") from None
