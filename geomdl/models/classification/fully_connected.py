"""Networks without convolution: linear classifier, perceptron, multilayer perceptron, locally connected network."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import ArrayLike

from geomdl.errors import invalid
from geomdl.layers import Dense, Flatten, Layer, LocallyConnected, halving_pool
from geomdl.models.core.blocks import activate, classifier
from geomdl.models.core.config import ImageShape, ModelConfig, ScalableConfig
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class LinearConfig(ModelConfig):
    """A linear classifier of the pixels: z = W x + b.

    >>> model = LinearConfig().build((8, 8, 1), 10, rngs=nnx.Rngs(0))
    >>> model(jnp.ones((2, 8, 8, 1))).shape
    (2, 10)
    """

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Flatten, dense."""
        flatten = Flatten(FieldType("C1", f"{image_shape[2]} trivial"), image_shape[:2])
        return [flatten, Dense(flatten.out_type, FieldType("C1", f"{num_classes} trivial"), rngs=rngs)]


@dataclasses.dataclass(frozen=True)
class PerceptronConfig(ModelConfig):
    """The multi-class perceptron: a linear classifier that starts from zero weights.

    Trained by gradient descent with ``task.loss = "perceptron"`` it follows Rosenblatt's rule; see `perceptron_update`.

    References:
      Rosenblatt, The perceptron, Psychological Review 65 (1958).
    """

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Flatten, dense with zero weights."""
        flatten = Flatten(FieldType("C1", f"{image_shape[2]} trivial"), image_shape[:2])
        dense = Dense(flatten.out_type, FieldType("C1", f"{num_classes} trivial"), rngs=rngs)
        for weights in dense.kernel:
            weights[...] = jnp.zeros_like(weights[...])
        return [flatten, dense]


@dataclasses.dataclass(frozen=True)
class MLPConfig(ScalableConfig):
    """A multilayer perceptron. ``width`` counts the units of each hidden layer.

    Args:
      depth: hidden layers.

    >>> MLPConfig().build((8, 8, 1), 10, rngs=nnx.Rngs(0)).out_type.size
    10
    """

    width: float = 128
    depth: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth < 1:
            raise invalid("model.depth", self.depth, "a positive number of hidden layers", 2)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Flatten, then dense layers with a nonlinearity between them."""
        layers: list[Layer] = [Flatten(FieldType("C1", f"{image_shape[2]} trivial"), image_shape[:2])]
        pieces = 2 if self.activation == "maxout" else 1
        for _ in range(self.depth - 1):
            hidden = FieldType("C1", f"{self.fields() * pieces} trivial")
            layers += [Dense(layers[-1].out_type, hidden, rngs=rngs), activate(hidden, self.activation)]
        return layers + classifier(
            layers[-1].out_type,
            self.fields(),
            num_classes,
            activation=self.activation,
            dropout=self.dropout,
            rngs=rngs,
        )


@dataclasses.dataclass(frozen=True)
class LocalConfig(ScalableConfig):
    """A locally connected network: the windows of a CNN, each with weights of its own. ``width`` counts channels.

    Args:
      depth: locally connected layers, each followed by a max pooling that halves the image.
      kernel_size: pixels along each axis of a window.
      hidden: units of the dense layer before the class scores.
    """

    width: float = 4
    depth: int = 2
    kernel_size: int = 5
    hidden: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth < 1:
            raise invalid("model.depth", self.depth, "a positive number of layers", 2)

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """(Locally connected, nonlinearity, pool) × depth, flatten, dense."""
        height, width, channels = image_shape
        size, current = (height, width), FieldType("C1", f"{channels} trivial")
        pieces = 2 if self.activation == "maxout" else 1
        layers: list[Layer] = []
        for _ in range(self.depth):
            local = LocallyConnected(current, self.fields() * pieces, size, self.kernel_size, padding="same", rngs=rngs)
            layers += [local, activate(local.out_type, self.activation)]
            pool = halving_pool(layers[-1].out_type, size)
            layers.append(pool)
            current, size = pool.out_type, _pair(pool.window.output_size(size))
        layers.append(Flatten(current, size))
        return layers + classifier(
            layers[-1].out_type,
            self.hidden,
            num_classes,
            activation=self.activation,
            dropout=self.dropout,
            rngs=rngs,
        )


def perceptron_update(
    weights: ArrayLike, bias: ArrayLike, x: ArrayLike, target: ArrayLike, rate: float = 1.0
) -> tuple[jax.Array, jax.Array]:
    """One step of the perceptron rule on one example: w ← w + α (d − y) x, b ← b + α (d − y).

    y is the one-hot vector of the largest score (for one output, the threshold function: 1 if w·x + b > 0). Nothing
    changes when the answer is right.

    Args:
      weights: ``[inputs, classes]``.
      bias: ``[classes]``.
      x: ``[inputs]``.
      target: d, ``[classes]``, one-hot (0 or 1 for one output).
      rate: α.

    Returns:
      The new weights and bias.

    >>> w, b = perceptron_update(jnp.zeros((2, 1)), jnp.zeros(1), jnp.array([1.0, -1.0]), jnp.array([1.0]), rate=0.5)
    >>> w[:, 0].tolist(), b.tolist()
    ([0.5, -0.5], [0.5])
    """
    weights, bias, x, target = (jnp.asarray(a) for a in (weights, bias, x, target))
    scores = x @ weights + bias
    one_hot = jax.nn.one_hot(jnp.argmax(scores), scores.shape[0], dtype=scores.dtype)
    answer = (scores > 0).astype(scores.dtype) if scores.shape[0] == 1 else one_hot
    change = rate * (target - answer)
    return weights + jnp.outer(x, change), bias + change


def _pair(size: tuple[int, ...]) -> tuple[int, int]:
    height, width = size
    return height, width
