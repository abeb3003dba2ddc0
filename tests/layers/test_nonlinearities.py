"""Each nonlinearity against loops in NumPy, and what it refuses."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import tolerance
from geomdl.groups import O2, SO2, C, D
from geomdl.layers import (
    BatchNorm,
    CReLU,
    FourierPointwise,
    Gated,
    GroupPool,
    Maxout,
    NormActivation,
    Pointwise,
    Sequential,
    TensorProduct,
    ToIrreps,
    VectorField,
)
from geomdl.layers.core.maximum import largest, shares_of_largest
from geomdl.layers.nonlinearities.fourier import sampling_matrix
from geomdl.layers.nonlinearities.group_samples import GroupSamples
from geomdl.layers.nonlinearities.norm_and_gated import NORM_ACTIVATIONS
from geomdl.representations import FieldType, clebsch_gordan, fourier_basis, irrep

RNG = np.random.default_rng(0)


def _close(a, b, limit: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=limit, rtol=limit)


def test_norm_activation_by_hand():
    formulas = {
        "relu": lambda n, b: max(n + b, 0),
        "elu": lambda n, b: n + b if n + b > 0 else np.exp(n + b) - 1,
        "sigmoid": lambda n, b: n / (1 + np.exp(-(n + b))),
        "softplus": lambda n, b: np.log1p(np.exp(n + b)),
        "squash": lambda n, b: n**2 / (1 + n**2),
        "tanh": lambda n, b: np.tanh(n + b),
    }
    assert set(formulas) == set(NORM_ACTIVATIONS)
    x = RNG.normal(size=(2, 3, 3, 7))
    bias = np.array([0.3, -0.8, 0.1, -0.2])  # of two scalars, one vector and one regular field
    t = FieldType("C3", "2 trivial + 1 irrep(1) + 1 regular")
    for name, formula in formulas.items():
        layer = NormActivation(t, name)
        if len(layer.bias):
            layer.bias[0][...] = jnp.asarray(bias, jnp.float32)
        expected = np.empty_like(x)
        for index in np.ndindex(x.shape[:3]):
            for b, channels in zip(bias, (slice(0, 1), slice(1, 2), slice(2, 4), slice(4, 7)), strict=True):
                f = x[index][channels]
                n = np.sqrt(sum(v * v for v in f))
                expected[index][channels] = formula(n, b) * f / n
        _close(jax.jit(layer)(jnp.asarray(x, jnp.float32)), expected)


def test_induced_norms_by_hand():
    layer = NormActivation(FieldType("D4", "2 induced(C4,irrep(1))"), "squash", induced_from="C4")
    x = RNG.normal(size=(3, 8))
    parts = x.reshape(3, 4, 2)  # two fields of two cosets
    squares = (parts**2).sum(-1, keepdims=True)
    _close(layer(jnp.asarray(x, jnp.float32)), (parts * np.sqrt(squares) / (1 + squares)).reshape(3, 8))


@pytest.mark.compiled
def test_gradients_at_zero_are_finite():
    for layer in (NormActivation(FieldType("SO2", "1 irrep(1)"), a) for a in NORM_ACTIVATIONS):
        gradient = jax.jit(jax.grad(lambda x, layer=layer: layer(x).sum()))(jnp.zeros((1, 2)))
        assert np.isfinite(gradient).all()


def test_gates_by_hand():
    layer = Gated(FieldType("C8", "1 trivial + 2 irrep(1)"), "sigmoid", "relu")
    x = RNG.normal(size=(4, 2 + 5))
    expected = np.zeros((4, 5))
    for i, (s0, s1, scalar, *vectors) in enumerate(x):
        gates = [1 / (1 + np.exp(-s0)), 1 / (1 + np.exp(-s1))]
        expected[i] = [max(scalar, 0), *(gates[0] * np.array(vectors[:2])), *(gates[1] * np.array(vectors[2:]))]
    _close(layer(jnp.asarray(x, jnp.float32)), expected)
    shared = Gated(FieldType("C8", "1 trivial + 2 irrep(1)"), shared=True)
    assert shared.num_gates == 1
    _close(shared(jnp.asarray(x[:, 1:], jnp.float32))[:, 1:], x[:, 3:] / (1 + np.exp(-x[:, 1:2])))
    assert Gated(FieldType("C8", "3 trivial")).in_type == FieldType("C8", "3 trivial"), "scalars need no gates"


def test_concatenated_by_hand():
    t = FieldType("C4", "2 irrep(1) + 1 irrep(2) + 1 regular")
    layer = CReLU(t, "relu")
    x = RNG.normal(size=(3, t.size))
    expected = []
    for row in x:
        out = []
        for channels in (row[0:2], row[2:4], row[4:5], row[5:9]):
            out += [max(v, 0) for v in channels] + [max(-v, 0) for v in channels]
        expected.append(out)
    _close(layer(jnp.asarray(x, jnp.float32)), expected)
    assert layer.out_type.is_permutation
    assert Pointwise(layer.out_type, "elu").out_type.size == 2 * t.size, "what comes out allows pointwise functions"


@pytest.mark.parametrize("group", [C(5), D(4)], ids=str)
def test_vector_field_by_hand(group):
    layer = VectorField(FieldType(group, "2 regular"))
    order = int(group.order)
    x = RNG.normal(size=(6, 2 * order))
    x[0] = -np.abs(x[0])  # nothing fires
    x[1, :order] = 1.0  # all responses alike: no direction, so zero for rotations
    expected = np.zeros((6, 4))
    for i in range(6):
        for f in range(2):
            responses = x[i, f * order : (f + 1) * order]
            largest = max(responses)
            directions = [
                group.matrix(g)[:, 0] for g, r in zip(group.elements(), responses, strict=True) if r == largest
            ]
            expected[i, 2 * f : 2 * f + 2] = max(largest, 0) * np.mean(directions, 0)
    _close(layer(jnp.asarray(x, jnp.float32)), expected)
    assert np.allclose(expected[:2, :2], 0)


@pytest.mark.parametrize("group", ["C1", "C2", "C5", "C8", "D1", "D4", "D5"])
def test_fourier_on_regular_fields_is_pointwise(group):
    t = FieldType(group, "2 regular")
    _close(sampling_matrix(t.blocks[0].representation, GroupSamples(t.group, t.group)), np.eye(t.size // 2), 1e-12)
    x = jnp.asarray(RNG.normal(size=(3, t.size)), jnp.float32)
    _close(FourierPointwise(t, "elu")(x), Pointwise(t, "elu")(x), 1e-6)


@pytest.mark.parametrize(
    ("group", "subgroup", "count"), [(SO2, "C1", 12), (O2, "C1", 24), (O2, "D1", 12), (SO2, "C2", 6)]
)
def test_fourier_by_hand(group, subgroup, count):
    """Against the basis functions of the group: values at the samples, σ, and least squares back."""
    t = FieldType(group, f"3 band_limited(2,{subgroup})" if subgroup != "C1" else "3 band_limited(2)")
    layer = FourierPointwise(t, "relu", samples=12)
    assert layer.num_samples == (count,), "samples of the same point of G/H are merged"
    size = t.size // 3
    angles = 2 * np.pi * np.arange(12) / 12
    elements = np.array([[f, a] for f in range(2 if group.reflections else 1) for a in angles])
    values = fourier_basis(group, 2, elements, subgroup) / np.sqrt(size)
    x = RNG.normal(size=(4, t.size))
    expected = np.empty_like(x)
    for i in range(4):
        for f in range(3):
            function = values @ x[i, f * size : (f + 1) * size]
            expected[i, f * size : (f + 1) * size] = np.linalg.lstsq(values, np.maximum(function, 0), rcond=None)[0]
    _close(layer(jnp.asarray(x, jnp.float32)), expected)


def test_more_samples_are_nearer_to_equivariance():
    """Between the samples the error falls with their number (Cesa et al. 2022, appendix D); at the samples it is 0."""
    t, errors = FieldType(SO2, "8 band_limited(2)"), []
    x = RNG.normal(size=(16, t.size))
    with jax.enable_x64(True):
        for samples in (6, 12, 24, 48):
            layer = FourierPointwise(t, "elu", samples=samples)
            assert layer.contract.exact_within == C(samples)
            half = t.matrix(np.array([0, np.pi / samples]))
            y, of_turned = layer(jnp.asarray(x)), layer(jnp.asarray(x @ half.T))
            errors.append(float(jnp.linalg.norm(of_turned - y @ half.T) / jnp.linalg.norm(y)))
            whole = t.matrix(np.array([0, 2 * np.pi / samples]))
            assert np.allclose(layer(jnp.asarray(x @ whole.T)), y @ whole.T, atol=1e-12)
    assert errors[0] > 10 * errors[1]
    assert all(a > 2 * b for a, b in itertools.pairwise(errors)), errors
    assert errors[-1] < 1e-3


def test_tensor_product_and_its_irreps_by_hand():
    t = FieldType("O2", "2 irrep(1,1)")
    layer = TensorProduct(t)
    x = RNG.normal(size=(3, 4))
    expected = [[row[f + i] * row[f + j] for f in (0, 2) for i in (0, 1) for j in (0, 1)] for row in x]
    _close(layer(jnp.asarray(x, jnp.float32)), expected)
    parts = ToIrreps(layer.out_type)(layer(jnp.asarray(x, jnp.float32)))
    coefficients = clebsch_gordan(irrep(O2, 1, 1), irrep(O2, 1, 1))
    by_hand = [np.einsum("i,j,ijk->k", row[f : f + 2], row[f : f + 2], coefficients) for row in x for f in (0, 2)]
    start = 0
    for label, width in zip(layer.out_type.blocks[0].representation.labels, (1, 1, 2), strict=True):
        got = np.asarray(parts)[:, 2 * start : 2 * (start + width)].reshape(-1, width)
        _close(got, np.array(by_hand)[:, start : start + width])
        start += width
        assert label in ((0, 0), (1, 0), (1, 2))


REFUSED = [
    (lambda: Pointwise(FieldType("C8", "1 irrep(1)")), "NormActivation, Gated, FourierPointwise"),
    (lambda: Pointwise(FieldType("D4", "1 irrep(1,0)")), "CReLU"),
    (lambda: Pointwise(FieldType("C8", "1 irrep(1)"), "tanh"), "does more"),
    (lambda: CReLU(FieldType("C8", "1 irrep(1)")), "up to signs.*NormActivation"),
    (lambda: CReLU(FieldType("C4", "1 regular"), "rleu"), "did you mean 'relu'"),
    (lambda: VectorField(FieldType("C8", "1 irrep(1)")), "needs regular fields"),
    (lambda: VectorField(FieldType("C2", "1 regular")), "N ≥ 3"),
    (lambda: NormActivation(FieldType("C4", "1 regular"), "squosh"), "did you mean 'squash'"),
    (lambda: NormActivation(FieldType("D4", "1 irrep(1,1)"), induced_from="C4"), "is not induced from C4 ≤ D4"),
    (lambda: NormActivation(FieldType("D4", "1 regular"), induced_from="C3"), "a subgroup of D4"),
    (lambda: Gated(FieldType("C4", "1 regular"), "sigmod"), "did you mean 'sigmoid'"),
    (lambda: FourierPointwise(FieldType("SO2", "1 band_limited(3)"), samples=5), "at least 7"),
    (lambda: FourierPointwise(FieldType("C8", "1 regular"), samples=16), "all elements are samples"),
    (lambda: FourierPointwise(TensorProduct(FieldType("SO2", "1 irrep(1)")).out_type), "at most 1 times"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_pointwise_functions_break_vectors():
    """What the refusals are for: relu of a vector is far from equivariant."""
    rho = irrep(C(8), 1)(np.array([0, 1]))
    x = RNG.normal(size=(50, 2))
    broken = np.maximum(x @ rho.T, 0) - np.maximum(x, 0) @ rho.T
    assert np.linalg.norm(broken) / np.linalg.norm(np.maximum(x, 0)) > 1e4 * tolerance(jnp.float32)


@pytest.mark.compiled
def test_the_gradient_of_the_largest_reaches_one_of_them_whatever_is_rounded() -> None:
    """Compiled without LLVM's optimisations, XLA computes what is compared with its maximum in two ways."""
    in_type = FieldType("C4", "4 regular")
    layer = Sequential([BatchNorm(in_type), Maxout(in_type), GroupPool(Maxout(in_type).out_type)])
    graph, state = nnx.split(layer)
    x = jax.random.normal(jax.random.key(0), (4, 6, 6, in_type.size))

    def total(x):
        return (nnx.merge(graph, jax.tree.map(lambda leaf: leaf, state))(x, train=True) ** 2).sum()

    options = {"xla_backend_optimization_level": 0}
    found = jax.jit(jax.grad(total)).lower(x).compile(options)(x)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, jax.jit(jax.grad(total))(x), atol=1e-4)


@pytest.mark.compiled
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_the_gradient_of_the_largest_is_that_of_jax(axis: int) -> None:
    x = jax.random.randint(jax.random.key(1), (4, 5, 6), -2, 3).astype(jnp.float32)  # many are equal
    weights = jax.random.normal(jax.random.key(2), x.max(axis).shape)
    ours, known = (jax.grad(lambda x, f=f: (f(x) * weights).sum())(x) for f in
                   (lambda x: largest(x, axis), lambda x: x.max(axis)))  # fmt: skip
    np.testing.assert_allclose(ours, known, atol=1e-6)
    np.testing.assert_allclose(shares_of_largest(x * (1 + 1e-7), axis).sum(axis), 1, atol=1e-6)
    np.testing.assert_array_equal(shares_of_largest(jnp.array([-np.inf, np.inf, np.inf])), [0, 0.5, 0.5])
