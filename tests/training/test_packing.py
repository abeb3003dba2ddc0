"""The arrays of repeated layers are kept stacked between steps: nobody sees it, and the program is shorter."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from geomdl.data import Augmentation, Dataset, Split
from geomdl.layers import BatchNorm, Conv, Dropout, GlobalPool, Pointwise, Sequential
from geomdl.representations import FieldType
from geomdl.tasks import Classification
from geomdl.training import (
    AdamW,
    Compute,
    Momentum,
    ParallelConfig,
    RunConfig,
    Strategy,
    initial_state,
    make_train_step,
    split_model,
    train,
)
from geomdl.training.loop import stepping
from geomdl.training.step.packing import NO_PACKING, Packing, packing_of

T, IMAGE = FieldType("C1", "3 trivial"), FieldType("C1", "1 trivial")
DEPTH = 7
STEPS = {"epochs": None, "steps": 1}
BATCH = {
    "image": jnp.asarray(np.random.default_rng(0).normal(size=(8, 5, 5, 1)), jnp.float32),
    "label": jnp.arange(8) % 3,
}


class Deep(Sequential):
    """A network of three classes."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        super().__init__(_layers(rngs))


def _net(rngs: nnx.Rngs) -> Sequential:
    return Sequential(_layers(rngs))


def _layers(rngs: nnx.Rngs) -> list:
    layers: list = [Conv(IMAGE, T, 1, use_bias=False, rngs=rngs)]
    for _ in range(DEPTH):
        layers += [
            Conv(T, T, 1, use_bias=False, rngs=rngs),
            Sequential([BatchNorm(T), Dropout(T, 0.1)]),
            Pointwise(T, "relu"),
        ]
    return [*layers, GlobalPool(T)]


def _steps(
    optimizer: optax.GradientTransformation,
    packing: Packing,
    strategy: Strategy = Strategy(),  # noqa: B008
    compute: Compute = Compute(),  # noqa: B008
    **options: object,
) -> tuple[dict, str]:
    """What a checkpoint holds after three steps, and the program of a step."""
    structure, params, rest = split_model(_net(nnx.Rngs(0)))
    step = make_train_step(
        structure, task=Classification(3), optimizer=optimizer, select=lambda fetched, _: fetched,
        augment=Augmentation(), compute=compute, strategy=strategy, **options,  # type: ignore[arg-type]
    )  # fmt: skip
    average = "ema" in options
    state = strategy.place(initial_state(params, rest, optimizer, Classification(3), average=average))
    state = packing.pack(state)
    batch, key = strategy.feed()(BATCH), strategy.place(jax.random.key(0))
    program = jax.jit(step).lower(state, batch, key).as_text()
    for _ in range(3):
        state = step(state, batch, key)
    return state.saved(), program


def _arguments(program: str) -> int:
    """How many arrays a program takes."""
    main = next(line for line in program.splitlines() if "func.func public @main" in line)
    return main.count("%arg")


def _same(a: dict, b: dict) -> None:
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5), a, b
    )  # Adam divides rounding by small numbers


@pytest.mark.parametrize(
    ("config", "how", "options"),
    [
        pytest.param(AdamW(0.01), {}, {"ema": 0.9}, marks=pytest.mark.long),
        (Momentum(0.05, clip_norm=1.0, weight_decay=1e-3), {"accumulate": 2}, {"skip": True}),
    ],
)
def test_steps_are_those_without(config: AdamW | Momentum, how: dict, options: dict) -> None:
    optimizer, compute = config.build(lambda step: 0.002), Compute(**how)
    packing = packing_of(_net(nnx.Rngs(0)), config.labels)
    (packed, short), (plain, long) = (_steps(optimizer, p, compute=compute, **options) for p in (packing, NO_PACKING))
    _same(packed, plain)
    assert _arguments(short) < _arguments(long) / 2
    assert len(packing.groups) == 5  # kernel; scale and bias, mean and variance of the normalisation
    assert all(len(group) == DEPTH for group in packing.groups)


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.long) for n in ("jit", "shard_map", "pmap")])
def test_several_devices_agree(name: str) -> None:
    config = Momentum(0.05)
    optimizer, packing = config.build(lambda step: 0.05), packing_of(_net(nnx.Rngs(0)), config.labels)
    several, _ = _steps(optimizer, packing, ParallelConfig(name, devices=4).build(8))
    _same(several, _steps(optimizer, NO_PACKING)[0])


def test_a_layer_that_is_decayed_alone_stays_by_itself() -> None:
    config = AdamW(0.01, weight_decay=0.5, weight_decay_on=("7.kernel",))
    packing = packing_of(_net(nnx.Rngs(0)), config.labels)
    assert len(packing.groups) == 4


def test_layers_that_are_named_one_by_one() -> None:
    names = tuple(f"{i}.kernel" for i in range(1, 3 * DEPTH, 3))
    assert not packing_of(_net(nnx.Rngs(0)), AdamW(0.01, weight_decay_on=names).labels)


def test_an_optimiser_that_looks_at_whole_parameters_sees_them() -> None:
    assert not packing_of(_net(nnx.Rngs(0)), None)
    config = RunConfig.from_config_dict(
        {"model": {"name": "cnn"}, "optimizer": {"name": "optax:lamb", "learning_rate": 0.1}, "training": STEPS}
    )
    assert not hasattr(config.optimizer, "labels")


@pytest.mark.long
def test_a_run_goes_on_from_checkpoints_made_without(tmp_path, monkeypatch) -> None:
    """The directory of a run is the same: names of arrays, records, and what a run is that is taken up again."""
    rng = np.random.default_rng(0)
    splits = (Split(rng.normal(size=(16, 5, 5, 1)).astype(np.float32), (np.arange(16) % 3).astype(np.int32)),) * 3
    dataset = Dataset("noise", *splits, (5, 5, 1), 3, ("a", "b", "c"), "drawn")
    used: list[Packing] = []

    def run(name: str, steps: int, *, packed: bool) -> dict:
        config = RunConfig.from_config_dict(
            {
                "model": {"name": f"{__file__}:Deep"},
                "training": {
                    "batch_size": 8,
                    "epochs": None,
                    "steps": steps,
                    "eval_every": 2,
                    "log_every": 1,
                    "ema": 0.9,
                },
            }
        )
        with monkeypatch.context() as patch:
            found = packing_of if packed else lambda *_: NO_PACKING
            patch.setattr(stepping, "packing_of", lambda *arguments: used.append(found(*arguments)) or used[-1])
            result = train(config, tmp_path / name, dataset=dataset, allow_change=("training.steps",))
        _, params, rest = split_model(result.model)
        return {"loss": result.records[-1]["loss"], "params": params, "rest": rest}

    run("a", 2, packed=True)
    run("b", 2, packed=False)
    assert len(used[0].groups) == 5
    _same(run("a", 4, packed=False), run("b", 4, packed=True))
