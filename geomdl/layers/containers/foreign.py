"""Functions and modules of Flax that know nothing of geomdl, called as layers and networks of geomdl are."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contracts.contract import NOTHING, Contract, Promise, Size
from geomdl.errors import invalid
from geomdl.layers.core.data_axis import data_axis_name
from geomdl.layers.core.layer import Field, Layer
from geomdl.layers.core.modes import keeping_statistics
from geomdl.representations import FieldType

TRAINS = ("train", "training", "is_training")
"""Names of the argument of a call that says whether it trains."""

MODES = ("deterministic", "use_running_average")
"""Attributes of Flax's modules that say whether they evaluate."""

_SIZES = (32, 28, 64, 224, 16, 8, 4)
"""Pixels along each axis at which it is looked what a function gives: the first at which it can be called."""


class ForeignModule(nnx.Module):
    """A Flax NNX module, called as ``(x, *, train=False, key=None)``, as every network of geomdl is.

    A call is a function of its arguments: it is made of a copy whose modules are in the mode of the call (Flax's
    ``train()`` or ``eval()``: batch statistics and dropout), and keeps new batch statistics. Of ``train`` (or
    ``training``, ``is_training``), ``deterministic``, ``key`` and ``rngs`` its own call gets what it takes. Random
    numbers come from ``key``: the streams that the module was made with are taken out of it, so that they are no
    variables of it, and a training run that is gone on with draws what it would have drawn. Batch norm of Flax takes
    its statistics over the whole batch also where several devices hold parts of it; dropout then draws for each device
    apart.

    Args:
      module: the NNX module; changed as said. It stays what is called, and is the attribute ``module``.

    Raises:
      ValueError: the module's call needs other arguments than x and these.

    >>> class Net(nnx.Module):
    ...     def __init__(self, *, rngs: nnx.Rngs) -> None:
    ...         self.dense, self.dropout = nnx.Linear(4, 2, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)
    ...
    ...     def __call__(self, x):
    ...         return self.dropout(self.dense(x))
    >>> net, x = ForeignModule(Net(rngs=nnx.Rngs(0))), jnp.ones((1, 4))
    >>> bool((net(x) == net(x)).all()), net(x, train=True, key=jax.random.key(0)).shape
    (True, (1, 2))
    """

    def __init__(self, module: nnx.Module) -> None:
        self.takes = _call_arguments(module)
        self.streams = tuple(_streams(module))
        for path, name, _ in self.streams:
            setattr(_at(module, path), name, None)
        self.module = module

    def __call__(self, x: Any, *, train: bool = False, key: jax.Array | None = None) -> Any:
        """Calls the module in the mode of this call."""
        if train and key is None and (self.streams or "rngs" in self.takes or "key" in self.takes):
            name = type(self.module).__name__
            raise ValueError(f"{name} draws random numbers in training: pass key=jax.random.key(…) to the call")
        key = jax.random.key(0) if key is None else key  # evaluation draws nothing, or always the same
        if (axis := data_axis_name()) is not None:
            key = jax.random.fold_in(key, jax.lax.axis_index(axis))
        given = {
            **dict.fromkeys(TRAINS, train),
            "deterministic": not train,
            "key": key if train else None,
            "rngs": nnx.Rngs(key),
        }
        copy: Any = nnx.clone(self.module)
        _set_mode(copy, train, axis)
        for i, (path, name, collection) in enumerate(self.streams):
            streams = nnx.Rngs(jax.random.fold_in(key, i))
            setattr(_at(copy, path), name, streams if collection is None else getattr(streams, collection))
        y = copy(x, **{name: given[name] for name in self.takes})
        if train:
            _keep(self.module, copy)
        return y


def _keep(module: nnx.Module, called: nnx.Module) -> None:
    """Takes over what a call in training changed: batch statistics and the like, not parameters."""
    before, after = (nnx.to_flat_state(nnx.state(m, nnx.Not(nnx.Param))) for m in (module, called))
    kept = {path for path, _ in before}
    nnx.update(module, nnx.from_flat_state((path, value) for path, value in after if path in kept))


def _set_mode(module: nnx.Module, train: bool, axis: str | None) -> None:
    for _, part in nnx.iter_modules(module):
        if isinstance(part, Layer):
            continue  # whether it trains is an argument of its call
        for mode in MODES:
            if hasattr(part, mode):
                setattr(part, mode, not train)
        if isinstance(part, nnx.BatchNorm) and keeping_statistics():
            part.use_running_average = True
        if isinstance(part, nnx.BatchNorm) and axis is not None:
            part.axis_name = axis


def _call_arguments(module: nnx.Module) -> tuple[str, ...]:
    """Which of the arguments that we have the call takes."""
    parameters = list(inspect.signature(type(module).__call__).parameters.values())[1:]
    known = (*TRAINS, "deterministic", "key", "rngs")
    others = [p for p in parameters if p.name not in known and p.default is p.empty]
    needed = [p.name for p in others if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if len(needed) > 1 or any(p.kind is p.KEYWORD_ONLY for p in others):
        raise invalid(
            f"call of {type(module).__name__}",
            f"({', '.join(p.name for p in parameters)})",
            f"(x), and whichever it takes of {', '.join(known)}; others need defaults",
            "(x, *, train=False, key=None)",
        )
    return tuple(p.name for p in parameters if p.name in known)


def _streams(module: nnx.Module) -> Iterator[tuple[tuple[Any, ...], str, str | None]]:
    """Where modules hold streams of random keys: path, attribute, and the collection of a single stream."""
    for path, part in nnx.iter_modules(module):
        for name, value in vars(part).items():
            if isinstance(value, nnx.Rngs):
                yield path, name, None
            elif isinstance(value, nnx.RngStream):
                yield path, name, value.tag


def _at(module: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        module = getattr(module, part) if isinstance(part, str) else module[part]
    return module


class WithoutContract(Layer):
    """A function or a Flax NNX module between layers: of it nothing is known, so that it promises nothing.

    `geomdl.layers.Sequential` makes these itself of what has no contract.

    Args:
      function: from ``[batch, ..., channels]`` to ``[batch, ..., channels]``; a module is called as `ForeignModule`
        says.
      in_type: of what it gets.
      out_type: of what it gives; by default ``in_type`` if there are as many channels, else as many trivial fields.
      pixels: whether what it gets has pixels: ``[batch, height, width, channels]``, or else ``[batch, channels]``.

    Raises:
      ValueError: it cannot be called, or gives something else, or another number of channels than ``out_type`` has.

    >>> features = FieldType("C4", "2 regular")
    >>> layer = WithoutContract(jax.nn.softmax, features)
    >>> print(layer.contract.points, layer.out_type, sep="; ")
    none (softmax has no contract); FieldType(C4, "2 regular")
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        in_type: FieldType,
        out_type: FieldType | None = None,
        *,
        pixels: bool = True,
    ) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        if isinstance(function, nnx.Module):
            function = ForeignModule(function)
        self.function, self.in_type = function, in_type
        channels, self.has_base_space = self._found(_SIZES if pixels else (0,))
        if out_type is None:
            out_type = in_type if channels == in_type.size else in_type.with_fields([f"{channels} trivial"])
        if out_type.size != channels:
            allowed = f"{out_type.size} channels, for {out_type}"
            raise invalid(f"output of {self.name}", f"{channels} channels", allowed)
        self.out_type = out_type

    @property
    def contract(self) -> Contract:
        """Nothing is promised."""
        nothing = Promise("none", why=f"{self.name} has no contract")
        return Contract(
            self.in_type,
            self.out_type,
            points=nothing,
            shifts=nothing,
            output_size=self._output_size,
            up_to_shift=NOTHING,
            has_base_space=self.has_base_space,
        )

    def children(self, size: Size) -> tuple[()]:
        """None: what is inside is called in a way that is not known."""
        return ()

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Calls the function, or the module."""
        self.in_type.require_channels(x.shape[-1], f"the input of {self.name}")
        if isinstance(self.function, ForeignModule):
            return self.function(x, train=train, key=key)
        return self.function(x)

    def _shape(self, size: Size) -> tuple[int, ...]:
        """Of the output for one input of a size."""
        x = jax.ShapeDtypeStruct((1, *size, self.in_type.size), jnp.float32)
        structure, state = nnx.split(self.function) if isinstance(self.function, ForeignModule) else (None, None)
        call = self.function if structure is None else lambda x: nnx.merge(structure, state)(x)
        found = jax.eval_shape(call, x)
        if not hasattr(found, "shape") or len(found.shape) < 2:
            raise invalid(f"output of {self.name}", found, "one array [batch, ..., channels]")
        return found.shape

    def _found(self, sizes: Sequence[int]) -> tuple[int, bool]:
        """The channels of the output, and whether it has pixels."""
        failure: Exception | None = None
        for size in ((n,) * self.in_type.space.dimension if n else () for n in sizes):
            try:
                shape = self._shape(size)
            except (TypeError, ValueError) as error:
                failure = failure or error
                continue
            return shape[-1], len(shape) > 2
        raise invalid(f"layer {self.name}", self.name, f"a function of fields of {self.in_type}; it says: {failure}")

    def _output_size(self, size: Size) -> Size:
        return self._shape(size)[1:-1]


def as_layers(pieces: list[Any]) -> list[Layer]:
    """Pieces of a sequence as layers: those without contract become `WithoutContract`.

    The types of what is between two layers are those of its neighbours.

    Raises:
      ValueError: none of them is a layer, so that no type is known.
    """
    layers: list[Any] = list(pieces)
    known = [i for i, piece in enumerate(layers) if _is_layer(piece)]
    if not known:
        raise invalid("layers", pieces, "at least one layer of geomdl, which says what the fields are")
    for i, piece in enumerate(layers):
        if _is_layer(piece):
            continue
        if not callable(piece):
            raise invalid(f"layer {i}", piece, "a layer, a function or a flax.nnx.Module")
        in_type = layers[i - 1].out_type if i else layers[known[0]].in_type
        pixels = layers[i - 1].contract.has_base_space if i else True
        follows = layers[i + 1].in_type if i + 1 < len(layers) and _is_layer(layers[i + 1]) else None
        layers[i] = WithoutContract(piece, in_type, follows, pixels=pixels)
    return layers


def _is_layer(piece: Any) -> bool:
    return isinstance(piece, Layer) or (hasattr(piece, "contract") and hasattr(piece, "in_type"))
