"""Arrays from .npz and .npy files that somebody else has made, read with suspicion."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

_KINDS = (
    (b"PK\x05\x06", "a zip archive without files"),
    (b"PK", "a zip archive"),
    (b"\x93NUMPY", "an .npy file, of a single array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
    (b"\x80\x02", "a pickle, which is not read, since that would run what it says"),
    (b"\x80\x03", "a pickle, which is not read, since that would run what it says"),
    (b"\x80\x04", "a pickle, which is not read, since that would run what it says"),
    (b"\x80\x05", "a pickle, which is not read, since that would run what it says"),
)


def looks_like(file: Path) -> str:
    """Says what a file is, by its first bytes.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "nuclei.npz"
    >>> _ = file.write_text("<!DOCTYPE html><title>404</title>")
    >>> looks_like(file)
    'an HTML page, such as a server sends in place of a file'
    """
    try:
        with file.open("rb") as opened:
            start = opened.read(512)
    except OSError as error:
        return f"not readable: {error.strerror}"
    if not start:
        return "empty"
    if not start.strip(b"\0"):
        return "filled with zeros, as a copy that was broken off leaves it"
    for magic, what in _KINDS:
        if start.startswith(magic):
            return what
    text = start.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return "an HTML page, such as a server sends in place of a file"
    if text.startswith((b"<?xml", b"<error")):
        return "an XML document, such as a server sends in place of a file"
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in start) and b"\x7f" not in start:
        return "text"
    return "of a kind that is not known"


def read_numpy(
    file: Path, allowed: str, *, required: Sequence[str], optional: Sequence[str] = (), single: bool = False
) -> Mapping[str, np.ndarray]:
    """Reads arrays of an .npz or .npy file, whichever its name says. Others that are in the file are not looked at.

    Args:
      file: whose path is shown in errors.
      allowed: what is wanted, for errors.
      required: the names of arrays that must be in the file.
      optional: the names of arrays that may be.
      single: an .npy file will do; its array is the first that is required.

    Raises:
      ValueError: ``cannot read PATH``, with what it is: missing, a folder, truncated, corrupt, of another kind, with
        pickled objects, or without an array that is required.
    """
    if not file.is_file():
        what = "it is a folder, or no regular file" if file.exists() else "there is no such file"
        raise ValueError(f"cannot read {file} ({what}); allowed: {allowed}")
    try:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            if not single:
                raise ValueError(f"no array {required[0]!r}")
            return {required[0]: content}
        with content:
            if missing := [name for name in required if name not in content.files]:
                raise KeyError(f"no array {missing[0]!r}; there are: {', '.join(sorted(content.files)) or 'none'}")
            return {name: content[name] for name in (*required, *optional) if name in content.files}
    except Exception as error:  # of zipfile, zlib, struct, tokenize, NumPy and the file system
        raise ValueError(f"cannot read {file} ({_fault(file, error)}); allowed: {allowed}") from error


def _fault(file: Path, error: Exception) -> str:
    """What is wrong with a file, in words."""
    said = " ".join(str(error).split())[:200] or type(error).__name__
    kind = looks_like(file)
    if isinstance(error, KeyError):
        return str(error.args[0])
    if "allow_pickle" in said and kind in ("a zip archive", "an .npy file, of a single array"):
        return "it holds pickled objects, which are not read, since that would run what they say; store plain numbers"
    if said.startswith("no array"):
        return f"{said}: it is {kind}"
    if kind in ("a zip archive", "an .npy file, of a single array"):
        return f"it is {kind} that is truncated or corrupt: {said}"
    return f"it is {kind}"
