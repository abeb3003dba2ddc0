"""Configs as flat tables of dotted paths and values: differences between configs, and short names for columns."""

from collections.abc import Mapping, Sequence
from typing import Any


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns the values of nested sections by dotted path.

    >>> flat({"seed": 0, "model": {"name": "cnn"}})
    {'seed': 0, 'model.name': 'cnn'}
    """
    values: dict[str, Any] = {}
    for key, value in config.items():
        values |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return values


def differing(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the dotted paths of the values in which some configs differ; where the data lies is not looked at.

    >>> differing([{"seed": 0, "model": {"name": "cnn"}}, {"seed": 1, "model": {"name": "cnn"}}])
    ['seed']
    """
    flattened = [flat(config) for config in configs]
    keys = dict.fromkeys(key for values in flattened for key in values if key != "data.data_dir")
    return [key for key in keys if any(v.get(key, _ABSENT) != flattened[0].get(key, _ABSENT) for v in flattened)]


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Returns the shortest names that tell dotted paths apart: the last part, the section for a ``name``.

    >>> short_names(["seed", "model.name", "model.group", "optimizer.name"])
    {'seed': 'seed', 'model.name': 'model', 'model.group': 'group', 'optimizer.name': 'optimizer'}
    >>> short_names(["model.depth", "augmentation.depth"])
    {'model.depth': 'model.depth', 'augmentation.depth': 'augmentation.depth'}
    """
    short = {key: key.removesuffix(".name").rpartition(".")[2] for key in keys}
    return {key: name if list(short.values()).count(name) == 1 else key for key, name in short.items()}


_ABSENT = object()
