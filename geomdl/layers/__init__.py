"""Flax NNX layers that take and give typed fields and promise what they do to symmetry."""

from typing import TYPE_CHECKING

from geomdl.deprecation import renamed
from geomdl.layers.containers.auxiliary import AuxiliaryOutputs, WithAuxiliary
from geomdl.layers.containers.branching import Branch, Parallel, Residual
from geomdl.layers.containers.foreign import ForeignModule, WithoutContract
from geomdl.layers.containers.fractal import Fractal
from geomdl.layers.containers.highway import Highway
from geomdl.layers.containers.repetition import scanned
from geomdl.layers.containers.sequential import Sequential
from geomdl.layers.containers.skip import Skip
from geomdl.layers.containers.stochastic_depth import StochasticDepth
from geomdl.layers.convolution.attention import PositionEmbedding, SelfAttention
from geomdl.layers.convolution.connected import ConnectedConv
from geomdl.layers.convolution.conv import Conv
from geomdl.layers.convolution.dense import Dense
from geomdl.layers.convolution.elongated import ElongatedConv
from geomdl.layers.convolution.locally_connected import Flatten, LocallyConnected
from geomdl.layers.convolution.transposed import TransposedConv
from geomdl.layers.core.correlation import convolve, correlate
from geomdl.layers.core.functional import pool
from geomdl.layers.core.identity import Identity
from geomdl.layers.core.layer import Child, Layer
from geomdl.layers.core.modes import statistics_kept
from geomdl.layers.core.window import Padding, PaddingMode, Window, output_size
from geomdl.layers.field_types.change_of_basis import FromIrreps, ToIrreps
from geomdl.layers.field_types.mask import Mask
from geomdl.layers.field_types.order import Disentangle, Reshuffle
from geomdl.layers.field_types.pad_fields import PadFields
from geomdl.layers.field_types.restriction import Restrict
from geomdl.layers.nonlinearities.crelu import CReLU
from geomdl.layers.nonlinearities.fourier import FourierPointwise
from geomdl.layers.nonlinearities.norm_and_gated import Gated, NormActivation
from geomdl.layers.nonlinearities.pointwise import Maxout, Pointwise
from geomdl.layers.nonlinearities.tensor_product import TensorProduct
from geomdl.layers.nonlinearities.vector_field import VectorField
from geomdl.layers.normalization.batch_norm import BatchNorm, Dropout, LayerNorm, normalization
from geomdl.layers.normalization.field_norm import FieldNorm, GroupNorm, InstanceNorm
from geomdl.layers.normalization.local_response import LocalResponseNorm
from geomdl.layers.resampling.alias_free import BandLimited, IdealResample, Polynomial
from geomdl.layers.resampling.field_pooling import (
    InducedNormPool,
    NormMaxPool,
    NormPool,
    SubgroupPool,
    antialiased_max_pool,
)
from geomdl.layers.resampling.hourglass import Hourglass, PolyphaseUpsample
from geomdl.layers.resampling.polyphase import Polyphase
from geomdl.layers.resampling.pooling import BlurPool, GlobalPool, GroupPool, Pool, halving_pool
from geomdl.layers.resampling.reduced_size import ReducedSize
from geomdl.layers.resampling.subsampling import TrainableSubsampling
from geomdl.layers.resampling.upsampling import AdaptivePool, Upsample
from geomdl.layers.transforms.freeze import freeze
from geomdl.layers.transforms.frozen import Frozen
from geomdl.layers.transforms.gain import gain_of
from geomdl.layers.transforms.induced import induce
from geomdl.layers.transforms.lsuv import lsuv
from geomdl.layers.transforms.with_method import with_method

if not TYPE_CHECKING:
    __getattr__ = renamed(__name__, {"Concatenated": "CReLU", "HalfSize": "ReducedSize"}, removed_in="0.3")

__all__ = [
    "AdaptivePool", "AuxiliaryOutputs", "BandLimited", "BatchNorm", "BlurPool", "Branch", "CReLU", "Child",
    "ConnectedConv", "Conv", "Dense", "Disentangle", "Dropout", "ElongatedConv", "FieldNorm", "Flatten",
    "ForeignModule", "FourierPointwise", "Fractal", "FromIrreps", "Frozen", "Gated", "GlobalPool", "GroupNorm",
    "GroupPool", "Highway", "Hourglass", "IdealResample", "Identity", "InducedNormPool", "InstanceNorm", "Layer",
    "LayerNorm", "LocalResponseNorm", "LocallyConnected", "Mask", "Maxout", "NormActivation", "NormMaxPool",
    "NormPool", "PadFields", "Padding", "PaddingMode", "Parallel", "Pointwise", "Polynomial", "Polyphase",
    "PolyphaseUpsample", "Pool", "PositionEmbedding", "ReducedSize", "Reshuffle", "Residual", "Restrict",
    "SelfAttention", "Sequential", "Skip", "StochasticDepth", "SubgroupPool", "TensorProduct", "ToIrreps",
    "TrainableSubsampling", "TransposedConv", "Upsample", "VectorField", "Window", "WithAuxiliary",
    "WithoutContract", "antialiased_max_pool", "convolve", "correlate", "freeze", "gain_of", "halving_pool",
    "induce", "lsuv", "normalization", "output_size", "pool", "scanned", "statistics_kept", "with_method",
]  # fmt: skip

__experimental__ = [
    "AdaptivePool", "AuxiliaryOutputs", "BandLimited", "Child", "ConnectedConv", "ElongatedConv", "ForeignModule",
    "Fractal", "Frozen", "Highway", "Hourglass", "IdealResample", "InducedNormPool", "LocalResponseNorm",
    "PadFields", "Polynomial", "Polyphase", "PolyphaseUpsample", "PositionEmbedding", "ReducedSize",
    "SelfAttention", "Skip", "StochasticDepth", "TensorProduct", "TrainableSubsampling", "VectorField",
    "WithAuxiliary", "WithoutContract", "antialiased_max_pool", "gain_of", "halving_pool", "induce", "lsuv",
    "normalization", "scanned", "statistics_kept", "with_method",
]  # fmt: skip
