"""Augmentation of images: exact where it permutes pixels, within its bounds elsewhere, and a function of the key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import rotate
from geomdl.data import Augmentation
from geomdl.layers.core.data_axis import data_axis

KEY = jax.random.key(0)


def move(images, **options):
    return np.asarray(jax.jit(Augmentation(**options))(images, KEY))


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(1), (64, 8, 8, 2))


def turned(x):
    return [np.rot90(x, k) for k in range(4)]


def test_nothing_asked_nothing_done(images):
    assert Augmentation().is_identity
    np.testing.assert_array_equal(Augmentation()(images, KEY), images)


@pytest.mark.parametrize(
    "options",
    [{"rotation": 30.0}, {"quarter_turns": True}, {"shift": 2}, {"flip": True}, {"scale": 0.2}, {"cutout": 5}],
    ids=lambda options: next(iter(options)),
)
def test_deterministic_in_the_key_and_the_same_under_jit(images, options):
    augmentation = Augmentation(**options)
    jitted = jax.jit(augmentation)
    first = jitted(images, KEY)
    assert first.shape == images.shape
    assert first.dtype == images.dtype
    np.testing.assert_array_equal(jitted(images, KEY), first)
    np.testing.assert_allclose(augmentation(images, KEY), first, atol=1e-5)
    assert np.abs(jitted(images, jax.random.key(2)) - first).max() > 0.1


def test_quarter_turns_and_flips_are_exact_and_equally_frequent(images):
    moved = move(images, quarter_turns=True, flip=True)
    counts = np.zeros(8, int)
    for x, y in zip(np.asarray(images), moved, strict=True):
        found = [np.array_equal(y, z) for z in turned(x) + turned(x[:, ::-1])]
        assert sum(found) == 1
        counts += found
    assert counts.min() >= 2  # of 64, 8 expected each


def test_flip_is_left_right(images):
    moved = move(images, flip=True)
    for x, y in zip(np.asarray(images), moved, strict=True):
        assert np.array_equal(y, x) or np.array_equal(y, x[:, ::-1])


def test_shifts_are_whole_pixels_within_the_bound():
    centre = jnp.zeros((200, 9, 9, 1)).at[:, 4, 4].set(1.0)
    moved = move(centre, shift=2)
    assert (moved.sum(axis=(1, 2, 3)) == 1).all()
    places = np.argwhere(moved[..., 0])[:, 1:] - 4
    assert {tuple(p) for p in places} == {(i, j) for i in range(-2, 3) for j in range(-2, 3)}


def test_what_enters_is_zero():
    moved = move(jnp.ones((50, 6, 6, 1)), shift=3)
    assert set(np.unique(moved)) == {0.0, 1.0}
    assert moved.sum() < 50 * 36


def test_rotations_stay_within_the_bound():
    """A blob to the right of the centre is found again at an angle within the bound, and the angles fill it."""
    y, x = np.mgrid[7:-8:-1, -7:8].astype(np.float32)
    blob = np.exp(-((x - 4) ** 2 + y**2) / 3)
    moved = move(jnp.tile(blob[None, ..., None], (200, 1, 1, 1)), rotation=40.0)[..., 0]
    angles = np.rad2deg(np.arctan2((moved * y).sum((1, 2)), (moved * x).sum((1, 2))))
    assert np.abs(angles).max() < 41
    assert angles.min() < -35
    assert angles.max() > 35
    best = rotate(blob[None, ..., None], float(angles[0]))[0, ..., 0]
    np.testing.assert_allclose(moved[0], best, atol=0.02)


def test_scales_stay_within_the_bound():
    y, x = np.mgrid[10:-11:-1, -10:11].astype(np.float32)
    blob = np.exp(-(x**2 + y**2) / 8)
    moved = move(jnp.tile(blob[None, ..., None], (200, 1, 1, 1)), scale=0.5)[..., 0]
    scales = np.sqrt(moved.sum((1, 2)) / blob.sum())
    assert 1 / 1.5 - 0.01 < scales.min() < 0.7
    assert 1.4 < scales.max() < 1.5 + 0.01


def test_quarter_turns_need_square_images():
    with pytest.raises(ValueError, match=r"augmentation.quarter_turns True; allowed: false for 4×6 images"):
        Augmentation(quarter_turns=True)(jnp.zeros((1, 4, 6, 1)), KEY)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rotation": -1}, "augmentation.rotation -1"),
        ({"rotation": 270}, r"augmentation.rotation 270; allowed: degrees in \[0, 180\]; try 180"),
        ({"shift": 1.5}, "augmentation.shift 1.5; allowed: a whole number"),
        ({"flip": 1}, "augmentation.flip 1; allowed: true or false"),
        ({"scale": float("nan")}, "augmentation.scale nan"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**options)


@pytest.mark.parametrize("side", [3, 4, 15])
def test_cutout_empties_one_square_and_nothing_else(side):
    images = jnp.ones((200, 7, 9, 2))
    cut = move(images, cutout=side) == 0
    assert np.array_equal(cut[..., 0], cut[..., 1])
    rows, columns = set(), set()
    for image in cut[..., 0]:
        i, j = np.nonzero(image)
        assert image.sum() == (i.max() - i.min() + 1) * (j.max() - j.min() + 1), "a full rectangle"
        assert image.any(1).sum() <= min(side, 7)
        assert image.any(0).sum() <= min(side, 9)
        rows.add((i.min(), i.max()))
        columns.add((j.min(), j.max()))
    half = side // 2  # each centre occurs, border pixels included, where part of the square is lost
    assert rows == {(max(0, c - half), min(6, c - half + side - 1)) for c in range(7)}
    assert columns == {(max(0, c - half), min(8, c - half + side - 1)) for c in range(9)}


def test_cutout_comes_last_and_leaves_the_other_draws_as_they_are(images):
    images = images + 1.0  # no pixel is 0
    alone, both = move(images, shift=2, flip=True), move(images, shift=2, flip=True, cutout=3)
    np.testing.assert_array_equal(both[both != 0], alone[both != 0])
    assert 0 < (both == 0).mean() - (alone == 0).mean() <= 9 / 64
    places = {tuple(np.argwhere(y == 0)[0]) for y in move(images, cutout=3)}
    assert len(places) > 10  # every image has a place of its own


def test_a_bad_cutout_is_refused():
    with pytest.raises(ValueError, match=r"invalid augmentation\.cutout -1"):
        Augmentation(cutout=-1)


def test_a_part_of_the_batch_is_moved_as_in_the_whole() -> None:
    everything = Augmentation(rotation=30, scale=0.2, flip=True, quarter_turns=True, shift=2, cutout=3)
    images = jax.random.normal(jax.random.key(1), (8, 9, 9, 2))
    maps = jax.random.randint(jax.random.key(2), (8, 9, 9), 0, 3)

    def part(images: jax.Array, maps: jax.Array) -> tuple[jax.Array, jax.Array]:
        with data_axis("data", 4):
            return everything.pair(images, maps, jax.random.key(0))

    split = [x.reshape(4, 2, *x.shape[1:]) for x in (images, maps)]
    moved, moved_maps = (x.reshape(8, *x.shape[2:]) for x in jax.jit(jax.vmap(part, axis_name="data"))(*split))
    whole, whole_maps = jax.jit(everything.pair)(images, maps, jax.random.key(0))
    np.testing.assert_allclose(moved, whole, atol=1e-6)
    np.testing.assert_array_equal(moved_maps, whole_maps)
