"""JSON files of a work directory: written as a whole, and read with suspicion."""

import contextlib
import json
from pathlib import Path
from typing import Any

from geomdl.nesting import require_finite_nesting

LARGEST = 64 * 1024**2
"""Bytes; no file that a run writes is so large."""


def write_json(path: Path, value: Any) -> None:
    """Writes a file that is either there as a whole or not at all.

    Args:
      path: of the file.
      value: what `json` can write.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers.json"
    >>> write_json(path, {"accuracy": 0.5})
    >>> json.loads(path.read_text())
    {'accuracy': 0.5}
    """
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Writes a text file that is either there as a whole or not at all; nothing else is left where it cannot be.

    Args:
      path: of the file.
      text: in it.

    Raises:
      OSError: names the file.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = str(path), None
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    """Returns what a JSON file holds.

    Args:
      path: of the file.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no JSON, too large for a file of a run, or nested without end.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "bomb.json"
    >>> _ = path.write_text("[" * 100_000)
    >>> read_json(path)
    Traceback (most recent call last):
    ...
    ValueError: nested without end
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"larger than {LARGEST // 1024**2} MiB, as no file of a run is")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("nested without end") from None
    require_finite_nesting(value, "it")
    return value
