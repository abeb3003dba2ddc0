"""Images and labels of every type, shape and value: in splits, data sets, loaders, batches and augmentation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.audit.probes.images import Images
from geomdl.data import Augmentation, Dataset, Split, eval_batches, make_loader, rotated, shifted, unit_interval
from geomdl.evaluators import Metrics, confusion_matrix, rotation_sweep, shift_sweep, sliding_window
from geomdl.tasks import Classification, Segmentation

RNG = np.random.default_rng(0)
UNIT = RNG.integers(0, 2, (6, 4, 4, 1)).astype(np.float32)
"""Images that every type can hold."""

KEPT = {"bool": UNIT, "float16": UNIT, "bfloat16": UNIT, "float32": UNIT, "float64": UNIT}
SCALED = {"uint8": UNIT / 255, "uint16": UNIT / 65535}
REFUSED = ["int8", "int16", "int32", "int64", "uint32", "uint64", "complex64", "complex128"]


def of(dtype: str) -> np.ndarray:
    return UNIT.astype(jnp.dtype(dtype))


def dataset(images, labels, **fields) -> Dataset:
    split, kinds = Split(images, labels), {"label_kind": "class", "num_classes": 3, **fields}
    classes = tuple("abc"[: kinds["num_classes"]])
    return Dataset("made", split, split, split, (4, 4, 1), classes=classes, provenance="", **kinds)


LABELS = np.arange(6) % 3


@pytest.mark.parametrize("dtype", [*KEPT, *SCALED])
def test_images_reach_the_network_as_floating_point_numbers(dtype) -> None:
    expected = {**KEPT, **SCALED}[dtype]
    split = dataset(of(dtype), LABELS).train
    assert unit_interval(of(dtype)).astype(jnp.float32) == pytest.approx(expected, rel=1e-6)
    (batch,) = eval_batches(split, 6)
    assert batch["image"].dtype == jnp.float32
    np.testing.assert_allclose(batch["image"], expected, rtol=1e-6)
    for limit in (2**30, 0):
        loader = make_loader(split, 6, 0, device_limit_bytes=limit)
        chosen = loader.select(loader.fetch(0), 0)["image"]
        assert chosen.dtype == jnp.float32
        np.testing.assert_allclose(chosen, expected[loader.indices(0)], rtol=1e-6)
        loader.close()
    np.testing.assert_allclose(rotated(of(dtype), 90).astype(jnp.float32), np.rot90(expected, 1, (1, 2)), rtol=1e-6)
    np.testing.assert_allclose(shifted(of(dtype), (0, 1)).astype(jnp.float32), np.roll(expected, 1, 2), rtol=1e-6)
    np.testing.assert_allclose(Images.of("made", of(dtype)).pixels, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", REFUSED)
def test_images_whose_range_is_not_known_are_refused(dtype) -> None:
    advice = "two channels" if "complex" in dtype else r"from 0 to 255 they are images.astype\('uint8'\)"
    for call in (
        lambda images: dataset(images, LABELS),
        unit_interval,
        lambda images: rotated(images, 30.0),
        lambda images: shifted(images, (0, 1)),
        lambda images: list(eval_batches(Split(images, LABELS), 6)),
        lambda images: Images.of("made", images),
    ):
        with pytest.raises(ValueError, match=f"dtype of images.*'{dtype}'.*{advice}"):
            call(of(dtype))


OPTIONS = [
    {"rotation": 30.0}, {"scale": 0.2}, {"flip": True}, {"quarter_turns": True}, {"shift": 1}, {"cutout": 2},
]  # fmt: skip
KEY = jax.random.key(3)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_augmentation_moves_every_type_of_image_or_refuses_it(options) -> None:
    augment, exact = Augmentation(**options), not options.keys() & {"rotation", "scale"}
    expected = np.asarray(augment(UNIT, KEY))
    for dtype in [*KEPT, *SCALED, *REFUSED]:
        images = of(dtype)
        known = dtype if dtype not in ("int64", "uint64", "float64", "complex128") else None  # JAX has no such types
        if exact or dtype in KEPT:
            moved = augment(jnp.asarray(images), KEY)
            assert known is None or exact is False or moved.dtype == known
            np.testing.assert_allclose(np.asarray(moved, complex), expected, atol=0 if exact else 0.02)
        else:
            with pytest.raises(ValueError, match="invalid dtype of images to rotate or scale"):
                augment(images, KEY)
    maps = augment.pair(UNIT, UNIT[..., 0].astype(np.int32), KEY)[1]
    for dtype in ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int64", "uint64"):
        moved = augment.pair(UNIT, UNIT[..., 0].astype(dtype), KEY)[1]
        assert moved.dtype == jnp.int32
        np.testing.assert_array_equal(moved, maps)
    for wrong in (UNIT[..., 0], UNIT[..., 0] * 1j):
        with pytest.raises(ValueError, match="invalid type of the label maps"):
            augment.pair(UNIT, wrong, KEY)
    with pytest.raises(ValueError, match=r"shape of images \(4, 4, 1\); .*the batch axis seems to be missing"):
        augment(UNIT[0], KEY)


class Tensor:
    """What a tensor of PyTorch looks like from outside."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.values.astype(dtype or self.values.dtype)


@pytest.mark.parametrize("make", [lambda x: x.tolist(), jnp.asarray, Tensor])
def test_splits_hold_arrays_of_numpy(make) -> None:
    split = dataset(make(UNIT), make(LABELS.astype(np.int32))).train
    assert split.in_memory
    assert isinstance(split.labels, np.ndarray)
    np.testing.assert_array_equal(split[2]["image"], UNIT[2])
    assert split[2]["label"] == 2


@pytest.mark.parametrize(
    ("images", "labels", "fields", "message"),
    [
        (UNIT, LABELS + 1, {}, "invalid class 3 of image 2 .*count from 1: subtract 1"),
        (UNIT, LABELS - 1, {}, "invalid class -1 of image 0"),
        (UNIT, LABELS + 0.5, {}, "type of the classes .*'float64'; allowed: whole numbers, not 0.5"),
        (UNIT, LABELS.astype(complex), {}, "type of the classes .*'complex128'"),
        (UNIT, np.eye(3)[LABELS], {}, r"\(6, 3\); allowed: \(6,\); they seem to be one-hot: try labels.argmax\(-1\)"),
        (UNIT, LABELS[:, None], {}, r"\(6, 1\); .*an axis too many: try labels\[:, 0\]"),
        (UNIT, LABELS[:4], {}, r"shape of the labels \(4,\); allowed: one for each of 6"),
        (UNIT, np.array(list("abcabc")), {}, "dtype of labels|type of the classes"),
        (UNIT, np.array([0, 2**40] * 3), {}, "invalid class 1099511627776"),
        (UNIT, np.eye(3)[LABELS] * 2, {"label_kind": "labels"}, "invalid indicator 2.0"),
        (UNIT, np.eye(3)[LABELS] * 1j, {"label_kind": "labels"}, "type of the indicators of classes .*'complex128'"),
        (UNIT, np.eye(3)[LABELS] * np.nan, {"label_kind": "labels"}, "invalid indicator nan"),
        (UNIT[..., 0], LABELS, {}, r"shape of images in .*\(6, 4, 4\); .*the channel axis seems to be missing"),
        (UNIT[:, :3], LABELS, {}, r"size of the images in .*\(3, 4, 1\); allowed: image_shape, \(4, 4, 1\)"),
        (UNIT.transpose(0, 3, 1, 2), LABELS, {}, r"size of the images|the channels seem to come first"),
    ],
)
def test_data_that_does_not_fit_is_refused_by_the_data_set(images, labels, fields, message) -> None:
    with pytest.raises(ValueError, match=message):
        dataset(images, labels, **fields)


def scores(images):
    return jnp.tile(jnp.array([0.0, 1.0]), (len(images), 1))


@pytest.mark.parametrize(
    "evaluate",
    [
        lambda split, task: Metrics()(scores, split, task),
        lambda split, task: confusion_matrix(scores, split, task, 2),
        lambda split, task: rotation_sweep(scores, split, task, [0]),
        lambda split, task: shift_sweep(scores, split, task, [(0, 1)]),
    ],
)
def test_evaluators_look_at_the_labels_of_a_split(evaluate) -> None:
    with pytest.raises(
        ValueError, match="invalid class 2 of image 2 in the split; allowed: a whole number from 0 to 1"
    ):
        evaluate(Split(UNIT, LABELS), Classification(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s, t: rotation_sweep(scores, s, t, [np.nan]), "invalid degrees"),
        (lambda s, t: rotation_sweep(scores, s, t, []), "invalid degrees"),
        (lambda s, t: shift_sweep(scores, s, t, [(0, 1.5)]), "invalid shift 1.5"),
        (lambda s, t: shift_sweep(scores, s, t, []), "invalid shifts"),
        (lambda s, t: Metrics(2.5)(scores, s, t), "invalid batch_size 2.5"),
        (lambda s, t: Metrics(0)(scores, s, t), "invalid batch_size 0"),
        (lambda s, t: confusion_matrix(scores, s, t, 2.0), "invalid classes 2.0"),
        (lambda s, t: sliding_window(scores, s.images.astype(int), (1, 1), window=4), "invalid dtype of images"),
        (lambda s, t: sliding_window(scores, s.images, (1, 1), window=4.5), "invalid window 4.5"),
    ],
)
def test_evaluators_refuse_numbers_that_count_nothing(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call(Split(UNIT, LABELS % 2), Classification(2))


LOSSES = ["softmax", "perceptron"]


@pytest.mark.parametrize("objective", LOSSES)
def test_classes_of_every_integer_type_are_learnt_alike(objective) -> None:
    task, z = Classification(2, objective), jnp.asarray(RNG.normal(size=(6, 2)), jnp.float32)
    labels = LABELS % 2
    expected = task.loss(z, {"label": labels.astype(np.int32)})
    for dtype in ("bool", "int8", "uint8", "int16", "uint16", "uint32", "int64", "uint64"):
        jax.tree.map(np.testing.assert_array_equal, task.loss(z, {"label": labels.astype(dtype)}), expected)
    for wrong, message in (
        (labels + 1, "invalid class 2"),
        (labels - 1, "invalid class -1"),
        (labels * 1.0, "type of the class"),
        (np.eye(2)[labels], "type of the class|one-hot"),
        (np.eye(2, dtype=int)[labels], "one-hot"),
        (labels[:4], r"shape of the model's output \(6, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            task.loss(z, {"label": wrong})


def test_indicators_of_every_type_are_learnt_alike() -> None:
    task, z = Classification(3, "sigmoid"), jnp.asarray(RNG.normal(size=(6, 3)), jnp.float32)
    labels = np.eye(3, dtype=np.float32)[LABELS]
    expected = task.loss(z, {"label": labels})
    for dtype in ("bool", "uint8", "int64", "float64", "float16", "bfloat16"):
        found = task.loss(z, {"label": labels.astype(jnp.dtype(dtype))})
        jax.tree.map(np.testing.assert_array_equal, found, expected)
    for wrong, message in (
        (labels * 2, "invalid indicator 2.0"),
        (labels * np.nan, "invalid indicator nan"),
        (labels * 1j, "complex"),
        (LABELS, r"shape of the indicators of classes in the batch \(6,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            task.loss(z, {"label": wrong})


@pytest.mark.parametrize("task", [Classification(2), Segmentation(("a", "b"))])
def test_padding_has_no_gradient_whatever_the_model_gives_for_it(task) -> None:
    shape = (2, 2) if isinstance(task, Classification) else (2, 3, 3, 2)
    batch = {"label": jnp.zeros(shape[:-1], jnp.int32), "mask": jnp.array([1.0, 0.0])}
    for value in (jnp.inf, -jnp.inf, jnp.nan):
        loss, gradient = jax.value_and_grad(lambda z: task.loss(z, batch)[0])(jnp.ones(shape).at[1].set(value))
        assert np.isfinite(loss)
        assert np.isfinite(gradient).all()
