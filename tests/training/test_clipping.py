"""The gradient of the whole batch is clipped, however it is computed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.data import Augmentation
from geomdl.tasks import Classification
from geomdl.training import OPTIMIZERS, SGD, Compute, ParallelConfig, initial_state, make_train_step, split_model

RATE, NORM = 0.5, 0.1
IMAGES = np.random.default_rng(0).normal(size=(8, 2, 3, 1))
LABELS = np.array([0, 0, 1, 1, 2, 2, 0, 1])
KERNEL, BIAS = np.linspace(-1.0, 1.0, 18).reshape(6, 3), np.array([0.1, -0.2, 0.3])


class Affine(nnx.Module):
    def __init__(self) -> None:
        self.kernel, self.bias = (nnx.Param(jnp.asarray(a, jnp.float32)) for a in (KERNEL, BIAS))

    def __call__(self, images: jax.Array, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        return images.reshape(len(images), -1) @ self.kernel[...] + self.bias[...]


def gradient(rows: slice) -> dict[str, np.ndarray]:
    """Of the mean cross-entropy over some images, by hand."""
    x, d = IMAGES[rows].reshape(-1, 6), np.eye(3)[LABELS[rows]]
    p = np.exp(x @ KERNEL + BIAS)
    error = (p / p.sum(1, keepdims=True) - d) / len(x)
    return {"kernel": x.T @ error, "bias": error.sum(0)}


def clipped(gradient: dict[str, np.ndarray], norm: float) -> dict[str, np.ndarray]:
    length = np.sqrt(sum((g**2).sum() for g in gradient.values()))
    return {name: g * min(1, norm / length) for name, g in gradient.items()}


@pytest.mark.parametrize(
    ("strategy", "devices", "accumulate"),
    [("jit", 1, 1), ("jit", 1, 4), ("jit", 4, 1), ("shard_map", 4, 1), ("shard_map", 4, 2), ("pmap", 4, 1)],
)
def test_a_step_of_sgd_by_hand(strategy: str, devices: int, accumulate: int) -> None:
    devices_used = ParallelConfig(strategy, devices).build(8, accumulate)
    structure, params, rest = split_model(Affine())
    optimizer, task = SGD(clip_norm=NORM).build(lambda step: RATE), Classification(3)
    step = make_train_step(
        structure,
        task=task,
        optimizer=optimizer,
        select=lambda fetched, step: fetched,
        augment=Augmentation(),
        compute=Compute(accumulate=accumulate),
        strategy=devices_used,
    )
    batch = {"image": jnp.asarray(IMAGES, jnp.float32), "label": jnp.asarray(LABELS, jnp.int32)}
    state, key = devices_used.place((initial_state(params, rest, optimizer, task), jax.random.key(0)))
    state = step(state, devices_used.feed()(batch), key)
    wanted = clipped(gradient(slice(None)), NORM)
    for name, before in (("kernel", KERNEL), ("bias", BIAS)):
        np.testing.assert_allclose(state.params[name], before - RATE * wanted[name], rtol=1e-5, atol=1e-6)
    parts = [clipped(gradient(slice(i, i + 2)), NORM) for i in range(0, 8, 2)]
    other = {name: np.mean([part[name] for part in parts], axis=0) for name in wanted}
    assert RATE * max(np.abs(other[name] - wanted[name]).max() for name in wanted) > 1e-3  # each part by itself


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_shorter_gradient_is_left_alone(name: str) -> None:
    given = {k: jnp.asarray(g, jnp.float32) for k, g in gradient(slice(None)).items()}
    length = np.sqrt(sum(float((g**2).sum()) for g in given.values()))

    def update(norm: float | None) -> dict[str, np.ndarray]:
        optimizer = OPTIMIZERS[name](clip_norm=norm).build(lambda step: RATE)  # type: ignore[call-arg]
        params = {"kernel": jnp.asarray(KERNEL, jnp.float32), "bias": jnp.asarray(BIAS, jnp.float32)}
        state = optimizer.init(params)
        _, state = optimizer.update(jax.tree.map(jnp.ones_like, given), state, params)  # Adam's first has no length
        return jax.tree.map(np.asarray, optimizer.update(given, state, params)[0])

    for k in given:
        np.testing.assert_array_equal(update(100.0)[k], update(None)[k])
        assert np.abs(update(0.5 * length)[k] - update(None)[k]).max() > 1e-6
