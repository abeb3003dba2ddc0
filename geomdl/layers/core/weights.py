"""The free weights of an equivariant linear map between field types: kernel spaces, initial values, expansion, bias."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.errors import invalid, unknown
from geomdl.groups import BaseSpace
from geomdl.kernels import (
    Basis,
    KernelSpace,
    delta_orthogonal,
    initial_variances,
    kernel_space,
    require_kernels,
)
from geomdl.layers.core.field_channels import invariant_directions
from geomdl.layers.core.gains import Gain, gains
from geomdl.layers.core.initialization import normal, zeros
from geomdl.representations import FieldType

KernelSpaces = tuple[tuple[KernelSpace, ...], ...]
"""``spaces[i][o]``: the kernels from block i of the input type to block o of the output type."""

Init = Literal["he", "delta_orthogonal"]
"""How weights start: `geomdl.kernels.initial_variances`, or `geomdl.kernels.delta_orthogonal`."""


def kernel_spaces(
    in_type: FieldType,
    out_type: FieldType,
    size: int | tuple[int, ...],
    basis: Basis = "auto",
    *,
    space: BaseSpace | None = None,
    **options: Any,
) -> KernelSpaces:
    """The kernel space of every pair of blocks, on the base space of the types unless another one is given.

    Raises:
      ValueError: for types of different groups, a pair without kernels in the basis asked for, or an output that no
        kernel reaches.

    >>> spaces = kernel_spaces(FieldType("C4", "2 trivial"), FieldType("C4", "1 trivial + 3 regular"), 3)
    >>> [space.dimension for space in spaces[0]]
    [3, 9]
    """
    if in_type.group != out_type.group:
        raise ValueError(f"a layer relates fields of one group; got in_type {in_type} and out_type {out_type}")
    if in_type.space != out_type.space:
        raise ValueError(f"a layer relates fields on one base space; got in_type {in_type} and out_type {out_type}")
    on = in_type.space if space is None else space
    spaces = tuple(
        tuple(kernel_space(i.representation, o.representation, size, basis, on, **options) for o in out_type.blocks)
        for i in in_type.blocks
    )
    require_kernels(in_type, out_type, spaces)
    return spaces


def init_weights(
    spaces: KernelSpaces,
    in_type: FieldType,
    out_type: FieldType,
    rngs: nnx.Rngs,
    groups: int = 1,
    init: Init = "he",
    gain: Gain = None,
    *,
    spread: int = 1,
) -> nnx.List:
    """Initial weights, one array ``[dimension, fields_in / groups, fields_out]`` for each pair of blocks.

    Args:
      spaces: see `kernel_spaces`.
      in_type: what comes in.
      out_type: what goes out.
      rngs: for the random numbers.
      groups: of fields.
      init: which initialisation.
      gain: see `geomdl.layers.gain_of`.
      spread: over how many pixels of the output a transposed convolution spreads each kernel; 1 of a convolution.

    Raises:
      ValueError: for an unknown initialisation, a delta-orthogonal one of groups or of windows without a centre, or a
        gain that is none.
    """
    if init not in get_args(Init):
        raise unknown("init", init, get_args(Init))
    if init == "delta_orthogonal":
        if groups != 1:
            raise invalid("init with groups", init, "'he'; delta-orthogonal weights are for groups=1", "'he'")
        scales = itertools.cycle(map(math.sqrt, gains(gain, out_type, unless_given=1.0)))
        drawn = delta_orthogonal(rngs.params(), in_type, out_type, spaces)
        return nnx.List([nnx.Param(w if s == 1 else s * w) for s, w in zip(scales, drawn, strict=False)])
    enlarged = [spread * g for g in gains(gain, out_type)]
    variances = iter(initial_variances(in_type, out_type, spaces, enlarged, flat=spread == 1))
    weights = []
    for i, row in zip(in_type.blocks, spaces, strict=True):
        for o, space in zip(out_type.blocks, row, strict=True):
            shape = (space.dimension, i.multiplicity // groups, o.multiplicity)
            deviations = np.sqrt(groups * next(variances))
            weights.append(nnx.Param(normal(rngs.params(), shape, deviations[:, None, None])))
    return nnx.List(weights)


def expand(weights: Sequence[jax.Array], spaces: KernelSpaces) -> jax.Array:
    """The dense kernel ``[k, k, in_channels / groups, out_channels]``, in the weights' dtype."""
    flat = iter(weights)
    rows = [jnp.concatenate([space.expand(next(flat)) for space in row], -1) for row in spaces]
    return jnp.concatenate(rows, -2)


def init_bias(out_type: FieldType) -> nnx.List:
    """Zeros ``[fields, invariant directions]`` for each output block; directions may be none."""
    return nnx.List(
        [nnx.Param(zeros(b.multiplicity, len(invariant_directions(b.representation)))) for b in out_type.blocks]
    )


def add_bias(y: jax.Array, bias: Sequence[nnx.Param], out_type: FieldType) -> jax.Array:
    """Adds ρ_out-invariant vectors: a bias anywhere else would break equivariance."""
    if not len(bias):
        return y
    channels = [
        (b[...].astype(y.dtype) @ jnp.asarray(invariant_directions(block.representation), y.dtype)).reshape(-1)
        for b, block in zip(bias, out_type.blocks, strict=True)
    ]
    return y + jnp.concatenate(channels)
