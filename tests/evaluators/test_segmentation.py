"""The evaluators of segmentation: labels move with images, and what is padding or outside does not count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.data import Split
from geomdl.evaluators import (
    EVALUATORS,
    InvarianceError,
    Metrics,
    RotationConsistency,
    RotationSweep,
    ShiftSweep,
    evaluators_for,
    rotation_sweep,
)
from geomdl.tasks import Classification, Segmentation

TASK = Segmentation(("dark", "bright"), "binary")
SIZE = 17


def threshold(images: jax.Array) -> jax.Array:
    """Bright pixels are class 1: commutes with every transformation, and with resampling where images are smooth."""
    return 20 * (images - 0.5)


def upright(images: jax.Array) -> jax.Array:
    """Bright pixels are class 1 in the upper half only: commutes with nothing that turns."""
    upper = jnp.arange(images.shape[1])[None, :, None, None] < images.shape[1] // 2
    return jnp.where(upper, threshold(images), -10.0)


@pytest.fixture(scope="module")
def blobs() -> Split:
    """A smooth blob above the centre, to either side; the labels are where it is above one half."""
    rows, columns = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    image = np.exp(-((rows + 2) ** 2 + (columns - 3) ** 2) / 12).astype(np.float32)
    images = np.stack([image, image[:, ::-1], 0.8 * image])[..., None]
    return Split(images, (images[..., 0] > 0.5).astype(np.int32))


def test_labels_turn_with_the_images(blobs: Split) -> None:
    rows = rotation_sweep(threshold, blobs, TASK, [0, 90, 180, 270, 360, 33.0])
    assert [row["iou"] for row in rows[:5]] == [1.0] * 5
    assert rows[5]["iou"] > 0.85  # resampled: the outline moves by fractions of a pixel
    broken = rotation_sweep(upright, blobs, TASK, [0, 180])
    assert broken[0]["iou"] > broken[1]["iou"]
    assert broken[1]["iou/bright"] < 0.6
    summary = RotationSweep(step=90).summary(rotation_sweep(upright, blobs, TASK, [0, 90, 180, 270]), TASK)
    assert summary["rotation/worst"] < summary["rotation/mean"]
    assert summary["rotation/worst_angle"] in (90.0, 180.0, 270.0)


def test_pixels_from_outside_do_not_count(blobs: Split) -> None:
    everywhere = Split(np.ones_like(blobs.images), np.ones_like(blobs.labels))
    assert rotation_sweep(lambda x: jnp.ones_like(x), everywhere, TASK, [45.0])[0]["accuracy"] == 1.0
    assert ShiftSweep(most=3, mode="crop")(lambda x: jnp.ones_like(x), everywhere, TASK)["crop/worst"] == 1.0
    assert ShiftSweep(most=3)(threshold, blobs, TASK) == {"shift/mean": 1.0, "shift/worst": 1.0}


def test_consistency_is_one_exactly_where_the_network_commutes(blobs: Split) -> None:
    quarter = RotationConsistency(step=90)
    exact = quarter(threshold, blobs, TASK)
    assert exact["consistency/worst"] == exact["consistency/agreement"] == 1.0
    rows = quarter.rows(upright, blobs, TASK)
    assert [row["angle"] for row in rows] == [90.0, 180.0, 270.0]
    broken = quarter.summary(rows)
    assert broken["consistency/worst"] < 0.8
    assert broken["consistency/worst"] <= broken["consistency/mean"] < 1
    other = RotationConsistency(step=33)(threshold, blobs, TASK)
    assert 0.8 < other["consistency/worst"] < 1
    wrong = Split(blobs.images, 1 - blobs.labels)
    assert RotationConsistency(step=90)(threshold, wrong, TASK) == exact  # it does not look at labels


def test_smaller_outputs_turn_about_the_same_centre(blobs: Split) -> None:
    def valid(images: jax.Array) -> jax.Array:
        return threshold(images[:, 2:-2, 2:-2])

    assert rotation_sweep(valid, blobs, TASK, [90])[0]["iou"] == 1.0
    assert RotationConsistency(step=90)(valid, blobs, TASK)["consistency/worst"] == 1.0
    assert set(InvarianceError()(valid, blobs, TASK)) == {"equivariance/quarter_turns", "equivariance/reflections"}


def test_outputs_move_with_the_image(blobs: Split) -> None:
    names = ["equivariance/quarter_turns", "equivariance/reflections", "equivariance/shifts"]
    exact, broken = (InvarianceError()(predict, blobs, TASK) for predict in (threshold, upright))
    assert list(exact) == list(broken) == names
    assert max(exact.values()) <= 1e-6
    assert min(broken.values()) > 0.1


def test_every_image_counts_once_and_padding_never(blobs: Split) -> None:
    wrong = Split(blobs.images, np.where(np.arange(3)[:, None, None] == 2, 1, blobs.labels).astype(np.int32))
    one, two, three = (Metrics(size)(threshold, wrong, TASK) for size in (1, 2, 3))
    assert one == pytest.approx(two)
    assert one == pytest.approx(three)
    truth, found = wrong.labels == 1, blobs.labels == 1
    assert one["iou/bright"] == pytest.approx((truth & found).sum() / (truth | found).sum())


def test_which_evaluators_suit() -> None:
    by_name = [name for name in EVALUATORS if getattr(EVALUATORS[name](), "on_request", False)]
    of_volumes = ["turns_oh", "rotation_x", "rotation_y", "rotation_z"]
    assert by_name == [*of_volumes, "ten_crop", "orbit_c4", "orbit_d4", "orbit_c8", "orbit_d8"]
    of_boxes = ["voc2007", "voc2010", "dota", "coco", "box_consistency"]
    assert evaluators_for(TASK) == [name for name in EVALUATORS if name not in [*by_name, *of_boxes, "turns"]]
    with pytest.raises(ValueError, match="consistency"):
        RotationConsistency()(threshold, None, Classification(2))
    with pytest.raises(ValueError, match="invalid step 0"):
        RotationConsistency(step=0)
