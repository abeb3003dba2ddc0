"""A network as the list of its layers, in the order in which papers and other libraries list them."""

from collections.abc import Sequence

from geomdl.layers import (
    AdaptivePool,
    BatchNorm,
    Branch,
    Conv,
    Dense,
    Dropout,
    GlobalPool,
    GroupPool,
    Identity,
    Layer,
    Pointwise,
    Pool,
    Residual,
    Sequential,
    StochasticDepth,
    WithAuxiliary,
)

_WITHOUT_WEIGHTS = (AdaptivePool, Dropout, GlobalPool, GroupPool, Identity, Pointwise, Pool, StochasticDepth)


class NoCounterpart(ValueError):
    """A network is not built as a family of networks is."""


def listed(layer: Layer) -> list[Layer]:
    """The layers of a network one after the other; those of branches and residual blocks stay inside them.

    Args:
      layer: a network, or a part of one; without its auxiliary heads.
    """
    if isinstance(layer, WithAuxiliary):
        return [inner for stage in layer.stages for inner in listed(stage)]
    if isinstance(layer, Sequential):
        return [inner for part in layer.layers for inner in listed(_layer(part))]
    return [layer]


def weighty(layers: Layer | Sequence[Layer]) -> list[Layer]:
    """Those of the layers that have weights.

    Args:
      layers: a network, or layers of `listed`.

    Raises:
      NoCounterpart: for a layer that none of the other libraries' networks have.
    """
    found: list[Layer] = []
    for layer in listed(layers) if isinstance(layers, Layer) else layers:
        if isinstance(layer, Conv | Dense | BatchNorm | Branch | Residual):
            found.append(layer)
        elif not isinstance(layer, _WITHOUT_WEIGHTS):
            raise NoCounterpart(f"it has a {type(layer).__name__}")
    return found


def flattened(layer: Layer) -> list[Layer]:
    """All layers with weights in the order of the calls; of a residual block those of the body, then the shortcut."""
    found: list[Layer] = []
    for part in weighty(layer):
        if isinstance(part, Branch):
            found += [inner for path in part.layers for inner in flattened(path)]
        elif isinstance(part, Residual):
            found += [*flattened(part.body), *flattened(part.shortcut)]
        else:
            found.append(part)
    return found


def heads(layer: Layer) -> list[Layer]:
    """The auxiliary heads of a network."""
    if isinstance(layer, WithAuxiliary):
        return list(layer.heads)
    if isinstance(layer, Sequential):
        return [head for part in layer.layers for head in heads(_layer(part))]
    return []


def _layer(part: object) -> Layer:
    if not isinstance(part, Layer):
        raise NoCounterpart(f"it has a {type(part).__name__}")
    return part
