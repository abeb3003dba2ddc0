"""Rematerialisation: a block keeps its input only, and computes the rest once more for the gradient.

A block is a layer with a kernel and those after it that have none (normalisation, nonlinearity), or a branching layer
(residual, skip) with all that is in it. Of branching layers in branching layers the innermost are the blocks: so each
layer is computed twice, not once more for each level.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import jax
from flax import nnx

from geomdl.layers.core.layer import Layer, inner_layers

_ON: ContextVar[bool] = ContextVar("geomdl_remat", default=False)


@contextmanager
def rematerialised(on: bool = True) -> Iterator[None]:
    """Whether the networks that are traced within are rematerialised. Gradients and outputs stay the same.

    Args:
      on: False computes every layer once, as outside.
    """
    token = _ON.set(on)
    try:
        yield
    finally:
        _ON.reset(token)


def rematerialising() -> bool:
    """Whether `rematerialised` is on."""
    return _ON.get()


def blocks(layers: Sequence[Layer]) -> list[list[int]]:
    """The indices of the layers of each block."""
    found: list[list[int]] = []
    for i, layer in enumerate(layers):
        if i == 0 or hasattr(layer, "dense_kernel") or _parts(layer) or _parts(layers[i - 1]):
            found.append([])
        found[-1].append(i)
    return found


def apply_block(layers: Sequence[Layer], x: jax.Array, keys: Sequence[jax.Array | None], *, train: bool) -> jax.Array:
    """The layers of one block, one after the other; composite ones with others inside are left to their own blocks."""
    if len(layers) == 1 and any(_parts(part) and not hasattr(part, "layers") for part in _parts(layers[0])):
        return layers[0](x, train=train, key=keys[0])
    if len(layers) == 1 and _parts(layers[0]) and (hasattr(layers[0], "layers") or hasattr(layers[0], "stages")):
        return layers[0](x, train=train, key=keys[0])
    structure, params, rest = nnx.split(nnx.List(layers), nnx.Param, ...)

    def run(
        params: nnx.State, rest: nnx.State, x: jax.Array, keys: list[jax.Array | None]
    ) -> tuple[jax.Array, nnx.State]:
        copies = nnx.merge(structure, params, rest)
        with rematerialised(False):
            for layer, key in zip(copies, keys, strict=True):
                x = layer(x, train=train, key=key)
        return x, nnx.state(copies, nnx.Not(nnx.Param))

    y, changed = jax.checkpoint(run)(params, rest, x, list(keys))
    nnx.update(nnx.List(layers), changed)
    return y


def _parts(layer: Layer) -> list[Layer]:
    """The layers inside a composite layer, at every depth."""
    return [part for _, part in inner_layers(layer)]
