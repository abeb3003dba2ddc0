"""Average precision: the devkit of Pascal VOC written plainly, worked cases, padding, difficult objects, ties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.tasks import Accumulator, AveragePrecision, PrecisionRecall, match_detections
from geomdl.tasks.average_precision import box_overlaps

CLASSES = ("cell", "plate", "bead")


def said(outputs):
    """Outputs that are detections."""
    return outputs


def devkit(images: list[dict], index: int, threshold: float, eleven: bool) -> float:
    """voc_eval of the devkit, for one class: integer pixels, first and last, areas with + 1."""
    truth = []
    for image in images:
        of_class = [i for i, k in enumerate(image["classes"]) if k == index]
        boxes, difficult = image["boxes"][of_class], image["difficult"][of_class]
        truth.append({"boxes": boxes, "difficult": difficult, "found": [False] * len(of_class)})
    objects = sum(int((~t["difficult"]).sum()) for t in truth)
    found = [
        (score, i, box)
        for i, image in enumerate(images)
        for score, k, box in zip(image["scores"], image["found"], image["detected"], strict=True)
        if k == index
    ]
    found.sort(key=lambda entry: -entry[0])
    right, wrong = np.zeros(len(found)), np.zeros(len(found))
    for d, (_, i, box) in enumerate(found):
        most, best = -np.inf, -1
        for j, other in enumerate(truth[i]["boxes"]):
            wide = min(box[2], other[2]) - max(box[0], other[0]) + 1.0
            high = min(box[3], other[3]) - max(box[1], other[1]) + 1.0
            both = max(wide, 0.0) * max(high, 0.0)
            union = (box[2] - box[0] + 1.0) * (box[3] - box[1] + 1.0) - both
            union += (other[2] - other[0] + 1.0) * (other[3] - other[1] + 1.0)
            if both / union > most:
                most, best = both / union, j
        if most > threshold:
            if not truth[i]["difficult"][best]:
                if not truth[i]["found"][best]:
                    right[d], truth[i]["found"][best] = 1.0, True
                else:
                    wrong[d] = 1.0
        else:
            wrong[d] = 1.0
    tp, fp = np.cumsum(right), np.cumsum(wrong)
    recall, precision = tp / objects, tp / np.maximum(tp + fp, np.finfo(np.float64).eps)
    if eleven:
        total = 0.0
        for t in np.arange(0.0, 1.1, 0.1):
            total += (np.max(precision[recall >= t]) if (recall >= t).any() else 0.0) / 11.0
        return total
    r, p = np.concatenate(([0.0], recall, [1.0])), np.concatenate(([0.0], precision, [0.0]))
    for i in range(p.size - 1, 0, -1):
        p[i - 1] = max(p[i - 1], p[i])
    i = np.where(r[1:] != r[:-1])[0]
    return float(np.sum((r[i + 1] - r[i]) * p[i + 1]))


def pixels(rng: np.random.Generator, count: int) -> np.ndarray:
    """Boxes by their first and last pixels, [count, 4]."""
    corner = rng.integers(0, 20, (count, 2))
    return np.concatenate([corner, corner + rng.integers(2, 12, (count, 2))], 1).astype(np.float64)


def drawn(seed: int, images: int = 12) -> list[dict]:
    """Objects of three classes, and detections about them and elsewhere; scores are different."""
    rng, made = np.random.default_rng(seed), []
    scores = rng.permutation(np.linspace(0.01, 0.99, images * 15)) + 0.001 * seed
    for i in range(images):
        count = int(rng.integers(0, 6))
        boxes, classes = pixels(rng, count), rng.integers(0, 3, count)
        near = np.repeat(np.arange(count), 2)
        moved = np.round(boxes[near] + rng.normal(0, 1.2, (len(near), 4)))
        moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
        kinds = np.where(rng.random(len(near)) < 0.8, classes[near], rng.integers(0, 3, len(near)))
        made.append({
            "boxes": boxes, "classes": classes, "difficult": rng.random(count) < 0.2,
            "detected": np.concatenate([moved, pixels(rng, 3)]), "found": np.append(kinds, rng.integers(0, 3, 3)),
            "scores": scores[15 * i : 15 * i + len(near) + 3],
        })  # fmt: skip
    return made


def padded(arrays: list[np.ndarray], length: int, value: float, dtype: type) -> np.ndarray:
    """One array of one length."""
    whole = np.full((len(arrays), length, *np.shape(arrays[0])[1:]), value, dtype)
    for row, array in zip(whole, arrays, strict=True):
        row[: len(array)] = array
    return whole


def batch_of(images: list[dict], more: int = 0) -> tuple[dict, dict]:
    """Detections and targets, filled up, of pixel edges; ``more`` images that do not count fill up the batch."""
    edges = np.array([0, 0, 1, 1])
    images = images + images[:more]
    truth = {
        "boxes": padded([i["boxes"] + edges for i in images], 7, 0, np.float32),
        "classes": padded([i["classes"] for i in images], 7, -1, np.int32),
        "difficult": padded([i["difficult"] for i in images], 7, 0, bool),
    }
    found = {
        "boxes": padded([i["detected"] + edges for i in images], 16, 0, np.float32),
        "classes": padded([i["found"] for i in images], 16, -1, np.int32),
        "scores": padded([i["scores"] for i in images], 16, 0, np.float32),
    }
    mask = np.arange(len(images)) < len(images) - more
    return found, {"label": truth, "mask": mask.astype(np.float32)}


@pytest.mark.parametrize(("threshold", "points"), [(0.5, 11), (0.5, None), (0.7, None)])
def test_it_is_that_of_the_devkit(threshold: float, points: int | None) -> None:
    measure = AveragePrecision(said, CLASSES, threshold, points)
    assert isinstance(measure, Accumulator)
    images, state = drawn(0) + drawn(1), measure.init()
    for start in (0, 12):
        found, batch = batch_of(images[start : start + 12], more=3)
        state = measure.merge(state, measure.update(measure.init(), found, batch))
    expected = [devkit(images, k, threshold, points == 11) for k in range(3)]
    got = measure.compute(state)
    assert list(got) == list(measure.metrics)
    np.testing.assert_allclose([got[f"ap{100 * threshold:g}/{name}"] for name in CLASSES], expected, atol=1e-6)
    assert got[f"map{100 * threshold:g}"] == pytest.approx(np.mean(expected))
    assert 0.02 < min(expected) < max(expected) < 0.95


def test_worked_cases() -> None:
    """Three of four objects are found, with two wrong detections between them."""
    curve = PrecisionRecall.of([0.9, 0.8, 0.7, 0.6, 0.5], [True, False, True, False, True], objects=4)
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 2 / 3, 1 / 2, 3 / 5])
    assert curve.average() == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    assert curve.average(11) == pytest.approx((3 * 1 + 3 * 2 / 3 + 2 * 3 / 5) / 11)
    assert curve.average(101) == pytest.approx((26 * 1 + 25 * 2 / 3 + 25 * 3 / 5) / 101)
    assert PrecisionRecall.of([], [], objects=4).average() == 0.0
    assert np.isnan(PrecisionRecall.of([0.5], [False], objects=0).average())


def test_equal_scores_enter_together() -> None:
    """Whatever the order of detections, the number is the same."""
    one = PrecisionRecall.of([0.5, 0.5, 0.2], [True, False, True], objects=2)
    other = PrecisionRecall.of([0.2, 0.5, 0.5], [True, False, True], objects=2)
    assert one.average() == other.average() == pytest.approx((1 / 2 * 2 / 3) + 1 / 2 * 2 / 3)


def test_order_padding_and_difficult_objects() -> None:
    measure = AveragePrecision(said, CLASSES)
    found, batch = batch_of(drawn(2))
    upright = measure.compute(measure.update(measure.init(), found, batch))
    turn = np.random.default_rng(0).permutation(16)
    shuffled = {name: value[:, turn] for name, value in found.items()}
    assert measure.compute(measure.update(measure.init(), shuffled, batch)) == upright
    harder = {**batch, "label": {**batch["label"], "difficult": np.ones((12, 7), bool)}}
    with pytest.warns(UserWarning, match="no object to find: map50 is given as 0"):
        assert measure.compute(measure.update(measure.init(), found, harder)) == {"map50": 0.0}
    only = np.where(batch["label"]["classes"] == 1, 1, -1)
    got = measure.compute(measure.update(measure.init(), found, {"label": {**batch["label"], "classes": only}}))
    assert list(got) == ["map50", "ap50/plate"]


def test_images_without_boxes() -> None:
    """What is found there is wrong, and nothing is missed."""
    measure = AveragePrecision(said, ("cell",))
    box = jnp.array([[[0.0, 0.0, 4.0, 4.0]], [[0.0, 0.0, 4.0, 4.0]]])
    truth = {"boxes": box, "classes": jnp.array([[0], [-1]]), "difficult": jnp.zeros((2, 1), bool)}
    found = {"boxes": box, "classes": jnp.zeros((2, 1), int), "scores": jnp.array([[0.5], [0.9]])}
    assert measure.compute(measure.update((), found, {"label": truth}))["map50"] == 0.5
    nothing = {"boxes": box[:, :0], "classes": jnp.zeros((2, 0), int), "difficult": jnp.zeros((2, 0), bool)}
    matched = match_detections(
        box_overlaps(box, nothing["boxes"]), found["scores"], found["classes"], nothing["classes"], nothing["difficult"]
    )
    assert matched.tolist() == [[0], [0]]


def test_equal_scores_of_one_object_are_told_apart_by_overlap() -> None:
    overlaps, zero = jnp.array([[0.6], [0.9], [0.7]]), jnp.zeros(3, int)
    got = jax.jit(match_detections)(overlaps, jnp.full(3, 0.5), zero, jnp.zeros(1, int), jnp.zeros(1, bool))
    assert got.tolist() == [0, 1, 0]


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"threshold of the overlap 50; allowed: a number between 0 and 1; try 0\.5"):
        AveragePrecision(said, CLASSES, 50)
    with pytest.raises(ValueError, match="invalid points 10; allowed: None, 11 or 101"):
        AveragePrecision(said, CLASSES, points=10)
    with pytest.raises(ValueError, match="invalid points 12"):
        PrecisionRecall.of([0.5], [True], objects=1).average(12)
    with pytest.raises(ValueError, match=r"numbers of the boxes \(4, 5\); allowed: 4"):
        box_overlaps(jnp.zeros((1, 4)), jnp.zeros((1, 5)))
