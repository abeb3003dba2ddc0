"""NNX modules over e3nn-jax: they commute with O(3), and equal weights give the numbers of e3nn-jax's own layers."""

import copy
import pickle
from functools import cache

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.e3nn import BatchNorm, Gate, Linear, MultiLayerPerceptron, TensorProduct, as_irreps
from geomdl.e3nn.gate import normalized
from geomdl.equivariance import tolerance
from geomdl.layers import NormPool
from geomdl.representations import FieldType

IRREPS = "4x0e + 2x0o + 3x1o + 2x1e + 1x2e"
MIXED = "2x0e + 1x1o + 3x0e + 1x1o"  # kinds in several parts
LAYERS = {
    "linear": lambda: Linear(IRREPS, "3x0e + 1x0o + 2x1o + 2x1e + 2x2e", biases=True, rngs=0),
    "tensor product": lambda: TensorProduct(IRREPS, "1x0e + 1x1o + 1x2e", "2x0e + 1x0o + 2x1o + 1x1e + 1x2o", rngs=0),
    "gate": lambda: Gate(IRREPS),
    "batch norm": lambda: BatchNorm(IRREPS),
}


@cache
def motions() -> tuple[np.ndarray, dict]:
    """The identity, a rotation about an oblique axis and a reflection in an oblique plane; e3nn's own D of degrees."""
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turn = turn * np.linalg.det(turn)
    with jax.enable_x64(True):
        degrees = {str(ir): ir for _, ir in e3nn.Irreps("0e + 0o + 1e + 1o + 2e + 2o")}
        matrices = jax.jit(lambda r: {name: ir.D_from_matrix(r) for name, ir in degrees.items()})
        moved = [{name: np.eye(ir.dim) for name, ir in degrees.items()}, matrices(turn), matrices(-turn)]
    return turn, {name: np.stack([np.asarray(m[name]) for m in moved]) for name in degrees}


def moved_by(irreps: e3nn.Irreps) -> np.ndarray:
    """D of each of the motions, ``[3, dim, dim]``."""
    _, degrees = motions()
    result, start = np.zeros((3, irreps.dim, irreps.dim)), 0
    for ir in (ir for multiplicity, ir in irreps for _ in range(multiplicity)):
        result[:, start : start + ir.dim, start : start + ir.dim] = degrees[str(ir)]
        start += ir.dim
    return result


def drawn(irreps: str | e3nn.Irreps, leading: tuple[int, ...], dtype: str) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(*leading, e3nn.Irreps(irreps).dim)).astype(dtype)


def inputs(layer: nnx.Module) -> tuple[e3nn.Irreps, ...]:
    return (layer.irreps_in1, layer.irreps_in2) if isinstance(layer, TensorProduct) else (layer.irreps_in,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_commute_with_rotations_and_reflections(dtype: str):
    layers = {name: make() for name, make in LAYERS.items()}
    with jax.enable_x64(dtype == "float64"):
        moved = {  # in each motion the same field, moved
            name: [
                (drawn(irreps, (6,), dtype) @ moved_by(irreps).swapaxes(1, 2)).astype(dtype) for irreps in inputs(layer)
            ]
            for name, layer in layers.items()
        }
        found = jax.jit(jax.vmap(lambda fields: {n: layer_call(layers[n], x) for n, x in fields.items()}))(moved)
    for name, values in found.items():
        values = np.asarray(values)
        assert values.dtype == dtype
        expected = values[0] @ moved_by(layers[name].irreps_out).swapaxes(1, 2)
        size = np.linalg.norm(values[0])
        assert np.linalg.norm(values - expected) < tolerance(dtype, 2) * size, name
        assert (np.linalg.norm(values[1:] - values[0], axis=(1, 2)) > 0.1 * size).all(), name


def layer_call(layer: nnx.Module, fields) -> jax.Array:
    return nnx.clone(layer)(*fields).array  # of which statistics go with it


def test_linear_of_equal_weights_is_that_of_linen():
    theirs = e3nn.flax.Linear("3x0e + 2x1o + 1x2e", biases=True)
    x = e3nn.IrrepsArray(MIXED, jnp.asarray(drawn(MIXED, (5,), "float32")))
    variables = jax.jit(theirs.init)(jax.random.key(0), x)
    ours = Linear(MIXED, "3x0e + 2x1o + 1x2e", biases=True, rngs=0)
    assert {k: v.shape for k, v in ours.weights.items()} == {k: v.shape for k, v in variables["params"].items()}
    for name, value in variables["params"].items():
        ours.weights[name][...] = value + jnp.float32(0.5)
    params = {"params": {name: value[...] for name, value in ours.weights.items()}}
    expected, found = jax.jit(lambda p, x: (theirs.apply(p, x), ours(x)))(params, x)
    assert found.irreps == expected.irreps == ours.irreps_out == "3x0e + 2x1o"
    np.testing.assert_allclose(found.array, expected.array, rtol=1e-6, atol=1e-6)


def test_tensor_product_of_equal_weights_is_the_functional_one():
    ours = TensorProduct("2x0e + 3x1o", "1x0e + 1x1o", "2x0e + 1x1o + 2x1e", rngs=0)
    theirs = e3nn.legacy.FunctionalFullyConnectedTensorProduct("2x0e + 3x1o", "1x0e + 1x1o", "2x0e + 1x1o + 2x1e")
    x, y = (e3nn.IrrepsArray(irreps, jnp.asarray(drawn(irreps, (), "float32"))) for irreps in inputs(ours))
    weights = [value[...] for value in ours.weights.values()]
    expected, found = jax.jit(lambda x, y: (theirs.left_right(weights, x, y), ours(x, y)))(x, y)
    np.testing.assert_allclose(found.array, expected.array, rtol=1e-5, atol=1e-6)
    cross = TensorProduct("1o", "1o", "1e", rngs=0)  # the cross product, up to a factor
    a, b = np.array([1.0, 2, 3], np.float32), np.array([0.0, 1, -1], np.float32)
    assert abs(np.linalg.norm(np.cross(cross(a, b).array, np.cross(a, b)))) < 1e-5


def test_gate_is_that_of_e3nn():
    """Of functions of second moment 1, which are those of the gate and, once they are normalised, e3nn's."""
    gate = Gate(IRREPS)
    x = e3nn.IrrepsArray(gate.irreps_in, jnp.asarray(drawn(gate.irreps_in, (3,), "float32")))
    even, odd, factor = (normalized(f) for f in (gate.even, gate.odd, gate.gate))
    theirs = jax.jit(lambda x: (e3nn.gate(x, even, odd, factor, normalize_act=False), gate(x)))
    expected, found = theirs(x)
    np.testing.assert_allclose(found.array, expected.array, rtol=1e-5, atol=1e-6)
    normal = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    assert all(abs(float((np.asarray(f(normal)) ** 2).mean()) - 1) < 0.02 for f in (even, odd, factor))


@pytest.mark.parametrize("masked", [False, True])
def test_batch_norm_is_that_of_linen_in_training_and_evaluation(masked: bool):
    theirs, ours = e3nn.flax.BatchNorm(), BatchNorm("2x0e + 1x0o + 2x1o")
    mask = jnp.array([True, True, False, True]) if masked else None
    x = e3nn.IrrepsArray("2x0e + 1x0o + 2x1o", jnp.asarray(drawn("2x0e + 1x0o + 2x1o", (4,), "float32") * 2 + 1))
    variables = {
        "params": {"weights": jnp.arange(1.0, 6.0), "biases": jnp.array([0.5, -1.0])},
        "batch_stats": {"mean": jnp.zeros(2), "var": jnp.ones(5)},
    }
    ours.scale[...], ours.bias[...] = jnp.arange(1.0, 6.0), jnp.array([0.5, -1.0])

    @jax.jit
    def both(variables, x):
        floats = None if mask is None else mask.astype(jnp.float32)
        trained, kept = theirs.apply(variables, x, mask=floats, mutable="batch_stats")
        evaluated = theirs.apply({**variables, **kept}, x, use_running_average=True, mutable="batch_stats")[0]
        return trained, kept, evaluated

    trained, kept, evaluated = both(variables, x)
    np.testing.assert_allclose(
        nnx.jit(lambda m, x: m(x, mask=mask))(ours, x).array, trained.array, rtol=2e-5, atol=1e-5
    )
    np.testing.assert_allclose(ours.mean[...], kept["batch_stats"]["mean"], rtol=1e-5)
    np.testing.assert_allclose(ours.variance[...], kept["batch_stats"]["var"], rtol=1e-5)
    ours.eval()
    np.testing.assert_allclose(nnx.jit(lambda m, x: m(x))(ours, x).array, evaluated.array, rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(ours.mean[...], kept["batch_stats"]["mean"], rtol=1e-5)


def test_perceptron_of_equal_weights_is_that_of_linen():
    ours = MultiLayerPerceptron((3, 8, 2), bias=True, rngs=0)
    theirs = e3nn.flax.MultiLayerPerceptron((8, 2), jax.nn.silu, output_activation=False, with_bias=True)
    ours.biases[0][...], ours.biases[1][...] = jnp.arange(8.0), jnp.arange(2.0)
    params = {f"Dense_{i}": {"kernel": ours.kernels[i][...], "bias": ours.biases[i][...]} for i in range(2)}
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    expected = jax.jit(theirs.apply)({"params": params}, x)
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-5)


def test_under_vmap_split_and_merge_with_gradients_in_strict_promotion():
    """As in anybody's training step; weights keep their dtype, results have that of the input."""
    layer = Linear("4x0e + 2x1o", Gate("2x0e + 1x1o").irreps_in, rngs=0)
    gate, norm = Gate("2x0e + 1x1o"), BatchNorm("2x0e + 1x1o")
    graph, params, rest = nnx.split((layer, gate, norm), nnx.Param, ...)

    @jax.jit
    def gradient(params, x):
        def loss(params):
            layer, gate, norm = nnx.merge(graph, params, jax.tree.map(jnp.copy, rest))
            y = jax.vmap(lambda row: gate(layer(row)))(x)
            assert y.dtype == x.dtype
            return (norm(y).array ** 2 * y.array).mean()

        return jax.grad(loss)(params)

    for dtype in (jnp.float32, jnp.bfloat16):
        found = gradient(params, jnp.asarray(drawn("4x0e + 2x1o", (6,), "float32"), dtype))
        leaves = jax.tree.leaves(found)
        assert all(leaf.dtype == jnp.float32 for leaf in leaves)
        assert any(bool(jnp.abs(leaf).max() > 0) for leaf in leaves)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_pickled_and_copied(name: str):
    layer = LAYERS[name]()
    for other in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer), nnx.clone(layer)):
        assert nnx.graphdef(other) == nnx.graphdef(layer)
        assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), nnx.state(other), nnx.state(layer)))


def test_statistics_over_an_axis_are_those_of_the_whole_batch():
    x = jnp.asarray(drawn("2x0e + 1x1o", (6,), "float32"))
    whole, parts = BatchNorm("2x0e + 1x1o"), BatchNorm("2x0e + 1x1o", axis_name="parts")
    in_parts = jax.vmap(lambda part: layer_call(parts, [part]), axis_name="parts")
    found, expected = jax.jit(lambda x: (in_parts(x.reshape(3, 2, 5)), layer_call(whole, [x])))(x)
    np.testing.assert_allclose(found.reshape(6, 5), expected, rtol=1e-5, atol=1e-6)


def test_field_types_of_o3_are_irreps_and_fields_of_e3nn_enter_layers():
    field_type = FieldType("O3", "2x0e + 1x1o")
    assert as_irreps(field_type) == e3nn.Irreps("2x0e + 1x1o")
    x = drawn("2x0e + 1x1o", (3,), "float32")
    layer = Linear(field_type, FieldType("O3", "3x1o"), rngs=0)
    np.testing.assert_array_equal(layer(x).array, layer(e3nn.IrrepsArray("2x0e + 1x1o", jnp.asarray(x))).array)
    norm = NormPool(field_type)
    np.testing.assert_array_equal(norm(e3nn.IrrepsArray("2x0e + 1x1o", jnp.asarray(x))), norm(x))
    with pytest.raises(ValueError, match=r"irreps of the input of NormPool '2x0e[+]1x1e'; allowed: 2x0e [+] 1x1o"):
        norm(e3nn.IrrepsArray("2x0e + 1x1e", jnp.asarray(x)))
    with pytest.raises(ValueError, match="irreps of SO3 have no parity"):
        as_irreps(FieldType("SO3", "1 irrep(1)"))


REFUSED = {
    "typo": (lambda: as_irreps("8x0e + 4y1o"), "8x0e [+] 4y1o.*as e3nn writes them"),
    "no parity": (lambda: as_irreps("8x0 + 2x1"), "try 8x0e [+] 2x1o"),
    "comma": (lambda: as_irreps("8x0e, 2x1o"), "try 8x0e [+] 2x1o"),
    "number": (lambda: as_irreps(3), "invalid irreps 3"),
    "parity": (lambda: Linear("4x1o", "2x1e", rngs=0), "4x1o can give: 1o; try 2x1o"),
    "product": (lambda: TensorProduct("4x0e", "1o", "2x2e", rngs=0), "can give: 1o"),
    "order": (lambda: Gate("2x0e + 1o")(e3nn.IrrepsArray("1o + 3x0e", jnp.ones(6))), "only the order differs"),
    "even activation": (lambda: Gate("2x0o", odd=jax.nn.silu), "an odd function"),
    "momentum": (lambda: BatchNorm("0e", momentum=1.5), "from 0 to 1"),
    "width": (lambda: Linear("4x0e", "2x0e", rngs=0)(jnp.ones((3, 5))), "4.*for 4x0e"),
    "other field": (lambda: Linear("4x0e", "2x0e", rngs=0)(e3nn.IrrepsArray("4x0o", jnp.ones(4))), "parities do not"),
    "mask": (lambda: BatchNorm("2x0e")(jnp.ones((3, 2)), mask=jnp.ones(2, bool)), "shape of the mask"),
    "dtypes": (
        lambda: TensorProduct("0e", "0e", "0e", rngs=0)(jnp.ones(1), jnp.ones(1, jnp.bfloat16)),
        "float32, as the first",
    ),
    "integers": (lambda: Linear("4x0e", "2x0e", rngs=0)(np.ones((3, 4), int)), "dtype"),
    "rngs": (lambda: Linear("4x0e", "2x0e", rngs="a"), "rngs"),
    "one width": (lambda: MultiLayerPerceptron((3,), rngs=0), "two or more widths"),
    "odd scalars": (lambda: MultiLayerPerceptron((3, 2), rngs=0)(e3nn.IrrepsArray("3x0o", np.ones(3))), "even scalars"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str):
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call()


def test_irreps_that_nothing_feeds_are_left_out_or_zero():
    assert Linear("4x0e", "2x0e + 1x1o", rngs=0).irreps_out == "2x0e"
    kept = Linear("4x0e", "2x0e + 1x1o", force_irreps_out=True, rngs=0)
    assert kept.irreps_out == "2x0e + 1x1o"
    assert (kept(np.ones((2, 4), np.float32)).array[:, 2:] == 0).all()
