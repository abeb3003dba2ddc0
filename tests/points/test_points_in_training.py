"""Point clouds in training: data of files, the network of a config, a run from one command, and what is refused."""

import numpy as np
import pytest
from flax import nnx

from geomdl.data import Augmentation, PointsConfig, TetrisConfig
from geomdl.evaluators import evaluator_named
from geomdl.models import MODELS, PointNetworkConfig
from geomdl.models.tools.parameter_table import parameter_table
from geomdl.points import pack_clouds, unpack_clouds
from geomdl.registry import Registry
from geomdl.training import RunConfig, train

RNG = np.random.default_rng(0)


def clouds(count: int = 20, points: int = 6, **changes) -> dict[str, np.ndarray]:
    """The arrays of a file: every third cloud has two points less."""
    masks = np.ones((count, points), bool)
    masks[::3, -2:] = False
    positions = RNG.normal(size=(count, points, 3))
    positions[~masks] = np.nan  # whatever stands in the padding
    features = RNG.normal(size=(count, points, 2))
    found = {"positions": positions, "labels": np.arange(count) % 2, "features": features, "masks": masks}
    return {name: value for name, value in (found | changes).items() if value is not None}


@pytest.fixture
def file(tmp_path):
    def write(**arrays: np.ndarray) -> str:
        np.savez(tmp_path / "clouds.npz", **arrays)
        return str(tmp_path / "clouds.npz")

    return write


def test_clouds_of_a_file_are_packed_with_features_and_masks(file):
    arrays = clouds()
    dataset = PointsConfig(path=file(**arrays), classes=("a", "b")).load()
    assert dataset.image_shape == (6, 6)
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [14, 3, 3]
    points, features, mask = unpack_clouds(np.concatenate([dataset.train.images, dataset.test.images]))
    assert np.isfinite(points).all()
    of_all = {
        cloud.tobytes(): i for i, cloud in enumerate(pack_clouds(arrays["positions"], mask=arrays["masks"])[..., :3])
    }
    order = [of_all[np.asarray(cloud).tobytes()] for cloud in points]
    np.testing.assert_array_equal(mask, arrays["masks"][order])
    expected = np.where(arrays["masks"][order][..., None], arrays["features"][order], 0)
    np.testing.assert_array_equal(features, expected.astype(np.float32))
    given = {f"{split}_{name}": value for split in ("train", "val", "test") for name, value in clouds(4).items()}
    assert len(PointsConfig(path=file(**given)).load().validation) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"positions": np.zeros((20, 6, 2))},
            r"shape of the train positions .*\(20, 6, 2\); allowed: \[n, points, 3\]",
        ),
        ({"positions": np.zeros((20, 6, 3))}, r"points 0 and 1 at .*different points"),
        ({"masks": None}, r"finite coordinates"),
        ({"masks": np.ones((20, 5), bool)}, r"shape of the train masks .*allowed: \(20, 6\)"),
        ({"features": np.zeros((20, 6))}, r"\[..., None\] for a single one"),
        ({"labels": np.zeros(20)}, "a class, a whole number, for each of 20 examples"),
        ({"labels": None}, "no array 'labels'"),
        ({"positions": None, "images": np.zeros(3)}, "no array 'positions'"),
    ],
)
def test_files_that_hold_no_clouds(file, changes, message):
    with pytest.raises(ValueError, match=message):
        PointsConfig(path=file(**clouds(**changes))).load()


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({}, (28, 28, 1), r"features\) of clouds, such as those of data.name='points' or 'tetris'"),
        ({"neighbours": 6}, (6, 4), "fewer than the 6 points of a cloud; try 5"),
        ({"irreps_in": "1x1o"}, (9, 6), "irreps of 2 numbers, the features of each point; try 2x0e"),
        ({"irreps_in": "1x1o"}, (9, 4), "empty for points without features"),
        ({"symmetry": "SO2"}, (9, 4), "symmetry of PointNetwork 'SO2'"),
        ({"hidden": "8x0q"}, (9, 4), "hidden"),
    ],
)
def test_configs_that_fit_no_cloud(options, shape, message):
    with pytest.raises(ValueError, match=message):
        PointNetworkConfig(**options).build(shape, 2, rngs=nnx.Rngs(0))


def test_what_clouds_do_not_have_is_refused():
    with pytest.raises(ValueError, match=r"augmentation\.cutout 3; allowed: its default for point clouds"):
        Augmentation(cutout=3)(np.zeros((2, 5, 4), np.float32), 0)
    with pytest.raises(ValueError, match=r"evaluators of point clouds .metrics, turns, .*, as the data are 5×4"):
        evaluator_named("rotation", (5, 4))
    assert isinstance(MODELS, Registry)


def test_a_summary_says_what_the_network_keeps():
    config = PointNetworkConfig(neighbours=2, layers=1, hidden="2x0e", symmetry="O3", degree=1)
    network = nnx.eval_shape(lambda: config.build((5, 4), 3, rngs=nnx.Rngs(0)))
    said = str(parameter_table(network, (5, 4)))
    assert "5 × 4 clouds to 3 outputs\npromised, to rounding: points of O3: exact, invariant; shifts: exact" in said


def test_pieces_are_turned_to_test():
    dataset = TetrisConfig(turns=2).load()
    points, _, _ = unpack_clouds(dataset.test.images)
    upright, _, _ = unpack_clouds(dataset.train.images)
    for i in range(16):  # the same distances, and the same hand
        first, second = np.asarray(points[i], np.float64), np.asarray(upright[i % 8], np.float64)
        np.testing.assert_allclose(
            first - first.mean(0) - (second - second.mean(0)) @ _turn(second, first), 0, atol=1e-5
        )


def _turn(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The rotation that carries one cloud over to the other best (Kabsch)."""
    u, _, v = np.linalg.svd((before - before.mean(0)).T @ (after - after.mean(0)))
    return u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v


@pytest.mark.long
@pytest.mark.compiled
def test_runs_of_a_config(tmp_path, file):
    shipped = {
        "data": {"name": "tetris", "turns": 3},
        "model": {"name": "point_network", "radius": 1.8, "neighbours": 3, "within": True, "degree": 1,
                  "hidden": "16x0e + 8x0o + 8x1o + 8x1e"},
        "optimizer": {"name": "adam", "learning_rate": 0.01, "clip_norm": 1.0},
        "training": {"batch_size": 8, "steps": 100, "eval_every": 100},
    }  # fmt: skip
    result = train(RunConfig.from_config_dict(shipped), tmp_path / "tetris")
    assert result.records[-1]["accuracy"] == 1.0
    masked = {
        "data": {"name": "points", "path": file(**clouds())},
        "model": {"name": "point_network", "radius": 3.0, "neighbours": 3, "layers": 1, "degree": 1, "symmetry": "O3",
                  "irreps_in": "2x0e", "hidden": "2x0e", "norm": True},
        "training": {"batch_size": 8, "steps": 2, "eval_every": 2},
    }  # fmt: skip
    result = train(RunConfig.from_config_dict(masked), tmp_path / "masked")
    assert np.isfinite([record["loss"] for record in result.records]).all()
