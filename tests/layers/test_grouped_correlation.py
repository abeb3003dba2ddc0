"""Correlations of groups of channels on CPUs: taken apart, they are those of XLA, with their gradients."""

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.layers import correlate
from geomdl.layers.core import correlation

CASES = {  # images, kernel, groups, options
    "depthwise": ((3, 7, 8, 6), (3, 3, 1, 6), 6, {"padding": 1}),
    "depthwise, stride and dilation": (
        (2, 9, 11, 4), (3, 3, 1, 4), 4, {"stride": (2, 3), "padding": (1, 2), "dilation": (2, 1), "remainder": "keep"},
    ),
    "depthwise, even kernel, circular": ((2, 6, 6, 4), (4, 2, 1, 4), 4, {"padding": 1, "padding_mode": "circular"}),
    "depthwise, signals, reflected": ((2, 9, 4), (5, 1, 4), 4, {"padding": "same", "padding_mode": "reflect"}),
    "depthwise, volumes": ((2, 4, 5, 6, 3), (3, 3, 3, 1, 3), 3, {"padding": 1, "padding_mode": "replicate"}),
    "several outputs for each channel": ((2, 7, 7, 4), (3, 3, 1, 12), 4, {"padding": 1}),
    "groups, in two blocks": ((2, 7, 7, 80), (3, 3, 20, 8), 4, {"padding": 1, "stride": 2}),
    "groups, in one block": ((2, 7, 6, 6), (3, 3, 2, 9), 3, {}),
    "groups of volumes": ((2, 5, 5, 5, 4), (3, 3, 3, 2, 6), 2, {"padding": 1}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_apart_they_are_those_of_xla(case, monkeypatch):
    shape, size, groups, options = CASES[case]
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(0))
        x, kernel = jax.random.normal(keys[0], shape, "float64"), jax.random.normal(keys[1], size, "float64")

        def found(least):
            monkeypatch.setattr(correlation, "_LARGE", least)

            def value_and_gradients(x, kernel):
                y, back = jax.vjp(lambda x, kernel: correlate(x, kernel, groups=groups, **options), x, kernel)
                return y, *back(jnp.cos(y))

            return jax.jit(value_and_gradients).lower(x, kernel)

        ours, theirs = found(0), found(np.inf)
        assert f"feature_group_count = {groups} " not in ours.as_text()
        assert f"feature_group_count = {groups} " in theirs.as_text()
        for a, b in zip(ours.compile()(x, kernel), theirs.compile()(x, kernel), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(b).max())


def test_half_precisions_are_summed_in_float32(monkeypatch):
    monkeypatch.setattr(correlation, "_LARGE", 0)
    x, kernel = jnp.ones((1, 24, 24, 2), "bfloat16"), jnp.full((19, 19, 1, 2), 1 / 361, "bfloat16")
    y = correlate(x, kernel, groups=2)
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(y.astype("float32"), float(kernel[0, 0, 0, 0]) * 361, rtol=2**-8)


@pytest.mark.parametrize("groups", [2, 4])
def test_whole_numbers_stay_whole_numbers(groups, monkeypatch):
    monkeypatch.setattr(correlation, "_LARGE", 0)
    x = jnp.arange(4 * 25).reshape(1, 5, 5, 4) % 7
    kernel = jnp.arange(9 * 4 // groups * 4).reshape(3, 3, 4 // groups, 4) % 5
    y = correlate(x, kernel, groups=groups)
    assert y.dtype == jnp.int32
    np.testing.assert_array_equal(y, correlate(x.astype("float32"), kernel.astype("float32"), groups=groups))


@pytest.mark.parametrize("shape", ["n, 32, 32, 16", "64, h, w, 16", "n, h, w, 16"])
@pytest.mark.parametrize("groups", [1, 4, 16])
def test_programs_of_any_size_are_exported(shape, groups):
    kernel = jnp.ones((3, 3, 16 // groups, 16)) / 9
    program = jax.export.export(jax.jit(lambda x: correlate(x, kernel, padding=1, groups=groups)))(
        jax.ShapeDtypeStruct(jax.export.symbolic_shape(shape), "float32")
    )
    x = jnp.ones((64, 32, 32, 16))
    np.testing.assert_allclose(program.call(x), correlate(x, kernel, padding=1, groups=groups), rtol=1e-5)
