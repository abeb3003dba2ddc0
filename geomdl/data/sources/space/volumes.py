"""Volumes of one's own: an .npz file as MedMNIST3D has it, or a folder of NIfTI files for each class."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from geomdl.data.checks import number
from geomdl.data.sources.space.nifti import ENDINGS, Placement, advise_on, read_placed
from geomdl.data.sources.space.parts import PARTS, carved, class_names, dataset_of, read_parts
from geomdl.data.types import DataConfig, Dataset
from geomdl.errors import invalid
from geomdl.numbers import whole_number
from geomdl.paths import local_path

_FILE = (
    "an .npz file with images [n, depth, height, width] and labels [n], or with train_images, train_labels, "
    "val_images, …; or a folder with a folder of NIfTI files (.nii, .nii.gz) for each class"
)


@dataclass(frozen=True)
class VolumesConfig(DataConfig):
    """Volumes with a class each, in an .npz file (MedMNIST3D's, which users bring) or in NIfTI files.

    Volumes are ``[depth, height, width]``, or with channels behind. Of an .npz file the axes are taken as (−z, −y, x);
    those of NIfTI files are brought to that, and voxels that are no cubes and tilted axes are warned of. A folder is
    ``path/CLASS/*.nii.gz``, or ``path/train/CLASS/*.nii.gz`` with ``val`` and ``test`` beside it. What is missing is
    carved from the training volumes.

    Attributes:
      path: of the file or folder.
      size: voxels a side of the cube that volumes are cut to and padded to with zeros, about their middle, not scaled;
        None: as they are, if they are of one size.
      window: (low, high): values that become 0 and 1, beyond which all is cut off, such as (−160, 240) of CT; None:
        uint8 and uint16 stand for value / largest value, floating point is as it is.
      classes: names of the classes, in the order of their numbers; None: their numbers, or their folders.
      train_size: training volumes, a nested stratified subset; None: all.
      validation_fraction: of the volumes, where no validation set is given; in (0, 1).
      test_fraction: likewise.
      split_seed: which stratified split.

    Raises:
      ValueError: an option is out of range (at construction); an array is missing, a file cannot be read, volumes have
        several sizes, or a label is no class (when loading).

    >>> VolumesConfig(path="adrenalmnist3d.npz", classes=("normal", "hyperplasia")).size is None
    True
    """

    name: ClassVar[str] = "volumes"  # pyright: ignore[reportIncompatibleVariableOverride]
    path: str | None = None
    size: int | None = None
    window: tuple[float, float] | None = None
    classes: tuple[str, ...] | None = None
    train_size: int | None = None
    validation_fraction: float = 0.15
    test_fraction: float = 0.15
    split_seed: int = 0

    def __post_init__(self) -> None:
        for key in ("size", "train_size"):
            if getattr(self, key) is not None:
                whole_number(f"data.{key}", getattr(self, key))
        whole_number("data.split_seed", self.split_seed, least=0)
        for key in ("validation_fraction", "test_fraction"):
            number(f"data.{key}", getattr(self, key), below=1.0)
            if not getattr(self, key) > 0:
                raise invalid(f"data.{key}", getattr(self, key), "a number between 0 and 1", 0.15)
        if self.window is not None and not (len(self.window) == 2 and self.window[0] < self.window[1]):
            raise invalid("data.window", self.window, "(low, high), the values that become 0 and 1", (0.0, 255.0))

    def load(self) -> Dataset:
        """Reads the volumes, and chooses the splits that are not given."""
        if self.path is None or not (place := local_path(self.path, "data.path")).exists():
            raise invalid("data.path", self.path, _FILE)
        parts, names = _of_folder(place, self.size) if place.is_dir() else (_of_arrays(place), None)
        parts = {key: (self._fitting(images, key), labels) for key, (images, labels) in parts.items()}
        classes = class_names([labels for _, labels in parts.values()], self.classes, names, self.path)
        fractions = {"validation": self.validation_fraction, "test": self.test_fraction}
        splits = carved(parts, fractions, self.train_size, self.split_seed, f"volumes in {self.path}")
        given = "given splits" if len(parts) == 3 else f"stratified splits, seed {self.split_seed}"
        return dataset_of(splits, self.name, classes, f"{place}; {given}")

    def _fitting(self, images: Any, what: str) -> np.ndarray:
        """Volumes ``[n, depth, height, width, channels]`` of the wanted size and range."""
        images = np.asarray(images)
        if images.ndim not in (4, 5):
            allowed = "[n, depth, height, width], or with channels behind"
            raise invalid(f"shape of the {what} volumes in {self.path}", images.shape, allowed)
        images = images if images.ndim == 5 else images[..., None]
        if self.size is not None:
            images = np.stack([cubed(volume, self.size) for volume in images])
        if self.window is not None:
            low, high = self.window
            return np.clip((images.astype(np.float32) - low) / (high - low), 0, 1)
        if images.dtype.kind in "iu" and images.dtype not in (np.uint8, np.uint16):
            allowed = "uint8, uint16 or floating point; or data.window=(low, high), the values that become 0 and 1"
            raise invalid(f"dtype of the {what} volumes in {self.path}", str(images.dtype), allowed,
                          f"data.window={(float(images.min()), float(images.max()))}")  # fmt: skip
        return images.astype(np.float32) if images.dtype == np.float64 else images


def cubed(volume: np.ndarray, size: int) -> np.ndarray:
    """A volume ``[depth, height, width, channels]`` cut and padded with zeros to a cube about its middle.

    >>> cubed(np.arange(5.0).reshape(5, 1, 1, 1), 3)[:, 1, 1, 0].tolist()
    [1.0, 2.0, 3.0]
    """
    result = np.zeros((size, size, size, volume.shape[-1]), volume.dtype)
    to, of = [], []
    for extent in volume.shape[:3]:
        kept, here = min(extent, size), max(extent - size, 0) // 2
        there = (size - kept) // 2
        to.append(slice(there, there + kept))
        of.append(slice(here, here + kept))
    result[tuple(to)] = volume[tuple(of)]
    return result


def _of_arrays(file: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {key: (found["images"], found["labels"]) for key, found in read_parts(file, _FILE, "images").items()}


def _of_folder(folder: Path, size: int | None) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], tuple[str, ...]]:
    known = {form: key for key, forms in PARTS.items() for form in forms}
    split = {known[inner.name]: inner for inner in _folders(folder) if inner.name in known}
    if split and "train" not in split:
        raise invalid("folders in data.path", [inner.name for inner in _folders(folder)], "one of them called train")
    homes = split or {"train": folder}
    names = tuple(sorted({inner.name for home in homes.values() for inner in _folders(home)}))
    parts, placements = {}, dict[Path, Placement]()
    for key, home in homes.items():
        volumes, labels, shapes = [], [], {}
        for number_, name in enumerate(names):
            for file in _files(home / name):
                volume, placements[file] = read_placed(file)
                volumes.append(volume if size is None else cubed(volume, size))
                labels.append(number_)
                shapes.setdefault(volumes[-1].shape, file)
        if not volumes:
            raise invalid("data.path", str(home), _FILE)
        if len(shapes) > 1:
            (first, one), (second, other) = list(shapes.items())[:2]
            allowed = "volumes of one size; or data.size, to which they are cut and padded"
            raise invalid(f"sizes of {one} and {other}", (first, second), allowed, f"data.size={max(first[:3])}")
        parts[key] = np.stack(volumes), np.array(labels, np.int32)
    advise_on(placements)
    return parts, names


def _folders(folder: Path) -> list[Path]:
    return sorted(inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith("."))


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(file for file in folder.iterdir() if file.name.lower().endswith(ENDINGS))
