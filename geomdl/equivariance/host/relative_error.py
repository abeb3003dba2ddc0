"""The relative error ‖a − b‖ / ‖b‖: as a JAX function, and in double precision on the host."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.arrays import widened


def relative_error(a: ArrayLike, b: ArrayLike) -> jax.Array:
    """‖a − b‖ / ‖b‖ in the 2-norm over all entries; 0 when both vanish, infinite when only b does.

    Computed in float32 at least, whatever the arrays are.

    Args:
      a: any shape, e.g. f(ρ(g)x) or another approximation.
      b: the same shape, what ``a`` is to be.

    >>> relative_error(jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0]))
    Array(2., dtype=float32)
    """
    a, b = widened(a), widened(b)
    difference, size = jnp.linalg.norm((a - b).ravel()), jnp.linalg.norm(b.ravel())
    return jnp.where(difference == 0, jnp.zeros_like(difference), difference / size)


def relative_error_on_host(a: Any, b: Any) -> float:
    """`relative_error` in double precision, whatever the arrays are, in NumPy; of several arrays together, if given so.

    Args:
      a: an array, or a tuple of arrays.
      b: of the same shape, or shapes.

    >>> relative_error_on_host(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    2.0
    >>> relative_error_on_host(np.ones(2), np.zeros(2))
    inf
    >>> relative_error_on_host((np.ones(2), np.ones(2)), (2 * np.ones(2), np.ones(2)))  # √2 / √10
    0.4472135954999579
    """
    a, b = (_entries(v) for v in (a, b))
    difference, size = np.linalg.norm(a - b), np.linalg.norm(b)
    if difference == 0:
        return 0.0
    return float(difference / size) if size else np.inf


def _entries(values: Any) -> np.ndarray:
    """All entries, in double precision."""
    if isinstance(values, tuple):
        return np.concatenate([_entries(value) for value in values])
    return np.asarray(values).astype(complex if np.iscomplexobj(values) else np.float64).ravel()
