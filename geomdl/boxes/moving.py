"""Boxes under the elements of the groups of the plane."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from geomdl.actions import output_action
from geomdl.groups import GridTranslations, PlanarGroup


def act_on_boxes(g: Any, boxes: ArrayLike, group: PlanarGroup | GridTranslations, size: tuple[int, int]) -> jax.Array:
    """Boxes moved by an element of a group, about the centre of the image.

    Upright boxes become the smallest upright boxes around the moved ones: exact for elements that map the pixel grid to
    itself. Oriented boxes move exactly under every element, and come as le90. A circular shift moves a box as a whole,
    so that its centre stays in the image.

    Args:
      g: the element; may be traced.
      boxes: ``[..., k, 4]`` (x0, y0, x1, y1) or ``[..., k, 5]`` (cx, cy, w, h, angle).
      group: that g belongs to.
      size: (height, width) of the image.

    Raises:
      ValueError: for rotations by other angles than 180° of images that are not square.

    >>> from geomdl.groups import C4
    >>> act_on_boxes(jnp.array([0, 1]), jnp.array([[0.0, 0.0, 3.0, 1.0]]), C4, (8, 8))
    Array([[0., 5., 1., 8.]], dtype=float32)
    """
    boxes = jnp.asarray(boxes)
    there = jnp.zeros(boxes.shape[:-1])
    detections = {"boxes": boxes, "scores": there, "classes": there.astype(jnp.int32)}
    moved: Any = output_action("detections", group, size=size)(g, detections)
    return moved["boxes"]
