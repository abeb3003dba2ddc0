"""Checkpoints. All of Orbax is in this file.

``<workdir>/checkpoints/<step>/`` holds the state after that many steps. A checkpoint appears under its name only once
it is complete, so a process that is killed while it saves leaves the earlier ones as they were. ``digests.json`` in it
holds the SHA-256 of every other file, by which damage is found before anything is read.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from orbax.checkpoint import v1 as ocp

from geomdl.errors import unknown
from geomdl.training.workdir import write_json

_DIGESTS = "digests.json"


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or that is not there."""


class _BestAndLatest:
    """Keeps the latest checkpoint and the ``count`` with the greatest scores; among equals the earlier."""

    def __init__(self, count: int) -> None:
        self.count = count

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
        kept = {c.step for c in sorted(checkpoints, key=_rank)[: self.count]}
        return [c.step in kept or i == len(checkpoints) - 1 for i, c in enumerate(checkpoints)]


def _rank(checkpoint: Any) -> tuple[float, int]:
    """Sorts the best first; without a score last."""
    score = (checkpoint.metrics or {}).get("score")
    return (float("inf") if score is None else -score, checkpoint.step)


class Checkpoints:
    """The checkpoints of one run.

    Args:
      directory: where they are, one directory per step.
      keep: how many of the best are kept, besides the latest.
      writable: clears away what a killed process had begun to save; for the one process that saves.

    Raises:
      CheckpointError: names a checkpoint that is damaged.
    """

    def __init__(self, directory: Path, *, keep: int = 1, writable: bool = False) -> None:
        self.directory = directory.absolute()
        self._writable = writable
        for path in self.directory.glob("[0-9]*"):
            damage = damage_of(path, arrays=False)
            if damage:
                raise CheckpointError(f"cannot read checkpoint {path} ({damage}); nothing was changed; move it away")
        try:
            self._checkpointer = ocp.training.Checkpointer(
                str(self.directory), preservation_policy=_BestAndLatest(keep), cleanup_tmp_directories=writable
            )
        except Exception as error:  # whatever a damaged file makes Orbax raise
            reason = f"{type(error).__name__}: {error}"
            raise CheckpointError(
                f"cannot read the checkpoints in {directory} ({reason}); nothing was changed"
            ) from error

    @property
    def steps(self) -> list[int]:
        """The steps of which there is a complete checkpoint, ascending."""
        return [c.step for c in self._checkpointer.checkpoints]

    @property
    def latest(self) -> int | None:
        """The step of the latest checkpoint, or None."""
        return self.steps[-1] if self.steps else None

    @property
    def best(self) -> int | None:
        """The step with the greatest score, the earlier among equals; the latest step when there are no scores."""
        checkpoints = self._checkpointer.checkpoints
        return min(checkpoints, key=_rank).step if any(c.metrics for c in checkpoints) else self.latest

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

    def save(self, step: int, state: Any, *, score: float | None = None) -> None:
        """Saves in the background. On return the state has been copied, and its buffers may be donated.

        Args:
          step: the number of steps taken.
          state: arrays and numbers in nested dicts, tuples and dataclasses.
          score: greater is better; None where it was not measured.
        """
        self.wait()
        metrics: dict[str, Any] | None = None if score is None else {"score": float(score)}
        self._checkpointer.save_async(step, state, force=True, metrics=metrics)

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
        try:
            return self._checkpointer.load(step, jax.tree.map(_abstract, like))
        except Exception as error:  # whatever a damaged file makes Orbax raise
            raise self._unreadable(
                path, step, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            ) from error

    def wait(self) -> None:
        """Returns when everything is on disk."""
        self._checkpointer.wait()
        if self._writable:
            for step in self.steps:
                _write_digests(self.directory / str(step))

    def close(self) -> None:
        """Waits for what is being saved, and lets go of the directory."""
        self.wait()
        self._checkpointer.close()

    def _unreadable(self, path: Path, step: int, reason: str) -> CheckpointError:
        earlier = [s for s in self.steps if s < step]
        advice = f"move it away to go on from step {earlier[-1]}" if earlier else "move it away to start afresh"
        return CheckpointError(f"cannot read checkpoint {path} ({reason}); nothing was changed; {advice}")


def _files(checkpoint: Path) -> list[Path]:
    return sorted(p for p in checkpoint.rglob("*") if p.is_file() and p != checkpoint / _DIGESTS)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write_digests(checkpoint: Path) -> None:
    """Notes the digests of a complete checkpoint, once."""
    if not (checkpoint / _DIGESTS).exists():
        write_json(checkpoint / _DIGESTS, {str(p.relative_to(checkpoint)): _digest(p) for p in _files(checkpoint)})


def damage_of(checkpoint: Path, *, arrays: bool = True) -> str | None:
    """Names the first file that is missing or not as it was written. None when all are well, or nothing is known.

    Args:
      checkpoint: its directory.
      arrays: looks at the arrays too, not only at the small files about them.
    """
    try:
        digests: dict[str, str] = json.loads((checkpoint / _DIGESTS).read_text())
    except FileNotFoundError:
        return None  # the process was killed just after it had saved
    except ValueError:
        return f"{checkpoint / _DIGESTS} is damaged"
    for name, digest in digests.items():
        if name.startswith("state/") and not arrays:
            continue
        if not (checkpoint / name).is_file():
            return f"{name} is missing"
        if _digest(checkpoint / name) != digest:
            return f"{name} is damaged"
    return None


def _abstract(x: Any) -> Any:
    if isinstance(x, jax.Array):
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)
    return x
