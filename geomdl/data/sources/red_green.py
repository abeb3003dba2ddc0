"""Red–Green: images of two squares whose class is the one on the left; in training their position gives it away too."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from geomdl.data.draws import uniforms
from geomdl.data.types import DataConfig, Dataset, Split
from geomdl.errors import invalid
from geomdl.memory import require_memory
from geomdl.numbers import whole_number


@dataclass(frozen=True)
class RedGreenConfig(DataConfig):
    """A red and a green square on black; the class says which lies to the left: 0 red, 1 green.

    In training both squares of class 0 lie in the upper half of the image, and those of class 1 in the lower half: the
    absolute position gives the class away. The test images are *similar*, placed as in training, or *dissimilar*: the
    same images with every square moved by half an image down (class 0) or up (class 1), so that a network that
    reads the position is wrong. A network that is invariant to shifts does equally well on both.

    With n the ``size``, b the ``box`` and t = ⌊(n − b)/6⌋, corners of squares are drawn uniformly: columns u of the
    left square from 0, …, (n − b)/2 − b − 1, those of the right one from u + b + 1, …, n − b − 1; rows from
    n/4 − 1 − t, …, n/4 − 2 + t, independently for both squares, plus n/2 in the lower half.

    Departs from the published code in that training, validation and test images are drawn independently; there all
    three start from one seed, so that the similar test images are the first training images.

    Attributes:
      size: side of the image in pixels, a multiple of 4.
      box: side of the squares in pixels.
      dissimilar: whether the test images have their squares in the other half.
      train_size: training images; every second one of class 1.
      validation_size: validation images, placed as in training.
      test_size: test images.
      seed: of everything drawn. Image i of a split depends on (seed, split, i) and the options only.

    Raises:
      ValueError: an option is out of range, or the image has no room for the squares.

    References:
      Kayhan & van Gemert, On Translation Invariance in CNNs: Convolutional Layers Can Exploit Absolute Spatial
      Location, CVPR 2020, §4.2 and the authors' published code.

    >>> RedGreenConfig(train_size=10).load().train
    Split(10 images 32×32×3 float32)
    """

    name: ClassVar[str] = "red_green"  # pyright: ignore[reportIncompatibleVariableOverride]
    size: int = 32
    box: int = 4
    dissimilar: bool = False
    train_size: int = 2000
    validation_size: int = 1000
    test_size: int = 1000
    seed: int = 0

    def __post_init__(self):
        whole_number("data.size", self.size, least=4)
        for key in ("box", "train_size", "validation_size", "test_size"):
            whole_number(f"data.{key}", getattr(self, key))
        whole_number("data.seed", self.seed, least=0)
        for key in ("size", "train_size", "validation_size", "test_size"):
            images = 1 if key == "size" else getattr(self, key)
            require_memory(f"data.{key}", getattr(self, key), (images, self.size, self.size))
        if self.size % 4:
            raise invalid("data.size", self.size, "a multiple of 4", 4 * round(self.size / 4))
        if not self._fits(self.box):
            largest = max((b for b in range(1, self.box) if self._fits(b)), default=None)
            raise invalid("data.box", self.box, f"squares with room to move in {self.size}x{self.size} pixels", largest)

    def _reach(self, box: int) -> int:
        return (self.size - box) // 6

    def _fits(self, box: int) -> bool:
        quarter, reach = self.size // 4, self._reach(box)
        return reach >= 1 and (self.size - box) // 2 - box >= 1 and reach < quarter and quarter - 2 + reach + box < (
            self.size // 2
        )  # fmt: skip

    def load(self) -> Dataset:
        """Draws the images."""
        return Dataset(
            name=self.name,
            train=self._draw("train", self.train_size, dissimilar=False),
            validation=self._draw("validation", self.validation_size, dissimilar=False),
            test=self._draw("test", self.test_size, dissimilar=self.dissimilar),
            image_shape=(self.size, self.size, 3),
            num_classes=2,
            classes=("red left of green", "green left of red"),
            provenance=f"drawn by geomdl.data.sources.red_green, every option stated: {self!r}",
        )

    def _draw(self, split: str, count: int, *, dissimilar: bool) -> Split:
        draws = uniforms(self.seed, f"red_green/{split}", (count, 4)).T
        labels = np.arange(count) % 2
        room, reach = self.size - self.box, self._reach(self.box)
        left = np.floor(draws[0] * (room // 2 - self.box))
        right = left + self.box + 1 + np.floor(draws[1] * (room - left - self.box - 1))
        lower = labels != dissimilar
        rows = self.size // 4 - 1 - reach + np.floor(draws[2:] * 2 * reach) + lower * self.size // 2
        images = np.zeros((count, self.size, self.size, 3), np.float32)
        axis = np.arange(self.size)
        for place, (column, row) in enumerate(zip((left, right), rows, strict=True)):
            down = (axis >= row[:, None]) & (axis < row[:, None] + self.box)
            across = (axis >= column[:, None]) & (axis < column[:, None] + self.box)
            colour = labels ^ place
            images[np.arange(count), :, :, colour] = down[:, :, None] & across[:, None, :]
        return Split(images, labels.astype(np.int32))
