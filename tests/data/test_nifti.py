"""NIfTI files of every orientation read as the same array, and never as its mirror image."""

import itertools
import logging
import re

import numpy as np
import pytest

from geomdl.data import VolumesConfig
from geomdl.data.sources.space.nifti import advise_on, read_nifti, read_placed

nibabel = pytest.importorskip("nibabel")

SHAPE = (3, 4, 5)
BODY = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)  # x to the right, y to the front, z up
WANTED = np.stack([[[BODY[x, 3 - r, 4 - s] for x in range(3)] for r in range(4)] for s in range(5)])[..., None]


def stored(order, signs, linear=None, body=BODY):
    """The body as a file whose axis k lies along ± the axis order[k] of the body, written without nibabel's help."""
    values, affine = body.transpose(*order, *range(3, body.ndim)), np.zeros((4, 4))
    for k, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        values = values if sign > 0 else np.flip(values, k)
        affine[axis, k] = sign
        affine[axis, 3] = 0 if sign > 0 else body.shape[axis] - 1
    affine[3, 3] = 1
    if linear is not None:
        affine[:3] = linear @ affine[:3]
    return nibabel.Nifti1Image(np.ascontiguousarray(values), affine)


def test_all_48_orientations_read_as_the_same_array(tmp_path):
    seen = set()
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            image = stored(order, signs)
            seen.add("".join(nibabel.aff2axcodes(image.affine)))
            nibabel.save(image, tmp_path / "scan.nii")
            values, placement = read_placed(tmp_path / "scan.nii")
            np.testing.assert_array_equal(values, WANTED, err_msg=str((order, signs)))
            assert placement.is_cubic
            assert placement.known
            assert placement.tilt < 0.1
    assert len(seen) == 48
    assert {"RAS", "LPS", "LAS", "ASL"} <= seen


def test_channels_stay_behind(tmp_path):
    body = np.stack([BODY, 2 * BODY], -1)
    nibabel.save(stored((1, 2, 0), (1, -1, -1), body=body), tmp_path / "two.nii.gz")
    np.testing.assert_array_equal(read_nifti(tmp_path / "two.nii.gz"), np.concatenate([WANTED, 2 * WANTED], -1))


def tilted(degrees):
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])


@pytest.mark.parametrize(
    ("linear", "message"),
    [
        (np.diag([0.9, 0.9, 5.0]), "voxels that are no cubes .*0.9 × 0.9 × 5 mm.*resample_to_output"),
        (tilted(20), "lie obliquely .*tilted by 20°.*nearest of the body"),
        (2 * tilted(0.5), None),
    ],
)
def test_no_cubes_and_tilted_axes_are_warned_of(tmp_path, caplog, linear, message):
    for i in range(8):
        (tmp_path / "scans" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        orders = ((2, 0, 1), (-1, 1, -1)) if i % 3 else ((0, 1, 2), (1, 1, 1))
        nibabel.save(stored(*orders, linear if i else None), tmp_path / "scans" / "ab"[i % 2] / f"{i}.nii")
    with caplog.at_level(logging.WARNING):
        dataset = VolumesConfig(path=str(tmp_path / "scans")).load()
    for volume in dataset.train.images:  # axes are exchanged and reversed, and nothing is resampled
        np.testing.assert_array_equal(volume, WANTED)
    if message is None:
        assert not caplog.records
    else:
        (record,) = caplog.records
        assert re.search(f"7 of 8 NIfTI files (have )?{message}", record.message)


def test_files_that_leave_left_and_right_open(tmp_path):
    image = stored((0, 1, 2), (1, 1, 1))
    image.set_qform(np.diag([-1.0, 1, 1, 1]), code=1)
    image.set_sform(np.eye(4), code=1)
    nibabel.save(image, tmp_path / "both.nii")
    with pytest.raises(ValueError, match=r"sform and its qform are mirror images .*left and right are not known"):
        read_nifti(tmp_path / "both.nii")
    image.set_sform(np.eye(4), code=0)
    image.set_qform(np.eye(4), code=0)
    nibabel.save(image, tmp_path / "none.nii")
    placement = read_placed(tmp_path / "none.nii")[1]
    assert not placement.known
    assert "1 of 1 NIfTI files do not say how their axes lie" in advise_on({tmp_path / "none.nii": placement})[0]
    np.testing.assert_array_equal(read_nifti(tmp_path / "none.nii"), WANTED[:, :, ::-1])  # nibabel's guess


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((3, 4), np.float32), r"axes of \(3, 4\)"),
        (np.zeros((3, 4, 5, 1, 3), np.float32), r"axes of \(3, 4, 5, 1, 3\)\); allowed: 3 axes, or 4"),
        (np.zeros((3, 4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")]), r"allowed: a real number"),
        (np.zeros((3, 4, 5), np.complex64), r"complex64.*allowed: a real number"),
    ],
)
def test_files_that_hold_no_volume(tmp_path, values, message):
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "scan.nii")
    with pytest.raises(ValueError, match=message):
        read_nifti(tmp_path / "scan.nii")
