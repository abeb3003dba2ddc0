"""Augmentation of images together with their label maps: both move alike."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import rotation_matrix, turn, warp_labels
from geomdl.data import Augmentation

KEY = jax.random.key(3)
COUNT, SIZE = 48, 7
PLACES = np.arange(SIZE * SIZE, dtype=np.int32).reshape(SIZE, SIZE)
MAPS = np.tile(PLACES, (COUNT, 1, 1))


def pair(maps: np.ndarray = MAPS, **options) -> tuple[np.ndarray, np.ndarray]:
    """Images whose value at each pixel is its label, moved with their maps."""
    images = jnp.asarray(maps[..., None], jnp.float32) + 1  # 0 is what enters
    moved, labels = jax.jit(Augmentation(**options).pair)(images, jnp.asarray(maps), KEY)
    return np.asarray(moved)[..., 0] - 1, np.asarray(labels)


@pytest.mark.parametrize(
    "options",
    [{"quarter_turns": True, "flip": True}, {"quarter_turns": True}, {"flip": True}],
    ids=["D4", "C4", "flips"],
)
def test_transformations_of_the_grid_are_bijections_of_pixels_and_labels_alike(options) -> None:
    images, labels = pair(**options)
    np.testing.assert_array_equal(images, labels)
    elements = {(f, k): np.rot90(np.flip(PLACES, 1) if f else PLACES, k) for f in (0, 1) for k in range(4)}
    seen = set()
    for y in labels:
        found = [g for g, expected in elements.items() if np.array_equal(y, expected)]
        assert len(found) == 1
        assert sorted(y.ravel()) == list(range(SIZE * SIZE))  # a bijection
        seen |= set(found)
    turns = {(0, k) for k in range(4)} if options.get("quarter_turns") else {(0, 0)}
    mirrored = {(1, k) for k in range(4)} if "quarter_turns" in options else {(1, 0)}
    assert seen == turns | (mirrored if "flip" in options else set())  # every element


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize(("reflected", "turns"), [(f, k) for f in (0, 1) for k in range(4)])
def test_a_transformation_and_its_inverse_give_the_map_back(size, reflected, turns) -> None:
    maps = jnp.arange(2 * size * size).reshape(2, size, size) - 1
    moved = turn(maps, reflected, turns)
    inverse = turns if reflected else -turns  # reflections are their own inverses
    np.testing.assert_array_equal(turn(moved, reflected, inverse), maps)
    if not reflected and turns in (1, 2):  # nearest pixels are the pixels themselves
        np.testing.assert_array_equal(warp_labels(maps, rotation_matrix(90.0 * turns)), moved)


def test_labels_stay_with_what_was_there_when_images_shift() -> None:
    images, labels = pair(shift=2)
    entered = images == -1
    np.testing.assert_array_equal(labels, np.where(entered, -1, images))
    assert 0 < entered.mean() < 0.5


def test_what_is_cut_out_is_not_counted() -> None:
    images, labels = pair(cutout=3, quarter_turns=True)
    cut = images == -1
    np.testing.assert_array_equal(labels, np.where(cut, -1, images))
    assert cut.sum(axis=(1, 2)).max() == 9


def test_arbitrary_angles_move_image_and_label_to_the_same_place() -> None:
    """Half planes at random angles: wherever the image is clearly bright the label says so, and the corners are out."""
    size = 33
    rows, columns = (np.indices((size, size)) - (size - 1) / 2).astype(np.float32)
    half = np.tile(columns > 4, (COUNT, 1, 1)).astype(np.int32)
    images, labels = pair(half, rotation=180.0, scale=0.2)
    inside = np.tile(np.hypot(rows, columns) < size / 2 / 1.2 - 2, (COUNT, 1, 1))
    assert ((labels >= 0) | ~inside).all()
    assert set(np.unique(labels)) == {-1, 0, 1}
    bright, dark = images > 0.9, (images < 0.1) & (images > -0.1)
    assert (labels[inside & bright] == 1).mean() > 0.999
    assert (labels[inside & dark] == 0).mean() > 0.999
    assert (bright | dark)[inside].mean() > 0.9
    centres = np.array([np.arctan2(-(rows * m).sum(), (columns * m).sum()) for m in (labels == 1)])
    assert np.ptp(np.rad2deg(centres)) > 300  # all angles


def test_images_move_as_without_labels() -> None:
    options = {"rotation": 30.0, "scale": 0.1, "flip": True, "quarter_turns": True, "shift": 1, "cutout": 2}
    images = jax.random.uniform(jax.random.key(1), (8, SIZE, SIZE, 2))
    alone = jax.jit(Augmentation(**options))(images, KEY)
    moved, _ = jax.jit(Augmentation(**options).pair)(images, MAPS[:8], KEY)
    np.testing.assert_allclose(moved, alone, atol=1e-6)
    same, maps = Augmentation().pair(images, MAPS[:8], KEY)
    np.testing.assert_array_equal(same, images)
    np.testing.assert_array_equal(maps, MAPS[:8])


def test_maps_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape of the label maps \(1, 4, 5\); allowed: that of the images, \(1, 4"):
        Augmentation(flip=True).pair(jnp.zeros((1, 4, 4, 1)), jnp.zeros((1, 4, 5), jnp.int32), KEY)
    with pytest.raises(ValueError, match="invalid label maps"):
        warp_labels(jnp.zeros((1, 4, 4)), jnp.eye(2))
