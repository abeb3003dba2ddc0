"""A classifier that slides over a larger image, computed as one convolutional network."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
from jaxtyping import Array

from geomdl.boxes.overlap import iou
from geomdl.equivariance.contracts.composition import compose
from geomdl.equivariance.contracts.contract import Size
from geomdl.errors import invalid
from geomdl.groups import PlanarGroup
from geomdl.layers import GlobalPool, Identity, Layer, Pool, Sequential
from geomdl.models.detection.backbones import zoo_config
from geomdl.models.detection.detector import Detector
from geomdl.models.detection.encodings.assignment import Assigned, assign, gathered
from geomdl.models.detection.encodings.outputs import Candidates, Grid, Losses, Targets, flat
from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig
from geomdl.representations import FieldType


def convolutional(network: Sequential, window: Size) -> Sequential:
    """The classifier at every place of a larger image: its dense layers as convolutions.

    A dense layer over a flattened map is a convolution with a window as large as the map, and so are the others, with a
    window of one pixel; a mean over all pixels of a map is the mean of windows as large as it is. What comes out at
    place (i, j) are the scores of the window of the image whose top left corner is at (i, j) times the stride: the same
    numbers as those for the crop. Parameters are shared with the classifier.

    Args:
      network: a classifier of images of one size, without padding, such as LeNet-5.
      window: that size, (height, width).

    Returns:
      ``[batch, height, width, channels]`` → ``[batch, rows, columns, classes]``.

    Raises:
      ValueError: when a layer sees beyond the window (padding), or looks at all of it in another way than by a mean, a
        maximum or a dense layer; or when the network does not give one answer for a window.

    References:
      Sermanet et al., OverFeat: integrated recognition, localization and detection using convolutional networks, ICLR
      2014, section 3.5.

    >>> from geomdl.models import LeNetConfig
    >>> classifier = LeNetConfig(variant="5-modern").build((32, 32, 1), 10, rngs=0)
    >>> everywhere = convolutional(classifier, (32, 32))
    >>> jax.jit(everywhere)(jnp.ones((1, 40, 36, 1))).shape
    (1, 3, 2, 10)
    """
    layers: list[Layer] = []
    size: Size = tuple(window)
    for i, layer in enumerate(_flattened(network)):
        own = layer
        if isinstance(layer, GlobalPool):
            pixels = size[0] if size[0] == size[1] else size
            alone = size == (1, 1)
            own = Identity(layer.in_type) if alone else Pool(layer.in_type, pixels, stride=1, reduce=layer.reduce)
        elif not layer.contract.has_base_space:
            raise invalid(f"layer {i} of a sliding classifier", type(layer).__name__, "a mean, maximum or dense layer")
        layers.append(own)
        size = tuple(own.contract.output_size(size))
    found = Sequential(layers)
    contract = found.contract
    if tuple(contract.output_size(window)) != (1, 1):
        raise invalid("output of a sliding classifier", contract.output_size(window), "one answer for a window", (1, 1))
    reach = contract.reach
    if not isinstance(reach, int | Fraction) or any(2 * reach + 1 > n for n in window):
        seen = f"{2 * reach + 1} pixels" if isinstance(reach, int | Fraction) else "all of it"
        raise invalid("field of view of a sliding classifier", seen, f"at most the window of {window}: no padding")
    return found


def _flattened(network: Sequential) -> list[Layer]:
    flat_layers: list[Layer] = []
    for layer in network.layers:
        flat_layers += _flattened(layer) if isinstance(layer, Sequential) else [layer]
    return flat_layers


@dataclasses.dataclass(frozen=True)
class WindowEncoding:
    """At every place the scores of the background and of the classes, for the window around it; its box is the window.

    A window learns the box that it overlaps by an IoU above ``match``, the largest of several; it is background where
    it overlaps none by more than ``apart``, and counts nowhere in between. The loss is the mean cross-entropy over the
    windows of an image that count, once for what is to be found and once for the background.

    Args:
      image_size: (height, width).
      grids: one.
      num_classes: how many.
      window: (height, width) of the windows.
      match: the IoU above which a window shows an object.
      apart: the IoU up to which it shows none.
    """

    image_size: tuple[int, int]
    grids: tuple[Grid, ...]
    num_classes: int
    window: tuple[int, int]
    match: float = 0.5
    apart: float = 0.3

    oriented = False

    def field_type(self, group: PlanarGroup) -> FieldType:
        """Scalars: background first."""
        return FieldType(group, f"{self.num_classes + 1} trivial")

    @property
    def boxes(self) -> Array:
        """``[places, 4]``, the windows."""
        places, half = jnp.asarray(self.grids[0].places), jnp.array(self.window[::-1], jnp.float32) / 2
        return jnp.concatenate([places - half, places + half], -1)

    def assign(self, targets: Targets) -> Assigned:
        """Which box each window overlaps most, if by more than ``apart``.

        Args:
          targets: of one image.
        """

        def claim(box: Array) -> tuple[Array, tuple[Array, ...]]:
            overlap = iou(self.boxes, box)
            return overlap > self.apart, (-overlap,)

        return assign(targets, self.grids[0].count, claim)

    def losses(self, levels: tuple[Array, ...], targets: Targets) -> Losses:
        """See `WindowEncoding`; the mean over the images is taken."""
        return jax.vmap(self._losses_of_one)(flat(levels), targets)

    def _losses_of_one(self, numbers: Array, targets: Targets) -> Losses:
        assigned = self.assign(targets)
        near, boxes, classes = gathered(assigned, targets)
        shows = near & (iou(self.boxes, boxes) > self.match)
        empty = ~near & ~assigned.ignored
        chosen = jnp.where(shows, classes + 1, 0)
        entropy = -jnp.take_along_axis(jax.nn.log_softmax(numbers), chosen[:, None], -1)[:, 0]
        of_objects = jnp.where(shows, entropy, 0).sum() / jnp.maximum(shows.sum(), 1)
        of_background = jnp.where(empty, entropy, 0).sum() / jnp.maximum(empty.sum(), 1)
        return Losses(of_objects, jnp.zeros(()), of_background, jnp.ones(()))

    def candidates(self, levels: tuple[Array, ...]) -> Candidates:
        """The windows, with the probabilities of the classes."""
        scores = jax.nn.softmax(flat(levels))[..., 1:]
        return Candidates(jnp.broadcast_to(self.boxes, (len(scores), *self.boxes.shape)), scores)


@dataclasses.dataclass(frozen=True)
class SlidingWindowConfig(ZooConfig):
    """A classifier that slides over the image (`convolutional`, `WindowEncoding`): a detector of objects of one size.

    Args:
      classifier: a network of the zoo without padding: ``"lenet5_modern"``, ``"lenet5"``, ….
      window: the side of the windows, for which the classifier is made.
      match: see `WindowEncoding`.
      apart: see `WindowEncoding`; here as large as ``match``: every window counts, so that none whose box would
        be wrong gets a high score; in between they are spared, which is kinder to the classifier.

    Raises:
      ValueError: for a value out of range; at `build`, for images smaller than the window, or a classifier with
        padding.

    >>> small = SlidingWindowConfig(width=0.5, window=16)
    >>> jax.jit(small.build((32, 32, 1), 3, rngs=0))(jnp.ones((1, 32, 32, 1))).levels[0].shape  # every 4 pixels
    (1, 5, 5, 4)
    """

    classifier: str = "lenet5_modern"
    window: int = 24
    match: float = 0.5
    apart: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.apart <= self.match < 1:
            allowed = f"an overlap from 0 to model.match, {self.match}, which is less than 1"
            raise invalid("model.apart", self.apart, allowed, self.match)

    def network(self, net: Chain, num_classes: int) -> None:
        """The detector, as one layer."""
        height, width = net.size
        if self.window < 1 or self.window > min(height, width):
            raise invalid("model.window", self.window, f"a side up to that of the images, {min(height, width)}")
        size = (self.window, self.window)
        channels = net.start.size
        config = zoo_config(self, self.classifier)
        scored = Sequential(config.layers((*size, channels), num_classes + 1, net.rngs))
        layers: Sequence[Layer] = list(convolutional(scored, size).layers)
        body, head = Sequential(layers[:-1]), layers[-1]
        grid = Grid.of(compose([body.contract, head.contract]), (height, width))
        encoding = WindowEncoding((height, width), (grid,), num_classes, size, self.match, self.apart)
        net.add(Detector([body], [Identity(body.out_type)], [], head, encoding))
