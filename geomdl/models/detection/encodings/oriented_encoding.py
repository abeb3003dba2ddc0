"""FCOS with oriented boxes: every place gives the offset, the size and the orientation of its box."""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Float

from geomdl.boxes.coders import from_log_shape, to_log_shape
from geomdl.groups import PlanarGroup
from geomdl.models.detection.encodings.assignment import gathered
from geomdl.models.detection.encodings.fcos_encoding import Claim, PlacesEncoding
from geomdl.models.detection.encodings.gaussians import hellinger
from geomdl.models.detection.encodings.outputs import (
    Candidates,
    Losses,
    Targets,
    flat,
)
from geomdl.models.detection.plane_fields import fields, shape, vector
from geomdl.representations import FieldType, trivial


@dataclasses.dataclass(frozen=True)
class OrientedFCOSEncoding(PlacesEncoding):
    """At every place: class scores and centre-ness; the offset to the centre of the box, in strides, which is a vector;
    and the logarithm of its half extents as a symmetric matrix (`geomdl.boxes.to_log_shape`): a scalar, and a field of
    frequency 2, e^{2iθ} times the logarithm of the aspect ratio.

    No number is an angle, and nothing jumps where an angle does: boxes that are the same rectangle have the same
    numbers. Under every rotation and reflection of the plane, those of SO(2) and O(2) too, the numbers of a moved box
    are the moved numbers.

    Places learn boxes as in `FCOSEncoding`, with the sides of the box in its own axes: inside it, within ``radius``
    strides of its centre, and half its longer side between ``least`` and twice ``least`` strides. The loss of a box is
    the Hellinger distance of its Gaussian to that of the target (means at the centres, standard deviations a quarter of
    the sides).

    Args:
      image_size: (height, width).
      grids: one for each level.
      num_classes: how many.
      radius: in strides.
      least: in strides.
      alpha: of the focal loss.
      gamma: of the focal loss.

    References:
      Tian, Shen, Chen & He, FCOS, ICCV 2019. Llerena et al., Gaussian bounding boxes and probabilistic
      intersection-over-union for object detection, 2021 (Hellinger distance).
    """

    least: float = 2.0

    oriented = True

    def field_type(self, group: PlanarGroup) -> FieldType:
        """Scalars for the classes, the centre-ness and the size; a vector; a field of frequency 2."""
        return fields(group, (self.num_classes + 2, trivial(group)), (1, vector(group)), (1, shape(group)))

    def _claim(self, box: Array, places: Array, strides: Array, sizes: tuple[Array, Array]) -> Claim:
        apart, longer, (low, high) = jnp.square(places - box[:2]).sum(-1), box[2:4].max() / 2, sizes
        near = apart < jnp.square(self.radius * strides)
        fits = near & (sides_of(places, box).min(-1) > 0) & (longer > low) & (longer <= high)
        return fits, (jnp.full(len(places), box[2] * box[3]), apart)

    def _losses_of_one(self, numbers: Float[Array, "places channels"], targets: Targets) -> Losses:
        assigned = self.assign(targets)
        found, boxes, classes = gathered(assigned, targets)
        boxes = jnp.where(found[:, None], boxes, jnp.array([0.0, 0.0, 2.0, 2.0, 0.0]))
        logits, centred, offset, shapes = self._split(numbers)
        places, strides = jnp.asarray(self._places), jnp.asarray(self._strides)[:, None]
        up = jnp.array([1.0, -1.0])
        goal_shape = to_log_shape(boxes) - jnp.log(strides) * jnp.array([1.0, 0.0, 0.0])
        apart = offset - (boxes[:, :2] - places) / strides * up
        far = hellinger(apart, shapes, goal_shape)
        return self._losses(logits, centred, sides_of(places, boxes), far, found, classes, assigned)

    def candidates(self, levels: tuple[Array, ...]) -> Candidates:
        """One box for each place."""
        logits, centred, offset, shapes = self._split(flat(levels))
        places, strides = jnp.asarray(self._places), jnp.asarray(self._strides)[:, None]
        centres = places + offset * jnp.array([1.0, -1.0]) * strides
        sized = shapes + jnp.log(strides) * jnp.array([1.0, 0.0, 0.0])
        return Candidates(from_log_shape(sized, centres), self._scores(logits, centred))

    def _split(self, numbers: Array) -> tuple[Array, Array, Array, Array]:
        """Class scores, centre-ness, offsets ``[..., 2]``, logarithms of the shape ``[..., 3]``."""
        n = self.num_classes
        scale = numbers[..., n + 1 : n + 2]
        shapes = jnp.concatenate([scale, numbers[..., n + 4 : n + 6]], -1)
        return numbers[..., :n], numbers[..., n], numbers[..., n + 2 : n + 4], shapes


def sides_of(places: Float[Array, "places 2"], boxes: Float[Array, "*places 5"]) -> Float[Array, "places 4"]:
    """The distances from places to the four sides of oriented boxes, (−u, +v, +u, −v) in the axes u, v of the box.

    Args:
      places: (x, y).
      boxes: one, or one for each place.
    """
    apart = (places - boxes[..., :2]) * jnp.array([1.0, -1.0])
    cos, sin = jnp.cos(boxes[..., 4]), jnp.sin(boxes[..., 4])
    u, v = cos * apart[:, 0] + sin * apart[:, 1], cos * apart[:, 1] - sin * apart[:, 0]
    along, across = boxes[..., 2] / 2, boxes[..., 3] / 2
    return jnp.stack([along + u, across - v, along - u, across + v], -1)
