"""The common table: every layer and model × every group keeps its contract, for every element.

The rows are those of `geomdl/layers/contract_table` and `geomdl/models/contract_table.py`, which also say what is to be
promised. The whole frame is compared, borders included. The ordinary tests take *pairs* in place of all combinations:

- Every row of a layer meets one *kind* of group that it is built for (`_kind`: C4, D4, other cyclic and dihedral
  groups, SO(2), O(2)), in turn from row to row, and of a kind its groups in turn: every kind is met in every section of
  the table. It is computed in float64, or in float32 spread over four devices, where it trains in training mode, in
  turn; layers whose training looks at the whole batch or draws numbers are computed in both. Every kind of group meets
  both in the course of the table.
- Every row of a model meets one kind and one mode, in turn: float32, float64, training, spread over devices.
- The size is even or odd in turn where the row is exact at both, and both for C4 and D4. Layers that act on every pixel
  by itself are checked without base space for groups with elements that do not map the grid to itself, as every element
  is exact there. Statistics, biases and scales are as after training.
- Every layer and model is checked once more after three steps of gradient descent.
- All other pairs of a row and a group are checked in float32 by ``pytest -m long``.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from experiments.tables.symmetry import TABLE
from geomdl.actions import act
from geomdl.equivariance import Report, Size, check_contract
from geomdl.groups import PLANE, PlanarGroup
from geomdl.groups import group as group_of
from geomdl.layers import BatchNorm, Conv, Dense, Dropout, Layer, LayerNorm, halving_pool
from geomdl.layers.contract_table.entries import EVERY, GRID, LAYERS, Entry, permuted, regular, scalars
from geomdl.models.contract_table import ENTRIES
from geomdl.representations import FieldType

MODES = ("float32", "float64", "training", "sharded")
TRAINED = ("linear", "mlp", "cnn", "gcnn", "unet")
"""Models that take a few steps of gradient descent here; for the others, mostly compilation, see ``pytest -m long``."""


def _kept(report: Report) -> None:
    assert report.passed, str(report)
    near = [row for row in report.promised if row.error > 0.5 * (row.tolerance or 1)]
    assert not near, f"the tolerance is nearer to these errors than its derivation says: {near}"


def _settled(layer: Layer) -> Layer:
    """What is constant at the start, and hides mistakes, becomes as after training: biases, scales, statistics."""
    rng = np.random.default_rng(0)

    def moved(value: jax.Array) -> jax.Array:
        old = np.asarray(value)
        constant = old.size and np.all(old == old.flat[0])
        return jnp.asarray(old + 0.2 * rng.normal(size=old.shape) * constant, old.dtype)

    nnx.update(layer, jax.tree.map(moved, nnx.state(layer, nnx.Any(nnx.Param, nnx.BatchStat))))
    return layer


def _grid_symmetries(group: PlanarGroup) -> int:
    """How many elements map a square grid to itself."""
    turns = 4 if not group.is_finite else math.gcd(4, int(group.rotation_order))
    return turns * (2 if group.reflections else 1)


def _sizes(entry: Entry, group: str) -> list[Size]:
    """The sizes to check: those at which the row is exact; any where it never is."""
    if entry.pointwise and group not in GRID:
        return [()]
    sizes = {"both": (entry.even, entry.odd), "even": (entry.even,), "odd": (entry.odd,), "never": (entry.even,)}
    found = list(dict.fromkeys(sizes[entry.exact]))
    return found if group in ("C4", "D4") else [found[entry.groups.index(group) % len(found)]]


def _check(entry: Entry, layer: Layer, size: Size, *, max_shifts: int = 5, **options) -> None:
    """The row's own expectations, and the contract's."""
    contract = layer.contract
    for wanted, at in (("even", entry.even), ("odd", entry.odd)):
        expected = entry.exact in ("both", wanted)
        if not expected and entry.exact != "never" and not any(PLANE.reversed_axes(contract.group)):
            continue  # no element on the grid reverses an axis (C1, C3, …), so that nothing need be centred
        assert (contract.points.at(at) == "exact") == expected, f"at {at}: {contract}"
    report = check_contract(layer, jax.random.key(0), size=size, approximate=False, max_shifts=max_shifts, **options)
    points = [row for row in report.promised if row.symmetry == "points"]
    shifts = [row for row in report.promised if row.symmetry == "shifts"]
    if entry.exact == "never" or (entry.random and options.get("train")):
        assert not points
        assert not shifts
        assert report.alive
        return
    group = contract.exact_group
    if size or contract.group.is_finite:
        assert len(points) == (_grid_symmetries(group) if size else group.order)
    assert points
    every = math.prod(n // entry.shifts for n in size) if entry.shifts else 0
    assert len(shifts) == (min(every, max_shifts) if size and all(n % (entry.shifts or 1) == 0 for n in size) else 0)
    _kept(report)
    if options.get("dtype") == jnp.float64:
        assert max(row.error for row in report.promised) < 1e-12
        assert all(row.tolerance is not None and row.tolerance < 1e-12 for row in report.promised)


def _kind(name: str) -> str:
    """The kind of a group: whether it has mirrors and is finite; C4 and D4, which map the grid to itself, apart."""
    if name in ("C4", "D4", "SO2", "O2"):
        return name
    return "cyclic" if name[0] == "C" else "dihedral"


def _grid_kind(name: str) -> str:
    """The same for rows of grid symmetries only, which have few groups: quarter turns with mirrors, without, others."""
    return name if name in ("C4", "D4") else "others"


def _quick_groups(number: int) -> list[str]:
    """The groups of a row that the ordinary tests take: one of every kind, in turn from row to row."""
    entry = TABLE[number]
    kinds: dict[str, list[str]] = {}
    for group in (g for g in entry.groups if g in entry.quick):
        kinds.setdefault((_grid_kind if set(entry.groups) <= set(GRID) else _kind)(group), []).append(group)
    return [groups[(11 * number) % len(groups)] for groups in kinds.values()]


def _modes(number: int) -> list[str]:
    """The modes of a row: see above."""
    entry = TABLE[number]
    if entry in ENTRIES:
        modes = [mode for mode in MODES if mode != "training" or entry.trains]
        return [modes[number % len(modes)]]
    if entry.section == "Normalisation and dropout":
        return ["float64", "sharded"]
    return ["sharded" if number // 2 % 2 else "float64"]


def _cases() -> list[tuple[int, str, str]]:
    """The number of a row, a group and a mode: see above."""
    found = []
    for number in range(len(TABLE)):
        groups = _quick_groups(number)
        found += [(number, groups[(number + k) % len(groups)], mode) for k, mode in enumerate(_modes(number))]
    met = {(TABLE[number].section, _kind(group)) for number, group, _ in found} | {group for _, group, _ in found}
    for number, entry in enumerate(TABLE):  # what no row has met in its turn
        for group in () if entry in ENTRIES else (g for g in entry.groups if g in entry.quick):
            place = entry.section, _kind(group)
            if group not in met or place not in met:
                found.append((number, group, "float32"))
                met |= {group, place}
    return found


def _parameters(cases: list[tuple[int, str, str]]) -> list:
    return [pytest.param(*case, id=f"{TABLE[case[0]].name}-{case[1]}-{case[2]}") for case in cases]


def _row_for_a_group(number: int, group: str, mode: str) -> None:
    entry = TABLE[number]
    sizes = _sizes(entry, group)
    if mode == "float64":
        with jax.enable_x64(True):
            _check(entry, _settled(entry.build(group)), sizes[-1], dtype=jnp.float64)
        return
    layer = _settled(entry.build(group))
    if mode == "training":
        _check(entry, layer, sizes[-1], batch=4, train=True)
    elif mode == "sharded":
        mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
        sharding = NamedSharding(mesh, PartitionSpec("data"))
        _check(entry, layer, sizes[-1], batch=4, sharding=sharding, train=entry.trains)
    else:
        for size in sizes:
            _check(entry, layer, size, max_shifts=64 if group == "C2" else 5)


@pytest.mark.parametrize(("number", "group", "mode"), _parameters(_cases()))
def test_every_row_for_every_kind_of_group(number: int, group: str, mode: str):
    _row_for_a_group(number, group, mode)


def _other_pairs() -> list[tuple[int, str, str]]:
    met = {(number, group) for number, group, mode in _cases() if mode == "float32"}
    pairs = [(number, group) for number, entry in enumerate(TABLE) for group in entry.groups]
    return [(number, group, "float32") for number, group in pairs if (number, group) not in met]


@pytest.mark.long
@pytest.mark.parametrize(("number", "group", "mode"), _parameters(_other_pairs()))
def test_every_row_for_every_other_group(number: int, group: str, mode: str):
    _row_for_a_group(number, group, mode)


def test_the_cases_cover_every_pair_of_kinds():
    cases = _cases()
    for number, entry in enumerate(TABLE):
        assert {mode for n, _, mode in cases if n == number} >= set(_modes(number)), entry.name
    assert {mode for n, _, mode in cases if TABLE[n] in ENTRIES} == set(MODES)
    assert {group for _, group, _ in cases} == set(EVERY)
    for kind in {_kind(group) for group in EVERY}:
        assert {mode for _, group, mode in cases if _kind(group) == kind} >= {"float64", "sharded"}, kind
        possible = {e.section for e in TABLE if kind in {_kind(group) for group in e.groups if group in e.quick}}
        assert {TABLE[n].section for n, group, _ in cases if _kind(group) == kind} == possible, kind


def _train(layer: Layer, size: Size, steps: int = 3) -> None:
    """A few steps of gradient descent towards noise, batch statistics included."""
    graph, params, rest = nnx.split(layer, nnx.Param, ...)
    x = jax.random.normal(jax.random.key(5), (4, *size, layer.in_type.size))

    @jax.jit
    def step(params, rest, key):
        def loss(params):
            merged = nnx.merge(graph, params, jax.tree.map(lambda leaf: leaf, rest))
            outputs = jax.tree.leaves(merged(x, train=True, key=key))  # heads beside the output, levels of a detector
            y = jnp.concatenate([leaf.reshape(len(leaf), -1) for leaf in outputs], -1)
            target = np.random.default_rng(0).normal(size=y.shape).astype(np.float32)
            return ((y - target) ** 2).mean(), nnx.state(merged, nnx.Not(nnx.Param))

        gradient, rest = jax.grad(loss, has_aux=True)(params)
        norm = jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient)))
        rate = 0.1 / jnp.maximum(norm, 1.0)  # else networks without normalisation run away, and die
        return jax.tree.map(lambda p, g: p - rate.astype(p.dtype) * g, params, gradient), rest

    before = jax.tree.leaves(params)
    for i in range(steps):
        params, rest = step(params, rest, jax.random.key(i))
    assert any(np.any(np.asarray(a) != b) for a, b in zip(before, jax.tree.leaves(params), strict=True))
    nnx.update(layer, params, rest)


def _trained() -> list:
    """Every layer and model that has weights, for one of its groups in turn; further rows of a layer are long."""
    found, met = [], set()
    for number, entry in enumerate(TABLE):
        name = entry.name.split(",")[0]
        if entry in ENTRIES and name in met:
            continue
        groups = _quick_groups(number)
        group = groups[(number + 3) % len(groups)]
        marks = [pytest.mark.long] if name in met or (entry in ENTRIES and name not in TRAINED) else []
        met.add(name)
        found.append(pytest.param(number, group, id=f"{entry.name}-{group}", marks=marks))
    return found


@pytest.mark.parametrize(("number", "group"), _trained())
def test_every_layer_and_model_after_training(number: int, group: str):
    entry = TABLE[number]
    layer = entry.build(group)
    if jax.tree.leaves(nnx.state(layer, nnx.Param)):
        size = _sizes(entry, group)[-1]
        _train(layer, size)
        _check(entry, layer, size)


def test_the_table_has_every_layer_and_model():
    import geomdl.layers as layers
    from geomdl.models import MODELS

    rows = [entry for entry in TABLE if entry not in ENTRIES]
    built = [part for e in rows for _, part in nnx.iter_graph(nnx.eval_shape(lambda e=e: e.build(e.groups[0])))]
    classes = {c for c in vars(layers).values() if isinstance(c, type) and issubclass(c, Layer)} - {Layer}
    assert not classes - {type(part) for part in built}
    own = {name for name, config in MODELS.items() if config.__module__.startswith("geomdl.")}  # studies add theirs
    own -= {"point_network"}  # of clouds, which lie on no grid: tests/points
    assert not own - {entry.name.split(",")[0] for entry in ENTRIES}
    for table in (LAYERS, ENTRIES):
        assert len({entry.name for entry in table}) == len(table)


@pytest.mark.parametrize("group", ["D1", "D2", "C2"])
def test_oblong_images(group: str):
    names = ["Conv, lifting", "Conv, even kernel", "Pool, maximum", "BlurPool, 4, circular", "Conv, circular"]
    for entry in (e for e in LAYERS if e.name in names):
        report = check_contract(_settled(entry.build(group)), jax.random.key(0), size=(6, 8), max_shifts=64)
        assert len([row for row in report.promised if row.symmetry == "points"]) == group_of(group).order
        _kept(report)


@pytest.mark.parametrize("group", ["C1", "C3", "C4", "C8", "D2", "D3", "D4", "D8"])
def test_training_without_base_space(group: str):
    t = permuted(group)
    layers = [Dense(t, t, rngs=nnx.Rngs(0)), BatchNorm(t), LayerNorm(t), Dropout(t, 0.5)]
    for layer in layers:
        report = check_contract(_settled(layer), jax.random.key(0), size=(), batch=5, train=True)
        assert len(report.promised) == len(report.rows) == t.group.order
        _kept(report)


def test_halving_pool_is_exact_at_every_size():
    for n in range(4, 10):
        pool = halving_pool(FieldType("D4", "1 regular"), (n, n))
        assert pool.window.output_size((n, n)) == (-(-n // 2),) * 2
        _kept(check_contract(pool, jax.random.key(0), size=(n, n), max_shifts=2))


@pytest.mark.parametrize("group", ["C8", "SO2"])
def test_other_elements_are_measured_and_not_judged(group: str):
    layer = Conv(scalars(group), regular(group), 5, padding="same", rngs=nnx.Rngs(0))
    report = check_contract(layer, jax.random.key(0), size=(7, 7), max_shifts=2)
    assert [row.level for row in report.rows if row.symmetry == "points"].count("approximate") == 4
    assert sorted({row.level for row in report.promised}) == ["exact"]
    _kept(report)


def test_depthwise_convolutions_keep_fields_apart():
    fields = regular("D4", 3)
    layer = Conv(fields, fields, 3, padding=1, groups=3, rngs=nnx.Rngs(0))
    third = fields.size // 3
    y = layer(jnp.ones((1, 6, 6, fields.size)).at[..., :third].set(0.0))
    assert float(jnp.abs(y[..., :third]).max()) == 0
    assert float(jnp.abs(y[..., third:]).min()) > 0


def test_an_odd_angle_is_better_than_nothing():
    """On a smooth image a C8 convolution commutes with 45° much better than an ordinary one."""

    def error(group: str) -> float:
        layer = Conv(FieldType(group, "1 trivial"), FieldType(group, "4 regular"), 7, padding="same", rngs=nnx.Rngs(0))
        rho = FieldType("C8", "4 regular" if group == "C8" else "4 trivial")
        i, j = np.mgrid[:33, :33] - 16.0
        image = np.exp(-((i - 4) ** 2 + 2 * (j + 2) ** 2) / 40) * (1 + np.sin(j / 3))
        x = jnp.asarray(image, jnp.float32)[None, :, :, None]
        turned = jax.jit(lambda x: layer(act(np.array([0, 1]), x, FieldType("C8", "1 trivial"))))(x)
        expected = jax.jit(lambda x: act(np.array([0, 1]), layer(x), rho))(x)
        inside = np.float32(i**2 + j**2 < 10**2)[None, :, :, None]
        return float(np.linalg.norm((turned - expected) * inside) / np.linalg.norm(expected * inside))

    assert error("C8") < 0.1 < 0.3 < error("C1")
