"""Targets and losses of detectors: worked by hand, against plain NumPy, gradients against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.models.detection.encodings.fcos_encoding import FCOSEncoding, centreness
from geomdl.models.detection.encodings.focal import focal_loss
from geomdl.models.detection.encodings.outputs import Grid, Targets
from geomdl.models.detection.encodings.ssd_encoding import SSDEncoding
from geomdl.models.detection.encodings.yolo_encoding import YOLOEncoding
from geomdl.models.detection.localisation import LocalisationEncoding
from geomdl.models.detection.sliding_window import WindowEncoding

LOCALISER = LocalisationEncoding((20, 20), (Grid((1, 1), 20, 9.5),), 3)
FCOS = FCOSEncoding((16, 16), (Grid((4, 4), 4, 1.5), Grid((2, 2), 8, 3.5)), 2)
YOLO = YOLOEncoding((18, 18), (Grid((3, 3), 6, 2.5),), 2)
SSD = SSDEncoding((16, 16), (Grid((4, 4), 4, 1.5), Grid((2, 2), 8, 3.5)), 2, (0.3, 0.6, 0.9))
WINDOWS = WindowEncoding((16, 16), (Grid((3, 3), 4, 3.5),), 2, (8, 8))
ENCODINGS = {
    "localiser": (LOCALISER, [(1, 1)]),
    "fcos": (FCOS, [(4, 4), (2, 2)]),
    "yolo": (YOLO, [(3, 3)]),
    "ssd": (SSD, [(4, 4), (2, 2)]),
    "windows": (WINDOWS, [(3, 3)]),
}
CHANNELS = {"localiser": 8, "fcos": 7, "yolo": 12, "ssd": 28, "windows": 3}


def _targets(*images: list[tuple[list[float], int]]) -> Targets:
    """Each image a list of boxes with their classes, filled up with one row of padding at least."""
    most = max(map(len, images)) + 1
    boxes, classes = np.zeros((len(images), most, 4), np.float32), np.full((len(images), most), -1, np.int32)
    for i, image in enumerate(images):
        for k, (box, kind) in enumerate(image):
            boxes[i, k], classes[i, k] = box, kind
    return Targets(jnp.asarray(boxes), jnp.asarray(classes), jnp.zeros(classes.shape, bool))


def _one(targets: Targets) -> Targets:
    return jax.tree.map(lambda values: values[0], targets)


def test_the_vector_of_classification_with_localisation():
    """[P_c, b_x, b_y, b_h, b_w, c_1, c_2, c_3], as shares of an image of 20 × 20."""
    car = ([4.0, 6.0, 16.0, 10.0], 1)  # centre (10, 8), 12 wide, 4 high
    small = ([0.0, 0.0, 2.0, 2.0], 0)
    y = jax.jit(LOCALISER.target)(_targets([small, car], []))
    np.testing.assert_allclose(y, [[1, 0.5, 0.4, 0.2, 0.6, 0, 1, 0], [0] * 8], atol=1e-6)


def test_the_squared_loss_of_the_lecture():
    level = np.random.default_rng(0).normal(size=(2, 1, 1, 8)).astype(np.float32)
    targets = _targets([([4.0, 6.0, 16.0, 10.0], 1)], [])
    found, y = np.asarray(LOCALISER.tensor(jnp.asarray(level))), np.asarray(LOCALISER.target(targets))
    np.testing.assert_allclose(
        found[0, :5],
        [level[0, 0, 0, 4], *(0.5 + level[0, 0, 0, 0], 0.5 - level[0, 0, 0, 1]), level[0, 0, 0, 3], level[0, 0, 0, 2]],
        atol=1e-6,
    )
    losses = LOCALISER.losses((jnp.asarray(level),), targets)
    total = np.asarray(losses.classes + losses.boxes + losses.objectness)
    np.testing.assert_allclose(total, [((found[0] - y[0]) ** 2).sum(), found[1, 0] ** 2], rtol=1e-5)


@pytest.mark.parametrize(
    ("centre", "cell"),
    [
        ((3.0, 3.0), (0, 0)),
        ((9.0, 15.0), (1, 2)),
        ((6.0, 3.0), (1, 0)),  # on a border: the cell nearer to the middle of the image
        ((12.0, 3.0), (1, 0)),
        ((12.0, 12.0), (1, 1)),
        ((18.0, 0.0), (2, 0)),  # on the frame
    ],
)
def test_the_cell_of_a_centre(centre: tuple[float, float], cell: tuple[int, int]):
    assert tuple(YOLO.cell_of(jnp.array(centre)).tolist()) == cell


def test_two_objects_in_one_cell():
    """The larger one is learnt, of equal ones that nearer to the centre of the cell; whatever their order."""
    small, large = ([7.0, 7.0, 9.0, 9.0], 0), ([6.0, 6.0, 13.0, 11.0], 1)
    far, near = ([6.0, 6.0, 8.0, 8.0], 0), ([8.0, 8.0, 10.0, 10.0], 1)
    assign = jax.jit(YOLO.assign)
    for first, second in ((small, large), (far, near)):
        for order, index in (([first, second], 1), ([second, first], 0)):
            expected = [-1] * 9
            expected[4] = index
            assert assign(_one(_targets(order))).box.tolist() == expected


def test_places_of_fcos():
    """A box of 6 × 6 about the place (6, 6): only that place is within 1.5 strides of the centre and inside it."""
    assigned = jax.jit(FCOS.assign)(_one(_targets([([3.0, 3.0, 9.0, 9.0], 0)])))
    assert np.flatnonzero(assigned.box >= 0).tolist() == [5]
    away = jnp.array([[3.0, 3.0, 3.0, 3.0], [1.0, 2.0, 4.0, 2.0], [-1.0, 2.0, 4.0, 2.0]])
    np.testing.assert_allclose(centreness(away), [1, 0.5, 0], atol=1e-6)


def _plain_focal(logits: np.ndarray, classes: np.ndarray, counted: np.ndarray, alpha: float, gamma: float) -> float:
    total = 0.0
    for row, kind, here in zip(logits, classes, counted, strict=True):
        for k, z in enumerate(row):
            p = 1 / (1 + np.exp(-z))
            p, weight = (p, alpha) if k == kind else (1 - p, 1 - alpha)
            total -= here * weight * (1 - p) ** gamma * np.log(p)
    return total


def test_focal_loss():
    rng = np.random.default_rng(1)
    logits, classes, counted = 2 * rng.normal(size=(6, 3)), rng.integers(-1, 3, 6), np.array([1, 1, 0, 1, 1, 1], bool)

    def loss(z):
        return focal_loss(z, jnp.asarray(classes), jnp.asarray(counted), alpha=0.3, gamma=1.5)

    found, gradient = jax.jit(jax.value_and_grad(loss))(logits.astype(np.float32))
    np.testing.assert_allclose(found, _plain_focal(logits, classes, counted, 0.3, 1.5), rtol=1e-5)
    for place in ((0, 0), (2, 1), (4, 2)):
        step = np.zeros_like(logits)
        step[place] = 1e-5
        ends = [_plain_focal(logits + sign * step, classes, counted, 0.3, 1.5) for sign in (1, -1)]
        np.testing.assert_allclose(gradient[place], (ends[0] - ends[1]) / 2e-5, rtol=1e-3, atol=1e-6)


def _plain_fcos(numbers: np.ndarray, box: np.ndarray, place: int) -> tuple[float, float]:
    """1 − GIoU and the cross-entropy of the centre-ness at one place of the finest level."""
    z, x, y = numbers[place], place % 4 * 4 + 2, place // 4 * 4 + 2
    left, top, right, bottom = 4 * np.exp(z[3:])
    b = np.array([x - left, y - top, x + right, y + bottom])
    both = np.prod(np.maximum(np.minimum(b[2:], box[2:]) - np.maximum(b[:2], box[:2]), 0))
    union = np.prod(b[2:] - b[:2]) + np.prod(box[2:] - box[:2]) - both
    around = np.prod(np.maximum(b[2:], box[2:]) - np.minimum(b[:2], box[:2]))
    sides = sorted([x - box[0], box[2] - x]) + sorted([y - box[1], box[3] - y])
    goal, p = np.sqrt(sides[0] / sides[1] * sides[2] / sides[3]), 1 / (1 + np.exp(-z[2]))
    entropy = -goal * np.log(p) - (1 - goal) * np.log(1 - p)
    return 1 - both / union + (around - union) / around, entropy


def test_losses_of_fcos_and_their_gradients():
    rng, box = np.random.default_rng(2), np.array([3.0, 4.0, 9.5, 9.0])
    numbers = 0.5 * rng.normal(size=(20, 7))
    targets = _targets([(box.tolist(), 1)])
    assigned = FCOS.assign(_one(targets))
    learnt = np.flatnonzero(assigned.box >= 0)
    assert learnt.tolist() == [5]

    def parts(values):
        levels = values[None, :16].reshape(1, 4, 4, 7), values[None, 16:].reshape(1, 2, 2, 7)
        return FCOS.losses(levels, targets)

    losses, gradient = jax.jit(lambda v: (parts(v), jax.grad(lambda w: (parts(w).boxes + parts(w).objectness)[0])(v)))(
        jnp.asarray(numbers, jnp.float32)
    )
    boxes, entropy = _plain_fcos(numbers, box, 5)
    classes = np.where(np.arange(20) == 5, 1, -1)
    np.testing.assert_allclose([losses.boxes[0], losses.objectness[0]], [boxes, entropy], rtol=1e-4)
    np.testing.assert_allclose(
        losses.classes[0], _plain_focal(numbers[:, :2], classes, np.ones(20), 0.25, 2), rtol=1e-4
    )
    assert float(losses.count[0]) == 1
    for channel in range(2, 7):
        step = np.zeros_like(numbers)
        step[5, channel] = 1e-5
        ends = [sum(_plain_fcos(numbers + sign * step, box, 5)) for sign in (1, -1)]
        np.testing.assert_allclose(gradient[5, channel], (ends[0] - ends[1]) / 2e-5, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("name", ENCODINGS)
def test_an_image_without_boxes_has_a_finite_loss(name: str):
    encoding, sizes = ENCODINGS[name]
    levels = tuple(jnp.full((1, *size, CHANNELS[name]), 0.1) for size in sizes)

    def loss(values):
        parts = encoding.losses(values, _targets([]))
        return sum(part.sum() for part in parts[:3]), parts.boxes

    (total, boxes), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(levels)
    assert np.isfinite(total)
    assert not boxes.any()
    assert all(np.isfinite(values).all() for values in gradient)
