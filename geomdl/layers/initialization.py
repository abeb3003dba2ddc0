"""Initial weights, drawn without compiling a program for every shape."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

_CHUNK = 4096


def he_normal(key: jax.Array, shape: tuple[int, ...], fan_in: int) -> jax.Array:
    """Independent normal weights of variance 2 / fan_in, which keeps the variance of activations through ReLU layers.

    Numbers are drawn in chunks of 4096 by one compiled program, so that a network of many shapes is built quickly; the
    same key and shape give the same weights, also when the key is traced.

    Args:
      key: a JAX random key.
      shape: of the weights.
      fan_in: how many inputs each output sums over.

    References:
      He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015, equation 10.

    >>> weights = he_normal(jax.random.key(0), (100, 50), 8)
    >>> bool(abs(weights.std() - 0.5) < 0.02)
    True
    """
    count = math.prod(shape)
    chunks = max(1, -(-count // _CHUNK))
    if isinstance(key, Tracer):
        drawn = jax.vmap(_chunk, in_axes=(None, 0))(key, jnp.arange(chunks)).reshape(-1)[:count]
        return drawn.reshape(shape) * math.sqrt(2 / fan_in)
    drawn = np.concatenate([np.asarray(_chunk(key, i)) for i in range(chunks)])[:count]
    return jnp.asarray(drawn.reshape(shape) * np.float32(math.sqrt(2 / fan_in)))


@jax.jit
def _chunk(key: jax.Array, index: int | jax.Array) -> jax.Array:
    return jax.random.normal(jax.random.fold_in(key, index), (_CHUNK,), jnp.float32)


def zeros(*shape: int) -> jax.Array:
    """Zeros in float32.

    >>> zeros(2)
    Array([0., 0.], dtype=float32)
    """
    return jnp.asarray(np.zeros(shape, np.float32))


def ones(*shape: int) -> jax.Array:
    """Ones in float32.

    >>> ones(2)
    Array([1., 1.], dtype=float32)
    """
    return jnp.asarray(np.ones(shape, np.float32))
