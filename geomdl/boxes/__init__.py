"""Boxes: formats, motions, overlap, matching, suppression and coders.

Boxes are arrays ``[..., 4]`` of (x0, y0, x1, y1), x to the right and y down, in pixels from the top left corner of the
image: the image is [0, width] × [0, height], and pixel (row i, column j) covers [j, j + 1] × [i, i + 1]. Oriented boxes
are arrays ``[..., 5]`` of (cx, cy, w, h, angle), the angle in radians, counter-clockwise as seen on the screen.
"""

from geomdl.boxes.coders import from_deltas, from_log_shape, from_sides, to_deltas, to_log_shape, to_sides
from geomdl.boxes.formats import from_xyxy, to_xyxy
from geomdl.boxes.matching import match_sets, matched, set_distance
from geomdl.boxes.moving import act_on_boxes
from geomdl.boxes.oriented import (
    from_corners,
    from_covariance,
    from_oriented,
    hull,
    to_corners,
    to_covariance,
    to_oriented,
)
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
    "act_on_boxes", "area", "by_score", "diou", "from_corners", "from_covariance", "from_deltas", "from_log_shape",
    "from_oriented", "from_sides", "from_xyxy", "giou", "hull", "iou", "match_sets", "matched", "nms",
    "oriented_intersection", "oriented_iou", "pairwise", "pairwise_iou", "pairwise_oriented_iou", "set_distance",
    "soft_nms", "ties", "to_corners", "to_covariance", "to_deltas", "to_log_shape", "to_oriented", "to_sides",
    "to_xyxy",
]  # fmt: skip

__experimental__ = [
    "act_on_boxes", "area", "by_score", "diou", "from_corners", "from_covariance", "from_deltas", "from_log_shape",
    "from_oriented", "from_sides", "from_xyxy", "giou", "hull", "iou", "match_sets", "matched", "nms",
    "oriented_intersection", "oriented_iou", "pairwise", "pairwise_iou", "pairwise_oriented_iou", "set_distance",
    "soft_nms", "ties", "to_corners", "to_covariance", "to_deltas", "to_log_shape", "to_oriented", "to_sides",
    "to_xyxy",
]  # fmt: skip
