"""Predictions for point clouds: of arrays and files, of every size, and what is refused."""

import csv
import json

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.cli.main import main
from geomdl.data import Preprocessing
from geomdl.data.sources.own.image_files import BrokenFile
from geomdl.inference import Predictor
from geomdl.inference.cloud_files import cloud_sources
from geomdl.inference.reading import Reading
from geomdl.points import pack_clouds

RNG = np.random.default_rng(0)
CLOUDS = RNG.normal(size=(3, 5, 3))
FEATURES = RNG.normal(size=(3, 5, 2))


def extents(packed):
    """The largest x, the largest first feature if there are some, and the number of points."""
    there, columns = packed[..., -1] > 0, (0, 3 if packed.shape[-1] > 4 else 1)
    numbers = [jnp.where(there, packed[..., i], -9).max(-1) for i in columns]
    return jnp.stack([*numbers, packed[..., -1].sum(-1)], -1)


def predictor_of(points: int = 5, features: int = 0) -> Predictor:
    reading = Reading("values", "none", ("x", "second", "points"))
    return Predictor(extents, reading, Preprocessing(), (points, 4 + features))


def expected(clouds, second=1):
    return [[cloud[:, 0].max(), cloud[:, second].max(), len(cloud)] for cloud in clouds]


def test_arrays_of_clouds_of_every_size():
    predictor = predictor_of()
    for given in (CLOUDS, list(CLOUDS), pack_clouds(CLOUDS)):
        np.testing.assert_allclose(predictor.predict(given).labels, expected(CLOUDS), rtol=1e-6)
    np.testing.assert_allclose(predictor.predict(CLOUDS[0]).labels, expected(CLOUDS[:1]), rtol=1e-6)
    sizes = [RNG.normal(size=(n, 3)) for n in (1, 3, 5, 6, 23)]
    found = predictor.predict(sizes, names=list("abcde"))
    np.testing.assert_allclose(found.labels, expected(sizes), rtol=1e-6)
    assert [row["cloud"] for row in found.rows()] == list("abcde")
    mask = np.ones((3, 5), bool)
    mask[0, 2:] = False
    labels = predictor.predict(pack_clouds(CLOUDS, mask=mask)).labels
    np.testing.assert_allclose(labels, expected([CLOUDS[0, :2], *CLOUDS[1:]]), rtol=1e-6)
    with_features = np.concatenate([CLOUDS, FEATURES], -1)
    np.testing.assert_allclose(predictor_of(5, 2).predict(with_features).labels, expected(with_features, 3), rtol=1e-6)


def write_ply(file, form: str, table: np.ndarray, more: str = "") -> None:
    """A cloud with x, y, z and what follows, as doubles, and a face behind."""
    names = ["x", "y", "z", "red", "nx"][: table.shape[1]]
    head = [f"ply\nformat {form} 1.0\ncomment by hand\nelement vertex {len(table)}"]
    head += [f"property double {name}" for name in names]
    head += ["element face 1\nproperty list uchar int vertex_indices\nend_header\n" + more]
    if form == "ascii":
        body = "".join(" ".join(map(repr, map(float, row))) + "\n" for row in table).encode() + b"3 0 1 2\n"
    else:
        body = table.astype("<f8" if "little" in form else ">f8").tobytes() + bytes([3, *range(12)])
    file.write_bytes("\n".join(head).encode() + body)


@pytest.fixture
def folder(tmp_path):
    """The same three clouds in files of every kind."""
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "a.npy", CLOUDS)
    masks = np.ones((3, 5), bool)
    np.savez(tmp_path / "b.npz", positions=CLOUDS, masks=masks, labels=np.zeros(3, int))
    np.savez(tmp_path / "c.npz", positions=CLOUDS[0])
    for form in ("ascii", "binary_little_endian", "binary_big_endian"):
        write_ply(tmp_path / f"d_{form}.ply", form, np.concatenate([CLOUDS[0], FEATURES[0]], -1))
    text = "# x y z\n" + "".join(f"{x!r}, {y!r}\t{z!r}\n" for x, y, z in CLOUDS[0].tolist())
    (tmp_path / "in" / "e.xyz").write_text(text)
    (tmp_path / "in" / "notes.txt").write_text("no cloud")
    return tmp_path


def test_files_of_every_kind_in_folders_and_patterns(folder):
    sources = cloud_sources([folder])
    names = [source.name.removeprefix(f"{folder}/") for source in sources]
    assert names == [
        *(f"a.npy[{i}]" for i in range(3)), *(f"b.npz[{i}]" for i in range(3)), "c.npz", "d_ascii.ply",
        "d_binary_big_endian.ply", "d_binary_little_endian.ply", "in/e.xyz",
    ]  # fmt: skip
    found = predictor_of().predict([str(folder)])
    np.testing.assert_allclose(found.labels, expected([*CLOUDS, *CLOUDS, *[CLOUDS[0]] * 5]), rtol=1e-6)
    assert len(cloud_sources([f"{folder}/**/*.xyz", f"{folder}/*.ply"])) == 4
    np.testing.assert_array_equal(  # numbers that vertices have besides their places are features, in their order
        cloud_sources([folder / "d_ascii.ply"], 2)[0].read(), np.concatenate([CLOUDS[0], FEATURES[0]], -1)
    )
    np.savez(folder / "f.npz", positions=CLOUDS, features=FEATURES, masks=np.ones((3, 5)))
    labels = predictor_of(5, 2).predict(str(folder / "f.npz")).labels
    np.testing.assert_allclose(labels, expected(np.concatenate([CLOUDS, FEATURES], -1), 3), rtol=1e-6)


@pytest.mark.parametrize(
    ("cloud", "message"),
    [
        (CLOUDS[..., :2], r"shape of cloud 0 \(5, 2\); allowed: \[points, 3\]"),
        (np.concatenate([CLOUDS, FEATURES[..., :1]], -1), r"shape of cloud 0 \(5, 4\)"),
        (CLOUDS[0, 0], r"shape of cloud 0 \(3,\)"),
        (np.concatenate([CLOUDS, np.ones((3, 5, 1))], -1) * [1, 1, 1, 0], r"shape of cloud 0 \(5, 4\)"),  # no mask
        (np.zeros((2, 3)), "points of cloud 0 'points 0 and 1 at"),
        (np.full((2, 3), np.nan), "points of cloud 0 .*finite coordinates"),
        (CLOUDS.astype(complex), "real"),
        ([], "one cloud or more"),
        (np.zeros((0, 5, 3)), "one cloud or more"),
        ([np.zeros((0, 3))], "number of points of cloud 0 0; allowed: 1 or more"),
        ("nowhere.ply", "cloud 'nowhere.ply'; allowed: a file or folder that is there"),
    ],
)
def test_what_is_no_cloud(cloud, message):
    with pytest.raises(ValueError, match=message):
        predictor_of().predict(cloud)


def test_options_of_images_and_numbers_of_features():
    with pytest.raises(ValueError, match=r"\[points, 5\], the 2 features that the network was trained with behind"):
        predictor_of(5, 2).predict(CLOUDS)
    with pytest.raises(ValueError, match=r"features of cloud 0 .*finite numbers"):
        predictor_of(5, 2).predict(np.concatenate([CLOUDS, np.full((3, 5, 2), np.inf)], -1))
    for options in ({"average": "C4"}, {"window": 32}):
        with pytest.raises(ValueError, match=r"none for a network of point clouds, as it is for images"):
            predictor_of().predict(CLOUDS, **options)
    with pytest.raises(ValueError, match=r"fit 'cover'; allowed: none for a network of point clouds"):
        predictor_of().resizing("cover")
    with pytest.raises(ValueError, match=r"one of point clouds.*networks of images or volumes"):
        predictor_of().features(CLOUDS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xyz", "3\nwater\nO 0 0 0\n", "line 1 is '3'; allowed: x y z of a point"),
        ("a.xyz", "0 0 0\n1 1 1 1\n", "line 2 is '1 1 1 1'"),
        ("a.xyz", "\n", "it has no points"),
        ("a.ply", "solid\n", "does not begin as a PLY file"),
        ("a.ply", "ply\nformat binary 1.0\nend_header\n", "its format is binary; allowed: ascii"),
        ("a.ply", "ply\nformat ascii 1.0\nelement face 1\nend_header\n", "its first element is no vertex"),
        ("a.ply", "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n", "have no y, z"),
        (
            "a.ply",
            "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n"
            "end_header\n1 2 3\n",
            "says 2 vertices and has 1",
        ),
        ("a.ply", "ply\nformat ascii 1.0\nelement vertex x\nend_header\n", "cannot read .*invalid literal"),
        ("a.npy", b"", "cannot read"),
        ("a.obj", "v 0 0 0\n", r"one of \.npz, \.npy, \.ply, \.xyz"),
    ],
)  # fmt: skip
def test_files_that_hold_no_cloud(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message) as caught:
        [source.read() for source in cloud_sources([tmp_path / name])]
    assert name not in ("a.xyz", "a.ply") or isinstance(caught.value, BrokenFile)  # --skip-broken leaves it out


def test_files_with_other_numbers_of_features(folder):
    for number, what in ((1, "2 numbers besides x, y, z: red, nx; allowed: 1"), (3, "allowed: 3")):
        with pytest.raises(ValueError, match=what):
            cloud_sources([folder / "d_ascii.ply"], number)[0].read()
    for arrays, message in (
        ({"positions": CLOUDS, "masks": np.ones((3, 4))}, r"shape of the masks .*\(3, 5\)"),
        ({"positions": CLOUDS, "features": np.ones((3, 5))}, r"shape of the features .*\[\.\.\., None\]"),
        ({"positions": np.array([["a"] * 3] * 2)}, "real numbers"),
        ({"points": CLOUDS}, "no array 'positions'; there are: points"),
    ):
        np.savez(folder / "c.npz", **arrays)
        with pytest.raises(ValueError, match=message):
            cloud_sources([folder / "c.npz"])


@pytest.mark.long
@pytest.mark.compiled
def test_the_commands_on_a_run_of_clouds(folder, tmp_path, capsys):
    """Trained on a user's file with features that hold a vector, turned in training, predicted and evaluated."""
    workdir = f"--workdir={tmp_path}/run"
    turned = {"rotation": 180, "flip": True, "jitter": 0.01, "drop_points": 0.1}
    np.savez(tmp_path / "own.npz", positions=RNG.normal(size=(20, 6, 3)), features=RNG.normal(size=(20, 6, 4)),
             labels=np.arange(20) % 2)  # fmt: skip
    config = {
        "data": {"name": "points", "path": str(tmp_path / "own.npz")},
        "model": {"name": "point_network", "neighbours": 3, "radius": 3.0, "layers": 1, "degree": 1, "symmetry": "O3",
                  "irreps_in": "1x0e + 1x1o", "hidden": "2x0e"},
        "augmentation": turned,
        "training": {"batch_size": 8, "steps": 2, "eval_every": 2, "evaluators": ["metrics", "turns_oh"]},
    }  # fmt: skip
    text = f"from ml_collections import ConfigDict\n\n\ndef get_config():\n    return ConfigDict({config!r})\n"
    (tmp_path / "config.py").write_text(text)
    assert main(["train", f"--config={tmp_path}/config.py", workdir]) == 0
    assert main(["evaluate", workdir, "--evaluators=turns_oh"]) == 0
    numbers = json.loads((tmp_path / "run" / "evaluation" / "test.json").read_text())
    assert numbers["turns_Oh/change"] < 1e-5
    out = tmp_path / "found.csv"
    np.save(tmp_path / "new.npy", RNG.normal(size=(4, 9, 7)))
    (tmp_path / "broken.ply").write_text("ply")
    given = [str(tmp_path / "new.npy"), str(tmp_path / "own.npz"), str(tmp_path / "broken.ply")]
    assert main(["predict", workdir, *given, f"--out={out}", "--skip-broken"]) == 0
    with out.open() as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == 24
    assert "24 clouds, 1 left out" in capsys.readouterr().err
    assert main(["predict", workdir, given[0], "--average=C4"]) != 0
    assert "none for a network of point clouds" in capsys.readouterr().err
