"""Images with oriented boxes in the layout of DOTA: a text file for each image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from geomdl.data.sources.own.annotations import Annotated, Box, OwnBoxes
from geomdl.data.sources.own.image_files import SUFFIXES
from geomdl.data.sources.own.options import SPLIT_NAMES
from geomdl.errors import invalid, nearest
from geomdl.paths import local_path


@dataclass(frozen=True)
class DOTAConfig(OwnBoxes):
    """Oriented boxes of DOTA: ``path/labelTxt/*.txt`` and ``path/images/*``, or those in ``path/train``, ….

    Each line of a text file is a box: ``x1 y1 x2 y2 x3 y3 x4 y4 class difficult``, the corners in turn, in pixels from
    the top left corner; difficult (0 or 1) may be missing. Lines such as ``imagesource:GoogleEarth`` and ``gsd:0.146``
    at the head are left out. A file without a box is an image without boxes. Quadrilaterals become rectangles as
    `geomdl.boxes.from_corners` says. Images as large as DOTA's are cut into smaller ones before, with another program.

    Attributes:
      annotations: the folder of the text files, in ``path`` or that of a split.
      images: the folder of the images, beside it.

    Raises:
      ValueError: an option is out of range (at construction); a file cannot be read, has no image, or a box is bad; the
        message names the file and the line (when loading).

    >>> DOTAConfig(path="harbours", size=128).label_kind
    'oriented_boxes'
    """

    name: ClassVar[str] = "dota"  # pyright: ignore[reportIncompatibleVariableOverride]
    layout: ClassVar[str] = "a folder with the folders labelTxt and images, or with such folders train, val, test"
    annotations: str = "labelTxt"
    images: str = "images"

    @property
    def has_oriented_boxes(self) -> bool:
        """Always."""
        return True

    def annotated(self) -> list[Annotated]:
        """Reads every text file."""
        if self.path is None or not (root := local_path(self.path, "data.path")).is_dir():
            raise invalid("data.path", self.path, self.layout)
        roots = {"": root} if (root / self.annotations).is_dir() else {}
        for folder in sorted(root.iterdir()) if not roots else ():
            split = SPLIT_NAMES.get(folder.name.lower())
            if split and (folder / self.annotations).is_dir():
                roots[split] = folder
        if not roots:
            raise invalid("data.path", self.path, self.layout)
        return [
            self._read(file, folder / self.images, split)
            for split, folder in roots.items()
            for file in sorted((folder / self.annotations).glob("*.txt"))
        ]

    def _read(self, file: Path, folder: Path, split: str) -> Annotated:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(f"cannot read {file}: it is no text in UTF-8 ({error})") from error
        boxes = [
            _box(line.split(), row, file)
            for row, line in enumerate(lines, start=1)
            if line.strip() and ":" not in line.split()[0]
        ]
        return Annotated(_image(file, folder), file, boxes, split)


def _box(words: Sequence[str], row: int, file: Path) -> Box:
    """One line."""
    allowed = "x1 y1 x2 y2 x3 y3 x4 y4 class, and perhaps difficult, 0 or 1"
    given = " ".join(words)
    if len(words) not in (9, 10) or (len(words) == 10 and words[9] not in ("0", "1", "2")):
        raise invalid(f"line {row} of {file}", given, allowed)
    try:
        corners = [float(word) for word in words[:8]]
    except ValueError as error:
        raise invalid(f"line {row} of {file}", given, allowed) from error
    return Box.of_corners(words[8], corners, f"line {row} ({words[8]})", words[9:] not in ([], ["0"]))


def _image(file: Path, folder: Path) -> Path:
    """The image of the same name."""
    for suffix in SUFFIXES:
        for ending in (suffix, suffix.upper()):
            if (image := folder / f"{file.stem}{ending}").is_file():
                return image
    hint = nearest(file.stem, [found.stem for found in folder.iterdir()] if folder.is_dir() else [])
    said = f"; did you mean {hint!r}?" if hint else ""
    raise ValueError(f"cannot find the image of {file} in {folder}{said}")
