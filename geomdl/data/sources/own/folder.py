"""Images of classes: in a folder for each class, or named by a table."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from geomdl.data.sources.own.image_files import SUFFIXES, files_in, is_image
from geomdl.data.sources.own.options import (
    SPLIT_NAMES,
    OwnImages,
    assemble,
    require_classes_in_train,
)
from geomdl.data.sources.own.records import Collected
from geomdl.data.sources.own.stored_files import FileImages, digest, examined, refuse_broken
from geomdl.data.sources.own.tables import Table, is_table, read_table
from geomdl.data.types import Dataset, LabelKind
from geomdl.errors import invalid, nearest
from geomdl.paths import local_path

_LAYOUT = (
    "a folder with a folder of images for each class, or with such folders in train, validation and test; or a CSV"
)


@dataclass(frozen=True)
class FolderConfig(OwnImages):
    """Images of classes: ``path/CLASS/*``, ``path/train|validation|test/CLASS/*``, or a CSV of file names.

    The classes are the names of the folders, in alphabetical order; folders in them are searched too. Images are PNG,
    JPEG, TIFF, WebP or BMP, upright as the camera noted it; other files, and hidden ones, are passed over.

    A CSV names one image in each row, by its path from the folder of the CSV (or from ``image_folder``). It has a
    header; the column of the files is called file, filename, image or path, or is the first; that of the classes label,
    class, category, target or ``label_column``. An image has several labels where the column is called labels, classes
    or tags (``cat;dog``), or where the other columns are indicators of 0 and 1, one for each class. A column split
    gives splits.

    Given splits are kept. What is missing (validation, test) is carved from the training images, stratified by class.

    Attributes:
      label_column: of a CSV; None: found by its name.
      image_folder: which file names in a CSV are relative to; None: the folder of the CSV.
      classes: their names, in the order of the outputs; None: those that are found.

    Raises:
      ValueError: an option is out of range (at construction); there is no such folder, a class has no images, a file
        cannot be read, or images are of several sizes and ``size`` is not given (when loading).

    >>> FolderConfig(path="photos", size=64).fit
    'cover'
    """

    name: ClassVar[str] = "folder"  # pyright: ignore[reportIncompatibleVariableOverride]
    label_column: str | None = None
    image_folder: str | None = None
    classes: tuple[str, ...] | None = None

    @property
    def label_kind(self) -> LabelKind:
        """``"labels"`` for a table with several labels per image, else ``"class"``."""
        try:
            return "labels" if self._table_path() and self._table().several else "class"
        except (ValueError, OSError):
            return "class"  # `load` says what is wrong

    def load(self) -> Dataset:
        """Looks at all files, chooses the splits, and reads what is small."""
        return assemble(self, self.collect())

    def collect(self) -> Collected:
        """What is found, unread."""
        table = self._table() if self._table_path() else self._folders()
        names = sorted({label for labels in table.labels for label in labels}, key=table.order)
        classes = self._classes(names)
        facts, broken = examined(table.files, decode=self.broken == "skip")
        refuse_broken(broken, len(table.files), self.broken == "skip", self.path)
        kept = [i for i, fact in enumerate(facts) if fact is not None]
        files, given = [table.files[i] for i in kept], [table.given[i] for i in kept]
        labels = [table.labels[i] for i in kept]
        shown = [table.names[i] for i in kept]
        if not table.several:
            require_classes_in_train(self, [label[0] for label in labels], given)
        place = {name: i for i, name in enumerate(classes)}
        if table.several:
            values = np.zeros((len(kept), len(classes)), np.float32)
            for row, present in zip(values, labels, strict=True):
                row[[place[label] for label in present]] = 1
        else:
            values = np.array([place[label[0]] for label in labels], np.int32)
        what = f"{Path(str(self.path)).name}, {len(kept)} images with names and sizes {digest(files, shown)}…"
        return Collected(
            FileImages(files, shown),
            [fact for fact in facts if fact is not None],
            values,
            given,
            classes,
            "labels" if table.several else "class",
            f"{what}, {len(classes)} classes",
            left_out=broken,
        )

    def _classes(self, found: list[str]) -> tuple[str, ...]:
        if self.classes is None:
            if len(found) < 2:
                raise invalid("data.path", self.path, f"{_LAYOUT}, of two classes at least; found {found}")
            return tuple(found)
        for name in found:
            if name not in self.classes:
                close = nearest(name, self.classes)
                raise invalid("data.classes", self.classes, f"a list with all classes there are, also {name!r}", close)
        for name in self.classes:
            if name not in found:
                raise ValueError(f"class {name!r} of data.classes has no images in {self.path}; there are {found}")
        return self.classes

    def _root(self) -> Path:
        if self.path is None:
            raise invalid("data.path", None, _LAYOUT)
        root = local_path(self.path, "data.path")
        if not root.exists():
            beside = [entry.name for entry in root.parent.iterdir()] if root.parent.is_dir() else []
            close = nearest(root.name, beside)
            raise invalid("data.path", self.path, f"{_LAYOUT}, that is there", close and str(root.with_name(close)))
        return root

    def _table_path(self) -> bool:
        return self.path is not None and is_table(local_path(self.path, "data.path"))

    def _table(self) -> Table:
        return read_table(self._root(), self.label_column, self.image_folder)

    def _folders(self) -> Table:
        root = self._root()
        if not root.is_dir():
            raise invalid("data.path", self.path, f"{_LAYOUT}; this is a file")
        inside = _folders(root)
        split = {folder: SPLIT_NAMES.get(folder.name.lower()) for folder in inside}
        if inside and all(split.values()):
            if "train" not in split.values():
                raise invalid(
                    "data.path", self.path, f"{_LAYOUT}; this has {', '.join(f.name for f in inside)}", "train"
                )
            pairs = [(name or "", folder) for place, name in split.items() for folder in _folders(place)]
        else:
            pairs = [("", folder) for folder in inside]
        if not pairs:
            loose = sum(1 for file in root.rglob("*") if is_image(file))
            found = f"{loose} images and no folders of classes" if loose else "nothing of the kind: it is empty"
            raise invalid("data.path", self.path, f"{_LAYOUT}; this has {found}")
        files, labels, given = [], [], []
        for name, folder in pairs:
            images = files_in(folder)
            if not images:
                others = sorted({f.suffix or f.name for f in folder.rglob("*") if f.is_file()})
                has = f"; its files are {', '.join(others[:3])}" if others else "; the folder is empty"
                raise ValueError(
                    f"class {folder.name!r} in {folder.parent} has no images{has}; allowed: images "
                    f"({', '.join(SUFFIXES)}) in every folder of a class; remove the folder, or put images into it"
                )
            files += images
            labels += [(folder.name,)] * len(images)
            given += [name] * len(images)
        names = [file.relative_to(root).as_posix() for file in files]
        return Table(files, names, labels, given, several=False)


def _folders(place: Path) -> list[Path]:
    with os.scandir(place) as entries:
        return sorted(
            Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith((".", "__MACOSX"))
        )
