"""Real spherical harmonics and Wigner matrices in NumPy, in the order and with the signs of e3nn."""

import functools
import math

import numpy as np


def spherical_harmonics(degree: int, points: np.ndarray) -> np.ndarray:
    r"""The real harmonics Y_l of a degree l on the sphere, orthonormal for the mean over it times 2l + 1 ("component").

      Σ_m Y_{lm}(u)² = 2l + 1 for every unit vector u,   Y_0 = 1,   Y_1 = √3 (x, y, z).

    Order and signs are those of e3nn: the usual harmonics with y as their axis, m = −l … l. They are products of
    coordinates, computed with one recurrence in z + i x and one in y, so a symmetry of the cube moves them without
    more than rounding.

    Args:
      degree: l ≥ 0.
      points: unit vectors (x, y, z), ``[..., 3]``; at the zero vector harmonics of degree > 0 are 0.

    Returns:
      ``[..., 2l + 1]``, float64.

    References:
      Geiger & Smidt, e3nn: Euclidean neural networks, 2022.

    >>> spherical_harmonics(1, np.array([1.0, 0, 0])).round(4)
    array([1.7321, 0.    , 0.    ])
    """
    x, y, z = np.moveaxis(np.asarray(points, float), -1, 0)
    sectoral, plane = [np.ones(x.shape, complex)], z + 1j * x
    for _ in range(degree):
        sectoral.append(sectoral[-1] * plane)
    square = x * x + y * y + z * z
    columns = {}
    for m in range(degree + 1):
        # Legendre functions of y without their factor sin^m, times r^(l − m): P_m^m = (2m − 1)!!
        before, now = np.zeros(x.shape), np.full(x.shape, float(math.prod(range(1, 2 * m, 2))))
        for n in range(m, degree):
            before, now = now, ((2 * n + 1) * y * now - (n + m) * square * before) / (n - m + 1)
        norm = math.sqrt((2 * degree + 1) * math.factorial(degree - m) / math.factorial(degree + m))
        if m == 0:
            columns[0] = norm * now
        else:
            columns[m] = math.sqrt(2) * norm * now * sectoral[m].real
            columns[-m] = math.sqrt(2) * norm * now * sectoral[m].imag
    return np.stack([columns[m] for m in range(-degree, degree + 1)], -1)


def wigner(degree: int, rotation: np.ndarray) -> np.ndarray:
    """The real Wigner matrices D^l(R): Y_l(R u) = D^l(R) Y_l(u).

    Args:
      degree: l.
      rotation: R ``[..., 3, 3]``, proper rotations in coordinates (x, y, z).

    Returns:
      ``[..., 2l + 1, 2l + 1]``, orthogonal, float64. D^1(R) = R.

    >>> quarter_turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    >>> wigner(1, quarter_turn).round(12) + 0.0
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    """
    points, inverse = _frame(degree)
    moved = spherical_harmonics(degree, np.einsum("...ij,nj->...ni", rotation, points))
    matrix = np.swapaxes(inverse @ moved, -1, -2)
    rounded = np.rint(2 * matrix) / 2
    return np.where(np.abs(matrix - rounded) < 1e-12, rounded, matrix) + 0.0


@functools.lru_cache(maxsize=64)
def _frame(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Points that tell the harmonics apart, well spread, and the pseudo-inverse of these at them."""
    count = 4 * (2 * degree + 1)
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.pi * (3 - math.sqrt(5)) * np.arange(count)
    width = np.sqrt(1 - height**2)
    points = np.stack([width * np.cos(angle), width * np.sin(angle), height], -1)
    return points, np.linalg.pinv(spherical_harmonics(degree, points))
