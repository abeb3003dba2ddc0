"""What is left of a save that failed: Orbax's threads, which wait for a folder that will never be made, and its files.

The threads wait for ten minutes, and Python for them before it leaves the process: a run whose disk may not be written
to would seem to hang.
"""

import contextlib
import shutil
import threading
import time
from pathlib import Path
from typing import Any

PATIENCE = 3.0
"""Seconds in which they are waited for."""


class _EverySignal(dict[str, str]):
    """Signals all of which have been given; Orbax's threads wait for one of them."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        return ""


def end_unfinished_saves() -> None:
    """Lets the threads of a save that failed go on to their own errors, and waits until they have ended."""
    try:
        from orbax.checkpoint._src.futures import future, signaling_client

        client: Any = signaling_client.get_signaling_client()
        condition, given = client._condition, client._data
        kind = future._SignalingThread
    except (ImportError, AttributeError, RuntimeError):  # another version of Orbax, or several processes
        return
    with condition:
        client._data = _EverySignal(given)
        condition.notify_all()
    end = time.monotonic() + PATIENCE
    for thread in threading.enumerate():
        if isinstance(thread, kind):
            _join(thread, end)
    with condition:
        client._data = dict(client._data)


def _join(thread: threading.Thread, end: float) -> None:
    """Waits for a thread without raising what it raised."""
    while thread.is_alive() and time.monotonic() < end:
        time.sleep(0.01)


_REASONS = {
    "PERMISSION_DENIED": "Permission denied",
    "RESOURCE_EXHAUSTED": "No space left on device",
    "NOT_FOUND": "its directory has been removed or renamed",
    "Checkpoint directory does not exist": "its directory has been removed or renamed",
}
"""What TensorStore and Orbax call the faults of a disk."""


def reason_of(error: BaseException) -> str:
    """Returns why a save failed, in a few words.

    >>> reason_of(ValueError("RESOURCE_EXHAUSTED: Error writing local file"))
    'No space left on device'
    """
    if isinstance(error, FileNotFoundError):
        return _REASONS["NOT_FOUND"]
    text = " ".join((getattr(error, "strerror", None) or str(error)).split())
    return next((words for code, words in _REASONS.items() if text.startswith(code)), text[:300])


def clear_away(directory: Path, step: int | None) -> None:
    """Removes the files of a save that failed; and the directory, where Orbax made it anew after a run was moved away.

    Args:
      directory: of the checkpoints.
      step: of the checkpoint.
    """
    time.sleep(0.2)  # who removes the directory may still be at it
    shutil.rmtree(directory / f"{step}.orbax-checkpoint-tmp", ignore_errors=True)
    if not (directory.parent / "config.json").exists():
        with contextlib.suppress(OSError):  # not empty
            directory.rmdir()
            directory.parent.rmdir()
