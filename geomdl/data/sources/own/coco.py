"""Images with boxes in the layout of COCO: one JSON file for many images."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from geomdl.data.sources.own.annotations import Annotated, Box, OwnBoxes, each_box, found_image
from geomdl.data.sources.own.options import SPLIT_NAMES
from geomdl.errors import invalid, unknown
from geomdl.paths import local_path


@dataclass(frozen=True)
class COCOConfig(OwnBoxes):
    """Boxes of COCO: ``path`` is a JSON file, or a folder that has one for each split.

    Such as ``path/annotations/instances_train2017.json`` and ``path/train2017/*``; or ``path/train/*.json`` with the
    images beside it. Files whose names, and whose folders, name no split are read as training images; what is missing
    is carved from these, at random. Boxes are (x, y, width, height), in pixels from the top left corner. Objects with
    ``iscrowd`` count as difficult. The order of the classes is that of the numbers of the categories.

    Attributes:
      images: the folder of the images; None: looked for beside the JSON file and in the folders of ``path``.

    Raises:
      ValueError: an option is out of range (at construction); a file cannot be read, names an image that is not there,
        or a box is bad; the message names the file and the box (when loading).

    >>> COCOConfig(path="cells.json", size=64).label_kind
    'boxes'
    """

    name: ClassVar[str] = "coco"  # pyright: ignore[reportIncompatibleVariableOverride]
    layout: ClassVar[str] = "a JSON file of COCO, or a folder with one for each split"
    images: str | None = None

    def annotated(self) -> list[Annotated]:
        """Reads the JSON files."""
        return [image for file, split in self._files() for image in self._read(file, split)]

    def found_classes(self, images: Sequence[Annotated]) -> list[str]:
        """The categories of all files, by their numbers."""
        numbers: dict[str, Any] = {}
        for file, _ in self._files():
            for name, number in ((c["name"], c["id"]) for c in _content(file)["categories"]):
                numbers.setdefault(name, number)
        used = {box.name for image in images for box in image.boxes}
        return [name for name in sorted(numbers, key=lambda name: (numbers[name], name)) if name in used]

    def _files(self) -> list[tuple[Path, str]]:
        if self.path is None or not (root := local_path(self.path, "data.path")).exists():
            raise invalid("data.path", self.path, self.layout)
        if root.is_file():
            return [(root, "")]
        found = sorted([*root.glob("*.json"), *root.glob("*/*.json")])
        if not found:
            raise invalid("data.path", self.path, f"{self.layout}; it has no JSON file")
        return [(file, _split(file, root)) for file in found]

    def _read(self, file: Path, split: str) -> list[Annotated]:
        content = _content(file)
        categories = {_key(c, "id", f"a category of {file}"): _key(c, "name", f"a category of {file}")
                      for c in content["categories"]}  # fmt: skip
        of_image: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
        known = {_key(image, "id", f"an image of {file}") for image in content["images"]}
        for place, entry in enumerate(content["annotations"]):
            number = _key(entry, "image_id", _where(entry, place, file))
            if number not in known:
                raise unknown(f"image_id of {_where(entry, place, file)}", number, sorted(known, key=str)[:5])
            of_image[number].append({**entry, "_place": place})
        folders = self._folders(file)
        made = []
        for image in content["images"]:
            name = str(_key(image, "file_name", f"image {image['id']} of {file}"))
            where = found_image(name, folders, str(file))
            size = (int(image["height"]), int(image["width"])) if image.get("height") and image.get("width") else None
            boxes = each_box(of_image[image["id"]], lambda _, entry: _box(entry, categories, file))
            made.append(Annotated(where, file, boxes, split, size))
        return made

    def _folders(self, file: Path) -> list[Path]:
        """Where the images of a file may be."""
        if self.images is not None:
            folder = local_path(self.images, "data.images")
            return [folder if folder.is_absolute() or folder.is_dir() else file.parent / folder]
        root = file.parent.parent if file.parent.name == "annotations" else file.parent
        inside = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        split = _named(file.stem)
        return [file.parent, root, *sorted(inside, key=lambda folder: _named(folder.name) != split)]


def _content(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {file}: it is no JSON that can be parsed ({error})") from error
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise invalid(f"content of {file}", f"without a list {key!r}", "the lists images, annotations, categories")
    return content


def _box(entry: Mapping[str, Any], categories: Mapping[Any, str], file: Path) -> Box:
    where = _where(entry, entry["_place"], "")
    category = _key(entry, "category_id", f"{where} in {file}")
    if category not in categories:
        raise unknown(f"category_id of {where} in {file}", category, list(categories))
    numbers = _key(entry, "bbox", f"{where} in {file}")
    try:
        x, y, width, height = (float("nan") if number is None else float(number) for number in numbers)
    except (TypeError, ValueError) as error:
        raise invalid(f"bbox of {where} in {file}", numbers, "[x, y, width, height], four numbers of pixels") from error
    name = categories[category]
    return Box(name, (x, y, x + width, y + height), f"{where} ({name})", bool(entry.get("iscrowd", 0)))


def _key(entry: Any, key: str, what: str) -> Any:
    if not isinstance(entry, Mapping) or key not in entry:
        raise ValueError(f"{what} has no {key!r}; allowed: the keys of COCO")
    return entry[key]


def _where(entry: Any, place: int, file: Path | str) -> str:
    number = entry.get("id", f"at place {place}") if isinstance(entry, Mapping) else f"at place {place}"
    return f"annotation {number}" + (f" in {file}" if file else "")


def _named(name: str) -> str:
    """The split that a name has in it."""
    lowered = name.lower()
    for key in ("train", "valid", "val", "test"):
        if key in lowered:
            return SPLIT_NAMES[key]
    return ""


def _split(file: Path, root: Path) -> str:
    return _named(file.stem) or (_named(file.parent.name) if file.parent != root else "")
