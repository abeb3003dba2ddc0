"""Runs that begin with the weights of another network, and parameters that are frozen or have their own pace."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.data import Augmentation, Dataset, Preprocessing, Split
from geomdl.layers import BatchNorm, Conv, GlobalPool, Pointwise, Sequential, induce
from geomdl.layers.containers.foreign import ForeignModule
from geomdl.models import MODELS, save_weights
from geomdl.representations import FieldType
from geomdl.tasks import Classification
from geomdl.training import (
    AdamW,
    Compute,
    Momentum,
    RunConfig,
    Treatment,
    initial_state,
    load_trained,
    make_train_step,
    split_model,
    train,
)
from geomdl.training.loop.warm_start import Source, begin_with, source_of

T, IMAGE = FieldType("C1", "3 trivial"), FieldType("C1", "1 trivial")
RNG = np.random.default_rng(0)
BATCH = {"image": jnp.asarray(RNG.normal(size=(8, 5, 5, 1)), jnp.float32), "label": jnp.arange(8) % 3}


def _net() -> Sequential:
    rngs = nnx.Rngs(0)
    return Sequential([Conv(IMAGE, T, 1, rngs=rngs), BatchNorm(T), Conv(T, T, 1, rngs=rngs), GlobalPool(T)])


def _after(
    treatment: Treatment, steps: int, *, batch_norm: str = "adapted", config: AdamW | Momentum | None = None
) -> tuple[dict, dict, dict, dict]:
    """Parameters and statistics before and after some steps."""
    compute, optimizer = Compute(batch_norm=batch_norm), (config or Momentum(0.1)).build(lambda step: 0.1)
    structure, params, rest = split_model(_net())
    step = make_train_step(
        structure, task=Classification(3), optimizer=optimizer, compute=compute,
        select=lambda fetched, _: fetched, augment=Augmentation(), treatment=treatment,
    )  # fmt: skip
    state = initial_state(params, rest, optimizer, Classification(3))
    for _ in range(steps):
        state = step(state, BATCH, jax.random.key(0))
    return params["layers"], state.params["layers"], rest["layers"], state.rest["layers"]


def _moved(before: dict, after: dict) -> list[bool]:
    return [not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)]


def test_frozen_parameters_stay_and_others_do_not() -> None:
    before, after, *_ = _after(Treatment(("*", "!2")), 2, config=AdamW(0.1, weight_decay=0.5))
    assert not any(_moved(before[0], after[0]) + _moved(before[1], after[1]))
    assert all(_moved(before[2], after[2]))


def test_a_rate_multiplies_a_step_and_unfreezing_waits() -> None:
    before, plain, *_ = _after(Treatment(), 1)
    _, after, *_ = _after(Treatment(rates=(("2", 3.0), ("0.bias", 0.0)), unfreeze=(("1", 1),)), 1)
    steps = jax.tree.map(lambda a, b: np.asarray(a - b), plain, before)
    slow = jax.tree.map(lambda a, b: np.asarray(a - b), after, before)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, 3 * b, rtol=1e-4, atol=1e-7), slow[2], steps[2])
    np.testing.assert_allclose(slow[0]["kernel"][0], steps[0]["kernel"][0], rtol=1e-5)
    assert not any(_moved(before[1], after[1]))
    assert not any(_moved(before[0]["bias"], after[0]["bias"]))
    _, later, *_ = _after(Treatment(unfreeze=(("1", 1),)), 2)
    assert any(_moved(before[1], later[1]))


def test_statistics_are_adapted_or_frozen() -> None:
    *_, before, adapted = _after(Treatment(), 1)
    *_, frozen = _after(Treatment(), 1, batch_norm="frozen")
    assert all(_moved(before[1], adapted[1]))
    assert not any(_moved(before[1], frozen[1]))


def test_batch_norm_of_flax_is_frozen_too() -> None:
    from geomdl.layers.core.modes import statistics_kept

    module = ForeignModule(nnx.BatchNorm(1, rngs=nnx.Rngs(0)))
    x = jnp.array([[1.0], [3.0]])
    with statistics_kept():
        np.testing.assert_allclose(module(x, train=True), x, rtol=1e-4)
    assert float(module.module.mean[...][0]) == 0
    assert abs(float(module(x, train=True).mean())) < 1e-6
    assert float(module.module.mean[...][0]) > 0


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("frozen", "7", "unknown training.frozen '7'; allowed: 0.bias"),
        ("frozen", "*", r"invalid training.frozen '\*'; allowed: patterns that leave a parameter to be trained; try"),
        ("learning_rates", "12", "invalid training.learning_rates '12'; allowed: pattern=number"),
        ("learning_rates", "*=0", r"invalid training.learning_rates '\*=0'; allowed: factors that leave"),
        ("unfreeze", "*=3", r"invalid training.unfreeze '\*=3'; allowed: steps below 3"),
        ("unfreeze", "0=-3", "invalid training.unfreeze '0=-3'"),
        ("learning_rates", "7=2", "unknown training.learning_rates '7'"),
        (
            "batch_norm",
            "forzen",
            "unknown training.batch_norm 'forzen'; allowed: adapted, frozen; did you mean 'frozen'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(option: str, value: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        train(_config(3, **{option: value}), tmp_path / "run", dataset=_data(3))
    assert not (tmp_path / "run").exists()


def _data(count: int, names: str = "abcdefgh", size: int = 12) -> Dataset:
    images = np.random.default_rng(1).normal(size=(16, size, size, 1)).astype(np.float32)
    splits = (Split(images, (np.arange(16) % count).astype(np.int32)),) * 3
    return Dataset("noise", *splits, (size, size, 1), count, tuple(names[:count]), "drawn")


def _config(steps: int, model: dict | None = None, **options: object) -> RunConfig:
    training = {"batch_size": 8, "epochs": None, "steps": steps, "eval_every": steps, **options}
    section = {"name": f"{__file__}:Small"} if model is None else model
    return RunConfig.from_config_dict({"model": section, "training": training})


class Small(Sequential):
    """A plain network."""

    def __init__(self, num_classes: int, rngs: nnx.Rngs) -> None:
        out = FieldType("C1", f"{num_classes} trivial")
        layers = [Conv(IMAGE, T, 3, rngs=rngs), BatchNorm(T), Pointwise(T, "relu"), Conv(T, out, 1, rngs=rngs)]
        super().__init__([*layers, GlobalPool(out)])


def _variables(model: nnx.Module) -> dict:
    return {path: np.asarray(v[...]) for path, v in nnx.to_flat_state(nnx.state(model))}


def test_a_run_begins_where_another_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(_config(2), tmp_path / "first", dataset=_data(3))
    said: list[str] = []
    monkeypatch.chdir(tmp_path)  # a relative path, which config.json has as an absolute one
    model = {"name": f"{__file__}:Small", "init_from": "first"}
    frozen = {"frozen": "*,!3", "batch_norm": "frozen", "ema": 0.5}
    config = _config(2, model, **frozen)
    assert config.init_from == str(tmp_path / "first")
    assert RunConfig.from_config_dict(config.to_dict()) == config
    second = train(config, tmp_path / "second", dataset=_data(4), note=said.append)
    old, new = _variables(first.model), _variables(second.model)
    body = [path for path in old if 3 not in path]
    assert len(body) == 6
    for path in body:
        np.testing.assert_allclose(new[path], old[path], rtol=1e-6)  # the average of equal numbers, rounded
    assert any(line.startswith("the network begins with the weights of step 2 of") for line in said)
    assert "the head begins anew (3.bias, 3.kernel): its classes were 3 (a, b, c), and are 4 (a, b, c, …)" in said
    # Once it has weights of its own, it needs the other run no longer, whether it is named or not.
    (tmp_path / "first").rename(tmp_path / "gone")
    for steps, section in ((4, config.to_dict()["model"]), (5, model), (6, {"name": model["name"]})):
        longer = train(_config(steps, section, **frozen), tmp_path / "second", dataset=_data(4),
                       allow_change=("training.steps", "training.eval_every"))  # fmt: skip
        assert longer.step == steps
    assert load_trained(tmp_path / "second", dataset=_data(4)).step in (2, 4, 5, 6)


def test_the_head_stays_for_the_same_classes_and_goes_for_others(tmp_path: Path) -> None:
    first = train(_config(1), tmp_path / "first", dataset=_data(3))
    model = {"name": f"{__file__}:Small", "init_from": str(tmp_path / "first")}
    config = _config(1, model, frozen="*,!1.scale")
    same = train(config, tmp_path / "same", dataset=_data(3))
    others = train(config, tmp_path / "others", dataset=_data(3, names="xyz"))
    head = ("layers", 3, "kernel", 0)
    np.testing.assert_array_equal(_variables(same.model)[head], _variables(first.model)[head])
    assert not np.array_equal(_variables(others.model)[head], _variables(first.model)[head])


def test_what_shapes_do_not_show_is_said() -> None:
    dataset = dataclasses.replace(_data(3, size=16), preprocessing=Preprocessing(1, mean=(0.5,), std=(0.25,)))
    old, new = (_config(1, {"name": "cnn", "width": 2, "activation": name}) for name in ("relu", "tanh"))
    one, other = (config.model.build((16, 16, 1), 3, rngs=seed) for seed, config in enumerate((old, new)))
    said = begin_with(other, Source(one, "weights", old.model, ("a", "b", "c"), Preprocessing(1)), new, dataset)
    assert said[1:] == [
        "options of the model are others: activation is 'relu' there, 'tanh' here",
        "images are normalised in another way (data.normalize): not there, mean (0.5,), std (0.25,) here",
    ]


def test_images_of_another_size_are_no_other_classes(tmp_path: Path) -> None:
    train(_config(1, {"name": "mlp", "width": 2}), tmp_path / "first", dataset=_data(3))
    section = {"name": "mlp", "width": 2, "init_from": str(tmp_path / "first")}
    with pytest.raises(ValueError, match=r"model\.init_from: .* do not fit .*kernel.* there, .* here"):
        train(_config(1, section), tmp_path / "second", dataset=_data(3, size=10))


def test_networks_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    small = {"name": "cnn", "width": 4}
    train(_config(1, small), tmp_path / "first", dataset=_data(3, size=16))
    wider = {**small, "width": 5, "init_from": str(tmp_path / "first")}
    with pytest.raises(
        ValueError, match=r"do not fit \(the width.*is another\): .* there, .* here.*nothing was changed"
    ):
        train(_config(1, wider), tmp_path / "wide", dataset=_data(3, size=16))
    for value, message in (
        (str(tmp_path / "none"), "invalid model.init_from '.*none'; allowed: a work directory"),
        (3, "invalid model.init_from 3"),
    ):
        with pytest.raises(ValueError, match=message):
            train(_config(1, {**small, "init_from": value}), tmp_path / "wide", dataset=_data(3, size=16))
    assert not (tmp_path / "wide").exists()


def test_a_run_begins_with_a_file_of_another_library(tmp_path: Path) -> None:
    section = {"name": "squeezenet1_1", "width": 0.05}
    images = np.zeros((16, 32, 32, 3), np.float32)
    splits = (Split(images, (np.arange(16) % 3).astype(np.int32)),) * 3
    dataset = Dataset("black", *splits, (32, 32, 3), 3, ("a", "b", "c"), "drawn")
    file = tmp_path / "net.safetensors"
    config = _config(1, {**section, "init_from": str(file)})
    there = config.model.build((32, 32, 3), 5, rngs=7)
    save_weights(there, file)
    model = config.model.build((32, 32, 3), 3, rngs=0)
    said = begin_with(model, source_of(config.init_from, config, dataset), config, dataset)
    first = ("layers", 0, "kernel", 0)
    np.testing.assert_array_equal(_variables(model)[first], _variables(there)[first])
    assert "(safetensors, with the names of torchvision)" in said[0]
    assert said[1].startswith("the head begins anew")
    wider = _config(1, {**section, "width": 0.1, "init_from": str(file)})
    with pytest.raises(ValueError, match=r"model\.init_from: the arrays of .* are not those of the network"):
        train(wider, tmp_path / "wide", dataset=dataset)
    assert not (tmp_path / "wide").exists()


def _random_statistics(model: nnx.Module) -> None:
    rng = np.random.default_rng(1)
    for path, variable in nnx.to_flat_state(nnx.state(model)):
        names, shape = [key for key in path if isinstance(key, str)], variable.shape
        if names[-1] in ("mean", "bias"):
            variable[...] = jnp.asarray(rng.normal(size=shape), jnp.float32) / 5
        elif names[-1] in ("variance", "scale"):
            variable[...] = jnp.asarray(rng.uniform(0.5, 1.5, shape), jnp.float32)


@pytest.mark.parametrize(
    ("name", "options", "size", "small", "large"),
    [
        ("lenet5_modern", {"width": 0.25}, 20, "C1", "C4"),
        pytest.param("cifar_resnet", {"depth": 8, "width": 0.25}, 9, "C1", "C4", marks=pytest.mark.long),
        pytest.param("cifar_resnet", {"depth": 8, "width": 0.25}, 9, "C1", "D4", marks=pytest.mark.long),
        pytest.param("cifar_resnet", {"depth": 8, "width": 0.25}, 9, "C4", "D4", marks=pytest.mark.long),
        pytest.param("lenet5_modern", {}, 32, "C1", "C2", marks=pytest.mark.long),
        pytest.param("mobilenet_v2", {"width": 0.1}, 33, "C1", "C4", marks=pytest.mark.long),
        pytest.param("densenet_cifar", {"depth": 10, "growth": 4}, 32, "D1", "D4", marks=pytest.mark.long),
    ],
)
def test_a_twin_is_the_average_of_the_network_over_the_group(
    name: str, options: dict, size: int, small: str, large: str
) -> None:
    network, twin = (
        MODELS[name](group=g, over_group="mean", **options).build((size, size, 1), 3, rngs=seed)
        for seed, g in enumerate((small, large))
    )
    _random_statistics(network)
    lost = induce(network, twin)
    assert max(part.lost for part in lost) < 1e-12
    x = np.random.default_rng(0).normal(size=(2, size, size, 1)).astype(np.float32)
    turns = [np.rot90(x, k, (1, 2)) for k in ((0, 2) if large == "C2" else range(4))]
    orbit = turns + ([turned[:, :, ::-1] for turned in turns] if large == "D4" else [])
    apply = jax.jit(lambda x: network(x))
    mean = np.mean([np.asarray(apply(jnp.asarray(moved))) for moved in orbit], 0)
    np.testing.assert_allclose(twin(jnp.asarray(x)), mean, rtol=1e-4, atol=1e-5 * np.abs(mean).max())
    assert np.abs(np.asarray(apply(jnp.asarray(x))) - mean).max() > 1e-3 * np.abs(mean).max()


@pytest.mark.long
def test_what_kernels_off_the_grid_cannot_have_is_said(tmp_path: Path) -> None:
    plain = {"name": "cifar_resnet", "depth": 8, "width": 0.125}
    train(_config(1, plain), tmp_path / "plain", dataset=_data(3, size=9))
    said: list[str] = []
    twin = {**plain, "group": "C8", "init_from": str(tmp_path / "plain")}
    train(_config(1, twin), tmp_path / "twin", dataset=_data(3, names="xyz", size=9), note=said.append)
    assert any(line.startswith("projected away, as kernels of C8 cannot have it: ") for line in said)
    assert any("takes the maximum over the group" in line for line in said)
    back = {**plain, "init_from": str(tmp_path / "twin")}
    with pytest.raises(ValueError, match="are of the group C8, and do not fit one of C1: layer 0"):
        train(_config(1, back), tmp_path / "back", dataset=_data(3, size=9))
