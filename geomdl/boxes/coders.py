"""Coders: boxes as the numbers that networks learn, and back."""

import jax.numpy as jnp
from jaxtyping import Array, Float

_LARGEST = 8.0
"""Of a logarithm: e⁸ = 2981."""


def to_sides(boxes: Float[Array, "*batch 4"], places: Float[Array, "*batch 2"]) -> Float[Array, "*batch 4"]:
    """The distances (left, top, right, bottom) from places to the sides of boxes; negative where a place is outside.

    Quarter turns and reflections of box and place permute them.

    Args:
      boxes: ``[..., 4]``, (x0, y0, x1, y1).
      places: ``[..., 2]``, (x, y).

    >>> to_sides(jnp.array([0.0, 0.0, 4.0, 2.0]), jnp.array([1.0, 1.0]))
    Array([1., 1., 3., 1.], dtype=float32)
    """
    return jnp.concatenate([places - boxes[..., :2], boxes[..., 2:] - places], -1)


def from_sides(away: Float[Array, "*batch 4"], places: Float[Array, "*batch 2"]) -> Float[Array, "*batch 4"]:
    """The boxes (x0, y0, x1, y1) with sides so far from places; the inverse of `to_sides`.

    Args:
      away: ``[..., 4]``, (left, top, right, bottom).
      places: ``[..., 2]``, (x, y).

    >>> from_sides(jnp.array([1.0, 1.0, 3.0, 1.0]), jnp.array([1.0, 1.0]))
    Array([0., 0., 4., 2.], dtype=float32)
    """
    return jnp.concatenate([places - away[..., :2], places + away[..., 2:]], -1)


def to_deltas(
    boxes: Float[Array, "*batch 4"], anchors: Float[Array, "*batch 4"], variances: tuple[float, float] = (0.1, 0.2)
) -> Float[Array, "*batch 4"]:
    """How boxes differ from anchors, as R-CNN and SSD learn it, with the offset upwards:

      (dx, dy, dw, dh) = ((c_x − a_x) / (v a_w), −(c_y − a_y) / (v a_h), log(w / a_w) / u, log(h / a_h) / u),

    c and a the centres, v and u the variances. (dx, dy) is a vector and (dw, dh) is exchanged by quarter turns, which
    exchange the sides of the anchor too. Departs from the papers in the sign of dy, which makes (dx, dy) a vector with
    y upwards, as representations have it.

    Args:
      boxes: ``[..., 4]``, (x0, y0, x1, y1).
      anchors: ``[..., 4]`` likewise.
      variances: (v, u).

    >>> to_deltas(jnp.array([0.0, 0.0, 4.0, 4.0]), jnp.array([1.0, 1.0, 5.0, 5.0]), (1.0, 1.0)) + 0.0
    Array([-0.25,  0.25,  0.  ,  0.  ], dtype=float32)
    """
    centre, size = (boxes[..., :2] + boxes[..., 2:]) / 2, jnp.maximum(boxes[..., 2:] - boxes[..., :2], 1e-6)
    middle, extent = (anchors[..., :2] + anchors[..., 2:]) / 2, anchors[..., 2:] - anchors[..., :2]
    offset = (centre - middle) / extent * jnp.array([1, -1], boxes.dtype)
    return jnp.concatenate([offset / variances[0], jnp.log(size / extent) / variances[1]], -1)


def from_deltas(
    deltas: Float[Array, "*batch 4"], anchors: Float[Array, "*batch 4"], variances: tuple[float, float] = (0.1, 0.2)
) -> Float[Array, "*batch 4"]:
    """The boxes (x0, y0, x1, y1) that differ so from anchors; the inverse of `to_deltas`.

    Args:
      deltas: ``[..., 4]``.
      anchors: ``[..., 4]``, (x0, y0, x1, y1).
      variances: (v, u).

    >>> from_deltas(jnp.array([-0.25, 0.25, 0.0, 0.0]), jnp.array([1.0, 1.0, 5.0, 5.0]), (1.0, 1.0))
    Array([0., 0., 4., 4.], dtype=float32)
    """
    middle, extent = (anchors[..., :2] + anchors[..., 2:]) / 2, anchors[..., 2:] - anchors[..., :2]
    centre = middle + deltas[..., :2] * variances[0] * jnp.array([1, -1], deltas.dtype) * extent
    half = extent * jnp.exp(jnp.clip(deltas[..., 2:] * variances[1], -_LARGEST, _LARGEST)) / 2
    return jnp.concatenate([centre - half, centre + half], -1)


def to_log_shape(boxes: Float[Array, "*batch 5"]) -> Float[Array, "*batch 3"]:
    """Size and orientation of oriented boxes as the logarithm of a symmetric matrix, which is linear to learn:

      R(θ) diag(log w/2, log h/2) R(θ)ᵀ = [[a + c, s], [s, a − c]].

    a is a scalar and (c, s) a field of frequency 2, for every rotation and reflection; boxes that are the same
    rectangle, (w, h, θ) ~ (w, h, θ + π) ~ (h, w, θ + π/2), have the same numbers, and squares have c = s = 0.

    Args:
      boxes: ``[..., 5]``, (cx, cy, w, h, angle).

    Returns:
      ``[..., 3]``, (a, c, s).

    >>> to_log_shape(jnp.array([9.0, 9.0, 2.0, 2.0, 0.3])) + 0.0
    Array([0., 0., 0.], dtype=float32)
    """
    logs = jnp.log(jnp.maximum(boxes[..., 2:4], 1e-6) / 2)
    mean, half = logs.mean(-1), (logs[..., 0] - logs[..., 1]) / 2
    double = 2 * boxes[..., 4]
    return jnp.stack([mean, half * jnp.cos(double), half * jnp.sin(double)], -1)


def from_log_shape(numbers: Float[Array, "*batch 3"], centres: Float[Array, "*batch 2"]) -> Float[Array, "*batch 5"]:
    """The oriented boxes of such logarithms; the inverse of `to_log_shape`, with w ≥ h and the angle in [−π/2, π/2).

    Args:
      numbers: ``[..., 3]``, (a, c, s).
      centres: ``[..., 2]``, (cx, cy).

    >>> box = from_log_shape(to_log_shape(jnp.array([9.0, 9.0, 2.0, 4.0, 0.0])), jnp.array([9.0, 9.0]))
    >>> [f"{number:.3f}" for number in box.tolist()]  # long edge first, at −90°
    ['9.000', '9.000', '4.000', '2.000', '-1.571']
    """
    mean, c, s = numbers[..., 0], numbers[..., 1], numbers[..., 2]
    squares = c * c + s * s
    turned = squares > 0
    half = jnp.where(turned, jnp.sqrt(jnp.where(turned, squares, 1)), 0)
    angle = jnp.where(turned, jnp.arctan2(s, jnp.where(turned, c, 1)) / 2, 0)
    angle = jnp.where(angle >= jnp.pi / 2 - 1e-7, angle - jnp.pi, angle)
    extents = 2 * jnp.exp(jnp.clip(jnp.stack([mean + half, mean - half], -1), -_LARGEST, _LARGEST))
    return jnp.concatenate([centres, extents, angle[..., None]], -1)
