"""Predictions averaged over ten crops and over groups, against loops in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import CropResize
from geomdl.data import Split, ValuesTarget
from geomdl.evaluators import EVALUATORS, Metrics, OrbitAverage, TenCrop, orbit_average, ten_crop
from geomdl.representations import FieldType
from geomdl.tasks import Classification, Regression, Segmentation

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(5, 8, 8, 1)).astype(np.float32)
WEIGHTS = RNG.normal(size=(6 * 7, 4)).astype(np.float32)
TASK = Classification(4, top_k=(2,))


def _softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


@jax.jit
def linear(images: jax.Array) -> jax.Array:
    """Scores of crops of 6 × 7 pixels."""
    return images.reshape(len(images), -1) @ WEIGHTS


FULL = RNG.normal(size=(64, 4)).astype(np.float32)


@jax.jit
def whole(images: jax.Array) -> jax.Array:
    """Scores of images of 8 × 8 pixels."""
    return images.reshape(len(images), -1) @ FULL


def test_ten_crops_are_the_corners_the_centre_and_their_mirror_images() -> None:
    found = np.asarray(ten_crop(linear, TASK, (6, 7))(jnp.asarray(IMAGES)))
    views = [IMAGES[:, i : i + 6, j : j + 7] for i, j in ((0, 0), (0, 1), (2, 0), (2, 1), (1, 0))]
    views += [view[:, :, ::-1] for view in views]
    expected = np.mean([_softmax(view.reshape(5, -1) @ WEIGHTS) for view in views], axis=0)
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5)


def test_metrics_of_ten_crops_count_every_image_once() -> None:
    labels = RNG.integers(0, 4, 5)
    p = np.exp(np.asarray(ten_crop(linear, TASK, (6, 7))(jnp.asarray(IMAGES))))
    found = TenCrop((6, 7), batch_size=3)(linear, Split(IMAGES, labels), TASK)
    assert set(found) == {f"ten_crop_{name}" for name in TASK.metrics}
    assert found["ten_crop_accuracy"] == pytest.approx((p.argmax(1) == labels).mean())
    assert found["ten_crop_loss"] == pytest.approx(-np.log(p[np.arange(5), labels]).mean(), rel=1e-5)
    top = (np.argsort(-p, 1)[:, :2] == labels[:, None]).any(1).mean()
    assert found["ten_crop_top2_accuracy"] == pytest.approx(top)


def test_seven_eighths_of_each_side_are_cut_out_by_default() -> None:
    sizes = []

    def noted(images: jax.Array) -> jax.Array:
        sizes.append(images.shape[1:3])
        return jnp.zeros((len(images), 4))

    EVALUATORS["ten_crop"]()(noted, Split(IMAGES, np.zeros(5, int)), TASK)
    assert set(sizes) == {(7, 7)}
    assert len(sizes) == 1 + 10


def test_crops_are_stretched_for_a_network_of_one_size() -> None:
    found = np.asarray(ten_crop(whole, Classification(4), (4, 4))(jnp.asarray(IMAGES)))
    places = [(i, j) for i in (0, 4) for j in (0, 4)] + [(2, 2)]
    views = [CropResize(jnp.asarray(np.tile(np.float32(at), (5, 1))), jnp.full((5, 2), 4.0), (8, 8)) for at in places]
    moved = [np.asarray(jax.jit(view.images)(jnp.asarray(IMAGES))) for view in views]
    moved += [x[:, :, ::-1] for x in moved]
    expected = np.mean([_softmax(x.reshape(5, -1) @ FULL) for x in moved], axis=0)
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ten_crop(linear, TASK, 9)(jnp.asarray(IMAGES)),
            r"crop \(9, 9\); allowed: at most the 8×8 .* \(8, 8\)",
        ),
        (lambda: ten_crop(linear, Segmentation(("a", "b"))), "invalid evaluator 'ten_crop'"),
        (lambda: orbit_average(linear, TASK, "SO2"), "invalid group 'SO2'; allowed: a finite group"),
        (
            lambda: orbit_average(linear, Regression(FieldType("SO2", "1 irrep(1)")), "D4"),
            "invalid group 'D4'; allowed: a group that moves outputs of the law",
        ),
    ],
)
def test_what_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", ["C4", "D4"])
def test_orbits_of_classes_are_averaged_and_invariant(name: str) -> None:
    orbit = [np.rot90(x, k, (1, 2)) for x in (IMAGES, IMAGES[:, :, ::-1])[: 1 + (name == "D4")] for k in range(4)]
    expected = np.mean([_softmax(x.reshape(5, -1) @ FULL) for x in orbit], axis=0)
    average = orbit_average(whole, Classification(4), name)
    np.testing.assert_allclose(np.exp(average(jnp.asarray(IMAGES))), expected, rtol=1e-5)
    np.testing.assert_allclose(average(jnp.asarray(orbit[-1])), average(jnp.asarray(IMAGES)), atol=1e-5)
    several = orbit_average(whole, Classification(4, "sigmoid"), name)(jnp.asarray(IMAGES))
    odds = np.mean([1 / (1 + np.exp(-x.reshape(5, -1) @ FULL)) for x in orbit], axis=0)
    np.testing.assert_allclose(1 / (1 + np.exp(-several)), odds, rtol=1e-4)


def test_metrics_of_an_orbit() -> None:
    labels = RNG.integers(0, 4, 5)
    split = Split(IMAGES, labels)
    p = np.exp(np.asarray(orbit_average(whole, TASK, "C4")(jnp.asarray(IMAGES))))
    found = EVALUATORS["orbit_c4"]()(whole, split, TASK)
    assert found["orbit_C4_accuracy"] == pytest.approx((p.argmax(1) == labels).mean())
    assert found["orbit_C4_accuracy"] != Metrics()(whole, split, TASK)["accuracy"]
    assert EVALUATORS["orbit_d8"]() == OrbitAverage("D8")


@pytest.mark.parametrize("objective", ["softmax", "binary"])
def test_label_maps_are_moved_back_before_they_are_averaged(objective: str) -> None:
    task = Segmentation(("a", "b"), objective)
    slope = np.linspace(-1, 1, 64).reshape(8, 8, 1).astype(np.float32)  # what the network says depends on the place

    def scores(x: jax.Array) -> jax.Array:
        return x + slope if task.binary else jnp.concatenate([0 * x, x + slope], -1)

    found = np.asarray(orbit_average(jax.jit(scores), task, "C4")(jnp.asarray(IMAGES)))
    turned = [np.rot90(1 / (1 + np.exp(-np.rot90(IMAGES, k, (1, 2)) - slope)), -k, (1, 2)) for k in range(4)]
    p = np.mean(turned, 0)
    np.testing.assert_allclose(
        found[..., :1] if task.binary else found[..., 1:] - found[..., :1], np.log(p / (1 - p)), atol=1e-4
    )


def test_resampled_maps_are_averaged_over_what_is_seen() -> None:
    """A network that says 'b' everywhere does so on average, in the corners too."""
    sure = jax.jit(lambda x: jnp.concatenate([0 * x, 0 * x + 3.0], -1))
    found = orbit_average(sure, Segmentation(("a", "b")), "C8")(jnp.ones((1, 9, 9, 1)))
    p = np.exp(np.asarray(found))[..., 1]
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-3)), atol=0.01)


def test_values_turn_back() -> None:
    """The mean of a direction that is found in every turned image is that direction."""
    task = Regression(FieldType("SO2", "1 irrep(1)"))
    x, y = np.meshgrid(np.arange(8) - 3.5, 3.5 - np.arange(8))
    moments = np.stack([x, y], -1).reshape(64, 2).astype(np.float32)
    first = jax.jit(lambda images: images.reshape(len(images), -1) @ moments)
    found = orbit_average(first, task, "C4")(jnp.asarray(IMAGES))
    np.testing.assert_allclose(found, IMAGES.reshape(5, -1) @ moments, rtol=1e-4)
    assert isinstance(task.target_kinds["label"], ValuesTarget)
