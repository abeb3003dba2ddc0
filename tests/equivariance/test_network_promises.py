"""Whatever network hypothesis draws from the public layers, it does what its composed contract says, in float64.

`geomdl.testing.networks` draws it. What the contract calls exact must be so to rounding, for every element and shift of
its report; where it promises nothing, nothing is asked. ``pytest -m long`` tries several hundred.
"""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from geomdl import layers
from geomdl.equivariance import Promise, Report, check_contract, compose
from geomdl.groups import PlanarGroup
from geomdl.layers import (
    BandLimited,
    BatchNorm,
    BlurPool,
    Branch,
    Conv,
    GlobalPool,
    Hourglass,
    IdealResample,
    Identity,
    Layer,
    NormMaxPool,
    Pointwise,
    Polynomial,
    Polyphase,
    PolyphaseUpsample,
    Pool,
    ReducedSize,
    Residual,
    Restrict,
    Sequential,
    Skip,
    TransposedConv,
    Upsample,
)
from geomdl.representations import FieldType
from geomdl.testing import Network, networks
from geomdl.testing.random_networks.kinds import KINDS
from geomdl.testing.random_networks.parts import made

ROUNDING = 1e-9
"""A false promise shows errors of order 1; rounding in float64, even if a norm of small variance enlarges it, less."""
SILENT = 1e-7
"""Outputs of a root mean square below this are rounding themselves."""
AROUND = {"padding": "same", "padding_mode": "circular"}


def _report(network: Network, *, train: bool = False) -> Report:
    with jax.enable_x64(True):
        return check_contract(
            network.layer,
            jax.random.key(0),
            size=network.size,
            dtype=jnp.float64,
            train=train,
            max_shifts=6,
            approximate=False,
        )


def _false_promises(network: Network, *, train: bool = False) -> list:
    """The rows that are promised exactly and are not so, and problems in words."""
    report = _report(network, train=train)
    found = [row for row in report.promised if not row.error <= ROUNDING]
    if found:
        x = np.random.default_rng(0).normal(size=(2, *network.size, network.layer.in_type.size))
        silent = float(jnp.sqrt((network.layer(jnp.asarray(x, jnp.float32)) ** 2).mean())) < SILENT
        found = [] if silent else found
    return [*found, *report.problems]


@given(networks(max_layers=3), st.booleans())
@settings(max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink))
def test_networks_keep_what_their_contracts_promise(network: Network, train: bool):
    assert not _false_promises(network, train=train)


@pytest.mark.long
@given(networks(), st.booleans())
@settings(max_examples=400)
def test_many_networks_keep_what_their_contracts_promise(network: Network, train: bool):
    assert not _false_promises(network, train=train)


SAMPLING = (
    "Pointwise", "Conv", "Pool", "BlurPool", "Polyphase", "Upsample", "IdealResample", "ReducedSize", "TransposedConv",
    "Hourglass", "PolyphaseUpsample", "BandLimited", "Restrict", "GlobalPool", "Residual", "Branch", "Skip",
)  # fmt: skip


@pytest.mark.long
@given(networks(space="plane", kinds=SAMPLING), st.booleans())
@settings(max_examples=300)
def test_many_samplings_keep_what_their_contracts_promise(network: Network, train: bool):
    assert not _false_promises(network, train=train)


def test_every_public_layer_is_drawn():
    """Dense and Sequential come within others; those left out are not equivariant, need one type, or are made by us.

    Parts of single networks of the zoo are tried in the contract table, and in these networks, alone.
    """
    found = {name: getattr(layers, name) for name in layers.__all__}
    public = {name for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, Layer)}
    assert public - set(KINDS) == {
        "Dense", "Sequential", "Layer", "Frozen", "Flatten", "LocallyConnected", "InducedNormPool",
        "WithoutContract", "ConnectedConv", "ElongatedConv", "Fractal", "Highway", "LocalResponseNorm", "PadFields",
        "StochasticDepth", "TrainableSubsampling", "WithAuxiliary",
    }  # fmt: skip


class _Boasts(Identity):
    """Takes the middle of pairs of pixels and claims to commute with everything."""

    def apply(self, x):
        return x + jnp.roll(x, 1, 1) ** 2


def test_a_layer_that_promises_too_much_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(KINDS, "Identity", lambda place: made(_Boasts, place.t))
    found: list[Network] = []

    @settings(max_examples=8, database=None, phases=[Phase.generate])
    @given(networks(max_layers=2, space="plane", kinds=("Pointwise", "Identity")))
    def draw(network: Network) -> None:
        if _false_promises(network):
            found.append(network)

    draw()
    assert found
    assert all("_Boasts" in network.code for network in found)


def test_statistics_of_a_batch_are_kept_in_double_precision_too():
    assert not _false_promises(Network(BatchNorm(_t("D1")), (4, 4), "BatchNorm"), train=True)


def _t(group: PlanarGroup | str, fields: str = "1 trivial") -> FieldType:
    return FieldType(group, fields)


def _sampled(t: FieldType, stride: int = 2, **options) -> Layer:
    conv = Conv(t, t, 3, stride=stride, remainder="drop", rngs=nnx.Rngs(0), **AROUND)  # type: ignore[arg-type]
    return Polyphase(conv, **options)


def _reduced(t: FieldType) -> Layer:
    return ReducedSize(Conv(t, t, 3, rngs=nnx.Rngs(1), **AROUND), "average", circular=True)  # type: ignore[arg-type]


TIED = {
    "nearest": lambda t: Upsample(t, 2, method="nearest"),
    "bilinear": lambda t: Upsample(t, 2, padding_mode="circular"),
    "cubic": lambda t: Upsample(t, 4, method="cubic", padding_mode="circular"),
    "ideal": lambda t: IdealResample(t, 2),
    "ideal, thrice": lambda t: IdealResample(t, 3),
    "to a size": lambda t: Upsample(t, size=12, method="nearest"),
    "transposed": lambda t: TransposedConv(t, t, 4, stride=2, padding=1, rngs=nnx.Rngs(1)),
    "reduced": _reduced,
    "pointwise behind": lambda t: Sequential([Upsample(t, 2, method="nearest"), Pointwise(t, "tanh")]),
    "beside itself": lambda t: Residual(Sequential([IdealResample(t, 2), _smooth(t)]), IdealResample(t, 2)),
}
"""Makers of layers behind which polyphase components tie for every image."""


def _smooth(t: FieldType) -> Layer:
    return BlurPool(t, 3, stride=1, **AROUND)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TIED)
def test_nothing_is_promised_where_components_tie(name: str):
    t = _t("C4")
    for behind in (_sampled(t), Hourglass(_sampled(t), Identity(t), PolyphaseUpsample(_smooth(t)))):
        net = Sequential([TIED[name](t), Sequential([Pointwise(t, "tanh"), behind])])
        assert [net.contract.points.level, net.contract.shifts.level, net.contract.any_shift.level] == ["none"] * 3
        assert "tie" in net.contract.points.why
    trivial = Sequential([TIED[name](_t("C1")), _sampled(_t("C1"))])
    assert trivial.contract.points.level == "exact", "the identity is kept"
    assert trivial.contract.shifts.level == "none"


UNTIED = {
    "first": (lambda t: Identity(t), (6, 6)),
    "border": (lambda t: Upsample(t, 2), (5, 5)),
    "down again": (lambda t: Sequential([Upsample(t, 2, method="nearest"), Pool(t, 2), Identity(t)]), (6, 6)),
    "band-limited": (lambda t: BandLimited(Polynomial(t)), (6, 6)),
    "skip": (lambda t: Branch([Identity(t), _reduced(t)]), (6, 6)),
    "half as many again": (lambda t: IdealResample(t, Fraction(3, 2)), (8, 8)),
    "hourglass": (lambda t: Hourglass(_sampled(t), Pointwise(t, "tanh"), PolyphaseUpsample(_smooth(t))), (6, 6)),
}
"""Layers behind which components do not tie, and a size."""


@pytest.mark.parametrize("name", UNTIED)
def test_what_does_not_tie_is_promised_still(name: str):
    make, size = UNTIED[name]
    before = make(_t("C4"))
    net = Sequential([before, _sampled(before.out_type)])
    assert net.contract.points.at(size) == "exact"
    assert not _false_promises(Network(net, size, name))


def test_components_with_the_largest_entry_in_common_are_told_apart():
    """A maximum over windows that overlap gives every component the largest entry: the 2-norm decides."""
    t = _t("D4")
    net = Sequential([Pool(t, 3, stride=1, **AROUND), _sampled(t, norm=float("inf"))])  # type: ignore[arg-type]
    assert net.contract.points.at((8, 8)) == "exact"
    assert not _false_promises(Network(net, (8, 8), "max pool"))


def _strided(t: FieldType) -> Conv:
    return Conv(t, t, 3, stride=2, padding=1, remainder="drop", rngs=nnx.Rngs(0))


@pytest.mark.parametrize(
    ("group", "size", "expected"),
    [
        (PlanarGroup(1, True), (7, 8), "exact"),  # rows are reversed
        (PlanarGroup(1, True), (8, 7), "none"),
        (PlanarGroup(1, True, mirror=90), (8, 7), "exact"),  # columns are
        (PlanarGroup(1, True, mirror=90), (7, 8), "none"),
        (PlanarGroup(1, True, mirror=135), (8, 8), "exact"),  # rows and columns are exchanged, none reversed
        (PlanarGroup(1, True, mirror=135), (8, 7), "none"),
        (PlanarGroup(1, True, mirror=45), (8, 8), "none"),
        (PlanarGroup(2), (7, 8), "none"),
        (PlanarGroup(1), (8, 8), "exact"),
    ],
)
def test_centring_is_asked_along_the_axes_that_are_reversed(group: PlanarGroup, size: tuple[int, int], expected: str):
    net = _strided(_t(group, "1 trivial + 1 regular"))
    assert net.contract.points.at(size) == expected
    report = check_contract(net, jax.random.key(0), size=size, max_shifts=0)
    if group.order > 1:
        assert (report.worst("points") < 1e-5) == (
            expected == "exact" or (size[0] != size[1] and group.mirror % 90 == 45)
        )


@pytest.mark.parametrize(
    ("subgroup", "axis", "size"),
    [("D1", 0, (7, 8)), ("D1", 2, (8, 7)), ("D2", 0, (7, 5)), ("C2", 0, (7, 5)), ("C1", 0, (8, 6))],
)
def test_restriction_keeps_the_conditions_of_the_subgroup(subgroup: str, axis: int, size: tuple[int, int]):
    t = _t("D4", "1 regular")
    restrict = Restrict(t, subgroup, axis=axis)
    h = restrict.out_type
    behind = Conv(h, h, 3, padding=1, rngs=nnx.Rngs(1))
    net = Sequential([Sequential([_strided(t), Pointwise(t)]), restrict, Residual(behind)])
    assert net.contract.points.at(size) == "exact", str(net.contract)
    assert net.contract.group == h.group
    assert not _false_promises(Network(net, size, str(net)))
    beside = Branch([Sequential([_strided(t), restrict]), Sequential([_strided(t), restrict])])
    assert beside.contract.points.at(size) == "exact"
    assert _strided(t).contract.points.at(size) == "none"


def test_windows_that_differ_keep_what_a_subgroup_without_quarter_turns_asks_for():
    t = _t("D4")
    wide = NormMaxPool(t, 2, remainder="drop")
    oblong = Pool(t, (1, 3), stride=1)
    assert oblong.contract.points.level == "none"
    restrict = Restrict(t, "D2")
    net = Sequential([oblong, restrict])
    assert net.contract.points == Promise("exact")
    assert compose([wide.contract, restrict.contract]).points.violated((6, 7)) != []


def test_sides_that_differ_are_said_before_the_call():
    t = _t("C4")
    net = Branch([Identity(t), Conv(t, t, 3, rngs=nnx.Rngs(0))])
    with pytest.raises(ValueError, match=r"different sizes for one of \(6, 6\): \(6, 6\), \(4, 4\)"):
        net.contract.output_size((6, 6))
    assert Skip(Conv(t, t, 3, rngs=nnx.Rngs(0))).contract.output_size((6, 6)) == (4, 4)
    with pytest.raises(ValueError, match=r"invalid stride \(1, 2\)"):
        NormMaxPool(t, 2, stride=(1, 2))  # type: ignore[arg-type]


def test_global_pooling_does_not_undo_a_tie():
    t = _t("C1")
    net = Sequential([IdealResample(t, 2), _sampled(t), GlobalPool(t)])
    assert (net.contract.shifts.level, net.contract.any_shift.level) == ("none", "none")


@given(networks(max_layers=2))
@example(Network(Identity(_t("C1")), (4, 4), "Identity"))
@settings(max_examples=8, phases=(Phase.explicit, Phase.generate))
def test_networks_take_inputs_of_their_size(network: Network):
    size = network.layer.contract.output_size(network.size)
    x = jax.ShapeDtypeStruct((2, *network.size, network.layer.in_type.size), jnp.float32)
    assert jax.eval_shape(network.layer, x).shape == (2, *size, network.layer.out_type.size)
    assert repr(network).startswith("<")
