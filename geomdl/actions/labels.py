"""The action of linear maps of the plane, or of space, on label maps: a pixel has the label of the nearest source."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Int

from geomdl.actions.grid import holding
from geomdl.actions.warp import map_of_images
from geomdl.arrays import as_array
from geomdl.errors import invalid, misshapen


def warp_labels(
    labels: ArrayLike, matrix: ArrayLike, offset: ArrayLike | None = None, *, fill: int = -1
) -> Int[Array, "batch *space"]:
    """Moves label maps by the map p ↦ A p + t about the image centre: y'(p) = y(the pixel nearest to A⁻¹(p − t)).

    The counterpart of `geomdl.actions.warp.warp` for integers, which cannot be interpolated, and with matrices
    ``[3, 3]`` that of `geomdl.actions.volume_warp.warp_volume`. Where A maps the pixels to pixels, each label moves
    exactly (`geomdl.actions.grid.turn` does the same at less cost).

    Args:
      labels: ``[batch, height, width]``, or ``[batch, depth, height, width]``; integers of any dtype, or bool.
      matrix: A, ``[2, 2]`` for all maps or ``[batch, 2, 2]``; of volumes ``[3, 3]`` likewise; may be traced.
      offset: t in pixels, ``[2]`` or ``[batch, 2]``, of volumes three numbers; zero by default.
      fill: the label of pixels that come from outside.

    Returns:
      The moved maps, of the same dtype; of int32 where that has no ``fill``, as unsigned integers have no −1.

    Raises:
      ValueError: for labels that are not integers ``[batch, height, width]`` or ``[batch, depth, height, width]``.

    >>> from geomdl.actions.warp import rotation_matrix
    >>> warp_labels(jnp.array([[[0, 1], [2, 3]]]), rotation_matrix(90.0))
    Array([[[1, 3],
            [0, 2]]], dtype=int32)
    """
    labels = holding(label_maps(labels, 3 if np.shape(matrix)[-1:] == (3,) else 2), fill)
    batch, size = labels.shape[0], labels.shape[1:]
    axes = len(size)
    matrix = map_of_images("matrix", matrix, (axes, axes), batch, jnp.dtype(jnp.float32))
    inverse = jnp.broadcast_to(jnp.linalg.inv(matrix), (batch, axes, axes))
    places = jnp.meshgrid(*(jnp.arange(n, dtype=jnp.float32) for n in size), indexing="ij")
    middle = [(n - 1) / 2 for n in size]
    # (x to the right, y up, z up) from the centre; the indices are (−z, −y, x)
    points = jnp.stack([places[-1] - middle[-1], *(middle[a] - places[a] for a in reversed(range(axes - 1)))], -1)
    if offset is not None:
        by = map_of_images("offset", offset, (axes,), batch, jnp.dtype(jnp.float32))
        by = jnp.broadcast_to(by, (batch, axes)).reshape(batch, *[1] * axes, axes)
        sources = jnp.einsum("bij,b...j->b...i", inverse, points - by, precision="highest")
    else:
        sources = jnp.einsum("bij,...j->b...i", inverse, points, precision="highest")
    inside, flat = jnp.ones((), bool), jnp.zeros((), jnp.int32)
    for axis, n in enumerate(size):
        along = sources[..., 0] + middle[axis] if axis == axes - 1 else middle[axis] - sources[..., axes - 1 - axis]
        index = jnp.round(along).astype(jnp.int32)
        inside &= (index >= 0) & (index < n)
        flat = flat * n + jnp.clip(index, 0, n - 1)
    moved = jax.vmap(lambda held, index: held[index])(labels.reshape(batch, -1), flat)
    return jnp.where(inside, moved, jnp.asarray(fill, labels.dtype))


def label_maps(labels: ArrayLike, dimension: int = 2) -> jax.Array:
    """Label maps ``[batch, height, width]`` of whole numbers or bool, as they are.

    Args:
      labels: see above.
      dimension: 3 for those of volumes, ``[batch, depth, height, width]``.

    Raises:
      ValueError: for other numbers or another shape.
    """
    labels = jnp.asarray(as_array(labels, "label maps"))
    if jnp.issubdtype(labels.dtype, jnp.inexact):
        raise invalid("label maps", str(labels.dtype), "integers; try labels.astype('int32')")
    if labels.ndim != dimension + 1:
        raise misshapen("label maps", labels.shape, ("batch", *("depth", "height", "width")[-dimension:]))
    return labels
