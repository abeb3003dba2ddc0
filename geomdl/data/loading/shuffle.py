"""A random permutation whose entries are computed one by one, so that an epoch is shuffled without being held."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

_ROUNDS = 6


def shuffled(places: ArrayLike, count: int, key: jax.Array) -> jax.Array:
    """π(place) for a pseudorandom permutation π of ``range(count)`` chosen by the key.

    A Feistel network over the smallest even number of bits that holds ``count``, applied again while the result is not
    below ``count`` (cycle walking): a bijection for any round function. It costs O(places), where sorting random
    numbers (``jax.random.permutation``) costs O(count log count) for the few places that one training step needs.

    Args:
      places: int32, in [0, count).
      count: number of examples, from 1.
      key: a JAX random key.

    Returns:
      int32 array of the shape of ``places``.

    References:
      Black and Rogaway, Ciphers with arbitrary finite domains, CT-RSA 2002.

    >>> sorted(shuffled(jnp.arange(5), 5, jax.random.key(0)).tolist())
    [0, 1, 2, 3, 4]
    """
    half = max(1, ((count - 1).bit_length() + 1) // 2)
    low = jnp.uint32((1 << half) - 1)
    round_keys = jax.random.bits(key, (_ROUNDS,), jnp.uint32)

    def permute(value: jax.Array) -> jax.Array:
        left, right = value >> half, value & low
        for round_key in round_keys:
            left, right = right, left ^ (_mixed(right ^ round_key) & low)
        return (left << half) | right

    def walk(value: jax.Array) -> jax.Array:
        return jnp.where(value < count, value, permute(value))

    first = permute(jnp.asarray(places).astype(jnp.uint32))
    return jax.lax.while_loop(lambda value: (value >= count).any(), walk, first).astype(jnp.int32)


def _mixed(word: jax.Array) -> jax.Array:
    """The finalizer of MurmurHash3: every input bit changes every output bit half of the time."""
    word = (word ^ (word >> 16)) * jnp.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * jnp.uint32(0xC2B2AE35)
    return word ^ (word >> 16)
