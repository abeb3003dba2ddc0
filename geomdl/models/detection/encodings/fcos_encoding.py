"""FCOS: every place says how far the four sides of its box are, what is in it, and how central the place is."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from geomdl.boxes.coders import from_sides, to_sides
from geomdl.boxes.overlap import area, giou
from geomdl.groups import PlanarGroup
from geomdl.models.detection.encodings.assignment import Assigned, assign, gathered
from geomdl.models.detection.encodings.focal import focal_loss
from geomdl.models.detection.encodings.outputs import (
    Candidates,
    Grid,
    Losses,
    Targets,
    all_places,
    all_strides,
    flat,
    level_ranges,
)
from geomdl.models.detection.plane_fields import fields, sides
from geomdl.representations import FieldType, trivial

_LARGEST = 8.0
"""Of the logarithm of a distance in strides: e⁸ = 2981."""


Claim = tuple[Array, tuple[Array, ...]]
"""Of a box: the places ``[places]`` that fit it, and what decides between boxes, the least first, ``[places]`` each."""


@dataclasses.dataclass(frozen=True)
class PlacesEncoding:
    """What the encodings of FCOS, of upright and of oriented boxes, have in common: every place learns one box.

    Args:
      image_size: (height, width).
      grids: one for each level.
      num_classes: how many.
      radius: of the centre of a box in which places learn it, in strides.
      least: of the range of sizes of a level, (least, 2 · least), in strides.
      alpha: of the focal loss.
      gamma: of the focal loss.
    """

    image_size: tuple[int, int]
    grids: tuple[Grid, ...]
    num_classes: int
    radius: float = 1.5
    least: float = 4.0
    alpha: float = 0.25
    gamma: float = 2.0

    def assign(self, targets: Targets) -> Assigned:
        """Which box each place learns.

        Args:
          targets: of one image.
        """
        places, strides = jnp.asarray(self._places), jnp.asarray(self._strides)
        low, high = map(jnp.asarray, level_ranges(self.grids, self.least))
        return assign(targets, len(places), lambda box: self._claim(box, places, strides, (low, high)))

    def _claim(self, box: Array, places: Array, strides: Array, sizes: tuple[Array, Array]) -> Claim:
        """The places that fit a box, whose sizes are to be in a range, and by what they prefer one box to another."""
        raise NotImplementedError

    def losses(self, levels: tuple[Array, ...], targets: Targets) -> Losses:
        """Of every image; divided by the number of places that learn a box."""
        return jax.vmap(self._losses_of_one)(flat(levels), targets)

    def _losses_of_one(self, numbers: Float[Array, "places channels"], targets: Targets) -> Losses:
        raise NotImplementedError

    def _losses(
        self, logits: Array, centred: Array, away: Array, far: Array, found: Array, classes: Array, assigned: Assigned
    ) -> Losses:
        """From class scores, centre-ness, the distances to the sides of the boxes, and the loss of each box."""
        entropy = jnp.logaddexp(centred, 0.0) - centreness(away) * centred
        return Losses(
            classes=focal_loss(logits, classes, ~assigned.ignored, alpha=self.alpha, gamma=self.gamma),
            boxes=jnp.where(found, far, 0).sum(),
            objectness=jnp.where(found, entropy, 0).sum(),
            count=found.sum().astype(jnp.float32),
        )

    @staticmethod
    def _scores(logits: Array, centred: Array) -> Array:
        """√(probability · centre-ness)."""
        return jnp.sqrt(jax.nn.sigmoid(logits) * jax.nn.sigmoid(centred)[..., None])

    @property
    def _places(self) -> np.ndarray:
        return all_places(self.grids)

    @property
    def _strides(self) -> np.ndarray:
        return all_strides(self.grids)


@dataclasses.dataclass(frozen=True)
class FCOSEncoding(PlacesEncoding):
    """At every place p of every level: class scores, centre-ness, and the distances d = stride · e^z to the four sides.

    The distances (left, top, right, bottom) are permuted by quarter turns and reflections (`plane_fields.sides`), class
    scores and centre-ness do not change, so that a network whose outputs are fields of this type gives boxes that move
    with the image.

    A place learns a box if it lies inside it and within ``radius`` strides of its centre (in the maximum norm), and if
    the farthest side is between ``least`` and twice ``least`` strides away; the finest level takes smaller boxes too,
    the coarsest larger ones. Of several such boxes it learns the smallest, of equally large ones that with the nearest
    centre. The loss is focal loss for the classes, 1 − GIoU of the box, and cross-entropy of the centre-ness √(min(l,
    r)/max(l, r) · min(t, b)/max(t, b)), divided by the number of places that learn a box. Places that would learn a box
    that is ignored count nowhere. The score of a class is √(its probability · centre-ness).

    Args:
      image_size: see `PlacesEncoding`, as are the others.
      grids: one for each level.
      num_classes: how many.
      radius: in strides.
      least: in strides.
      alpha: of the focal loss.
      gamma: of the focal loss.

    References:
      Tian, Shen, Chen & He, FCOS: fully convolutional one-stage object detection, ICCV 2019; the assignment is that of
      its later version (centre sampling), as in torchvision. Departs from the paper in that the factors of the levels
      are the strides, and are not learnt.
    """

    oriented = False

    def field_type(self, group: PlanarGroup) -> FieldType:
        """Scalars for the classes and the centre-ness, then the four sides."""
        return fields(group, (self.num_classes + 1, trivial(group)), (1, sides(group)))

    def _claim(self, box: Array, places: Array, strides: Array, sizes: tuple[Array, Array]) -> Claim:
        away, centre = to_sides(box, places), (box[:2] + box[2:]) / 2
        near = jnp.abs(places - centre).max(-1) < self.radius * strides
        farthest, (low, high) = away.max(-1), sizes
        fits = near & (away.min(-1) > 0) & (farthest > low) & (farthest <= high)
        return fits, (jnp.full(len(places), area(box)), jnp.square(places - centre).sum(-1))

    def _losses_of_one(self, numbers: Float[Array, "places channels"], targets: Targets) -> Losses:
        assigned = self.assign(targets)
        found, boxes, classes = gathered(assigned, targets)
        logits, centred, raw = self._split(numbers)
        away = to_sides(boxes, jnp.asarray(self._places))
        return self._losses(logits, centred, away, 1 - giou(self._boxes(raw), boxes), found, classes, assigned)

    def candidates(self, levels: tuple[Array, ...]) -> Candidates:
        """One box for each place, cut at the border of the image."""
        logits, centred, raw = self._split(flat(levels))
        height, width = self.image_size
        boxes = jnp.clip(self._boxes(raw), 0, jnp.array([width, height, width, height], jnp.float32))
        return Candidates(boxes, self._scores(logits, centred))

    def _split(self, numbers: Array) -> tuple[Array, Array, Array]:
        """Class scores, centre-ness, distances."""
        n = self.num_classes
        return numbers[..., :n], numbers[..., n], numbers[..., n + 1 :]

    def _boxes(self, raw: Float[Array, "*batch places 4"]) -> Float[Array, "*batch places 4"]:
        away = jnp.exp(jnp.clip(raw, -_LARGEST, _LARGEST)) * jnp.asarray(self._strides)[:, None]
        return from_sides(away, jnp.asarray(self._places))


def centreness(away: Float[Array, "places 4"]) -> Float[Array, " places"]:
    """√(min(l, r)/max(l, r) · min(t, b)/max(t, b)); 0 outside."""
    near, far = jnp.minimum(away[:, :2], away[:, 2:]), jnp.maximum(away[:, :2], away[:, 2:])
    ratios = jnp.maximum(near, 0) / jnp.maximum(far, 1e-9)
    return jnp.sqrt(ratios[:, 0] * ratios[:, 1])
