"""Images with boxes in the layout of Pascal VOC: an XML file for each image."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from geomdl.data.sources.own.annotations import Annotated, Box, OwnBoxes, each_box, found_image, shifted
from geomdl.data.sources.own.image_files import SUFFIXES
from geomdl.data.sources.own.options import SPLIT_NAMES
from geomdl.errors import invalid, nearest, unknown
from geomdl.paths import local_path

PIXELS = ("inclusive", "inclusive0", "edges")


@dataclass(frozen=True)
class VOCConfig(OwnBoxes):
    """Boxes of Pascal VOC: ``path/Annotations/*.xml``, ``path/JPEGImages/*``, ``path/ImageSets/Main/*.txt``.

    Where there are no such folders the XML files are looked for in ``path`` itself, with the images beside them. The
    lists train, val and test give the splits; what is missing is carved from the training images, at random. Images in
    no list are left out where there are lists. An XML file without an object is an image without boxes.

    Attributes:
      annotations: the folder of the XML files, in ``path``.
      images: the folder of the images, in ``path``.
      lists: the folder of the lists, in ``path``.
      pixels: what the numbers are: ``"inclusive"``, the first and last pixel, of which the first of the image is 1, as
        Pascal VOC has it; ``"inclusive0"``, likewise, but it is 0; or ``"edges"``. A box whose first and last pixel are
        the same is taken for one of zero size, as annotation tools write it.

    Raises:
      ValueError: an option is out of range (at construction); a file cannot be read, names an image that is not there,
        or a box is bad; the message names the file and the box (when loading).

    >>> VOCConfig(path="cells", size=64).label_kind
    'boxes'
    """

    name: ClassVar[str] = "voc"  # pyright: ignore[reportIncompatibleVariableOverride]
    layout: ClassVar[str] = "a folder with the folders Annotations and JPEGImages"
    annotations: str = "Annotations"
    images: str = "JPEGImages"
    lists: str = "ImageSets/Main"
    pixels: str = "inclusive"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pixels not in PIXELS:
            raise unknown("data.pixels", self.pixels, PIXELS)

    def annotated(self) -> list[Annotated]:
        """Reads every XML file that is in a list, or all of them."""
        if self.path is None or not (root := local_path(self.path, "data.path")).is_dir():
            raise invalid("data.path", self.path, self.layout)
        folder = root / self.annotations if (root / self.annotations).is_dir() else root
        files = {file.stem: file for file in sorted(folder.glob("*.xml"))}
        if not files:
            raise invalid("data.path", self.path, f"{self.layout}; {folder} has no XML files")
        splits = self._lists(root, files)
        chosen = splits or dict.fromkeys(files, "")
        folders = [root / self.images, folder, root]
        return [self._read(files[stem], folders, given) for stem, given in chosen.items()]

    def _lists(self, root: Path, files: Mapping[str, Path]) -> dict[str, str]:
        """The split of every image that is in a list; the training list is the first to count."""
        found: dict[str, str] = {}
        for file in sorted((root / self.lists).glob("*.txt")):
            split = SPLIT_NAMES.get(file.stem.lower())
            for row, line in enumerate(file.read_text(encoding="utf-8").splitlines() if split else [], start=1):
                stem = line.split()[0] if line.strip() else ""
                if stem and stem not in files:
                    hint = nearest(stem, list(files))
                    raise ValueError(
                        f"line {row} of {file} names {stem!r}, which has no XML file in {self.annotations}"
                        + (f"; did you mean {hint!r}?" if hint else "")
                    )
                if stem and found.setdefault(stem, str(split)) != split:
                    raise ValueError(
                        f"{stem!r} is in the lists of two splits in {root / self.lists}: {found[stem]}, {split}"
                    )
        return found

    def _read(self, file: Path, folders: list[Path], given: str) -> Annotated:
        try:
            root = ElementTree.parse(file).getroot()
        except (ElementTree.ParseError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot read {file}: it is no XML that can be parsed ({error})") from error
        if root.tag != "annotation":
            raise invalid(f"root of {file}", root.tag, "annotation, as in Pascal VOC")
        image = self._image(file, root, folders)
        size = root.find("size")
        known = size is not None and size.findtext("width") and size.findtext("height")
        shape = (_whole(size, "height", file), _whole(size, "width", file)) if known else None
        boxes = each_box(root.findall("object"), lambda i, entry: self._box(i, entry, file))
        return Annotated(image, file, boxes, given, shape)

    def _image(self, file: Path, root: ElementTree.Element, folders: list[Path]) -> Path:
        """The image of the same name as the XML file, or else the one that it names."""
        for folder in folders:
            for suffix in SUFFIXES:
                for ending in (suffix, suffix.upper()):
                    if (image := folder / f"{file.stem}{ending}").is_file():
                        return image
        return found_image((root.findtext("filename") or f"{file.stem}.jpg").strip(), folders[:1], str(file))

    def _box(self, i: int, entry: ElementTree.Element, file: Path) -> Box:
        name = (entry.findtext("name") or "").strip()
        where = f"object {i} ({name})" if name else f"object {i}"
        if not name:
            raise ValueError(f"{where} in {file} has no name; allowed: the name of a class in every object")
        box = entry.find("bndbox")
        if box is None:
            raise ValueError(f"{where} in {file} has no bndbox; allowed: xmin, ymin, xmax and ymax in every object")
        numbers = [_number(box, key, f"{where} in {file}") for key in ("xmin", "ymin", "xmax", "ymax")]
        made = Box(name, (numbers[0], numbers[1], numbers[2], numbers[3]), where, _true(entry.findtext("difficult")))
        return made if self.pixels == "edges" else shifted(made, 1.0 if self.pixels == "inclusive" else 0.0)


def _number(box: ElementTree.Element, key: str, where: str) -> float:
    text = (box.findtext(key) or "").strip()
    try:
        return float(text)
    except ValueError as error:
        raise invalid(f"{key} of {where}", text, "a number of pixels") from error


def _whole(size: ElementTree.Element | None, key: str, file: Path) -> int:
    text = "" if size is None else (size.findtext(key) or "").strip()
    try:
        return int(float(text))
    except (ValueError, OverflowError) as error:
        raise invalid(f"{key} in {file}", text, "a whole number of pixels") from error


def _true(text: str | None) -> bool:
    return (text or "").strip() in ("1", "true", "True")
