"""A checkpoint of another model is refused with the parameters that differ."""

from pathlib import Path

import jax.numpy as jnp
import pytest

from geomdl.training import CheckpointError, Checkpoints


def test_checkpoint_of_another_model(tmp_path: Path) -> None:
    saved = {"params": {"dense": {"kernel": jnp.zeros((3, 4)), "bias": jnp.zeros(4)}}, "rest": {}}
    wider = {"params": {"dense": {"kernel": jnp.zeros((3, 5)), "bias": jnp.zeros(4)}}, "rest": {"mean": jnp.zeros(5)}}
    checkpoints = Checkpoints(tmp_path, writable=True)
    checkpoints.save(1, {"state": saved})
    checkpoints.wait()
    expected = r"another model \(params.dense.kernel is \(3, 4\) there, \(3, 5\) here; rest.mean is nothing there"
    with pytest.raises(CheckpointError, match=expected):
        checkpoints.restore(1, {"state": wider})
    assert checkpoints.restore(1, {"state": saved})["state"]["params"]["dense"]["kernel"].shape == (3, 4)
    checkpoints.close()
