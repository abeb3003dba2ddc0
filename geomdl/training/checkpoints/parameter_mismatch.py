"""Which parameters of a checkpoint are not those of a model."""

from collections.abc import Mapping
from typing import Any

_SHOWN = 3


def parameter_mismatch(there: Any, here: Any) -> str | None:
    """Says which arrays are missing, or of another shape. None when those of both fit.

    Args:
      there: nested dicts with arrays, or what has a shape, in the checkpoint.
      here: the same of the model.

    >>> import numpy as np
    >>> there = {"params": {"kernel": np.zeros((3, 4))}}
    >>> parameter_mismatch(there, {"params": {"kernel": np.zeros((3, 5)), "bias": np.zeros(5)}})
    'params.kernel is (3, 4) there, (3, 5) here; params.bias is nothing there, (5,) here'
    """
    old, new = _shapes(there, ""), _shapes(here, "")
    paths = [path for path in dict.fromkeys([*old, *new]) if old.get(path) != new.get(path)]
    if not paths:
        return None
    lines = [f"{path} is {old.get(path, 'nothing')} there, {new.get(path, 'nothing')} here" for path in paths[:_SHOWN]]
    more = len(paths) - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more else "")


def _shapes(tree: Any, path: str) -> dict[str, tuple[int, ...]]:
    """The shapes of arrays in nested dicts, by their dotted paths; other containers, and empty arrays, are left out."""
    if isinstance(tree, Mapping):
        found: dict[str, tuple[int, ...]] = {}
        for key, value in tree.items():
            found |= _shapes(value, f"{path}.{key}" if path else str(key))
        return found
    return {path: tuple(tree.shape)} if hasattr(tree, "shape") and 0 not in tree.shape else {}
