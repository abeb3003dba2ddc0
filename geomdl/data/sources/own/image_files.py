"""Image files: what is in them, read with suspicion, by Pillow; TIFF files that it cannot read by tifffile."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from geomdl.data.sources.numpy_files import looks_like

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
"""The ends of the names of image files."""

_TIFF = (".tif", ".tiff")
_THREADS = 4
_ROTATED = (5, 6, 7, 8)  # the values of EXIF's orientation for images that lie on their side
_ORIENTATION = 0x0112

T = TypeVar("T")
R = TypeVar("R")


class BrokenFile(ValueError):
    """An image file that cannot be read; its message names the file and what is wrong with it."""

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(f"cannot read {file} ({what})")
        self.file, self.what = file, what


@dataclass(frozen=True)
class Facts:
    """What the header of an image file says.

    Attributes:
      size: (height, width), upright.
      channels: 1 (grey), 2 (grey with opacity), 3 (RGB), 4 (RGBA), or more bands.
      dtype: of the numbers.
    """

    size: tuple[int, int]
    channels: int
    dtype: np.dtype


_CHANNELS = {"1": 1, "L": 1, "LA": 2, "P": 3, "PA": 4, "RGB": 3, "RGBA": 4, "F": 1, "I": 1}


def is_image(file: Path) -> bool:
    """Whether the name of a file is that of an image, and not hidden."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def facts_of(file: Path) -> Facts:
    """What the header says; the pixels are not read.

    Raises:
      BrokenFile: it is no image, or one that would lose something in reading.
    """
    return _opened(file, _facts, lambda content: _tiff(file, content)[0])


def read_image(file: Path) -> np.ndarray:
    """The pixels ``[height, width, channels]`` in their own type; upright, as the camera noted it (EXIF).

    Palettes become RGB (with transparency: RGBA), bilevel images 0 and 255; CMYK and the like become RGB.

    Raises:
      BrokenFile: it cannot be read in full.
    """
    return _opened(file, _pixels, lambda content: _tiff(file, content)[1])


def read_values(file: Path) -> np.ndarray:
    """The pixels of a label map, as they are stored: indices of a palette, not its colours.

    Returns:
      ``[height, width]``, or ``[height, width, channels]`` for colours.
    """
    return _opened(file, _values, lambda content: _one_band(_tiff(file, content)[1]))


def each(function: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """What a function gives for each thing, by several threads (Pillow decodes without Python's lock)."""
    if len(things) < 2 * _THREADS:
        return [function(thing) for thing in things]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(function, things, chunksize=1))


def files_in(folder: Path, fits: Callable[[Path], bool] | None = None) -> list[Path]:
    """The image files, or others, of a folder and of all folders in it, in an order that is the same everywhere."""
    walk = os.walk(folder, followlinks=True)
    found = (Path(place, name) for place, _, names in walk for name in names if (fits or is_image)(Path(name)))
    return sorted(found, key=lambda file: file.relative_to(folder).as_posix())


def _opened(file: Path, read: Callable[[Any], R], read_tiff: Callable[[Any], R]) -> R:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            if (frames := getattr(image, "n_frames", 1)) > 1 and image.format == "TIFF":
                raise BrokenFile(file, f"it holds {frames} pictures; allowed: one in a file")
            if _loses(image):
                return read_tiff(_tifffile(file))
            return read(image)
    except BrokenFile:
        raise
    except UnidentifiedImageError as error:
        if file.suffix.lower() in _TIFF and looks_like(file) == "a TIFF image":
            return read_tiff(_tifffile(file))
        raise BrokenFile(file, _kind(file)) from error
    except Exception as error:  # OSError, SyntaxError, struct.error, zlib.error, … of a damaged file
        said = " ".join(str(error).split())[:120] or type(error).__name__
        what = said if file.exists() else "there is no such file"
        kind = looks_like(file) if file.is_file() else ""
        if kind and "image" not in kind and kind != "of a kind that is not known":
            what = f"it is {kind}"
        raise BrokenFile(file, what) from error


def _kind(file: Path) -> str:
    kind = looks_like(file)
    return f"it is {kind}" if "image" not in kind and "known" not in kind else "it is no image that can be read"


def _raw_mode(image: Any) -> str:
    """How the numbers lie in the file."""
    tile = getattr(image, "tile", None) or [("", None, 0, "")]
    arguments = tile[0][3]
    raw = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return raw if isinstance(raw, str) else ""


def _loses(image: Any) -> bool:
    """Whether Pillow would drop the lower half of numbers of 16 bits."""
    raw = _raw_mode(image)
    lost = ";16" in raw and image.mode in ("RGB", "RGBA", "LA", "RGBX", "CMYK")
    if lost and image.format != "TIFF":
        raise BrokenFile(
            Path(image.filename), f"it is a {image.format} image with colours of 16 bits, of which 8 would be lost; "
            "allowed: such images as TIFF files, as arrays (data.name='arrays'), or with 8 bits"
        )  # fmt: skip
    return lost


def _orientation(image: Any) -> int:
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # to look for it behind the pixels, Pillow would read them
    return image.getexif().get(_ORIENTATION, 1) if image.format in ("JPEG", "TIFF", "PNG", "WEBP", "MPO") else 1


def _facts(image: Any) -> Facts:
    width, height = image.size
    size = (width, height) if _orientation(image) in _ROTATED else (height, width)
    mode = image.mode
    if mode == "P" and "transparency" in image.info:
        mode = "PA"
    if mode.startswith("I;16") or (mode == "I" and "16" in _raw_mode(image)):
        return Facts(size, 1, np.dtype(np.uint16))
    dtype = np.dtype({"F": np.float32, "I": np.int32}.get(mode, np.uint8))
    return Facts(size, _CHANNELS.get(mode, 3), dtype)


def _pixels(image: Any) -> np.ndarray:
    image, raw, mode = _upright(image), _raw_mode(image), image.mode
    if mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif mode == "PA":
        image = image.convert("RGBA")
    elif mode == "1":
        image = image.convert("L")
    elif mode not in _CHANNELS and not mode.startswith("I;16"):
        image = image.convert("RGB")
    pixels = np.asarray(image)
    if mode.startswith("I;16") or (mode == "I" and "16" in raw):
        pixels = pixels.astype(np.uint16)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _values(image: Any) -> np.ndarray:
    return _one_band(np.asarray(_upright(image)))


def _one_band(pixels: np.ndarray) -> np.ndarray:
    """Without the axis of channels where there is one, or where all of them are the same."""
    if pixels.ndim == 3 and pixels.shape[2] == 4 and (pixels[..., 3] == pixels[0, 0, 3]).all():
        pixels = pixels[..., :3]
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        return pixels[..., 0]
    return pixels


def _upright(image: Any) -> Any:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image) if _orientation(image) != 1 else image


def _tifffile(file: Path) -> np.ndarray:
    """The content of a TIFF file that Pillow cannot read."""
    try:
        import tifffile  # pyrefly: ignore[missing-import]
    except ImportError as error:
        what = "a TIFF file with many bands, or colours of 16 bits; to read it: pip install 'geomdl[tiff]'"
        raise BrokenFile(file, what) from error
    try:
        return tifffile.imread(file)
    except Exception as error:
        raise BrokenFile(file, " ".join(str(error).split())[:200]) from error


def _tiff(file: Path, content: np.ndarray) -> tuple[Facts, np.ndarray]:
    if content.ndim == 2:
        content = content[..., None]
    if content.ndim != 3:
        raise BrokenFile(file, f"it holds numbers of the shape {content.shape}; allowed: [height, width, bands]")
    if content.shape[0] < min(content.shape[1:]) and content.shape[2] > 64:  # bands that lie one after the other
        content = np.moveaxis(content, 0, -1)
    return Facts((content.shape[0], content.shape[1]), content.shape[2], content.dtype), content
