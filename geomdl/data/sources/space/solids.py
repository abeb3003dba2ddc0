"""Procedural solids, as volumes and as point clouds; some are told from each other by their handedness alone."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from geomdl.data.checks import number
from geomdl.data.draws import normals, uniforms
from geomdl.data.sources.space.bodies import BODIES
from geomdl.data.types import DataConfig, Dataset, LabelKind, Split
from geomdl.errors import invalid, unknown
from geomdl.memory import require_memory
from geomdl.numbers import whole_number

SPLITS = ("train", "validation", "test")
ORIENTATIONS = ("upright", "axis", "any")


@dataclass(frozen=True)
class SolidsConfig(DataConfig):
    """Boxes, tori, screws and trefoil knots, left- and right-handed, one in each volume.

    A left screw is the mirror image of a right one, and no rotation carries one into the other; likewise the knots. A
    function of volumes that reflections leave as it is cannot tell them apart; one that only rotations leave as it is
    can. Sizes, proportions and thickness are drawn uniformly, from the same range for left and right.

    Volumes are ``[depth, height, width, 1]`` with (x, y, z) = (column, −row, −slice) from the middle: an orientation is
    a rotation of space, and handedness is that of space.

    Attributes:
      size: side of the cube, in voxels.
      solids: the classes, of ``"box"``, ``"torus"``, ``"left_screw"``, ``"right_screw"``, ``"left_knot"``,
        ``"right_knot"``.
      orientation: of the training and validation solids: ``"upright"``; ``"axis"``, turned about the z axis; ``"any"``,
        uniform among all rotations.
      test_orientation: likewise of the test solids.
      smallest: least radius of the ball about a solid, as a part of half the side.
      largest: greatest radius.
      noise: standard deviation of the Gaussian noise added before clipping to [0, 1].
      labels: ``"class"``, which solid a volume has; or ``"map"``, of every voxel: 0 for background, and from 1 on the
        solid in which its centre lies.
      train_size: training volumes.
      validation_size: validation volumes.
      test_size: test volumes.
      seed: of everything drawn. Solid i of a split depends on (seed, split, i) and the options only.

    Raises:
      ValueError: an option is out of range.

    >>> dataset = SolidsConfig(size=12, train_size=2, validation_size=1, test_size=1).load()
    >>> dataset.train, dataset.classes[2:4]
    (Split(2 images 12×12×12×1 float32), ('left_screw', 'right_screw'))
    """

    name: ClassVar[str] = "solids"  # pyright: ignore[reportIncompatibleVariableOverride]
    size: int = 24
    solids: tuple[str, ...] = tuple(BODIES)
    orientation: str = "any"
    test_orientation: str = "any"
    smallest: float = 0.7
    largest: float = 1.0
    noise: float = 0.05
    labels: str = "class"
    train_size: int = 300
    validation_size: int = 60
    test_size: int = 120
    seed: int = 0

    def __post_init__(self) -> None:
        whole_number("data.size", self.size, least=8)
        whole_number("data.seed", self.seed, least=0)
        for split in SPLITS:
            count = whole_number(f"data.{split}_size", getattr(self, f"{split}_size"))
            require_memory(f"data.{split}_size", count, (count, self.size, self.size, self.size))
        for key in ("smallest", "largest", "noise"):
            number(f"data.{key}", getattr(self, key))
        for key in ("orientation", "test_orientation"):
            if getattr(self, key) not in ORIENTATIONS:
                raise unknown(f"data.{key}", getattr(self, key), ORIENTATIONS)
        if self.labels not in ("class", "map"):
            raise unknown("data.labels", self.labels, ("class", "map"))
        for solid in self.solids:
            if solid not in BODIES:
                raise unknown("data.solids", solid, list(BODIES))
        if not self.solids or len(set(self.solids)) < len(self.solids):
            raise invalid("data.solids", self.solids, "one or more different solids", tuple(BODIES))
        if not 0 < self.smallest <= self.largest <= 1:
            raise invalid("data.smallest and data.largest", (self.smallest, self.largest), "0 < smallest ≤ largest ≤ 1")

    @property
    def label_kind(self) -> LabelKind:
        """Of a volume, or of every voxel."""
        return self.labels

    def load(self) -> Dataset:
        """Draws the volumes."""
        train, validation, test = (self._volumes(split) for split in SPLITS)
        classes = self.solids if self.labels == "class" else ("background", *self.solids)
        return Dataset(
            name=self.name,
            image_shape=(self.size, self.size, self.size, 1),
            num_classes=len(classes),
            classes=classes,
            label_kind=self.labels,
            provenance=f"drawn by geomdl.data.sources.space.solids, every option stated: {self!r}",
            train=train,
            validation=validation,
            test=test,
        )

    def clouds(self, split: str, points: int = 64) -> tuple[Float[np.ndarray, "n points 3"], np.ndarray]:
        """Points drawn from the surfaces of the solids of a split, and their classes: the same solids as the volumes.

        Args:
          split: ``"train"``, ``"validation"`` or ``"test"``.
          points: of each solid; coordinates (x, y, z) are in halves of the side of the cube, from its middle.

        Returns:
          ``[n, points, 3]`` float32 without noise, and ``[n]`` int32.

        Raises:
          ValueError: no such split.

        >>> clouds, labels = SolidsConfig(test_size=3).clouds("test", points=16)
        >>> clouds.shape, labels.dtype, bool(np.abs(clouds).max() < 1.1)
        ((3, 16, 3), dtype('int32'), True)
        """
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        labels, which, radii, rotations = self._drawn(split)
        draws = uniforms(self.seed, f"solids/{split}/surface", (len(labels), whole_number("points", points), 3))
        clouds = [
            radius * BODIES[self.solids[label]].surface(draw, numbers) / _EXTENT @ rotation.T
            for label, numbers, radius, rotation, draw in zip(labels, which, radii, rotations, draws, strict=True)
        ]
        return np.stack(clouds).astype(np.float32), labels

    def _volumes(self, split: str) -> Split:
        labels, which, radii, rotations = self._drawn(split)
        axis = np.arange(self.size) - (self.size - 1) / 2
        slices, rows, columns = np.meshgrid(axis, axis, axis, indexing="ij")
        places = np.stack([columns, -rows, -slices], -1).reshape(-1, 3)
        noise = self.noise * normals(self.seed, f"solids/{split}/noise", (len(labels), len(places)))
        volumes, maps = np.empty((len(labels), len(places)), np.float32), np.zeros((len(labels), len(places)), np.int32)
        for i, (label, numbers, radius, rotation) in enumerate(zip(labels, which, radii, rotations, strict=True)):
            unit = radius * self.size / 2 / _EXTENT  # voxels in a unit of the body
            distance = unit * BODIES[self.solids[label]].distance(places @ rotation / unit, numbers)
            maps[i] = np.where(distance < 0, label + 1, 0)
            volumes[i] = np.clip(np.clip(0.5 - distance, 0.0, 1.0) + noise[i], 0.0, 1.0)
        frame = (-1, self.size, self.size, self.size)
        return Split(volumes.reshape(*frame, 1), labels if self.labels == "class" else maps.reshape(frame))

    def _drawn(self, split: str) -> tuple[np.ndarray, ...]:
        """Of each solid: its class, its three numbers, its radius, and its rotation."""
        draws = uniforms(self.seed, f"solids/{split}", (getattr(self, f"{split}_size"), 8))
        labels = np.floor(draws[:, 0] * len(self.solids)).astype(np.int32)
        radii = self.smallest + (self.largest - self.smallest) * draws[:, 4]
        orientation = self.test_orientation if split == "test" else self.orientation
        return labels, draws[:, 1:4], radii, rotations(draws[:, 5:], orientation)


_EXTENT = 1.35
"""The radius of a ball about the origin that holds every body."""


def rotations(draws: Float[np.ndarray, "n 3"], orientation: str = "any") -> Float[np.ndarray, "n 3 3"]:
    """Rotation matrices of numbers that are uniform in [0, 1): uniform among all rotations, or about the z axis.

    Args:
      draws: three numbers for each.
      orientation: ``"any"``, ``"axis"``, or ``"upright"`` for the identity.

    References:
      Shoemake, Uniform random rotations, Graphics Gems III, 1992.

    >>> rotations(np.array([[0.0, 0.0, 0.0]])).tolist()
    [[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]]
    """
    if orientation == "upright":
        return np.broadcast_to(np.eye(3), (len(draws), 3, 3))
    u, first, second = draws[:, 0], 2 * np.pi * draws[:, 1], 2 * np.pi * draws[:, 2]
    if orientation == "axis":
        x, y, z, w = 0 * u, 0 * u, np.sin(first / 2), np.cos(first / 2)
    else:
        inner, outer = np.sqrt(1 - u), np.sqrt(u)
        x, y, z, w = inner * np.sin(first), inner * np.cos(first), outer * np.sin(second), outer * np.cos(second)
    return np.stack([
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ], -1).reshape(-1, 3, 3)  # fmt: skip
