"""Packed clouds, moved by orthogonal matrices: coordinates, and the features that turn with them."""

import functools
from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp

from geomdl.arrays import as_floating
from geomdl.e3nn import as_irreps
from geomdl.errors import invalid


def moved_clouds(packed: Any, matrix: Any, *, irreps: Any = "") -> jax.Array:
    """Packed clouds moved about the origin: x_i ↦ M x_i, and features f_i ↦ D(M) f_i, D those of e3nn-jax.

    The mask stays, and so do points that are padding. Traced or not.

    Args:
      packed: ``[batch, points, 4 + features]``, see `pack_clouds`.
      matrix: ``[3, 3]``, or ``[batch, 3, 3]``, orthogonal, perhaps times a scale, which changes no feature.
      irreps: of the features, ``"2x0e + 1x1o"`` for two scalars and a vector; empty: all are scalars.

    Raises:
      ValueError: for irreps of another number of features, or another shape.

    >>> import numpy as np
    >>> cloud = np.array([[[1.0, 2.0, 3.0, 1.0, 0.0, 0.0, 1.0]]], np.float32)  # its feature is the vector (1, 0, 0)
    >>> quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
    >>> moved_clouds(cloud, quarter, irreps="1x1o").tolist()
    [[[-2.0, 1.0, 3.0, 0.0, 1.0, 0.0, 1.0]]]
    """
    packed = jnp.asarray(as_floating(packed, "packed clouds"))
    if packed.ndim != 3 or packed.shape[-1] < 4:
        raise invalid("shape of packed clouds", packed.shape, "[batch, points, 4 + features]")
    matrix = jnp.asarray(matrix, packed.dtype)
    if matrix.shape not in ((3, 3), (len(packed), 3, 3)):
        raise invalid("shape of the matrices", matrix.shape, f"[3, 3] or [{len(packed)}, 3, 3]")
    matrices = jnp.broadcast_to(matrix, (len(packed), 3, 3))
    points, features, mask = packed[..., :3], packed[..., 3:-1], packed[..., -1:]
    moved = jnp.einsum("nij,npj->npi", matrices, points, precision="highest")
    count = features.shape[-1]
    kinds = as_irreps(irreps or f"{count}x0e", "irreps of the features") if count else None
    if kinds is not None and kinds.dim != count:
        raise invalid("irreps of the features", str(kinds), f"irreps of {count} numbers", f"{count}x0e")
    if kinds is not None and any(str(irrep) != "0e" for _, irrep in kinds):
        features = _moved_features(kinds, features, matrices).astype(packed.dtype)
    return jnp.concatenate([moved, features, mask], -1)


@functools.partial(jax.jit, static_argnums=0)
def _moved_features(kinds: e3nn.Irreps, features: jax.Array, matrices: jax.Array) -> jax.Array:
    """Features ``[batch, points, kinds.dim]`` turned by the orthogonal parts of matrices ``[batch, 3, 3]``."""
    determinants = jnp.linalg.det(matrices)[:, None, None]
    orthogonal = matrices / jnp.cbrt(jnp.abs(determinants))
    parts, start = [], 0
    for count, irrep in kinds:
        part = features[..., start : start + count * irrep.dim]
        start += count * irrep.dim
        if irrep.l > 1:
            turn = irrep.D_from_matrix(orthogonal)
        else:  # of degree 1 they are (x, y, z)
            turn = orthogonal if irrep.l else jnp.ones_like(determinants)
            turn = turn if irrep.p == (-1) ** irrep.l else turn * jnp.sign(determinants)
        split = part.reshape(*part.shape[:-1], count, irrep.dim)
        parts.append(jnp.einsum("nij,npmj->npmi", turn, split, precision="highest").reshape(part.shape))
    return jnp.concatenate(parts, -1)
