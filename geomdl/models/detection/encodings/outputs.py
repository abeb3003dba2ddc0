"""What a detector gives: fields on one or several grids, and the encoding that says what their numbers mean."""

import dataclasses
from fractions import Fraction
from typing import NamedTuple, Protocol

import jax
import numpy as np
from jaxtyping import Array, Float

from geomdl.equivariance.contracts.contract import Contract
from geomdl.errors import invalid
from geomdl.groups import PlanarGroup
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class Grid:
    """The places of the pixels of a feature map in the image.

    Pixel (i, j) looks from (x, y) = (j · stride + offset + ½, i · stride + offset + ½), in pixels from the top left
    corner of the image.

    Args:
      size: (height, width) of the feature map.
      stride: pixels of the image from one pixel of the map to the next.
      offset: where the first lies, in pixels from the centre of the image's first pixel.

    >>> Grid((1, 2), 4, 1.5).places
    array([[2., 2.],
           [6., 2.]], dtype=float32)
    """

    size: tuple[int, int]
    stride: float
    offset: float

    @property
    def places(self) -> np.ndarray:
        """``[height · width, 2]``, (x, y), row by row."""
        y, x = (np.arange(n) * self.stride + self.offset + 0.5 for n in self.size)
        return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2).astype(np.float32)

    @property
    def count(self) -> int:
        """How many places there are."""
        return self.size[0] * self.size[1]

    @classmethod
    def of(cls, contract: Contract, image_size: tuple[int, int]) -> "Grid":
        """The grid of a module's output.

        Args:
          contract: of the module.
          image_size: (height, width) of the images.

        Raises:
          ValueError: when its output has no pixels, or others along each axis.
        """
        if not contract.has_base_space:
            raise invalid("the features of a detector", "without pixels", "a feature map, before any global pooling")
        size = tuple(contract.output_size(image_size))
        if not isinstance(contract.stride, int | Fraction) or not isinstance(contract.offset, int | Fraction):
            raise invalid("stride of the features of a detector", str(contract.stride), "one for both axes")
        return cls((size[0], size[1]), float(contract.stride), float(contract.offset))


class Targets(NamedTuple):
    """What there is in the images of a batch.

    Attributes:
      boxes: ``[batch, k, 4]`` (x0, y0, x1, y1), or ``[batch, k, 5]`` (cx, cy, w, h, angle), in pixels.
      classes: ``[batch, k]`` int32, −1 where there is no box.
      ignored: ``[batch, k]`` bool: boxes that are neither learnt nor counted as background.

    >>> box = jax.numpy.array([[[0.0, 0.0, 4.0, 2.0]]])  # one image with one box, of class 1
    >>> Targets(box, jax.numpy.array([[1]]), jax.numpy.array([[False]])).boxes.shape
    (1, 1, 4)
    """

    boxes: Array
    classes: Array
    ignored: Array


class Losses(NamedTuple):
    """The parts of a detector's loss, summed over each image, and what to divide by.

    Attributes:
      classes: ``[batch]``, of the class scores.
      boxes: ``[batch]``, of the boxes.
      objectness: ``[batch]``, of whatever says how good a box is: centre-ness, confidence.
      count: ``[batch]``: the loss of a batch is Σ (classes + boxes + objectness) / Σ count.

    >>> losses = Losses(*(jax.numpy.array(part) for part in ([2.0, 1.0], [1.0, 0.0], [0.5, 0.5], [4.0, 1.0])))
    >>> float(sum(part.sum() for part in losses[:3]) / losses.count.sum())  # 5 / 5
    1.0
    """

    classes: Float[Array, " batch"]
    boxes: Float[Array, " batch"]
    objectness: Float[Array, " batch"]
    count: Float[Array, " batch"]


class Candidates(NamedTuple):
    """All boxes that a detector proposes, before suppression.

    Attributes:
      boxes: ``[batch, n, 4 or 5]`` in pixels.
      scores: ``[batch, n, classes]``, from 0 to 1.

    >>> found = Candidates(jax.numpy.zeros((2, 9, 4)), jax.numpy.ones((2, 9, 3)))  # 9 boxes and 3 classes
    >>> found.boxes.shape, found.scores.shape
    ((2, 9, 4), (2, 9, 3))
    """

    boxes: Array
    scores: Array


class Encoding(Protocol):
    """What the numbers of a detector mean: a frozen, hashable value.

    It says how they transform, what they should be for given boxes, and which boxes they are.
    """

    @property
    def grids(self) -> tuple[Grid, ...]:
        """The grids of the fields, from the finest to the coarsest."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the images."""
        ...

    @property
    def oriented(self) -> bool:
        """Whether boxes are oriented."""
        ...

    def field_type(self, group: PlanarGroup) -> FieldType:
        """The numbers at one place, and how they transform under a group."""
        ...

    def losses(self, levels: tuple[Array, ...], targets: Targets) -> Losses:
        """The loss of every image."""
        ...

    def candidates(self, levels: tuple[Array, ...]) -> Candidates:
        """The boxes."""
        ...


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class DetectorOutputs:
    """What a detector gives, a tree of arrays as JAX sees it.

    Attributes:
      levels: fields ``[batch, height, width, channels]``, one for each grid, all of one field type.
      encoding: what they mean; static.

    >>> outputs = DetectorOutputs((jax.numpy.ones((1, 2, 2, 3)),), None)
    >>> jax.tree.map(jax.numpy.shape, outputs)
    DetectorOutputs(levels=((1, 2, 2, 3),), encoding=None)
    """

    levels: tuple[Array, ...]
    encoding: Encoding | None = dataclasses.field(metadata={"static": True})


def flat(levels: tuple[Array, ...]) -> Float[Array, "batch places channels"]:
    """The numbers at all places of all levels, in float32: ``[batch, places, channels]``.

    Args:
      levels: fields ``[batch, height, width, channels]``.

    >>> flat((jax.numpy.ones((2, 4, 4, 3)), jax.numpy.ones((2, 2, 2, 3)))).shape
    (2, 20, 3)
    """
    rows = [level.reshape(level.shape[0], -1, level.shape[-1]) for level in levels]
    return jax.numpy.concatenate(rows, 1).astype(jax.numpy.float32)


def all_places(grids: tuple[Grid, ...]) -> np.ndarray:
    """``[places, 2]``, (x, y) of the places of all grids.

    Args:
      grids: in the order of the levels.

    >>> all_places((Grid((1, 1), 4, 1.5), Grid((1, 1), 8, 3.5))).tolist()
    [[2.0, 2.0], [4.0, 4.0]]
    """
    return np.concatenate([grid.places for grid in grids])


def all_strides(grids: tuple[Grid, ...]) -> np.ndarray:
    """``[places]``, the stride of the grid of each place.

    Args:
      grids: in the order of the levels.

    >>> all_strides((Grid((1, 2), 4, 1.5), Grid((1, 1), 8, 3.5))).tolist()
    [4.0, 4.0, 8.0]
    """
    return np.concatenate([np.full(grid.count, grid.stride, np.float32) for grid in grids])


def level_ranges(grids: tuple[Grid, ...], least: float) -> tuple[np.ndarray, np.ndarray]:
    """``[places]`` twice: between which lengths in pixels lie the boxes that each place of FCOS learns.

    Those of a level are from ``least`` strides to twice as many; the finest takes smaller boxes too, the coarsest
    larger ones.

    Args:
      grids: in the order of the levels.
      least: in strides.

    >>> low, high = level_ranges((Grid((1, 2), 4, 1.5), Grid((1, 1), 8, 3.5)), 4.0)
    >>> low.tolist(), high.tolist()
    ([0.0, 0.0, 32.0], [32.0, 32.0, inf])
    """
    counts = [grid.count for grid in grids]
    low = [0.0, *(least * grid.stride for grid in grids[1:])]
    high = [*(2 * least * grid.stride for grid in grids[:-1]), np.inf]
    return np.repeat(np.array(low, np.float32), counts), np.repeat(np.array(high, np.float32), counts)
