"""The action of linear maps of the plane on label maps: every pixel takes the label of the nearest source pixel."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Int

from geomdl.actions.grid import holding
from geomdl.actions.warp import map_of_images
from geomdl.arrays import as_array
from geomdl.errors import invalid, misshapen


def warp_labels(
    labels: ArrayLike, matrix: ArrayLike, offset: ArrayLike | None = None, *, fill: int = -1
) -> Int[Array, "batch height width"]:
    """Moves label maps by the map p ↦ A p + t about the image centre: y'(p) = y(the pixel nearest to A⁻¹(p − t)).

    The counterpart of `geomdl.actions.warp.warp` for integers, which cannot be interpolated. Where A maps the pixels to
    pixels, each label moves exactly (`geomdl.actions.grid.turn` does the same at less cost).

    Args:
      labels: ``[batch, height, width]``, integers of any dtype, or bool.
      matrix: A, ``[2, 2]`` for all maps or ``[batch, 2, 2]``; may be traced.
      offset: t in pixels, ``[2]`` or ``[batch, 2]``; zero by default.
      fill: the label of pixels that come from outside.

    Returns:
      The moved maps, of the same dtype; of int32 where that has no ``fill``, as unsigned integers have no −1.

    Raises:
      ValueError: for labels that are not integers ``[batch, height, width]``.

    >>> from geomdl.actions.warp import rotation_matrix
    >>> warp_labels(jnp.array([[[0, 1], [2, 3]]]), rotation_matrix(90.0))
    Array([[[1, 3],
            [0, 2]]], dtype=int32)
    """
    labels = holding(label_maps(labels), fill)
    batch, height, width = labels.shape
    matrix = map_of_images("matrix", matrix, (2, 2), batch, jnp.dtype(jnp.float32))
    inverse = jnp.broadcast_to(jnp.linalg.inv(matrix), (batch, 2, 2))
    rows, columns = jnp.meshgrid(
        jnp.arange(height, dtype=jnp.float32), jnp.arange(width, dtype=jnp.float32), indexing="ij"
    )
    points = jnp.stack([columns - (width - 1) / 2, (height - 1) / 2 - rows], -1)  # (x right, y up) from the centre
    if offset is not None:
        offset = jnp.broadcast_to(map_of_images("offset", offset, (2,), batch, jnp.dtype(jnp.float32)), (batch, 2))
        points = points - offset[:, None, None]
        sources = jnp.einsum("bij,bhwj->bhwi", inverse, points, precision="highest")
    else:
        sources = jnp.einsum("bij,hwj->bhwi", inverse, points, precision="highest")
    row = jnp.round((height - 1) / 2 - sources[..., 1]).astype(jnp.int32)
    column = jnp.round(sources[..., 0] + (width - 1) / 2).astype(jnp.int32)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    place = jnp.clip(row, 0, height - 1) * width + jnp.clip(column, 0, width - 1)
    moved = jax.vmap(lambda flat, index: flat[index])(labels.reshape(batch, -1), place)
    return jnp.where(inside, moved, jnp.asarray(fill, labels.dtype))


def label_maps(labels: ArrayLike) -> jax.Array:
    """Label maps ``[batch, height, width]`` of whole numbers or bool, as they are.

    Raises:
      ValueError: for other numbers or another shape.
    """
    labels = jnp.asarray(as_array(labels, "label maps"))
    if jnp.issubdtype(labels.dtype, jnp.inexact):
        raise invalid("label maps", str(labels.dtype), "integers; try labels.astype('int32')")
    if labels.ndim != 3:
        raise misshapen("label maps", labels.shape, ("batch", "height", "width"))
    return labels
