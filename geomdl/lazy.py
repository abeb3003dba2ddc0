"""Public names of a package that are imported when they are first used.

A package whose modules are heavy, or import one another, lists where each of its public names is defined and takes its
``__getattr__`` and ``__dir__`` from :func:`lazy_names`; the same imports under ``TYPE_CHECKING`` tell type checkers and
editors what the names are.
"""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Module-level ``__getattr__`` and ``__dir__`` (PEP 562) that import public names on first use.

    Args:
      package: the package's ``__name__``.
      modules: for each module the public names that it defines; with dots and relative to the package, or in full,
        ``geomdl.…``, where it lies elsewhere.

    Returns:
      The two functions. A name that has been imported stays in the package: the second look-up costs nothing.

    >>> find, names = lazy_names("geomdl", {"errors": ["nearest"]})
    >>> "nearest" in names()
    True
    >>> find("nearest")("adm", ["sgd", "adam"])
    'adam'
    """
    home = {
        name: module if module.startswith("geomdl.") else f"{package}.{module}"
        for module, names in modules.items()
        for name in names
    }

    def find(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        value = getattr(importlib.import_module(home[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home})

    return find, names
