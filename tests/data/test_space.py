"""Solids, pieces of Tetris and volumes of one's own: geometry, handedness, files that are read and that are refused."""

import sys
from itertools import combinations, permutations, product

import numpy as np
import pytest

from geomdl.data import SolidsConfig, VolumesConfig, data_config, tetris
from geomdl.data.sources.space.bodies import BODIES, Tube
from geomdl.data.sources.space.nifti import read_nifti
from geomdl.data.sources.space.solids import rotations

SMALL = {"size": 10, "train_size": 6, "validation_size": 2, "test_size": 3}


def writhe(curve: np.ndarray) -> float:
    """Gauss's integral over a closed curve: positive for right-handed ones."""
    step = np.roll(curve, -1, 0) - curve
    middle = curve + step / 2
    apart = middle[:, None] - middle[None]
    length = np.linalg.norm(apart, axis=-1)
    np.fill_diagonal(length, np.inf)
    return float(((np.cross(step[:, None], step[None]) * apart).sum(-1) / length**3).sum() / (4 * np.pi))


def test_handedness_is_what_the_names_say():
    t = np.linspace(0, 1, 200, endpoint=False)
    for side, sign in (("right", 1), ("left", -1)):
        knot, screw = BODIES[f"{side}_knot"], BODIES[f"{side}_screw"]
        assert isinstance(knot, Tube)
        assert isinstance(screw, Tube)
        assert sign * writhe(knot.curve(t, 0.5)) == pytest.approx(3.4, abs=0.2)  # of a trefoil
        first, second, third = np.diff(screw.curve(t[:4], 0.5), axis=0)
        assert sign * np.linalg.det([first, second, third]) > 0  # its torsion


@pytest.mark.parametrize("name", BODIES)
def test_points_of_a_surface_have_no_distance_from_it(name: str):
    random = np.random.default_rng(0)
    which = random.uniform(size=3)
    points = BODIES[name].surface(random.uniform(size=(60, 3)), which)
    assert np.abs(BODIES[name].distance(points, which)).max() < 0.01
    assert np.linalg.norm(points, axis=-1).max() < 1.35
    left, right = (BODIES[n] for n in ("left_screw", "right_screw"))
    mirror = np.array([1, 1, -1])
    np.testing.assert_allclose(right.distance(points, which), left.distance(points * mirror, which), atol=1e-12)


def test_rotations_are_proper_and_uniform():
    drawn = rotations(np.random.default_rng(0).uniform(size=(4000, 3)))
    np.testing.assert_allclose(drawn @ drawn.transpose(0, 2, 1), np.broadcast_to(np.eye(3), drawn.shape), atol=1e-12)
    assert (np.linalg.det(drawn) > 0).all()
    assert np.abs(drawn.mean(0)).max() < 0.04  # of all rotations no matrix element has a mean
    assert abs((np.trace(drawn, axis1=1, axis2=2) ** 2).mean() - 1) < 0.08  # ∫ χ² = 1
    about_z = rotations(np.random.default_rng(0).uniform(size=(5, 3)), "axis")
    np.testing.assert_allclose(about_z[:, 2], np.broadcast_to([0, 0, 1], (5, 3)), atol=1e-12)


def test_volumes_and_clouds_show_the_same_solids_in_space():
    """Points of a cloud lie on the surface in the volume: (x, y, z) = (column, −row, −slice)."""
    options = {**SMALL, "size": 24, "noise": 0.0, "largest": 0.9, "solids": ("left_screw", "left_knot", "torus")}
    config = SolidsConfig(**options)
    dataset, (clouds, labels) = config.load(), config.clouds("test", points=64)
    assert (labels == dataset.test.labels).all()
    for volume, cloud in zip(np.asarray(dataset.test.images)[..., 0], clouds, strict=True):
        x, y, z = cloud.T * 12
        index = np.rint(np.stack([11.5 - z, 11.5 - y, 11.5 + x])).astype(int)
        here = volume[tuple(index)]
        assert 0.2 < here.mean() < 0.8  # half of a voxel on the surface is inside
        assert volume[0, 0, 0] == 0
    assert config.load().train.digest() == dataset.train.digest()
    longer = SolidsConfig(**{**options, "test_size": 5}).clouds("test", points=64)[0]
    np.testing.assert_array_equal(longer[:3], clouds)


def test_orientation_of_training_and_test_solids():
    config = SolidsConfig(**SMALL, solids=("right_screw",), orientation="upright", test_orientation="any")
    train, test = (config.clouds(split, 400)[0] for split in ("train", "test"))
    axes = [np.linalg.eigh(np.cov(cloud.T))[1][:, -1] for cloud in (*train, *test)]
    assert all(abs(axis[2]) > 0.9 for axis in axes[: len(train)])
    assert not all(abs(axis[2]) > 0.9 for axis in axes[len(train) :])


def test_screws_of_tetris_are_mirror_images_and_no_rotations_of_each_other():
    """By all 48 symmetries of the cube; any two other pieces differ by more than that."""
    points, names = tetris()
    assert names[:2] == ("left screw", "right screw")

    def centred(piece: np.ndarray) -> frozenset:
        return frozenset(map(tuple, (4 * (piece - piece.mean(0))).round().astype(int).tolist()))

    signed = [np.diag(s) @ np.eye(3)[list(p)] for p in permutations(range(3)) for s in product((1, -1), repeat=3)]
    for i, j in combinations(range(8), 2):
        found = {round(float(np.linalg.det(g))) for g in signed if centred(points[i] @ g.T) == centred(points[j])}
        assert found == ({-1} if (i, j) == (0, 1) else set())


def write_npz(path, **more):
    volumes = np.random.default_rng(0).integers(0, 255, (20, 6, 6, 6)).astype(np.uint8)
    np.savez(path, **{"images": volumes, "labels": (np.arange(20) % 2)[:, None].astype(np.uint8), **more})
    return volumes


def test_npz_of_medmnist_and_of_one_array(tmp_path):
    volumes = write_npz(tmp_path / "one.npz")
    dataset = data_config("volumes", path=str(tmp_path / "one.npz"), classes=("no", "yes")).load()
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [14, 3, 3]
    assert dataset.image_shape == (6, 6, 6, 1)
    assert dataset.classes == ("no", "yes")
    whole = np.concatenate([s.images for s in (dataset.train, dataset.validation, dataset.test)])[..., 0]
    assert {v.tobytes() for v in whole} == {v.tobytes() for v in volumes}
    given = {"train": slice(0, 10), "val": slice(10, 14), "test": slice(14, 20)}
    arrays = {"images": volumes, "labels": np.arange(20)[:, None] % 2}
    parts = {f"{part}_{what}": values[there] for part, there in given.items() for what, values in arrays.items()}
    np.savez(tmp_path / "three.npz", **parts)
    three = VolumesConfig(path=str(tmp_path / "three.npz"), train_size=8, size=4).load()
    assert [len(split) for split in (three.train, three.validation, three.test)] == [8, 4, 6]
    np.testing.assert_array_equal(three.test.images[..., 0], volumes[14:, 1:5, 1:5, 1:5])


def test_nifti_has_left_on_the_left(tmp_path):
    """A file whose axes are reversed in the body is read to the same volume: (depth, height, width) = (−z, −y, x)."""
    nibabel = pytest.importorskip("nibabel")
    body = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)  # x to the right, y to the front, z up
    expected = np.stack([[[body[x, 3 - r, 4 - s] for x in range(3)] for r in range(4)] for s in range(5)])[..., None]
    nibabel.save(nibabel.Nifti1Image(body, np.eye(4)), tmp_path / "plain.nii.gz")
    reversed_axes = np.diag([-1.0, 1, -1, 1])
    nibabel.save(nibabel.Nifti1Image(body[::-1, :, ::-1], reversed_axes), tmp_path / "reversed.nii")
    permuted = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    nibabel.save(nibabel.Nifti1Image(body.transpose(1, 0, 2), permuted), tmp_path / "permuted.nii")
    for file in ("plain.nii.gz", "reversed.nii", "permuted.nii"):
        np.testing.assert_array_equal(read_nifti(tmp_path / file), expected)
    for name in ("a", "b"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        for i in range(4):
            side = 4 + (i == 3)
            image = nibabel.Nifti1Image((np.arange(side**3) % 7).reshape(side, side, side).astype(np.int16), np.eye(4))
            nibabel.save(image, tmp_path / "scans" / name / f"{i}.nii")
    dataset = VolumesConfig(path=str(tmp_path / "scans"), size=4, window=(0, 6)).load()
    assert dataset.classes == ("a", "b")
    assert dataset.image_shape == (4, 4, 4, 1)
    assert dataset.train.images.max() == 1
    with pytest.raises(ValueError, match=r"sizes of .*volumes of one size; or data.size.*data.size="):
        VolumesConfig(path=str(tmp_path / "scans"), window=(0, 6)).load()
    with pytest.raises(ValueError, match=r"dtype of the train volumes.*int16.*data.window"):
        VolumesConfig(path=str(tmp_path / "scans"), size=4).load()


def test_without_nibabel_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(ValueError, match=r'pip install "geomdl\[nifti\]"'):
        read_nifti(tmp_path / "scan.nii")


REFUSED = {
    "orientation": (lambda _: SolidsConfig(orientation="axes"), "data.orientation 'axes'.*did you mean 'axis'"),
    "solid": (lambda _: SolidsConfig(solids=("left_scew",)), "did you mean 'left_screw'"),
    "no solids": (lambda _: SolidsConfig(solids=()), "one or more"),
    "too large": (lambda _: SolidsConfig(largest=1.5), "smallest ≤ largest ≤ 1"),
    "split": (lambda _: SolidsConfig(**SMALL).clouds("tests"), "did you mean 'test'"),
    "no file": (lambda p: VolumesConfig(path=str(p / "none.npz")).load(), "data.path.*allowed: an .npz file"),
    "text": (lambda p: VolumesConfig(path=str(p / "text.npz")).load(), "it is text"),
    "no labels": (lambda p: VolumesConfig(path=str(p / "bare.npz")).load(), "no array 'labels'"),
    "images": (lambda p: VolumesConfig(path=str(p / "flat.npz")).load(), "depth, height, width"),
    "real labels": (lambda p: VolumesConfig(path=str(p / "real.npz")).load(), "a whole number, for each of 20"),
    "names": (lambda p: VolumesConfig(path=str(p / "good.npz"), classes=("one",)).load(), "a name for each of 2"),
    "too many": (lambda p: VolumesConfig(path=str(p / "good.npz"), train_size=99).load(), "at most 14 training"),
    "window": (lambda _: VolumesConfig(window=(3, 1)), "data.window"),
    "NIfTI": (lambda p: read_nifti(p / "text.nii"), "a NIfTI file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str, tmp_path):
    call, message = REFUSED[case]
    for name in ("text.npz", "text.nii"):
        (tmp_path / name).write_text("not found")
    write_npz(tmp_path / "good.npz")
    write_npz(tmp_path / "real.npz", labels=np.linspace(0, 1, 20))
    np.savez(tmp_path / "bare.npz", images=np.zeros((3, 4, 4, 4)))
    write_npz(tmp_path / "flat.npz", images=np.zeros((20, 4, 4)))
    with pytest.raises(ValueError, match=message):
        call(tmp_path)
