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
    return normal(key, shape, math.sqrt(2 / fan_in))


def normal(key: jax.Array, shape: tuple[int, ...], deviation: float | np.ndarray) -> jax.Array:
    """Independent normal numbers of mean 0 in float32; see `he_normal`.

    Args:
      key: a JAX random key.
      shape: of the numbers.
      deviation: their standard deviation, one for all or an array that broadcasts to the shape.

    >>> abs(normal(jax.random.key(0), (2, 3), np.array([[1.0], [0.0]]))[1])
    Array([0., 0., 0.], dtype=float32)
    """
    count = math.prod(shape)
    chunks = max(1, -(-count // _CHUNK))
    deviation = np.asarray(deviation, np.float32)
    if isinstance(key, Tracer):
        drawn = jax.vmap(_chunk, in_axes=(None, 0))(key, jnp.arange(chunks)).reshape(-1)[:count]
        return drawn.reshape(shape) * deviation
    drawn = np.concatenate([np.asarray(_chunk(key, np.int32(i))) for i in range(chunks)])[:count]
    return jax.device_put(drawn.reshape(shape) * deviation)


@jax.jit
def _chunk(key: jax.Array, index: int | jax.Array) -> jax.Array:
    return jax.random.normal(jax.random.fold_in(key, index), (_CHUNK,), jnp.float32)


def zeros(*shape: int) -> jax.Array:
    """Zeros in float32.

    >>> zeros(2)
    Array([0., 0.], dtype=float32)
    """
    return jax.device_put(np.zeros(shape, np.float32))


def ones(*shape: int) -> jax.Array:
    """Ones in float32.

    >>> ones(2)
    Array([1., 1.], dtype=float32)
    """
    return jax.device_put(np.ones(shape, np.float32))
