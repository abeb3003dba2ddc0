"""Volumes with a label map each: pairs of NIfTI files, in two folders or in a folder for each case, and .npz files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

from geomdl.data.sources.own.label_maps import MapMeaning, meaning
from geomdl.data.sources.own.options import SPLIT_NAMES
from geomdl.data.sources.own.paired_folders import PairedFolders
from geomdl.data.sources.space.nifti import Placement, is_nifti, read_placed, without_ending
from geomdl.errors import invalid

LARGEST_GAP = 0.01
"""Voxels by which a corner of a label map may lie beside that of its volume: headers are rounded."""

Pair = tuple[str, Path, Path]


def found_pairs(root: Path, folders: PairedFolders) -> list[Pair]:
    """The split, the volume and the label map of each case.

    They are in two folders, ``root/images/a.nii.gz`` and ``root/masks/a.nii.gz``, or in a folder for each case,
    ``root/a/images.nii.gz`` and ``root/a/masks.nii.gz``; splits are folders around either.

    Args:
      root: the folder.
      folders: how they are called.

    Raises:
      ValueError: there are none, or a file has no partner.
    """
    return _of_cases(root, folders) or folders.pairs(root)


def _of_cases(root: Path, names: PairedFolders) -> list[Pair]:
    """The pairs of folders that hold one volume each, by the ends of the names of the files."""
    homes = [("", root)] + [(SPLIT_NAMES[e.name.lower()], e) for e in folders(root) if e.name.lower() in SPLIT_NAMES]
    found = []
    for split, home in homes:
        for case in folders(home):
            volumes, maps = (
                [file for file in sorted(case.iterdir()) if is_nifti(file) and _ends_with(file, name)]
                for name in (names.images, names.masks)
            )
            if len(volumes) == len(maps) == 1:
                found.append((split, volumes[0], maps[0]))
            elif volumes or maps:
                what = ", ".join(file.name for file in [*volumes, *maps])
                allowed = (
                    f"a volume called {names.images} and a label map called {names.masks} (data.images, data.masks)"
                )
                raise invalid(f"NIfTI files in {case}", what, allowed)
    return found


def _ends_with(file: Path, name: str) -> bool:
    stem = without_ending(file.name)
    return stem == name or stem.endswith(f"_{name}")


def folders(folder: Path) -> list[Path]:
    """The folders in a folder, by name."""
    return sorted(inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith("."))


def read_label_map(file: Path, volume: Path, shape: tuple[int, ...], placement: Placement) -> np.ndarray:
    """The values of a NIfTI label map, with the axes of geomdl, see `geomdl.data.sources.space.nifti.read_nifti`.

    The file may have its axes in another order or direction than its volume; nothing is resampled.

    Args:
      file: of the label map.
      volume: the file of the volume.
      shape: (depth, height, width) of the volume.
      placement: how the volume lies in the body.

    Returns:
      Whole numbers ``[depth, height, width]``.

    Raises:
      ValueError: it cannot be read, is of another shape, lies elsewhere in the body, or has numbers that are not whole.
    """
    values, own = read_placed(file)
    if values.shape[-1] != 1:
        raise invalid(f"number of channels of the label map {file}", values.shape[-1], "1, a value for each voxel")
    if values.shape[:3] != shape:
        shown = "×".join(map(str, values.shape[:3]))
        raise invalid(
            f"size of the label map {file}", shown, f"that of its volume {volume}, {'×'.join(map(str, shape))}"
        )
    if (gap := placement.gap(own, shape)) > LARGEST_GAP:
        what = f"beside its volume by up to {gap:.3g} voxels"
        raise invalid(
            f"place of the label map {file}", what, f"the affine of {volume}; "
            "nibabel.processing.resample_from_to(labels, volume, order=0) brings it there",
        )  # fmt: skip
    return whole_numbers(values[..., 0], str(file))


def whole_numbers(values: np.ndarray, where: str) -> Int[np.ndarray, "..."]:
    """Values of label maps as int64.

    Args:
      values: of any type.
      where: they are from, for errors.

    Raises:
      ValueError: for numbers that are not whole.
    """
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            wrong = ~np.isfinite(values) | (values != np.round(values))
        if wrong.any():
            allowed = "whole numbers, which stand for classes; label maps are resampled with order=0, the nearest voxel"
            raise invalid(f"value of the label map {where}", float(values[wrong][0]), allowed)
    elif values.dtype.kind not in "biu":
        raise invalid(f"type of the label map {where}", str(values.dtype), "whole numbers")
    return values.astype(np.int64)


def understood(
    maps: Mapping[str, Sequence[np.ndarray]],
    where: Mapping[str, Sequence[str]],
    values: Sequence[int] | None,
    ignored: int | None,
    classes: Sequence[str] | None,
    path: str | None,
) -> tuple[dict[str, list[np.ndarray]], MapMeaning]:
    """The classes of all voxels, and what the values mean: what is said, or each value that is there a class.

    Args:
      maps: of each split, whole numbers ``[depth, height, width]``.
      where: they are from, for errors.
      values: of the classes, in their order.
      ignored: the value of voxels that are not counted.
      classes: names.
      path: of all of them, for errors.

    Raises:
      ValueError: for a negative value that nobody has named, or one that is no class.
    """
    everything = [(labels, name) for split in maps for labels, name in zip(maps[split], where[split], strict=True)]
    found = [np.unique(labels) for labels, _ in everything]
    for there, (_, name) in zip(found, everything, strict=True):
        negative = [int(value) for value in there if value < 0 and value not in (*(values or ()), ignored)]
        if negative:
            allowed = f"0, 1, …, or data.ignored={negative[0]}, if such voxels are not to be counted"
            raise invalid(f"value of the label map {name}", negative[0], allowed)
    known = [] if values is not None else [there[None] for there in found]
    means = meaning(known, str(path), values, None, ignored, classes)
    indices = {
        split: [means.indices(labels, name) for labels, name in zip(maps[split], where[split], strict=True)]
        for split in maps
    }
    return indices, means
