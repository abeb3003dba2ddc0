"""The audit of detectors: sets of boxes are compared, in whatever order they come."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.audit import Images, audit

SIDE = 8


def brightest(x, *, down: float = 1.5, right: float = 1.5, oriented: bool = False):
    """Boxes around the three brightest pixels of each channel, whose class is the channel, by falling brightness."""
    n, _, width, channels = x.shape
    values, places = jax.lax.top_k(x.transpose(0, 3, 1, 2).reshape(n, channels, -1), 3)
    rows, columns = ((p.astype(x.dtype) + 0.5) for p in (places // width, places % width))
    if oriented:
        boxes = jnp.stack([columns, rows, jnp.full_like(rows, 2 * right), jnp.full_like(rows, 2 * down), 0 * rows], -1)
    else:
        boxes = jnp.stack([columns - right, rows - down, columns + right, rows + down], -1)
    classes = jnp.broadcast_to(jnp.arange(channels)[None, :, None], places.shape)
    numbers = boxes.shape[-1]
    return {
        "boxes": boxes.reshape(n, -1, numbers),
        "scores": jax.nn.sigmoid(values).reshape(n, -1),
        "classes": classes.reshape(n, -1),
    }


def of_numpy(x):
    return jax.tree.map(np.asarray, brightest(jnp.asarray(x)))


def levels(model, **options):
    report = audit(model, size=(SIDE, SIDE, 2), count=2, output="detections", **options)
    return {name: report[name].level for name in ("C4", "D4", "shifts")}, report


@pytest.mark.parametrize(("model", "options"), [(brightest, {}), (of_numpy, {"numpy": True})])
def test_boxes_that_move_with_the_image_are_exact(model, options):
    found, report = levels(model, **options)
    assert found == {"C4": "exact", "D4": "exact", "shifts": "exact"}
    assert report.output == "detections"
    assert not report.dead


def test_boxes_that_are_higher_than_wide_break_quarter_turns_only():
    found, report = levels(lambda x: brightest(x, down=2.5))
    assert found == {"C4": "broken", "D4": "broken", "shifts": "exact"}
    assert report["C2"].level == "exact"


def test_oriented_boxes_are_compared_as_rectangles():
    found, _ = levels(lambda x: brightest(x, oriented=True))  # squares, whose angle may be any of four
    assert found == {"C4": "exact", "D4": "exact", "shifts": "exact"}


def test_what_finds_nothing_is_dead():
    nothing = lambda x: {**brightest(x), "classes": jnp.full((len(x), 6), -1)}  # noqa: E731
    assert levels(nothing)[1].dead


def test_what_is_no_set_of_detections_is_refused():
    with pytest.raises(ValueError, match="boxes, scores and classes"):
        levels(lambda x: {"boxes": brightest(x)["boxes"]})
    with pytest.raises(ValueError, match="output='detections' is for sets of boxes"):
        audit(brightest, size=(SIDE, SIDE, 2), count=2)


def test_boxes_of_a_data_set_are_no_classes_of_images():
    given = Images.of("boxes", np.zeros((3, SIDE, SIDE, 2), np.float32), {"boxes": np.zeros((3, 1, 4))})
    assert given.first(2).labels is None


@pytest.mark.long
def test_a_detector_of_geomdl_is_audited_for_a_larger_group_than_its_own():
    from geomdl.data import BoxTarget
    from geomdl.models import FCOSConfig
    from geomdl.tasks import Detection

    config = FCOSConfig(group="C4", channels=4, features=4, halvings=2, levels=2, tower=1)
    detector, task = config.build((16, 16, 1), 2, rngs=0), Detection(("a", "b"), BoxTarget(2), threshold=0.0)
    images = np.random.default_rng(0).random((4, 16, 16, 1))
    report = audit(detector, group="D4", images=images, output=task.law, select=task.predictions)
    assert (report["C4"].level, report["D4"].level) == ("exact", "broken")
