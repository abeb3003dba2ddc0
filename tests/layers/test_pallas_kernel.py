"""The factored convolution as one kernel for GPUs: interpreted here, and lowered for a GPU without running it."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.experimental.pallas import mosaic_gpu
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from geomdl.layers import Conv, Dense, Sequential, freeze, with_method
from geomdl.layers.convolution.algorithms.gpu_backend import gpu_backend
from geomdl.layers.convolution.plain import PlainConv
from geomdl.representations import FieldType

CALL = {"triton": "@__gpu$xla.gpu.triton(", "mosaic": "@mosaic_gpu_v2("}[gpu_backend()]
"""A kernel in a program for GPUs."""


def _conv(in_type: str, out_type: str, size: int, group: str = "C8", **options: object) -> Conv:
    types = FieldType(group, in_type), FieldType(group, out_type)
    return Conv(*types, size, rngs=nnx.Rngs(0), **({"basis": "steerable"} | options))  # pyright: ignore[reportArgumentType]


def _outcome(layer: Conv, method: str, x: jax.Array) -> list[jax.Array]:
    """The output, and the gradients of the input and of all weights of some function of it."""

    def loss(state: nnx.State, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        y = nnx.merge(structure, state)(x)
        return (y * jnp.cos(jnp.arange(y.size, dtype=y.dtype).reshape(y.shape))).sum(), y

    structure, state = nnx.split(with_method(layer, method))  # pyright: ignore[reportArgumentType]
    gradients, y = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(state, x)
    return [y, *jax.tree.leaves(gradients)]


def _agree(a: list[jax.Array], b: list[jax.Array], tolerance: float) -> None:
    for left, right in zip(a, b, strict=True):
        assert (left.shape, left.dtype) == (right.shape, right.dtype)
        if left.size:
            assert float(jnp.abs(left - right).max()) <= tolerance * (float(jnp.abs(right).max()) + 1e-3)


@pytest.mark.parametrize(
    ("in_type", "out_type", "group", "size", "options"),
    [
        ("1 regular", "2 regular", "C8", 5, {"padding": "same"}),
        ("1 trivial", "1 regular + 1 irrep(1)", "C4", 3, {"stride": 2, "padding": 1, "remainder": "drop"}),
        ("1 regular + 1 trivial", "1 regular", "D4", 2, {"padding_mode": "circular", "padding": 1}),
        ("2 irrep(0,0) + 1 irrep(1,0)", "1 irrep(1,0)", "O2", 3, {"dilation": 2}),  # one block reaches nothing
        ("2 regular", "1 quotient(D1)", "D2", 3, {"basis": "pixel", "stride": 3, "remainder": "keep"}),
        ("1 regular", "1 trivial", "C3", 1, {}),
    ],
)
def test_it_agrees_with_the_dense_method(in_type: str, out_type: str, group: str, size: int, options: dict):
    layer = _conv(in_type, out_type, size, group, **options)
    x = jax.random.normal(jax.random.key(1), (2, 9, 10, layer.in_type.size))
    _agree(_outcome(layer, "fused", x), _outcome(layer, "dense", x), 3e-5)


def test_more_channels_than_a_block_and_more_tiles_than_a_program():
    layer = _conv("70 irrep(0)", "1 irrep(0) + 66 irrep(1)", 3, "SO2", use_bias=False)
    x = jax.random.normal(jax.random.key(1), (1, 6, 22, 70))
    _agree(_outcome(layer, "fused", x), _outcome(layer, "dense", x), 3e-5)


@pytest.mark.compiled
def test_half_precision_is_multiplied_as_it_is_and_summed_in_float32():
    layer = _conv("1 regular", "1 regular", 3)
    x = jax.random.normal(jax.random.key(1), (1, 8, 8, 8), jnp.bfloat16)
    _agree(_outcome(layer, "fused", x), _outcome(layer, "dense", x), 6e-2)
    (kernel,) = [line for line in _for_gpus(layer, "fused", x).splitlines() if CALL in line]
    arrays = re.findall(r"tensor<((?:\d+x)+)(b?f\d+)>", kernel.rpartition(" : ")[2])
    of_images = {kind for shape, kind in arrays if shape.count("x") > 2}  # Mosaic reads a table of numbers besides
    assert of_images == {"bf16"}


def test_float32_is_not_rounded_to_what_tensor_cores_multiply():
    """The error against float64 is about that of the dense method, also where products are of parts in bfloat16."""
    layer = _conv("4 regular", "1 regular", 3)
    x = jax.random.normal(jax.random.key(1), (1, 6, 6, 32))
    outputs = [_outcome(layer, method, x)[0] for method in ("fused", "dense")]
    structure, state = nnx.split(with_method(layer, "dense"))
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda w: w.astype(np.float64), state)
        exact = np.asarray(jax.jit(lambda state, x: nnx.merge(structure, state)(x))(wide, x.astype(np.float64)))
    fused, dense = (float(np.abs(np.asarray(y, np.float64) - exact).max()) for y in outputs)
    assert fused < 4 * dense


def _for_gpus(layer: Conv, method: str, x: jax.Array | jax.ShapeDtypeStruct, *, gradients: bool = False) -> str:
    """The program for GPUs."""
    structure, state = nnx.split(with_method(layer, method))  # pyright: ignore[reportArgumentType]

    def apply(state: nnx.State, x: jax.Array) -> jax.Array:
        return nnx.merge(structure, state)(x)

    program = jax.grad(lambda *args: (apply(*args) ** 2).sum(), (0, 1)) if gradients else apply
    return jax.jit(program).trace(state, x).lower(lowering_platforms=("cuda",)).as_text()


def test_gpus_never_hold_the_expansion():
    """Forward, both gradients: three kernels, and no array of the size of the columns, as the factored method has."""
    layer, batch = _conv("16 regular", "16 regular", 5, padding="same"), 4
    columns = batch * 40 * 40 * 16 * 88
    largest = {}
    for method in ("fused", "factored"):
        x = jax.ShapeDtypeStruct((batch, 40, 40, layer.in_type.size), jnp.float32)
        text = _for_gpus(layer, method, x, gradients=True)
        shapes = re.findall(r"tensor<((?:\d+x)+)[bf]", text)
        largest[method] = max(math.prod(int(n) for n in shape.split("x") if n) for shape in shapes)
        assert text.count(CALL) == (3 if method == "fused" else 0)
    assert largest["fused"] < columns / 4 < columns <= largest["factored"]


@pytest.mark.compiled
def test_each_device_its_images_in_one_kernel():
    """Without JAX's check of what varies over devices, which Pallas's interpreter does not pass."""
    layer = _conv("1 regular", "1 irrep(1)", 2)
    mesh = Mesh(np.array(jax.devices()[:2]), ("data",))
    x = jax.random.normal(jax.random.key(1), (4, 5, 5, 8))

    def gradients(method: str) -> list[jax.Array]:
        structure, state = nnx.split(with_method(layer, method))  # pyright: ignore[reportArgumentType]

        def mapped(state: nnx.State, x: jax.Array) -> jax.Array:
            return jax.lax.psum((nnx.merge(structure, state)(x) ** 2).sum(), "data")

        whole = jax.shard_map(mapped, mesh=mesh, in_specs=(P(), P("data")), out_specs=P(), check_vma=False)
        return jax.tree.leaves(jax.jit(jax.value_and_grad(whole))(state, x))

    _agree(gradients("fused"), gradients("dense"), 1e-5)


def test_on_cpus_a_checked_map_over_devices_refuses_it_by_name():
    layer = with_method(_conv("1 regular", "1 irrep(1)", 2), "fused")
    mapped = jax.shard_map(
        layer, mesh=Mesh(np.array(jax.devices()[:2]), ("data",)), in_specs=P("data"), out_specs=P("data")
    )
    with pytest.raises(ValueError, match=r"method of Conv 'fused'.*with_method.*check_vma=False"):
        jax.eval_shape(mapped, jnp.ones((4, 5, 5, 8)))


def test_no_images_and_frozen_layers():
    layer = with_method(_conv("1 regular", "1 irrep(1)", 3), "fused")
    assert layer(jnp.zeros((0, 8, 9, 8))).shape == (0, 6, 7, 2)
    x = jax.random.normal(jax.random.key(1), (2, 5, 5, 8))
    frozen = freeze(layer)
    assert isinstance(frozen.network, PlainConv)
    assert frozen.network.algorithm.name == "fused"
    np.testing.assert_allclose(jax.jit(frozen)(x), jax.jit(layer)(x), atol=1e-5)


def test_where_there_is_none_the_nearest_is_taken_or_an_error_names_it():
    t, pixels = FieldType("C8", "4 regular"), FieldType("C4", "2 regular + 1 irrep(1)")
    apart = Conv(t, t, 3, groups=2, rngs=nnx.Rngs(0))
    two_kinds, linear = Conv(pixels, pixels, 3, rngs=nnx.Rngs(0)), Dense(t, t, rngs=nnx.Rngs(0))
    assert [with_method(layer, "fused").method for layer in (apart, two_kinds, linear)] == [
        "factored",
        "dense",
        "factored",
    ]
    with pytest.raises(
        ValueError, match="invalid method 'fused'; allowed: 'auto', 'dense' or 'factored', for there are 2 groups"
    ):
        with_method(Sequential([apart]), {"0": "fused"})
    with pytest.raises(ValueError, match="for linear layers expand nothing"):
        Dense(t, t, method="fused", rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="'dense', for some pairs"):
        Conv(pixels, pixels, 3, method="fused", rngs=nnx.Rngs(0))


@pytest.mark.parametrize("version", ["0.12.0", "1.0.0"])
def test_a_version_with_neither_backend_is_refused_by_name(monkeypatch, version):
    """Without Mosaic's product of matrices, where Triton's backend is no longer supported."""
    numbers = tuple(int(n) for n in version.split("."))
    monkeypatch.setattr(jax, "__version__", version)
    monkeypatch.setattr(jax, "__version_info__", numbers)
    monkeypatch.setattr(mosaic_gpu, "mma", None, raising=False)
    monkeypatch.delattr(mosaic_gpu, "mma")
    with pytest.raises(ValueError, match=f"invalid method 'fused'; .*'auto'.*JAX {version}.*; try 'factored'"):
        _conv("1 regular", "1 regular", 3, method="fused")
    assert _conv("1 regular", "1 regular", 3).method == "auto"
    with pytest.raises(ValueError, match="invalid method 'fused'"):
        with_method(_conv("1 regular", "1 regular", 3), "fused")
