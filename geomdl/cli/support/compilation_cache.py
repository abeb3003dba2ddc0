"""The persistent compilation cache: what XLA has compiled once is read from disk the next time.

It lies in ``$XDG_CACHE_HOME/geomdl/compiled`` (``~/.cache/geomdl/compiled``), in one folder per kind of processor,
since XLA compiles for the processor it runs on and homes are shared between machines. JAX finds an entry by the
program, the options, the devices and its own version, so a stale one is never used. ``JAX_COMPILATION_CACHE_DIR`` and
``JAX_ENABLE_COMPILATION_CACHE`` are respected.
"""

import argparse
import hashlib
import os
import platform
from collections.abc import MutableMapping
from pathlib import Path

from geomdl.errors import invalid
from geomdl.paths import is_url, local_path

LARGEST = 2 * 1024**3
"""Bytes; when the cache has grown beyond, the oldest half of it is removed."""

_OFF = ("off", "none", "no", "false")


def add_compilation_cache(parser: argparse.ArgumentParser) -> None:
    """Adds the option to a verb."""
    parser.add_argument(
        "--compilation_cache",
        metavar="DIR",
        help="folder for compiled programs, or off (default: $JAX_COMPILATION_CACHE_DIR, ~/.cache/geomdl/compiled)",
    )


def use_compilation_cache(option: str | None, environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Tells JAX, which must not have been imported yet, where its cache is.

    Args:
      option: a folder, ``"off"``, or None for the default.
      environment: of the process; JAX reads it when it is imported, and child processes inherit it.

    Returns:
      The folder; None where there is no cache, because it is turned off or there is no place where one may write.

    Raises:
      ValueError: when the folder that was asked for cannot be written to.
    """
    if option is not None and option.lower() in _OFF:
        environment["JAX_ENABLE_COMPILATION_CACHE"] = "false"
        return None
    if option is None and environment.get("JAX_ENABLE_COMPILATION_CACHE", "true").lower() in ("0", *_OFF):
        return None
    given = option or environment.get("JAX_COMPILATION_CACHE_DIR")
    if option is None and is_url(given):
        return None  # JAX itself reads and writes there
    what = "JAX_COMPILATION_CACHE_DIR" if option is None else "--compilation_cache"
    folder = local_path(given, what) if given else _default(environment)
    if option is not None and not _writable(folder):
        raise invalid("--compilation_cache", option, "a folder where you may write, or off", "off")
    if folder is None or (given is None and not _writable(folder)):
        return None
    if given is None:
        _prune(folder.parent, LARGEST)
    environment["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    # JAX keeps only what took a second to compile, which leaves out most programs of a small network.
    environment.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    return folder


def _default(environment: MutableMapping[str, str]) -> Path | None:
    try:
        home = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home
        return None
    return home / "geomdl" / "compiled" / _processor()


def _processor() -> str:
    """A name that two machines share only if programs compiled on one run on the other."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    about = sorted({line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))})
    digest = hashlib.sha256("\n".join(about or [platform.processor()]).encode()).hexdigest()
    return f"{platform.machine()}-{digest[:8]}"


def _writable(folder: Path | None) -> bool:
    if folder is None:
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _prune(folder: Path, largest: int) -> None:
    """Removes the oldest files of a cache that has grown too large, until half of what is allowed is left."""
    try:
        files = [(entry.stat(), entry) for entry in folder.rglob("*") if entry.is_file()]
        total = sum(found.st_size for found, _ in files)
        if total <= largest:
            return
        for found, entry in sorted(files, key=lambda pair: pair[0].st_mtime):
            entry.unlink(missing_ok=True)
            total -= found.st_size
            if total <= largest // 2:
                return
    except OSError:
        return  # another process prunes, or the folder has gone; it is only a cache
