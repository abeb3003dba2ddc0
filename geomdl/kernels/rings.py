"""Spatial functions of steerable kernels: Gaussian rings times circular harmonics, sampled on a window of pixels."""

import dataclasses
import functools
import math
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from geomdl.errors import invalid
from geomdl.numbers import whole_number

Cutoff = float | tuple[int, ...] | Callable[[float], float]
"""The highest frequency on each ring: a factor of the radius, one number per ring, or a function of the radius."""


@dataclasses.dataclass(frozen=True)
class Rings:
    """Rings of given radii and widths, each with harmonics up to a frequency, on a window of k × k pixels.

      b_{i,μ}(y) = exp(−(|y| − r_i)² / 2σ_i²) · (cos μφ, sin μφ),   y = |y| (cos φ, sin φ),  0 ≤ μ ≤ μ_i,

    with y = (x right, y up) in pixels about the window's centre (between the pixels for even k). At y = 0 functions of
    frequency μ > 0 are 0, as equivariance asks. Under quarter turns and reflections of the grid the samples are
    permuted and change sign, without rounding.

    Args:
      size: k.
      radii: r_i in pixels.
      sigmas: σ_i in pixels.
      frequencies: μ_i.

    >>> rings(5)
    Rings(size=5, radii=(0.0, 1.0, 2.0), sigmas=(0.005, 0.6, 0.4), frequencies=(0, 2, 2))
    >>> [rings(k).functions for k in (3, 5, 7, 9)]
    [6, 11, 18, 31]
    """

    size: int
    radii: tuple[float, ...]
    sigmas: tuple[float, ...]
    frequencies: tuple[int, ...]

    @property
    def functions(self) -> int:
        """The number of real functions: Σ_i (2μ_i + 1)."""
        return sum(2 * f + 1 for f in self.frequencies)

    @property
    def samples(self) -> np.ndarray:
        """``[k², rings, μ_max + 1, 2]``: cosine and sine of every ring and frequency, row by row from the top, float64.

        Harmonics above a ring's frequency are there too; who uses them decides by `frequencies`. Read-only.
        """
        return _samples(self)

    def functions_sampled(self) -> np.ndarray:
        """``[k², functions]``: ring by ring 1, cos φ, sin φ, cos 2φ, …, up to each ring's frequency."""
        columns = []
        for ring, frequency in enumerate(self.frequencies):
            values = self.samples[:, ring, : frequency + 1].reshape(len(self.samples), -1)
            columns.append(np.delete(values, 1, axis=1))  # sin 0 = 0
        return np.concatenate(columns, axis=1)

    def warn_of_aliasing(self) -> None:
        """Warns when a ring has a frequency above π · radius: fewer than two pixels of the ring's length per period."""
        warn_of_aliasing(self.radii, self.frequencies, "ring")

    def start(self, ring: int, frequency: int) -> int:
        """The number of the first function of a ring and a frequency among `functions_sampled`."""
        return sum(2 * f + 1 for f in self.frequencies[:ring]) + max(2 * frequency - 1, 0)

    def gram(self, ring: int, frequency: int) -> np.ndarray:
        """The inner products of cosine and sine on the window, ``[2, 2]``."""
        return _gram(self)[ring, frequency]


@functools.lru_cache(maxsize=128)
def _gram(spatial: Rings) -> np.ndarray:
    """Inner products of cosine and sine on the window: ``[rings, frequencies, 2, 2]``."""
    return np.einsum("xrmp,xrmq->rmpq", spatial.samples, spatial.samples)


def warn_of_aliasing(radii: Sequence[float], frequencies: Sequence[int], kind: str) -> None:
    """Warns of rings or shells with a frequency above π · radius."""
    for radius, frequency in zip(radii, frequencies, strict=True):
        if frequency > math.pi * radius:
            warnings.warn(
                f"a {kind} of radius {radius:g} pixels has about {2 * math.pi * radius:.0f} pixels"
                f"{' round it' * (kind != 'ring')} and cannot carry frequency {frequency}: kernels alias, and rotations"
                f" other than quarter turns suffer; allowed: up to {int(math.pi * radius)}",
                stacklevel=5,
            )


def rings(
    size: int,
    radii: Sequence[float] | None = None,
    sigma: float | Sequence[float] | None = None,
    frequencies_cutoff: Cutoff | None = None,
) -> Rings:
    """The rings of a window, by default those of escnn.

    By default (k odd) radii are 0, 1, …, (k − 1)/2; σ is 0.005 at radius 0, 0.4 on the last ring, else 0.6; the
    frequencies are 0 at radius 0, else min(2r, 2 on the last ring, otherwise 2r, less 1 where r is even). An even
    window has no pixel at its centre: radii are ½, 3/2, …, (k − 1)/2 with the same rules (departs from escnn, where
    even windows lose functions and 2 × 2 has none).

    Args:
      size: k ≥ 1.
      radii: in pixels, from 0 to the window's corner.
      sigma: widths in pixels, one for all rings or one each.
      frequencies_cutoff: see `Cutoff`.

    Raises:
      ValueError: for values out of range.

    >>> rings(2)
    Rings(size=2, radii=(0.5,), sigmas=(0.4,), frequencies=(1,))
    >>> rings(7, radii=(0, 1.5, 3), sigma=0.5, frequencies_cutoff=1.0).frequencies
    (0, 1, 3)
    """
    return Rings(*ring_parameters(size, radii, sigma, frequencies_cutoff, dimension=2))


def ring_parameters(
    size: int,
    radii: Sequence[float] | None,
    sigma: float | Sequence[float] | None,
    cutoff: Cutoff | None,
    dimension: int,
) -> tuple[int, tuple[float, ...], tuple[float, ...], tuple[int, ...]]:
    """Size, radii, widths and highest frequencies, defaults filled in; see `rings`.

    Args:
      size: k.
      radii: in pixels.
      sigma: widths.
      cutoff: of the frequencies.
      dimension: of the window.

    Raises:
      ValueError: for values out of range.
    """
    size = whole_number("kernel_size", size)
    corner = (size - 1) / 2 * math.sqrt(dimension)
    if radii is None:
        radii = [(size - 1) / 2 - i for i in reversed(range((size + 1) // 2))]
    if not len(radii) or not all(0 <= r <= corner + 1e-9 for r in radii):
        raise invalid("rings", tuple(radii), f"radii between 0 and the corner of the window, {corner:.4g} pixels")
    if sigma is None:
        sigma = [0.6] * (len(radii) - 1) + [0.4]
        sigma = [0.005 if r == 0 else s for r, s in zip(radii, sigma, strict=True)]
    sigma = list(sigma) if isinstance(sigma, Sequence) else [sigma] * len(radii)
    if len(sigma) != len(radii) or not all(s > 0 for s in sigma):
        raise invalid("sigma", tuple(sigma), f"a positive number, or one for each of the {len(radii)} rings", 0.6)
    return size, tuple(map(float, radii)), tuple(map(float, sigma)), _frequencies(size, radii, cutoff)


def _frequencies(size: int, radii: Sequence[float], cutoff: Cutoff | None) -> tuple[int, ...]:
    if isinstance(cutoff, Sequence):
        found = list(cutoff)
    elif callable(cutoff):
        found = [cutoff(r) for r in radii]
    elif cutoff is not None:
        found = [cutoff * r for r in radii]
    else:
        last = (size - 1) / 2
        found = [0 if r == 0 else min(2 * r, 2 if r == last else 2 * r - (r % 2 == 0)) for r in radii]
    if len(found) != len(radii) or not all(f >= 0 for f in found):
        raise invalid(
            "frequencies_cutoff", cutoff, f"a factor ≥ 0, one frequency ≥ 0 for each of {len(radii)} rings, or None"
        )
    return tuple(math.floor(f + 1e-9) for f in found)


@functools.lru_cache(maxsize=128)
def _samples(spec: Rings) -> np.ndarray:
    axis = np.arange(spec.size) - (spec.size - 1) / 2
    place = (axis[None, :] - 1j * axis[:, None]).reshape(-1)  # x + iy, rows go down
    radius = np.hypot(place.real, place.imag)
    direction = np.divide(place, radius, out=np.zeros_like(place), where=radius > 0)
    harmonics = np.ones((len(place), max(spec.frequencies) + 1), complex)
    for frequency in range(1, harmonics.shape[1]):
        harmonics[:, frequency] = harmonics[:, frequency - 1] * direction  # products keep the grid's symmetry exactly
    radii, sigmas = np.array(spec.radii), np.array(spec.sigmas)
    profile = np.exp(-((radius[:, None] - radii) ** 2) / (2 * sigmas**2))
    values = profile[:, :, None] * harmonics[:, None, :]
    samples = np.stack([np.real(values), np.imag(values)], -1)
    samples.flags.writeable = False
    return samples
