"""Overlap of boxes: IoU, GIoU and DIoU of upright boxes, IoU of oriented ones."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Boxes = Float[Array, "*batch 4"]
"""Upright boxes (x0, y0, x1, y1), in pixels from the top left corner of the image."""
Oriented = Float[Array, "*batch 5"]
"""Oriented boxes (cx, cy, w, h, angle), the angle in radians, counter-clockwise as seen on the screen."""

_TINY = 1e-9


def area(boxes: Boxes) -> Array:
    """(x1 − x0)(y1 − y0) of boxes ``[..., 4]``; 0 where a side is negative.

    Args:
      boxes: (x0, y0, x1, y1).

    >>> area(jnp.array([[0.0, 0.0, 2.0, 3.0], [2.0, 0.0, 0.0, 3.0]]))
    Array([6., 0.], dtype=float32)
    """
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    return jnp.maximum(width, 0) * jnp.maximum(height, 0)


def iou(a: Boxes, b: Boxes) -> Array:
    """Intersection over union |A ∩ B| / |A ∪ B| of boxes, entry by entry; 0 where the union is empty.

    Invariant: moving both boxes by an element that maps axes to axes, by any shift, or to another scale changes
    nothing.

    Args:
      a: ``[..., 4]``, (x0, y0, x1, y1).
      b: ``[..., 4]``; the leading axes broadcast.

    Returns:
      ``[...]``, from 0 to 1.

    >>> iou(jnp.array([0.0, 0.0, 2.0, 2.0]), jnp.array([[0.0, 0.0, 2.0, 1.0], [3.0, 3.0, 4.0, 4.0]]))
    Array([0.5, 0. ], dtype=float32)
    """
    both = _intersection(a, b)
    return both / jnp.maximum(area(a) + area(b) - both, _TINY)


def giou(a: Boxes, b: Boxes) -> Array:
    """Generalised IoU: |A ∩ B| / |A ∪ B| − |C ∖ (A ∪ B)| / |C|, C the smallest upright box around both.

    It has a gradient where the boxes do not meet. From −1 to 1; invariant as `iou` is.

    Args:
      a: ``[..., 4]``, (x0, y0, x1, y1).
      b: ``[..., 4]``; the leading axes broadcast.

    References:
      Rezatofighi et al., Generalized intersection over union, CVPR 2019.

    >>> giou(jnp.array([0.0, 0.0, 1.0, 1.0]), jnp.array([2.0, 0.0, 3.0, 1.0])).round(4)  # a third of C is empty
    Array(-0.3333, dtype=float32)
    """
    both = _intersection(a, b)
    union = area(a) + area(b) - both
    around = area(_around(a, b))
    return both / jnp.maximum(union, _TINY) - (around - union) / jnp.maximum(around, _TINY)


def diou(a: Boxes, b: Boxes) -> Array:
    """Distance IoU: IoU − |c_A − c_B|² / d², c the centres, d the diagonal of the smallest upright box around both.

    From −1 to 1; invariant as `iou` is.

    Args:
      a: ``[..., 4]``, (x0, y0, x1, y1).
      b: ``[..., 4]``; the leading axes broadcast.

    References:
      Zheng et al., Distance-IoU loss, AAAI 2020, equation 7.

    >>> diou(jnp.array([0.0, 0.0, 2.0, 2.0]), jnp.array([0.0, 0.0, 2.0, 2.0]))
    Array(1., dtype=float32)
    """
    around = _around(a, b)
    diagonal = jnp.square(around[..., 2] - around[..., 0]) + jnp.square(around[..., 3] - around[..., 1])
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    return iou(a, b) - jnp.square(apart).sum(-1) / jnp.maximum(diagonal, _TINY)


def oriented_iou(a: Oriented, b: Oriented) -> Array:
    """Intersection over union of oriented boxes, entry by entry; 0 where the union is empty.

    The intersection of two convex polygons is bounded by what of the border of each lies in the other, so its area is
    the sum of ½ p × q over those pieces of edges p → q (Green): each of the eight edges is clipped by four half-planes,
    and nothing need be sorted. Edges that coincide count once. Exact up to 1e-5 of the boxes' size in float32, for
    every angle; invariant under every rotation, reflection and shift of both.

    Args:
      a: ``[..., 5]``, (cx, cy, w, h, angle).
      b: ``[..., 5]``; the leading axes broadcast.

    >>> cross = oriented_iou(jnp.array([0.0, 0.0, 3.0, 1.0, 0.0]), jnp.array([0.0, 0.0, 3.0, 1.0, jnp.pi / 2]))
    >>> f"{cross:.4f}"  # 1 / (3 + 3 − 1)
    '0.2000'
    """
    both = oriented_intersection(a, b)
    union = _oriented_area(a) + _oriented_area(b) - both
    return both / jnp.maximum(union, _TINY)


def oriented_intersection(a: Oriented, b: Oriented) -> Array:
    """|A ∩ B| of oriented boxes, entry by entry; see `oriented_iou`.

    Args:
      a: ``[..., 5]``, (cx, cy, w, h, angle).
      b: ``[..., 5]``; the leading axes broadcast.

    >>> square = jnp.array([5.0, 5.0, 2.0, 2.0, 0.0])
    >>> f"{oriented_intersection(square, square.at[4].set(jnp.pi / 4)):.3f}"  # a regular octagon of width 2
    '3.314'
    """
    here = (_oriented_area(a) > 0) & (_oriented_area(b) > 0)
    margin = 4e-6 * (jnp.abs(a[..., 2:4]).sum(-1) + jnp.abs(b[..., 2:4]).sum(-1))
    # places from the middle between both, near which no digits are lost; of a, and with the other sign of b; y up
    right, up = (a[..., 0] - b[..., 0]) / 2, (b[..., 1] - a[..., 1]) / 2
    first, second = _sides(a), _sides(b)  # sines and cosines of the boxes, not of the pairs
    border = _clipped(first, second, right, up, margin) + _clipped(second, first, -right, -up, -margin)
    most = jnp.minimum(_oriented_area(a), _oriented_area(b))
    return jnp.where(here, jnp.clip(border, 0, most), 0)


class _Sides(NamedTuple):
    """Width and height of boxes, and the cosine and sine of their angles."""

    w: Array
    h: Array
    cos: Array
    sin: Array


def _sides(boxes: Oriented) -> _Sides:
    return _Sides(boxes[..., 2], boxes[..., 3], jnp.cos(boxes[..., 4]), jnp.sin(boxes[..., 4]))


def _clipped(a: _Sides, b: _Sides, x: Array, y: Array, margin: Array) -> Array:
    """½ Σ p × q over the pieces p → q of the edges of A inside B, grown by a margin on every side.

    The centres of A and B are (x, y) and (−x, −y). All is written number by number: what is one loop over pairs is not
    many over short axes.
    """
    bounds = b.w / 2 + margin, b.h / 2 + margin
    total = jnp.zeros(())
    width, height = (a.w * a.cos, a.w * a.sin), (-a.h * a.sin, a.h * a.cos)
    for i, (s, t) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):  # counter-clockwise
        corner = x + s / 2 * width[0] + t / 2 * height[0], y + s / 2 * width[1] + t / 2 * height[1]
        sign, along_edge = (-1 if i < 2 else 1), (height if i % 2 else width)
        edge = sign * along_edge[0], sign * along_edge[1]
        # in the coordinates of B, where it is |u| ≤ w / 2, |v| ≤ h / 2
        starts = _turned(corner[0] + x, corner[1] + y, b)
        t0, t1 = 0.0, 1.0
        for start, along, bound in zip(starts, _turned(edge[0], edge[1], b), bounds, strict=True):
            moving, inside = along != 0, jnp.abs(start) <= bound
            inverse = 1 / jnp.where(moving, along, 1)
            low, high = (-bound - start) * inverse, (bound - start) * inverse
            t0 = jnp.maximum(t0, jnp.where(moving, jnp.minimum(low, high), jnp.where(inside, 0, jnp.inf)))
            t1 = jnp.minimum(t1, jnp.where(moving, jnp.maximum(low, high), jnp.where(inside, 1, -jnp.inf)))
        inside = jnp.maximum(jnp.clip(t1, 0, 1) - jnp.clip(t0, 0, 1), 0)
        # p × q of the piece from t0 to t1 is that of the whole edge times (t1 − t0)
        total = total + inside * (corner[0] * edge[1] - corner[1] * edge[0])
    return total / 2


def _turned(x: Array, y: Array, b: _Sides) -> tuple[Array, Array]:
    """A vector along the width and the height of B."""
    return x * b.cos + y * b.sin, y * b.cos - x * b.sin


def _oriented_area(boxes: Oriented) -> Array:
    return jnp.maximum(boxes[..., 2], 0) * jnp.maximum(boxes[..., 3], 0)


def pairwise(overlap: Callable[[Array, Array], Array], a: Array, b: Array) -> Array:
    """Some overlap of every box of one list with every box of another: ``[..., m, n]``.

    Args:
      overlap: of two arrays of boxes, entry by entry.
      a: ``[..., m, c]``.
      b: ``[..., n, c]``.

    >>> boxes = jnp.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 2.0]])
    >>> pairwise(iou, boxes, boxes)
    Array([[1. , 0.5],
           [0.5, 1. ]], dtype=float32)
    """
    return overlap(a[..., :, None, :], b[..., None, :, :])


def pairwise_iou(a: Float[Array, "*batch m 4"], b: Float[Array, "*batch n 4"]) -> Float[Array, "*batch m n"]:
    """`iou` of every box of one list with every box of another.

    Args:
      a: ``[..., m, 4]``.
      b: ``[..., n, 4]``.

    >>> pairwise_iou(jnp.zeros((3, 4)), jnp.zeros((2, 4))).shape
    (3, 2)
    """
    return pairwise(iou, a, b)


def pairwise_oriented_iou(a: Float[Array, "*batch m 5"], b: Float[Array, "*batch n 5"]) -> Float[Array, "*batch m n"]:
    """`oriented_iou` of every box of one list with every box of another.

    Args:
      a: ``[..., m, 5]``.
      b: ``[..., n, 5]``.

    >>> pairwise_oriented_iou(jnp.zeros((3, 5)), jnp.zeros((2, 5))).shape
    (3, 2)
    """
    return pairwise(oriented_iou, a, b)


def _intersection(a: Boxes, b: Boxes) -> Array:
    width = jnp.minimum(a[..., 2], b[..., 2]) - jnp.maximum(a[..., 0], b[..., 0])
    height = jnp.minimum(a[..., 3], b[..., 3]) - jnp.maximum(a[..., 1], b[..., 1])
    return jnp.maximum(width, 0) * jnp.maximum(height, 0)


def _around(a: Boxes, b: Boxes) -> jax.Array:
    low = jnp.minimum(a[..., :2], b[..., :2])
    return jnp.concatenate([low, jnp.maximum(a[..., 2:], b[..., 2:])], -1)
