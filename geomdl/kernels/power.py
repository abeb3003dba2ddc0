"""Expected power spectra: the energy that each class of weights gives a random kernel, and at which frequencies."""

import dataclasses
import functools
from collections.abc import Hashable

import numpy as np

from geomdl.groups import VOLUME, PlanarGroup, PointGroup
from geomdl.kernels.harmonics import solutions
from geomdl.kernels.pixel import PixelKernelSpace
from geomdl.kernels.rings import Rings
from geomdl.kernels.select import KernelSpace
from geomdl.kernels.shells import Shells
from geomdl.kernels.steerable import SteerableKernelSpace
from geomdl.kernels.templates import starts
from geomdl.representations import Representation
from geomdl.representations.representation import Label, irrep_size

GRID = 16
"""Spectra are computed at GRID frequencies along each axis of the pixel grid."""
EDGES = (1e-9, 0.5, 0.9, 1.3, 1.7, 2.1, 2.5, 2.9, 3.3, 3.8)
"""The radii |ξ| between the bands over which they are averaged; the first band is ξ = 0 alone."""
INDEPENDENT = ("independent",)
"""The keys of pixel kernels all of whose entries to one channel are independent weights: spectra are flat."""
_TURNS = 16


@dataclasses.dataclass(frozen=True, eq=False)
class Power:
    """The power of the kernels of one space, by classes of weights that have one variance.

    Attributes:
      keys: a name of each class; equal ones of several spaces of a layer share their variance.
      number: the class of each weight, ``[dimension]``.
      scale: what the kernel of each weight is to be divided by, ``[dimension]``.
      energy: of each class, ``[classes, irreps out]``: the expected energy of one output field, by types of irreps, of
        a white input field with unit variance in each channel; for weights of variance 1 / scale².
      spectrum: ``[classes, irreps in, 2, bands]``: the expected energy of the output field, of input fields whose
        irreps of one type have unit variance in their first or second component (in the frame of ξ) at frequencies ξ of
        one band. For irreps of dimension 1 both are the same.
    """

    keys: tuple[Hashable, ...]
    number: np.ndarray
    scale: np.ndarray
    energy: np.ndarray
    spectrum: np.ndarray


def labels(rho: Representation) -> tuple[Label, ...]:
    """The irreps of ρ, each once."""
    return tuple(dict.fromkeys(rho.labels))


def power(space: KernelSpace) -> Power:
    """The power of a space's kernels on square windows of the plane; of steerable ones on cubes of volumes too.

    >>> from geomdl.groups import C8
    >>> from geomdl.representations import regular, trivial
    >>> found = power(SteerableKernelSpace(trivial(C8), regular(C8), 5))
    >>> found.spectrum.shape  # a trivial irrep comes in
    (7, 1, 2, 11)
    """
    return _on_rings(space) if isinstance(space, SteerableKernelSpace) else _on_pixels(space)


@functools.lru_cache(maxsize=2)
def bands(dimension: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The frequencies of the grid ``[GRID^d, d]``, the band of each, and the share of the frequencies in each band."""
    axis = 2 * np.pi * np.fft.fftfreq(GRID)
    frequencies = np.stack(np.meshgrid(*[axis] * dimension), -1).reshape(-1, dimension)
    band = np.digitize(np.linalg.norm(frequencies, axis=-1), EDGES)
    return frequencies, band, np.bincount(band) / len(band)


def _averaged(values: np.ndarray, dimension: int = 2) -> np.ndarray:
    """The mean over each band of ``[..., GRID^d]``."""
    _, band, share = bands(dimension)
    members = (band[:, None] == np.arange(len(share))) / (share * len(band))
    return values @ members


@functools.lru_cache(maxsize=64)
def _fourier(size: int) -> np.ndarray:
    """``[GRID², size²]``: the Fourier transform of functions on a window."""
    axis = np.arange(size) - (size - 1) / 2
    places = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    return np.exp(-1j * bands()[0] @ places.T)


@functools.lru_cache(maxsize=128)
def _harmonics(spatial: Rings | Shells) -> np.ndarray:
    """``[rings, frequencies, bands]``: the power of each harmonic (cosine and sine together), of mean 1.

    Of volumes ``[shells, degrees, bands]``, that of all 2l + 1 harmonics of a degree together.
    """
    if isinstance(spatial, Shells):
        return _of_shells(spatial)
    transformed = np.einsum("fx,xrmp->rmpf", _fourier(spatial.size), spatial.samples, optimize=True)
    found = (np.abs(transformed) ** 2).sum(2)
    return _averaged(found / np.maximum(found.mean(-1, keepdims=True), 1e-12))


def _of_shells(spatial: Shells) -> np.ndarray:
    places = VOLUME.coordinates((spatial.size,) * 3).reshape(-1, 3)
    wave = np.exp(-1j * bands(3)[0] @ places.T)
    sampled, highest = spatial.functions_sampled(), max(spatial.frequencies)
    found = np.zeros((len(spatial.radii), highest + 1, len(EDGES) + 1))
    for shell, degrees in enumerate(spatial.frequencies):
        for degree in range(degrees + 1):
            start = spatial.start(shell, degree)
            strength = (np.abs(wave @ sampled[:, start : start + 2 * degree + 1]) ** 2).sum(-1)
            found[shell, degree] = _averaged(strength / max(strength.mean(), 1e-12), 3)
    return found


@functools.lru_cache(maxsize=1 << 14)
def _polarisation(group: PointGroup, label_in: Label, label_out: Label, frequency: int) -> np.ndarray:
    """The relative power that kernels of one frequency pass of an irrep's components along ξ and across; mean 1.

    In space 1 for all: the mean over the components.
    """
    basis, size = solutions(group, label_in, label_out, frequency), irrep_size(group, label_in)
    if size != 2 or not isinstance(group, PlanarGroup):
        return np.ones(2)
    angles = 2 * np.pi * np.arange(_TURNS) / _TURNS
    wave = np.stack([np.cos(frequency * angles), np.sin(frequency * angles)])
    cos, sin = np.cos(label_in[1] * angles), np.sin(label_in[1] * angles)
    frame = np.stack([np.stack([cos, -sin]), np.stack([sin, cos])])
    passed = (np.einsum("npoi,pt,ict->ncto", basis, wave, frame) ** 2).sum((0, 2, 3))
    return passed / passed.mean()


@functools.lru_cache(maxsize=256)
def _on_rings(space: SteerableKernelSpace) -> Power:
    rho_in, rho_out, group = space.in_representation, space.out_representation, space.group
    into, out = labels(rho_in), labels(rho_out)
    number_in = np.array([into.index(a) for a in rho_in.labels])[space.source]
    number_out = np.array([out.index(o) for o in rho_out.labels])[space.target]
    ring, frequency = space.harmonics.T
    if not space.dimension:
        nothing = np.zeros(0, int)
        shape = (0, len(into), 2, len(EDGES) + 1)
        return Power((), nothing, nothing + 1.0, np.zeros((0, len(out))), np.zeros(shape))
    classes, number, count = np.unique(
        np.stack([number_in, number_out, ring, frequency]), axis=1, return_inverse=True, return_counts=True
    )
    energy, spectrum = np.zeros((len(count), len(out))), np.zeros((len(count), len(into), 2, len(EDGES) + 1))
    shapes, keys, details = _harmonics(space.spatial), [], (space.spatial, space.maximum_offset, space.basis_filter)
    for c, (a, o, r, m) in enumerate(classes.T):
        energy[c, o] = count[c]
        across = _polarisation(group, into[a], out[o], int(m))
        spectrum[c, a] = count[c] / irrep_size(group, into[a]) * across[:, None] * shapes[r, m]
        keys.append((into[a], out[o], int(r), int(m), *details))
    return Power(tuple(keys), number.reshape(-1), space.norms, energy, spectrum)


@functools.lru_cache(maxsize=256)
def _on_pixels(space: PixelKernelSpace) -> Power:
    rho_in, rho_out, pixels = space.in_representation, space.out_representation, space.shape[0] ** 2
    into, out = labels(rho_in), labels(rho_out)
    orbits = space.orbits.reshape(pixels, rho_in.size, rho_out.size)
    seen = [np.unique(orbits[..., q], return_counts=True) for q in range(rho_out.size)]
    copies_in, copies_out = (
        np.array([rho.labels.count(a) for a in of]) for rho, of in ((rho_in, into), (rho_out, out))
    )
    size_in, size_out = (np.array([irrep_size(space.group, a) for a in of]) for of in (into, out))
    if all(len(numbers) == pixels * rho_in.size for numbers, _ in seen):  # no two weights of a channel are the same one
        energy = pixels * rho_in.size * copies_out * size_out
        spectrum = np.broadcast_to(pixels * rho_out.size * copies_in[:, None, None], (len(into), 2, len(EDGES) + 1))
        number = np.zeros(space.dimension, int)
        return Power(INDEPENDENT, number, np.ones(space.dimension), 1.0 * energy[None], 1.0 * spectrum[None])
    axis = np.arange(space.shape[0]) - (space.shape[0] - 1) / 2
    distance = np.add.outer(4 * axis**2, 4 * axis**2).reshape(-1).astype(int)
    kinds = np.zeros((space.dimension, 2), int)
    kinds[orbits, 0] = distance[:, None, None]
    kinds[:, 1] = np.bincount(orbits.ravel(), minlength=space.dimension)
    keys, number = np.unique(kinds, axis=0, return_inverse=True)
    number = number.reshape(-1)
    of_class = (number == np.arange(len(keys))[:, None]).astype(float)
    spectrum = np.zeros((len(keys), len(into), 2, len(EDGES) + 1))
    done: dict[bytes, np.ndarray] = {}
    mixing = np.zeros((space.dimension, pixels, rho_in.size, rho_out.size))
    for q in range(rho_out.size):
        name = seen[q][0].tobytes()
        kernels = (orbits[..., q] == np.arange(space.dimension)[:, None, None]).astype(float)
        mixing[..., q] = kernels
        if name not in done:
            mixed = np.einsum("nyp,pi->niy", kernels, rho_in.change_of_basis) @ _fourier(space.shape[0]).T
            strength = np.einsum("cn,nib->cib", of_class, _averaged(np.abs(mixed) ** 2))
            done[name] = np.einsum("cib,ij->cjb", strength, _members(rho_in, into)) / size_in[:, None]
        spectrum += done[name][:, :, None]
    rows = (np.einsum("nypq,qo->nypo", mixing, rho_out.change_of_basis, optimize=True) ** 2).sum((1, 2))
    energy = of_class @ rows @ _members(rho_out, out)
    return Power(tuple(map(tuple, keys.tolist())), number, np.ones(space.dimension), energy, spectrum)


def _members(rho: Representation, names: tuple[Label, ...]) -> np.ndarray:
    """``[size, labels]``: which components belong to which irrep."""
    rows = [[float(label == name) for name in names] for label in rho.labels]
    return np.repeat(np.array(rows), np.diff(starts(rho)), axis=0)
