"""Evaluators of volumes: every symmetry of the cube, angles about an axis; classes and label maps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import act
from geomdl.data import SolidsConfig, Split
from geomdl.evaluators import AxisRotation, AxisSweep, CubeSweep, evaluators_for
from geomdl.groups import VOLUME, O, Oh
from geomdl.representations import FieldType
from geomdl.tasks import Classification, Segmentation

RNG = np.random.default_rng(0)
VOLUMES = RNG.random((4, 4, 4, 4, 1)).astype(np.float32)
MAPS = Split(VOLUMES, (VOLUMES[..., 0] > 0.5).astype(np.int32))
CLASSES = Split(VOLUMES, (VOLUMES[:, 0, 0, 0, 0] > 0.5).astype(np.int32))
BRIGHT, CORNER = Segmentation(("dark", "bright")), Classification(num_classes=2)


@jax.jit
def bright(x):
    """Right everywhere, and equivariant."""
    return jnp.concatenate([0.5 - x, x - 0.5], -1)


@jax.jit
def halves(x):
    """Says bright in the upper half, whatever is there."""
    upper = (jnp.arange(x.shape[1]) < x.shape[1] // 2).astype(x.dtype)[:, None, None, None]
    return jnp.broadcast_to(jnp.concatenate([1 - upper, upper], -1), (*x.shape[:-1], 2))


def test_an_equivariant_segmentation_is_right_and_does_not_change_under_all_48():
    rows = CubeSweep("Oh").rows(bright, MAPS, BRIGHT)
    assert [row["element"] for row in rows] == list(range(48))
    assert all(row["iou"] == 1 and row["change"] < 1e-6 for row in rows)


def test_one_that_is_not_changes_under_the_elements_that_move_its_axis():
    rows = CubeSweep("O").rows(halves, MAPS, BRIGHT)
    moves_up = [O.matrix(g)[2, 2] != 1 for g in O.elements()]
    assert [row["change"] > 0.5 for row in rows] == moves_up
    found = CubeSweep("O").summary(rows, BRIGHT)
    assert found["turns/worst"] == min(row["iou"] for row in rows)
    assert rows[int(found["turns/worst_element"])]["iou"] == found["turns/worst"]


def test_scores_of_classes_should_stay():
    at_corner = jax.jit(lambda x: jnp.stack([0.5 - x[:, 0, 0, 0, 0], x[:, 0, 0, 0, 0] - 0.5], -1))
    rows = CubeSweep("O").rows(at_corner, CLASSES, CORNER)
    for row, g in zip(rows, O.elements(), strict=True):
        moved = VOLUME.grid_symmetry(O, g)(VOLUMES)[:, 0, 0, 0, 0]
        before, after = VOLUMES[:, 0, 0, 0, 0] - 0.5, moved - 0.5
        assert row["change"] == pytest.approx(np.linalg.norm(after - before) / np.linalg.norm(before), abs=1e-5)
        assert row["accuracy"] == ((after > 0) == (before > 0)).mean()
    long = Split(np.ones((2, 4, 5, 5, 1), np.float32), np.zeros(2, np.int32))
    assert len(CubeSweep("O").rows(at_corner, long, CORNER)) == 8, "those that keep 4×5×5 voxels"


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_angles_about_an_axis_are_counter_clockwise_and_exact_on_the_grid(axis):
    turn = AxisRotation(90.0, axis)
    tip = np.eye(3)["xyz".index(axis)]
    np.testing.assert_array_equal(turn.linear @ tip, tip)
    np.testing.assert_array_equal(turn.linear @ np.roll(tip, 1), np.roll(tip, 2))
    g = Oh.from_matrix(np.asarray(turn.linear))
    moved = act(g, jnp.asarray(VOLUMES), FieldType("Oh", "1 trivial"))
    np.testing.assert_array_equal(turn.images(jnp.asarray(VOLUMES)), moved)
    near = AxisRotation(90.0001, axis)
    np.testing.assert_allclose(near.images(jnp.asarray(VOLUMES)), moved, atol=1e-4)


def test_angles_off_the_grid_count_the_ball_alone():
    rows = AxisSweep("z", step=45.0).rows(bright, MAPS, BRIGHT)
    assert [row["angle"] for row in rows] == [45.0 * i for i in range(8)]
    assert [row["iou"] == 1 for row in rows[::2]] == [True] * 4
    assert AxisSweep("z", step=45.0).summary(rows, BRIGHT)["rotation_z/worst_angle"] % 90 == 45
    labels = AxisRotation(45.0).labels(jnp.asarray(MAPS.labels), -1)
    assert (np.asarray(labels)[:, 0, 0, 0] == -1).all()


def test_what_runs_on_volumes_by_default():
    assert evaluators_for(BRIGHT, (4, 4, 4, 1)) == ["metrics", "turns"]
    assert "turns" not in evaluators_for(BRIGHT, (4, 4, 1))
    with pytest.raises(ValueError, match="unknown axis 'w'"):
        AxisSweep("w")
    with pytest.raises(ValueError, match="D4 does not act on the volume"):
        CubeSweep("D4").rows(bright, MAPS, BRIGHT)


def test_label_maps_of_solids_and_their_loss():
    options = {"size": 10, "train_size": 6, "validation_size": 1, "test_size": 1, "noise": 0.0}
    drawn, classed = SolidsConfig(labels="map", **options).load(), SolidsConfig(**options).load()
    for image, label, solid in zip(drawn.train.images, drawn.train.labels, classed.train.labels, strict=True):
        assert set(np.unique(label)) == {0, solid + 1}
        np.testing.assert_array_equal(image[..., 0] > 0.5, label > 0)
    task = Segmentation(drawn.classes, "softmax+dice")
    labels = jnp.asarray(drawn.train.labels)
    right = 30.0 * jax.nn.one_hot(labels, len(drawn.classes))
    mask = jnp.array([1, 1, 1, 0, 0, 0], jnp.float32)
    sums = task.sums(right, {"label": labels, "mask": mask})
    assert float(sums["loss"]) < 1e-3
    assert int(sums["labelled"].sum()) == 3 * 10**3
    cut = task.labels_of(right[:, 1:-1, 1:-1, 1:-1], labels)
    np.testing.assert_array_equal(cut, labels[:, 1:-1, 1:-1, 1:-1])
    with pytest.raises(ValueError, match="depth of the model's output 9; allowed: 10"):
        task.labels_of(right[:, 1:], labels)
    with pytest.raises(ValueError, match=r"shape of label maps .*depth, height, width"):
        task.labels_of(right, labels[:, 0])
