"""Procedural shapes with boxes: rectangles, triangles, crosses and ellipses at every angle, on smooth texture."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from geomdl.data.checks import number
from geomdl.data.draws import normals, uniforms
from geomdl.data.sources.shapes import waves
from geomdl.data.targets.boxes import pack_boxes
from geomdl.data.types import DataConfig, Dataset, LabelKind, Split
from geomdl.errors import invalid, unknown
from geomdl.memory import require_memory
from geomdl.numbers import whole_number

_TRIES = 6  # places tried per shape asked for

Distance = Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]


def _rectangle(x: np.ndarray, y: np.ndarray, a: float, b: float) -> np.ndarray:
    return np.maximum(np.abs(x) - a, np.abs(y) - b)


def _triangle(x: np.ndarray, y: np.ndarray, a: float, b: float) -> np.ndarray:
    # corners (a, 0), (−a, b), (−a, −b)
    slanted = (b * x + 2 * a * np.abs(y) - a * b) / np.hypot(b, 2 * a)
    return np.maximum(-a - x, slanted)


def _cross(x: np.ndarray, y: np.ndarray, a: float, b: float) -> np.ndarray:
    bar = 0.35 * b
    return np.minimum(_rectangle(x, y, a, bar), _rectangle(x, y, bar, b))


def _ellipse(x: np.ndarray, y: np.ndarray, a: float, b: float) -> np.ndarray:
    # the level function divided by its gradient: the distance up to second order
    u, v = x / a, y / b
    value = u * u + v * v - 1
    return value / np.maximum(2 * np.hypot(u / a, v / b), 1e-6)


BOXED: dict[str, Distance] = {
    "rectangle": _rectangle,
    "triangle": _triangle,
    "cross": _cross,
    "ellipse": _ellipse,
}
"""Distances to outlines that touch every side of [−a, a] × [−b, b], negative inside."""

_OUTLINES: dict[str, Callable[[float, float], np.ndarray]] = {
    "rectangle": lambda a, b: np.array([[a, b], [-a, b], [-a, -b], [a, -b]]),
    "triangle": lambda a, b: np.array([[a, 0], [-a, b], [-a, -b]]),
    "cross": lambda a, b: np.array(
        [[s * a, t * 0.35 * b] for s in (1, -1) for t in (1, -1)]
        + [[s * 0.35 * b, t * b] for s in (1, -1) for t in (1, -1)]
    ),
}
"""Points whose hull is that of the shape, along its width and height; the ellipse's is in closed form."""


@dataclass(frozen=True)
class BoxShapesConfig(DataConfig):
    """Drawn rectangles, triangles, crosses and ellipses at every angle on texture, with their boxes.

    Every image holds up to ``count`` shapes, each of a class, a size, proportions, a place, an angle and a brightness
    of its own, all uniformly drawn; later ones lie over earlier ones. Upright boxes are the tight ones of the shapes as
    they are turned; oriented boxes are as long and wide as the shapes, in their direction (le90, see `geomdl.boxes`).
    All shapes lie inside the frame. Images have no preferred orientation, unless ``turned`` is less than 360:
    images and boxes that are turned by a quarter, or reflected, are as likely.

    Attributes:
      size: side of the frame in pixels.
      shapes: the classes, of `BOXED`.
      count: the most shapes in an image; their number is uniform from ``least``.
      least: the fewest shapes in an image; 0 for some images without.
      smallest: least half length of a shape, in pixels.
      largest: greatest half length.
      flattest: least width of a shape as a share of its length; the greatest is 0.9.
      turned: shapes are turned by angles from 0 to so many degrees, counter-clockwise; 0: all of them are upright.
      overlap: of the smaller of two upright boxes the greatest share that the other one may cover.
      oriented: whether labels are oriented boxes.
      difficult: shapes of which later ones cover more than this share of the area are marked as difficult.
      texture: greatest deviation of the background from 0.25.
      noise: standard deviation of the Gaussian noise added before clipping to [0, 1].
      train_size: training images.
      validation_size: validation images.
      test_size: test images.
      seed: of everything drawn. Image i of a split depends on (seed, split, i) and the options only.

    Raises:
      ValueError: an option is out of range, or the largest shape does not fit into the frame.

    >>> dataset = BoxShapesConfig(size=32, count=2, largest=8, train_size=10, validation_size=1, test_size=1).load()
    >>> dataset.train, dataset.train.labels["boxes"].shape, dataset.classes
    (Split(10 images 32×32×1 float32), (10, 2, 4), ('rectangle', 'triangle', 'cross', 'ellipse'))
    """

    name: ClassVar[str] = "box_shapes"  # pyright: ignore[reportIncompatibleVariableOverride]
    size: int = 64
    shapes: tuple[str, ...] = ("rectangle", "triangle", "cross", "ellipse")
    count: int = 4
    least: int = 1
    smallest: float = 6.0
    largest: float = 14.0
    flattest: float = 0.5
    turned: float = 360.0
    overlap: float = 0.2
    oriented: bool = False
    difficult: float = 0.6
    texture: float = 0.25
    noise: float = 0.05
    train_size: int = 1000
    validation_size: int = 100
    test_size: int = 200
    seed: int = 0

    def __post_init__(self):
        for key in ("size", "count", "train_size", "validation_size", "test_size"):
            whole_number(f"data.{key}", getattr(self, key))
        whole_number("data.seed", self.seed, least=0)
        whole_number("data.least", self.least, least=0, most=self.count)
        for key in ("size", "train_size", "validation_size", "test_size"):
            images = 1 if key == "size" else getattr(self, key)
            require_memory(f"data.{key}", getattr(self, key), (images, self.size, self.size))
        for key in ("smallest", "largest", "texture", "noise", "overlap", "difficult"):
            number(f"data.{key}", getattr(self, key))
        for shape in self.shapes:
            if shape not in BOXED:
                raise unknown("data.shapes", shape, list(BOXED))
        if not self.shapes or len(set(self.shapes)) < len(self.shapes):
            raise invalid("data.shapes", self.shapes, "one or more different shapes", tuple(BOXED))
        if not 1 <= self.smallest <= self.largest:
            allowed = f"from 1 to data.largest, which is {self.largest}"
            raise invalid("data.smallest", self.smallest, allowed, max(1.0, min(self.smallest, self.largest)))
        if not 0.1 <= self.flattest <= 0.9:
            raise invalid("data.flattest", self.flattest, "a share from 0.1 to 0.9", 0.5)
        if not 0 <= self.turned <= 360:
            raise invalid("data.turned", self.turned, "degrees from 0 to 360", 360.0)
        if not isinstance(self.oriented, bool):
            raise invalid("data.oriented", self.oriented, "true or false")
        reach = self.largest * float(np.hypot(1, 0.9))
        if self.size < 2 * reach + 2:
            fits = int(np.ceil(2 * reach)) + 2
            raise invalid("data.size", self.size, f"a frame for shapes of half length {self.largest}: {fits} or more",
                          fits)  # fmt: skip

    @property
    def label_kind(self) -> LabelKind:
        """``"boxes"`` or ``"oriented_boxes"``."""
        return "oriented_boxes" if self.oriented else "boxes"

    def load(self) -> Dataset:
        """Draws the images and their boxes."""
        splits = {key: self._draw(key, getattr(self, f"{key}_size")) for key in ("train", "validation", "test")}
        return Dataset(
            name=self.name,
            image_shape=(self.size, self.size, 1),
            num_classes=len(self.shapes),
            classes=self.shapes,
            label_kind=self.label_kind,
            provenance=f"drawn by geomdl.data.sources.shape_boxes, every option stated: {self!r}",
            train=splits["train"],
            validation=splits["validation"],
            test=splits["test"],
        )

    def _draw(self, split: str, count: int) -> Split:
        purpose = f"box_shapes/{split}"
        axis = np.arange(self.size) + 0.5
        x, y = np.broadcast_arrays(axis, axis[:, None])
        image_of = waves(self.seed, purpose, count, x, -y, self.texture)
        noise = self.noise * normals(self.seed, f"{purpose}/noise", (count, self.size, self.size))
        tried = uniforms(self.seed, f"{purpose}/places", (count, 1 + _TRIES * self.count * 7))
        images = np.empty((count, self.size, self.size, 1), np.float32)
        boxes, classes, difficult = [], [], []
        for place, draws in enumerate(tried):
            image, covers = image_of[place], []
            found = self._placed(self.least + int(draws[0] * (self.count - self.least + 1)), draws[1:].reshape(-1, 7))
            for one in found:
                covered = one.covering(x, y)
                image = image + covered * (one.brightness - image)
                covers.append(covered > 0.5)
            hidden = [
                float(np.any(covers[i + 1 :], axis=0)[own].mean()) if covers[i + 1 :] and own.any() else 0.0
                for i, own in enumerate(covers)
            ]
            boxes.append([one.oriented if self.oriented else one.upright for one in found])
            classes.append([self.shapes.index(one.kind) for one in found])
            difficult.append([share > self.difficult for share in hidden])
            images[place, ..., 0] = np.clip(image + noise[place], 0.0, 1.0)
        return Split(images, pack_boxes(boxes, classes, difficult, most=self.count, oriented=self.oriented))

    def _placed(self, wanted: int, candidates: np.ndarray) -> "list[_Shape]":
        """The first candidates that cover little of one another."""
        kept: list[_Shape] = []
        for kind, length, ratio, right, down, angle, light in candidates:
            if len(kept) == wanted:
                break
            a = self.smallest + (self.largest - self.smallest) * length
            b = a * (self.flattest + (0.9 - self.flattest) * ratio)
            one = _Shape(
                self.shapes[int(kind * len(self.shapes))], 0.0, 0.0, a, b, 2 * np.pi * (self.turned / 360) * angle,
                0.6 + 0.4 * light,
            )  # fmt: skip
            x0, y0, x1, y1 = one.upright
            one = dataclasses.replace(
                one, x=-x0 + right * (self.size - (x1 - x0)), y=-y0 + down * (self.size - (y1 - y0))
            )
            if all(_share(one.upright, other.upright) <= self.overlap for other in kept):
                kept.append(one)
        return kept


@dataclass(frozen=True)
class _Shape:
    """One shape at a place (x right, y down), its length in the direction of an angle, counter-clockwise."""

    kind: str
    x: float
    y: float
    a: float
    b: float
    angle: float
    brightness: float

    def covering(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """How much of each pixel is covered, from 0 to 1."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        right, up = x - self.x, self.y - y
        return np.clip(0.5 - BOXED[self.kind](cos * right + sin * up, cos * up - sin * right, self.a, self.b), 0.0, 1.0)

    @property
    def upright(self) -> tuple[float, float, float, float]:
        """The smallest upright box."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        if self.kind == "ellipse":
            half = np.hypot(self.a * cos, self.b * sin), np.hypot(self.a * sin, self.b * cos)
            return self.x - half[0], self.y - half[1], self.x + half[0], self.y + half[1]
        along, across = _OUTLINES[self.kind](self.a, self.b).T
        right, up = self.x + cos * along - sin * across, self.y - sin * along - cos * across
        return float(right.min()), float(up.min()), float(right.max()), float(up.max())

    @property
    def oriented(self) -> tuple[float, float, float, float, float]:
        """le90: the length comes first, as a > b."""
        angle = (self.angle + np.pi / 2) % np.pi - np.pi / 2
        return self.x, self.y, 2 * self.a, 2 * self.b, angle


def _share(a: Any, b: Any) -> float:
    """How much of the smaller of two boxes the other one covers."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min((o[2] - o[0]) * (o[3] - o[1]) for o in (a, b))
