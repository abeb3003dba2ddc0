"""Random numbers that are the same on every machine and with every NumPy.

NumPy guarantees the raw stream of a bit generator, not what its distributions make of it, so the data sets and their
splits are built from raw Philox words alone. A draw is named by a seed and a purpose: two purposes never share a
stream.
"""

import hashlib

import numpy as np
from jaxtyping import Float, Float64


def _words(seed: int, purpose: str, count: int) -> np.ndarray:
    key = np.frombuffer(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:16], dtype="<u8")
    return np.random.Philox(key=key).random_raw(count)


def uniforms(seed: int, purpose: str, shape: tuple[int, ...]) -> Float64[np.ndarray, "..."]:
    """Independent uniform numbers in [0, 1), 53 bits each.

    Row i is the same whatever the number of rows: a longer draw extends a shorter one.

    Args:
      seed: which stream.
      purpose: what the numbers are for; part of the stream's name.
      shape: of the result.

    Returns:
      float64 array of the given shape.

    >>> uniforms(0, "example", (3,)).round(4)
    array([0.9338, 0.8255, 0.1946])
    """
    count = int(np.prod(shape))
    return (_words(seed, purpose, count) >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-53


def normals(seed: int, purpose: str, shape: tuple[int, ...]) -> Float64[np.ndarray, "..."]:
    """Independent standard normal numbers, by inversion of :func:`uniforms`."""
    from scipy.special import ndtri

    return ndtri(uniforms(seed, purpose, shape) + 2.0**-54)


def symmetric(seed: int, purpose: str, shape: tuple[int, ...], bound: float) -> Float[np.ndarray, "..."]:
    """Independent numbers, uniform in [-bound, bound)."""
    return (2.0 * uniforms(seed, purpose, shape) - 1.0) * bound


def permutation(seed: int, purpose: str, count: int) -> np.ndarray:
    """A uniformly drawn permutation of ``range(count)``."""
    return np.argsort(uniforms(seed, purpose, (count,)), kind="stable")


def derived_seed(seed: int, purpose: str) -> int:
    """A 32-bit seed for a library that wants one, unrelated to the seeds derived from ``seed + 1``."""
    return int(_words(seed, purpose, 1)[0] & np.uint64(0xFFFFFFFF))
