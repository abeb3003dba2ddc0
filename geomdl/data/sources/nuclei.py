"""Cell nuclei in microscope images with their label maps, read from a file that the user provides."""

import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from geomdl.data.draws import permutation
from geomdl.data.sources.numpy_files import read_numpy
from geomdl.data.types import DataConfig, Dataset, LabelKind, Split
from geomdl.errors import invalid
from geomdl.numbers import whole_number
from geomdl.paths import local_path

_FILE = (
    "an .npz file with the arrays images [n, height, width] uint8 and labels [n, height, width] of instance ids "
    "(0: background), e.g. of the Data Science Bowl 2018 (see geomdl.data.sources.nuclei)"
)


@dataclass(frozen=True)
class NucleiConfig(DataConfig):
    """Nuclei of cells against the background, from a file that ``path`` names.

    The file is an ``.npz`` with ``images`` ``[n, height, width]`` uint8, grey, and ``labels`` ``[n, height, width]``,
    integers: 0 for the background, another number for each nucleus. Class 1 is any nucleus. Meant for the fluorescence
    images of the Data Science Bowl 2018 (BBBC038, CC0), which can be downloaded from
    https://bbbc.broadinstitute.org/BBBC038: each image comes with one mask per nucleus. To make the file from images of
    one size (here the 334 of 256 × 256 pixels)::

        labels = np.zeros((n, 256, 256), np.uint16)
        for i, masks in enumerate(masks_of_image):
            for instance, mask in enumerate(masks, start=1):
                labels[i][mask > 0] = instance
        np.savez_compressed("nuclei.npz", images=images, labels=labels)

    The images are put in a fixed order by a permutation drawn with the seed 0. Of the order the first ``test_size`` are
    the test images, the next ``validation_size`` the validation images, the next ``train_size`` the training images. So
    fewer training images are a part of more, with the same test images.

    Attributes:
      path: of the file.
      train_size: training images, at most what the test and validation images leave; None for all of those.
      validation_size: validation images.
      test_size: test images.
      downscale: each square of so many pixels a side becomes one: its mean, and the class of more than half of it.

    Raises:
      ValueError: an option is out of range (at construction); there is no such file, it is of another kind or has too
        few images, or its images do not divide by ``downscale`` (when loading).

    References:
      Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl, Nature Methods 16,
      2019.
    """

    name: ClassVar[str] = "nuclei"  # pyright: ignore[reportIncompatibleVariableOverride]
    path: str | None = None
    train_size: int | None = None
    validation_size: int = 34
    test_size: int = 100
    downscale: int = 1

    def __post_init__(self):
        for key in ("validation_size", "test_size", "downscale"):
            whole_number(f"data.{key}", getattr(self, key))
        if self.train_size is not None:
            whole_number("data.train_size", self.train_size)

    @property
    def label_kind(self) -> LabelKind:
        """``"map"``."""
        return "map"

    def load(self) -> Dataset:
        """Reads the file and splits it."""
        images, labels = self._read()
        count, (height, width) = len(images), images.shape[1:]
        held_out = self.test_size + self.validation_size
        if held_out >= count:
            raise invalid(
                "data.test_size + data.validation_size", held_out, f"fewer than the {count} images of {self.path}"
            )
        train_size = self.train_size or count - held_out
        if train_size > count - held_out:
            left = count - held_out
            raise invalid("data.train_size", train_size, f"at most {left}, of {count} images less {held_out}", left)
        if height % self.downscale or width % self.downscale:
            divisors = [d for d in range(1, min(height, width) + 1) if height % d == 0 and width % d == 0]
            close = min(divisors, key=lambda d: abs(d - self.downscale))
            raise invalid("data.downscale", self.downscale, f"a divisor of {height} and {width} pixels", close)
        order = permutation(0, "nuclei/split", count)
        ends = np.cumsum([0, self.test_size, self.validation_size, train_size])
        parts = [order[start:end] for start, end in itertools.pairwise(ends)]
        test, validation, train = (Split(*self._scaled(images[part], labels[part])) for part in parts)
        first = ", ".join(map(str, order[:3]))
        digest = hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()[:12]
        return Dataset(
            name=self.name,
            train=train,
            validation=validation,
            test=test,
            image_shape=(height // self.downscale, width // self.downscale, 1),
            num_classes=2,
            classes=("background", "nucleus"),
            label_kind="map",
            provenance=(
                f"{Path(str(self.path)).name}, {count} images of {height}×{width} pixels with SHA-256 {digest}…, "
                f"downscale {self.downscale}; of the permutation drawn with seed 0 ({first}, …) the first "
                f"{self.test_size} test, the next {self.validation_size} validation, the next {train_size} training "
                "images"
            ),
        )

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        if self.path is None or not (file := local_path(self.path, "data.path")).is_file():
            raise invalid("data.path", self.path, f"the path of {_FILE}")
        arrays = read_numpy(file, f"for data.path {_FILE}", required=("images", "labels"))
        images, labels = arrays["images"], arrays["labels"]
        if images.ndim != 3 or images.dtype != np.uint8 or not np.issubdtype(labels.dtype, np.integer):
            found = f"images {images.dtype} {images.shape}, labels {labels.dtype} {labels.shape}"
            raise invalid("data.path", f"{self.path}, with {found}", _FILE)
        if labels.shape != images.shape:
            raise invalid(f"size of the labels in {self.path}", labels.shape, f"that of the images, {images.shape}")
        if labels.size and labels.min() < 0:
            place, row, column = np.argwhere(labels < 0)[0]
            raise ValueError(
                f"invalid instance id {labels[place, row, column]} at row {row}, column {column} of image {place} in "
                f"{self.path}; allowed: 0 for the background, positive numbers for nuclei"
            )
        return images, labels

    def _scaled(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nuclei = (labels > 0).astype(np.float64)
        if self.downscale == 1:
            return images[..., None], nuclei.astype(np.int32)
        k, (n, height, width) = self.downscale, images.shape
        blocks = (n, height // k, k, width // k, k)
        means, shares = (values.reshape(blocks).mean(axis=(2, 4)) for values in (images.astype(np.float64), nuclei))
        return np.round(means).astype(np.uint8)[..., None], (shares > 0.5).astype(np.int32)
