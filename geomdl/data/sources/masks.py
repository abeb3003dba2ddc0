"""Segmentation masks as data sets store them: pixel values, which stand for classes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from geomdl.data.class_indices import IGNORED
from geomdl.data.preprocessing import resampled


@dataclass(frozen=True)
class MaskClasses:
    """What the pixel values of masks mean.

    Args:
      classes: the names of the classes.
      values: the pixel value of each class, from 0 to 255.
      ignored: the pixel value of what belongs to no class and is not counted; None: there is none.
    """

    classes: tuple[str, ...]
    values: tuple[int, ...]
    ignored: int | None = None

    def label_map(self, mask: np.ndarray, where: str) -> Int[np.ndarray, "height width"]:
        """The class indices of a mask ``[height, width]`` or ``[height, width, 1]``, int32.

        Raises:
          ValueError: for a value that is no class; ``where`` says which image it is of.

        >>> trimap = MaskClasses(("background", "pet", "border"), (2, 1, 3))
        >>> trimap.label_map(np.array([[1, 2], [3, 2]], np.uint8), "image 0")
        array([[1, 0],
               [2, 0]], dtype=int32)
        >>> trimap.label_map(np.array([[1, 2], [3, 0]], np.uint8), "image 0")
        Traceback (most recent call last):
        ValueError: invalid mask value 0 at row 1, column 1 of image 0; allowed: 2 (background), 1 (pet), 3 (border)
        """
        mask = mask.reshape(mask.shape[:2])
        unknown = IGNORED - 1
        table = np.full(256, unknown, np.int32)
        if self.ignored is not None:
            table[self.ignored] = IGNORED
        table[list(self.values)] = np.arange(len(self.values))
        labels = table[mask]
        if (labels == unknown).any():
            row, column = np.argwhere(labels == unknown)[0]
            meanings = [f"{value} ({name})" for value, name in zip(self.values, self.classes, strict=True)]
            meanings += [] if self.ignored is None else [f"{self.ignored} (ignored)"]
            raise ValueError(
                f"invalid mask value {mask[row, column]} at row {row}, column {column} of {where}; "
                f"allowed: {', '.join(meanings)}"
            )
        return labels


MASKS = {"oxford_iiit_pet": MaskClasses(("background", "pet", "border"), (2, 1, 3))}
"""The masks of data sets of TensorFlow Datasets, by the name of the builder."""


def central_square(image: np.ndarray, size: int, *, smooth: bool) -> np.ndarray:
    """The largest central square of an image or mask, resampled to ``size`` pixels a side.

    See `geomdl.data.preprocessing.resampled`.

    Args:
      image: ``[height, width, channels]``, real numbers of any type.
      size: pixels a side.
      smooth: antialiased bicubic interpolation (for images), or the nearest pixel (for masks).

    >>> image = np.zeros((4, 4, 4), np.uint8)
    >>> image[..., :3] = 200  # the last channel, zero everywhere, hides nothing
    >>> central_square(image, 2, smooth=True)[0, 0]
    array([200, 200, 200,   0], dtype=uint8)
    """
    height, width, _ = image.shape
    side = min(height, width)
    box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    return resampled(image, box, (size, size), smooth=smooth)
