"""Losses and metrics of segmentation against numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.data import Dataset, Split
from geomdl.tasks import TASKS, Classification, Segmentation, SegmentationConfig

NAMES = ("ground", "leaf", "stem")


def dataset(classes: tuple[str, ...] = NAMES, labels: np.ndarray | None = None, **fields) -> Dataset:
    labels = np.zeros((2, 4, 6), np.int32) if labels is None else labels
    split = Split(np.zeros((2, 4, 6, 1), np.float32), labels)
    kinds = {"label_kind": "map", "image_shape": (4, 6, 1), "num_classes": len(classes), "classes": classes}
    return Dataset(name="plants", train=split, validation=split, test=split, provenance="", **{**kinds, **fields})


def classified() -> Dataset:
    return dataset(label_kind="class", labels=np.zeros(2, np.int32))


@pytest.fixture(scope="module")
def example() -> tuple[np.ndarray, np.ndarray]:
    """Outputs and labels of three 5×4 images, of which some pixels, and the whole last image, are ignored."""
    random = np.random.default_rng(0)
    labels = random.integers(-1, 3, (3, 5, 4)).astype(np.int32)
    labels[2] = -1
    return random.normal(size=(3, 5, 4, 3)).astype(np.float32) * 3, labels


def probabilities(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def by_hand(p: np.ndarray, labels: np.ndarray, weights, *, dice: bool, classes=(0, 1, 2)) -> float:
    """The loss of one image, pixel by pixel."""
    places = [(i, j) for i in range(labels.shape[0]) for j in range(labels.shape[1]) if labels[i, j] >= 0]
    if not places:
        return 0.0
    if not dice:
        return sum(-weights[labels[at]] * np.log(p[at][labels[at]]) for at in places) / len(places)
    scores = []
    for k in classes:
        both = sum(p[at][k] for at in places if labels[at] == k)
        total = sum(p[at][k] + (labels[at] == k) for at in places)
        scores.append((2 * both + 1) / (total + 1))
    kept = np.asarray(weights)[list(classes)]
    return 1 - (np.asarray(scores) * kept).sum() / kept.sum()


@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 1.0)])
@pytest.mark.parametrize("objective", ["softmax", "dice", "softmax+dice"])
def test_losses_by_hand(example, objective, weights) -> None:
    z, labels = example
    task, w, p = Segmentation(NAMES, objective, weights), weights or (1.0, 1.0, 1.0), probabilities(z)
    expected = [
        sum(by_hand(p[i], labels[i], w, dice=dice) for dice in (False, True) if ("softmax", "dice")[dice] in objective)
        for i in range(3)
    ]
    loss, totals = jax.jit(task.loss)(jnp.asarray(z), {"label": jnp.asarray(labels)})
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)
    assert float(totals["loss"]) == float(loss)
    masked, _ = jax.jit(task.loss)(jnp.asarray(z), {"label": jnp.asarray(labels), "mask": jnp.array([0.0, 1.0, 0.0])})
    assert float(masked) == pytest.approx(expected[1], rel=1e-5)


@pytest.mark.parametrize("objective", ["binary", "binary+dice"])
def test_binary_losses_are_those_of_two_classes_with_one_output(example, objective) -> None:
    z, labels = example[0][..., :1], np.minimum(example[1], 1)
    p = probabilities(np.concatenate([np.zeros_like(z), z], -1))
    task = Segmentation(NAMES[:2], objective)
    assert task.outputs == 1
    expected = [by_hand(p[i], labels[i], (1.0, 1.0), dice=False) for i in range(3)]
    if "dice" in objective:
        expected = [e + by_hand(p[i], labels[i], (1.0, 1.0), dice=True, classes=(1,)) for i, e in enumerate(expected)]
    loss, _ = jax.jit(task.loss)(jnp.asarray(z), {"label": jnp.asarray(labels)})
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)
    np.testing.assert_array_equal(task.predictions(jnp.asarray(z)), p[..., 1] > 0.5)


@pytest.mark.compiled
@pytest.mark.parametrize("objective", ["softmax", "dice", "binary", "binary+dice"])
def test_ignored_pixels_have_no_gradient_and_large_outputs_no_nan(objective) -> None:
    task = Segmentation(NAMES[:2], objective)
    labels = jnp.array([[[0, 1], [-1, 1]]])
    gradient_at = jax.jit(jax.grad(lambda z: task.loss(z, {"label": labels})[0]))
    assert np.isfinite(gradient_at(np.full((1, 2, 2, task.outputs), 300.0, np.float32))).all()
    gradient = np.asarray(gradient_at(np.ones((1, 2, 2, task.outputs), np.float32)))
    assert (gradient[0, 1, 0] == 0).all()
    assert (np.abs(gradient).max(-1) > 0).sum() == 3


def test_overlap_is_a_ratio_of_sums_over_everything_that_is_counted(example) -> None:
    z, labels = example
    task = Segmentation(NAMES)
    halves = [jax.jit(task.sums)(jnp.asarray(z[s]), {"label": jnp.asarray(labels[s])}) for s in (slice(2), slice(2, 3))]
    metrics = task.summary({name: np.asarray(halves[0][name]) + np.asarray(halves[1][name]) for name in halves[0]}, 3)
    predicted, kept = z.argmax(-1), labels >= 0
    a, b = labels[kept], predicted[kept]
    iou = [np.sum((a == k) & (b == k)) / np.sum((a == k) | (b == k)) for k in range(3)]
    assert [metrics[f"iou/{name}"] for name in NAMES] == pytest.approx(iou)
    assert metrics["iou"] == pytest.approx(np.mean(iou))
    assert [metrics[f"dice/{name}"] for name in NAMES] == pytest.approx([2 * x / (1 + x) for x in iou])
    assert metrics["accuracy"] == pytest.approx((a == b).mean())
    pairs = [(x == 1, y == 1) for x, y in zip(labels, predicted, strict=True)]
    per_image = [np.sum(x & y) / max(1, np.sum(x | y)) for x, y in pairs]
    assert metrics["iou/leaf"] != pytest.approx(np.mean(per_image))
    assert tuple(metrics) == task.metrics


def test_nothing_to_find_and_nothing_found_is_right_and_a_false_alarm_is_wrong() -> None:
    task = Segmentation(NAMES[:2], "binary+dice")
    empty = {"label": jnp.zeros((1, 3, 3), jnp.int32)}
    nothing = task.summary(jax.jit(task.sums)(jnp.full((1, 3, 3, 1), -9.0), empty), 1)
    assert not {"iou/leaf", "dice/leaf"} & nothing.keys()  # there is nothing to score
    assert (nothing["iou/ground"], nothing["iou"], nothing["dice"]) == (1.0, 1.0, 1.0)
    alarm = task.summary(jax.jit(task.sums)(jnp.full((1, 3, 3, 1), -9.0).at[0, 0, 0].set(9.0), empty), 1)
    assert (alarm["iou/leaf"], alarm["dice/leaf"]) == (0.0, 0.0)
    assert nothing["loss"] < 0.01 < alarm["loss"]
    with pytest.warns(UserWarning, match="no pixel counts, since all labels are -1: accuracy, iou and dice are given"):
        unlabelled = task.summary(jax.jit(task.sums)(jnp.zeros((1, 3, 3, 1)), {"label": jnp.full((1, 3, 3), -1)}), 1)
    assert unlabelled == {"loss": 0.0, "accuracy": 0.0, "iou": 0.0, "dice": 0.0}


def test_smaller_outputs_are_compared_with_the_centre() -> None:
    labels = np.zeros((1, 6, 8), np.int32)
    labels[0, 2, 3] = 1
    z = np.zeros((1, 4, 4, 2), np.float32)
    z[0, 1, 1, 1], z[..., 0] = 9.0, 1.0
    task = Segmentation(NAMES[:2])
    assert task.summary(jax.jit(task.sums)(jnp.asarray(z), {"label": jnp.asarray(labels)}), 1)["iou"] == 1.0
    for shape, message in [
        ((1, 5, 4, 2), "invalid height of the model's output 5; allowed: 6, that of the label map, or less by an even"),
        ((1, 6, 10, 2), "invalid width of the model's output 10; allowed: 8"),
        (
            (1, 6, 8, 3),
            r"shape of the model's output \(1, 6, 8, 3\); allowed: \[batch, height, width, 2\] for the loss",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            task.labels_of(jnp.zeros(shape), jnp.asarray(labels))


def test_the_task_fits_the_data() -> None:
    every = np.arange(48, dtype=np.int32).reshape(2, 4, 6) % 3
    task = TASKS["segmentation"](loss="softmax+dice", class_weights=(1.0, 2.0, 3.0)).for_dataset(dataset(labels=every))
    assert task == Segmentation(NAMES, "softmax+dice", (1.0, 2.0, 3.0))
    assert task.outputs == 3
    assert isinstance(TASKS["classification"]().for_dataset(classified()), Classification)


@pytest.mark.parametrize(
    ("value", "said"), [(1, "of plants is labelled ground, stem: .* left out"), (-1, "counts: all")]
)
def test_classes_and_splits_that_are_not_there_are_named(value, said) -> None:
    labels = np.full((2, 4, 6), value, np.int32)
    with pytest.warns(UserWarning, match=said) as found:
        SegmentationConfig().for_dataset(dataset(labels=labels))
    assert [str(w.message).split()[4] for w in found] == ["train", "validation", "test"]


@pytest.mark.compiled
@pytest.mark.parametrize("objective", ["softmax", "dice", "softmax+dice", "binary", "binary+dice"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_whatever_stands_at_ignored_pixels_changes_nothing(objective, value) -> None:
    task = Segmentation(NAMES[:2], objective)
    labels = jnp.array([[[0, 1], [-1, 1]], [[-1, -1], [-1, -1]], [[1, 0], [0, 1]]])
    batch = {"label": labels, "mask": jnp.array([1.0, 1.0, 0.0])}
    z = jnp.asarray(np.random.default_rng(0).normal(size=(3, 2, 2, task.outputs)), jnp.float32)
    counted = jnp.zeros((3, 2, 2, 1), bool).at[0].set(labels[0, ..., None] >= 0)

    @jax.jit
    def everything(z):
        return jax.value_and_grad(lambda z: task.loss(z, batch)[0])(z), task.sums(z, batch)

    (expected, gradient), sums = everything(jnp.where(counted, z, 0))
    for channels in (slice(None), slice(1)):
        (loss, found), counts = everything(jnp.where(counted, z, z.at[..., channels].set(value)))
        assert float(loss) == float(expected) > 0
        np.testing.assert_array_equal(found, gradient)
        jax.tree.map(np.testing.assert_array_equal, counts, sums)


DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_label_maps_of_every_integer_type_are_those_of_int32(dtype) -> None:
    rng = np.random.default_rng(0)
    classes = tuple(map(str, range(2 if dtype == "bool" else 126)))
    labels = rng.integers(0, len(classes), (2, 3, 3)).astype(dtype)
    if labels.dtype.kind == "i":
        labels[0, 0] = -1  # which is no class, however the types are converted
    task = Segmentation(classes, "softmax+dice")
    z = jnp.asarray(rng.normal(size=(2, 3, 3, len(classes))), jnp.float32)
    run = jax.jit(lambda z, y: (task.sums(z, {"label": y, "mask": jnp.ones(2)}), task.loss(z, {"label": y})[0]))
    expected = run(z, labels.astype(np.int32))
    jax.tree.map(np.testing.assert_array_equal, run(z, labels), expected)
    jax.tree.map(np.testing.assert_array_equal, task.sums(z, {"label": labels}), expected[0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full((2, 3, 3), 2), "invalid label 2 at row 0, column 0 of image 0; allowed: a class from 0 to 1, or -1"),
        (
            np.full((2, 3, 3), 255, np.uint8),
            r"label 255 .* if 255 marks .*: np.where\(labels == 255, -1, labels.astype",
        ),
        (np.full((2, 3, 3), 2**32 - 1, np.uint32), "invalid label 4294967295 at row 0"),
        (np.zeros((2, 3, 3)), "invalid type of the label maps 'float64'; allowed: whole numbers; try int32"),
        (np.full((2, 3, 3), 0.5), "invalid type of the label maps 'float64'; allowed: whole numbers, not 0.5"),
        (np.zeros((2, 3, 3), complex), "invalid type of the label maps 'complex128'"),
        (np.zeros((2, 3, 3, 2), int), r"shape of label maps \(2, 3, 3, 2\); .*one-hot: try labels.argmax\(-1\)"),
        (
            np.zeros((2, 3, 3, 1), int),
            r"shape of label maps .*an axis too many: try labels\[..., 0\]",
        ),
        (np.zeros((3, 3), int), r"shape of label maps \(3, 3\); .*the batch axis seems to be missing"),
        (np.zeros((1, 3, 3), int), "invalid number of label maps 1; allowed: one for each of 2 outputs"),
    ],
)
def test_labels_that_are_no_label_maps_are_refused(labels, message) -> None:
    with pytest.raises(ValueError, match=message):
        Segmentation(NAMES[:2]).sums(jnp.zeros((2, 3, 3, 2)), {"label": labels})


WRONG = np.zeros((2, 4, 6), np.int32)
WRONG[1, 3, 2] = 255


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SegmentationConfig(loss="dise"), "unknown task.loss 'dise'.*did you mean 'dice'"),
        (lambda: SegmentationConfig(class_weights=(1.0, -1.0)), "invalid task.class_weights"),
        (
            lambda: SegmentationConfig(loss="binary+dice").for_dataset(dataset()),
            r"task.loss 'binary\+dice'; allowed: a loss for 3 classes; try softmax\+dice",
        ),
        (
            lambda: SegmentationConfig(class_weights=(1.0, 2.0)).for_dataset(dataset()),
            "3 weights, for ground, leaf, stem",
        ),
        (lambda: SegmentationConfig().for_dataset(classified()), "for the classes of plants; try classification"),
        (lambda: TASKS["classification"]().for_dataset(dataset()), "label maps of plants; try segmentation"),
        (
            lambda: dataset(labels=WRONG),
            "invalid label 255 at row 3, column 2 of image 1 in the train split of plants; allowed: a class from 0",
        ),
        (
            lambda: dataset(labels=np.zeros((2, 4, 5), np.int32)),
            r"size of the label maps in the train split of plants \(2, 4, 5\); allowed: .* images, \(2, 4, 6\)",
        ),
    ],
)  # fmt: skip
def test_bad_input(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
