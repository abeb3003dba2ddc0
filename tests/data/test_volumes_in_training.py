"""Volumes in training: moved at random by the elements of a group, with their label maps; a run from a config."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import GridElements, act
from geomdl.data import Augmentation, MapTarget
from geomdl.groups import PLANE, VOLUME, D, O, Oh, SpatialGroup
from geomdl.representations import FieldType
from geomdl.training import RunConfig, train


@pytest.mark.parametrize(
    ("points", "space", "shape"),
    [(Oh, VOLUME, (3, 3, 3)), (O, VOLUME, (2, 2, 2)), (SpatialGroup("C4z"), VOLUME, (2, 3, 3)), (D(4), PLANE, (4, 4))],
    ids=str,
)
def test_elements_move_as_the_action_does(points, space, shape):
    elements = points.elements()
    x = np.random.default_rng(0).normal(size=(len(elements), *shape, 2)).astype(np.float32)
    moved = jax.jit(lambda x: GridElements(points, jnp.arange(len(elements)), space).images(x))(x)
    scalars = FieldType(points, "2 trivial")
    for i in (0, 1, len(elements) // 2, len(elements) - 1):
        np.testing.assert_array_equal(moved[i], act(elements[i], jnp.asarray(x[i : i + 1]), scalars)[0])
    every = np.stack([space.grid_symmetry(points, g)(x[i : i + 1])[0] for i, g in enumerate(elements)])
    np.testing.assert_array_equal(moved, every)


def test_volumes_and_label_maps_move_by_the_same_draws():
    rng = np.random.default_rng(1)
    maps = rng.integers(0, 100, (16, 3, 3, 3)).astype(np.int32)
    batch = {"image": jnp.asarray(maps[..., None], jnp.float32), "label": jnp.asarray(maps)}
    moved = jax.jit(lambda key: Augmentation(group="O").batch(batch, {"label": MapTarget(100)}, key))(jax.random.key(0))
    np.testing.assert_array_equal(moved["image"][..., 0].astype(jnp.int32), moved["label"])
    turns = [VOLUME.grid_symmetry(O, g)(maps[..., None])[..., 0] for g in O.elements()]
    found = [[np.array_equal(turn[i], moved["label"][i]) for turn in turns].index(True) for i in range(16)]
    assert len(set(found)) > 5, "each by its own draw"


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({"rotation": 10.0}, (4, 4, 4), "augmentation.rotation 10.0; allowed: its default for volumes"),
        ({"group": "O", "flip": True}, (4, 4, 4), "augmentation.flip True; allowed: its default for volumes"),
        ({"group": "O"}, (4, 4, 5), "equal sides along depth, height, width, which O exchanges"),
        ({"group": "O"}, (4, 4), "turns of images: O does not act on the plane"),
        ({"group": "D4"}, (4, 4, 4), "turns of volumes: D4 does not act on the volume"),
        ({"group": "SO3"}, (4, 4, 4), "augmentation.group needs a finite group"),
        ({"group": "Q"}, (4, 4, 4), "unknown group 'Q'"),
    ],
)
def test_what_volumes_do_not_have_is_refused(options, shape, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**options)(np.zeros((2, *shape, 1), np.float32), 0)


@pytest.mark.long
@pytest.mark.compiled
def test_a_run_on_volumes(tmp_path):
    config = RunConfig.from_config_dict(
        {
            "data": {"name": "solids", "size": 8, "train_size": 16, "validation_size": 8, "test_size": 8},
            "model": {"name": "gcnn", "group": "O", "width": 1, "depth": 1, "kernel_size": 3},
            "augmentation": {"group": "O"},
            "training": {"batch_size": 8, "steps": 2, "eval_every": 2},
        }
    )
    result = train(config, tmp_path / "run")
    assert result.step == 2
    assert np.isfinite([r["loss"] for r in result.records]).all()
