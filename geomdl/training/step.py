"""The training step: a pure function under `jax.jit`, with donated buffers.

Selecting the images, augmenting them, the forward and the backward pass and the update are one compiled function.
Random numbers are a function of the run's key and of the step alone.
"""

from collections.abc import Callable
from typing import Any

import jax
import optax
from jaxtyping import Array

from geomdl.data import Augmentation
from geomdl.tasks import Task
from geomdl.training.state import TrainState, Tree, merge_model, split_model

Select = Callable[[Tree, Array], dict[str, Array]]
TrainStep = Callable[[TrainState, Tree, Array], TrainState]


def make_train_step(
    structure: Any,
    *,
    task: Task,
    optimizer: optax.GradientTransformation,
    select: Select,
    augment: Augmentation,
) -> TrainStep:
    """Returns the compiled step ``(state, fetched, key) -> state``.

    Args:
      structure: of the model, from `split_model`.
      task: the loss, and what is added up.
      optimizer: the update rule.
      select: ``(fetched, step) -> {"image", "label"}``, from the loader.
      augment: moves images, and label maps with them.

    Returns:
      A function of the state (which is donated: do not use it again), of what the loader fetched for the step, and of
      the key of the run.
    """

    def step(state: TrainState, fetched: Tree, key: Array) -> TrainState:
        augment_key, model_key = jax.random.split(jax.random.fold_in(key, state.step))
        batch = _augmented(augment, select(fetched, state.step), augment_key)

        def loss_of(params: Tree) -> tuple[Array, tuple[dict[str, Array], Tree]]:
            model = merge_model(structure, params, state.rest)
            loss, totals = task.loss(model(batch["image"], train=True, key=model_key), batch)
            return loss, (totals, split_model(model)[2])

        gradients, (totals, rest) = jax.grad(loss_of, has_aux=True)(state.params)
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        return TrainState(
            params=optax.apply_updates(state.params, updates),
            rest=rest,
            opt_state=opt_state,
            step=state.step + 1,
            totals={name: total + totals[name] for name, total in state.totals.items()},
        )

    return jax.jit(step, donate_argnums=0)


def _augmented(augment: Augmentation, batch: dict[str, Array], key: Array) -> dict[str, Array]:
    """The batch with its images moved, and label maps ``[batch, height, width]`` with them."""
    if batch["label"].ndim == 3:
        images, maps = augment.pair(batch["image"], batch["label"], key)
        return {**batch, "image": images, "label": maps}
    return {**batch, "image": augment(batch["image"], key)}


def make_apply(structure: Any) -> Callable[[Tree, Tree, Array], Array]:
    """Returns the compiled network ``(params, rest, images) -> logits``, as it is used after training."""

    def apply(params: Tree, rest: Tree, images: Array) -> Array:
        return merge_model(structure, params, rest)(images)

    return jax.jit(apply)
