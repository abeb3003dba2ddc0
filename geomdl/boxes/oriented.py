"""Oriented boxes in the forms of other programs: le90, OpenCV's, corners, and the covariance."""

import math
from typing import Literal, get_args

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from geomdl.actions import le90
from geomdl.errors import invalid, unknown

OrientedFormat = Literal["le90", "oc"]
"""Ours, long edge first, angles counter-clockwise; and that of OpenCV before 4.5.1."""


def to_corners(boxes: ArrayLike) -> jax.Array:
    """The four corners of oriented boxes, counter-clockwise as seen on the screen, from that at (+w/2, +h/2).

    Args:
      boxes: ``[..., 5]``, (cx, cy, w, h, angle): the width lies along (cos angle, sin angle) with y up.

    Returns:
      ``[..., 4, 2]``, (x right, y down).

    >>> to_corners(jnp.array([2.0, 2.0, 4.0, 2.0, 0.0])).tolist()
    [[4.0, 1.0], [0.0, 1.0], [0.0, 3.0], [4.0, 3.0]]
    """
    boxes = _oriented(boxes)
    signs = jnp.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], boxes.dtype) / 2
    along, across = signs[:, 0] * boxes[..., 2, None], signs[:, 1] * boxes[..., 3, None]
    cos, sin = jnp.cos(boxes[..., 4, None]), jnp.sin(boxes[..., 4, None])
    x, y = cos * along - sin * across, sin * along + cos * across
    return jnp.stack([boxes[..., 0, None] + x, boxes[..., 1, None] - y], -1)


def from_corners(corners: ArrayLike) -> jax.Array:
    """le90 boxes of the four corners of rectangles, in either direction around, from any corner: DOTA's form.

    Corners of a quadrilateral that is no rectangle give one with its centre and the mean lengths of opposite edges, in
    the direction of the longer ones.

    Args:
      corners: ``[..., 4, 2]`` or ``[..., 8]``, (x right, y down).

    >>> from_corners(jnp.array([4.0, 1, 0, 1, 0, 3, 4, 3])).tolist()
    [2.0, 2.0, 4.0, 2.0, 0.0]
    """
    corners = jnp.asarray(corners)
    if corners.shape[-1:] == (8,):
        corners = corners.reshape(*corners.shape[:-1], 4, 2)
    if corners.shape[-2:] != (4, 2):
        raise invalid("shape of corners", corners.shape, "[..., 4, 2], or [..., 8]")
    edges = jnp.roll(corners, -1, -2) - corners
    first, second = (edges[..., i, :] - edges[..., i + 2, :] for i in (0, 1))  # twice the mean
    lengths = [jnp.hypot(e[..., 0], e[..., 1]) / 2 for e in (first, second)]
    along = jnp.where((lengths[0] >= lengths[1])[..., None], first, second)
    sides = jnp.maximum(*lengths), jnp.minimum(*lengths)
    angle = jnp.arctan2(-along[..., 1], along[..., 0])
    return le90(jnp.concatenate([corners.mean(-2), jnp.stack([*sides, angle], -1)], -1))


def to_covariance(boxes: ArrayLike) -> jax.Array:
    """Centre and covariance Σ = R diag(w², h²)/12 Rᵀ of the uniform distribution on each box: ``[..., 5]``.

    Rotations and reflections act by Σ ↦ A Σ Aᵀ: frequencies 0 and 2. It has no jumps, and all descriptions of a
    rectangle give the same; of a square, those of every angle, which it cannot tell.

    Args:
      boxes: ``[..., 5]``.

    Returns:
      (cx, cy, Σ_xx, Σ_yy, Σ_xy), Σ with y up.

    >>> [round(v, 3) for v in to_covariance(jnp.array([0.0, 0.0, 6.0, 2.0, 0.0])).tolist()]
    [0.0, 0.0, 3.0, 0.333, 0.0]
    """
    boxes = _oriented(boxes)
    a, b = jnp.square(boxes[..., 2]) / 12, jnp.square(boxes[..., 3]) / 12
    mean, half = (a + b) / 2, (a - b) / 2
    cos, sin = jnp.cos(2 * boxes[..., 4]), jnp.sin(2 * boxes[..., 4])
    return jnp.concatenate([boxes[..., :2], jnp.stack([mean + half * cos, mean - half * cos, half * sin], -1)], -1)


def from_covariance(values: ArrayLike) -> jax.Array:
    """The inverse of `to_covariance`, as le90; of Σ that is a multiple of 1, the square of angle 0.

    Args:
      values: ``[..., 5]``, (cx, cy, Σ_xx, Σ_yy, Σ_xy).

    >>> [round(v, 3) for v in from_covariance(jnp.array([0.0, 0.0, 0.75, 3.0, 0.0])).tolist()]
    [0.0, 0.0, 6.0, 3.0, -1.571]
    """
    values = _oriented(values)
    xx, yy, xy = (values[..., i] for i in (2, 3, 4))
    mean, half = (xx + yy) / 2, jnp.hypot((xx - yy) / 2, xy)
    sides = [jnp.sqrt(12 * jnp.maximum(v, 0)) for v in (mean + half, mean - half)]
    angle = jnp.where(half > 0, jnp.arctan2(xy, (xx - yy) / 2) / 2, 0)
    return le90(jnp.concatenate([values[..., :2], jnp.stack([*sides, angle], -1)], -1))


def to_oriented(boxes: ArrayLike, source: OrientedFormat) -> jax.Array:
    """le90 boxes with angles counter-clockwise, of boxes in another form.

    Args:
      boxes: ``[..., 5]``. ``"oc"``: (cx, cy, w, h, angle) with angles in [−π/2, 0), **clockwise** where they are
        positive, as y points down; the width need not be the longer edge. mmrotate's ``le90`` and ``le135`` turn
        clockwise as ``"oc"`` does, and are read by it too.
      source: their form.

    Raises:
      ValueError: for an unknown form.

    >>> [round(v, 3) for v in to_oriented(jnp.array([0.0, 0.0, 1.0, 3.0, -0.5]), "oc").tolist()]
    [0.0, 0.0, 3.0, 1.0, -1.071]
    """
    if source not in get_args(OrientedFormat):
        raise unknown("format of oriented boxes", source, get_args(OrientedFormat))
    boxes = _oriented(boxes)
    return le90(boxes if source == "le90" else boxes.at[..., 4].multiply(-1))


def from_oriented(boxes: ArrayLike, target: OrientedFormat) -> jax.Array:
    """The inverse of `to_oriented`: each rectangle in the one way in which the form writes it.

    Args:
      boxes: ``[..., 5]``.
      target: the form wanted.

    Raises:
      ValueError: for an unknown form.

    >>> [round(v, 3) for v in from_oriented(jnp.array([0.0, 0.0, 3.0, 1.0, -1.0708]), "oc").tolist()]
    [0.0, 0.0, 1.0, 3.0, -0.5]
    """
    if target not in get_args(OrientedFormat):
        raise unknown("format of oriented boxes", target, get_args(OrientedFormat))
    boxes = le90(_oriented(boxes))
    if target == "le90":
        return boxes
    w, h, angle = boxes[..., 2], boxes[..., 3], -boxes[..., 4]  # in (−π/2, π/2]
    swap = angle >= 0
    angle = jnp.where(swap, angle - math.pi / 2, angle)
    angle = jnp.where(angle >= 0, -math.pi / 2, angle)  # π/2 up to rounding
    return jnp.concatenate([boxes[..., :2], jnp.stack([jnp.where(swap, h, w), jnp.where(swap, w, h), angle], -1)], -1)


def hull(boxes: ArrayLike) -> jax.Array:
    """The smallest upright boxes (x0, y0, x1, y1) around oriented ones.

    Args:
      boxes: ``[..., 5]``.

    >>> hull(jnp.array([2.0, 2.0, 4.0, 2.0, 0.0])).tolist()
    [0.0, 1.0, 4.0, 3.0]
    """
    corners = to_corners(boxes)
    return jnp.concatenate([corners.min(-2), corners.max(-2)], -1)


def _oriented(boxes: ArrayLike) -> jax.Array:
    boxes = jnp.asarray(boxes)
    if boxes.ndim < 1 or boxes.shape[-1] != 5:
        raise invalid("shape of oriented boxes", boxes.shape, "[..., 5]: (cx, cy, w, h, angle)")
    return boxes if jnp.issubdtype(boxes.dtype, jnp.floating) else boxes.astype(jnp.float32)
