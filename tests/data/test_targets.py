"""Kinds of targets: what they refuse, and that they move with what is drawn in the image."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.data import (
    TARGET_KINDS,
    Augmentation,
    ClassTarget,
    Dataset,
    DeviceLoader,
    LabelsTarget,
    MapTarget,
    Split,
    StreamLoader,
    TargetKind,
    ValuesTarget,
    eval_batches,
    register_target_kind,
    target_kind,
)
from geomdl.evaluators.transformations import Rotation, moved_batch, shifted_batch
from geomdl.representations import FieldType

SIZE = 17
ANGLES = np.deg2rad(np.array([10.0, 75.0, 130.0, 200.0, 290.0, 340.0]))
DIRECTION = ValuesTarget(FieldType("O2", "1 irrep(1,1)"))


@dataclass(frozen=True)
class PointTarget:
    """A kind from outside: one point per image, ``[n, 2]``, (x right, y up) in pixels from the centre."""

    name: str = "point"
    description: str = "points"
    moves: bool = True
    padding: float = -7.0

    def require(self, values, images, what) -> None:
        if tuple(values.shape) != (len(images), 2):
            raise ValueError(f"invalid points in the {what}")

    def moved(self, values, transformation, size):
        return jnp.einsum("...ij,...j->...i", transformation.linear, values) + transformation.offset


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geomdl.data.targets.names.TARGET_KINDS", dict(TARGET_KINDS))
    register_target_kind("point", lambda count: PointTarget())


def blobs(radius: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Images of a spot at each angle from the centre, and where it is."""
    axis = np.arange(SIZE) - (SIZE - 1) / 2
    places = radius * np.stack([np.cos(ANGLES), np.sin(ANGLES)], -1)
    across, up = axis[None, None, :] - places[:, 0, None, None], -axis[None, :, None] - places[:, 1, None, None]
    return np.exp(-(across**2 + up**2) / 4)[..., None].astype(np.float32), places.astype(np.float32)


def centroids(images: np.ndarray) -> np.ndarray:
    """Where the spots are, from the pixels alone."""
    weights = np.asarray(images)[..., 0]
    axis = np.arange(SIZE) - (SIZE - 1) / 2
    total = weights.sum((1, 2))
    return np.stack([(weights * axis).sum((1, 2)) / total, -(weights * axis[:, None]).sum((1, 2)) / total], -1)


def batch() -> dict[str, jax.Array]:
    images, places = blobs()
    directions = places / np.linalg.norm(places, axis=1, keepdims=True)
    return {"image": jnp.asarray(images), "label": jnp.asarray(directions), "spot": jnp.asarray(places)}


KINDS: dict[str, TargetKind] = {"label": DIRECTION, "spot": PointTarget()}


@pytest.mark.parametrize(
    "options",
    [
        {"rotation": 180.0, "scale": 0.15},
        {"flip": True, "quarter_turns": True},
        {"rotation": 90.0, "flip": True, "quarter_turns": True},
        {"shift": 2, "flip": True},
    ],
    ids=str,
)
def test_targets_move_with_what_is_in_the_image(options) -> None:
    moved = Augmentation(**options).batch(batch(), KINDS, jax.random.key(3))
    assert np.abs(moved["image"] - batch()["image"]).max() > 0.5
    seen = centroids(moved["image"])
    np.testing.assert_allclose(moved["spot"], seen, atol=0.05)
    if "shift" not in options:
        np.testing.assert_allclose(moved["label"], seen / np.linalg.norm(seen, axis=1, keepdims=True), atol=0.02)


def test_targets_move_in_evaluations_too() -> None:
    for degrees in (90.0, 40.0, 7.5):
        moved = moved_batch(batch(), Rotation(degrees), KINDS)
        seen = centroids(moved["image"])
        np.testing.assert_allclose(moved["spot"], seen, atol=0.05)
        np.testing.assert_allclose(moved["label"], seen / 4, atol=0.02)
    moved = shifted_batch(batch(), (1, -1), "crop", KINDS)
    np.testing.assert_allclose(moved["spot"], batch()["spot"] + np.array([-1.0, -1.0]), atol=1e-6)
    np.testing.assert_array_equal(moved["label"], batch()["label"])
    np.testing.assert_allclose(moved["spot"], centroids(moved["image"]), atol=0.05)


def test_frequency_two_turns_twice_as_far_and_scalars_stay() -> None:
    kind = ValuesTarget(FieldType("SO2", "1 trivial + 1 irrep(2)"))
    values = jnp.array([[3.0, 1.0, 0.0]])
    np.testing.assert_allclose(kind.moved(values, Rotation(45.0), (4, 4)), [[3.0, 0.0, 1.0]], atol=1e-6)


def test_a_representation_moves_only_under_its_group() -> None:
    octants = ValuesTarget(FieldType("C8", "1 regular"))
    values = jnp.eye(8)[:1]
    np.testing.assert_allclose(octants.moved(values, Rotation(45.0), (4, 4)), np.roll(values, 1, 1))
    with pytest.raises(ValueError, match=r"invalid transformation of SO2 for values of .*; allowed: subgroups of C8"):
        Augmentation(rotation=30.0).batch(
            {"image": jnp.zeros((1, 4, 4, 1)), "label": values}, {"label": octants}, jax.random.key(0)
        )
    with pytest.raises(ValueError, match="allowed: subgroups of C8"):
        Augmentation(flip=True).batch(
            {"image": jnp.zeros((1, 4, 4, 1)), "label": values}, {"label": octants}, jax.random.key(0)
        )


def test_named_targets_go_through_splits_loaders_and_batches() -> None:
    images, places = blobs()
    numbers = np.arange(6, dtype=np.int32)
    split = Split(images, numbers, {"spot": places})
    assert split.subset([4, 1]).gather([1])["spot"].tolist() == places[1:2].tolist()
    assert set(split[0]) == {"image", "label", "spot"}
    assert split.digest() != Split(images, numbers, {"spot": places + 1}).digest()
    for loader in (DeviceLoader(split, 3, seed=0), StreamLoader(split, 3, seed=0)):
        for step in (0, 1):
            chosen = loader.select(loader.fetch(step), step)
            np.testing.assert_array_equal(chosen["spot"], places[np.asarray(chosen["label"])])
        loader.close()
    last = list(eval_batches(split, 4, {"spot": PointTarget()}))[1]
    assert last["spot"][2:].tolist() == [[-7.0, -7.0]] * 2
    assert last["label"].tolist() == [4, 5, 0, 0]
    with pytest.raises(ValueError, match="invalid number of targets 'spot' 5; allowed: one for each of 6 images"):
        Split(images, numbers, {"spot": places[:5]})
    with pytest.raises(ValueError, match="invalid name of a target 'mask'"):
        Split(images, numbers, {"mask": places})


def dataset(labels: np.ndarray, **fields) -> Dataset:
    split = Split(np.zeros((len(labels), 2, 2, 1), np.float32), labels, fields.pop("further", {}))
    usual = {"image_shape": (2, 2, 1), "num_classes": 2, "classes": ("a", "b"), "provenance": ""}
    return Dataset(name="made", train=split, validation=split, test=split, **{**usual, **fields})


def test_a_registered_kind_is_one_like_the_others(points) -> None:
    made = dataset(np.zeros((3, 2), np.float32), label_kind="point")
    assert made.target_kinds == {"label": PointTarget()}
    assert isinstance(PointTarget(), TargetKind)
    with pytest.raises(ValueError, match="invalid points in the train split of made"):
        dataset(np.zeros(3, np.int32), label_kind="point")
    with pytest.raises(ValueError, match="invalid name of a kind of target 'point'"):
        register_target_kind("point", ClassTarget)
    both = dataset(np.zeros(3, np.int32), further={"spot": np.zeros((3, 2))}, target_kinds={"spot": PointTarget()})
    assert both.target_kinds == {"label": ClassTarget(2), "spot": PointTarget()}


@pytest.mark.parametrize(
    ("labels", "fields", "message"),
    [
        (np.array([0, 2]), {}, "invalid class 2 of image 1 in the train split of made; allowed: a whole number from 0"),
        (np.array([0.0, 1.0]), {}, "invalid type of the classes in the train split of made 'float64'; .*try int32"),
        (np.zeros((2, 1), int), {}, r"invalid shape of the classes in the train split of made \(2, 1\); .*\(2,\)"),
        (np.array([[0, 1], [2, 0]]), {"label_kind": "labels"}, "invalid indicator 2 of class 0, image 1 in the train"),
        (np.zeros((2, 2, 2)), {"label_kind": "map"}, "invalid type of the label maps"),
        (np.full((2, 2, 2), -2), {"label_kind": "map"}, "invalid label -2 at row 0, column 0 of image 0"),
        (np.array([[0, 1], [np.nan, 0]]), {"label_kind": "values"}, "invalid value nan, number 0 of image 1"),
        (np.zeros((2, 3)), {"label_kind": "values"}, r"invalid shape of the values of .* allowed: \(2, 2\)"),
        (np.zeros(2, int), {"label_kind": "clas"}, "unknown label_kind 'clas'; .*did you mean 'class'"),
        (np.zeros(2, int), {"label_kind": "map", "target_kinds": {"label": ClassTarget(2)}}, "'class', the kind of"),
        (np.zeros(2, int), {"further": {"spot": np.zeros(2)}}, "targets of the train split of made 'label, spot'"),
    ],
)  # fmt: skip
def test_what_is_not_of_its_kind_is_refused(labels, fields, message) -> None:
    with pytest.raises(ValueError, match=message):
        dataset(labels, **fields)


def test_names_stand_for_kinds() -> None:
    assert target_kind("labels", 3) == LabelsTarget(3)
    assert target_kind("map", 3) == MapTarget(3)
    assert not target_kind("values", 3).moves
    assert [kind.moves for kind in (ClassTarget(2), LabelsTarget(2), MapTarget(2), DIRECTION)] == [0, 0, 1, 1]
