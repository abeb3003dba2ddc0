"""Classification with localisation: whether there is an object, where it is and what it is, one answer for an image."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from geomdl.boxes.overlap import area
from geomdl.errors import unknown
from geomdl.groups import PlanarGroup
from geomdl.layers import Identity, Sequential
from geomdl.models.detection.backbones import BackboneConfig
from geomdl.models.detection.detector import Detector
from geomdl.models.detection.encodings.assignment import Assigned, assign, gathered
from geomdl.models.detection.encodings.outputs import Candidates, Grid, Losses, Targets, flat
from geomdl.models.detection.plane_fields import extents, fields, upright_group, vector
from geomdl.models.detection.restricted import to_fields
from geomdl.models.zoo.core.chain import Chain
from geomdl.representations import FieldType, trivial

OBJECTIVES = ("squared", "log")


@dataclasses.dataclass(frozen=True)
class LocalisationEncoding:
    """y = [P_c, b_x, b_y, b_h, b_w, c_1, …, c_n]: whether there is an object, its box and its class.

    b_x and b_y are the centre of the box and b_h, b_w its sides, as shares of the image, from its top left corner. The
    network gives (b_x − ½, ½ − b_y), a vector about the centre of the image, (b_w, b_h), which quarter turns exchange,
    and scalars; `tensor` and `target` give the vector y.

    Of several objects the largest is learnt, of equally large ones the one nearest to the centre of the image. The loss
    is, with y_1 = 1 where there is an object and 0 where there is none,

      ``"squared"``: Σ_i (ŷ_i − y_i)² where y_1 = 1, and (ŷ_1 − y_1)² where y_1 = 0;
      ``"log"``:     the same, with −log of the probability of y_1 (logistic) and of the class (softmax) in place of
                     the squares of ŷ_1 and of the c_i.

    Args:
      image_size: (height, width).
      grids: one, of one place.
      num_classes: n.
      objective: ``"squared"`` or ``"log"``.

    References:
      Ng, Convolutional neural networks (DeepLearning.AI), week 3, object localisation.
    """

    image_size: tuple[int, int]
    grids: tuple[Grid, ...]
    num_classes: int
    objective: str = "squared"

    oriented = False

    def field_type(self, group: PlanarGroup) -> FieldType:
        """A vector, two extents, P_c and the classes."""
        scalars = (1 + self.num_classes, trivial(group))
        return fields(group, (1, vector(group)), (1, extents(group)), scalars)

    def assign(self, targets: Targets) -> Assigned:
        """Which box is learnt.

        Args:
          targets: of one image.
        """
        middle = jnp.asarray(self._extent) / 2

        def claim(box: Array) -> tuple[Array, tuple[Array, ...]]:
            apart = jnp.square((box[:2] + box[2:]) / 2 - middle).sum()
            return jnp.ones(1, bool), (-area(box)[None], apart[None])

        return assign(targets, 1, claim)

    def target(self, targets: Targets) -> Float[Array, "batch numbers"]:
        """y of each image, ``[batch, 5 + n]``; zeros where there is no object.

        Args:
          targets: of a batch.
        """

        def of_one(one: Targets) -> Array:
            found, boxes, classes = gathered(self.assign(one), one)
            centre = (boxes[0, :2] + boxes[0, 2:]) / 2 / jnp.asarray(self._extent)
            size = (boxes[0, 2:] - boxes[0, :2]) / jnp.asarray(self._extent)
            there = (classes[0] == jnp.arange(self.num_classes)).astype(jnp.float32)
            y = jnp.concatenate([jnp.ones(1), centre, size[::-1], there])
            return jnp.where(found[0], y, 0)

        return jax.vmap(of_one)(targets)

    def tensor(self, level: Float[Array, "batch 1 1 numbers"]) -> Float[Array, "batch numbers"]:
        """ŷ of each image, ``[batch, 5 + n]``; with ``"log"`` P_c and the classes as logits.

        Args:
          level: the field of a network.
        """
        z = level.reshape(len(level), -1)
        return jnp.stack([z[:, 4], 0.5 + z[:, 0], 0.5 - z[:, 1], z[:, 3], z[:, 2], *z[:, 5:].T], -1)

    def losses(self, levels: tuple[Array, ...], targets: Targets) -> Losses:
        """See `LocalisationEncoding`; the mean over the images is taken."""
        y, found = self.target(targets), self.tensor(levels[0]).astype(jnp.float32)
        there = y[:, 0] > 0
        ignored = jax.vmap(lambda one: self.assign(one).ignored[0])(targets)
        squares = jnp.square(found - y)
        if self.objective == "log":
            presence = jnp.logaddexp(found[:, 0], 0) - y[:, 0] * found[:, 0]
            classes = -(jax.nn.log_softmax(found[:, 5:]) * y[:, 5:]).sum(-1)
        else:
            presence, classes = squares[:, 0], squares[:, 5:].sum(-1)
        return Losses(
            classes=jnp.where(there, classes, 0),
            boxes=jnp.where(there, squares[:, 1:5].sum(-1), 0),
            objectness=jnp.where(ignored, 0, presence),
            count=jnp.ones(len(y)),
        )

    def candidates(self, levels: tuple[Array, ...]) -> Candidates:
        """One box, cut at the border of the image; the score of a class is P_c times that of the class."""
        y = self.tensor(flat(levels)[:, None])
        if self.objective == "log":
            scores = jax.nn.sigmoid(y[:, :1]) * jax.nn.softmax(y[:, 5:])
        else:
            scores = jnp.clip(y[:, :1], 0, 1) * jnp.clip(y[:, 5:], 0, 1)
        extent = jnp.asarray(self._extent)
        centre, half = y[:, 1:3] * extent, jnp.maximum(y[:, 4:2:-1], 0) * extent / 2
        low, high = (jnp.clip(corner, 0, extent) for corner in (centre - half, centre + half))
        return Candidates(jnp.concatenate([low, high], -1)[:, None], scores[:, None])

    @property
    def _extent(self) -> np.ndarray:
        """(width, height) of the image."""
        return np.array(self.image_size[::-1], np.float32)


@dataclasses.dataclass(frozen=True)
class LocaliserConfig(BackboneConfig):
    """Classification with localisation (`LocalisationEncoding`): a backbone and two dense layers over its last map.

    The first of them is a convolution whose window is the whole map, so that for C4 and D4 the box moves with the
    image, exactly on the grid.

    Args:
      backbone: ``"plain"``, or the name of a network of the zoo.
      channels: see `FCOSConfig`.
      halvings: of the plain backbone.
      units: of the hidden dense layer.
      objective: ``"squared"`` or ``"log"``.

    Raises:
      ValueError: for a value out of range; at `build`, for images that are too small, or not square for quarter turns.

    >>> small = LocaliserConfig(group="C4", channels=2, halvings=2, units=4)
    >>> jax.jit(small.build((16, 16, 1), 3, rngs=0))(jnp.ones((1, 16, 16, 1))).levels[0].shape  # 5 + 3
    (1, 1, 1, 8)
    """

    halvings: int = 3
    units: int = 64
    objective: str = "squared"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("units")
        if self.objective not in OBJECTIVES:
            raise unknown("model.objective", self.objective, OBJECTIVES)

    def network(self, net: Chain, num_classes: int) -> None:
        """The network, as one layer."""
        parts = self.stages(net)
        whole = Sequential([part.layer for part in parts])
        own = net.fork()
        own.start, own.size = whole.out_type, parts[-1].grid.size
        rows, columns = parts[-1].grid.size
        own.conv(self.units, rows if rows == columns else (rows, columns), padding=0).act().dropout(self.dropout)
        height, width = net.size
        grid = Grid((1, 1), max(height, width), (max(height, width) - 1) / 2)
        encoding = LocalisationEncoding((height, width), (grid,), num_classes, self.objective)
        wanted = encoding.field_type(upright_group(self.points))
        head = Sequential([*own.layers, *to_fields(own.field_type, wanted, 1, net.rngs)])
        net.add(Detector([whole], [Identity(whole.out_type)], [], head, encoding))
