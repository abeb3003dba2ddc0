"""Images as they are named on a command line: files, folders, globs, arrays."""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geomdl.data.sources.numpy_files import read_numpy
from geomdl.data.sources.own.image_files import BrokenFile, files_in, is_image, read_image
from geomdl.errors import invalid
from geomdl.paths import local_path

_ARRAYS = (".npy", ".npz")


@dataclass(frozen=True)
class Source:
    """An image that is read when it is asked for.

    Attributes:
      name: of the file; of an image in an array with its number.
      read: gives its pixels.
    """

    name: str
    read: Callable[[], Any]


def image_sources(given: Sequence[str | Path]) -> list[Source]:
    """The images that are named, in order: those of folders and of their folders by name.

    Args:
      given: image files, folders, patterns such as ``"scans/*.png"``, and ``.npy`` or ``.npz`` files of images
        ``[n, height, width]`` or ``[n, height, width, channels]`` (of ``.npz`` the array ``images``).

    Raises:
      ValueError: nothing is there, or no image is in it.
    """
    sources: list[Source] = []
    for name in given:
        place = local_path(name, "image")
        if place.is_dir():
            found = files_in(place)
            if not found:
                raise invalid("folder of images", str(name), "a folder with PNG, JPEG, TIFF, WebP or BMP files")
        elif place.exists():
            found = [place]
        else:
            found = sorted(Path(p) for p in glob.glob(os.fspath(place), recursive=True) if _is_readable(Path(p)))
            if not found:
                raise invalid("image", str(name), "a file or folder that is there, or a pattern that some files match")
        for file in found:
            sources += _of(file)
    return sources


def read_in_order(sources: Sequence[Source], *, skip: bool = False) -> Iterator[tuple[str, Any, BrokenFile | None]]:
    """The name, the pixels and, where they cannot be read and may be left out, what is wrong, one after the other.

    Raises:
      BrokenFile: a file cannot be read, and ``skip`` is not said.
    """
    for source in sources:
        try:
            yield source.name, source.read(), None
        except BrokenFile as error:
            if not skip:
                raise
            yield source.name, None, error


def _is_readable(file: Path) -> bool:
    return file.is_file() and (is_image(file) or file.suffix.lower() in _ARRAYS)


def _of(file: Path) -> list[Source]:
    if file.suffix.lower() not in _ARRAYS:
        return [Source(str(file), lambda: read_image(file))]
    images = read_numpy(file, "an array of images, or 'images' in an .npz file", required=["images"], single=True)
    array = images["images"]
    if array.ndim not in (3, 4):
        raise invalid(
            f"shape of the images in {file}", array.shape, "[n, height, width] or [n, height, width, channels]"
        )
    return [Source(f"{file}[{i}]", lambda i=i: np.asarray(array[i])) for i in range(len(array))]
