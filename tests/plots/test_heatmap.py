"""Heat maps: cells, numbers in them, and scales."""

import numpy as np
import pytest

from geomdl.plots import figure, heatmap, truncated


@pytest.fixture
def axes():
    return figure("single").subplots()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7 / 9, "0.77"),
        (-5 / 9, "-0.55"),
        (np.float32(7 / 9), "0.77"),
        (1 - 1e-7, "1.00"),
        (-1 / 900, "0.00"),
        (0, "0.00"),
    ],
)
def test_numbers_are_cut_off_not_rounded(value, text):
    assert truncated(float(value)) == text


def test_every_cell_shows_its_number_row_0_on_top(axes):
    heatmap(axes, [[1, 2], [3, 4]], numbers="{:.0f}", row_labels=["a", "b"], column_labels=["c", "d"])
    assert {t.get_position(): t.get_text() for t in axes.texts} == {(0, 0): "1", (1, 0): "2", (0, 1): "3", (1, 1): "4"}
    assert axes.yaxis_inverted()
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b"]


def test_numbers_stand_out_from_their_cell(axes):
    heatmap(axes, [[0.0, 1.0]], colours="gray", numbers="{:.0f}")
    assert [t.get_color() for t in axes.texts] == ["white", "#1a1a1a"]


def test_errors_on_a_log_scale_may_be_zero(axes):
    image = heatmap(axes, [[0.0, 1e-7], [1e-2, 1e-1]], scale="log", numbers="{:.0e}")
    assert image.norm(1e-7) == 0
    assert image.get_array().min() == 1e-7
    assert axes.texts[0].get_text() == "0e+00"  # shown as it is, coloured as the least


def test_what_is_not_a_matrix_is_refused(axes):
    with pytest.raises(ValueError, match=r"a heat map needs a matrix, not an array of shape \(2,\)"):
        heatmap(axes, np.zeros(2))
    with pytest.raises(ValueError, match="unknown scale 'logarithmic'; allowed: linear, log; did you mean 'log'"):
        heatmap(axes, np.zeros((2, 2)), scale="logarithmic")
