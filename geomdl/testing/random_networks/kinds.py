"""How each kind of layer is drawn: its options, what it needs of the place, and the layers inside it."""

import dataclasses
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st

from geomdl import layers
from geomdl.groups import PLANE, subgroups
from geomdl.layers.core.functional import ACTIVATIONS
from geomdl.testing.random_networks.parts import Part, Place, made


def in_turn(place: Place, kinds: dict[str, "Kind"], most: int) -> tuple[list[Part], Place]:
    """Up to so many layers, one behind the other; at least one."""
    names = st.sampled_from([*kinds, *(name for name in _WINDOWED if name in kinds)])
    parts: list[Part] = []
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
    return parts or [made(layers.Identity, place.t)], place


def _window(place: Place) -> dict[str, Any]:
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


def _around(place: Place) -> dict[str, Any]:
    """Windows that go round and keep the size."""
    return {"padding": "same", "padding_mode": "circular"}


def _conv(place: Place, **options: Any) -> Part:
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
    return made(layers.Conv, place.t, out, kernel, rngs=place.whole(0, 3), **options)


def _transposed(place: Place) -> Part:
    options = {"stride": place.whole(1, 3), "padding": place.whole(0, 1), "rngs": place.whole(0, 3)}
    return made(layers.TransposedConv, place.t, place.type_like(), place.whole(1, 4), **options)


def _pool(place: Place) -> Part:
    reduce = place.pick("max", "mean")
    return made(layers.Pool, place.t, place.whole(1, 3), reduce=reduce, **_window(place))


def _norm_max_pool(place: Place) -> Part:
    return made(layers.NormMaxPool, place.t, place.whole(1, 3), **_window(place))


def _blur(place: Place) -> Part:
    return made(layers.BlurPool, place.t, place.whole(1, 5), sigma=place.pick(None, 0.8), **_window(place))


def _antialiased(place: Place) -> Part:
    options = {name: value for name, value in _window(place).items() if name != "stride"}
    return made(layers.antialiased_max_pool, place.t, place.whole(1, 3), filter_size=place.whole(2, 4), **options)


def _adaptive(place: Place) -> Part:
    size = tuple(place.whole(1, n) for n in place.size) if place.draw(st.booleans()) else place.whole(1, 6)
    return made(layers.AdaptivePool, place.t, size, place.pick("mean", "max"))


def _enlarged(place: Place) -> dict[str, Any]:
    """A factor or a size."""
    if place.draw(st.integers(0, 3)) < 3:
        return {"factor": place.whole(2, 3)}
    return {"size": place.whole(4, 14)}


def _upsample(place: Place) -> Part:
    method, mode = place.pick("nearest", "bilinear", "cubic"), place.pick("replicate", "circular")
    return made(layers.Upsample, place.t, **_enlarged(place), method=method, padding_mode=mode)


def _ideal(place: Place) -> Part:
    options = _enlarged(place)
    if "factor" in options:
        options = {"factor": place.pick(2, Fraction(1, 2), 3, Fraction(3, 2), Fraction(2, 3))}
    return made(layers.IdealResample, place.t, **options)


def _strided(place: Place, stride: int) -> Part:
    """What `Polyphase` takes."""
    options = {**_around(place), "stride": stride, "remainder": "drop"}
    kind = place.pick("pool", "conv", "blur", "block")
    if kind == "conv":
        return _conv(place, **options)
    if kind == "blur":
        return made(layers.BlurPool, place.t, place.pick(3, 5), **options)
    if kind == "block":
        main = _conv(place, **options)
        out = main.layer.out_type
        short = made(layers.Conv, place.t, out, 1, rngs=1, **options)
        second = made(layers.Conv, out, out, 3, rngs=2, **_around(place))
        return made(layers.Residual, made(layers.Sequential, [main, second]), short)
    reduce = place.pick("max", "mean") if place.t.is_permutation else "mean"
    return made(layers.Pool, place.t, place.pick(1, 3), reduce=reduce, **options)


def _polyphase(place: Place, stride: int | None = None) -> Part:
    inner = _strided(place, place.divisor(2, 3, 4) if stride is None else stride)
    if place.draw(st.integers(0, 3)) == 3:
        return made(layers.Polyphase, inner, "learned", rngs=place.whole(0, 3))
    norm = place.pick(2.0, 1.0, float("inf")) if place.t.is_permutation else 2.0
    return made(layers.Polyphase, inner, norm=norm)


def _polyphase_upsample(place: Place, stride: int | None = None) -> Part:
    if place.draw(st.booleans()):
        inner = made(layers.BlurPool, place.t, place.pick(3, 5), stride=1, **_around(place))
    else:
        inner = _conv(place, **_around(place))
    return made(layers.PolyphaseUpsample, inner, place.pick(2, 3) if stride is None else stride)


def _hourglass(place: Place) -> Part:
    stride = place.divisor(2, 3)
    down = _polyphase(place, stride)
    small = place.behind(down)
    inner, back = _body(small, keep=("type",) if place.depth else ())
    up = _polyphase_upsample(back, stride) if place.draw(st.integers(0, 3)) else _upsample(back)
    return made(layers.Hourglass, down, inner, up)


def _reduced(place: Place) -> Part:
    small = dataclasses.replace(place, size=tuple(-(-n // 2) for n in place.size))
    inner, _ = _body(small)
    return made(layers.ReducedSize, inner, place.pick("average", "max", "blur"), circular=place.draw(st.booleans()))


def _band_limited(place: Place) -> Part:
    polynomial = place.draw(st.booleans())
    inner = made(layers.Polynomial, place.t, place.whole(1, 3)) if polynomial else _pointwise(place)
    return made(layers.BandLimited, inner, place.pick(2, Fraction(3, 2), 3))


def _body(place: Place, keep: Sequence[str] = ()) -> tuple[Part, Place]:
    """A short network within another layer."""
    if place.depth > 1:
        return made(layers.Identity, place.t), place
    parts, end = in_turn(place.within(), KINDS, 2)
    if "type" in keep and end.t != place.t:
        parts.append(made(layers.Conv, end.t, place.t, 1, rngs=0))
        end = dataclasses.replace(end, t=place.t)
    return (parts[0] if len(parts) == 1 else made(layers.Sequential, parts)), end


def _residual(place: Place) -> Part:
    body, end = _body(place)
    if end.t == place.t and end.size == place.size and place.draw(st.booleans()):
        return made(layers.Residual, body)
    if end.size == place.size:
        return made(layers.Residual, body, made(layers.Conv, place.t, end.t, 1, rngs=3))
    short, _ = _body(place)
    return made(layers.Residual, body, short)


def _branch(place: Place) -> Part:
    first, _ = _body(place)
    second = _body(place)[0] if place.draw(st.booleans()) else made(layers.Identity, place.t)
    return made(layers.Branch, [first, second])


def _parallel(place: Place) -> Part:
    other = place.type_like()
    first, _ = _body(place)
    second, _ = _body(dataclasses.replace(place, t=other))
    joined = made(layers.Parallel, [first, second])
    spread = made(layers.Conv, place.t, joined.layer.in_type, 1, rngs=0)
    return made(layers.Sequential, [spread, joined])


def _skip(place: Place) -> Part:
    return made(layers.Skip, _body(place)[0])


def _pointwise(place: Place) -> Part:
    return made(layers.Pointwise, place.t, place.pick(*ACTIVATIONS))


def _group_norm(place: Place) -> Part:
    return made(layers.GroupNorm, place.t, place.whole(1, place.t.num_fields))


def _subgroup(place: Place) -> dict[str, Any]:
    """A subgroup of the group, and about which axis."""
    found = subgroups(place.t.group) if place.t.group.is_finite else ()
    if not found:
        return {"subgroup": place.pick("C4", "C2", "C8")}
    chosen = place.pick(*found)
    return {"subgroup": chosen.subgroup, "axis": chosen.axis}


def _restrict(place: Place) -> Part:
    return made(layers.Restrict, place.t, **_subgroup(place), disentangle=place.draw(st.booleans()))


def _subgroup_pool(place: Place) -> Part:
    chosen = _subgroup(place)
    return made(layers.SubgroupPool, place.t, chosen.pop("subgroup"), place.pick("max", "mean"), **chosen)


def _reshuffle(place: Place) -> Part:
    return made(layers.Reshuffle, place.t, list(range(len(place.t.blocks)))[::-1])


def _gated(place: Place) -> Part:
    gated = made(layers.Gated, place.t)
    return made(layers.Sequential, [made(layers.Conv, place.t, gated.layer.in_type, 1, rngs=0), gated])


def _from_irreps(place: Place) -> Part:
    return made(layers.Sequential, [made(layers.ToIrreps, place.t), made(layers.FromIrreps, place.t)])


def _attention(place: Place) -> Part:
    return made(layers.SelfAttention, place.t, 1, rngs=place.whole(0, 3))


def _position(place: Place) -> Part:
    if place.t.space != PLANE:
        raise ValueError("positions of images only")
    return made(layers.PositionEmbedding, place.t, place.size, rngs=0)


def _global_pool(place: Place) -> Part:
    """Pooling over all pixels, behind which there is no base space: a dense layer follows."""
    pooled = made(layers.GlobalPool, place.t, place.pick("mean", "max"))
    if place.depth or not place.size:
        raise ValueError("within other layers the base space is kept")
    dense = made(layers.Dense, place.t, place.type_like(), rngs=place.whole(0, 3))
    return made(layers.Sequential, [pooled, dense])


def _simple(kind: Callable[..., Any], *args: Any) -> "Kind":
    return lambda place: made(kind, place.t, *args)


Kind = Callable[[Place], Part]
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
