"""The evaluators of classification: every image counts once; sweeps and errors of models whose answer is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.data import Split
from geomdl.evaluators import (
    EVALUATORS,
    InvarianceError,
    Metrics,
    RotationSweep,
    ShiftSweep,
    mean_metrics,
    predictor,
    rotation_sweep,
    shift_sweep,
    with_batch_size,
)
from geomdl.tasks import Classification

TASK = Classification(num_classes=4)


def bright_corner(images: jax.Array) -> jax.Array:
    """Logits of 'which quadrant is brightest': top left, top right, bottom left, bottom right."""
    h, w = images.shape[1] // 2, images.shape[2] // 2
    quadrants = [images[:, :h, :w], images[:, :h, -w:], images[:, -h:, :w], images[:, -h:, -w:]]
    return jnp.stack([q.sum((1, 2, 3)) for q in quadrants], axis=1)


def total(images: jax.Array) -> jax.Array:
    """Logits that only depend on the sum of the pixels: invariant to everything that moves pixels about."""
    return images.sum((1, 2, 3))[:, None] * jnp.arange(1.0, 5.0)


@pytest.fixture(scope="module")
def corners() -> Split:
    """One bright pixel in the middle of each quadrant of a 9×9 image, several times over: 11 images."""
    labels = np.arange(11, dtype=np.int32) % 4
    images = np.zeros((11, 9, 9, 1), np.float32)
    for image, label in zip(images, labels, strict=True):
        image[2 + 4 * (label // 2), 2 + 4 * (label % 2)] = 1
    return Split(images, labels)


@pytest.mark.parametrize("batch_size", [1, 4, 11, 64])
def test_every_image_counts_once_at_any_batch_size(corners: Split, batch_size: int) -> None:
    wrong = Split(corners.images, np.where(np.arange(11) < 3, 3, corners.labels).astype(np.int32))
    metrics = Metrics(batch_size)(bright_corner, wrong, TASK)
    assert metrics["accuracy"] == pytest.approx(8 / 11)
    logits = np.asarray(bright_corner(jnp.asarray(wrong.images)))
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(11), wrong.labels]
    assert metrics["loss"] == pytest.approx(losses.mean(), rel=1e-6)


def test_several_labels() -> None:
    batch = {"image": jnp.array([[1.0, -1.0], [1.0, 1.0]]), "label": jnp.array([[1.0, 0.0], [1.0, 0.0]])}
    metrics = mean_metrics(lambda images: images, [batch], Classification(2, "sigmoid"))
    assert (metrics["accuracy"], metrics["exact_match"]) == (0.75, 0.5)


def test_nothing_to_evaluate_on() -> None:
    with pytest.raises(ValueError, match="no image"):
        mean_metrics(total, [], TASK)


def test_quarter_turns_carry_each_corner_to_the_next(corners: Split) -> None:
    turned = Split(corners.images, np.array([2, 0, 3, 1], np.int32)[corners.labels])  # counter-clockwise
    for degrees, expected in ((0, corners), (90, turned), (360, corners), (-270, turned)):
        row = rotation_sweep(bright_corner, Split(corners.images, expected.labels), TASK, [degrees])[0]
        assert row["accuracy"] == 1.0, degrees
        assert row["angle"] == degrees


def test_rotation_sweep_falls_where_the_corners_leave_their_quadrants(corners: Split) -> None:
    rows = RotationSweep(step=30).rows(bright_corner, corners, TASK)
    assert [row["angle"] for row in rows] == [30.0 * k for k in range(12)]
    right = {row["angle"] for row in rows if row["accuracy"] == 1.0}
    assert right == {0.0, 30.0, 330.0}  # the pixels lie on the diagonals: 45° either way
    summary = RotationSweep(step=30).summary(rows, TASK)
    assert (summary["rotation/worst"], summary["rotation/worst_angle"]) == (0.0, 60.0)
    assert summary["rotation/mean"] == pytest.approx(np.mean([row["accuracy"] for row in rows]))


def test_rotation_of_images_that_are_not_square() -> None:
    split = Split(np.ones((2, 4, 6, 1), np.float32), np.array([3, 3], np.int32))
    assert [row["accuracy"] for row in rotation_sweep(total, split, TASK, [0, 90, 180])] == [1.0, 1.0, 1.0]


def test_circular_shifts_lose_nothing_and_cropped_ones_do(corners: Split) -> None:
    down = Split(corners.images[:2], corners.labels[:2] + 2)  # the upper corners, five rows down
    row = shift_sweep(bright_corner, down, TASK, [(5, 0)])[0]
    assert (row["accuracy"], row["shift_rows"], row["shift_cols"]) == (1.0, 5, 0)
    last = Split(corners.images, np.full(11, 3, np.int32))  # `total` says 3 for any ink, and 0 for an empty image
    assert shift_sweep(total, last, TASK, [(5, 0)])[0]["accuracy"] == 1.0
    upper = float((corners.labels < 2).mean())
    assert shift_sweep(total, last, TASK, [(5, 0)], mode="crop")[0]["accuracy"] == pytest.approx(upper)


def test_shift_sweep_goes_in_eight_directions(corners: Split) -> None:
    sweep = ShiftSweep(most=2, mode="crop")
    assert len(sweep.shifts()) == len(set(sweep.shifts())) == 17
    assert {max(map(abs, s)) for s in sweep.shifts()} == {0, 1, 2}
    assert set(sweep(bright_corner, corners, TASK)) == {"crop/mean", "crop/worst"}


def test_invariance_error(corners: Split) -> None:
    exact = InvarianceError()(total, corners, TASK)
    assert list(exact) == ["invariance/quarter_turns", "invariance/reflections", "invariance/shifts"]
    assert max(exact.values()) <= 1e-6
    broken = InvarianceError()(bright_corner, corners, TASK)
    assert min(broken.values()) > 0.5
    one_direction = InvarianceError()(lambda images: images.sum((1, 3)), corners, TASK)  # one logit per column
    assert min(one_direction.values()) > 0.5


def test_invariance_of_images_that_are_not_square() -> None:
    split = Split(np.ones((2, 4, 6, 1), np.float32), np.array([0, 1], np.int32))
    assert list(InvarianceError()(total, split, TASK)) == ["invariance/shifts"]


def test_padding_is_no_image(corners: Split) -> None:
    seen = []

    def spy(images: jax.Array) -> jax.Array:
        seen.append(images.shape[0])
        return total(images)

    InvarianceError(images=64)(spy, corners, TASK)
    assert set(seen) == {11}


def test_predictor_is_the_model_after_training() -> None:
    model = nnx.Sequential(nnx.Linear(4, 3, rngs=nnx.Rngs(0)), nnx.Linear(3, 2, rngs=nnx.Rngs(1)))
    x = jnp.ones((2, 4))
    np.testing.assert_allclose(predictor(model)(x), model(x), rtol=1e-6)


def test_batch_sizes_of_evaluators() -> None:
    sizes = {name: getattr(with_batch_size(make(), 7), "batch_size", None) for name, make in EVALUATORS.items()}
    assert sizes.pop("invariance") is None
    assert set(sizes) == set(EVALUATORS) - {"invariance"}
    assert set(sizes.values()) == {7}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RotationSweep(step=0.0), "invalid step 0.0"),
        (lambda: ShiftSweep(mode="wrap"), "unknown mode 'wrap'; allowed: circular, crop"),
        (lambda: ShiftSweep(most=-1), "invalid most -1"),
        (lambda: InvarianceError(shifts=0), "invalid shifts 0"),
    ],
)
def test_bad_input(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
