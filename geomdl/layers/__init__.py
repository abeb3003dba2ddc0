"""Flax NNX layers that take and give typed fields and promise what they do to symmetry."""

from geomdl.layers.alias_free import BandLimited, IdealResample, Polynomial
from geomdl.layers.attention import PositionEmbedding, SelfAttention
from geomdl.layers.concatenated import Concatenated
from geomdl.layers.conv import Conv, Dense, TransposedConv
from geomdl.layers.field_normalization import FieldNorm, GroupNorm, InstanceNorm
from geomdl.layers.field_pooling import InducedNormPool, NormMaxPool, NormPool, SubgroupPool, antialiased_max_pool
from geomdl.layers.fourier import FourierPointwise
from geomdl.layers.freeze import freeze
from geomdl.layers.half_size import HalfSize
from geomdl.layers.hourglass import Hourglass, PolyphaseUpsample
from geomdl.layers.layer import Layer
from geomdl.layers.local import Flatten, LocallyConnected
from geomdl.layers.methods import with_method
from geomdl.layers.nonlinearity import Maxout, Pointwise
from geomdl.layers.norm_nonlinearity import Gated, NormActivation
from geomdl.layers.normalization import BatchNorm, Dropout, LayerNorm, normalization
from geomdl.layers.plain import Frozen
from geomdl.layers.plumbing import Branch, Parallel, Residual
from geomdl.layers.polyphase import Polyphase
from geomdl.layers.pooling import BlurPool, GlobalPool, GroupPool, Pool, halving_pool
from geomdl.layers.rearranging import Disentangle, FromIrreps, Identity, Mask, Reshuffle, Restrict, ToIrreps
from geomdl.layers.resampling import AdaptivePool, Upsample
from geomdl.layers.sequential import Sequential
from geomdl.layers.skip import Skip
from geomdl.layers.tensor_product import TensorProduct
from geomdl.layers.vector_field import VectorField
from geomdl.layers.window import Window

__all__ = [
    "AdaptivePool", "BandLimited", "BatchNorm", "BlurPool", "Branch", "Concatenated", "Conv", "Dense", "Disentangle",
    "Dropout", "FieldNorm", "Flatten", "FourierPointwise", "FromIrreps", "Frozen", "Gated", "GlobalPool", "GroupNorm",
    "GroupPool", "HalfSize", "Hourglass", "IdealResample", "Identity", "InducedNormPool", "InstanceNorm", "Layer",
    "LayerNorm", "LocallyConnected", "Mask", "Maxout", "NormActivation", "NormMaxPool", "NormPool", "Parallel",
    "Pointwise", "Polynomial", "Polyphase", "PolyphaseUpsample", "Pool", "PositionEmbedding", "Reshuffle", "Residual",
    "Restrict", "SelfAttention", "Sequential", "Skip", "SubgroupPool", "TensorProduct", "ToIrreps", "TransposedConv",
    "Upsample", "VectorField", "Window", "antialiased_max_pool", "freeze", "halving_pool", "normalization",
    "with_method",
]  # fmt: skip
