"""Procedural shapes for segmentation: discs, rings, squares and triangles at every angle, on smooth texture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from geomdl.data.checks import number
from geomdl.data.draws import normals, uniforms
from geomdl.data.types import DataConfig, Dataset, LabelKind, Split
from geomdl.errors import invalid, unknown
from geomdl.memory import require_memory
from geomdl.numbers import whole_number

_WAVES = 6
_CANDIDATES = 4  # places tried per shape asked for
_RING_WIDTH = 0.4  # of the outer radius


def _polygon(sides: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    angles = 2 * np.pi * np.arange(sides) / sides
    inner = np.cos(np.pi / sides)

    def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.max([np.cos(a) * x + np.sin(a) * y for a in angles], axis=0) - inner

    return distance


def _ring(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(np.hypot(x, y) - (1 - _RING_WIDTH / 2)) - _RING_WIDTH / 2


SHAPES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "disc": lambda x, y: np.hypot(x, y) - 1,
    "ring": _ring,
    "square": _polygon(4),
    "triangle": _polygon(3),
}
"""Signed distances to the outlines of shapes of circumradius 1 about the origin, negative inside."""


@dataclass(frozen=True)
class ShapesConfig(DataConfig):
    """Drawn discs, rings, squares and triangles on texture, with label maps.

    Every image holds up to ``count`` shapes that do not touch, each of a class, a circumradius, a place, an angle and a
    brightness of its own, all uniformly drawn. The background is a sum of plane waves of all directions. So the images
    have no preferred orientation: those that stay in the frame are as likely as their rotations and reflections. All
    classes have the same brightness; only the outline tells them apart. A pixel is labelled by the shape that its
    centre lies in; 0 is the background.

    Attributes:
      size: side of the frame in pixels.
      shapes: the classes besides the background, of `SHAPES`.
      count: the most shapes in an image; fewer where there is no room.
      smallest: least circumradius in pixels.
      largest: greatest circumradius in pixels.
      texture: greatest deviation of the background from 0.25.
      noise: standard deviation of the Gaussian noise added before clipping to [0, 1].
      train_size: training images.
      validation_size: validation images.
      test_size: test images.
      seed: of everything drawn. Image i of a split depends on (seed, split, i) and the options only.

    Raises:
      ValueError: an option is out of range, or the largest shape does not fit into the frame.

    >>> dataset = ShapesConfig(size=32, count=2, train_size=10).load()
    >>> dataset.train, dataset.train.labels.shape, dataset.classes
    (Split(10 images 32×32×1 float32), (10, 32, 32), ('background', 'disc', 'ring', 'square', 'triangle'))
    """

    name: ClassVar[str] = "shapes"  # pyright: ignore[reportIncompatibleVariableOverride]
    size: int = 64
    shapes: tuple[str, ...] = ("disc", "ring", "square", "triangle")
    count: int = 5
    smallest: float = 6.0
    largest: float = 10.0
    texture: float = 0.25
    noise: float = 0.05
    train_size: int = 500
    validation_size: int = 100
    test_size: int = 200
    seed: int = 0

    def __post_init__(self):
        for key in ("size", "count", "train_size", "validation_size", "test_size"):
            whole_number(f"data.{key}", getattr(self, key))
        whole_number("data.seed", self.seed, least=0)
        for key in ("size", "train_size", "validation_size", "test_size"):
            images = 1 if key == "size" else getattr(self, key)
            require_memory(f"data.{key}", getattr(self, key), (images, self.size, self.size))
        for key in ("smallest", "largest", "texture", "noise"):
            number(f"data.{key}", getattr(self, key))
        for shape in self.shapes:
            if shape not in SHAPES:
                raise unknown("data.shapes", shape, list(SHAPES))
        if not self.shapes or len(set(self.shapes)) < len(self.shapes):
            raise invalid("data.shapes", self.shapes, "one or more different shapes", tuple(SHAPES))
        if not 1 <= self.smallest <= self.largest:
            allowed = f"from 1 to data.largest, which is {self.largest}"
            raise invalid("data.smallest", self.smallest, allowed, max(1.0, min(self.smallest, self.largest)))
        if self.size < 2 * self.largest + 2:
            least = int(np.ceil(2 * self.largest)) + 2
            raise invalid(
                "data.size", self.size, f"a frame for shapes of radius {self.largest}: {least} or more", least
            )

    @property
    def label_kind(self) -> LabelKind:
        """``"map"``."""
        return "map"

    def load(self) -> Dataset:
        """Draws the images and their label maps."""
        splits = {key: self._draw(key, getattr(self, f"{key}_size")) for key in ("train", "validation", "test")}
        return Dataset(
            name=self.name,
            image_shape=(self.size, self.size, 1),
            num_classes=1 + len(self.shapes),
            classes=("background", *self.shapes),
            label_kind="map",
            provenance=f"drawn by geomdl.data.sources.shapes, every option stated: {self!r}",
            train=splits["train"],
            validation=splits["validation"],
            test=splits["test"],
        )

    def _draw(self, split: str, count: int) -> Split:
        purpose = f"shapes/{split}"
        axis = np.arange(self.size) - (self.size - 1) / 2
        x, y = np.broadcast_arrays(axis, -axis[:, None])
        texture = waves(self.seed, purpose, count, x, y, self.texture)
        noise = self.noise * normals(self.seed, f"{purpose}/noise", (count, self.size, self.size))
        tried = uniforms(self.seed, f"{purpose}/places", (count, _CANDIDATES * self.count, 6))
        images = np.empty((count, self.size, self.size, 1), np.float32)
        labels = np.zeros((count, self.size, self.size), np.int32)
        for place, candidates in enumerate(tried):
            image = texture[place]
            for kind, radius, right, up, angle, brightness in self._without_contact(candidates):
                cos, sin = np.cos(angle) / radius, np.sin(angle) / radius
                along, across = cos * (x - right) + sin * (y - up), cos * (y - up) - sin * (x - right)
                distance = radius * SHAPES[self.shapes[int(kind)]](along, across)
                covered = np.clip(0.5 - distance, 0.0, 1.0)
                image = image + covered * (brightness - image)
                labels[place][distance < 0] = 1 + int(kind)
            images[place, ..., 0] = np.clip(image + noise[place], 0.0, 1.0)
        return Split(images, labels)

    def _without_contact(self, candidates: Float[np.ndarray, "m 6"]) -> list[tuple[float, ...]]:
        """The first of the candidates whose surrounding circles stay apart: (kind, radius, right, up, angle, value)."""
        kept: list[tuple[float, ...]] = []
        for kind, radius, right, up, angle, brightness in candidates:
            r = self.smallest + (self.largest - self.smallest) * radius
            room = (self.size - 1) / 2 - r
            here = (room * (2 * right - 1), room * (2 * up - 1))
            if len(kept) < self.count and all(
                np.hypot(here[0] - other[2], here[1] - other[3]) > r + other[1] + 1 for other in kept
            ):
                kept.append((np.floor(kind * len(self.shapes)), r, *here, 2 * np.pi * angle, 0.6 + 0.4 * brightness))
        return kept


def waves(
    seed: int, purpose: str, count: int, x: np.ndarray, y: np.ndarray, most: float
) -> Float[np.ndarray, "n size size"]:
    """Smooth backgrounds: sums of waves of 8 to 40 pixels' length in all directions, within ``most`` of 0.25.

    Args:
      seed: of what is drawn.
      purpose: what it is drawn for, see `geomdl.data.uniforms`.
      count: of images.
      x: of the pixels, to the right.
      y: of the pixels, upward.
      most: the greatest deviation.
    """
    draws = uniforms(seed, f"{purpose}/texture", (count, _WAVES, 3))
    texture = np.full((count, *x.shape), 0.25)
    for wave in range(_WAVES):
        heading, length, phase = draws[:, wave, :, None, None].swapaxes(0, 1)
        along = np.cos(2 * np.pi * heading) * x + np.sin(2 * np.pi * heading) * y
        texture += most / _WAVES * np.sin(2 * np.pi * (along / (8 + 32 * length) + phase))
    return texture
