"""NIfTI files as volumes; nibabel, which reads them, is an extra."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

ENDINGS = (".nii", ".nii.gz")

LARGEST_TILT = 1.0
"""Degrees up to which axes count as those of the body."""

LARGEST_RATIO = 1.01
"""Up to which the sides of a voxel count as equal."""

_log = logging.getLogger(__name__)


def is_nifti(file: Path) -> bool:
    """Whether the name of a file is one of NIfTI files."""
    return file.name.lower().endswith(ENDINGS)


def without_ending(name: str) -> str:
    """The name of a NIfTI file without its ending.

    >>> without_ending("scans/a.1.nii.gz")
    'scans/a.1'
    """
    return name[: -len(next(ending for ending in (*ENDINGS[::-1], "") if name.lower().endswith(ending))) or None]


@dataclass(frozen=True)
class Placement:
    """How the voxels of a file lie in the body.

    Attributes:
      spacing: the sides of a voxel along (x, y, z), in millimetres.
      tilt: the largest angle between an axis of the array and the axis of the body that it is taken for, in degrees.
      known: whether the file says at all how its axes lie.
      affine: from the indices of voxels along (x, y, z) to millimetres, ``[4, 4]``.

    >>> Placement((1.0, 1.0, 5.0), 12.3, True).is_cubic
    False
    """

    spacing: tuple[float, float, float]
    tilt: float
    known: bool
    affine: np.ndarray = field(default_factory=lambda: np.eye(4), compare=False, repr=False)

    @property
    def is_cubic(self) -> bool:
        """Whether the sides of a voxel are equal."""
        return max(self.spacing) <= LARGEST_RATIO * min(self.spacing)

    def gap(self, other: "Placement", shape: tuple[int, ...]) -> float:
        """How far the corners of a volume placed in another way lie from its own, in voxels.

        Args:
          other: the other way.
          shape: (depth, height, width) of the volume.

        >>> upright = Placement((1.0, 1.0, 1.0), 0.0, True)
        >>> upright.gap(Placement((2.0, 2.0, 2.0), 0.0, True, np.diag([2.0, 2.0, 2.0, 1.0])), (1, 1, 4))
        3.0
        """
        corners = np.stack(np.meshgrid(*[[0, extent - 1] for extent in shape[::-1]], [1]), -1).reshape(-1, 4)
        away = corners @ (other.affine - self.affine).T
        return float(np.linalg.norm(away, axis=-1).max() / min(self.spacing))


def read_nifti(file: Path) -> Shaped[np.ndarray, "depth height width channels"]:
    """One volume, with the axes of geomdl: slices from top to bottom, rows from front to back, columns to the right.

    The file says how its axes lie in the body; whatever way that is (RAS, LPS, sagittal or coronal slices, …), they are
    brought to (x, y, z) = (right, front, top) by exchanging and reversing whole axes, so that left and right are what
    they are. Nothing is resampled: voxels are taken as cubes, and the axes of a tilted scan as those of the body that
    are nearest; `advise_on` says where they are not. Scales that a file has for its numbers are applied.

    Args:
      file: ``.nii`` or ``.nii.gz``, of three axes, or four, of which the last becomes channels.

    Raises:
      ValueError: nibabel is missing, or the file cannot be read, has another number of axes or no numbers, or says of
        its axes two things that are mirror images of each other.
    """
    return read_placed(file)[0]


def read_placed(file: Path) -> tuple[np.ndarray, Placement]:
    """A volume as `read_nifti` gives it, and how it lies in the body.

    Args:
      file: see there.

    Raises:
      ValueError: see there.
    """
    try:
        import nibabel
    except ImportError:
        raise ValueError(f'cannot read {file}: NIfTI files need nibabel; pip install "geomdl[nifti]"') from None
    try:
        stored: Any = nibabel.load(file)  # pyright: ignore
        image = nibabel.as_closest_canonical(stored)
        values = np.asanyarray(image.dataobj)
        forms = [
            form for form in (stored.get_sform(coded=True)[0], stored.get_qform(coded=True)[0]) if form is not None
        ]
    except (
        Exception
    ) as error:  # damaged files give seven kinds of errors of nibabel, zlib and NumPy, with no class in common
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"cannot read {file} ({what}); allowed: a NIfTI file, {' or '.join(ENDINGS)}") from error
    if values.ndim not in (3, 4):
        raise ValueError(
            f"cannot read {file} (it has axes of {values.shape}); allowed: 3 axes, or 4 with channels last"
        )
    if values.dtype.kind not in "biuf":
        raise ValueError(f"cannot read {file} (it has {values.dtype}); allowed: a real number, or several along axis 4")
    if len({bool(np.linalg.det(form[:3, :3]) > 0) for form in forms}) > 1:
        what = "its sform and its qform are mirror images of each other, so that left and right are not known"
        raise ValueError(f"cannot read {file} ({what}); allowed: files in which they agree, or one of them has code 0")
    values = values if values.ndim == 4 else values[..., None]
    linear = np.asarray(image.affine, float)[:3, :3]
    spacing = np.linalg.norm(linear, axis=0)
    cosine = float(np.min(np.diag(linear) / spacing))
    tilt = float(np.degrees(np.arccos(min(cosine, 1.0))))
    placement = Placement(tuple(spacing.tolist()), tilt, bool(forms), np.asarray(image.affine, float))
    return np.ascontiguousarray(values.transpose(2, 1, 0, 3)[::-1, ::-1]), placement


def write_like(labels: Shaped[np.ndarray, "depth height width"], file: Path, out: Path) -> None:
    """Writes a label map in the axes and with the affine of a NIfTI file, so that viewers show it in its place.

    Args:
      labels: with the axes that `read_nifti` gives.
      file: the volume that they are of.
      out: the file to write.
    """
    import nibabel

    stored: Any = nibabel.load(file)  # pyright: ignore
    own = nibabel.io_orientation(stored.affine)
    upright = nibabel.orientations.axcodes2ornt("RAS")
    values = nibabel.apply_orientation(
        labels[::-1, ::-1].transpose(2, 1, 0), nibabel.orientations.ornt_transform(upright, own)
    )
    header = stored.header.copy()
    header.set_data_dtype(labels.dtype)
    header.set_data_shape(values.shape)
    for key, value in (("scl_slope", 1), ("scl_inter", 0), ("cal_min", 0), ("cal_max", 0), ("intent_code", 0)):
        header[key] = value
    form: Any = type(stored)
    nibabel.save(form(np.ascontiguousarray(values), stored.affine, header), out)  # pyright: ignore


def advise_on(placements: Mapping[Path, Placement]) -> list[str]:
    """Warns of files whose voxels are no cubes, whose axes are tilted, or that do not say how their axes lie.

    Args:
      placements: of the files of a data set.

    Returns:
      The warnings, one for each kind, with the number of files and the first of them; they are logged too.

    >>> advise_on({Path("a.nii"): Placement((1.0, 1.0, 1.0), 0.0, True)})
    []
    """
    kinds = {
        "have voxels that are no cubes": (
            lambda p: not p.is_cubic,
            lambda p: " × ".join(f"{side:.3g}" for side in p.spacing) + " mm",
            "they are taken for cubes, so that solids are stretched, and rotations of space change them; resample them"
            " first, as nibabel.processing.resample_to_output(image, voxel_sizes=1) does",
        ),
        "lie obliquely": (
            lambda p: p.tilt > LARGEST_TILT,
            lambda p: f"tilted by {p.tilt:.0f}°",
            "each axis of them is taken for the nearest of the body; nibabel.processing.resample_to_output(image) turns"
            " them upright",
        ),
        "do not say how their axes lie (sform and qform have code 0)": (
            lambda p: not p.known,
            lambda _: "taken as stored from right to left, back to front, bottom to top",
            "left and right are a guess of nibabel's; set image.set_sform(affine, code=1) where you know it",
        ),
    }
    said = []
    for what, (holds, shown, advice) in kinds.items():
        found = [file for file, placement in placements.items() if holds(placement)]
        if found:
            first = f"{found[0]}: {shown(placements[found[0]])}"
            said.append(f"{len(found)} of {len(placements)} NIfTI files {what} ({first}): {advice}")
    for line in said:
        _log.warning(line)
    return said
