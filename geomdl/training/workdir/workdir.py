"""The work directory of a run: its lock, its config, and the versions and hardware it was made with.

``config.json`` holds the config, the versions and the hardware of the run that owns the directory.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from geomdl.environment import hardware, versions
from geomdl.errors import unknown
from geomdl.paths import is_pretrained, local_path, run_folder
from geomdl.training.configuration.config import RunConfig
from geomdl.training.configuration.flat_config import flat
from geomdl.training.distributed.processes import by_first, together
from geomdl.training.workdir.json_file import read_json, write_json
from geomdl.training.workdir.lock import locked


class WorkdirError(ValueError):
    """A work directory that this run may not use."""


class Workdir:
    """The directory that a run owns, held for one process at a time: of several that train together, by process 0.

    Args:
      path: made if it is not there.
      config: the config of the run.
      allow_change: dotted paths, or sections, in which it may differ from the config in the directory, which stays as
        it is; see `geomdl.training.workdir.history.write_change`.

    Raises:
      WorkdirError: when it belongs to a run with another config, to another process, or to something else altogether.
    """

    def __init__(self, path: Path | str, config: RunConfig, *, allow_change: Sequence[str] = ()) -> None:
        if is_pretrained(path):
            raise WorkdirError(f"work directory {path} is a network that geomdl brings along; choose a folder of yours")
        self.path = local_path(path, "work directory")
        _require_paths(allow_change, config)
        self._lock: TextIO | None = None
        by_first(lambda: self._hold(config, allow_change))
        together(self._require_shared)

    def _hold(self, config: RunConfig, allow_change: Sequence[str]) -> None:
        try:
            self._take(config, allow_change)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise WorkdirError(
                f"cannot make or use work directory {self.path} ({reason}); choose a place where you may write"
            ) from error

    def _take(self, config: RunConfig, allow_change: Sequence[str]) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise WorkdirError(f"work directory {self.path} is a file; choose another")
        config_file = self.path / "config.json"
        had_begun = begun(self.path)
        if config_file.exists() and had_begun:
            _refuse_another_config(config_file, config, allow_change)
        elif config_file.exists():
            _read(config_file)  # ours: a run that failed before it did anything may be repeated with another config
        elif self.path.exists() and any(p.name not in _OURS for p in self.path.iterdir()):
            raise WorkdirError(
                f"work directory {self.path} is not empty and belongs to no run (no config.json); choose another"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / ".lock").open("w")
        if not locked(self._lock):
            self._lock.close()
            self._lock = None
            raise WorkdirError(f"work directory {self.path} is in use by another process; wait, or choose another")
        if not had_begun:
            write_json(config_file, {"config": config.to_dict(), "versions": versions(), "hardware": hardware()})

    def _require_shared(self) -> None:
        if not (self.path / "config.json").exists():
            raise WorkdirError(
                f"work directory {self.path} is not the one that process 0 has made; all processes need the same, on a "
                "file system that they share"
            )

    @property
    def checkpoints(self) -> Path:
        """Where the checkpoints are."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        """The records of the run, one JSON object per line."""
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        """Where the TensorBoard events are."""
        return self.path / "tensorboard"

    def __enter__(self) -> "Workdir":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.close()


def read_config(path: Path | str) -> RunConfig:
    """Returns the config of the run that owns a work directory.

    Args:
      path: of the work directory.

    Raises:
      WorkdirError: when there is none, or it cannot be read.
    """
    file = run_folder(path) / "config.json"
    if not file.exists():
        raise WorkdirError(f"{path} is no work directory of a run: it has no config.json")
    values = _read(file)
    try:
        return RunConfig.from_config_dict(values)
    except ValueError as error:  # e.g. a file that it names is no longer there
        raise WorkdirError(f"cannot use {file}: {error}") from error


def differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """Returns one line for every value in which two configs differ.

    >>> differences({"optimizer": {"name": "sgd"}, "seed": 0}, {"optimizer": {"name": "adam"}, "seed": 0})
    ["optimizer.name: 'sgd' there, 'adam' here"]
    """
    lines: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        there, here = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if isinstance(there, dict) and isinstance(here, dict):
            lines += differences(there, here, f"{prefix}{key}.")
        elif there != here:
            lines.append(f"{prefix}{key}: {there!r} there, {here!r} here")
    return lines


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()
_OURS = (".lock", "config.json.partial")


def begun(path: Path) -> bool:
    """Whether a run has left records or checkpoints in a work directory."""
    metrics = path / "metrics.jsonl"
    return (path / "checkpoints").is_dir() or (metrics.exists() and metrics.stat().st_size > 0)


def require_same_config(path: Path | str, config: RunConfig) -> None:
    """Raises WorkdirError when a work directory belongs to a run with another config; touches nothing."""
    file = local_path(path, "work directory") / "config.json"
    if file.exists() and begun(file.parent):
        _refuse_another_config(file, config)


def _refuse_another_config(file: Path, config: RunConfig, allow: Sequence[str] = ()) -> None:
    lines = differences(*_both(file, config))
    allowed = tuple(f"{path}{end}" for path in allow for end in (":", "."))
    lines = [line for line in lines if not line.startswith(allowed)]
    if lines:
        keys = ",".join(line.split(":")[0] for line in lines)
        raise WorkdirError(
            f"work directory {file.parent} belongs to a run with another config ({'; '.join(lines)}); "
            "choose another --workdir, or the config it was made with, or go on with what has changed: "
            f"--allow-change={keys}"
        )


def _both(file: Path, config: RunConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """The config in config.json and this one, without what changes no numbers."""
    both = _with_defaults(_read(file)), _plain(config.to_dict())
    for values in both:
        values["data"].pop("data_dir", None)  # where the data is found changes no numbers
        values["model"].pop("init_from", None)  # a run that has begun has weights of its own
        for key in ("images", "workers"):  # nor do pictures, and who reads the data
            values.get("training", {}).pop(key, None)
    return both


def changes_of(file: Path, config: RunConfig) -> list[str]:
    """Returns one line for every value in which a config.json and a config differ in what may change numbers."""
    return differences(*_both(file, config))


def _require_paths(paths: Sequence[str], config: RunConfig) -> None:
    known = flat(config.to_dict())
    for path in paths:
        if path not in known and not any(key.startswith(f"{path}.") for key in known):
            raise unknown("--allow-change", path, list(known))


def _with_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """A config that an earlier version wrote, with today's defaults for what has been added since."""
    try:
        return _plain(RunConfig.from_config_dict(config).to_dict())
    except ValueError:
        return config  # no config of today: the differences will show it


def _read(file: Path) -> dict[str, Any]:
    """The config in a config.json, which must be one that a run wrote."""
    return read_written(file)["config"]


def read_written(file: Path) -> dict[str, Any]:
    """Returns what a run wrote into its config.json: ``config``, ``versions`` and ``hardware``, not validated.

    Raises:
      WorkdirError: when it cannot be read, or no run wrote it.
    """
    try:
        written = read_json(file)
    except (ValueError, OSError) as error:
        raise WorkdirError(f"cannot read {file} ({error}); nothing was changed") from error
    config = written.get("config") if isinstance(written, dict) else None
    sections = config if isinstance(config, dict) else {}
    plain = all(isinstance(value, dict) for key, value in sections.items() if key != "seed")
    if not isinstance(config, dict) or not plain or not {"data", "model"} <= set(config):
        raise WorkdirError(
            f"cannot read {file} (it is not the config.json of a run); nothing was changed; "
            "choose another work directory"
        )
    return written


def _plain(value: Any) -> Any:
    """The value as it comes back from JSON."""
    return json.loads(json.dumps(value))
