"""Boxes as targets: batches, augmentation, drawn shapes, and what is refused."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from geomdl.actions import CropResize, LeftRightFlip, QuarterTurns, Shift, Warp, rotation_matrix
from geomdl.boxes import hull
from geomdl.data import (
    Augmentation,
    BoxTarget,
    Dataset,
    MapTarget,
    Split,
    data_config,
    eval_batches,
    make_loader,
    pack_boxes,
)
from geomdl.data.inspection import inspect
from geomdl.data.sources.given import GivenData
from geomdl.data.transforms.mosaic import assembled
from geomdl.layers.core.data_axis import data_axis
from geomdl.tasks import Classification
from geomdl.training.step.step import make_train_step


@pytest.fixture(scope="module")
def shapes():
    return {
        oriented: data_config(
            "box_shapes", size=48, largest=10, least=0, train_size=24, validation_size=3, test_size=5, noise=0.0,
            oriented=oriented, texture=0.0, overlap=0.0,
        ).load()
        for oriented in (False, True)
    }  # fmt: skip


def test_boxes_hold_what_is_drawn(shapes):
    split = shapes[False].train
    bright = split.images[..., 0] > 0.45
    seen = 0
    for image, boxes, classes in zip(bright, split.labels["boxes"], split.labels["classes"], strict=True):
        outside = image.copy()
        for x0, y0, x1, y1 in boxes[classes >= 0]:
            rows, columns = slice(int(y0), int(np.ceil(y1))), slice(int(x0), int(np.ceil(x1)))
            outside[rows, columns] = False
            inside = image[rows, columns]
            assert inside[[0, 1]].any()
            assert inside[[-1, -2]].any()
            assert inside[:, [0, 1]].any()
            assert inside[:, [-1, -2]].any()
            seen += 1
        assert not outside.any()
    assert seen > 20
    assert (split.labels["classes"] == -1).all(1).any()


def test_shapes_may_be_upright_and_round_things_turn_with_tight_boxes():
    options = {"size": 32, "largest": 8, "train_size": 20, "validation_size": 1, "test_size": 1, "oriented": True}
    drawn = {turned: data_config("box_shapes", turned=turned, **options).load().train.labels for turned in (0.0, 30.0)}
    for turned, labels in drawn.items():
        angles = np.degrees(labels["boxes"][labels["classes"] >= 0][:, 4])
        assert (angles >= 0).all()
        assert turned * 0.8 <= angles.max() <= turned
    with pytest.raises(ValueError, match=r"data\.turned"):
        data_config("box_shapes", turned=361.0)
    disc = jax.tree.map(jnp.asarray, pack_boxes([[[2, 3, 6, 7]]], [[0]]))
    turn = Warp(rotation_matrix(jnp.float32(45.0))[None], jnp.zeros((1, 2)))
    for round_objects, side in ((False, 4 * 2**0.5), (True, 4.0)):
        moved = BoxTarget(1, round_objects=round_objects).moved(disc, turn, (10, 10))["boxes"][0, 0]
        assert np.allclose(moved[2:] - moved[:2], side, atol=1e-4)


def test_what_a_config_says_of_given_boxes_is_the_same_in_every_process(shapes):
    def copied(change=0):
        split = shapes[False].test
        labels = {name: np.array(values) for name, values in split.labels.items()}
        labels["classes"] = np.where(labels["classes"] < 0, -1, (labels["classes"] + change) % 4)
        splits = [Split(np.array(split.images), labels)] * 3
        return GivenData.of(Dataset("boxes", *splits, (48, 48, 1), 4, tuple("abcd"), "drawn", "boxes"))

    assert copied() == copied()
    assert copied().digest != copied(1).digest


def test_oriented_boxes_lie_about_upright_ones(shapes):
    upright, oriented = (shapes[o].train.labels for o in (False, True))
    there = upright["classes"] >= 0
    assert np.array_equal(upright["classes"], oriented["classes"])
    around = np.asarray(hull(oriented["boxes"]))[there]
    assert (around[:, :2] <= upright["boxes"][there][:, :2] + 1e-4).all()
    rectangles = there & (upright["classes"] == 0)
    assert np.allclose(np.asarray(hull(oriented["boxes"]))[rectangles], upright["boxes"][rectangles], atol=1e-4)
    boxes = oriented["boxes"][there]
    assert (boxes[:, 2] >= boxes[:, 3]).all()
    assert (np.abs(boxes[:, 4]) <= np.pi / 2).all()


def test_loaders_and_evaluation_keep_boxes_with_their_images(shapes):
    split = shapes[False].train
    streamed, held = (make_loader(split, 4, 0, device_limit_bytes=limit) for limit in (0, 2**30))
    for step in range(3):
        a, b = (loader.select(loader.fetch(step), step) for loader in (streamed, held))
        jax.tree.map(np.testing.assert_array_equal, a, b)
        assert np.array_equal(b["label"]["boxes"], split.labels["boxes"][held.indices(step)])
    streamed.close()
    batches = list(eval_batches(split, 10, {"label": BoxTarget(4)}))
    last = batches[-1]
    assert last["label"]["boxes"].shape == (10, 4, 4)
    assert last["mask"].tolist() == [1.0] * 4 + [0.0] * 6
    assert (np.asarray(last["label"]["classes"])[4:] == -1).all()
    assert split[3]["label"]["boxes"].shape == (4, 4)
    assert split.subset([2, 1]).labels["classes"].tolist() == split.labels["classes"][[2, 1]].tolist()
    assert split.digest() != Split(split.images, {**split.labels, "classes": split.labels["classes"] * 0}).digest()


@pytest.mark.parametrize("oriented", [False, True])
def test_augmentation_moves_boxes_exactly_with_their_pixels(shapes, oriented):
    split, kind = shapes[oriented].train, BoxTarget(4, oriented=oriented)
    batch = {"image": jnp.asarray(split.images), "label": jax.tree.map(jnp.asarray, split.labels)}
    augment = Augmentation(quarter_turns=True, flip=True)
    moved = jax.jit(lambda b: augment.batch(b, {"label": kind}, jax.random.key(3)))(batch)
    assert np.array_equal(moved["label"]["classes"], split.labels["classes"])  # none is lost
    bright = np.asarray(moved["image"])[..., 0] > 0.45
    boxes = np.asarray(hull(moved["label"]["boxes"]) if oriented else moved["label"]["boxes"])
    for image, held, classes in zip(bright, boxes, split.labels["classes"], strict=True):
        outside = image.copy()
        for x0, y0, x1, y1 in held[classes >= 0]:
            outside[max(0, int(y0 - 1e-3)) : int(np.ceil(y1 - 1e-3)) + 1, max(0, int(x0)) : int(np.ceil(x1)) + 1] = 0
        assert not outside.any()


def test_crops_clip_and_drop_by_what_is_visible():
    label = jax.tree.map(jnp.asarray, pack_boxes([[[0, 0, 4, 4], [6, 6, 8, 8]]], [[1, 0]], [[True, False]]))
    right = Shift(jnp.array([0, -3]))  # three pixels to the left
    kept = BoxTarget(2, visible=0.25).moved(label, right, (8, 8))
    assert kept["boxes"].tolist() == [[[0, 0, 1, 4], [3, 6, 5, 8]]]
    assert kept["classes"].tolist() == [[1, 0]]
    lost = BoxTarget(2, visible=0.26).moved(label, right, (8, 8))
    assert lost["boxes"].tolist() == [[[0, 0, 0, 0], [3, 6, 5, 8]]]
    assert lost["classes"].tolist() == [[-1, 0]]
    assert lost["difficult"].tolist() == [[False, False]]
    crop = CropResize(jnp.array([[4.0, 4.0]]), jnp.array([[4.0, 4.0]]), (8, 8))
    assert BoxTarget(2).moved(label, crop, (8, 8))["boxes"].tolist() == [[[0, 0, 0, 0], [4, 4, 8, 8]]]
    circular = BoxTarget(2).moved(label, Shift(jnp.array([0, 4]), circular=True), (8, 8))
    assert circular["boxes"].tolist() == [[[4, 0, 8, 4], [2, 6, 4, 8]]]
    oriented = jax.tree.map(jnp.asarray, pack_boxes([[[1, 4, 2, 1, 0.0]]], [[0]], oriented=True))
    kind = BoxTarget(2, oriented=True, visible=0.5)
    assert kind.moved(oriented, Shift(jnp.array([0, -1])), (8, 8))["classes"].tolist() == [[0]]
    assert kind.moved(oriented, Shift(jnp.array([0, -2])), (8, 8))["classes"].tolist() == [[-1]]


def test_each_image_of_a_batch_moves_by_its_own_map():
    label = jax.tree.map(jnp.asarray, pack_boxes([[[0, 0, 4, 2]]] * 3, [[0]] * 3))
    kind = BoxTarget(1)
    turned = kind.moved(label, QuarterTurns(jnp.arange(3)), (8, 8))["boxes"][:, 0]
    assert turned.tolist() == [[0, 0, 4, 2], [0, 4, 2, 8], [4, 6, 8, 8]]
    flipped = kind.moved(label, LeftRightFlip(jnp.array([True, False, True])), (8, 8))["boxes"][:, 0]
    assert flipped.tolist() == [[4, 0, 8, 2], [0, 0, 4, 2], [4, 0, 8, 2]]
    warped = kind.moved(label, Warp(rotation_matrix(jnp.array([0.0, 90.0, 180.0]))), (8, 8))["boxes"][:, 0]
    assert np.abs(warped - turned).max() < 1e-5


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ([0, 0, 9, 2], "box 1 of image 1 in the train split of cells"),
        ([2, 2, 2, 4], "0 ≤ x0 < x1 ≤ 8"),
        ([4, 2, 2, 4], "0 ≤ x0 < x1 ≤ 8"),
        ([0, 0, np.nan, 2], "nan"),
    ],
)
def test_bad_boxes_are_named(box, said):
    label = pack_boxes([[], [[0, 0, 2, 2], box]], [[], [0, 1]])
    split = Split(np.zeros((2, 8, 8, 1), np.float32), label)
    with pytest.raises(ValueError, match=said):
        Dataset("cells", split, split, split, (8, 8, 1), 2, ("a", "b"), "drawn", label_kind="boxes")


def test_bad_labels_of_boxes_are_named():
    images = np.zeros((1, 8, 8, 1), np.float32)
    good = pack_boxes([[[0, 0, 2, 2]]], [[0]])
    for label, said in (
        ({**good, "classes": good["classes"] + 2}, "invalid class 2 of box 0, image 0"),
        ({"boxes": good["boxes"]}, "a dict of boxes, classes, difficult"),
        (np.zeros((1, 2, 4)), "a dict of boxes, classes, difficult"),
        (pack_boxes([[[4, 4, 2, 2, 0]]], [[0]], oriented=True), r"shape of the boxes"),
        ({**good, "classes": good["classes"].astype(np.float32)}, "class of a box"),
    ):
        with pytest.raises(ValueError, match=said):
            BoxTarget(2).require(label, images, "test split of cells")
    with pytest.raises(ValueError, match="number of classes of image 0"):
        pack_boxes([[[0, 0, 2, 2]]], [[0, 1]])
    with pytest.raises(ValueError, match="at least the boxes of image 0, 2"):
        pack_boxes([[[0, 0, 2, 2]] * 2], [[0, 1]], most=1)
    with pytest.raises(ValueError, match=r"data\.least"):
        data_config("box_shapes", least=9)


def test_inspection_counts_boxes():
    found = inspect(
        data_config("box_shapes", size=32, largest=8, train_size=6, validation_size=3, test_size=3, least=0)
    )
    held = found.dataset.train.labels["classes"]
    assert [row["train"] for row in found.counts[:4]] == [int((held == c).sum()) for c in range(4)]
    assert found.counts[4]["train"] == int((held < 0).all(1).sum())


def _mosaic(key: int, share: float = 1.0, kind=None, *, label=None, size=(8, 8), count=4):
    """Images of the constants 1, 2, … and what becomes of them and their boxes."""
    kind = kind or BoxTarget(4)
    images = jnp.ones((count, *size, 1)) * jnp.arange(1.0, count + 1)[:, None, None, None]
    label = label or pack_boxes([[[0, 0, size[1], size[0]]]] * count, [[i % 4] for i in range(count)])
    batch = {"image": images, "label": jax.tree.map(jnp.asarray, label)}
    return jax.tree.map(np.asarray, _augmented(Augmentation(mosaic=share), kind, batch, jax.random.key(key)))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _augmented(augment, kind, batch, key):
    return augment.batch(batch, {"label": kind}, key)


def boxes_and_classes(found):
    return found["label"]["boxes"], found["label"]["classes"]


def test_a_mosaic_has_four_images_around_a_corner_and_their_boxes():
    """Every image is all one box: in its quadrant lies its constant, and the box is the quadrant."""
    corners, of_own = set(), set()
    for key in range(4):
        found = _mosaic(key, size=(8, 12), kind=BoxTarget(4, visible=0.0))
        for i, (image, boxes, classes) in enumerate(
            zip(found["image"][..., 0], *boxes_and_classes(found), strict=True)
        ):
            assert sorted(classes) == [0, 1, 2, 3]
            assert classes.tolist() == [(i - j) % 4 for j in range(4)]  # itself and the three before it
            for (x0, y0, x1, y1), number in zip(boxes.astype(int), classes, strict=True):
                assert (image[y0:y1, x0:x1] == number + 1).all()
            assert np.prod(boxes[:, 2:] - boxes[:, :2], 1).sum() == 8 * 12
            corners.add((int(boxes[:, 2].min()), int(boxes[:, 3].min())))
            of_own.add(tuple(boxes[0, :2] > 0))
    assert len(of_own) == 4
    columns, rows = (sorted({corner[axis] for corner in corners}) for axis in (0, 1))
    assert (columns[0] >= 3, columns[-1] <= 9, rows[0] >= 2, rows[-1] <= 6) == (True,) * 4
    assert len(corners) > 8


def test_boxes_of_a_mosaic_by_hand():
    """The corner at (x, y) = (5, 3) of 8 × 8 pixels, the first image top left, the fourth, third, second follow it."""
    boxes = [[[2, 4, 5, 8]], [[1, 4, 3, 8]], [[6, 0, 8, 2]], [[0, 0, 4, 6]]]
    label = pack_boxes(boxes, [[0], [1], [2], [3]], [[False], [True], [False], [False]])
    batch = {"image": jnp.ones((4, 8, 8, 1)) * jnp.arange(4.0)[:, None, None, None], "label": label}
    chosen = jnp.array([True, False, False, False])
    draws = jnp.array([[3, 5]] * 4), jnp.zeros(4, jnp.int32), chosen
    found = jax.jit(lambda b: assembled(b, {"label": BoxTarget(4)}, *draws))(batch)
    assert found["image"][0, ..., 0].tolist() == [[0] * 5 + [3] * 3] * 3 + [[2] * 5 + [1] * 3] * 5
    held = {name: values[0].tolist() for name, values in found["label"].items()}
    assert held["boxes"] == [
        [0, 0, 2, 3],  # shifted by (−3, −5): of 3 × 4 pixels 2 × 3 are left
        [0, 0, 0, 0],  # by (5, −5): of 4 × 6 pixels 3 × 1 would be, less than a quarter
        [3, 3, 5, 5],  # by (−3, 3): all of it
        [6, 7, 8, 8],  # by (5, 3): of 2 × 4 pixels 2 × 1, a quarter
    ]
    assert (held["classes"], held["difficult"]) == ([0, -1, 2, 1], [False, False, False, True])
    for i in (1, 2, 3):
        assert (found["image"][i] == i).all()
        assert found["label"]["boxes"][i].tolist() == [*boxes[i], *[[0] * 4] * 3]
        assert found["label"]["classes"][i].tolist() == [i, -1, -1, -1]


def test_mosaics_are_the_same_on_several_devices(shapes):
    split, kinds = shapes[False].train, {"label": BoxTarget(4)}
    batch = {"image": jnp.asarray(split.images[:8]), "label": jax.tree.map(lambda v: jnp.asarray(v[:8]), split.labels)}

    def part(batch):
        with data_axis("data", 4):
            return Augmentation(mosaic=0.7).batch(batch, kinds, jax.random.key(1))

    whole = jax.jit(lambda b: Augmentation(mosaic=0.7).batch(b, kinds, jax.random.key(1)))(batch)
    parts = jax.jit(jax.vmap(part, axis_name="data"))(jax.tree.map(lambda v: v.reshape(4, 2, *v.shape[1:]), batch))
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a.reshape(b.shape), b), parts, whole)
    assert (np.asarray(whole["label"]["classes"]) >= 0).any(0)[4:].any()
    changed = (np.asarray(whole["image"]) != split.images[:8]).any((1, 2, 3))
    assert set(changed.tolist()) == {True, False}


def test_oriented_boxes_move_with_the_parts_of_a_mosaic():
    label = jax.tree.map(jnp.asarray, pack_boxes([[[4, 4, 4, 2, 0.5]]] * 4, [[0]] * 4, oriented=True))
    kinds = {"label": BoxTarget(1, oriented=True, visible=0.05)}
    draws = jnp.full((4, 2), 4), jnp.zeros(4, jnp.int32), jnp.ones(4, bool)
    batch = {"image": jnp.zeros((4, 8, 8, 1)), "label": label}
    found = jax.jit(lambda b: assembled(b, kinds, *draws))(batch)["label"]
    np.testing.assert_allclose(found["boxes"][0, :, :2], [[0, 0], [8, 0], [0, 8], [8, 8]], atol=1e-5)
    np.testing.assert_allclose(found["boxes"][..., 2:], np.broadcast_to([4, 2, 0.5], (4, 4, 3)), rtol=1e-5)


def test_mosaics_are_refused_where_they_cannot_be():
    batch = {"image": jnp.zeros((4, 8, 8, 1)), "label": jnp.zeros((4, 8, 8), jnp.int32)}
    with pytest.raises(
        ValueError, match=r"augmentation.mosaic 1.0; allowed: 0 where labels are label maps; only boxes"
    ):
        Augmentation(mosaic=1.0).batch(batch, {"label": MapTarget(2)}, jax.random.key(0))
    with pytest.raises(ValueError, match=r"allowed: 0 where there are no boxes"):
        Augmentation(mosaic=1.0)(batch["image"], 0)
    with pytest.raises(ValueError, match=r"0 with batches of 3; a mosaic takes four images"):
        _mosaic(0, count=3)
    with pytest.raises(ValueError, match=r"0 for images of 3×8 pixels"):
        _mosaic(0, size=(3, 8))
    with pytest.raises(ValueError, match=r"mosaic 1.5; allowed: a share of the images in \[0, 1\]"):
        Augmentation(mosaic=1.5)
    with pytest.raises(ValueError, match=r"mosaic 0.5; allowed: 0 where labels are classes"):
        make_train_step(
            None, task=Classification(3), optimizer=optax.sgd(0.1), select=lambda fetched, step: fetched,
            augment=Augmentation(mosaic=0.5),
        )  # fmt: skip
