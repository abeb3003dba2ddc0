"""The rows of the contract table for layers on volumes: those of `entries`, for groups of space."""

import dataclasses

from geomdl.layers.contract_table.entries import LAYERS, Entry
from geomdl.layers.contract_table.sampling import ROWS

CUBE = ("T", "Th", "O", "Oh", "C4z", "D4z", "C4v", "C4x")
"""Groups that map a cubic grid to itself."""
SPACE = (*CUBE, "Td", "I", "Cinfv", "SO3", "O3")
"""With others, whose elements do so only in part."""
_ANY = (
    "Conv, any types", "Conv, depthwise", "ConnectedConv", "TransposedConv, kernel 4, stride 2", "SelfAttention",
    "Pool, mean", "TrainableSubsampling", "BlurPool, 3", "BlurPool, 4, circular", "NormMaxPool", "AdaptivePool, mean",
    "GlobalPool, mean", "Upsample, nearest", "BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "FieldNorm",
    "LocalResponseNorm", "StochasticDepth", "PadFields", "Dropout", "NormActivation", "Gated", "TensorProduct",
    "NormPool", "Restrict", "ToIrreps", "FromIrreps", "Disentangle", "Reshuffle", "Mask", "ReducedSize, average",
    "FourierPointwise", "Polyphase, subsampling", "IdealResample, twice", "IdealResample, half",
)  # fmt: skip
_ON_THE_GRID = (
    "Conv, lifting", "Conv, regular fields", "Conv, padding='valid'", "Conv, even kernel", "Conv, padding='full'",
    "Conv, circular", "Conv, reflect", "Conv, replicate", "Conv, dilation 2", "Conv, kernel 3, stride 2",
    "Conv, kernel 4, stride 2, circular", "Pool, maximum", "Pool, maximum, 3, stride 2",
    "Pool, mean, stride 1, circular", "NormMaxPool, 3, stride 2", "antialiased_max_pool", "AdaptivePool, maximum",
    "GlobalPool, maximum", "Upsample, bilinear", "Upsample, cubic, circular", "Upsample, to a size", "Pointwise, relu",
    "Maxout", "CReLU", "GroupPool, maximum", "GroupPool, mean", "SubgroupPool", "Sequential: Conv, Pool, Conv",
    "ReducedSize, maximum", "Polyphase, convolution", "Polyphase, learned", "PolyphaseUpsample, stride 3",
    "Hourglass, polyphase", "IdealResample, to a size", "BandLimited, polynomial", "BandLimited, ReLU and a maximum",
    "Polynomial",
)  # fmt: skip

_VECTORS = ("VectorField",)
"""Of groups whose vectors are irreducible."""


def _row(entry: Entry) -> Entry:
    """The row on volumes; of windows of five, a little larger."""
    n = 6 if "'valid'" in entry.name else 4
    groups = SPACE if entry.name in _ANY else CUBE if entry.name in _ON_THE_GRID else ("T", "Th", "O", "Oh", "Td")
    sizes = {"even": (n,) * 3, "odd": (n + 1,) * 3}
    return dataclasses.replace(entry, section="Volumes", groups=groups, quick=groups, **sizes)


VOLUMES: tuple[Entry, ...] = tuple(
    _row(entry) for entry in (*LAYERS, *ROWS) if entry.name in (*_ANY, *_ON_THE_GRID, *_VECTORS)
)
