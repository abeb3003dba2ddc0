"""How deep nested sections go: what comes from outside may be nested without end."""

from collections.abc import Mapping
from typing import Any

from geomdl.errors import shortened

DEEPEST = 32
"""Sections within sections; a config has two."""


MOST = 10_000
"""Sections and lists; a config has about a dozen."""


def require_finite_nesting(values: Any, what: str) -> None:
    """Raises ValueError for dicts and lists that are nested deeper than `DEEPEST`, such as one that contains itself.

    Args:
      values: nested dicts and lists, or a ConfigDict.
      what: they are, in the error.

    >>> loop = {}
    >>> loop["model"] = loop
    >>> require_finite_nesting(loop, "config")
    Traceback (most recent call last):
    ...
    ValueError: config is nested deeper than 32 sections (model.model...); it may contain itself
    """
    waiting: list[tuple[Any, tuple[str, ...]]] = [(values, ())]
    count = 0
    while waiting:
        value, place = waiting.pop()
        count += 1
        if len(place) > DEEPEST:
            where = shortened(".".join(place), 48)
            raise ValueError(f"{what} is nested deeper than {DEEPEST} sections ({where}); it may contain itself")
        if count > MOST:  # also of lists of the same lists
            where = shortened(".".join(place), 48)
            raise ValueError(f"{what} has more than {MOST:,} sections and lists ({where}); it may contain itself")
        for key, inner in _inside(value):
            if isinstance(inner, Mapping | list | tuple) or hasattr(inner, "to_dict"):
                waiting.append((inner, (*place, key)))


def _inside(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        return [(str(i), inner) for i, inner in enumerate(value)]
    if isinstance(value, Mapping):
        return [(str(key), inner) for key, inner in value.items()]
    if not hasattr(value, "to_dict"):
        return []
    inner = []
    for key in value:  # a ConfigDict, one of whose values may be a placeholder that must not be read
        try:
            inner.append((str(key), value[key]))
        except Exception:
            continue
    return inner
