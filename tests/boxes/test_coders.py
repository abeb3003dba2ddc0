"""Coders there and back, and against the formulas of the papers."""

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.boxes import from_deltas, from_log_shape, from_sides, to_deltas, to_log_shape, to_sides


def _boxes(seed: int, count: int = 20) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 40, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(1, 20, (count, 2))], -1).astype(np.float32)


def test_distances_to_the_sides():
    boxes, places = _boxes(0), _boxes(1)[:, :2]
    away = jax.jit(to_sides)(boxes, places)
    for (x0, y0, x1, y1), (x, y), found in zip(boxes, places, away, strict=True):
        np.testing.assert_allclose(found, [x - x0, y - y0, x1 - x, y1 - y], atol=1e-5)
    np.testing.assert_allclose(jax.jit(jax.vmap(from_sides))(away, places), boxes, atol=1e-4)


def test_differences_from_anchors():
    boxes, anchors = _boxes(2), _boxes(3)
    deltas = jax.jit(to_deltas)(boxes, anchors)
    for box, anchor, found in zip(boxes.astype(np.float64), anchors.astype(np.float64), deltas, strict=True):
        (w, h), (aw, ah) = box[2:] - box[:2], anchor[2:] - anchor[:2]
        x, y = (box[:2] + box[2:] - anchor[:2] - anchor[2:]) / 2
        expected = [x / aw / 0.1, -y / ah / 0.1, np.log(w / aw) / 0.2, np.log(h / ah) / 0.2]  # y upwards
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(jax.jit(jax.vmap(from_deltas))(deltas, anchors), boxes, atol=1e-3)


def test_decoding_stays_finite():
    assert np.isfinite(jax.jit(from_deltas)(jnp.full(4, 1e6), jnp.array([0.0, 0.0, 1.0, 1.0]))).all()
    gradient = jax.jit(jax.grad(lambda numbers: from_log_shape(numbers, jnp.zeros(2)).sum()))(jnp.zeros(3))
    assert np.isfinite(gradient).all()


def test_logarithms_of_the_shape():
    rng = np.random.default_rng(4)
    sizes = np.sort(rng.uniform(1, 20, (30, 2)))[:, ::-1]  # long edge first
    angles = rng.uniform(-np.pi / 2, np.pi / 2 - 1e-3, (30, 1))
    boxes = np.concatenate([rng.uniform(0, 40, (30, 2)), sizes, angles], -1).astype(np.float32)
    numbers = jax.jit(to_log_shape)(boxes)
    for (_, _, w, h, angle), (a, c, s) in zip(boxes.astype(np.float64), np.asarray(numbers), strict=True):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = turn @ np.diag(np.log([w / 2, h / 2])) @ turn.T
        np.testing.assert_allclose([[a + c, s], [s, a - c]], matrix, atol=1e-4)
    np.testing.assert_allclose(jax.jit(jax.vmap(from_log_shape))(numbers, boxes[:, :2]), boxes, rtol=1e-3, atol=1e-3)


def test_one_rectangle_has_one_logarithm():
    box = jnp.array([3.0, 4.0, 6.0, 2.0, 0.4])
    half_turn, exchanged = box.at[4].add(jnp.pi), jnp.array([3.0, 4.0, 2.0, 6.0, 0.4 + jnp.pi / 2])
    for other in (half_turn, exchanged):
        np.testing.assert_allclose(to_log_shape(other), to_log_shape(box), atol=1e-5)
