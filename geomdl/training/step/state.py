"""The state of a training run, which a step changes and a checkpoint holds."""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array

from geomdl.tasks import Task
from geomdl.training.step.packing import NO_PACKING, Packing

Tree = Any
"""Nested dicts of arrays."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """Everything that a training step changes.

    Attributes:
      params: the trainable parameters, nested dicts by the attribute names of the model.
      rest: every other variable of the model, e.g. the running statistics of batch normalisation.
      opt_state: of the optimiser.
      step: the number of steps taken so far, an int32 scalar.
      totals: of the task, summed over the steps since the last record; not part of a checkpoint.
      average: of the parameters over the steps, see `averaged`; None for a run without.
      watch: on steps that were not finite, see `geomdl.training.step.nonfinite.Watch`.
      packing: which arrays of the trees are stacked, see `geomdl.training.step.packing`; `plain` undoes it.
    """

    params: Tree
    rest: Tree
    opt_state: Tree
    step: Array
    totals: dict[str, Array]
    average: Tree | None = None
    watch: Array = field(default_factory=lambda: jnp.zeros(5, jnp.int32))
    packing: Packing = field(default=NO_PACKING, metadata={"static": True})

    @property
    def plain(self) -> "TrainState":
        """The same with every array by itself, under its name in the model."""
        return self.packing.unpack(self)

    @property
    def deployed(self) -> tuple[Tree, Tree]:
        """The variables that are evaluated and used after training: the parameters, or their average where there is
        one, and the others."""
        plain = self.plain
        return plain.params if plain.average is None else plain.average, plain.rest

    def saved(self) -> dict[str, Tree]:
        """Returns what a checkpoint holds."""
        plain = self.plain
        average = {} if plain.average is None else {"average": plain.average}
        return {
            "params": plain.params, "rest": plain.rest, "opt_state": plain.opt_state, "step": plain.step, **average
        }  # fmt: skip


def split_model(model: nnx.Module) -> tuple[Any, Tree, Tree]:
    """Returns the static structure of a model, its parameters and its other variables, the last two as nested dicts.

    Args:
      model: a layer or network.

    >>> structure, params, rest = split_model(nnx.BatchNorm(2, rngs=nnx.Rngs(0)))
    >>> sorted(params), sorted(rest)
    (['bias', 'scale'], ['mean', 'var'])
    """
    structure, params, rest = nnx.split(model, nnx.Param, ...)
    return structure, nnx.to_pure_dict(params), nnx.to_pure_dict(rest)


def merge_model(structure: Any, params: Tree, rest: Tree) -> Any:
    """Returns the model with these variables; the inverse of `split_model`.

    Args:
      structure: of the model.
      params: its parameters.
      rest: its other variables.

    >>> merge_model(*split_model(nnx.BatchNorm(2, rngs=nnx.Rngs(0)))).num_features
    2
    """
    return nnx.merge(structure, params, rest)


def initial_state(
    params: Tree, rest: Tree, optimizer: optax.GradientTransformation, task: Task, *, average: bool = False
) -> TrainState:
    """Returns the state before the first step, in buffers of its own (the step donates them).

    Args:
      params: parameters of the model, see `split_model`.
      rest: its other variables.
      optimizer: of the run.
      task: whose totals are summed.
      average: whether a running average of the parameters is kept.
    """
    params, rest = jax.tree.map(jnp.copy, (params, rest))
    opt_state = jax.tree.map(jnp.copy, optimizer.init(params))
    mean = jax.tree.map(jnp.copy, params) if average else None
    return TrainState(params, rest, opt_state, jnp.zeros((), jnp.int32), task.no_totals(), mean)


def averaged(average: Tree | None, params: Tree, step: Array, decay: float) -> Tree | None:
    """The exponential moving average of the parameters: a ← d a + (1 − d) w, d = min(decay, (1 + t) / (10 + t)).

    The smaller d of the first steps t lets the average forget the initial weights.

    Args:
      average: a, or None.
      params: w, after the step.
      step: t, the number of steps before this one.
      decay: of a long run, in (0, 1).
    """
    if average is None:
        return None
    t = step.astype(jnp.float32)
    d = jnp.minimum(jnp.float32(decay), (1 + t) / (10 + t))
    return jax.tree.map(lambda a, w: d.astype(w.dtype) * a + (1 - d).astype(w.dtype) * w, average, params)
