"""Config classes of optimisers and schedules from anybody's classes and functions, such as those of optax."""

import dataclasses
import inspect
from typing import Any

import optax

from geomdl.errors import invalid
from geomdl.registry import function_config, is_config_class, options
from geomdl.training.configuration.promotion import standard_promotion


def optimizer_class(found: Any, name: str) -> Any:
    """Returns the config class of an optimiser.

    Args:
      found: a config class: a dataclass with a field ``learning_rate`` and ``build(schedule)``. Or a function
        ``(learning_rate, own options) -> optax.GradientTransformation`` that takes a schedule for the learning rate:
        ``learning_rate`` and its own options are then the fields.
      name: of the object, in errors.

    Raises:
      ValueError: it is neither.

    >>> optimizer_class(optax.sgd, "optax:sgd")(learning_rate=0.1, momentum=0.9)
    sgd(learning_rate=0.1, momentum=0.9, nesterov=False, accumulator_dtype=None)
    """
    if is_config_class(found, "build", name):
        if "learning_rate" not in {field.name for field in dataclasses.fields(found)}:
            raise invalid("optimizer", name, "a config class with the field learning_rate")
        return found
    if not callable(found):
        raise invalid("optimizer", name, "a config class or a function (learning_rate, own options)")

    def build(self: Any, schedule: optax.Schedule) -> optax.GradientTransformation:
        made = found(learning_rate=schedule, **options(self, without=("learning_rate",)))
        if not isinstance(made, optax.GradientTransformation):
            raise invalid(f"what {name} returns", type(made).__name__, "an optax.GradientTransformation")
        return optax.GradientTransformation(standard_promotion(made.init), standard_promotion(made.update))

    rate: Any = ("learning_rate", float, dataclasses.field(**_default(found)))
    given = ("learning_rate",)
    return function_config(found, name, what="optimizer", given=given, fields=[rate], members={"build": build})


def schedule_class(found: Any, name: str) -> Any:
    """Returns the config class of a learning-rate schedule.

    Args:
      found: a config class: a dataclass with ``build(learning_rate, total_steps)``. Or a function
        ``(learning_rate, total_steps, own options) -> optax.Schedule``: its own options are then the fields.
      name: of the object, in errors.

    Raises:
      ValueError: it is neither.

    >>> def halved(learning_rate, total_steps, at: float = 0.5):
    ...     return lambda step: learning_rate / (1 + (step > at * total_steps))
    >>> schedule_class(halved, "mine:halved")(at=0.25).build(0.1, 100)(50)
    0.05
    """
    if is_config_class(found, "build", name):
        return found
    if not callable(found):
        raise invalid("schedule", name, "a config class or a function (learning_rate, total_steps, own options)")

    def build(self: Any, learning_rate: float, total_steps: int) -> Any:
        made = found(learning_rate=learning_rate, total_steps=total_steps, **options(self))
        if not callable(made):
            raise invalid(f"what {name} returns", type(made).__name__, "a function of the step")
        return standard_promotion(made)

    given = ("learning_rate", "total_steps")
    return function_config(found, name, what="schedule", given=given, members={"build": build})


def _default(found: Any) -> dict[str, Any]:
    """The learning rate that a function has by itself, where it has one."""
    try:
        default = inspect.signature(found).parameters["learning_rate"].default
    except (KeyError, TypeError, ValueError):
        return {}
    return {"default": float(default)} if isinstance(default, int | float) else {}
