"""The Python files of the user's that a config names: whether they are still what they were when the run began."""

import hashlib
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geomdl.training.configuration.config import RunConfig

_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


def own_files(config: RunConfig) -> dict[str, str]:
    """The files of the references in a config, ``{path: SHA-256}``; installed libraries have versions, and are none.

    Args:
      config: of a run, whose references have been loaded.
    """
    values = config.to_dict()
    names = [section.get("name") for section in values.values() if isinstance(section, Mapping)]
    found: dict[str, str] = {}
    for name in (*names, *config.training.evaluators):
        where = name.rpartition(":")[0] if isinstance(name, str) else ""
        file = where if where.endswith(".py") else getattr(sys.modules.get(where), "__file__", None)
        if file and not str(file).startswith(_LIBRARIES) and not where.startswith("geomdl.") and Path(file).is_file():
            found[str(file)] = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    return found


def changed_files(config: RunConfig, facts: Mapping[str, Any]) -> list[str]:
    """One sentence for each file that has changed since the run began.

    Args:
      config: of the run.
      facts: in its run.json.
    """
    there = facts.get("files")
    if not isinstance(there, Mapping):
        return []
    return [
        f"{file} has changed since the run began: what it makes now may not be what the run was made with"
        for file, digest in own_files(config).items()
        if there.get(file, digest) != digest
    ]
