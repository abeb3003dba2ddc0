"""NIfTI files as volumes; nibabel, which reads them, is an extra."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

ENDINGS = (".nii", ".nii.gz")


def read_nifti(file: Path) -> Shaped[np.ndarray, "depth height width channels"]:
    """One volume, with the axes of geomdl: slices from top to bottom, rows from front to back, columns to the right.

    The file says how its axes lie in the body; whatever way that is, they are brought to (x, y, z) = (right, front,
    top) by exchanging and reversing whole axes, so that left and right are what they are. Voxels are taken as cubes:
    files with other spacings have to be resampled before. Scales that a file has for its numbers are applied.

    Args:
      file: ``.nii`` or ``.nii.gz``, of three axes, or four, of which the last becomes channels.

    Raises:
      ValueError: nibabel is missing, or the file cannot be read, or has another number of axes.
    """
    try:
        import nibabel
    except ImportError:
        raise ValueError(f'cannot read {file}: NIfTI files need nibabel; pip install "geomdl[nifti]"') from None
    try:
        image: Any = nibabel.as_closest_canonical(nibabel.load(file))  # pyright: ignore
        values = np.asanyarray(image.dataobj)
    except (
        Exception
    ) as error:  # damaged files give seven kinds of errors of nibabel, zlib and NumPy, with no class in common
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"cannot read {file} ({what}); allowed: a NIfTI file, {' or '.join(ENDINGS)}") from error
    if values.ndim not in (3, 4):
        raise ValueError(
            f"cannot read {file} (it has axes of {values.shape}); allowed: 3 axes, or 4 with channels last"
        )
    values = values if values.ndim == 4 else values[..., None]
    return np.ascontiguousarray(values.transpose(2, 1, 0, 3)[::-1, ::-1])
