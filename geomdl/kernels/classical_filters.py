r"""Classical filters by name, as small NumPy arrays to *correlate* with an image: O[r, c] = Σ k[s, t] I[r + s, c + t].

Networks compute cross-correlation; convolution turns the kernel by 180° first. The two agree for the symmetric filters
here (`identity`, `mean_blur`, `sharpen`, `binomial_blur` and the three strokes), and differ for `shift`,
`vertical_edge` and `sobel`.

`bank` stacks filters into the kernel array that `geomdl.layers.core.functional.correlate` takes:

>>> bank(mean_blur(), sharpen()).shape
(3, 3, 1, 2)
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from geomdl.errors import invalid

__all__ = [
    "anti_diagonal", "bank", "binomial_blur", "cross", "diagonal", "identity", "matching", "mean_blur", "sharpen",
    "shift", "sobel", "vertical_edge",
]  # fmt: skip

__experimental__ = [
    "anti_diagonal", "bank", "binomial_blur", "cross", "diagonal", "identity", "matching", "mean_blur", "sharpen",
    "shift", "sobel", "vertical_edge",
]  # fmt: skip

Filter = Float[np.ndarray, "rows columns"]


def _odd(size: int) -> int:
    if size < 1 or size % 2 == 0:
        raise invalid("size", size, "an odd positive integer, so that the filter has a centre", max(1, size + 1))
    return size


def identity(size: int = 3) -> Filter:
    """One at the centre: gives the image back.

    Args:
      size: rows and columns, odd.

    Raises:
      ValueError: if the size is not an odd positive integer.

    >>> identity(3)
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]], dtype=float32)
    """
    return shift(0, 0, size)


def shift(rows: int, columns: int, size: int = 3) -> Filter:
    """Moves the image ``rows`` down and ``columns`` to the right: O[r, c] = I[r − rows, c − columns].

    Args:
      rows: pixels down (negative: up).
      columns: pixels to the right (negative: left).
      size: rows and columns of the filter, odd, at least 2·max(|rows|, |columns|) + 1.

    Raises:
      ValueError: if the size is not an odd positive integer, or too small for the shift.

    >>> shift(0, 1)
    array([[0., 0., 0.],
           [1., 0., 0.],
           [0., 0., 0.]], dtype=float32)
    """
    centre = _odd(size) // 2
    reach = max(abs(rows), abs(columns))
    if reach > centre:
        raise invalid("size", size, f"at least {2 * reach + 1} for a shift by ({rows}, {columns})", 2 * reach + 1)
    kernel = np.zeros((size, size), np.float32)
    kernel[centre - rows, centre - columns] = 1
    return kernel


def mean_blur(size: int = 3) -> Filter:
    """Every value is replaced by the mean of its ``size`` × ``size`` neighbourhood.

    Args:
      size: rows and columns, odd.

    Raises:
      ValueError: if the size is not an odd positive integer.

    >>> float(mean_blur(3).sum())
    1.0
    """
    return np.full((_odd(size), size), 1 / size**2, np.float32)


def sharpen(size: int = 3) -> Filter:
    """Twice the image minus its blur: 2 · `identity` − `mean_blur`. Constant images stay as they are.

    Args:
      size: rows and columns, odd.

    Raises:
      ValueError: if the size is not an odd positive integer.

    >>> round(float(sharpen(3)[1, 1]), 4)
    1.8889
    """
    return 2 * identity(size) - mean_blur(size)


def binomial_blur(size: int = 3) -> Filter:
    """The outer product of two rows of Pascal's triangle, summing to 1: the usual stand-in for a Gaussian.

    Its variance is (size − 1)/4 along each axis, and for sizes ≥ 3 it takes the checkerboard to zero, which is why
    it is the blur to put before subsampling (Zhang 2019, "Making convolutional networks shift-invariant again").

    Args:
      size: rows and columns, odd.

    Raises:
      ValueError: if the size is not an odd positive integer.

    >>> (16 * binomial_blur(3)).astype(int)
    array([[1, 2, 1],
           [2, 4, 2],
           [1, 2, 1]])
    """
    row = np.array([math.comb(_odd(size) - 1, k) for k in range(size)], np.float64) / 2 ** (size - 1)
    return np.outer(row, row).astype(np.float32)


def vertical_edge() -> Filter:
    """Forward difference along a row, [0 −1 1]: O[r, c] = I[r, c + 1] − I[r, c], which is not zero at vertical edges.

    >>> vertical_edge().astype(int)
    array([[ 0,  0,  0],
           [ 0, -1,  1],
           [ 0,  0,  0]])
    """
    return shift(0, -1) - identity()


def sobel() -> Filter:
    """Sobel's filter for vertical edges: a difference along rows, smoothed along columns.

    Its transpose finds horizontal edges.

    >>> sobel()
    array([[ 1.,  0., -1.],
           [ 2.,  0., -2.],
           [ 1.,  0., -1.]], dtype=float32)
    """
    return np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], np.float32)


def diagonal(size: int = 3) -> Filter:
    """A stroke from top left to bottom right: +1 on the diagonal, −1 elsewhere. One of the parts of an X.

    Args:
      size: rows and columns, odd.

    Raises:
      ValueError: if the size is not an odd positive integer.

    >>> diagonal().astype(int)
    array([[ 1, -1, -1],
           [-1,  1, -1],
           [-1, -1,  1]])
    """
    return 2 * np.eye(_odd(size), dtype=np.float32) - 1


def anti_diagonal(size: int = 3) -> Filter:
    """A stroke from bottom left to top right: `diagonal`, mirrored.

    Args:
      size: rows and columns, odd.

    Raises:
      ValueError: if the size is not an odd positive integer.

    >>> anti_diagonal().astype(int)
    array([[-1, -1,  1],
           [-1,  1, -1],
           [ 1, -1, -1]])
    """
    return diagonal(size)[:, ::-1].copy()


def cross(size: int = 3) -> Filter:
    """Two strokes that cross: +1 on both diagonals, −1 elsewhere. The middle of an X.

    Args:
      size: rows and columns, odd.

    Raises:
      ValueError: if the size is not an odd positive integer.

    >>> cross().astype(int)
    array([[ 1, -1,  1],
           [-1,  1, -1],
           [ 1, -1,  1]])
    """
    return np.maximum(diagonal(size), anti_diagonal(size))


def matching(feature: Filter) -> Filter:
    """The filter whose correlation is the *match*: the mean of the products of a feature with the window under it.

    For images and features of ±1 a match is 1 where every pixel agrees, −1 where every pixel disagrees.

    Args:
      feature: of ±1.

    >>> round(float((matching(cross()) * cross()).sum()), 6)
    1.0
    """
    return (feature / feature.size).astype(np.float32)


def bank(*filters: np.ndarray) -> Float[Array, "rows columns 1 filters"]:
    """Stacks filters of one size into a kernel for images of one channel: one output channel per filter.

    Args:
      *filters: each ``[rows, columns]``.

    Raises:
      ValueError: if there is no filter, or the filters differ in size.

    >>> bank(diagonal(), cross(), anti_diagonal()).shape
    (3, 3, 1, 3)
    """
    shapes = {f.shape for f in filters}
    if len(shapes) != 1:
        raise invalid("filters", sorted(shapes), "one or more filters of one size")
    return jnp.asarray(np.stack(filters, axis=-1)[:, :, None, :])
