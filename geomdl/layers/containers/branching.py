"""Layers that join other layers: side by side, and around a shortcut."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contracts.composition import side_by_side
from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.layers.core.identity import Identity
from geomdl.layers.core.layer import Child, Field, Layer
from geomdl.representations import FieldType


class Branch(Layer):
    """Applies several layers to the same input and puts their outputs side by side: y = (f_1(x), …, f_n(x)).

    The output type is the direct sum of the layers' output types.

    Args:
      layers: that take the same type.
      merge: whether neighbouring blocks of one representation become one block of the output type. The channels are the
        same; the layers after it then have one array of weights for all of them, as they should where a network
        concatenates many maps.

    Raises:
      ValueError: when there are none, or their input types differ.

    >>> from geomdl.layers import GroupPool, Pointwise
    >>> t = FieldType("C4", "1 regular")
    >>> layer = Branch([Pointwise(t, "relu"), GroupPool(t)])
    >>> layer.out_type, layer(jnp.array([[-1.0, 2.0, 0.0, 1.0]]))
    (FieldType(C4, "1 regular + 1 trivial"), Array([[0., 2., 0., 1., 2.]], dtype=float32))
    """

    def __init__(self, layers: Sequence[Layer], *, merge: bool = False) -> None:
        layers = _require_some("Branch", layers)
        for i, layer in enumerate(layers):
            if layer.in_type != layers[0].in_type:
                raise ValueError(
                    f"the layers of Branch take one type: layer 0 ({type(layers[0]).__name__}) takes"
                    f" {layers[0].in_type}, but layer {i} ({type(layer).__name__}) takes {layer.in_type}"
                )
        self.layers = nnx.List(layers)
        joined = _direct_sum([layer.out_type for layer in layers])
        self.in_type, self.out_type = layers[0].in_type, joined.merged() if merge else joined

    @property
    def contract(self) -> Contract:
        """The weakest promise of the layers, under all their conditions."""
        return side_by_side([layer.contract for layer in self.layers], self.in_type, self.out_type)

    def children(self, size: Size) -> list[Child]:
        """The layers, all at the size of the input."""
        return [Child(str(i), layer, size) for i, layer in enumerate(self.layers)]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Applies every layer; each gets a key of its own. Raises ValueError when their output sizes differ."""
        self.in_type.require_channels(x.shape[-1], "the input of Branch")
        return _concatenate([f(x, train=train, key=_fold(key, i)) for i, f in enumerate(self.layers)], "Branch")


class Parallel(Layer):
    """Cuts the input into parts, applies a layer to each, and puts their outputs side by side:

      y = (f_1(x_1), …, f_n(x_n)),   x = (x_1, …, x_n).

    Input and output types are the direct sums of the layers' types; so fields of different kinds can have different
    nonlinearities.

    Args:
      layers: each takes its part of the channels.

    Raises:
      ValueError: when there are none, or their groups differ.

    >>> from geomdl.layers import NormActivation, Pointwise
    >>> scalars, vectors = FieldType("SO2", "1 trivial"), FieldType("SO2", "1 irrep(1)")
    >>> Parallel([Pointwise(scalars, "relu"), NormActivation(vectors, "squash")]).in_type
    FieldType(SO2, "1 trivial + 1 irrep(1)")
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        layers = _require_some("Parallel", layers)
        self.layers = nnx.List(layers)
        self.in_type = _direct_sum([layer.in_type for layer in layers])
        self.out_type = _direct_sum([layer.out_type for layer in layers])

    @property
    def contract(self) -> Contract:
        """The weakest promise of the layers, under all their conditions."""
        return side_by_side([layer.contract for layer in self.layers], self.in_type, self.out_type)

    def children(self, size: Size) -> list[Child]:
        """The layers, all at the size of the input."""
        return [Child(str(i), layer, size) for i, layer in enumerate(self.layers)]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Applies every layer to its part; each gets a key of its own. Raises ValueError when output sizes differ."""
        self.in_type.require_channels(x.shape[-1], "the input of Parallel")
        outputs, start = [], 0
        for i, layer in enumerate(self.layers):
            part = x[..., start : start + layer.in_type.size]
            outputs.append(layer(part, train=train, key=_fold(key, i)))
            start += layer.in_type.size
        return _concatenate(outputs, "Parallel")


class Residual(Layer):
    """Adds a shortcut to a layer: y = f(x) + s(x), with s the identity by default.

    Args:
      body: f, e.g. a `geomdl.layers.Sequential`.
      shortcut: s; needed where f changes the type or the size.

    Raises:
      ValueError: when f and s do not take, or do not give, the same type.

    References:
      He, Zhang, Ren & Sun, Deep residual learning for image recognition, CVPR 2016.

    >>> from geomdl.layers import Pointwise
    >>> Residual(Pointwise(FieldType("C4", "1 regular"), "relu"))(jnp.array([[-1.0, 2.0, 0.0, 1.0]]))
    Array([[-1., 4., 0., 2.]], dtype=float32)
    """

    def __init__(self, body: Layer, shortcut: Layer | None = None) -> None:
        shortcut = Identity(body.in_type) if shortcut is None else shortcut
        for which in ("in_type", "out_type"):
            theirs, ours = getattr(shortcut, which), getattr(body, which)
            if theirs != ours:
                raise ValueError(
                    f"{which} of the shortcut is {theirs}, but that of the body {ours}; give a shortcut layer from"
                    f" {body.in_type} to {body.out_type}, e.g. a Conv of kernel_size 1"
                )
        self.body, self.shortcut = body, shortcut
        self.in_type, self.out_type = body.in_type, body.out_type

    @property
    def contract(self) -> Contract:
        """The weaker promise of both, under all their conditions."""
        return side_by_side([self.body.contract, self.shortcut.contract], self.in_type, self.out_type)

    def children(self, size: Size) -> list[Child]:
        """Both; of a shortcut that is the identity only the body."""
        shortcut = [] if isinstance(self.shortcut, Identity) else [Child("shortcut", self.shortcut, size)]
        return [Child("body", self.body, size), *shortcut]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Applies both and adds. Raises ValueError when their output sizes differ."""
        y = self.body(x, train=train, key=_fold(key, 0))
        s = self.shortcut(x, train=train, key=_fold(key, 1))
        if y.shape != s.shape:
            raise ValueError(f"the body of Residual gives {y.shape[1:-1]} pixels, its shortcut {s.shape[1:-1]}")
        return y + s


def _require_some(what: str, layers: Sequence[Layer]) -> list[Layer]:
    if not layers:
        raise ValueError(f"{what} needs at least one layer")
    return list(layers)


def _direct_sum(types: Sequence[FieldType]) -> FieldType:
    total = types[0]
    for t in types[1:]:
        total = total + t
    return total


def _fold(key: jax.Array | None, i: int) -> jax.Array | None:
    return None if key is None else jax.random.fold_in(key, i)


def _concatenate(outputs: list[jax.Array], what: str) -> jax.Array:
    sizes = [y.shape[1:-1] for y in outputs]
    if len(set(sizes)) != 1:
        raise ValueError(f"the layers of {what} give images of different sizes: {', '.join(map(str, sizes))}")
    return jnp.concatenate(outputs, -1)
