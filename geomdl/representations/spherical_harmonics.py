"""Real spherical harmonics and Wigner matrices in NumPy, in the order and with the signs of e3nn."""

import functools
import math
from typing import Any

import numpy as np


def spherical_harmonics(degree: int, points: Any, xp: Any = np) -> Any:
    r"""The real harmonics Y_l of a degree l on the sphere, orthonormal for the mean over it times 2l + 1 ("component").

      Σ_m Y_{lm}(u)² = 2l + 1 for every unit vector u,   Y_0 = 1,   Y_1 = √3 (x, y, z).

    Order and signs are those of e3nn: the usual harmonics with y as their axis, m = −l … l. They are products of
    coordinates, computed with one recurrence in z + i x and one in y, so a symmetry of the cube moves them without
    more than rounding.

    Args:
      degree: l ≥ 0.
      points: unit vectors (x, y, z), ``[..., 3]``; at the zero vector harmonics of degree > 0 are 0.
      xp: the library that computes: NumPy, or ``jax.numpy`` for points that are traced.

    Returns:
      ``[..., 2l + 1]``, float64 in NumPy.

    References:
      Geiger & Smidt, e3nn: Euclidean neural networks, 2022.

    >>> spherical_harmonics(1, np.array([1.0, 0, 0])).round(4)
    array([1.7321, 0.    , 0.    ])
    """
    x, y, z = xp.moveaxis(np.asarray(points, float) if xp is np else points, -1, 0)
    sectoral = [(xp.ones_like(x), xp.zeros_like(x))]  # (z + i x)^m, real and imaginary part
    for _ in range(degree):
        real, imaginary = sectoral[-1]
        sectoral.append((real * z - imaginary * x, real * x + imaginary * z))
    square = x * x + y * y + z * z
    columns = {}
    for m in range(degree + 1):
        # Legendre functions of y without their factor sin^m, times r^(l − m): P_m^m = (2m − 1)!!
        before, now = xp.zeros_like(x), xp.full_like(x, math.prod(range(1, 2 * m, 2)))
        for n in range(m, degree):
            before, now = now, ((2 * n + 1) * y * now - (n + m) * square * before) / (n - m + 1)
        norm = math.sqrt((2 * degree + 1) * math.factorial(degree - m) / math.factorial(degree + m))
        if m == 0:
            columns[0] = norm * now
        else:
            columns[m] = math.sqrt(2) * norm * now * sectoral[m][0]
            columns[-m] = math.sqrt(2) * norm * now * sectoral[m][1]
    return xp.stack([columns[m] for m in range(-degree, degree + 1)], -1)


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
    points, inverse = wigner_frame(degree)
    moved = spherical_harmonics(degree, np.einsum("...ij,nj->...ni", rotation, points))
    matrix = np.swapaxes(inverse @ moved, -1, -2)
    rounded = np.rint(2 * matrix) / 2
    return np.where(np.abs(matrix - rounded) < 1e-12, rounded, matrix) + 0.0


@functools.lru_cache(maxsize=64)
def wigner_frame(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Points that tell the harmonics of a degree apart, and the pseudo-inverse of these at them.

    Args:
      degree: l.
    """
    count = 4 * (2 * degree + 1)
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.pi * (3 - math.sqrt(5)) * np.arange(count)
    width = np.sqrt(1 - height**2)
    points = np.stack([width * np.cos(angle), width * np.sin(angle), height], -1)
    return points, np.linalg.pinv(spherical_harmonics(degree, points))
