"""Average precision of detections by COCO's rules and of polygons, the confusion matrix, the worst images."""

import jax.numpy as jnp
import numpy as np
import pytest
from shapely import Polygon

from geomdl.evaluators import COCO, BoxPrecision, FoundBoxes, coco_metrics, detection_confusion
from geomdl.tasks import AveragePrecision, Classification

CLASSES = ("cell", "plate")


def said(outputs):
    """Outputs that are detections."""
    return outputs


def drawn(seed: int, images: int = 10, objects: int = 6, found: int = 9) -> FoundBoxes:
    """Objects, and detections near them and elsewhere; with padding, and a few difficult objects."""
    rng = np.random.default_rng(seed)
    corner, side = rng.uniform(0, 60, (images, objects, 2)), rng.uniform(8, 50, (images, objects, 2))
    boxes = np.concatenate([corner, corner + side], -1)
    classes = np.where(rng.random((images, objects)) < 0.8, rng.integers(0, 2, (images, objects)), -1)
    near = np.arange(found) % objects
    moved = boxes[:, near] + rng.normal(0, 3, (images, found, 4))
    moved[..., 2:] = np.maximum(moved[..., 2:], moved[..., :2] + 1)
    kinds = np.where(rng.random((images, found)) < 0.8, classes[:, near], rng.integers(0, 2, (images, found)))
    scores = rng.permutation(np.linspace(0.05, 0.99, images * found)).reshape(images, found)
    there = {"boxes": boxes.astype(np.float32), "classes": classes.astype(np.int32)}
    there["difficult"] = np.zeros((images, objects), bool)
    detections = {
        "boxes": moved.astype(np.float32),
        "scores": scores.astype(np.float32),
        "classes": kinds.astype(np.int32),
    }
    return FoundBoxes(detections, there, CLASSES)


def precision(found: FoundBoxes, threshold: float, points: int | None) -> float:
    """The mean average precision by our own rules."""
    measure = AveragePrecision(said, CLASSES, threshold, points)
    return measure.compute(measure.update((), dict(found.found), {"label": dict(found.there)}))[measure.metrics[0]]


def test_coco_by_the_library_and_by_101_points() -> None:
    """Where no object has two candidates the rules of VOC and COCO give the same matches."""
    far = drawn(0)
    place = 200.0 * np.arange(6)[None, :, None]
    for boxes, columns in ((far.there["boxes"], np.arange(6)), (far.found["boxes"], np.arange(9) % 6)):
        boxes += place[:, columns]  # no two objects overlap
    got = coco_metrics(far)
    assert got["ap50"] == pytest.approx(precision(far, 0.5, 101), abs=1e-5)
    assert got["ap75"] == pytest.approx(precision(far, 0.75, 101), abs=1e-5)
    each = [precision(far, t, 101) for t in np.linspace(0.5, 0.95, 10)]
    assert got["ap"] == pytest.approx(np.mean(each), abs=1e-5)
    assert 0.1 < got["ap75"] < got["ap50"] < 0.95


def test_a_worked_case_of_coco() -> None:
    """Of two objects one is found exactly, below a false alarm: precision 1/2 up to recall 1/2."""
    box = [0.0, 0.0, 100.0, 100.0]
    there = {"boxes": np.array([[box, [200.0, 200.0, 300.0, 300.0]]]), "classes": np.array([[0, 0]])}
    there["difficult"] = np.zeros((1, 2), bool)
    found = {"boxes": np.array([[[400.0, 0.0, 500.0, 100.0], box]]), "scores": np.array([[0.9, 0.8]])}
    found["classes"] = np.array([[0, 0]])
    got = coco_metrics(FoundBoxes(found, there, CLASSES))
    assert got["ap"] == got["ap50"] == pytest.approx(51 / 101 / 2)
    assert got["ar_1"] == 0.0
    assert got["ar_100"] == got["ar_large"] == 0.5
    assert "ap_small" not in got
    nothing = FoundBoxes({**found, "classes": np.array([[-1, -1]])}, there, CLASSES)
    assert coco_metrics(nothing)["ap"] == 0.0
    crowd = FoundBoxes(found, {**there, "difficult": np.array([[False, True]])}, CLASSES)
    assert coco_metrics(crowd)["ar_100"] == 1.0


def corners(box: np.ndarray) -> list[tuple[float, float]]:
    """The corners of an oriented box, y downwards: counter-clockwise as seen is a negative angle of the axes."""
    cx, cy, w, h, angle = (float(v) for v in box)
    cos, sin = np.cos(angle), np.sin(angle)
    ends = [(-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2)]
    return [(cx + cos * x + sin * y, cy - sin * x + cos * y) for x, y in ends]


def dota(found: FoundBoxes, index: int, threshold: float) -> float:
    """Task 1 of DOTA written plainly: polygons of shapely, 11 points."""
    objects = {i: [j for j, k in enumerate(found.there["classes"][i]) if k == index] for i in range(len(found))}
    taken, hits = set(), []
    order = [(-found.found["scores"][i, d], i, d) for i, d in np.argwhere(found.found["classes"] == index)]
    for _, i, d in sorted(order):
        polygon, best, most = Polygon(corners(found.found["boxes"][i, d])), -1, 0.0
        for j in objects[i]:
            other = Polygon(corners(found.there["boxes"][i, j]))
            both = polygon.intersection(other).area
            overlap = both / (polygon.area + other.area - both)
            if overlap > most:
                best, most = j, overlap
        hits.append(most > threshold and (i, best) not in taken)
        taken |= {(i, best)} if hits[-1] else set()
    right = np.cumsum(hits)
    recall, share = right / sum(map(len, objects.values())), right / np.arange(1, len(hits) + 1)
    return float(np.mean([max(share[recall >= t], default=0.0) for t in np.arange(0.0, 1.1, 0.1)]))


@pytest.mark.parametrize("threshold", [0.5, 0.7])
def test_oriented_boxes_by_polygons(threshold: float) -> None:
    found, rng = drawn(1), np.random.default_rng(3)
    for boxes in (found.found, found.there):
        b, near = boxes["boxes"], np.arange(boxes["boxes"].shape[1]) % 6
        angles = np.random.default_rng(2).uniform(-np.pi / 2, np.pi / 2, (10, 6))[:, near]
        angles = angles + (0.1 * rng.normal(size=angles.shape) if "scores" in boxes else 0)
        sides = b[..., 2:] - b[..., :2]
        oriented = np.concatenate([b[..., :2] + sides / 2, sides, angles[..., None]], -1)
        boxes["boxes"] = oriented.astype(np.float32)  # type: ignore[index]
    measure = AveragePrecision(said, CLASSES, threshold, 11)
    got = measure.compute(measure.update((), dict(found.found), {"label": dict(found.there)}))
    expected = [dota(found, k, threshold) for k in range(2)]
    np.testing.assert_allclose([got[name] for name in measure.metrics[1:]], expected, atol=1e-6)
    assert 0.02 < min(expected) < max(expected) < 0.95
    with pytest.raises(ValueError, match="invalid boxes 'oriented'"):
        coco_metrics(found)


def test_confusion_and_worst_images() -> None:
    """The first image is right, the second misses one, of the third both are taken for another class."""
    boxes = np.tile(np.array([[[0.0, 0.0, 4.0, 4.0], [6.0, 6.0, 9.0, 9.0]]]), (3, 1, 1))
    there = {"boxes": boxes, "classes": np.array([[0, 1], [0, 1], [0, 0]]), "difficult": np.zeros((3, 2), bool)}
    found = {"boxes": boxes, "scores": np.full((3, 2), 0.8), "classes": np.array([[0, 1], [0, -1], [1, 1]])}
    both = FoundBoxes(found, there, CLASSES)
    assert detection_confusion(both).tolist() == [[2, 2, 0], [0, 1, 1], [0, 0, 0]]
    assert both.errors().tolist() == [0, 1, 4]
    assert both.worst() == [2, 1]
    assert both.worst(1) == [2]
    assert detection_confusion(both, least=0.9).tolist() == [[0, 0, 4], [0, 0, 2], [0, 0, 0]]
    easy = FoundBoxes(found, {**there, "difficult": np.ones((3, 2), bool)}, CLASSES)
    assert detection_confusion(easy).sum() == 0
    assert len(both.detections(1)["scores"]) == 1
    assert len(both.detections(1, least=0.9)["scores"]) == 0
    moved = FoundBoxes({**found, "boxes": boxes + 50}, there, CLASSES)
    assert detection_confusion(moved).tolist() == [[0, 0, 4], [0, 0, 2], [2, 3, 0]]


def test_other_tasks_are_refused() -> None:
    for evaluator, name in ((COCO(), "coco"), (BoxPrecision("voc2007"), "voc2007")):
        assert not evaluator.suits(Classification(num_classes=2))
        with pytest.raises(ValueError, match=f"invalid evaluator '{name}'"):
            evaluator(lambda x: jnp.zeros((len(x), 2)), None, Classification(num_classes=2))
