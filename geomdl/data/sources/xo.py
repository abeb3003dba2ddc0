"""Procedural X's and O's: the smallest images that can be shifted, scaled, turned, thickened and bent."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from geomdl.data.checks import number
from geomdl.data.draws import normals, symmetric, uniforms
from geomdl.data.types import DataConfig, Dataset, LabelKind, Split
from geomdl.errors import invalid
from geomdl.memory import require_memory
from geomdl.numbers import whole_number

_WAVES = 4
_MOTION = 5  # numbers that place one letter: shift right, shift up, scale, angle, stroke width


def _centred(size: int) -> tuple[np.ndarray, np.ndarray]:
    """(x to the right, y up) of the pixel centres, from the centre of the frame: each ``[size, size]``."""
    axis = np.arange(size) - (size - 1) / 2
    return np.broadcast_to(axis, (size, size)), np.broadcast_to(-axis[:, None], (size, size))


def x_pattern(size: int = 9) -> Float[np.ndarray, "size size"]:
    """The canonical X: 1 on both diagonals except at the border, −1 elsewhere.

    Args:
      size: height and width in pixels.

    >>> x_pattern(5).astype(int)
    array([[-1, -1, -1, -1, -1],
           [-1,  1, -1,  1, -1],
           [-1, -1,  1, -1, -1],
           [-1,  1, -1,  1, -1],
           [-1, -1, -1, -1, -1]])
    """
    whole_number("size", size, least=5)
    x, y = _centred(size)
    return np.where((np.abs(x) == np.abs(y)) & (np.abs(x) <= (size - 3) / 2), 1.0, -1.0).astype(np.float32)


def o_pattern(size: int = 9) -> Float[np.ndarray, "size size"]:
    """The canonical O: 1 where the distance to the centre is within half a pixel of (size − 3)/2, −1 elsewhere.

    Args:
      size: height and width in pixels.

    >>> o_pattern(5).astype(int)
    array([[-1, -1, -1, -1, -1],
           [-1,  1,  1,  1, -1],
           [-1,  1, -1,  1, -1],
           [-1,  1,  1,  1, -1],
           [-1, -1, -1, -1, -1]])
    """
    whole_number("size", size, least=5)
    x, y = _centred(size)
    return np.where(np.abs(np.hypot(x, y) - (size - 3) / 2) < 0.5, 1.0, -1.0).astype(np.float32)


@dataclass(frozen=True)
class XOConfig(DataConfig):
    """Drawn X's and O's, in [0, 1].

    A letter is a curve (two diagonals, or a circle) of half-width h, moved by p ↦ s R(θ) p + t and bent by a smooth
    displacement; a pixel is clip(1/2 + w/2 − d, 0, 1) with d its distance to the curve in pixels and w the stroke
    width. With every variation at 0, ``2 · [image > 1/2] − 1`` is the canonical pattern (:func:`x_pattern`,
    :func:`o_pattern`): white strokes are 1 there and paper −1, here 1 and 0. h is the largest for which no letter,
    moved by all that the options allow, comes nearer to the border than the canonical one: one empty pixel.

    Attributes:
      size: side of the frame in pixels, from 9.
      translation: t uniform in ± this many pixels, in each direction.
      scaling: s log-uniform in [1/(1 + scaling), 1 + scaling].
      rotation: θ uniform in ± this many degrees.
      weight: w uniform in [1, 1 + weight] pixels.
      deformation: the largest displacement in pixels: a sum of 4 random waves of 2/3 to 2 frames' length.
      noise: standard deviation of the Gaussian noise added before clipping to [0, 1].
      multi_label: images hold an X, an O, both or neither (equally often); labels are the two indicators.
      train_size: training images; half of them X's.
      validation_size: validation images.
      test_size: test images.
      seed: of everything drawn. Image i of a split depends on (seed, split, i) and the options only.

    Raises:
      ValueError: an option is out of range, or so much variation leaves no room for a letter in the frame.

    >>> XOConfig(train_size=10).load().train
    Split(10 images 17×17×1 float32)
    """

    name: ClassVar[str] = "xo"  # pyright: ignore[reportIncompatibleVariableOverride]
    size: int = 17
    translation: float = 1.0
    scaling: float = 0.15
    rotation: float = 15.0
    weight: float = 0.5
    deformation: float = 0.5
    noise: float = 0.05
    multi_label: bool = False
    train_size: int = 1000
    validation_size: int = 200
    test_size: int = 400
    seed: int = 0

    def __post_init__(self):
        whole_number("data.size", self.size, least=9)
        for key in ("translation", "scaling", "rotation", "weight", "deformation", "noise"):
            number(f"data.{key}", getattr(self, key))
        for key in ("train_size", "validation_size", "test_size"):
            whole_number(f"data.{key}", getattr(self, key))
        whole_number("data.seed", self.seed, least=0)
        for key in ("size", "train_size", "validation_size", "test_size"):
            images = 1 if key == "size" else getattr(self, key)
            require_memory(f"data.{key}", getattr(self, key), (images, self.size, self.size))
        if self.half_width < 1:
            raise invalid(
                "data.size",
                self.size,
                "a frame with room for a letter of half-width 1 pixel, moved by the given translation, scaling, "
                "rotation, weight and deformation",
                int(np.ceil(2 * (1 - self.half_width) * self._growth)) + self.size,
            )

    @property
    def _growth(self) -> float:
        """Reach of the largest letter for half-width 1: its scale, and the turned corners of the X."""
        angle = np.deg2rad(min(self.rotation, 45.0))
        return (1 + self.scaling) * (np.cos(angle) + np.sin(angle))

    @property
    def half_width(self) -> float:
        """h: half the width of an unmoved letter, in pixels."""
        return ((self.size - 3) / 2 - self.translation - self.deformation - self.weight / 2) / self._growth

    @property
    def label_kind(self) -> LabelKind:
        """``"labels"`` with ``multi_label``, else ``"class"``."""
        return "labels" if self.multi_label else "class"

    def load(self) -> Dataset:
        """Draws the images."""
        splits = {key: self._draw(key, getattr(self, f"{key}_size")) for key in ("train", "validation", "test")}
        return Dataset(
            name=self.name,
            image_shape=(self.size, self.size, 1),
            num_classes=2,
            classes=("X", "O"),
            label_kind=self.label_kind,
            provenance=f"drawn by geomdl.data.sources.xo, every option stated: {self!r}",
            train=splits["train"],
            validation=splits["validation"],
            test=splits["test"],
        )

    def _draw(self, split: str, count: int) -> Split:
        shape = (self.size, self.size)
        if self.multi_label:
            present = np.stack([np.arange(count) // 2 % 2, np.arange(count) % 2], axis=1)
            labels = present.astype(np.float32)
        else:
            present = np.stack([np.arange(count) % 2 == 0, np.arange(count) % 2 == 1], axis=1)
            labels = (np.arange(count) % 2).astype(np.int32)
        images = np.zeros((count, *shape))
        for letter, curve in enumerate((self._to_cross, self._to_circle)):
            drawn = np.flatnonzero(present[:, letter])
            ink = self._strokes(curve, f"xo/{split}/{'XO'[letter]}", count, drawn)
            images[drawn] = np.maximum(images[drawn], ink)
        images += self.noise * normals(self.seed, f"xo/{split}/noise", (count, *shape))
        return Split(np.clip(images, 0.0, 1.0).astype(np.float32)[..., None], labels)

    def _strokes(
        self, curve, purpose: str, count: int, drawn: Int[np.ndarray, " m"]
    ) -> Float[np.ndarray, "m size size"]:
        motion = symmetric(self.seed, f"{purpose}/motion", (count, _MOTION), 1.0)[drawn][:, :, None, None]
        right, up, scale, angle, width = motion.swapaxes(0, 1)
        x, y = self._bend(f"{purpose}/bend", count, drawn)
        x, y = x - self.translation * right, y - self.translation * up
        scale = (1.0 + self.scaling) ** scale
        cos, sin = np.cos(np.deg2rad(self.rotation * angle)), np.sin(np.deg2rad(self.rotation * angle))
        distance = scale * curve((cos * x + sin * y) / scale, (cos * y - sin * x) / scale)
        stroke = 1.0 + self.weight * (1.0 + width) / 2
        return np.clip(0.5 + stroke / 2 - distance, 0.0, 1.0)

    def _bend(self, purpose: str, count: int, drawn: Int[np.ndarray, " m"]) -> tuple[np.ndarray, np.ndarray]:
        """The pixel centres, displaced by at most ``deformation``."""
        x, y = _centred(self.size)
        draws = uniforms(self.seed, purpose, (count, _WAVES, 4))[drawn][..., None, None]
        heading, direction, frequency, phase = draws.transpose(2, 1, 0, 3, 4)
        frequency = (0.5 + frequency) / self.size
        along = np.cos(2 * np.pi * heading) * x + np.sin(2 * np.pi * heading) * y
        wave = self.deformation / _WAVES * np.sin(2 * np.pi * (frequency * along + phase))
        return (
            x + (wave * np.cos(2 * np.pi * direction)).sum(axis=0),
            y + (wave * np.sin(2 * np.pi * direction)).sum(axis=0),
        )

    def _to_cross(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Distance to the nearer of the two diagonals of the square of half-width h."""
        along, across = (x + y) / np.sqrt(2), (x - y) / np.sqrt(2)
        end = self.half_width * np.sqrt(2)
        return np.minimum(
            np.hypot(along - np.clip(along, -end, end), across), np.hypot(across - np.clip(across, -end, end), along)
        )

    def _to_circle(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Distance to the circle of radius h."""
        return np.abs(np.hypot(x, y) - self.half_width)
