"""Random networks of layers: a hypothesis strategy that draws what a contract can be asked to promise."""

import dataclasses
from collections.abc import Sequence

import hypothesis.strategies as st
import numpy as np
from flax import nnx
from hypothesis.strategies import DrawFn

from geomdl import layers
from geomdl.errors import unknown
from geomdl.groups import LINE, PLANE, SO2, VOLUME, BaseSpace, C, D, PlanarGroup
from geomdl.layers import Layer
from geomdl.testing.random_images import Size
from geomdl.testing.random_networks.kinds import KINDS, in_turn
from geomdl.testing.random_networks.parts import Place, made, small_type

__all__ = ["Network", "networks"]

_GROUPS: dict[BaseSpace, list[PlanarGroup]] = {
    PLANE: [
        C(1),
        D(1),
        C(2),
        C(4),
        D(1, mirror=90),
        D(1, mirror=45),
        D(1, mirror=135),
        D(2),
        D(2, mirror=45),
        D(4),
        C(3),
        C(8),
        D(3),
        SO2,
    ],
    LINE: [C(1), D(1)],
    VOLUME: [C(1)],
}


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A network that has been drawn, and the size of its inputs.

    Args:
      layer: the network.
      size: one number for each axis of its base space.
      code: the expression that makes the layer, as it is printed.

    >>> from geomdl.representations import FieldType
    >>> t = FieldType("C4", "1 trivial")
    >>> Network(layers.Identity(t), (4, 4), "Identity(t)")
    <4x4: Identity(t)>
    """

    layer: Layer
    size: Size
    code: str

    def __repr__(self) -> str:
        return f"<{'x'.join(map(str, self.size))}: {self.code}>"


@st.composite
def networks(
    draw: DrawFn, *, max_layers: int = 5, space: str | None = None, kinds: Sequence[str] | None = None
) -> Network:
    """Networks of public layers: of random groups, base spaces, types, sizes, windows, samplings, norms and skips.

    Layers are drawn one behind the other, some within others; what a layer refuses (a type, a window that does not fit)
    is left out, so that every network takes inputs of its size. Their biases, scales and statistics are not those of
    the start, which hide mistakes, but random. Shrinks to one layer, few options, small images, and the group C1.

    Args:
      draw: given by hypothesis; leave it out.
      max_layers: how many layers follow one another at most.
      space: the name of the base space; any by default, mostly the plane.
      kinds: names of the layers to draw from, in the order in which they are tried; by default all, which
        `geomdl.testing.random_networks.kinds.KINDS` lists.

    Raises:
      ValueError: for the name of a kind or base space that does not exist.

    >>> from hypothesis import find
    >>> find(networks(kinds=["Upsample"]), lambda network: network.layer.contract.stride != 1)
    <4x4: Upsample(FieldType(C1, "1 trivial"), factor=2, method='nearest', padding_mode='replicate')>
    """
    for kind in kinds or ():
        if kind not in KINDS:
            raise unknown("kind of layer", kind, list(KINDS))
    spaces = {known.name: known for known in _GROUPS}
    if space is not None and space not in spaces:
        raise unknown("base space", space, list(spaces))
    allowed = {name: KINDS[name] for name in kinds or KINDS}
    base = spaces[space or draw(st.sampled_from(["plane"] * 8 + ["line", "volume"]))]
    group = draw(st.sampled_from(_GROUPS[base]))
    sides = st.sampled_from((4, 3, 5) if base is VOLUME else (4, 6, 8, 5, 7, 9, 10, 12))
    one = draw(sides)
    alike = draw(st.booleans()) or draw(st.booleans())
    size = (one,) * base.dimension if alike else tuple(draw(sides) for _ in range(base.dimension))
    place = Place(draw, small_type(draw, group, base), size)
    parts, _ = in_turn(place, allowed, max_layers)
    whole = parts[0] if len(parts) == 1 else made(layers.Sequential, parts)
    _settle(whole.layer, draw(st.integers(0, 3)))
    return Network(whole.layer, size, whole.code)


def _settle(layer: Layer, seed: int) -> None:
    """Parameters that are constant at the start, and hide mistakes, become as after training."""
    rng = np.random.default_rng(seed)
    for _, variable in nnx.iter_graph(layer):
        if isinstance(variable, nnx.Param | nnx.BatchStat):
            old = np.asarray(variable[...])
            if old.size and np.all(old == old.flat[0]):
                variable[...] = (old + 0.2 * rng.normal(size=old.shape)).astype(old.dtype)
