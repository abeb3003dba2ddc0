"""One training step of a network, to be timed or compiled."""

from collections.abc import Callable
from typing import Any

import jax
import optax
from flax import nnx

from geomdl.data import Augmentation
from geomdl.tasks import Task
from geomdl.training import initial_state, make_train_step, packing_of, split_model

Batch = dict[str, jax.Array]


def training_step(model: nnx.Module, task: Task, optimizer: optax.GradientTransformation) -> tuple[Any, Any]:
    """The compiled step ``(state, batch, key) -> state`` without augmentation, and the state before the first.

    Args:
      model: to be trained.
      task: gives the loss.
      optimizer: one that treats every entry of every parameter alike.
    """
    structure, params, rest = split_model(model)
    step = make_train_step(
        structure, task=task, optimizer=optimizer, select=lambda fetched, _: fetched, augment=Augmentation()
    )
    packing = packing_of(model, labels=lambda params: jax.tree.map(lambda _: 0, params))
    return step, packing.pack(initial_state(params, rest, optimizer, task))


def stepper(model: nnx.Module, task: Task, optimizer: optax.GradientTransformation, batch: Batch) -> Callable[[], None]:
    """A function that takes one training step and waits for it; it has been called twice, so it is compiled."""
    step, state = training_step(model, task, optimizer)
    held = [state]

    def once() -> None:
        held[0] = step(held[0], batch, jax.random.key(0))
        jax.block_until_ready(held[0].step)

    once()
    once()
    return once
