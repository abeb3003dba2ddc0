"""Data: sources, splits, loaders, augmentation, and rotated and shifted test sets.

``data_config("digits").load()`` gives a :class:`Dataset`; :func:`make_loader` turns its training split into batches,
:func:`eval_batches` any split into batches for measuring.
"""

from geomdl.data.augmentation import Augmentation
from geomdl.data.batches import EvalBatch, eval_batches, unit_interval
from geomdl.data.digits import DigitsConfig
from geomdl.data.loaders import DeviceLoader, Loader, StreamLoader, make_loader
from geomdl.data.mnist_rot import MNISTRotConfig
from geomdl.data.nuclei import NucleiConfig
from geomdl.data.red_green import RedGreenConfig
from geomdl.data.registry import DATASETS, config_class, config_fields, data_config
from geomdl.data.shapes import ShapesConfig
from geomdl.data.splits import stratified_order, stratified_split
from geomdl.data.tfds import TFDSConfig, prepared
from geomdl.data.transformed import rotated, shifted
from geomdl.data.types import IGNORED, Column, DataConfig, Dataset, Example, LabelKind, Split
from geomdl.data.xo import XOConfig, o_pattern, x_pattern

__all__ = [
    "DATASETS",
    "IGNORED",
    "Augmentation",
    "Column",
    "DataConfig",
    "Dataset",
    "DeviceLoader",
    "DigitsConfig",
    "EvalBatch",
    "Example",
    "LabelKind",
    "Loader",
    "MNISTRotConfig",
    "NucleiConfig",
    "RedGreenConfig",
    "ShapesConfig",
    "Split",
    "StreamLoader",
    "TFDSConfig",
    "XOConfig",
    "config_class",
    "config_fields",
    "data_config",
    "eval_batches",
    "make_loader",
    "o_pattern",
    "prepared",
    "rotated",
    "shifted",
    "stratified_order",
    "stratified_split",
    "unit_interval",
    "x_pattern",
]
