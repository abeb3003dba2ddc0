"""The names of parameters: those that ``geomdl summary`` and patterns in configs use."""

from typing import Any

from geomdl.layers.core.layer import path_of


def parameter_name(path: tuple[Any, ...]) -> str:
    """The name of a parameter: path of the layer and attribute, without the number of an array in a list of them.

    Args:
      path: keys, as `jax.tree_util` gives them, or plain ones.

    >>> parameter_name(("layers", 3, "body", "layers", 0, "kernel", 1))
    '3.body.0.kernel'
    """
    keys = [getattr(key, "key", getattr(key, "idx", getattr(key, "name", key))) for key in path]
    while len(keys) > 1 and str(keys[-1]).isdigit():
        keys.pop()
    return path_of(keys)
