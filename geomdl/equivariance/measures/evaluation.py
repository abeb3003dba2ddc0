"""Evaluating a model over the elements of a group: compiled once where JAX can trace it, a loop where it cannot."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.arrays import as_floating
from geomdl.equivariance.adapters.functions import Model
from geomdl.errors import invalid
from geomdl.groups import LINE, PLANE, VOLUME


def image_batch(x: ArrayLike, what: str = "x", dimension: int = 2) -> jax.Array:
    """Images as a JAX array ``[batch, height, width, channels]`` of floating-point numbers.

    Args:
      x: the images.
      what: their name, for messages.
      dimension: how many axes they have between batch and channels; 2 for images, 1 for signals, 3 for volumes.

    Raises:
      ValueError: for another shape, no image, numbers that are not finite, or whole numbers: whether an image is meant
        from 0 to 255 or from 0 to 1 only the user knows.

    >>> image_batch(np.zeros((8, 8)))
    Traceback (most recent call last):
    ...
    ValueError: invalid x of shape (8, 8); allowed: images [batch, height, width, channels]; try x[None, ..., None]
    """
    x = jnp.asarray(as_floating(x, what))
    if x.ndim != dimension + 2 or 0 in x.shape:
        hint = {dimension: f"{what}[None, ..., None]", dimension + 1: f"{what}[None]"}.get(x.ndim)
        if dimension == 3 and x.ndim == 4:
            hint = f"{what}[..., None] where the channels are missing, {what}[None] where the batch is"
        if dimension == 2 and x.ndim == 5:
            hint = "a group of space, such as 'C4z' or 'Oh', for volumes"
        allowed = next((f"{s.fields} {s.layout}" for s in (PLANE, LINE, VOLUME) if s.dimension == dimension), "")
        raise ValueError(
            f"invalid {what} of shape {x.shape}; allowed: {allowed or f'{dimension + 2} axes'}"
            + (f"; try {hint}" if hint else "")
        )
    if not bool(jnp.isfinite(x).all()):
        raise ValueError(f"invalid {what}: it contains NaN or infinite numbers; allowed: finite images")
    return x


def output_shape(model: Model, x: jax.Array, *, complex_numbers: bool = False) -> tuple[Any, Any]:
    """The shape and dtype of f(x), without computing it where JAX can trace f; and f(x) where it had to be computed.

    Args:
      model: f.
      x: images.
      complex_numbers: whether f may give complex numbers.

    Raises:
      ValueError: when the output is not one array of real numbers with the batch in front.
    """
    computed = None if model.differentiable else model(x)
    shape = jax.eval_shape(lambda model, x: model(x), model, x) if computed is None else computed
    if not hasattr(shape, "shape"):
        raise invalid(f"output of {model.name}", type(shape).__name__, "one array", "as_function(model, select=…)")
    if len(shape.shape) == 0 or shape.shape[0] != x.shape[0]:
        raise invalid(
            f"output shape of {model.name}", tuple(shape.shape), f"one output for each of {x.shape[0]} images"
        )
    if 0 in shape.shape:
        raise invalid(f"output shape of {model.name}", tuple(shape.shape), "at least one number for each image")
    if not complex_numbers and jnp.issubdtype(shape.dtype, jnp.complexfloating):
        select = "as_function(model, select=lambda y: jnp.stack([y.real, y.imag], -1))"
        raise invalid(f"output of {model.name}", str(shape.dtype), "real numbers", select)
    return jax.ShapeDtypeStruct(shape.shape, shape.dtype), computed


def over_elements(
    model: Model,
    measure: Callable[[Callable[[Any], Any], Any, Any, Any], Any],
    elements: ArrayLike,
    x: jax.Array,
    computed: Any = None,
) -> tuple[np.ndarray, Any]:
    """f(x), and ``measure(f, g, x, f(x))`` for each element g, stacked.

    JAX models are traced and compiled once for all elements, with their weights as arguments; others are called in a
    loop with NumPy arrays.

    Args:
      model: f.
      measure: ``(f, g, x, y) -> tree of arrays``; y = f(x) is computed once.
      elements: ``[n, element_size]``.
      x: the images.
      computed: f(x) where it is known.

    Raises:
      ValueError: when f(x) is not finite.

    >>> from geomdl.equivariance.adapters.functions import as_function
    >>> double = as_function(lambda x: 2 * x)
    >>> y, sums = over_elements(double, lambda f, g, x, y: (f(g * x) - y).sum(), np.array([1.0, 3.0]), jnp.ones(2))
    >>> sums
    array([0., 8.], dtype=float32)
    """
    if model.differentiable:

        @jax.jit
        def run(model: Model, elements: jax.Array, x: jax.Array) -> tuple[Any, Any]:
            y = model(x)
            return y, jax.lax.map(lambda g: measure(model, g, x, y), elements)

        y, results = jax.tree.map(np.asarray, run(model, jnp.asarray(elements), x))
    else:
        y = np.asarray(model(x) if computed is None else computed)
        parts = [measure(model, g, x, jnp.asarray(y)) for g in np.asarray(elements)]
        results = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *parts)
    require_finite(model, y)
    return y, results


def require_finite(model: Model, y: np.ndarray, where: str = "for the images as they are") -> None:
    """Raises a ValueError when an output contains NaN or infinite numbers."""
    if not np.isfinite(y).all():
        raise ValueError(
            f"the output of {model.name} contains NaN or infinite numbers {where}; nothing can be measured"
        )
