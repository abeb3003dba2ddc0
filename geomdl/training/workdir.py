"""The work directory of a run: whose it is, and what it was made with.

``config.json`` holds the config, the versions and the hardware of the run that owns the directory.
"""

import fcntl
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import jax

import geomdl
from geomdl.training.config import RunConfig

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


class WorkdirError(ValueError):
    """A work directory that this run may not use."""


class Workdir:
    """The directory that a run owns, held for one process at a time.

    Args:
      path: made if it is not there.
      config: the config of the run.

    Raises:
      WorkdirError: when it belongs to a run with another config, to another process, or to something else altogether.
    """

    def __init__(self, path: Path | str, config: RunConfig) -> None:
        self.path = Path(path)
        try:
            self._take(config)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise WorkdirError(
                f"cannot make or use work directory {self.path} ({reason}); choose a place where you may write"
            ) from error

    def _take(self, config: RunConfig) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise WorkdirError(f"work directory {self.path} is a file; choose another")
        config_file = self.path / "config.json"
        begun = _begun(self.path)
        if config_file.exists() and begun:
            _refuse_another_config(config_file, _plain(config.to_dict()))
        elif config_file.exists():
            _read(config_file)  # ours: a run that failed before it did anything may be repeated with another config
        elif self.path.exists() and any(p.name not in _OURS for p in self.path.iterdir()):
            raise WorkdirError(
                f"work directory {self.path} is not empty and belongs to no run (no config.json); choose another"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / ".lock").open("w")
        if not _locked(self._lock):
            self._lock.close()
            raise WorkdirError(f"work directory {self.path} is in use by another process; wait, or choose another")
        if not begun:
            write_json(config_file, {"config": config.to_dict(), "versions": versions(), "hardware": hardware()})

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
        self._lock.close()


def read_config(path: Path | str) -> RunConfig:
    """Returns the config of the run that owns a work directory.

    Raises:
      WorkdirError: when there is none, or it cannot be read.
    """
    file = Path(path) / "config.json"
    if not file.exists():
        raise WorkdirError(f"{path} is no work directory of a run: it has no config.json")
    return RunConfig.from_config_dict(_read(file))


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


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that the numbers depend on."""
    found = {"python": platform.python_version(), "geomdl": geomdl.__version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def hardware() -> dict[str, Any]:
    """Returns the kind and number of the devices that JAX computes on."""
    devices = jax.devices()
    return {
        "platform": devices[0].platform,
        "device": devices[0].device_kind,
        "devices": len(devices),
        "cpu_cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "machine": platform.machine(),
    }


def write_json(path: Path, value: Any) -> None:
    """Writes a file that is either there as a whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _locked(file: TextIO) -> bool:
    """Takes the lock; tries a few times, since whoever asks whether a run is in progress holds it for an instant."""
    for _ in range(5):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()
_OURS = (".lock", "config.json.partial")


def _begun(path: Path) -> bool:
    metrics = path / "metrics.jsonl"
    return (path / "checkpoints").is_dir() or (metrics.exists() and metrics.stat().st_size > 0)


def require_same_config(path: Path | str, config: RunConfig) -> None:
    """Raises WorkdirError when a work directory belongs to a run with another config; touches nothing."""
    file = Path(path) / "config.json"
    if file.exists() and _begun(Path(path)):
        _refuse_another_config(file, _plain(config.to_dict()))


def _refuse_another_config(file: Path, new: dict[str, Any]) -> None:
    old = _with_defaults(_read(file))
    for config in (old, new):
        config["data"].pop("data_dir", None)  # where the data is found changes no numbers
        config.get("training", {}).pop("images", None)  # nor does what is drawn
    lines = differences(old, new)
    if lines:
        raise WorkdirError(
            f"work directory {file.parent} belongs to a run with another config ({'; '.join(lines)}); "
            "choose another --workdir, or the config it was made with"
        )


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
        written = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WorkdirError(f"cannot read {file} ({error}); nothing was changed") from error
    config = written.get("config") if isinstance(written, dict) else None
    if not isinstance(config, dict) or not all(isinstance(config.get(key), dict) for key in ("data", "model")):
        raise WorkdirError(
            f"cannot read {file} (it is not the config.json of a run); nothing was changed; "
            "choose another work directory"
        )
    return written


def _plain(value: Any) -> Any:
    """The value as it comes back from JSON."""
    return json.loads(json.dumps(value))
