"""Paths as users write them: with ``~`` and variables, on the file systems of this machine."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geomdl.errors import invalid

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(gs|s3|file|hdfs|https?|ftp|az|abfss?|memory):/", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(\w+|\{[^}]*\})")
_KEY = re.compile(r"(^|_)(path|file|folder|dir|directory)s?$")


def is_url(value: object) -> bool:
    """Whether this is a URL, also one whose slashes have been made one by `pathlib`.

    >>> is_url("gs://bucket/run"), is_url("file:/tmp/run"), is_url("runs/c4"), is_url("c.py:argument")
    (True, True, False, False)
    """
    return _URL.match(os.fspath(value)) is not None if isinstance(value, str | os.PathLike) else False


def local_path(value: str | os.PathLike[str], what: str = "path") -> Path:
    """Returns a path with ``~``, ``~user``, ``$NAME`` and ``${NAME}`` replaced; a relative one stays relative.

    A name that has such a sign in it, and is there as it is written, is taken as it is written.

    Args:
      value: as a user wrote it.
      what: the option or the key of the config that it comes from, for errors.

    Raises:
      ValueError: it is a URL, it is empty, or there is no such user or variable.

    >>> local_path("~/runs/c4", "--workdir") == Path.home() / "runs/c4"
    True
    >>> local_path("gs://bucket/c4", "--workdir")
    Traceback (most recent call last):
    ValueError: invalid --workdir 'gs://bucket/c4'; allowed: a path on a file system of this machine, no URL (copy the
    data here, or mount the storage)
    """
    text = os.fspath(value)
    if is_url(text):
        allowed = "a path on a file system of this machine, no URL (copy the data here, or mount the storage)"
        raise invalid(what, text, allowed)
    if not text.strip() or "\0" in text:
        raise invalid(what, text, "the path of a file or folder")
    home = text.startswith("~")
    if not home and "$" not in text:
        return Path(text)
    if text not in ("~",) and not text.startswith("~/") and Path(text).exists():
        return Path(text)
    for found in _VARIABLE.finditer(text):
        name = found[1].strip("{}")
        if not os.environ.get(name):
            raise invalid(what, text, f"a path whose variables are set, but the environment has no {name or 'name'}")
    expanded = os.path.expanduser(os.path.expandvars(text)) if home else os.path.expandvars(text)
    if home and expanded.startswith("~"):
        raise invalid(what, text, f"a path in a home directory, but there is none of {expanded.split('/')[0]}")
    if is_url(expanded):
        return local_path(expanded, f"{what}={text}, which is")
    return Path(expanded)


def holds_path(key: str) -> bool:
    """Whether a key of a config holds paths: its name is, or ends with, path, file, folder, dir or directory.

    >>> holds_path("path"), holds_path("data_dir"), holds_path("label_files"), holds_path("profile")
    (True, True, True, False)
    """
    return _KEY.search(key) is not None


def located(value: Any, what: str, folders: Sequence[Path] = ()) -> Any:
    """Returns the value of a key that holds paths, with absolute paths; what is no text stays as it is.

    Args:
      value: a path, a list of paths, or anything else.
      what: the key, for errors.
      folders: what relative paths are relative to: the first in which the path is there, else the first. Without any:
        the current directory.

    Raises:
      ValueError: see `local_path`.

    >>> located("n.npz", "data.path", [Path("/data")]), located(None, "data.path")
    ('/data/n.npz', None)
    """
    if isinstance(value, list | tuple):
        return type(value)(located(each, what, folders) for each in value)
    if not isinstance(value, str):
        return value
    path = local_path(value, what)
    places = [folder.absolute() / path for folder in folders] or [path.absolute()]
    return os.path.normpath(next((place for place in places if place.exists()), places[0]))
