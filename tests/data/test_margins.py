"""Images with a margin: training cuts windows of them, everything else looks at their centres."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from geomdl import load
from geomdl.actions import CropResize, Window
from geomdl.data import (
    Augmentation,
    ClassTarget,
    Dataset,
    MapTarget,
    Preprocessing,
    Split,
    data_config,
    eval_batches,
    with_margin,
)
from geomdl.data.loading.loaders import make_loader
from geomdl.evaluators import TenCrop, ten_crop
from geomdl.evaluators.metrics import mean_metrics
from geomdl.layers.core.data_axis import data_axis
from geomdl.training import RunConfig, load_trained, train

RNG = np.random.default_rng(0)
WIDE = RNG.integers(0, 256, (12, 9, 11, 3)).astype(np.uint8)
CLASSES = np.arange(12, dtype=np.int32) % 3


def _dataset(images=WIDE, labels=CLASSES, **options) -> Dataset:
    split = Split(images, labels)
    names = ("red", "green", "blue")
    return Dataset("squares", split, split, split, images.shape[1:], 3, names, "drawn", **options)


def _corner(window: np.ndarray, whole: np.ndarray) -> tuple[int, int]:
    """Where a window lies in an image; it lies in one place."""
    (height, width), (rows, columns) = window.shape[:2], whole.shape[:2]
    places = [(i, j) for i in range(rows - height + 1) for j in range(columns - width + 1)]
    found = [(i, j) for i, j in places if np.array_equal(whole[i : i + height, j : j + width], window)]
    assert len(found) == 1
    return found[0]


def test_every_window_is_drawn_and_is_a_part_of_its_image() -> None:
    images = RNG.uniform(size=(400, 7, 6, 2)).astype(np.float32)
    maps = RNG.integers(0, 99, (400, 7, 6)).astype(np.int32)
    augment = Augmentation().for_images(None, margin=1)
    draw = jax.jit(lambda x, y: augment.batch({"image": x, "label": y}, {"label": MapTarget(99)}, jax.random.key(0)))
    found = jax.tree.map(np.asarray, draw(images, maps))
    assert found["image"].shape == (400, 5, 4, 2)
    corners = [_corner(window, whole) for window, whole in zip(found["image"], images, strict=True)]
    assert {(i, j) for i in range(3) for j in range(3)} == set(corners)
    counts = np.unique([3 * i + j for i, j in corners], return_counts=True)[1]
    assert counts.min() > 20  # of 44 each
    for (i, j), labels, whole in zip(corners, found["label"], maps, strict=True):
        np.testing.assert_array_equal(labels, whole[i : i + 5, j : j + 4])


def test_coordinates_follow_a_window_and_a_crop_to_another_size() -> None:
    """Of a ramp x(p) = p the transformed one is x'(A p + t) = p."""
    size, frame = (8, 10), (4, 6)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    ramp = jnp.asarray(np.stack([x - 4.5, 3.5 - y], -1)[None])
    at = np.mgrid[: frame[0], : frame[1]].astype(np.float32)
    p = np.stack([at[1] - 2.5, 1.5 - at[0]], -1)
    window = Window(jnp.array([[3, 1]]), size, frame)
    crop = CropResize(jnp.array([[2.0, 1.0]]), jnp.array([[5.0, 8.0]]), size, frame)
    for move in (window, crop):
        linear = np.broadcast_to(np.asarray(move.linear), (1, 2, 2))[0]
        there = np.asarray(move.images(ramp))[0] @ linear.T + np.asarray(move.offset)[0]
        np.testing.assert_allclose(there, p, atol=1e-5)


def test_a_rectangle_of_the_whole_image_is_stretched_to_the_window() -> None:
    """Against interpolation pixel by pixel."""
    whole = RNG.uniform(size=(8, 10, 1)).astype(np.float32)
    (top, left), (height, width) = (1.25, 0.5), (5.5, 7.25)
    wanted = np.zeros((4, 6, 1), np.float32)
    for i in range(4):
        for j in range(6):
            y, x = top + (i + 0.5) * height / 4 - 0.5, left + (j + 0.5) * width / 6 - 0.5
            a, b = int(np.floor(y)), int(np.floor(x))
            for k, along in ((a, 1 - (y - a)), (a + 1, y - a)):
                for m, across in ((b, 1 - (x - b)), (b + 1, x - b)):
                    wanted[i, j] += along * across * whole[np.clip(k, 0, 7), np.clip(m, 0, 9)]
    place, extent = jnp.array([[top, left]]), jnp.array([[height, width]])
    found = CropResize(place, extent, (8, 10), (4, 6)).images(jnp.asarray(whole[None]))
    np.testing.assert_allclose(found[0], wanted, atol=1e-5)
    augment = Augmentation(crop_area=(0.3, 1.0), cutout=2, flip=True).for_images(None, margin=2)
    assert jax.eval_shape(augment, jnp.asarray(whole[None]), jax.random.key(0)).shape == (1, 4, 6, 1)


def test_a_device_cuts_the_windows_of_its_part_of_the_batch() -> None:
    images = RNG.uniform(size=(8, 6, 6, 1)).astype(np.float32)
    augment = Augmentation().for_images(None, margin=1)
    whole = augment(images, jax.random.key(3))
    with data_axis("data", 4):
        parts = jax.vmap(lambda x: augment(x, jax.random.key(3)), axis_name="data")(images.reshape(4, 2, 6, 6, 1))
    np.testing.assert_array_equal(parts.reshape(whole.shape), whole)


def test_all_splits_show_their_centres() -> None:
    dataset = with_margin(_dataset(), 2)
    assert dataset.image_shape == (5, 7, 3)
    for split in (dataset.train, dataset.validation, dataset.test):
        np.testing.assert_array_equal(split.images, WIDE[:, 2:-2, 2:-2])
        assert split.margin == 2
    assert np.shares_memory(dataset.train.images, WIDE)
    part = dataset.train.subset([3, 1])
    np.testing.assert_array_equal(part.around.images, WIDE[[3, 1]])
    assert with_margin(_dataset(), 0).train.around is None
    maps = RNG.integers(0, 3, WIDE.shape[:3]).astype(np.int32)
    mapped = with_margin(_dataset(labels=maps, label_kind="map"), 1).test
    np.testing.assert_array_equal(mapped.labels, maps[:, 1:-1, 1:-1])


def test_margins_that_cannot_be() -> None:
    dataset = _dataset()
    with pytest.raises(ValueError, match=r"invalid margin 5; allowed: at most 4 of images of 9×11"):
        with_margin(dataset, 5)
    with pytest.raises(ValueError, match="invalid margin 1; allowed: 0 where there is one already, of 2 pixels"):
        with_margin(with_margin(dataset, 2), 1)
    with pytest.raises(ValueError, match="invalid margin -1"):
        with_margin(dataset, -1)
    boxes = data_config("box_shapes", size=40, train_size=4, validation_size=2, test_size=2).load()
    with pytest.raises(ValueError, match=r"allowed: 0 where targets are boxes.* 'label'; margins are for classes"):
        with_margin(boxes, 2)
    solids = data_config("solids", size=8, train_size=4, validation_size=2, test_size=2).load()
    with pytest.raises(ValueError, match="invalid margin 2; allowed: 0 for volumes"):
        with_margin(solids, 2)
    with pytest.raises(ValueError, match=r"invalid shape of the images around .*equal margins around 5×7×3"):
        dataclasses.replace(with_margin(dataset, 2).train, around=Split(WIDE[:, :, :9], CLASSES))
    with pytest.raises(ValueError, match="invalid margin 3; allowed: 0 without a size"):
        Preprocessing(margin=3)


@pytest.fixture
def photos(tmp_path):
    """Photographs of three colours with noise, of several sizes."""
    rng = np.random.default_rng(0)
    for index, name in enumerate(("red", "green", "blue")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(10):
            pixels = rng.integers(0, 120, (14 + i, 16, 3))
            pixels[..., index] += 120
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def test_files_read_at_once_and_on_demand(photos) -> None:
    options = {"path": str(photos), "size": 16, "margin": 3}
    dataset, lazy = (data_config("folder", in_memory=held, **options).load() for held in (True, False))
    assert dataset.image_shape == (10, 10, 3)
    for split, other in ((dataset.train, lazy.train), (dataset.test, lazy.test)):
        assert split.digest() == other.digest()
        np.testing.assert_array_equal(other.gather([1, 0])["image"], split.images[[1, 0]])
        np.testing.assert_array_equal(other.around.images[2], split.around.images[2])
    whole = data_config("folder", path=str(photos), size=16).load()
    np.testing.assert_array_equal(dataset.train.around.images, whole.train.images)
    for image, name in zip(dataset.test.images, dataset.names["test"], strict=True):
        np.testing.assert_array_equal(dataset.preprocessing.pixels(np.asarray(Image.open(photos / name))), image)
    assert Preprocessing.from_dict(dataset.preprocessing.to_dict()) == dataset.preprocessing
    with pytest.raises(ValueError, match=r"invalid data.margin 8; allowed: at most 7 of images of 16×16"):
        data_config("folder", path=str(photos), size=16, margin=8).load()


def test_label_maps_of_files(tmp_path) -> None:
    """In memory and on demand, cut as their images are."""
    for i in range(9):
        mask = (np.arange(64).reshape(8, 8) % (i + 2) == 0).astype(np.uint8)
        for folder, scale in (("images", 200), ("masks", 255)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(scale * mask).save(tmp_path / folder / f"{i}.png")
    for held in (True, False):
        dataset = data_config("masks", path=str(tmp_path), margin=1, in_memory=held).load()
        batch = dataset.train.gather([2, 0])
        np.testing.assert_array_equal(batch["label"], batch["image"][..., 0] == 200)
        whole = dataset.train.around.gather([2, 0])
        assert batch["label"].shape == (2, 6, 6)
        np.testing.assert_array_equal(whole["label"][:, 1:-1, 1:-1], batch["label"])


def test_points_are_placed_as_pixels_are() -> None:
    """A bright pixel, and where `Preprocessing.placement` says that its centre is."""
    image = np.zeros((40, 60, 1), np.float32)
    image[24:28, 36:40] = 1.0  # its centre is (38, 26)
    to_network = Preprocessing(size=(12, 14), margin=2, fit="cover")
    scale, offset = to_network.placement((40, 60))
    made = to_network.pixels(image)[..., 0]
    y, x = np.mgrid[:12, :14] + 0.5
    centre = np.array([(made * x).sum(), (made * y).sum()]) / made.sum()
    np.testing.assert_allclose(scale * np.array([38, 26]) + offset, centre, atol=0.1)


def test_a_run_trains_on_windows_and_is_measured_on_centres(photos, tmp_path) -> None:
    config = RunConfig.from_config_dict(
        {
            "data": {"name": "folder", "path": str(photos), "size": 16, "margin": 2, "normalize": "train"},
            "augmentation": {"flip": True, "crop_area": (0.5, 1.0), "brightness": 0.1},
            "model": {"name": "cnn", "width": 4, "depth": 1},
            "training": {"batch_size": 8, "steps": 40, "evaluators": ("metrics", "ten_crop")},
        }
    )
    result = train(config, tmp_path / "run")
    trained = load_trained(tmp_path / "run")
    assert trained.dataset.image_shape == (12, 12, 3)
    assert float(result.best["accuracy"]) > 0.7
    network, test = load(tmp_path / "run"), trained.dataset.test
    files = [str(photos / name) for name in trained.dataset.names["test"]]
    np.testing.assert_allclose(
        network.predict(files).probabilities,
        jax.nn.softmax(jax.jit(trained.model)(jnp.asarray(test.images))),
        atol=1e-5,
    )
    crops = TenCrop()(jax.jit(trained.model), test, trained.task)
    average = ten_crop(jax.jit(trained.model), trained.task, (12, 12))
    batches = eval_batches(test.around, 64, {"label": ClassTarget(3)})
    assert crops["ten_crop_loss"] == pytest.approx(mean_metrics(average, batches, trained.task)["loss"])


def test_a_loader_is_given_whole_images() -> None:
    """And what is trained on is not what was drawn once: each step cuts its own windows."""
    train_split = with_margin(_dataset(), 2).train
    loader = make_loader(train_split.around, 12, 0)
    augment = Augmentation().for_images(None, train_split.margin)
    batch = loader.select(loader.fetch(0), 0)
    whole = WIDE[loader.indices(0)]
    first, second = (np.asarray(augment(batch["image"], jax.random.key(k))) for k in (0, 1))
    drawn = [[_corner(np.rint(255 * w), x) for w, x in zip(windows, whole, strict=True)] for windows in (first, second)]
    assert drawn[0] != drawn[1]


def test_prepared_data_of_tensorflow_datasets(prepared_folder) -> None:
    """Frames of several sizes; each record is read once, with its label."""
    options = {"data_dir": str(prepared_folder), "size": 7, "margin": 2}
    whole = data_config("tfds:several_sizes", data_dir=str(prepared_folder), size=7).load()
    held, lazy = (data_config("tfds:several_sizes", in_memory=m, **options).load() for m in (True, False))
    assert held.image_shape == lazy.image_shape == (3, 3, 3)
    for dataset in (held, lazy):
        assert dataset.train.digest() == held.train.digest()
        np.testing.assert_array_equal(dataset.train.around.images[:4], whole.train.images[:4])
        batch = dataset.train.gather([4, 2])
        np.testing.assert_array_equal(batch["image"], whole.train.images[[4, 2], 2:-2, 2:-2])
        np.testing.assert_array_equal(batch["label"], whole.train.labels[[4, 2]])
    with pytest.raises(ValueError, match=r"invalid data.margin 1.5; allowed: a whole number"):
        data_config("tfds:several_sizes", **options | {"margin": 1.5})
