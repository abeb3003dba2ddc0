"""Data: sources, splits, loaders, augmentation, and rotated and shifted test sets.

``data_config("digits").load()`` gives a :class:`Dataset`; :func:`make_loader` turns its training split into batches,
:func:`eval_batches` any split into batches for measuring.
"""

from geomdl.data.class_indices import IGNORED
from geomdl.data.draws import uniforms
from geomdl.data.loading.batches import EvalBatch, eval_batches, unit_interval
from geomdl.data.loading.loaders import DeviceLoader, Loader, StreamLoader, make_loader
from geomdl.data.preprocessing import Preprocessing
from geomdl.data.registry import DATASETS, config_class, config_fields, data_config
from geomdl.data.sources.digits import DigitsConfig
from geomdl.data.sources.mnist_rot import MNISTRotConfig, rotate_each
from geomdl.data.sources.nuclei import NucleiConfig
from geomdl.data.sources.own.array_files import ArraysConfig
from geomdl.data.sources.own.folder import FolderConfig
from geomdl.data.sources.own.mask_folder import MaskFolderConfig
from geomdl.data.sources.red_green import RedGreenConfig
from geomdl.data.sources.shape_boxes import BoxShapesConfig
from geomdl.data.sources.shapes import ShapesConfig
from geomdl.data.sources.space.clouds import PointsConfig
from geomdl.data.sources.space.solids import SolidsConfig
from geomdl.data.sources.space.tetris import TETRIS, TetrisConfig, tetris
from geomdl.data.sources.space.volumes import VolumesConfig
from geomdl.data.sources.splits import stratified_order, stratified_split
from geomdl.data.sources.tfds import TFDSConfig
from geomdl.data.sources.tfds_folders import prepared
from geomdl.data.sources.xo import XOConfig, o_pattern, x_pattern
from geomdl.data.targets.boxes import BoxTarget, pack_boxes
from geomdl.data.targets.kinds import ClassTarget, LabelsTarget, MapTarget, TargetKind, ValuesTarget
from geomdl.data.targets.names import TARGET_KINDS, register_target_kind, target_kind
from geomdl.data.transforms.augmentation import Augmentation
from geomdl.data.transforms.margins import with_margin
from geomdl.data.transforms.photometric import lighting_components
from geomdl.data.transforms.transformed_sets import rotated, shifted
from geomdl.data.types import Column, DataConfig, Dataset, Example, LabelKind, Split

__all__ = [
    "DATASETS",
    "IGNORED",
    "TARGET_KINDS",
    "TETRIS",
    "ArraysConfig",
    "Augmentation",
    "BoxShapesConfig",
    "BoxTarget",
    "ClassTarget",
    "Column",
    "DataConfig",
    "Dataset",
    "DeviceLoader",
    "DigitsConfig",
    "EvalBatch",
    "Example",
    "FolderConfig",
    "LabelKind",
    "LabelsTarget",
    "Loader",
    "MNISTRotConfig",
    "MapTarget",
    "MaskFolderConfig",
    "NucleiConfig",
    "PointsConfig",
    "Preprocessing",
    "RedGreenConfig",
    "ShapesConfig",
    "SolidsConfig",
    "Split",
    "StreamLoader",
    "TFDSConfig",
    "TargetKind",
    "TetrisConfig",
    "ValuesTarget",
    "VolumesConfig",
    "XOConfig",
    "config_class",
    "config_fields",
    "data_config",
    "eval_batches",
    "lighting_components",
    "make_loader",
    "o_pattern",
    "pack_boxes",
    "prepared",
    "register_target_kind",
    "rotate_each",
    "rotated",
    "shifted",
    "stratified_order",
    "stratified_split",
    "target_kind",
    "tetris",
    "uniforms",
    "unit_interval",
    "with_margin",
    "x_pattern",
]  # fmt: skip
