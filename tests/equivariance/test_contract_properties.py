"""Properties: whatever layer hypothesis builds, it does exactly what its contract says."""

import dataclasses
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from geomdl.equivariance import (
    NOTHING,
    Condition,
    Contract,
    Promise,
    check_contract,
    compose,
    equivariance_error,
    exact_everywhere,
    relative_error,
    side_by_side,
    tolerance,
)
from geomdl.equivariance.contracts.contract import ALIASED
from geomdl.layers import BlurPool, Conv, Pool, Sequential, Window
from geomdl.models import GCNNConfig
from geomdl.representations import FieldType

groups = st.sampled_from(["C1", "C2", "C4", "D1", "D2", "D4"])
fields = st.sampled_from(["2 trivial", "1 regular", "1 trivial + 1 regular"])


sizes = st.tuples(st.integers(4, 9), st.integers(4, 9)) | st.integers(4, 9).map(lambda n: (n, n))
KEPT = {"padding": 0, "padding_mode": "zeros", "remainder": "keep"}


@st.composite
def windows(draw) -> dict:
    return {
        "padding": draw(st.integers(0, 2)),
        "padding_mode": draw(st.sampled_from(["zeros", "circular", "reflect", "replicate"])),
        "stride": draw(st.integers(1, 3)),
        "remainder": draw(st.sampled_from(["drop", "keep"])),
    }


def _fits(window: Window, size: tuple[int, int]) -> bool:
    return all(n + 2 * window.pixels_of_padding >= window.extent for n in size)


@given(
    group=groups,
    types=st.tuples(fields, fields),
    kernel=st.integers(1, 4),
    dilation=st.integers(1, 2),
    window=windows(),
    size=sizes,
    dtype=st.sampled_from(["float32", "bfloat16"]),
)
@example("C2", ("1 trivial", "1 regular"), 3, 1, {**KEPT, "stride": 2}, (6, 6), "float32")
@settings(max_examples=16)
def test_convolutions_keep_their_contracts(group, types, kernel, dilation, window, size, dtype):
    in_type, out_type = (FieldType(group, t) for t in types)
    layer = Conv(in_type, out_type, kernel, dilation=dilation, rngs=nnx.Rngs(size[0]), **window)
    assume(_fits(layer.window, size))
    report = check_contract(layer, jax.random.key(size[1]), size=size, dtype=jnp.dtype(dtype), max_shifts=6)
    assert report.passed, str(report)
    quarter_turns = in_type.group.rotation_order == 4
    centred = all((n + 2 * window["padding"] - layer.window.extent) % window["stride"] == 0 for n in size)
    if centred and (size[0] == size[1] or not quarter_turns):
        assert len([r for r in report.promised if r.symmetry == "points"]) == in_type.group.order
    if window["padding_mode"] == "circular" and window["stride"] == 1 and layer.window.output_size(size) == size:
        assert any(r.symmetry == "shifts" for r in report.promised)


@given(
    group=groups,
    fields=fields,
    kind=st.sampled_from(["max", "mean", "blur"]),
    kernel=st.integers(1, 4),
    window=windows(),
    size=sizes,
)
@example("C1", "1 regular", "max", 3, {**KEPT, "stride": 2}, (6, 6))
@example("C1", "1 regular", "max", 4, {**KEPT, "padding_mode": "circular", "stride": 3}, (6, 6))
@settings(max_examples=16)
def test_pooling_keeps_its_contract(group, fields, kind, kernel, window, size):
    field_type = FieldType(group, fields)
    if kind == "blur":
        layer = BlurPool(field_type, kernel, **window)
    else:
        assume(window["padding"] < kernel or window["padding_mode"] != "zeros")
        layer = Pool(field_type, kernel, reduce=kind, **window)
    assume(_fits(layer.window, size))
    report = check_contract(layer, jax.random.key(size[1]), size=size, max_shifts=6)
    assert report.passed, str(report)


@given(strides=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=4), n=st.integers(1, 6))
@example(strides=[(2, 2), (3, 1)], n=2)
def test_steps_and_strides_compose(strides: list[tuple[int, int]], n: int):
    """A shift by the composed step is, at every layer, a multiple of that layer's step; and it is the least such."""
    t = FieldType("C1", "1 trivial")
    contracts = [
        Contract(t, t, Promise("exact"), Promise("exact"), lambda s, k=k: tuple(m // k for m in s), step * k, k)
        for k, step in strides
    ]
    whole = compose(contracts)

    def allowed(shift: int) -> bool:
        for contract in contracts:
            if shift % contract.step:
                return False
            shift //= contract.stride
        return True

    assert whole.stride == np.prod([k for k, _ in strides])
    assert allowed(n * whole.step)
    assert not any(allowed(s) for s in range(1, whole.step))


def test_every_field_of_a_contract_has_a_rule_for_modules_together():
    t = FieldType("C4", "1 trivial")
    exact, by_two = Promise("exact"), Promise("exact", (Condition("an even size", lambda size: size[0] % 2 == 0),))
    half = Contract(
        t, t, exact, by_two, lambda s: tuple(n // 2 for n in s), step=2, stride=2, depth=3,
        fractional=ALIASED, up_to_shift=NOTHING, reach=1, offset=Fraction(1, 2),
    )  # fmt: skip
    drops = exact_everywhere(t, random_in_training=True)
    whole = compose([half, drops, half])
    assert (whole.in_type, whole.out_type, whole.output_size((8, 8)), whole.has_base_space) == (t, t, (2, 2), True)
    assert (whole.step, whole.stride, whole.depth, whole.random_in_training) == (4, 4, 7, True)
    assert (whole.reach, whole.offset) == (1 + 2 * 1, Fraction(1, 2) + 2 * Fraction(1, 2))
    assert (whole.points, whole.fractional, whole.up_to_shift) == (exact, ALIASED, NOTHING)
    assert [whole.shifts.at(size) for size in ((8, 8), (6, 6), (7, 7))] == ["exact", "none", "none"]
    assert whole.shifts.violated((6, 6)) == ["an even size (module 2)"]

    both = side_by_side([half, dataclasses.replace(half, depth=5, step=3, reach=2)], t, FieldType("C4", "2 trivial"))
    assert (both.in_type, both.out_type, both.output_size((8, 8))) == (t, FieldType("C4", "2 trivial"), (4, 4))
    assert (both.step, both.stride, both.depth, both.random_in_training) == (6, 2, 6, False)
    assert (both.reach, both.offset, both.has_base_space) == (2, Fraction(1, 2), True)
    assert (both.points, both.fractional) == (exact, ALIASED)
    assert both.up_to_shift is not None
    assert both.up_to_shift.level == "none"
    assert both.shifts.violated((7, 7)) == ["an even size", "an even size"]


def test_mismatched_types_name_both():
    a, b = FieldType("C4", "1 trivial"), FieldType("C4", "2 regular")
    first = Conv(a, b, 3, padding=1, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"layer 1 \(Conv\) takes .*1 trivial.* layer 0 \(Conv\) gives .*2 regular"):
        Sequential([first, first])
    with pytest.raises(ValueError, match="one group"):
        Conv(a, FieldType("D4", "1 regular"), 3, rngs=nnx.Rngs(0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Window(3, padding="some"), "did you mean 'same'"),  # type: ignore[arg-type]
        (lambda: Window(4, padding="same"), "an odd extent"),
        (lambda: Window(3, padding_mode="circle"), "did you mean 'circular'"),  # type: ignore[arg-type]
        (lambda: Window(3, stride=0), "invalid stride 0"),
        (lambda: Window(3, stride=True), "invalid stride True"),
        (lambda: Window(3, stride=2.0), "invalid stride 2.0"),  # type: ignore[arg-type]
        (lambda: Window(3, padding=True), "invalid padding True"),
        (lambda: Window(0), "invalid kernel_size 0"),
        (lambda: Window(3, remainder="keeps"), "did you mean 'keep'"),  # type: ignore[arg-type]
        (lambda: Window(5).output_size((4, 4)), "larger than the image"),
        (lambda: Window(3, stride=3).output_size((7, 7)), "nearest sizes that fit: 6, 9"),
        (
            lambda: Conv(FieldType("SO2", "1 trivial"), FieldType("SO2", "1 irrep(3)"), 3, rngs=nnx.Rngs(0)),
            "frequency 3",
        ),
        (
            lambda: Conv(
                FieldType("C8", "1 regular"), FieldType("C8", "1 regular"), 3, basis="pixel", rngs=nnx.Rngs(0)
            ),
            "C8",
        ),
        (lambda: Pool(FieldType("C4", "1 irrep(1)"), 2), "needs fields whose channels the group permutes"),
    ],
)
def test_impossible_layers_are_refused(make, message: str):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        make()


def test_a_layer_refuses_what_it_was_not_made_for():
    layer = Conv(FieldType("C4", "2 trivial"), FieldType("C4", "1 regular"), 3, stride=2, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="has 3 channels"):
        layer(jnp.zeros((1, 7, 7, 3)))
    with pytest.raises(ValueError, match="doesn't fit 8 pixels"):
        layer(jnp.zeros((1, 8, 8, 2)))


def test_double_precision_is_not_faked():
    layer = Conv(FieldType("C4", "1 trivial"), FieldType("C4", "1 regular"), 3, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="float64 is off"):
        check_contract(layer, jax.random.key(0), dtype=jnp.float64)


def test_errors_have_the_defined_size():
    x = jnp.arange(12.0).reshape(1, 2, 6)
    assert float(relative_error(x, x)) == 0
    assert float(relative_error(1.5 * x, x)) == pytest.approx(0.5)
    assert float(relative_error(x, 0 * x)) == np.inf
    assert float(relative_error(0 * x, 0 * x)) == 0
    assert np.isnan(float(relative_error(x * jnp.nan, x)))
    found = equivariance_error(lambda x: x * x, x, lambda g, x: g * x, lambda g, y: g * y, jnp.array([1.0, 2.0, -1.0]))
    np.testing.assert_allclose(found, [0, 1, 2], atol=1e-6)  # (g² − g)/g = g − 1


def test_tolerances_follow_the_dtype():
    assert tolerance(jnp.float32) < 1e-5
    depth = GCNNConfig(group="D4", width=1).build((20, 20, 1), 10, rngs=nnx.Rngs(0)).contract.depth
    assert tolerance(jnp.float32, depth) < 1.1e-5, "the claim for the quickstart networks is 1e-5"
    assert tolerance(jnp.float64, 12) < 1e-13
    assert tolerance(jnp.bfloat16) > tolerance(jnp.float32)


@given(
    group=groups,
    n=st.integers(5, 9),
    kernel_size=st.sampled_from([3, 5]),
    downsampling=st.sampled_from(["max", "average", "blur", "none"]),
    padding_mode=st.sampled_from(["zeros", "circular", "replicate"]),
    normalization=st.sampled_from(["batch", "layer", "none"]),
    train=st.booleans(),
    key=st.integers(0, 100),
)
@settings(max_examples=6, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_group_networks_are_invariant(group, n, kernel_size, downsampling, padding_mode, normalization, train, key):
    """f(ρ(g)x) = f(x) for every element, at even and odd sizes; p4 and p4m invariance where nothing is subsampled."""
    config = GCNNConfig(
        group=group,
        width=2,  # layer norm over a single channel would be constant, which the check rightly fails
        depth=2,
        kernel_size=kernel_size,
        downsampling=downsampling,
        padding_mode=padding_mode,
        normalization=normalization,
        activation="elu",
    )
    model = config.build((n, n, 1), 3, rngs=nnx.Rngs(key))
    report = check_contract(model, jax.random.key(key), size=(n, n), train=train, max_shifts=6)
    assert report.passed, str(report)
    promised = {row.symmetry for row in report.promised}
    assert "points" in promised
    assert ("shifts" in promised) >= (padding_mode == "circular" and downsampling == "none")
