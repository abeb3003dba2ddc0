"""Parameters that are treated differently from the others in training: held, moved more slowly, or let go later."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from geomdl.errors import invalid, shortened, unknown
from geomdl.training.step.parameter_names import parameter_name

Tree = Any
"""Nested dicts of arrays."""

NEVER = 2**31 - 1
"""The step from which on a parameter moves that is frozen to the end."""


class Pace(NamedTuple):
    """How one parameter is moved: by the learning rate times ``rate``, after step ``start``."""

    rate: float = 1.0
    start: int = 0


@dataclass(frozen=True)
class Treatment:
    """Which parameters are frozen, for how long, and which have a learning rate of their own.

    Parameters are named as by ``geomdl summary``: by the path of the layer and the attribute, ``3.body.0.kernel``. A
    pattern stands for all names that it matches (``*`` for anything), and for everything in a layer that it matches:
    ``"3"`` is the whole of layer 3.

    Attributes:
      frozen: patterns; one that begins with ``!`` takes back what those before it have named.
      unfreeze: pairs of a pattern and a step: frozen until then, also where ``frozen`` names it.
      rates: pairs of a pattern and the factor by which the learning rate is multiplied; of several the last holds.

    >>> treatment = Treatment(frozen=("*", "!head"), rates=(("*.bias", 2.0),))
    >>> treatment.of({"body": {"kernel": 1}, "head": {"kernel": 1, "bias": 1}})["head"]
    {'bias': Pace(rate=2.0, start=0), 'kernel': Pace(rate=1.0, start=0)}
    """

    frozen: tuple[str, ...] = ()
    unfreeze: tuple[tuple[str, int], ...] = ()
    rates: tuple[tuple[str, float], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.frozen or self.unfreeze or self.rates)

    def of(self, params: Tree) -> Tree:
        """The pace of every parameter, in a tree of the same structure.

        Args:
          params: the parameters; their names count alone.
        """
        return jax.tree_util.tree_map_with_path(lambda path, _: self._pace(parameter_name(path)), params)

    def check(self, params: Tree, steps: int) -> None:
        """Raises an error where it does not fit a model.

        Args:
          params: of the model.
          steps: of the run.

        Raises:
          ValueError: for a pattern that matches nothing, or where nothing is left to be trained.
        """
        names = list(dict.fromkeys(parameter_name(path) for path, _ in jax.tree_util.tree_flatten_with_path(params)[0]))
        for what, patterns in (
            ("training.frozen", [pattern.removeprefix("!") for pattern in self.frozen]),
            ("training.unfreeze", [pattern for pattern, _ in self.unfreeze]),
            ("training.learning_rates", [pattern for pattern, _ in self.rates]),
        ):
            for pattern in patterns:
                if not any(_matches(name, pattern) for name in names):
                    raise unknown(what, pattern, [*names[:12], *(["…"] if len(names) > 12 else [])])
        paces = [self._pace(name) for name in names]
        if all(pace.start >= steps or pace.rate == 0 for pace in paces):
            last = names[-1].rpartition(".")[0] or names[-1]
            if any(pace.start < steps for pace in paces):
                value = ",".join(f"{pattern}={rate:g}" for pattern, rate in self.rates)
                raise invalid("training.learning_rates", value, "factors that leave a parameter to be trained")
            if any(pace.start < NEVER for pace in paces):
                value = ",".join(f"{pattern}={step}" for pattern, step in self.unfreeze)
                raise invalid("training.unfreeze", value, f"steps below {steps}, the last one of the run")
            allowed = "patterns that leave a parameter to be trained"
            raise invalid("training.frozen", ",".join(self.frozen), allowed, f"*,!{last}")

    def gradients(self, gradients: Tree, step: Array) -> Tree:
        """The gradients, with zeros where a parameter is frozen at a step."""
        return self._each(gradients, lambda g, pace: g * _moves(pace, step, g), zero=jnp.zeros_like)

    def updates(self, updates: Tree, step: Array) -> Tree:
        """What is added to the parameters at a step, of what the optimiser would add."""
        return self._each(updates, lambda u, pace: u * pace.rate * _moves(pace, step, u), zero=jnp.zeros_like)

    def _each(self, tree: Tree, change: Any, zero: Any) -> Tree:
        def one(value: Array, pace: Pace) -> Array:
            if pace == Pace():
                return value
            return zero(value) if pace.start == NEVER or pace.rate == 0 else change(value, pace)

        return jax.tree.map(one, tree, self.of(tree))

    def _pace(self, name: str) -> Pace:
        start = 0
        for pattern in self.frozen:
            if _matches(name, pattern.removeprefix("!")):
                start = 0 if pattern.startswith("!") else NEVER
        for pattern, step in self.unfreeze:
            if _matches(name, pattern):
                start = step
        rate = 1.0
        for pattern, factor in self.rates:
            if _matches(name, pattern):
                rate = factor
        return Pace(rate, start)


def read_patterns(value: str | float | Sequence[str | float]) -> tuple[str, ...]:
    """Patterns from a config: several, or one text with commas between them.

    Layers are numbers, and a command line makes a number of ``--config.training.frozen=0``.

    >>> read_patterns("0,1.*"), read_patterns(("0", 1)), read_patterns(3.1), read_patterns("")
    (('0', '1.*'), ('0', '1'), ('3.1',), ())
    """
    parts = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int | float) else value
    return tuple(str(part).strip() for part in parts if str(part).strip())


def read_pairs(what: str, value: str | Sequence[str], kind: type) -> tuple[tuple[str, Any], ...]:
    """Pairs of a pattern and a number, from a config.

    Args:
      what: the key, for errors.
      value: ``"pattern=number,pattern=number"``, or several such.
      kind: of the numbers: int (of 0 or more) or float (likewise).

    Raises:
      ValueError: for anything else.

    >>> read_pairs("training.learning_rates", "*.bias=2,0=0.1", float)
    (('*.bias', 2.0), ('0', 0.1))
    """
    pairs = []
    for part in read_patterns(value):
        pattern, equals, number = part.rpartition("=")
        try:
            read = kind(number)
            fits = bool(equals and pattern.strip()) and 0 <= read < (NEVER if kind is int else float("inf"))
        except ValueError:
            fits, read = False, None
        if not fits:
            word = "a step" if kind is int else "a factor of 0 or more"
            raise invalid(what, shortened(part), f"pattern=number, where the number is {word}", "0.*=" + str(kind(1)))
        pairs.append((pattern.strip(), read))
    return tuple(pairs)


def _moves(pace: Pace, step: Array, like: Array) -> Array:
    return (step >= pace.start).astype(like.dtype)


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"{pattern}.*")
