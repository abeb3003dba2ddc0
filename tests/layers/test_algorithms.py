"""A convolution algorithm that is written here: everything that knows methods knows it once it is registered."""

import math
from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.cli.verbs.autotune import advice
from geomdl.equivariance import Size, check_contract
from geomdl.layers import BatchNorm, Conv, Dense, Sequential, freeze, with_method
from geomdl.layers.convolution.algorithms import Algorithm, Convolution, methods, named, register, unregister
from geomdl.layers.convolution.algorithms.registry import chosen
from geomdl.layers.core.correlation import pad
from geomdl.models import autotune, summarize
from geomdl.representations import FieldType
from geomdl.training import TrainingConfig

IMAGE, FIELDS = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular")
SIZE = (7, 7)


class Im2Col(Algorithm):
    """The windows of the image as rows of a matrix, times the kernel as a matrix."""

    name = "im2col"

    def obstacle(self, convolution: Convolution) -> str | None:
        if convolution.groups > 1:
            return f"there are {convolution.groups} groups of fields"
        return super().obstacle(convolution)

    def multiply_adds(self, convolution: Convolution, size: Size) -> int:
        return named("dense").multiply_adds(convolution, size)

    def apply(self, convolution: Convolution, prepared: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
        window, kernel = convolution.window, prepared["kernel"].astype(x.dtype)
        assert window is not None
        windows = jax.lax.conv_general_dilated_patches(  # [image, row, column, field · tap]
            pad(x, window.pixels_of_padding, window.padding_mode),
            (window.size, window.size),
            (window.stride, window.stride),
            "VALID",
            rhs_dilation=(window.dilation, window.dilation),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        matrix = kernel.transpose(2, 0, 1, 3).reshape(-1, convolution.out_type.size)  # [field · tap, output]
        return jnp.einsum("nhwt,to->nhwo", windows, matrix)


class Cheap(Im2Col):
    """The same, and said to cost next to nothing on large images."""

    name = "cheap"
    overhead = 1000.0

    def expected_cost(self, convolution: Convolution, size: Size) -> float:
        return 100 * math.prod(size)


@pytest.fixture
def im2col() -> Iterator[Algorithm]:
    """The algorithm, registered for the while of a test."""
    yield register(Im2Col())
    unregister("im2col")


def _conv(in_type: FieldType = FIELDS, **options) -> Conv:
    options = {"padding": "same", "padding_mode": "circular", "rngs": nnx.Rngs(0)} | options
    return Conv(in_type, FIELDS, 3, **options)


def _net() -> Sequential:
    return Sequential([_conv(IMAGE), BatchNorm(FIELDS), _conv(), Dense(FIELDS, IMAGE, rngs=nnx.Rngs(0))])


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding_mode": "zeros"}, {"dilation": 2, "padding": 0}])
def test_a_layer_computes_and_trains_with_it(im2col: Algorithm, options: dict):
    x = jax.random.normal(jax.random.key(0), (2, *SIZE, FIELDS.size))

    def outcome(method: str) -> list[jax.Array]:
        structure, state = nnx.split(_conv(method=method, **options))
        gradient = jax.grad(lambda state, x: (nnx.merge(structure, state)(x) ** 2).sum(), (0, 1))
        return jax.tree.leaves(jax.jit(lambda s, x: (nnx.merge(structure, s)(x), gradient(s, x)))(state, x))

    for found, expected in zip(outcome("im2col"), outcome("dense"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)


def test_it_keeps_the_contract_and_is_frozen(im2col: Algorithm):
    layer = _conv(method="im2col")
    assert check_contract(layer, jax.random.key(0), size=(6, 6), max_shifts=2).passed
    net = with_method(_net(), "im2col")
    frozen, x = freeze(net), jax.random.normal(jax.random.key(0), (2, *SIZE, 1))
    kinds = [layer.algorithm.name for layer in frozen.network.layers if hasattr(layer, "algorithm")]
    assert kinds == ["im2col", "im2col", "dense"]
    np.testing.assert_allclose(jax.jit(frozen)(x), jax.jit(net)(x), atol=1e-5)


def test_with_method_summary_and_config_know_it(im2col: Algorithm):
    net = with_method(_net(), "im2col")
    assert [net.layers[i].method for i in (0, 2, 3)] == ["im2col", "im2col", "dense"], "a linear layer has no window"
    rows = {row.path: row for row in summarize(with_method(_net(), {"2": "im2col"}), (*SIZE, 1)).rows}
    assert (rows["0"].method, rows["2"].method) == ("dense", "im2col")
    assert dict(rows["2"].by_method) == {
        name: named(name).multiply_adds(net.layers[2].convolution, SIZE) for name in ("dense", "factored", "im2col")
    }
    assert "if im2col" in summarize(net, (*SIZE, 1)).methods()
    assert TrainingConfig(steps=1, convolutions="0=im2col").convolutions == "0=im2col"


def test_autotune_measures_it(im2col: Algorithm):
    (t,) = autotune(Sequential([_conv(IMAGE, basis="steerable")]), (5, 5, 1), 1, rounds=2)
    assert t.methods == ("dense", "factored", "im2col")
    assert min(map(t.seconds, t.methods)) > 0
    assert t.faster in (*t.methods, None)
    assert advice([t]) in ("auto agrees everywhere", f"--config.training.convolutions=0={t.chosen}")


def test_auto_takes_what_is_expected_to_cost_least():
    layer, large = _conv(), (30, 30)
    register(Cheap())
    try:
        assert [layer.method_for(size) for size in ((1, 1), (1, 2), (1, 3), large)] == [
            "dense",
            "dense",
            "cheap",
            "cheap",
        ]
        assert _conv(groups=2).method_for(large) == "dense", "what cannot compute it is not taken"
        assert Dense(FIELDS, FIELDS, rngs=nnx.Rngs(0)).method_for(large) == "dense"
        frozen = freeze(layer, large).network
        assert (frozen.algorithm.name, layer.multiply_adds(large)) == ("cheap", 900 * 9 * 64)  # type: ignore[attr-defined]
    finally:
        unregister("cheap")
    assert chosen(layer.convolution, large).name == "dense"


def test_errors_list_what_is_registered(im2col: Algorithm):
    with pytest.raises(ValueError, match="unknown method 'im2co'; allowed: auto, dense, factored, fused, im2col; did"):
        _conv(method="im2co")
    with pytest.raises(ValueError, match=r"allowed: auto, dense, factored, fused, im2col, or layers with theirs"):
        TrainingConfig(steps=1, convolutions="im2cool")
    apart = "invalid method 'im2col'; allowed: 'auto', 'dense' or 'factored', for there are 2 groups of .*; try 'dense'"
    with pytest.raises(ValueError, match=apart):
        _conv(groups=2, method="im2col")
    with pytest.raises(ValueError, match="invalid name of an algorithm 'im2col'; allowed: any but auto, dense"):
        register(Im2Col())


def test_it_is_gone_when_it_is_taken_back():
    assert methods() == ("auto", "dense", "factored", "fused")
    with pytest.raises(ValueError, match="unknown method 'im2col'; allowed: auto, dense, factored, fused"):
        _conv(method="im2col")
    with pytest.raises(ValueError, match="unknown method 'im2col'"):
        unregister("im2col")
