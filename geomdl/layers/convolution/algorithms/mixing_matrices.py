"""The matrices by which the factored convolution mixes channels, from the weights."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.kernels.factored.plan import factored_plan
from geomdl.kernels.factored.sparse_rows import SparseRows
from geomdl.layers.convolution.algorithms.sparse_rows import take_rows
from geomdl.layers.core.weights import KernelSpaces


@functools.partial(jax.jit, static_argnames=("spaces", "groups"), inline=True)
def mixing_matrices(spaces: KernelSpaces, weights: Sequence[jax.Array], groups: int = 1) -> list[jax.Array]:
    """What mixes the channels: ``[unit, row · copy · field_out, height · field_in]``.

    For each group of output units, of all blocks of the output, and each block of the input that goes into it. Of
    several groups of fields each has its own: ``[group, unit, …]``.
    """
    if groups > 1:
        apart = [weight.reshape(*weight.shape[:2], groups, -1) for weight in weights]  # [w, field_in, group, field_out]
        return jax.vmap(functools.partial(mixing_matrices, spaces), 2)(apart)
    plan, matrices = factored_plan(spaces), {}
    for g, group in enumerate(plan.groups):
        for i, o in group.pairs:
            weight = weights[i * len(group.copies) + o]  # [w, field_in, field_out]
            fields_in, fields_out = weight.shape[1:]
            entries = _entries(group.mixings[i][o], weight)
            entries = entries.reshape(group.units, group.heights[i], -1, fields_in, fields_out)
            entries = entries.transpose(0, 2, 4, 1, 3)  # [unit, row · copy, field_out, height, field_in]
            matrices.setdefault((g, i), []).append(entries.reshape(group.units, -1, group.heights[i] * fields_in))
    return [jnp.concatenate(of_pair, 1) for of_pair in matrices.values()]


def _entries(mixing: SparseRows | np.ndarray, weight: jax.Array) -> jax.Array:
    """The entries of a matrix, ``[unit · height · row · copy, field_in, field_out]``, linear in the weights."""
    if isinstance(mixing, SparseRows):
        return take_rows(weight, mixing)
    return jnp.einsum("ew,wio->eio", jnp.asarray(mixing, weight.dtype), weight, precision="highest")
