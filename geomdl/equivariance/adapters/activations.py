"""The outputs of all layers of a model (activations)."""

from collections.abc import Callable
from typing import Any

from geomdl.equivariance.adapters.functions import Layout, as_function
from geomdl.equivariance.adapters.recording import Activations


def activations(
    model: Any,
    variables: Any = None,
    *,
    layout: Layout | None = None,
    train: bool = False,
    numpy: bool = False,
    select: Callable[[Any], Any] | None = None,
) -> Callable[[Any], Activations]:
    """A function x ↦ {path: output} of the submodules of a model.

    The names are the paths of the modules, as in ``layers.0``, in the order in which the calls ended, so that a block
    follows its layers; the second call of one module is ``layers.0:2``. The last entry, ``"output"``, is f(x). NNX,
    Linen and PyTorch modules are looked into; of other models only functions that return ``(y, {"layer": array, …})``.
    The function can be jitted when the model can. What is computed inside ``nnx.remat`` or ``nnx.scan`` is left out.

    Args:
      model: see `geomdl.equivariance.as_function`, whose arguments these are.
      variables: for Linen.
      layout: how the model takes images; outputs of four axes are brought back to NHWC.
      train: evaluates in training mode.
      numpy: the function computes with NumPy.
      select: picks the array to look at from the model's output.

    Returns:
      A function that gives an ordered dictionary of arrays.

    Raises:
      ValueError: when called, for a model that cannot be looked into.

    >>> import jax.numpy as jnp
    >>> from flax import nnx
    >>> rngs = nnx.Rngs(0)
    >>> layers = activations(nnx.Sequential(nnx.Linear(3, 4, rngs=rngs), nnx.relu, nnx.Linear(4, 2, rngs=rngs)))
    >>> {name: y.shape for name, y in layers(jnp.ones((1, 3))).items()}
    {'layers.0': (1, 4), 'layers.2': (1, 2), 'output': (1, 2)}
    """
    return as_function(model, variables, layout=layout, train=train, numpy=numpy, select=select).activations
