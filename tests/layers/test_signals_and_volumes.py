"""The layers of the plane on signals and volumes: contracts, errors, and what a window per axis does."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.groups import D1, BaseSpace
from geomdl.layers import (
    AdaptivePool,
    BatchNorm,
    BlurPool,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    LayerNorm,
    Pointwise,
    Pool,
    Residual,
    Sequential,
    Skip,
    Upsample,
    Window,
    convolve,
    correlate,
    freeze,
    pool,
)
from geomdl.representations import FieldType

KEY = jax.random.key(0)
SIZES = [("line", (12,)), ("line", (13,)), ("volume", (6, 4, 4)), ("volume", (3, 4, 5))]


def network(space: str, *, padding_mode: str = "circular", halving: bool = False) -> Sequential:
    """Two convolutions with norms and a shortcut, a mean over all places."""
    inputs, hidden = (FieldType("C1", f"{n} trivial", space=space) for n in (2, 3))
    options = {"padding": "same", "padding_mode": padding_mode, "rngs": nnx.Rngs(0)}
    body = Sequential([Conv(hidden, hidden, 3, **options), LayerNorm(hidden), Pointwise(hidden, "tanh")])
    layers = [Conv(inputs, hidden, 3, **options), BatchNorm(hidden), Pointwise(hidden, "relu"), Residual(body)]
    if halving:
        layers += [Pool(hidden, 2), Upsample(hidden, 2, method="nearest"), Dropout(hidden, 0.1)]
    blur = BlurPool(hidden, stride=1, padding="same", padding_mode=padding_mode)
    return Sequential([*layers, blur])


@pytest.mark.parametrize(("space", "size"), SIZES, ids=str)
def test_a_network_keeps_its_contract_for_every_circular_shift_and_crop(space, size):
    net = network(space)
    report = check_contract(net, KEY, size=size)
    assert report.passed, report
    assert net.contract.shifts.at(size) == "exact"
    assert report.worst("shifts") < 1e-5
    shifts = [row.element for row in report.rows if row.symmetry == "shifts"]
    assert all(len(s) == len(size) for s in shifts)
    assert len(shifts) == min(32, np.prod(size))
    fractional = [row for row in report.rows if row.symmetry == "fractional"]
    assert all(row.level == "approximate" and row.error > 1e-3 for row in fractional), "nonlinearities alias"
    scores = Sequential([net, GlobalPool(net.out_type), Dense(net.out_type, net.out_type, rngs=nnx.Rngs(1))])
    assert check_contract(scores, KEY, size=size).passed


@pytest.mark.parametrize(("space", "size"), [("line", (9,)), ("volume", (4, 5, 6))], ids=str)
def test_a_linear_network_keeps_fractional_shifts_and_crops(space, size):
    fields = FieldType("C1", "2 trivial", space=space)
    conv = Conv(fields, fields, 3, padding="same", padding_mode="circular", rngs=nnx.Rngs(0))
    report = check_contract(conv, KEY, size=size)
    assert report.passed
    assert {row.symmetry for row in report.promised} == {"points", "shifts", "fractional", "cropped"}
    beside = Conv(fields, fields, 5, padding=1, rngs=nnx.Rngs(0))  # output pixels lie one pixel in
    assert beside.contract.offset == 1
    report = check_contract(beside, KEY, size=tuple(n + 4 for n in size))
    assert report.passed, report
    assert len([row for row in report.promised if row.symmetry == "cropped"]) >= 2


@pytest.mark.parametrize(("space", "size"), SIZES, ids=str)
def test_zeros_at_the_border_and_strides_break_what_they_break(space, size):
    inputs = FieldType("C1", "2 trivial", space=space)
    padded = Conv(inputs, inputs, 3, padding="same", rngs=nnx.Rngs(0))
    assert padded.contract.shifts.level == "none"
    report = check_contract(padded, KEY, size=size)
    assert report.passed
    assert report.worst("shifts") > 0.05, "not promised, and not so"
    strided = Conv(inputs, inputs, 2, stride=2, remainder="drop", rngs=nnx.Rngs(0))
    assert strided.contract.step == 2
    even = tuple(2 * (n // 2) for n in size)
    assert check_contract(strided, KEY, size=even).passed
    x = np.random.default_rng(0).normal(size=(1, *even, 2)).astype(np.float32)
    moved = np.asarray(strided(jnp.asarray(np.roll(x, 1, 1))))
    y = np.asarray(strided(jnp.asarray(x)))
    assert min(np.abs(moved - np.roll(y, s, 1)).max() for s in (0, 1)) > 0.1, "a shift by 1 is none of the output"


class Boasting(nnx.Module):
    """A network whose contract promises every shift."""

    def __init__(self, net: Sequential) -> None:
        self.net = net

    @property
    def contract(self):
        return dataclasses.replace(self.net.contract, step=1)

    def __call__(self, x, *, train=False, key=None):
        return self.net(x, train=train, key=key)


@pytest.mark.parametrize(("space", "size"), [("line", (12,)), ("volume", (6, 4, 4))], ids=str)
def test_a_contract_that_promises_too_much_is_found_out(space, size):
    net = network(space, halving=True)
    assert check_contract(net, KEY, size=size).passed
    report = check_contract(Boasting(net), KEY, size=size)
    assert not report.passed
    assert {row.symmetry for row in report.failures} >= {"shifts"}


@pytest.mark.parametrize("size", [(12,), (13,)])
def test_signals_may_be_reversed(size):
    sound, hidden = FieldType("D1", "2 trivial", space="line"), FieldType("D1", "2 regular + 1 trivial", space="line")
    options = {"padding": "same", "padding_mode": "circular", "rngs": nnx.Rngs(0)}
    net = Sequential([Conv(sound, hidden, 5, **options), BatchNorm(hidden), Pointwise(hidden), Conv(hidden, hidden, 3, **options)])  # fmt: skip  # noqa: E501
    report = check_contract(net, KEY, size=size)
    assert report.passed
    assert len([row for row in report.promised if row.symmetry == "points"]) == 2
    x = np.random.default_rng(0).normal(size=(1, *size, 2)).astype(np.float32)
    other = Conv(sound, sound.with_fields("4 regular"), 5, rngs=nnx.Rngs(0))
    assert np.abs(np.asarray(other(jnp.asarray(x[:, ::-1])))[:, ::-1] - np.asarray(other(jnp.asarray(x)))).max() > 0.1
    assert [space.dimension for space in other.spaces[0]] == [5], "lifting: the taps of the window"


class Spectrogram(BaseSpace):
    """A base space of somebody else's: time may run backwards, frequency may not."""

    name, axes, fields, groups = "spectrogram", ("time", "frequency"), "spectrograms", "C1, D1"

    def is_moved_by(self, group):
        return D1.contains_group(group)

    def matrix(self, group, g):
        return np.stack([np.diag([1.0 - 2 * f, 1.0]) for f in np.ravel(np.asarray(g)[..., 0])]).reshape(*np.shape(g)[:-1], 2, 2)  # fmt: skip  # noqa: E501


def test_a_base_space_from_outside_goes_through_every_layer():
    sound, hidden = (FieldType("D1", fields, space=Spectrogram()) for fields in ("1 trivial", "2 regular"))
    lift = Conv(sound, hidden, (3, 2), padding_mode="circular", rngs=nnx.Rngs(0))
    net = Sequential([lift, Pointwise(hidden), Pool(hidden, (2, 1)), Conv(hidden, hidden, 3, rngs=nnx.Rngs(1))])
    report = check_contract(net, KEY, size=(12, 9))
    assert report.passed, report
    assert len([row for row in report.promised if row.symmetry == "points"]) == 2
    with pytest.raises(ValueError, match=r"allowed: spectrograms \[batch, time, frequency, channels\]"):
        net(jnp.ones((1, 12, 1)))


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("padding_mode", ["zeros", "circular", "reflect"])
def test_correlation_and_pooling_are_the_sums_over_windows(dimension, padding_mode):
    rng = np.random.default_rng(dimension)
    size, taps, strides, dilations = (7, 6, 8)[:dimension], (3, 2, 1)[:dimension], (2, 1, 2)[:dimension], (1, 2, 1)[:dimension]  # fmt: skip  # noqa: E501
    padding = (1, 2, 0)[:dimension]
    x, kernel = rng.normal(size=(2, *size, 3)), rng.normal(size=(*taps, 3, 4))
    mode = {"zeros": "constant", "circular": "wrap", "reflect": "reflect"}[padding_mode]
    padded = np.pad(x, [(0, 0), *((p, p) for p in padding), (0, 0)], mode=mode)
    window = Window(taps, strides, padding, dilations, padding_mode, "drop")
    out = window.output_size(size)
    expected, most = np.zeros((2, *out, 4)), np.full((2, *out, 3), -np.inf)
    for place in itertools.product(*map(range, out)):
        for tap in itertools.product(*map(range, taps)):
            at = tuple(i * s + t * d for i, s, t, d in zip(place, strides, tap, dilations, strict=True))
            expected[(slice(None), *place)] += padded[(slice(None), *at)] @ kernel[tap]
        corner = (slice(i * s, i * s + n) for i, s, n in zip(place, strides, taps, strict=True))
        part = padded[(slice(None), *corner)]
        most[(slice(None), *place)] = part.max(tuple(range(1, 1 + dimension)))
    x, kernel = jnp.asarray(x, jnp.float32), jnp.asarray(kernel, jnp.float32)
    about = {"stride": strides, "padding": padding, "padding_mode": padding_mode, "remainder": "drop"}
    np.testing.assert_allclose(correlate(x, kernel, dilation=dilations, **about), expected, atol=2e-5)
    flipped = kernel[(slice(None, None, -1),) * dimension]
    np.testing.assert_array_equal(convolve(x, flipped, dilation=dilations, **about), correlate(x, kernel, dilation=dilations, **about))  # fmt: skip  # noqa: E501
    if padding_mode != "zeros" and all(p < n for p, n in zip(padding, taps, strict=True)):
        plain = Window(taps, strides, padding, 1, padding_mode, "drop").output_size(size)
        found = pool(x, taps, **about)
        assert found.shape == (2, *plain, 3)
        if plain == out:
            np.testing.assert_allclose(found, most, atol=1e-6)


@pytest.mark.parametrize(("space", "size"), [("line", (4,)), ("volume", (2, 2, 2))], ids=str)
def test_equal_entries_of_signals_and_volumes_share_the_gradient_of_a_maximum(space, size):
    fields = FieldType("C1", "1 trivial", space=space)
    x = jnp.ones((1, *size, 1))
    for layer in (Pool(fields, 2), AdaptivePool(fields, tuple(n // 2 for n in size), "max"), GlobalPool(fields, "max")):
        gradient = jax.jit(jax.grad(lambda x, layer=layer: layer(x).sum()))(x)
        np.testing.assert_allclose(gradient, jax.eval_shape(layer, x).size / x.size, rtol=1e-6)


def test_a_signal_is_convolved_as_an_image_of_one_column():
    x, kernel = (jnp.asarray(np.random.default_rng(0).normal(size=s), jnp.float32) for s in ((2, 9, 3), (4, 3, 5)))
    image = correlate(x[:, :, None], kernel[:, None], padding=(2, 0), stride=(2, 1), remainder="keep")
    np.testing.assert_allclose(correlate(x, kernel, padding=2, stride=2, remainder="keep"), image[:, :, 0], atol=1e-6)


def test_windows_that_differ_from_axis_to_axis_keep_their_contract():
    image, features = FieldType("D2", "1 trivial"), FieldType("D2", "2 regular")
    lift = Conv(image, features, (3, 5), padding="same", padding_mode="circular", rngs=nnx.Rngs(0))
    net = Sequential([lift, Pool(features, (1, 2)), Conv(features, features, (2, 1), stride=(2, 1), rngs=nnx.Rngs(1))])
    report = check_contract(net, KEY, size=(6, 8))
    assert report.passed, report
    assert str(net.contract.step) == str(net.contract.stride) == "(2, 2)" or net.contract.step == 2
    pooled = Sequential([lift, Pool(features, (1, 2))])
    assert (pooled.contract.step.values, pooled.contract.stride.values) == ((1, 2), (1, 2))
    report = check_contract(pooled, KEY, size=(5, 8))
    assert report.passed, report
    assert {row.element for row in report.rows if row.symmetry == "shifts"} == {(i, j) for i in range(5) for j in range(0, 8, 2)}  # fmt: skip  # noqa: E501
    assert "multiples of (1, 2) pixels" in str(pooled.contract)
    valid = Conv(image, features, (3, 1), rngs=nnx.Rngs(0))
    assert check_contract(valid, KEY, size=(9, 9)).passed
    assert (str(valid.contract.reach), valid.contract.output_size((9, 9))) == ("(1, 0)", (7, 9))
    skip = Skip(valid)
    assert check_contract(skip, KEY, size=(9, 9)).passed
    assert skip(jnp.ones((1, 9, 9, 1))).shape == (1, 7, 9, 9)


def test_quarter_turns_need_windows_of_equal_sides():
    fields = FieldType("C4", "2 regular")
    with pytest.raises(ValueError, match=r"kernel_size \(3, 5\); allowed: one number, as C4 exchanges axes"):
        Conv(fields, fields, (3, 5), rngs=nnx.Rngs(0))
    pooled = Pool(fields, (2, 1))
    assert pooled.contract.points.level == "none"
    assert "C4 exchanges axes" in str(pooled.contract)
    assert check_contract(pooled, KEY, size=(8, 8)).worst("points") > 0.1
    assert Conv(fields, fields, (3, 3), rngs=nnx.Rngs(0)).window == Window(3)


@pytest.mark.parametrize(("space", "size"), [("line", (12,)), ("volume", (4, 4, 6))], ids=str)
def test_a_network_is_frozen_and_flattened(space, size):
    net = network(space, halving=True)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, *size, 2)), jnp.float32)
    net(x, train=True, key=KEY)
    y = jax.jit(net)(x)
    np.testing.assert_allclose(jax.jit(freeze(net))(x), y, atol=1e-5)
    np.testing.assert_allclose(jax.jit(freeze(net, size))(x), y, atol=1e-5)
    assert Flatten(net.out_type, size)(y).shape == (2, 3 * np.prod(size))
    assert jax.eval_shape(AdaptivePool(net.out_type, 2), y).shape == (2, *[2] * len(size), 3)
    assert net.multiply_adds(size) > 0
    assert jax.eval_shape(Upsample(net.out_type, 3), y).shape == (2, *(3 * n for n in size), 3)


SIGNALS, VOLUMES, IMAGES = (FieldType("C1", "1 trivial", space=space) for space in ("line", "volume", "plane"))


@pytest.mark.parametrize(
    ("what", "make"),
    [
        (r"allowed: signals \[batch, length, channels\]", lambda: Pool(SIGNALS, 2)(jnp.ones((1, 4, 4, 1)))),
        (r"allowed: images \[batch, height, width, channels\]", lambda: GlobalPool(IMAGES)(jnp.ones((1, 4, 1)))),
        (
            r"shape of the input of Conv \(1, 4, 4, 1\); allowed: volumes \[batch, depth, height, width, channels\]",
            lambda: Conv(VOLUMES, VOLUMES, 3, rngs=nnx.Rngs(0))(jnp.ones((1, 4, 4, 1))),
        ),
        (
            r"kernel_size \(3, 3\); allowed: one number, or one for each axis of signals \(length\)",
            lambda: Conv(SIGNALS, SIGNALS, (3, 3), rngs=nnx.Rngs(0)),
        ),
        (r"stride \(2, 1\); allowed: one number", lambda: Pool(VOLUMES, 2, stride=(2, 1))),
        ("on one base space", lambda: Conv(SIGNALS, IMAGES, 3, rngs=nnx.Rngs(0))),
        ("but layer 0", lambda: Sequential([Pointwise(IMAGES), Pointwise(SIGNALS)])),
        (
            "method 'factored'; allowed: 'auto' or 'dense', for .* only on the plane, not for signals; try 'dense'",
            lambda: Conv(SIGNALS, SIGNALS, 3, method="factored", rngs=nnx.Rngs(0)),
        ),
        (
            "method 'fused'; allowed: 'auto' or 'dense', for the window differs from axis to axis",
            lambda: Conv(IMAGES, IMAGES, (3, 1), method="fused", rngs=nnx.Rngs(0)),
        ),
        (
            "steerable kernels have square windows on the plane",
            lambda: Conv(SIGNALS, SIGNALS, 3, basis="steerable", rngs=nnx.Rngs(0)),
        ),
        (r"size of Flatten \(4, 4\); allowed: \(length\) of signals", lambda: Flatten(SIGNALS, (4, 4))),
        (r"size \(9, 9\); allowed: \(length\)", lambda: check_contract(Pool(SIGNALS, 3), KEY, size=(9, 9))),
        (r"kernel_size \(3, 0\); allowed: a positive integer, or one for each axis", lambda: Window((3, 0))),
        ("one number for each axis, got size", lambda: Window((3, 1), stride=(1, 2, 3))),
        (r"a window of 2 axes \(3x1\) on 3", lambda: Window((3, 1)).output_size((4, 4, 4))),
        (r"'same' \(3, 2\).*try \(3, 3\)|\(3, 2\); allowed: an odd extent", lambda: Window((3, 2), padding="same")),
    ],
)
def test_mistakes_are_named(what, make):
    with pytest.raises(ValueError, match=what):
        make()
