"""Neighbourhoods of fixed size, whose choice does not depend on the order of points or on their orientation."""

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from geomdl.errors import invalid
from geomdl.numbers import whole_number
from geomdl.points.clouds import as_cloud, positive, require_cloud

TIES = {2: 1e-2, 4: 1e-4, 8: 1e-9}
"""Distances count as equal that differ by less than this part, by the bytes of a number."""


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["index", "offset", "mask", "complete"], meta_fields=[]
)
@dataclass(frozen=True)
class Neighbours:
    """The neighbours of each point of a cloud, in a fixed number of places of which some are empty.

    Attributes:
      index: ``[..., points, places]`` int32, the number of the neighbour; 0 where the place is empty.
      offset: ``[..., points, places, 3]``, from the point to its neighbour, x_j − x_i; 0 where the place is empty.
      mask: ``[..., points, places]``, whether there is a neighbour.
      complete: ``[..., points]``, whether all the neighbours that were asked for had a place.

    >>> line = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0]], np.float32)
    >>> nearest_neighbours(line, 1).count.tolist()
    [1, 1, 1]
    """

    index: jax.Array
    offset: jax.Array
    mask: jax.Array
    complete: jax.Array

    @property
    def count(self) -> jax.Array:
        """``[..., points]``, how many neighbours a point has."""
        return self.mask.sum(-1)

    @property
    def distance(self) -> jax.Array:
        """``[..., points, places]``, 0 where the place is empty; its gradient is 0 where it is 0."""
        square = (self.offset**2).sum(-1)
        apart = square > 0
        return jnp.where(apart, jnp.sqrt(jnp.where(apart, square, 1)), 0)

    def gather(self, values: jax.Array) -> jax.Array:
        """The values ``[..., points, channels]`` at the neighbours, ``[..., points, places, channels]``."""
        *leading, count, places = self.index.shape
        index = self.index.reshape(*leading, count * places, 1)
        return jnp.take_along_axis(values, index, axis=-2).reshape(*self.index.shape, values.shape[-1])


def nearest_neighbours(points: Any, number: int, *, room: int | None = None, mask: Any = None) -> Neighbours:
    """The nearest neighbours of each point, and all that are as far as the last of them.

    Taking some of several equally far points would depend on their order, and break the symmetry of the cloud. So the
    whole shell of equally far points is taken, if there is room for it, and none of it otherwise, of which
    ``complete`` tells. Points at one and the same place are refused outside of compiled functions; inside, their offset
    is 0. Distances of all pairs are computed: n² for n points.

    Args:
      points: ``[..., points, 3]``; NumPy, JAX or what stands for it. Traced under `jax.jit` and `jax.vmap`.
      number: of nearest neighbours, without the point itself.
      room: places for neighbours of each point; None for half as many more than the number. Cost grows with it.
      mask: ``[..., points]``, True where there is a point: padding has no neighbours, and is none.

    Raises:
      ValueError: see `require_cloud`; fewer points than neighbours, or less room than neighbours.

    >>> corners = np.array([[x, y, 0.0] for x in (0, 1) for y in (0, 1)], np.float32)
    >>> found = nearest_neighbours(corners, 1)  # two are equally near
    >>> found.count.tolist(), found.complete.tolist()
    ([2, 2, 2, 2], [True, True, True, True])
    >>> nearest_neighbours(corners, 1, room=1).count.tolist()
    [0, 0, 0, 0]
    >>> nearest_neighbours(corners, 4)
    Traceback (most recent call last):
    ValueError: invalid number of neighbours 4; allowed: fewer than the 4 points; try 3
    """
    number = whole_number("number of neighbours", number)
    array, kept = as_cloud(points, mask)
    size = array.shape[-2]
    if number >= size:
        raise invalid("number of neighbours", number, f"fewer than the {size} points", max(size - 1, 1))
    room = number + (number + 1) // 2 if room is None else whole_number("room", room, least=number)
    _look_at(array, kept, number + 1)
    return _neighbourhoods(array, kept, room, number, 0.0)


def neighbours_within(points: Any, radius: float, *, room: int, mask: Any = None) -> Neighbours:
    """The neighbours nearer than a radius; the nearest of them, if there is not room for all.

    Where there is not room, the farthest that have a place are left out if others are equally far that have none; so
    the result does not depend on the order of points. ``complete`` tells where there was not room.

    Args:
      points: ``[..., points, 3]``; NumPy, JAX or what stands for it. Traced under `jax.jit` and `jax.vmap`.
      radius: in the unit of the coordinates.
      room: places for neighbours of each point.
      mask: ``[..., points]``, True where there is a point.

    Raises:
      ValueError: see `require_cloud`; a radius that is not above 0.

    >>> line = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0]], np.float32)
    >>> found = neighbours_within(line, 2.5, room=2)
    >>> found.count.tolist(), found.index[0].tolist(), found.offset[0].tolist()
    ([1, 2, 1], [1, 0], [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    """
    radius = positive("radius", radius)
    array, kept = as_cloud(points, mask)
    _look_at(array, kept, 1)
    return _neighbourhoods(array, kept, whole_number("room", room), None, radius)


def mesh_neighbours(points: Any, faces: Any) -> Neighbours:
    """The vertices of a mesh that share an edge with each vertex.

    Args:
      points: ``[..., points, 3]``, the vertices; several arrays of them may share the faces. Traced or not.
      faces: ``[faces, corners]``, the numbers of the vertices around each face, in an array of NumPy.

    Raises:
      ValueError: see `require_cloud`; faces that are no whole numbers of vertices.

    >>> tetrahedron = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    >>> mesh_neighbours(tetrahedron, np.array([[0, 1, 2], [0, 3, 1]])).count.tolist()
    [3, 3, 2, 2]
    """
    array, _ = as_cloud(points)
    _look_at(array, None, 1)
    size, faces = array.shape[-2], np.asarray(faces)
    if faces.ndim != 2 or not np.issubdtype(faces.dtype, np.integer):
        raise invalid("faces", f"{faces.dtype} {faces.shape}", "whole numbers [faces, corners]")
    if faces.size and not (faces.min() >= 0 and faces.max() < size):
        raise invalid("faces", int(faces.max() if faces.min() >= 0 else faces.min()), f"vertices from 0 to {size - 1}")
    edges = np.stack([faces, np.roll(faces, -1, axis=1)], -1).reshape(-1, 2)
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    degree = np.bincount(edges[:, 0], minlength=size)
    index, mask = np.zeros((size, max(degree.max(initial=0), 1)), np.int32), np.arange(max(degree.max(initial=0), 1))
    mask = mask < degree[:, None]
    index[mask] = edges[:, 1]
    shape = (*array.shape[:-2], *index.shape)
    return _of_index(
        array, jnp.broadcast_to(index, shape), jnp.broadcast_to(mask, shape), jnp.ones(array.shape[:-1], bool)
    )


def _look_at(array: jax.Array, mask: jax.Array | None, least: int) -> None:
    """Looks at the numbers outside of compiled functions."""
    if not isinstance(array, Tracer) and not isinstance(mask, Tracer):
        require_cloud(array, mask=mask, least=least)


@functools.partial(jax.jit, static_argnames=("room", "number"))
def _neighbourhoods(
    points: jax.Array, mask: jax.Array | None, room: int, number: int | None, radius: float
) -> Neighbours:
    size = points.shape[-2]
    square = ((points[..., :, None, :] - points[..., None, :, :]) ** 2).sum(-1)
    allowed = ~jnp.eye(size, dtype=bool)
    if mask is not None:
        allowed = allowed & mask[..., None, :] & mask[..., :, None]
    room = min(room, size - 1)
    negative, index = jax.lax.top_k(-jnp.where(allowed, square, jnp.inf), room + 1)
    distance = jnp.sqrt(-negative)  # of the places, and of the first that has none
    equal = 1 + TIES[points.dtype.itemsize]
    places, beyond = distance[..., :room], distance[..., room:]
    finite = jnp.isfinite(distance)
    near = finite & (distance < radius if number is None else distance <= distance[..., number - 1 : number] * equal)
    there = near[..., :room] & ((places * equal < beyond) | ~near[..., room:])
    return _of_index(points, index[..., :room].astype(jnp.int32), there, ~near[..., room])


def _of_index(points: jax.Array, index: jax.Array, mask: jax.Array, complete: jax.Array) -> Neighbours:
    index = jnp.where(mask, index, 0)
    bare = Neighbours(index, jnp.zeros((*index.shape, 3), points.dtype), mask, complete)
    offset = jnp.where(mask[..., None], bare.gather(points) - points[..., None, :], 0)
    return Neighbours(index, offset, mask, complete)
