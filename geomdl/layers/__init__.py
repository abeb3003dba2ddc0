"""Flax NNX layers that take and give typed fields and promise what they do to symmetry."""

from geomdl.layers.conv import Conv, Dense
from geomdl.layers.layer import Layer
from geomdl.layers.local import Flatten, LocallyConnected
from geomdl.layers.nonlinearity import Maxout, Pointwise
from geomdl.layers.normalization import BatchNorm, Dropout, LayerNorm, normalization
from geomdl.layers.pooling import BlurPool, GlobalPool, GroupPool, Pool, halving_pool
from geomdl.layers.sequential import Sequential
from geomdl.layers.window import Window

__all__ = [
    "BatchNorm", "BlurPool", "Conv", "Dense", "Dropout", "Flatten", "GlobalPool", "GroupPool", "Layer", "LayerNorm",
    "LocallyConnected", "Maxout", "Pointwise", "Pool", "Sequential", "Window", "halving_pool", "normalization",
]  # fmt: skip
