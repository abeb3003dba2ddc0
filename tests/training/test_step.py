"""One training step against the update worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from geomdl.data import Augmentation, ClassTarget
from geomdl.tasks import Classification, Segmentation
from geomdl.training import (
    SGD,
    Compute,
    ParallelConfig,
    Strategy,
    initial_state,
    make_apply,
    make_train_step,
    merge_model,
    split_model,
)

TASK = Classification(num_classes=3)
KEY = jax.random.key(0)
FETCHED = {"image": jnp.arange(24.0).reshape(4, 2, 3, 1) / 24, "label": jnp.array([0, 1, 2, 1])}


class Probe(nnx.Module):
    """A linear classifier that notes which random numbers it was given."""

    def __init__(self) -> None:
        self.kernel = nnx.Param(jnp.linspace(-1.0, 1.0, 18).reshape(6, 3))
        self.key_seen = nnx.BatchStat(jnp.zeros(()))
        self.brightness_seen = nnx.BatchStat(jnp.zeros(()))
        self.keys_seen = nnx.BatchStat(jnp.zeros(2))

    def __call__(self, images: jax.Array, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        if train:
            assert key is not None
            self.key_seen[...] = number = jax.random.uniform(key)
            self.keys_seen[...] += jnp.stack([number, number**2])
            self.brightness_seen[...] = images.mean()
        return images.reshape(len(images), -1) @ self.kernel[...]


def setup(augment, compute: Compute = Compute()):  # noqa: B008  (frozen)
    structure, params, rest = split_model(Probe())
    optimizer = SGD(learning_rate=0.5).build(lambda step: 0.5)
    step = make_train_step(
        structure,
        task=TASK,
        optimizer=optimizer,
        select=lambda fetched, step: fetched,
        augment=augment,
        compute=compute,
    )
    return structure, initial_state(params, rest, optimizer, TASK), step


def test_one_step_by_hand() -> None:
    structure, state, step = setup(lambda images, key: images)
    w, x, d = np.asarray(state.params["kernel"]), np.asarray(FETCHED["image"]).reshape(4, 6), np.eye(3)[[0, 1, 2, 1]]
    p = np.exp(x @ w) / np.exp(x @ w).sum(1, keepdims=True)
    old = state
    state = step(state, FETCHED, KEY)
    np.testing.assert_allclose(state.params["kernel"], w - 0.5 * x.T @ (p - d) / 4, rtol=1e-5)
    np.testing.assert_allclose(state.totals["loss"], -np.log(p[np.arange(4), d.argmax(1)]).mean(), rtol=1e-5)
    assert state.step == 1
    assert old.totals["loss"].is_deleted()  # donated: there is no second copy of the state
    logits = make_apply(structure)(state.params, state.rest, FETCHED["image"])
    np.testing.assert_allclose(logits, x @ np.asarray(state.params["kernel"]), rtol=1e-5)
    np.testing.assert_allclose(
        merge_model(structure, state.params, state.rest).brightness_seen[...], x.mean(), rtol=1e-6
    )


def test_images_are_mixed_in_the_step_and_their_labels_smoothed() -> None:
    augment, task = Augmentation(mixup=1.0), Classification(num_classes=3, label_smoothing=0.3)
    structure, params, rest = split_model(Probe())
    optimizer = SGD(learning_rate=0.5).build(lambda step: 0.5)

    def stepped(strategy: Strategy) -> tuple[np.ndarray, dict]:
        step = make_train_step(
            structure, task=task, optimizer=optimizer, select=lambda fetched, step: fetched, augment=augment,
            strategy=strategy,
        )  # fmt: skip
        state = strategy.place(initial_state(params, rest, optimizer, task))
        state = step(state, strategy.feed()(FETCHED), strategy.place(KEY))
        return np.asarray(state.params["kernel"]), jax.device_get(state.totals)

    kernel, totals = stepped(Strategy())
    augment_key = jax.random.split(jax.random.fold_in(KEY, 0))[0]
    batch = jax.jit(lambda batch: augment.mixed(batch, ClassTarget(3), augment_key))(FETCHED)
    w, x = np.asarray(params["kernel"]), np.asarray(batch["image"]).reshape(4, 6)
    t = 0.7 * np.asarray(batch["label_probabilities"]) + 0.1
    p = np.exp(x @ w) / np.exp(x @ w).sum(1, keepdims=True)
    np.testing.assert_allclose(kernel, w - 0.5 * x.T @ (p - t) / 4, rtol=1e-5)
    np.testing.assert_allclose(totals["loss"], -(t * np.log(p)).sum(1).mean(), rtol=1e-5)
    assert totals["accuracy"] == (p.argmax(1) == np.asarray(batch["label"])).mean()
    spread = stepped(ParallelConfig("shard_map", devices=2).build(4))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), spread, (kernel, totals))


def test_a_task_that_takes_no_probabilities_refuses_mixtures() -> None:
    for task in (Classification(3, "perceptron"), Segmentation(("a", "b"))):
        with pytest.raises(ValueError, match=r"augmentation.cutmix 1.0; allowed: 0, unless the task is a classif"):
            make_train_step(
                None, task=task, optimizer=optax.sgd(0.1), select=lambda fetched, step: fetched,
                augment=Augmentation(cutmix=1.0),
            )  # fmt: skip


def test_random_numbers_are_a_function_of_the_key_and_the_step() -> None:
    def noted(key: jax.Array) -> list[tuple[float, float]]:
        _, state, step = setup(lambda images, key: images + jax.random.uniform(key))
        seen = []
        for _ in range(3):
            state = step(state, FETCHED, key)
            seen.append((float(state.rest["key_seen"]), float(state.rest["brightness_seen"])))
        return seen

    seen = noted(KEY)
    for numbers in zip(*seen, strict=True):
        assert len(set(numbers)) == 3
    assert seen == noted(KEY)
    assert seen[0] != noted(jax.random.key(1))[0]


def test_every_microbatch_draws_its_own_random_numbers() -> None:
    _, state, step = setup(lambda images, key: images, Compute(accumulate=2))
    total, squares = step(state, FETCHED, KEY).rest["keys_seen"]
    assert squares / 2 > (total / 2) ** 2 + 1e-4  # the variance of the two numbers


def test_metrics_add_up_over_steps() -> None:
    _, state, step = setup(lambda images, key: images)
    total = 0.0
    for _ in range(3):
        before = float(state.totals["loss"])
        state = step(state, FETCHED, KEY)
        total += float(state.totals["loss"]) - before
    assert float(state.totals["loss"]) == np.float32(total) or abs(float(state.totals["loss"]) - total) < 1e-5
    assert 0 < float(state.totals["accuracy"]) <= 3
