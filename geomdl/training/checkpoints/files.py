"""The files of checkpoints: digests that show damage, and removal.

``digests.json`` in a checkpoint holds the SHA-256 of every other file, by which damage is found before anything is
read. A checkpoint that is no longer wanted gets another name before it is removed: one under its step is whole.
"""

import hashlib
import shutil
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

from geomdl.training.workdir.json_file import read_json, write_json

DIGESTS = "digests.json"
UNWANTED = ".unwanted"
"""Ends the name of a checkpoint that is being removed."""


class Tidying:
    """The work after a checkpoint is complete, done in a thread: writing its digests, removing older ones.

    Args:
      directory: of the checkpoints.
      step: of the one that is being saved.
      unwanted: the steps of those that are to be removed.
    """

    def __init__(self, directory: Path, step: int, unwanted: Collection[int]) -> None:
        self.step = step
        self._directory, self._unwanted = directory, unwanted
        self._saved = threading.Event()
        self._given_up = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finished(self) -> Exception | None:
        """To be called once the checkpoint is there: waits for the rest; returns what went wrong."""
        self._saved.set()
        self._thread.join()
        return self._error

    def give_up(self) -> None:
        """To be called when the checkpoint could not be written."""
        self._given_up = True
        self.finished()

    def _run(self) -> None:
        path = self._directory / str(self.step)
        while not path.is_dir():  # it gets its name when it is complete
            if self._saved.wait(0.05):
                break
        if self._given_up or not path.is_dir():
            return
        try:
            write_digests(path)
            for step in self._unwanted:
                remove(self._directory / str(step))
        except Exception as error:
            self._error = error


def remove(checkpoint: Path) -> None:
    """Removes a checkpoint, such that it never has its name and is not whole."""
    unwanted = checkpoint.with_name(checkpoint.name + UNWANTED)
    shutil.rmtree(unwanted, ignore_errors=True)
    checkpoint.rename(unwanted)
    shutil.rmtree(unwanted, ignore_errors=True)


def checkpoint_steps(directory: Path) -> list[int]:
    """Returns the steps of the checkpoints in a directory, ascending, whole or not; none where there is no directory.

    >>> checkpoint_steps(Path("nowhere"))
    []
    """
    names = (path.name for path in directory.glob("[0-9]*") if path.is_dir())
    return sorted(int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 19)


def _files(checkpoint: Path) -> list[Path]:
    return sorted(p for p in checkpoint.rglob("*") if p.is_file() and not p.name.startswith(DIGESTS))


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_digests(checkpoint: Path) -> None:
    """Notes the digests of a complete checkpoint, once."""
    if not (checkpoint / DIGESTS).exists():
        write_json(checkpoint / DIGESTS, {str(p.relative_to(checkpoint)): _digest(p) for p in _files(checkpoint)})


def damage_of(checkpoint: Path, *, arrays: bool = True) -> str | None:
    """Names the first file that is missing or not as it was written. None when all are well, or nothing is known.

    Args:
      checkpoint: its directory.
      arrays: looks at the arrays too, not only at the small files about them.
    """
    try:
        digests: Any = read_json(checkpoint / DIGESTS)
    except FileNotFoundError:
        # The process was killed just after it had saved.
        return "its arrays are missing" if arrays and not (checkpoint / "state").is_dir() else None
    except ValueError:
        return f"{checkpoint / DIGESTS} is damaged"
    if not isinstance(digests, dict) or not all(isinstance(digest, str) for digest in digests.values()):
        return f"{checkpoint / DIGESTS} is damaged"
    for name, digest in digests.items():
        if name.startswith("state/") and not arrays:
            continue
        if not (checkpoint / name).is_file():
            return f"{name} is missing"
        if _digest(checkpoint / name) != digest:
            return f"{name} is damaged"
    return None
