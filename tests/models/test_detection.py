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
