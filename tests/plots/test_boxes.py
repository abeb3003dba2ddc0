"""Boxes on images: where their lines are, and what the figures say."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from geomdl.plots import box_corners, class_colour, detection_figure, draw_boxes, precision_recall, raster


def test_lines_are_at_the_edge() -> None:
    """The outline of the box [2, 7] × [1, 6] is drawn with the pixels of its edge, in the colour of its class."""
    boxes = np.array([[2.0, 1.0, 7.0, 6.0], [0.0, 0.0, 8.0, 8.0]])
    picture = draw_boxes(np.zeros((8, 8, 1)), boxes, np.array([1, -1]))
    drawn = np.argwhere(picture.any(-1))
    assert drawn.min(0).tolist() == [1, 2]
    assert drawn.max(0).tolist() == [5, 6]
    np.testing.assert_allclose(picture[tuple(drawn[0])], to_rgb(class_colour(2)), atol=0.01)
    assert not picture[3:4, 4:6].any()
    assert draw_boxes(np.zeros((8, 8, 3)), boxes, np.array([0, 0]), enlarge=4).shape == (32, 32, 3)


def test_oriented_boxes_turn_counter_clockwise_as_seen() -> None:
    """A long box of angle 45° points to the upper right: there y is small."""
    corners = box_corners(np.array([[4.0, 4.0, 4.0, 0.0, np.pi / 4]]))[0]
    tip = corners[1]
    assert tip[0] > 4
    assert tip[1] < 4
    flat = box_corners(np.array([[4.0, 5.0, 4.0, 2.0, 0.0], [4.0, 5.0, 2.0, 4.0, np.pi / 2]]))
    for one in flat:
        np.testing.assert_allclose([*one.min(0), *one.max(0)], [2, 4, 6, 6], atol=1e-12)
    with pytest.raises(ValueError, match=r"invalid shape of boxes \(1, 3\); allowed: \[n, 4\]"):
        box_corners(np.zeros((1, 3)))


def test_figures() -> None:
    boxes = np.array([[1.0, 1.0, 5.0, 5.0], [4.0, 4.0, 8.0, 8.0]])
    there = {"boxes": boxes, "classes": np.array([0, 1]), "found": np.array([True, False]), "difficult": np.zeros(2)}
    found = {"boxes": boxes[:1], "classes": np.array([0]), "scores": np.array([0.9]), "right": np.array([0])}
    fig = detection_figure(np.zeros((8, 8, 1)), there, found, ("cat", "dog"), "image 0")
    assert [axes.get_title(loc="left") for axes in fig.axes] == ["there: 2", "found: 1"]
    assert [patch.get_edgecolor()[:3] for patch in fig.axes[0].patches] == [to_rgb("#bdbdbd"), to_rgb("#b2182b")]
    assert [text.get_text() for text in fig.axes[1].texts] == ["cat 0.90"]
    empty = {"boxes": np.zeros((0, 4)), "classes": np.zeros(0, int), "scores": np.zeros(0)}
    assert raster(detection_figure(np.zeros((8, 8, 1)), empty, empty, ("cat",))).shape[2] == 3
    curves = precision_recall({"cat": ([0.5, 1.0], [1.0, 0.7], 0.85), "none": ([], [], 0.0)})
    assert [text.get_text() for text in curves.axes[0].get_legend().get_texts()] == ["cat: 0.850", "none: 0.000"]
