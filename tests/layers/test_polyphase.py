"""Polyphase sampling commutes with every whole shift and every grid symmetry; a plain stride does not."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import (
    BlurPool,
    Conv,
    GlobalPool,
    Hourglass,
    Identity,
    Pointwise,
    Polyphase,
    PolyphaseUpsample,
    Pool,
    Residual,
    Sequential,
    freeze,
)
from geomdl.layers.resampling.polyphase import _weighed
from geomdl.representations import FieldType

AROUND = {"padding": "same", "padding_mode": "circular"}
C1 = FieldType("C1", "2 trivial")


def _conv(t: FieldType, kernel_size: int = 3, seed: int = 0, **options) -> Conv:
    return Conv(t, t, kernel_size, rngs=nnx.Rngs(seed), **AROUND, **options)


def _strided(t: FieldType, stride: int, kernel_size: int = 3) -> Conv:
    return _conv(t, kernel_size, stride=stride, remainder="drop")


def _image(size: tuple[int, int], channels: int, batch: int = 2) -> np.ndarray:
    return np.random.default_rng(sum(size)).normal(size=(batch, *size, channels)).astype(np.float32)


@pytest.mark.parametrize(("stride", "size"), [(2, (6, 8)), (3, (9, 6)), (4, (8, 12))])
@pytest.mark.parametrize("choose", ["norm", "learned"])
def test_every_shift_of_a_period_moves_the_output_by_whole_pixels(stride, size, choose):
    layer = Polyphase(_strided(C1, stride), choose, rngs=nnx.Rngs(1))
    f = jax.jit(lambda x: layer.sample(x))
    x = _image(size, 2)
    y, phase = (np.asarray(v) for v in f(x))
    shifts = [(a, b) for a in range(stride + 1) for b in range(stride)]
    seen = set()
    for shift in shifts:
        moved, new_phase = (np.asarray(v) for v in f(np.roll(x, shift, (1, 2))))
        for image in range(len(x)):
            before, after = (np.array(np.unravel_index(p[image].argmax(), p[image].shape)) for p in (phase, new_phase))
            whole, rest = np.divmod(before + shift, stride)
            assert tuple(rest) == tuple(after)
            np.testing.assert_allclose(moved[image], np.roll(y[image], whole, (0, 1)), atol=1e-5)
            seen.add((image, *after))
    assert len(seen) == 2 * stride**2  # every phase occurred


def test_the_component_of_the_largest_norm_is_sampled():
    x = jnp.asarray(_image((4, 6), 1))
    layer = Polyphase(Pool(FieldType("C1", "1 trivial"), 1, stride=2, remainder="drop"))
    for image, y in zip(x, layer(x), strict=True):
        parts = [image[i::2, j::2] for i in range(2) for j in range(2)]
        np.testing.assert_array_equal(y, max(parts, key=lambda part: np.linalg.norm(part)))


@pytest.mark.parametrize("group", ["D4", "C8", "O2"])
@pytest.mark.parametrize("stride", [2, 3])
def test_turned_components_are_the_components_turned(group, stride):
    """Component (i, j) of the turned image is component (j, S − 1 − i), also at even sizes."""
    t = FieldType(group, "1 trivial + 1 irrep(1,1)" if group != "C8" else "1 trivial + 1 irrep(1)")
    layer = Polyphase(BlurPool(t, 3, stride=stride, remainder="drop", **AROUND))
    report = check_contract(layer, jax.random.key(0), size=(6, 6), max_shifts=3, approximate=False)
    assert report.passed, str(report)
    assert {row.symmetry for row in report.promised} == {"points", "shifts", "up to a shift"}


class _Claims(nnx.Module):
    """A layer that claims another contract."""

    def __init__(self, layer, contract):
        self.layer, self.contract = layer, contract

    def __call__(self, x, *, train: bool = False, key=None):
        return self.layer(x, train=train, key=key)


def test_a_plain_stride_fails_what_polyphase_promises():
    plain = _strided(C1, 2)
    report = check_contract(_Claims(plain, Polyphase(plain).contract), jax.random.key(0), size=(6, 6))
    assert not report.passed
    assert report.worst("up to a shift") > 0.3
    assert report.worst("shifts") < 1e-6, "it does commute with shifts by its stride"
    t = FieldType("C4", "1 regular")
    turned = check_contract(_Claims(_strided(t, 2), Polyphase(_strided(t, 2)).contract), jax.random.key(0), size=(6, 6))
    assert turned.worst("points") > 0.3


def test_polyphase_fails_crops():
    layer = Polyphase(_strided(C1, 2))
    assert layer.contract.cropped.level == "none"
    report = check_contract(
        _Claims(layer, dataclasses.replace(layer.contract, reach=1)), jax.random.key(3), size=(8, 8)
    )
    assert report.worst("cropped") > 0.3
    assert {row.symmetry for row in report.failures} == {"cropped"}


def test_pooling_makes_it_invariant():
    network = Sequential([_conv(C1), Polyphase(_strided(C1, 2)), Polyphase(_strided(C1, 2)), GlobalPool(C1)])
    contract = network.contract
    assert (contract.step, contract.shifts.at((8, 8)), contract.shifts.at((6, 6))) == (1, "exact", "none")
    report = check_contract(network, jax.random.key(0), size=(8, 8), max_shifts=64)
    assert report.passed, str(report)
    assert len([row for row in report.promised if row.symmetry == "shifts"]) == 64
    plain = Sequential([_conv(C1), _strided(C1, 2), _strided(C1, 2), GlobalPool(C1)])
    assert plain.contract.step == 4


@pytest.mark.parametrize(("stride", "size"), [(2, (8, 8)), (3, (6, 6)), (4, (8, 8))])
def test_hourglasses_commute_with_every_shift_and_turn(stride, size):
    t = FieldType("D4", "1 regular")
    up = PolyphaseUpsample(BlurPool(t, 3, stride=1, **AROUND), stride)
    layer = Hourglass(Polyphase(_strided(t, stride)), Pointwise(t), up)
    if stride == 2:
        layer = Hourglass(Polyphase(_strided(t, 2)), Sequential([_conv(t), layer]), up)
    assert layer.contract.step == 1
    report = check_contract(layer, jax.random.key(0), size=size, max_shifts=64, approximate=False)
    assert report.passed, str(report)
    assert len(report.promised) == 8 + math.prod(size)


def test_hourglasses_of_other_layers_are_what_they_are_in_turn():
    t = FieldType("C4", "1 regular")
    layer = Hourglass(Pool(t, 2), Pointwise(t), PolyphaseUpsample(_conv(t)))
    assert layer.contract.step == 2
    assert layer.contract.points.level == "none", "the phase of an even stride has no middle"
    assert check_contract(layer, jax.random.key(0), size=(6, 6), max_shifts=9).passed


def test_pixels_come_back_to_where_they_were():
    x = jnp.asarray(_image((6, 8), 2))
    layer = Polyphase(Pool(C1, 1, stride=2, remainder="drop"))
    y, phase = layer.sample(x)
    z = np.asarray(PolyphaseUpsample(Identity(C1)).place(y, phase))
    kept = z != 0
    assert kept.sum() == x.size // 4
    np.testing.assert_allclose(z[kept], 4 * x[kept], rtol=1e-6)


def test_a_residual_block_sees_one_component():
    shortcut = _strided(C1, 2, 1)
    block = Residual(Sequential([_strided(C1, 2), Pointwise(C1), _conv(C1)]), shortcut)
    report = check_contract(Polyphase(block), jax.random.key(0), size=(6, 6))
    assert report.passed, str(report)
    apart = Residual(Polyphase(_strided(C1, 2)), Polyphase(shortcut)).contract
    assert apart.any_shift.level == "none", "nothing says that both choose alike"


@pytest.mark.compiled
def test_learned_scores_are_trained_and_drawn():
    layer = Polyphase(_strided(C1, 2), "learned", rngs=nnx.Rngs(1))
    graph, params = nnx.split(layer)
    x = jnp.asarray(_image((6, 6), 2, batch=8))

    @jax.jit
    def loss(params, key):
        y, phase = nnx.merge(graph, params).sample(x, train=True, key=key)
        return (y**2).sum(), (y, phase)

    gradient, (y, phase) = jax.grad(loss, has_aux=True)(params, jax.random.key(0))
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient["scores"]))
    np.testing.assert_allclose(np.asarray(phase).reshape(8, 4).max(1), 1, rtol=1e-6)
    chosen = [-np.array(np.unravel_index(p.argmax(), (2, 2))) for p in np.asarray(phase)]
    moved = np.stack([np.roll(image, shift, (0, 1)) for image, shift in zip(x, chosen, strict=True)])
    np.testing.assert_allclose(y, _strided(C1, 2)(jnp.asarray(moved)), atol=1e-5)
    phases = {tuple(np.asarray(loss(params, jax.random.key(k))[1][1][0]).ravel().round()) for k in range(5)}
    assert len(phases) > 1
    with pytest.raises(ValueError, match="pass key="):
        layer(x, train=True)


def test_frozen_it_gives_the_same():
    for layer in (Polyphase(_strided(C1, 2), "learned", rngs=nnx.Rngs(1)), Polyphase(_strided(C1, 2))):
        x = jnp.asarray(_image((6, 6), 2))
        frozen = freeze(Hourglass(layer, Pointwise(C1), PolyphaseUpsample(_conv(C1))))
        expected = jax.jit(Hourglass(layer, Pointwise(C1), PolyphaseUpsample(_conv(C1))))(x)
        np.testing.assert_allclose(jax.jit(frozen)(x), expected, atol=1e-5)
        assert not jax.tree.leaves(nnx.state(frozen, nnx.Param))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Polyphase(_conv(C1)), "stride of the Conv in Polyphase"),
        (lambda: Polyphase(_conv(C1, stride=2)), "remainder of the Conv in Polyphase 'error'.*'drop'"),
        (lambda: Polyphase(Pool(C1, 2)), "an odd extent"),
        (lambda: Polyphase(Conv(C1, C1, 3, stride=2, padding=1, remainder="drop", rngs=nnx.Rngs(0))), "'circular'"),
        (lambda: Polyphase(BlurPool(C1, 3, remainder="drop")), "padding of the BlurPool"),
        (lambda: Polyphase(_strided(C1, 2), "norms"), "choose of Polyphase"),
        (lambda: Polyphase(_strided(C1, 2), "learned"), "rngs"),
        (lambda: Polyphase(_strided(C1, 2), temperature=0.0), "temperature"),
        (lambda: Polyphase(_strided(C1, 2), norm=0), "norm of Polyphase"),
        (
            lambda: Polyphase(BlurPool(FieldType("C8", "1 irrep(1)"), 3, remainder="drop", **AROUND), norm=1),
            "any other",
        ),
        (lambda: Polyphase(_strided(C1, 2))(jnp.ones((1, 6, 7, 2))), "6x7.*2 divides.*6x8"),
        (lambda: PolyphaseUpsample(_conv(C1), 1), "stride of PolyphaseUpsample"),
        (lambda: PolyphaseUpsample(_strided(C1, 2)), "stride of the layer"),
        (lambda: Hourglass(Polyphase(_strided(C1, 2)), Identity(C1), PolyphaseUpsample(_conv(C1), 3)), "that of down"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.compiled
@pytest.mark.parametrize(("stride", "border"), [(2, 1), (4, 0)])
def test_the_drawn_component_has_the_gradients_of_the_sum_over_all(stride: int, border: int):
    x = jax.random.normal(jax.random.key(0), (3, 8, 8, 2))
    phase = jax.nn.one_hot(jnp.array([1, 2, 0]), stride**2).reshape(3, stride, stride)

    def summed(x: jax.Array, phase: jax.Array) -> jax.Array:
        wide = (border, border + stride - 1)
        large = jnp.pad(x, ((0, 0), wide, wide, (0, 0)), mode="wrap")
        side = 8 + 2 * border
        parts = [(i, j, large[:, i : i + side, j : j + side]) for i in range(stride) for j in range(stride)]
        return sum(phase[:, i, j, None, None, None] * part for i, j, part in parts)  # type: ignore[return-value]

    for wanted, found in zip(
        jax.jit(jax.grad(lambda x, p: jnp.sin(summed(x, p)).sum(), (0, 1)))(x, phase),
        jax.jit(jax.grad(lambda x, p: jnp.sin(_weighed(x, p, border)).sum(), (0, 1)))(x, phase),
        strict=True,
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
