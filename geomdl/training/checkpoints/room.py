"""Whether a checkpoint can be written: asked before Orbax begins, whose threads would wait for what never comes."""

import contextlib
import errno
import os
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np

from geomdl.training.checkpoints.files import UNWANTED

SPARE = 64 * 1024
"""Bytes of the small files of a checkpoint."""


def require_room(directory: Path, step: int, state: Any) -> None:
    """Raises OSError unless a folder can be made in a directory, a file in it, and the state fits on the disk.

    Args:
      directory: of the checkpoints; it is not made, since one that has gone was removed or renamed.
      step: of the checkpoint.
      state: nested arrays and numbers.
    """
    if not directory.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the directory of the run has been removed or renamed", str(directory))
    probe = directory / f"{step}.room{UNWANTED}"  # cleared away by the next process where this one is killed
    file = probe / "file"
    try:
        probe.mkdir(exist_ok=True)
        file.write_bytes(bytes(4096))
        needed = SPARE + sum(_bytes(leaf) for leaf in jax.tree.leaves(state))
        if shutil.disk_usage(directory).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(directory))
    finally:
        with contextlib.suppress(OSError):  # it has gone, or never was
            file.unlink(missing_ok=True)
            probe.rmdir()


def _bytes(leaf: Any) -> int:
    return int(leaf.size) * np.dtype(leaf.dtype).itemsize if hasattr(leaf, "dtype") and hasattr(leaf, "size") else 8
