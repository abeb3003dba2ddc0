"""Data sets by name."""

import dataclasses
from typing import Any

from geomdl.data.data_class import data_class
from geomdl.data.sources.digits import DigitsConfig
from geomdl.data.sources.given import GivenData
from geomdl.data.sources.mnist_rot import MNISTRotConfig
from geomdl.data.sources.nuclei import NucleiConfig
from geomdl.data.sources.own.array_files import ArraysConfig
from geomdl.data.sources.own.box_table import BoxTableConfig
from geomdl.data.sources.own.coco import COCOConfig
from geomdl.data.sources.own.dota import DOTAConfig
from geomdl.data.sources.own.folder import FolderConfig
from geomdl.data.sources.own.mask_folder import MaskFolderConfig
from geomdl.data.sources.own.voc import VOCConfig
from geomdl.data.sources.red_green import RedGreenConfig
from geomdl.data.sources.shape_boxes import BoxShapesConfig
from geomdl.data.sources.shapes import ShapesConfig
from geomdl.data.sources.space.clouds import PointsConfig
from geomdl.data.sources.space.solids import SolidsConfig
from geomdl.data.sources.space.tetris import TetrisConfig
from geomdl.data.sources.space.volumes import VolumesConfig
from geomdl.data.sources.tfds import TFDSConfig
from geomdl.data.sources.tfds_folders import PREFIX, prepared
from geomdl.data.sources.xo import XOConfig
from geomdl.data.types import DataConfig
from geomdl.errors import unknown
from geomdl.registry import Registry

_BUILDERS = ("cifar10", "cifar100", "emnist", "eurosat", "fashion_mnist", "kmnist", "mnist", "stl10", "svhn_cropped")
"""Data sets of TensorFlow Datasets whose names are often given without the prefix."""


def _meant(name: str) -> str | None:
    """The name with the prefix, for what is, or looks like, that of a builder of TensorFlow Datasets."""
    builder = name.split(":")[0]
    if ".py" in name or name.startswith(("/", ".", "~")):
        return None
    is_builder = "/" in builder or builder in _BUILDERS or builder in prepared()
    return f"{PREFIX}{name}" if is_builder else None


DATASETS = Registry(
    "data.name", group="geomdl.datasets", adapt=data_class, prefixes={PREFIX: TFDSConfig}, suggest=_meant
)
"""The data sets by name; ``tfds:<name>`` is any of TensorFlow Datasets.

Further ones: ``DATASETS.register("name", …)``, plug-ins (entry points of the group ``geomdl.datasets``), and any
``package.module:Name`` or ``path/file.py:Name``; see `geomdl.data.data_class.data_class` for what they may be.
"""
DATASETS.register("digits", DigitsConfig)
DATASETS.register("xo", XOConfig)
DATASETS.register("mnist_rot", MNISTRotConfig)
DATASETS.register("red_green", RedGreenConfig)
DATASETS.register("shapes", ShapesConfig)
DATASETS.register("box_shapes", BoxShapesConfig)
DATASETS.register("solids", SolidsConfig)
DATASETS.register("tetris", TetrisConfig)
DATASETS.register("nuclei", NucleiConfig)
DATASETS.register("folder", FolderConfig)
DATASETS.register("masks", MaskFolderConfig)
DATASETS.register("voc", VOCConfig)
DATASETS.register("dota", DOTAConfig)
DATASETS.register("coco", COCOConfig)
DATASETS.register("box_table", BoxTableConfig)
DATASETS.register("volumes", VolumesConfig)
DATASETS.register("points", PointsConfig)
DATASETS.register("arrays", ArraysConfig)
DATASETS.register("given", GivenData)


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
    geomdl.registry.registry.UnknownName: unknown data.name 'mnist'; allowed: digits, xo, mnist_rot, ..., tfds:<name>,
    ...; did you mean 'tfds:mnist'?
    """
    return DATASETS.find(name).factory


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
      name: a key of :data:`DATASETS`, ``"tfds:<builder>"``, ``"package.module:Name"`` or ``"path/file.py:Name"``.
      **fields: its options.

    Raises:
      ValueError: unknown data set or option, or an option out of range.

    >>> data_config("digits", size=20).size
    20
    >>> data_config("digits", sise=20)
    Traceback (most recent call last):
    ValueError: unknown key 'sise' of data set 'digits'; allowed: size, scale, ...; did you mean 'size'?
    """
    entry = DATASETS.find(name)
    allowed = config_fields(name)
    for key in fields:
        if key not in allowed:
            message = str(unknown("key", key, allowed))
            raise ValueError(message.replace(f"key {key!r}", f"key {key!r} of data set {name!r}", 1))
    return entry(**fields)
