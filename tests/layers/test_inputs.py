"""Every layer and model takes floating-point numbers, and refuses with advice what would give wrong ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments.tables.symmetry import TABLE
from geomdl.layers import Conv, Dense, GroupNorm, Layer, PositionEmbedding, Reshuffle, SelfAttention, Upsample, freeze
from geomdl.layers.contract_table.entries import Entry
from geomdl.models import MODELS, export
from geomdl.representations import FieldType

LAYERS = [entry for entry in TABLE if entry.section != "Models"]
REFUSED = (np.uint8, np.int8, np.uint16, np.int32, np.complex64)
IMAGE, FIELDS = FieldType("C4", "3 trivial"), FieldType("C4", "2 regular")


def _built(entry: Entry) -> Layer:
    return entry.build(next(name for name in entry.quick if name in entry.groups))


def _shape(entry: Entry, layer: Layer) -> tuple[int, ...]:
    return (2, *entry.even, layer.in_type.size)


def _output(layer: Layer, shape, dtype) -> jax.ShapeDtypeStruct:
    return jax.eval_shape(lambda x: layer(x), jax.ShapeDtypeStruct(shape, dtype))


ONE_OF_EACH = {entry.name.split(",")[0]: entry for entry in LAYERS}.values()
"""The last row of every layer; its other rows, which take the same arrays, are long."""
ROWS = [pytest.param(e, id=e.name, marks=[] if e in ONE_OF_EACH else [pytest.mark.long]) for e in LAYERS]


@pytest.mark.parametrize("entry", ROWS)
def test_layers_refuse_other_numbers_and_shapes(entry):
    layer = _built(entry)
    shape = _shape(entry, layer)
    for dtype in REFUSED:
        with pytest.raises(ValueError, match=r"dtype of the input of \w+ '.*allowed: float32"):
            _output(layer, shape, dtype)
    with pytest.raises(ValueError, match=r"shape of the input of \w+ .*\[batch"):
        _output(layer, (1, *shape), np.float32)
    if entry.even:
        with pytest.raises(ValueError, match=r"batch axis seems to be missing: try x\[None\]"):
            _output(layer, shape[1:], np.float32)
    with pytest.raises(ValueError, match=r"channels|made for images"):
        _output(layer, (*shape[:-1], shape[-1] + 1), np.float32)


def _check_precisions(entry: Entry) -> None:
    layer = _built(entry)
    shape = _shape(entry, layer)
    wanted = _output(layer, shape, np.float32)
    for dtype in (np.float16, jnp.bfloat16):
        assert _output(layer, shape, dtype) == jax.ShapeDtypeStruct(wanted.shape, dtype)
    assert _output(layer, shape, bool) == wanted


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in LAYERS[:: len(LAYERS) // 9]])
def test_outputs_have_the_precision_of_the_input(entry):
    _check_precisions(entry)


@pytest.mark.long
@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in TABLE])
def test_outputs_of_every_row_have_the_precision_of_the_input(entry):
    _check_precisions(entry)


@pytest.mark.long
@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in TABLE if e.section == "Models"])
def test_models_refuse_whole_numbers(entry):
    model = _built(entry)
    for network in (model, freeze(model)):
        for dtype in REFUSED:
            with pytest.raises(ValueError, match=r"dtype of the input of \w+ '.*allowed: float32"):
                _output(network, _shape(entry, model), dtype)


def test_models_live_frozen_and_exported(tmp_path):
    model = MODELS["mlp"](width=4).build((6, 6, 1), 3, rngs=0)
    whole = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 1)).astype(np.uint8)
    for network in (model, freeze(model)):
        with pytest.raises(ValueError, match=r"'uint8'.*/ 255 or geomdl\.data\.unit_interval"):
            network(whole)
        with pytest.raises(ValueError, match=r"'uint8'"):
            network(x=whole)
        np.testing.assert_array_equal(network((whole > 9).tolist()), network((whole > 9).astype(np.float32)))
    with pytest.raises(ValueError, match="'uint8'"):
        export(model, (6, 6, 1), tmp_path, dtype=jnp.uint8)


def test_channels_first_and_missing_axes_are_guessed():
    conv = Conv(IMAGE, FIELDS, 3, rngs=0)
    for shape, guess in (
        ((2, 3, 9, 9), r"moveaxis\(x, 1, -1\)"),
        ((9, 9, 3), r"x\[None\]"),
        ((3, 9, 9), r"moveaxis\(x, 0, -1\)\[None\]"),
    ):
        with pytest.raises(ValueError, match=guess):
            conv(np.zeros(shape, np.float32))
    grey = Conv(FieldType("C4", "1 trivial"), FIELDS, 3, rngs=0)
    with pytest.raises(ValueError, match=r"x\[\.\.\., None\]"):
        grey(np.zeros((2, 9, 9), np.float32))


def test_layers_of_ones_own_are_asked_the_same():
    class Shifted(Layer):
        def __init__(self, in_type, by: int = 1, *, rngs=None):
            self.in_type = self.out_type = in_type
            self.by, self.keys = by, rngs

        @property
        def contract(self):
            raise NotImplementedError

        def apply(self, x):
            return x + self.by

    with pytest.raises(ValueError, match="input of Shifted 'uint8'"):
        Shifted(IMAGE)(np.zeros((1, 3), np.uint8))
    with pytest.raises(ValueError, match="input of Shifted 'uint8'"):
        Shifted(IMAGE).apply(np.zeros((1, 3), np.uint8))
    with pytest.raises(ValueError, match=r"invalid by 0\.5"):
        Shifted(IMAGE, 0.5)
    assert Shifted(IMAGE).keys is None
    assert isinstance(Shifted(IMAGE, rngs=3).keys, nnx.Rngs)


@pytest.mark.parametrize("rngs", [jax.random.key(3), jax.random.PRNGKey(3), 3, np.int64(3)])
def test_a_key_or_a_seed_stands_for_rngs(rngs):
    builds = (
        lambda r: Dense(IMAGE, FIELDS, rngs=r),
        lambda r: SelfAttention(FieldType("C1", "4 trivial"), 2, rngs=r),
        lambda r: MODELS["mlp"](width=4).build((4, 4, 1), 3, rngs=r),
    )
    for build in builds:
        found, wanted = (jax.tree.leaves(nnx.state(build(r), nnx.Param)) for r in (rngs, nnx.Rngs(3)))
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rngs", [None, "0", 0.5, True, -1, np.zeros(2)])
def test_other_rngs_are_refused(rngs):
    with pytest.raises(ValueError, match=r"invalid rngs .*nnx\.Rngs\(0\)"):
        Dense(IMAGE, FIELDS, rngs=rngs)
    with pytest.raises(ValueError, match=r"invalid rngs .*nnx\.Rngs\(0\)"):
        MODELS["mlp"](width=4).build((4, 4, 1), 3, rngs=rngs)


@pytest.mark.parametrize(
    ("build", "good"),
    [
        (lambda n: Conv(IMAGE, FIELDS, n, rngs=0), 3),
        (lambda n: Conv(IMAGE, FIELDS, 3, stride=n, rngs=0), 2),
        (lambda n: Conv(IMAGE, FIELDS, 3, padding=n, rngs=0), 1),
        (lambda n: Conv(FieldType("C4", "2 regular"), FIELDS, 3, groups=n, rngs=0), 2),
        (lambda n: GroupNorm(FieldType("C4", "4 regular"), n), 2),
        (lambda n: SelfAttention(FieldType("C1", "4 trivial"), n, rngs=0), 2),
        (lambda n: PositionEmbedding(IMAGE, (n, 4), rngs=0), 4),
        (lambda n: Upsample(IMAGE, n), 2),
        (lambda n: Upsample(IMAGE, size=(n, 4)), 4),
        (lambda n: Reshuffle(FieldType("C4", "1 trivial + 1 regular"), (n, 0)), 1),
        (lambda n: FieldType("C4", [(n, "regular")]), 3),
        (lambda n: MODELS["gcnn"](depth=n), 2),
        (lambda n: MODELS["mlp"](width=4).build((n, 4, 1), 3, rngs=0), 4),
        (lambda n: MODELS["mlp"](width=4).build((4, 4, 1), n, rngs=0), 4),
    ],
)
def test_sizes_and_multiplicities_are_whole_numbers_of_python_or_numpy(build, good):
    build(np.int64(good))
    for bad in (good + 0.5, float(good), float("nan"), True, str(good), None):
        if bad is not None:
            with pytest.raises(ValueError, match=r"invalid|unknown"):
                build(bad)


@pytest.mark.parametrize("fields", [3, 2.5, None, np.array([8]), [8, 4], (2, "regular"), {"regular": 4}, b"8 regular"])
def test_what_is_no_field_type_is_refused(fields):
    with pytest.raises(ValueError, match="8 trivial \\+ 4 regular"):
        FieldType("C4", fields)
    with pytest.raises(ValueError, match=r"invalid in_type .*FieldType\('C4'"):
        Dense(fields, FIELDS, rngs=0)


def test_field_types_from_lists():
    wanted = FieldType("C4", "2 trivial + 1 regular")
    for fields in (["2 trivial", "regular"], [(2, "trivial"), (np.int64(1), "regular")], [(2, "trivial"), "regular"]):
        assert FieldType("C4", fields) == wanted
