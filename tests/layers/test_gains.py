"""Gains of nonlinearities, layers that are given them, and signals that get through deep untrained networks."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from geomdl.kernels.initialization import default_gain
from geomdl.layers import (
    Conv,
    CReLU,
    Dense,
    FourierPointwise,
    Gated,
    GlobalPool,
    GroupPool,
    NormActivation,
    Pointwise,
    Sequential,
    TensorProduct,
    TransposedConv,
    gain_of,
    lsuv,
)
from geomdl.representations import FieldType

REGULAR, IRREPS = FieldType("C8", "3 regular"), FieldType("SO2", "2 trivial + 3 irrep(1)")
Z = np.linspace(-12, 12, 240_001)
NORMAL = np.exp(-(Z**2) / 2) / np.sqrt(2 * np.pi) * (Z[1] - Z[0])


def square(function) -> float:
    """E σ(z)² for a normal z, by the trapezoidal rule in float64."""
    return float((function(Z) ** 2 * NORMAL).sum())


def elu(z: np.ndarray) -> np.ndarray:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0)


RADIAL = np.where(Z > 0, Z * np.exp(-(Z**2) / 2), 0) * (Z[1] - Z[0])
"""The density of the norm of two independent normal numbers."""
GATE = square(lambda z: sigmoid(np.sqrt(0.03) * z))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Pointwise(REGULAR, "relu"), [1 / square(relu)]),
        (Pointwise(REGULAR, "elu"), [1 / square(elu)]),
        (Pointwise(REGULAR, "tanh"), [1 / square(np.tanh)]),
        (CReLU(FieldType("C2", "4 irrep(1)")), [2.0]),
        (NormActivation(IRREPS), [1.0, 1.0]),
        (NormActivation(IRREPS, "tanh"), [1 / square(np.tanh), 2 / float((np.tanh(Z) ** 2 * RADIAL).sum())]),
        (Gated(IRREPS), [0.03, 2.0, 1 / GATE]),
        (FourierPointwise(REGULAR), [2.0]),
        (TensorProduct(FieldType("C4", "1 trivial")), [1 / 3]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_gains_are_those_of_the_integrals(layer, expected):
    np.testing.assert_allclose(gain_of(layer), expected, rtol=0.02)


def test_the_gain_of_a_relu_is_exact():
    assert gain_of(Pointwise(REGULAR)) == (2.0,)


def test_what_gives_nothing_has_no_gain(monkeypatch):
    monkeypatch.setattr(Pointwise, "apply", lambda self, x: 0 * x)
    with pytest.raises(ValueError, match=r"Pointwise gives outputs of mean square 0.0"):
        gain_of(Pointwise(REGULAR))


def test_without_a_gain_it_depends_on_what_can_follow():
    assert default_gain(REGULAR) == default_gain(FieldType("D4", "2 trivial + 1 quotient(C2)")) == 2
    assert default_gain(FieldType("O2", "2 band_limited(2)")) == 2  # for FourierPointwise
    assert default_gain(IRREPS) == default_gain(FieldType("C8", "2 regular + 1 irrep(1)")) == 1


def moments(layer, size) -> list[float]:
    """The mean square of each block of the output, for white inputs."""
    shape = (256 // max(1, size), *((size, size) if size else ()), layer.in_type.size)
    y = jax.jit(layer)(jax.random.normal(jax.random.key(1), shape))
    return [float((y[..., b.channels] ** 2).mean()) for b in layer.out_type.blocks]


def test_layers_have_the_gains_that_they_are_given():
    t, gains = FieldType("C8", "12 trivial + 12 regular + 12 irrep(1)"), (1.0, 3.0, 0.25)
    options = {"padding": "same", "padding_mode": "circular", "rngs": nnx.Rngs(0)}
    np.testing.assert_allclose(moments(Conv(t, t, 3, gain=gains, **options), 8), gains, rtol=0.3)
    many = FieldType("C8", "64 regular")
    for options_ in ({"groups": 64}, {"groups": 8, "stride": 2, "remainder": "drop"}):
        np.testing.assert_allclose(moments(Conv(many, many, 3, gain=3.0, **options_, **options), 8), 3, rtol=0.3)
    np.testing.assert_allclose(moments(Dense(t, t, gain=gains, rngs=nnx.Rngs(0)), 0), gains, rtol=0.3)
    np.testing.assert_allclose(moments(Conv(t, t, 3, gain=0.5, init="delta_orthogonal", **options), 8), 0.5, rtol=0.1)
    wide = FieldType("C4", "16 regular")
    for basis, stride in (("auto", 2), ("steerable", 2), ("auto", 3)):
        up = TransposedConv(wide, wide, 2 * stride, stride=stride, basis=basis, gain=1.0, rngs=nnx.Rngs(0))
        inside = jax.jit(up)(jax.random.normal(jax.random.key(1), (4, 9, 9, wide.size)))[:, 6:-6, 6:-6]
        np.testing.assert_allclose((inside**2).mean(), 1, rtol=0.2)


@pytest.mark.parametrize("gain", [0, -1.0, (1.0, 2.0), "relu", float("inf")])
def test_gains_that_are_none_are_refused(gain):
    with pytest.raises(ValueError, match=r"invalid gain .* allowed: a positive number.*gain_of"):
        Conv(REGULAR, REGULAR, 3, gain=gain, rngs=nnx.Rngs(0))


CHAINS = [
    ("C8", "32 regular", 3, lambda t: Pointwise(t)),
    pytest.param("C8", "32 regular", 5, lambda t: Pointwise(t), marks=pytest.mark.long),
    pytest.param("C8", "24 regular", 7, lambda t: Pointwise(t, "elu"), marks=pytest.mark.long),
    pytest.param("D8", "24 regular", 3, lambda t: Pointwise(t, "tanh"), marks=pytest.mark.long),
    pytest.param("C16", "32 regular", 5, lambda t: Pointwise(t), marks=pytest.mark.long),
    ("SO2", "24 trivial + 24 irrep(1)", 5, NormActivation),
    pytest.param("SO2", "24 trivial + 24 irrep(1) + 24 irrep(2)", 7, NormActivation, marks=pytest.mark.long),
    pytest.param("SO2", "24 trivial + 24 irrep(1)", 5, Gated, marks=pytest.mark.long),
    pytest.param("O2", "24 trivial + 24 irrep(1,0) + 24 irrep(1,1)", 5, NormActivation, marks=pytest.mark.long),
    pytest.param("O2", "16 trivial + 16 irrep(1,1)", 5, Gated, marks=pytest.mark.long),
    pytest.param("C8", "24 trivial + 24 regular + 24 irrep(1)", 5, NormActivation, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("group", "fields", "size", "make"), CHAINS)
def test_signals_get_through_twenty_layers(group, fields, size, make):
    """White and constant images: last over first mean square, geometric mean of seeds that are not picked."""
    nonlinearity, depth, seeds = make(FieldType(group, fields)), 20, 5
    gains, found = gain_of(nonlinearity), []
    for seed in range(seeds):
        rngs = nnx.Rngs(seed)
        x = np.random.default_rng(seed).normal(size=(2, 7, 7, nonlinearity.out_type.size))
        x[1] = 7 * x[1].mean((0, 1))
        x, squares = jnp.asarray(x, jnp.float32), []
        for _ in range(depth):
            conv = Conv(
                nonlinearity.out_type,
                nonlinearity.in_type,
                size,
                padding="same",
                padding_mode="circular",
                gain=gains,
                rngs=rngs,
            )
            y, x = _both(nnx.graphdef(conv), nnx.state(conv), *nnx.split(nonlinearity), x)
            squares.append(np.asarray((y**2).mean((1, 2, 3))))
        found.append(np.log(squares[-1] / squares[0]))
    ratios = np.exp(np.mean(found, 0))
    assert np.all((ratios > 0.25) & (ratios < 4)), ratios


@jax.jit(static_argnums=(0, 2))
def _both(structure, state, behind, rest, x):
    y = nnx.merge(structure, state)(x)
    return y, nnx.merge(behind, rest)(y)


def test_lsuv_brings_each_layer_to_the_mean_square_asked_for():
    image, t = FieldType("C4", "2 trivial"), FieldType("C4", "2 regular")
    layers = []
    for n, into in enumerate((image, t, t)):
        layers += [Conv(into, t, 3, gain=50.0, rngs=nnx.Rngs(n)), Pointwise(t, "tanh")]
    model = Sequential([*layers, GlobalPool(t), Dense(t, FieldType("C4", "3 trivial"), rngs=nnx.Rngs(9))])
    x = jax.random.normal(jax.random.key(0), (16, 9, 9, 2))
    before = model(x)
    scaled = lsuv(model, x, mean_square=0.5)
    np.testing.assert_array_equal(model(x), before)  # it is a copy that is scaled
    for layer in scaled.layers:
        x = layer(x)
        if isinstance(layer, Conv | Dense):
            assert type(layer) in (Conv, Dense)
            np.testing.assert_allclose((x**2).mean(), 0.5, rtol=1e-4)


def test_lsuv_refuses_what_it_cannot_scale():
    t = FieldType("C4", "1 trivial")
    model = Sequential([Conv(t, t, 3, rngs=nnx.Rngs(0))])
    with pytest.raises(ValueError, match=r"outputs of Conv .* mean square 0.0 on these images"):
        lsuv(model, jnp.zeros((1, 5, 5, 1)))
    with pytest.raises(ValueError, match="invalid mean_square 0"):
        lsuv(model, jnp.ones((1, 5, 5, 1)), mean_square=0)


@pytest.mark.long
@pytest.mark.compiled
def test_ten_steerable_layers_without_normalisation_learn_digits():
    """A plain network of C8 as deep as VGG-11, without batch norm, and with few fields."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = (
        jnp.asarray(digits.images[:512, ..., None] / 8 - 0.6, jnp.float32),
        jnp.asarray(digits.target[:512]),
    )
    image, t, rngs = FieldType("C8", "1 trivial"), FieldType("C8", "8 regular"), nnx.Rngs(0)
    layers = []
    for number in range(10):
        layers += [Conv(t if number else image, t, 3, padding="same", rngs=rngs), Pointwise(t)]
    pooled = Sequential([*layers, GlobalPool(t), GroupPool(t)])
    head = Dense(pooled.out_type, FieldType("C8", "10 trivial"), gain=1.0, rngs=rngs)
    structure, params, rest = nnx.split(Sequential([*layers, GlobalPool(t), GroupPool(t), head]), nnx.Param, ...)
    optimizer = optax.adam(2e-3)

    def loss(params, x, y):
        return optax.softmax_cross_entropy_with_integer_labels(nnx.merge(structure, params, rest)(x), y).mean()

    @jax.jit
    def step(params, state, x, y):
        value, gradient = jax.value_and_grad(loss)(params, x, y)
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, value

    state, losses = optimizer.init(params), []
    with jax.numpy_dtype_promotion("standard"):  # for optax
        for number in range(96):
            chosen = slice(64 * (number % 8), 64 * (number % 8) + 64)
            params, state, value = step(params, state, images[chosen], labels[chosen])
            losses.append(float(value))
    assert losses[0] < 4  # ln 10 = 2.3: no logit is far off at the start
    assert np.mean(losses[-8:]) < 1.2
