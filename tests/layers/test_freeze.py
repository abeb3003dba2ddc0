"""A frozen layer computes what the layer computes in evaluation, with dense weights only."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import Size, check_contract
from geomdl.layers import (
    BatchNorm,
    Branch,
    Conv,
    Dense,
    Disentangle,
    Dropout,
    FieldNorm,
    Flatten,
    FromIrreps,
    Frozen,
    GroupNorm,
    GroupPool,
    InducedNormPool,
    InstanceNorm,
    Layer,
    LayerNorm,
    LocallyConnected,
    NormActivation,
    Parallel,
    Pointwise,
    Pool,
    Reshuffle,
    Residual,
    Sequential,
    TransposedConv,
    freeze,
)
from geomdl.layers.contract_table.entries import GRID, LAYERS
from geomdl.layers.contract_table.sampling import ROWS
from geomdl.layers.core.affine import Affine
from geomdl.layers.core.constants import Weight
from geomdl.representations import FieldType

MIXED = "1 trivial + 1 irrep(1,0) + 1 irrep(1,1) + 1 regular"


def _t(fields: str, group: str = "D4") -> FieldType:
    return FieldType(group, fields)


SAMPLING = ("Hourglass, polyphase", "IdealResample, twice", "BandLimited, polynomial")
OTHERS: dict[str, Callable[[], Layer]] = {
    "steerable conv": lambda: Conv(_t("1 trivial", "C8"), _t("2 regular + 1 irrep(1)", "C8"), 5, rngs=nnx.Rngs(0)),
    "conv of irreps": lambda: Conv(_t(MIXED), _t(MIXED), 3, padding=1, basis="steerable", rngs=nnx.Rngs(0)),
    "conv grouped": lambda: Conv(_t("2 regular"), _t("4 regular"), 3, groups=2, rngs=nnx.Rngs(0)),
    "conv without bias": lambda: Conv(_t("1 trivial"), _t("1 regular"), 3, use_bias=False, rngs=nnx.Rngs(0)),
    "transposed conv": lambda: TransposedConv(_t("1 regular"), _t(MIXED), 4, padding=1, rngs=nnx.Rngs(0)),
    "dense at each pixel": lambda: Dense(_t(MIXED), _t("3 trivial"), rngs=nnx.Rngs(0)),
    "locally connected": lambda: LocallyConnected(_t("1 trivial"), 3, (6, 6), 3, use_bias=False, rngs=nnx.Rngs(0)),
    "flatten": lambda: Flatten(_t("2 trivial"), (6, 6)),
    "from irreps": lambda: FromIrreps(_t(MIXED)),
    "norm with bias": lambda: NormActivation(_t(MIXED), "softplus"),
    "reshuffle": lambda: Reshuffle(_t(MIXED), (3, 1, 0, 2)),
    "disentangle": lambda: Disentangle(_t("2 regular").restrict("C4")),
    "induced norm pool": lambda: InducedNormPool(_t("1 induced(C4,irrep(1))"), "C4"),
    "frozen already": lambda: freeze(LayerNorm(_t(MIXED))),
}


def _every_layer() -> dict[str, tuple[Callable[[], Layer], Size]]:
    """The common table for D4, without the further options of layers that freezing leaves as they are; and others."""
    changed = ("Convolutions and linear maps", "Layers made of layers")
    rows = [entry for entry in LAYERS if entry.groups != GRID or entry.section in changed]
    rows += [entry for entry in ROWS if entry.name in SAMPLING]
    table = {e.name: (lambda e=e: e.build("D4" if "D4" in e.groups else e.groups[0]), e.even) for e in rows}
    return table | {name: (make, (6, 6)) for name, make in OTHERS.items()}


def _disturb(layer: nnx.Module) -> None:
    """Parameters and statistics as after training: nothing is at a value that hides a mistake."""
    rng = np.random.default_rng(0)
    for leaf in jax.tree.leaves(nnx.state(layer, nnx.Param), is_leaf=lambda v: isinstance(v, nnx.Variable)):
        leaf[...] = leaf[...] + jnp.asarray(0.3 * rng.normal(size=leaf[...].shape), leaf[...].dtype)
    for leaf in jax.tree.leaves(nnx.state(layer, nnx.BatchStat), is_leaf=lambda v: isinstance(v, nnx.Variable)):
        leaf[...] = jnp.asarray(rng.uniform(0.5, 2.0, leaf[...].shape), leaf[...].dtype)


def _compare(layer: Layer, size: tuple[int, ...]) -> Frozen:
    """Checks the outputs, both in one compilation; returns the frozen layer with shapes for arrays."""
    graph, state = nnx.split(layer)

    @jax.jit
    def outputs(state, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        merged = nnx.merge(graph, jax.tree.map(lambda leaf: leaf, state))
        before = jax.tree.leaves(nnx.state(merged))
        found = freeze(merged)(x)
        after = jax.tree.leaves(nnx.state(merged))
        assert all(a is b for a, b in zip(before, after, strict=True)), "the original changed"
        return merged(x), found

    expected, found = outputs(state, jax.random.normal(jax.random.key(3), (2, *size, layer.in_type.size)))
    assert found.shape == expected.shape
    assert float(jnp.linalg.norm(found - expected)) <= 2e-6 * float(jnp.linalg.norm(expected))
    return nnx.eval_shape(lambda: freeze(layer))


@pytest.mark.parametrize("name", _every_layer())
def test_every_layer(name: str):
    make, size = _every_layer()[name]
    layer = make()
    _disturb(layer)
    frozen = _compare(layer, size)
    assert (frozen.in_type, frozen.out_type) == (layer.in_type, layer.out_type)
    assert str(frozen.contract) == str(layer.contract)
    assert all(isinstance(v, Weight) for _, v in nnx.iter_graph(frozen) if isinstance(v, nnx.Variable))


def test_the_table_has_every_layer_class():
    import geomdl.layers as layers

    tried = {type(part) for make, _ in _every_layer().values() for _, part in nnx.iter_graph(make())}
    classes = {c for c in vars(layers).values() if isinstance(c, type) and issubclass(c, Layer)} - {Layer}
    assert not classes - tried


def _normed(linear: Layer) -> Sequential:
    layer = Sequential([linear, BatchNorm(linear.out_type)])
    _disturb(layer)
    return layer


@pytest.mark.parametrize("name", [*(n for n in OTHERS if "conv" in n), "dense at each pixel", "locally connected"])
def test_batch_norm_folds_into_every_linear_map(name: str):
    layer = _normed(OTHERS[name]())
    frozen = _compare(layer, (6, 6))
    assert sorted(frozen.weights) == ["layers.0.bias", "layers.0.kernel"]


def test_batch_norm_folds_through_nesting_and_dropout():
    t = _t("2 regular")
    conv = Conv(t, t, 3, padding=1, rngs=nnx.Rngs(0))
    layer = Sequential([Sequential([conv, Dropout(t, 0.5)]), Sequential([BatchNorm(t), Pointwise(t)])])
    _disturb(layer)
    frozen = _compare(layer, (5, 5))
    assert [type(part).__name__ for part in frozen.network.layers] == ["PlainConv", "Pointwise"]  # type: ignore[attr-defined]


def test_batch_norm_after_a_sum_stays():
    t = _t("2 regular")
    block = Residual(_normed(Conv(t, t, 3, padding=1, rngs=nnx.Rngs(0))))
    layer = Sequential([block, BatchNorm(t), Pointwise(t)])
    _disturb(layer)
    frozen = _compare(layer, (5, 5))
    assert isinstance(frozen.network.layers[1], Affine)  # type: ignore[attr-defined]
    assert len(frozen.weights) == 4


def test_two_batch_norms_and_nothing():
    t = _t(MIXED)
    layer = Sequential([_normed(Conv(t, t, 3, padding=1, rngs=nnx.Rngs(0))), BatchNorm(t)])
    _disturb(layer)
    _compare(layer, (5, 5))
    nothing = Sequential([Dropout(t, 0.5)])
    _compare(nothing, (5, 5))


def test_layers_within_layers():
    t, u = _t("2 regular"), _t("1 trivial")
    inner = [_normed(Conv(t, t, 3, padding=1, rngs=nnx.Rngs(0))), LayerNorm(t), InstanceNorm(t), GroupNorm(t, 1)]
    layer = Branch([Parallel([FieldNorm(t), BatchNorm(u)]), Parallel([Sequential(inner), Pointwise(u)])])
    _disturb(layer)
    _compare(layer, (6, 6))


def test_a_frozen_network_keeps_its_promise_and_does_not_train():
    image, field = _t("2 trivial"), _t("1 regular")
    conv = Conv(image, field, 3, padding="same", rngs=nnx.Rngs(0))
    frozen = freeze(Sequential([conv, BatchNorm(field), Pool(field, 2), GroupPool(field)]))
    assert check_contract(frozen, jax.random.key(0), size=(6, 6), max_shifts=2).passed
    with pytest.raises(ValueError, match="only evaluates"):
        frozen(jnp.ones((1, 6, 6, 2)), train=True)


def test_double_precision():
    with jax.enable_x64(True):
        layer = _normed(Conv(_t("1 trivial", "C8"), _t("2 regular", "C8"), 5, rngs=nnx.Rngs(0)))
        x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 7, 7, 1)))
        y = jax.jit(freeze(layer))(x)
        assert y.dtype == jnp.float64
        np.testing.assert_allclose(y, jax.jit(layer)(x), rtol=1e-5, atol=1e-5)


def test_auto_stays_what_it_takes_for_images_of_a_size():
    image, wide, narrow = (_t(fields, "C8") for fields in ("1 trivial", "24 regular", "1 regular"))
    layers = [
        Conv(image, narrow, 3, padding=1, method="auto", rngs=nnx.Rngs(0)),
        Conv(narrow, wide, 3, padding=1, method="factored", rngs=nnx.Rngs(0)),
        Conv(wide, wide, 5, padding=2, method="auto", rngs=nnx.Rngs(0)),
        Conv(wide, narrow, 3, padding=1, method="dense", rngs=nnx.Rngs(0)),
    ]
    model = Sequential(layers)
    frozen = freeze(model, (13, 13))
    assert [layer.algorithm.name for layer in frozen.network.layers] == ["dense", "factored", "factored", "dense"]
    assert [layer.algorithm.name for layer in freeze(model).network.layers][2] == "dense"
    assert [layer.method for layer in layers] == ["auto", "factored", "auto", "dense"]
    x = jax.random.normal(jax.random.key(0), (2, 13, 13, 1))
    np.testing.assert_allclose(jax.jit(frozen)(x), jax.jit(model)(x), atol=1e-4, rtol=1e-4)
