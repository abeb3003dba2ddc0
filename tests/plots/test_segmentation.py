"""Overlays of label maps: tints, outlines, errors."""

import numpy as np
import pytest

from geomdl.plots import class_colour, overlay, save, segmentation_figure
from geomdl.plots.segmentation import ALARM, MISSED, RIGHT, errors

LABELS = np.zeros((8, 10), int)
LABELS[2:6, 2:7], LABELS[0, 9] = 1, -1


def rgb(colour: str) -> list[float]:
    return [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]


def test_classes_are_tints_with_outlines_and_the_rest_is_the_image() -> None:
    image = np.linspace(0, 1, 80).reshape(8, 10, 1)
    picture = overlay(image, LABELS)
    unlabelled = LABELS <= 0
    np.testing.assert_allclose(picture[unlabelled], np.repeat(image[unlabelled], 3, axis=1))
    np.testing.assert_allclose(picture[2, 2], rgb(class_colour(1)))  # the outline
    np.testing.assert_allclose(picture[3, 4], 0.55 * image[3, 4, 0] + 0.45 * np.array(rgb(class_colour(1))))
    np.testing.assert_array_equal(overlay(np.repeat(image, 3, 2), LABELS), picture)


def test_smaller_predictions_lie_in_the_middle() -> None:
    picture = overlay(np.zeros((8, 10, 1)), np.ones((4, 6), int))
    assert (picture[2:6, 2:8] > 0).any(axis=2).all()
    assert picture[:2].max() == picture[6:].max() == picture[:, :2].max() == picture[:, 8:].max() == 0


def test_errors_are_told_apart() -> None:
    predicted = np.roll(LABELS, 1, axis=1)
    predicted[3, 3] = 2
    picture = errors(predicted, LABELS)
    for place, colour in {(3, 4): RIGHT, (3, 2): MISSED, (3, 3): MISSED, (3, 7): ALARM, (7, 0): "#ffffff"}.items():
        np.testing.assert_allclose(picture[place], rgb(colour))
    assert errors(predicted[1:-1, 1:-1], LABELS).shape == (6, 8, 3)


def test_the_figure_names_the_classes_that_occur(tmp_path) -> None:
    fig = segmentation_figure(np.full((8, 10, 1), 0.5), LABELS, LABELS, ("ground", "leaf", "stem"), "image 0")
    names = [text.get_text() for text in fig.legends[0].get_texts()]
    assert names == ["leaf", "right", "missed", "false alarm"]
    assert [axes.get_title(loc="left") for axes in fig.axes] == ["image", "truth", "prediction", "errors"]
    assert all(path.stat().st_size > 1000 for path in save(fig, tmp_path, "overlay"))


@pytest.mark.parametrize(
    ("image", "labels", "message"),
    [
        (np.zeros((4, 4, 2)), np.zeros((4, 4), int), "invalid channels of an image 2; allowed: 1 or 3"),
        (np.zeros((4, 4, 1)), np.zeros((3, 4), int), r"size of the label map \(3, 4\); allowed: that of the image"),
        (np.zeros((4, 4, 1)), np.zeros((6, 4), int), r"size of the label map \(6, 4\)"),
    ],
)
def test_bad_input(image, labels, message) -> None:
    with pytest.raises(ValueError, match=message):
        overlay(image, labels)
