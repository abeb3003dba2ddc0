"""Volumes of one's own, with a class or a label map each: an .npz file as MedMNIST3D has it, or NIfTI files."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from geomdl.data.checks import number
from geomdl.data.sources.own.mask_folder import require_map_options
from geomdl.data.sources.own.paired_folders import PairedFolders
from geomdl.data.sources.space.fitting import VolumeFitting, cubed
from geomdl.data.sources.space.label_volumes import (
    folders,
    found_pairs,
    read_label_map,
    understood,
    whole_numbers,
)
from geomdl.data.sources.space.nifti import Placement, advise_on, is_nifti, read_placed, without_ending
from geomdl.data.sources.space.parts import PARTS, carved, class_names, dataset_of, read_parts
from geomdl.data.types import DataConfig, Dataset, LabelKind
from geomdl.errors import invalid, unknown
from geomdl.numbers import whole_number
from geomdl.paths import local_path

_FILE = (
    "an .npz file with images [n, depth, height, width] and labels [n], or with train_images, train_labels, "
    "val_images, …; or a folder with a folder of NIfTI files (.nii, .nii.gz) for each class"
)
_MAPS = (
    "an .npz file with images [n, depth, height, width] and label maps, labels or masks [n, depth, height, width]; "
    "or with train_images, train_labels, val_images, …"
)

Parts = dict[str, tuple[np.ndarray, np.ndarray]]
Paired = tuple[dict[str, np.ndarray], dict[str, list[np.ndarray]], dict[str, list[str]]]
"""By split: volumes, the values of their label maps, and where these are from."""


@dataclass(frozen=True)
class VolumesConfig(DataConfig):
    """Volumes with a class or a label map each, in an .npz file (as MedMNIST3D's) or in NIfTI files.

    Volumes are ``[depth, height, width]``, or with channels behind. Of an .npz file the axes are taken as (−z, −y, x);
    those of NIfTI files are brought to that, and voxels that are no cubes and tilted axes are warned of. A folder is
    ``path/CLASS/*.nii.gz``, or ``path/train/CLASS/*.nii.gz`` with ``val`` and ``test`` beside it. What is missing is
    carved from the training volumes.

    With ``labels="map"`` each volume has a label map, of its size and in its place: ``labels`` or ``masks`` of an .npz
    file, ``[n, depth, height, width]``; in two folders, ``path/images/a.nii.gz`` and ``path/masks/a.nii.gz``; or in a
    folder for each case, ``path/a/images.nii.gz`` (or ending in ``_images``) and ``path/a/masks.nii.gz``, by the names
    that ``images`` and ``masks`` say. Splits are folders around these. Values stand for classes as for
    ``data.name="masks"``.

    Attributes:
      path: of the file or folder.
      labels: ``"class"``, of each volume, or ``"map"``, of each voxel.
      size: voxels a side of the cube that volumes are cut to and padded to with zeros, about their middle, not scaled;
        None: as they are, if they are of one size.
      window: (low, high): values that become 0 and 1, beyond which all is cut off, such as (−160, 240) of CT; None:
        uint8 and uint16 stand for value / largest value, floating point is as it is.
      classes: names of the classes, in the order of their numbers; None: their numbers, or their folders.
      images: the folder of the volumes that have label maps, in ``path``; or their name in the folder of a case.
      masks: the folder of the label maps, or their name.
      mask_suffix: what the names of label maps have behind those of their volumes: ``"_seg"``.
      values: of the classes 0, 1, … in label maps; None: all that are there, in ascending order.
      ignored: the value of voxels that no loss and no metric counts. What is padded is not counted either.
      train_size: training volumes, a nested stratified subset; None: all.
      validation_fraction: of the volumes, where no validation set is given; in (0, 1).
      test_fraction: likewise.
      split_seed: which stratified split.

    Raises:
      ValueError: an option is out of range (at construction); an array is missing, a file cannot be read, volumes have
        several sizes, or a label is no class; a label map is missing, or of another size or place in the body than its
        volume, or has numbers that are negative or not whole (when loading).

    >>> VolumesConfig(path="adrenalmnist3d.npz", classes=("normal", "hyperplasia")).size is None
    True
    """

    name: ClassVar[str] = "volumes"  # pyright: ignore[reportIncompatibleVariableOverride]
    path: str | None = None
    labels: str = "class"
    size: int | None = None
    window: tuple[float, float] | None = None
    classes: tuple[str, ...] | None = None
    images: str = "images"
    masks: str = "masks"
    mask_suffix: str = ""
    values: tuple[int, ...] | None = None
    ignored: int | None = None
    train_size: int | None = None
    validation_fraction: float = 0.15
    test_fraction: float = 0.15
    split_seed: int = 0

    def __post_init__(self) -> None:
        if self.labels not in ("class", "map"):
            raise unknown("data.labels", self.labels, ("class", "map"))
        require_map_options(self.values, None, self.ignored)
        if self.labels == "class" and (self.values is not None or self.ignored is not None):
            key = "values" if self.values is not None else "ignored"
            raise invalid(f"data.{key}", getattr(self, key), "None without label maps", "data.labels='map'")
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
        if self.labels == "map":
            found, classes = self._with_maps(place)
        else:
            classed, names = self._of_folder(place) if place.is_dir() else (self._of_arrays(place), None)
            found = {key: (self._fitting(images, key), labels) for key, (images, labels) in classed.items()}
            classes = class_names([labels for _, labels in found.values()], self.classes, names, self.path)
        fractions = {"validation": self.validation_fraction, "test": self.test_fraction}
        splits = carved(found, fractions, self.train_size, self.split_seed, f"volumes in {self.path}")
        how = "stratified" if self.labels == "class" else "drawn"
        given = "given splits" if len(found) == 3 else f"{how} splits, seed {self.split_seed}"
        return dataset_of(splits, self.name, classes, f"{place}; {given}", self.label_kind)

    @property
    def label_kind(self) -> LabelKind:
        """``"class"`` or ``"map"``."""
        return "map" if self.labels == "map" else "class"

    @property
    def fitting(self) -> VolumeFitting:
        """What is done to each volume."""
        return VolumeFitting(self.size, self.window)

    def _fitting(self, images: Any, what: str) -> np.ndarray:
        """Volumes ``[n, depth, height, width, channels]`` of the wanted size and range."""
        images = np.asarray(images)
        if images.ndim not in (4, 5):
            allowed = "[n, depth, height, width], or with channels behind"
            raise invalid(f"shape of the {what} volumes in {self.path}", images.shape, allowed)
        images = images if images.ndim == 5 else images[..., None]
        where = f"the {what} volumes in {self.path}"
        if self.size is None:
            return self.fitting(images, where)
        return np.stack([self.fitting(volume, where) for volume in images])

    def _of_arrays(self, file: Path) -> Parts:
        return {key: (found["images"], found["labels"]) for key, found in read_parts(file, _FILE, "images").items()}

    def _of_folder(self, folder: Path) -> tuple[Parts, tuple[str, ...]]:
        """NIfTI files in a folder for each class."""
        known = {form: key for key, forms in PARTS.items() for form in forms}
        split = {known[inner.name]: inner for inner in folders(folder) if inner.name in known}
        if split and "train" not in split:
            raise invalid("folders in data.path", [inner.name for inner in folders(folder)], "one of them called train")
        homes = split or {"train": folder}
        names = tuple(sorted({inner.name for home in homes.values() for inner in folders(home)}))
        if {self.images, self.masks} <= set(names):
            raise invalid("data.labels", "class", f"a folder for each class; {self.path} has {', '.join(names)}", "map")
        parts, placements = Parts(), dict[Path, Placement]()
        for key, home in homes.items():
            volumes, labels, files = [], [], []
            for number_, name in enumerate(names):
                for file in sorted(home.glob(f"{glob.escape(name)}/*")):
                    if is_nifti(file):
                        volume, placements[file] = read_placed(file)
                        volumes.append(self._cubed(volume))
                        labels.append(number_)
                        files.append(file)
            if not volumes:
                raise invalid("data.path", str(home), _FILE)
            parts[key] = _of_one_size(volumes, files), np.array(labels, np.int32)
        advise_on(placements)
        return parts, names

    def _with_maps(self, place: Path) -> tuple[Parts, tuple[str, ...]]:
        """Volumes as the network gets them, and the class of each voxel."""
        volumes, maps, where = self._paired_files(place) if place.is_dir() else self._paired_arrays(place)
        indices, means = understood(maps, where, self.values, self.ignored, self.classes, self.path)
        fitting = self.fitting
        return {
            key: (self._fitting(volumes[key], key), np.stack([fitting.label_map(labels) for labels in indices[key]]))
            for key in volumes
        }, means.classes

    def _paired_arrays(self, file: Path) -> Paired:
        volumes, maps, where = {}, {}, {}
        for key, found in read_parts(file, _MAPS, "images", maps=True).items():
            images, labels = found["images"], found["labels"]
            labels = labels[..., 0] if labels.ndim == 5 and labels.shape[-1] == 1 else labels
            if images.ndim not in (4, 5) or labels.shape != images.shape[:4]:
                what = f"shape of the label maps of the {key} volumes in {file}"
                raise invalid(what, labels.shape, f"[n, depth, height, width], as of the volumes: {images.shape[:4]}")
            where[key] = [f"{i} of the {key} volumes in {file}" for i in range(len(labels))]
            volumes[key], maps[key] = images, list(whole_numbers(labels, f"of the {key} volumes in {file}"))
        return volumes, maps, where

    def _paired_files(self, folder: Path) -> Paired:
        names = PairedFolders(self.path, self.images, self.masks, self.mask_suffix, is_nifti, without_ending)
        parts: dict[str, tuple[list[np.ndarray], list[np.ndarray], list[Path], list[str]]] = {}
        placements = dict[Path, Placement]()
        for split, file, of_map in found_pairs(folder, names):
            volume, placements[file] = read_placed(file)
            labels = read_label_map(of_map, file, volume.shape[:3], placements[file])
            volumes, maps, files, where = parts.setdefault(split or "train", ([], [], [], []))
            volumes.append(self._cubed(volume))
            maps.append(labels)
            files.append(file)
            where.append(str(of_map))
        if "train" not in parts:
            raise invalid("folders in data.path", str(folder), "one of them called train, if there are splits", "train")
        advise_on(placements)
        volumes = {key: _of_one_size(volumes, files) for key, (volumes, _, files, _) in parts.items()}
        return volumes, {key: part[1] for key, part in parts.items()}, {key: part[3] for key, part in parts.items()}

    def _cubed(self, volume: np.ndarray) -> np.ndarray:
        return volume if self.size is None else cubed(volume, self.size)


def _of_one_size(volumes: Sequence[np.ndarray], files: Sequence[Path]) -> np.ndarray:
    shapes: dict[tuple[int, ...], Path] = {}
    for volume, file in zip(volumes, files, strict=True):
        shapes.setdefault(volume.shape, file)
    if len(shapes) > 1:
        (first, one), (second, other) = list(shapes.items())[:2]
        allowed = "volumes of one size; or data.size, to which they are cut and padded"
        raise invalid(f"sizes of {one} and {other}", (first, second), allowed, f"data.size={max(first[:3])}")
    return np.stack(volumes)
