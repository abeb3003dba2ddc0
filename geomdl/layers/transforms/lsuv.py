"""Layer-sequential unit variance: initial weights scaled on images."""

import math
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import ArrayLike

from geomdl.errors import invalid
from geomdl.layers.core.layer import Layer

M = TypeVar("M", bound=Layer)


def lsuv(model: M, images: ArrayLike, *, mean_square: float = 1.0) -> M:
    """A copy of a network whose linear layers give outputs of one mean square on given images.

    Linear layers are convolutions, `geomdl.layers.Dense` and the like: those that have a ``kernel``. From the first to
    the last, the weights of each are divided by the root mean square of its outputs, in one pass over the images.
    Scaling keeps equivariance, as all weights of a layer are scaled by one number. Afterwards the mean square neither
    grows nor decays with depth, whatever lies between the layers and however few fields there are.

    Departs from the paper in that it starts from the weights at hand, not from orthonormal ones, and in that it divides
    by the root mean square, not by the standard deviation: means that grow are a signal that grows too.

    Args:
      model: a network of layers of geomdl; layers inside layers of any kind are found. In mode of evaluation.
      images: some dozens, ``[batch, height, width, channels]``.
      mean_square: of the output of each layer, before its bias is learnt.

    Raises:
      ValueError: for a mean square that is not positive, or a layer whose outputs are all zero or not finite.

    References:
      Mishkin & Matas, All you need is a good init, ICLR 2016, algorithm 1.

    >>> from geomdl.layers import Conv, Pointwise, Sequential
    >>> from geomdl.representations import FieldType
    >>> image, t = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular")
    >>> layers = [Conv(image, t, 3, rngs=nnx.Rngs(0)), Pointwise(t, "elu"), Conv(t, t, 3, rngs=nnx.Rngs(1))]
    >>> images = 100 * jax.random.normal(jax.random.key(0), (4, 9, 9, 1))
    >>> print(f"{(lsuv(Sequential(layers), images)(images)**2).mean():.3f}")
    1.000
    """
    if not 0 < mean_square < math.inf:
        raise invalid("mean_square", mean_square, "a positive number", 1.0)
    copy = nnx.clone(model)
    kinds = {id(layer): (layer, type(layer)) for _, layer in nnx.iter_modules(copy) if _kernels(layer)}
    done: set[int] = set()
    for layer, kind in kinds.values():
        object.__setattr__(layer, "__class__", _scaling(kind, done, mean_square))
    copy(images)
    for layer, kind in kinds.values():
        object.__setattr__(layer, "__class__", kind)
    return copy


def _kernels(layer: nnx.Module) -> list[nnx.Param]:
    """The weights of a linear layer, which it holds as its ``kernel``; none of other layers."""
    kernel = getattr(layer, "kernel", None) if isinstance(layer, Layer) else None
    return [kernel] if isinstance(kernel, nnx.Param) else list(kernel) if isinstance(kernel, nnx.List) else []


def _scaling(kind: Any, done: set[int], mean_square: float) -> Any:
    """A subclass of a layer that scales its weights the first time that it is called."""

    def call(self: Any, x: jax.Array, **options: Any) -> jax.Array:
        if id(self) not in done:
            done.add(id(self))
            found = float(jnp.mean(jnp.square(kind.__call__(self, x, **options).astype(jnp.float32))))
            if not 0 < found < math.inf:
                raise ValueError(
                    f"the outputs of {kind.__name__} from {self.in_type} to {self.out_type} have mean square {found} on"
                    " these images, and no scale makes it another; allowed: images that no layer maps to zero"
                )
            for weight in _kernels(self):
                weight[...] = weight[...] * math.sqrt(mean_square / found)
        return kind.__call__(self, x, **options)

    return type(kind)(kind.__name__, (kind,), {"__call__": call, "__module__": kind.__module__})
