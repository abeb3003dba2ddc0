"""The common table: every layer and model × every group it supports keeps its contract, for every element.

The whole frame is compared, borders included. Sizes are odd and even; where a layer promises nothing at a size, its
contract must say so.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import act
from geomdl.equivariance import Report, check_contract
from geomdl.layers import (
    AdaptivePool,
    BatchNorm,
    BlurPool,
    Branch,
    Concatenated,
    Conv,
    Dense,
    Dropout,
    FieldNorm,
    FourierPointwise,
    Gated,
    GlobalPool,
    GroupNorm,
    GroupPool,
    InstanceNorm,
    Layer,
    LayerNorm,
    Mask,
    Maxout,
    NormActivation,
    NormMaxPool,
    NormPool,
    Parallel,
    Pointwise,
    Pool,
    Residual,
    Restrict,
    Sequential,
    SubgroupPool,
    TensorProduct,
    ToIrreps,
    TransposedConv,
    Upsample,
    VectorField,
    antialiased_max_pool,
    halving_pool,
)
from geomdl.layers.functional import ACTIVATIONS
from geomdl.models import MODELS
from geomdl.representations import FieldType

GRID_GROUPS = ["C1", "C2", "C4", "D1", "D2", "D4"]
ABSTRACT_GROUPS = [*GRID_GROUPS, "C3", "C8", "D3", "D8"]


def _image(group: str) -> FieldType:
    return FieldType(group, "2 trivial")


def _regular(group: str) -> FieldType:
    return FieldType(group, "1 trivial + 2 regular")


def _trained_statistics(layer: BatchNorm) -> BatchNorm:
    """Statistics as after training, so that evaluation mode is not the identity."""
    fields = layer.in_type.num_fields
    layer.mean[...] = jnp.linspace(-1, 1, layer.mean[...].size, dtype=jnp.float32)
    layer.variance[...] = jnp.linspace(0.5, 2, fields, dtype=jnp.float32)
    layer.scale[...] = jnp.linspace(0.5, 1.5, fields, dtype=jnp.float32)
    return layer


LAYERS: dict[str, Callable[[str], Layer]] = {
    "lift": lambda g: Conv(_image(g), _regular(g), 3, padding="same", rngs=nnx.Rngs(0)),
    "conv": lambda g: Conv(_regular(g), _regular(g), 3, padding="same", rngs=nnx.Rngs(0)),
    "conv to trivial": lambda g: Conv(_regular(g), _image(g), 5, padding="valid", rngs=nnx.Rngs(0)),
    "conv even kernel": lambda g: Conv(_regular(g), _regular(g), 4, padding=1, rngs=nnx.Rngs(0)),
    "conv full": lambda g: Conv(_image(g), _regular(g), 3, padding="full", rngs=nnx.Rngs(0)),
    "conv circular": lambda g: Conv(
        _regular(g), _regular(g), 3, padding="same", padding_mode="circular", rngs=nnx.Rngs(0)
    ),
    "conv reflect": lambda g: Conv(_image(g), _regular(g), 3, padding=1, padding_mode="reflect", rngs=nnx.Rngs(0)),
    "conv replicate": lambda g: Conv(_image(g), _regular(g), 3, padding=1, padding_mode="replicate", rngs=nnx.Rngs(0)),
    "conv dilated": lambda g: Conv(_image(g), _regular(g), 3, padding="same", dilation=2, rngs=nnx.Rngs(0)),
    "conv stride": lambda g: Conv(_image(g), _regular(g), 3, stride=2, padding=1, remainder="drop", rngs=nnx.Rngs(0)),
    "conv stride circular": lambda g: Conv(
        _image(g), _regular(g), 4, stride=2, padding=1, padding_mode="circular", remainder="drop", rngs=nnx.Rngs(0)
    ),
    "max pool": lambda g: Pool(_regular(g), 2, remainder="drop"),
    "max pool overlapping": lambda g: Pool(_regular(g), 3, stride=2, padding=1, remainder="drop"),
    "average pool": lambda g: Pool(_regular(g), 2, reduce="mean", remainder="drop"),
    "average pool circular": lambda g: Pool(
        _regular(g), 3, reduce="mean", stride=1, padding=1, padding_mode="circular"
    ),
    "blur pool": lambda g: BlurPool(_regular(g), 3, padding=1, remainder="drop"),
    "blur pool circular": lambda g: BlurPool(_regular(g), 4, padding=1, padding_mode="circular", remainder="drop"),
    "layer norm": lambda g: LayerNorm(_regular(g)),
    "batch norm": lambda g: _trained_statistics(BatchNorm(_regular(g))),
    "dropout": lambda g: Dropout(_regular(g), 0.5),
    "dropout pointwise": lambda g: Dropout(_regular(g), 0.5, whole_fields=False),
    "maxout": lambda g: Maxout(FieldType(g, "2 trivial + 2 regular")),
    "global mean": lambda g: GlobalPool(_regular(g)),
    "global max": lambda g: GlobalPool(_regular(g), "max"),
    "group pool": lambda g: GroupPool(_regular(g)),
    "group mean": lambda g: GroupPool(_regular(g), "mean"),
    "conv, pool, conv": lambda g: Sequential(
        [
            Conv(_image(g), _regular(g), 3, padding="same", rngs=nnx.Rngs(0)),
            Pool(_regular(g), 2, remainder="drop"),
            Conv(_regular(g), _regular(g), 3, padding="same", rngs=nnx.Rngs(1)),
        ]
    ),
    **{f"pointwise {a}": lambda g, a=a: Pointwise(_regular(g), a) for a in ACTIVATIONS},
}

# Layers that are exact at even sizes only, at odd sizes only; the rest are exact at both.
EXACT_AT_EVEN = {"max pool", "average pool", "conv stride circular", "blur pool circular", "conv, pool, conv"}
EXACT_AT_ODD = {"conv stride", "blur pool", "max pool overlapping"}


def _kept(report: Report) -> None:
    assert report.passed, str(report)
    near = [row for row in report.promised if row.error > 0.5 * (row.tolerance or 1)]
    assert not near, f"the tolerance is nearer to these errors than its derivation says: {near}"


@pytest.mark.parametrize("group", GRID_GROUPS)
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("size", [(6, 6), (7, 7)], ids=["even", "odd"])
def test_layers_on_the_grid(name: str, group: str, size: tuple[int, int]):
    layer = LAYERS[name](group)
    report = check_contract(layer, jax.random.key(0), size=size, max_shifts=6)
    points = [row for row in report.rows if row.symmetry == "points"]
    assert len(points) == layer.in_type.group.order
    exact = name not in (EXACT_AT_EVEN if size[0] % 2 else EXACT_AT_ODD)
    assert [row.level for row in points] == ["exact" if exact else "none"] * len(points)
    _kept(report)


SHIFTS = {  # the step of the circular shifts that each layer promises at even sizes; 0: none
    "lift": 0,
    "conv circular": 1,
    "conv stride circular": 2,
    "max pool": 2,
    "average pool circular": 1,
    "blur pool circular": 2,
    "batch norm": 1,
    "group pool": 1,
    "global mean": 1,
    "dropout": 1,
}


@pytest.mark.parametrize(("name", "step"), SHIFTS.items())
@pytest.mark.parametrize("size", [(6, 6), (4, 8)], ids=str)
def test_every_circular_shift(name: str, step: int, size: tuple[int, int]):
    layer = LAYERS[name]("C2")
    report = check_contract(layer, jax.random.key(0), size=size, max_shifts=64)
    shifts = [row for row in report.promised if row.symmetry == "shifts"]
    assert len(shifts) == (size[0] // step * (size[1] // step) if step else 0)
    _kept(report)


@pytest.mark.parametrize("group", ["D1", "D2", "C2"])
def test_oblong_images(group: str):
    for name in ("lift", "conv even kernel", "max pool"):
        _kept(check_contract(LAYERS[name](group), jax.random.key(0), size=(6, 8), max_shifts=4))


VECTOR_LAYERS: dict[str, Callable[[str], Layer]] = {
    "dense": lambda g: Dense(_regular(g), _regular(g), rngs=nnx.Rngs(0)),
    "dense to trivial": lambda g: Dense(_regular(g), _image(g), rngs=nnx.Rngs(0)),
    "relu": lambda g: Pointwise(_regular(g), "relu"),
    "batch norm": lambda g: _trained_statistics(BatchNorm(_regular(g))),
    "layer norm": lambda g: LayerNorm(_regular(g)),
    "maxout": lambda g: Maxout(FieldType(g, "2 regular")),
    "group pool": lambda g: GroupPool(_regular(g)),
    "dropout": lambda g: Dropout(_regular(g), 0.5),
}


@pytest.mark.parametrize("group", ABSTRACT_GROUPS)
@pytest.mark.parametrize("name", VECTOR_LAYERS)
def test_layers_without_base_space(name: str, group: str):
    for train in (False, True):
        report = check_contract(VECTOR_LAYERS[name](group), jax.random.key(0), size=(), batch=5, train=train)
        assert len(report.promised) == report.rows.__len__() == VECTOR_LAYERS[name](group).in_type.group.order
        _kept(report)


@pytest.mark.parametrize("name", ["batch norm", "dropout", "dropout pointwise", "conv"])
def test_training_mode(name: str):
    report = check_contract(LAYERS[name]("D4"), jax.random.key(0), size=(6, 6), train=True, max_shifts=4)
    assert bool(report.promised) == (name != "dropout pointwise"), "single numbers are dropped: no exact promise"
    _kept(report)


MODEL_CASES = [("gcnn", {"group": g, "width": 2, "kernel_size": 3}, (8, 8), True, False) for g in GRID_GROUPS] + [
    ("gcnn", {"group": "D4", "width": 2, "kernel_size": 5, "downsampling": "blur"}, (9, 9), True, False),
    (
        "gcnn",
        {"group": "C4", "width": 2, "kernel_size": 3, "downsampling": "average", "hidden": 4},
        (7, 7),
        True,
        False,
    ),
    (
        "gcnn",
        {"group": "C4", "width": 2, "kernel_size": 3, "activation": "maxout", "dropout": 0.5},
        (6, 6),
        True,
        False,
    ),
    (
        "gcnn",
        {"group": "D4", "width": 1, "kernel_size": 3, "padding_mode": "circular", "downsampling": "none"},
        (7, 7),
        True,
        True,
    ),
    (
        "gcnn",
        {"group": "C4", "width": 2, "kernel_size": 3, "normalization": "layer", "activation": "elu"},
        (6, 6),
        True,
        False,
    ),
    ("ti_cnn", {"width": 3, "kernel_size": 3}, (6, 6), True, True),
    ("ti_cnn", {"width": 3, "kernel_size": 5}, (5, 7), True, True),
    ("cnn", {"width": 2, "kernel_size": 3}, (8, 8), False, False),
    ("mlp", {"width": 8}, (6, 6), False, False),
    ("local", {"width": 2, "kernel_size": 3}, (6, 6), False, False),
    ("linear", {}, (6, 6), False, False),
]


def _train(model: nnx.Module, shape: tuple[int, ...], steps: int = 3) -> None:
    """A few steps of gradient descent on noise, batch statistics included."""
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    x = jax.random.normal(jax.random.key(5), shape)
    labels = jnp.arange(shape[0]) % 3

    @jax.jit
    def step(params, rest, key):
        def loss(params):
            merged = nnx.merge(graph, params, jax.tree.map(lambda leaf: leaf, rest))
            logits = merged(x, train=True, key=key)
            chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
            return -chosen.mean(), nnx.state(merged, nnx.Not(nnx.Param))

        gradient, rest = jax.grad(loss, has_aux=True)(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient), rest

    for i in range(steps):
        params, rest = step(params, rest, jax.random.key(i))
    nnx.update(model, params, rest)


@pytest.mark.parametrize(
    ("name", "fields", "size", "points", "shifts"), MODEL_CASES, ids=lambda v: str(v).replace(" ", "")
)
def test_models_before_and_after_training(name, fields, size, points: bool, shifts: bool):
    model = MODELS[name](**fields).build((*size, 2), 3, rngs=nnx.Rngs(0))
    for trained in (False, True):
        if trained:
            _train(model, (6, *size, 2))
        report = check_contract(model, jax.random.key(1), size=size, max_shifts=8)
        promised = {row.symmetry for row in report.promised}
        assert promised == {s for s, given in (("points", points), ("shifts", shifts)) if given}
        _kept(report)


@pytest.mark.parametrize("name", ["lift", "conv even kernel", "batch norm", "blur pool circular", "layer norm"])
def test_layers_in_double_precision(name: str):
    with jax.enable_x64(True):
        report = check_contract(LAYERS[name]("D4"), jax.random.key(0), size=(6, 6), dtype=jnp.float64, max_shifts=4)
        _kept(report)
        assert all(row.tolerance is None or row.tolerance < 1e-13 for row in report.rows)


@pytest.mark.parametrize("case", [MODEL_CASES[5], MODEL_CASES[9]], ids=["gcnn", "p4m"])
def test_models_in_double_precision(case):
    name, fields, size, _, _ = case
    with jax.enable_x64(True):
        model = MODELS[name](**fields).build((*size, 2), 3, rngs=nnx.Rngs(0))
        report = check_contract(model, jax.random.key(1), size=size, dtype=jnp.float64, max_shifts=4)
        _kept(report)
        assert report.worst("points") < 1e-12


def test_halving_pool_is_exact_at_every_size():
    for n in range(4, 10):
        pool = halving_pool(FieldType("D4", "1 regular"), (n, n))
        assert pool.window.output_size((n, n)) == (-(-n // 2),) * 2
        _kept(check_contract(pool, jax.random.key(0), size=(n, n), max_shifts=2))


def _mixed(group: str) -> FieldType:
    """Scalars, a sign, vectors and a regular field."""
    sign, vector = ("irrep(1,0)", "irrep(1,1)") if group.startswith("D") else ("irrep(2)", "irrep(1)")
    return FieldType(group, f"1 trivial + 1 {sign} + 1 {vector} + 1 regular")


# Layers on any representation, with the sizes for which they promise; every group element: tests/layers/test_fibres.py.
EVEN, ODD, BOTH = (6,), (7,), (6, 7)
FIELD_LAYERS: dict[str, tuple[Callable[[str], Layer], tuple[int, ...]]] = {
    "norm": (lambda g: NormActivation(_mixed(g), "sigmoid"), ODD),
    "gated": (lambda g: Gated(_mixed(g)), ODD),
    "fourier": (lambda g: FourierPointwise(FieldType(g, "2 band_limited(1)"), "elu"), ODD),
    "vector field": (lambda g: VectorField(FieldType(g, "2 regular")), EVEN),
    "concatenated": (lambda g: Concatenated(_mixed(g)), ODD),
    "tensor product": (lambda g: TensorProduct(FieldType(g, "1 band_limited(1)")), ODD),
    "batch norm of any type": (lambda g: _trained_statistics(BatchNorm(_mixed(g))), EVEN),
    "group norm": (lambda g: GroupNorm(_mixed(g), 2), EVEN),
    "instance norm": (lambda g: InstanceNorm(_mixed(g)), ODD),
    "layer norm of any type": (lambda g: LayerNorm(_mixed(g)), ODD),
    "field norm": (lambda g: FieldNorm(FieldType(g, "2 regular")), ODD),
    "norm max pool": (lambda g: NormMaxPool(_mixed(g), 2, remainder="drop"), EVEN),
    "norm max pool overlapping": (lambda g: NormMaxPool(_mixed(g), 3, stride=2, padding=1, remainder="drop"), ODD),
    "antialiased max pool": (lambda g: antialiased_max_pool(_regular(g), remainder="drop"), EVEN),
    "antialiased norm max pool": (lambda g: antialiased_max_pool(_mixed(g), 3, remainder="drop"), ODD),
    "adaptive mean": (lambda g: AdaptivePool(_mixed(g), 4), BOTH),
    "adaptive max": (lambda g: AdaptivePool(_regular(g), 3, "max"), BOTH),
    "subgroup pool": (lambda g: SubgroupPool(FieldType(g, "2 regular"), "C2"), ODD),
    "norm pool": (lambda g: NormPool(_mixed(g)), ODD),
    "upsample nearest": (lambda g: Upsample(_mixed(g), 2, method="nearest"), BOTH),
    "upsample circular": (lambda g: Upsample(_mixed(g), 2, method="cubic", padding_mode="circular"), BOTH),
    "upsample to a size": (lambda g: Upsample(_mixed(g), size=9), BOTH),
    "upsample nearest to a size": (lambda g: Upsample(_mixed(g), size=10, method="nearest"), BOTH),
    "mask": (lambda g: Mask(_mixed(g)), BOTH),
    "restrict": (lambda g: Restrict(_mixed(g), "C2"), ODD),
    "to irreps": (lambda g: ToIrreps(_mixed(g)), EVEN),
    "branch": (lambda g: Branch([NormPool(_mixed(g)), Mask(_mixed(g))]), ODD),
    "parallel": (lambda g: Parallel([Pool(_regular(g), 2), NormMaxPool(_mixed(g), 2)]), EVEN),
    "residual": (lambda g: Residual(Conv(_regular(g), _regular(g), 3, padding="same", rngs=nnx.Rngs(0))), BOTH),
}
WITHOUT_SHIFTS = {
    "antialiased max pool", "antialiased norm max pool", "norm max pool overlapping", "adaptive mean", "adaptive max",
    "upsample to a size", "upsample nearest to a size", "mask", "branch", "residual",
}  # fmt: skip


@pytest.mark.parametrize("name", FIELD_LAYERS)
def test_layers_on_any_representation(name: str):
    make, sizes = FIELD_LAYERS[name]
    for group, n in zip(("D4", "C4"), sizes, strict=False):
        layer = make(group)
        report = check_contract(layer, jax.random.key(0), size=(n, n), max_shifts=3)
        _kept(report)
        points = [row for row in report.promised if row.symmetry == "points"]
        assert len(points) == layer.out_type.group.order
        assert any(row.symmetry == "shifts" for row in report.promised) == (name not in WITHOUT_SHIFTS)


EVERY_GROUP = [*(f"C{n}" for n in range(1, 17)), *(f"D{n}" for n in range(1, 9)), "SO2", "O2"]


def _steerable_types(group: str) -> tuple[FieldType, FieldType]:
    """A few kinds of fields: scalars, vectors or signs, and regular ones where the group is finite."""
    vector = "1 irrep(1,1)" if group in ("O2", "D3", "D4", "D5", "D6", "D7", "D8") else "1 irrep(1)"
    vector = {"C1": "1 trivial", "D1": "1 irrep(1,0)", "D2": "1 irrep(1,1)"}.get(group, vector)
    rich = "1 trivial" if group in ("SO2", "O2") else "1 regular"
    return FieldType(group, f"1 trivial + {vector}"), FieldType(group, f"{vector} + {rich}")


@pytest.mark.parametrize(("number", "group"), list(enumerate(EVERY_GROUP)), ids=EVERY_GROUP)
def test_steerable_convolutions_of_every_group(number: int, group: str):
    """Exact for the elements that map the grid to itself; the others are measured, and only approximate."""
    size = ((6, 6), (7, 7))[number // 2 % 2]
    in_type, out_type = _steerable_types(group)
    layer = Conv(in_type, out_type, 5, padding="same", basis="steerable", rngs=nnx.Rngs(0))
    report = check_contract(layer, jax.random.key(0), size=size, max_shifts=2)
    points = [row for row in report.rows if row.symmetry == "points"]
    exact = [row for row in points if row.level == "exact"]
    reflections = 2 if in_type.group.reflections else 1
    turns = 4 if not in_type.group.is_finite else math.gcd(4, int(in_type.group.rotation_order))
    assert len(exact) == reflections * turns
    assert len(points) == (in_type.group.order if in_type.group.is_finite else len(exact) + 4)
    _kept(report)


@pytest.mark.parametrize("group", ["C3", "C4", "C8", "D4", "D8", "SO2", "O2"])
def test_transposed_and_depthwise_convolutions(group: str):
    in_type, out_type = _steerable_types(group)
    up = TransposedConv(in_type, out_type, 4, stride=2, padding=1, rngs=nnx.Rngs(0))
    assert up.contract.output_size((5, 5)) == (10, 10)
    _kept(check_contract(up, jax.random.key(0), size=(5, 5), max_shifts=2))
    fields = FieldType(group, [(3, out_type.blocks[0].representation)])
    depthwise = Conv(fields, fields, 3, padding=1, groups=3, rngs=nnx.Rngs(0))
    _kept(check_contract(depthwise, jax.random.key(0), size=(6, 6), max_shifts=2))
    alone = depthwise(jnp.ones((1, 6, 6, fields.size)).at[..., : fields.size // 3].set(0.0))
    assert float(jnp.abs(alone[..., : fields.size // 3]).max()) == 0, "fields are kept apart"


def test_an_odd_angle_is_better_than_nothing():
    """On a smooth image a C8 convolution commutes with 45° much better than an ordinary one."""

    def error(group: str) -> float:
        layer = Conv(FieldType(group, "1 trivial"), FieldType(group, "4 regular"), 7, padding="same", rngs=nnx.Rngs(0))
        rho = FieldType("C8", "4 regular" if group == "C8" else "4 trivial")
        i, j = np.mgrid[:33, :33] - 16.0
        image = np.exp(-((i - 4) ** 2 + 2 * (j + 2) ** 2) / 40) * (1 + np.sin(j / 3))
        x = jnp.asarray(image, jnp.float32)[None, :, :, None]
        turned = layer(act(np.array([0, 1]), x, FieldType("C8", "1 trivial")))
        expected = act(np.array([0, 1]), layer(x), rho)
        inside = jnp.asarray(i**2 + j**2 < 10**2, jnp.float32)[None, :, :, None]
        return float(jnp.linalg.norm((turned - expected) * inside) / jnp.linalg.norm(expected * inside))

    assert error("C8") < 0.1 < 0.3 < error("C1")
