"""Images with boxes in a table: one row for each box."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from geomdl.data.sources.numpy_files import looks_like
from geomdl.data.sources.own.annotations import Annotated, Box, OwnBoxes, found_image, shifted
from geomdl.data.sources.own.options import SPLIT_NAMES
from geomdl.data.sources.own.voc import PIXELS
from geomdl.errors import invalid, unknown
from geomdl.paths import local_path

_NAMES = {
    "file": ("file", "filename", "file_name", "image", "image_path", "path", "image_id"),
    "class": ("class", "label", "category", "class_name", "name"),
    "x0": ("x0", "xmin", "x_min", "left"),
    "y0": ("y0", "ymin", "y_min", "top"),
    "x1": ("x1", "xmax", "x_max", "right"),
    "y1": ("y1", "ymax", "y_max", "bottom"),
    **{f"{axis}{i}": (f"{axis}{i}",) for i in (3, 4) for axis in "xy"},
    "split": ("split", "subset", "set", "partition"),
    "difficult": ("difficult", "iscrowd"),
}


@dataclass(frozen=True)
class BoxTableConfig(OwnBoxes):
    """Boxes of a CSV (or TSV): a row for each box, with a header.

    The columns are file, class, and x0, y0, x1, y1 (or xmin, ymin, xmax, ymax; or x1, y1, x2, y2), in pixels from the
    top left corner; also split and difficult, where they are there. ``oriented`` boxes have the columns x1, y1, …, x4,
    y4: their corners in turn, as in DOTA. An image without boxes has one row, in which the class and the numbers are
    empty.

    Attributes:
      oriented: whether boxes are oriented.
      images: the folder that file names are relative to; None: that of the table.
      pixels: what the numbers are: ``"edges"``; or ``"inclusive"`` (``"inclusive0"``), the first and last pixel, where
        the first of the image is 1 (0); corners are always those of edges.

    Raises:
      ValueError: an option is out of range (at construction); a file cannot be read, names an image that is not there,
        or a box is bad; the message names the row (when loading).

    >>> BoxTableConfig(path="cells.csv", size=64).label_kind
    'boxes'
    """

    name: ClassVar[str] = "box_table"  # pyright: ignore[reportIncompatibleVariableOverride]
    layout: ClassVar[str] = "a CSV with a row for each box"
    oriented: bool = False
    images: str | None = None
    pixels: str = "edges"

    @property
    def has_oriented_boxes(self) -> bool:
        """As ``oriented`` says."""
        return self.oriented

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.oriented, bool):
            raise invalid("data.oriented", self.oriented, "true or false")
        if self.pixels not in PIXELS:
            raise unknown("data.pixels", self.pixels, PIXELS)

    def annotated(self) -> list[Annotated]:
        """Reads the table; images are in the order of their first rows."""
        if self.path is None or not (table := local_path(self.path, "data.path")).is_file():
            raise invalid("data.path", self.path, self.layout)
        folder = table.parent if self.images is None else local_path(self.images, "data.images")
        corners = CORNERS if self.oriented else EDGES
        rows, boxes, given = _rows(table, corners), dict[str, list[Box]](), dict[str, str]()
        for place, row in enumerate(rows, start=2):
            name, split = row["file"], row.get("split", "")
            if split and split.lower() not in SPLIT_NAMES:
                raise unknown(f"split in row {place} of {table}", split, ["train", "validation", "test"])
            split = SPLIT_NAMES.get(split.lower(), "")
            if given.setdefault(name, split) != split:
                raise ValueError(f"row {place} of {table} has {name!r} in another split than a row before it")
            of_image = boxes.setdefault(name, [])
            numbers = [row[key] for key in corners]
            if row["class"] or any(numbers):
                difficult = row.get("difficult", "").lower() in ("1", "1.0", "true")
                of_image.append(self._box(row["class"], numbers, difficult, place, table))
        return [
            Annotated(found_image(name, [folder], str(table)), table, of_image, given[name])
            for name, of_image in boxes.items()
        ]

    def _box(self, name: str, numbers: Sequence[str], difficult: bool, place: int, table: Path) -> Box:
        if not name:
            raise ValueError(f"row {place} of {table} has no class; allowed: a class for every box")
        try:
            values = [float(number) for number in numbers]
        except ValueError as error:
            allowed = f"{'eight' if self.oriented else 'four'} numbers of pixels"
            raise invalid(f"box in row {place} of {table}", ", ".join(numbers), allowed) from error
        if self.oriented:
            return Box.of_corners(name, values, f"row {place} ({name})", difficult)
        x0, y0, x1, y1 = values
        box = Box(name, (x0, y0, x1, y1), f"row {place} ({name})", difficult)
        return box if self.pixels == "edges" else shifted(box, 1.0 if self.pixels == "inclusive" else 0.0)


EDGES = ("x0", "y0", "x1", "y1")
CORNERS = ("x0", "y0", "x1", "y1", "x3", "y3", "x4", "y4")
"""Of the four corners the first two are called x1, y1, x2, y2 in the header."""


def _rows(table: Path, wanted: Sequence[str]) -> list[Mapping[str, str]]:
    """The rows, with the columns as they are called here, of which those that are wanted are needed."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.reader(opened, delimiter="\t" if table.suffix.lower() == ".tsv" else ","))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"cannot read {table} ({looks_like(table)}: {error}); allowed: a table in UTF-8") from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise invalid("data.path", str(table), "a table with a header and a row for each box; this has none")
    header = [name.strip().lower() for name in rows[0]]
    second = "x2" in header  # x1, y1, x2, y2
    columns: dict[str, int] = {}
    for key, names in _NAMES.items():
        if key[0] in "xy" and key not in wanted:
            continue
        if second and key in EDGES:
            names = (f"{key[0]}{int(key[1]) + 1}",)
        place = next((header.index(name) for name in names if name in header and header.index(name) not in
                      columns.values()), None)  # fmt: skip
        if place is not None:
            columns[key] = place
        elif key not in ("split", "difficult"):
            numbers = "x1, y1, x2, y2, x3, y3, x4, y4" if wanted == CORNERS else "x0, y0, x1, y1"
            raise invalid(f"columns of {table}", ", ".join(rows[0]), f"file, class, {numbers} (split, difficult)")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ValueError(f"row {number} of {table} has {len(row)} cells; allowed: {len(header)}, as the header has")
    return [{key: row[place].strip() for key, place in columns.items()} for row in rows[1:]]
