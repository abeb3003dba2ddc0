"""Predictions for volumes: of arrays and files, label maps in the place of their files, and what is refused."""

import csv
import json

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import OutputLaw
from geomdl.cli.main import main
from geomdl.data import Preprocessing
from geomdl.data.sources.own.image_files import BrokenFile
from geomdl.data.sources.space.fitting import VolumeFitting
from geomdl.data.sources.space.nifti import read_nifti
from geomdl.inference import Predictor
from geomdl.inference.reading import Reading
from geomdl.inference.volume_files import volume_sources, write_label_map

RNG = np.random.default_rng(0)
VOLUMES = RNG.normal(size=(3, 4, 4, 4)).astype(np.float32)
NAMES = ("dark", "bright")


def corner(x):
    """Scores of two classes by the first voxel of the first slice, and the last channel."""
    return jnp.stack([x[:, 0, 0, 0, 0], x[:, -1, 0, 1, -1]], -1)


def voxels(x):
    """Bright where the first channel is more than 0, and a voxel's neighbour to the right is seen too."""
    bright = x[..., 0] + 0.5 * jnp.roll(x[..., 0], -1, 3)
    return jnp.stack([-bright, bright], -1)


def classifier(shape=(4, 4, 4, 1), **options):
    return Predictor(corner, Reading("values", "none", NAMES), Preprocessing(shape[-1]), shape, **options)


def segmenter(shape=(4, 4, 4, 1), **options):
    law = OutputLaw("field")
    return Predictor(voxels, Reading("map", "softmax", NAMES), Preprocessing(1), shape, law=law, **options)


def expected(volumes):
    return [[v[0, 0, 0], v[-1, 0, 1]] for v in volumes]


def test_arrays_of_volumes():
    for given in (VOLUMES, list(VOLUMES), VOLUMES[..., None], list(VOLUMES[..., None]), VOLUMES.astype(np.float64)):
        np.testing.assert_allclose(classifier().predict(given).labels, expected(VOLUMES), rtol=1e-6)
    for given in (VOLUMES[0], VOLUMES[0][..., None]):
        np.testing.assert_allclose(classifier().predict(given).labels, expected(VOLUMES[:1]), rtol=1e-6)
    whole = (100 * np.abs(VOLUMES)).astype(np.uint8)
    np.testing.assert_allclose(classifier().predict(whole).labels, expected(whole / 255), rtol=1e-6)
    other = RNG.normal(size=(4, 5, 3)).astype(np.float32)
    found = classifier().predict([*VOLUMES, other], names=list("abcd"), batch_size=2)
    np.testing.assert_allclose(found.labels, expected([*VOLUMES, other]), rtol=1e-6)
    assert [row["volume"] for row in found.rows()] == list("abcd")
    two = RNG.normal(size=(3, 4, 4, 4, 2)).astype(np.float32)
    for given, count in ((two, 3), (two[0], 1)):
        labels = classifier((4, 4, 4, 2)).predict(given).labels
        np.testing.assert_allclose(labels, [[v[0, 0, 0, 0], v[-1, 0, 1, 1]] for v in two[:count]], rtol=1e-6)


def test_window_and_size_of_the_run_are_those_of_predictions():
    fitting = VolumeFitting(size=4, window=(-2.0, 2.0))
    for shape in ((6, 4, 3), (4, 4, 4), (7, 8, 9), (2, 2, 2)):
        volume = (3 * RNG.normal(size=shape)).astype(np.int16)
        (found,) = segmenter(fitting=fitting).predict([volume]).labels
        assert found.shape == shape
        seen = np.asarray(voxels(jnp.asarray(fitting(volume[..., None], "a")[None])))[0].argmax(-1)
        np.testing.assert_array_equal(found, fitting.restored(seen, shape))
        if shape == (6, 4, 3):
            assert not found[[0, 5]].any()
            np.testing.assert_array_equal(found[1:5], seen[..., :3])


def test_average_over_the_turns_of_the_cube_is_invariant():
    from geomdl.groups import VOLUME, O

    g = O.elements()[7]
    turned = VOLUME.grid_symmetry(O, g)(VOLUMES[..., None])
    both = np.concatenate([VOLUMES[..., None], turned])
    averaged = segmenter().predict(both, average="O", batch_size=6).labels
    np.testing.assert_array_equal(VOLUME.grid_symmetry(O, g)(averaged[:3, ..., None])[..., 0], averaged[3:])
    without = segmenter().predict(both, batch_size=6).labels
    assert (VOLUME.grid_symmetry(O, g)(without[:3, ..., None])[..., 0] != without[3:]).any()
    about = classifier(law=OutputLaw("invariant"))
    found = about.predict(both, average="D2z", batch_size=6).labels
    corners = [VOLUMES[:, i, j, k] for i, j, k in ((0, 0, 0), (0, -1, -1), (-1, 0, -1), (-1, -1, 0))]
    np.testing.assert_allclose(found[:3, 0], np.mean(corners, 0), atol=1e-6)
    with pytest.raises(ValueError, match=r"average 'C4'; allowed: a finite group .* of space; try O"):
        segmenter().predict(VOLUMES, average="C4")


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (VOLUMES[0, 0], r"shape of the volumes \(4, 4\)"),
        ([VOLUMES[0], VOLUMES[0, 0]], r"shape of volume 1 \(4, 4\); allowed: \[depth, height, width, 1\]"),
        ([RNG.normal(size=(4, 4, 4, 3))], r"channels of volume 0, of the shape \(4, 4, 4, 3\), 3; allowed: 1; .*time"),
        (np.full((4, 4, 4), np.nan), "volume 0 'NaN or infinite'; allowed: finite numbers"),
        (np.zeros((4, 4, 4), np.int16), r"dtype of volume 0 'int16'.*data.window"),
        (np.zeros((4, 4, 4), complex), "real"),
        ([], "one volume or more"),
        (np.zeros((0, 4, 4, 4)), "one volume or more"),
        ("nowhere.nii", "volume 'nowhere.nii'; allowed: a file or folder that is there"),
    ],
)
def test_what_is_no_volume(volume, message):
    with pytest.raises(ValueError, match=message):
        classifier().predict(volume)


def test_options_of_images_and_sizes_that_the_network_refuses():
    with pytest.raises(ValueError, match=r"window .*none for a network of volumes, as it is for images"):
        segmenter().predict(VOLUMES, window=32)
    with pytest.raises(ValueError, match=r"fit 'cover'; allowed: none for a network of volumes"):
        segmenter().resizing("cover")

    def strict(x):
        raise ValueError("not of my size")

    network = Predictor(strict, Reading("class", "softmax", NAMES), Preprocessing(1), (4, 4, 4, 1))
    with pytest.raises(ValueError, match=r"^0, 5×4×3 voxels: not of my size \(trained on 4×4×4; .*data.size cuts"):
        network.predict(np.zeros((5, 4, 3)))


@pytest.fixture
def folder(tmp_path):
    """Volumes in files of every kind but NIfTI."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    np.save(tmp_path / "in" / "a.npy", VOLUMES[0])
    np.savez(tmp_path / "in" / "b.npz", images=VOLUMES[1:, ..., None], labels=np.zeros(2, int))
    np.save(tmp_path / "in" / "deep" / "c.npy", VOLUMES)
    (tmp_path / "in" / "notes.txt").write_text("no volume")
    return tmp_path / "in"


def test_arrays_in_folders_and_patterns(folder):
    names = [source.name.removeprefix(f"{folder}/") for source in volume_sources([folder])]
    assert names == ["a.npy", "b.npz[0]", "b.npz[1]", *(f"deep/c.npy[{i}]" for i in range(3))]
    found = classifier().predict([str(folder)])
    np.testing.assert_allclose(found.labels, expected([*VOLUMES, *VOLUMES]), rtol=1e-6)
    assert len(volume_sources([f"{folder}/*.np?"])) == 3
    with pytest.raises(ValueError, match=r"file of a volume .*one of .npz, .npy, .nii, .nii.gz"):
        volume_sources([folder / "notes.txt"])


def test_label_maps_lie_where_their_files_do(tmp_path):
    """In the axes and with the affine of the file, whatever these are, with its codes and without its scale."""
    nibabel = pytest.importorskip("nibabel")
    body = RNG.integers(0, 9, (3, 4, 5)).astype(np.int16)
    affine = np.array([[2.0, 0, 0, -30], [0, 2.0, 0, 12.5], [0, 0, 2.0, 7], [0, 0, 0, 1]])
    for i, codes in enumerate(("RAS", "LPS", "PIR", "SLA", "ILP")):
        to = nibabel.orientations.ornt_transform(
            nibabel.orientations.axcodes2ornt("RAS"), nibabel.orientations.axcodes2ornt(codes)
        )
        image = nibabel.Nifti1Image(body, affine).as_reoriented(to)
        image.set_qform(image.affine, code=2)
        image.header.set_slope_inter(0.5, 1)
        image.header["cal_max"] = 4
        nibabel.save(image, tmp_path / f"{i}.nii.gz")
        volume = read_nifti(tmp_path / f"{i}.nii.gz")
        labels = (volume[..., 0] > 4).astype(np.int64)
        file = write_label_map(labels, str(tmp_path / f"{i}.nii.gz"), tmp_path / "out" / f"{i}")
        assert file == tmp_path / "out" / f"{i}.nii.gz"
        written, stored = nibabel.load(file), nibabel.load(tmp_path / f"{i}.nii.gz")
        assert written.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(written.affine, stored.affine)
        assert [int(written.header[k]) for k in ("sform_code", "qform_code", "cal_max")] == [
            *(int(stored.header[k]) for k in ("sform_code", "qform_code")), 0,
        ]  # fmt: skip
        np.testing.assert_array_equal(np.asarray(written.dataobj), np.asarray(stored.dataobj) > 4)
        np.testing.assert_array_equal(read_nifti(file)[..., 0], labels)
    two = nibabel.Nifti1Image(np.stack([body] * 2, -1), affine)
    nibabel.save(two, tmp_path / "two.nii")
    write_label_map(labels[:, :, :], str(tmp_path / "two.nii"), tmp_path / "two_map")
    assert nibabel.load(tmp_path / "two_map.nii.gz").shape == (3, 4, 5)
    (tmp_path / "broken.nii").write_bytes(b"no")
    with pytest.raises(BrokenFile, match=r"cannot read .*broken.nii"):
        volume_sources([tmp_path / "broken.nii"])[0].read()


@pytest.mark.long
@pytest.mark.compiled
def test_a_run_on_pairs_of_files_and_its_predictions(tmp_path, capsys):
    nibabel = pytest.importorskip("nibabel")
    for i in range(6):
        body = RNG.normal(size=(8, 8, 9 - i % 2)).astype(np.float32)
        for name, values in (("images", body), ("masks", (body > 0).astype(np.uint8))):
            (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
            affine = np.diag([-1.5 if i % 3 else 1.5, 1.5, 1.5, 1])
            nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "data" / name / f"{i}.nii.gz")
    config = {
        "data": {"name": "volumes", "labels": "map", "path": str(tmp_path / "data"), "size": 8, "window": (-1.0, 1.0)},
        "model": {"name": "unet", "depth": 1, "width": 2},
        "task": {"name": "segmentation"},
        "optimizer": {"name": "adam", "learning_rate": 0.05},
        "training": {"batch_size": 4, "steps": 30, "eval_every": 30},
    }
    text = f"from ml_collections import ConfigDict\n\n\ndef get_config():\n    return ConfigDict({config!r})\n"
    (tmp_path / "config.py").write_text(text)
    workdir = f"--workdir={tmp_path}/run"
    assert main(["train", f"--config={tmp_path}/config.py", workdir]) == 0
    (tmp_path / "data" / "images" / "broken.nii").write_bytes(b"no")
    np.save(tmp_path / "array.npy", RNG.normal(size=(8, 8, 8)).astype(np.float32))
    out = tmp_path / "maps"
    given = [f"{tmp_path}/data/images", f"{tmp_path}/array.npy"]
    assert main(["predict", workdir, *given, f"--out={out}", "--average=C4z", "--skip-broken"]) == 0
    assert "7 volumes, 1 left out" in capsys.readouterr().err
    with (out / "predictions.csv").open() as opened:
        assert len(list(csv.DictReader(opened))) == 7
    assert np.load(out / "array.npz")["labels"].shape == (8, 8, 8)
    for i in range(6):
        found = nibabel.load(out / "data" / "images" / f"{i}.nii.gz")
        wanted = nibabel.load(tmp_path / "data" / "masks" / f"{i}.nii.gz")
        np.testing.assert_array_equal(found.affine, wanted.affine)
        right = (
            np.asarray(found.dataobj)[..., -8:] == np.asarray(wanted.dataobj)[..., -8:]
        )  # of nine slices the top eight
        assert right.mean() > 0.8, i
    assert main(["predict", workdir, f"{tmp_path}/array.npy", f"--overlays={out}"]) != 0
    assert "none for a network of volumes" in capsys.readouterr().err


def test_rows_of_classes_as_json(folder, tmp_path, monkeypatch, capsys):
    reading = Reading("class", "softmax", NAMES)
    network = Predictor(corner, reading, Preprocessing(1), (4, 4, 4, 1))
    monkeypatch.setattr("geomdl.inference.load", lambda *_, **__: network)
    out = tmp_path / "found.jsonl"
    assert main(["predict", "--workdir=run", str(folder), f"--out={out}", "--batch-size=2"]) == 0
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [r["class"] for r in records] == [NAMES[int(b > a)] for a, b in expected([*VOLUMES, *VOLUMES])]
    assert "6 volumes" in capsys.readouterr().err
