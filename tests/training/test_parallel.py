"""Every strategy gives the numbers of one device."""

import functools
import math
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments.benchmarks.agreement import Trial, largest_difference
from geomdl.data import Augmentation, Split
from geomdl.equivariance import tolerance
from geomdl.evaluators import Metrics
from geomdl.layers import BatchNorm, Conv, Dense, GlobalPool, Pointwise, Sequential
from geomdl.layers.core.data_axis import batch_mean, data_axis, per_example
from geomdl.models import GCNNConfig, LinearConfig
from geomdl.representations import FieldType
from geomdl.tasks import Classification
from geomdl.training import (
    Compute,
    Momentum,
    ParallelConfig,
    Strategy,
    initial_state,
    make_apply,
    make_train_step,
    split_model,
)

# XLA adds the parts of the devices in another order: rounding errors of one step, carried on for three. The whole table
# of families is experiments/results/benchmarks/agreement.csv.
AGREES = 2e-5


@functools.cache
def alone(family: str) -> dict:
    return Trial(family, Strategy()).run(steps=3)


@pytest.mark.parametrize(
    ("family", "name"),
    [("mlp", "jit"), ("mlp", "pmap"), ("cnn", "jit"), ("cnn", "shard_map")],
)
def test_losses_and_parameters_are_those_of_one_device(family: str, name: str) -> None:
    strategy = ParallelConfig(name, devices=4).build(8)
    assert strategy.devices == 4
    assert largest_difference(Trial(family, strategy).run(steps=3), alone(family)) < AGREES


@pytest.mark.long
@pytest.mark.parametrize("name", ["jit", "shard_map", "pmap"])
@pytest.mark.parametrize(
    "family", ["cnn", "gcnn, D4", "cnn, lps", "resnet, C4", "vision_transformer", "unet", "group_unet, C4"]
)
def test_larger_families_agree(family: str, name: str) -> None:
    strategy = ParallelConfig(name, devices=4).build(8)
    # The vision transformer differs by 5e-5 after five steps, others by 4e-6: results/benchmarks/agreement.csv.
    assert largest_difference(Trial(family, strategy).run(steps=3), alone(family)) < (
        1e-4 if family == "vision_transformer" else AGREES
    )


_EIGHT = """
from experiments.benchmarks.agreement import rows
for row in rows(8, 3, ("cnn", "gcnn, D4")):
    assert max(float(row[k]) for k in ("loss", "parameters", "statistics")) < {limit}, row
"""


@pytest.mark.long
def test_eight_devices_agree() -> None:
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", _EIGHT.format(limit=AGREES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'devices': 8") == 6  # two families, three strategies


@pytest.mark.parametrize("name", ["jit", "shard_map", "pmap"])
def test_every_device_moves_its_own_images_only(name: str) -> None:
    """The multiply-adds of a device with four of them, where resampling is nearly all there is to do."""
    structure, params, rest = split_model(LinearConfig().build((32, 32, 1), 3, rngs=nnx.Rngs(0)))
    optimizer, task = Momentum(0.05).build(lambda step: 0.05), Classification(3)
    batch = {"image": jnp.ones((8, 32, 32, 1)), "label": jnp.arange(8) % 3}

    def work(strategy: Strategy) -> float:
        step = make_train_step(
            structure, task=task, optimizer=optimizer, select=lambda fetched, step: fetched,
            augment=Augmentation(rotation=180), strategy=strategy,
        )  # fmt: skip
        state = strategy.place(initial_state(params, rest, optimizer, task))
        arguments = state, strategy.feed()(batch), strategy.place(jax.random.key(0))
        return jax.jit(step).lower(*arguments).compile().cost_analysis()["flops"]

    assert work(ParallelConfig(name, devices=4).build(8)) < 0.3 * work(Strategy())


def test_random_numbers_and_means_are_those_of_the_whole_batch() -> None:
    def draw(batch: int) -> jax.Array:
        return jax.random.uniform(jax.random.key(0), (batch, 3))

    def part(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        with data_axis("data", 4):
            return batch_mean(x.mean()), per_example(draw, 2)

    means, drawn = jax.vmap(part, axis_name="data")(jnp.arange(8.0).reshape(4, 2))
    np.testing.assert_array_equal(means, np.full(4, 3.5))
    np.testing.assert_array_equal(drawn.reshape(8, 3), draw(8))


@pytest.mark.parametrize("name", ["jit", "shard_map", "pmap"])
def test_evaluation_drops_and_repeats_nothing(name: str) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(13, 2, 2, 1)).astype(np.float32)
    split = Split(images, rng.integers(0, 3, 13).astype(np.int32))

    class Linear(nnx.Module):
        def __init__(self) -> None:
            self.kernel = nnx.Param(jnp.asarray(rng.normal(size=(4, 3)), jnp.float32))

        def __call__(self, x: jax.Array) -> jax.Array:
            return x.reshape(len(x), -1) @ self.kernel[...]

    structure, params, rest = split_model(Linear())
    expected = images.reshape(13, 4) @ np.asarray(params["kernel"])
    strategy = ParallelConfig(name, devices=4).build(8)
    predict = functools.partial(make_apply(structure, strategy=strategy), *strategy.place((params, rest)))
    np.testing.assert_allclose(predict(jnp.asarray(images)), expected, rtol=1e-5)
    metrics = Metrics(batch_size=5)(predict, split, Classification(3))  # batches of 5 for 4 devices, the last of 3
    assert metrics["accuracy"] == pytest.approx((expected.argmax(1) == split.labels).mean())
    losses = np.log(np.exp(expected).sum(1)) - expected[np.arange(13), np.asarray(split.labels)]
    assert metrics["loss"] == pytest.approx(losses.mean(), rel=1e-5)


def test_on_a_cpu_one_device_unless_told() -> None:
    assert ParallelConfig().build(7) == Strategy()


@pytest.mark.parametrize(
    ("config", "batch", "accumulate", "message"),
    [
        (ParallelConfig(devices=4), 30, 1, r"training.batch_size 30; allowed: a multiple of the 4 devices.* 32"),
        (ParallelConfig(devices=5), 30, 1, r"parallel.devices 5; allowed: at most the 4 cpu devices"),
        (
            ParallelConfig(devices=4),
            24,
            4,
            r"training.accumulate 4; allowed: a divisor of the 6 images of a device.* 3",
        ),
    ],
)
def test_what_cannot_be_split(config: ParallelConfig, batch: int, accumulate: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config.build(batch, accumulate)


def gradients(family: str, compute: Compute, strategy: Strategy = Strategy()):  # noqa: B008
    trial = Trial(family, strategy, compute)
    state, key, batch = trial.state, trial.key, trial.batch

    def run(params, rest, batch, key):
        return compute.gradients(trial.structure, trial.task, strategy, params, rest, batch, key)

    compiled = jax.jit(run).lower(state.params, state.rest, batch, key).compile()
    return compiled(state.params, state.rest, batch, key), compiled.memory_analysis()


def test_microbatches_give_the_gradient_and_the_totals_of_the_batch() -> None:
    whole, parts = (gradients("linear", Compute(accumulate=k))[0] for k in (1, 4))
    assert largest_difference(parts[0], whole[0]) < 1e-5
    assert largest_difference(parts[1], whole[1]) < 1e-6


def test_microbatches_are_the_same_on_every_number_of_devices() -> None:
    strategy = ParallelConfig("shard_map", devices=4).build(8, 2)
    there, here = (Trial("cnn", s, Compute(accumulate=2)).run(1) for s in (strategy, Strategy()))  # batch norm, dropout
    assert largest_difference(there, here) < AGREES


def test_rematerialisation_gives_the_same_gradients_in_less_memory() -> None:
    c1 = FieldType("C1", "8 trivial")
    rngs = nnx.Rngs(0)
    parts = [
        [Conv(c1, c1, 3, padding="same", rngs=rngs), BatchNorm(c1), Pointwise(c1, "elu"), Pointwise(c1, "tanh")]
        for _ in range(5)
    ]
    last = [GlobalPool(c1), Dense(c1, FieldType("C1", "3 trivial"), rngs=rngs)]
    structure, params, rest = split_model(Sequential([layer for part in parts for layer in part] + last))
    batch = {"image": jnp.linspace(-1.0, 1.0, 16**3 * 8).reshape(16, 16, 16, 8), "label": jnp.arange(16) % 3}

    def run(remat: bool):
        def gradients(params, rest):
            compute = Compute(remat=remat)
            return compute.gradients(structure, Classification(3), Strategy(), params, rest, batch, jax.random.key(0))

        compiled = jax.jit(gradients).lower(params, rest).compile()
        return compiled(params, rest), compiled.memory_analysis().temp_size_in_bytes

    (plain, memory), (again, less) = run(False), run(True)
    assert largest_difference(again, plain) < 1e-4  # rounding: 4e-5
    assert less < 0.8 * memory


def test_bfloat16_computes_in_bfloat16_and_keeps_float32() -> None:
    (plain, _), (half, _) = (gradients("mlp", Compute(precision=p)) for p in ("float32", "bfloat16"))
    assert {a.dtype for a in jax.tree.leaves(half) if a.dtype != jnp.int32} == {jnp.dtype("float32")}
    error = largest_difference(half[1]["loss"], plain[1]["loss"])
    assert 1e-6 < error < 0.02
    assert math.isfinite(error)


@pytest.mark.parametrize("group", ["C4", "D4"])
def test_equivariance_error_of_bfloat16(group: str) -> None:
    model = GCNNConfig(group=group, width=2, depth=1, kernel_size=3).build((8, 8, 1), 3, rngs=nnx.Rngs(0))
    structure, params, rest = split_model(model)
    apply = make_apply(structure, Compute(precision="bfloat16"))
    x = jax.random.normal(jax.random.key(0), (4, 8, 8, 1))
    y = np.asarray(apply(params, rest, x))
    turned = np.asarray(apply(params, rest, jnp.rot90(x, axes=(1, 2))))
    error = np.linalg.norm(turned - y) / np.linalg.norm(y)
    assert error < tolerance(jnp.bfloat16, model.contract.depth)
    unequal = np.asarray(apply(params, rest, jnp.roll(x, 3, 1) * jnp.array([[[[0.5]]]])))
    assert np.linalg.norm(unequal - y) / np.linalg.norm(y) > tolerance(jnp.bfloat16, model.contract.depth)
