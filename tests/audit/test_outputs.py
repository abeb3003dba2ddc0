"""Audits of outputs that move: by what is said of them, by what their shape suggests; and what the first line says."""

import numpy as np
import pytest

from geomdl.actions import OutputLaw
from geomdl.audit import Audit, audit
from geomdl.audit.probes.output import output_of
from geomdl.groups import C4, D4, SO2
from geomdl.representations import FieldType

LONG = pytest.mark.long
WEIGHTS = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)


def check(model, output="auto", group="C4", **options) -> Audit:
    """Models compute with NumPy: nothing is compiled."""
    return audit(model, group=group, output=output, numpy=True, **{"size": (8, 8, 1), "count": 4, **options})


def square(x):
    return x**2


def smooth(x):  # commutes with quarter turns and flips, and with circular shifts
    return sum(np.roll(x, s, (1, 2)) for s in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)))


def four(x):
    return np.stack([(x[..., 0] * np.rot90(WEIGHTS, k)).sum((1, 2)) for k in range(4)], -1)


def centre(x):
    mass = x[..., 0] ** 2 / (x[..., 0] ** 2).sum((1, 2), keepdims=True)
    along = np.arange(8, dtype=x.dtype)
    return np.stack([(mass.sum(1) * along).sum(-1), (mass.sum(2) * along).sum(-1)], -1)


def box(x, relative=False):
    found = np.concatenate([centre(x) + (0.5 if relative else 0), np.broadcast_to(np.float32(2), (len(x), 2))], -1)
    return found / 8 if relative else found


def corners(x):
    return np.tile(centre(x), 2) + np.float32([-1, -1, 1, 1])


def corner_box(x):
    return np.concatenate([centre(x) - 1, np.broadcast_to(np.float32(2), (len(x), 2))], -1)


@pytest.mark.parametrize(
    ("model", "name", "words"),
    [
        (lambda x: smooth(x)[..., 0], "field", "8×8 treated as a field"),
        (lambda x: smooth(x).reshape(len(x), 64, 1), "tokens", "64×1 treated as tokens"),
        (lambda x: np.repeat(smooth(x), 3, -1).transpose(0, 3, 1, 2), "channels-first", "3×8×8 treated as a field, "),
        (lambda x: (smooth(x)[..., 0] > 0).astype(np.int32), "labels", "8×8 treated as label maps"),
        pytest.param(lambda x: (smooth(x) > 0).astype(np.uint8), "labels", "8×8×1 treated as label maps", marks=LONG),
        pytest.param(lambda x: np.repeat(smooth(x) > 0, 2, -1), "field", "8×8×2 treated as a field", marks=LONG),
    ],
)  # fmt: skip
def test_dense_outputs_are_fields_whatever_their_layout(model, name, words) -> None:
    report = check(model)
    assert (report.output, report["C4"].level, report["shifts"].level) == (name, "exact", "exact")
    assert words in report.headline
    assert "assumed from the shape; otherwise --output=" in report.headline
    assert report.headline == str(report).splitlines()[0]
    assert bool(report.layers is None or not report.layers.breaks)
    assert Audit.from_json(report.to_json()).headline == report.headline


def test_what_is_said_is_not_assumed() -> None:
    said = check(lambda x: smooth(x).reshape(len(x), 64, 1), "tokens")
    assert (said.assumed, said["C4"].level) == ("", "exact")
    assert "assumed" not in said.headline


def test_a_dense_output_that_breaks_the_symmetry_is_still_found() -> None:
    for to in (lambda y: y[..., 0], lambda y: y.reshape(len(y), 64, 1), lambda y: (y[..., 0] > 0).astype(np.int32)):
        assert check(lambda x, to=to: to(x - np.roll(x, 1, 1)))["C4"].level == "broken"
    transposed = check(lambda x: smooth(x).transpose(0, 2, 1, 3).reshape(len(x), 64, 1))  # columns, not rows
    assert transposed["C4"].level == "broken"


@pytest.mark.parametrize(
    ("output", "level"),
    [
        ("1 regular", "exact"), ("permutation 3 0 1 2", "exact"), (np.array([[3, 0, 1, 2]]), "exact"),
        ([3, 0, 1, 2], "exact"),
        (FieldType(C4, "1 regular"), "exact"), (OutputLaw("field", FieldType(D4, "1 quotient(D1)")), "exact"),
        (lambda g, y: np.roll(y, int(g[1]), -1), "exact"),
        ("permutation 1 2 3 0", "broken"), ("invariant", "broken"), ("2 irrep(1)", "broken"), ("auto", "broken"),
        (lambda g, y: np.roll(y, -int(g[1]), -1), "broken"),
    ],
)  # fmt: skip
def test_numbers_move_by_a_representation_a_permutation_or_a_function(output, level) -> None:
    report = check(four, output)
    assert report["C4"].level == level
    if level == "exact":
        assert report["D1"].level == "not measured"  # the law says nothing about flips
        assert any("C4" in note and "measured" in note for note in report.notes)


def test_continuous_groups_and_reflections() -> None:
    def direction(x):
        p = centre(x) - 3.5
        return p * np.array([1.0, -1.0])  # x to the right, y up

    rotated = check(direction, "1 irrep(1)", "SO2", size=(8, 8, 1))
    assert rotated["C4"].level == "exact"
    assert rotated["SO2"].level != "broken"
    assert check(direction, "2 trivial", "SO2")["C4"].level == "broken"
    assert check(direction, "1 irrep(1,1)", "D4")["D4"].level == "exact"
    assert check(direction, OutputLaw("field", FieldType(SO2, "1 irrep(1)")))["C4"].level == "exact"
    maps = check(lambda x: x.reshape(len(x), 64, 1) * np.ones((1, 1, 2)), "tokens 1 irrep(1)")
    assert maps["C4"].level == "broken"
    turned = check(lambda x: np.stack([smooth(x * np.rot90(WEIGHTS, k)[..., None])[..., 0] for k in range(4)], 1),
                   "channels-first 1 regular")  # fmt: skip
    assert turned["C4"].level == "exact"
    flips = "permutation 3 0 1 2; 0 3 2 1"
    symmetric = WEIGHTS + WEIGHTS[::-1]
    four_symmetric = lambda x: np.stack([(x[..., 0] * np.rot90(symmetric, k)).sum((1, 2)) for k in range(4)], -1)  # noqa: E731
    assert check(four_symmetric, flips, "D4")["D4"].level == "exact"
    assert check(four, flips, "D4")["D4"].level == "broken"


@pytest.mark.parametrize(
    ("model", "output", "level"),
    [
        (centre, "points", "exact"), (lambda x: (centre(x) + 0.5) / 8, "points relative", "exact"),
        (box, "boxes cxcywh", "exact"), (lambda x: box(x, True), "boxes cxcywh relative", "exact"),
        (corner_box, "boxes xywh", "exact"), (corners, "boxes", "exact"),
        (box, "boxes", "broken"), (corner_box, "boxes cxcywh", "broken"), (centre, "points relative", "broken"),
        (centre, "invariant", "broken"), (lambda x: box(x, True), "boxes cxcywh", "broken"),
    ],
)  # fmt: skip
def test_points_and_boxes_in_their_conventions(model, output, level) -> None:
    report = check(model, output, "D4")
    assert report["D4"].level == level
    if output != "invariant":
        assert "shares of the image" in report.headline if "relative" in output else "pixels" in report.headline


def test_points_follow_shifts() -> None:
    def peak(x):  # the place of the largest pixel
        index = x[..., 0].reshape(len(x), -1).argmax(-1)
        return np.stack([index % 8, index // 8], -1).astype(np.float32)

    report = check(peak, "points")
    assert (report["C4"].level, report["shifts"].level) == ("exact", "exact")
    assert check(peak)["shifts"].level == "broken"


@pytest.mark.parametrize(
    ("shape", "integers", "name", "doubtful"),
    [
        ((16, 16, 3), False, "field", False), ((3, 16, 16), False, "channels-first", False),
        ((16, 16, 16), False, "field", True), ((16, 16), False, "field", False), ((16, 16), True, "labels", False),
        ((256, 8), False, "tokens", False), ((64, 8), False, "tokens", False), ((4, 4), False, "field", True),
        ((65, 8), False, "invariant", True), ((100, 4), False, "invariant", True), ((64, 4), False, "tokens", True),
        ((10,), False, "invariant", False), ((256,), False, "invariant", True), ((), False, "invariant", False),
        ((1, 1, 10), False, "invariant", False), ((10, 1, 1), False, "invariant", False),
        ((8, 16, 3), False, "invariant", True), ((1, 10), False, "invariant", False),
    ],
)  # fmt: skip
def test_what_is_assumed_of_a_shape(shape, integers, name, doubtful) -> None:
    output = output_of((2, *shape), (16, 16), integers=integers)
    assert (output.name, output.doubtful) == (name, doubtful)
    assert output.assumed


def test_a_doubtful_guess_is_called_so() -> None:
    report = check(lambda x: np.ones((len(x), 100, 4)) * x.mean((1, 2, 3))[:, None, None])
    assert (
        "a DOUBTFUL guess from the shape; otherwise --output=…, in Python output=…: field, tokens, labels, boxes"
        in str(report).splitlines()[0]
    )


@pytest.mark.parametrize(
    ("output", "group", "message"),
    [
        ("regulr", "C4", "unknown output 'regulr'; allowed: invariant, field"),
        ("1 regulr", "C4", "invalid output '1 regulr': unknown representation of C4 'regulr'.*did you mean 'regular'"),
        ("1 regular", "SO2", "invalid output '1 regular'"),
        ("2 regular", "C4", r"output='2 regular' for an output of shape \(4, 4\); allowed: 8 channels"),
        ("permutation 1 2 0", "C4", "allowed: some that represent C4: p applied N times is the identity"),
        ("permutation 1 2 3 3", "C4", r"invalid permutation \[1, 2, 3, 3\]; allowed: the numbers 0 to 3 in some order"),
        ("permutation 1 2 3 0", "D4", "allowed: 2 for D4, of the rotation by 360°/N and the reflection"),
        ("permutation 1 2 3 0", "SO2", "a finite group of the plane"),
        ("permutation a b", "C4", "whole numbers, one list for each generator"),
        ("boxes xyhw", "C4", "unknown layout in output 'boxes xyhw': 'xyhw'.*did you mean 'xywh'"),
        ("points", "C4", r"allowed: \[batch, ..., 2\]"), ("field", "C4", r"\[batch, height, width"),
        ("labels", "C4", r"\[batch, height, width\] of whole numbers"), ("", "C4", "unknown output ''"),
        ("channels-first", "C4", r"\[batch, channels, height, width\]"), (3, "C4", "invalid permutations 3"),
    ],
)  # fmt: skip
def test_bad_input(output, group, message) -> None:
    with pytest.raises(ValueError, match=message):
        check(four, output, group)


def test_an_audit_is_no_yes_or_no_and_a_verdict_is() -> None:
    report = check(lambda x: np.maximum(x, 0).sum((1, 2)))
    assert report["C4"]
    assert not report["brightness"]
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(report)
