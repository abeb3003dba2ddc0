"""How far a function is from being equivariant."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

Action = Callable[[jax.Array, jax.Array], jax.Array]
"""``action(g, x)``: how an element moves an array; g may be traced."""


def relative_error(a: ArrayLike, b: ArrayLike) -> jax.Array:
    """‖a − b‖ / ‖b‖ in the 2-norm over all entries; 0 when both vanish, infinite when only b does.

    >>> relative_error(jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0]))
    Array(2., dtype=float32)
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    difference, size = jnp.linalg.norm((a - b).ravel()), jnp.linalg.norm(b.ravel())
    return jnp.where(difference == 0, jnp.zeros_like(difference), difference / size)


def equivariance_error(
    function: Callable[[jax.Array], jax.Array],
    x: ArrayLike,
    in_action: Action,
    out_action: Action,
    elements: ArrayLike,
) -> jax.Array:
    """The relative equivariance error for each element g of a list:

      ε(g) = ‖f(ρ_in(g) x) − ρ_out(g) f(x)‖ / ‖ρ_out(g) f(x)‖.

    The function is compiled once and mapped over the elements.

    Args:
      function: f, traceable by JAX.
      x: the input, as f takes it.
      in_action: ρ_in, ``(g, x) -> x'``.
      out_action: ρ_out; ``lambda g, y: y`` for invariance.
      elements: ``[n, element_size]``, as the actions take them.

    Returns:
      ``[n]`` errors.

    >>> from geomdl.actions import roll
    >>> x = jnp.arange(16.0).reshape(1, 4, 4)
    >>> shifts = jnp.array([[0, 0], [1, 2]])
    >>> equivariance_error(lambda x: x**2, x, lambda g, x: roll(x, g), lambda g, y: roll(y, g), shifts)
    Array([0., 0.], dtype=float32)
    """
    x, elements = jnp.asarray(x), jnp.asarray(elements)

    @jax.jit
    def errors(x: jax.Array, elements: jax.Array) -> jax.Array:
        outputs = jax.lax.map(lambda g: function(in_action(g, x)), elements)
        output = function(x)
        return jax.lax.map(lambda pair: relative_error(pair[1], out_action(pair[0], output)), (elements, outputs))

    return errors(x, elements)
