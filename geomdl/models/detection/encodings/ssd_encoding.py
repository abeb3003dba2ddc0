"""SSD: default boxes of several shapes at every place, each of which says what it shows and how to move it."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from geomdl.boxes.coders import from_deltas, to_deltas
from geomdl.boxes.overlap import iou
from geomdl.groups import PlanarGroup
from geomdl.models.detection.encodings.outputs import Candidates, Grid, Losses, Targets, flat
from geomdl.models.detection.plane_fields import (
    extents,
    extents_of_pairs,
    fields,
    vector,
    vectors_of_pairs,
)
from geomdl.representations import FieldType, trivial


@dataclasses.dataclass(frozen=True)
class SSDEncoding:
    """At every place lie two square default boxes, of the sides s_k and √(s_k s_{k+1}) of level k, and for each aspect
    ratio a the two boxes s_k √a × s_k / √a and s_k / √a × s_k √a, which quarter turns exchange.

    Each has C + 1 logits (background first), an offset, which is a vector, and two logarithms of its extents
    (`geomdl.boxes.to_deltas`). So the numbers at a place are scalars and pairs that are exchanged; vectors, and pairs
    of vectors that are turned and exchanged; extents, and pairs of extents. The places are the centres of the pixels,
    as in the paper, so that the default boxes move to one another.

    A default box learns the box that it overlaps most, if by an IoU above ½; and each box is learnt besides by the
    default box that overlaps it most, by all of those that do so equally (up to 1e-5). The loss is Σ cross-entropy over
    the default boxes that learn one and over three times as many others, those of the largest loss, and Σ smooth L1 of
    the deltas of the first; divided by the number of the first. Default boxes of an ignored box count nowhere.

    Args:
      image_size: (height, width).
      grids: one for each level.
      num_classes: C.
      scales: s_k of each level and one more, as shares of the shorter side of the image.
      ratios: a > 1.
      match: the IoU, ½ in the paper.
      negatives: how many others there are for each that learns a box, 3 in the paper.

    References:
      Liu et al., SSD: single shot multibox detector, ECCV 2016, section 2.2.
    """

    image_size: tuple[int, int]
    grids: tuple[Grid, ...]
    num_classes: int
    scales: tuple[float, ...]
    ratios: tuple[float, ...] = (2.0,)
    match: float = 0.5
    negatives: float = 3.0

    oriented = False

    @property
    def shapes(self) -> int:
        """Default boxes at each place."""
        return 2 + 2 * len(self.ratios)

    def field_type(self, group: PlanarGroup) -> FieldType:
        """Logits of the squares and of the pairs, their offsets, their extents."""
        classes, pairs = self.num_classes + 1, len(self.ratios)
        return fields(
            group,
            (2 * classes, trivial(group)),
            (pairs * classes, extents(group)),
            (2, vector(group)),
            (pairs, vectors_of_pairs(group)),
            (2, extents(group)),
            (pairs, extents_of_pairs(group)),
        )

    @functools.cached_property
    def default_boxes(self) -> np.ndarray:
        """``[places · shapes, 4]``: at each place the squares, then wide and tall of each ratio."""
        side = min(self.image_size)
        found = []
        for k, grid in enumerate(self.grids):
            s, between = self.scales[k] * side, math.sqrt(self.scales[k] * self.scales[k + 1]) * side
            sizes = [(s, s), (between, between)]
            for ratio in map(math.sqrt, self.ratios):
                sizes += [(s * ratio, s / ratio), (s / ratio, s * ratio)]
            half = np.array(sizes) / 2
            places = grid.places[:, None]
            found.append(np.concatenate([places - half, places + half], -1).reshape(-1, 4))
        return np.concatenate(found).astype(np.float32)

    def assign(self, targets: Targets) -> tuple[Array, Array]:
        """Which box each default box learns, −1 for none, and which default boxes count nowhere.

        Boxes are looked at in turn, so that memory does not grow with their number.

        Args:
          targets: of one image.
        """
        anchors = jnp.asarray(self.default_boxes)

        def look(best: tuple, listed: tuple) -> tuple[tuple, None]:
            most, index, forced, forced_index = best
            box, real, i = listed
            overlap = jnp.where(real, iou(anchors, box), 0)
            better = overlap > most
            chosen = real & (overlap >= overlap.max() - 1e-5) & (overlap > 0)
            takes = chosen & (overlap > forced)
            now = (jnp.where(better, overlap, most), jnp.where(better, i, index))
            return (*now, jnp.where(takes, overlap, forced), jnp.where(takes, i, forced_index)), None

        zero, none = jnp.zeros(len(anchors)), jnp.full(len(anchors), -1, jnp.int32)
        indices = jnp.arange(len(targets.boxes), dtype=jnp.int32)
        listed = (targets.boxes, targets.classes >= 0, indices)
        (most, index, _, forced), _ = jax.lax.scan(look, (zero, none, zero, none), listed)
        chosen = jnp.where(forced >= 0, forced, jnp.where(most > self.match, index, -1))
        hidden = (chosen >= 0) & targets.ignored[jnp.maximum(chosen, 0)]
        return jnp.where(hidden, -1, chosen), hidden

    def losses(self, levels: tuple[Array, ...], targets: Targets) -> Losses:
        """See `SSDEncoding`; divided by the number of default boxes that learn a box."""
        return jax.vmap(self._losses_of_one)(flat(levels), targets)

    def _losses_of_one(self, numbers: Float[Array, "places channels"], targets: Targets) -> Losses:
        chosen, hidden = self.assign(targets)
        found, place = chosen >= 0, jnp.maximum(chosen, 0)
        logits, deltas = self._split(numbers)
        classes = jnp.where(found, targets.classes[place] + 1, 0)
        log_probabilities = jax.nn.log_softmax(logits)
        entropy = -jnp.take_along_axis(log_probabilities, classes[:, None], -1)[:, 0]
        background = jnp.where(found | hidden, -jnp.inf, jax.lax.stop_gradient(entropy))
        wanted = jnp.minimum(self.negatives * found.sum(dtype=jnp.float32), len(found) - 1).astype(jnp.int32)
        least = jnp.sort(background, descending=True)[wanted]  # equal losses: as many as there are
        hard = (background > least) & (wanted > 0)
        goal = to_deltas(targets.boxes[place], jnp.asarray(self.default_boxes))
        error = jnp.abs(deltas - goal)
        smooth = jnp.where(error < 1, error * error / 2, error - 0.5).sum(-1)
        return Losses(
            classes=jnp.where(found | hard, entropy, 0).sum(),
            boxes=jnp.where(found, smooth, 0).sum(),
            objectness=jnp.zeros(()),
            count=found.sum().astype(jnp.float32),
        )

    def candidates(self, levels: tuple[Array, ...]) -> Candidates:
        """The default boxes, moved, and cut at the border of the image; scores are the probabilities."""
        logits, deltas = self._split(flat(levels))
        boxes = from_deltas(deltas, jnp.asarray(self.default_boxes))
        height, width = self.image_size
        boxes = jnp.clip(boxes, 0, jnp.array([width, height, width, height], jnp.float32))
        return Candidates(boxes, jax.nn.softmax(logits)[..., 1:])

    def _split(self, numbers: Float[Array, "*batch places channels"]) -> tuple[Array, Array]:
        """Logits ``[..., places · shapes, C + 1]`` and deltas ``[..., places · shapes, 4]``."""
        lead, classes, pairs = numbers.shape[:-1], self.num_classes + 1, len(self.ratios)
        parts, start = [], 0
        for square, width in ((True, classes), (False, classes), (True, 2), (False, 2), (True, 2), (False, 2)):
            count = 2 * width if square else 2 * pairs * width
            parts.append(numbers[..., start : start + count])
            start += count
        square_logits = parts[0].reshape(*lead, 2, classes)
        pair_logits = jnp.swapaxes(parts[1].reshape(*lead, pairs, classes, 2), -1, -2).reshape(*lead, -1, classes)
        offsets = jnp.concatenate([part.reshape(*lead, -1, 2) for part in parts[2:4]], -2)
        scales = jnp.concatenate([part.reshape(*lead, -1, 2) for part in parts[4:6]], -2)
        logits = jnp.concatenate([square_logits, pair_logits], -2)
        deltas = jnp.concatenate([offsets, scales], -1)
        rows = (*lead[:-1], -1)
        return logits.reshape(*rows, classes), deltas.reshape(*rows, 4)
