"""Volumes with label maps: NIfTI files of several orientations, in folders and by case, and .npz files."""

import re

import numpy as np
import pytest

from geomdl.data import VolumesConfig

SHAPE = (3, 4, 5)
RNG = np.random.default_rng(0)
BODIES = RNG.normal(size=(6, *SHAPE)).astype(np.float32)  # x to the right, y to the front, z up
MAPS = RNG.integers(0, 3, (6, *SHAPE)).astype(np.uint8)
MAPS[MAPS == 2] = 4  # as BraTS has them
AFFINE = np.array([[0.9, 0, 0, -30], [0, 0.9, 0, 12.5], [0, 0, 0.9, 7], [0, 0, 0, 1]])
ORIENTATIONS = ("RAS", "LPS", "PIR", "SLA", "ASL", "LAS")


def as_in_arrays(body):
    """(z, y, x) from top to bottom, front to back, to the right."""
    return body.transpose(2, 1, 0)[::-1, ::-1]


def saved(file, body, orientation="RAS", affine=AFFINE):
    """The body in a file whose axes lie as said."""
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(body, affine)
    to = nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt("RAS"), nibabel.orientations.axcodes2ornt(orientation)
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image.as_reoriented(to), file)


def pairs(root, of=range(6), images="images/{}.nii.gz", masks="masks/{}.nii.gz"):
    for i in of:
        saved(root / images.format(i), BODIES[i], ORIENTATIONS[i])
        saved(root / masks.format(i), MAPS[i], ORIENTATIONS[-i])
    return root


def require_pairs(dataset, classes=("0", "1", "4"), count=6):
    assert dataset.label_kind == "map"
    assert dataset.classes == classes
    splits = (dataset.train, dataset.validation, dataset.test)
    found = [(volume, labels) for s in splits for volume, labels in zip(s.images[..., 0], s.labels, strict=True)]
    assert len(found) == count
    for volume, labels in found:
        (i,) = [i for i in range(6) if np.array_equal(volume, as_in_arrays(BODIES[i]))]
        np.testing.assert_array_equal(labels, as_in_arrays(np.minimum(MAPS[i], 2)))
    return [len(s) for s in splits]


@pytest.mark.parametrize(
    ("places", "options"),
    [
        ({}, {}),
        ({"images": "imagesTr/{}.nii", "masks": "labelsTr/{}_seg.nii.gz"},
         {"images": "imagesTr", "masks": "labelsTr", "mask_suffix": "_seg"}),
        ({"images": "{0}/image.nii", "masks": "{0}/label.nii.gz"}, {"images": "image", "masks": "label"}),
        ({"images": "{0}/case{0}_t1.nii", "masks": "{0}/case{0}_seg.nii"}, {"images": "t1", "masks": "seg"}),
    ],
    ids=["folders", "suffix", "cases", "names in cases"],
)  # fmt: skip
def test_pairs_of_every_orientation(tmp_path, places, options):
    pairs(tmp_path, **places)
    assert require_pairs(VolumesConfig(path=str(tmp_path), labels="map", **options).load()) == [4, 1, 1]


def test_splits_that_are_given(tmp_path):
    for name, of in (("train", range(3)), ("val", [3]), ("test", [4, 5])):
        pairs(tmp_path / "outside" / name, of)
        pairs(tmp_path / "inside", of, f"images/{name}/{{}}.nii", f"masks/{name}/{{}}.nii")
        pairs(tmp_path / "cases", of, name + "/{0}/images.nii", name + "/{0}/masks.nii")
    for kind in ("outside", "inside", "cases"):
        assert require_pairs(VolumesConfig(path=str(tmp_path / kind), labels="map").load()) == [3, 1, 2], kind


def test_cubes_and_what_is_not_counted(tmp_path):
    pairs(tmp_path, range(3))
    config = VolumesConfig(path=str(tmp_path), labels="map", size=4, values=(0, 4), ignored=1, classes=("no", "yes"))
    dataset = config.load()
    assert dataset.image_shape == (4, 4, 4, 1)
    assert dataset.classes == ("no", "yes")
    wanted = np.array([0, -1, 0, 0, 1])
    for split in (dataset.train, dataset.validation, dataset.test):
        (i,) = [i for i in range(3) if np.array_equal(split.images[0, :, :, :3, 0], as_in_arrays(BODIES[i])[:4])]
        np.testing.assert_array_equal(split.labels[0, :, :, :3], wanted[as_in_arrays(MAPS[i])[:4]])
        assert (split.labels[0, :, :, 3] == -1).all()  # padded
        assert (split.images[0, :, :, 3] == 0).all()


def test_npz_pairs(tmp_path):
    images, maps = (np.stack([as_in_arrays(body) for body in bodies]) for bodies in (BODIES, MAPS))
    np.savez(tmp_path / "one.npz", images=images, masks=maps.astype(np.float32))
    assert require_pairs(VolumesConfig(path=str(tmp_path / "one.npz"), labels="map").load()) == [4, 1, 1]
    parts = {"train": slice(3), "val": slice(3, 5), "test": slice(5, 6)}
    arrays = {f"{key}_images": images[part] for key, part in parts.items()}
    arrays |= {f"{key}_labels": maps[part][..., None] for key, part in parts.items()}
    np.savez(tmp_path / "three.npz", **arrays)
    assert require_pairs(VolumesConfig(path=str(tmp_path / "three.npz"), labels="map").load()) == [3, 2, 1]
    with pytest.raises(ValueError, match=r"train_labels in .*a class, a whole number.*try data.labels='map'"):
        VolumesConfig(path=str(tmp_path / "three.npz")).load()
    for wrong, message in ((maps[:, :-1], r"shape of the label maps of the train volumes"),
                           (maps.astype(int) - 1, r"value of the label map \d of the train .* -1; allowed: 0, 1, …"),
                           (maps * 0.5, r"0.5; allowed: whole numbers")):  # fmt: skip
        np.savez(tmp_path / "wrong.npz", images=images, labels=wrong)
        with pytest.raises(ValueError, match=message):
            VolumesConfig(path=str(tmp_path / "wrong.npz"), labels="map").load()


MOVED = AFFINE + np.array([[0, 0, 0, 0.45], *np.zeros((3, 4))])


@pytest.mark.parametrize(
    ("labels", "affine", "message"),
    [
        (MAPS[0] * np.float32(0.5), AFFINE, r"value of the label map .*masks/0.nii.gz 0.5; allowed: whole numbers"),
        (np.where(MAPS[0] == 1, np.nan, 0).astype(np.float32), AFFINE, "masks/0.nii.gz nan; allowed: whole numbers"),
        (MAPS[0].astype(np.int16) - 1, AFFINE, r"masks/0.nii.gz -1; allowed: 0, 1, …, or data.ignored=-1"),
        (MAPS[0][1:], AFFINE, r"size of the label map .*masks/0.nii.gz '5×4×2'; allowed: that of its volume .*5×4×3"),
        (np.stack([MAPS[0]] * 2, -1), AFFINE, r"channels of the label map .*masks/0.nii.gz 2"),
        (MAPS[0], MOVED, r"place of the label map .*masks/0.nii.gz .*by up to 0.5 voxels.*resample_from_to"),
        (MAPS[0], AFFINE * [[1, 1, 1.1, 1]] * 1.0, r"place of the label map .*masks/0.nii.gz"),
        (MAPS[0], np.diag([-0.9, 0.9, 0.9, 1]), r"place of the label map .*masks/0.nii.gz"),
    ],
)
def test_label_maps_that_are_none_of_their_volumes(tmp_path, labels, affine, message):
    pairs(tmp_path, range(4))
    saved(tmp_path / "masks" / "0.nii.gz", labels, affine=affine)
    with pytest.raises(ValueError, match=message):
        VolumesConfig(path=str(tmp_path), labels="map").load()


def test_pairs_that_are_none_and_options(tmp_path):
    pairs(tmp_path, range(4))
    with pytest.raises(ValueError, match=r"data.labels 'class'; allowed: a folder for each class; .* try map"):
        VolumesConfig(path=str(tmp_path)).load()
    with pytest.raises(ValueError, match=r"invalid mask value 4 at slice \d, row \d, column \d of .*masks/\d.nii.gz"):
        VolumesConfig(path=str(tmp_path), labels="map", values=(0, 1)).load()
    saved(tmp_path / "images" / "9.nii.gz", BODIES[0])
    with pytest.raises(ValueError, match=re.escape("1 image has no label map, e.g. 9 in")):
        VolumesConfig(path=str(tmp_path), labels="map").load()
    saved(tmp_path / "cases" / "a" / "images.nii.gz", BODIES[0])
    with pytest.raises(ValueError, match=r"NIfTI files in .*/a 'images.nii.gz'; allowed: a volume called images and"):
        VolumesConfig(path=str(tmp_path / "cases"), labels="map").load()
    for options, message in (({"labels": "maps"}, "did you mean 'map'"), ({"ignored": 2}, "try data.labels='map'"),
                             ({"labels": "map", "values": (1, 1)}, "each value once")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            VolumesConfig(**options)
