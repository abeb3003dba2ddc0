"""run.json in a work directory: numbers of a run that its config does not contain, such as steps and parameters.

How many steps the run has in all, how large the network is, what it was trained on and, once it has ended, how.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jax.tree_util import tree_flatten_with_path

from geomdl.data import Dataset
from geomdl.training.workdir.json_file import read_json, write_json


def note_begin(
    path: Path, total_steps: int, params: Any, dataset: Dataset, measured: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Writes run.json for a run that begins; that of a run that goes on stays as it is.

    Args:
      path: the work directory.
      total_steps: of the run.
      params: the parameters, nested dicts of arrays.
      dataset: what it is trained on.
      measured: what is to be known of its metrics, see `TrainingConfig.measured`.
    """
    shapes = {
        ".".join(str(getattr(k, "key", k)) for k in p): list(a.shape) for p, a in tree_flatten_with_path(params)[0]
    }
    facts = {
        "total_steps": total_steps,
        "parameters": sum(int(np.prod(shape)) for shape in shapes.values()),
        "images": {name: len(getattr(dataset, name)) for name in ("train", "validation", "test")},
        "image_shape": list(dataset.image_shape),
        "classes": list(dataset.classes),
        "provenance": dataset.provenance,
        "parameter_shapes": shapes,
        **measured,
    }
    old = read_facts(path / "run.json")
    if any(old.get(key) != value for key, value in facts.items()):
        write_json(path / "run.json", facts)


def note_end(path: Path, *, step: int, best_step: int, stopped_early: bool) -> None:
    """Adds to run.json that the run has ended."""
    old = read_facts(path / "run.json")
    new = {**old, "finished": True, "step": step, "best_step": best_step, "stopped_early": stopped_early}
    if new != old:
        write_json(path / "run.json", new)


def read_facts(path: Path) -> dict[str, Any]:
    """Returns the object in a JSON file; empty when there is none, or it cannot be read."""
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
