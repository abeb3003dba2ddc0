"""Each image, or volume, of a batch moved by an element of its own that maps the grid to itself."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.arrays import as_array
from geomdl.groups import PLANE, BaseSpace, require_kept


@dataclass(frozen=True, eq=False)
class GridElements:
    """Moves image i by the element number ``which[i]`` of those of a group that map the grid to itself. Exact.

    Attributes:
      group: finite; of the plane for images, of space for volumes.
      which: ``[batch]`` whole numbers from 0 up to `count`.
      space: what the images lie on.

    Raises:
      ValueError: for a group that does not act there.

    >>> from geomdl.groups import C4, VOLUME, O
    >>> GridElements(C4, jnp.array([1])).labels(jnp.array([[[0, 1], [2, 3]]]), -1)
    Array([[[1, 3],
            [0, 2]]], dtype=int32)
    >>> volumes = jnp.arange(16.0).reshape(2, 2, 2, 2, 1)
    >>> GridElements(O, jnp.array([0, 1]), VOLUME).images(volumes)[..., 0].tolist()[1]
    [[[9.0, 11.0], [8.0, 10.0]], [[13.0, 15.0], [12.0, 14.0]]]
    """

    group: Any
    which: jax.Array
    space: BaseSpace = PLANE

    def __post_init__(self) -> None:
        self.space.require_moved_by(self.group, f"turns of {self.space.fields}")

    @property
    def count(self) -> int:
        """How many elements map the grid to itself."""
        return len(self._elements)

    @property
    def _elements(self) -> np.ndarray:
        elements = self.group.elements()
        return elements[self.space.is_grid_symmetry(self.group, elements)]

    @property
    def linear(self) -> jax.Array:
        """A(g), in coordinates (x, y), or (x, y, z), with entries −1, 0 and 1: ``[batch, dimension, dimension]``."""
        return jnp.asarray(np.rint(self.group.matrix(self._elements)).astype(np.float32))[self.which]

    @property
    def offset(self) -> jax.Array:
        """Zero."""
        return jnp.zeros(self.space.dimension)

    def images(self, x: jax.Array) -> jax.Array:
        """Every pixel moves to a pixel. Raises ValueError where exchanged axes are not equally long."""
        x = jnp.asarray(as_array(x, self.space.fields))
        return self._moved(x)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """Every pixel moves to a pixel."""
        return self._moved(y)

    def _moved(self, x: jax.Array) -> jax.Array:
        """x'(p) = x(A⁻¹ p), in whole numbers: places are counted from the centre in halves of a pixel."""
        size = x.shape[1 : 1 + self.space.dimension]
        require_kept(self.space, self.group, size)
        last = np.array(size) - 1
        inverse = np.rint(np.swapaxes(self.space.matrix(self.group, self._elements), -1, -2)).astype(np.int32)
        places = np.rint(2 * self.space.coordinates(size)).reshape(-1, len(size)).astype(np.int32)
        steps = np.cumprod([1, *size[:0:-1]])[::-1].astype(np.int32)
        rows = jnp.asarray((steps @ inverse).astype(np.int32))[self.which]  # [batch, dimension]
        index = (rows @ places.T + int(steps @ last)) // 2  # of the sources, in the flattened grid
        flat = x.reshape(len(x), len(places), *x.shape[1 + len(size) :])
        return jax.vmap(lambda image, source: image[source])(flat, index).reshape(x.shape)
