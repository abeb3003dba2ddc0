"""Checkpoints. All of Orbax is in this file.

``<workdir>/checkpoints/<step>/`` holds the state after that many steps. A checkpoint appears under its name only once
it is complete, so a process that is killed while it saves leaves the earlier ones as they were.
"""

import contextlib
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

from geomdl.errors import unknown
from geomdl.training.checkpoints.files import (
    DIGESTS,
    UNWANTED,
    Tidying,
    checkpoint_steps,
    damage_of,
    remove,
    write_digests,
)
from geomdl.training.checkpoints.parameter_mismatch import parameter_mismatch
from geomdl.training.checkpoints.recent_evaluations import Evaluated, RecentEvaluations, ranked
from geomdl.training.checkpoints.room import require_room
from geomdl.training.checkpoints.unfinished_saves import clear_away, end_unfinished_saves, reason_of
from geomdl.training.distributed import processes as distributed

LATEST = 2
"""How many of the latest checkpoints are kept: should the newest be damaged, there is the one before."""

Judge = Callable[[int, float | None, dict[str, Any]], float | None]
"""Of a step, the score that its checkpoint was saved with, and its notes: the score by which it is compared now."""

_OF_MODEL = ("params", "average", "rest")

_log = logging.getLogger(__name__)


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or that is not there."""


class SaveFailed(RuntimeError):
    """A checkpoint that could not be written: the disk is full, or may not be written to.

    Attributes:
      exit_status: of the command.
    """

    exit_status = 2


class _PreserveAll:
    """Leaves it to us to remove checkpoints: Orbax would remove their files one by one."""

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
        return [True] * len(checkpoints)


class Checkpoints:
    """The checkpoints of one run.

    Args:
      directory: where they are, one directory per step.
      keep: how many of the best are kept, besides the latest two.
      writable: for the one process that saves: clears away what a killed process had begun to save or to remove, and
        puts damaged checkpoints aside, into ``damaged/`` beside the directory, as long as there is one that is whole.
        Each is reported in the log.
      judge: gives the scores by which checkpoints are compared; None: as they were saved.

    Raises:
      CheckpointError: names a checkpoint that is damaged, where there is none to use in its place.
    """

    def __init__(self, directory: Path, *, keep: int = 1, writable: bool = False, judge: Judge | None = None) -> None:
        self.directory = directory.absolute()
        self._keep = keep
        self._held = RecentEvaluations(keep)
        self._judge = judge
        self._saves = writable
        self._writable = writable and distributed.first()
        self._tidying: Tidying | None = None
        if writable:
            distributed.by_first(self._look)
        else:
            self._look()
        self._open(writable)

    def _look(self) -> None:
        """Finds what is damaged, before Orbax reads it."""
        if self._writable:
            for path in self.directory.glob(f"*{UNWANTED}"):
                shutil.rmtree(path, ignore_errors=True)
        there = [self.directory / str(step) for step in checkpoint_steps(self.directory)]
        found = {p: damage_of(p, arrays=self._writable) for p in there}
        there = [p for p in there if p.exists()]  # the others were just being removed
        damaged = {int(p.name): damage for p in there if (damage := found[p])}
        if damaged and (not self._writable or len(damaged) == len(there)):
            step = max(damaged)
            raise CheckpointError(
                f"cannot read checkpoint {self.directory / str(step)} ({damaged[step]}); nothing was changed; "
                "move it away"
            )
        self._put_aside(damaged)

    def _open(self, writable: bool) -> None:
        try:
            self._checkpointer = ocp.training.Checkpointer(
                str(self.directory),
                preservation_policy=_PreserveAll(),
                cleanup_tmp_directories=writable,
            )
            found = self._checkpointer.checkpoints
            self._scores: dict[int, float | None] = {c.step: self._judged(c.step, _score(c.metrics)) for c in found}
        except Exception as error:  # whatever a damaged file makes Orbax raise
            reason = f"{type(error).__name__}: {error}"
            raise CheckpointError(
                f"cannot read the checkpoints in {self.directory} ({reason}); nothing was changed"
            ) from error

    def _judged(self, step: int, score: float | None) -> float | None:
        return score if self._judge is None else self._judge(step, score, self.notes(step))

    @property
    def steps(self) -> list[int]:
        """The steps of which there is a complete checkpoint, ascending."""
        return sorted(self._scores)

    @property
    def latest(self) -> int | None:
        """The step of the latest checkpoint, or None."""
        return max(self._scores, default=None)

    @property
    def best(self) -> int | None:
        """The step with the greatest score, the earlier among equals; the latest step when there are no scores."""
        return next(iter(ranked(self._scores)), self.latest)

    def find(self, which: str | int) -> int:
        """Returns the step that ``"best"``, ``"latest"`` or a number stands for.

        Raises:
          CheckpointError: when there is no such checkpoint.
        """
        if not self.steps:
            raise CheckpointError(f"no checkpoint in {self.directory}; train first")
        step = {"best": self.best, "latest": self.latest}.get(str(which))
        if step is None:
            step = next((s for s in self.steps if str(s) == str(which)), None)
        if step is None:
            raise CheckpointError(str(unknown("checkpoint", str(which), ["best", "latest", *self.steps])))
        return step

    def save(self, step: int, state: Any, *, score: float | None = None, notes: dict[str, Any] | None = None) -> None:
        """Saves in the background. On return the state has been copied, and its buffers may be donated.

        Args:
          step: the number of steps taken. A checkpoint of this step that is already there is replaced.
          state: arrays and numbers in nested dicts, tuples and dataclasses.
          score: greater is better; None where it was not measured.
          notes: small plain values to go with it, see `notes`.

        Raises:
          SaveFailed: when this checkpoint, or the one before it, could not be written.
        """
        self.save_held(step, score)
        self._save(step, state, score, notes)

    def hold(self, step: int, state: Any, *, score: float, notes: dict[str, Any] | None = None) -> None:
        """Keeps a copy of an evaluation in memory, if it is one of the best; the next `save` writes it first.

        So what is best at the end is what would be had every evaluation been saved. Where the process is killed
        before, the run goes on from the latest checkpoint and comes to the same evaluation again.

        Args:
          step: the number of steps taken.
          state: see `save`.
          score: greater is better.
          notes: see `save`.
        """
        self._held.offer(Evaluated(step, state, score, notes or {}), self._scores)

    def save_held(self, step: int | None = None, score: float | None = None) -> bool:
        """Saves what is held and still among the best, with the score of a step that is not saved; see `hold`.

        Returns:
          Whether there was any.

        Raises:
          SaveFailed: see `save`.
        """
        better = self._held.take(self._scores if step is None else {**self._scores, step: score})
        for held in better:
            self._save(held.step, held.state, held.score, held.notes)
        return bool(better)

    def _save(self, step: int, state: Any, score: float | None, notes: dict[str, Any] | None) -> None:
        self.wait()
        if step in self._scores:
            self._forget(step)
        metrics: dict[str, Any] | None = None if score is None else {"score": float(score)}
        try:
            if self._writable:
                require_room(self.directory, step, state)
            self._checkpointer.save_async(step, _whole(state), force=True, metrics=metrics, custom_metadata=notes or {})
        except Exception as error:
            raise self._not_saved(step, error) from error
        self._scores[step] = score
        wanted = {*self.steps[-LATEST:], *ranked(self._scores)[: self._keep]}
        unwanted = [s for s in self.steps if s not in wanted]
        for other in unwanted:
            del self._scores[other]
        if self._writable:
            self._tidying = Tidying(self.directory, step, unwanted)

    def notes(self, step: int) -> dict[str, Any]:
        """Returns the notes that were saved with a checkpoint; empty when there are none."""
        path = self.directory / str(step) / "_CHECKPOINT_METADATA"
        return json.loads(path.read_text(encoding="utf-8")).get("custom_metadata") or {}

    def resume(self, like: Any) -> tuple[int, Any] | None:
        """Reads the latest checkpoint that can be read; those after it are put aside, and reported.

        Args:
          like: see `restore`; or a function of the step that gives it.

        Returns:
          The step and the state; None when there is no checkpoint.

        Raises:
          CheckpointError: when none can be read, or the latest is whole but of something else.
        """
        failed: dict[int, CheckpointError] = {}
        for step in reversed(self.steps):
            try:
                restored = self.restore(step, like(step) if callable(like) else like)
            except CheckpointError as error:
                if (self.directory / str(step) / DIGESTS).exists():
                    raise
                failed[step] = error  # the process was killed just after it had saved, and the machine went down
                continue
            if failed and self._saves:
                self._checkpointer.close()
                distributed.by_first(lambda: self._put_aside({step: str(error) for step, error in failed.items()}))
                self._open(writable=True)
            if self._writable:
                for whole in self.steps:
                    write_digests(self.directory / str(whole))
            return step, restored
        for error in failed.values():
            raise error
        return None

    def restore(self, step: int, like: Any) -> Any:
        """Reads a checkpoint.

        Args:
          step: which.
          like: arrays (or `jax.ShapeDtypeStruct`) and numbers in the structure, shapes and types that are expected.

        Raises:
          CheckpointError: names the checkpoint when it cannot be read.
        """
        path = self.directory / str(step)
        damage = damage_of(path)
        if damage:
            raise self._unreadable(path, step, damage)
        found = _parameter_mismatch(path, like) if (path / DIGESTS).exists() else None  # else it may be damaged
        if found:
            raise self._another(path, found)
        try:
            return _with_empty(self._checkpointer.load(step, _abstract(like)), like)
        except Exception as error:  # whatever a damaged file makes Orbax raise
            raise self._unreadable(path, step, _reason(error)) from error

    def restore_model(self, step: int, params: Any, rest: Any) -> tuple[Any, Any]:
        """Reads the model of a checkpoint of a run, whatever optimiser it was trained with.

        Args:
          step: which.
          params: parameters in the structure, shapes and types that are expected.
          rest: the same of the other variables.

        Returns:
          The parameters that were evaluated, their average where there is one; and the other variables.

        Raises:
          CheckpointError: names the checkpoint when it cannot be read.
        """
        path = self.directory / str(step)
        damage = damage_of(path)
        if damage:
            raise self._unreadable(path, step, damage)
        try:
            tree: Any = ocp.metadata(str(path)).metadata
            there = set(tree["state"])
        except Exception:  # damaged: reading says how
            there = set()
        evaluated = "average" if "average" in there else "params"
        like = {"state": {evaluated: params, "rest": rest}}
        found = _parameter_mismatch(path, like) if (path / DIGESTS).exists() else None
        if found:
            raise self._another(path, found)
        partial = ocp.Context()
        partial.pytree.loading.partial_load = True
        try:
            with partial, ocp.training.Checkpointer(str(self.directory), preservation_policy=_PreserveAll()) as reader:
                state = _with_empty(reader.load(step, _abstract(like)), like)["state"]
        except Exception as error:  # whatever a damaged file makes Orbax raise
            raise self._unreadable(path, step, _reason(error)) from error
        return state[evaluated], state["rest"]

    def wait(self) -> None:
        """Returns when everything is on disk.

        Raises:
          SaveFailed: when it could not be written.
        """
        if self._saves:
            distributed.together(self._wait)
        else:
            self._wait()

    def _wait(self) -> None:
        tidying, self._tidying = self._tidying, None
        step = tidying.step if tidying else self.latest
        try:
            self._checkpointer.wait()
        except Exception as error:
            if tidying:
                tidying.give_up()
            raise self._not_saved(step, error) from error
        if tidying:
            error = tidying.finished()
            if error is not None:
                raise self._not_saved(step, error) from error

    def close(self) -> None:
        """Waits for what is being saved, and lets go of the directory."""
        try:
            self.wait()
        except BaseException:
            with contextlib.suppress(Exception):  # which comes of the first, and would hide it
                self._checkpointer.close()
            raise
        self._checkpointer.close()

    def leave(self) -> None:
        """To be called after an error, of which other processes may not know: waits for none of them.

        What has begun to be saved is finished, if it can be.
        """
        if distributed.alone():
            self.close()
            return
        try:
            self._wait()
        except SaveFailed as error:
            _log.warning("%s", error)

    def _forget(self, step: int) -> None:
        """Removes a checkpoint that is to be replaced."""
        self._checkpointer.close()
        distributed.by_first(lambda: remove(self.directory / str(step)))
        self._open(writable=True)

    def _put_aside(self, damaged: dict[int, str]) -> None:
        for step, reason in sorted(damaged.items()):
            path, aside = self.directory / str(step), self.directory.parent / "damaged" / str(step)
            aside.parent.mkdir(exist_ok=True)
            shutil.rmtree(aside, ignore_errors=True)
            try:
                path.rename(aside)
            except FileNotFoundError:  # it was just being removed
                continue
            _log.warning("checkpoint %s is not used (%s); it was moved to %s", path, reason, aside)

    def _not_saved(self, step: int | None, error: BaseException) -> SaveFailed:
        end_unfinished_saves()
        if step is not None:
            self._scores.pop(step, None)
        reason = reason_of(error)
        clear_away(self.directory, step)
        there = [other for other in checkpoint_steps(self.directory) if other != step]
        if not self.directory.parent.is_dir():
            advice = "nothing of the run is there any more; put it back, or give the same command again to begin anew"
        elif not there:
            advice = "no checkpoint is there; give the same command again, when it can write there, to begin anew"
        else:
            advice = (
                f"the checkpoint of step {there[-1]} is kept; when there is room to write, give the same command again "
                "to go on from it"
            )
        return SaveFailed(f"cannot save the checkpoint of step {step} in {self.directory} ({reason}); {advice}")

    def _another(self, path: Path, found: str) -> CheckpointError:
        return CheckpointError(
            f"checkpoint {path} is of another model ({found}); nothing was changed; give the config, and the "
            "version of geomdl, that it was made with"
        )

    def _unreadable(self, path: Path, step: int, reason: str) -> CheckpointError:
        earlier = [s for s in self.steps if s < step]
        advice = f"move it away to go on from step {earlier[-1]}" if earlier else "move it away to start afresh"
        return CheckpointError(f"cannot read checkpoint {path} ({reason}); nothing was changed; {advice}")


def _parameter_mismatch(path: Path, like: Any) -> str | None:
    """Which parameters of a checkpoint are not as expected; None when they are, or it cannot be told."""
    try:
        there: Any = ocp.metadata(str(path)).metadata
        return parameter_mismatch(
            *({name: tree["state"][name] for name in like["state"] if name in _OF_MODEL} for tree in (there, like))
        )
    except Exception:  # damaged, or not of a run
        return None


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _score(metrics: Any) -> float | None:
    return (metrics or {}).get("score")


def _abstract(tree: Any) -> Any:
    """Of a tree of arrays what `load` expects."""

    def of_one(x: Any) -> Any:
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding) if isinstance(x, jax.Array) else x

    return jax.tree.map(of_one, _whole(tree))


def _is_empty(x: Any) -> bool:
    return 0 in getattr(x, "shape", ())


def _whole(tree: Any) -> Any:
    """Without the arrays that have no elements (the bias of a vector field), which cannot be saved."""
    return jax.tree.map(lambda x: None if _is_empty(x) else x, tree)


def _with_empty(read: Any, like: Any) -> Any:
    """What was read of `_whole`, with the arrays that have no elements."""
    leaves, structure = jax.tree.flatten(like)
    found = iter(jax.tree.leaves(read))
    return jax.tree.unflatten(
        structure, [jnp.zeros(leaf.shape, leaf.dtype) if _is_empty(leaf) else next(found) for leaf in leaves]
    )
