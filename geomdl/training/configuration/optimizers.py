"""Optimisers by name, on top of optax.

Weight decay acts on parameters with two or more axes only: biases and the scales of normalisation layers are left
alone.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import optax

from geomdl.errors import invalid
from geomdl.registry import Registry
from geomdl.training.configuration.optimizer_class import optimizer_class
from geomdl.training.configuration.promotion import standard_promotion


class OptimizerConfig(Protocol):
    """The ``optimizer`` section of a run's config."""

    @property
    def learning_rate(self) -> float:
        """The learning rate that the schedule starts from."""
        ...

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        ...


def decayed(params: Any) -> Any:
    """Which parameters weight decay acts on: those with two or more axes.

    Args:
      params: a tree of arrays.

    Returns:
      A tree of the same structure, of booleans.

    >>> decayed({"kernel": jnp.ones((3, 3)), "bias": jnp.ones(3)})
    {'bias': False, 'kernel': True}
    """
    return jax.tree.map(lambda p: jnp.ndim(p) >= 2, params)


@dataclass(frozen=True)
class SGD:
    """w ← w − η (∇L + λ w).

    Args:
      learning_rate: η₀, which the schedule changes over time.
      weight_decay: λ.
      clip_norm: the gradient is scaled down to this 2-norm, over all parameters, where it is longer; None: never.

    >>> SGD(learning_rate=0.05).learning_rate
    0.05
    """

    learning_rate: float = 0.1
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        _check(self.learning_rate, self.weight_decay, self.clip_norm)

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        return _standard(*_clip(self.clip_norm), *_l2(self.weight_decay), optax.sgd(schedule))


@dataclass(frozen=True)
class Momentum:
    """v ← μ v + ∇L + λ w, then w ← w − η v (with Nesterov: w ← w − η (∇L + λ w + μ v)).

    Args:
      learning_rate: η₀, which the schedule changes over time.
      momentum: μ in [0, 1).
      nesterov: looks ahead by one step.
      weight_decay: λ.
      clip_norm: the gradient is scaled down to this 2-norm, over all parameters, where it is longer; None: never.

    >>> Momentum(learning_rate=0.05).learning_rate
    0.05
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        _check(self.learning_rate, self.weight_decay, self.clip_norm, momentum=self.momentum)

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        return _standard(
            *_clip(self.clip_norm), *_l2(self.weight_decay), optax.sgd(schedule, self.momentum, self.nesterov)
        )


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1); weight decay is added to the gradient.

    Args:
      learning_rate: η₀, which the schedule changes over time.
      b1: decay of the first moment.
      b2: decay of the second moment.
      eps: added to the root of the second moment.
      weight_decay: λ; ∇L + λ w takes the place of ∇L.
      clip_norm: the gradient is scaled down to this 2-norm, over all parameters, where it is longer; None: never.

    >>> Adam(learning_rate=0.05).learning_rate
    0.05
    """

    learning_rate: float = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        _check(self.learning_rate, self.weight_decay, self.clip_norm, b1=self.b1, b2=self.b2)
        if self.eps <= 0:
            raise invalid("optimizer.eps", self.eps, "a positive number", 1e-8)

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        return _standard(
            *_clip(self.clip_norm), *_l2(self.weight_decay), optax.adam(schedule, self.b1, self.b2, self.eps)
        )


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay: w ← w − η (Adam's step + λ w) (Loshchilov and Hutter 2019).

    Args:
      learning_rate: η₀, which the schedule changes over time.
      b1: decay of the first moment.
      b2: decay of the second moment.
      eps: added to the root of the second moment.
      weight_decay: λ, multiplied with the learning rate as in optax.
      clip_norm: the gradient is scaled down to this 2-norm, over all parameters, where it is longer; None: never.

    >>> AdamW(learning_rate=0.05).learning_rate
    0.05
    """

    learning_rate: float = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        _check(self.learning_rate, self.weight_decay, self.clip_norm, b1=self.b1, b2=self.b2)
        if self.eps <= 0:
            raise invalid("optimizer.eps", self.eps, "a positive number", 1e-8)

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        return _standard(
            *_clip(self.clip_norm),
            optax.adamw(schedule, self.b1, self.b2, self.eps, weight_decay=self.weight_decay, mask=decayed),
        )


OPTIMIZERS = Registry("optimizer.name", group="geomdl.optimizers", adapt=optimizer_class)
"""Optimisers by name; any other of optax is there by reference, e.g. ``"optax:lion"``."""
OPTIMIZERS.register("sgd", SGD)
OPTIMIZERS.register("momentum", Momentum)
OPTIMIZERS.register("adam", Adam)
OPTIMIZERS.register("adamw", AdamW)


def _standard(*transformations: optax.GradientTransformation) -> optax.GradientTransformation:
    """One transformation after the other."""
    chain = optax.chain(*transformations)
    return optax.GradientTransformation(standard_promotion(chain.init), standard_promotion(chain.update))


def _l2(weight_decay: float) -> list[optax.GradientTransformation]:
    return [optax.add_decayed_weights(weight_decay, mask=decayed)] if weight_decay else []


def _clip(norm: float | None) -> list[optax.GradientTransformation]:
    return [] if norm is None else [optax.clip_by_global_norm(norm)]


def _check(learning_rate: float, weight_decay: float, clip_norm: float | None, **betas: float) -> None:
    if not 0 < learning_rate < float("inf"):
        raise invalid("optimizer.learning_rate", learning_rate, "a positive number", 1e-3)
    if not 0 <= weight_decay < float("inf"):
        raise invalid("optimizer.weight_decay", weight_decay, "a number of 0 or more", 1e-4)
    if clip_norm is not None and not 0 < clip_norm < float("inf"):
        raise invalid("optimizer.clip_norm", clip_norm, "a positive number, or None", 1.0)
    for name, value in betas.items():
        if not 0 <= value < 1:
            raise invalid(f"optimizer.{name}", value, "a number in [0, 1)", 0.9)
