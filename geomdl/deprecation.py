"""Names that have been replaced: they go on working for a while, with a warning that names the new one."""

import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def renamed(package: str, names: Mapping[str, str], *, removed_in: str) -> Callable[[str], Any]:
    """A module-level ``__getattr__`` (PEP 562) that gives the new object for an old name.

    Args:
      package: the package's ``__name__``.
      names: the new public name for each old one, both of the package.
      removed_in: the version that will not know the old names any more.

    Returns:
      The function. It warns with a ``DeprecationWarning`` each time that an old name is looked up.

    >>> import warnings
    >>> find = renamed("geomdl.errors", {"closest": "nearest"}, removed_in="0.3")
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     nearest = find("closest")
    >>> print(caught[0].message)
    geomdl.errors.closest is now geomdl.errors.nearest; the old name goes in 0.3
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        new = names[name]
        warnings.warn(
            f"{package}.{name} is now {package}.{new}; the old name goes in {removed_in}",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(sys.modules[package], new)

    return find
