"""When a change of a run's config is written down, and how it is taken back.

A change is written down with the first checkpoint that is made under it: until then the run is what it was, and
becomes so again should anything fail.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from geomdl.training.distributed.processes import by_first, first
from geomdl.training.workdir.history import SEEN, History
from geomdl.training.workdir.run_facts import read_notes_of_checkpoints


class Settlement:
    """The change of a config with which a run goes on; none, for a run that goes on as it was.

    Args:
      path: of the work directory.
      history: of the run.
      write: writes the change down.

    Attributes:
      notes: that go with checkpoints made under it.
      settled: whether it is written down; a run without a change has nothing to write.
    """

    def __init__(self, path: Path, history: History, write: Callable[[], None]) -> None:
        self.notes: dict[str, Any] = {SEEN: history.seen} if history.seen else {}
        self.settled = not history.pending
        self._path, self._seen, self._write = path, history.seen, write
        self._before: dict[Path, bytes | None] = {}
        self._events: set[Path] = set()
        if history.pending and first():
            files = [path / name for name in ("config.json", "run.json", "metrics.jsonl")]
            self._before = {file: file.read_bytes() if file.is_file() else None for file in files}
            self._events = set(_events(path))

    def settle(self) -> None:
        """Writes the change down, once; to be called before a checkpoint is made."""
        if not self.settled:
            by_first(self._write)
            self.settled = True

    def take_back(self) -> bool:
        """Makes the run what it was before the change, unless there is a checkpoint that was made under it.

        Returns:
          Whether there was a change to take back.
        """
        if not self._before or any(n.get(SEEN) == self._seen for n in read_notes_of_checkpoints(self._path)):
            return False
        for file, content in self._before.items():
            now = file.read_bytes() if file.is_file() else None
            if now == content:
                continue
            if content is None:
                file.unlink()
            else:
                partial = file.with_name(file.name + ".partial")
                partial.write_bytes(content)
                partial.replace(file)
        for file in set(_events(self._path)) - self._events:
            file.unlink(missing_ok=True)
        return True


def _events(path: Path) -> list[Path]:
    return list((path / "tensorboard").glob("*")) if (path / "tensorboard").is_dir() else []
