"""The eight pieces of Tetris in space: four cubes each, of which two pieces are mirror images of each other."""

import numpy as np
from jaxtyping import Float

TETRIS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "left screw": ((0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 1, 0)),
    "right screw": ((1, 1, 1), (1, 1, 2), (2, 1, 1), (2, 0, 1)),
    "square": ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)),
    "line": ((0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 0, 3)),
    "corner": ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)),
    "L": ((0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0)),
    "T": ((0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 1)),
    "zigzag": ((0, 0, 0), (1, 0, 0), (1, 1, 0), (2, 1, 0)),
}
"""The centres (x, y, z) of the cubes of each piece; the two screws are mirror images that no rotation carries over."""


def tetris() -> tuple[Float[np.ndarray, "8 4 3"], tuple[str, ...]]:
    """The pieces as point clouds, and their names: class i is cloud i.

    References:
      The standard first example of e3nn: Geiger and Smidt, e3nn: Euclidean neural networks, 2022.

    >>> points, names = tetris()
    >>> points.shape, names[:2]
    ((8, 4, 3), ('left screw', 'right screw'))
    """
    return np.array(list(TETRIS.values()), np.float32), tuple(TETRIS)
