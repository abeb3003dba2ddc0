"""Modules of Flax and functions, called as layers of geomdl, and between layers of geomdl."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import Conv, ForeignModule, GlobalPool, Sequential, WithoutContract, freeze
from geomdl.layers.core.data_axis import data_axis
from geomdl.models import summarize
from geomdl.representations import FieldType

IMAGE, FEATURES = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular")
X = np.random.default_rng(0).normal(size=(4, 6, 6, 1)).astype(np.float32)


class Net(nnx.Module):
    """A network as Flax's tutorials write them."""

    def __init__(self, features: int = 36, rate: float = 0.5, *, rngs: nnx.Rngs) -> None:
        self.norm = nnx.BatchNorm(features, momentum=0.5, rngs=rngs)
        self.dense = nnx.Linear(features, 3, rngs=rngs)
        self.blocks = nnx.List([nnx.Dropout(rate, rngs=rngs)])

    def __call__(self, x):
        return self.blocks[0](self.dense(self.norm(x.reshape(len(x), -1))))


class Noisy(Net):
    """One that keeps the streams of random numbers that it was made with."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        super().__init__(rate=0.0, rngs=rngs)
        self.rngs = rngs

    def __call__(self, x, training=False):
        return super().__call__(x) + (jax.random.normal(self.rngs.noise(), (len(x), 3)) if training else 0)


class WithRngs(Net):
    """One that is given them in the call."""

    def __call__(self, x, rngs=None, *, deterministic):
        x = self.dense(self.norm(x.reshape(len(x), -1)))
        return self.blocks[0](x, deterministic=deterministic, rngs=rngs)


@pytest.mark.parametrize("kind", [Net, Noisy, WithRngs])
def test_a_call_is_a_function_of_its_arguments(kind) -> None:
    net = ForeignModule(kind(rngs=nnx.Rngs(0)))
    assert not jax.tree.leaves(nnx.state(net, nnx.RngState))
    before = net(X)

    def trained(key: int) -> tuple[jax.Array, ForeignModule]:
        copy = nnx.clone(net)
        return copy(X, train=True, key=jax.random.key(key)), copy

    (one, after), (same, _), (other, _) = trained(1), trained(1), trained(2)
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1
    np.testing.assert_array_equal(net(X), before)
    np.testing.assert_allclose(after.module.norm.mean[...], X.reshape(4, -1).mean(0) / 2, atol=1e-6)
    assert np.abs(after(X) - before).max() > 0.01
    with pytest.raises(ValueError, match=f"{kind.__name__} draws random numbers in training: pass key"):
        net(X, train=True)


def test_batch_statistics_are_those_of_all_devices() -> None:
    net = ForeignModule(Net(rate=0.0, rngs=nnx.Rngs(0)))
    whole = nnx.clone(net)(X, train=True, key=jax.random.key(0))
    structure, state = nnx.split(net)

    def part(x):
        copy = nnx.merge(structure, jax.tree.map(lambda leaf: leaf, state))
        return copy(x, train=True, key=jax.random.key(0))

    with data_axis("data", 2):
        parts = jax.vmap(part, axis_name="data")(X.reshape(2, 2, 6, 6, 1))
    np.testing.assert_allclose(parts.reshape(4, 3), whole, atol=1e-5)


def test_a_call_that_needs_something_else_is_refused() -> None:
    class TwoInputs(nnx.Module):
        def __call__(self, x, y): ...

    class Named(nnx.Module):
        def __call__(self, x, *, scale): ...

    for kind in (TwoInputs, Named):
        with pytest.raises(ValueError, match=rf"invalid call of {kind.__name__} .*; allowed: \(x\), and whichever"):
            ForeignModule(kind())


def _sequence(*pieces) -> Sequential:
    return Sequential([Conv(IMAGE, FEATURES, 3, padding="same", rngs=nnx.Rngs(0)), *pieces])


def flattened(x):
    return x.reshape(len(x), -1)


@pytest.mark.parametrize(
    ("pieces", "out_type", "size", "named"),
    [
        ([jax.nn.relu], FEATURES, (6, 6), "relu"),
        ([jax.nn.relu, GlobalPool(FEATURES)], FEATURES, (), "relu"),
        ([nnx.avg_pool], FEATURES, None, None),
        ([lambda x: x[:, ::2]], FEATURES, (3, 6), "<lambda>"),
        ([lambda x: x.mean((1, 2))], FEATURES, (), "<lambda>"),
        ([GlobalPool(FEATURES), nnx.Linear(8, 5, rngs=nnx.Rngs(0))], FEATURES.with_fields(["5 trivial"]), (), "Linear"),
        ([GlobalPool(FEATURES), Net(8, rngs=nnx.Rngs(0)), jnp.sin], FEATURES.with_fields(["3 trivial"]), (), "Net"),
    ],
)
def test_a_sequence_of_other_things_promises_nothing(pieces, out_type, size, named) -> None:
    if named is None:
        with pytest.raises(ValueError, match=r"invalid layer avg_pool .*; allowed: a function of fields"):
            _sequence(*pieces)
        return
    net = _sequence(*pieces)
    assert net.out_type == out_type
    assert net.contract.output_size((6, 6)) == size == net(X).shape[1:-1]
    for promise in (net.contract.points, net.contract.shifts, net.contract.fractional, net.contract.any_shift):
        assert promise.level == "none"
    assert f"{named} has no contract" in net.contract.points.why
    assert net.contract.cropped.level == "none"
    report = check_contract(net, 0, size=6)
    assert report.passed
    assert not report.promised
    np.testing.assert_allclose(freeze(net)(X), net(X), atol=1e-6)
    assert "has no contract" in str(summarize(net, (6, 6, 1)))


def test_each_piece_without_contract_is_named() -> None:
    assert "relu has no contract" in str(_sequence(jax.nn.relu, jnp.sin).contract)
    assert "sin has no contract" in str(_sequence(jax.nn.relu, jnp.sin).contract)


def test_what_does_not_fit_between_layers_is_refused() -> None:
    linear = nnx.Linear(8, 3, rngs=nnx.Rngs(0))
    for pieces, message in (
        ([linear, GlobalPool(FEATURES)], "invalid output of Linear '3 channels'; allowed: 8 channels"),
        ([nnx.Linear(7, 3, rngs=nnx.Rngs(0))], "invalid layer Linear .*; it says: "),
        ([3], "invalid layer 1 3; allowed: a layer, a function or a flax.nnx.Module"),
        ([lambda x: "images"], "invalid layer <lambda>"),
        ([lambda x: (x, x)], "invalid output of <lambda>|invalid layer <lambda>"),
    ):
        with pytest.raises(ValueError, match=message):
            _sequence(*pieces)
    with pytest.raises(ValueError, match=r"invalid layers .*; allowed: at least one layer of geomdl"):
        Sequential([jnp.sin, jnp.cos])


def test_a_type_may_be_said() -> None:
    layer = WithoutContract(lambda x: x[..., :4], FEATURES, FieldType("C4", "1 regular"))
    assert layer.out_type == FieldType("C4", "1 regular")
    assert "none" in str(layer.contract.points)
