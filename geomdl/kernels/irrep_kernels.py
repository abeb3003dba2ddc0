"""Bases of equivariant kernels between two irreps, as dense arrays on rings or on pixels."""

import dataclasses
import functools
import math
from typing import Protocol

import numpy as np

from geomdl.groups import PointGroup
from geomdl.kernels.pixel import PixelKernelSpace, pixel_moves
from geomdl.kernels.rings import Rings
from geomdl.kernels.select import KernelSpace
from geomdl.kernels.shells import Shells
from geomdl.kernels.templates import BasisFilter, starts, template
from geomdl.representations import Representation
from geomdl.representations.representation import Label, irrep_matrix, irrep_size


class IrrepKernels(Protocol):
    """Bases of the kernels F with F(gx) = ψ_o(g) F(x) ψ_a(g)⁻¹, for every pair of irreps; a hashable value."""

    @property
    def group(self) -> PointGroup:
        """The group."""
        ...

    def between(self, a: Label, o: Label) -> np.ndarray:
        """``[elements, d_o, d_a, functions]``: the coefficients of the spatial functions."""
        ...

    def sampled(self) -> np.ndarray:
        """The spatial functions on the window, ``[k · k, functions]``."""
        ...


@dataclasses.dataclass(frozen=True)
class OnRings:
    """Kernels of `SteerableKernelSpace` between irreps: circular harmonics on Gaussian rings."""

    group: PointGroup
    spatial: Rings | Shells
    maximum_offset: int | None
    basis_filter: BasisFilter | None

    def between(self, a: Label, o: Label) -> np.ndarray:
        """Elements of norm 1 on the window."""
        return _between_on_rings(self, a, o)

    def sampled(self) -> np.ndarray:
        """Harmonics times Gaussian rings."""
        return self.spatial.functions_sampled()


@dataclasses.dataclass(frozen=True)
class OnPixels:
    """All kernels on the pixels of a window that the group permutes; on one pixel for any finite group."""

    group: PointGroup
    size: int

    def between(self, a: Label, o: Label) -> np.ndarray:
        """Orthonormal elements, each on one orbit of pixels.

        >>> from geomdl.groups import C4
        >>> OnPixels(C4, 3).between((0, 0), (0, 0)).shape[0]  # isotropic: centre, edges, corners
        3
        >>> OnPixels(C4, 3).between((0, 1), (0, 1)).shape[0]  # complex at the centre, all matrices elsewhere
        10
        """
        return _between_on_pixels(self, a, o)

    def sampled(self) -> np.ndarray:
        """One function for each pixel."""
        return np.eye(self.size**2)


def irrep_kernels(space: KernelSpace) -> IrrepKernels:
    """What a kernel space is made of, whatever its representations."""
    if isinstance(space, PixelKernelSpace):
        return OnPixels(space.group, space.shape[0])
    return OnRings(space.group, space.spatial, space.maximum_offset, space.basis_filter)


def element_coefficients(space: KernelSpace) -> np.ndarray | None:
    """``[elements, dimension]``: from the weights of a space to coefficients of the elements between irreps.

    The elements are those of every irrep of ρ_out, from every irrep of ρ_in, in this order. None where they are the
    weights themselves, as on rings.
    """
    return _pixel_coefficients(space) if isinstance(space, PixelKernelSpace) else None


def element_scale(space: KernelSpace, rho_in: Representation, o: Label) -> float:
    """What the kernels of a kind, from ρ_in, multiply their elements to ψ_o by; 1 on pixels."""
    if isinstance(space, PixelKernelSpace):
        return 1.0
    kernels = irrep_kernels(space)
    count = sum(len(kernels.between(a, o)) for a in rho_in.labels)
    return space.size * math.sqrt(rho_in.size * irrep_size(space.group, o) / max(count, 1))


@functools.lru_cache(maxsize=256)
def _pixel_coefficients(space: PixelKernelSpace) -> np.ndarray:
    rho_in, rho_out = space.in_representation, space.out_representation
    starts_in, starts_out, kernels = starts(rho_in), starts(rho_out), irrep_kernels(space)
    orbits = space.orbits.reshape(-1)
    rows = []
    for out_first, o in zip(starts_out, rho_out.labels, strict=False):
        to_out = np.linalg.inv(rho_out.change_of_basis)[out_first : out_first + irrep_size(space.group, o)]
        for in_first, a in zip(starts_in, rho_in.labels, strict=False):
            to_in = rho_in.change_of_basis[:, in_first : in_first + irrep_size(space.group, a)]
            # The inner product with Q_out⁻¹ K Q_in, for the kernel K of every weight: the indicator of its orbit.
            elements = np.einsum("trsx,rp,qs->txqp", kernels.between(a, o), to_out, to_in, optimize=True)
            rows += [np.bincount(orbits, e.reshape(-1), minlength=space.dimension) for e in elements]
    return np.array(rows).reshape(-1, space.dimension)


@functools.lru_cache(maxsize=1 << 12)
def _between_on_rings(kernels: OnRings, a: Label, o: Label) -> np.ndarray:
    group, spatial = kernels.group, kernels.spatial
    part = template(group, a, o, spatial, kernels.maximum_offset, kernels.basis_filter)
    dense = np.zeros((part.elements, irrep_size(group, o), irrep_size(group, a), spatial.functions))
    np.add.at(dense, (part.element, part.row, part.column, part.function), part.value)
    return dense


@functools.lru_cache(maxsize=1 << 12)
def _between_on_pixels(kernels: OnPixels, a: Label, o: Label) -> np.ndarray:
    group, pixels = kernels.group, kernels.size**2
    moves = pixel_moves(group, kernels.size)
    left, right = (irrep_matrix(group, label, group.elements()) for label in (o, a))
    each = np.einsum("grp,gsq->grspq", left, right).reshape(len(moves), left.shape[1] * right.shape[1], -1)
    found = []
    for first in np.flatnonzero(moves.min(0) == np.arange(pixels)):
        orbit = np.unique(moves[:, first])
        place = np.searchsorted(orbit, moves[:, orbit])  # [element, pixel of the orbit]
        mean = np.zeros((len(orbit), each.shape[1], len(orbit), each.shape[1]))
        for element, to in enumerate(place):
            mean[to, :, np.arange(len(orbit))] += each[element] / len(moves)
        for kernel in _independent(mean.reshape(len(orbit) * each.shape[1], -1)):
            whole = np.zeros((pixels, each.shape[1]))
            whole[orbit] = kernel.reshape(len(orbit), -1)
            found.append(whole.T.reshape(left.shape[1], right.shape[1], pixels))
    return np.array(found).reshape(-1, left.shape[1], right.shape[1], pixels)


def _independent(projection: np.ndarray) -> list[np.ndarray]:
    """An orthonormal basis of the image of a projection, made of its columns: of few entries where these have few."""
    basis: list[np.ndarray] = []
    left = projection.copy()
    for _ in range(round(np.trace(projection))):
        norms = np.linalg.norm(left, axis=0)
        column = left[:, np.flatnonzero(norms > 0.9 * norms.max())[0]]
        column = column / np.linalg.norm(column)
        left -= np.outer(column, column @ left)
        basis.append(np.where(np.abs(column) > 1e-12, column, 0.0))
    return basis
