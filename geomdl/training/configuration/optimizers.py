"""Optimisers by name, on top of optax.

Weight decay acts on weights alone: biases, and the scales of normalisation layers, are left as they are, unless
``weight_decay_on`` says otherwise; see `decayed`.
"""

import fnmatch
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import optax

from geomdl.errors import invalid, unknown
from geomdl.registry import Registry
from geomdl.training.configuration.optimizer_class import optimizer_class
from geomdl.training.configuration.promotion import standard_promotion
from geomdl.training.step.parameter_names import parameter_name


class OptimizerConfig(Protocol):
    """The ``optimizer`` section of a run's config."""

    @property
    def learning_rate(self) -> float:
        """The learning rate that the schedule starts from."""
        ...

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        ...


DECAYED = ("weights", "all")
"""What weight decay may act on, by name; else patterns of the names of parameters."""

_NO_WEIGHTS = ("bias", "scale", "gain", "gamma", "beta", "offset", "shift", "temperature", "coefficients")
"""A parameter of such a name, or of one that ends in ``_`` and one of these, is no weight."""


def decayed(params: Any, on: str | tuple[str, ...] = "weights") -> Any:
    """Which parameters weight decay acts on.

    ``"weights"``: what is multiplied with features: parameters named ``kernel``, and others with two or more axes (such
    as embeddings), but none that is named after a bias, a scale or the parameters of a nonlinearity (``bias``,
    ``scale``, ``gain``, ``gamma``, ``beta``, ``offset``, ``shift``, ``temperature``, ``coefficients``, also after an
    underscore as in ``query_bias``). Biases of geomdl's layers have two axes, and still are none. The same names are
    those of Flax.

    ``"all"``: every parameter, as in the papers of AlexNet, VGG and ResNet.

    Patterns: parameters whose name, such as ``3.body.0.kernel``, matches one; it is made of the path of the layer, as
    ``geomdl summary`` prints it, and of the attribute. ``*`` stands for anything.

    The weights of equivariant layers are the free parameters w of a kernel Σ_k w_k b_k. Their decay shrinks Σ w_k²,
    which is the squared norm of the kernel, Σ_kl w_k w_l ⟨b_k, b_l⟩, only where the basis is orthonormal: basis kernels
    of pixels are orthogonal, each with as many equal entries as it ties together; steerable ones overlap. So the same λ
    means another strength of decay than for a plain convolution of the same kernel size.

    Args:
      params: a tree of arrays.
      on: see above.

    Returns:
      A tree of the same structure, of booleans.

    Raises:
      ValueError: a pattern that no parameter matches.

    >>> decayed({"kernel": jnp.ones((3, 3)), "bias": [jnp.ones((3, 1))]})
    {'bias': [False], 'kernel': True}
    >>> decayed({"first": {"kernel": 1}, "last": {"kernel": 1}}, ("last.*",))
    {'first': {'kernel': False}, 'last': {'kernel': True}}
    """
    if on == "all":
        return jax.tree.map(lambda p: True, params)
    if on == "weights":
        return jax.tree_util.tree_map_with_path(lambda path, p: _is_weight(parameter_name(path), p), params)
    patterns = (on,) if isinstance(on, str) else on
    names = [parameter_name(path) for path, _ in jax.tree_util.tree_flatten_with_path(params)[0]]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            shown = list(dict.fromkeys(names))
            raise unknown("optimizer.weight_decay_on", pattern, [*shown[:12], *(["…"] if len(shown) > 12 else [])])
    matched = lambda path, p: any(fnmatch.fnmatchcase(parameter_name(path), pattern) for pattern in patterns)  # noqa: E731
    return jax.tree_util.tree_map_with_path(matched, params)


def _is_weight(name: str, parameter: Any) -> bool:
    attribute = name.rpartition(".")[2]
    if attribute.rpartition("_")[2] in _NO_WEIGHTS:
        return False
    return attribute == "kernel" or jnp.ndim(parameter) >= 2


def _labels(config: Any, params: Any) -> Any:
    """What tells parameters apart that an optimiser does not treat alike, where it treats every entry of one by itself:
    whether they decay. A method of optimisers; one without it may look at whole parameters, at their norms, say."""
    return decayed(params, config.weight_decay_on)


@dataclass(frozen=True)
class SGD:
    """w ← w − η (∇L + λ w).

    Args:
      learning_rate: η₀, which the schedule changes over time.
      weight_decay: λ.
      clip_norm: the gradient is scaled down to this 2-norm, over all parameters, where it is longer; None: never.
      weight_decay_on: ``"weights"``, ``"all"`` parameters, or patterns of names, such as ``("*.kernel",)``.

    >>> SGD(learning_rate=0.05).learning_rate
    0.05
    """

    learning_rate: float = 0.1
    weight_decay: float = 0.0
    clip_norm: float | None = None
    weight_decay_on: str | tuple[str, ...] = "weights"

    def __post_init__(self) -> None:
        _check(self.learning_rate, self.weight_decay, self.clip_norm, self.weight_decay_on)

    labels = _labels

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        return _standard(*_clip(self.clip_norm), *_l2(self.weight_decay, self.weight_decay_on), optax.sgd(schedule))


@dataclass(frozen=True)
class Momentum:
    """v ← μ v + ∇L + λ w, then w ← w − η v (with Nesterov: w ← w − η (∇L + λ w + μ v)).

    Args:
      learning_rate: η₀, which the schedule changes over time.
      momentum: μ in [0, 1).
      nesterov: looks ahead by one step.
      weight_decay: λ.
      clip_norm: the gradient is scaled down to this 2-norm, over all parameters, where it is longer; None: never.
      weight_decay_on: ``"weights"``, ``"all"`` parameters, or patterns of names, such as ``("*.kernel",)``.

    >>> Momentum(learning_rate=0.05).learning_rate
    0.05
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None
    weight_decay_on: str | tuple[str, ...] = "weights"

    def __post_init__(self) -> None:
        _check(self.learning_rate, self.weight_decay, self.clip_norm, self.weight_decay_on, momentum=self.momentum)

    labels = _labels

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        decay = _l2(self.weight_decay, self.weight_decay_on)
        return _standard(*_clip(self.clip_norm), *decay, optax.sgd(schedule, self.momentum, self.nesterov))


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
      weight_decay_on: ``"weights"``, ``"all"`` parameters, or patterns of names, such as ``("*.kernel",)``.

    >>> Adam(learning_rate=0.05).learning_rate
    0.05
    """

    learning_rate: float = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float | None = None
    weight_decay_on: str | tuple[str, ...] = "weights"

    def __post_init__(self) -> None:
        _check(self.learning_rate, self.weight_decay, self.clip_norm, self.weight_decay_on, b1=self.b1, b2=self.b2)
        if self.eps <= 0:
            raise invalid("optimizer.eps", self.eps, "a positive number", 1e-8)

    labels = _labels

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        decay = _l2(self.weight_decay, self.weight_decay_on)
        return _standard(*_clip(self.clip_norm), *decay, optax.adam(schedule, self.b1, self.b2, self.eps))


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
      weight_decay_on: ``"weights"``, ``"all"`` parameters, or patterns of names, such as ``("*.kernel",)``.

    >>> AdamW(learning_rate=0.05).learning_rate
    0.05
    """

    learning_rate: float = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2
    clip_norm: float | None = None
    weight_decay_on: str | tuple[str, ...] = "weights"

    def __post_init__(self) -> None:
        _check(self.learning_rate, self.weight_decay, self.clip_norm, self.weight_decay_on, b1=self.b1, b2=self.b2)
        if self.eps <= 0:
            raise invalid("optimizer.eps", self.eps, "a positive number", 1e-8)

    labels = _labels

    def build(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Returns the optimiser whose learning rate follows the schedule."""
        return _standard(
            *_clip(self.clip_norm),
            optax.adamw(
                schedule,
                self.b1,
                self.b2,
                self.eps,
                weight_decay=self.weight_decay,
                mask=_mask(self.weight_decay_on),
            ),
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


def _l2(weight_decay: float, on: str | tuple[str, ...]) -> list[optax.GradientTransformation]:
    return [optax.add_decayed_weights(weight_decay, mask=_mask(on))] if weight_decay else []


def _mask(on: str | tuple[str, ...]) -> Callable[[Any], Any]:
    return functools.partial(decayed, on=on)


def _clip(norm: float | None) -> list[optax.GradientTransformation]:
    return [] if norm is None else [optax.clip_by_global_norm(norm)]


def _check(
    learning_rate: float, weight_decay: float, clip_norm: float | None, on: str | tuple[str, ...], **betas: float
) -> None:
    if not on or (isinstance(on, str) and on not in DECAYED and not set("*?[.") & set(on)):
        raise unknown("optimizer.weight_decay_on", on, DECAYED, also=["a pattern such as '*.kernel'"])
    if not 0 < learning_rate < float("inf"):
        raise invalid("optimizer.learning_rate", learning_rate, "a positive number", 1e-3)
    if not 0 <= weight_decay < float("inf"):
        raise invalid("optimizer.weight_decay", weight_decay, "a number of 0 or more", 1e-4)
    if clip_norm is not None and not 0 < clip_norm < float("inf"):
        raise invalid("optimizer.clip_norm", clip_norm, "a positive number, or None", 1.0)
    for name, value in betas.items():
        if not 0 <= value < 1:
            raise invalid(f"optimizer.{name}", value, "a number in [0, 1)", 0.9)
