"""Whole detectors, suppression included: the detections of a moved image are the moved detections."""

import jax
import numpy as np
import pytest

from geomdl.groups import group as group_of
from geomdl.models import MODELS
from geomdl.tasks import Detection
from geomdl.testing import assert_equivariant

SMALL = {
    "fcos": {"channels": 2, "features": 4, "halvings": 3, "levels": 2, "tower": 1},
    "yolo_v1": {"channels": 2, "halvings": 2, "units": 4},
    "ssd": {"channels": 2, "features": 4, "halvings": 2, "levels": 2},
}


def _detect(name: str, group: str, side: int):
    model = MODELS[name](group=group, **SMALL[name]).build((side, side, 1), 3, rngs=0)
    task = Detection(("a", "b", "c"), None, threshold=0.0, candidates=10_000, detections=20)
    return lambda images: task.predictions(model(images))


def _images(side: int):
    return jax.random.normal(jax.random.key(1), (1, side, side, 1))


@pytest.mark.parametrize(
    ("name", "group", "side"),
    [
        ("fcos", "C4", 24),
        pytest.param("fcos", "D4", 25, marks=pytest.mark.long),
        pytest.param("ssd", "D4", 13, marks=pytest.mark.long),
    ],
)
def test_detections_move_with_the_image(name: str, group: str, side: int):
    detect = jax.jit(_detect(name, group, side))
    found = detect(_images(side))
    assert (np.asarray(found["classes"]) >= 0).sum() > 5
    assert_equivariant(detect, _images(side), group=group_of(group), output="detections")


@pytest.mark.long
def test_those_of_a_plain_detector_do_not():
    detect = jax.jit(_detect("fcos", "C1", 24))
    with pytest.raises(AssertionError):
        assert_equivariant(detect, _images(24), group=group_of("C4"), output="detections")


def test_yolo_v1_has_the_parameters_of_its_paper():
    """24 convolutions of figure 3, listed here as (window, channels), and two dense layers, all with biases."""
    convolutions = [
        (7, 64), (3, 192), (1, 128), (3, 256), (1, 256), (3, 512), *[(1, 256), (3, 512)] * 4, (1, 512), (3, 1024),
        *[(1, 512), (3, 1024)] * 2, *[(3, 1024)] * 4,
    ]  # fmt: skip
    channels, wanted = 3, (49 * 1024 + 1) * 4096 + (4096 + 1) * 7 * 7 * 30
    for window, features in convolutions:
        wanted, channels = wanted + (window**2 * channels + 1) * features, features
    assert wanted == 271_703_550
    published = MODELS["yolo_v1"](backbone="published", head="dense", units=4096)
    assert published.parameter_count((448, 448, 3), 20) == wanted
