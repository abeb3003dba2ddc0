"""Repeated layers are compiled once: a scan over those whose structure is the same, with their parameters stacked.

A network is the same with and without: its layers, the names of their parameters, its checkpoints, what is recorded of
it. Only the program that is compiled is shorter; its results agree to rounding.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax.core import Tracer

from geomdl.layers.containers.remat import rematerialised
from geomdl.layers.core.cpu_correlation import looped
from geomdl.layers.core.layer import Layer

LEAST = 6
"""How often something has to be repeated before it is scanned."""

_LONGEST = 3  # layers in what is repeated: a block and the nonlinearity after it, say
_ON: ContextVar[bool | None] = ContextVar("geomdl_scan", default=None)


class Run(NamedTuple):
    """Layers that repeat: ``count`` times ``period`` layers, from ``start`` on."""

    start: int
    period: int
    count: int

    @property
    def stop(self) -> int:
        """The first layer behind them."""
        return self.start + self.period * self.count


@contextmanager
def scanned(on: bool = True) -> Iterator[None]:
    """Whether the networks that are traced within scan over what they repeat; outside they do so in training alone.

    In evaluation gradients through a scan would be slow on CPUs, and derivatives of forward mode are asked for, which
    the convolutions of a training step do not have inside a scan (`geomdl.layers.core.cpu_correlation`).

    Args:
      on: False compiles every layer by itself.

    >>> from geomdl.layers import Conv, Sequential
    >>> from geomdl.representations import FieldType
    >>> t, x = FieldType("C1", "1 trivial"), jnp.ones((1, 4, 4, 1))
    >>> net = Sequential([Conv(t, t, 3, padding=1, rngs=nnx.Rngs(i)) for i in range(8)])
    >>> def compiled(on: bool) -> int:
    ...     with scanned(on):
    ...         return jax.jit(lambda x: net(x)).lower(x).as_text().count("stablehlo.convolution")
    >>> compiled(True), compiled(False)
    (1, 8)
    """
    token = _ON.set(on)
    try:
        yield
    finally:
        _ON.reset(token)


def repetitions(layers: Sequence[Layer], x: jax.Array, *, train: bool) -> list[Run]:
    """The runs of equal layers, in turn; none outside of a trace, where nothing is compiled as a whole.

    Args:
      layers: of a sequence.
      x: what the first of them is given.
      train: whether they train.

    >>> from geomdl.layers import Pointwise
    >>> from geomdl.representations import FieldType
    >>> t = FieldType("C4", "1 regular")
    >>> layers = [Pointwise(t, name) for name in ["elu", "relu"] * 6 + ["elu"]]
    >>> found = []
    >>> y = jax.eval_shape(lambda x: found.extend(repetitions(layers, x, train=True)), jnp.ones((1, 4)))
    >>> found
    [Run(start=0, period=2, count=6)]
    """
    on = _ON.get()
    if not (train if on is None else on) or not _may_repeat(layers):
        return []
    if not isinstance(x, Tracer) and not any(
        isinstance(a, Tracer) for a in jax.tree.leaves(nnx.state(nnx.List(layers)))
    ):
        return []
    return equal_runs(layers)


def equal_runs(layers: Sequence[Layer]) -> list[Run]:
    """The runs of layers that differ in the values of their variables alone, in turn.

    Args:
      layers: of a sequence.

    >>> from geomdl.layers import Pointwise
    >>> from geomdl.representations import FieldType
    >>> t = FieldType("C4", "1 regular")
    >>> equal_runs([Pointwise(t, name) for name in ["elu", "relu"] * 6 + ["elu"]])
    [Run(start=0, period=2, count=6)]
    """
    if not _may_repeat(layers):
        return []
    known: dict[Any, int] = {}
    labels = [known.setdefault(_structure(layer), len(known)) for layer in layers]
    found: list[Run] = []
    start = 0
    while start < len(layers):
        runs = [_run_at(labels, start, period) for period in range(1, _LONGEST + 1)]
        best = max(runs, key=lambda run: (run.count >= LEAST, run.period * run.count, -run.period))
        same = layers[best.start].in_type == layers[best.start + best.period - 1].out_type
        if best.count >= LEAST and same:
            found.append(best)
            start = best.stop
        else:
            start += 1
    return found


def apply_run(
    layers: Sequence[Layer], run: Run, x: jax.Array, keys: Sequence[jax.Array | None], *, train: bool, remat: bool
) -> jax.Array | None:
    """The output of the repeated layers, computed by a scan; None where they change the type of their input.

    Args:
      layers: of the sequence.
      run: which of them.
      x: what the first of them is given.
      keys: of all layers.
      train: see `geomdl.layers.Layer`.
      remat: whether each repetition is computed once more for its gradient.
    """
    units = [nnx.List(layers[i : i + run.period]) for i in range(run.start, run.stop, run.period)]
    parts = [nnx.split(unit, nnx.Param, ...) for unit in units]
    structure = parts[0][0]
    params, rest = _stacked([params for _, params, _ in parts]), _stacked([rest for _, _, rest in parts])
    stacked_keys = None
    if isinstance(keys, jax.Array):
        stacked_keys = keys[run.start : run.stop].reshape(run.count, run.period)

    def body(x: jax.Array, of_one: tuple[Any, Any, Any]) -> tuple[jax.Array, Any]:
        params, rest, keys = of_one
        copies = nnx.merge(structure, params, rest)
        with rematerialised(False), looped(train):
            for i, layer in enumerate(copies):
                x = layer(x, train=train, key=None if keys is None else keys[i])
        return x, nnx.state(copies, nnx.Not(nnx.Param)) if train else None

    one = jax.tree.map(lambda a: a[0], (params, rest, stacked_keys))
    after = jax.eval_shape(lambda x, one: body(x, one)[0], x, one)
    if (after.shape, after.dtype) != (x.shape, x.dtype):
        return None
    y, changed = jax.lax.scan(jax.checkpoint(body) if remat else body, x, (params, rest, stacked_keys))
    if train:
        for i, unit in enumerate(units):
            nnx.update(unit, jax.tree.map(lambda a, i=i: a[i], changed))
    return y


def _structure(layer: Layer) -> Any:
    """What two layers have in common that differ in the values of their variables alone."""
    graph, state = nnx.split(layer)
    leaves, tree = jax.tree.flatten(state)
    return graph, tree, tuple((leaf.shape, jnp.result_type(leaf)) for leaf in leaves)


def _run_at(labels: Sequence[int], start: int, period: int) -> Run:
    """How often the layers from a place on are repeated."""
    pattern, count = labels[start : start + period], 0
    while len(pattern) == period and labels[start + count * period : start + (count + 1) * period] == pattern:
        count += 1
    return Run(start, period, count)


def _may_repeat(layers: Sequence[Layer]) -> bool:
    """Whether their classes repeat often enough: quickly found out."""
    if len(layers) < LEAST:
        return False
    kinds = [type(layer) for layer in layers]
    return max(_longest_run(kinds, period) for period in range(1, _LONGEST + 1)) >= LEAST


def _longest_run(kinds: Sequence[type], period: int) -> int:
    """How often at most something of so many classes follows itself."""
    same = [a is b for a, b in zip(kinds, kinds[period:], strict=False)]
    lengths = [len(list(run)) for equal, run in itertools.groupby(same) if equal]
    return 1 + max(lengths, default=0) // period


def _stacked(states: Sequence[nnx.State]) -> nnx.State:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
