"""Volumes in files: NIfTI, and arrays of NumPy; and the label maps that are written for them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from geomdl.data.sources.numpy_files import read_numpy
from geomdl.data.sources.own.image_files import BrokenFile
from geomdl.data.sources.space.nifti import ENDINGS, advise_on, is_nifti, read_placed, write_like
from geomdl.errors import invalid
from geomdl.inference.image_sources import Source, named_files
from geomdl.inference.volumes import separate_volumes

VOLUME_FILES = (".npz", ".npy", *ENDINGS)

_ARRAYS = "an array [depth, height, width], with channels behind, or several; of an .npz file 'images'"


def volume_sources(given: Sequence[str | Path], channels: int = 1) -> list[Source]:
    """The volumes that are named, in order; those of folders and of their folders by name.

    Args:
      given: files, folders, and patterns such as ``"scans/*.nii.gz"``: NIfTI files, see
        `geomdl.data.sources.space.nifti.read_nifti`, and ``.npy`` and ``.npz`` files of one volume or several.
      channels: of the network, which say of four axes whether the last is that of channels.

    Raises:
      ValueError: nothing is there, no volume is in it, or an array is none of volumes.
    """
    files = named_files(given, _is_volume, "volume", f"a folder with {', '.join(VOLUME_FILES)} files")
    return [source for file in files for source in _of(file, channels)]


def _is_volume(file: Path) -> bool:
    return file.name.lower().endswith(VOLUME_FILES)


def _of(file: Path, channels: int) -> list[Source]:
    if is_nifti(file):
        return [Source(str(file), lambda: _read_nifti(file))]
    if not _is_volume(file):
        raise invalid("file of a volume", str(file), f"one of {', '.join(VOLUME_FILES)}")
    array = read_numpy(file, _ARRAYS, required=["images"], single=True)["images"]
    if array.ndim not in (3, 4, 5):
        raise invalid(f"shape of the volumes in {file}", array.shape, _ARRAYS)
    volumes = separate_volumes(array, channels)
    if len(volumes) == 1 and volumes[0].shape == array.shape:
        return [Source(str(file), lambda: array)]
    return [Source(f"{file}[{i}]", lambda volume=volume: volume) for i, volume in enumerate(volumes)]


def _read_nifti(file: Path) -> np.ndarray:
    try:
        volume, placement = read_placed(file)
    except ValueError as error:
        if "need nibabel" in str(error):
            raise
        broken = BrokenFile(file, str(error))
        broken.args = (str(error),)
        raise broken from error
    advise_on({file: placement})
    return volume


def write_label_map(labels: Int[np.ndarray, "depth height width"], source: str, out: Path) -> Path:
    """Writes the label map of a volume: NIfTI in the axes and the affine of its file, or ``labels`` of an .npz.

    Args:
      labels: class indices, with the axes of geomdl.
      source: the name of the volume: of its file, or of an array.
      out: where, without the ending.

    Returns:
      The file.
    """
    values: Any = labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.int32)
    out.parent.mkdir(parents=True, exist_ok=True)
    if is_nifti(Path(source)):
        file = out.with_name(out.name + ENDINGS[-1])
        write_like(values, Path(source), file)
    else:
        file = out.with_name(out.name + ".npz")
        np.savez_compressed(file, labels=values)
    return file
