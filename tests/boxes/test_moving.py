"""Boxes under groups, formats and the matching of sets, against plain NumPy."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import OutputLaw, input_action, move_inscribed, move_oriented, move_upright, rotation_matrix
from geomdl.audit import audit
from geomdl.boxes import (
    act_on_boxes,
    from_corners,
    from_covariance,
    from_oriented,
    from_xyxy,
    hull,
    match_sets,
    pairwise_oriented_iou,
    set_distance,
    to_corners,
    to_covariance,
    to_oriented,
    to_xyxy,
)
from geomdl.equivariance import as_function, check_contract, orbit_errors
from geomdl.groups import C4, C8, D4, SO2
from geomdl.layers import Conv
from geomdl.representations import FieldType
from geomdl.testing import SymmetryError, assert_contract, assert_equivariant


def filled(box: np.ndarray, size: int) -> np.ndarray:
    """An image that is 1 in a box of whole pixels."""
    x0, y0, x1, y1 = (int(v) for v in box)
    image = np.zeros((size, size), np.float32)
    image[y0:y1, x0:x1] = 1
    return image


def box_of(image: np.ndarray) -> list[int]:
    """The smallest box around what is not 0."""
    rows, columns = np.nonzero(np.asarray(image) > 0.5)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("size", [6, 7])
def test_boxes_move_as_the_pixels_that_they_hold(size):
    rng = np.random.default_rng(0)
    corner = rng.integers(0, size - 2, (5, 2))
    boxes = np.concatenate([corner, corner + rng.integers(1, 3, (5, 2))], -1).astype(np.float32)
    images = np.stack([filled(b, size) for b in boxes])[..., None]
    for g in D4.elements():
        moved = input_action(D4)(g, images)[..., 0]
        found = act_on_boxes(g, boxes, D4, (size, size))
        assert np.array_equal(found, [box_of(m) for m in moved])


@pytest.mark.parametrize("size", [8, 9])
def test_quarter_turns_permute_boxes_to_rounding_and_the_group_acts(size):
    rng = np.random.default_rng(1)
    boxes = np.sort(rng.uniform(0, size, (20, 2, 2)), 1).reshape(20, 4).astype(np.float32)[:, [0, 1, 2, 3]]
    oriented = rng.uniform([1, 1, 2, 0.5, -1.5], [7, 7, 4, 1.9, 1.5], (20, 5)).astype(np.float32)
    for g, h in itertools.product(D4.elements(), repeat=2):
        gh = D4.product(g, h)
        once, both = (
            [act_on_boxes(g, act_on_boxes(h, b, D4, (size, size)), D4, (size, size)) for b in (boxes, oriented)],
            [act_on_boxes(gh, b, D4, (size, size)) for b in (boxes, oriented)],
        )
        assert np.abs(once[0] - both[0]).max() < 2e-6
        assert set_distance(_one(once[1]), _one(both[1]))[0] < 1e-5


def test_oriented_boxes_move_as_their_corners_under_every_rotation_and_reflection():
    rng = np.random.default_rng(2)
    boxes = rng.uniform([1, 1, 2, 0.5, -1.5], [9, 9, 4, 1.9, 1.5], (6, 5)).astype(np.float32)
    for g in [*C8.elements(), *D4.elements()]:
        group = C8 if g[0] == 0 and not any((g == d).all() for d in D4.elements()) else D4
        matrix = np.asarray(group.matrix(g))
        corners = np.asarray(to_corners(boxes), float) - 5
        expected = corners * [1, -1] @ matrix.T * [1, -1] + 5
        found = from_corners(jnp.asarray(expected, jnp.float32))
        moved = move_oriented(boxes, jnp.asarray(matrix, jnp.float32), jnp.zeros(2), (10, 10))
        assert set_distance(_one(moved), _one(found))[0] < 1e-4
        around = move_upright(boxes[:, :4], jnp.asarray(matrix, jnp.float32), jnp.zeros(2), (10, 10))
        assert (np.asarray(around[:, 2:]) >= np.asarray(around[:, :2]) - 10).all()
    shear = jnp.array([[1.0, 0.4], [0.0, 1.5]])
    held = np.asarray(to_corners(move_oriented(boxes, shear, jnp.array([1.0, 2.0]), (10, 10))), float)
    inner = (np.asarray(to_corners(boxes), float) - 5) * [1, -1] @ np.asarray(shear).T * [1, -1] + 5 + [1, -2]
    for rectangle, corners in zip(held, inner, strict=True):  # the moved box lies in the rectangle
        edges = np.roll(rectangle, -1, 0) - rectangle
        cross = edges[:, None, 0] * (corners[None, :, 1] - rectangle[:, None, 1]) - edges[:, None, 1] * (
            corners[None, :, 0] - rectangle[:, None, 0]
        )
        assert (cross <= 1e-3).all() or (cross >= -1e-3).all()


def _one(boxes):
    return {"boxes": np.asarray(boxes)[None], "classes": np.zeros((1, len(boxes)))}


def test_covariances_transform_by_the_matrix():
    boxes = jnp.array([[3.0, 4.0, 5.0, 2.0, 0.7], [3.0, 4.0, 5.0, 5.0, 0.2]])
    a = np.asarray(SO2.matrix(np.array([0.0, 1.1])))

    def matrices(values):
        xx, yy, xy = np.asarray(values)[:, 2:].T
        return np.array([[[p, r], [r, q]] for p, q, r in zip(xx, yy, xy, strict=True)])

    moved = act_on_boxes(np.array([0.0, 1.1]), boxes, SO2, (8, 8))
    assert np.allclose(matrices(to_covariance(moved)), a @ matrices(to_covariance(boxes)) @ a.T, atol=1e-5)
    assert np.allclose(from_covariance(to_covariance(boxes))[0], boxes[0], atol=1e-5)


def test_forms_go_there_and_back():
    rng = np.random.default_rng(3)
    boxes = np.sort(rng.uniform(0, 9, (4, 2, 2)), 1).reshape(4, 4)
    for form, convention in itertools.product(("xyxy", "xywh", "cxcywh"), ("edge", "inclusive")):
        there = from_xyxy(boxes, form, convention, first=1)
        assert np.allclose(to_xyxy(there, form, convention, first=1), boxes, atol=1e-5)
    with pytest.raises(ValueError, match="unknown format of boxes 'xyhw'"):
        to_xyxy(boxes, "xyhw")
    oriented = rng.uniform([1, 1, 2, 0.5, -1.5], [7, 7, 4, 1.9, 1.5], (9, 5)).astype(np.float32)
    oc = np.asarray(from_oriented(oriented, "oc"))
    assert (oc[:, 4] < 0).all()
    assert (oc[:, 4] >= -np.pi / 2 - 1e-6).all()
    assert np.abs(to_oriented(oc, "oc") - oriented).max() < 1e-5
    assert np.diag(pairwise_oriented_iou(from_corners(to_corners(oriented)), oriented)).min() > 0.999
    assert np.allclose(hull(jnp.array([4.0, 4.0, 2.0, 2.0, np.pi / 4])), 4 + np.sqrt(2) * np.array([-1, -1, 1, 1]))


def test_matching_is_optimal_and_keeps_classes_apart():
    rng = np.random.default_rng(4)
    for numbers in (6, 7):
        a, b = rng.uniform(1, 2, (2, 1, 4, numbers))
        a[..., -1], b[..., -1] = [[0, 0, 1, -1]], [[1, 0, 0, 0]]
        first, second = match_sets(a, b)
        total = np.linalg.norm(first - second, axis=-1).sum()
        scale = np.abs(second[..., :-1]).max()
        best = min(
            sum(_distance(a[0, i], b[0, j], scale) for i, j in ((0, p[0]), (1, p[1]), (2, 0)))
            + _distance(None, b[0, ({1, 2, 3} - {*p}).pop()], scale)
            for p in itertools.permutations((1, 2, 3), 2)
        )
        assert total == pytest.approx(best, rel=1e-6) or total <= best + 1e-6 or numbers == 7
    same = a.copy()
    same[..., 4] += np.pi  # the same rectangles
    assert np.abs(np.subtract(*match_sets(a, same[:, ::-1]))).max() < 1e-9


def _distance(a, b, scale):
    """Of upright boxes; of oriented ones it is not asked."""
    row = lambda x: np.concatenate([x[:-2], scale * x[-2:-1]])  # noqa: E731
    return np.linalg.norm(row(b) if a is None else row(a) - row(b))


def brightest(x, *, broken=0.0, oriented=False):
    """A detector: squares about the three brightest pixels."""
    n, _, width, _ = x.shape
    score, place = jax.lax.top_k(x.reshape(n, -1), 3)
    right, down = (p.astype(score.dtype) + 0.5 for p in (place % width, place // width))
    if oriented:
        boxes = jnp.stack([right, down, 3 + 0 * score, 3 + 0 * score, 0 * score], -1)
    else:
        boxes = jnp.stack([right - 1.5, down - 1.5, right + 1.5 + broken, down + 1.5], -1)
    return {"boxes": boxes, "scores": score, "classes": jnp.zeros(score.shape, jnp.int32)}


@pytest.mark.parametrize("size", [6, 7])
@pytest.mark.parametrize("group", ["D4", "shifts"])
def test_sets_of_detections_are_compared_as_sets(size, group):
    for oriented in (False, True):
        kept = assert_equivariant(
            lambda x, oriented=oriented: brightest(x, oriented=oriented), group=group, size=size, channels=1,
            output=OutputLaw("detections"),
        )  # fmt: skip
        assert kept
    shuffled = orbit_errors(
        lambda x: jax.tree.map(lambda a: jnp.where(x.sum() > x[0, 0, 0, 0] + x.sum(), a[:, ::-1], a), brightest(x)),
        np.random.default_rng(0).normal(size=(2, size, size, 1)).astype(np.float32), group, "detections",
    )  # fmt: skip
    assert shuffled.worst < 1e-6


def test_a_detector_that_breaks_the_symmetry_is_found():
    message = r"output: detections(.|\n)*3 of these are elsewhere, by up to 0\.01 "
    with pytest.raises(SymmetryError, match=message) as said:
        assert_equivariant(lambda x: brightest(x, broken=0.01), group=C4, size=6, channels=1, output="detections")
    assert "ties" not in str(said.value)
    with pytest.raises(ValueError, match="dict of boxes, scores and classes"):
        assert_equivariant(lambda x: {"boxes": x}, group=C4, size=6, channels=1, output="detections")


def test_rotation_matrices_of_float32_turn_boxes_as_exact_ones():
    boxes = jnp.array([[1.0, 2.0, 5.0, 3.5]])
    turned = move_upright(boxes, rotation_matrix(jnp.float32(90.0)), jnp.zeros(2), (8, 8))
    assert np.abs(turned - act_on_boxes(np.array([0, 1]), boxes, C4, (8, 8))).max() < 1e-5


def bright(x):
    """A dict for each image, with labels, of any number of boxes, as torchvision has it; of whole numbers."""
    found = []
    for image in np.asarray(x):
        rows, columns, _ = np.nonzero(image > 1)
        boxes = np.stack([columns, rows, columns + 1, rows + 1], -1)
        found.append({"boxes": boxes, "scores": image[rows, columns, 0], "labels": np.ones(len(rows), np.int64)})
    return found


def test_detections_as_other_libraries_give_them():
    assert assert_equivariant(as_function(bright, numpy=True), group="D4", size=6, channels=1, output="detections")
    short = as_function(lambda x: [{**image, "scores": image["scores"][1:]} for image in bright(x)], numpy=True)
    with pytest.raises(ValueError, match="shape of the scores of detections"):
        assert_equivariant(short, group="C4", size=6, channels=1, output="detections")


@pytest.mark.long
def test_an_audit_of_detections_as_other_libraries_give_them():
    detector = as_function(bright, numpy=True)
    report = audit(detector, group="C4", size=(6, 6, 1), count=3, batch=2, output="detections")
    assert (report["C4"].level, report["shifts"].level) == ("exact", "exact")


def test_round_objects_have_tight_boxes_at_every_angle():
    """Against the extremes of points on the moved ellipse."""
    boxes = jnp.array([[1.0, 2.0, 5.0, 4.0], [0.0, 0.0, 3.0, 7.0]])
    t = np.linspace(0, 2 * np.pi, 20_001)
    for matrix in (rotation_matrix(jnp.float32(37.0)), jnp.array([[1.5, 0.4], [-0.3, 0.8]])):
        moved = np.asarray(move_inscribed(boxes, matrix, jnp.array([0.5, -1.0]), (8, 10)))
        for box, found in zip(np.asarray(boxes, float), moved, strict=True):
            x = (box[0] + box[2]) / 2 + (box[2] - box[0]) / 2 * np.cos(t) - 5
            y = 4 - ((box[1] + box[3]) / 2 + (box[3] - box[1]) / 2 * np.sin(t))
            right, up = np.asarray(matrix, float) @ np.stack([x, y]) + np.array([[0.5], [-1.0]])
            wanted = [right.min() + 5, 4 - up.max(), right.max() + 5, 4 - up.min()]
            assert np.abs(found - wanted).max() < 1e-4
    quarter = jnp.array([[0.0, -1.0], [1.0, 0.0]])
    whole, ellipse = (np.asarray(f(boxes, quarter, jnp.zeros(2), (8, 8))) for f in (move_upright, move_inscribed))
    assert np.abs(whole - ellipse).max() < 1e-6


def test_contracts_of_decoded_outputs():
    scores = FieldType(C4, "1 trivial")
    layer = Conv(scores, scores, 3, padding=1, rngs=nnx.Rngs(0))
    report = check_contract(layer, 0, size=(6, 6), decode=brightest)
    assert report
    assert {row.symmetry for row in report.rows} == {"points"}
    assert len(report.rows) == 4
    broken = check_contract(layer, 0, size=(6, 6), decode=functools.partial(brightest, broken=0.01))
    assert 1e-4 < max(row.error for row in broken.failures) < 1e-2
    nothing = check_contract(layer, 0, size=(6, 6), decode=lambda y: {**brightest(y), "classes": -jnp.ones((2, 3))})
    assert not nothing.alive
    with pytest.raises(SymmetryError, match="does not keep its contract"):
        assert_contract(layer, size=6, decode=functools.partial(brightest, broken=0.01))


def test_ties_that_the_order_decides_are_reported():
    """The first of the brightest pixels of an image in which many are equally bright."""
    flat = jnp.zeros((1, 6, 6, 1)).at[0, 1, 1, 0].set(2.0).at[0, 2:4, 2:4, 0].set(1.0)
    with pytest.raises(SymmetryError, match=r"of these are elsewhere(.|\n)*the score of another(.|\n)*boxes\.ties"):
        assert_equivariant(brightest, flat, group=C4, output="detections")
