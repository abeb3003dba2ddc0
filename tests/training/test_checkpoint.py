"""Checkpoints: what was saved comes back, the best and latest are kept, damage is noticed."""

import errno
import os
import re
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from geomdl.training import CheckpointError, Checkpoints, SaveFailed
from geomdl.training.checkpoints.files import damage_of

FILES = "geomdl.training.checkpoints.files"

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


def test_arrays_without_elements_are_saved_with_the_others(tmp_path: Path) -> None:
    """The bias of a vector field has none."""
    state = {"params": {"bias": jnp.zeros((3, 0)), "kernel": jnp.arange(3.0)}, "step": 2}
    state |= {"rest": {}}
    writing = Checkpoints(tmp_path, writable=True)
    writing.save(1, {"state": state})
    writing.close()
    checkpoints = Checkpoints(tmp_path)
    back = checkpoints.restore(1, {"state": jax.tree.map(jnp.zeros_like, state)})["state"]
    params, _ = checkpoints.restore_model(1, state["params"], {})
    for found in (back["params"], params):
        assert found["bias"].shape == (3, 0)
        assert found["kernel"].tolist() == [0, 1, 2]


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
    assert checkpoints.steps == [20, 30, 40]  # of two equals the earlier; the latest two
    assert (checkpoints.best, checkpoints.latest) == (20, 40)
    assert [checkpoints.find(w) for w in ("best", "latest", "20", 40)] == [20, 40, 20, 40]
    with pytest.raises(CheckpointError, match="unknown checkpoint '25'; allowed: best, latest, 20, 30, 40"):
        checkpoints.find("25")


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


DAMAGES = [_empty, _flip_one_bit, _cut, _garble, _remove]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_reported_and_the_one_before_is_used(
    tmp_path: Path, damage, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "checkpoints"
    saved(directory, {1: 0.1, 2: 0.9, 3: 0.2})
    damage(directory / "3")
    checkpoints = Checkpoints(directory, writable=True)
    step, restored = checkpoints.resume(STATE) or (None, {})
    checkpoints.close()
    assert (step, int(restored["step"])) == (2, 7)
    assert len(caplog.messages) == 1
    assert re.match(r"checkpoint .*/checkpoints/3 is not used \(.* is (damaged|missing)\); it was", caplog.messages[0])
    assert sorted(p.name for p in directory.iterdir()) == ["2"]
    assert (tmp_path / "damaged" / "3" / "state").is_dir()


def test_a_damaged_checkpoint_whose_digests_were_not_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "checkpoints"
    saved(directory, {1: None, 2: None})
    (directory / "2" / "digests.json").rename(directory / "2" / "digests.json.partial")  # killed just then
    checkpoints = Checkpoints(directory, writable=True)
    assert checkpoints.resume(STATE)[0] == 2  # type: ignore[index]
    checkpoints.close()
    assert damage_of(directory / "2") is None  # and what was left over is not missed
    (directory / "2" / "digests.json").unlink()
    _empty(directory / "2" / "state")
    checkpoints = Checkpoints(directory, writable=True)
    assert checkpoints.resume(STATE)[0] == 1  # type: ignore[index]
    checkpoints.save(2, STATE)  # the step comes again
    checkpoints.close()
    assert "2 is not used" in caplog.messages[0]
    assert Checkpoints(directory).steps == [1, 2]


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_no_checkpoint_is_whole_one_error_names_the_newest(tmp_path: Path, damage) -> None:
    saved(tmp_path, {1: 0.9, 2: 0.1})
    for step in ("1", "2"):
        damage(tmp_path / step)
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    with pytest.raises(CheckpointError, match=r"cannot read checkpoint .*/2 \(.*; move it away") as error:
        Checkpoints(tmp_path, writable=True)
    assert "\n" not in str(error.value)
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before


def test_a_process_killed_while_it_removes_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    saved(tmp_path, {1: None, 2: None, 3: None})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.unwanted", "2", "3"]
    monkeypatch.undo()
    (tmp_path / "1.unwanted" / "_CHECKPOINT_METADATA").unlink()
    assert Checkpoints(tmp_path, writable=True).steps == [2, 3]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2", "3"]


def _no_room(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["orbax.checkpoint.v1.training.Checkpointer.wait", f"{FILES}.write_json"])
def test_a_full_disk_leaves_the_checkpoint_before(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(tmp_path, writable=True)
    checkpoints.save(1, STATE)
    checkpoints.wait()
    checkpoints.save(2, STATE)
    monkeypatch.setattr(where, _no_room)
    with pytest.raises(SaveFailed, match=r"step 2 in .*\(No space left on device\); the checkpoint of step 1 is kept"):
        checkpoints.close()
    monkeypatch.undo()
    assert int(Checkpoints(tmp_path).restore(1, STATE)["step"]) == 7


def test_what_comes_of_a_failed_save_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(tmp_path, writable=True)
    checkpoints.save(1, STATE)
    checkpoints.wait()
    checkpoints.save(2, STATE)
    close = checkpoints._checkpointer.close

    def not_empty() -> None:
        close()
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))

    monkeypatch.setattr(f"{FILES}.write_json", _no_room)
    monkeypatch.setattr(checkpoints._checkpointer, "close", not_empty)
    with pytest.raises(SaveFailed, match=r"step 2 in .*\(No space left on device\)"):
        checkpoints.close()


def test_notes_go_with_a_checkpoint_which_may_be_replaced(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, writable=True)
    checkpoints.save(4, STATE, notes={"evaluate": True})
    checkpoints.wait()
    assert checkpoints.notes(4) == {"evaluate": True}
    checkpoints.save(4, STATE, score=0.5)
    checkpoints.close()
    checkpoints = Checkpoints(tmp_path)
    assert (checkpoints.steps, checkpoints.best, checkpoints.notes(4)) == ([4], 4, {})


def test_a_checkpoint_of_another_model(tmp_path: Path) -> None:
    saved(tmp_path, {1: None})
    other = STATE | {"params": {"layers": {0: {"kernel": jnp.zeros((2, 4))}}}}
    with pytest.raises(CheckpointError, match=r"cannot read checkpoint .*move it away to start afresh"):
        Checkpoints(tmp_path).restore(1, other)
