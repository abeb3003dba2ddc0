"""Boxes: formats, overlap, suppression and coders.

Boxes are arrays ``[..., 4]`` of (x0, y0, x1, y1), x to the right and y down, in pixels from the top left corner of the
image: the image is [0, width] × [0, height], and pixel (row i, column j) covers [j, j + 1] × [i, i + 1]. Oriented boxes
are arrays ``[..., 5]`` of (cx, cy, w, h, angle), the angle in radians, counter-clockwise as seen on the screen.
"""

from geomdl.boxes.coders import from_deltas, from_log_shape, from_sides, to_deltas, to_log_shape, to_sides
from geomdl.boxes.overlap import (
    area,
    diou,
    giou,
    iou,
    oriented_intersection,
    oriented_iou,
    pairwise,
    pairwise_iou,
    pairwise_oriented_iou,
)
from geomdl.boxes.suppression import by_score, nms, soft_nms, ties

__all__ = [
    "area", "by_score", "diou", "from_deltas", "from_log_shape", "from_sides", "giou", "iou", "nms",
    "oriented_intersection", "oriented_iou", "pairwise", "pairwise_iou", "pairwise_oriented_iou", "soft_nms", "ties",
    "to_deltas", "to_log_shape", "to_sides",
]  # fmt: skip

__experimental__ = [
    "area", "by_score", "diou", "from_deltas", "from_log_shape", "from_sides", "giou", "iou", "nms",
    "oriented_intersection", "oriented_iou", "pairwise", "pairwise_iou", "pairwise_oriented_iou", "soft_nms", "ties",
    "to_deltas", "to_log_shape", "to_sides",
]  # fmt: skip
