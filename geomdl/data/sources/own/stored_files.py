"""The files of images, with their label maps, as a source of raw images; those that are broken are found first."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geomdl.data.sources.own.image_files import BrokenFile, Facts, each, facts_of, read_image, read_values
from geomdl.data.types import Indices
from geomdl.errors import invalid


@dataclass(frozen=True)
class FileImages:
    """Image files, and perhaps a file with the label map of each.

    Attributes:
      files: of the images.
      names: of the images, for messages.
      maps: files of label maps; empty: there are none.
    """

    files: Sequence[Path]
    names: Sequence[str]
    maps: Sequence[Path] = ()

    @property
    def encoded(self) -> bool:
        """True."""
        return True

    def __len__(self) -> int:
        return len(self.files)

    def images(self, indices: Indices) -> Iterator[np.ndarray]:
        """One after the other, ``[height, width, channels]``."""
        for index in indices:
            yield _read(read_image, self.files[int(index)])

    def label_maps(self, indices: Indices) -> Iterator[np.ndarray]:
        """One after the other, as they are stored."""
        for index in indices:
            yield _read(read_values, self.maps[int(index)])


def _read(read: Callable[[Path], np.ndarray], file: Path) -> np.ndarray:
    try:
        return read(file)
    except BrokenFile as error:
        raise ValueError(f"{error}; mend or remove it, or leave such files out: data.broken='skip'") from error


def examined(files: Sequence[Path], *, decode: bool) -> tuple[list[Facts | None], list[BrokenFile]]:
    """What is in files, None for those that cannot be read, and what is wrong with those.

    Args:
      files: of images.
      decode: reads all pixels, and not only the headers: also files that end too early are found.
    """

    def look(file: Path) -> Facts | BrokenFile:
        try:
            facts = facts_of(file)
            if decode:
                read_image(file)
        except BrokenFile as error:
            return error
        return facts

    found = each(look, files)
    return [None if isinstance(fact, BrokenFile) else fact for fact in found], [
        fact for fact in found if isinstance(fact, BrokenFile)
    ]


def refuse_broken(broken: Sequence[BrokenFile], count: int, skip: bool, path: str | None) -> None:
    """Raises ValueError for files that cannot be read, unless they may be left out and others are left."""
    if len(broken) == count:
        raise invalid("data.path", path, f"images that can be read; of {count} none can: {broken[0]}")
    if broken and not skip:
        shown = "; ".join(f"{error.file} ({error.what})" for error in broken[:3])
        more = f"; and {len(broken) - 3} more" if len(broken) > 3 else ""
        raise ValueError(
            f"cannot read {len(broken)} of {count} images: {shown}{more}; allowed: images that can be read; mend or "
            "remove them, or leave them out: data.broken='skip'"
        )


def digest(files: Sequence[Path], names: Sequence[str]) -> str:
    """Of names and sizes: other files, or others of another size, have another one. Contents are not read."""
    result = hashlib.sha256()
    for file, name in zip(files, names, strict=True):
        result.update(f"{name}\0{file.stat().st_size}\n".encode())
    return result.hexdigest()[:12]
