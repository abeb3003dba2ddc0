"""Models of every library are evaluated as they are, in evaluation mode, and left unchanged."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import Model, activations, as_function
from geomdl.groups import C4
from geomdl.layers import BatchNorm, Conv, Dropout, GlobalPool, GroupPool, Pointwise, Sequential
from geomdl.representations import FieldType


def _images(channels: int = 2, seed: int = 0) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), (3, 6, 6, channels))


class Block(nnx.Module):
    """A block with the layers that know training from evaluation."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(2, 4, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.heads = nnx.List([nnx.Linear(4, 4, rngs=rngs), nnx.Linear(4, 5, rngs=rngs)])

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.drop(self.norm(self.conv(x)))).mean((1, 2))
        return self.heads[1](self.heads[0](self.heads[0](x)))


class LinenNet(nn.Module):
    """The same in Linen, with submodules whose names are not in the order of the alphabet."""

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = True) -> jax.Array:
        x = nn.Conv(4, (3, 3), name="z")(x)
        x = nn.BatchNorm(use_running_average=not train, name="m")(x)
        x = nn.Dropout(0.5, deterministic=not train, name="d")(x)
        return nn.Dense(5, name="a")(x.mean((1, 2)))


def _linen() -> tuple[LinenNet, Any]:
    model = LinenNet()
    return model, model.init(jax.random.key(0), _images(), train=False)


def _ours() -> Sequential:
    image, features = FieldType(C4, "2 trivial"), FieldType(C4, "3 regular")
    layers = [Conv(image, features, 3, padding=1, rngs=nnx.Rngs(0)), BatchNorm(features), Pointwise(features, "relu")]
    return Sequential([*layers, Dropout(features, 0.5), GlobalPool(features), GroupPool(features)])


def test_nnx_module_is_evaluated_and_nothing_in_it_changes():
    module, x = Block(nnx.Rngs(0)), _images()
    before = jax.tree.map(jnp.copy, nnx.state(module, nnx.Param, nnx.BatchStat))
    model = as_function(module)
    assert (model.kind, model.name, model.differentiable) == ("nnx", "Block", True)
    y = model(x)
    np.testing.assert_array_equal(y, model(x))  # no dropout
    assert not module.drop.deterministic  # still in training mode
    assert not module.norm.use_running_average
    after = nnx.state(module, nnx.Param, nnx.BatchStat)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), before, after))
    module.eval()
    np.testing.assert_array_equal(y, module(x))
    trained = as_function(module, train=True)(x)
    assert float(jnp.abs(trained - y).max()) > 1e-2


def test_the_weights_are_those_at_the_time_of_the_call():
    module, x = nnx.Linear(2, 2, rngs=nnx.Rngs(0)), jnp.ones((1, 2))
    model, y = as_function(module), module(x)
    module.kernel[...] = 2 * module.kernel[...]
    np.testing.assert_array_equal(model(x), y)


def test_our_own_model_is_called_without_training_and_brings_its_contracts():
    module, x = _ours(), _images()
    module(x, train=True, key=jax.random.key(1))  # the running statistics are no longer those of the start
    model = as_function(module)
    np.testing.assert_array_equal(model(x), module(x, train=False))
    assert str(model.contract) == str(module.contract)
    assert set(dict(model.contracts)) == {"", *(f"layers.{i}" for i in range(6))}
    names = list(model.activations(x))
    assert names == [f"layers.{i}" for i in range(6)] + ["output"]


def test_linen_module_uses_its_running_statistics():
    module, variables = _linen()
    x = _images(seed=1)
    expected = module.apply(variables, x, train=False)
    model = as_function(module, variables)
    assert (model.kind, model.name) == ("linen", "LinenNet")
    np.testing.assert_array_equal(model(x), expected)
    np.testing.assert_array_equal(as_function(module.bind(variables))(x), expected)
    assert float(jnp.abs(as_function(module, variables, train=True)(x) - model(x)).max()) > 1e-2
    assert as_function(model) is model


def test_a_model_is_a_tree_of_its_weights():
    model, x = as_function(Block(nnx.Rngs(0))), _images()
    traces = []

    @jax.jit
    def call(model: Model, x: jax.Array) -> jax.Array:
        traces.append(1)
        return model(x)

    np.testing.assert_allclose(call(model, x), model(x), rtol=1e-5, atol=1e-6)
    doubled = jax.tree.map(lambda w: w * 2 if jnp.issubdtype(w.dtype, jnp.floating) else w, model)
    assert float(jnp.abs(call(doubled, x) - call(model, x)).max()) > 1e-2
    assert len(traces) == 1
    _, tangent = jax.jvp(model, (x,), (jnp.ones_like(x),))
    assert bool(jnp.isfinite(tangent).all())


@pytest.mark.parametrize("kind", ["nnx", "linen", "function"])
@pytest.mark.parametrize("jitted", [False, True])
def test_activations_come_in_the_order_of_the_calls(kind: str, jitted: bool):
    x = _images()
    if kind == "nnx":
        layers = activations(Block(nnx.Rngs(0)))
        names = ["conv", "norm", "drop", "heads.0", "heads.0:2", "heads.1", "output"]
    elif kind == "linen":
        layers, names = activations(*_linen()), ["z", "m", "d", "a", "output"]
    else:
        layers = activations(lambda x: (x.sum(), {"z": x, "block": {"b": x + 1, "a": (x, x)}}))
        names = ["z", "block.b", "block.a[0]", "block.a[1]", "output"]
    found = (jax.jit(layers) if jitted else layers)(x)
    assert list(found) == names
    before = names[-2]
    if kind != "function":
        np.testing.assert_array_equal(found[before], found["output"])


def test_activations_are_those_of_the_evaluated_model():
    block, x = Block(nnx.Rngs(0)), _images()
    found = activations(block)(x)
    np.testing.assert_array_equal(found["norm"], found["drop"])  # no dropout
    np.testing.assert_array_equal(found["conv"], block.conv(x))
    np.testing.assert_array_equal(found["output"], as_function(block)(x))
    assert type(block.conv) is nnx.Conv


def test_layers_inside_a_transformation_do_not_leak():
    class Checkpointed(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.inner, self.last = nnx.Linear(2, 2, rngs=rngs), nnx.Linear(2, 2, rngs=rngs)

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.last(nnx.remat(lambda layer, x: layer(x))(self.inner, x))

    assert list(activations(Checkpointed(nnx.Rngs(0)))(jnp.ones((1, 2)))) == ["last", "output"]


def test_numpy_function_is_never_traced():
    def mean(x: np.ndarray) -> np.ndarray:
        assert isinstance(x, np.ndarray)
        return x.mean((1, 2))

    model, x = as_function(mean, numpy=True), _images()
    assert (model.kind, model.name, model.differentiable) == ("numpy", "mean", False)
    np.testing.assert_array_equal(model(x), np.asarray(x).mean((1, 2)))
    with pytest.raises(ValueError, match="calls with NumPy arrays"):
        jax.jit(model)(x)
    with pytest.raises(ValueError, match="numpy=True"):
        jax.jit(as_function(lambda x: np.fft.fft2(x).real))(x)


@pytest.mark.parametrize("numpy", [False, True])
def test_other_layouts_are_translated_both_ways(numpy: bool):
    x = _images()
    xp = np if numpy else jnp
    seen = []

    def flip(x: Any) -> Any:
        seen.append(x.shape)
        return xp.flip(x, -1), xp.mean(x, (-1, -2))

    for layout, shape in {"NCHW": (3, 2, 6, 6), "CHW": (2, 6, 6), "NHWC": (3, 6, 6, 2), "HWC": (6, 6, 2)}.items():
        flipped, pooled = as_function(flip, layout=layout, numpy=numpy)(x)
        assert seen[-1] == shape
        if layout.endswith("CHW"):
            np.testing.assert_array_equal(flipped, np.flip(x, 2))
            assert pooled.shape == (3, 2)


def test_equinox_module_is_called_in_inference_mode():
    eqx = pytest.importorskip("equinox")
    net = eqx.nn.Sequential([eqx.nn.Conv2d(2, 4, 3, padding=1, key=jax.random.key(0)), eqx.nn.Dropout(0.5)])
    model, x = as_function(net, layout="CHW"), _images()
    expected = jax.vmap(net[0])(x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(model(x), expected)
    assert model.kind == "function"
    assert len(jax.tree.leaves(model)) == 2  # kernel and bias


def test_haiku_functions_with_and_without_state():
    hk = pytest.importorskip("haiku")
    x = _images()

    def net(x: jax.Array, stateful: bool) -> jax.Array:
        x = hk.Conv2D(4, 3)(x)
        return hk.BatchNorm(True, True, 0.9)(x, is_training=True) if stateful else x

    plain = hk.transform(functools.partial(net, stateful=False))
    params = plain.init(jax.random.key(0), x)
    model = as_function(plain, params)
    assert model.kind == "haiku"
    np.testing.assert_array_equal(model(x), plain.apply(params, None, x))
    np.testing.assert_array_equal(as_function(hk.without_apply_rng(plain), params)(x), model(x))
    stateful = hk.transform_with_state(functools.partial(net, stateful=True))
    both = stateful.init(jax.random.key(0), x)
    np.testing.assert_array_equal(as_function(stateful, both)(x), stateful.apply(*both, None, x)[0])
    for transformed, given in [(plain, None), (stateful, params)]:
        with pytest.raises(ValueError, match="variables of a Haiku function"):
            as_function(transformed, given)


def test_torch_module_is_evaluated_and_keeps_its_mode():
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Dropout(0.5))
    net[2].eval()
    model, x = as_function(net), _images()
    y = model(x)
    assert (model.kind, model.differentiable, y.shape) == ("torch", False, (3, 4, 4, 4))
    np.testing.assert_array_equal(y, model(x))
    assert [part.training for part in net] == [True, True, False]
    found = model.activations(x)
    assert list(found) == ["0", "1", "2", "output"]
    np.testing.assert_array_equal(found["2"], y)


def test_part_of_an_output_is_picked():
    model = as_function(lambda x: {"logits": x.mean((1, 2)), "loss": None}, select=lambda y: y["logits"])
    assert model(_images()).shape == (3, 2)
    with pytest.raises(ValueError, match="select="):
        as_function(lambda x: "three")(_images())


@pytest.mark.parametrize(
    ("message", "build"),
    [
        ("invalid model 3", lambda: as_function(3)),
        ("init returned", lambda: as_function(LinenNet())),
        ("'params'", lambda: as_function(LinenNet(), {"kernel": np.zeros(2)})),
        ("did you mean 'NHWC'", lambda: as_function(np.sin, layout="NHCW")),  # type: ignore[arg-type]
        ("only Linen and Haiku", lambda: as_function(np.sin, {"a": 1})),
        ("choose its mode before", lambda: as_function(np.sin, train=True)),
        ("for activations", lambda: activations(jnp.sin)(np.zeros(3))),
    ],
)
def test_bad_input(message: str, build: Any):
    with pytest.raises(ValueError, match=message):
        build()
