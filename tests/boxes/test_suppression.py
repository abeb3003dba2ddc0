"""Suppression against the sequential algorithms of the papers, written as plain loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.boxes import by_score, diou, iou, nms, oriented_iou, soft_nms, ties

MEASURES = {"iou": iou, "diou": diou, "oriented": oriented_iou}
COUNT = 150  # more than one tile


def _drawn(seed: int, oriented: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes that overlap much, scores of which many are equal, classes with padding."""
    rng = np.random.default_rng(seed)
    centre, size = rng.uniform(10, 22, (COUNT, 2)), rng.uniform(4, 12, (COUNT, 2))
    if oriented:
        boxes = np.concatenate([centre, size, rng.uniform(-1.5, 1.5, (COUNT, 1))], -1)
    else:
        boxes = np.concatenate([centre - size / 2, centre + size / 2], -1)
    scores = rng.integers(1, 12, COUNT) / 12
    scores[rng.random(COUNT) < 0.1] = -np.inf
    return boxes.astype(np.float32), scores.astype(np.float32), rng.integers(-1, 3, COUNT).astype(np.int32)


def _area(boxes: np.ndarray) -> np.ndarray:
    size = boxes[:, 2:4] if boxes.shape[-1] == 5 else boxes[:, 2:] - boxes[:, :2]
    return size[:, 0] * size[:, 1]


@functools.cache
def _table(overlap: str):
    return jax.jit(lambda boxes: MEASURES[overlap](boxes[:, None], boxes[None]))


def _padded(places: list[int], most: int) -> list[int]:
    return [*places, *[-1] * most][:most]


def _plain_nms(boxes, scores, classes, overlap: str, threshold: float) -> list[int]:
    table, areas, kept = np.asarray(_table(overlap)(boxes)), _area(boxes), []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], -areas[i], i)):
        rivals = [j for j in kept if classes[j] == classes[i] and table[j, i] > threshold]
        if classes[i] >= 0 and scores[i] > -np.inf and not rivals:
            kept.append(i)
    return kept


@pytest.mark.parametrize("overlap", MEASURES)
def test_greedy_suppression(overlap: str):
    batch = [_drawn(seed, overlap == "oriented") for seed in range(3)]
    suppress = jax.jit(jax.vmap(functools.partial(nms, threshold=0.3, max_outputs=60, overlap=overlap)))
    found = suppress(*(np.stack(part) for part in zip(*batch, strict=True)))
    for one, kept in zip(batch, found.tolist(), strict=True):
        expected = _plain_nms(*one, overlap, 0.3)
        assert 5 < len(expected) < 60
        assert kept == _padded(expected, 60)


@pytest.mark.parametrize("most", [60, 128, 200, 300])
def test_many_that_stay(most: int):
    """More than one tile of those that stay, of which the last is filled in part, and the places end within one."""
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 140, (420, 2))
    boxes = np.concatenate([low, low + rng.uniform(3, 9, (420, 2))], -1).astype(np.float32)
    scores, classes = rng.random(420).astype(np.float32), np.zeros(420, np.int32)
    expected = _plain_nms(boxes, scores, classes, "iou", 0.1)
    assert 210 < len(expected) < 290
    assert nms(boxes, scores, classes, threshold=0.1, max_outputs=most).tolist() == _padded(expected, most)


def test_fewer_places_than_boxes_that_stay():
    boxes, scores, classes = _drawn(0, False)
    expected = _plain_nms(boxes, scores, classes, "iou", 0.3)
    assert nms(boxes, scores, classes, threshold=0.3, max_outputs=4).tolist() == expected[:4]


def test_no_box_at_all():
    nothing = np.zeros((3, 4), np.float32), np.full(3, -np.inf, np.float32)
    assert nms(*nothing, max_outputs=2).tolist() == [-1, -1]
    places, left = soft_nms(*nothing, max_outputs=2)
    assert (places.tolist(), left.tolist()) == ([-1, -1], [0, 0])
    empty = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    assert nms(*empty, max_outputs=2).tolist() == [-1, -1]
    places, left = soft_nms(*empty, max_outputs=2)
    assert (places.tolist(), left.tolist()) == ([-1, -1], [0, 0])


@pytest.mark.parametrize(("decay", "overlap"), [("linear", "iou"), ("gaussian", "oriented")])
def test_soft_suppression(decay: str, overlap: str):
    boxes, scores, classes = _drawn(5, overlap == "oriented")
    scores = np.random.default_rng(6).permutation(np.linspace(0.1, 1, COUNT)).astype(np.float32)
    table, left, expected = np.maximum(_table(overlap)(boxes), 0), scores.astype(np.float64), []
    left[classes < 0] = -1
    for _ in range(40):
        i = int(left.argmax())
        expected.append((i, left[i]))
        for j in np.flatnonzero(classes == classes[i]):
            over = table[i, j]
            left[j] *= (1 - over if over > 0.3 else 1) if decay == "linear" else np.exp(-(over**2) / 0.5)
        left[i] = -1
    suppress = functools.partial(soft_nms, decay=decay, overlap=overlap, max_outputs=40, least=0.6)
    places, weights = suppress(boxes, scores, classes)
    real = [(i, score) for i, score in expected if score >= 0.6]
    assert 5 < len(real) < 40
    assert places.tolist() == _padded([i for i, _ in real], 40)
    np.testing.assert_allclose(weights[: len(real)], [score for _, score in real], rtol=1e-4)
    assert not weights[len(real) :].any()


def test_equal_scores_are_told_apart_by_area_and_distance():
    boxes = jnp.array([[0.0, 0, 2, 2], [3, 3, 5, 5], [0, 0, 3, 3], [7, 7, 9, 9]])
    order = by_score(boxes, jnp.array([0.5, 0.5, 0.5, 0.6]), jnp.array([4.0, 4.0]))
    assert order.tolist() == [3, 2, 1, 0]  # by score, then the larger, then the nearer


def test_ties_are_counted():
    boxes = jnp.array([[0.0, 0, 4, 3], [0, 1, 4, 4], [0, 1, 4, 4], [0, 1, 4, 4], [6, 6, 9, 9]])
    scores, classes = jnp.array([0.9, 0.9, 0.8, 0.9, 0.9]), jnp.array([0, 0, 0, 1, 0])
    kept = nms(boxes, scores, classes, threshold=0.4, max_outputs=5)
    assert sorted(kept.tolist()) == [-1, -1, 0, 3, 4]
    assert int(ties(boxes, scores, kept, classes, threshold=0.4)) == 1  # box 1: not 2, which has a lower score
