"""Other ways of computing convolutions: the same numbers, chosen for all or by path, the original left alone."""

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.layers import Branch, Conv, Dense, GroupPool, Pointwise, Residual, Sequential, freeze, with_method
from geomdl.layers.transforms.with_method import convolutions, has_a_choice, read_methods
from geomdl.representations import FieldType

IMAGE, FIELDS = FieldType("C4", "1 trivial + 1 irrep(1)"), FieldType("C4", "2 regular")


def _net() -> Sequential:
    """Kernels of two kinds and, in a residual block and a branch, of one."""
    rngs = nnx.Rngs(0)
    lift = Conv(IMAGE, FIELDS, 3, padding=1, rngs=rngs)
    inner = Conv(FIELDS, FIELDS, 3, padding=1, basis="steerable", rngs=rngs)
    last = Conv(FIELDS, FIELDS, 3, padding=1, rngs=rngs)
    return Sequential([lift, Residual(Sequential([Pointwise(FIELDS), inner])), Branch([last, GroupPool(FIELDS)])])


def _methods(module: nnx.Module) -> list[str]:
    return [conv.method for conv in convolutions(module).values()]


def test_paths_are_those_of_the_summary_with_or_without_the_name_of_lists():
    net = _net()
    assert list(convolutions(net)) == ["0", "1.body.1", "2.0"]
    for path in ("1.body.1", "layers.1.body.layers.1"):
        changed = with_method(with_method(net, "dense"), {path: "factored"})
        assert _methods(changed) == ["dense", "factored", "dense"]


def test_outputs_are_equal_to_rounding_and_the_original_stays():
    net = with_method(_net(), "dense")
    factored = with_method(net, "factored")
    assert _methods(factored) == ["dense", "factored", "factored"], "kernels of two kinds have no other method"
    assert _methods(net) == ["dense"] * 3
    assert [has_a_choice(conv) for conv in convolutions(net).values()] == [False, True, True]
    x = jax.random.normal(jax.random.key(0), (2, 7, 7, 3))
    expected = jax.jit(net)(x)
    found, frozen = jax.jit(lambda x: (factored(x), freeze(factored)(x)))(x)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_allclose(frozen, expected, atol=2e-5)
    before, after = jax.tree.leaves(nnx.state(net)), jax.tree.leaves(nnx.state(factored))
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    assert _methods(with_method(net, "auto")) == ["auto"] * 3


def test_linear_layers_follow_what_is_said_for_all():
    net = Sequential([Dense(FIELDS, IMAGE, rngs=nnx.Rngs(0))])
    assert net.layers[0].method == "auto"
    assert with_method(net, "dense").layers[0].method == "dense"
    assert with_method(net, "factored").layers[0].method == "dense", "kernels of two kinds"
    linear = Dense(FIELDS, FIELDS, rngs=nnx.Rngs(0))
    assert with_method(linear, "factored").method == "factored"
    assert linear.method == "auto"


def test_one_layer_is_a_module_too():
    layer = Conv(FIELDS, FIELDS, 3, basis="steerable", rngs=nnx.Rngs(0))
    assert with_method(layer, "factored").method == "factored"
    assert with_method(layer, {"0": "factored"}).method == "factored"
    assert convolutions(GroupPool(FIELDS)) == {}


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("fast", "unknown method 'fast'; allowed: auto, dense, factored"),
        ({"0": "densse"}, "unknown method 'densse'; .*did you mean 'dense'"),
        ({"1.body.2": "dense"}, "unknown convolution '1.body.2'; allowed: 0, 1.body.1, 2.0; did you mean '1.body.1'"),
        ({"layers.1": "dense"}, "unknown convolution 'layers.1'"),
        ({"0": "factored"}, "invalid method 'factored'; allowed: 'auto' or 'dense', for some pairs"),
    ],
)
def test_what_is_not_there_is_refused_by_name(method, message: str):
    with pytest.raises(ValueError, match=message):
        with_method(nnx.eval_shape(_net), method)


def test_a_module_without_convolutions_says_so():
    with pytest.raises(ValueError, match="allowed: none, as there is no Conv in this module"):
        with_method(GroupPool(FIELDS), {"0": "dense"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fastest", "unknown method 'fastest'"),
        ("", "unknown method ''"),
        ("0=dense,", "invalid method '0=dense,'; allowed: .*; try 0=dense,3=factored"),
        ("=dense", "invalid method"),
        ("0=dense,layers.0=factored", "layers.0 is given twice"),
        ("0=dense=1", "unknown method 'dense=1'"),
    ],
)
def test_texts_that_say_nothing(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        read_methods(text)
