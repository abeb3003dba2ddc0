"""Overlaps of boxes against plain loops, and of oriented ones against polygons of shapely."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shapely import Polygon

from geomdl.boxes import diou, giou, iou, oriented_iou, pairwise_iou, pairwise_oriented_iou


def _boxes(seed: int, count: int) -> np.ndarray:
    """Whole numbers from 0 to 8, so that some touch, some coincide and some have no area."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 4, (count, 2))
    return np.concatenate([corner, corner + rng.integers(0, 6, (count, 2))], -1).astype(np.float32)


def _plain(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """IoU, GIoU and DIoU by counting unit squares."""

    def cells(box: np.ndarray) -> set[tuple[int, int]]:
        x0, y0, x1, y1 = map(int, box)
        return set(itertools.product(range(x0, x1), range(y0, y1)))

    both, union = len(cells(a) & cells(b)), len(cells(a) | cells(b))
    around = np.array([*np.minimum(a[:2], b[:2]), *np.maximum(a[2:], b[2:])])
    width, height = around[2:] - around[:2]
    share = both / union if union else 0.0
    empty = (width * height - union) / (width * height) if width * height else 0.0
    apart = (a[:2] + a[2:] - b[:2] - b[2:]) / 2
    diagonal = width**2 + height**2
    return share, share - empty, share - (float(apart @ apart) / diagonal if diagonal else 0.0)


def test_upright_overlaps_by_counting_squares():
    a, b = _boxes(0, 60), _boxes(1, 60)
    b[:5] = a[:5]
    expected = np.array([_plain(one, other) for one, other in zip(a, b, strict=True)])
    for measure, column in zip((iou, giou, diou), expected.T, strict=True):
        np.testing.assert_allclose(jax.jit(measure)(a, b), column, atol=1e-6)
        np.testing.assert_allclose(jax.jit(jax.vmap(measure))(a, b), column, atol=1e-6)
    assert (expected[:, 0] > 0).sum() > 10
    assert expected[:, 1].min() < -0.3


def test_all_pairs():
    a, b = _boxes(2, 4), _boxes(3, 6)
    table = jax.jit(pairwise_iou)(a, b)
    np.testing.assert_allclose(table, [[_plain(x, y)[0] for y in b] for x in a], atol=1e-6)


def _polygon(box: np.ndarray) -> Polygon:
    """The corners of (cx, cy, w, h, angle): counter-clockwise on the screen, where y is down."""
    x, y, w, h, angle = box.astype(np.float64)
    across, up = np.array([np.cos(angle), -np.sin(angle)]), np.array([-np.sin(angle), -np.cos(angle)])
    corners = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    return Polygon([np.array([x, y]) + i * w / 2 * across + j * h / 2 * up for i, j in corners])


def _oriented(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centre, size = rng.uniform(20, 30, (count, 2)), rng.uniform(1, 12, (count, 2))
    return np.concatenate([centre, size, rng.uniform(-np.pi / 2, np.pi / 2, (count, 1))], -1).astype(np.float32)


def test_oriented_overlap_by_polygons():
    a, b = _oriented(0, 80), _oriented(1, 80)
    b[:10] = a[:10]  # the same
    b[10:20] = a[10:20]
    b[10:20, 4] += np.pi / 2  # about one centre
    b[20:30, 4] = a[20:30, 4]  # parallel
    a[30:40, 4] = b[30:40, 4] = 0  # along the axes
    b[40:45, :2] += 100  # apart
    pairs = [(_polygon(one), _polygon(other)) for one, other in zip(a, b, strict=True)]
    both = np.array([one.intersection(other).area for one, other in pairs])
    expected = both / (np.array([one.area + other.area for one, other in pairs]) - both)
    np.testing.assert_allclose(jax.jit(oriented_iou)(a, b), expected, atol=2e-5)
    np.testing.assert_allclose(jax.jit(oriented_iou)(b, a), expected, atol=2e-5)
    tables = jax.jit(jax.vmap(pairwise_oriented_iou))(a.reshape(8, 10, 5), b.reshape(8, 10, 5))
    np.testing.assert_allclose(np.diagonal(tables, axis1=1, axis2=2).ravel(), expected, atol=2e-5)


def test_oriented_boxes_along_the_axes_are_upright_ones():
    a, b = _boxes(4, 30), _boxes(5, 30)

    def oriented(boxes: np.ndarray) -> np.ndarray:
        centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        return np.concatenate([centre, size, np.zeros((len(boxes), 1), np.float32)], -1)

    np.testing.assert_allclose(jax.jit(oriented_iou)(oriented(a), oriented(b)), jax.jit(iou)(a, b), atol=2e-5)


@pytest.mark.parametrize("measure", [iou, giou, diou])
def test_boxes_without_area_have_finite_overlaps_and_gradients(measure):
    nothing = jnp.zeros(4)
    assert float(iou(nothing, nothing)) == 0
    assert np.isfinite(jax.jit(jax.grad(measure))(nothing, jnp.ones(4))).all()
