"""Packed clouds that are moved: by matrices, by augmentation, and under the turns of evaluators."""

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.data import Augmentation, ClassTarget, Split
from geomdl.evaluators import EVALUATORS, evaluators_for, with_irreps
from geomdl.points import moved_clouds, pack_clouds, unpack_clouds
from geomdl.tasks import Classification

RNG = np.random.default_rng(0)
MASK = np.ones((6, 9), bool)
MASK[::2, 7:] = False
PACKED = pack_clouds(RNG.normal(size=(6, 9, 3)) + 5, features=RNG.normal(size=(6, 9, 4)), mask=MASK)
KEY = jax.random.key(1)


def distances(packed: np.ndarray) -> np.ndarray:
    """Between all pairs of points, [batch, points, points]; 0 where there is none."""
    points, mask = np.asarray(packed[..., :3], np.float64), np.asarray(packed[..., -1]) > 0
    apart = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    return np.where(mask[:, :, None] & mask[:, None], apart, 0)


def handedness(packed: np.ndarray) -> np.ndarray:
    """The sign of the volume that the first four points of each cloud span."""
    points = np.asarray(packed[:, :4, :3], np.float64)
    return np.sign(np.linalg.det(points[:, 1:] - points[:, :1]))


def test_features_turn_with_their_points():
    turn, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
    for matrix in (turn, -turn):
        moved = moved_clouds(PACKED, 2 * matrix, irreps="1x0o + 1x1e")  # a pseudoscalar and a pseudovector
        sign, features = np.linalg.det(matrix), PACKED[..., 3:-1]
        np.testing.assert_allclose(moved[..., 3], sign * features[..., 0], atol=1e-5)
        np.testing.assert_allclose(moved[..., 4:-1], sign * features[..., 1:] @ matrix.T, atol=1e-5)
        np.testing.assert_allclose(moved[..., :3], PACKED[..., :3] @ (2 * matrix).T, atol=1e-4)
    with pytest.raises(ValueError, match=r"irreps of the features '1x1o'; allowed: irreps of 4 numbers; try 4x0e"):
        moved_clouds(PACKED, np.eye(3), irreps="1x1o")


@pytest.mark.long
def test_features_of_degree_two_turn_as_spherical_harmonics():
    points = RNG.normal(size=(2, 5, 3))
    turn, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
    harmonics = lambda x: e3nn.spherical_harmonics("1x2e", jnp.asarray(x, jnp.float32), True).array  # noqa: E731
    for matrix in (turn, -turn):
        moved = moved_clouds(pack_clouds(points, features=harmonics(points)), matrix, irreps="1x2e")
        np.testing.assert_allclose(moved[..., 3:-1], harmonics(points @ matrix.T), atol=1e-4)


@pytest.mark.parametrize("options", [{"rotation": 180}, {"rotation": 30, "rotation_axis": "z"}, {"group": "I"}])
def test_turned_clouds_keep_distances_hand_and_centre(options):
    moved = np.asarray(Augmentation(**options)(PACKED, KEY))
    np.testing.assert_allclose(distances(moved), distances(PACKED), atol=1e-5)
    np.testing.assert_array_equal(handedness(moved), handedness(PACKED))
    np.testing.assert_array_equal(moved[..., 3:], PACKED[..., 3:])
    np.testing.assert_array_equal(moved[~MASK], PACKED[~MASK])
    for i in range(6):
        there = MASK[i]
        np.testing.assert_allclose(moved[i, there, :3].mean(0), PACKED[i, there, :3].mean(0), atol=1e-5)
    assert np.abs(moved - PACKED)[..., :2].max((1, 2)).min() > 1e-3  # each cloud is turned
    if "rotation_axis" in options:
        np.testing.assert_allclose(moved[..., 2], PACKED[..., 2], atol=1e-5)


def test_half_of_the_clouds_are_mirrored_and_vectors_with_them():
    many = np.tile(PACKED[1:2], (200, 1, 1))
    moved = np.asarray(Augmentation(flip=True, irreps="1x0e + 1x1o")(many, KEY))
    hands = handedness(moved) * handedness(many)
    assert 70 < (hands < 0).sum() < 130
    np.testing.assert_allclose(moved[..., 4], many[..., 4] * hands[:, None], atol=1e-6)
    np.testing.assert_allclose(moved[..., 3], many[..., 3], atol=1e-6)
    scaled = distances(np.asarray(Augmentation(scale=0.5)(many, KEY)))[:, 0, 1] / distances(many)[:, 0, 1]
    assert 0.66 < scaled.min() < 0.8
    assert 1.2 < scaled.max() < 1.51


def test_noise_and_points_that_are_left_out():
    many = np.tile(PACKED[:2], (100, 1, 1))
    noise = (np.asarray(Augmentation(jitter=0.1)(many, KEY)) - many)[..., :3]
    there = many[..., -1] > 0
    assert not noise[~there].any()
    np.testing.assert_allclose(noise[there].std(), 0.1, rtol=0.1)
    dropped = np.asarray(Augmentation(drop_points=0.9)(many, KEY))
    kept = dropped[..., -1] > 0
    assert kept.sum(-1).min() == 1
    assert not (kept & ~there).any()
    np.testing.assert_array_equal(dropped, np.where(kept[..., None], many, 0))


@pytest.mark.parametrize(
    ("options", "clouds", "message"),
    [
        (
            {"shift": 2},
            True,
            r"augmentation.shift 2; allowed: its default for point clouds, which have augmentation.rot",
        ),
        ({"quarter_turns": True}, True, "group='C4z' turns them about z"),
        ({"group": "C4"}, True, "augmentation.group 'C4'; allowed: a finite group of space for point clouds"),
        ({"rotation": 9.0, "irreps": "1x1o"}, True, "irreps of 4 numbers"),
        ({"jitter": 0.1}, False, "augmentation.jitter 0.1; allowed: 0 for images"),
        ({"drop_points": 0.1}, False, "0 for images"),
    ],
)
def test_options_that_do_not_fit(options, clouds, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**options)(PACKED if clouds else np.zeros((2, 4, 4, 1), np.float32), 0)
    with pytest.raises(ValueError, match=r"drop_points 1.0; allowed: a number, in \[0, 1\)"):
        Augmentation(drop_points=1.0)


def test_classes_stay_and_the_model_says_what_features_are():
    batch = {"image": jnp.asarray(PACKED), "label": jnp.arange(6)}
    options = Augmentation(rotation=180).for_features("1x0e + 1x1o")
    moved = options.batch(batch, {"label": ClassTarget(6)}, KEY)
    np.testing.assert_array_equal(moved["label"], batch["label"])
    points, features, _ = map(np.asarray, unpack_clouds(moved["image"]))
    before, vectors, _ = map(np.asarray, unpack_clouds(PACKED))
    angle = lambda a, b: (a * b).sum(-1)  # noqa: E731
    kept = angle(vectors[..., 1:], before - before.mean(1, keepdims=True))[1]  # a cloud without padding
    np.testing.assert_allclose(angle(features[..., 1:], points - points.mean(1, keepdims=True))[1], kept, atol=1e-4)


def test_evaluators_turn_clouds():
    split, task = Split(PACKED, np.zeros(6, np.int32)), Classification(num_classes=2)
    assert evaluators_for(task, PACKED.shape[1:]) == ["metrics", "turns"]
    weight = PACKED[..., -1:].sum(1)

    @jax.jit
    def scores(x):  # rotations keep them; the first changes its sign under reflections
        place = (x[..., :3] - (x[..., :3].sum(1) / weight)[:, None]) * x[..., -1:]
        heavy = jnp.arange(9, dtype=x.dtype) / 9
        moments = [jnp.einsum("p,npi->ni", heavy**k, place) for k in (1, 2, 3)]
        return jnp.stack([jnp.linalg.det(jnp.stack(moments, -1)), (x[..., 4:-1] * place).sum((1, 2))], -1)

    def sweep(name, irreps):
        evaluator = with_irreps(EVALUATORS[name](), irreps)
        rows = evaluator.rows(scores, split, task)
        return np.array([row["change"] for row in rows]), evaluator.summary(rows, task)

    vector = "1x0e + 1x1o"
    changes, numbers = sweep("turns_oh", vector)
    assert len(changes) == 48
    assert changes[:24].max() < 1e-4 < 1e-3 < changes[24:].min()
    assert numbers["turns_Oh/change"] == changes.max()
    changes, numbers = sweep("rotation_x", vector)
    assert (len(changes), numbers["rotation_x/worst"]) == (24, numbers["rotation_x/mean"])
    assert changes.max() < 1e-4
    assert sweep("rotation_x", "")[0].max() > 0.01  # whose features are scalars
    assert sweep("turns", vector)[1]["turns/change"] < 1e-4
