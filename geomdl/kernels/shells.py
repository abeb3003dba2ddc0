"""Spatial functions of steerable kernels for volumes: Gaussian shells times spherical harmonics, sampled on voxels."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from geomdl.groups import VOLUME
from geomdl.kernels.rings import Cutoff, ring_parameters, warn_of_aliasing
from geomdl.representations.spherical_harmonics import spherical_harmonics


@dataclasses.dataclass(frozen=True)
class Shells:
    """Shells of given radii and widths, each with spherical harmonics up to a degree, on a window of k³ voxels.

      b_{i,lm}(y) = exp(−(|y| − r_i)² / 2σ_i²) Y_{lm}(y / |y|),   0 ≤ l ≤ l_i,  −l ≤ m ≤ l,

    with y = (x, y, z) in voxels about the window's centre, and the harmonics of
    `geomdl.representations.spherical_harmonics`. At y = 0 functions of degree l > 0 are 0, as equivariance asks.

    Args:
      size: k.
      radii: r_i in voxels.
      sigmas: σ_i in voxels.
      frequencies: l_i.

    >>> shells(5)
    Shells(size=5, radii=(0.0, 1.0, 2.0), sigmas=(0.005, 0.6, 0.4), frequencies=(0, 2, 2))
    >>> [shells(k).functions for k in (3, 5, 7)]
    [10, 19, 35]
    """

    size: int
    radii: tuple[float, ...]
    sigmas: tuple[float, ...]
    frequencies: tuple[int, ...]

    @property
    def functions(self) -> int:
        """The number of real functions: Σ_i (l_i + 1)²."""
        return sum((f + 1) ** 2 for f in self.frequencies)

    def start(self, shell: int, degree: int) -> int:
        """The number of the first function of a shell and a degree."""
        return sum((f + 1) ** 2 for f in self.frequencies[:shell]) + degree**2

    def gram(self, shell: int, degree: int) -> np.ndarray:
        """The inner products of its functions on the window, ``[2l + 1, 2l + 1]``."""
        return _gram(self, degree)[shell]

    def functions_sampled(self) -> np.ndarray:
        """``[k³, functions]``: shell by shell, degree by degree; voxels in the order of (depth, height, width)."""
        profiles = _profiles(self)
        columns = [
            profiles[:, shell, None] * _harmonics(self.size, degree)
            for shell, highest in enumerate(self.frequencies)
            for degree in range(highest + 1)
        ]
        return np.concatenate(columns, axis=1)

    def warn_of_aliasing(self) -> None:
        """Warns when a shell has a degree above π · radius."""
        warn_of_aliasing(self.radii, self.frequencies, "shell")


def shells(
    size: int,
    radii: Sequence[float] | None = None,
    sigma: float | Sequence[float] | None = None,
    frequencies_cutoff: Cutoff | None = None,
) -> Shells:
    """The shells of a window, by the rules of `geomdl.kernels.rings`, with degrees in place of frequencies.

    Args:
      size: k ≥ 1.
      radii: in voxels, from 0 to the window's corner.
      sigma: widths in voxels, one for all shells or one each.
      frequencies_cutoff: the highest degree; see `geomdl.kernels.rings.Cutoff`.

    Raises:
      ValueError: for values out of range.

    >>> shells(3, frequencies_cutoff=(0, 3)).frequencies
    (0, 3)
    """
    return Shells(*ring_parameters(size, radii, sigma, frequencies_cutoff, dimension=3))


def _places(size: int) -> np.ndarray:
    """(x, y, z) of the voxels ``[k³, 3]``."""
    return VOLUME.coordinates((size,) * 3).reshape(-1, 3)[:, ::-1] * np.array([1.0, -1, -1])


@functools.lru_cache(maxsize=64)
def _profiles(spec: Shells) -> np.ndarray:
    radius = np.linalg.norm(_places(spec.size), axis=1)
    radii, sigmas = np.array(spec.radii), np.array(spec.sigmas)
    return np.exp(-((radius[:, None] - radii) ** 2) / (2 * sigmas**2))


@functools.lru_cache(maxsize=256)
def _harmonics(size: int, degree: int) -> np.ndarray:
    places = _places(size)
    radius = np.linalg.norm(places, axis=1, keepdims=True)
    directions = np.divide(places, radius, out=np.zeros_like(places), where=radius > 0)
    return spherical_harmonics(degree, directions)


@functools.lru_cache(maxsize=256)
def _gram(spec: Shells, degree: int) -> np.ndarray:
    """``[shells, 2l + 1, 2l + 1]``."""
    profiles = _profiles(spec)
    harmonics = _harmonics(spec.size, degree)
    return np.einsum("xs,xp,xq->spq", profiles**2, harmonics, harmonics, optimize=True)
