"""Which convolutions are measured, on what, and what follows from the times."""

import dataclasses

import jax.numpy as jnp
import pytest
from flax import nnx

from geomdl.cli.verbs.autotune import advice
from geomdl.layers import Conv, Pointwise, Polyphase, Pool, Residual, Sequential
from geomdl.layers.transforms.conv_inputs import conv_inputs
from geomdl.models import MODELS, Tuned, autotune, summarize
from geomdl.representations import FieldType

IMAGE, FIELDS = FieldType("C4", "1 trivial"), FieldType("C4", "1 regular")


def _conv(in_type: FieldType) -> Conv:
    return Conv(in_type, FIELDS, 3, padding="same", basis="steerable", rngs=nnx.Rngs(0))


def _net() -> Sequential:
    blocks = [Residual(Sequential([Pointwise(FIELDS), _conv(FIELDS)])) for _ in range(3)]
    return Sequential([_conv(IMAGE), *blocks[:2], Pool(FIELDS, 1, stride=2), blocks[2]])


def test_inputs_are_those_of_the_summary():
    model = nnx.eval_shape(lambda: MODELS["resnet"](group="C4", width=1).build((16, 16, 1), 3, rngs=nnx.Rngs(0)))  # type: ignore[call-arg]
    listed = [row for row in summarize(model, (16, 16, 1)).rows if row.layer.startswith("Conv")]
    seen = conv_inputs(model, (16, 16, 1), 5, dtype=jnp.bfloat16)
    assert [c.path for c in seen] == [row.path for row in listed]
    for inputs, row in zip(seen, listed, strict=True):
        ((batch, *size, channels),) = inputs.shapes
        assert (batch, channels) == (5, inputs.layer.in_type.size)
        assert inputs.layer.contract.output_size(tuple(size)) == row.output_shape[:2]
        assert inputs.takes_images == (row.path == "0")


def test_layers_inside_layers_of_any_kind_are_found():
    inner = Conv(FIELDS, FIELDS, 3, padding=1, padding_mode="circular", stride=2, remainder="drop", rngs=nnx.Rngs(0))
    model = Sequential([Polyphase(inner, choose="learned", rngs=nnx.Rngs(1))])
    assert {c.path.split(".")[-1] for c in conv_inputs(model, (8, 8, 4), 2)} >= {"layer"}
    with pytest.raises(ValueError, match="the image"):
        conv_inputs(model, (8, 8, 3), 2)


def test_alike_layers_are_measured_once_and_both_methods_in_turn(monkeypatch: pytest.MonkeyPatch):
    measured = []

    def fake(inputs, methods, rounds, dtype) -> Tuned:
        measured.append(inputs.path)
        return _tuned(inputs.path)

    monkeypatch.setattr("geomdl.models.tools.autotune._measured", fake)
    found = list(autotune(_net(), (9, 9, 1), 2, rounds=1))
    assert [t.path for t in found] == ["0", "1.body.1", "2.body.1", "4.body.1"]
    assert measured == ["0", "1.body.1", "4.body.1"]


def test_times_are_measured():
    two_kinds = Conv(FIELDS, FIELDS + FieldType("C4", "1 irrep(1)"), 3, rngs=nnx.Rngs(0))  # of kernels: one method only
    found = list(autotune(Sequential([_conv(IMAGE), two_kinds]), (6, 6, 1), 1, rounds=2))
    assert [(t.path, t.conv, t.size, t.batch) for t in found] == [("0", "3x3 1 trivial → 1 regular", (6, 6), 1)]
    t = found[0]
    assert t.methods == ("dense", "factored")
    assert min(*map(t.seconds, t.methods), *t.compile_s.values()) > 0
    low, middle, high = t.ratio("factored", "dense")
    assert low <= middle <= high
    assert [len(seconds) for seconds in t.taken.values()] == [2, 2]
    assert t.auto == "dense"
    for options in ({"batch": 0}, {"batch": 1, "rounds": 0}):
        with pytest.raises(ValueError, match="allowed: a positive whole number"):
            next(autotune(_net(), (9, 9, 1), **options))


def _tuned(path: str, ratio: float = 0.5, auto: str = "factored") -> Tuned:
    taken = {"dense": (1.0, 1.0, 1.0), "factored": (0.9 * ratio, ratio, 1.1 * ratio)}
    return Tuned(path, "5x5", (9, 9), 2, taken, {"dense": 1.0, "factored": 2.0}, auto)


def test_the_faster_method_is_advised_where_it_can_be_told():
    right, wrong, unclear = _tuned("0"), _tuned("1", 2.0), _tuned("2", 1.05, "dense")
    assert [t.faster for t in (right, wrong, unclear)] == ["factored", "dense", None]
    assert [t.disagrees for t in (right, wrong, unclear)] == [False, True, False]
    assert advice([right, unclear]) == "auto agrees everywhere"
    assert advice([right, wrong, unclear]) == "--config.training.convolutions=0=factored,1=dense,2=dense"
    assert dataclasses.replace(wrong, auto="dense").chosen == "dense"
    third = dataclasses.replace(right, taken={**right.taken, "third": (0.1, 0.2, 0.3)})
    assert (third.faster, third.disagrees) == ("third", True)
    alike = dataclasses.replace(right, taken={**right.taken, "third": right.taken["factored"]})
    assert alike.faster is None, "as fast as another"
