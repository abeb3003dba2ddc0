"""Paths as users write them: with ``~`` and variables, on the file systems of this machine."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geomdl.errors import invalid, unknown

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(gs|s3|file|hdfs|https?|ftp|az|abfss?|memory):/", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(\w+|\{[^}]*\})")
PRETRAINED = "pretrained:"
"""What stands before the name of a network that geomdl brings along, where a work directory may stand."""

_PRETRAINED = Path(__file__).parent / "pretrained_networks"
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
    if not text.startswith("~") and "$" not in text:
        return Path(text)
    if text != "~" and not text.startswith("~/") and Path(text).exists():
        return Path(text)
    for found in _VARIABLE.finditer(text):
        name = found[1].strip("{}")
        if not os.environ.get(name):
            raise invalid(what, text, f"a path whose variables are set, but the environment has no {name or 'name'}")
    expanded = os.path.expanduser(os.path.expandvars(text))
    if expanded.startswith("~"):
        raise invalid(what, text, f"a path in a home directory, but there is none of {expanded.split('/')[0]}")
    if is_url(expanded):
        return local_path(expanded, f"{what}={text}, which is")
    return Path(expanded)


def pretrained_names() -> list[str]:
    """The networks that geomdl brings along, by name.

    >>> "digits_gcnn_d4" in pretrained_names()
    True
    """
    return sorted(file.parent.name for file in _PRETRAINED.glob("*/card.json"))


def is_pretrained(value: str | os.PathLike[str]) -> bool:
    """Whether this names a network that geomdl brings along: ``"pretrained:NAME"``."""
    return os.fspath(value).startswith(PRETRAINED)


def run_folder(value: str | os.PathLike[str], what: str = "work directory") -> Path:
    """The folder of a trained network that is to be read: a work directory, or that of ``"pretrained:NAME"``.

    Args:
      value: as a user wrote it.
      what: the option or argument that it comes from, for errors.

    Raises:
      ValueError: see `local_path`; or there is no network of that name.

    >>> run_folder("pretrained:digits_gcnn_d4").name
    'digits_gcnn_d4'
    >>> run_folder("pretrained:digits_gcnn_d5")
    Traceback (most recent call last):
    ValueError: unknown pretrained network 'digits_gcnn_d5'; allowed: ...; did you mean 'digits_gcnn_d4'?
    """
    if not is_pretrained(value):
        return local_path(value, what)
    name = os.fspath(value).removeprefix(PRETRAINED)
    if name not in pretrained_names():
        raise unknown("pretrained network", name, pretrained_names())
    return _PRETRAINED / name


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
