"""Curves with bands over seeds: statistics, axes, and empty tables."""

import numpy as np
import pytest

from geomdl.plots import accuracy_against_angle, accuracy_against_shift, figure, seed_statistics, style

ANGLES = tuple(range(0, 360, 15))


def angle_rows(model="CNN", seeds=(0, 1), angles=ANGLES):
    return [
        {"model": model, "seed": s, "angle": a, "accuracy": 0.5 + 0.4 * np.cos(np.radians(a)) - 0.05 * s}
        for s in seeds
        for a in angles
    ]


@pytest.fixture
def axes():
    with style():
        yield figure("single").subplots()


def test_statistics_average_within_a_seed_before_comparing_seeds():
    rows = [
        {"seed": 0, "shift": 1, "accuracy": 0.0},
        {"seed": 0, "shift": 1, "accuracy": 1.0},
        {"seed": 1, "shift": 1, "accuracy": 0.8},
        {"seed": 1, "shift": 0, "accuracy": 0.9},
    ]
    x, mean, low, high = seed_statistics(rows, "shift")
    np.testing.assert_allclose(x, [0, 1])
    np.testing.assert_allclose(mean, [0.9, 0.65])
    np.testing.assert_allclose(low, [0.9, 0.5])
    np.testing.assert_allclose(high, [0.9, 0.8])


def test_a_whole_turn_is_closed_at_360_and_ticks_are_quarters(axes):
    accuracy_against_angle(axes, [*angle_rows(), *angle_rows("C4")], chance=0.1)
    cnn, c4 = (curve for curve in axes.lines if curve.get_label() in ("CNN", "C4"))
    x, y = cnn.get_data()
    assert x[-1] == 360
    assert y[-1] == y[0]
    assert cnn.get_color() != c4.get_color()
    assert list(axes.get_xticks()[(axes.get_xticks() >= 0) & (axes.get_xticks() <= 360)]) == [0, 90, 180, 270, 360]
    assert len(axes.collections) == 2  # one band per model with several seeds


def test_one_seed_has_no_band(axes):
    accuracy_against_angle(axes, angle_rows(seeds=(0,)))
    assert not axes.collections


def test_part_of_a_turn_is_not_closed(axes):
    accuracy_against_angle(axes, angle_rows(angles=(0, 15, 30, 45)))
    (curve,) = (c for c in axes.lines if c.get_label() == "CNN")
    assert curve.get_xdata().max() == 45


def test_shifts_of_one_size_are_averaged_over_their_directions(axes):
    rows = [
        {"model": "CNN", "seed": 0, "shift_rows": r, "shift_cols": c, "accuracy": a}
        for r, c, a in [(0, 0, 1.0), (2, 0, 0.5), (-2, 1, 0.7), (1, 0, 0.9)]
    ]
    accuracy_against_shift(axes, rows)
    (curve,) = axes.lines
    np.testing.assert_allclose(curve.get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(curve.get_ydata(), [1.0, 0.9, 0.6])


@pytest.mark.parametrize("draw", [accuracy_against_angle, accuracy_against_shift])
def test_an_empty_table_is_refused(axes, draw):
    with pytest.raises(ValueError, match="no rows with accuracies at"):
        draw(axes, [])
