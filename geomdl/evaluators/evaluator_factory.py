"""Factories of evaluators from anybody's classes and functions."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from geomdl.errors import invalid
from geomdl.registry import signature_of

_GIVEN = {"predict", "split", "task"}
_ALLOWED = (
    "a function (predict, split, task) -> numbers by name; or a class of such, or a function that returns one, that "
    "needs no arguments"
)


@dataclass(frozen=True)
class Always:
    """Returns the same evaluator.

    >>> Always(len)() is len
    True
    """

    evaluator: Any

    def __call__(self) -> Any:
        """Returns it."""
        return self.evaluator


def evaluator_factory(found: Any, name: str) -> Callable[..., Any]:
    """Returns a function that makes an evaluator without arguments.

    Args:
      found: an evaluator, which is called as ``(predict, split, task)`` and returns numbers by name; or a class of
        evaluators, or a function that returns one, whose arguments all have defaults.
      name: of the object, in errors.

    Raises:
      ValueError: it is none of these.

    >>> def images(predict, split, task):
    ...     return {"images": float(len(split))}
    >>> evaluator_factory(images, "mine.py:images")() is images
    True
    """
    if not callable(found):
        raise invalid("evaluator", name, _ALLOWED)
    parameters = signature_of(found, name).parameters
    if not inspect.isclass(found) and set(parameters) >= _GIVEN:
        return Always(found)
    needed = [
        p.name for p in parameters.values() if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed or (inspect.isclass(found) and not any("__call__" in vars(kind) for kind in found.__mro__)):
        raise invalid("evaluator", f"{name}({', '.join(parameters)})", _ALLOWED)
    return found
