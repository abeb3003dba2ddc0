"""Config classes of tasks from anybody's classes and functions."""

from typing import Any

from geomdl.data import Dataset
from geomdl.errors import invalid
from geomdl.registry import function_config, is_config_class, options
from geomdl.tasks.task import Task, TaskConfig

_MEMBERS = tuple(name for name in vars(Task) if not name.startswith("_"))
"""What a task has."""


def task_class(found: Any, name: str) -> type[TaskConfig]:
    """Returns the config class of a task.

    Args:
      found: a config class: a dataclass with ``for_dataset``. Or a function ``(dataset, own options) -> Task``, e.g. a
        frozen dataclass that is a task whose first field is the data set's: its own options are then the fields.
      name: of the object, in errors.

    The task of a function is never the usual one for a kind of labels; what it can monitor is known when the data is.

    Raises:
      ValueError: it is neither.

    >>> def angles(dataset, bins: int = 8): ...
    >>> task_class(angles, "angles.py:angles")(bins=4)
    angles(bins=4)
    """
    if is_config_class(found, "for_dataset", name):
        return found
    if not callable(found):
        raise invalid(
            "task", name, "a config class with for_dataset(dataset), or a function (dataset, own options) -> Task"
        )

    def for_dataset(self: Any, dataset: Dataset) -> Any:
        made = found(dataset=dataset, **options(self))
        missing = [part for part in _MEMBERS if not hasattr(made, part)]
        if missing:
            raise invalid(f"what {name} returns", type(made).__name__, f"a Task, but it lacks {', '.join(missing)}")
        return made

    members = {"for_dataset": for_dataset, "kinds": (), "monitors": ()}
    return function_config(found, name, what="task", given=("dataset",), members=members)
