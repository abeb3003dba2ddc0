"""The factored convolution gives what the dense one gives, from the same weights, in every combination."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jax import export
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from geomdl.equivariance import check_contract
from geomdl.kernels.factored.plan import factored_plan
from geomdl.layers import Conv, Dense, freeze
from geomdl.layers.convolution.algorithms import named
from geomdl.layers.convolution.algorithms.factored_correlation import correlate_with_matrices
from geomdl.layers.convolution.algorithms.mixing_matrices import mixing_matrices
from geomdl.representations import FieldType

FIELDS = {
    "C8": ["2 regular", "1 trivial", "1 trivial + 2 irrep(1)", "1 quotient(C2) + 1 irrep(3)"],
    "C3": ["2 regular", "3 trivial"],
    "D4": ["1 regular + 1 irrep(1,1)", "1 quotient(C2)", "1 irrep(1,0) + 2 regular"],
    "D6": ["1 regular", "1 irrep(1,2) + 1 trivial"],
    "SO2": ["2 irrep(0) + 1 irrep(1)", "1 irrep(1) + 2 irrep(2)"],
    "O2": ["2 irrep(0,0) + 1 irrep(1,1)", "1 irrep(1,0) + 2 irrep(1,1)"],
}
ON_PIXELS = ["2 regular", "1 trivial", "2 trivial + 1 regular", "1 quotient(C2) + 1 regular"]
"""Fields of C4 and D4 whose channels are permuted."""


def _pair(in_type: str, out_type: str, size: int, group: str = "C8", **options: object) -> tuple[Conv, Conv]:
    types = FieldType(group, in_type), FieldType(group, out_type)
    return tuple(
        Conv(*types, size, rngs=nnx.Rngs(0), method=method, **({"basis": "steerable"} | options))
        for method in ("dense", "factored")
    )


def _outcome(layer: Conv, x: jax.Array) -> list[jax.Array]:
    """The output, and the gradients of the input and of all weights of some function of it."""

    def loss(state: nnx.State, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        y = nnx.merge(structure, state)(x)
        return (y * jnp.cos(jnp.arange(y.size, dtype=y.dtype).reshape(y.shape))).sum(), y

    structure, state = nnx.split(layer)
    gradients, y = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(state, x)
    return [y, *jax.tree.leaves(gradients)]


def _agree(a: list[jax.Array], b: list[jax.Array], tolerance: float) -> None:
    assert len(a) == len(b)
    for left, right in zip(a, b, strict=True):
        assert (left.shape, left.dtype) == (right.shape, right.dtype)
        if left.size:
            scale = float(jnp.abs(right).max())
            assert float(jnp.abs(left - right).max()) <= tolerance * (scale + 1e-3)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[tuple[Conv, Conv], jax.Array, float]:
    basis = draw(st.sampled_from(["pixel", "steerable"]))
    group = draw(st.sampled_from(["C4", "D4"] if basis == "pixel" else sorted(FIELDS)))
    types = [draw(st.sampled_from(ON_PIXELS if basis == "pixel" else FIELDS[group])) for _ in range(2)]
    size = draw(st.sampled_from([1, 2, 3, 4, 5])) if group != "SO2" else 3
    window = {
        "basis": basis,
        "stride": draw(st.sampled_from([1, 2, 3])),
        "dilation": draw(st.sampled_from([1, 2])),
        "padding": draw(st.sampled_from([0, 1, 2, "full"])),
        "padding_mode": draw(st.sampled_from(["zeros", "circular", "reflect", "replicate"])),
        "remainder": draw(st.sampled_from(["drop", "keep"])),
    }
    dtype, tolerance = draw(st.sampled_from([("float32", 1e-5), ("bfloat16", 6e-2)]))
    try:
        pair = _pair(*types, size, group, **window)
    except ValueError:  # no kernels of that size
        pair = _pair("2 trivial", "1 trivial", 3, group, **window)  # which both bases have
    batch, side = draw(st.sampled_from([(1, 10), (3, 11)]))
    x = jax.random.normal(jax.random.key(1), (batch, side, side + 1, pair[0].in_type.size), dtype)
    return pair, x, tolerance


@pytest.mark.compiled
@settings(max_examples=2, phases=[Phase.explicit, Phase.generate])  # a failure is not shrunk: each try compiles
@given(_cases())
def test_both_methods_agree_in_values_and_gradients(case: tuple[tuple[Conv, Conv], jax.Array, float]):
    (dense, factored), x, tolerance = case
    _agree(_outcome(factored, x), _outcome(dense, x), tolerance)


@pytest.mark.parametrize(
    ("in_type", "out_type", "group", "size", "options"),
    [
        ("1 trivial", "1 regular + 1 irrep(1)", "C4", 3, {"stride": 2, "padding": 1, "remainder": "drop"}),
        ("1 induced(C2, irrep(1))", "1 regular", "D4", 2, {"padding_mode": "circular", "padding": 1}),
        ("4 regular", "6 regular", "C3", 3, {"groups": 2}),
        ("1 regular", "1 trivial + 2 regular", "C7", 3, {}),  # real irreps: of trivial fields too, and none to pair
        ("1 regular", "1 regular + 1 quotient(C1)", "D8", 3, {}),  # rows of irreps as units, beside pairs
        ("1 regular", "1 regular + 1 trivial", "D7", 2, {}),  # one irrep apart, which the other block has too
        ("1 regular + 1 trivial", "2 regular", "D4", 4, {"basis": "pixel", "padding": 2, "stride": 3}),
        ("2 regular", "2 quotient(D1)", "D2", 3, {"basis": "pixel", "groups": 2}),
        ("1 regular", "1 trivial + 1 regular", "D6", 1, {"basis": "pixel"}),
    ],
)
def test_named_cases_agree_to_rounding(in_type: str, out_type: str, group: str, size: int, options: dict):
    dense, factored = _pair(in_type, out_type, size, group, **options)
    x = jax.random.normal(jax.random.key(1), (2, 9, 9, dense.in_type.size))
    expected = _outcome(dense, x)
    _agree(_outcome(factored, x), expected, 3e-5)
    frozen = freeze(factored)
    np.testing.assert_allclose(jax.jit(frozen)(x), expected[0], atol=1e-4)
    assert frozen.multiply_adds((9, 9)) == factored.multiply_adds((9, 9))


def test_float64_is_exact_in_values_and_every_derivative():
    with jax.enable_x64():
        dense, factored = _pair("1 irrep(1)", "1 irrep(2)", 3, padding=1)
        for layer in (dense, factored):
            nnx.update(layer, jax.tree.map(lambda leaf: leaf.astype(jnp.float64), nnx.state(layer)))
        x, direction = jax.random.normal(jax.random.key(1), (2, 2, 7, 7, dense.in_type.size), jnp.float64)
        _agree(_outcome(factored, x), _outcome(dense, x), 1e-13)
        expected = jax.jit(dense)(direction)
        derivative = jax.jit(lambda x, v: jax.jvp(factored, (x,), (v,))[1])(x, direction)  # linear: the map itself
        np.testing.assert_allclose(derivative, expected, atol=1e-12)
        mapped = jax.jit(jax.vmap(factored))(jnp.stack([x, direction]))
        np.testing.assert_allclose(mapped[1], expected, atol=1e-12)


def test_a_batch_that_parts_do_not_divide():
    _, layer = _pair("1 irrep(1)", "1 irrep(1)", 2)
    weights = [w[...] for w in layer.kernel]
    x = jax.random.normal(jax.random.key(1), (7, 5, 5, 2))

    def total(x: jax.Array, weights: list[jax.Array], at_once: int) -> tuple[jax.Array, jax.Array]:
        matrices = mixing_matrices(layer.spaces, weights)
        y = correlate_with_matrices(x, matrices, layer.convolution, layer.window, images_at_once=at_once)
        return (y**2).sum(), y

    gradient = jax.jit(jax.grad(total, argnums=(0, 1), has_aux=True), static_argnums=2)
    _agree(jax.tree.leaves(gradient(x, weights, 1)), jax.tree.leaves(gradient(x, weights, 7)), 2e-6)


def test_the_batch_is_in_parts_on_cpus_only(monkeypatch: pytest.MonkeyPatch):
    _, layer = _pair("1 irrep(1)", "1 irrep(1)", 2)
    programs = []
    for batch, backend in ((64, "cpu"), (65, "gpu")):  # another batch is traced anew
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        programs.append(str(jax.make_jaxpr(lambda x: layer(x))(jax.ShapeDtypeStruct((batch, 5, 5, 2), jnp.float32))))
    assert [" scan[" in program for program in programs] == [True, False]


def test_a_divided_batch_stays_divided():
    dense, layer = _pair("1 regular", "1 irrep(1)", 2)
    mesh = Mesh(np.array(jax.devices()[:4]), ("data",))
    x = jax.random.normal(jax.random.key(1), (16, 16, 16, 8))
    divided = jax.device_put(x, NamedSharding(mesh, P("data")))
    structure, state = nnx.split(layer)
    state = jax.device_put(state, NamedSharding(mesh, P()))
    program = jax.jit(lambda state, x: nnx.merge(structure, state)(x)).lower(state, divided).compile()
    assert not re.search("all-gather|all-to-all|collective-permute", program.as_text())
    y = program(state, divided)
    assert y.sharding.is_equivalent_to(divided.sharding, 4)
    np.testing.assert_allclose(y, jax.jit(dense)(x), atol=1e-5)


def test_a_batch_of_unknown_size_is_exported():
    _, layer = _pair("1 regular", "1 irrep(1)", 3)
    (batch,) = export.symbolic_shape("batch")
    program = export.export(jax.jit(layer))(jax.ShapeDtypeStruct((batch, 6, 6, 8), jnp.float32))
    x = jax.random.normal(jax.random.key(0), (5, 6, 6, 8))
    np.testing.assert_allclose(program.call(x), jax.jit(layer)(x), atol=1e-5)


def test_calls_without_jit_are_compiled_once(caplog: pytest.LogCaptureFixture):
    _, layer = _pair("1 regular", "1 irrep(1)", 3)
    x = jax.random.normal(jax.random.key(0), (80, 6, 6, 8))
    with jax.log_compiles():
        layer(x)
        assert "Compiling jit(correlate_with_matrices)" in caplog.text
        caplog.clear()
        y = layer(x + 1)
    assert not re.search("Compiling .*(correlate|scan|while)", caplog.text)
    np.testing.assert_allclose(y, jax.jit(layer)(x + 1), atol=1e-5)


@pytest.mark.compiled
def test_each_device_its_images():
    """Values and gradients of the weights under `jax.shard_map`, which checks what varies over devices."""
    dense, layer = _pair("1 regular", "1 irrep(1)", 2)
    mesh = Mesh(np.array(jax.devices()[:4]), ("data",))
    x = jax.random.normal(jax.random.key(1), (8, 5, 5, 8))

    def gradients(layer: Conv) -> list[jax.Array]:
        structure, state = nnx.split(layer)

        def mapped(state: nnx.State, x: jax.Array) -> jax.Array:
            return jax.lax.psum((nnx.merge(structure, state)(x) ** 2).sum(), "data")

        whole = jax.shard_map(mapped, mesh=mesh, in_specs=(P(), P("data")), out_specs=P())
        return jax.tree.leaves(jax.jit(jax.value_and_grad(whole))(state, x))

    _agree(gradients(layer), gradients(dense), 1e-5)


@pytest.mark.parametrize(
    ("in_type", "out_type", "group", "options"),
    [
        ("2 irrep(0,0) + 1 irrep(1,0)", "1 irrep(1,0)", "O2", {}),  # one block reaches nothing
        ("1 regular", "1 regular", "C4", {"stride": 3, "remainder": "keep", "padding_mode": "reflect", "padding": 1}),
        ("1 regular", "1 regular", "D4", {"maximum_offset": 0}),
    ],
)
def test_awkward_cases_agree(in_type: str, out_type: str, group: str, options: dict):
    dense, factored = _pair(in_type, out_type, 2 if "stride" in options else 3, group, **options)
    x = jax.random.normal(jax.random.key(1), (2, 8, 9, dense.in_type.size))
    _agree(_outcome(factored, x), _outcome(dense, x), 3e-5)
    empty = jnp.zeros((0, 8, 9, dense.in_type.size))
    assert jax.jit(factored)(empty).shape == jax.eval_shape(dense, empty).shape


def test_no_images_of_several_groups_of_fields():
    dense, factored = _pair("2 regular", "2 regular", 3, "C3", groups=2)
    none = jnp.zeros((0, 8, 9, 6))
    assert jax.jit(factored)(none).shape == jax.eval_shape(dense, none).shape


def test_the_contract_holds():
    _, layer = _pair("1 regular", "1 regular", 3, "C4", padding="same", padding_mode="circular")
    assert check_contract(layer, jax.random.key(0), size=(6, 6)).passed


def test_it_multiplies_as_often_as_the_formula_says():
    """Products of matrices in the compiled program."""
    dense, factored = _pair("16 regular", "32 regular", 5, padding="same", use_bias=False)
    plan = factored_plan(factored.spaces)
    size = (7, 7)
    assert plan.mixing_multiply_adds((16,), (32,)) == 16 * 32 * 4 * 22 * 2  # three complex irreps, two real ones as one
    assert factored.multiply_adds(size) < dense.multiply_adds(size) / 3
    x = jnp.zeros((1, *size, 128))
    structure, state = nnx.split(factored)
    text = jax.jit(lambda state, x: nnx.merge(structure, state)(x)).lower(state, x).compile().as_text()
    assert sum(_products(text)) == factored.multiply_adds(size)


def test_fields_of_irreps_are_not_transformed():
    """Neighbouring layers between irreps pay for no change of basis: only expansion and mixing are multiplied."""
    _, layer = _pair("2 irrep(0) + 3 irrep(1) + 1 irrep(2)", "4 irrep(1) + 2 irrep(0)", 3, "SO2", use_bias=False)
    plan = factored_plan(layer.spaces)
    assert all(block.selection is not None for block in plan.inputs)
    assert all(selection is not None for group in plan.groups for selection in group.selections)
    structure, state = nnx.split(layer)
    x = jnp.zeros((1, 7, 7, layer.in_type.size))
    text = jax.jit(lambda state, x: nnx.merge(structure, state)(x)).lower(state, x).compile().as_text()
    assert sum(_products(text)) == layer.multiply_adds((7, 7))
    _, regular = _pair("1 regular", "1 regular", 3)
    assert all(block.selection is None for block in factored_plan(regular.spaces).inputs)


def _products(text: str) -> list[int]:
    """Multiply-adds of every matrix product of a compiled program without loops around them."""
    shapes = dict(re.findall(r"%?([\w.-]+) = \w+\[([\d,]*)\]", text))
    found = []
    for out, left, contracted in re.findall(
        r"= \w+\[([\d,]*)\]\S* dot\((?:\w+\[[\d,]*\]\S* )?%?([\w.-]+),.*?lhs_contracting_dims=\{([\d,]*)\}", text
    ):
        lengths = [int(n) for n in shapes[left].split(",")]
        k = np.prod([lengths[int(d)] for d in contracted.split(",")])
        found.append(int(np.prod([int(n) for n in out.split(",") if n]) * k))
    return found


def test_what_has_no_factored_method_is_refused_by_name():
    t = FieldType("C4", "2 regular + 1 irrep(1)")  # pixel kernels between regular fields, steerable ones elsewhere
    with pytest.raises(ValueError, match="invalid method 'factored'; allowed: 'auto' or 'dense', for some pairs of"):
        Conv(t, t, 3, method="factored", rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="allowed: 'auto' or 'dense', for some pairs"):
        Dense(t, t, method="factored", rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="unknown method 'fast'"):
        Dense(t, t, method="fast", rngs=nnx.Rngs(0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="method"):
        Conv(t, t, 3, method="fast", rngs=nnx.Rngs(0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("group", "in_type", "out_type", "size"),
    [("D6", "2 regular", "1 regular + 2 trivial", ()), ("C4 x D1", "1 regular", "2 regular", (2, 3))],
)
def test_dense_layers_agree(group: str, in_type: str, out_type: str, size: tuple[int, ...]):
    types = FieldType(group, in_type), FieldType(group, out_type)
    dense, factored = (Dense(*types, method=method, rngs=nnx.Rngs(0)) for method in ("dense", "factored"))
    x = jax.random.normal(jax.random.key(1), (3, *size, types[0].size))
    _agree(_outcome(factored, x), _outcome(dense, x), 1e-5)
    assert factored.multiply_adds(size) != dense.multiply_adds(size) == np.prod((*size, *(t.size for t in types)))
    assert factored(x[:0]).shape == dense(x[:0]).shape


def test_a_wide_dense_layer_is_factored_by_itself():
    wide = FieldType("C16", "64 regular")
    layer = nnx.eval_shape(lambda: Dense(wide, wide, use_bias=False, rngs=nnx.Rngs(0)))
    assert layer.method_for(()) == "factored"
    structure, state = nnx.split(layer)
    x = jax.ShapeDtypeStruct((1, wide.size), jnp.float32)
    text = jax.jit(lambda state, x: nnx.merge(structure, state)(x)).lower(state, x).compile().as_text()
    of_weights = 32 * 16 * 64**2  # the Fourier transform of the kernel, to eight units [[α, β], [−β, α]]
    assert sum(_products(text)) == layer.multiply_adds(()) + of_weights < wide.size**2 + of_weights


def test_auto_takes_the_factored_method_where_it_pays():
    wide, narrow = FieldType("C8", "96 regular"), FieldType("C8", "1 regular")
    layer = nnx.eval_shape(lambda: Conv(wide, wide, 5, padding=2, rngs=nnx.Rngs(0)))
    assert layer.method_for((7, 7)) == "factored"
    assert layer.multiply_adds((7, 7)) == named("factored").multiply_adds(layer.convolution, (7, 7))
    assert Conv(narrow, narrow, 3, rngs=nnx.Rngs(0)).method_for((7, 7)) == "dense"
