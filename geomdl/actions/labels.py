"""The action of linear maps of the plane on label maps: every pixel takes the label of the nearest source pixel."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Int

from geomdl.errors import invalid


def warp_labels(labels: ArrayLike, matrix: ArrayLike, *, fill: int = -1) -> Int[Array, "batch height width"]:
    """Moves label maps by the linear map p ↦ A p about the image centre: y'(p) = y(the pixel nearest to A⁻¹ p).

    The counterpart of `geomdl.actions.warp.warp` for integers, which cannot be interpolated. Where A maps the pixels to
    pixels, each label moves exactly (`geomdl.actions.grid.turn` does the same at less cost).

    Args:
      labels: ``[batch, height, width]``, integers.
      matrix: A, ``[2, 2]`` for all maps or ``[batch, 2, 2]``; may be traced.
      fill: the label of pixels that come from outside.

    Raises:
      ValueError: for labels that are not integers ``[batch, height, width]``.

    >>> from geomdl.actions.warp import rotation_matrix
    >>> warp_labels(jnp.array([[[0, 1], [2, 3]]]), rotation_matrix(90.0))
    Array([[[1, 3],
            [0, 2]]], dtype=int32)
    """
    labels = jnp.asarray(labels)
    if labels.ndim != 3 or not jnp.issubdtype(labels.dtype, jnp.integer):
        raise invalid("label maps", f"{labels.dtype} of shape {labels.shape}", "integers [batch, height, width]")
    batch, height, width = labels.shape
    inverse = jnp.broadcast_to(jnp.linalg.inv(jnp.asarray(matrix, jnp.float32)), (batch, 2, 2))
    rows, columns = jnp.meshgrid(
        jnp.arange(height, dtype=jnp.float32), jnp.arange(width, dtype=jnp.float32), indexing="ij"
    )
    points = jnp.stack([columns - (width - 1) / 2, (height - 1) / 2 - rows], -1)  # (x right, y up) from the centre
    sources = jnp.einsum("bij,hwj->bhwi", inverse, points, precision="highest")
    row = jnp.round((height - 1) / 2 - sources[..., 1]).astype(jnp.int32)
    column = jnp.round(sources[..., 0] + (width - 1) / 2).astype(jnp.int32)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    place = jnp.clip(row, 0, height - 1) * width + jnp.clip(column, 0, width - 1)
    moved = jax.vmap(lambda flat, index: flat[index])(labels.reshape(batch, -1), place)
    return jnp.where(inside, moved, jnp.asarray(fill, labels.dtype))
