"""Auxiliary heads: what they give, promise and cost, and how their losses train what lies before them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.layers import (
    AuxiliaryOutputs,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    GlobalPool,
    GroupPool,
    Pointwise,
    Pool,
    Sequential,
    WithAuxiliary,
    freeze,
)
from geomdl.layers.containers.remat import rematerialised
from geomdl.models import count_parameters, summarize
from geomdl.representations import FieldType
from geomdl.tasks import Classification, ClassificationConfig, Segmentation, SegmentationConfig
from geomdl.training import Compute, Momentum, ParallelConfig, Strategy, initial_state, make_train_step, split_model

IMAGE, SCORES = FieldType("C4", "1 trivial"), FieldType("C4", "3 trivial")
FIELDS = FieldType("C4", "2 regular")
INVARIANT = GroupPool(FIELDS).out_type


def _scored(rngs: nnx.Rngs, *first: Conv | Dropout | Pool) -> Sequential:
    pooled = [GlobalPool(FIELDS), GroupPool(FIELDS), Dense(INVARIANT, SCORES, rngs=rngs)]
    return Sequential([*first, *pooled])


def _net(*, dropout: float = 0.0, head: tuple = ()) -> WithAuxiliary:
    rngs = nnx.Rngs(0)
    first = Sequential([Conv(IMAGE, FIELDS, 3, rngs=rngs), BatchNorm(FIELDS), Pointwise(FIELDS, "relu")])
    second = Sequential([Conv(FIELDS, FIELDS, 3, rngs=rngs), Pointwise(FIELDS, "relu")])
    drop = (Dropout(FIELDS, dropout),) if dropout else ()
    return WithAuxiliary([first, second, _scored(rngs)], {0: _scored(rngs, *drop, *head), 1: _scored(rngs)})


def _images(count: int = 4, size: int = 9) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).normal(size=(count, size, size, 1)), jnp.float32)


def test_heads_are_applied_in_training_alone():
    net, x = _net(), _images()
    y = jax.jit(lambda net, x: net(x))(net, x)
    assert y.shape == (4, 3)
    a, b, c = (stage for stage in net.stages)
    by_hand = jax.jit(lambda x: c(b(a(x))))(x)
    assert np.array_equal(y, by_hand)
    trained = jax.jit(lambda net, x: net(x, train=True))(net, x)
    assert isinstance(trained, AuxiliaryOutputs)
    hidden = jax.jit(lambda a, x: a(x, train=True))(_net().stages[0], x)
    expected = [f(hidden) for f in (lambda z: c(b(z)), net.heads[0], lambda z: net.heads[1](b(z)))]
    for found, wanted in zip((trained.main, *trained.auxiliary), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_the_contract_is_that_of_the_stages_under_the_conditions_of_the_heads():
    net = _net()
    assert net.contract.points.at((9, 9)) == "exact"
    assert net.contract.points.at((9, 10)) == "none"
    assert net.contract.output_size((9, 9)) == ()
    assert not net.contract.has_base_space
    halved = _net(head=(Pool(FIELDS, 2, remainder="drop"),))  # of 7 x 7 pixels pooling drops a row at one side
    assert halved.contract.points.at((9, 9)) == "none"
    assert halved.contract.points.at((10, 10)) == "exact"
    assert halved.contract.stride == net.contract.stride
    outer = Sequential([Pointwise(IMAGE, "relu"), halved])
    assert outer.contract.points.at((9, 9)) == "none"
    draws = WithAuxiliary([Pointwise(FIELDS, "relu")] * 2, {0: Dropout(FIELDS, 0.5, whole_fields=False)})
    assert draws.contract.random_in_training


def test_heads_are_counted_listed_and_dropped_when_frozen():
    net = _net()
    head = count_parameters(net.heads[0])
    assert head == 2 * 3 + 3
    frozen = freeze(net)
    assert not any(isinstance(part, BatchNorm | Sequential) for _, part in nnx.iter_modules(frozen.network.layers))
    np.testing.assert_allclose(jax.jit(frozen)(_images()), jax.jit(lambda n, x: n(x))(net, _images()), atol=1e-5)
    summary = summarize(Sequential([Pointwise(IMAGE, "relu"), net]), (9, 9, 1))
    assert summary.parameters == count_parameters(net)
    assert summary.parameters == count_parameters(Sequential(list(net.stages))) + 2 * head
    rows = {row.path: row for row in summary.rows}
    assert rows["1.heads.1.2"].parameters == head
    assert rows["1.heads.1.0"].output_shape == (8,)
    assert summary.multiply_adds == net.multiply_adds((9, 9))


TASK = Classification(3, auxiliary_weight=(0.5, 0.25), label_smoothing=0.1)
LABELS = np.array([0, 2, 1, 1])


def _cross_entropy(z: np.ndarray) -> np.ndarray:
    log = z - np.log(np.exp(z).sum(1, keepdims=True))
    return -((0.9 * np.eye(3)[LABELS] + 0.1 / 3) * log).sum(1)


def test_losses_of_heads_are_added_and_metrics_are_of_the_output():
    rng = np.random.default_rng(1)
    main, first, second = (rng.normal(size=(4, 3)).astype(np.float32) for _ in range(3))
    mask = np.array([1.0, 1.0, 1.0, 0.0], np.float32)
    outputs = AuxiliaryOutputs(jnp.asarray(main), (jnp.asarray(first), jnp.asarray(second).at[3].set(jnp.inf)))
    loss, metrics = jax.jit(TASK.loss)(outputs, {"label": jnp.asarray(LABELS), "mask": jnp.asarray(mask)})
    parts = [_cross_entropy(z)[:3].mean() for z in (main, first, second)]
    np.testing.assert_allclose(metrics["loss"], parts[0], rtol=1e-5)
    np.testing.assert_allclose(loss, parts[0] + 0.5 * parts[1] + 0.25 * parts[2], rtol=1e-5)
    assert metrics["accuracy"] == pytest.approx((main.argmax(1) == LABELS)[:3].mean())


def test_maps_of_heads_are_supervised_alike():
    task = Segmentation(("a", "b"), auxiliary_weight=2.0)
    maps, labels = jnp.zeros((1, 4, 4, 2)), jnp.zeros((1, 4, 4), jnp.int32)
    loss, totals = jax.jit(task.loss)(AuxiliaryOutputs(maps, (maps,)), {"label": labels})
    np.testing.assert_allclose(loss, 3 * np.log(2), rtol=1e-6)
    np.testing.assert_allclose(totals["loss"], np.log(2), rtol=1e-6)
    with pytest.raises(ValueError, match=r"auxiliary head 0 \(1, 2, 2, 2\); allowed: \(1, 4, 4, 2\)"):
        task.loss(AuxiliaryOutputs(maps, (maps[:, :2, :2],)), {"label": labels})


def _after_a_step(strategy: Strategy, accumulate: int = 1, dropout: float = 0.5) -> tuple:
    structure, params, rest = split_model(_net(dropout=dropout))
    optimizer = Momentum(0.1).build(lambda step: 0.1)
    step = make_train_step(
        structure, task=TASK, optimizer=optimizer, select=lambda fetched, step: fetched,
        augment=lambda images, key: images, compute=Compute(accumulate=accumulate), strategy=strategy,
    )  # fmt: skip
    state = strategy.place(initial_state(params, rest, optimizer, TASK))
    batch = {"image": _images(), "label": jnp.asarray(LABELS)}
    state = step(state, strategy.feed()(batch), strategy.place(jax.random.key(0)))
    return jax.device_get((state.params, state.totals)), params


@pytest.mark.compiled
@pytest.mark.parametrize(
    "name",
    [pytest.param("jit", marks=pytest.mark.long), "shard_map", pytest.param("pmap", marks=pytest.mark.long)],
)
def test_every_strategy_takes_the_step_of_one_device(name: str):
    alone, before = _after_a_step(Strategy())
    found, _ = _after_a_step(ParallelConfig(name, devices=2).build(4))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5), found, alone)
    moved = jax.tree.map(lambda a, b: not np.allclose(a, b), alone[0]["heads"], before["heads"])
    assert all(jax.tree.leaves(moved))  # the heads are trained


@pytest.mark.compiled
def test_microbatches_and_rematerialisation_take_the_tree_of_outputs():
    (_, totals), _ = _after_a_step(Strategy(), accumulate=2, dropout=0.0)
    assert np.isfinite(totals["loss"])
    net, x, key = _net(dropout=0.5), _images(), jax.random.key(3)

    def loss(params: dict, remat: bool) -> jax.Array:
        structure, _, rest = split_model(net)
        with rematerialised(remat):
            outputs = nnx.merge(structure, params, rest)(x, train=True, key=key)
        return TASK.loss(outputs, {"label": jnp.asarray(LABELS)})[0]

    plain, remat = (jax.jit(jax.grad(lambda p, on=on: loss(p, on)))(split_model(net)[1]) for on in (False, True))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), remat, plain)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WithAuxiliary([Pointwise(IMAGE, "relu")], {}), "at least two stages"),
        (lambda: WithAuxiliary([Pointwise(IMAGE, "relu")] * 2, {1: Pointwise(IMAGE, "relu")}), "1; allowed: 0 to 0"),
        (lambda: WithAuxiliary([Pointwise(IMAGE, "relu"), GroupPool(FIELDS)], {}), "at least two stages, and a head"),
        (
            lambda: WithAuxiliary([Pointwise(IMAGE, "relu"), GroupPool(FIELDS)], {0: Pointwise(IMAGE, "relu")}),
            r"stage 1 \(GroupPool\) of WithAuxiliary takes",
        ),
        (
            lambda: WithAuxiliary([Pointwise(FIELDS, "relu"), GroupPool(FIELDS)], {0: Pointwise(FIELDS, "relu")}),
            "the head on stage 0 of WithAuxiliary gives .* but stage 1 gives",
        ),
        (lambda: Sequential([_net(), Pointwise(SCORES, "relu")]), "must be the last of Sequential"),
        (lambda: Sequential([Sequential([_net()]), Pointwise(SCORES, "relu")]), "must be the last of Sequential"),
        (lambda: ClassificationConfig(auxiliary_weight=-1.0), "task.auxiliary_weight -1.0"),
        (lambda: SegmentationConfig(auxiliary_weight=(0.1, float("nan"))), "task.auxiliary_weight"),
        (
            lambda: TASK.loss(AuxiliaryOutputs(jnp.ones((4, 3)), (jnp.ones((4, 3)),)), {"label": LABELS}),
            r"auxiliary_weight \(0.5, 0.25\); allowed: one number for all auxiliary heads, or one for each of 1",
        ),
    ],
)
def test_what_is_refused(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()
