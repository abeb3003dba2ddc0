"""Sets the algorithm (dense, factored, fused) of all convolutions of a network, or of single ones."""

from collections.abc import Mapping
from typing import TypeVar

from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.layers.convolution.algorithms.registry import (
    Method,
    nearest_possible,
    possible,
    require_method,
    require_possible,
)
from geomdl.layers.convolution.conv import Conv
from geomdl.layers.convolution.dense import Dense
from geomdl.layers.core.layer import path_of

M = TypeVar("M", bound=nnx.Module)


def with_method(module: M, method: Method | Mapping[str, Method]) -> M:
    """A copy of a module that computes its convolutions by other methods, from the same weights to the same outputs.

    Args:
      module: any NNX module; `geomdl.layers.Conv` layers at every depth are meant.
      method: one for all of them, and for all `geomdl.layers.Dense` layers, such as ``"dense"``, ``"factored"``,
        ``"fused"``, ``"auto"`` or the name of a registered algorithm; those that it cannot compute take what it names
        in its place: factored for fused, and dense else. Or the methods of some convolutions by their paths, as in
        `convolutions`; the others stay as they are.

    Raises:
      ValueError: for another method, a path where there is no convolution, or a method at the path of one that has no
        such method.

    >>> from geomdl.layers import GroupPool, Sequential
    >>> from geomdl.representations import FieldType
    >>> image, features = FieldType("C8", "1 trivial"), FieldType("C8", "2 regular")
    >>> net = Sequential([Conv(image, features, 3, rngs=nnx.Rngs(0)), GroupPool(features)])
    >>> with_method(net, "factored").layers[0].method
    'factored'
    >>> with_method(net, {"1": "factored"})
    Traceback (most recent call last):
    ...
    ValueError: unknown convolution '1'; allowed: 0
    """
    copy = nnx.clone(module)
    found = convolutions(copy)
    if isinstance(method, str):
        require_method(method)
        linear = [part for _, part in nnx.iter_modules(copy) if isinstance(part, Dense)]
        for layer in (*found.values(), *linear):
            layer.method = nearest_possible(method, layer.convolution)
        return copy
    for path, each in method.items():
        require_method(each)
        conv = found.get(path_of(path.split(".")))
        if conv is None:
            raise _no_convolution(path, list(found))
        conv.method = require_possible(each, conv.convolution)
    return copy


def convolutions(module: nnx.Module) -> dict[str, Conv]:
    """The convolutions of a module by path, as `geomdl summary` prints it: ``"3.body.0"``.

    That is the path of the attributes without the name of lists of layers, which may be written too:
    ``"layers.3.body.layers.0"``.
    """
    parts = nnx.iter_modules(module)
    return {path_of(path): part for path, part in parts if isinstance(part, Conv)}


def read_methods(text: str) -> Method | dict[str, Method]:
    """What a line of text says of methods: one for all, or paths with theirs between commas.

    Raises:
      ValueError: for a text that says neither.

    >>> read_methods("auto"), read_methods("0=dense, 3.body.0=factored")
    ('auto', {'0': 'dense', '3.body.0': 'factored'})
    """
    if "=" not in text:
        return require_method(text)
    chosen: dict[str, Method] = {}
    for part in text.split(","):
        path, equals, method = (piece.strip() for piece in part.partition("="))
        if not (path and equals):
            raise invalid("method", text, "one method, or layers with theirs between commas", "0=dense,3=factored")
        if path_of(path.split(".")) in map(path_of, (p.split(".") for p in chosen)):
            raise invalid("method", text, f"each layer once, but {path} is given twice")
        chosen[path] = require_method(method)
    return chosen


def has_a_choice(layer: Conv | Dense) -> bool:
    """Whether more than one algorithm can compute a convolution or linear layer."""
    return len(possible(layer.convolution)) > 1


def _no_convolution(path: str, found: list[str]) -> ValueError:
    return unknown("convolution", path, found or ["none, as there is no Conv in this module"])
