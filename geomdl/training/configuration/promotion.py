"""Standard dtype promotion inside optax, which does not run under the strict one."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
R = TypeVar("R")


def standard_promotion(function: Callable[P, R]) -> Callable[P, R]:
    """Returns the function, traced with JAX's standard dtype promotion.

    optax mixes integer step counts with floating-point numbers, which ``jax_numpy_dtype_promotion="strict"`` refuses;
    with this the rest of a program may still be strict.

    >>> import jax.numpy as jnp
    >>> with jax.numpy_dtype_promotion("strict"):
    ...     half = standard_promotion(lambda count: count * jnp.float32(0.5))(jnp.int32(3))
    >>> float(half)
    1.5
    """

    @functools.wraps(function)
    def standard(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.numpy_dtype_promotion("standard"):
            return function(*args, **kwargs)

    return standard
