"""Layers on volumes: every element of the cube's groups, borders included; controls that fail; errors; freezing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import act
from geomdl.equivariance import check_contract
from geomdl.groups import O3, VOLUME, O, Oh, SpatialGroup
from geomdl.layers import (
    BatchNorm,
    Conv,
    Dense,
    Gated,
    GlobalPool,
    GroupPool,
    Pointwise,
    Pool,
    Residual,
    Restrict,
    Sequential,
    TransposedConv,
    freeze,
)
from geomdl.layers.contract_table.volumes import VOLUMES
from geomdl.representations import FieldType

KEY = jax.random.key(0)
LIFT = FieldType("O", "1 trivial"), FieldType("O", "2 regular")


def errors(layer, size: tuple[int, ...], group=None) -> np.ndarray:
    """‖f(ρ(g)x) − ρ(g)f(x)‖_∞ / ‖f(x)‖_∞ of every element that maps the grid to itself, in float64."""
    with jax.enable_x64(True):
        graph, state = nnx.split(layer)
        wide = nnx.merge(graph, jax.tree.map(lambda a: a.astype(jnp.float64), state))
        group = group or layer.in_type.group
        elements = group.grid_symmetries()
        x = np.random.default_rng(0).normal(size=(1, *size, layer.in_type.size))
        moved = np.concatenate([x, *(_moved(g, x, layer.in_type, group) for g in elements)])
        found = np.asarray(jax.jit(lambda x: wide(x))(jnp.asarray(moved)))
        y, turned = found[:1], found[1:]
        wanted = np.concatenate([_moved(g, y, layer.out_type, group) for g in elements])
        assert np.abs(y).max() > 1e-3
        return np.abs(turned - wanted).reshape(len(elements), -1).max(1) / np.abs(y).max()


def _moved(g: np.ndarray, x: np.ndarray, fields: FieldType, group: SpatialGroup) -> np.ndarray:
    """As `act`, in NumPy; of another group than that of the fields their channels are scalars."""
    x = VOLUME.grid_symmetry(group, g)(x)
    return x @ fields.matrix(g).T if fields.group == group else x


def test_fields_are_moved_as_the_tests_do_it():
    t = FieldType("Oh", "1 regular + 1 irrep(3)")
    x = np.random.default_rng(0).normal(size=(1, 3, 3, 3, t.size))
    for g in t.group.elements()[[1, 7, 30]]:
        np.testing.assert_allclose(act(g, jnp.asarray(x, jnp.float32), t), _moved(g, x, t, Oh), atol=1e-5)


OPTIONS = [
    ({"kernel_size": 3, "padding": "same"}, 4),
    ({"kernel_size": 3, "padding": "same"}, 5),
    ({"kernel_size": 2, "stride": 2}, 4),
    ({"kernel_size": 3, "stride": 2, "padding": 1}, 5),
    ({"kernel_size": 4, "stride": 2, "padding": 1, "padding_mode": "circular"}, 4),
    ({"kernel_size": 2, "padding": 1, "padding_mode": "replicate"}, 3),
    ({"kernel_size": 3, "padding": "full", "dilation": 2}, 3),
]


@pytest.mark.parametrize(("options", "size"), OPTIONS[1:5], ids=str)
def test_all_24_turns_of_a_cube(options, size):
    conv = Conv(*LIFT, **options, rngs=nnx.Rngs(0))
    assert conv.contract.points.at((size,) * 3) == "exact"
    found = errors(conv, (size,) * 3)
    assert len(found) == 24
    assert found.max() < 1e-12


@pytest.mark.parametrize("pair", [("1 trivial", "1 regular"), ("1 regular", "1 quotient(Th) + 1 irrep(3)")])
def test_all_48_symmetries_of_a_cube(pair):
    before, after = (FieldType("Oh", fields) for fields in pair)
    found = errors(Conv(before, after, 3, padding="same", rngs=nnx.Rngs(0)), (4, 4, 4))
    assert len(found) == 48
    assert found.max() < 1e-12


@pytest.mark.long
@pytest.mark.parametrize("name", ["T", "Td", "Th", "O", "Oh", "C4z", "D4z", "C4v", "C4h", "D4h"])
@pytest.mark.parametrize(("options", "size"), OPTIONS, ids=str)
def test_every_element_of_every_group_of_the_grid(name, options, size):
    hidden = FieldType(name, "1 trivial + 1 regular")
    assert errors(Conv(hidden, hidden, **options, rngs=nnx.Rngs(0)), (size,) * 3).max() < 1e-12


def test_a_plain_convolution_and_one_for_turns_about_one_axis_fail():
    plain = Conv(FieldType("C1z", "1 trivial"), FieldType("C1z", "2 trivial"), 3, padding="same", rngs=nnx.Rngs(0))
    found = errors(plain, (4, 4, 4), O)
    assert found[0] < 1e-12
    assert found[1:].min() > 0.05
    about_z = FieldType("C4z", "1 trivial")
    found = errors(Conv(about_z, about_z, 3, padding="same", rngs=nnx.Rngs(0)), (4, 4, 4), O)
    kept = SpatialGroup("C4z").contains_matrix(O.matrix(O.elements()))
    assert kept.sum() == 4
    assert found[kept].max() < 1e-12
    assert found[~kept].min() > 0.05
    # O commutes with all turns, and a chiral kernel with no mirror
    lifted = Sequential([Conv(*LIFT, 3, padding="same", rngs=nnx.Rngs(0)), GroupPool(LIFT[1])])
    found = errors(lifted, (4, 4, 4), Oh)
    turns = O.contains_matrix(Oh.matrix(Oh.elements()))
    assert found[turns].max() < 1e-12
    assert found[~turns].min() > 0.01


def test_contracts_say_in_advance_what_holds():
    conv = Conv(*LIFT, 3, padding="same", rngs=nnx.Rngs(0))
    assert str(conv.contract).splitlines()[0] == "O: exact, given a cubic input"
    assert conv.contract.points.at((4, 4, 5)) == "none"
    axial = FieldType("C4v", "1 regular")
    conv = Conv(axial, axial, 3, padding="same", rngs=nnx.Rngs(0))
    assert "an input with height = width" in str(conv.contract)
    report = check_contract(conv, KEY, size=(3, 4, 4), max_shifts=2)
    assert report.passed
    assert len(report.promised) >= 8
    flat = Conv(axial, axial, (1, 3, 3), padding=(0, 1, 1), rngs=nnx.Rngs(0))  # windows agree where axes are exchanged
    assert flat.contract.points.at((3, 4, 4)) == "exact"
    boxes = FieldType("D2h", "1 regular")
    assert Conv(boxes, boxes, (1, 3, 3), padding="same", rngs=nnx.Rngs(0)).contract.points.at((3, 4, 5)) == "exact"
    assert errors(Conv(boxes, boxes, 3, padding="same", rngs=nnx.Rngs(0)), (3, 4, 5)).max() < 1e-12
    halved = Conv(*LIFT, 3, stride=2, padding=1, remainder="drop", rngs=nnx.Rngs(0)).contract.points
    assert [halved.at((n,) * 3) for n in (4, 5)] == ["none", "exact"]


def network(group: str = "O") -> Sequential:
    """A small invariant network with a shortcut, a restriction and a transposed convolution."""
    x, h = FieldType(group, "1 trivial"), FieldType(group, "1 trivial + 1 regular")
    layers = [
        Conv(x, h, 3, padding="same", rngs=nnx.Rngs(0)),
        BatchNorm(h),
        Pointwise(h),
        Residual(Conv(h, h, 3, padding="same", rngs=nnx.Rngs(1))),
        Pool(h, 2),
        TransposedConv(h, h, 2, stride=2, rngs=nnx.Rngs(2)),
        Restrict(h, "T"),
    ]
    h = layers[-1].out_type
    return Sequential([*layers, GroupPool(h), GlobalPool(GroupPool(h).out_type)])


@pytest.mark.long
def test_a_network_with_a_restriction_keeps_its_contract_and_can_be_frozen():
    net = network()
    assert "T: exact" in str(net.contract)
    report = check_contract(net, KEY, size=(4, 4, 4), max_shifts=2)
    assert report.passed, report
    assert len([row for row in report.promised if row.symmetry == "points"]) == 12
    x = jax.random.normal(KEY, (2, 4, 4, 4, 1))
    net(x, train=True)
    np.testing.assert_allclose(freeze(net)(x), net(x), atol=1e-5)


def test_frozen_layers_do_the_same():
    h = FieldType("C4v", "1 trivial + 1 regular")
    up = TransposedConv(h, h, 2, stride=2, rngs=nnx.Rngs(2))
    net = Sequential([Conv(FieldType("C4v", "1 trivial"), h, 3, rngs=nnx.Rngs(0)), BatchNorm(h), Pointwise(h), up])
    x = jax.random.normal(KEY, (2, 4, 4, 4, 1))
    np.testing.assert_allclose(freeze(net)(x), net(x), atol=1e-5)


def test_irreps_of_e3nn_on_volumes_with_gates():
    x, h = FieldType("O3", "2x0e + 1x1o"), FieldType("O3", "2x0e + 1x1o + 1x2e")
    gates = Gated(h)
    net = Sequential(
        [Conv(x, gates.in_type, 3, padding="same", rngs=nnx.Rngs(0)), gates, Dense(h, x, rngs=nnx.Rngs(1))]
    )
    found = errors(net, (4, 4, 4))
    assert len(found) == 48
    assert found.max() < 1e-12
    report = check_contract(Dense(x, x, rngs=nnx.Rngs(1)), KEY, size=(), max_shifts=0)
    assert report.passed
    assert {row.level for row in report.rows} == {"exact"}, "without base space every rotation is exact"


def test_a_smooth_volume_is_turned_by_any_angle_approximately():
    """Random rotations: an SO(3) convolution commutes up to sampling, a plain one does not."""
    i, j, k = np.mgrid[:13, :13, :13] - 6.0
    blob = np.exp(-((i - 1) ** 2 + 2 * (j + 1) ** 2 + k**2) / 9) * (1 + 0.5 * np.sin(k / 2))
    x, inside = jnp.asarray(blob[None, ..., None], jnp.float32), (i**2 + j**2 + k**2 < 25)[None, ..., None]
    g = O3.sample(np.random.default_rng(3), 1)[0]

    def error(group: str, fields: str, out: FieldType) -> float:
        conv = Conv(FieldType(group, "1 trivial"), FieldType(group, fields), 5, padding="same", rngs=nnx.Rngs(0))
        image = FieldType("O3", "1x0e")
        moved, expected = conv(act(g, x, image)), act(g, conv(x), out)
        moved, expected = np.asarray(moved), np.asarray(expected)
        return float(np.linalg.norm((moved - expected) * inside) / np.linalg.norm(expected * inside))

    steerable = error("O3", "1x0e + 1x1o", FieldType("O3", "1x0e + 1x1o"))
    plain = error("C1z", "4 trivial", FieldType("O3", "4x0e"))
    assert steerable < 0.1 < 0.3 < plain


FACTORED = [
    ("C4v", {"kernel_size": 3, "padding": "same"}, 3, 1 << 20),
    ("C2z", {"kernel_size": 2, "stride": 2, "padding": 1, "padding_mode": "circular"}, 4, 8),
]


@pytest.mark.parametrize(("name", "options", "size", "cache"), FACTORED, ids=str)
def test_fourier_transforms_over_the_group_give_the_same_convolution(name, options, size, cache, monkeypatch):
    _compare_methods(name, options, size, cache, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("name", ["T", "Td", "O", "Oh", "C4z", "D4h"])
@pytest.mark.parametrize(("options", "size"), OPTIONS, ids=str)
@pytest.mark.parametrize("cache", [64, 1 << 20])
def test_the_factored_method_for_every_window(name, options, size, cache, monkeypatch):
    _compare_methods(name, options, size, cache, monkeypatch)


def _compare_methods(name, options, size, cache, monkeypatch) -> None:
    """Outputs and gradients of the dense and the factored method, of two blocks of regular fields."""
    from geomdl.layers.convolution.algorithms import group_fourier

    monkeypatch.setattr(group_fourier, "_IN_CACHE", cache)
    monkeypatch.setattr(group_fourier, "_KEPT", 1 << 24 if cache > 64 else 0)
    t = FieldType(name, "1 regular + 2 regular")
    layers = [Conv(t, t, **options, method=method, rngs=nnx.Rngs(0)) for method in ("dense", "factored")]
    x = np.random.default_rng(0).normal(size=(2, *(size,) * 3, t.size)).astype(np.float32)

    @nnx.jit
    def run(layer, x):
        def loss(layer, x):
            y = layer(x)
            return (y**3).mean(), y

        (_, y), found = nnx.value_and_grad(loss, argnums=(0, 1), has_aux=True)(layer, x)
        return y, *jax.tree.leaves(found)

    for dense, factored in zip(*(run(layer, x) for layer in layers), strict=True):
        np.testing.assert_allclose(factored, dense, atol=2e-5 * float(jnp.abs(dense).max()) + 1e-7)
    costs = [layer.multiply_adds((size,) * 3) for layer in layers]
    assert costs[0] > 0
    assert costs[1] > 0


def test_what_is_factored_on_volumes():
    regular, vectors = FieldType("O", "16 regular"), FieldType("O", "1 irrep(1)")
    layer = Conv(regular, regular, 3, padding="same", rngs=nnx.Rngs(0))
    assert layer.method_for((8, 8, 8)) == "factored"
    assert layer.multiply_adds((8, 8, 8)) < 0.2 * 27 * 8**3 * regular.size**2
    with pytest.raises(ValueError, match="of volumes it takes regular fields"):
        Conv(vectors, vectors, 3, method="factored", rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="are made only on the plane"):
        Conv(regular, regular, 3, method="fused", rngs=nnx.Rngs(0))


VECTORS = FieldType("O3", "1x1o")


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("C4 does not act on the volume; allowed there: .*C<N>z", lambda: FieldType("C4", "1 regular", space="volume")),
        ("O does not act on the plane", lambda: FieldType("O", "1 regular", space="plane")),
        (r"unknown representation of O3 '1p'.*did you mean '1o'", lambda: FieldType("O3", "8x0e + 4x1p")),
        ("SO3 has no parity.*try irrep\\(1\\)", lambda: FieldType("SO3", "4x1o")),
        ("invalid representation of O '1o'; allowed: irrep", lambda: FieldType("O", "4x1o")),
        ("invalid multiplicity in field type '0'", lambda: FieldType("O3", "0x1o")),
        ("invalid irrep of O '9'; allowed: irrep\\(0\\) of size 1", lambda: FieldType("O", "irrep(9)")),
        ("invalid subgroup 'C3z'; allowed: a subgroup of O: .*T", lambda: FieldType("O", "1 regular").restrict("C3z")),
        ("invalid subgroup that moves volumes 'C4'.*try C4z", lambda: FieldType("O", "1 regular").restrict("C4")),
        ("regular representation needs a finite group", lambda: FieldType("SO3", "1 regular")),
        ("kernel_size \\(1, 3, 3\\); allowed: one number", lambda: Conv(*LIFT, (1, 3, 3), rngs=nnx.Rngs(0))),
        ("allowed: volumes \\[batch, depth", lambda: Conv(*LIFT, 3, rngs=nnx.Rngs(0))(jnp.ones((1, 4, 4, 1)))),
        ("cubes .depth = height = width., as O exchanges these axes; .* D4x, .* try 4x4x4",
         lambda: act(np.array([1]), jnp.ones((1, 4, 4, 5, 1)), LIFT[0])),
        ("no equivariant kernel from 0e to 0o exists",
         lambda: Conv(FieldType("O3", "1x0e"), FieldType("O3", "1x0o"), 3, rngs=nnx.Rngs(0))),
        ("need frequency 4 or more, but the shells of a 3 × 3 × 3 window carry up to 2",
         lambda: Conv(FieldType("O3", "1x0e"), FieldType("O3", "1x4e"), 3, rngs=nnx.Rngs(0))),
        ("a layer relates fields of one group",
         lambda: Conv(LIFT[0], FieldType("Oh", "1 trivial"), 3, rngs=nnx.Rngs(0))),
        ("relu needs fields whose channels the group permutes", lambda: Pointwise(VECTORS)),
    ],
)  # fmt: skip
def test_errors_name_the_nearest_valid_choice(message, make):
    with pytest.raises(ValueError, match=message):
        make()


QUICK = ("Conv, any types", "TransposedConv, kernel 4, stride 2", "NormMaxPool", "BlurPool, 3", "SubgroupPool", "Mask")


def _check_row(entry, group: str) -> None:
    layer = entry.build(group)
    for size, exact in ((entry.even, entry.exact in ("both", "even")), (entry.odd, entry.exact in ("both", "odd"))):
        assert (layer.contract.points.at(size) == "exact") == exact, f"{layer.contract} at {size}"
        if exact:
            report = check_contract(layer, KEY, size=size, max_shifts=2, approximate=False)
            assert report.passed, report
            points = [row for row in report.promised if row.symmetry == "points"]
            assert len(points) == len(layer.contract.group.grid_symmetries())


@pytest.mark.parametrize("entry", [e for e in VOLUMES if e.name in QUICK], ids=lambda entry: entry.name)
def test_a_row_of_the_contract_table_on_volumes(entry):
    _check_row(entry, "C4v")


def test_elements_off_the_grid_are_measured_and_not_judged():
    report = check_contract(Pool(VECTORS, 3, reduce="mean"), KEY, size=(6, 6, 6), max_shifts=0)
    assert report.passed
    levels = [row.level for row in report.rows if row.symmetry == "points"]
    assert (levels.count("exact"), levels.count("approximate")) == (48, 4)


@pytest.mark.long
@pytest.mark.parametrize(
    ("entry", "group"), [pytest.param(e, g, id=f"{e.name}-{g}") for e in VOLUMES for g in e.groups]
)
def test_every_row_of_the_contract_table_on_volumes(entry, group):
    _check_row(entry, group)
