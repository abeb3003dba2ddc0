"""Config classes of data sets from anybody's classes and functions."""

import inspect
from typing import Any

from geomdl.data.types import DataConfig, Dataset
from geomdl.errors import invalid
from geomdl.registry import function_config, is_config_class, options

_ALLOWED = "a subclass of geomdl.data.DataConfig, or a function (own options) -> geomdl.data.Dataset"


def data_class(found: Any, name: str) -> type[DataConfig]:
    """Returns the config class of a data set.

    Args:
      found: a subclass of `geomdl.data.DataConfig`; or a function ``(own options) -> Dataset``: its options are then
        the fields.
      name: of the object, in errors.

    Raises:
      ValueError: it is neither.

    >>> def cells(size: int = 32) -> Dataset: ...
    >>> data_class(cells, "cells.py:cells")(size=16)
    cells(size=16)
    """
    if inspect.isclass(found) and issubclass(found, DataConfig) and is_config_class(found, "load", name):
        return found
    if inspect.isclass(found) or not callable(found):
        raise invalid("data set", name, _ALLOWED)

    def load(self: Any) -> Dataset:
        made = found(**options(self))
        if not isinstance(made, Dataset):
            raise invalid(f"what {name} returns", type(made).__name__, "a geomdl.data.Dataset")
        return made

    return function_config(found, name, what="data set", given=(), members={"load": load}, bases=(DataConfig,))
