"""Adapters for each library (NNX, Linen, Haiku, Equinox, PyTorch): models as functions of weights and an array."""

import contextlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.arrays import as_array
from geomdl.equivariance.adapters.onnx_files import TakenImages, is_onnx, open_onnx
from geomdl.equivariance.adapters.recording import (
    Activations,
    Recorder,
    linen_activations,
    record_calls,
    torch_activations,
)
from geomdl.errors import invalid


class Adapted(NamedTuple):
    """A model as ``function(variables, x)``, and what else is known about it.

    Attributes:
      kind: ``"nnx"``, ``"linen"``, ``"haiku"``, ``"torch"``, ``"onnx"``, ``"function"`` or ``"numpy"``.
      function: evaluates the model; changes nothing.
      variables: a tree of arrays.
      record: gives the outputs of the submodules by path and then that of the model; None where nothing is known.
      export: turns the arrays of the output into arrays of JAX or NumPy.
      differentiable: whether JAX can trace the function.
      layout: of its images, where the user says nothing.
      takes: the images that it says it takes, where it does.
      name: of the model, where its class has no telling one.
    """

    kind: str
    function: Callable[[Any, Any], Any]
    variables: Any = None
    record: Callable[[Any, Any], tuple[Activations, Any]] | None = None
    export: Callable[[Any], Any] = lambda y: y
    differentiable: bool = True
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    takes: TakenImages | None = None
    name: str = ""


def adapt(model: Any, variables: Any, *, train: bool, numpy: bool, layout: str | None = None) -> Adapted:
    """Finds out what a model is, by its classes and without importing their libraries, and adapts it.

    Raises:
      ValueError: for something that cannot be called, missing or superfluous variables, or a training mode that the
        model has no switch for.
    """
    if isinstance(model, nn.Module):
        return _linen(model, variables, train)
    haiku = _is_from(model, "haiku") and hasattr(model, "init") and hasattr(model, "apply")
    if haiku:
        adapted = _haiku(model, variables)
    elif variables is not None:
        raise invalid(f"variables of {type(model).__name__}", "given", "None: only Linen and Haiku keep them apart")
    elif isinstance(model, nnx.Module):
        return _nnx(model, train)
    elif is_onnx(model):
        adapted = _onnx(model, layout)
    elif not callable(model):
        raise invalid("model", model, "a function, an ONNX file, or a module of Flax, Haiku, Equinox or PyTorch")
    elif _is_from(model, "torch.nn"):
        adapted = _torch(model)
    elif numpy:
        adapted = Adapted("numpy", lambda _, x: model(np.asarray(x)), differentiable=False)
    else:
        adapted = _callable_tree(model)
    if train:
        raise invalid("train", train, f"False for a {adapted.kind} model: choose its mode before", False)
    return adapted


def mode_arguments(call: Callable[..., Any], train: bool) -> dict[str, bool]:
    """The keyword arguments by which a call is told whether it trains, among those that libraries use.

    >>> mode_arguments(lambda x, train=True: x, False), mode_arguments(lambda x, *, deterministic: x, False)
    ({'train': False}, {'deterministic': True})
    """
    switches = {"train": train, "training": train, "is_training": train}
    switches |= {"deterministic": not train, "use_running_average": not train}
    parameters = inspect.signature(call).parameters
    named = {name for name, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return {name: value for name, value in switches.items() if name in named}


def _is_from(model: Any, package: str) -> bool:
    modules = [base.__module__ for base in type(model).__mro__]
    return any(module == package or module.startswith(package + ".") for module in modules)


def _nnx(module: nnx.Module, train: bool) -> Adapted:
    graph, state = nnx.split(module)
    arguments: dict[str, Any] = mode_arguments(type(module).__call__, train)

    def fresh(state: Any) -> Any:
        copy = nnx.merge(graph, jax.tree.map(lambda leaf: leaf, state))  # variables of this call, which may change
        if not train:
            copy.eval()
            return copy
        with warnings.catch_warnings():
            if arguments:  # by which layers of geomdl train; they warn of train(), which does nothing in them
                warnings.filterwarnings("ignore", r"train\(\) changes nothing in layers of geomdl")
            copy.train()
        return copy

    def record(state: Any, x: Any) -> tuple[Activations, Any]:
        copy, recorder = fresh(state), Recorder()
        record_calls(copy, recorder)
        y = copy(x, **arguments)
        return recorder.outputs, y

    snapshot = jax.tree.map(lambda leaf: leaf, state)
    return Adapted("nnx", lambda state, x: fresh(state)(x, **arguments), snapshot, record)


def _linen(module: nn.Module, variables: Any, train: bool) -> Adapted:
    if variables is None and module.scope is not None:
        module, variables = module.unbind()
    if not isinstance(variables, Mapping):
        raise invalid(f"variables of {type(module).__name__}", variables, "what its init returned: {'params': …}")
    if variables and "params" not in variables:
        allowed = "a collection 'params', as init returns"
        raise invalid(f"variables of {type(module).__name__}", sorted(variables), allowed, "{'params': variables}")
    variables = {name: collection for name, collection in variables.items() if name != "intermediates"}
    changing = [name for name in variables if name != "params"] if train else []
    arguments: dict[str, Any] = mode_arguments(type(module).__call__, train)

    def run(variables: Any, x: Any, capture: bool) -> Any:
        rngs = {"dropout": jax.random.key(0)} if train else None
        options: dict[str, Any] = {"mutable": [*changing, "intermediates"], "capture_intermediates": capture}
        return module.apply(variables, x, rngs=rngs, **options, **arguments)

    def record(variables: Any, x: Any) -> tuple[Activations, Any]:
        y, state = run(variables, x, True)
        return linen_activations(state["intermediates"]), y

    return Adapted("linen", lambda variables, x: run(variables, x, False)[0], variables, record)


def _haiku(model: Any, variables: Any) -> Adapted:
    if variables is None:
        raise invalid("variables of a Haiku function", None, "params, or (params, state) where it has state")
    with_rng = "rng" in inspect.signature(model.apply).parameters
    rng = (None,) if with_rng else ()
    if "state" in inspect.signature(model.apply).parameters:
        if not isinstance(variables, tuple | list) or len(variables) != 2:
            raise invalid("variables of a Haiku function with state", type(variables).__name__, "(params, state)")
        return Adapted("haiku", lambda v, x: model.apply(v[0], v[1], *rng, x)[0], tuple(variables))
    return Adapted("haiku", lambda v, x: model.apply(v, *rng, x), variables)


def _callable_tree(model: Any) -> Adapted:
    """A function, or a callable that is itself a tree (Equinox): its arrays are the variables."""
    equinox = sys.modules.get("equinox")
    if equinox is not None and isinstance(model, equinox.Module):
        model = equinox.nn.inference_mode(model)
    leaves, tree = jax.tree.flatten(model)
    varying = tuple(isinstance(leaf, jax.Array | np.ndarray) for leaf in leaves)

    def function(arrays: Any, x: Any) -> Any:
        remaining = iter(arrays)
        filled = [next(remaining) if v else leaf for leaf, v in zip(leaves, varying, strict=True)]
        return jax.tree.unflatten(tree, filled)(x)

    return Adapted("function", function, [jnp.asarray(a) for a, v in zip(leaves, varying, strict=True) if v])


def _torch(module: Any) -> Adapted:
    torch: Any = sys.modules["torch"]
    floating = [p for p in module.parameters() if p.is_floating_point()]
    first = next(iter(floating), None)
    device, dtype = ("cpu", None) if first is None else (first.device, first.dtype)

    def function(_: Any, x: Any) -> Any:
        with torch.no_grad(), _evaluating(module):
            x = np.array(x)
            if jnp.issubdtype(x.dtype, jnp.floating):  # in the precision of the weights, as PyTorch wants it
                wide = x.astype(np.result_type(np.float32, x.dtype) if x.dtype.kind == "f" else np.float32)
                return module(torch.as_tensor(wide, device=device).to(dtype or torch.as_tensor(wide).dtype))
            return module(torch.as_tensor(x, device=device))

    def export(y: Any) -> Any:
        return jax.tree.map(lambda t: as_array(t, "output") if isinstance(t, torch.Tensor) else t, y)

    def record(_: Any, x: Any) -> tuple[Activations, Any]:
        recorder = Recorder()
        with torch_activations(module, recorder, export):
            y = function(None, x)
        return recorder.outputs, y

    return Adapted("torch", function, None, record, export, differentiable=False, layout="NCHW")


def _onnx(model: Any, layout: str | None) -> Adapted:
    run, takes, name = open_onnx(model, layout)
    layout_of: Literal["NHWC", "NCHW"] = "NCHW" if takes.layout == "NCHW" else "NHWC"
    return Adapted(
        "onnx", lambda _, x: run(np.asarray(x)), differentiable=False, layout=layout_of, takes=takes, name=name
    )


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Puts a PyTorch module into evaluation mode, and every submodule back into its own mode afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
