"""Sets the algorithm (dense, factored, fused) of all convolutions of a network, or of single ones."""

from collections.abc import Mapping, Sequence
from typing import TypeVar, get_args

from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.kernels.factored import is_factorable
from geomdl.layers.convolution.algorithms.factored import Method, require_method, require_possible
from geomdl.layers.convolution.conv import Conv, Dense

M = TypeVar("M", bound=nnx.Module)

METHODS: tuple[Method, ...] = get_args(Method)


def with_method(module: M, method: Method | Mapping[str, Method]) -> M:
    """A copy of a module that computes its convolutions by other methods, from the same weights to the same outputs.

    Args:
      module: any NNX module; `geomdl.layers.Conv` layers at every depth are meant.
      method: ``"dense"``, ``"factored"``, ``"fused"`` or ``"auto"`` for all of them, and for all `geomdl.layers.Dense`
        layers; those that have no such method are factored in place of fused, or dense. Or the methods of some
        convolutions by their paths, as in `convolutions`; the others stay as they are.

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
            layer.method = _nearest(layer, method)
        return copy
    for path, each in method.items():
        require_method(each)
        conv = found.get(path_of(path.split(".")))
        if conv is None:
            raise _no_convolution(path, list(found))
        conv.method = require_possible(each, conv.spaces, conv.groups)
    return copy


def convolutions(module: nnx.Module) -> dict[str, Conv]:
    """The convolutions of a module by path, as `geomdl summary` prints it: ``"3.body.0"``.

    That is the path of the attributes without the name of lists of layers, which may be written too:
    ``"layers.3.body.layers.0"``.
    """
    parts = nnx.iter_modules(module)
    return {path_of(path): part for path, part in parts if isinstance(part, Conv)}


def path_of(keys: Sequence[object]) -> str:
    """The name of a layer from the attributes that lead to it; ``"0"`` for the module itself.

    >>> path_of(("layers", 3, "body", "layers", 0)), path_of(())
    ('3.body.0', '0')
    """
    return ".".join(str(key) for key in keys if key != "layers") or "0"


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


def has_two_methods(layer: Conv | Dense) -> bool:
    """Whether a convolution or linear layer has a factored method besides the dense one."""
    return is_factorable(layer.spaces)


def _nearest(layer: Conv | Dense, method: Method) -> Method:
    if method in ("factored", "fused") and not has_two_methods(layer):
        return "dense"
    return "factored" if method == "fused" and (isinstance(layer, Dense) or layer.groups > 1) else method


def _no_convolution(path: str, found: list[str]) -> ValueError:
    return unknown("convolution", path, found or ["none, as there is no Conv in this module"])
