"""Data sets by name."""

import dataclasses
from typing import Any

from geomdl.data.sources.digits import DigitsConfig
from geomdl.data.sources.mnist_rot import MNISTRotConfig
from geomdl.data.sources.nuclei import NucleiConfig
from geomdl.data.sources.red_green import RedGreenConfig
from geomdl.data.sources.shapes import ShapesConfig
from geomdl.data.sources.tfds import PREFIX, TFDSConfig, prepared
from geomdl.data.sources.xo import XOConfig
from geomdl.data.types import DataConfig
from geomdl.errors import unknown

DATASETS: dict[str, type[DataConfig]] = {
    "digits": DigitsConfig,
    "xo": XOConfig,
    "mnist_rot": MNISTRotConfig,
    "red_green": RedGreenConfig,
    "shapes": ShapesConfig,
    "nuclei": NucleiConfig,
}
"""The built-in data sets; ``tfds:<name>`` names any other (:func:`config_class`)."""

_BUILDERS = ("cifar10", "cifar100", "emnist", "eurosat", "fashion_mnist", "kmnist", "mnist", "stl10", "svhn_cropped")
"""Data sets of TensorFlow Datasets whose names are often given without the prefix."""


def config_class(name: str) -> type[DataConfig]:
    """The config class of a data set.

    Args:
      name: of the data set.

    Raises:
      ValueError: no such data set.

    >>> config_class("tfds:mnist").__name__
    'TFDSConfig'
    >>> config_class("mnist")
    Traceback (most recent call last):
    ValueError: unknown data.name 'mnist'; allowed: digits, xo, mnist_rot, ..., tfds:<name>; did you mean 'tfds:mnist'?
    """
    if isinstance(name, str) and name.startswith(PREFIX):
        return TFDSConfig
    if name not in DATASETS:
        error = unknown("data.name", name, [*DATASETS, f"{PREFIX}<name>"])
        if _is_builder(name):
            raise ValueError(f"{str(error).partition('; did you mean')[0]}; did you mean {PREFIX + name!r}?")
        raise error
    return DATASETS[name]


def _is_builder(name: Any) -> bool:
    """Whether this is, or looks like, the name of a builder of TensorFlow Datasets, without the prefix."""
    builder = name.split(":")[0] if isinstance(name, str) else ""
    return "/" in builder.strip("/") or builder in _BUILDERS or builder in prepared()


def config_fields(name: str) -> tuple[str, ...]:
    """The config keys that a data set has besides ``name``.

    Args:
      name: of the data set.

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
