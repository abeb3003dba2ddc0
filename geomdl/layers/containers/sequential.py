"""Layers one after the other."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contracts.composition import compose
from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.layers.containers.auxiliary import gives_auxiliary
from geomdl.layers.containers.foreign import as_layers
from geomdl.layers.containers.remat import apply_block, blocks, rematerialising
from geomdl.layers.containers.repetition import Run, apply_run, repetitions
from geomdl.layers.core.affine import Affine
from geomdl.layers.core.identity import Identity
from geomdl.layers.core.layer import Child, Field, Layer


class Sequential(Layer):
    """Applies layers in turn; its contract is composed of theirs.

    Functions, and modules of Flax without contract, may stand between layers; then the whole promises nothing, and its
    contract names them (`geomdl.layers.WithoutContract`).

    Args:
      layers: each takes what the one before it gives.

    Raises:
      ValueError: when the types of two neighbours do not match; the message names both. When something follows a layer
        with auxiliary heads. Of what has no contract: when
        it cannot be called with such fields, or there is no layer beside it that says what they are.

    >>> from geomdl.groups import C4
    >>> from geomdl.layers import Conv, GlobalPool, GroupPool, Pointwise
    >>> from geomdl.representations import FieldType
    >>> image, features = FieldType(C4, "1 trivial"), FieldType(C4, "4 regular")
    >>> lift = Conv(image, features, 3, padding="same", padding_mode="circular", rngs=nnx.Rngs(0))
    >>> net = Sequential([lift, Pointwise(features, "relu"), GlobalPool(features), GroupPool(features)])
    >>> print(net.contract)
    C4: exact, given a square input
    circular shifts: exact, given an output of the same size
    >>> print(Sequential([lift, jax.nn.relu, GlobalPool(features)]).contract.points)
    none (relu has no contract)
    """

    def __init__(self, layers: Sequence[Layer | Callable[..., Any]]) -> None:
        if not layers:
            raise ValueError("Sequential needs at least one layer")
        layers = as_layers(list(layers))
        for i, (before, after) in enumerate(itertools.pairwise(layers)):
            if gives_auxiliary(before):
                raise ValueError(
                    f"layer {i} ({type(before).__name__}) has auxiliary heads, so that it must be the last of"
                    f" Sequential; make {type(after).__name__} and what follows it its last stage"
                )
            if before.out_type != after.in_type:
                raise ValueError(
                    f"layer {i + 1} ({type(after).__name__}) takes {after.in_type},"
                    f" but layer {i} ({type(before).__name__}) gives {before.out_type}"
                )
        self.layers = nnx.List(layers)
        self.in_type, self.out_type = layers[0].in_type, layers[-1].out_type

    @property
    def contract(self) -> Contract:
        """The weakest promise of the layers, with their conditions carried back to the input."""
        return compose([layer.contract for layer in self.layers])

    def children(self, size: Size) -> list[Child]:
        """The layers, each at the size that the one before it gives."""
        found = []
        for i, layer in enumerate(self.layers):
            found.append(Child(str(i), layer, size))
            size = layer.contract.output_size(size)
        return found

    def frozen(self) -> "Sequential":
        """Those of nested sequences in one, batch norm folded into the linear maps before it, without identities."""
        layers: list[Layer] = []
        for plain in _flat([piece.frozen() for piece in _flat(self.layers)]):
            folded = None
            if isinstance(plain, Affine) and layers:
                folded = layers[-1].followed_by(plain.scale[...], plain.shift[...])
            if folded is not None:
                layers[-1] = folded
            elif not isinstance(plain, Identity):
                layers.append(plain)
        return Sequential(layers or [Identity(self.in_type)])

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Any:
        """Applies every layer; each gets a key of its own. What is repeated often is compiled once.

        Returns:
          ``[batch, ..., channels]``; in training `geomdl.layers.AuxiliaryOutputs`, where the last layer gives them.
        """
        layers: Sequence[Layer] = self.layers
        keys: Sequence[jax.Array | None] = [None] * len(layers)
        if key is not None:
            keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(len(layers)))  # type: ignore[assignment]
        remat, start = train and rematerialising(), 0
        for run in (*repetitions(layers, x, train=train), Run(len(layers), 1, 0)):
            x = _in_turn(layers[start : run.start], x, keys[start : run.start], train=train, remat=remat)
            if run.count:
                y = apply_run(layers, run, x, keys, train=train, remat=remat)
                start = run.start if y is None else run.stop
                x = x if y is None else y
        return x


def _in_turn(
    layers: Sequence[Layer], x: jax.Array, keys: Sequence[jax.Array | None], *, train: bool, remat: bool
) -> Any:
    """Layers one after the other."""
    if remat:
        for block in blocks(layers):
            x = apply_block([layers[i] for i in block], x, [keys[i] for i in block], train=train)
        return x
    for layer, key in zip(layers, keys, strict=True):
        x = layer(x, train=train, key=key)
    return x


def _flat(layers: Sequence[Layer]) -> list[Layer]:
    """The layers of nested sequences, in turn."""
    flat: list[Layer] = []
    for layer in layers:
        flat += _flat(layer.layers) if isinstance(layer, Sequential) else [layer]
    return flat
