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
from geomdl.errors import invalid
from geomdl.layers.containers.repetition import scanned
from geomdl.tasks import Outputs, Task
from geomdl.training.distributed.parallel import Strategy, padded
from geomdl.training.step.compute import Compute
from geomdl.training.step.nonfinite import all_finite, observed, skipped_unless
from geomdl.training.step.state import TrainState, Tree, averaged
from geomdl.training.step.treatment import Treatment

Select = Callable[[Tree, Array], dict[str, Array]]
TrainStep = Callable[[TrainState, Tree, Array], TrainState]
"""One step: state, batch and random key → the next state. The buffers of the state are donated."""


def make_train_step(
    structure: Any,
    *,
    task: Task,
    optimizer: optax.GradientTransformation,
    select: Select,
    augment: Augmentation,
    compute: Compute = Compute(),  # noqa: B008  (frozen)
    strategy: Strategy = Strategy(),  # noqa: B008  (frozen)
    ema: float = 0.0,
    skip: bool = False,
    treatment: Treatment = Treatment(),  # noqa: B008  (frozen)
) -> TrainStep:
    """Returns the compiled step ``(state, fetched, key) -> state``.

    Args:
      structure: of the model, from `split_model`.
      task: the loss, and what is added up.
      optimizer: the update rule.
      select: ``(fetched, step) -> {"image", "label", …}``, from the loader.
      augment: moves images, and those of the task's targets that move with them.
      compute: precision and memory.
      strategy: the devices; the state and what is fetched must lie there.
      ema: decay of the average of the parameters, where the state has one.
      skip: leaves everything as it was at a step whose loss or gradient is not finite.
      treatment: parameters that are frozen, or have learning rates of their own.

    Returns:
      A function of the state (which is donated: do not use it again), of what the loader fetched for the step, and of
      the key of the run.

    Raises:
      ValueError: images are mixed, but the loss of the task takes no probabilities of labels; or mosaics are made, but
        targets are no boxes.
    """
    if isinstance(augment, Augmentation):
        augment.require_kinds(task.target_kinds)
    if getattr(augment, "mixes", False) and not getattr(task, "takes_label_probabilities", False):
        which = "mixup" if augment.mixup else "cutmix"
        allowed = "0, unless the task is a classification whose loss takes probabilities: softmax or sigmoid"
        raise invalid(f"augmentation.{which}", getattr(augment, which), allowed, 0)

    def step(state: TrainState, fetched: Tree, key: Array) -> TrainState:
        augment_key, model_key = jax.random.split(jax.random.fold_in(key, state.step))
        batch = _augmented(augment, task, strategy, select(fetched, state.step), augment_key)

        params, rest = state.params, state.rest
        gradients, totals, rest = compute.gradients(
            structure, task, strategy, params, rest, batch, model_key, state.packing
        )
        gradients = treatment.gradients(gradients, state.step)
        updates, opt_state = optimizer.update(gradients, state.opt_state, params)
        params = optax.apply_updates(params, treatment.updates(updates, state.step))
        finite = all_finite(totals["loss"], gradients)
        after = TrainState(
            params=params,
            rest=rest,
            opt_state=opt_state,
            step=state.step + 1,
            totals={name: total + totals[name] for name, total in state.totals.items()},
            average=averaged(state.average, params, state.step, ema),
            watch=observed(state.watch, finite, state.step + 1),
            packing=state.packing,
        )
        return skipped_unless(finite, after, state) if skip else after

    return strategy.compile(step, donate=True)


def _augmented(
    augment: Augmentation, task: Task, strategy: Strategy, batch: dict[str, Array], key: Array
) -> dict[str, Array]:
    """This device's images, moved, and the whole batch's targets; those that move with their images moved alike."""
    moving = {name: kind for name, kind in task.target_kinds.items() if kind.moves}
    images = strategy.split(batch["image"])
    if moving:
        part = {"image": images, **{name: jax.tree.map(strategy.split, batch[name]) for name in moving}}
        moved = augment.batch(part, moving, key)
        targets = {name: jax.tree.map(strategy.gather, moved[name]) for name in moving}
        batch = {**batch, "image": moved["image"], **targets}
    else:
        batch = {**batch, "image": augment(images, key)}
    return augment.mixed(batch, task.target_kinds["label"], key) if getattr(augment, "mixes", False) else batch


def make_apply(
    structure: Any,
    compute: Compute = Compute(),  # noqa: B008  (frozen)
    strategy: Strategy = Strategy(),  # noqa: B008  (frozen)
) -> Callable[[Tree, Tree, Array], Outputs]:
    """Returns the compiled network ``(params, rest, images) -> outputs``, as it is used after training.

    Any number of images is taken: zeros that are added to share them among the devices are cut off again. Of several
    processes each gives all of the images, computes its part, and gets all of the outputs.

    Args:
      structure: of the model, see `split_model`.
      compute: precision and the like.
      strategy: how images are shared among devices.
    """

    def apply(params: Tree, rest: Tree, images: Array) -> Outputs:
        part = strategy.split(padded(images, strategy.devices))
        with scanned():
            outputs = compute.outputs(structure, params, rest, part)
        return jax.tree.map(lambda y: strategy.gather(y)[: len(images)], outputs)

    return strategy.whole(strategy.compile(apply))
