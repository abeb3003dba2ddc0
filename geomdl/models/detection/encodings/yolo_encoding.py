"""YOLO v1: every cell of a grid says which boxes have their centre in it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from geomdl.boxes.overlap import area, iou
from geomdl.groups import PlanarGroup
from geomdl.models.detection.encodings.assignment import Assigned, assign, gathered
from geomdl.models.detection.encodings.outputs import Candidates, Grid, Losses, Targets, flat
from geomdl.models.detection.plane_fields import extents, fields, vector
from geomdl.representations import FieldType, trivial


@dataclasses.dataclass(frozen=True)
class YOLOEncoding:
    """S × S cells, B boxes for each: an offset from the centre of the cell, √(w/W), √(h/H) and a confidence; and one
    score for each class.

    At every cell lie B offsets (x right, y up, in cells), which turn as vectors, B pairs (√(w/W), √(h/H)), which
    quarter turns exchange, B confidences and C class scores, which do not change; all linear, as published. `tensor`
    gives the published S × S × (5 B + C) numbers.

    A cell learns the box whose centre lies in it; of several the largest, of equally large ones that whose centre is
    nearest to that of the cell. (The papers' code takes the first of the list.) A centre on the border of two cells
    belongs to the one nearer to the centre of the image, so that targets move with the image; on a middle line of it,
    to the right or lower one. The box of the B that overlaps it most is responsible; where none overlaps it, the
    nearest one: the smallest sum of squared differences of centres and extents. The loss of an image is

      5 Σ_resp [(x − x̂)² + (y − ŷ)² + (√w − √ŵ)² + (√h − √ĥ)²]
      + Σ_resp (c − ĉ)² + ½ Σ_others c² + Σ_cells with a box Σ_classes (p − p̂)²,

    ĉ the IoU of the responsible box, and the mean over images is taken. Cells whose box is ignored count nowhere. The
    score of a class is c · p.

    Args:
      image_size: (height, width).
      grids: one.
      num_classes: C.
      boxes: B.
      coordinates: λ_coord, 5 in the paper.
      background: λ_noobj, ½ in the paper.
      confidence: ``"iou"`` as the paper says, or ``"one"``: ĉ.

    References:
      Redmon, Divvala, Girshick & Farhadi, You only look once, CVPR 2016, section 2.2 and equation 3.
    """

    image_size: tuple[int, int]
    grids: tuple[Grid, ...]
    num_classes: int
    boxes: int = 2
    coordinates: float = 5.0
    background: float = 0.5
    confidence: str = "iou"

    oriented = False

    def field_type(self, group: PlanarGroup) -> FieldType:
        """B vectors, B pairs of extents, B + C scalars."""
        b = self.boxes
        return fields(group, (b, vector(group)), (b, extents(group)), (b + self.num_classes, trivial(group)))

    def assign(self, targets: Targets) -> Assigned:
        """Which box each cell learns.

        Args:
          targets: of one image.
        """
        places = jnp.asarray(self.grids[0].places)
        rows, columns = self.grids[0].size

        def claim(box: Array) -> tuple[Array, tuple[Array, ...]]:
            centre = (box[:2] + box[2:]) / 2
            cell = self.cell_of(centre)
            here = jnp.arange(rows * columns) == cell[1] * columns + cell[0]
            return here, (jnp.full(len(places), -area(box)), jnp.square(places - centre).sum(-1))

        return assign(targets, len(places), claim)

    def cell_of(self, centre: Float[Array, " 2"]) -> Array:
        """(column, row) of the cell in which a place lies; see `YOLOEncoding` for borders.

        Args:
          centre: (x, y) in pixels.
        """
        grid = self.grids[0]
        counts = jnp.array(grid.size[::-1], jnp.float32)
        cells = (centre - (grid.offset + 0.5)) / grid.stride + 0.5  # the first cell is from 0 to 1
        below = jnp.floor(cells)
        beyond_middle = (cells == below) & (2 * cells > counts)
        return jnp.clip(below - beyond_middle.astype(jnp.float32), 0, counts - 1).astype(jnp.int32)

    def losses(self, levels: tuple[Array, ...], targets: Targets) -> Losses:
        """See `YOLOEncoding`; the mean over the images is taken."""
        return jax.vmap(self._losses_of_one)(flat(levels), targets)

    def _losses_of_one(self, numbers: Float[Array, "cells channels"], targets: Targets) -> Losses:
        assigned = self.assign(targets)
        found, boxes, classes = gathered(assigned, targets)
        offset, root, confidence, scores = self._split(numbers)
        goal_offset, goal_root = self._encoded(boxes)
        proposed = jax.lax.stop_gradient(self._boxes(offset, root))
        overlap = iou(proposed, boxes[:, None])
        apart = -self._square_distance(proposed, boxes[:, None])
        fit = jnp.where(overlap.max(-1, keepdims=True) > 0, overlap, apart)
        responsible = found[:, None] & (jnp.arange(self.boxes) == fit.argmax(-1)[:, None])
        goal = overlap if self.confidence == "iou" else jnp.ones_like(overlap)
        places = jnp.square(offset - goal_offset[:, None]).sum(-1) + jnp.square(root - goal_root[:, None]).sum(-1)
        others = ~responsible & ~assigned.ignored[:, None]
        there = (classes[:, None] == jnp.arange(self.num_classes)).astype(jnp.float32)
        return Losses(
            classes=jnp.where(found[:, None], jnp.square(scores - there), 0).sum(),
            boxes=self.coordinates * jnp.where(responsible, places, 0).sum(),
            objectness=jnp.where(responsible, jnp.square(confidence - goal), 0).sum()
            + self.background * jnp.where(others, jnp.square(confidence), 0).sum(),
            count=jnp.ones(()),
        )

    def candidates(self, levels: tuple[Array, ...]) -> Candidates:
        """B boxes for each cell, cut at the border of the image."""
        numbers = flat(levels)
        offset, root, confidence, scores = self._split(numbers)
        height, width = self.image_size
        boxes = jnp.clip(self._boxes(offset, root), 0, jnp.array([width, height, width, height], jnp.float32))
        products = jnp.clip(confidence, 0, 1)[..., None] * jnp.clip(scores, 0, 1)[..., None, :]
        batch = len(numbers)
        return Candidates(boxes.reshape(batch, -1, 4), products.reshape(batch, -1, self.num_classes))

    def tensor(self, level: Float[Array, "batch rows columns channels"]) -> Array:
        """The published numbers ``[batch, S, S, 5 B + C]``: (x, y, w, h, confidence) for each box, then the classes.

        x and y lie between 0 and 1 inside the cell, from its top left corner; w and h are shares of the image.

        Args:
          level: the field of a detector.
        """
        offset, root, confidence, scores = self._split(level)
        x, y = 0.5 + offset[..., 0], 0.5 - offset[..., 1]
        five = jnp.stack([x, y, root[..., 0] ** 2, root[..., 1] ** 2, confidence], -1)
        return jnp.concatenate([five.reshape(*level.shape[:-1], 5 * self.boxes), scores], -1)

    def _split(self, numbers: Array) -> tuple[Array, Array, Array, Array]:
        """Offsets ``[..., B, 2]``, roots of the extents ``[..., B, 2]``, confidences ``[..., B]``, class scores."""
        b, lead = self.boxes, numbers.shape[:-1]
        pairs = numbers[..., : 4 * b].reshape(*lead, 2, b, 2)
        return pairs[..., 0, :, :], pairs[..., 1, :, :], numbers[..., 4 * b : 5 * b], numbers[..., 5 * b :]

    def _boxes(self, offset: Array, root: Array) -> Array:
        """Boxes ``[..., cells, B, 4]``."""
        up = jnp.array([1, -1], jnp.float32)
        centre = jnp.asarray(self.grids[0].places)[:, None] + offset * up * self.grids[0].stride
        half = jnp.square(root) * jnp.asarray(self._extent) / 2
        return jnp.concatenate([centre - half, centre + half], -1)

    def _encoded(self, boxes: Float[Array, "cells 4"]) -> tuple[Array, Array]:
        """Offset and roots of the extents of the box of each cell."""
        up = jnp.array([1, -1], jnp.float32)
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        offset = (centre - jnp.asarray(self.grids[0].places)) / self.grids[0].stride * up
        return offset, jnp.sqrt(jnp.maximum(boxes[:, 2:] - boxes[:, :2], 0) / jnp.asarray(self._extent))

    def _square_distance(self, a: Array, b: Array) -> Array:
        """The sum of squared differences of centres and extents, as shares of the image."""
        extent = jnp.asarray(self._extent)
        centre, size = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2, a[..., 2:] - a[..., :2]
        wider = size - (b[..., 2:] - b[..., :2])
        return jnp.square(centre / extent).sum(-1) + jnp.square(wider / extent).sum(-1)

    @property
    def _extent(self) -> np.ndarray:
        """(width, height) of the image."""
        return np.array(self.image_size[::-1], np.float32)
