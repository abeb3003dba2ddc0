"""Volumes in training: moved at random by the elements of a group, with their label maps; a run from a config."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import GridElements, LeftRightFlip, Warp, act
from geomdl.data import Augmentation, MapTarget, ValuesTarget
from geomdl.data.transforms.random_rotations import random_rotations
from geomdl.groups import PLANE, VOLUME, D, O, Oh, SpatialGroup
from geomdl.representations import FieldType
from geomdl.training import RunConfig, train


@pytest.mark.parametrize(
    ("points", "space", "shape"),
    [(Oh, VOLUME, (3, 3, 3)), (O, VOLUME, (2, 2, 2)), (SpatialGroup("C4z"), VOLUME, (2, 3, 3)), (D(4), PLANE, (4, 4))],
    ids=str,
)
def test_elements_move_as_the_action_does(points, space, shape):
    elements = points.elements()
    x = np.random.default_rng(0).normal(size=(len(elements), *shape, 2)).astype(np.float32)
    moved = jax.jit(lambda x: GridElements(points, jnp.arange(len(elements)), space).images(x))(x)
    scalars = FieldType(points, "2 trivial")
    for i in (0, 1, len(elements) // 2, len(elements) - 1):
        np.testing.assert_array_equal(moved[i], act(elements[i], jnp.asarray(x[i : i + 1]), scalars)[0])
    every = np.stack([space.grid_symmetry(points, g)(x[i : i + 1])[0] for i, g in enumerate(elements)])
    np.testing.assert_array_equal(moved, every)


def test_volumes_and_label_maps_move_by_the_same_draws():
    rng = np.random.default_rng(1)
    maps = rng.integers(0, 100, (16, 3, 3, 3)).astype(np.int32)
    batch = {"image": jnp.asarray(maps[..., None], jnp.float32), "label": jnp.asarray(maps)}
    moved = jax.jit(lambda key: Augmentation(group="O").batch(batch, {"label": MapTarget(100)}, key))(jax.random.key(0))
    np.testing.assert_array_equal(moved["image"][..., 0].astype(jnp.int32), moved["label"])
    turns = [VOLUME.grid_symmetry(O, g)(maps[..., None])[..., 0] for g in O.elements()]
    found = [[np.array_equal(turn[i], moved["label"][i]) for turn in turns].index(True) for i in range(16)]
    assert len(set(found)) > 5, "each by its own draw"


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({"hue": 0.1}, (4, 4, 4), "augmentation.hue 0.1; allowed: its default for volumes"),
        ({"quarter_turns": True}, (4, 4, 4), "augmentation.group='C4z' turns them about z"),
        ({"rotation": 9.0, "rotation_axis": "z"}, (4, 4), "'' for images; axes are of volumes"),
        ({"rotation_axis": "z"}, (4, 4, 4), "rotation=180 for all turns about z"),
        ({"rotation": 9.0, "rotation_axis": "w"}, (4, 4, 4), "rotation_axis 'w'; allowed: x, y or z"),
        ({"group": "O"}, (4, 4, 5), "cubes .depth = height = width., as O exchanges these axes; .* try 4x4x4"),
        ({"group": "O"}, (4, 4), "turns of images: O does not act on the plane"),
        ({"group": "D4"}, (4, 4, 4), "turns of volumes: D4 does not act on the volume"),
        ({"group": "O3"}, (4, 4, 4), "all elements of O3 are drawn by augmentation.rotation=180, flip=true"),
        ({"group": "Q"}, (4, 4, 4), "unknown group 'Q'"),
    ],
)
def test_what_volumes_do_not_have_is_refused(options, shape, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**options)(np.zeros((2, *shape, 1), np.float32), 0)


ELEMENTS = np.arange(48)[::5]


def test_interpolation_moves_voxels_and_labels_as_the_exact_action_at_symmetries_of_the_cube():
    x = np.random.default_rng(0).normal(size=(len(ELEMENTS), 4, 4, 4, 2)).astype(np.float32)
    maps = np.random.default_rng(1).integers(0, 9, (len(ELEMENTS), 4, 4, 4))
    exact = GridElements(Oh, jnp.asarray(ELEMENTS), VOLUME)
    warp, own = Warp(exact.linear, reflects=True), ValuesTarget(FieldType("O3", "1x1o"))
    vectors = np.random.default_rng(2).normal(size=(len(ELEMENTS), 3)).astype(np.float32)
    moved, labels, turned = jax.jit(
        lambda x, y, v: (warp.images(x), warp.labels(y, -1), own.moved(v, warp, (4, 4, 4)))
    )(x, maps, vectors)
    np.testing.assert_allclose(moved, exact.images(jnp.asarray(x)), atol=2e-6)
    np.testing.assert_array_equal(labels, exact.labels(jnp.asarray(maps), -1))
    np.testing.assert_allclose(turned, np.einsum("nij,nj->ni", np.asarray(exact.linear), vectors), atol=1e-5)
    flipped = LeftRightFlip(jnp.ones(len(ELEMENTS), bool), VOLUME)
    np.testing.assert_array_equal(flipped.images(jnp.asarray(x)), x[:, :, :, ::-1])
    np.testing.assert_array_equal(flipped.labels(jnp.asarray(maps), -1), maps[..., ::-1])


def test_rotations_of_space_are_uniform_up_to_an_angle():
    for degrees in (180, 40):
        turns = np.asarray(random_rotations(jax.random.key(1), 4000, degrees), np.float64)
        np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.broadcast_to(np.eye(3), turns.shape), atol=2e-6)
        assert (np.linalg.det(turns) > 0).all()
        angles = np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1))
        grid = np.linspace(0, np.deg2rad(degrees), 9)[1:]
        expected = (grid - np.sin(grid)) / (grid - np.sin(grid))[-1]
        np.testing.assert_allclose([(angles <= a + 1e-5).mean() for a in grid], expected, atol=0.03)
    of_sphere = np.asarray(random_rotations(jax.random.key(2), 4000, 180))
    for power in (1, 2):  # the mean of D^1 and D^2 over SO(3) is zero: of z'_z and of its square less a third
        assert abs((of_sphere[:, 2, 2] ** power).mean() - (power - 1) / 3) < 0.04
    about = np.asarray(random_rotations(jax.random.key(3), 500, 30, "y"))
    np.testing.assert_array_equal(about[:, 1], np.broadcast_to([0.0, 1.0, 0.0], (500, 3)))
    assert -30 < np.rad2deg(np.arctan2(about[:, 0, 2], about[:, 0, 0])).min() < -28


def test_random_rotations_move_label_maps_with_their_volumes():
    """Balls off the centre: their voxels are bright where the label says so, wherever a rotation takes them."""
    size, count = 13, 6
    z, y, x = np.indices((size,) * 3) - (size - 1) / 2
    ball = ((x - 2) ** 2 + (y + 1) ** 2 + (z - 1) ** 2 < 9).astype(np.int32)
    images = jnp.asarray(np.tile(ball[..., None].astype(np.float32), (count, 1, 1, 1, 1)))
    maps = jnp.asarray(np.tile(ball, (count, 1, 1, 1)))
    augmentation = Augmentation(rotation=180, scale=0.1, flip=True, shift=1)
    moved, labels = jax.jit(lambda key: augmentation.pair(images, maps, key))(jax.random.key(5))
    bright, dark = np.asarray(moved)[..., 0] > 0.75, np.asarray(moved)[..., 0] < 0.25
    labels = np.asarray(labels)
    assert set(np.unique(labels)) == {-1, 0, 1}
    assert (labels[bright] == 1).mean() > 0.99
    assert (labels[dark] < 1).mean() > 0.99
    middles = [np.argwhere(here).mean(0) for here in labels == 1]
    assert np.ptp(middles, axis=0).min() > 1, "each by its own draw"


@pytest.mark.long
@pytest.mark.compiled
def test_a_run_on_volumes(tmp_path):
    config = RunConfig.from_config_dict(
        {
            "data": {"name": "solids", "size": 8, "train_size": 16, "validation_size": 8, "test_size": 8},
            "model": {"name": "gcnn", "group": "O", "width": 1, "depth": 1, "kernel_size": 3},
            "augmentation": {"group": "O", "rotation": 180, "flip": True},
            "training": {"batch_size": 8, "steps": 2, "eval_every": 2},
        }
    )
    result = train(config, tmp_path / "run")
    assert result.step == 2
    assert np.isfinite([r["loss"] for r in result.records]).all()
