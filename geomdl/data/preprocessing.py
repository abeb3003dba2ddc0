"""What is done to an image before a network takes it: channels, size, range and normalisation, as a value."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from geomdl.arrays import as_array
from geomdl.errors import invalid, misshapen, unknown
from geomdl.numbers import whole_number

FITS = ("cover", "contain", "stretch", "crop", "pad")
"""The ways of bringing an image to a size, see `Preprocessing`."""

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Means and standard deviations of the RGB images of ImageNet in [0, 1], as torchvision and timm use them."""

_GAP = 2.0

_NAMES = {1: "grey", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class Preprocessing:
    """From the numbers of an image file, or of an array, to what a network takes: x ↦ (fit(x) / scale − mean) / std.

    In this order: the channels, the size, the range, the normalisation. A frozen value of plain numbers, which is kept
    with a run (``preprocessing`` in its run.json) and applied wherever its model is used.

    *Channels.* Grey becomes RGB by repetition; RGB becomes grey by the luma of ITU-R 601. Images with opacity (RGBA,
    or grey with opacity) lose it where the network takes grey or RGB: they are laid over black, which is also what
    padding and what comes in by a rotation look like. Other numbers of channels (bands) are never converted.

    *Size.* ``"cover"``: scaled until it covers the size, of which the centre is kept (resize, then centre crop);
    ``"contain"``: scaled until it fits in, and padded with 0 around; ``"stretch"``: scaled in both directions, each by
    itself; ``"crop"``: the centre is kept, and nothing is scaled; ``"pad"``: padded with 0 around, and nothing is
    scaled. Scaling is bicubic and antialiased, each channel by itself, after a mean over whole pixels where an image
    becomes less than half as large; label maps are moved likewise, with the nearest pixel. With a ``margin`` an image
    is first brought to a size that is larger by so many pixels on each side, which are then cut off: size 224 and
    margin 16 are "resize to 256, then centre crop". That is done to every image, also to one that has the size already.

    *Range.* ``scale`` is what the numbers are divided by; None: the largest value of uint8 and uint16, and 1 for what
    has a floating point.

    Attributes:
      channels: that the network takes; None: as they come.
      size: (height, width); None: as it comes.
      fit: how an image is brought to the size.
      scale: the value that becomes 1.
      mean: of every channel, after the division; empty: nothing is subtracted.
      std: of every channel; empty: 1.
      margin: pixels that are cut off at each side in the end; needs a size.

    Raises:
      ValueError: for a value out of its range.

    >>> to_network = Preprocessing(channels=3, size=(2, 2), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    >>> to_network(np.full((4, 6), 255, np.uint8)).tolist()
    [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    >>> Preprocessing.from_dict(to_network.to_dict()) == to_network
    True
    """

    channels: int | None = None
    size: tuple[int, int] | None = None
    fit: Literal["cover", "contain", "stretch", "crop", "pad"] = "cover"
    scale: float | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    margin: int = 0

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise unknown("fit", self.fit, FITS)
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise invalid("scale", self.scale, "a positive number: the value that becomes 1", 255)
        for name in ("mean", "std"):
            numbers = getattr(self, name)
            if numbers and self.channels not in (None, len(numbers)):
                raise invalid(name, numbers, f"one number for each of the {self.channels} channels")
            if not all(math.isfinite(number) for number in numbers):
                raise invalid(name, numbers, "finite numbers")
        if not all(number > 0 for number in self.std):
            raise invalid("std", self.std, "positive numbers")
        whole_number("margin", self.margin, least=0)
        if self.margin and self.size is None:
            raise invalid("margin", self.margin, "0 without a size: of an image as it comes nothing is cut off", 0)

    def __call__(self, images: Any) -> np.ndarray:
        """The float32 array that the network takes.

        Args:
          images: one image, ``[height, width]`` or ``[height, width, channels]``, or a batch of them with the batch
            axis first; of NumPy, JAX or PyTorch, or an image of Pillow.

        Returns:
          ``[height, width, channels]``, or ``[batch, height, width, channels]`` for a batch.

        Raises:
          ValueError: for an array that is no image, or cannot be brought to the channels or the size.
        """
        array = np.asarray(as_array(images, "images"))
        one = self._one(array)
        batch = array[None] if one else array
        if batch.ndim == 3:
            batch = batch[..., None]
        if not len(batch):
            raise invalid("images", array.shape, "at least one image")
        if self._fits(batch.shape[1:3]) and self.channels in (None, batch.shape[3]):
            made = self.normalized(batch)
        else:
            made = np.stack([self.normalized(self.pixels(image)) for image in batch])
        return made[0] if one else made

    def one(self, image: Any) -> np.ndarray:
        """The float32 array ``[height, width, channels]`` that the network takes, of one image.

        Args:
          image: ``[height, width]`` or ``[height, width, channels]``, of any number of channels.

        Raises:
          ValueError: for another number of axes, or as when called.
        """
        array = np.asarray(as_array(image, "image"))
        if array.ndim not in (2, 3):
            raise misshapen("image", array.shape, ("height", "width", "channels"), self.channels)
        return self.normalized(self.pixels(array))

    def pixels(self, image: np.ndarray) -> np.ndarray:
        """The image with the right channels and size, in its own type.

        Args:
          image: ``[height, width]`` or ``[height, width, channels]``.
        """
        image = image[..., None] if image.ndim == 2 else image
        if self.channels is not None and image.shape[-1] != self.channels:
            image = _with_channels(image, self.channels)
        return image if self._fits(image.shape[:2]) else self._fitted(image, smooth=True, fill=0)

    def label_map(self, labels: np.ndarray, fill: int) -> np.ndarray:
        """A label map ``[height, width]``, moved as its image is; what is padded is ``fill``."""
        if self._fits(labels.shape):
            return labels
        return self._fitted(labels[..., None], smooth=False, fill=fill)[..., 0]

    def placement(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Where the point (x, y) of an image lies in the prepared one: scale · (x, y) + offset.

        In pixels from the top left corner, x to the right and y down; a pixel's centre is at half of one.

        Args:
          size: (height, width) of the image.

        Returns:
          (scale of x, scale of y) and (offset of x, offset of y), float64.

        >>> scale, offset = Preprocessing(size=(32, 32)).placement((60, 80))  # a square of 60, from x = 10 on
        >>> scale.round(3).tolist(), offset.round(3).tolist()
        ([0.533, 0.533], [-5.333, 0.0])
        """
        if self.margin:
            scale, offset = self._before_margin.placement(size)
            return scale, offset - self.margin
        if self.size is None or size == self.size:
            return np.ones(2), np.zeros(2)
        old, new = np.array(size[::-1], np.float64), np.array(self.size[::-1], np.float64)
        if self.fit == "stretch":
            return new / old, np.zeros(2)
        if self.fit == "cover":
            scale = float(max(new / old))
            return np.full(2, scale), (new - scale * old) / 2
        inner = old
        if self.fit == "contain":
            inner = np.clip(np.round(old / float(max(old / new))), 1, new)
        return inner / old, -((inner - new) // 2)

    @property
    def normalizes(self) -> bool:
        """Whether images become other numbers than value / largest value: then they are kept as float32."""
        return bool(self.mean or self.std or self.scale is not None)

    def stored(self, image: np.ndarray) -> np.ndarray:
        """As a data set holds it: `pixels` in their own type where that says all (uint8, uint16), else float32."""
        pixels = self.pixels(image)
        if not self.normalizes and pixels.dtype in (np.uint8, np.uint16, np.float32):
            return pixels
        return self.normalized(pixels)

    def stored_dtype(self, dtype: np.dtype) -> np.dtype:
        """The type of what `stored` gives for images of a type."""
        keeps = not self.normalizes and dtype in (np.uint8, np.uint16, np.float32)
        return np.dtype(dtype) if keeps else np.dtype(np.float32)

    def normalized(self, pixels: np.ndarray) -> np.ndarray:
        """(x / scale − mean) / std as float32, of ``[…, channels]``."""
        dtype = pixels.dtype
        if self.scale is not None:
            pixels = pixels.astype(np.float64 if dtype.kind in "iu" and dtype.itemsize > 3 else np.float32)
            pixels = pixels.astype(np.float32) / np.float32(self.scale)
        elif dtype in (np.uint8, np.uint16):
            pixels = pixels.astype(np.float32) / np.float32(np.iinfo(dtype).max)
        elif dtype.kind == "b" or jnp.issubdtype(dtype, jnp.floating):
            pixels = pixels.astype(np.float32)
        else:
            allowed = "uint8 or uint16, which stand for value / largest value, or floating point; or a scale, the value"
            raise invalid("dtype of images", str(dtype), f"{allowed} that becomes 1 (data.scale)")
        if self.mean:
            pixels = pixels - np.asarray(self.mean, np.float32)
        return pixels / np.asarray(self.std, np.float32) if self.std else pixels

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; without a margin where there is none, as versions before it wrote them."""
        values: dict[str, Any] = {
            "channels": self.channels,
            "size": None if self.size is None else list(self.size),
            "fit": self.fit,
            "scale": self.scale,
            "mean": list(self.mean),
            "std": list(self.std),
        }
        return values | {"margin": self.margin} if self.margin else values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Preprocessing":
        """The inverse of `to_dict`.

        Raises:
          ValueError: for a key that does not exist.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                raise unknown("key of a preprocessing", key, known)
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list | tuple) else v for k, v in values.items()}
        return cls(**plain)

    def __str__(self) -> str:
        parts = [] if self.channels is None else [_NAMES.get(self.channels, f"{self.channels} channels")]
        if self.size is not None:
            of = f", the centre of {'×'.join(map(str, self._before_margin.size or ()))}" if self.margin else ""
            parts.append(f"{self.size[0]}×{self.size[1]} ({self.fit}{of})")
        if self.scale is not None:
            parts.append(f"divided by {self.scale:g}")
        if self.mean or self.std:
            mean, std = (" ".join(f"{n:.4g}" for n in numbers) or default for numbers, default in
                         ((self.mean, "0"), (self.std, "1")))  # fmt: skip
            parts.append(f"less {mean}, divided by {std}")
        return ", ".join(parts) or "as they come"

    def _one(self, array: np.ndarray) -> bool:
        """Whether an array is one image."""
        axes = ("batch", "height", "width", "channels")
        if array.ndim not in (2, 3, 4):
            raise misshapen("images", array.shape, axes, self.channels)
        if array.ndim != 3:
            return array.ndim == 2
        if array.shape[-1] == self.channels or array.shape[-1] in (1, 3, 4):
            return True
        if array.shape[0] in (1, 3, 4) and array.shape[-1] > 4 and array.shape[1] > 4:  # channels first, or few greys?
            raise misshapen("images", array.shape, axes, self.channels or array.shape[0])
        return False

    @property
    def _before_margin(self) -> "Preprocessing":
        """What brings an image to the size from which the margin is then cut off."""
        height, width = self.size or (0, 0)
        size = (height + 2 * self.margin, width + 2 * self.margin)
        return dataclasses.replace(self, size=size, margin=0)

    def _fits(self, size: tuple[int, ...]) -> bool:
        """Whether an image of this size is taken as it is."""
        return self.size is None or (tuple(size) == self.size and not self.margin)

    def _fitted(self, image: np.ndarray, *, smooth: bool, fill: int) -> np.ndarray:
        """The image, brought to the size."""
        if self.margin:
            before, cut = self._before_margin, slice(self.margin, -self.margin)
            whole = image if before._fits(image.shape[:2]) else before._fitted(image, smooth=smooth, fill=fill)
            return whole[cut, cut]
        target: tuple[int, int] = self.size  # pyright: ignore[reportAssignmentType]
        (height, width), (rows, columns) = image.shape[:2], target
        if self.fit == "stretch":
            return resampled(image, (0, 0, width, height), target, smooth=smooth, gap=_GAP)
        if self.fit == "cover":
            ratio = min(height / rows, width / columns)
            tall, wide = ratio * rows, ratio * columns
            top, left = (height - tall) / 2, (width - wide) / 2
            return resampled(image, (left, top, left + wide, top + tall), target, smooth=smooth, gap=_GAP)
        if self.fit == "contain":
            ratio = max(height / rows, width / columns)
            inner = max(1, min(rows, round(height / ratio))), max(1, min(columns, round(width / ratio)))
            image = resampled(image, (0, 0, width, height), inner, smooth=smooth, gap=_GAP)
        elif self.fit == "crop" and (height < rows or width < columns):
            raise invalid(f"size of an image, {height}×{width},", self.fit, f"at least {rows}×{columns}", "'cover'")
        elif self.fit == "pad" and (height > rows or width > columns):
            raise invalid(f"size of an image, {height}×{width},", self.fit, f"at most {rows}×{columns}", "'contain'")
        height, width = image.shape[:2]
        top, left = (height - rows) // 2, (width - columns) // 2
        if self.fit == "crop":
            return image[top : top + rows, left : left + columns]
        result = np.full((rows, columns, image.shape[2]), fill, image.dtype)
        result[-top : -top + height, -left : -left + width] = image
        return result


def resampled(
    image: np.ndarray,
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    *,
    smooth: bool,
    gap: float | None = None,
) -> np.ndarray:
    """A part of an image or of a label map, resampled.

    Every channel is resampled by itself: no channel is taken for the opacity of others. Whole numbers of 8 bits are
    interpolated as such, all others in float32 and rounded to the nearest number that their type has.

    Args:
      image: ``[height, width, channels]``, real numbers of any type.
      box: (left, top, right, bottom) of the part, in pixels.
      size: (height, width) of the result.
      smooth: antialiased bicubic interpolation, or the nearest pixel.
      gap: images are first shrunk by whole factors, to no less than so many times their final size, which is quicker.
    """
    from PIL import Image

    height, width, channels = image.shape
    shape = (size[1], size[0])
    if not smooth:
        places = Image.fromarray(np.arange(height * width, dtype=np.int32).reshape(height, width))
        nearest = np.asarray(places.resize(shape, Image.Resampling.NEAREST, box=box))
        return image.reshape(height * width, channels)[nearest]
    if image.dtype.kind not in "biuf":
        raise invalid("pixels of an image", image.dtype, "real numbers")

    def resized(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(pixels).resize(shape, Image.Resampling.BICUBIC, box=box, reducing_gap=gap))

    if image.dtype == np.uint8 and channels == 3:  # RGB: each by itself, at once
        return resized(np.ascontiguousarray(image))
    if image.dtype == np.uint8:
        return np.stack([resized(np.ascontiguousarray(image[..., i])) for i in range(channels)], axis=-1)
    result = np.stack([resized(image[..., i].astype(np.float32)) for i in range(channels)], axis=-1)
    return _of_type(result, image.dtype)


def _with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Grey, RGB and their forms with opacity as one another."""
    there = image.shape[-1]
    if there == 2 and channels in (1, 3):
        return _with_channels(_over_black(image), channels) if channels == 3 else _over_black(image)
    if there == 4 and channels in (1, 3):
        return _with_channels(_over_black(image), channels) if channels == 1 else _over_black(image)
    if there == 1 and channels == 3:
        return np.repeat(image, 3, axis=-1)
    if there in (1, 3) and channels == 4:
        opaque = np.ones((), image.dtype) if image.dtype.kind not in "iu" else np.iinfo(image.dtype).max
        colour = np.repeat(image, 3, axis=-1) if there == 1 else image
        return np.concatenate([colour, np.full((*image.shape[:2], 1), opaque, image.dtype)], axis=-1)
    if there == 3 and channels == 1:
        luma = np.einsum("hwc,c->hw", image.astype(np.float64), np.array([0.299, 0.587, 0.114]))[..., None]
        return _of_type(luma, image.dtype)
    allowed = f"{channels}" + (", or grey, RGB or RGBA, which can be converted" if channels in (1, 3) else "")
    raise invalid("number of channels of an image", there, allowed)


def _over_black(image: np.ndarray) -> np.ndarray:
    """colour · opacity."""
    opacity = image[..., -1:].astype(np.float64)
    if image.dtype.kind in "iu":
        opacity = opacity / np.iinfo(image.dtype).max
    return _of_type(image[..., :-1].astype(np.float64) * opacity, image.dtype)


def _of_type(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floating-point numbers as another type: rounded, and brought into its range, where that has whole numbers."""
    if dtype.kind == "f":
        return values.astype(dtype)
    least, greatest = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    whole = np.rint(values.astype(np.float64))
    over = whole >= float(greatest)  # the greatest number of 64 bits is none of float64
    result = np.where(over, 0.0, np.maximum(whole, least)).astype(dtype)
    result[over] = greatest
    return result
