"""Joining layers, rearranging channels, restriction in the middle of a network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import act
from geomdl.equivariance import check_contract, compose
from geomdl.groups import Subgroup
from geomdl.layers import (
    BatchNorm,
    Branch,
    Conv,
    Disentangle,
    Dropout,
    FourierPointwise,
    FromIrreps,
    GlobalPool,
    GroupPool,
    Identity,
    Mask,
    NormActivation,
    NormPool,
    Parallel,
    Pointwise,
    Pool,
    Reshuffle,
    Residual,
    Restrict,
    Sequential,
    ToIrreps,
    Upsample,
)
from geomdl.representations import FieldType

RNG = np.random.default_rng(5)
T = FieldType("C4", "2 trivial + 1 regular + 1 irrep(1)")


def _x(*shape: int) -> jax.Array:
    return jnp.asarray(RNG.normal(size=shape), jnp.float32)


def test_branches_are_put_side_by_side():
    x = _x(3, T.size)
    layer = Branch([NormPool(T), Identity(T), NormActivation(T, "squash")])
    assert layer.out_type == NormPool(T).out_type + T + T
    expected = np.concatenate([jax.jit(NormPool(T))(x), x, jax.jit(NormActivation(T, "squash"))(x)], -1)
    assert np.allclose(jax.jit(layer)(x), expected)


def test_parallel_layers_take_their_parts():
    scalars, vectors = FieldType("C4", "2 trivial"), FieldType("C4", "3 irrep(1)")
    layer = Parallel([Pointwise(scalars, "relu"), NormActivation(vectors, "squash")])
    x = _x(3, 8)
    x, y = np.asarray(x), np.asarray(jax.jit(layer)(x))
    assert np.allclose(y[:, :2], np.maximum(x[:, :2], 0))
    assert np.allclose(y[:, 2:], jax.jit(NormActivation(vectors, "squash"))(x[:, 2:]))


def test_residual_adds():
    x = _x(2, 5, 5, T.size)
    added = np.asarray(x) + jax.jit(NormActivation(T, "squash"))(x)
    assert np.allclose(jax.jit(Residual(NormActivation(T, "squash")))(x), added)
    small = FieldType("C4", "1 regular")
    body, shortcut = Conv(T_REGULAR, small, 3, rngs=nnx.Rngs(0)), Conv(T_REGULAR, small, 3, rngs=nnx.Rngs(1))
    x = _x(1, 5, 5, T_REGULAR.size)
    layer = Residual(body, shortcut)
    assert np.allclose(jax.jit(layer)(x), np.asarray(jax.jit(body)(x)) + jax.jit(shortcut)(x), atol=1e-6)
    assert layer.multiply_adds((5, 5)) == body.multiply_adds((5, 5)) + shortcut.multiply_adds((5, 5))


T_REGULAR = FieldType("C4", "2 trivial + 1 regular")


def test_children_draw_their_own_random_numbers():
    layer = Branch([Dropout(T, 0.5, whole_fields=False), Dropout(T, 0.5, whole_fields=False)])
    y = layer(jnp.ones((50, T.size)), train=True, key=jax.random.key(0))
    assert not np.array_equal(y[:, : T.size], y[:, T.size :])
    assert layer.contract.random_in_training


def test_statistics_of_children_are_updated():
    t = FieldType("C4", "2 regular")
    layer = Residual(BatchNorm(t))
    graph, state = nnx.split(layer)

    @jax.jit
    def step(state, x):
        merged = nnx.merge(graph, state)
        y = merged(x, train=True)
        return y, nnx.state(merged)

    _, state = step(state, 3 + _x(4, 8))
    nnx.update(layer, state)
    assert bool((layer.body.mean[...] > 0.2).all())


def test_promises_of_joined_layers():
    t = FieldType("C4", "1 regular")
    halves = Branch([Pool(t, 2, remainder="drop"), Pool(t, 2, reduce="mean", remainder="drop")])
    assert (halves.contract.step, halves.contract.stride) == (2, 2)
    assert halves.contract.points.at((6, 6)) == "exact"
    assert halves.contract.points.at((7, 7)) == "none"
    with pytest.raises(ValueError, match="one stride"):
        _ = Branch([Pool(t, 2), Identity(t)]).contract
    there_and_back = Sequential([Pool(t, 2), Upsample(t, 2, method="nearest")])
    assert (there_and_back.contract.step, there_and_back.contract.stride) == (2, 1)
    back_and_there = Sequential([Upsample(t, 2, method="nearest"), Pool(t, 2)])
    assert (back_and_there.contract.step, back_and_there.contract.stride) == (1, 1)
    for layer in (halves, there_and_back, back_and_there, Residual(there_and_back)):
        report = check_contract(layer, jax.random.key(0), size=(4, 4))
        assert report.passed, str(report)
        assert {row.symmetry for row in report.promised} >= {"points", "shifts"}


def test_reshuffling_and_irreps_keep_the_numbers():
    x = _x(3, T.size)
    there = Reshuffle(T, [2, 0, 1])
    back = Reshuffle(there.out_type, [1, 2, 0])
    assert back.out_type == T
    assert np.array_equal(back(there(x)), x)
    for t in (T, FieldType("D4", "2 regular + 1 quotient(C2)"), FieldType("D3", "1 tensor(irrep(1,1),irrep(1,1))")):
        x = _x(3, t.size)
        spectrum = ToIrreps(t)(x)
        assert all(b.representation.is_irreducible for b in ToIrreps(t).out_type.blocks)
        assert np.allclose(FromIrreps(t)(spectrum), x, atol=1e-5)
        assert np.isclose(jnp.linalg.norm(spectrum), jnp.linalg.norm(x))
        assert FromIrreps(t).multiply_adds((2, 3)) == ToIrreps(t).multiply_adds((2, 3))


def test_restriction_keeps_the_numbers():
    t = FieldType("D8", "1 trivial + 2 regular")
    x = _x(2, t.size)
    plain, sorted_ = Restrict(t, "C8", disentangle=False), Restrict(t, "C8")
    assert np.array_equal(plain(x), x)
    assert plain.out_type == t.restrict("C8")
    assert sorted_.out_type == FieldType("C8", "1 trivial + 4 regular")
    assert np.array_equal(sorted_(x), Disentangle(plain.out_type)(x))


@pytest.mark.parametrize(("group", "subgroup"), [("D4", "C4"), ("D4", "D2"), ("C4", "C2"), ("D4", "C1"), ("D2", "D1")])
def test_a_network_restricted_in_the_middle(group, subgroup):
    """Equivariant under G before, under H after; the promise of the whole is about H, and is not kept by G."""
    image, wide = FieldType(group, "1 trivial"), FieldType(group, "1 regular")
    restrict = Restrict(wide, subgroup)
    narrow = FieldType(subgroup, "2 regular")
    layers = [
        Conv(image, wide, 3, padding="same", rngs=nnx.Rngs(0)),
        Pointwise(wide),
        restrict,
        Conv(restrict.out_type, narrow, 3, padding="same", rngs=nnx.Rngs(1)),
        Pointwise(narrow),
        GlobalPool(narrow),
        GroupPool(narrow),
    ]
    model = Sequential(layers)
    contract = model.contract
    assert contract.group == narrow.group
    assert contract.in_type.group == image.group
    report = check_contract(model, jax.random.key(0), size=(6, 6), max_shifts=2)
    assert report.passed, str(report)
    assert len(report.promised) == narrow.group.order
    x, whole = _x(1, 6, 6, 1), image.group
    inside = Subgroup(whole, narrow.group)
    g = next(g for g in whole.elements() if not inside.contains(g))
    y, turned = jax.jit(model)(jnp.concatenate([x, act(g, x, image)]))
    assert float(jnp.linalg.norm(turned - y) / jnp.linalg.norm(y)) > 1e-3


def test_exact_within_composes():
    t = FieldType("O2", "1 band_limited(1)")
    a, b = FourierPointwise(t, samples=8), FourierPointwise(t, samples=12)
    assert str(Sequential([a, b]).contract.exact_group) == "D4"
    assert str(compose([a.contract, Restrict(t, "SO2").contract]).exact_group) == "C8"
    assert compose([NormActivation(t).contract]).exact_within is None


@pytest.mark.parametrize("n", [7, 8])
def test_mask_by_hand(n):
    x = jnp.ones((1, n, n, 1))
    soft, hard = (
        Mask(FieldType("C4", "1 trivial"), 1.0, 1.5)(x)[0, ..., 0],
        Mask(FieldType("C4", "1 trivial"), 1.0, 0)(x),
    )
    for i, j in np.ndindex(n, n):
        r = np.hypot(i - (n - 1) / 2, j - (n - 1) / 2) - ((n - 1) / 2 - 1)
        assert np.isclose(soft[i, j], 1 if r <= 1e-9 else np.exp(-(r**2) / (2 * 1.5**2)), atol=1e-6)
        assert bool(hard[0, i, j, 0]) == (r <= 1e-9)


REFUSED = [
    (lambda: Branch([]), "at least one"),
    (lambda: Branch([Identity(T), Identity(T_REGULAR)]), "take one type"),
    (lambda: Parallel([Identity(T), Identity(FieldType("C2", "1 trivial"))]), "one group"),
    (lambda: Residual(NormPool(T)), "give a shortcut layer"),
    (lambda: Residual(NormPool(T), Identity(T)), "out_type of the shortcut"),
    (
        lambda: Residual(Conv(T_REGULAR, T_REGULAR, 3, rngs=nnx.Rngs(0)))(jnp.ones((1, 5, 5, 6))),
        r"gives \(3, 3\) pixels, its shortcut \(5, 5\)",
    ),
    (
        lambda: Branch([Identity(T_REGULAR), Conv(T_REGULAR, T_REGULAR, 3, rngs=nnx.Rngs(0))])(jnp.ones((1, 5, 5, 6))),
        "different sizes",
    ),
    (lambda: Reshuffle(T, [0, 1]), "a permutation of 0 … 2"),
    (lambda: Restrict(T, "C3"), "a subgroup of C4"),
    (lambda: Mask(T, margin=-1), "≥ 0"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
