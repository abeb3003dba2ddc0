"""Random networks of layers: a hypothesis strategy that draws what a contract can be asked to promise."""

import dataclasses
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import numpy as np
from flax import nnx
from hypothesis.strategies import DrawFn

from geomdl import layers
from geomdl.errors import unknown
from geomdl.groups import LINE, PLANE, SO2, VOLUME, BaseSpace, C, D, PlanarGroup, subgroups
from geomdl.layers import Layer
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.representations import FieldType
from geomdl.testing.random_images import Size
from geomdl.testing.strategies import field_types

_MOST_CHANNELS = 32
_LONGEST_SIDE = 20
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

    >>> t = FieldType("C4", "1 trivial")
    >>> Network(layers.Identity(t), (4, 4), "Identity(t)")
    <4x4: Identity(t)>
    """

    layer: Layer
    size: Size
    code: str

    def __repr__(self) -> str:
        return f"<{'x'.join(map(str, self.size))}: {self.code}>"


@dataclasses.dataclass(frozen=True)
class _Part:
    """A layer with the expression that makes it."""

    layer: Layer
    code: str


@dataclasses.dataclass(frozen=True)
class _Place:
    """What comes in where a layer is to be drawn, and how deep within other layers that is."""

    draw: DrawFn
    t: FieldType
    size: Size
    depth: int = 0

    def pick(self, *values: Any) -> Any:
        """One of some values; the first is the simplest."""
        return self.draw(st.sampled_from(values))

    def divisor(self, *values: int) -> int:
        """One of some numbers that divide the sides. Raises ValueError where none does."""
        found = [value for value in values if all(n % value == 0 for n in self.size)]
        if not found:
            raise ValueError("nothing divides the sides")
        return self.pick(*found)

    def whole(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def type_like(self) -> FieldType:
        """Another type of the same group."""
        return _small_type(self.draw, self.t.group, self.t.space)  # type: ignore[arg-type]

    def behind(self, part: _Part) -> "_Place":
        """The place behind a layer. Raises ValueError where the layer refuses the size."""
        size = tuple(part.layer.contract.output_size(self.size))
        if any(n < 1 or n > _LONGEST_SIDE for n in size) or part.layer.out_type.size > _MOST_CHANNELS:
            raise ValueError("larger than what is tried")
        return dataclasses.replace(self, t=part.layer.out_type, size=size)

    def within(self) -> "_Place":
        return dataclasses.replace(self, depth=self.depth + 1)


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
      kinds: names of the layers to draw from, in the order in which they are tried; by default all of `KINDS`.

    Raises:
      ValueError: for the name of a kind that does not exist.

    >>> from hypothesis import find
    >>> find(networks(kinds=["Upsample"]), lambda network: network.layer.contract.stride != 1)
    <4x4: Upsample(FieldType(C1, "1 trivial"), factor=2, method='nearest', padding_mode='replicate')>
    """
    for kind in kinds or ():
        if kind not in KINDS:
            raise unknown("kind of layer", kind, list(KINDS))
    allowed = {name: KINDS[name] for name in kinds or KINDS}
    base = {s.name: s for s in _GROUPS}[space or draw(st.sampled_from(["plane"] * 8 + ["line", "volume"]))]
    group = draw(st.sampled_from(_GROUPS[base]))
    sides = st.sampled_from((4, 3, 5) if base is VOLUME else (4, 6, 8, 5, 7, 9, 10, 12))
    one = draw(sides)
    alike = draw(st.booleans()) or draw(st.booleans())
    size = (one,) * base.dimension if alike else tuple(draw(sides) for _ in range(base.dimension))
    place = _Place(draw, _small_type(draw, group, base), size)
    parts, _ = _in_turn(place, allowed, max_layers)
    whole = parts[0] if len(parts) == 1 else _made(layers.Sequential, parts)
    _settle(whole.layer, draw(st.integers(0, 3)))
    return Network(whole.layer, size, whole.code)


def _in_turn(place: _Place, kinds: dict[str, "Kind"], most: int) -> tuple[list[_Part], _Place]:
    """Up to so many layers, one behind the other; at least one."""
    names = st.sampled_from([*kinds, *(name for name in _WINDOWED if name in kinds)])
    parts: list[_Part] = []
    for tries in place.draw(st.lists(st.lists(names, min_size=1, max_size=3), min_size=1, max_size=most)):
        for name in tries:  # the first that the place takes
            if not place.size and name not in _POINTWISE:
                continue
            try:
                part = kinds[name](place)
                behind = place.behind(part)
            except ValueError:
                continue
            parts.append(part)
            place = behind
            break
    return parts or [_made(layers.Identity, place.t)], place


def _made(kind: Callable[..., Any], *args: Any, **options: Any) -> _Part:
    """A layer and its expression; a number for ``rngs`` is the seed."""
    named = {k: f"nnx.Rngs({v})" if k == "rngs" else _code(v) for k, v in options.items()}
    shown = [*map(_code, args), *(f"{k}={v}" for k, v in named.items())]
    given = {k: _layers(v) if k != "rngs" else nnx.Rngs(v) for k, v in options.items()}
    return _Part(kind(*(_layers(a) for a in args), **given), f"{kind.__name__}({', '.join(shown)})")


def _code(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_code, value))}]"
    return value.code if isinstance(value, _Part) else repr(value)


def _layers(value: Any) -> Any:
    if isinstance(value, list):
        return [_layers(v) for v in value]
    return value.layer if isinstance(value, _Part) else value


def _small_type(draw: DrawFn, group: PlanarGroup, space: BaseSpace) -> FieldType:
    """A type of few channels."""
    plain = draw(field_types(group).filter(lambda t: t.size <= 16))
    return FieldType(group, [(b.multiplicity, b.representation) for b in plain.blocks], space)


def _settle(layer: Layer, seed: int) -> None:
    """Parameters that are constant at the start, and hide mistakes, become as after training."""
    rng = np.random.default_rng(seed)
    for _, variable in nnx.iter_graph(layer):
        if isinstance(variable, nnx.Param | nnx.BatchStat):
            old = np.asarray(variable[...])
            if old.size and np.all(old == old.flat[0]):
                variable[...] = (old + 0.2 * rng.normal(size=old.shape)).astype(old.dtype)


def _window(place: _Place) -> dict[str, Any]:
    """Stride, padding, border and remainder of a sliding window."""
    axes = place.t.space.dimension
    stride = place.whole(1, 3)
    strides: Any = stride
    if axes > 1 and place.draw(st.integers(0, 7)) == 7:
        strides = tuple(place.whole(1, 3) for _ in range(axes))
    return {
        "stride": strides,
        "padding": place.whole(0, 2),
        "padding_mode": place.pick("zeros", "circular", "reflect", "replicate"),
        "remainder": place.pick("drop", "keep"),
    }


def _around(place: _Place) -> dict[str, Any]:
    """Windows that go round and keep the size."""
    return {"padding": "same", "padding_mode": "circular"}


def _conv(place: _Place, **options: Any) -> _Part:
    out = place.type_like()
    kernel: Any = place.whole(1, 4)
    if not options and place.draw(st.integers(0, 7)) == 7 and place.t.space.dimension > 1:
        kernel = tuple(place.whole(1, 4) for _ in range(place.t.space.dimension))
    if options:  # the window is given, and needs an odd extent
        kernel = place.pick(1, 3, 5)
        options["dilation"] = place.whole(1, 2)
    elif place.draw(st.booleans()):
        options = {**_around(place)}
        kernel = place.pick(1, 3, 5)
    else:
        options = {**_window(place), "dilation": place.whole(1, 2)}
    if place.draw(st.integers(0, 4)) == 4:
        options["method"] = place.pick("factored", "dense")
    if place.draw(st.integers(0, 4)) == 4:
        options["basis"] = "steerable"
    return _made(layers.Conv, place.t, out, kernel, rngs=place.whole(0, 3), **options)


def _transposed(place: _Place) -> _Part:
    options = {"stride": place.whole(1, 3), "padding": place.whole(0, 1), "rngs": place.whole(0, 3)}
    return _made(layers.TransposedConv, place.t, place.type_like(), place.whole(1, 4), **options)


def _pool(place: _Place) -> _Part:
    reduce = place.pick("max", "mean")
    return _made(layers.Pool, place.t, place.whole(1, 3), reduce=reduce, **_window(place))


def _norm_max_pool(place: _Place) -> _Part:
    return _made(layers.NormMaxPool, place.t, place.whole(1, 3), **_window(place))


def _blur(place: _Place) -> _Part:
    return _made(layers.BlurPool, place.t, place.whole(1, 5), sigma=place.pick(None, 0.8), **_window(place))


def _antialiased(place: _Place) -> _Part:
    options = {name: value for name, value in _window(place).items() if name != "stride"}
    return _made(layers.antialiased_max_pool, place.t, place.whole(1, 3), filter_size=place.whole(2, 4), **options)


def _adaptive(place: _Place) -> _Part:
    size = tuple(place.whole(1, n) for n in place.size) if place.draw(st.booleans()) else place.whole(1, 6)
    return _made(layers.AdaptivePool, place.t, size, place.pick("mean", "max"))


def _enlarged(place: _Place) -> dict[str, Any]:
    """A factor or a size."""
    if place.draw(st.integers(0, 3)) < 3:
        return {"factor": place.whole(2, 3)}
    return {"size": place.whole(4, 14)}


def _upsample(place: _Place) -> _Part:
    method, mode = place.pick("nearest", "bilinear", "cubic"), place.pick("replicate", "circular")
    return _made(layers.Upsample, place.t, **_enlarged(place), method=method, padding_mode=mode)


def _ideal(place: _Place) -> _Part:
    options = _enlarged(place)
    if "factor" in options:
        options = {"factor": place.pick(2, Fraction(1, 2), 3, Fraction(3, 2), Fraction(2, 3))}
    return _made(layers.IdealResample, place.t, **options)


def _strided(place: _Place, stride: int) -> _Part:
    """What `Polyphase` takes."""
    options = {**_around(place), "stride": stride, "remainder": "drop"}
    kind = place.pick("pool", "conv", "blur", "block")
    if kind == "conv":
        return _conv(place, **options)
    if kind == "blur":
        return _made(layers.BlurPool, place.t, place.pick(3, 5), **options)
    if kind == "block":
        main = _conv(place, **options)
        out = main.layer.out_type
        short = _made(layers.Conv, place.t, out, 1, rngs=1, **options)
        second = _made(layers.Conv, out, out, 3, rngs=2, **_around(place))
        return _made(layers.Residual, _made(layers.Sequential, [main, second]), short)
    reduce = place.pick("max", "mean") if place.t.is_permutation else "mean"
    return _made(layers.Pool, place.t, place.pick(1, 3), reduce=reduce, **options)


def _polyphase(place: _Place, stride: int | None = None) -> _Part:
    inner = _strided(place, place.divisor(2, 3, 4) if stride is None else stride)
    if place.draw(st.integers(0, 3)) == 3:
        return _made(layers.Polyphase, inner, "learned", rngs=place.whole(0, 3))
    norm = place.pick(2.0, 1.0, float("inf")) if place.t.is_permutation else 2.0
    return _made(layers.Polyphase, inner, norm=norm)


def _polyphase_upsample(place: _Place, stride: int | None = None) -> _Part:
    if place.draw(st.booleans()):
        inner = _made(layers.BlurPool, place.t, place.pick(3, 5), stride=1, **_around(place))
    else:
        inner = _conv(place, **_around(place))
    return _made(layers.PolyphaseUpsample, inner, place.pick(2, 3) if stride is None else stride)


def _hourglass(place: _Place) -> _Part:
    stride = place.divisor(2, 3)
    down = _polyphase(place, stride)
    small = place.behind(down)
    inner, back = _body(small, keep=("type",) if place.depth else ())
    up = _polyphase_upsample(back, stride) if place.draw(st.integers(0, 3)) else _upsample(back)
    return _made(layers.Hourglass, down, inner, up)


def _reduced(place: _Place) -> _Part:
    small = dataclasses.replace(place, size=tuple(-(-n // 2) for n in place.size))
    inner, _ = _body(small)
    return _made(layers.ReducedSize, inner, place.pick("average", "max", "blur"), circular=place.draw(st.booleans()))


def _band_limited(place: _Place) -> _Part:
    polynomial = place.draw(st.booleans())
    inner = _made(layers.Polynomial, place.t, place.whole(1, 3)) if polynomial else _pointwise(place)
    return _made(layers.BandLimited, inner, place.pick(2, Fraction(3, 2), 3))


def _body(place: _Place, keep: Sequence[str] = ()) -> tuple[_Part, _Place]:
    """A short network within another layer."""
    if place.depth > 1:
        return _made(layers.Identity, place.t), place
    parts, end = _in_turn(place.within(), KINDS, 2)
    if "type" in keep and end.t != place.t:
        parts.append(_made(layers.Conv, end.t, place.t, 1, rngs=0))
        end = dataclasses.replace(end, t=place.t)
    return (parts[0] if len(parts) == 1 else _made(layers.Sequential, parts)), end


def _residual(place: _Place) -> _Part:
    body, end = _body(place)
    if end.t == place.t and end.size == place.size and place.draw(st.booleans()):
        return _made(layers.Residual, body)
    if end.size == place.size:
        return _made(layers.Residual, body, _made(layers.Conv, place.t, end.t, 1, rngs=3))
    short, _ = _body(place)
    return _made(layers.Residual, body, short)


def _branch(place: _Place) -> _Part:
    first, _ = _body(place)
    second = _body(place)[0] if place.draw(st.booleans()) else _made(layers.Identity, place.t)
    return _made(layers.Branch, [first, second])


def _parallel(place: _Place) -> _Part:
    other = place.type_like()
    first, _ = _body(place)
    second, _ = _body(dataclasses.replace(place, t=other))
    joined = _made(layers.Parallel, [first, second])
    spread = _made(layers.Conv, place.t, joined.layer.in_type, 1, rngs=0)
    return _made(layers.Sequential, [spread, joined])


def _skip(place: _Place) -> _Part:
    return _made(layers.Skip, _body(place)[0])


def _pointwise(place: _Place) -> _Part:
    return _made(layers.Pointwise, place.t, place.pick(*ACTIVATIONS))


def _group_norm(place: _Place) -> _Part:
    return _made(layers.GroupNorm, place.t, place.whole(1, place.t.num_fields))


def _subgroup(place: _Place) -> dict[str, Any]:
    """A subgroup of the group, and about which axis."""
    found = subgroups(place.t.group) if place.t.group.is_finite else ()
    if not found:
        return {"subgroup": place.pick("C4", "C2", "C8")}
    chosen = place.pick(*found)
    return {"subgroup": chosen.subgroup, "axis": chosen.axis}


def _restrict(place: _Place) -> _Part:
    return _made(layers.Restrict, place.t, **_subgroup(place), disentangle=place.draw(st.booleans()))


def _subgroup_pool(place: _Place) -> _Part:
    chosen = _subgroup(place)
    return _made(layers.SubgroupPool, place.t, chosen.pop("subgroup"), place.pick("max", "mean"), **chosen)


def _reshuffle(place: _Place) -> _Part:
    return _made(layers.Reshuffle, place.t, list(range(len(place.t.blocks)))[::-1])


def _gated(place: _Place) -> _Part:
    gated = _made(layers.Gated, place.t)
    return _made(layers.Sequential, [_made(layers.Conv, place.t, gated.layer.in_type, 1, rngs=0), gated])


def _from_irreps(place: _Place) -> _Part:
    return _made(layers.Sequential, [_made(layers.ToIrreps, place.t), _made(layers.FromIrreps, place.t)])


def _attention(place: _Place) -> _Part:
    return _made(layers.SelfAttention, place.t, 1, rngs=place.whole(0, 3))


def _position(place: _Place) -> _Part:
    if place.t.space != PLANE:
        raise ValueError("positions of images only")
    return _made(layers.PositionEmbedding, place.t, place.size, rngs=0)


def _global_pool(place: _Place) -> _Part:
    """Pooling over all pixels, behind which there is no base space: a dense layer follows."""
    pooled = _made(layers.GlobalPool, place.t, place.pick("mean", "max"))
    if place.depth or not place.size:
        raise ValueError("within other layers the base space is kept")
    dense = _made(layers.Dense, place.t, place.type_like(), rngs=place.whole(0, 3))
    return _made(layers.Sequential, [pooled, dense])


def _simple(kind: Callable[..., Any], *args: Any) -> "Kind":
    return lambda place: _made(kind, place.t, *args)


Kind = Callable[[_Place], _Part]
_WINDOWED = (
    "Pool", "Conv", "BlurPool", "Polyphase", "Upsample", "IdealResample", "ReducedSize", "TransposedConv", "Restrict",
    "Residual", "Branch", "Hourglass",
)  # fmt: skip
"""Layers with much to promise, which are drawn twice as often."""
_POINTWISE = (
    "Identity", "Pointwise", "BatchNorm", "LayerNorm", "GroupNorm", "FieldNorm", "Dropout", "Maxout", "CReLU",
    "NormActivation", "FourierPointwise", "TensorProduct", "GroupPool", "NormPool", "Restrict", "Disentangle",
)  # fmt: skip
"""Layers that need no base space, which can follow a global pooling."""

KINDS: dict[str, Kind] = {
    "Identity": _simple(layers.Identity),
    "Pointwise": _pointwise,
    "Pool": _pool,
    "Conv": _conv,
    "BlurPool": _blur,
    "Polyphase": _polyphase,
    "Upsample": _upsample,
    "IdealResample": _ideal,
    "ReducedSize": _reduced,
    "TransposedConv": _transposed,
    "Restrict": _restrict,
    "Residual": _residual,
    "Branch": _branch,
    "Skip": _skip,
    "Parallel": _parallel,
    "Hourglass": _hourglass,
    "PolyphaseUpsample": _polyphase_upsample,
    "BandLimited": _band_limited,
    "NormMaxPool": _norm_max_pool,
    "antialiased_max_pool": _antialiased,
    "AdaptivePool": _adaptive,
    "BatchNorm": _simple(layers.BatchNorm),
    "LayerNorm": _simple(layers.LayerNorm),
    "GroupNorm": _group_norm,
    "InstanceNorm": _simple(layers.InstanceNorm),
    "FieldNorm": _simple(layers.FieldNorm),
    "Dropout": _simple(layers.Dropout, 0.3),
    "Polynomial": _simple(layers.Polynomial),
    "Maxout": _simple(layers.Maxout),
    "CReLU": _simple(layers.CReLU),
    "NormActivation": _simple(layers.NormActivation),
    "Gated": _gated,
    "FourierPointwise": _simple(layers.FourierPointwise, "elu"),
    "VectorField": _simple(layers.VectorField),
    "TensorProduct": _simple(layers.TensorProduct),
    "GroupPool": _simple(layers.GroupPool),
    "SubgroupPool": _subgroup_pool,
    "NormPool": _simple(layers.NormPool),
    "ToIrreps": _simple(layers.ToIrreps),
    "FromIrreps": _from_irreps,
    "Disentangle": _simple(layers.Disentangle),
    "Reshuffle": _reshuffle,
    "Mask": _simple(layers.Mask),
    "SelfAttention": _attention,
    "PositionEmbedding": _position,
    "GlobalPool": _global_pool,
}
"""What `networks` draws from: makers of layers by name, from the simplest."""
