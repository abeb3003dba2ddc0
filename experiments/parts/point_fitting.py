"""Short trainings of networks on point clouds that fit into memory: the whole training is one compiled program."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from geomdl.training import Adam, Cosine

Scores = Callable[[np.ndarray], np.ndarray]
"""Clouds ``[n, points, 3]`` to scores ``[n, classes]``."""


def fitted(
    network: nnx.Module, points: np.ndarray, labels: np.ndarray, *, steps: int, batch: int, rate: float, seed: int = 0
) -> tuple[Scores, np.ndarray]:
    """Fits a network to clouds by Adam, the rate falling to 0 along a cosine.

    Args:
      network: from clouds ``[n, points, 3]`` to scores ``[n, classes]``.
      points: ``[n, points, 3]``.
      labels: ``[n]`` int32.
      steps: of training.
      batch: clouds of a step, drawn anew in each; all of them in every step if it is as many as there are.
      rate: the largest learning rate.
      seed: of the batches.

    Returns:
      The scores of the fitted network, and the loss of each step.
    """
    graph, params, rest = nnx.split(network, nnx.Param, ...)
    optimizer = Adam(learning_rate=rate, clip_norm=1.0).build(Cosine(warmup_steps=steps // 10).build(rate, steps))
    every = batch >= len(points)

    def scores(params: Any, clouds: jax.Array) -> jax.Array:
        return nnx.merge(graph, params, rest)(clouds)

    def loss(params: Any, clouds: jax.Array, classes: jax.Array) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(scores(params, clouds), classes).mean()

    @jax.jit
    def train(params: Any, clouds: jax.Array, classes: jax.Array) -> tuple[Any, jax.Array]:
        def step(state: tuple[Any, Any], key: jax.Array) -> tuple[tuple[Any, Any], jax.Array]:
            params, memory = state
            chosen = jnp.arange(len(points)) if every else jax.random.randint(key, (batch,), 0, len(points))
            value, gradient = jax.value_and_grad(loss)(params, clouds[chosen], classes[chosen])
            update, memory = optimizer.update(gradient, memory, params)
            return (optax.apply_updates(params, update), memory), value

        keys = jax.random.split(jax.random.key(seed), steps)
        (params, _), losses = jax.lax.scan(step, (params, optimizer.init(params)), keys)
        return params, losses

    params, losses = train(params, jnp.asarray(points), jnp.asarray(labels))
    compiled = jax.jit(scores)
    return lambda clouds: np.asarray(compiled(params, jnp.asarray(clouds))), np.asarray(losses)


def turned(points: np.ndarray, random: np.random.Generator, *, shift: float = 0.0) -> np.ndarray:
    """Every cloud about its own random axis by a random angle, uniform among rotations, and shifted."""
    axes, _ = np.linalg.qr(random.normal(size=(len(points), 3, 3)))
    axes *= np.sign(np.linalg.det(axes))[:, None, None]
    moved = (points - points.mean(1, keepdims=True)) @ axes
    return (moved + shift * random.normal(size=(len(points), 1, 3))).astype(np.float32)
