"""Assertions about shifts of signals and volumes: of networks with a contract, and of anybody's function."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.groups import GridTranslations
from geomdl.layers import Conv, GlobalPool, Pointwise, Sequential
from geomdl.representations import FieldType
from geomdl.testing import assert_contract, assert_equivariant, assert_invariant

SIGNALS = FieldType("C1", "2 trivial", space="line")


def convolution(fields: FieldType, padding_mode: str) -> Conv:
    return Conv(fields, fields, 3, padding="same", padding_mode=padding_mode, rngs=nnx.Rngs(0))


@pytest.mark.parametrize(("space", "size"), [("line", (12,)), ("volume", (3, 4, 2))])
def test_networks_are_tried_on_inputs_of_their_base_space(space, size):
    fields = FieldType("C1", "2 trivial", space=space)
    conv = convolution(fields, "circular")
    net = Sequential([conv, Pointwise(fields), GlobalPool(fields)])
    assert len(assert_equivariant(conv, group="shifts", size=size).cases) == np.prod(size)
    assert assert_invariant(net, group="shifts", size=size).passed
    assert assert_contract(net, size=[size, tuple(n + 1 for n in size)]).passed


def test_what_breaks_the_shifts_of_signals_is_said():
    with pytest.raises(AssertionError, match=r"shift \(1\) of 7 signals"):
        assert_equivariant(convolution(SIGNALS, "zeros"), group="shifts", size=[(8,), (7,)])
    with pytest.raises(AssertionError, match="is not equivariant"):
        assert_equivariant(lambda x: x * jnp.arange(9.0)[:, None], group=GridTranslations(9), size=(9,), channels=1)


def test_any_function_of_signals_may_be_measured():
    x = np.random.default_rng(0).normal(size=(2, 9, 1)).astype(np.float32)
    assert assert_equivariant(lambda x: jnp.roll(x, 1, 1) + 2 * x, x, GridTranslations(9)).passed
    with pytest.raises(ValueError, match=r"allowed: signals \[batch, length, channels\]; try x\[None\]"):
        assert_equivariant(lambda x: x, x[0], GridTranslations(9))
    with pytest.raises(ValueError, match=r"images \[batch, height, width, channels\]"):
        assert_invariant(convolution(SIGNALS, "circular"), x, "C4")
    with pytest.raises(ValueError, match="'field' or 'invariant' where inputs are not images"):
        assert_equivariant(lambda x: x[:, 0, :1].repeat(2, -1), x, GridTranslations(9), output="points")
