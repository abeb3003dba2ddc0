"""Crops, colours, RandAugment and mixtures of training images, against loops and the standard library."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageOps

from geomdl.actions import CropResize, Warp
from geomdl.data import (
    Augmentation,
    ClassTarget,
    LabelsTarget,
    MapTarget,
    Preprocessing,
    ValuesTarget,
    lighting_components,
)
from geomdl.data.transforms import drawn
from geomdl.data.transforms.mixing import _beta
from geomdl.data.transforms.randaugment import OPERATIONS, Drawn
from geomdl.layers.core.data_axis import data_axis
from geomdl.representations import FieldType

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
RGB = RNG.uniform(0.1, 0.9, (40, 6, 8, 3)).astype(np.float32)


def _moved(images: np.ndarray, **options) -> np.ndarray:
    return np.asarray(jax.jit(Augmentation(**options))(jnp.asarray(images), KEY))


def _cropped(image: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    """Bilinear interpolation at the centres of the pixels of the output, pixel by pixel."""
    rows, columns = image.shape[:2]
    found = np.zeros_like(image)
    for i in range(rows):
        for j in range(columns):
            y = np.clip(top + (i + 0.5) * height / rows - 0.5, 0, rows - 1)
            x = np.clip(left + (j + 0.5) * width / columns - 0.5, 0, columns - 1)
            a, b = int(y), int(x)
            c, d = min(a + 1, rows - 1), min(b + 1, columns - 1)
            upper = (1 - (x - b)) * image[a, b] + (x - b) * image[a, d]
            found[i, j] = (1 - (y - a)) * upper + (y - a) * ((1 - (x - b)) * image[c, b] + (x - b) * image[c, d])
    return found


def test_a_rectangle_is_stretched_to_the_frame_as_a_loop_does() -> None:
    boxes = np.array([[0.0, 0.0, 6.0, 8.0], [1.3, 2.5, 3.1, 2.2], [4.0, 0.0, 2.0, 8.0]], np.float32)
    crop = CropResize(jnp.asarray(boxes[:, :2]), jnp.asarray(boxes[:, 2:]), (6, 8))
    moved = jax.jit(crop.images)(jnp.asarray(RGB[:3]))
    for image, box, found in zip(RGB, boxes, moved, strict=False):
        np.testing.assert_allclose(found, _cropped(image, *box), atol=1e-5)
    np.testing.assert_allclose(moved[0], RGB[0], atol=1e-6)


def test_coordinates_follow_a_crop() -> None:
    """A linear ramp stays one: x'(A p + t) = x(p)."""
    crop = CropResize(jnp.array([[1.0, 2.0]]), jnp.array([[4.0, 3.0]]), (8, 8))
    x, y = np.meshgrid(np.arange(8) - 3.5, 3.5 - np.arange(8))
    moved = np.asarray(jax.jit(crop.images)(np.float32(np.stack([x, y], -1)[None])))[0]
    expected = np.linalg.solve(
        np.asarray(crop.linear[0]), np.stack([x, y]).reshape(2, -1) - np.asarray(crop.offset[0])[:, None]
    )
    inside = np.s_[2:6, 2:6]
    np.testing.assert_allclose(moved[inside], expected.T.reshape(8, 8, 2)[inside], atol=1e-5)
    labels = jax.jit(lambda y: crop.labels(y, -1))(np.arange(64).reshape(1, 8, 8))
    assert labels[0, 0, 0] == 8 + 2
    assert labels[0, 7, 7] == 4 * 8 + 4


def _crop(augmentation: Augmentation, count: int) -> CropResize:
    def corners() -> tuple[jax.Array, jax.Array]:
        crop = drawn.crop(augmentation, KEY, count, (30, 40))
        return crop.corner, crop.extent

    return CropResize(*jax.jit(corners)(), (30, 40))


def test_crops_have_the_area_and_the_aspect_that_is_asked_for() -> None:
    augmentation = Augmentation(crop_area=(0.2, 0.6), crop_aspect=(0.5, 2.0))
    crop = _crop(augmentation, 500)
    corner, extent = np.asarray(crop.corner), np.asarray(crop.extent)
    area, aspect = extent.prod(1) / 1200, extent[:, 1] / extent[:, 0]
    assert 0.2 - 1e-5 <= area.min() < 0.22
    assert 0.58 < area.max() < 0.6001
    assert 0.5 - 1e-5 <= aspect.min() < 0.53
    assert 1.9 < aspect.max() < 2.001
    assert (corner >= 0).all()
    assert (corner + extent <= np.array([30, 40]) + 1e-4).all()
    assert corner[:, 0].max() > 10
    none_fits = _crop(Augmentation(crop_area=(0.9, 0.95), crop_aspect=(3.0, 4.0)), 2)
    np.testing.assert_allclose(none_fits.extent, [[40 / 3, 40]] * 2, rtol=1e-6)
    np.testing.assert_allclose(none_fits.corner, [[15 - 20 / 3, 0]] * 2, atol=1e-5)


def test_padding_and_cropping_is_a_shift() -> None:
    images = RGB[:, :, :6]
    padded = np.pad(images, [(0, 0), (4, 4), (4, 4), (0, 0)])
    for image, found in zip(padded, _moved(images, shift=4), strict=True):
        crops = [image[i : i + 6, j : j + 6] for i in range(9) for j in range(9)]
        assert any(np.array_equal(found, crop) for crop in crops)


def _hue_turned(image: np.ndarray, turn: float) -> np.ndarray:
    pixels = [colorsys.rgb_to_hsv(*map(float, pixel)) for pixel in image.reshape(-1, 3)]
    return np.array([colorsys.hsv_to_rgb((h + turn) % 1, s, v) for h, s, v in pixels]).reshape(image.shape)


def test_colours_by_hand() -> None:
    from geomdl.data.transforms.photometric import jittered

    factors = {name: np.float32([f, 1.0]) for name, f in (("brightness", 1.2), ("contrast", 0.5), ("saturation", 1.4))}
    factors["hue"] = np.float32([0.3, 0.0])
    found = np.asarray(jax.jit(jittered)(jnp.asarray(RGB[:2]), jax.tree.map(jnp.asarray, factors)))
    luma = np.array([0.299, 0.587, 0.114])
    x = 1.2 * RGB[0].astype(np.float64)
    x = 0.5 * x + 0.5 * (x @ luma).mean()
    x = 1.4 * x - 0.4 * (x @ luma)[..., None]
    assert x.min() > 0
    np.testing.assert_allclose(found[0], _hue_turned(x, 0.3), atol=1e-5)
    np.testing.assert_allclose(found[1], RGB[1], atol=1e-6)


def test_colours_are_drawn_for_each_image_within_their_bounds() -> None:
    bright = _moved(RGB, brightness=0.4) / RGB
    assert np.ptp(bright, axis=(1, 2, 3)).max() < 1e-4
    assert 0.6 <= bright.min() < 0.7
    assert 1.3 < bright.max() <= 1.4001
    two = RGB[..., :2]
    contrast = _moved(two, contrast=0.5)
    np.testing.assert_allclose(contrast.mean((1, 2, 3)), two.mean((1, 2, 3)), rtol=1e-5)
    turned = _moved(RGB, hue=0.5)
    np.testing.assert_allclose(turned.max(-1), RGB.max(-1), atol=1e-6)
    np.testing.assert_allclose(turned.min(-1), RGB.min(-1), atol=1e-6)
    pale = _moved(RGB, saturation=1.0)
    np.testing.assert_allclose(pale @ [0.299, 0.587, 0.114], RGB @ [0.299, 0.587, 0.114], atol=1e-5)


def test_normalised_images_change_as_their_light_does() -> None:
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)
    options = {"brightness": 0.3, "hue": 0.2, "contrast": 0.2, "lighting": 0.1}
    normalised = (RGB - np.float32(mean)) / np.float32(std)
    augmentation = Augmentation(**options).for_images(Preprocessing(mean=mean, std=std))
    found = np.asarray(jax.jit(augmentation)(jnp.asarray(normalised), KEY)) * np.float32(std) + np.float32(mean)
    plain = _moved(RGB, **options)
    np.testing.assert_allclose(found, plain, atol=1e-5)
    assert not Augmentation(**options).is_identity
    assert Augmentation().for_images(Preprocessing(mean=mean, std=std)).is_identity


def test_lighting_adds_principal_components() -> None:
    added = _moved(RGB, lighting=0.1) - RGB
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1], added.shape), atol=1e-6)
    assert 0.01 < np.abs(added).mean() < 0.02  # of N(0, 0.1²) times 0.2175 · 0.58
    grey = RNG.normal(size=(50, 4, 4, 2)).astype(np.float32) @ np.float32([[1.0, 0.2], [0.0, 0.5]])
    rows = np.array(lighting_components(grey))
    np.testing.assert_allclose(rows.T @ rows, np.cov(grey.reshape(-1, 2).T, bias=True), rtol=1e-4)
    along = _moved(grey, lighting=1.0, lighting_components=((1.0, 2.0),)) - grey
    np.testing.assert_allclose(along[..., 1], 2 * along[..., 0], atol=1e-5)


def _one(name: str, sign: float = 1.0) -> Drawn:
    return Drawn(jnp.array([[OPERATIONS.index(name)]]), jnp.array([[sign]]))


def test_operations_of_randaugment_by_hand() -> None:
    x = jnp.asarray(RGB[:1])
    luma = (RGB[0] @ np.float32([0.299, 0.587, 0.114]))[..., None]
    smooth = RGB[0].copy()
    for i in range(1, 5):
        for j in range(1, 7):
            smooth[i, j] = (RGB[0, i - 1 : i + 2, j - 1 : j + 2].sum((0, 1)) + 4 * RGB[0, i, j]) / 13
    low, high = RGB[0].min((0, 1)), RGB[0].max((0, 1))
    expected = {
        "identity": RGB[0],
        "rotate": RGB[0],
        "brightness": 1.45 * RGB[0],
        "contrast": 1.45 * RGB[0] - 0.45 * luma.mean(),
        "saturation": 1.45 * RGB[0] - 0.45 * luma,
        "sharpness": 1.45 * RGB[0] - 0.45 * smooth,
        "posterize": np.floor(RGB[0] * 64) / 64,
        "solarize": np.where(RGB[0] > 0.5, 1 - RGB[0], RGB[0]),
        "autocontrast": (RGB[0] - low) / (high - low),
        "equalize": RGB[0],  # there are fewer pixels than levels, see the next test
    }
    recoloured = jax.jit(lambda drawn, x: drawn.recoloured(x, 15.0))
    for name, wanted in expected.items():
        np.testing.assert_allclose(recoloured(_one(name), x)[0], wanted, atol=1e-5, err_msg=name)
    assert set(expected) | {"shear_x", "shear_y", "translate_x", "translate_y"} == set(OPERATIONS)


def test_equalizing_is_that_of_pillow() -> None:
    """Of dark images, of one level, of two levels."""
    noise = RNG.integers(0, 120, (40, 50, 3))
    two = np.where(RNG.uniform(size=(40, 50, 3)) < 0.3, 20, 200)
    images = np.stack([noise, noise**2 // 120, np.full_like(noise, 7), two]).astype(np.uint8)
    expected = np.stack([np.asarray(ImageOps.equalize(Image.fromarray(image))) for image in images])
    assert not np.array_equal(expected[0], images[0])
    drawn = Drawn(jnp.full((4, 1), OPERATIONS.index("equalize")), jnp.ones((4, 1)))
    found = jax.jit(lambda drawn, x: drawn.recoloured(x, 9.0))(drawn, images.astype(np.float32) / 255)
    np.testing.assert_allclose(found, expected / 255, atol=1e-6)


def test_maps_of_randaugment_move_images_and_labels_alike() -> None:
    affine = jax.jit(lambda drawn: drawn.affine(30.0, (10, 20)))
    matrices = {name: [np.asarray(a)[0] for a in affine(_one(name))] for name in OPERATIONS}
    np.testing.assert_allclose(matrices["shear_x"][0], [[1, 0.3], [0, 1]])
    np.testing.assert_allclose(matrices["shear_y"][0], [[1, 0], [0.3, 1]])
    np.testing.assert_allclose(matrices["rotate"][0], [[3**0.5 / 2, -0.5], [0.5, 3**0.5 / 2]], atol=1e-6)
    np.testing.assert_allclose(matrices["translate_x"][1], [20 * 150 / 331, 0], rtol=1e-5)
    np.testing.assert_allclose(matrices["translate_y"][1], [0, 10 * 150 / 331], rtol=1e-5)
    np.testing.assert_allclose(matrices["solarize"][0], np.eye(2))
    both = Drawn(jnp.array([[OPERATIONS.index("translate_x"), OPERATIONS.index("rotate")]]), jnp.ones((1, 2)))
    _, t = affine(both)
    np.testing.assert_allclose(t[0], matrices["rotate"][0] @ matrices["translate_x"][1], rtol=1e-5)
    places = jnp.arange(64).reshape(1, 8, 8)
    right = Warp(jnp.eye(2), by=jnp.array([2.0, -1.0]))  # two to the right, one down
    np.testing.assert_array_equal(right.labels(places, -1)[0, 1:, 2:], places[0, :-1, :-2])
    shifted = right.images(places[..., None].astype(jnp.float32))[0, 2:-1, 3:-1, 0]
    np.testing.assert_allclose(shifted, places[0, 1:-2, 1:-3], atol=1e-3)
    images = jnp.ones((16, 9, 9, 1)).at[:, :, 5:].set(0.5)
    maps = (images[..., 0] == 1).astype(jnp.int32)
    _, labels = jax.jit(Augmentation(randaugment=2, randaugment_magnitude=20.0).pair)(images, maps, KEY)
    assert (labels == -1).any()
    assert not (labels == maps).all()


def _mixed(kind, labels: np.ndarray, images: np.ndarray = RGB, **options) -> dict[str, np.ndarray]:
    batch = {"image": jnp.asarray(images), "label": jnp.asarray(labels)}
    found = jax.jit(lambda batch: Augmentation(**options).mixed(batch, kind, KEY))(batch)
    return jax.tree.map(np.asarray, found)


CLASSES = RNG.integers(0, 5, 40)


@pytest.mark.parametrize("options", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}], ids=str)
def test_labels_are_mixed_as_their_images_are(options: dict) -> None:
    """An image of class k is k everywhere: the mean of a mixed image, and every share, can be read off."""
    images = np.broadcast_to(np.eye(5, dtype=np.float32)[CLASSES][:, None, None], (40, 6, 8, 5))
    found = _mixed(ClassTarget(5), CLASSES, images, **options)
    np.testing.assert_allclose(found["image"].mean((1, 2)), found["label_probabilities"], atol=1e-5)
    np.testing.assert_allclose(found["label_probabilities"].sum(1), 1, rtol=1e-5)
    before = np.roll(CLASSES, 1)
    share = found["label_probabilities"][np.arange(40), CLASSES]
    larger = np.where(share >= 0.5, CLASSES, before)
    np.testing.assert_array_equal(found["label"], larger)
    different = before != CLASSES
    assert 0.05 < (share[different] < 0.5).mean() < 0.95
    pasted = np.isin(found["image"], (0, 1)).all((1, 2, 3))[different]
    expected = ("cutmix" in options) / len(options)
    assert abs(pasted.mean() - expected) < (0.25 if len(options) == 2 else 1e-6)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_shares_have_the_moments_of_the_beta_distribution(alpha: float) -> None:
    draws = np.asarray(jax.jit(lambda: _beta(KEY, alpha, 20_000))())
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(draws.mean() - 0.5) < 4 * np.sqrt(variance / 20_000)
    assert draws.var() == pytest.approx(variance, rel=0.03)


def test_indicators_are_mixed_too_and_other_labels_refused() -> None:
    labels = RNG.integers(0, 2, (40, 3)).astype(np.float32)
    found = _mixed(LabelsTarget(3), labels, mixup=1.0)
    assert found["label"].shape == (40, 3)
    low, high = np.minimum(labels, np.roll(labels, 1, 0)), np.maximum(labels, np.roll(labels, 1, 0))
    assert ((found["label_probabilities"] >= low - 1e-6) & (found["label_probabilities"] <= high + 1e-6)).all()
    with pytest.raises(ValueError, match=r"invalid augmentation.cutmix 1.0; allowed: 0 where labels are label maps"):
        Augmentation(cutmix=1.0).mixed({"image": RGB, "label": CLASSES}, MapTarget(2), KEY)
    assert "label_probabilities" not in _mixed(ClassTarget(5), CLASSES)


@pytest.mark.parametrize(
    "options",
    [
        {"crop_area": (0.3, 1.0), "brightness": 0.3, "lighting": 0.1, "mixup": 0.5},
        pytest.param({"randaugment": 2, "hue": 0.1, "contrast": 0.3, "cutmix": 0.5}, marks=pytest.mark.long),
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_part_of_the_batch_is_treated_as_in_the_whole(options: dict) -> None:
    augmentation = Augmentation(**options)
    images, labels = jnp.asarray(RGB[:8]), jnp.asarray(CLASSES[:8])

    def treated(images: jax.Array) -> dict:
        return augmentation.mixed({"image": augmentation(images, KEY), "label": labels}, ClassTarget(5), KEY)

    def part(images: jax.Array) -> dict:
        with data_axis("data", 4):
            return treated(images)

    whole = jax.jit(treated)(images)
    split = jax.jit(jax.vmap(part, axis_name="data"))(images.reshape(4, 2, *images.shape[1:]))
    np.testing.assert_allclose(split["image"].reshape(images.shape), whole["image"], atol=1e-5)
    for name in ("label", "label_probabilities"):
        for device in split[name]:
            np.testing.assert_allclose(device, whole[name], atol=1e-6)


def test_targets_follow_what_moves_and_colours_leave_them() -> None:
    """Patches of one value each: wherever the cropped image shows one, the label says so; directions stay."""
    kinds = {"label": MapTarget(4), "angle": ValuesTarget(FieldType("SO2", "1 irrep(1)"))}
    maps = np.kron(np.arange(4).reshape(2, 2), np.ones((8, 8), int))
    batch = {
        "image": jnp.asarray(np.tile(maps[None, ..., None] / 4, (12, 1, 1, 1)), jnp.float32),
        "label": jnp.asarray(np.tile(maps, (12, 1, 1))),
        "angle": jnp.asarray(RNG.normal(size=(12, 2)), jnp.float32),
    }
    augmentation = Augmentation(crop_area=(0.3, 0.8))
    coloured = Augmentation(crop_area=(0.3, 0.8), brightness=0.3, lighting=0.1, lighting_components=((1.0,),))
    moved, other = (jax.jit(lambda batch, a=a: a.batch(batch, kinds, KEY))(batch) for a in (augmentation, coloured))
    value = np.asarray(4 * moved["image"][..., 0])
    certain = np.abs(value - np.round(value)) < 1e-3
    assert certain.mean() > 0.8
    np.testing.assert_array_equal(np.round(value)[certain], np.asarray(moved["label"])[certain])
    assert len({x.tobytes() for x in np.asarray(moved["image"])}) == 12  # each its own crop
    np.testing.assert_array_equal(moved["angle"], batch["angle"])
    np.testing.assert_array_equal(other["label"], moved["label"])
    assert not np.allclose(other["image"], moved["image"])


def test_other_draws_stay_as_they_are() -> None:
    images = RGB[:, :, :6]
    plain = _moved(images, flip=True, shift=2, quarter_turns=True)
    coloured = _moved(images, flip=True, shift=2, quarter_turns=True, brightness=1e-6, lighting=1e-9)
    np.testing.assert_allclose(coloured, plain, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop_area": (0.0, 1.0)}, r"augmentation.crop_area \(0.0, 1.0\); .* numbers in \(0, 1\]; try \(0.08, 1.0\)"),
        ({"crop_area": (0.9, 0.5)}, "augmentation.crop_area"),
        ({"crop_aspect": (2.0, 1.0)}, "augmentation.crop_aspect"),
        ({"brightness": -0.1}, "augmentation.brightness -0.1"),
        ({"hue": 0.6}, r"augmentation.hue 0.6; allowed: a share of a whole turn in \[0, 0.5\]"),
        ({"randaugment_magnitude": 31.0}, "augmentation.randaugment_magnitude 31.0"),
        ({"randaugment": 1.5}, "augmentation.randaugment 1.5"),
        ({"lighting_components": ((1.0,), (1.0, 2.0))}, "rows of one length"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hue": 0.1}, "augmentation.hue 0.1; allowed: 0 for images of 2 channels, which are no RGB"),
        ({"saturation": 0.1}, "augmentation.saturation 0.1"),
        ({"lighting": 0.1}, "lighting_components .* allowed: rows of 2 numbers"),
    ],
)
def test_colours_need_channels(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _moved(RGB[:2, ..., :2], **options)
