"""The steerable networks: published sizes, promises kept for every element, frozen and trained."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.groups import group
from geomdl.layers import Conv, Residual, Restrict, freeze
from geomdl.models import MODELS, InexactSizeWarning, convolution_block, invariant_head
from geomdl.models.core.steerable import all_frequencies, mixture, nonlinear_layer
from geomdl.representations import FieldType

MIXTURE = "5 regular + 2 quotient(C2) + 2 quotient(C4) + 4 trivial"

# name, fields, size, the group of the promise; widths as small as they come
CASES = [
    ("steerable_example", {"group": "C8", "width": 0.05, "activation": "elu"}, 29, "C8"),
    ("steerable_example", {"group": "D4", "width": 0.05, "input_size": 25, "activation": "elu"}, 24, "D4"),
    ("mnist_benchmark", {"group": "C8", "width": 0.05}, 24, "C8"),
    ("mnist_benchmark", {"group": "D4", "width": 0.1, "field_mixture": "1 quotient(C2) + 1 regular"}, 24, "D4"),
    ("mnist_final", {"group": "D8", "width": 0.05, "restrict_to": "C8"}, 28, "C8"),
    ("mnist_final", {"group": "D4", "width": 0.05, "restrict_to": "D2", "restrict_after": 2}, 28, "D2"),
    ("harmonic", {"group": "SO2", "width": 0.05, "max_frequency": 1, "nonlinearity": "norm"}, 24, "SO2"),
    ("harmonic", {"group": "O2", "width": 0.05, "max_frequency": 2, "nonlinearity": "gated"}, 24, "O2"),
    ("harmonic", {"group": "SO2", "width": 0.05, "max_frequency": 1, "nonlinearity": "fourier"}, 28, "SO2"),
    ("harmonic", {"group": "O2", "width": 0.05, "max_frequency": 1, "nonlinearity": "fourier"}, 24, "O2"),
    ("e2_wrn", {"depth": 10, "width": 0.1, "groups": ("D4", "C4", "C4")}, 13, "C4"),
    ("e2_wrn", {"depth": 10, "width": 0.1, "groups": ("D8", "D4", "D4"), "downsampling": "centred"}, 12, "D4"),
    ("e2_wrn", {"depth": 10, "width": 0.1, "equal_parameters": False, "initial_stride": 2}, 17, "D1"),
]


@functools.cache
def _model(case: int):
    name, fields, size, _ = CASES[case]
    model = MODELS[name](**fields).build((size, size, 1), 3, rngs=nnx.Rngs(0))
    rng = np.random.default_rng(0)
    for leaf in jax.tree.leaves(nnx.state(model, nnx.BatchStat), is_leaf=lambda v: isinstance(v, nnx.Variable)):
        leaf[...] = jnp.asarray(rng.uniform(0.2, 1.0, leaf[...].shape), jnp.float32)
    return model


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda i: "-".join(map(str, (CASES[i][0], CASES[i][3], i))))
def test_promises_are_exact(case: int):
    """That they are kept is in the common table, tests/test_contracts.py."""
    name, fields, size, promised = CASES[case]
    model = nnx.eval_shape(lambda: MODELS[name](**fields).build((size, size, 1), 3, rngs=nnx.Rngs(0)))
    assert str(model.contract.group) == promised
    assert model.contract.points.at((size, size)) == "exact"


@pytest.mark.parametrize("case", [0, 4, 7, 9, 10], ids=lambda i: f"{CASES[i][0]}-{i}")
def test_frozen_networks_agree(case: int):
    _, _, size, _ = CASES[case]
    graph, state = nnx.split(_model(case))

    @jax.jit
    def outputs(state, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        model = nnx.merge(graph, state)
        return model(x), freeze(model)(x)

    y, z = outputs(state, jax.random.normal(jax.random.key(0), (2, size, size, 1)))
    assert float(jnp.linalg.norm(y - z) / jnp.linalg.norm(y)) < 1e-5


@pytest.mark.compiled
@pytest.mark.parametrize("case", [5, 6, pytest.param(11, marks=pytest.mark.long)], ids=lambda i: f"{CASES[i][0]}-{i}")
def test_gradients_reach_every_parameter(case: int):
    _, _, size, _ = CASES[case]
    graph, params, rest = nnx.split(_model(case), nnx.Param, ...)
    x = jax.random.normal(jax.random.key(0), (4, size, size, 1))

    @jax.jit
    def gradients(params):
        def loss(params):
            model = nnx.merge(graph, params, jax.tree.map(lambda leaf: leaf, rest))
            scores = model(x, train=True, key=jax.random.key(1))
            return (scores * jnp.arange(12.0).reshape(4, 3)).mean()

        return jax.grad(loss)(params)

    found = jax.tree_util.tree_leaves_with_path(gradients(params))
    dead = [
        jax.tree_util.keystr(path) for path, g in found if g.size and not (jnp.isfinite(g).all() and (g != 0).any())
    ]
    assert not dead


@pytest.mark.parametrize(
    ("name", "fields", "published"),
    [
        ("mnist_final", {"group": "C16"}, 2.69e6),
        ("mnist_final", {"group": "D16", "restrict_to": "C16", "equal_parameters": True}, 3.07e6),
    ],
)
def test_published_numbers_of_parameters(name: str, fields, published: float):
    count = MODELS[name](**fields).parameter_count((28, 28, 1), 10)
    assert round(count / 1e6, 2) == round(published / 1e6, 2)


def test_equal_parameters_hardly_depend_on_the_group():
    counts = [
        MODELS["mnist_benchmark"](group=g, basis="steerable", equal_parameters=True).parameter_count((28, 28, 1), 10)
        for g in ("C2", "C8", "C16", "D8")
    ]
    assert max(counts) < 1.5 * min(counts), counts
    matched = MODELS["mnist_benchmark"](group="C8", match_parameters=300_000).matched((28, 28, 1), 10)
    assert abs(matched.parameter_count((28, 28, 1), 10) - 300_000) < 6_000


def test_the_wide_residual_network_is_the_published_one():
    config = MODELS["e2_wrn"](depth=16, width=1)
    model = nnx.eval_shape(lambda: config.build((33, 33, 3), 10, rngs=nnx.Rngs(0)))
    convs = [m for _, m in nnx.iter_graph(model) if isinstance(m, Conv)]
    residuals = [m for _, m in nnx.iter_graph(model) if isinstance(m, Residual)]
    assert len(residuals) == 6
    assert sorted(c.window.size for c in convs) == [1, 1, 1, *[3] * 8, *[5] * 5]  # shortcuts, D4 and D1, D8 and lifting
    assert sorted(c.window.stride for c in convs).count(2) == 4
    restrictions = [str(m.out_type.group) for m in model.layers if isinstance(m, Restrict)]
    assert restrictions == ["D4", "D1"]
    assert model.layers[-1].in_type == FieldType("D1", f"{int(64 * 2**0.5)} trivial")
    assert model.contract.output_size((33, 33)) == ()


def test_restriction_doubles_the_fields():
    model = nnx.eval_shape(
        lambda: MODELS["mnist_final"](group="D16", restrict_to="C16").build((28, 28, 1), 10, rngs=nnx.Rngs(0))
    )
    (restrict,) = [m for m in model.layers if isinstance(m, Restrict)]
    assert (restrict.in_type, restrict.out_type) == (FieldType("D16", "64 regular"), FieldType("C16", "128 regular"))


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("steerable_example", {"group": "SO2"}, "model.group of the example network"),
        ("steerable_example", {"input_size": 5}, "invalid model.input_size 5"),
        ("mnist_benchmark", {"group": "O2"}, "model.group of the MNIST networks; see harmonic"),
        ("mnist_benchmark", {"field_mixture": "2 irrep(1)"}, "model.field_mixture needs fields whose channels"),
        ("mnist_benchmark", {"activation": "maxout"}, "unknown model.activation 'maxout'"),
        ("mnist_final", {"group": "C16", "restrict_to": "D16"}, "invalid model.restrict_to 'D16'.*a subgroup of C16"),
        ("mnist_final", {"restrict_after": 6}, "invalid model.restrict_after 6"),
        ("harmonic", {"nonlinearity": "pointwise"}, "norm, gated or fourier"),
        ("harmonic", {"nonlinearity": "gate"}, "unknown model.nonlinearity 'gate'"),
        ("harmonic", {"max_frequency": 0}, "invalid model.max_frequency 0"),
        ("e2_wrn", {"depth": 20}, "invalid model.depth 20"),
        ("e2_wrn", {"groups": ("D4", "D8", "D1")}, "three groups, each a subgroup of the last"),
        ("e2_wrn", {"groups": ("O2", "D8", "D1")}, "model.groups"),
        ("e2_wrn", {"groups": "D8"}, "invalid model.groups 'D8'; allowed: three names of groups"),
        ("e2_wrn", {"groups": ("Oh", "D8", "D1")}, "invalid model.groups 'Oh'; allowed: a group that moves images"),
        ("e2_wrn", {"initial_stride": 3}, "invalid model.initial_stride 3"),
        ("e2_wrn", {"downsampling": "pool"}, "invalid model.downsampling 'pool'"),
    ],
)
def test_refusals(name: str, fields, message: str):
    with pytest.raises(ValueError, match=message):
        MODELS[name](**fields)


def test_a_hundred_pixels_too_few_are_refused_and_one_too_many_warned_of():
    small = MODELS["mnist_final"](group="C4", width=0.05)
    with pytest.raises(ValueError, match="larger than the image"):
        small.build((12, 12, 1), 10, rngs=nnx.Rngs(0))
    with pytest.warns(InexactSizeWarning, match="28x28 and 32x32"):
        small.build((29, 29, 1), 10, rngs=nnx.Rngs(0))


def test_pieces():
    assert mixture(group("C16"), MIXTURE, 12).size == pytest.approx(192, rel=0.1)
    assert str(all_frequencies(group("C8"), 2, 3)) == str(FieldType("C8", "3 trivial + 3 irrep(1) + 3 irrep(2)"))
    t = FieldType("SO2", "2 trivial + 2 irrep(1)")
    assert nonlinear_layer(t, "norm", "elu").out_type == t
    assert nonlinear_layer(FieldType("SO2", "2 irrep(1)"), "norm", "relu").in_type == FieldType("SO2", "2 irrep(1)")
    with pytest.raises(ValueError, match="relu needs fields whose channels the group permutes"):
        convolution_block(t, t, 3, nonlinearity="pointwise", rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="pool over the group first"):
        invariant_head(t, (4,), 3, rngs=nnx.Rngs(0))
