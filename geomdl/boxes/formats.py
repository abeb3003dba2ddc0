"""Upright boxes in the forms of other programs, and back."""

from typing import Literal, get_args

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from geomdl.errors import invalid, unknown

BoxFormat = Literal["xyxy", "xywh", "cxcywh"]
"""Two corners; top left corner and size; centre and size."""
PixelConvention = Literal["edge", "inclusive"]
"""Where whole numbers lie: on the edges of pixels, or on their centres."""


def to_xyxy(
    boxes: ArrayLike, source: BoxFormat = "xyxy", convention: PixelConvention = "edge", first: int = 0
) -> jax.Array:
    """(x0, y0, x1, y1) on the edges of pixels, of boxes in another form.

    On the edges, the image is [0, width] × [0, height], and pixel (row i, column j) covers [j, j + 1] × [i, i + 1]. In
    the *inclusive* convention a box is given by its first and its last pixel, both of which belong to it, so that its
    width is x1 − x0 + 1: the corners of Pascal VOC, which also count pixels from 1 (``first=1``). COCO's (x, y, width,
    height) lies on the edges: ``source="xywh"``.

    Args:
      boxes: ``[..., 4]``.
      source: their form.
      convention: of whole numbers.
      first: the number of the first pixel, where they are inclusive.

    Raises:
      ValueError: for an unknown form or convention, or boxes of another shape.

    >>> to_xyxy(jnp.array([1.0, 1.0, 8.0, 4.0]), convention="inclusive", first=1)  # Pascal VOC
    Array([0., 0., 8., 4.], dtype=float32)
    >>> to_xyxy(jnp.array([4.0, 2.0, 8.0, 4.0]), "cxcywh")
    Array([0., 0., 8., 4.], dtype=float32)
    """
    boxes = _boxes(boxes, source, convention)
    a, b = boxes[..., :2], boxes[..., 2:]
    if source == "xywh":
        b = a + b - (1 if convention == "inclusive" else 0)
    elif source == "cxcywh":
        half = (b - (1 if convention == "inclusive" else 0)) / 2
        a, b = a - half, a + half
    if convention == "inclusive":
        a, b = a - first, b - first + 1
    return jnp.concatenate([a, b], -1)


def from_xyxy(
    boxes: ArrayLike, target: BoxFormat = "xyxy", convention: PixelConvention = "edge", first: int = 0
) -> jax.Array:
    """The inverse of `to_xyxy`.

    Args:
      boxes: ``[..., 4]``, (x0, y0, x1, y1) on the edges of pixels.
      target: the form wanted.
      convention: of whole numbers.
      first: the number of the first pixel, where they are inclusive.

    Raises:
      ValueError: for an unknown form or convention, or boxes of another shape.

    >>> from_xyxy(jnp.array([0.0, 0.0, 8.0, 4.0]), "xywh")
    Array([0., 0., 8., 4.], dtype=float32)
    >>> from_xyxy(jnp.array([0.0, 0.0, 8.0, 4.0]), convention="inclusive", first=1)
    Array([1., 1., 8., 4.], dtype=float32)
    """
    boxes = _boxes(boxes, target, convention)
    a, b = boxes[..., :2], boxes[..., 2:]
    size = b - a
    if convention == "inclusive":
        a, b = a + first, b + first - 1
    if target == "xyxy":
        return jnp.concatenate([a, b], -1)
    return jnp.concatenate([a if target == "xywh" else (a + b) / 2, size], -1)


def _boxes(boxes: ArrayLike, form: str, convention: str) -> jax.Array:
    if form not in get_args(BoxFormat):
        raise unknown("format of boxes", form, get_args(BoxFormat))
    if convention not in get_args(PixelConvention):
        raise unknown("convention of pixels", convention, get_args(PixelConvention))
    boxes = jnp.asarray(boxes)
    if boxes.ndim < 1 or boxes.shape[-1] != 4:
        raise invalid("shape of boxes", boxes.shape, "[..., 4]")
    return boxes if jnp.issubdtype(boxes.dtype, jnp.floating) else boxes.astype(jnp.float32)
