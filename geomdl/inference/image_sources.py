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
    allowed = "a folder with PNG, JPEG, TIFF, WebP or BMP files"
    return [source for file in named_files(given, _is_readable, "image", allowed, is_image) for source in _of(file)]


def named_files(
    given: Sequence[str | Path],
    fits: Callable[[Path], bool],
    what: str,
    folders: str,
    in_folders: Callable[[Path], bool] | None = None,
) -> list[Path]:
    """The files that are named: as such, in folders and their folders, by patterns.

    Args:
      given: files, folders and patterns. A file that is named as such need not fit.
      fits: whether a file that a pattern matches is one of those that are looked for, by its name.
      what: they are, for errors.
      folders: what is allowed of folders, for errors.
      in_folders: as ``fits``, of files in folders; None for the same.

    Raises:
      ValueError: nothing is there.
    """
    files: list[Path] = []
    for name in given:
        place = local_path(name, what)
        if place.is_dir():
            found = files_in(place, in_folders or fits)
            if not found:
                raise invalid(f"folder of {what}s", str(name), folders)
        elif place.exists():
            found = [place]
        else:
            matching = (Path(p) for p in glob.glob(os.fspath(place), recursive=True))
            found = sorted(p for p in matching if p.is_file() and fits(p))
            if not found:
                raise invalid(what, str(name), "a file or folder that is there, or a pattern that some files match")
        files += found
    return files


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
    return is_image(file) or file.suffix.lower() in _ARRAYS


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
