"""What a layer inside a network gives: features of images."""

import dataclasses
import difflib
import functools
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.layers import Conv, Dense, Layer, scanned
from geomdl.layers.core.layer import path_of
from geomdl.representations import FieldType

OUTPUT = "output"
"""The name under which the output of the whole network is asked for."""

_DENSE, _CONVOLUTIONS = (Dense, nnx.Linear, nnx.LinearGeneral), (Conv, nnx.Conv)


@dataclasses.dataclass(frozen=True)
class FeatureLayer:
    """A place in a network whose values serve as features; see `feature_layer`.

    Attributes:
      name: of the layer, as ``geomdl summary`` prints it; ``"output"`` for the whole network.
      side: whether they are what the layer gives, ``"output"``, or what it takes, ``"input"``.
      shape: of the features of one image: ``(channels,)``, or ``(height, width, channels)``.
      field_type: how the channels transform, where the network has types.
      exact: whether the network promises its symmetry exactly for images of the size that it was looked up for.
    """

    name: str
    side: Literal["output", "input"]
    shape: tuple[int, ...]
    field_type: FieldType | None = None
    exact: bool = False

    @property
    def is_invariant(self) -> bool:
        """Whether the features are vectors that a group with more than one element leaves as they are."""
        kind = self.field_type
        return kind is not None and kind.group.order != 1 and kind.is_trivial and len(self.shape) == 1

    @property
    def moves(self) -> str:
        """How the features f(x) move with the image, in words.

        >>> FeatureLayer("7", "input", (8,), FieldType("C4", "8 trivial"), exact=True).moves
        'invariant: f(g·x) = f(x) for g in C4 (promised exactly where g maps the pixels of the image to each other)'
        >>> FeatureLayer("5", "output", (8,), FieldType("C4", "2 regular")).moves
        'f(g·x) = ρ(g) f(x), ρ = 2 regular of C4 (not promised exactly for images of this size)'
        """
        kind = self.field_type
        if kind is None:
            return "not known: the layer has no field type"
        if kind.group.order == 1:
            return "no symmetry is built in"
        how = "promised exactly where g maps the pixels of the image to each other"
        sure = f"({how})" if self.exact else "(not promised exactly for images of this size)"
        if kind.is_trivial and len(self.shape) == 1:
            return f"invariant: f(g·x) = f(x) for g in {kind.group} {sure}"
        fields = kind.merged().fields
        if len(self.shape) == 1:
            return f"f(g·x) = ρ(g) f(x), ρ = {fields} of {kind.group} {sure}"
        return f"a field that moves with the image: f(g·x)(p) = ρ(g) f(x)(g⁻¹p), ρ = {fields} of {kind.group} {sure}"

    def __str__(self) -> str:
        return self.name if self.side == "output" else f"the input of {self.name}"


def feature_layer(model: nnx.Module, image_shape: tuple[int, ...], name: str | None = None) -> FeatureLayer:
    """The layer of a network whose values serve as features; nothing is computed.

    Args:
      model: called as ``model(images)``: of geomdl's layers, or any NNX module.
      image_shape: (height, width, channels), or (depth, height, width, channels) of volumes.
      name: of a layer, as ``geomdl summary`` prints it (``"layers"`` is left out of names), or ``"output"``. None: the
        penultimate layer, which is the input of the last dense layer that is called; where there is none, as in
        networks that give label maps, the input of the last convolution.

    Raises:
      ValueError: there is no layer of this name, it is not called in evaluation, or it gives no array of numbers for
        each image; the message names the layers that are nearest.

    >>> from geomdl.models import GCNNConfig
    >>> model = GCNNConfig(group="C4", width=2).build((20, 20, 1), 10, rngs=nnx.Rngs(0))
    >>> found = feature_layer(model, (20, 20, 1))
    >>> str(found), found.shape, found.field_type
    ('the input of 13', (4,), FieldType(C4, "4 trivial"))
    >>> feature_layer(model, (20, 20, 1), "12").is_invariant
    True
    """
    images = jax.ShapeDtypeStruct((2, *image_shape), jnp.float32)
    structure, variables = nnx.split(model)
    calls: list[tuple[str, Any, Any, Any]] = []

    def run(variables: nnx.State, images: jax.Array) -> None:
        module: Any = nnx.merge(structure, variables)
        for path, part in _parts(module).items():
            _listen(part, lambda x, y, path=path, part=part: calls.append((path, part, _spec(x), _spec(y))))
        with scanned(False):
            calls.append((OUTPUT, module, images, _spec(module(images))))

    jax.eval_shape(run, variables, images)
    side: Literal["output", "input"] = "output"
    if name is None:
        side = "input"
        found = next(
            (call for kinds in (_DENSE, _CONVOLUTIONS) for call in reversed(calls) if _is(call[1], kinds)), None
        )
        if found is None:
            raise invalid("layer", None, f"one of {', '.join(_names(calls))}: no layer is dense or a convolution")
    else:
        wanted = path_of(str(name).split("."))
        found = next((call for call in reversed(calls) if call[0] == wanted), None)
        if found is None:
            there = [path for path in _parts(model) if path == wanted]
            if there:
                raise invalid("layer", name, f"a layer that is called in evaluation: {', '.join(_names(calls))}")
            raise _unknown(name, _names(calls))
    path, part, taken, given = found
    value = taken if side == "input" else given
    if value is None or len(value.shape) < 2 or value.shape[0] != images.shape[0]:
        raise invalid("layer", name, f"a layer that gives one array [batch, ..., channels], as {path} does not")
    kind = None
    if isinstance(part, Layer):
        kind = part.in_type if side == "input" else part.out_type
        kind = kind if kind.size == value.shape[-1] else None
    contract = getattr(model, "contract", None)
    exact = contract is not None and contract.points.at(tuple(image_shape[:-1])) == "exact"
    return FeatureLayer(path, side, tuple(value.shape[1:]), kind, exact)


def feature_function(model: nnx.Module, layer: FeatureLayer) -> Callable[[jax.Array], jax.Array]:
    """The function x ↦ values of a layer, compiled; of a network as it is used after training.

    What lies behind the layer is not computed. The variables are arguments of the compiled function.

    Args:
      model: called as ``model(images)``.
      layer: of this model, see `feature_layer`.

    Returns:
      Images ``[batch, height, width, channels]`` ↦ ``[batch, ..., channels]``.

    >>> model = nnx.Sequential(nnx.Linear(3, 4, rngs=nnx.Rngs(0)), nnx.relu, nnx.Linear(4, 2, rngs=nnx.Rngs(1)))
    >>> function = feature_function(model, feature_layer(model, (1, 1, 3)))
    >>> function(jnp.ones((5, 1, 1, 3))).shape
    (5, 1, 1, 4)
    """
    structure, variables = nnx.split(model)

    @jax.jit
    def apply(variables: nnx.State, images: jax.Array) -> jax.Array:
        module: Any = nnx.merge(structure, variables)
        if layer.name == OUTPUT:
            return module(images)
        kept: list[Any] = []
        _listen(_parts(module)[layer.name], lambda x, y: kept.append(x if layer.side == "input" else y))
        with scanned(False):  # what is computed inside a scan does not exist outside
            module(images)
        return kept[-1]

    return functools.partial(apply, variables)


def _parts(module: nnx.Module) -> dict[str, nnx.Module]:
    """The modules inside that can be called, by name."""
    return {path_of(path): part for path, part in nnx.iter_modules(module) if path and callable(part)}


def _listen(part: Any, tell: Callable[[Any, Any], None]) -> None:
    """Makes a module tell what its call takes and gives, by a subclass in place of its class."""
    cls: Any = type(part)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        y = cls.__call__(self, *args, **kwargs)
        tell(args[0] if args else next(iter(kwargs.values()), None), y)
        return y

    heard = type(cls)(cls.__name__, (cls,), {"__call__": call, "__module__": cls.__module__})
    object.__setattr__(part, "__class__", heard)


def _unknown(name: str, names: list[str]) -> ValueError:
    """The error of a name that no layer has: all names where they are few, else the nearest."""
    close = difflib.get_close_matches(str(name), names, n=5, cutoff=0.3)
    if len(names) <= 20 or not close:
        return unknown("layer", name, names)
    allowed = f"the name of one of {len(names)} layers, such as {', '.join(close)}; geomdl summary prints them"
    return invalid("layer", name, allowed, close[0])


def _is(part: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(part, kinds)


def _names(calls: list[tuple[str, Any, Any, Any]]) -> list[str]:
    return list(dict.fromkeys(path for path, *_ in calls))


def _spec(value: Any) -> jax.ShapeDtypeStruct | None:
    """The shape of an array of numbers; None of anything else."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return None
    return jax.ShapeDtypeStruct(value.shape, value.dtype)
