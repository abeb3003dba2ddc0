"""The images that an audit is made with: white noise, band-limited noise, or data."""

import dataclasses
import functools
import math
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import DTypeLike

from geomdl.arrays import as_array
from geomdl.data.checks import require_image_dtype
from geomdl.data.sources.numpy_files import read_numpy
from geomdl.errors import invalid
from geomdl.paths import is_url, local_path

Size = tuple[int, ...]
"""(height, width, channels), or (depth, height, width, channels) of volumes."""

CUTOFF = 1 / 8
"""Band-limited images have frequencies up to this, in cycles per pixel: a wavelength of eight pixels or more."""


FOR_CLOUDS = "point clouds have no grid: geomdl.points.cloud_errors(model, clouds) measures models of them"
"""What to take for them, for messages."""


@dataclasses.dataclass(frozen=True, eq=False)
class Images:
    """Images with their name, and their labels if they have any.

    Attributes:
      name: where they come from.
      pixels: ``[n, height, width, channels]``, or volumes with a depth before; floating point.
      labels: ``[n]``, or None.
    """

    name: str
    pixels: np.ndarray
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        if (
            self.pixels.ndim not in (4, 5)
            or 0 in self.pixels.shape
            or self.pixels.shape[0] < 2
            or not np.issubdtype(self.pixels.dtype, np.floating)
        ):
            found = f"{self.pixels.dtype}{list(self.pixels.shape)}"
            allowed = "two or more, [n, height, width, channels] or [n, depth, height, width, channels], floating point"
            raise invalid(f"images of {self.name}", found, allowed + f"; {FOR_CLOUDS}" * (self.pixels.ndim == 3))
        if not np.all(np.isfinite(self.pixels)):
            raise ValueError(f"the images of {self.name} contain NaN or infinity; an audit needs finite pixels")

    @property
    def size(self) -> Size:
        """(height, width, channels), with the depth before of volumes."""
        return self.pixels.shape[1:]

    @staticmethod
    def of(
        name: str, images: np.ndarray, labels: np.ndarray | None = None, *, dtype: DTypeLike = np.float32
    ) -> "Images":
        """Images of floating-point numbers or bool as they are; uint8 and uint16 are scaled to [0, 1].

        Raises:
          ValueError: for whole numbers of other types, whose largest value only the user knows.
        """
        pixels = np.asarray(as_array(images, f"images of {name}"))
        require_image_dtype(pixels.dtype, f" of {name}")
        if isinstance(labels, dict):  # boxes: no classes
            labels = None
        return Images(name, _unit_interval(pixels, dtype), labels)

    def first(self, count: int) -> "Images":
        """The first so many of them."""
        return Images(self.name, self.pixels[:count], None if self.labels is None else self.labels[:count])


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> np.ndarray:
    """Independent normal numbers, in float64 where that is asked for, otherwise in float32, which is drawn faster."""
    return rng.standard_normal(shape, dtype=np.float64 if np.dtype(dtype) == np.float64 else np.float32)


def white_noise(rng: np.random.Generator, count: int, size: Size, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Independent normal pixels: every frequency, no symmetry. ``[count, height, width, channels]``, or volumes."""
    return normal(rng, (count, *size), dtype).astype(dtype, copy=False)


def band_limited(rng: np.random.Generator, count: int, size: Size, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Periodic normal noise without the frequencies above `CUTOFF`, of mean square one.

    Resampling by cubic splines loses about a thousandth of it, so what a model makes of turned images is not the
    fault of the turning.

    >>> x = band_limited(np.random.default_rng(0), 2, (16, 16, 1))
    >>> x.shape, round(float((x**2).mean()), 3)
    ((2, 16, 16, 1), 1.0)
    """
    *others, width, _ = size
    limit = max(CUTOFF, 1.5 / min(size[:-1]))  # small images keep their slowest waves
    along = np.fft.rfftfreq(width)
    along = along[along <= limit]  # the other columns of waves are empty: nothing is computed of them
    kept = functools.reduce(np.hypot, np.ix_(*map(np.fft.fftfreq, others), along)) <= limit
    axes, last = tuple(range(1, len(size) - 1)), len(size) - 1
    noise = scipy.fft.rfft(normal(rng, (count, *size), dtype), axis=last, workers=-1)[..., : len(along), :]
    noise = scipy.fft.fftn(noise, axes=axes, workers=-1)
    noise *= kept[..., None]
    noise = scipy.fft.ifftn(noise, axes=axes, workers=-1, overwrite_x=True)
    pixels = scipy.fft.irfft(noise, n=width, axis=last, workers=-1)
    pixels *= math.sqrt(pixels.size) / np.linalg.norm(pixels.ravel())
    return pixels.astype(dtype, copy=False)


def read_images(source: str, *, count: int, dtype: DTypeLike = np.float32, volumes: bool = False) -> Images:
    """Reads the images to audit with.

    Args:
      source: an ``.npz`` file with ``images`` and perhaps ``labels``, an ``.npy`` file with images, or the name of a
        data set (``digits``, ``xo``, ``tfds:<name>``), whose test images are taken.
      count: at most so many.
      dtype: of the result; uint8 and uint16 are scaled to [0, 1].
      volumes: whether four axes of a file are [n, depth, height, width], without channels; five are volumes anyway.

    Raises:
      ValueError: for an unknown name, a missing or unreadable file, or images of another shape.
    """
    if Path(source).suffix in (".npz", ".npy") or is_url(source):
        return _read_file(local_path(source, "data"), count, dtype, volumes)
    from geomdl.data import data_config

    test = data_config(source).load().test
    batch = test.gather(range(min(count, len(test))))
    return Images.of(source, batch["image"], batch["label"], dtype=dtype)


def _read_file(file: Path, count: int, dtype: DTypeLike, volumes: bool) -> Images:
    if not file.is_file():
        raise invalid("data", str(file), "a file that exists, or the name of a data set", "digits")
    allowed = "an .npz file with 'images' [n, height, width, channels] and perhaps 'labels', or an .npy file of images"
    arrays = read_numpy(file, allowed, required=("images",), optional=("labels",), single=True)
    images, labels = arrays["images"], arrays.get("labels")
    if images.ndim == 3 + volumes:
        images = images[..., None]
    if images.ndim not in ((5,) if volumes else (4, 5)) or images.dtype.kind not in "biuf":
        found = f"{images.dtype}{list(images.shape)}"
        axes = "[n, depth, height, width, channels], or [n, depth, height, width]"
        axes = axes if volumes else "[n, height, width, channels], or [n, height, width]"
        raise invalid(f"images in {file}", found, f"real numbers {axes}")
    if labels is not None and (labels.ndim == 0 or len(labels) != len(images)):
        found = f"{labels.dtype}{list(labels.shape)}"
        raise invalid(f"labels in {file}", found, f"one for each of the {len(images)} images")
    return Images.of(file.name, images[:count], None if labels is None else labels[:count], dtype=dtype)


def _unit_interval(images: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    if np.issubdtype(images.dtype, np.unsignedinteger):
        images = images / np.iinfo(images.dtype).max
    return np.asarray(images).astype(dtype)
