"""Perceptrons of scalars, such as radial networks."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.arrays import as_floating
from geomdl.e3nn.gate import normalized, silu
from geomdl.errors import invalid
from geomdl.layers.core.initialization import normal
from geomdl.numbers import whole_number
from geomdl.random_keys import as_rngs


class MultiLayerPerceptron(nnx.Module):
    """A perceptron of even scalars with e3nn's normalisation: x ↦ σ(W x / √fan_in), layer by layer.

    Weights are normal numbers of variance 1 and σ has second moment 1, so that outputs do. Numbers are those of
    `e3nn_jax.flax.MultiLayerPerceptron` with ``gradient_normalization="path"``.

    Args:
      features: the width of the input and of every layer, such as ``(8, 64, 64, 12)``.
      activation: σ.
      output_activation: whether σ follows the last layer too.
      bias: whether there are biases.
      param_dtype: of the weights. The perceptron computes in the dtype of the input.
      rngs: for the initial weights.

    Raises:
      ValueError: fewer than two widths, or an input of another width.

    >>> MultiLayerPerceptron((8, 16, 4), rngs=0)(jnp.ones((5, 8))).shape
    (5, 4)
    """

    def __init__(
        self,
        features: Sequence[int],
        *,
        activation: Callable[[jax.Array], jax.Array] = silu,
        output_activation: bool = False,
        bias: bool = False,
        param_dtype: Any = jnp.float32,
        rngs: Any,
    ) -> None:
        if not isinstance(features, Sequence) or len(features) < 2:
            raise invalid(
                "features of MultiLayerPerceptron", features, "two or more widths, each at least 1", (8, 64, 8)
            )
        features = [whole_number("features of MultiLayerPerceptron", width) for width in features]
        rngs = as_rngs(rngs)
        self.features, self.activation, self.output_activation = tuple(features), activation, output_activation
        self.kernels = nnx.List(
            [nnx.Param(normal(rngs.params(), pair, 1.0).astype(param_dtype)) for pair in pairwise(features)]
        )
        self.biases = nnx.List([nnx.Param(jnp.zeros(width, param_dtype)) for width in features[1:]] if bias else [])

    def __call__(self, x: e3nn.IrrepsArray | jax.Array) -> Any:
        """Maps ``[..., features[0]]`` to ``[..., features[-1]]``; of an `IrrepsArray`, to one."""
        if isinstance(x, e3nn.IrrepsArray):
            if not x.irreps.is_scalar():
                raise invalid("irreps of the input of MultiLayerPerceptron", str(x.irreps), "even scalars: 0e")
            y = self(x.array)
            return e3nn.IrrepsArray(f"{y.shape[-1]}x0e", y)
        x = jnp.asarray(as_floating(x, "the input of MultiLayerPerceptron"))
        if x.shape[-1:] != self.features[:1]:
            raise invalid("shape of the input of MultiLayerPerceptron", x.shape, f"[..., {self.features[0]}]")
        sigma = normalized(self.activation)
        for i, kernel in enumerate(self.kernels):
            x = x @ (kernel[...].astype(x.dtype) / x.shape[-1] ** 0.5)
            if self.biases:
                x = x + self.biases[i][...].astype(x.dtype) / self.features[i] ** 0.5
            if i + 1 < len(self.kernels) or self.output_activation:
                x = sigma(x)
        return x
