"""Data sets by name."""

import dataclasses
from typing import Any

from geomdl.data.digits import DigitsConfig
from geomdl.data.mnist_rot import MNISTRotConfig
from geomdl.data.tfds import PREFIX, TFDSConfig
from geomdl.data.types import DataConfig
from geomdl.data.xo import XOConfig
from geomdl.errors import unknown

DATASETS: dict[str, type[DataConfig]] = {"digits": DigitsConfig, "xo": XOConfig, "mnist_rot": MNISTRotConfig}
"""The built-in data sets; ``tfds:<name>`` names any other (:func:`config_class`)."""


def config_class(name: str) -> type[DataConfig]:
    """The config class of a data set.

    Raises:
      ValueError: no such data set.

    >>> config_class("tfds:mnist").__name__
    'TFDSConfig'
    """
    if isinstance(name, str) and name.startswith(PREFIX):
        return TFDSConfig
    if name not in DATASETS:
        raise unknown("data.name", name, [*DATASETS, f"{PREFIX}<name>"])
    return DATASETS[name]


def config_fields(name: str) -> tuple[str, ...]:
    """The config keys that a data set has besides ``name``.

    >>> "translation" in config_fields("xo")
    True
    """
    return tuple(field.name for field in dataclasses.fields(config_class(name)) if field.name != "name")  # pyright: ignore[reportArgumentType]


def data_config(name: str, **fields: Any) -> DataConfig:
    """The validated config of a data set.

    Args:
      name: a key of :data:`DATASETS`, or ``"tfds:<builder>"``.
      **fields: its options.

    Raises:
      ValueError: unknown data set or option, or an option out of range.

    >>> data_config("digits", size=20).size
    20
    >>> data_config("digits", sise=20)
    Traceback (most recent call last):
    ValueError: unknown key 'sise' of data set 'digits'; allowed: size, scale, ...; did you mean 'size'?
    """
    cls = config_class(name)
    allowed = config_fields(name)
    for key in fields:
        if key not in allowed:
            message = str(unknown("key", key, allowed))
            raise ValueError(message.replace(f"key {key!r}", f"key {key!r} of data set {name!r}", 1))
    return cls(name=name, **fields) if cls is TFDSConfig else cls(**fields)
