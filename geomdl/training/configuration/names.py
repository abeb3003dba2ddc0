"""The names in a config, in a form that means the same from every working directory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geomdl.data import DATASETS
from geomdl.evaluators import EVALUATORS
from geomdl.models import MODELS
from geomdl.registry import Registry
from geomdl.tasks import TASKS
from geomdl.training.configuration.optimizers import OPTIMIZERS
from geomdl.training.configuration.schedules import SCHEDULES

REGISTRIES: Mapping[str, Registry] = {
    "data": DATASETS,
    "model": MODELS,
    "task": TASKS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
"""The sections of a config whose ``name`` chooses what their other keys are, with the names that there are."""


def with_canonical_names(tree: Mapping[str, Any], folders: Sequence[Path]) -> dict[str, Any]:
    """Returns a config in which ``path/file.py:Name``, and modules that are found in a folder only, are absolute paths.

    Args:
      tree: nested sections of plain values, not validated.
      folders: where files and modules are looked for, the first that has them.

    Raises:
      ValueError: there is no such file or module.

    >>> with_canonical_names({"model": {"name": "cnn"}}, [])
    {'model': {'name': 'cnn'}}
    """
    result = dict(tree)
    for section, registry in REGISTRIES.items():
        values = result.get(section)
        if isinstance(values, Mapping) and "name" in values:
            result[section] = {**values, "name": registry.canonical(values["name"], folders=folders)}
    training = result.get("training")
    if isinstance(training, Mapping) and isinstance(training.get("evaluators"), list | tuple):
        what = "training.evaluators"
        names = tuple(EVALUATORS.canonical(name, what=what, folders=folders) for name in training["evaluators"])
        result["training"] = {**training, "evaluators": names}
    return result
