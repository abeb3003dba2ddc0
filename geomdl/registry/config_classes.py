"""Config classes: dataclasses with one method that makes what they configure."""

import dataclasses
import inspect
from typing import Any

from geomdl.errors import invalid


def is_config_class(found: Any, method: str, name: str) -> bool:
    """Whether an object is a dataclass with a method.

    Args:
      found: the object.
      method: that makes what is configured, e.g. ``"build"``.
      name: of the object, in errors.

    Raises:
      ValueError: it is a class with this method that cannot be made: abstract, or no dataclass though it has fields.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Net:
    ...     width: int = 3
    ...     def build(self): ...
    >>> is_config_class(Net, "build", "Net"), is_config_class(len, "build", "len")
    (True, False)
    """
    if not inspect.isclass(found) or not callable(getattr(found, method, None)):
        return False
    if inspect.isabstract(found):
        missing = ", ".join(f"{m}()" for m in sorted(vars(found)["__abstractmethods__"]))
        raise invalid("class", name, f"a class without abstract methods, but it lacks {missing}")
    if "__dataclass_fields__" not in vars(found) and (
        inspect.get_annotations(found) or not dataclasses.is_dataclass(found)
    ):
        raise invalid("class", name, "a dataclass", "@dataclasses.dataclass(frozen=True) above it")
    return True
