from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from geomdl.training.checkpoint import CheckpointError, Checkpoints

PARAMS = {"layers": {0: {"kernel": jnp.arange(6.0).reshape(2, 3)}, 1: {"bias": jnp.ones(2, jnp.bfloat16)}}}
STATE = {
    "params": PARAMS,
    "rest": {},
    "opt_state": optax.adam(1e-3).init(PARAMS),
    "step": jnp.int32(7),
    "best": -float("inf"),
    "count": 3,
}


def saved(directory: Path, scores: dict[int, float | None], keep: int = 1) -> None:
    checkpoints = Checkpoints(directory, keep=keep, writable=True)
    for step, score in scores.items():
        checkpoints.save(step, STATE, score=score)
    checkpoints.close()


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    saved(tmp_path, {5: 0.5})
    restored = Checkpoints(tmp_path).restore(5, jax.tree.map(jnp.zeros_like, STATE) | {"best": 0.0, "count": 0})
    assert jax.tree.structure(restored) == jax.tree.structure(STATE)
    for new, old in zip(jax.tree.leaves(restored), jax.tree.leaves(STATE), strict=True):
        np.testing.assert_array_equal(np.asarray(new), np.asarray(old))
        assert jnp.asarray(new).dtype == jnp.asarray(old).dtype


def test_buffers_may_be_donated_while_a_checkpoint_is_being_written(tmp_path: Path) -> None:
    step = jax.jit(lambda x: x + 1, donate_argnums=0)
    checkpoints = Checkpoints(tmp_path, keep=20, writable=True)
    x = jnp.zeros((300, 300))
    for i in range(8):
        checkpoints.save(i, {"x": x}, score=i)
        x = step(x)
    checkpoints.wait()
    values = [float(checkpoints.restore(i, {"x": x})["x"].max()) for i in checkpoints.steps]
    assert values == checkpoints.steps == list(range(8))
    checkpoints.close()


def test_the_best_and_the_latest_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, {10: 0.1, 20: 0.9, 25: None, 30: 0.9, 40: 0.3}, keep=1)
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.steps == [20, 40]  # of two equals the earlier
    assert (checkpoints.best, checkpoints.latest) == (20, 40)
    assert [checkpoints.find(w) for w in ("best", "latest", "20", 40)] == [20, 40, 20, 40]
    with pytest.raises(CheckpointError, match="unknown checkpoint '30'; allowed: best, latest, 20, 40"):
        checkpoints.find("30")


def test_several_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, {1: 0.5, 2: 0.7, 3: 0.1, 4: 0.6, 5: 0.2}, keep=2)
    assert Checkpoints(tmp_path).steps == [2, 4, 5]


def test_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint in .*; train first"):
        Checkpoints(tmp_path).find("best")


def test_without_scores_the_latest_is_the_best(tmp_path: Path) -> None:
    saved(tmp_path, {1: None, 2: None})
    assert Checkpoints(tmp_path).best == 2


def _empty(checkpoint: Path) -> None:
    for file in checkpoint.rglob("*"):
        if file.is_file():
            file.write_bytes(b"")


def _flip_one_bit(checkpoint: Path) -> None:
    file = max((checkpoint / "state").rglob("d/*"), key=lambda f: f.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _cut(checkpoint: Path) -> None:
    for file in (checkpoint / "state").rglob("d/*"):
        file.write_bytes(file.read_bytes()[:10])


def _garble(checkpoint: Path) -> None:
    for file in (checkpoint / "state").rglob("manifest.ocdbt"):
        file.write_bytes(b"\x00garbage" * 20)


def _remove(checkpoint: Path) -> None:
    (checkpoint / "state" / "_METADATA").unlink()


@pytest.mark.parametrize("damage", [_empty, _flip_one_bit, _cut, _garble, _remove])
def test_a_damaged_checkpoint_is_one_error_that_names_it(tmp_path: Path, damage) -> None:
    saved(tmp_path, {1: 0.9, 2: 0.1})
    damage(tmp_path / "2")
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    with pytest.raises(CheckpointError, match=r"cannot read checkpoint .*/2 \(.*; move it away") as error:
        Checkpoints(tmp_path, writable=True).restore(2, STATE)
    assert "\n" not in str(error.value)
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before
    (tmp_path / "2").rename(tmp_path.parent / f"{tmp_path.name}-damaged")  # as the message says
    checkpoints = Checkpoints(tmp_path, writable=True)
    checkpoints.restore(checkpoints.find("latest"), STATE)
    checkpoints.close()


def test_a_checkpoint_of_another_model(tmp_path: Path) -> None:
    saved(tmp_path, {1: None})
    other = STATE | {"params": {"layers": {0: {"kernel": jnp.zeros((2, 4))}}}}
    with pytest.raises(CheckpointError, match=r"cannot read checkpoint .*move it away to start afresh"):
        Checkpoints(tmp_path).restore(1, other)
