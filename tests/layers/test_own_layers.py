"""A layer and a container that the library has never heard of: summarised, counted, frozen, recorded, switched."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import Contract, Size, activations, check_contract, compose, exact_everywhere
from geomdl.layers import (
    BatchNorm,
    Child,
    Conv,
    Dropout,
    GlobalPool,
    GroupPool,
    Identity,
    Layer,
    Pointwise,
    Pool,
    Sequential,
    freeze,
    with_method,
)
from geomdl.layers.containers.remat import rematerialised
from geomdl.layers.contract_table.entries import LAYERS
from geomdl.layers.contract_table.sampling import ROWS
from geomdl.layers.core.constants import Weight
from geomdl.layers.core.layer import Field, inner_layers, path_of, walk
from geomdl.layers.transforms.conv_inputs import conv_inputs
from geomdl.layers.transforms.with_method import convolutions
from geomdl.models import summarize
from geomdl.models.contract_table import ENTRIES
from geomdl.representations import FieldType
from geomdl.training.reporting.image_summaries import first_filters

IMAGE, FIELDS = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular")


class Twice(Layer):
    """y = γ g(f(x)), with layers in a list and in a dictionary, and a parameter of its own."""

    def __init__(self, first: Layer, second: Layer) -> None:
        self.steps, self.others = nnx.List([first]), nnx.Dict(second=second)
        self.gain = nnx.Param(jnp.full(1, 2.0))
        self.in_type, self.out_type = first.in_type, second.out_type

    @property
    def contract(self) -> Contract:
        return compose([self.steps[0].contract, self.others["second"].contract])

    def children(self, size: Size) -> list[Child]:
        after = self.steps[0].contract.output_size(size)
        return [Child("steps.0", self.steps[0], size), Child("others.second", self.others["second"], after)]

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        return self.gain[...] * self.others["second"](self.steps[0](x, train=train, key=key), train=train, key=key)


class Double(Layer):
    """The least that a layer can be."""

    def __init__(self, in_type: FieldType) -> None:
        self.in_type = self.out_type = in_type

    @property
    def contract(self) -> Contract:
        return exact_everywhere(self.in_type, linear=True)

    def apply(self, x: Field) -> Field:
        return 2 * x


class Silent(Double):
    """Holds a layer and does not say so."""

    def __init__(self, inner: Layer) -> None:
        self.inner = inner
        self.in_type = self.out_type = inner.in_type


class Nothing(Layer):
    """Has no map."""

    def __init__(self) -> None:
        self.in_type = self.out_type = FIELDS

    @property
    def contract(self) -> Contract:
        return exact_everywhere(FIELDS)


def _conv(in_type: FieldType) -> Conv:
    return Conv(in_type, FIELDS, 3, padding="same", padding_mode="circular", rngs=nnx.Rngs(0))


def _net() -> Sequential:
    norm = BatchNorm(FIELDS)
    norm.mean[...], norm.variance[...] = norm.mean[...] + 0.3, norm.variance[...] * 1.7
    inner = Sequential([_conv(IMAGE), norm, Pointwise(FIELDS), Pool(FIELDS, 2), Dropout(FIELDS, 0.5)])
    return Sequential([Twice(inner, _conv(FIELDS)), Double(FIELDS), GlobalPool(FIELDS), GroupPool(FIELDS)])


def _images() -> jax.Array:
    return jax.random.normal(jax.random.key(0), (2, 8, 8, 1))


def test_a_container_of_ones_own_is_counted_and_summarised():
    net, first, second = _net(), 8 * 8 * 9 * 1 * 8, 4 * 4 * 9 * 8 * 8
    assert net.multiply_adds((8, 8)) == first + second
    rows = {row.path: row for row in summarize(net, (8, 8, 1)).rows}
    assert [*rows] == [*(f"0.steps.0.{i}" for i in range(5)), "0.others.second", "0", "1", "2", "3"]
    assert (rows["0.steps.0.0"].multiply_adds, rows["0.others.second"].multiply_adds) == (first, second)
    assert rows["0.steps.0.4"].output_shape == rows["0.others.second"].output_shape == (4, 4, 8)
    assert (rows["0"].layer, rows["0"].parameters, rows["0"].multiply_adds) == ("Twice", 1, 0)
    every = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(net, nnx.Param)))
    assert sum(row.parameters for row in rows.values()) == every


def test_it_is_frozen_and_batch_norm_is_folded_inside():
    net, x = _net(), _images()
    frozen = freeze(net)
    np.testing.assert_allclose(jax.jit(frozen)(x), jax.jit(net)(x), atol=1e-5)
    inside = frozen.network.layers[0]  # type: ignore[attr-defined]
    assert isinstance(inside, Twice)
    assert [type(part).__name__ for part in inside.steps[0].layers] == ["PlainConv", "Pointwise", "Pool"]
    names = ("gain", *(f"{path}.{n}" for path in ("others.second", "steps.0.layers.0") for n in ("bias", "kernel")))
    assert sorted(frozen.weights) == [f"layers.0.{name}" for name in names]
    assert all(isinstance(v, Weight) for _, v in nnx.iter_graph(frozen) if isinstance(v, nnx.Variable))
    assert isinstance(net.layers[0].gain, nnx.Param), "the original stays"


def test_its_convolutions_are_found_and_computed_by_other_methods():
    net, x = _net(), _images()
    assert [*convolutions(net)] == ["0.others.second", "0.steps.0.0"]
    changed = with_method(net, {"0.others.second": "factored"})
    assert changed.layers[0].others["second"].method == "factored"
    np.testing.assert_allclose(jax.jit(changed)(x), jax.jit(net)(x), atol=1e-5)
    seen = [(inputs.path, inputs.shapes, inputs.takes_images) for inputs in conv_inputs(net, (8, 8, 1), 2)]
    assert seen == [("0.steps.0.0", ((2, 8, 8, 1),), True), ("0.others.second", ((2, 4, 4, 8),), False)]


def test_its_layers_are_recorded_drawn_and_checked():
    net, x = _net(), _images()
    recorded = jax.jit(activations(net))(x)
    assert recorded["layers.0.steps.0.layers.4"].shape == (2, 4, 4, 8)
    np.testing.assert_allclose(recorded["layers.0"], 2 * recorded["layers.0.others.second"], rtol=1e-6)
    kernel, columns = first_filters(net, (8, 8, 1)) or (None, None)
    np.testing.assert_array_equal(kernel, net.layers[0].steps[0].layers[0].dense_kernel())
    assert columns == 4
    assert check_contract(net, jax.random.key(0), size=(8, 8), max_shifts=2).passed


def test_its_gradients_are_the_same_when_it_is_rematerialised():
    x = _images()
    structure, params, rest = nnx.split(_net(), nnx.Param, ...)

    def loss(params: nnx.State, rest: nnx.State, remat: bool) -> jax.Array:
        copy = nnx.merge(structure, params, jax.tree.map(lambda leaf: leaf, rest))
        with rematerialised(remat):
            return (copy(x, train=True, key=jax.random.key(1)) ** 2).sum()

    plain, again = (jax.jit(jax.grad(loss), static_argnums=2)(params, rest, remat) for remat in (False, True))
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(again), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_the_least_layer_takes_what_every_layer_takes():
    layer, x = Double(FIELDS), jnp.ones((1, 3, 3, 8))
    for y in (layer(x), layer(x, train=True, key=jax.random.key(0)), jax.jit(freeze(layer))(x)):
        np.testing.assert_array_equal(y, 2 * x)
    assert (layer.multiply_adds((3, 3)), list(layer.children((3, 3)))) == (0, [])


def test_what_a_layer_does_not_say_is_asked_for():
    with pytest.raises(NotImplementedError, match=r"Silent holds layers \(inner\), .* define children\(size\)"):
        Silent(Pointwise(FIELDS)).multiply_adds((3, 3))
    with pytest.raises(NotImplementedError, match=r"Nothing has no map; a layer has apply\(x\)"):
        Nothing()(jnp.ones((1, 8)))


MODELS = [pytest.param(e, marks=[] if k % 4 == 0 else [pytest.mark.long]) for k, e in enumerate(ENTRIES)]


@pytest.mark.parametrize("entry", [*LAYERS, *ROWS, *MODELS], ids=lambda entry: f"{entry.section}, {entry.name}")
def test_children_are_the_layers_that_a_layer_holds(entry):
    group = next(name for name in (*entry.quick, *entry.groups) if name in entry.groups)
    layer = nnx.eval_shape(lambda: entry.build(group))
    found = {child.name: child.layer for child in walk(layer, entry.even)}
    held = {path_of(path): inner for path, inner in inner_layers(layer)}
    assert found.pop("") is layer
    assert all(held[name] is inner for name, inner in found.items())
    unlisted = {name: inner for name, inner in held.items() if name not in found}
    assert all(name.endswith("shortcut") and isinstance(inner, Identity) for name, inner in unlisted.items())
