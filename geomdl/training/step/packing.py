"""The arrays of layers that repeat, stacked: a training step then changes a few arrays in place of hundreds.

A network of a thousand layers has thousands of parameters, and a step that updates each of them by itself takes minutes
to compile. Between the steps of a run the arrays of layers that are scanned (`geomdl.layers.scanned`) are kept stacked;
whoever reads the state of the run, such as a checkpoint, gets them one by one and never sees the difference.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.layers.containers.repetition import equal_runs
from geomdl.layers.containers.sequential import Sequential

if TYPE_CHECKING:
    from geomdl.training.step.state import TrainState

Path = tuple[Any, ...]
Flat = dict[Path, Any]
Tree = Any
"""Nested dicts of arrays."""


@dataclass(frozen=True, eq=False)
class Packing:
    """Which arrays of a state are kept stacked: those of each group, at the place of the first of them.

    Args:
      groups: the paths of arrays of equal shape, in nested dicts, in turn; a path is in one group at most.

    >>> packing = Packing(((("layers", 0, "kernel"), ("layers", 1, "kernel")),))
    >>> tree = {"layers": {0: {"kernel": jnp.zeros(3)}, 1: {"kernel": jnp.ones(3), "bias": jnp.zeros(1)}}}
    >>> packed = packing.stacked(tree)
    >>> jax.tree.map(jnp.shape, packed)
    {'layers': {0: {'kernel': (2, 3)}, 1: {'bias': (1,)}}}
    >>> jax.tree.map(jnp.shape, packing.spread(packed)) == jax.tree.map(jnp.shape, tree)
    True
    """

    groups: tuple[tuple[Path, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.groups)

    def stacked(self, tree: Tree) -> Tree:
        """The arrays of every group as one, with a leading axis."""
        return self._stacked(tree, jnp.stack)

    def spread(self, tree: Tree) -> Tree:
        """The inverse of `stacked`; its derivative stacks again, in one operation for each group."""
        return self._spread(tree, _parts)

    def pack(self, state: "TrainState") -> "TrainState":
        """The state of a run with its arrays stacked, in buffers of their own; between steps, not while tracing."""
        if not self or state.packing:
            return state
        packed = _everywhere(state, lambda tree: self._stacked(tree, _stacked_on_host))
        return replace(packed, packing=self)

    def unpack(self, state: "TrainState") -> "TrainState":
        """The inverse of `pack`; the state that it is given may be overwritten afterwards."""
        if not state.packing:
            return state
        return replace(_everywhere(state, lambda tree: self._spread(tree, _parts_on_host)), packing=NO_PACKING)

    def _stacked(self, tree: Tree, stack: Callable[[Sequence[Any]], Any]) -> Tree:
        flat = _flattened(tree)
        for group in self.groups:
            if all(path in flat for path in group):
                members = [flat.pop(path) for path in group]
                flat[group[0]] = stack(members) if all(map(_is_array, members)) else members[0]
        return _nested(flat)

    def _spread(self, tree: Tree, split: Callable[[Any, int], Sequence[Any]]) -> Tree:
        flat = _flattened(tree)
        for group in self.groups:
            if group[0] in flat:
                whole = flat[group[0]]
                parts = split(whole, len(group)) if _is_array(whole) else [whole] * len(group)
                flat.update(zip(group, parts, strict=True))
        return _nested(flat)


NO_PACKING = Packing()


def packing_of(model: nnx.Module, labels: Callable[[Tree], Tree] | None) -> Packing:
    """Which arrays of a model can be stacked while an optimiser trains it.

    Args:
      model: whose repeated layers are scanned in training.
      labels: of an optimiser that treats every entry of a parameter by itself, but parameters of different labels
        (weight decay or none, say) in different ways: parameters → a tree of what tells them apart. None: the optimiser
        looks at whole parameters, at their norms, say, and nothing is stacked.

    >>> from geomdl.layers import Conv
    >>> from geomdl.representations import FieldType
    >>> t = FieldType("C4", "2 regular")
    >>> net = Sequential([Conv(t, t, 3, padding=1, use_bias=False, rngs=nnx.Rngs(i)) for i in range(8)])
    >>> [len(group) for group in packing_of(net, lambda params: jax.tree.map(lambda _: 0, params)).groups]
    [8]
    """
    if labels is None:
        return NO_PACKING
    params, others = (nnx.to_pure_dict(state) for state in nnx.state(model, nnx.Param, ...))
    there = _flattened(params) | _flattened(others)
    groups: list[tuple[Path, ...]] = []
    taken: set[Path] = set()
    for members in _repeated(model, sorted(there, key=lambda path: tuple(map(str, path)))):
        kinds = {(jnp.shape(there[path]), jnp.result_type(there[path])) for path in members}
        if len(kinds) == 1 and taken.isdisjoint(members):
            groups.append(members)
            taken.update(members)
    if not groups:
        return NO_PACKING
    apart = _flattened(labels(params))
    alike = Packing(tuple(g for g in groups if g[0] not in apart or len({apart[path] for path in g}) == 1))
    try:
        after = _flattened(labels(jax.eval_shape(alike.stacked, params)))
    except ValueError:  # patterns that name layers one by one, of which the stacked arrays have but the first
        return NO_PACKING
    return Packing(tuple(g for g in alike.groups if apart.get(g[0]) == after.get(g[0])))


def _repeated(model: nnx.Module, paths: Sequence[Path]) -> list[tuple[Path, ...]]:
    """The places of what is the same array of layers that repeat, the outermost repetitions first."""
    found: list[tuple[Path, ...]] = []
    below: dict[Path, list[Path]] = {}
    sequences = [(path, module) for path, module in nnx.iter_modules(model) if isinstance(module, Sequential)]
    for path in paths:
        for end in range(len(path)):
            below.setdefault(path[:end], []).append(path)
    for where, module in sorted(sequences, key=lambda item: len(item[0])):
        for run in equal_runs(module.layers):
            for offset in range(run.period):
                units = [(*where, "layers", i) for i in range(run.start + offset, run.stop, run.period)]
                for path in below.get(units[0], []):
                    found.append(tuple((*unit, *path[len(unit) :]) for unit in units))
    return found


def _everywhere(state: "TrainState", change: Callable[[Tree], Tree]) -> "TrainState":
    """A state whose trees of variables are changed, also those that the optimiser keeps."""
    opt_state = jax.tree.map(
        lambda part: change(part) if isinstance(part, dict) else part,
        state.opt_state,
        is_leaf=lambda part: isinstance(part, dict),
    )
    average = None if state.average is None else change(state.average)
    return replace(state, params=change(state.params), rest=change(state.rest), opt_state=opt_state, average=average)


def _parts(whole: jax.Array, count: int) -> Sequence[jax.Array]:
    return [part.reshape(whole.shape[1:]) for part in jax.lax.split(whole, [1] * count)]


def _stacked_on_host(parts: Sequence[jax.Array]) -> jax.Array:
    return _placed([np.stack([np.asarray(part) for part in parts])], parts[0].sharding)[0]


def _parts_on_host(whole: jax.Array, count: int) -> Sequence[jax.Array]:
    copied = np.array(whole)  # a copy: the next step writes over the array
    return _placed([copied[i] for i in range(count)], whole.sharding)


def _placed(arrays: list[np.ndarray], where: jax.sharding.Sharding) -> list[jax.Array]:
    """The arrays as one that is whole on every device lies."""
    if where.is_fully_addressable:
        return jax.device_put(arrays, where)
    return [jax.make_array_from_callback(a.shape, where, lambda index, a=a: a[index]) for a in arrays]


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape")


def _flattened(tree: Tree, at: Path = ()) -> Flat:
    """The values of nested dicts by their paths; what is no dict is a value."""
    if isinstance(tree, Mapping) and (tree or not at):
        return dict(itertools.chain.from_iterable(_flattened(v, (*at, k)).items() for k, v in tree.items()))
    return {at: tree}


def _nested(flat: Flat) -> Tree:
    tree: dict[Any, Any] = {}
    for path, value in flat.items():
        inner = tree
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
        inner[path[-1]] = value
    return tree
