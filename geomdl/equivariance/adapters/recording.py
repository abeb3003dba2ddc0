"""The outputs of submodules, kept while a model runs."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
from flax import nnx
from flax.nnx.tracers import TraceState

Activations = OrderedDict[str, Any]
"""Outputs by path (``layers.0``), in the order of the calls, which `jax.jit` keeps for this type of dictionary."""


class Recorder:
    """Collects outputs under the paths of the modules that gave them; a module's second call is ``path:2``.

    What is computed inside a transformation (``nnx.remat``, ``nnx.scan``) is not kept: it does not exist outside.
    """

    def __init__(self) -> None:
        self.outputs: Activations = OrderedDict()
        self._trace = TraceState()

    def add(self, path: str, output: Any) -> None:
        """Keeps one output; a tree of several arrays becomes ``path[0]``, ``path[1]``, …"""
        if self._trace.is_valid():
            add_output(self.outputs, path, output)


def add_output(outputs: Activations, path: str, output: Any) -> None:
    """Adds an output, or the arrays of a tree of outputs, under names that are not yet taken.

    >>> import numpy as np
    >>> outputs = OrderedDict()
    >>> for _ in range(2):
    ...     add_output(outputs, "conv", np.zeros(3))
    >>> list(outputs)
    ['conv', 'conv:2']
    """
    leaves = [leaf for leaf in jax.tree.leaves(output) if hasattr(leaf, "shape") and hasattr(leaf, "dtype")]
    for i, leaf in enumerate(leaves):
        name = first = path if len(leaves) == 1 else f"{path}[{i}]"
        count = 1
        while name in outputs:
            count += 1
            name = f"{first}:{count}"
        outputs[name] = leaf


def record_calls(module: nnx.Module, recorder: Recorder) -> None:
    """Makes every submodule of an NNX module (a copy of ours, which this changes) tell its outputs.

    The class of each is replaced by a subclass whose ``__call__`` records.
    """
    parts = [(".".join(map(str, path)), part) for path, part in nnx.iter_modules(module) if path]
    for path, part in parts:
        cls: Any = type(part)
        if not callable(part):  # a list of modules, say
            continue

        def call(self: Any, *args: Any, _path: str = path, _cls: Any = cls, **kwargs: Any) -> Any:
            y = _cls.__call__(self, *args, **kwargs)
            recorder.add(_path, y)
            return y

        recording = type(cls)(cls.__name__, (cls,), {"__call__": call, "__module__": cls.__module__})
        object.__setattr__(part, "__class__", recording)


def linen_activations(intermediates: Mapping[str, Any]) -> Activations:
    """Flattens what Linen captured; the model's own output, which is there too, is left out.

    Modules come in the order in which Linen first saw them, each after its submodules (by name where they are inside a
    transformation such as ``nn.remat``).

    >>> import numpy as np
    >>> conv = {"__call__": (np.zeros(3), np.ones(3))}
    >>> list(linen_activations({"block": {"__call__": (np.zeros(2),), "conv": conv}}))
    ['block.conv', 'block.conv:2', 'block']
    """
    outputs: Activations = OrderedDict()

    def walk(tree: Mapping[str, Any], path: tuple[str, ...]) -> None:
        for name, inner in tree.items():
            if isinstance(inner, Mapping):
                walk(inner, (*path, name))
        for output in tree.get("__call__", ()) if path else ():
            add_output(outputs, ".".join(path), output)

    walk(intermediates, ())
    return outputs


@contextlib.contextmanager
def torch_activations(module: Any, recorder: Recorder, export: Callable[[Any], Any]) -> Iterator[None]:
    """Hooks the submodules of a PyTorch module while the context lasts."""
    hooks = []
    for path, part in module.named_modules():
        if path:
            keep = lambda _, inputs, y, path=path: recorder.add(path, export(y))  # noqa: E731
            hooks.append(part.register_forward_hook(keep))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
