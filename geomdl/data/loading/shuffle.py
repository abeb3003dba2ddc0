"""A random permutation whose entries are computed one by one, so that an epoch is shuffled without being held."""

import jax
import jax.numpy as jnp
import numpy as np
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


class EpochOrder:
    """The same order on the host: which examples each step takes, of epochs that :func:`shuffled` has shuffled.

    In NumPy alone, so that threads and worker processes that read ahead need no device. The key of epoch e is
    fold_in(key(seed), e), with JAX's default generator (Threefry).

    Args:
      count: number of examples.
      batch_size: examples of a step; what is left over at the end of an epoch is dropped.
      seed: of the order.

    References:
      Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011 (Threefry).

    >>> order = EpochOrder(5, batch_size=2, seed=7)
    >>> key = jax.random.fold_in(jax.random.key(7), 1)
    >>> order.indices(3).tolist() == shuffled(jnp.array([2, 3]), 5, key).tolist()  # the second step of epoch 1
    True
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        self._count, self._batch_size, self._seed = count, batch_size, seed
        self.steps_per_epoch = count // batch_size
        self._held: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))

    def indices(self, step: int) -> np.ndarray:
        """The examples of a step, int64."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._count > _MOST_HELD:
            return self._shuffled(np.arange(place * self._batch_size, (place + 1) * self._batch_size), epoch)
        held = self._held  # read once, since other threads change it
        if held[0] != epoch:
            held = self._held = (epoch, self._shuffled(np.arange(self._count), epoch))
        return held[1][place * self._batch_size : (place + 1) * self._batch_size]

    def _shuffled(self, places: np.ndarray, epoch: int) -> np.ndarray:
        key = _threefry((self._seed >> 32, self._seed & 0xFFFFFFFF), np.array([epoch >> 32]), np.array([epoch]))
        one, other = _threefry((key[0][0], key[1][0]), np.zeros(_ROUNDS), np.arange(_ROUNDS))
        round_keys = one ^ other
        half = max(1, ((self._count - 1).bit_length() + 1) // 2)
        low = np.uint32((1 << half) - 1)
        value = self._permuted(places.astype(np.uint32), round_keys, half, low)
        while (outside := value >= self._count).any():
            value[outside] = self._permuted(value[outside], round_keys, half, low)
        return value.astype(np.int64)

    @staticmethod
    def _permuted(value: np.ndarray, round_keys: np.ndarray, half: int, low: np.uint32) -> np.ndarray:
        left, right = value >> np.uint32(half), value & low
        for round_key in round_keys:
            word = right ^ round_key
            word = (word ^ (word >> np.uint32(16))) * np.uint32(0x85EBCA6B)
            word = (word ^ (word >> np.uint32(13))) * np.uint32(0xC2B2AE35)
            left, right = right, left ^ ((word ^ (word >> np.uint32(16))) & low)
        return (left << np.uint32(half)) | right


_MOST_HELD = 2**22  # examples of which the order of an epoch is held
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def _threefry(key: tuple[int, int], first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Threefry-2x32 with 20 rounds, as JAX has it."""
    keys = [np.uint32(key[0]), np.uint32(key[1])]
    keys.append(keys[0] ^ keys[1] ^ np.uint32(0x1BD11BDA))
    x, y = first.astype(np.uint32), second.astype(np.uint32)
    x, y = x + keys[0], y + keys[1]
    for block in range(5):
        for rotation in _ROTATIONS[block % 2]:
            x = x + y
            y = ((y << np.uint32(rotation)) | (y >> np.uint32(32 - rotation))) ^ x
        x, y = x + keys[(block + 1) % 3], y + keys[(block + 2) % 3] + np.uint32(block + 1)
    return x, y
