"""The lock of a work directory: held by the one process that trains in it.

It is an advisory lock of the operating system on ``.lock``, which ends with the process. Some file systems have none,
and some systems no ``fcntl``: then two runs in one directory are not kept apart, which is said in a warning.
"""

import errno
import importlib
import time
import warnings
from pathlib import Path
from typing import Any, TextIO


def _fcntl() -> Any:
    try:
        return importlib.import_module("fcntl")
    except ImportError:  # no POSIX
        return None


_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)


class NoLocksWarning(UserWarning):
    """Two processes in one work directory are not kept apart."""


def locked(file: TextIO) -> bool:
    """Takes the lock, and holds it until the file is closed; False where another process holds it.

    Tries a few times, since whoever asks whether a run is in progress holds it for an instant. Warns (`NoLocksWarning`)
    where there are no locks.

    Args:
      file: opened for writing.
    """
    fcntl = _fcntl()
    if fcntl is None:
        _warn(file, "this system has no file locks")
        return True
    for _ in range(5):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            _warn(file, f"its file system has no locks ({error.strerror})")
            return True
        else:
            return True
    return False


def in_use(lock: Path) -> bool:
    """Whether a process holds the lock; False where that cannot be told."""
    fcntl = _fcntl()
    if fcntl is None:
        return False
    try:
        with lock.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _warn(file: TextIO, reason: str) -> None:
    warnings.warn(
        f"{Path(file.name).parent}: {reason}; see to it that no other process trains in this directory",
        NoLocksWarning,
        stacklevel=4,
    )
