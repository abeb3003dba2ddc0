"""The model as evaluators see it: a function from images to logits."""

import functools
from collections.abc import Callable

import jax
from flax import nnx
from jaxtyping import Array

Predict = Callable[[Array], Array]
"""``images [batch, height, width, channels] -> logits [batch, classes]``, of any model, geomdl's or not."""


def predictor(model: nnx.Module) -> Predict:
    """Returns a model as a compiled function, as it is used after training.

    The model's variables are arguments of the compiled function, not constants in it.

    Args:
      model: called as ``model(images)``.

    >>> import jax.numpy as jnp
    >>> predict = predictor(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
    >>> predict(jnp.ones((5, 3))).shape
    (5, 2)
    """
    structure, variables = nnx.split(model)

    @jax.jit
    def apply(variables: nnx.State, images: Array) -> Array:
        return nnx.merge(structure, variables)(images)

    return functools.partial(apply, variables)
