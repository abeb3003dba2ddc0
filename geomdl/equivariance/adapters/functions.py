"""Models of any library as functions of arrays ``[batch, height, width, channels]``."""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.core import Tracer

from geomdl.equivariance.adapters.libraries import adapt
from geomdl.equivariance.adapters.onnx_files import TakenImages
from geomdl.equivariance.adapters.recording import Activations, add_output
from geomdl.equivariance.contracts.contract import Contract
from geomdl.errors import invalid, unknown

Layout = Literal["NHWC", "NCHW", "HWC", "CHW"]
"""How a model wants its images; without N it takes one at a time. Ours are always NHWC."""


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A model f as a function x ↦ f(x), whatever library it is from; made by `as_function`.

    A `Model` is a JAX tree whose leaves are its weights. Give it to a jitted function as an argument, so that the
    weights are not compiled in as constants: ``jax.jit(lambda model, x: model(x))(model, x)``.

    Attributes:
      variables: the weights, a tree of arrays; None when the model keeps them itself (PyTorch, functions).
      function: ``(variables, x) -> y`` on arrays ``[batch, height, width, channels]``.
      record: ``(variables, x) -> outputs`` of the submodules by path, and ``"output"`` last.
      kind: ``"nnx"``, ``"linen"``, ``"haiku"``, ``"torch"``, ``"onnx"``, ``"function"`` or ``"numpy"``.
      name: of the class or function.
      differentiable: False for NumPy, PyTorch and ONNX, which are called with NumPy arrays and never traced.
      contracts: what our own modules promise, ``(path, contract)``; the path of the whole model is ``""``.
      takes: the images that the model says it takes, where it does (ONNX).
    """

    variables: Any
    function: Callable[[Any, Any], Any]
    record: Callable[[Any, Any], Activations]
    kind: str
    name: str
    differentiable: bool = True
    contracts: tuple[tuple[str, Contract], ...] = ()
    takes: TakenImages | None = None

    @property
    def traceable(self) -> bool:
        """Whether JAX can trace, and so jit, vmap and differentiate it; the same as ``differentiable``."""
        return self.differentiable

    @property
    def contract(self) -> Contract | None:
        """What the whole model promises, if it is one of ours."""
        return dict(self.contracts).get("")

    def __call__(self, x: Any) -> Any:
        """f(x), an array or a tree of arrays: of NumPy for ``"numpy"``, ``"torch"`` and ``"onnx"``, else of JAX.

        Raises:
          ValueError: when JAX traces a function that it cannot trace.
        """
        return self._run(self.function, x)

    def activations(self, x: Any) -> Activations:
        """The outputs of the submodules by path in the order of the calls; f(x) is the last entry, ``"output"``."""
        return self._run(self.record, x)

    def _run(self, function: Callable[[Any, Any], Any], x: Any) -> Any:
        if not self.differentiable:
            if isinstance(x, Tracer):
                raise invalid(f"use of {self.name} ({self.kind})", "jit, vmap or jvp", "calls with NumPy arrays")
            return function(self.variables, np.asarray(x))
        try:
            return function(self.variables, jnp.asarray(x))
        except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError) as error:
            message = (
                f"{self.name} cannot be traced by JAX; if it computes with NumPy, say so:"
                " as_function(model, numpy=True)"
            )
            raise ValueError(message) from error


jax.tree_util.register_dataclass(
    Model,
    data_fields=["variables"],
    meta_fields=["function", "record", "kind", "name", "differentiable", "contracts", "takes"],
)


def as_function(
    model: Any,
    variables: Any = None,
    *,
    layout: Layout | None = None,
    train: bool = False,
    numpy: bool = False,
    select: Callable[[Any], Any] | None = None,
) -> Model:
    """Makes a `Model` out of a model of Flax, Haiku, Equinox, PyTorch or ONNX, or of any function of arrays.

    The model is evaluated, not trained: by its ``train``, ``training``, ``is_training``, ``deterministic`` or
    ``use_running_average`` argument, by ``eval()`` (NNX, PyTorch) and by ``inference_mode`` (Equinox). Nothing in the
    model is changed by a call. Its weights are those it had when `as_function` was called (PyTorch: has).

    Args:
      model: one of

        - a Flax NNX module;
        - a Flax Linen module with its ``variables``, or a bound one;
        - a Haiku function (``hk.transform``) with its parameters, or ``(params, state)``; called without random key;
        - an Equinox module, any callable JAX tree, or a function of one array, called as it is;
        - a ``torch.nn.Module``;
        - the path of an ONNX file, ``"model.onnx"``, or ``"model.onnx:name"`` for one of several outputs; or a session
          of onnxruntime;
        - a function that computes with NumPy (``numpy=True``);
        - a `Model`, which is returned.
      variables: for Linen and Haiku.
      layout: how the model takes images and gives outputs of four axes: ``"NHWC"``, ``"NCHW"``, or ``"HWC"``, ``"CHW"``
        for one image at a time (as in Equinox). ``"NCHW"`` for PyTorch, what the file says for ONNX, else ``"NHWC"``,
        by default.
      train: evaluates Flax modules in training mode instead; updated statistics are thrown away.
      numpy: the function computes with NumPy: it is never traced.
      select: picks the array to look at from the model's output, as in ``select=lambda y: y.logits``.

    Raises:
      ValueError: for an unknown layout, something that is no model, or missing variables.

    >>> from flax import nnx
    >>> model = as_function(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
    >>> model.kind, model.name, model.differentiable, model(jnp.ones((4, 3))).shape
    ('nnx', 'Linear', True, (4, 2))
    >>> as_function(np.fft.fft2, numpy=True).differentiable
    False
    """
    if isinstance(model, Model):
        return model
    if layout is not None and layout not in get_args(Layout):
        raise unknown("layout", layout, get_args(Layout))
    adapted = adapt(model, variables, train=train, numpy=numpy, layout=layout)
    convert = _Convert(layout or adapted.layout, adapted.differentiable)
    pick = select or (lambda y: y)

    def finish(y: Any, name: str) -> Any:
        y = adapted.export(pick(y))
        for leaf in jax.tree.leaves(y):
            if not (hasattr(leaf, "shape") and hasattr(leaf, "dtype")) and not isinstance(leaf, int | float):
                what = type(leaf).__name__
                raise invalid(f"output of {name}", what, "arrays", "select=lambda y: … to pick one")
        return y

    name = adapted.name or getattr(model, "__name__", type(model).__name__)

    def function(variables: Any, x: Any) -> Any:
        return convert.call(lambda x: finish(adapted.function(variables, x), name), x)

    def record(variables: Any, x: Any) -> Activations:
        def run(x: Any) -> Activations:
            if adapted.record is not None:
                outputs, y = adapted.record(variables, x)
            else:
                outputs, y = _returned_activations(adapted.function(variables, x), name)
            outputs["output"] = finish(y, name)
            return outputs

        return convert.call(run, x)

    contracts = _contracts(model) if isinstance(model, nnx.Module) else ()
    differentiable, takes = adapted.differentiable, adapted.takes
    return Model(adapted.variables, function, record, adapted.kind, name, differentiable, contracts, takes)


@dataclasses.dataclass(frozen=True)
class _Convert:
    """Calls a function of another layout with arrays NHWC."""

    layout: Layout
    traceable: bool

    def call(self, function: Callable[[Any], Any], x: Any) -> Any:
        """The outputs of four axes are brought back to NHWC."""
        if x.ndim == 4 and self.layout.endswith("CHW"):
            x = x.transpose(0, 3, 1, 2)
        if self.layout.startswith("N"):
            y = function(x)
        elif self.traceable:
            y = jax.vmap(function)(x)
        else:
            outputs = [function(image) for image in x]
            y = jax.tree.map(lambda *parts: np.stack(parts), *outputs)
        return jax.tree.map(self._back, y)

    def _back(self, y: Any) -> Any:
        return y.transpose(0, 2, 3, 1) if np.ndim(y) == 4 and self.layout.endswith("CHW") else y


def _returned_activations(y: Any, name: str) -> tuple[Activations, Any]:
    """What a function that returns ``(y, {"name": array, …})`` says about its inside."""
    if not (isinstance(y, tuple) and len(y) == 2 and isinstance(y[1], dict)):
        allowed = "an NNX, Linen or PyTorch module, or a function that returns (y, {'layer': array, …})"
        raise invalid("model for activations", name, allowed)
    outputs: Activations = OrderedDict()

    def walk(tree: dict[str, Any], path: tuple[str, ...]) -> None:
        for key, inner in tree.items():
            if isinstance(inner, dict):
                walk(inner, (*path, str(key)))
            else:
                add_output(outputs, ".".join((*path, str(key))), inner)

    walk(y[1], ())
    return outputs, y[0]


def _contracts(module: nnx.Module) -> tuple[tuple[str, Contract], ...]:
    found = [(".".join(map(str, path)), getattr(part, "contract", None)) for path, part in nnx.iter_modules(module)]
    return tuple((path, contract) for path, contract in found if isinstance(contract, Contract))
