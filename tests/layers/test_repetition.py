"""Scans over repeated layers: the same network, the same results, a shorter program."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.layers import BatchNorm, Conv, Dropout, Pointwise, Residual, Sequential, StochasticDepth
from geomdl.layers.containers.remat import rematerialised
from geomdl.layers.containers.repetition import scanned
from geomdl.representations import FieldType
from geomdl.training import merge_model, split_model

T = FieldType("C4", "2 regular")


def _net(count: int) -> Sequential:
    rngs = nnx.Rngs(0)
    layers: list = []
    for i in range(count):
        conv = Conv(T, T, 3, padding="same", use_bias=False, rngs=rngs)
        body = Sequential([conv, BatchNorm(T), Dropout(T, 0.2), StochasticDepth(T, 0.7)])
        layers += [Residual(body), Pointwise(T, "relu" if i else "elu")]
    return Sequential(layers)


@pytest.mark.parametrize("remat", [pytest.param(False, marks=pytest.mark.long), True])
def test_a_scan_gives_the_same_loss_gradients_and_statistics(remat: bool) -> None:
    structure, params, rest = split_model(_net(9))
    x = jax.random.normal(jax.random.key(1), (2, 6, 6, T.size))

    def run(on: bool) -> tuple:
        def loss(params: dict, rest: dict) -> tuple:
            model = merge_model(structure, params, rest)
            with scanned(on), rematerialised(remat):
                loss = (model(x, train=True, key=jax.random.key(2)) ** 2).mean()
            return loss, split_model(model)[2]

        gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))
        program = gradient.lower(params, rest).as_text()
        return gradient(params, rest), program

    (with_scan, short), (without, long) = run(True), run(False)
    assert short.count("stablehlo.convolution") < long.count("stablehlo.convolution") / 2, "it is not scanned"
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6), with_scan, without)


def test_few_repetitions_other_layers_and_calls_outside_of_a_trace_are_not_scanned() -> None:
    x = jnp.ones((1, 5, 5, T.size))

    def convolutions(net: Sequential) -> int:
        return jax.jit(lambda x: net(x, train=True, key=jax.random.key(0))).lower(x).as_text().count("convolution(")

    def chain(widths: list[int]) -> Sequential:
        types = [FieldType("C4", f"{n} regular") for n in widths]
        pairs = itertools.pairwise(types)
        return Sequential([Conv(a, b, 3, padding="same", rngs=nnx.Rngs(0)) for a, b in pairs])

    assert convolutions(chain([2] * 6)) == 5
    assert convolutions(chain([2, 3, 2, 3, 2, 3, 2, 3, 2])) == 8, "four repetitions of two layers"
    assert convolutions(chain([2] * 8)) == 1
    assert chain([2] * 8)(x).shape == x.shape
