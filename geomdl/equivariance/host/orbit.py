"""Orbits of arrays on the host, in NumPy: grid symmetries and shifts are moved exactly and nothing is compiled."""

import functools
from collections.abc import Iterator, Sequence

import jax
import numpy as np

from geomdl.actions import act
from geomdl.representations import FieldType


def orbit(elements: np.ndarray, x: np.ndarray, field_type: FieldType) -> Iterator[np.ndarray]:
    """g·x for one element g after the other; what `geomdl.actions.act` gives.

    Elements that map the pixel grid to itself are moved by NumPy; the others are resampled by `act`, compiled once per
    field type and shape.

    Args:
      elements: ``[n, element_size]`` of ``field_type.group``.
      x: ``[batch, *axes of the base space, channels]``, or ``[batch, channels]`` without base space.
      field_type: how the channels transform.

    >>> from geomdl.groups import C4
    >>> [y.ravel().tolist() for y in orbit(C4.elements()[:2], np.arange(4.0)[None], FieldType(C4, "1 regular"))]
    [[0.0, 1.0, 2.0, 3.0], [3.0, 0.0, 1.0, 2.0]]
    """
    matrices = [block.representation(elements) for block in field_type.blocks]
    for i, g in enumerate(elements):
        rho = [matrix[i] for matrix in matrices]
        if x.ndim == 2:
            yield _fibre(rho, x, field_type)
        elif (space := field_type.require_base_space("a moved field")).is_grid_symmetry(field_type.group, g):
            yield _fibre(rho, space.grid_symmetry(field_type.group, g)(x), field_type)
        else:
            yield np.asarray(_resampled(g, x, field_type))


def _fibre(rho: Sequence[np.ndarray], x: np.ndarray, field_type: FieldType) -> np.ndarray:
    """Multiplies the fields of each block by its matrix."""
    if field_type.is_trivial:
        return x
    moved = []
    for block, matrix in zip(field_type.blocks, rho, strict=True):
        fields = x[..., block.channels].reshape(*x.shape[:-1], block.multiplicity, block.representation.size)
        moved.append((fields.astype(np.float64) @ matrix.T).astype(x.dtype).reshape(*x.shape[:-1], -1))
    return np.concatenate(moved, -1)


@functools.partial(jax.jit, static_argnames="field_type")
def _resampled(g: jax.Array, x: jax.Array, field_type: FieldType) -> jax.Array:
    return act(g, x, field_type)
