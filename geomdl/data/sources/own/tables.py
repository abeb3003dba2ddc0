"""Tables (CSV, TSV) of image files with their classes."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geomdl.data.sources.numpy_files import looks_like
from geomdl.data.sources.own.image_files import SUFFIXES
from geomdl.data.sources.own.options import SPLIT_NAMES
from geomdl.errors import invalid, nearest, unknown
from geomdl.paths import local_path

_FILE = ("file", "filename", "file_name", "image", "image_path", "path", "image_id", "id")
_ONE = ("label", "class", "category", "target", "class_name", "y")
_SEVERAL = ("labels", "classes", "tags", "categories")
_SPLIT = ("split", "subset", "set", "partition")
_SEPARATORS = (";", "|")


@dataclass(frozen=True)
class Table:
    """Images with the names of their classes.

    Attributes:
      files: of the images.
      names: of the images, for messages.
      labels: of every image.
      given: the split of every image, or "".
      several: whether an image may have any number of labels.
    """

    files: Sequence[Path]
    names: Sequence[str]
    labels: Sequence[tuple[str, ...]]
    given: Sequence[str]
    several: bool
    columns: tuple[str, ...] = ()

    def order(self, name: str) -> tuple[int, int, str]:
        """The place of a class: that of its column; numbers by their value, before words."""
        if name in self.columns:
            return 0, self.columns.index(name), name
        return (0, int(name), name) if name.isascii() and name.isdigit() else (1, 0, name)


def is_table(path: Path) -> bool:
    """Whether the name of a file is that of a table."""
    return path.suffix.lower() in (".csv", ".tsv")


def read_table(file: Path, label_column: str | None, image_folder: str | None) -> Table:
    """Reads a table.

    Args:
      file: with a header.
      label_column: the column of the classes; None: found by its name.
      image_folder: which the file names are relative to; None: the folder of the table.

    Raises:
      ValueError: it cannot be read, has no rows, or no column for the classes; an image is not there.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.reader(opened, delimiter="\t" if file.suffix.lower() == ".tsv" else _delimiter(opened)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"cannot read {file} ({looks_like(file)}: {error}); allowed: a table in UTF-8") from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise invalid("data.path", str(file), "a table with a header and a row for each image; this has none")
    header, rows = [name.strip() for name in rows[0]], rows[1:]
    for place, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(f"row {place} of {file} has {len(row)} cells; allowed: {len(header)}, as the header has")
    columns = {name: [row[i].strip() for row in rows] for i, name in enumerate(header)}
    file_column = _column(columns, _FILE) or header[0]
    split_column = _column(columns, _SPLIT)
    rest = [name for name in header if name not in (file_column, split_column)]
    labels, several, order = _labels(columns, rest, label_column, file)
    folder = file.parent if image_folder is None else local_path(image_folder, "data.image_folder")
    files = [_found(folder, name, file, place) for place, name in enumerate(columns[file_column], start=2)]
    given = [""] * len(files)
    if split_column is not None:
        given = [_split(value, file, place) for place, value in enumerate(columns[split_column], start=2)]
    return Table(files, columns[file_column], labels, given, several, order)


def _delimiter(opened) -> str:
    """A semicolon where the header has semicolons and no comma."""
    header = opened.readline()
    opened.seek(0)
    return ";" if ";" in header and "," not in header else ","


def _column(columns, names: Sequence[str]) -> str | None:
    lowered = {name.lower(): name for name in columns}
    return next((lowered[name] for name in names if name in lowered), None)


def _labels(
    columns, rest: list[str], wanted: str | None, file: Path
) -> tuple[list[tuple[str, ...]], bool, tuple[str, ...]]:
    """The classes of every row, whether there may be several, and the order of the columns that are classes."""
    if wanted is not None and wanted not in columns:
        raise unknown("data.label_column", wanted, list(columns))
    inside = {name: columns[name] for name in rest}
    name = wanted or _column(inside, _ONE) or _column(inside, _SEVERAL) or (rest[0] if len(rest) == 1 else None)
    if name is not None:
        cells = columns[name]
        separator = next((s for s in _SEPARATORS if any(s in cell for cell in cells)), None)
        if separator or name.lower() in _SEVERAL:
            parts = [tuple(part.strip() for part in cell.split(separator or ",") if part.strip()) for cell in cells]
            return parts, True, ()
        for place, cell in enumerate(cells, start=2):
            if not cell:
                raise ValueError(f"row {place} of {file} has no {name}; allowed: a class for each image")
        return [(cell,) for cell in cells], False, ()
    if rest and all(cell in ("0", "1", "0.0", "1.0") for column in rest for cell in columns[column]):
        rows = zip(*(columns[column] for column in rest), strict=True)
        present = [tuple(c for c, cell in zip(rest, row, strict=True) if float(cell)) for row in rows]
        for column in rest:
            if not any(column in labels for labels in present):
                raise ValueError(f"class {column!r} of {file} has no images; allowed: a 1 in every column of a class")
        return present, True, tuple(rest)
    raise invalid(
        "data.label_column", wanted, f"the column of the classes in {file}, which has {', '.join(columns)}; or columns "
        "of 0 and 1, one for each class"
    )  # fmt: skip


def _found(folder: Path, name: str, table: Path, row: int) -> Path:
    path = folder / name
    if path.is_file():
        return path
    for suffix in SUFFIXES:
        if (with_suffix := folder / f"{name}{suffix}").is_file():
            return with_suffix
    there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = nearest(path.name, there)
    raise ValueError(
        f"cannot find the image {name!r} of row {row} of {table} in {folder}; allowed: paths from there, or "
        "data.image_folder" + (f"; did you mean {close!r}?" if close else "")
    )


def _split(value: str, file: Path, row: int) -> str:
    if value and value.lower() not in SPLIT_NAMES:
        message = unknown(f"split in row {row} of {file}", value, ["train", "validation", "test"])
        raise message
    return SPLIT_NAMES.get(value.lower(), "")
